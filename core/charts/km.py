"""The Kaplan-Meier figure: curves, bands, censor marks, direct labels, numbers at risk.

One Vega-Lite view, so that it may take its container's width: the table of numbers at risk is
text below the axis on the same time scale, hence aligned by construction.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from core.analysis.survival import SurvivalComparison
from core.charts.figure import Figure
from core.charts.km_data import km_data
from core.charts.km_spec import template
from core.charts.theme import Look
from core.charts.wording import group_name, months_text, p_text, ratio_text
from core.model import ENDPOINT_LABEL

MANY = 300
"""With more censored patients a figure on a page is painted at once, not mark by mark."""


def km_figure(
    result: SurvivalComparison,
    look: Look | None = None,
    *,
    simulated: bool,
    median_lines: bool = True,
    bands: bool = True,
    heading: tuple[str, ...] = (),
) -> Figure:
    """Draw ``result``; times in months.

    ``heading``: title and lines of subtitle, for a figure that leaves its page. ``simulated``
    writes SIMULATED across the figure.
    """
    look = look or Look()
    names = tuple(group_name(result.title, g) for g in result.order)
    data = km_data(result, look, facts(result))
    spec = template(look, result.order, names, simulated, median_lines, bands)
    spec = {**spec, **_time_axis(result, spec)}
    if heading:
        spec["title"] = {"text": heading[0], "subtitle": list(heading[1:])}
    if look.medium == "screen" and len(data["censored"]["time"]) > MANY:
        spec["usermeta"] = {**spec.get("usermeta", {}), "embedOptions": {"renderer": "canvas"}}
    name = f"km-{result.endpoint.lower()}-{result.title.replace(' ', '-').lower()}"
    return Figure(name, spec, data, describe(result))


def facts(result: SurvivalComparison) -> list[str]:
    """The lines printed inside the figure: hazard ratio of two groups, log-rank p."""
    lines = []
    if len(result.order) == 2:  # ratios of more groups stand in the table, not over the curves
        lines = ["HR " + ratio_text(*result.cox_ratio)]
    test = "log-rank " if result.corrected_p is None else "corrected "
    return [*lines, test + p_text(result.p_value)]


def describe(result: SurvivalComparison) -> str:
    """The figure in words, with its numbers."""
    arms = "; ".join(
        f"{group_name(result.title, a['group'])}: {a['n']} patients, {a['events']} events, median "
        f"{months_text(a['median'], a['median_lower'], a['median_upper'])} months"
        for a in result.arm_rows
    )
    return (
        f"Kaplan-Meier curves of {ENDPOINT_LABEL[result.endpoint].lower()} by {result.title}. "
        f"{arms}. {'; '.join(facts(result))}."
    )


def _time_axis(result: SurvivalComparison, template: dict[str, Any]) -> dict[str, Any]:
    """The template's layers and axis with this result's ticks, which its risk table shares."""
    ticks = np.unique(result.risk_table.time.to_numpy(float)).tolist()
    first = template["layer"][0]
    x = first["encoding"]["x"]
    x = {
        **x,
        "axis": {**x["axis"], "values": ticks},
        "scale": {"domain": [0, float(result.curves.time.max())], "nice": False},
    }
    y = {
        **first["encoding"]["y"],
        "title": ENDPOINT_LABEL[result.endpoint],
    }
    head = {**first, "encoding": {**first["encoding"], "x": x, "y": y}}
    return {"layer": [head, *template["layer"][1:]]}
