"""Colours, type and sizes of every figure: defined once, for screen, projector and print.

Colours follow Okabe and Ito (2008), whose vermilion and blue stay apart under every common form
of colour blindness; each is darkened (light paper) or lightened (dark paper) until text in it has
a contrast of at least 4.5 to 1 with the paper (WCAG 2.1, AA). Two further schemes may be chosen:
one of higher contrast (text at 7 to 1, AAA) and one of greys alone.

A figure of a chosen width in millimetres is as wide as that on paper; its type has the size in
points that :func:`printed` states. A pixel of a figure is 1/96 inch, as in CSS.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from core.model import BadInput

Medium = Literal["screen", "projector", "print"]
Scheme = Literal["default", "high contrast", "grey"]

SCHEMES: tuple[Scheme, ...] = get_args(Scheme)

PIXELS_PER_MM = 96 / 25.4
PIXELS_PER_POINT = 96 / 72

WIDTHS: dict[str, float] = {
    "One column (88 mm)": 88.0,
    "One and a half columns (130 mm)": 130.0,
    "Two columns (180 mm)": 180.0,
    "Slide (300 mm)": 300.0,
}
"""Widths of figures in print, in millimetres; journals ask for 85 to 90 and 174 to 183."""

NARROWEST, WIDEST = 60.0, 600.0
"""Widths in millimetres that a figure may be given."""

SLIDE_FROM = 220.0
"""Width in millimetres from which a figure is read from afar, with type of twice the size."""

FONT = "Source Sans, Liberation Sans, Arial, Helvetica, sans-serif"
"""Streamlit serves Source Sans itself, so no network is needed; exports fall back on the others.
A family whose name has a digit of its own would need quotes, which the exporter does not parse."""


@dataclass(frozen=True)
class Palette:
    """The colours of one paper: data, text and lines."""

    paper: str
    ink: str
    muted: str
    rule: str
    mutant: str
    wild_type: str
    not_profiled: str
    further: tuple[str, ...]
    """For the third group onwards, and for categories that are not mutation states."""
    warning: str


LIGHT = Palette(
    paper="#FFFFFF",
    ink="#22262B",
    muted="#5B636D",
    rule="#D9DCE0",
    mutant="#BF4C00",
    wild_type="#0067A3",
    not_profiled="#6B7280",
    further=("#00795A", "#A3447F", "#8A6100", "#3F6FA8", "#5B636D"),
    warning="#B00020",
)
DARK = Palette(
    paper="#14171B",
    ink="#E8EAED",
    muted="#A9B1BC",
    rule="#3A4049",
    mutant="#FF9248",
    wild_type="#62B5E8",
    not_profiled="#9BA3AE",
    further=("#3CC49B", "#E39AC4", "#E3B341", "#8FB4E8", "#A9B1BC"),
    warning="#FF8A80",
)

LIGHT_CONTRAST = Palette(
    paper="#FFFFFF",
    ink="#000000",
    muted="#3A3F45",
    rule="#C4C8CE",
    mutant="#9E2F00",
    wild_type="#003F8A",
    not_profiled="#4D5159",
    further=("#00574A", "#8A1F6B", "#5E4500", "#2F4FA8", "#3A3F45"),
    warning="#A3001B",
)
DARK_CONTRAST = Palette(
    paper="#000000",
    ink="#FFFFFF",
    muted="#D3D8DE",
    rule="#4A5058",
    mutant="#FFA65C",
    wild_type="#7FCBFF",
    not_profiled="#B4BAC3",
    further=("#4FE0B5", "#FFA9DC", "#F5D04E", "#A9C6FF", "#D3D8DE"),
    warning="#FFA39B",
)
LIGHT_GREY = Palette(
    paper="#FFFFFF",
    ink="#1A1A1A",
    muted="#5E5E5E",
    rule="#D9D9D9",
    mutant="#000000",
    wild_type="#747474",
    not_profiled="#424242",
    further=("#333333", "#6A6A6A", "#151515", "#575757", "#747474"),
    warning="#1A1A1A",
)
DARK_GREY = Palette(
    paper="#141414",
    ink="#F0F0F0",
    muted="#B0B0B0",
    rule="#3F3F3F",
    mutant="#FFFFFF",
    wild_type="#8C8C8C",
    not_profiled="#BDBDBD",
    further=("#DADADA", "#9C9C9C", "#F2F2F2", "#AFAFAF", "#8C8C8C"),
    warning="#F0F0F0",
)
PALETTES: dict[Scheme, tuple[Palette, Palette]] = {
    "default": (LIGHT, DARK),
    "high contrast": (LIGHT_CONTRAST, DARK_CONTRAST),
    "grey": (LIGHT_GREY, DARK_GREY),
}
"""Scheme -> its colours on light and on dark paper."""

DASHES: tuple[tuple[int, ...], ...] = ((1, 0), (7, 3), (2, 2), (9, 3, 2, 3), (4, 2), (12, 4))
"""Dashes of curves where greys alone would not tell them apart; the first is a whole line."""


@dataclass(frozen=True)
class Sizes:
    """Type in points, lines and lengths in pixels of the figure."""

    text: float
    small: float
    title: float
    line: float
    mark: float
    height: int
    width: int
    row: float
    """Distance of two rows of a table inside a figure."""


SIZES: dict[Medium, Sizes] = {
    "screen": Sizes(14, 13, 17, 2.0, 7, 400, 860, 20),
    "projector": Sizes(20, 18, 25, 3.5, 11, 560, 1280, 29),
    "print": Sizes(10, 9, 12, 1.4, 5, 300, 520, 15),
}


def printed(width_mm: float) -> Sizes:
    """Sizes of a figure ``width_mm`` wide: text of 8.5 points, titles 9.5, all else 8.

    Two sizes that shrink further where room is scarce end at 7. From SLIDE_FROM on all of it is
    twice as large. Raises BadInput for a width that no page has.
    """
    if not NARROWEST <= width_mm <= WIDEST:
        raise BadInput(
            f"A figure cannot be {width_mm:g} mm wide.",
            expected=f"a width from {NARROWEST:g} to {WIDEST:g} mm",
            found=f"{width_mm:g}",
            remedy="Choose one of the widths that are offered.",
        )
    width = width_mm * PIXELS_PER_MM
    scale = 2.0 if width_mm >= SLIDE_FROM else 1.0
    unit = PIXELS_PER_POINT * scale
    return Sizes(
        text=round(8.5 * unit, 2),
        small=round(8.0 * unit, 2),
        title=round(9.5 * unit, 2),
        line=1.5 * scale,
        mark=5.0 * scale,
        height=round(min(max(0.6 * width, 200 * scale), 300 * scale)),
        width=round(width),
        row=16.5 * scale,
    )


@dataclass(frozen=True)
class Look:
    """How a figure is drawn: on which paper, for which medium, how wide, in which colours.

    ``width_mm``: the whole figure's width on paper in millimetres, its margins included; None:
    the medium's own. A screen's figure is as wide as its container.
    """

    dark: bool = False
    medium: Medium = "screen"
    width_mm: float | None = None
    scheme: Scheme = "default"

    @property
    def palette(self) -> Palette:
        return PALETTES[self.scheme][self.dark]

    @property
    def sizes(self) -> Sizes:
        own = SIZES[self.medium]
        if self.width_mm is None or self.medium == "screen":
            return own
        sizes = printed(self.width_mm)
        if self.medium == "print":
            return sizes
        return replace(own, width=sizes.width, height=min(own.height, round(0.6 * sizes.width)))

    @property
    def unit(self) -> float:
        """What a width in pixels of the screen grows by, so that it holds as many letters."""
        return self.sizes.small / SIZES["screen"].small

    @property
    def fixed(self) -> bool:
        """True where the whole figure has a width, not only the area inside its axes."""
        return self.width_mm is not None and self.medium != "screen"

    def frame(self, share: float = 1.0, height: int | None = None) -> dict[str, Any]:
        """Width, autosize and height of a spec; ``share`` of the medium's width where none was
        chosen; ``height`` of a figure that may be made lower, which ``usermeta`` keeps for it."""
        if self.medium == "screen":
            width: float | str = "container"
        else:
            width = self.sizes.width * (1.0 if self.fixed else share)
        fit = "pad" if width != "container" and not self.fixed else "fit-x"
        meta: dict[str, Any] = {"width_mm": self.width_mm} if self.fixed else {}
        tall = {} if height is None else {"height": height}
        if height is not None:
            meta["elastic"] = height
        frame = {"width": width, "autosize": {"type": fit, "contains": "padding"}}
        return {**frame, **tall, **({"usermeta": meta} if meta else {})}

    def dash(self, n: int) -> list[list[int]] | None:
        """Dashes of ``n`` curves, where colours do not tell them apart; else None."""
        if self.scheme != "grey":
            return None
        return [list(DASHES[i % len(DASHES)]) for i in range(n)]

    def colors(self, groups: tuple[str, ...]) -> list[str]:
        """One colour per group: mutation states by name, others in a fixed order."""
        named = {
            "mutant": self.palette.mutant,
            "wild type": self.palette.wild_type,
            "not profiled": self.palette.not_profiled,
        }
        if set(groups) <= set(named):
            return [named[g] for g in groups]
        order = (self.palette.wild_type, self.palette.mutant, *self.palette.further)
        return [named.get(g, order[i % len(order)]) for i, g in enumerate(groups)]

    def config(self) -> dict[str, Any]:
        """The Vega-Lite config that every figure shares."""
        p, s = self.palette, self.sizes
        return {
            "background": "transparent" if self.medium == "screen" else p.paper,
            "font": FONT,
            "padding": {"left": 4, "right": 4, "top": 6, "bottom": 4},
            "view": {"stroke": None},
            "axis": {
                "labelColor": p.ink,
                "titleColor": p.muted,
                "domainColor": p.muted,
                "tickColor": p.muted,
                "gridColor": p.rule,
                "gridOpacity": 0.6,
                "labelFontSize": s.small,
                "titleFontSize": s.text,
                "titleFontWeight": "normal",
                "labelPadding": 5,
                "tickSize": 4,
            },
            "legend": {"labelColor": p.ink, "titleColor": p.muted, "labelFontSize": s.small},
            "title": {
                "color": p.ink,
                "subtitleColor": p.muted,
                "fontSize": s.title,
                "subtitleFontSize": s.small,
                "anchor": "start",
                "frame": "group",
                "fontWeight": 600,
                "offset": 14,
                "subtitlePadding": 6,
                "subtitleLineHeight": s.small * 1.4,
            },
            "text": {"color": p.ink, "fontSize": s.small, "aria": True},
            # Vega names each mark container, and an empty or unlabelled one is a picture without
            # words to a screen reader; the figure's description says it all. Marks that are
            # clicked say so themselves.
            "mark": {"aria": False},
        }


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two ``#RRGGBB`` colours (WCAG 2.1), from 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
