"""The Vega-Lite layers of the Kaplan-Meier figure: everything that does not depend on numbers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from core.charts.km_data import HOVER_STEPS
from core.charts.theme import Look


@lru_cache(maxsize=32)
def template(
    look: Look,
    groups_of: tuple[str, ...],
    names: tuple[str, ...],
    simulated: bool,
    median_lines: bool,
    bands: bool,
) -> dict[str, Any]:
    """Everything that does not depend on the numbers; never changed by those who use it."""
    groups = {
        "field": "group",
        "type": "nominal",
        "scale": {"domain": list(names), "range": look.colors(groups_of)},
        "legend": None,
    }
    x, y = {"field": "time", "type": "quantitative"}, {"field": "survival", "type": "quantitative"}
    layers = [_axes_layer(look, x, y)]
    if simulated:
        layers.append(_watermark(look))
    if bands:
        layers.append(_bands_layer(x, groups))
    if median_lines:
        layers += _median_layers(look, groups)
    layers += _curve_layers(look, x, y, groups)
    layers += _label_layers(look, groups)
    layers += _risk_layers(look, x, groups, len(names))
    layers += [_facts_layer(look), _hover_layer(x, names)]
    s = look.sizes
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        **look.frame(height=s.height),
        "config": look.config(),
        "layer": layers,
    }


def _axes_layer(look: Look, x: dict[str, Any], y: dict[str, Any]) -> dict[str, Any]:
    """An invisible layer that carries the axes, so that the others need not repeat them."""
    return {
        "data": {"values": [{"time": 0, "survival": 1}]},
        "mark": {"type": "point", "opacity": 0, "size": 1},
        "encoding": {
            "x": {
                **x,
                "axis": {"title": "Months", "grid": False, "format": "d", "labelFlush": False},
            },
            "y": {
                **y,
                "scale": {"domain": [0, 1]},
                "axis": {
                    "format": "%",
                    "values": [0, 0.25, 0.5, 0.75, 1],
                    "grid": True,
                    "domain": False,
                    "ticks": False,
                },
            },
        },
    }


def _watermark(look: Look) -> dict[str, Any]:
    return {
        "data": {"values": [{}]},
        "mark": {
            "type": "text",
            "text": "SIMULATED",
            "x": {"expr": "width / 2"},
            "y": {"expr": "height / 2"},
            "angle": 342,
            "fontSize": {"expr": f"min(width / 7, {look.sizes.height / 4.5})"},
            "fontWeight": 700,
            "color": look.palette.warning,
            "opacity": 0.14,
        },
    }


def _bands_layer(x: dict[str, Any], groups: dict[str, Any]) -> dict[str, Any]:
    return {
        "data": {"name": "curves"},
        "mark": {"type": "area", "interpolate": "step-after", "opacity": 0.15},
        "encoding": {
            "x": x,
            "y": {"field": "ci_lower", "type": "quantitative"},
            "y2": {"field": "ci_upper"},
            "color": groups,
        },
    }


def _median_layers(look: Look, groups: dict[str, Any]) -> list[dict[str, Any]]:
    dashed = {"type": "rule", "strokeDash": [4, 4], "strokeWidth": 1}
    half = {"datum": 0.5, "type": "quantitative"}
    at = {"field": "median", "type": "quantitative"}
    return [
        {
            "data": {"name": "medians"},
            "mark": {**dashed, "color": look.palette.muted},
            "encoding": {
                "x": {"field": "start", "type": "quantitative"},
                "x2": {"field": "longest"},
                "y": half,
            },
        },
        {
            "data": {"name": "medians"},
            "mark": dashed,
            "encoding": {"x": at, "y": half, "y2": {"datum": 0}, "color": groups},
        },
    ]


def _curve_layers(
    look: Look, x: dict[str, Any], y: dict[str, Any], groups: dict[str, Any]
) -> list[dict[str, Any]]:
    s = look.sizes
    return [
        {
            "data": {"name": "curves"},
            "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": s.line},
            "encoding": {"x": x, "y": y, "color": groups, **_dashes(look, groups)},
        },
        {
            "data": {"name": "censored"},
            "mark": {
                "type": "tick",
                "orient": "vertical",
                "size": s.mark,
                "thickness": s.line * 0.6,
                "opacity": 0.75,
            },
            "encoding": {"x": x, "y": y, "color": groups},
        },
    ]


def _dashes(look: Look, groups: dict[str, Any]) -> dict[str, Any]:
    """A dash per group where colours alone would not tell them apart."""
    domain = groups["scale"]["domain"]
    if (dash := look.dash(len(domain))) is None:
        return {}
    scale = {"domain": domain, "range": dash[::-1] if len(dash) == 2 else dash}
    return {"strokeDash": {**groups, "scale": scale}}


def _label_layers(look: Look, groups: dict[str, Any]) -> list[dict[str, Any]]:
    """A thin lead from each curve's end to its label in the right margin."""
    s = look.sizes
    at = {"field": "label_at", "type": "quantitative"}
    text = {"type": "text", "align": "left", "x": {"expr": "width + 8"}, "fontSize": s.small}
    return [
        {
            "data": {"name": "ends"},
            "mark": {"type": "rule", "strokeWidth": 1, "strokeDash": [1, 3], "opacity": 0.8},
            "encoding": {
                "x": {"field": "time", "type": "quantitative"},
                "x2": {"field": "axis_end"},
                "y": {"field": "survival", "type": "quantitative"},
                "y2": {"field": "label_at"},
                "color": groups,
            },
        },
        {
            "data": {"name": "ends"},
            "mark": {**text, "fontWeight": 600, "dy": -0.55 * s.small, "baseline": "middle"},
            "encoding": {"y": at, "text": {"field": "label"}, "color": groups},
        },
        {
            "data": {"name": "ends"},
            "mark": {**text, "dy": 0.65 * s.small, "baseline": "middle"},
            "encoding": {"y": at, "text": {"field": "detail"}, "color": groups},
        },
    ]


def _risk_layers(
    look: Look, x: dict[str, Any], groups: dict[str, Any], n_groups: int
) -> list[dict[str, Any]]:
    s = look.sizes
    top = 3.6 * s.text + 1.6 * s.row
    row = {"expr": f"height + {top:g} + {s.row:g} * datum.row"}
    labels = {"type": "text", "align": "right", "x": -1.9 * s.small, "fontSize": s.small}
    return [
        {
            "data": {"values": [{}]},
            "mark": {
                **labels,
                "text": "At risk",
                "y": {"expr": f"height + {top - s.row:g}"},
                "color": look.palette.muted,
            },
        },
        {
            "data": {"name": "risk"},
            "transform": [{"filter": "datum.time == 0"}],
            "mark": {**labels, "y": row, "fontWeight": 600},
            "encoding": {"text": {"field": "name"}, "color": groups},
        },
        {
            "data": {"name": "risk"},
            # where they would touch there is room for every second number only
            "mark": {
                "type": "text",
                "y": row,
                "fontSize": s.small,
                "opacity": {
                    "expr": "scale('x', 1) - scale('x', 0) < datum.room && datum.tick % 2 ? 0 : 1"
                },
            },
            "encoding": {"x": x, "text": {"field": "text"}, "color": groups},
        },
    ]


def _facts_layer(look: Look) -> dict[str, Any]:
    s = look.sizes
    return {
        "data": {"name": "facts"},
        "mark": {
            "type": "text",
            "align": "right",
            "baseline": "top",
            "x": {"expr": "width - 4"},
            "y": {"expr": f"4 + {s.text * 1.45:g} * datum.row"},
            "fontSize": s.text,
            "color": look.palette.ink,
        },
        "encoding": {"text": {"field": "text"}},
    }


def _hover_layer(x: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    fields = ["Months", *reversed(names)]
    return {
        "data": {"name": "hover"},
        "mark": {"type": "rule", "opacity": 0, "strokeWidth": {"expr": f"width / {HOVER_STEPS}"}},
        "encoding": {
            "x": x,
            "tooltip": [{"field": _escaped(f), "type": "nominal", "title": f} for f in fields],
        },
    }


def _escaped(field: str) -> str:
    """A column's name as Vega-Lite takes it: dots and brackets would mean nesting."""
    for sign in "\\.[]'\"":
        field = field.replace(sign, f"\\{sign}")
    return field
