"""Objective response by group, where a study tells it: rates with exact intervals, odds ratio.

Response is complete or partial. Patients whose best response is *not evaluable* count as without
response, as RECIST 1.1 asks of the primary analysis; patients of studies that tell none are left
out and counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
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
    known = rows[rows.response.notna()]
    if not len(known):
        return None
    responded = known.response.isin(RESPONSES).to_numpy()
    n = np.array([int((known.group == g).sum()) for g in order])
    k = np.array([int(responded[(known.group == g).to_numpy()].sum()) for g in order])
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
    odds, low, high, p, method, notes = _compare(known, responded, order, n, k, stratified)
    return Response(
        arms,
        odds,
        low,
        high,
        float("nan") if withhold else p,
        method,
        len(rows) - len(known),
        notes,
    )


def _compare(
    known: pd.DataFrame,
    responded: np.ndarray[tuple[int], np.dtype[np.bool_]],
    order: tuple[str, ...],
    n: np.ndarray[tuple[int], np.dtype[np.int_]],
    k: np.ndarray[tuple[int], np.dtype[np.int_]],
    stratified: bool,
) -> tuple[float, float, float, float, str, tuple[str, ...]]:
    nothing = float("nan")
    if np.count_nonzero(n) < 2 or k.sum() in (0, n.sum()):
        why = ("Response cannot be compared: it is known of one group only, or does not vary.",)
        return nothing, nothing, nothing, nothing, "", why
    if len(order) == 2 and stratified and known.cohort_id.nunique() > 1:
        tables = [
            [
                [int((r & g).sum()), int((~r & g).sum())]
                for g in ((c & (known.group == x)).to_numpy() for x in order[::-1])
            ]
            for c in (known.cohort_id == name for name in known.cohort_id.unique())
            for r in (responded,)
        ]
        found = mantel_haenszel(np.array(tables))
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
    words = "odds ratio (Fisher's exact test)" if len(order) == 2 else "Fisher's exact test"
    return exact.odds_ratio, exact.ci_lower, exact.ci_upper, exact.p_value, words, exact.warnings
