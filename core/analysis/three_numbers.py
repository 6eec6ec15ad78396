"""One hazard ratio three ways: Wald, profile likelihood or Firth, and O/E as the paper printed.

Where they disagree about whether 1 lies in the interval, the conclusion hangs on the method.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from core.analysis.result import Result
from core.analysis.survival import SurvivalComparison
from core.model import NotEnoughData
from core.stats.profile import profile_interval

PROFILE = "profile likelihood"


@dataclass(frozen=True)
class ThreeNumbers(Result):
    """``table``: comparison, method, hazard_ratio, ci_lower, ci_upper, p_value (NaN: withheld)."""

    table: pd.DataFrame
    disagreement: str
    """Empty where all intervals say the same about 1."""
    warnings: tuple[str, ...] = ()


def three_numbers(result: SurvivalComparison) -> ThreeNumbers:
    """The hazard ratios of ``result`` and a profile-likelihood interval of each.

    Firth's estimate, which stands for Cox's where an arm is small, is profiled likewise.
    """
    rows, notes = [], []
    reference = result.order[0]
    fit = result.fit
    if fit is None:
        return ThreeNumbers(result.hazard_ratios, _disagreement(result.hazard_ratios))
    for group in result.order[1:]:
        comparison = f"{group} vs {reference}"
        given = result.hazard_ratios[result.hazard_ratios.comparison == comparison]
        wald, observed = given.to_dict("records")
        rows.append(wald)
        try:
            found = profile_interval(fit, group)
        except NotEnoughData as error:
            notes.append(error.message)
        else:
            withheld = not result.large_enough or result.corrected_p is not None
            rows.append(
                {
                    "comparison": comparison,
                    "method": PROFILE,
                    "hazard_ratio": found.hazard_ratio,
                    "ci_lower": found.ci_lower,
                    "ci_upper": found.ci_upper,
                    "p_value": float("nan") if withheld else found.p_value,
                }
            )
            notes += found.warnings
        rows.append(observed)
    table = pd.DataFrame(rows)
    return ThreeNumbers(table, _disagreement(table), tuple(notes))


def _disagreement(table: pd.DataFrame) -> str:
    told = []
    for comparison, rows in table.groupby("comparison", sort=False):
        known = rows[rows.ci_lower.notna() & rows.ci_upper.notna()]
        holds = (known.ci_lower <= 1) & (known.ci_upper >= 1)
        if holds.any() and not holds.all():
            without, with_one = (", ".join(known.method[m]) for m in (~holds, holds))
            told.append(
                f"{comparison}: the interval leaves out 1 by {without}, and holds it by {with_one}"
            )
    if not told:
        return ""
    return f"The methods disagree. {'; '.join(told)}. The conclusion hangs on the method."
