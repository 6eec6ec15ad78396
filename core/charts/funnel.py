"""The funnel: each cohort's hazard ratio against its standard error, and where 95% would lie."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from core.analysis.agreement import Agreement
from core.charts.figure import Figure
from core.charts.theme import Look
from core.charts.view import haloed, view
from core.charts.wording import ratio_text
from core.model import ENDPOINT_LABEL
from core.records import records

MIN_COHORTS = 3
"""With fewer there is no funnel to see."""

HEIGHT = 0.8
"""Of a survival figure's."""


def funnel_figure(
    result: Agreement, look: Look | None = None, *, simulated: bool, heading: tuple[str, ...] = ()
) -> Figure:
    """Draw the cohorts of ``result``, precise ones on top, around the random-effects summary.

    Raises ValueError without a summary.
    """
    look = look or Look()
    if result.summary is None:
        raise ValueError("a funnel needs a summary")
    known = result.estimated
    deepest = 1.08 * float(known.std_error.max())
    reach = float(ndtri(0.975)) * deepest
    centre = result.summary.estimate
    side = np.array([centre - reach, centre, centre + reach])
    ratios = known.hazard_ratio.to_numpy(float)
    low, high = min(np.exp(side[0]), ratios.min()), max(np.exp(side[-1]), ratios.max())
    points = known[["name", "hazard_ratio", "std_error"]].assign(
        ratio=[ratio_text(r["hazard_ratio"], r["ci_lower"], r["ci_upper"]) for r in records(known)],
        left=_left(known.log_hazard_ratio.to_numpy(float), centre, float(np.log(low))),
    )
    data = {
        "points": points,
        "sides": pd.DataFrame(
            {
                "side": ["low", "low", "high", "high"],
                "hazard_ratio": np.exp([centre, side[0], centre, side[2]]),
                "std_error": [0.0, deepest, 0.0, deepest],
            }
        ),
        "centre": pd.DataFrame({"hazard_ratio": [float(np.exp(centre))]}),
    }
    spec = dict(_template(look, simulated, round(low / 1.08, 4), round(high * 1.08, 4), deepest))
    if heading:
        spec["title"] = {"text": heading[0], "subtitle": list(heading[1:])}
    words = "; ".join(f"{p.name} {p.ratio}" for p in points.itertuples(index=False))
    about = (
        f"Funnel of the hazard ratios of {ENDPOINT_LABEL[result.endpoint].lower()}, {result.title} "
        f"{result.order[-1]} against {result.order[0]}, against their standard errors. {words}."
    )
    stem = f"funnel-{result.endpoint.lower()}-{result.title.replace(' ', '-').lower()}"
    return Figure(stem, spec, data, about)


def _left(at: np.ndarray[Any, Any], centre: float, low: float) -> np.ndarray[Any, Any]:
    """Whether a label stands left of its point: away from the centre line, if there is room."""
    return (at < centre) & (at - low > 0.25 * 2 * (centre - low))


@lru_cache(maxsize=32)
def _template(
    look: Look, simulated: bool, low: float, high: float, deepest: float
) -> dict[str, Any]:
    s, p = look.sizes, look.palette
    x = {
        "field": "hazard_ratio",
        "type": "quantitative",
        "scale": {"type": "log", "domain": [low, high], "nice": False},
        "axis": {
            "title": "Hazard ratio, log scale",
            "format": "~g",
            "values": [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20],
            "labelOverlap": "greedy",
            "grid": False,
        },
    }
    y = {
        "field": "std_error",
        "type": "quantitative",
        "scale": {"domain": [0, deepest], "reverse": True, "nice": False},
        "axis": {"title": "Standard error of the log hazard ratio", "tickCount": 5},
    }
    layers: list[dict[str, Any]] = [
        {
            "data": {"name": "sides"},
            "mark": {"type": "line", "strokeDash": [5, 4], "strokeWidth": 1.2, "color": p.muted},
            "encoding": {"x": x, "y": y, "detail": {"field": "side"}},
        },
        {
            "data": {"name": "centre"},
            "mark": {"type": "rule", "strokeWidth": 1.2, "color": p.mutant},
            "encoding": {"x": x},
        },
        {
            "data": {"name": "points"},
            "mark": {
                "type": "point", "filled": True, "size": 2.2 * s.mark**2, "opacity": 1,
                "color": p.ink,
            },
            "encoding": {
                "x": x, "y": y,
                "tooltip": [
                    {"field": "name", "title": "Cohort"},
                    {"field": "ratio", "title": "HR (95% CI)"},
                ],
            },
        },
    ]  # fmt: skip
    for left in (False, True):
        label = {
            "data": {"name": "points"},
            "transform": [{"filter": "datum.left" if left else "!datum.left"}],
            "mark": {
                "type": "text", "align": "right" if left else "left",
                "dx": -0.8 * s.small if left else 0.8 * s.small, "fontSize": s.small,
            },
            "encoding": {"x": x, "y": y, "text": {"field": "name"}},
        }  # fmt: skip
        layers += haloed(label, look)
    return view(look, layers, simulated=simulated, height=HEIGHT)
