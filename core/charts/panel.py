"""A whole panel at a glance: effect sizes with intervals, or a heatmap over tumour types.

Both figures lay their rows out alike: the label at the left, a section's heading above its rows,
and a strip over each row that chooses it when clicked.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from core.analysis.immunity import MIN_CELL, SIGNIFICANT, PanelComparison
from core.charts.figure import Figure
from core.charts.theme import Look
from core.charts.view import view
from core.charts.wording import DASH, p_text

SELECTION = "member"
"""The selection of a clicked row; its value holds the member's key."""

TESTS = {
    "naive": "All tumours",
    "stratified": "Within tumour types",
    "adjusted": "At equal TMB",
}
SHAPES = {"naive": "diamond", "stratified": "circle", "adjusted": "square"}
NARROW = 620
"""Width in pixels below which labels are cut and the medians are left out."""

COLUMN_HEADS = 8.2
"""Height of the heatmap's slanted column names, in small letters."""

EFFECT = "Rank-biserial correlation"
STRONG = 0.5
"""Effect from which a cell of the heatmap has its full colour."""


def panel_figure(
    result: PanelComparison,
    look: Look | None = None,
    *,
    simulated: bool,
    chosen: str = "",
    heading: tuple[str, ...] = (),
    selectable: bool = False,
) -> Figure:
    """Each member's effect size with its interval, by each of the three tests.

    ``chosen``: the member whose row is marked; ``selectable`` makes rows clickable.
    """
    look = look or Look()
    tests = tests_of(result)
    rows = _rows(result, chosen)
    marks = _marks(result, rows, tests)
    reach = _reach(marks)
    pitch = (2.1 if len(tests) > 2 else 1.8) * look.sizes.small
    spec = dict(_effects(look, simulated, tests, selectable, reach, result.order))
    spec["height"] = float(np.ceil(pitch * len(rows)))
    spec["params"] = row_places(look, rows, look.sizes.small * 9.5)
    spec["layer"] = [row_axis(look, len(rows), reach), *spec["layer"]]
    if heading:
        spec["title"] = {"text": heading[0], "subtitle": list(heading[1:])}
    data = {"rows": rows, "marks": marks}
    return Figure(_name(result), spec, data, describe(result))


def heatmap_figure(
    result: PanelComparison,
    look: Look | None = None,
    *,
    simulated: bool,
    chosen: str = "",
    heading: tuple[str, ...] = (),
    selectable: bool = False,
) -> Figure:
    """Each member's effect in each tumour type, after the three tests' columns."""
    look = look or Look()
    rows = _rows(result, chosen)
    tests = tests_of(result)
    cells, columns = _cells(result, rows, tests)
    spec = dict(_heat(look, simulated, selectable, len(columns)))
    spec["height"] = float(np.ceil(1.55 * look.sizes.small * len(rows)))
    spec["params"] = row_places(look, rows, 4.0)
    spec["layer"] = [row_axis(look, len(rows), None, len(columns)), *spec["layer"]]
    if heading:
        above = COLUMN_HEADS * look.sizes.small
        spec["title"] = {"text": heading[0], "subtitle": list(heading[1:]), "offset": above}
        spec["padding"] = {**spec["padding"], "top": 6}
    bare = rows[~rows.heading & ~rows.key.isin(cells.key)]
    data = {"rows": rows, "cells": cells, "columns": columns, "bare": bare}
    return Figure(f"{_name(result)}-types", spec, data, describe(result))


def describe(result: PanelComparison) -> str:
    """The figure in words, with the numbers of its first thirty members."""
    parts = [
        f"{r['name']} {effect_text(r, 'naive')} over all tumours, "
        f"{effect_text(r, 'stratified')} within types, {effect_text(r, 'adjusted')} at equal TMB"
        for r in result.records[:30]
    ]
    return (
        f"{EFFECT} of {result.panel.title.lower()}, {result.title} {result.order[1]} against "
        f"{result.order[0]}. {'; '.join(parts)}."
    )


def effect_text(row: Mapping[Any, Any], test: str) -> str:
    """``0.18 (0.11 to 0.24)``; a dash where there is none."""
    value, low, high = (row[f"{test}_{c}"] for c in ("rank_biserial", "ci_lower", "ci_upper"))
    if np.isnan(value):
        return DASH
    return f"{value:+.2f}" + ("" if np.isnan(low) else f" ({low:+.2f} to {high:+.2f})")


def value_text(value: float) -> str:
    """A median in three significant digits; a dash where unknown."""
    if np.isnan(value):
        return DASH
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


# -- data ------------------------------------------------------------------------------


def tests_of(result: PanelComparison) -> tuple[str, ...]:
    """The tests that estimate anything; the first alone where none does."""
    found = (t for t in TESTS if result.table[f"{t}_rank_biserial"].notna().any())
    return tuple(found) or tuple(TESTS)[:1]


def _rows(result: PanelComparison, chosen: str) -> pd.DataFrame:
    """Headings and members from top to bottom, with what is printed beside them."""
    out: list[dict[str, Any]] = []
    section = ""
    several = result.table.section.nunique() > 1
    for key, row in zip(result.table.index, result.records, strict=True):
        if several and row["section"] != section:
            section = row["section"]
            out.append({"key": "", "label": section, "heading": True, "chosen": False,
                        "medians": "", "hint": section, "indent": False})  # fmt: skip
        medians = f"{value_text(row['median_mutant'])} / {value_text(row['median_wild_type'])}"
        out.append(
            {
                "key": key,
                "label": row["name"],
                "heading": False,
                "indent": several,
                "chosen": key == chosen,
                "medians": medians,
                "n": f"{row['n_mutant']:,} / {row['n_wild_type']:,}, {row['n_types']} types",
                "hint": row["name"],
                **{t: _told(row, t) for t in TESTS},
            }
        )
    place = np.arange(len(out), dtype=float)
    return pd.DataFrame(out).assign(top=place, middle=place + 0.5, bottom=place + 1)


def _told(row: Mapping[Any, Any], test: str) -> str:
    """What pointing at a row tells of one test."""
    q = row[f"{test}_q_value"]
    more = f", q {p_text(q, symbol=False)}" if not np.isnan(q) else ""
    return effect_text(row, test) + more


def _marks(result: PanelComparison, rows: pd.DataFrame, tests: tuple[str, ...]) -> pd.DataFrame:
    """A row per member and test; bounds are cut at -1 and 1."""
    middle = rows.middle.to_numpy()[~rows.heading.to_numpy(bool)]
    table, n = result.table, len(result.table)
    parts: dict[str, list[Any]] = {c: [] for c in ("middle", "effect", "low", "high", "clear")}
    for i, t in enumerate(tests):
        parts["middle"].append(middle + (i - (len(tests) - 1) / 2) * 0.25)
        parts["effect"].append(np.clip(table[f"{t}_rank_biserial"].to_numpy(float), -1, 1))
        parts["low"].append(np.clip(table[f"{t}_ci_lower"].to_numpy(float), -1, 1))
        parts["high"].append(np.clip(table[f"{t}_ci_upper"].to_numpy(float), -1, 1))
        parts["clear"].append(table[f"{t}_q_value"].to_numpy(float) < SIGNIFICANT)
    names = np.repeat(np.array([TESTS[t] for t in tests], dtype=object), n)
    return pd.DataFrame({"test": names, **{c: np.concatenate(p) for c, p in parts.items()}})


def _reach(marks: pd.DataFrame) -> float:
    """Half the width of the axis: what holds every estimate and most of every interval."""
    estimates = float(np.nanmax(np.abs(marks.effect), initial=0.2))
    bounds = float(np.nanmax(np.abs(marks[["low", "high"]].to_numpy(float)), initial=0.2))
    wanted = min(max(bounds, estimates) * 1.05, max(2 * estimates, 0.3), 1.0)
    return float(np.ceil(20 * wanted) / 20)


def _cells(
    result: PanelComparison, rows: pd.DataFrame, tests: tuple[str, ...]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rectangles, and the columns' names: tests first, then types by their mutant patients."""
    reference, group = result.order
    own = result.by_type[result.by_type.rank_biserial.notna()]
    own_rows = list(zip(*(own[c].tolist() for c in own), strict=True))
    most: dict[str, int] = {}
    for _, kind, mutant, *_ in own_rows:
        most[kind] = max(mutant, most.get(kind, 0))
    order = sorted(sorted(most), key=lambda kind: -most[kind])
    gap = 0.4
    at = {t: float(i) for i, t in enumerate(tests)}
    at |= {t: len(tests) + gap + i for i, t in enumerate(order)}
    columns = pd.DataFrame(
        {
            "left": list(at.values()),
            "label": [*(TESTS[t] for t in tests), *order],
            "middle": [left + 0.5 for left in at.values()],
            "test": [left < len(tests) for left in at.values()],
        }
    )
    whole = [
        (
            key,
            t,
            row[f"{t}_rank_biserial"],
            TESTS[t],
            f"{row[f'{t}_n_mutant']:,} {group}",
            row[f"{t}_q_value"] < SIGNIFICANT,
        )
        for t in tests
        for key, row in zip(result.table.index, result.records, strict=True)
        if row[f"{t}_rank_biserial"] == row[f"{t}_rank_biserial"] and _enough(row)
    ]
    of_types = [
        (key, kind, effect, kind, f"{m:,} {group}, {w:,} {reference}", False)
        for key, kind, m, w, effect in own_rows
    ]
    cells = pd.DataFrame(
        [*whole, *of_types], columns=["key", "column", "effect", "about", "n", "clear"]
    )
    left = np.array([at[c] for c in cells.column], dtype=float)
    place = dict(zip(rows.key, rows.top, strict=True))
    top = np.array([place[k] for k in cells.key], dtype=float)
    names = dict(zip(result.table.index, result.table["name"], strict=True))
    return cells.assign(
        left=left,
        right=left + 1,
        top=top,
        bottom=top + 1,
        name=[names[k] for k in cells.key],
        told=[f"{e:+.2f}" for e in cells.effect],
    ), columns


def _enough(row: Mapping[str, Any]) -> bool:
    """MIN_CELL patients in each arm: fewer make no colour."""
    return bool(min(row["n_mutant"], row["n_wild_type"]) >= MIN_CELL)


def _name(result: PanelComparison) -> str:
    return f"{result.panel.key}-{result.title.replace(' ', '-').lower()}"


# -- spec ------------------------------------------------------------------------------


def row_places(look: Look, rows: pd.DataFrame, right: float) -> list[dict[str, Any]]:
    """Where the scale starts and ends: after the longest label, before the column of medians."""
    longest = max((len(t) + (2 if i else 0) for t, i in zip(rows.label, rows.indent, strict=True)))
    left = min(0.55 * look.sizes.small * longest + 16, 330)
    return [
        {"name": "narrow", "expr": f"width < {NARROW * look.unit:.0f}"},
        {"name": "from", "expr": f"narrow ? min({left:.0f}, 0.42 * width) : {left:.0f}"},
        {"name": "to", "expr": f"width - (narrow ? 8 : {right:.0f})"},
    ]


def row_axis(
    look: Look, n: int, reach: float | None, columns: int | None = None, title: str = EFFECT
) -> dict[str, Any]:
    """An invisible layer that carries both scales: rows downwards; effects, or columns."""
    x: dict[str, Any] = {
        "field": "effect" if reach else "middle",
        "type": "quantitative",
        "scale": {
            "domain": [-reach, reach] if reach else [0, (columns or 1) + 0.4],
            "nice": False,
            "zero": False,
            "range": [{"expr": "from"}, {"expr": "to"}],
        },
        "axis": None,
    }
    if reach:
        x["axis"] = {
            "title": f"{title}: ← lower, higher →" if title == EFFECT else title,
            "titleX": {"expr": "narrow ? width / 2 : (from + to) / 2"},
            "format": "+.1~f",
            "labelExpr": NO_SIGN_OF_ZERO,
            "grid": True,
            "tickCount": 5,
            "labelOverlap": "greedy",
            "offset": 4,
        }
    return {
        "data": {"name": "marks" if reach else "columns"},
        "mark": {"type": "point", "opacity": 0, "size": 1},
        "encoding": {
            "x": x,
            "y": {
                "field": "middle" if reach else "left",
                "type": "quantitative",
                "scale": {"domain": [0, n], "reverse": True, "nice": False, "zero": False},
                "axis": None,
            },
        },
    }


_Y = {"field": "middle", "type": "quantitative"}
NO_SIGN_OF_ZERO = "datum.value == 0 ? '0' : datum.label"


def label_layer(look: Look) -> dict[str, Any]:
    small = look.sizes.small
    return {
        "data": {"name": "rows"},
        "mark": {
            "type": "text", "align": "left", "baseline": "middle", "fontSize": small,
            "x": {"expr": f"datum.indent ? {0.9 * small:.1f} : 0"},
            "fontWeight": {"expr": "datum.heading || datum.chosen ? 600 : 400"},
            "limit": {"expr": "datum.heading ? width : from - 14"},
        },
        "encoding": {"y": _Y, "text": {"field": "label"}, "color": {"value": look.palette.ink}},
    }  # fmt: skip


def _strip_layer(look: Look, selectable: bool, tests: tuple[str, ...]) -> dict[str, Any]:
    """A strip over each row: tells its numbers when pointed at, is chosen when clicked."""
    told = [("hint", "Feature"), ("medians", "Medians"), ("n", "Patients")]
    told += [(t, TESTS[t]) for t in tests]
    layer: dict[str, Any] = {
        "data": {"name": "rows"},
        "transform": [{"filter": "!datum.heading"}],
        "mark": {"type": "rect", "x": 0, "x2": {"expr": "width"}, "color": look.palette.muted},
        "encoding": {
            "y": {"field": "top", "type": "quantitative"},
            "y2": {"field": "bottom"},
            "opacity": {"condition": {"test": "datum.chosen", "value": 0.16}, "value": 0},
            "tooltip": [{"field": f, "type": "nominal", "title": t} for f, t in told],
        },
    }
    if selectable:
        layer["mark"]["cursor"] = "pointer"
        layer["params"] = [_selection()]
    return layer


def _selection() -> dict[str, Any]:
    return {"name": SELECTION, "select": {"type": "point", "fields": ["key"], "toggle": False}}


def _hues(look: Look, tests: tuple[str, ...]) -> dict[str, Any]:
    """Colours of the tests: not those of the arms."""
    p = look.palette
    of = {"naive": p.muted, "stratified": p.further[0], "adjusted": p.further[1]}
    return {
        "field": "test",
        "type": "nominal",
        "scale": {"domain": [TESTS[t] for t in tests], "range": [of[t] for t in tests]},
        "legend": {
            "orient": "top", "title": None, "symbolType": "circle", "symbolOpacity": 1,
            "offset": 4, "labelFontSize": look.sizes.small, "columnPadding": round(18 * look.unit),
        },
    }  # fmt: skip


@lru_cache(maxsize=32)
def _effects(
    look: Look,
    simulated: bool,
    tests: tuple[str, ...],
    selectable: bool,
    reach: float,
    order: tuple[str, str],
) -> dict[str, Any]:
    """Everything of the effect figure that does not depend on the numbers."""
    s, p = look.sizes, look.palette
    hue = _hues(look, tests)
    shape = {
        "field": "test",
        "type": "nominal",
        "scale": {
            "domain": [TESTS[t] for t in tests],
            "range": [SHAPES[t] for t in tests],
        },
        "legend": None,
    }
    layers = [
        label_layer(look),
        {
            "data": {"values": [{"effect": 0}]},
            "mark": {"type": "rule", "color": p.muted, "strokeWidth": 1},
            "encoding": {"x": {"field": "effect", "type": "quantitative"}},
        },
        {
            "data": {"name": "marks"},
            "transform": [{"filter": f"isValid(datum.low) && abs(datum.effect) <= {reach}"},
                          {"calculate": f"max(datum.low, {-reach})", "as": "from_"},
                          {"calculate": f"min(datum.high, {reach})", "as": "to_"}],
            "mark": {"type": "rule", "strokeWidth": 0.8 * s.line},
            "encoding": {
                "x": {"field": "from_", "type": "quantitative"},
                "x2": {"field": "to_"},
                "y": _Y,
                "color": hue,
            },
        },
        {
            "data": {"name": "marks"},
            "mark": {"type": "point", "opacity": 1, "strokeWidth": 1.6, "size": s.mark**2},
            "encoding": {
                "x": {"field": "effect", "type": "quantitative"},
                "y": _Y,
                "color": hue,
                "shape": shape,
                "fill": {
                    "condition": {"test": "!datum.clear", "value": p.paper},
                    "field": "test",
                    "type": "nominal",
                    "scale": hue["scale"],
                    "legend": None,
                },
            },
        },
        {
            "data": {"name": "rows"},
            "mark": {
                "type": "text", "align": "right", "baseline": "middle", "fontSize": s.small,
                "x": {"expr": "width - 2"}, "opacity": {"expr": "narrow ? 0 : 1"},
            },
            "encoding": {"y": _Y, "text": {"field": "medians"}, "color": {"value": p.ink}},
        },
        {
            "data": {"values": [{}]},
            "mark": {
                "type": "text", "align": "right", "baseline": "middle", "color": p.muted,
                "text": f"medians, {order[1]} / {order[0]}", "fontSize": 0.92 * s.small,
                "x": {"expr": "width - 2"}, "y": -0.8 * s.small,
                "opacity": {"expr": "narrow ? 0 : 1"},
            },
        },
        _strip_layer(look, selectable, tests),
    ]  # fmt: skip
    return view(look, layers, simulated=simulated)


@lru_cache(maxsize=32)
def _heat(look: Look, simulated: bool, selectable: bool, columns: int) -> dict[str, Any]:
    """Everything of the heatmap that does not depend on the numbers."""
    s, p = look.sizes, look.palette
    layers: list[dict[str, Any]] = [
        label_layer(look),
        {
            "data": {"name": "columns"},
            "mark": {
                "type": "text", "align": "left", "baseline": "middle", "angle": 300, "y": -6,
                "fontSize": 0.92 * s.small, "fontWeight": {"expr": "datum.test ? 600 : 400"},
                "color": p.ink,
            },
            "encoding": {
                "x": {"field": "middle", "type": "quantitative"},
                "text": {"field": "label"},
            },
        },
        {
            "data": {"name": "cells"},
            "mark": {
                "type": "rect", "stroke": p.paper, "strokeWidth": 1,
                **({"cursor": "pointer"} if selectable else {}),
            },
            **({"params": [_selection()]} if selectable else {}),
            "encoding": {
                "x": {"field": "left", "type": "quantitative"},
                "x2": {"field": "right"},
                "y": {"field": "top", "type": "quantitative"},
                "y2": {"field": "bottom"},
                "color": {
                    "field": "effect",
                    "type": "quantitative",
                    "scale": {
                        "domain": [-STRONG, 0, STRONG],
                        "range": [p.wild_type, p.rule, p.mutant],
                        "clamp": True,
                        "interpolate": "rgb",
                    },
                    "legend": {
                        "orient": "bottom", "direction": "horizontal",
                        "gradientLength": round(240 * look.unit),
                        "title": f"{EFFECT} (mutant lower / higher)", "titleLimit": 420 * look.unit,
                        "format": "+.1~f", "values": [-STRONG, 0, STRONG],
                        "labelExpr": NO_SIGN_OF_ZERO,
                        "titleFontWeight": "normal", "titleFontSize": 0.92 * s.small,
                    },
                },
                "tooltip": [
                    {"field": "name", "title": "Feature"},
                    {"field": "about", "title": "Where"},
                    {"field": "told", "title": EFFECT},
                    {"field": "n", "title": "Patients"},
                ],
            },
        },
        {
            "data": {"name": "cells"},
            "transform": [{"filter": "datum.clear"},
                          {"calculate": "(datum.top + datum.bottom) / 2", "as": "middle"},
                          {"calculate": "(datum.left + datum.right) / 2", "as": "centre"}],
            "mark": {"type": "text", "text": "•", "fontSize": s.small, "color": p.ink,
                     "baseline": "middle", "tooltip": None},
            "encoding": {"x": {"field": "centre", "type": "quantitative"}, "y": _Y},
        },
    ]  # fmt: skip
    layers.append(
        {
            "data": {"name": "bare"},
            "transform": [{"calculate": "'too few patients: ' + datum.n", "as": "why"}],
            "mark": {"type": "text", "align": "left", "baseline": "middle", "x": {"expr": "from"},
                     "color": p.muted, "fontSize": 0.92 * s.small},
            "encoding": {"y": _Y, "text": {"field": "why"}},
        }
    )  # fmt: skip
    spec = view(look, layers, simulated=simulated, marked_above=True)
    return {**spec, "padding": {"left": 4, "right": 30, "top": COLUMN_HEADS * s.small, "bottom": 4}}
