"""The burden page's figures of one gene, and the sentence that sums them up."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from core.analysis.burden import FOR_BURDEN, FOR_NOTHING, FOR_TYPE, Burden
from core.analysis.burden_null import MatchedNull
from core.analysis.gene_scan import Place
from core.charts.figure import Figure
from core.charts.forest import forest_figure
from core.charts.theme import Look
from core.charts.view import view
from core.charts.wording import p_text, percent_text, ratio_text
from core.model import ENDPOINT_LABEL

BARS = 40
"""Bars of the null's histogram."""

HEIGHT = 0.72
"""Of a survival figure's."""

LABELS = {
    FOR_NOTHING: "Raw",
    FOR_TYPE: "Adjusted for cancer type",
    FOR_BURDEN: "Adjusted for cancer type and TMB",
}


def answer(result: Burden, null: MatchedNull) -> str:
    """One plain sentence from the numbers: gene or burden?"""
    raw = result.raw
    gene, hr = result.title, ratio_text(raw["hazard_ratio"], raw["ci_lower"], raw["ci_upper"])
    if math.isnan(raw["hazard_ratio"]):
        return f"The data hold no hazard ratio of {gene}."
    after = _after(result)
    if result.small:
        return f"Too few patients to tell: {gene}'s raw hazard ratio is {hr}{after}."
    chance = f"matched permutations {p_text(null.p_value)}"
    if raw["ci_lower"] <= 1 <= raw["ci_upper"]:
        lead = "There is no clear effect to explain"
        if null.p_value < 0.05:
            lead = "Burden may hide an effect"
    else:
        lead = _verdict(result, null)
    return f"{lead}: {gene}'s raw hazard ratio is {hr}{after}; {_like(null)}, {chance}."


def _verdict(result: Burden, null: MatchedNull) -> str:
    """From how many codings keep an interval off 1 on the raw side, and the permutations."""
    adjusted, below = result.adjusted, result.raw["hazard_ratio"] < 1
    off = (adjusted.ci_upper < 1) if below else (adjusted.ci_lower > 1)
    kept, k = int(off.sum()), len(adjusted)
    if not k or math.isnan(null.p_value):
        return "It cannot be told"
    if kept == k and null.p_value < 0.05:
        return "More than the burden"
    if kept == 0 and null.p_value >= 0.05:
        if _explained(result, null) >= 0.5:
            return "Burden and cancer type can explain it"
        return "Too imprecise to tell once burden is accounted for"
    return f"It depends on how burden is coded ({kept} of {k} codings keep the effect)"


def _explained(result: Burden, null: MatchedNull) -> float:
    """The share of the raw log hazard ratio that adjustment takes away, or that matched genes
    show as well: the larger of the two. An interval that merely widens explains nothing."""
    raw = math.log(result.raw["hazard_ratio"])
    left = float(np.median(np.log(result.adjusted.hazard_ratio)))
    return max(1 - left / raw, math.log(null.centre) / raw)


def _after(result: Burden) -> str:
    ratios = result.adjusted.hazard_ratio
    if ratios.empty:
        return ""
    low, high = (f"{v:.2f}" for v in (ratios.min(), ratios.max()))
    span = low if low == high else f"{low} to {high}"
    return f", and {span} once cancer type and TMB are accounted for"


def _like(null: MatchedNull) -> str:
    return (
        "a gene mutated as often in the same cohorts, cancer types and TMB would show about "
        f"{null.centre:.2f}"
    )


def ranked(place: Place | None, gene: str, fewest: int) -> str:
    """Where the gene stands among genes mutated in a similar number of patients."""
    if place is None:
        return f"{gene} is not ranked: fewer than {fewest} mutant or wild-type patients."
    if place.n == 1:
        return (
            f"No other gene is mutated in a similar number of patients as {gene} "
            f"({place.fewest:,} to {place.most:,})."
        )
    return (
        f"Among the {place.n:,} genes mutated in {place.fewest:,} to {place.most:,} patients, "
        f"{place.gene} has p-value number {place.raw:,} (longer or shorter survival) before "
        f"adjustment and number {place.adjusted:,} after."
    )


def models_figure(
    result: Burden, look: Look | None = None, *, simulated: bool, heading: tuple[str, ...] = ()
) -> Figure:
    """Every model as a row of one forest; all rows have the same patients and events."""
    models = result.models.drop(columns=["n", "events"])
    table = models.assign(
        group=models.adjusted_for.map(LABELS).where(models.adjusted_for == FOR_BURDEN, ""),
        label=np.where(
            models.adjusted_for == FOR_BURDEN, models.coding, models.adjusted_for.map(LABELS)
        ),
        emphasised=models.adjusted_for == FOR_NOTHING,
    )
    return forest_figure(
        table,
        look,
        simulated=simulated,
        name=f"burden-{_stem(result)}",
        about=f"Hazard ratio of {ENDPOINT_LABEL[result.endpoint].lower()}, {result.title} mutant "
        "against wild type, raw and adjusted, all in the same patients",
        heading=heading,
    )


# -- the null ------------------------------------------------------------------------------


def null_figure(
    result: Burden,
    null: MatchedNull,
    look: Look | None = None,
    *,
    simulated: bool,
    heading: tuple[str, ...] = (),
) -> Figure:
    """Hazard ratios of permuted labels as a histogram, the observed one as a line."""
    look = look or Look()
    known = np.log(null.draws[np.isfinite(null.draws) & (null.draws > 0)])
    ends = [*known, *([math.log(null.observed)] if null.observed > 0 else []), 0.0]
    edges = np.linspace(min(ends) - 0.02, max(ends) + 0.02, BARS + 1)
    counts = np.histogram(known, edges)[0]
    low, high = np.exp(edges[[0, -1]])
    data = {
        "bars": pd.DataFrame(
            {"low": np.exp(edges[:-1]), "high": np.exp(edges[1:]), "draws": counts}
        ),
        "lines": _lines(result, null, edges),
    }
    top = 1.35 * float(counts.max(initial=1))  # room above the bars for the two labels
    spec = dict(_null_template(look, simulated, float(low), float(high), top))
    if heading:
        spec["title"] = {"text": heading[0], "subtitle": list(heading[1:])}
    about = (
        f"Histogram of the hazard ratios of {result.title} labels permuted within cohort, cancer "
        f"type and TMB. {len(null.draws):,} permutations, centred at {null.centre:.2f}; observed "
        f"{null.observed:.2f}, {p_text(null.p_value)}."
    )
    return Figure(f"matched-null-{_stem(result)}", spec, data, about)


def _lines(result: Burden, null: MatchedNull, edges: np.ndarray[Any, Any]) -> pd.DataFrame:
    """The observed ratio and the null's centre with labels that do not meet."""
    at = np.array([null.observed, null.centre])
    place = (np.log(np.maximum(at, 1e-9)) - edges[0]) / (edges[-1] - edges[0])
    # each label on the outer side of its line, unless the figure ends there
    left = (place <= place[::-1]) & (place > 0.3) | (place > 0.7)
    return pd.DataFrame(
        {
            "at": at,
            "label": [
                f"{result.title}: {null.observed:.2f}, {p_text(null.p_value)}",
                f"matched genes: {null.centre:.2f}",
            ],
            "kind": ["observed", "null"],
            "row": [0, 1],
            "left": left,
        }
    )


@lru_cache(maxsize=32)
def _null_template(
    look: Look, simulated: bool, low: float, high: float, top: float
) -> dict[str, Any]:
    s, p = look.sizes, look.palette
    x = {
        "type": "quantitative",
        "scale": {"type": "log", "domain": [low, high], "nice": False},
        "axis": {
            "title": "Raw hazard ratio, log scale",
            "values": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.5, 2, 3, 5, 10],
            "format": "~g",
            "grid": False,
            "labelOverlap": "greedy",
        },
    }
    hue = {
        "field": "kind",
        "type": "nominal",
        "scale": {"domain": ["observed", "null"], "range": [p.mutant, p.ink]},
        "legend": None,
    }
    layers: list[dict[str, Any]] = [
        {
            "data": {"name": "bars"},
            "mark": {"type": "rect", "color": p.not_profiled, "opacity": 0.55, "stroke": None},
            "encoding": {
                "x": {**x, "field": "low"},
                "x2": {"field": "high"},
                "y": {
                    "field": "draws",
                    "type": "quantitative",
                    "axis": {"title": "Permutations", "tickMinStep": 1, "tickCount": 5},
                    "scale": {"domain": [0, top], "nice": False},
                },
                "y2": {"datum": 0},
                "tooltip": [
                    {"field": "low", "format": ".2f", "title": "HR from"},
                    {"field": "high", "format": ".2f", "title": "to"},
                    {"field": "draws", "title": "Permutations"},
                ],
            },
        },
        {
            "data": {"name": "lines"},
            "mark": {"type": "rule", "strokeWidth": s.line, "clip": True},
            "encoding": {
                "x": {**x, "field": "at"},
                "color": hue,
                "strokeDash": {
                    "condition": {"test": "datum.kind == 'null'", "value": [5, 4]},
                    "value": [1, 0],
                },
            },
        },
    ]
    for left in (False, True):
        layers.append(
            {
                "data": {"name": "lines"},
                "transform": [{"filter": "datum.left" if left else "!datum.left"}],
                "mark": {
                    "type": "text",
                    "align": "right" if left else "left",
                    "dx": -7 if left else 7,
                    "y": {"expr": f"{s.text:g} + {1.35 * s.text:g} * datum.row"},
                    "fontSize": s.text,
                    "fontWeight": 600,
                },
                "encoding": {
                    "x": {**x, "field": "at"},
                    "text": {"field": "label"},
                    "color": hue,
                },
            }
        )
    return view(look, layers, simulated=simulated, height=HEIGHT)


# -- frequency by burden ---------------------------------------------------------------------


def frequency_figure(
    result: Burden, look: Look | None = None, *, simulated: bool, heading: tuple[str, ...] = ()
) -> Figure:
    """How often the gene is mutated in each fifth of TMB within cohort."""
    look = look or Look()
    table = result.frequency
    data = {
        "fifths": table.assign(
            place=np.arange(len(table)) + 0.5,
            percent=[f"{100 * p:.{1 if p < 0.1 else 0}f}%" for p in table.fraction],
            counts=[f"{m:,} of {n:,}" for m, n in zip(table.n_mutant, table.n, strict=True)],
            median=[f"{m:.1f} / Mb" for m in table.tmb_median],
        )
    }
    top = max(0.02, float(table.ci_upper.max())) * 1.12
    spec = dict(_frequency_template(look, simulated, len(table), top, result.title))
    if heading:
        spec["title"] = {"text": heading[0], "subtitle": list(heading[1:])}
    words = "; ".join(
        f"{r['fifth']} {percent_text(r['fraction'], r['ci_lower'], r['ci_upper'])}"
        for r in table.to_dict("records")
    )
    about = f"Patients with a {result.title} mutation by fifth of TMB within cohort. {words}."
    return Figure(f"frequency-by-tmb-{_stem(result)}", spec, data, about)


@lru_cache(maxsize=32)
def _frequency_template(
    look: Look, simulated: bool, n: int, top: float, title: str
) -> dict[str, Any]:
    s, p = look.sizes, look.palette
    x = {
        "field": "place",
        "type": "quantitative",
        "scale": {"domain": [0, n], "nice": False},
        "axis": None,
    }
    base = {"data": {"name": "fifths"}}
    small = {"expr": f"width < {420 * look.unit:.0f} ? {0.88 * s.small:g} : {s.small:g}"}
    below = {"type": "text", "baseline": "middle", "fontSize": small}
    layers: list[dict[str, Any]] = [
        {
            **base,
            "mark": {"type": "bar", "width": {"expr": f"width / {1.9 * n:g}"}, "color": p.mutant},
            "encoding": {
                "x": x,
                "y": {
                    "field": "fraction",
                    "type": "quantitative",
                    "scale": {"domain": [0, top]},
                    "axis": {"format": "%", "title": f"{title} mutant", "tickCount": 5},
                },
                "tooltip": [
                    {"field": "fifth", "title": "TMB within cohort"},
                    {"field": "counts", "title": "Mutant"},
                    {"field": "median", "title": "Median TMB"},
                ],
            },
        },
        {
            **base,
            "mark": {"type": "rule", "strokeWidth": s.line, "color": p.ink},
            "encoding": {
                "x": x,
                "y": {"field": "ci_lower", "type": "quantitative"},
                "y2": {"field": "ci_upper"},
            },
        },
        {
            **base,
            "mark": {"type": "text", "dy": -0.9 * s.small, "fontWeight": 600, "fontSize": s.text},
            "encoding": {
                "x": x,
                "y": {"field": "ci_upper", "type": "quantitative"},
                "text": {"field": "percent"},
            },
        },
        *(
            {
                **base,
                "mark": {
                    **below,
                    "y": {"expr": f"height + {(1.1 + 1.4 * i) * s.small:g}"},
                    "color": p.ink if i == 0 else p.muted,
                },
                "encoding": {"x": x, "text": {"field": field}},
            }
            for i, field in enumerate(("fifth", "counts", "median"))
        ),
        {
            "data": {"values": [{}]},
            "mark": {
                **below,
                "text": "TMB within cohort; mutant of patients; median TMB",
                "x": {"expr": "width / 2"},
                "y": {"expr": f"height + {5.6 * s.small:g}"},
                "color": p.muted,
            },
        },
    ]
    return view(look, layers, simulated=simulated, height=HEIGHT)


def _stem(result: Burden) -> str:
    return f"{result.endpoint.lower()}-{result.title.replace(' ', '-').lower()}"
