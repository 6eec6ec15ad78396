"""The TCGA survival page's figures and tables: endpoints, tumour types in a forest, advice."""

from __future__ import annotations

import pandas as pd

from core.analysis.survival import MIN_EVENTS, MIN_PATIENTS
from core.analysis.tcga_survival import ADVICE, ENDPOINTS, PAPER_NAME, TcgaSurvival
from core.charts.figure import Figure
from core.charts.forest import ForestText, forest_figure
from core.charts.theme import Look
from core.charts.wording import DASH, p_text, ratio_text
from core.model import ENDPOINT_LABEL
from core.records import records

SIGNS = {"recommended": "✓", "caution": "!", "not recommended": "✗", "not available": DASH}
"""A sign beside each word of advice, so that colour is never needed."""


def endpoint_name(endpoint: str) -> str:
    """``Disease-free interval (DFI; the paper's DFS)``."""
    paper = f"; the paper's {PAPER_NAME[endpoint]}" if endpoint in PAPER_NAME else ""
    return f"{ENDPOINT_LABEL[endpoint]} ({endpoint}{paper})"


def answer(result: TcgaSurvival, endpoint: str = "OS") -> str:
    """What the Cox model within tumour types says of one endpoint, in a sentence."""
    rows = {r["endpoint"]: r for r in records(result.ratios)}
    chosen = endpoint if endpoint in rows else list(rows)[-1]
    row = rows[chosen]
    ratio = ratio_text(row["hazard_ratio"], row["ci_lower"], row["ci_upper"])
    if pd.isna(row["p_value"]):
        verdict = "Too few patients to tell"
    elif row["ci_lower"] <= 1 <= row["ci_upper"]:
        verdict = "No clear difference without ICI"
    else:
        verdict = f"{'Longer' if row['hazard_ratio'] < 1 else 'Shorter'} survival without ICI"
    return (
        f"{verdict}: {chosen} hazard ratio {ratio} within tumour types, {p_text(row['p_value'])}, "
        f"{row['mutant']:,} {group_name(result)} of {row['n']:,} patients."
    )


def group_name(result: TcgaSurvival) -> str:
    """``ALK mutant``, ``TMB high``: the group that is compared with the reference."""
    return f"{result.title} {result.order[1]}"


def endpoints_figure(
    result: TcgaSurvival,
    look: Look | None = None,
    *,
    simulated: bool,
    heading: tuple[str, ...] = (),
) -> Figure:
    """One row per endpoint: the hazard ratio within tumour types, beside the naive one."""
    rows = result.ratios
    table = rows.assign(
        label=[_short(e) for e in rows.endpoint],
        second_hazard_ratio=rows.naive_hazard_ratio,
        second_ci_lower=rows.naive_ci_lower,
        second_ci_upper=rows.naive_ci_upper,
    )
    return forest_figure(
        table,
        look,
        simulated=simulated,
        name=f"tcga-endpoints-{result.title.replace(' ', '-').lower()}",
        about=f"Hazard ratios of {group_name(result)} against {result.order[0]} in TCGA, by "
        "endpoint",
        text=ForestText(labels="Endpoint", first="by tumour type", second="naive"),
        heading=heading,
    )


def _short(endpoint: str) -> str:
    return endpoint + (f" (the paper's {PAPER_NAME[endpoint]})" if endpoint in PAPER_NAME else "")


def types_figure(
    result: TcgaSurvival,
    endpoint: str,
    look: Look | None = None,
    *,
    simulated: bool,
    heading: tuple[str, ...] = (),
) -> Figure | None:
    """Tumour types large enough for an estimate, under their advice; None where there is none."""
    rows = estimated(result, endpoint)
    if rows.empty:
        return None
    table = rows.drop(columns="note").assign(
        label=rows.tumor_type_source,
        group=[f"{SIGNS.get(a, '')} {a}".strip().capitalize() for a in rows.advice],
    )
    return forest_figure(
        table,
        look,
        simulated=simulated,
        name=f"tcga-types-{endpoint.lower()}-{result.title.replace(' ', '-').lower()}",
        about=f"Hazard ratios of {group_name(result)} against {result.order[0]} by TCGA tumour "
        f"type, {endpoint_name(endpoint)}",
        text=ForestText(labels="Tumour type"),
        heading=heading,
    )


def estimated(result: TcgaSurvival, endpoint: str) -> pd.DataFrame:
    """Types with an estimate, most trusted advice first, then by number of mutants."""
    rows = result.by_type[result.by_type.endpoint == endpoint]
    rank = {a: i for i, a in enumerate(ADVICE)}
    rows = rows[rows.hazard_ratio.notna()]
    order = rows.advice.map(lambda a: rank.get(a, len(rank)))
    rows = rows.assign(rank=order).sort_values(["rank", "mutant"], ascending=[True, False])
    return rows.drop(columns="rank").reset_index(drop=True)


def too_small(result: TcgaSurvival, endpoint: str) -> str:
    """The types without an estimate, each with its counts, as a sentence; empty if none."""
    rows = result.by_type[(result.by_type.endpoint == endpoint)]
    rows = rows[rows.hazard_ratio.isna()].sort_values("mutant", ascending=False, kind="stable")
    if rows.empty:
        return ""
    told = ", ".join(
        f"{r['tumor_type_source']} ({r['mutant']} {result.order[1]}, {r['mutant_events']} events)"
        for r in records(rows)
    )
    return (
        f"Too small for an estimate of their own (under {MIN_PATIENTS} patients or {MIN_EVENTS} "
        f"events in an arm), but part of the comparison above: {told}."
    )


def left_out(result: TcgaSurvival, endpoint: str) -> str:
    """The types that the advice kept out of ``endpoint``, as a sentence; empty if none."""
    types = result.left_out.get(endpoint, ())
    return f"Left out, since {endpoint} is not advised there: {', '.join(types)}." if types else ""


def badge(result: TcgaSurvival, endpoint: str) -> list[tuple[str, int]]:
    """How many of the compared tumour types have each advice for ``endpoint``."""
    kinds = result.by_type[result.by_type.endpoint == endpoint].advice.value_counts()
    return [(a, int(kinds[a])) for a in ADVICE if a in kinds]


def heterogeneity(result: TcgaSurvival, endpoint: str) -> str:
    """Whether the types' hazard ratios differ more than chance would have it."""
    test = result.heterogeneity.get(endpoint)
    if test is None:
        return ""
    p, i2, types = test
    return (
        f"Do the {types} types differ? Cochran's Q {p_text(p)}, I² {100 * i2:.0f}%. A single "
        "type's p-value does not show that it differs from the others."
    )


def advice_table(result: TcgaSurvival) -> pd.DataFrame:
    """Tumour types by endpoint: a sign and a word."""
    wide = result.advice.pivot(index="tumor_type_source", columns="endpoint", values="advice")
    columns = [e for e in ENDPOINTS if e in wide]
    table = wide[columns].map(lambda a: f"{SIGNS.get(a, '')} {a}".strip() if a == a else DASH)
    return table.rename_axis(columns=None).reset_index(names="Tumour type")


def sizes_table(result: TcgaSurvival) -> pd.DataFrame:
    """Patients, mutants and both hazard ratios of each endpoint."""
    rows = records(result.ratios)
    return pd.DataFrame(
        {
            "Endpoint": [endpoint_name(r["endpoint"]) for r in rows],
            "Patients": [f"{r['n']:,}" for r in rows],
            result.order[1].capitalize(): [f"{r['mutant']:,}" for r in rows],
            "Events": [f"{r['events']:,}" for r in rows],
            "HR within tumour types (95% CI)": [
                ratio_text(r["hazard_ratio"], r["ci_lower"], r["ci_upper"]) for r in rows
            ],
            "p": [p_text(r["p_value"], symbol=False) for r in rows],
            "Naive HR (95% CI)": [
                ratio_text(r["naive_hazard_ratio"], r["naive_ci_lower"], r["naive_ci_upper"])
                for r in rows
            ],
            "Naive p": [p_text(r["naive_p_value"], symbol=False) for r in rows],
        }
    )
