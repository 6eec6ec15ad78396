"""Subgroup estimates shrunken towards their common mean (empirical Bayes).

Subgroup effects are taken as drawn from a normal distribution with mean mu and variance tau2,
both estimated (``meta``, REML). With lambda_i = v_i / (v_i + tau2):

    shrunken_i = lambda_i mu + (1 - lambda_i) y_i,
    variance   = lambda_i tau2 + lambda_i^2 var(mu)

(Efron and Morris 1975; Raudenbush and Bryk 1985; R: metafor's ``blup``). A small subgroup moves
far, a large one hardly; with tau2 = 0 all agree. The interval is normal and does not carry the
uncertainty of tau2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from core.stats.meta import MetaAnalysis, meta_analysis

NAN = float("nan")


@dataclass(frozen=True, eq=False)
class ShrunkenEstimates:
    """``frame``: one row per subgroup in the order given (index ``subgroup``), with the raw
    ``estimate`` and ``std_error``, and ``shrunken``, ``shrunken_std_error``,
    ``shrunken_ci_lower``, ``shrunken_ci_upper`` and ``weight_on_own`` = 1 - lambda; NaN where
    the subgroup has no estimate of its own."""

    frame: pd.DataFrame
    summary: MetaAnalysis
    warnings: tuple[str, ...] = ()


def shrink(
    estimates: npt.ArrayLike,
    std_errors: npt.ArrayLike,
    *,
    labels: Sequence[str] | None = None,
    method: str = "REML",
    confidence: float = 0.95,
) -> ShrunkenEstimates:
    """Shrink subgroup ``estimates`` (such as log hazard ratios) towards their mean.

    Subgroups must not share patients. A single usable subgroup has nothing to shrink to and
    stands as it is. Raises what :func:`core.stats.meta.meta_analysis` raises.
    """
    summary = meta_analysis(estimates, std_errors, method=method, test="z", confidence=confidence)
    y, s = np.asarray(estimates, dtype=float), np.asarray(std_errors, dtype=float)
    usable = np.asarray(summary.weights) > 0
    y, s = np.where(usable, y, np.nan), np.where(usable, s, np.nan)
    if summary.k > 1:
        share = s**2 / (s**2 + summary.tau2)
        centre = share * summary.estimate + (1 - share) * y
        error = np.sqrt(share * summary.tau2 + share**2 * summary.std_error**2)
    else:
        share, centre, error = np.where(usable, 0.0, np.nan), y, s
    reach = float(stats.norm.isf((1 - confidence) / 2))
    names = list(map(str, range(y.size))) if labels is None else list(labels)
    frame = pd.DataFrame(
        {
            "estimate": y,
            "std_error": s,
            "shrunken": centre,
            "shrunken_std_error": error,
            "shrunken_ci_lower": centre - reach * error,
            "shrunken_ci_upper": centre + reach * error,
            "weight_on_own": 1 - share,
        },
        index=pd.Index(names, name="subgroup"),
    )
    words = list(summary.warnings)
    if summary.k > 1 and summary.tau2 == 0:
        words.append("no sign that the subgroups differ: every estimate shrinks to the mean")
    return ShrunkenEstimates(frame, summary, tuple(words))
