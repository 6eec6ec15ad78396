"""The survival page's tables, printed as a publication would print them."""

from __future__ import annotations

import pandas as pd

from core.analysis.survival import LANDMARKS, SurvivalComparison
from core.charts.wording import PLAIN, group_name, months_text, p_text, percent_text, ratio_text
from core.model import ENDPOINT_LABEL
from core.records import records

METHODS = {
    "Cox, Efron": "Cox model",
    "Cox, Firth": "Cox model, Firth's penalty",
    "profile likelihood": "Profile likelihood",
    "O/E": "O/E of the log-rank test, as in the paper",
}


def answer(result: SurvivalComparison) -> str:
    """The page's question answered in one sentence: of two groups from the Cox model, of more from
    the log-rank test.

    Says *no clear difference* where the interval holds 1, and nothing is claimed of cause.
    """
    if len(result.order) != 2:
        return _of_several(result)
    cox = result.cox_ratio
    other, reference = result.order[-1], result.order[0]
    whose = "" if result.order in PLAIN else f" of {other} against {reference}"
    ratio = f"hazard ratio{whose} {ratio_text(*cox)}"
    medians = _medians(result)
    median = (
        f"median {months_text(medians[other])} against {months_text(medians[reference])} months"
    )
    if not result.large_enough:
        return f"Too few patients to tell: {ratio}; {median}."
    verdict = "No clear difference"
    if cox[2] < 1:
        verdict = "In these patients, yes"
    elif cox[1] > 1:
        verdict = "In these patients, no, with shorter survival"
    if result.corrected_p is not None:
        return f"{_by_chosen_cut(result)}: {ratio}, not corrected for the search; {median}."
    return f"{verdict}: {ratio}, log-rank {p_text(result.p_value)}; {median}."


def _medians(result: SurvivalComparison) -> dict[str, float]:
    return {arm["group"]: arm["median"] for arm in result.arm_rows}


def _of_several(result: SurvivalComparison) -> str:
    """Whether more than two groups differ at all; the test does not say which."""
    medians = _medians(result)
    listed = ", ".join(f"{g} {months_text(medians[g])}" for g in result.order)
    medians_told = f"median months: {listed}"
    if not result.large_enough:
        return f"Too few patients in a group to tell; {medians_told}."
    verdict = "differs" if result.p_value < 0.05 else "does not clearly differ"
    many = f"{len(result.order)} groups"
    return (
        f"Survival {verdict} between the {many}: log-rank {p_text(result.p_value)}; {medians_told}."
    )


def _by_chosen_cut(result: SurvivalComparison) -> str:
    """The interval of a chosen cut proves nothing, so that the corrected p alone decides."""
    found = "Survival differs" if result.p_value < 0.05 else "No clear difference"
    return f"{found} at the chosen cut (corrected {p_text(result.p_value)})"


def pooling(result: SurvivalComparison) -> str:
    """What the curves are of, where the hazard ratio is of something else; else empty."""
    if not result.stratified:
        return ""
    return (
        "Curves and medians take all studies together; the hazard ratio and p compare patients "
        "within each study."
    )


def question(label: str, endpoint: str, *, mutations: bool) -> str:
    """The page's title."""
    outcome = ENDPOINT_LABEL[endpoint].lower()
    subject = f"a mutation in {label}" if mutations else label
    return f"Does {subject} go with longer {outcome}?"


def ratios(result: SurvivalComparison, rows: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row per comparison and method: hazard ratio with its interval, and p.

    ``rows``: further methods beside the result's own (core.analysis.three_numbers).
    """
    rows = result.hazard_ratios if rows is None else rows
    given = records(rows)
    return pd.DataFrame(
        {
            "Hazard ratio": [
                f"{METHODS.get(r['method'], r['method'])}: "
                + group_name(result.title, r["comparison"].split(" vs ")[0])
                + f" vs {result.order[0]}"
                for r in given
            ],
            "HR (95% CI)": [
                ratio_text(r["hazard_ratio"], r["ci_lower"], r["ci_upper"]) for r in given
            ],
            "p": [p_text(r["p_value"], symbol=False) for r in given],
        }
    )


def survival_numbers(result: SurvivalComparison) -> pd.DataFrame:
    """What a Kaplan-Meier figure says in numbers, a row per group and per hazard ratio."""
    ratios = result.hazard_ratios.rename(columns={"comparison": "group"})
    return pd.concat([result.arms.assign(method="Kaplan-Meier"), ratios], ignore_index=True)


def arms(result: SurvivalComparison) -> pd.DataFrame:
    """One row per group, the reference last: n, events, median, survival at the landmarks."""
    rows = []
    for arm in reversed(result.arm_rows):
        group = arm["group"]
        row = {
            "Group": group_name(result.title, group),
            "Patients": f"{arm['n']:,}",
            "Events": f"{arm['events']:,}",
            "Median, months (95% CI)": months_text(
                arm["median"], arm["median_lower"], arm["median_upper"]
            ),
        }
        for month in LANDMARKS:
            at = f"survival_{month:g}"
            row[f"Alive at {month:g} months (95% CI)"] = percent_text(
                arm[at], arm[f"{at}_lower"], arm[f"{at}_upper"]
            )
        rows.append(row)
    table = pd.DataFrame(rows)
    if result.endpoint != "OS":
        table.columns = table.columns.str.replace("Alive at", "Event-free at")
    return table
