"""Scaled Schoenfeld residuals of one term: how its log hazard ratio moves over time.

A point per death at (transformed time, residual + coefficient), a natural spline through them and
the fitted constant; a slope is what the proportional-hazards test looks for. The axis is the
test's own time scale, printed in months.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from core.charts.figure import Figure
from core.charts.theme import Look
from core.charts.view import view
from core.charts.wording import p_text
from core.stats.spline import restricted_cubic
from core.stats.zph import ZphTest

KNOTS = (0.05, 0.275, 0.5, 0.725, 0.95)
"""Quantiles of time at which the smooth curve bends (Harrell's five)."""

MIN_DEATHS = 20
"""Below, no curve is drawn through the residuals."""

MONTHS = (1, 3, 6, 12, 24, 36, 60, 120)
MANY = 1500
"""More points than this are thinned evenly; the curve uses all."""


def residual_figure(
    test: ZphTest,
    term: str,
    coefficient: float,
    look: Look | None = None,
    *,
    simulated: bool,
    heading: tuple[str, ...] = (),
) -> Figure:
    """Residuals of ``term`` around its ``coefficient`` (log hazard ratio), times in months."""
    look = look or Look()
    at = test.residual_terms.index(term)
    known = np.isfinite(test.scaled[:, at])
    time, x, y = test.time[known], test.x[known], test.scaled[known, at]
    points = pd.DataFrame({"x": x, "months": time, "residual": y})
    if len(points) > MANY:
        points = points.sort_values("x").iloc[:: len(points) // MANY + 1]
    curve = smooth(x, y) if len(x) >= MIN_DEATHS else pd.DataFrame(columns=["x", "fit"])
    domain = _domain(y, curve, coefficient)
    beyond = int(((y < domain[0]) | (y > domain[1])).sum())
    p = float(test.p_value[test.terms.index(term)])
    data = {
        "points": points,
        "curve": curve,
        "ticks": _ticks(time, x),
        "facts": pd.DataFrame(
            {
                "line": [0, 1],
                "text": [
                    f"proportional hazards, {p_text(p)}",
                    f"{beyond} of {len(x)} residuals lie beyond the axis" * bool(beyond),
                ],
                "constant": [coefficient, coefficient],
            }
        ),
    }
    spec = view(look, _layers(look, term, domain, curve), simulated=simulated, height=0.8)
    if heading:
        spec["title"] = {"text": heading[0], "subtitle": list(heading[1:])}
    stem = "".join(c if c.isalnum() else "-" for c in term.lower())
    about = (
        f"Scaled Schoenfeld residuals of {term} against time, with a smooth curve. {len(x)} "
        f"deaths; test of proportional hazards {p_text(p)}."
    )
    return Figure(f"residuals-{stem}", spec, data, about)


def smooth(x: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    """Natural cubic spline of ``y`` on ``x`` by least squares, with pointwise 95% limits.

    Columns x, fit, lower, upper; a straight line where too few distinct times carry five knots.
    """
    knots = np.unique(np.quantile(x, KNOTS))
    grid = np.linspace(x.min(), x.max(), 60)
    basis, at = (_basis(v, knots) for v in (x, grid))
    beta, _, rank, _ = np.linalg.lstsq(basis, y, rcond=None)
    free = max(len(y) - int(rank), 1)
    variance = float(((y - basis @ beta) ** 2).sum() / free)
    error = np.sqrt(variance * ((at @ np.linalg.pinv(basis.T @ basis)) * at).sum(axis=1))
    fit, reach = at @ beta, float(stdtrit(free, 0.975)) * error
    return pd.DataFrame({"x": grid, "fit": fit, "lower": fit - reach, "upper": fit + reach})


def _basis(x: np.ndarray, knots: np.ndarray) -> np.ndarray:
    one = np.ones((len(x), 1))
    if len(knots) < 3:
        return np.hstack([one, x[:, None]])
    return np.hstack([one, restricted_cubic(x, list(knots))])


def _ticks(time: np.ndarray, x: np.ndarray) -> pd.DataFrame:
    """Months and where they stand on the test's time scale, not closer than a fifteenth."""
    order = np.argsort(time)
    shown: list[tuple[str, float]] = []
    span = float(x.max() - x.min()) or 1.0
    for month in MONTHS:
        if time.min() <= month <= time.max():
            place = float(np.interp(month, time[order], x[order]))
            if not shown or place - shown[-1][1] > span / 15:
                shown.append((f"{month}", place))
    return pd.DataFrame(shown, columns=["month", "x"])


def _domain(y: np.ndarray, curve: pd.DataFrame, coefficient: float) -> tuple[float, float]:
    """The curve with its band, its coefficient and 0, and as much again: far residuals, such as
    those of the few mutants, would press the curve flat."""
    if curve.empty:
        return float(y.min(initial=-1.0)), float(y.max(initial=1.0))
    low = min(float(curve.lower.min()), coefficient, 0.0)
    high = max(float(curve.upper.max()), coefficient, 0.0)
    room = 0.5 * max(high - low, 1.0)
    return low - room, high + room


def _layers(
    look: Look, term: str, domain: tuple[float, float], curve: pd.DataFrame
) -> list[dict[str, Any]]:
    s, p = look.sizes, look.palette
    value = {"type": "quantitative", "scale": {"domain": list(domain), "nice": False}}
    x = {"field": "x", "type": "quantitative", "scale": {"zero": False, "nice": False}}
    axes = {
        "x": {**x, "axis": {"title": "Months (time scale of the test)", "labels": False,
                            "ticks": False, "grid": False, "titlePadding": 1.9 * s.small}},
        "y": {**value, "field": "residual",
              "axis": {"title": "Log hazard ratio over time", "grid": True, "domain": False}},
    }  # fmt: skip
    layers: list[dict[str, Any]] = [
        {
            "data": {"name": "points"},
            "mark": {"type": "circle", "clip": True, "size": s.mark**2 * 0.35, "opacity": 0.3,
                     "color": p.muted},
            "encoding": {
                **axes,
                "tooltip": [
                    {"field": "months", "type": "quantitative", "title": "Months", "format": ".1f"},
                    {"field": "residual", "type": "quantitative", "title": term, "format": ".2f"},
                ],
            },
        },
        {
            "data": {"name": "facts"},
            "mark": {"type": "rule", "strokeDash": [5, 4], "color": p.ink},
            "encoding": {"y": {**value, "field": "constant"}},
        },
        {
            "data": {"name": "ticks"},
            "mark": {"type": "text", "y": {"expr": f"height + {1.1 * s.small:.1f}"},
                     "fontSize": s.small, "color": p.ink},
            "encoding": {"x": x, "text": {"field": "month"}},
        },
        {
            "data": {"name": "facts"},
            "mark": {"type": "text", "align": "right", "baseline": "top", "fontSize": s.text,
                     "x": {"expr": "width - 4"}, "color": p.ink,
                     "y": {"expr": f"4 + {1.4 * s.text:.1f} * datum.line"}},
            "encoding": {"text": {"field": "text"}},
        },
    ]  # fmt: skip
    if len(curve):
        band = {"type": "area", "opacity": 0.2, "color": p.wild_type, "clip": True}
        line = {"type": "line", "strokeWidth": s.line, "color": p.wild_type, "clip": True}
        layers[2:2] = [
            {
                "data": {"name": "curve"},
                "mark": band,
                "encoding": {"x": x, "y": {**value, "field": "lower"}, "y2": {"field": "upper"}},
            },
            {
                "data": {"name": "curve"},
                "mark": line,
                "encoding": {"x": x, "y": {**value, "field": "fit"}},
            },
        ]
    return layers
