"""Colours, type and sizes of every figure: defined once, for screen, projector and print.

Colours follow Okabe and Ito (2008), whose vermilion and blue stay apart under every common form
of colour blindness; each is darkened (light paper) or lightened (dark paper) until text in it has
a contrast of at least 4.5 to 1 with the paper (WCAG 2.1, AA).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Medium = Literal["screen", "projector", "print"]

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


@dataclass(frozen=True)
class Look:
    """How a figure is drawn: on which paper and for which medium."""

    dark: bool = False
    medium: Medium = "screen"

    @property
    def palette(self) -> Palette:
        return DARK if self.dark else LIGHT

    @property
    def sizes(self) -> Sizes:
        return SIZES[self.medium]

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
