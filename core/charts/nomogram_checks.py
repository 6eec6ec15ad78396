"""Figures of a nomogram's worth: a patient's curve, calibration, net benefit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from core.charts.figure import Figure
from core.charts.theme import Look
from core.charts.view import view
from core.charts.wording import percent_text
from core.records import records
from core.stats.calibration import Calibration
from core.stats.decision_curve import DecisionCurve

MODEL, ALL, NONE = "by the nomogram", "treat everyone", "treat no one"
CORRECTED, OBSERVED = "corrected for optimism", "observed"


def curve_figure(
    curve: pd.DataFrame,
    look: Look | None = None,
    *,
    simulated: bool,
    marks: Sequence[float] = (),
    heading: tuple[str, ...] = (),
    name: str = "nomogram-patient",
) -> Figure:
    """One patient's predicted survival: ``curve`` has time, survival, ci_lower, ci_upper."""
    look = look or Look()
    at = [int(np.searchsorted(curve.time, t, side="right")) - 1 for t in marks]
    read = curve.iloc[at].assign(time=list(marks))
    read["text"] = [
        percent_text(r["survival"], r["ci_lower"], r["ci_upper"]) for r in records(read)
    ]
    spec = _titled(_curve_template(look, simulated, float(curve.time.max())), heading)
    said = ", ".join(f"{t} at {m:g} months" for t, m in zip(read.text, marks, strict=True))
    about = f"Predicted survival of this patient with its 95% interval: {said}."
    return Figure(name, spec, {"curve": curve, "read": read}, about)


def calibration_figure(
    found: Sequence[Calibration],
    look: Look | None = None,
    *,
    simulated: bool,
    name: str,
    heading: tuple[str, ...] = (),
) -> Figure:
    """Observed against predicted survival, one colour for each time, with the ideal line."""
    look = look or Look()
    names = tuple(f"{c.time:g} months" for c in found)
    groups = _stacked([c.groups for c in found], names).dropna(subset=["predicted", "observed"])
    smooth = _stacked([c.smooth for c in found], names)
    lines = smooth.melt(["at", "predicted"], ["observed", "corrected"], "kind", "survival").dropna()
    lines = lines.assign(kind=lines.kind.map({"observed": OBSERVED, "corrected": CORRECTED}))
    groups["text"] = [
        percent_text(r["observed"], r["ci_lower"], r["ci_upper"]) for r in records(groups)
    ]
    groups["expected"] = [percent_text(v) for v in groups.predicted]
    corrected = bool((lines.kind == CORRECTED).any())
    spec = _titled(_calibration_template(look, simulated, names, corrected), heading)
    words = "; ".join(
        f"{r['at']}: predicted {r['expected']}, observed {r['text']}, {r['n']} patients"
        for r in records(groups)
    )
    about = f"Calibration in {name}, groups of predicted survival against Kaplan-Meier. {words}."
    return Figure(f"calibration-{name}", spec, {"groups": groups, "lines": lines}, about)


def decision_figure(
    found: DecisionCurve,
    look: Look | None = None,
    *,
    simulated: bool,
    name: str,
    heading: tuple[str, ...] = (),
) -> Figure:
    """Net benefit over thresholds of predicted risk of death by the curve's time."""
    look = look or Look()
    table = found.table.rename(columns={"net_benefit": MODEL, "treat_all": ALL, "treat_none": NONE})
    lines = table.melt("threshold", [MODEL, ALL, NONE], "strategy", "benefit")
    top = float(max(found.table.net_benefit.max(), found.table.treat_all.max(), 0.05))
    floor = -0.25 * top
    lines = lines[lines.benefit >= floor]
    spec = _titled(_decision_template(look, simulated, round(floor, 4), round(1.05 * top, 4),
                                      found.time), heading)  # fmt: skip
    better = found.table[
        found.table.net_benefit > found.table[["treat_all", "treat_none"]].max(axis=1) + 1e-12
    ]
    where = (
        f"acting on the nomogram is best at thresholds from {better.threshold.min():.0%} to "
        f"{better.threshold.max():.0%}"
        if len(better)
        else "acting on the nomogram is best at no threshold"
    )
    about = f"Decision curve in {name} for death by {found.time:g} months: {where}."
    return Figure(f"decision-{name}-{found.time:g}", spec, {"lines": lines}, about)


def _stacked(tables: Sequence[pd.DataFrame], names: tuple[str, ...]) -> pd.DataFrame:
    return pd.concat([t.assign(at=n) for t, n in zip(tables, names, strict=True)])


def _titled(template: dict[str, Any], heading: tuple[str, ...]) -> dict[str, Any]:
    title = {"text": heading[0], "subtitle": list(heading[1:])} if heading else None
    return {**template, **({"title": title} if title else {})}


def _share(field: str, title: str | None, **more: Any) -> dict[str, Any]:
    axis = {"title": title, "format": "%", "values": [0, 0.25, 0.5, 0.75, 1], **more}
    return {
        "field": field, "type": "quantitative", "scale": {"domain": [0, 1]}, "axis": axis,
    }  # fmt: skip


@lru_cache(maxsize=32)
def _curve_template(look: Look, simulated: bool, longest: float) -> dict[str, Any]:
    s, p = look.sizes, look.palette
    step = next((k for k in (3, 6, 12, 24) if longest / k <= 8.5), 36)
    x = {
        "field": "time", "type": "quantitative",
        "scale": {"domain": [0, longest], "nice": False},
        "axis": {"title": "Months", "grid": False, "labelFlush": False,
                 "values": list(range(0, int(longest) + 1, step))},
    }  # fmt: skip
    y = _share("survival", "Predicted survival", domain=False, ticks=False)
    layers: list[dict[str, Any]] = [
        {
            "data": {"name": "curve"},
            "mark": {"type": "area", "interpolate": "step-after", "opacity": 0.15,
                     "color": p.mutant},
            "encoding": {"x": x, "y": {**y, "field": "ci_lower"}, "y2": {"field": "ci_upper"}},
        },
        {
            "data": {"name": "curve"},
            "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": s.line,
                     "color": p.mutant},
            "encoding": {"x": x, "y": y},
        },
        {
            "data": {"name": "read"},
            "mark": {"type": "rule", "strokeDash": [4, 4], "strokeWidth": 1, "color": p.muted},
            "encoding": {"x": x, "y": y, "y2": {"datum": 0}},
        },
        {
            "data": {"name": "read"},
            "mark": {"type": "text", "align": "left", "dx": 6, "dy": -8, "fontSize": s.small,
                     "fontWeight": 600, "color": p.ink},
            "encoding": {"x": x, "y": y, "text": {"field": "text"}},
        },
    ]  # fmt: skip
    return view(look, layers, simulated=simulated, height=0.8)


@lru_cache(maxsize=32)
def _calibration_template(
    look: Look, simulated: bool, names: tuple[str, ...], corrected: bool
) -> dict[str, Any]:
    s, p = look.sizes, look.palette
    x = _share("predicted", "Predicted survival", grid=False)
    y = _share("observed", "Observed survival", domain=False, ticks=False)
    color = {
        "field": "at",
        "type": "nominal",
        "scale": {"domain": list(names), "range": look.colors(names)},
        "legend": {"title": None, "orient": "top", "symbolType": "circle", "symbolOpacity": 1},
    }
    dash = {
        "field": "kind",
        "type": "nominal",
        "scale": {"domain": [OBSERVED, CORRECTED], "range": [[1, 0], [5, 4]]},
        "legend": {"title": None, "orient": "bottom"} if corrected else None,
    }
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": [{"predicted": 0, "observed": 0}, {"predicted": 1, "observed": 1}]},
            "mark": {"type": "line", "strokeWidth": 1, "color": p.muted},
            "encoding": {"x": x, "y": y},
        },
        {
            "data": {"name": "lines"},
            "mark": {"type": "line", "strokeWidth": s.line},
            "encoding": {"x": x, "y": {**y, "field": "survival"}, "color": color,
                         "strokeDash": dash},
        },
        {
            "data": {"name": "groups"},
            "mark": {"type": "rule", "strokeWidth": 0.7 * s.line},
            "encoding": {"x": x, "y": {**y, "field": "ci_lower"}, "y2": {"field": "ci_upper"},
                         "color": color},
        },
        {
            "data": {"name": "groups"},
            "mark": {"type": "point", "filled": True, "opacity": 1, "size": 1.8 * s.mark**2},
            "encoding": {
                "x": x, "y": y, "color": color,
                "tooltip": [
                    {"field": "at", "title": "At"},
                    {"field": "expected", "title": "Predicted"},
                    {"field": "text", "title": "Observed (95% CI)"},
                    {"field": "n", "title": "Patients"},
                    {"field": "events", "title": "Events"},
                ],
            },
        },
        {
            "data": {"name": "groups"},
            "transform": [{"filter": "isValid(datum.corrected)"}],
            "mark": {"type": "point", "shape": "cross", "angle": 45, "filled": True, "opacity": 1,
                     "size": 1.6 * s.mark**2},
            "encoding": {"x": x, "y": {**y, "field": "corrected"}, "color": color},
        },
    ]  # fmt: skip
    return view(look, layers, simulated=simulated)


@lru_cache(maxsize=32)
def _decision_template(
    look: Look, simulated: bool, low: float, high: float, time: float
) -> dict[str, Any]:
    s, p = look.sizes, look.palette
    x = _share("threshold", f"Risk of death by {time:g} months from which one would act",
               grid=False)  # fmt: skip
    y = {
        "field": "benefit", "type": "quantitative",
        "scale": {"domain": [low, high], "nice": False},
        "axis": {"title": "Net benefit", "format": ".2f", "tickCount": 5, "domain": False,
                 "ticks": False},
    }  # fmt: skip
    color = {
        "field": "strategy",
        "type": "nominal",
        "scale": {"domain": [MODEL, ALL, NONE], "range": [p.mutant, p.wild_type, p.muted]},
        "legend": {"title": None, "orient": "top", "symbolType": "stroke"},
    }
    layers = [
        {
            "data": {"name": "lines"},
            "mark": {"type": "line", "strokeWidth": s.line},
            "encoding": {"x": x, "y": y, "color": color},
        }
    ]
    return view(look, layers, simulated=simulated)
