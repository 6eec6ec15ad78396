"""Variance inflation: how much a term's coefficients lose in precision because of the others.

With R the correlation matrix of the coefficients and R11, R22 its blocks of one term and of all
others, GVIF = det(R11) det(R22) / det(R) (Fox and Monette 1992). A term of one column has
GVIF = VIF, as R's ``rms::vif``; GVIF^(1 / (2 df)) compares terms of several columns, and is the
factor by which the standard error grows. Terms without a finite coefficient are left out.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.stats.cox import CoxFit


def variance_inflation(fit: CoxFit) -> pd.DataFrame:
    """One row per term: term, df, gvif, se_inflation = gvif^(1 / (2 df))."""
    finite = [int(j) for j in fit.kept if np.isfinite(fit.coefficients[j])]
    if not finite:
        return pd.DataFrame(columns=["term", "df", "gvif", "se_inflation"])
    covariance = fit.naive_covariance[np.ix_(finite, finite)]
    scale = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(scale, scale)
    whole = np.linalg.slogdet(correlation)[1]
    rows = []
    for term in dict.fromkeys(fit.groups[j] for j in finite):
        own = np.array([fit.groups[j] == term for j in finite])
        log = sum(np.linalg.slogdet(correlation[np.ix_(m, m)])[1] for m in (own, ~own)) - whole
        df = int(own.sum())
        rows.append((term, df, float(np.exp(log)), float(np.exp(log / (2 * df)))))
    return pd.DataFrame(rows, columns=["term", "df", "gvif", "se_inflation"])
