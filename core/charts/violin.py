"""One feature by tumour type: each arm's density, quartiles and median; points where few.

A row a tumour type: the mutant's density above the line, the wild type's below it. Densities and
quantiles come from the analysis, so that no patient's value is sent but those of small arms.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from core.analysis.feature_detail import ALL_TYPES, FeatureDetail
from core.charts.figure import Figure
from core.charts.panel import value_text
from core.charts.theme import Look
from core.charts.view import view
from core.charts.wording import DASH

HALF = 0.44
"""Height of a density as a share of its row."""

NARROW = 620

LETTERS = 42
"""Of a title beneath the axis on a telephone."""


def violin_figure(
    result: FeatureDetail,
    look: Look | None = None,
    *,
    simulated: bool,
    heading: tuple[str, ...] = (),
) -> Figure:
    """Draw ``result``: half violins with quartile bars, medians, and n at the right."""
    look = look or Look()
    place = {t: float(i) for i, t in enumerate(result.types.tumor_type)}
    rows = _rows(result, place)
    data = {
        "rows": rows,
        "densities": _shapes(result, place),
        "boxes": _boxes(result, place),
        "points": _points(result, place),
    }
    spec = dict(_template(look, simulated, result.order, result.log, result.member.unit))
    spec["height"] = float(np.ceil(3.0 * look.sizes.small * len(rows)))
    spec["params"] = _places(look, rows)
    spec["layer"] = [_axes(look, result, len(rows)), *spec["layer"]]
    if heading:
        spec["title"] = {"text": heading[0], "subtitle": list(heading[1:])}
    name = f"{result.member.key}-{result.title.replace(' ', '-').lower()}"
    return Figure(name, spec, data, describe(result))


def describe(result: FeatureDetail) -> str:
    """The figure in words: medians of both arms, first all types, then each."""
    b = result.boxes
    median = dict(zip(zip(b.tumor_type, b.group, strict=True), b["median"].tolist(), strict=True))
    reference, group = result.order
    parts = [
        f"{t}: median {value_text(median[t, group])} {group}, "
        f"{value_text(median[t, reference])} {reference}"
        for t in result.types.tumor_type
    ]
    return (
        f"{result.member.name} ({result.member.unit}) by {result.title} and tumour type. "
        f"{'; '.join(parts)}."
    )


# -- data ------------------------------------------------------------------------------


def _side(group: pd.Series[str], result: FeatureDetail) -> np.ndarray[Any, Any]:
    """-1 (up) for the group, 1 (down) for the reference."""
    return np.where(group == result.order[1], -1.0, 1.0)


def _rows(result: FeatureDetail, place: dict[str, float]) -> pd.DataFrame:
    types = result.types
    return pd.DataFrame(
        {
            "label": types.tumor_type,
            "middle": types.tumor_type.map(place) + 0.5,
            "whole": types.tumor_type == ALL_TYPES,
            "n": [f"{m:,} / {w:,}" for m, w in zip(types.n_mutant, types.n_wild_type, strict=True)],
            "effect": [DASH if np.isnan(e) else f"{e:+.2f}" for e in types.rank_biserial],
            "value": float(result.boxes["median"].median()),
        }
    )


def _shapes(result: FeatureDetail, place: dict[str, float]) -> pd.DataFrame:
    """Outlines: from the row's line to the density's height, a series per type and arm."""
    d = result.densities
    middle = d.tumor_type.map(place).astype(float) + 0.5
    return pd.DataFrame(
        {
            "shape": d.tumor_type + d.group,
            "group": d.group,
            "value": d.value.astype(float),
            "edge": middle + _side(d.group, result) * HALF * d.density.astype(float),
            "middle": middle,
        }
    )


def _boxes(result: FeatureDetail, place: dict[str, float]) -> pd.DataFrame:
    b = result.boxes[result.boxes.n > 0]
    line = b.tumor_type.map(place).astype(float) + 0.5 + _side(b.group, result) * 0.13
    told = [
        f"{value_text(middle)} ({value_text(low)} to {value_text(high)})"
        for middle, low, high in zip(
            *(b[c].tolist() for c in ("median", "q25", "q75")), strict=True
        )
    ]
    return b.assign(middle=line, told=told)


def _points(result: FeatureDetail, place: dict[str, float]) -> pd.DataFrame:
    p = result.points
    middle = p.tumor_type.map(place).astype(float) + 0.5
    return p.assign(middle=middle + _side(p.group, result) * 0.3)


# -- spec ------------------------------------------------------------------------------


def _places(look: Look, rows: pd.DataFrame) -> list[dict[str, Any]]:
    small = look.sizes.small
    left = 0.58 * small * max(len(t) for t in rows.label) + 18
    return [
        {"name": "narrow", "expr": f"width < {NARROW * look.unit:.0f}"},
        {"name": "from", "expr": f"{left:.0f}"},
        {"name": "to", "expr": f"width - (narrow ? 10 : {12 * small:.0f})"},
    ]


def _title(name: str, unit: str) -> str | list[str]:
    """The axis' title, in two lines where a telephone would cut one off."""
    words = f"{name} ({unit})"
    return words if len(words) <= LETTERS else [name, f"({unit})"]


def _axes(look: Look, result: FeatureDetail, n: int) -> dict[str, Any]:
    """The invisible layer of both scales: values across, rows downwards."""
    drawn = [result.densities.value, result.points.value]
    every = np.concatenate([np.asarray(d, dtype=float) for d in drawn])
    low, high = (float(every.min()), float(every.max())) if every.size else (0.0, 1.0)
    margin = 0.02 * (high - low) or 0.5
    scale: dict[str, Any] = {"domain": [low - margin, high + margin]}
    axis: dict[str, Any] = {"grid": True, "tickCount": 6, "labelOverlap": "greedy"}
    if result.log:
        scale = {"type": "symlog", "constant": 1, "domain": [max(low, 0.0), high * 1.05 + 0.1]}
        axis["values"] = [v for v in (0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000) if v <= high]
        del axis["tickCount"]  # Vega would leave out every other one
        axis["format"] = ",d"  # a comma alone rounds 30 to the step of the ticks: 3e+1
    unit = result.member.unit + (", log scale" if result.log else "")
    return {
        "data": {"name": "boxes"},
        "mark": {"type": "point", "opacity": 0, "size": 1},
        "encoding": {
            "x": {
                "field": "median",
                "type": "quantitative",
                "scale": {
                    **scale, "nice": False, "zero": False,
                    "range": [{"expr": "from"}, {"expr": "to"}],
                },
                "axis": {**axis, "title": _title(result.member.name, unit)},
            },
            "y": {
                "field": "middle",
                "type": "quantitative",
                "scale": {"domain": [0, n], "reverse": True, "nice": False, "zero": False},
                "axis": None,
            },
        },
    }  # fmt: skip


def _text(look: Look, field: str, place: str, align: str, **mark: Any) -> dict[str, Any]:
    return {
        "data": {"name": "rows"},
        "mark": {"type": "text", "align": align, "baseline": "middle", "x": {"expr": place},
                 "fontSize": look.sizes.small, **mark},
        "encoding": {"y": {"field": "middle", "type": "quantitative"}, "text": {"field": field},
                     "color": {"value": look.palette.ink}},
    }  # fmt: skip


def _head(look: Look, words: str, place: str) -> dict[str, Any]:
    return {
        "data": {"values": [{}]},
        "mark": {"type": "text", "align": "right", "baseline": "middle", "text": words,
                 "x": {"expr": place}, "y": -0.9 * look.sizes.small, "color": look.palette.muted,
                 "fontSize": 0.92 * look.sizes.small, "opacity": {"expr": "narrow ? 0 : 1"}},
    }  # fmt: skip


@lru_cache(maxsize=32)
def _template(
    look: Look, simulated: bool, order: tuple[str, str], log: bool, unit: str
) -> dict[str, Any]:
    """Everything that does not depend on the numbers."""
    s, p = look.sizes, look.palette
    hue = {
        "field": "group",
        "type": "nominal",
        "scale": {"domain": list(reversed(order)),
                  "range": list(reversed(look.colors(order)))},
        "legend": {"orient": "top", "title": None, "symbolType": "square", "symbolOpacity": 1,
                   "labelFontSize": s.small, "offset": 4, "columnPadding": 18},
    }  # fmt: skip
    x = {"field": "value", "type": "quantitative"}
    y = {"field": "middle", "type": "quantitative"}
    wide = {"opacity": {"expr": "narrow ? 0 : 1"}}
    layers: list[dict[str, Any]] = [
        {
            "data": {"name": "densities"},
            "mark": {"type": "area", "opacity": 0.45, "line": False},
            "encoding": {
                "x": x,
                "y": {"field": "edge", "type": "quantitative"},
                "y2": {"field": "middle"},
                "color": hue,
                "detail": {"field": "shape"},
            },
        },
        {
            "data": {"name": "boxes"},
            "mark": {"type": "rule", "strokeWidth": 0.45 * s.mark},
            "encoding": {
                "x": {"field": "q25", "type": "quantitative"},
                "x2": {"field": "q75"},
                "y": y,
                "color": hue,
            },
        },
        {
            "data": {"name": "points"},
            "mark": {"type": "point", "filled": True, "size": 0.5 * s.mark**2, "opacity": 0.8},
            "encoding": {"x": x, "y": y, "color": hue},
        },
        {
            "data": {"name": "boxes"},
            "mark": {"type": "point", "filled": True, "shape": "circle", "opacity": 1,
                     "size": 1.1 * s.mark**2, "stroke": p.paper, "strokeWidth": 1.2},
            "encoding": {
                "x": {"field": "median", "type": "quantitative"},
                "y": y,
                "color": hue,
                "tooltip": [
                    {"field": "tumor_type", "title": "Tumour type"},
                    {"field": "group", "title": "Arm"},
                    {"field": "n", "title": "Patients", "format": ","},
                    {"field": "told", "title": "Median (quartiles)"},
                ],
            },
        },
        _text(look, "label", "0", "left", fontWeight={"expr": "datum.whole ? 600 : 400"}),
        _text(look, "effect", f"width - {6.6 * s.small:.0f}", "right", **wide),
        _text(look, "n", "width - 2", "right", **wide),
        _head(look, "effect", f"width - {6.6 * s.small:.0f}"),
        _head(look, "n", "width - 2"),
        {
            "data": {"values": [{"middle": 1}]},
            "mark": {"type": "rule", "color": p.rule},
            "encoding": {"y": y},
        },
    ]  # fmt: skip
    return view(look, layers, simulated=simulated)
