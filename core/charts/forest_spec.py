"""The drawing of a forest figure: scales, columns, marks, and the strip that is clicked."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from core.charts.forest_rows import Rows
from core.charts.theme import Look
from core.charts.view import watermark

SELECTION = "chosen"
"""The selection of a clicked row; its value holds the row's ``key``."""

NARROW_LINE = 56
"""Letters of a footnote's line in a narrow figure."""

NARROW = 620
"""Below this width in pixels (of the figure on a screen) text stands above the intervals."""

TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
FINE_TICKS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0)
"""Where the axis spans less than a factor of FINE."""
FINE = 20.0

PITCH = 1.4
"""Distance of two rows, in those of a table inside a figure."""

PITCH_OF_TWO = 1.65
"""The same where a row holds two estimates, one below the other."""

DIRECTION = ("longer survival", "shorter survival")


@dataclass(frozen=True)
class ForestText:
    """The words of a forest figure; an empty ``p`` or ``q`` leaves that column out.

    ``first`` and ``second`` name the two estimates of a row where the table holds two;
    ``direction`` says what ratios below and above 1 mean.
    """

    labels: str = ""
    p: str = "p"
    q: str = ""
    first: str = "raw"
    second: str = ""
    ratio: str = "Hazard ratio"
    short: str = "HR"
    direction: tuple[str, str] = DIRECTION


@dataclass(frozen=True)
class Columns:
    """Which parts a table fills; ``told``: those of rows that are no heading."""

    counts: bool
    p: bool
    q: bool
    second: bool
    told: tuple[str, ...]


def columns_of(rows: Rows) -> Columns:
    own = [i for i, heading in enumerate(rows["heading"]) if not heading]
    parts = ("counts", "p", "q", "second")
    filled = {c: any(rows[c]) for c in parts}
    return Columns(**filled, told=tuple(c for c in parts if any(rows[c][i] for i in own)))


def pitch(look: Look, columns: Columns) -> float:
    """Distance of two rows, in pixels."""
    return (PITCH_OF_TWO if columns.second else PITCH) * look.sizes.row


def _wide(text: Any, size: float, look: Look) -> float:
    """About how many pixels the longest of some texts takes; fonts of exports run wider."""
    em = 0.49 if look.medium == "screen" else 0.54
    return max((em * size * len(t) for t in text), default=0.0)


def _stops(look: Look, text: ForestText, columns: Columns) -> dict[str, float]:
    """Distance of each right-hand column's right edge from the figure's, in pixels."""
    small, gap = look.sizes.small, 1.3 * look.sizes.small
    stops: dict[str, float] = {}
    at = 2.0
    for name, used, widest in (
        ("q", columns.q and text.q, max(text.q, "< 0.001", key=len)),
        ("p", columns.p and text.p, max(text.p, "< 0.001", key=len)),
        ("second", columns.second, "0.00 (0.00–0.00)"),
        ("ratio", True, "00.00 (0.00–00.00)"),
    ):
        if used:
            stops[name] = at
            at += _wide([widest], small, look) + gap
    stops["scale"] = at
    return stops


def margins(rows: Rows, columns: Columns, look: Look, text: ForestText) -> tuple[float, float]:
    """Pixels to the left and right of the scale where the figure is wide."""
    small = look.sizes.small
    indented = zip(rows["indent"], rows["label"], strict=True)
    label = _wide(["  " * indent + words for indent, words in indented], small * 1.04, look)
    counts = 0.0
    if columns.counts:
        counts = _wide([*rows["counts"], "events / n"], small, look) + 1.6 * small
    return label + counts + 1.2 * small, _stops(look, text, columns)["scale"]


_Y: dict[str, Any] = {"field": "middle", "type": "quantitative"}


def axes(look: Look, text: ForestText, n: int, low: float, high: float) -> dict[str, Any]:
    """An invisible layer that carries both scales: rows downwards, ratios between the columns."""
    fine = high / low < FINE
    ticks = [t for t in (FINE_TICKS if fine else TICKS) if low <= t <= high]
    return {
        "data": {"name": "rows"},
        "mark": {"type": "point", "opacity": 0, "size": 1},
        "encoding": {
            "x": {
                "field": "at",
                "type": "quantitative",
                "scale": {
                    "type": "log",
                    "domain": [low, high],
                    "nice": False,
                    "range": [{"expr": "from"}, {"expr": "to"}],
                },
                "axis": {
                    "values": ticks,
                    "format": "~g",
                    "grid": True,
                    "gridOpacity": {"expr": "narrow ? 0 : 0.6"},
                    "title": f"{text.ratio}, log scale",
                    "titlePadding": 2.1 * look.sizes.small,
                    "labelOverlap": "greedy",
                },
            },
            "y": {
                **_Y,
                "scale": {"domain": [0, n], "reverse": True, "nice": False, "zero": False},
                "axis": None,
            },
        },
    }


@lru_cache(maxsize=32)
def template(
    look: Look, text: ForestText, columns: Columns, simulated: bool, selectable: bool
) -> dict[str, Any]:
    """Everything that does not depend on the numbers; never changed by those who use it."""
    layers = _no_effect(look)
    if simulated:
        layers.append(watermark(look))
    if columns.second:
        layers += _interval_layers(look, columns, wide=-0.19, narrow=0.09)
        layers += _interval_layers(look, columns, "second_", wide=0.22, narrow=0.33)
    else:
        layers += _interval_layers(look, columns, wide=0.0, narrow=0.25)
    layers += _text_layers(look, text, columns)
    layers += _direction_layers(look, text)
    layers += [_notes_layer(look), _row_layer(look, text, columns, selectable)]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        **look.frame(1.35),
        "config": look.config(),
        "layer": layers,
    }


def _no_effect(look: Look) -> list[dict[str, Any]]:
    """The line at 1; where it is narrow only beneath each row's text."""
    line: dict[str, Any] = {"type": "rule", "color": look.palette.muted, "strokeWidth": 1.2}
    x = {"datum": 1.0, "type": "quantitative"}
    return [
        {
            "data": {"values": [{}]},
            "mark": {**line, "opacity": {"expr": "narrow ? 0 : 1"}},
            "encoding": {"x": x},
        },
        {
            "data": {"name": "rows"},
            "mark": {**line, "opacity": {"expr": "narrow && !datum.heading ? 1 : 0"}},
            "encoding": {"x": x, "y": _Y, "y2": {"field": "bottom"}},
        },
    ]


def _interval_layers(
    look: Look, columns: Columns, lead: str = "", *, wide: float, narrow: float
) -> list[dict[str, Any]]:
    """Line, arrows and mark of an estimate, ``wide`` or ``narrow`` of a row below its middle."""
    s, p = look.sizes, look.palette
    color = p.further[0] if lead else p.ink
    row = pitch(look, columns)
    at = {"expr": f"narrow ? {narrow * row:.2f} : {wide * row:.2f}"}
    hue: dict[str, Any] = {"value": color}
    if not lead:
        hue = {"condition": {"test": "datum.emphasised", "value": p.mutant}, "value": color}

    def x(field: str) -> dict[str, Any]:
        return {"field": lead + field, "type": "quantitative"}

    line: dict[str, Any] = {
        "type": "rule",
        "strokeWidth": s.line * (0.85 if not lead else 0.7),
        "yOffset": at,
    }
    line["y2Offset"] = at
    arrow: dict[str, Any] = {
        "type": "point",
        "filled": True,
        "opacity": 1,
        "yOffset": at,
        "size": s.mark**2 * 1.1,
    }
    dashes: dict[str, Any] = {}
    if not lead:
        whole = {"condition": {"test": "datum.dashed", "value": [5, 4]}, "value": [1, 0]}
        dashes = {"strokeDash": whole}
    layers: list[dict[str, Any]] = [
        {
            "data": {"name": "rows"},
            "transform": [{"filter": f"isValid(datum.{lead}start)"}],
            "mark": line,
            "encoding": {
                "x": x("start"),
                "x2": {"field": f"{lead}end"},
                "y": _Y,
                "color": hue,
                **dashes,
            },
        },
        *(
            {
                "data": {"name": "rows"},
                "transform": [{"filter": f"isValid(datum.{lead}{side}_arrow)"}],
                "mark": arrow | {"shape": shape},
                "encoding": {"x": x(f"{side}_arrow"), "y": _Y, "color": hue},
            }
            for side, shape in (("low", "triangle-left"), ("high", "triangle-right"))
        ),
    ]
    smallest, largest = 0.9 * s.mark**2, 4.0 * s.mark**2
    size: dict[str, Any] = {"value": 1.2 * s.mark**2}
    form: dict[str, Any] = {"value": "diamond"}
    if not lead:
        size = {"field": "area", "type": "quantitative", "scale": None}
        form = {"condition": {"test": "datum.summary", "value": "diamond"}, "value": "square"}
    # between two lines of text a square has little room
    least = 0.15 if columns.second else 0.35
    area = (
        f"datum.summary ? {largest} : "
        f"{smallest} + (narrow ? {least} : 1) * {largest - smallest} * datum.share"
    )
    layers.append(
        {
            "data": {"name": "rows"},
            "transform": [
                {"filter": f"isValid(datum.{lead}at)"},
                {"calculate": area, "as": "area"},
            ],
            "mark": {"type": "point", "filled": True, "opacity": 1, "yOffset": at},
            "encoding": {"x": x("at"), "y": _Y, "color": hue, "size": size, "shape": form},
        }
    )
    return layers


def _text_layers(look: Look, text: ForestText, columns: Columns) -> list[dict[str, Any]]:
    """The label at the left edge, the counts before the scale, the numbers right of it."""
    s, p = look.sizes, look.palette
    small = s.small
    stops = _stops(look, text, columns)
    tight = 3.7 * small if "p" in stops else 0.0
    beside = tight + 0.9 * _wide(["0.00 (0.00–00.00)"], small, look) + 0.5 * small
    above = (0.3 if columns.second else 0.27) * pitch(look, columns)
    up = {"expr": f"narrow ? {-above:.1f} : 0"}
    size = {"expr": f"narrow ? {0.9 * small:.1f} : {small}"}
    layers: list[dict[str, Any]] = [
        {
            "data": {"name": "rows"},
            "mark": {
                "type": "text", "align": "left", "baseline": "middle", "fontSize": size, "dy": up,
                "x": {"expr": f"datum.indent ? {0.9 * small:.1f} : 0"},
                "fontWeight": {"expr": "datum.heading || datum.emphasised ? 600 : 400"},
                "limit": {"expr": f"datum.heading ? width : narrow ? width - {beside:.0f} : 1000"},
            },
            "encoding": {
                "y": _Y,
                "text": {"field": "label"},
                "color": {"condition": {"test": "datum.emphasised", "value": p.mutant},
                          "value": p.ink},
            },
        }
    ]  # fmt: skip
    heads = [("", "left", "0", text.labels)]
    if columns.counts:
        place = f"from - {1.6 * small:.0f}"
        layers.append(_column("counts", place, up, size, look, wide_only=True))
        heads.append(("counts", "right", place, "events / n"))
    titles = {
        "ratio": f"{text.short} (95% CI)",
        "second": text.second,
        "p": text.p,
        "q": text.q,
    }
    # Where it is narrow the ratio and p share the right edge.
    for name in ("ratio", "second", "p", "q"):
        if name not in stops:
            continue
        place = f"width - {stops[name]:.0f}"
        if name in ("ratio", "p"):
            place = f"width - (narrow ? {tight * (name == 'ratio'):.0f} : {stops[name]:.0f})"
        layers.append(_column(name, place, up, size, look, wide_only=name in ("second", "q")))
        heads.append((name, "right", place, titles[name]))
    more = {"ratio": f", {text.first}"} if columns.second else {}
    return layers + [_head(look, *h, more=more.get(h[0], "")) for h in heads if h[3]]


def _column(
    name: str, place: str, up: Any, size: Any, look: Look, *, wide_only: bool
) -> dict[str, Any]:
    colors = {"second": look.palette.further[0], "counts": look.palette.muted}
    return {
        "data": {"name": "rows"},
        "mark": {
            "type": "text", "align": "right", "baseline": "middle", "fontSize": size, "dy": up,
            # Hidden text stays inside the view, which else would shrink to make room for it.
            "x": {"expr": f"narrow ? width : {place}" if wide_only else place},
            "opacity": {"expr": "narrow ? 0 : 1"} if wide_only else 1,
        },
        "encoding": {
            "y": _Y,
            "text": {"field": name},
            "color": {"value": colors.get(name, look.palette.ink)},
        },
    }  # fmt: skip


def _head(
    look: Look, name: str, align: str, place: str, words: str, *, more: str = ""
) -> dict[str, Any]:
    """A column's title; ``more`` of it stands only where there is room."""
    wide_only = name in ("counts", "second", "q")
    color = look.palette.further[0] if name == "second" else look.palette.muted
    return {
        "data": {"values": [{}]},
        "mark": {
            "type": "text", "align": align, "color": color,
            "text": {"expr": f"narrow ? {words!r} : {words + more!r}"} if more else words,
            "x": {"expr": f"narrow ? width : {place}" if wide_only else place},
            "y": -0.7 * look.sizes.small, "baseline": "middle",
            "opacity": {"expr": "narrow ? 0 : 1"} if wide_only else 1,
            "fontSize": {"expr": f"narrow ? {0.9 * look.sizes.small:.1f} : {look.sizes.small}"},
        },
    }  # fmt: skip


def _direction_layers(look: Look, text: ForestText) -> list[dict[str, Any]]:
    """What the two sides of 1 mean, under the ends of the axis."""
    s = look.sizes
    left, right = f"← {text.direction[0]}", f"{text.direction[1]} →"
    # beyond a scale too short for both, they stand to the sides of its middle
    wide = [_wide([t], 0.94 * s.small, look) + 0.4 * s.small for t in (left, right)]
    sides = (
        ("left", f"min(from, (from + to) / 2 - {wide[0]:.0f})", left),
        ("right", f"max(to, (from + to) / 2 + {wide[1]:.0f})", right),
    )
    return [
        {
            "data": {"values": [{}]},
            "mark": {
                "type": "text", "align": align, "text": words, "x": {"expr": place},
                "y": {"expr": f"height + {2.75 * s.small:.1f}"}, "baseline": "middle",
                "fontSize": 0.94 * s.small, "color": look.palette.muted,
            },
        }
        for align, place, words in sides
        if text.direction[0]
    ]  # fmt: skip


def note_lines(notes: list[str]) -> dict[str, list[Any]]:
    """Footnotes in lines for a wide and for a narrow figure: narrow, line, text."""
    out: dict[str, list[Any]] = {"narrow": [], "line": [], "text": []}
    for narrow in (False, True):
        lines = [x for n in notes for x in (textwrap.wrap(n, NARROW_LINE) if narrow else [n])]
        out["narrow"] += [narrow] * len(lines)
        out["line"] += range(len(lines))
        out["text"] += lines
    return out


def _notes_layer(look: Look) -> dict[str, Any]:
    s = look.sizes
    return {
        "data": {"name": "notes"},
        "mark": {
            "type": "text", "align": "left", "baseline": "top", "x": 0,
            "y": {"expr": f"height + {4.4 * s.small + 1.5 * s.text:.1f} + "
                          f"{1.35 * s.small:.1f} * (datum.narrow == narrow ? datum.line : 0)"},
            "opacity": {"expr": "datum.narrow == narrow ? 1 : 0"},
            "fontSize": 0.94 * s.small, "color": look.palette.muted,
            "limit": {"expr": "width"},
        },
        "encoding": {"text": {"field": "text"}},
    }  # fmt: skip


def _row_layer(look: Look, text: ForestText, columns: Columns, selectable: bool) -> dict[str, Any]:
    """A strip over each row: tells its numbers when pointed at, is chosen when clicked."""
    told = [("hint", "Row"), ("ratio", f"{text.short} (95% CI)")]
    told += [("second", text.second)] if columns.second else []
    told += [("p", text.p)] if "p" in columns.told and text.p else []
    told += [("q", text.q)] if "q" in columns.told and text.q else []
    layer: dict[str, Any] = {
        "data": {"name": "rows"},
        "transform": [{"filter": "!datum.heading"}],
        "mark": {"type": "rect", "x": 0, "x2": {"expr": "width"}, "color": look.palette.muted},
        "encoding": {
            "y": {"field": "top", "type": "quantitative"},
            "y2": {"field": "bottom"},
            "opacity": {"value": 0},
            "tooltip": [{"field": f, "type": "nominal", "title": t} for f, t in told],
        },
    }
    if selectable:
        layer["mark"]["cursor"] = "pointer"
        layer["params"] = [
            {
                "name": SELECTION,
                "select": {"type": "point", "fields": ["key"], "toggle": False},
            }
        ]
        layer["encoding"]["opacity"] = {
            "condition": {"param": SELECTION, "empty": False, "value": 0.18},
            "value": 0,
        }
    return layer
