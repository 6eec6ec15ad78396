"""Objective response by group, where a study tells it: rates with exact intervals, odds ratio.

Response is complete or partial. Patients whose best response is *not evaluable* count as without
response, as RECIST 1.1 asks of the primary analysis; patients of studies that tell none are left
out and counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.analysis.result import Result
from core.stats.contingency import binomial_interval, fisher_exact, mantel_haenszel

RESPONSES = ("CR", "PR")
AFTER_START = frozenset({"response", "responder"})
"""Variables that are response itself: comparing response between their groups says nothing."""


@dataclass(frozen=True)
class Response(Result):
    """arms: group, n, responders, rate, ci_lower, ci_upper; odds ratio of the second group
    against the first (NaN with more groups); ``p_value`` NaN where withheld or impossible."""

    arms: pd.DataFrame
    odds_ratio: float
    ci_lower: float
    ci_upper: float
    p_value: float
    method: str
    n_unknown: int
    warnings: tuple[str, ...] = ()


def response_by_group(
    rows: pd.DataFrame, order: tuple[str, ...], *, stratified: bool = True, withhold: bool = False
) -> Response | None:
    """Compare response in ``rows`` (group, response, cohort_id); None where nobody's is known.

    Two groups in several studies: Mantel-Haenszel's odds ratio; else Fisher's exact test.
    ``withhold`` leaves out the p-value.
    """
    known = rows.response.notna().to_numpy()
    if not known.any():
        return None
    responded = rows.response.isin(RESPONSES).to_numpy()[known]
    group = rows.group.to_numpy(object)[known]
    member = np.array([group == g for g in order])
    n, k = member.sum(axis=1), (member & responded).sum(axis=1)
    lower, upper = binomial_interval(k, n)
    with np.errstate(invalid="ignore"):
        arms = pd.DataFrame(
            {
                "group": order,
                "n": n,
                "responders": k,
                "rate": np.where(n > 0, k / np.maximum(n, 1), np.nan),
                "ci_lower": np.where(n > 0, lower, np.nan),
                "ci_upper": np.where(n > 0, upper, np.nan),
            }
        )
    cohort = rows.cohort_id.to_numpy(object)[known] if stratified else None
    odds, low, high, p, method, notes = _compare(cohort, member, responded)
    return Response(
        arms,
        odds,
        low,
        high,
        float("nan") if withhold else p,
        method,
        int(np.count_nonzero(~known)),
        notes,
    )


def _compare(
    cohort: npt.NDArray[np.object_] | None,
    member: npt.NDArray[np.bool_],
    responded: npt.NDArray[np.bool_],
) -> tuple[float, float, float, float, str, tuple[str, ...]]:
    """Odds ratio, interval, p, method and notes; ``member``: groups x patients."""
    nothing = float("nan")
    n, k = member.sum(axis=1), (member & responded).sum(axis=1)
    if np.count_nonzero(n) < 2 or k.sum() in (0, n.sum()):
        why = ("Response cannot be compared: it is known of one group only, or does not vary.",)
        return nothing, nothing, nothing, nothing, "", why
    two = len(member) == 2
    codes, studies = pd.factorize(np.zeros(len(responded)) if cohort is None else cohort)
    if two and len(studies) > 1:
        # study x group (the second first) x with response, without
        cell = (codes * 2 + member[0]) * 2 + ~responded
        tables = np.bincount(cell[member.any(axis=0)], minlength=4 * len(studies))
        tables = tables.reshape(-1, 2, 2)
        found = mantel_haenszel(tables)
        words = "odds ratio within studies (Mantel-Haenszel)"
        return (
            found.odds_ratio,
            found.ci_lower,
            found.ci_upper,
            found.p_value,
            words,
            tuple(w[0].upper() + w[1:] + "." for w in found.warnings),
        )
    exact = fisher_exact(np.column_stack([k, n - k])[::-1])
    words = "odds ratio (Fisher's exact test)" if two else "Fisher's exact test"
    return exact.odds_ratio, exact.ci_lower, exact.ci_upper, exact.p_value, words, exact.warnings
