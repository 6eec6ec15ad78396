"""One hazard ratio three ways: Cox (Wald), profile likelihood or Firth, and O/E as the paper did.

Where they disagree about whether 1 lies in the interval, the conclusion hangs on the method.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.analysis.result import Result
from core.analysis.survival import SurvivalComparison
from core.model import NotEnoughData
from core.records import records
from core.stats.cox import cox
from core.stats.profile import ProfileInterval, profile_interval

PROFILE, PLAIN = "profile likelihood", "Cox, Efron"
NAN = float("nan")


@dataclass(frozen=True)
class ThreeNumbers(Result):
    """``table``: comparison, method, hazard_ratio, ci_lower, ci_upper, p_value (NaN: withheld)."""

    table: pd.DataFrame
    disagreement: str
    """Empty where all intervals say the same about 1."""
    warnings: tuple[str, ...] = ()


def three_numbers(result: SurvivalComparison) -> ThreeNumbers:
    """The hazard ratios of ``result`` beside a second interval from the likelihood.

    A Cox estimate gets the profile-likelihood interval; Firth's, which stands for Cox's where an
    arm is small and has that interval already, gets the plain Cox model to be compared with.
    """
    reference, fit = result.order[0], result.fit
    if fit is None:
        return ThreeNumbers(result.hazard_ratios, _disagreement(result.hazard_ratios))
    plain = _plain_rows(result) if fit.penalty else {}
    rows: list[dict[str, object]] = []
    notes: list[str] = []
    given = records(result.hazard_ratios)
    for group in result.order[1:]:
        comparison = f"{group} vs {reference}"
        own, observed = (r for r in given if r["comparison"] == comparison)
        if fit.penalty:
            rows += [plain[group] | {"comparison": comparison}, own]
        else:
            rows.append(own)
            try:
                found = profile_interval(fit, group)
            except NotEnoughData as error:
                notes.append(error.message)
            else:
                rows.append(_profiled(found, result) | {"comparison": comparison})
                notes += found.warnings
        rows.append(observed)
    table = pd.DataFrame(rows)
    return ThreeNumbers(table, _disagreement(table), tuple(notes))


def _profiled(found: ProfileInterval, result: SurvivalComparison) -> dict[str, object]:
    return {
        "method": PROFILE,
        "hazard_ratio": found.hazard_ratio,
        "ci_lower": found.ci_lower,
        "ci_upper": found.ci_upper,
        "p_value": NAN if result.corrected_p is not None else found.p_value,
    }


def _plain_rows(result: SurvivalComparison) -> dict[str, dict[str, object]]:
    """Each group's row by Cox without a penalty; NaN where it has no finite estimate."""
    rows = result.rows
    fit = cox(
        np.column_stack([(rows.group == g).to_numpy(float) for g in result.order[1:]]),
        rows.time_months,
        rows.event,
        names=list(result.order[1:]),
        strata=rows.cohort_id if result.stratified else None,
    )
    names = ["hazard_ratio", "ci_lower", "ci_upper"]
    return {
        str(r["term"]): {"method": PLAIN, "p_value": NAN}
        | {n: r[n] if np.isfinite(r["std_error"]) else NAN for n in names}
        for r in records(fit.table())
    }


def _disagreement(table: pd.DataFrame) -> str:
    told = []
    columns = (table[c].tolist() for c in ("comparison", "method", "ci_lower", "ci_upper"))
    without: dict[str, list[str]] = {}
    with_one: dict[str, list[str]] = {}
    for comparison, method, lower, upper in zip(*columns, strict=True):
        if not math.isnan(lower) and not math.isnan(upper):
            kind = with_one if lower <= 1 <= upper else without
            kind.setdefault(comparison, []).append(method)
    for comparison in without:
        if comparison in with_one:
            told.append(
                f"{comparison}: the interval leaves out 1 by {', '.join(without[comparison])}, "
                f"and holds it by {', '.join(with_one[comparison])}"
            )
    if not told:
        return ""
    return f"The methods disagree. {'; '.join(told)}. The conclusion hangs on the method."
