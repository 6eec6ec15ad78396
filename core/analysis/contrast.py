"""Two questions beside each other: do their hazard ratios differ, when they may share patients?

A patient may stand in both questions (two genes in the same cohort, or melanoma within all), so
the two estimates are not independent and a z-test that adds their variances would be wrong. Each
patient's influence on each estimate is known: the dfbeta. The variance of the difference is the
sum over patients of the squared difference of their influences (a patient outside a question has
none there), which is the robust variance of a Cox model of both questions stacked, each with its
own baseline, clustered by patient (Lin and Wei 1989; Wei, Lin and Weissfeld 1989).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from core.analysis.survival import SurvivalComparison
from core.stats.cox_residuals import dfbeta


@dataclass(frozen=True)
class Contrast:
    """The difference of two hazard ratios, B against A.

    n_a, n_b, shared: patients of A, of B, and of both
    hazard_ratio_a, hazard_ratio_b: Cox (Efron), each question with its own strata
    ratio: of hazard ratios, B over A, with ci_lower, ci_upper (robust) and p_value
    why_not: why there is no test, else empty
    """

    title_a: str
    title_b: str
    n_a: int
    n_b: int
    shared: int
    hazard_ratio_a: float
    hazard_ratio_b: float
    ratio: float
    ci_lower: float
    ci_upper: float
    p_value: float
    why_not: str = ""


METHODS = (
    "The two hazard ratios were compared by the robust variance of their difference, from each "
    "patient's influence (dfbeta) on both estimates, so that patients who stand in both questions "
    "are not counted as independent (Wei, Lin and Weissfeld 1989)."
)


def contrast(a: SurvivalComparison, b: SurvivalComparison, *, level: float = 0.95) -> Contrast:
    """Compare the log hazard ratios of two questions of two groups each."""
    ids_a, ids_b = pd.Index(a.rows.patient_key), pd.Index(b.rows.patient_key)
    nan = float("nan")
    found: dict[str, Any] = {
        "title_a": a.title,
        "title_b": b.title,
        "n_a": len(ids_a),
        "n_b": len(ids_b),
        "shared": len(ids_a.intersection(ids_b)),
        "hazard_ratio_a": _ratio(a),
        "hazard_ratio_b": _ratio(b),
    }
    if why := _why_not(a, b):
        return Contrast(**found, ratio=nan, ci_lower=nan, ci_upper=nan, p_value=nan, why_not=why)
    assert a.fit is not None and b.fit is not None  # or _why_not would have told
    one = pd.Series(dfbeta(a.fit)[:, 0], index=ids_a)
    two = pd.Series(dfbeta(b.fit)[:, 0], index=ids_b)
    influence = two.sub(one, fill_value=0.0).to_numpy()
    difference = float(b.fit.coefficients[0] - a.fit.coefficients[0])
    std_error = float(np.sqrt(influence @ influence))
    reach = float(ndtri(0.5 + level / 2)) * std_error
    if std_error == 0:  # the same patients split the same way
        why = "Both questions are the same."
        return Contrast(**found, ratio=1.0, ci_lower=nan, ci_upper=nan, p_value=nan, why_not=why)
    return Contrast(
        **found,
        ratio=float(np.exp(difference)),
        ci_lower=float(np.exp(difference - reach)),
        ci_upper=float(np.exp(difference + reach)),
        p_value=float(2 * ndtr(-abs(difference / std_error))),
    )


def _ratio(result: SurvivalComparison) -> float:
    if result.fit is None or len(result.order) != 2:
        return float("nan")
    return float(np.exp(result.fit.coefficients[0]))


def _why_not(a: SurvivalComparison, b: SurvivalComparison) -> str:
    if a.endpoint != b.endpoint:
        return f"{a.endpoint} and {b.endpoint} are different endpoints: not tested."
    for name, result in (("A", a), ("B", b)):
        if result.fit is None or len(result.order) != 2:
            return f"{name} has more than two groups: no single hazard ratio to compare."
        if result.corrected_p is not None:
            return f"{name} was cut where survival differs most: a test would believe the search."
        if not result.large_enough:
            return f"{name} has an arm too small for a test."
        if not bool(result.fit.estimable[0]):
            return f"{name} has no finite hazard ratio."
    return ""
