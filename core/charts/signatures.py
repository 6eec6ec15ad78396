"""The signatures page's figures of frequency and odds, its tables and its sentences."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from core.analysis.signature_survival import PER_SHARE, SignatureSurvival
from core.analysis.signatures import COUNT_LABELS, SignatureFrequency
from core.charts.figure import Figure
from core.charts.forest import ForestText, forest_figure
from core.charts.theme import Look
from core.charts.view import view
from core.charts.wording import DASH, p_text, ratio_text
from core.model import ENDPOINT_LABEL

SIGNIFICANT = 0.05
SHOWN = 15
"""Signatures drawn where none are chosen: those with the smallest p-values."""

ARTEFACT = (
    "In a tumour of few mutations any fit is loose. The greedy refit, which is what the paper's "
    "tool does, gives such tumours signatures that are not there; the bootstrapped refit leaves "
    "them out, and misses some that are. A difference that lives in the leftmost columns is to be "
    "doubted."
)
FEW = "too few informative tumours for a p-value"


# -- sentences -------------------------------------------------------------------------


def answer(result: SignatureFrequency) -> str:
    """How many signatures differ, before and after like is compared with like."""
    table = result.table
    crude = table[table.q_value < SIGNIFICANT]
    left = table[table.adjusted_q < SIGNIFICANT]
    tested = int(table.adjusted_p.notna().sum())
    lead = f"Of {len(table)} signatures, {_none(len(crude))} differ in frequency (q < 0.05)"
    if not tested:
        return f"{lead}; none can be tested within tumour types and mutation counts."
    after = f"{_none(len(left))} of the {tested} that can be tested still do"
    named = f": {_named(left)}" if len(left) else ""
    return (
        f"{lead}; among tumours of the same type and a similar number of mutations {after}{named}."
    )


def _none(n: int) -> str:
    return "none" if n == 0 else str(n)


def _named(rows: pd.DataFrame) -> str:
    names = rows.sort_values("adjusted_p").signature.tolist()
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def survival_answer(result: SignatureSurvival) -> str:
    """Which signatures go with survival at q < 0.05."""
    rows = result.table[result.table.q_value < SIGNIFICANT]
    k, endpoint = len(result.table), ENDPOINT_LABEL[result.endpoint].lower()
    if rows.empty:
        best = result.table.iloc[0]
        ratio = ratio_text(best["hazard_ratio"], best["ci_lower"], best["ci_upper"])
        return (
            f"None of the {k} signatures that can be tested goes with {endpoint} (q < 0.05); the "
            f"smallest p-value is {best['signature']}'s, HR {ratio}, "
            f"{p_text(best['p_value'])}, q = {best['q_value']:.2f}."
        )
    told = "; ".join(
        f"{r['signature']} HR {ratio_text(r['hazard_ratio'], r['ci_lower'], r['ci_upper'])}"
        for r in rows.head(4).to_dict("records")
    )
    verb = "goes" if len(rows) == 1 else "go"
    return f"{len(rows)} of {k} signatures {verb} with {endpoint} (q < 0.05): {told}."


def shown(table: pd.DataFrame, chosen: tuple[str, ...]) -> pd.DataFrame:
    """The rows of the chosen signatures, or the first SHOWN."""
    return table[table.signature.isin(chosen)] if chosen else table.head(SHOWN)


# -- frequency -------------------------------------------------------------------------


def frequency_figure(
    result: SignatureFrequency,
    look: Look | None = None,
    *,
    simulated: bool,
    chosen: tuple[str, ...] = (),
    heading: tuple[str, ...] = (),
) -> Figure:
    """The share of tumours that have each signature, in both groups, with exact intervals."""
    look = look or Look()
    rows = shown(result.table, chosen)
    labels = [_label(r) for r in rows.to_dict("records")]
    points = _points(result, rows, labels)
    data = {"points": points, "tests": pd.DataFrame({"label": labels, "text": _tests(rows)})}
    spec = dict(_frequency_template(look, simulated, _groups(result)))
    spec["height"] = round(2.0 * look.sizes.row * max(len(rows), 1))
    spec["layer"] = [_share_axes(labels, float(points.upper.max())), *spec["layer"]]
    if heading:
        spec["title"] = {"text": heading[0], "subtitle": list(heading[1:])}
    return Figure(f"signatures-{_stem(result)}", spec, data, describe(result, rows))


def describe(result: SignatureFrequency, rows: pd.DataFrame) -> str:
    """The figure in words, with its numbers."""
    told = "; ".join(
        f"{r['signature']} {_share(r, 'mutant')} against {_share(r, 'wild_type')}"
        for r in rows.to_dict("records")
    )
    return (
        f"Tumours with each signature, {result.title} {result.order[1]} against "
        f"{result.order[0]}. {told}."
    )


def _label(row: dict[Any, Any]) -> str:
    return f"{row['signature']}  {row['aetiology']}"


def _groups(result: SignatureFrequency) -> tuple[str, str]:
    """The groups as the legend names them, the reference last."""
    return f"{result.title} {result.order[1]}", result.order[0]


def _points(result: SignatureFrequency, rows: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
    parts = []
    for lead, name in zip(("mutant", "wild_type"), _groups(result), strict=True):
        parts.append(
            pd.DataFrame(
                {
                    "label": labels,
                    "group": name,
                    "share": rows[f"{lead}_share"].to_numpy(),
                    "lower": rows[f"{lead}_lower"].to_numpy(),
                    "upper": rows[f"{lead}_upper"].to_numpy(),
                    "text": [_share(r, lead) for r in rows.to_dict("records")],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _share(row: dict[Any, Any], lead: str) -> str:
    return f"{row[f'{lead}_share']:.1%} ({row[lead]:,}/{row[f'n_{lead}']:,})"


def _tests(rows: pd.DataFrame) -> list[str]:
    return [f"q {p_text(q, symbol=False)}" for q in rows.q_value]


def _share_axes(labels: list[str], high: float) -> dict[str, Any]:
    """An invisible layer that carries the scales."""
    return {
        "data": {"name": "points"},
        "mark": {"type": "point", "opacity": 0, "size": 1},
        "encoding": {
            "x": {
                "field": "share",
                "type": "quantitative",
                "scale": {"domain": [0, min(1.0, max(0.02, 1.03 * high))], "nice": False},
                "axis": {
                    "format": "~%",
                    "tickCount": 5,
                    "title": "Tumours with the signature",
                    "grid": True,
                },
            },
            "y": {
                "field": "label",
                "type": "nominal",
                "scale": {"domain": labels, "paddingInner": 0.25},
                "axis": {
                    "title": None,
                    "ticks": False,
                    "domain": False,
                    "labelPadding": 9,  # clear of a mark at 0
                    "labelLimit": {"expr": "width < 300 ? 110 : 400"},
                },
            },
        },
    }


@lru_cache(maxsize=32)
def _frequency_template(look: Look, simulated: bool, groups: tuple[str, str]) -> dict[str, Any]:
    s, p = look.sizes, look.palette
    y = {"field": "label", "type": "nominal"}
    offset = {"field": "group", "type": "nominal", "scale": {"domain": list(groups)}}
    color = _group_color(look, groups)
    common = {"y": y, "yOffset": offset, "color": color}
    tooltip = [
        {"field": f, "type": "nominal", "title": t}
        for f, t in (("label", "Signature"), ("group", "Group"), ("text", "Present in"))
    ]
    layers: list[dict[str, Any]] = [
        {
            "data": {"name": "points"},
            "mark": {"type": "rule", "strokeWidth": 0.75 * s.line},
            "encoding": {
                "x": {"field": "lower", "type": "quantitative"}, "x2": {"field": "upper"}, **common,
            },
        },
        {
            "data": {"name": "points"},
            "mark": {"type": "point", "filled": True, "opacity": 1, "size": 1.2 * s.mark**2},
            "encoding": {
                "x": {"field": "share", "type": "quantitative"}, **common, "tooltip": tooltip,
            },
        },
        {
            "data": {"name": "tests"},
            "mark": {
                "type": "text", "align": "left", "x": {"expr": "width + 10"}, "fontSize": s.small,
            },
            "encoding": {"y": y, "text": {"field": "text"}, "color": {"value": p.ink}},
        },
    ]  # fmt: skip
    return view(look, layers, simulated=simulated)


def _group_color(look: Look, groups: tuple[str, str]) -> dict[str, Any]:
    p = look.palette
    return {
        "field": "group",
        "type": "nominal",
        "scale": {"domain": list(groups), "range": [p.mutant, p.wild_type]},
        "legend": {"orient": "top", "title": None, "symbolType": "circle", "symbolOpacity": 1},
    }


# -- by mutation count -----------------------------------------------------------------


def count_figure(
    result: SignatureFrequency,
    signature: str,
    look: Look | None = None,
    *,
    simulated: bool,
    heading: tuple[str, ...] = (),
) -> Figure:
    """How often one signature is called, by the number of SNVs of the tumour."""
    look = look or Look()
    rows = result.by_count[(result.by_count.signature == signature) & (result.by_count.n > 0)]
    groups = _groups(result)
    data = rows.assign(
        group=rows.group.map(dict(zip(reversed(result.order), groups, strict=True))),
        text=[f"{r['present']:,} of {r['n']:,}" for r in rows.to_dict("records")],
    )
    spec = dict(_count_template(look, simulated, groups))
    if heading:
        spec["title"] = {"text": heading[0], "subtitle": list(heading[1:])}
    told = "; ".join(f"{r['bin']} SNVs, {r['group']} {r['text']}" for r in data.to_dict("records"))
    name = f"by-count-{signature.lower()}-{_stem(result)}"
    about = f"Tumours with {signature} by number of SNVs. {told}."
    return Figure(name, spec, {"points": data.reset_index(drop=True)}, about)


@lru_cache(maxsize=32)
def _count_template(look: Look, simulated: bool, groups: tuple[str, str]) -> dict[str, Any]:
    s = look.sizes
    common = {
        "x": {
            "field": "bin",
            "type": "ordinal",
            "scale": {"domain": list(COUNT_LABELS), "paddingInner": 0.45},
            "axis": {"title": "SNVs of the tumour", "labelAngle": 0, "labelOverlap": False},
        },
        "xOffset": {"field": "group", "type": "nominal", "scale": {"domain": list(groups)}},
        "color": _group_color(look, groups),
    }
    y = {
        "type": "quantitative",
        "scale": {"zero": True, "nice": True},
        "axis": {"format": "~%", "title": "Tumours with it", "tickCount": 5},
    }
    tooltip = [
        {"field": f, "type": "nominal", "title": t}
        for f, t in (("group", "Group"), ("bin", "SNVs"), ("text", "Present in"))
    ]
    layers: list[dict[str, Any]] = [
        {
            "data": {"name": "points"},
            "mark": {"type": "rule", "strokeWidth": 0.75 * s.line},
            "encoding": {
                **common, "y": {**y, "field": "ci_lower"}, "y2": {"field": "ci_upper"},
            },
        },
        {
            "data": {"name": "points"},
            "mark": {"type": "point", "filled": True, "opacity": 1, "size": 1.3 * s.mark**2},
            "encoding": {**common, "y": {**y, "field": "share"}, "tooltip": tooltip},
        },
    ]  # fmt: skip
    return view(look, layers, simulated=simulated, height=0.62)


# -- odds ------------------------------------------------------------------------------


def odds_figure(
    result: SignatureFrequency,
    look: Look | None = None,
    *,
    simulated: bool,
    chosen: tuple[str, ...] = (),
    heading: tuple[str, ...] = (),
) -> Figure:
    """Odds ratios within tumour type and mutation count, beside those of all tumours alike."""
    rows = shown(result.table, chosen)
    known = rows.adjusted_odds_ratio.notna() & rows.adjusted_lower.notna()
    table = pd.DataFrame(
        {
            "label": rows.signature,
            "hazard_ratio": rows.adjusted_odds_ratio.where(known),
            "ci_lower": rows.adjusted_lower.where(known),
            "ci_upper": rows.adjusted_upper.where(known),
            "second_hazard_ratio": rows.odds_ratio,
            "second_ci_lower": rows.ci_lower,
            "second_ci_upper": rows.ci_upper,
            "p_value": rows.adjusted_p,
            "q_value": rows.adjusted_q,
            "note": np.where(~known, "not estimable", np.where(rows.adjusted_p.isna(), FEW, "")),
            "emphasised": rows.adjusted_q < SIGNIFICANT,
        }
    )
    return forest_figure(
        table,
        look,
        simulated=simulated,
        name=f"signature-odds-{_stem(result)}",
        about=f"Odds ratio of each signature, {result.title} {result.order[1]} against "
        f"{result.order[0]}, within tumour type and mutation count",
        text=ForestText(
            labels="Signature",
            q="q",
            first="adjusted",
            second="unadjusted",
            ratio="Odds ratio",
            short="OR",
            direction=(f"rarer in {result.order[1]}", f"more often in {result.order[1]}"),
        ),
        heading=heading,
    )


def frequency_table(result: SignatureFrequency) -> pd.DataFrame:
    """Every signature as a publication prints it."""
    rows = result.table.to_dict("records")
    mutant, reference = _groups(result)
    return pd.DataFrame(
        {
            "Signature": [r["signature"] for r in rows],
            "Proposed aetiology": [r["aetiology"] for r in rows],
            mutant: [_share(r, "mutant") for r in rows],
            reference: [_share(r, "wild_type") for r in rows],
            "p, chi-squared": [p_text(r["p_value"], symbol=False) for r in rows],
            "q": [p_text(r["q_value"], symbol=False) for r in rows],
            "p, Fisher": [p_text(r["fisher_p"], symbol=False) for r in rows],
            "OR (95% CI)": [_odds(r, "odds_ratio", "ci_lower", "ci_upper") for r in rows],
            "Adjusted OR (95% CI)": [
                _odds(r, "adjusted_odds_ratio", "adjusted_lower", "adjusted_upper") for r in rows
            ],
            "Adjusted p": [_dash(r["adjusted_p"]) for r in rows],
            "Adjusted q": [_dash(r["adjusted_q"]) for r in rows],
        }
    )


def _odds(row: dict[Any, Any], estimate: str, lower: str, upper: str) -> str:
    if np.isnan(row[estimate]):
        return DASH
    return ratio_text(row[estimate], row[lower], row[upper])


def _dash(p: float) -> str:
    return DASH if np.isnan(p) else p_text(p, symbol=False)


def _stem(result: SignatureFrequency) -> str:
    return f"{result.source.place}-{result.title.replace(' ', '-').lower()}"


# -- survival --------------------------------------------------------------------------


def survival_figure(
    result: SignatureSurvival,
    look: Look | None = None,
    *,
    simulated: bool,
    chosen: tuple[str, ...] = (),
    heading: tuple[str, ...] = (),
) -> Figure:
    """One row per signature: hazard ratio of having it, or of a larger share of mutations."""
    rows = shown(result.table, chosen)
    known = rows.hazard_ratio.notna()
    note = rows.method.map({"firth": "Firth's penalised estimate: few events"}).fillna("")
    table = pd.DataFrame(
        {
            "label": [
                f"{s}, {a[0].lower()}{a[1:]}" if len(a) < 34 else s
                for s, a in zip(rows.signature, rows.aetiology, strict=True)
            ],
            "n": rows.n_present,
            "events": rows.events_present,
            "hazard_ratio": rows.hazard_ratio,
            "ci_lower": rows.ci_lower,
            "ci_upper": rows.ci_upper,
            "p_value": rows.p_value,
            "q_value": rows.q_value,
            "note": note.where(known, "not estimable"),
            "emphasised": rows.q_value < SIGNIFICANT,
        }
    )
    endpoint = ENDPOINT_LABEL[result.endpoint].lower()
    what = (
        "present against absent"
        if result.exposure == "presence"
        else f"for each {PER_SHARE:.0%} more of the mutations"
    )
    return forest_figure(
        table,
        look,
        simulated=simulated,
        name=f"signature-{result.endpoint.lower()}-{result.exposure}",
        about=f"Hazard ratio of {endpoint} of each signature, {what}",
        text=ForestText(labels="Signature", q="q"),
        heading=heading,
    )


def coverage_table(coverage: pd.DataFrame) -> pd.DataFrame:
    """The ICI cohorts: how many tumours were decomposed, or why none."""
    rows = coverage.to_dict("records")
    return pd.DataFrame(
        {
            "Study": [r["name"] for r in rows],
            "Assay": [r["assay"] for r in rows],
            "Patients": [f"{r['patients']:,}" for r in rows],
            "Decomposed": [f"{r['decomposed']:,}" if r["decomposed"] else DASH for r in rows],
            "With enough SNVs": [f"{r['eligible']:,}" if r["decomposed"] else DASH for r in rows],
            "Why none": [r["reason"] or DASH for r in rows],
        }
    )
