"""Spearman's rank correlation, with its interval, partial, and by group.

rho is Pearson's correlation of average ranks. p-value: t = rho sqrt((n - 2 - k) / (1 - rho^2))
with n - 2 - k degrees of freedom (R: ``cor.test(method = "spearman", exact = FALSE)``), k the
number of variables held fixed. Interval: Fisher's z with the standard error
sqrt((1 + rho^2 / 2) / (n - 3 - k)) (Bonett and Wright, Psychometrika 2000;65:23-28). The partial
correlation is that of the residuals of ranks regressed on the ranks of the other variables.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from core.stats.multiple import benjamini_hochberg
from core.stats.rank_pairs import check_values, lengths_differ

NAN = float("nan")


@dataclass(frozen=True)
class Spearman:
    """Correlation of ``n`` complete patients; NaN where it cannot be had."""

    n: int
    rho: float = NAN
    ci_lower: float = NAN
    ci_upper: float = NAN
    p_value: float = NAN
    held_fixed: int = 0
    confidence: float = 0.95
    warnings: tuple[str, ...] = ()


def spearman(x: npt.ArrayLike, y: npt.ArrayLike, *, confidence: float = 0.95) -> Spearman:
    """Rank correlation of two variables over the patients that have both.

    A constant variable or fewer than three patients give NaN and a warning; with three, there
    is no interval. Raises BadInput when lengths differ or a value is infinite.
    """
    return partial_spearman(x, y, (), confidence=confidence)


def partial_spearman(
    x: npt.ArrayLike, y: npt.ArrayLike, fixed: npt.ArrayLike, *, confidence: float = 0.95
) -> Spearman:
    """Rank correlation of ``x`` and ``y`` with other variables held fixed.

    ``fixed``: one array, or variables x patients (such as purity, or purity and TMB).
    """
    first, second = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    others = np.asarray(fixed, dtype=float)
    others = np.atleast_2d(others) if others.size else np.empty((0, first.size))
    if first.shape != second.shape or first.ndim != 1 or others.shape[1] != first.size:
        raise lengths_differ(max(second.size, others.shape[1]), first.size)
    everything = np.vstack([first, second, others])
    check_values(everything)
    complete = everything[:, ~np.isnan(everything).any(axis=0)]
    n, k = complete.shape[1], others.shape[0]
    if n < 3 + k:
        words = f"{n} patients with all values: too few for a correlation"
        return Spearman(n, held_fixed=k, confidence=confidence, warnings=(words,))
    ranks = np.vstack([stats.rankdata(row) for row in complete])
    ranks -= ranks.mean(axis=1, keepdims=True)
    a, b = _residuals(ranks[:2], ranks[2:])
    scale = np.sqrt((a @ a) * (b @ b))
    if scale <= 1e-9 * float(n) ** 3:
        words = "a variable is constant" + (" given the others" if k else "") + ": no correlation"
        return Spearman(n, held_fixed=k, confidence=confidence, warnings=(words,))
    rho = float(np.clip(a @ b / scale, -1.0, 1.0))
    return _result(rho, n, k, confidence)


def _residuals(
    two: npt.NDArray[np.float64], on: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Rows of ``two`` less their projection on the rows of ``on`` (all centred)."""
    if not on.shape[0]:
        return two
    coefficients = np.linalg.lstsq(on.T, two.T, rcond=None)[0]
    residuals: npt.NDArray[np.float64] = two - (on.T @ coefficients).T
    return residuals


def _result(rho: float, n: int, k: int, confidence: float) -> Spearman:
    """p-value and interval of a correlation."""
    df = n - 2 - k
    t = np.inf if abs(rho) == 1 else abs(rho) * np.sqrt(df / (1 - rho**2))
    p = float(2 * stats.t.sf(t, df))
    words = []
    if n < 10:
        words.append(f"{n} patients: the p-value is approximate")
    if n - 3 - k < 1 or abs(rho) == 1:
        words.append("no interval: " + ("too few patients" if abs(rho) < 1 else "perfect order"))
        return Spearman(n, rho, NAN, NAN, p, k, confidence, tuple(words))
    half = stats.norm.isf((1 - confidence) / 2) * np.sqrt((1 + rho**2 / 2) / (n - 3 - k))
    lower, upper = np.tanh(np.arctanh(rho) - half), np.tanh(np.arctanh(rho) + half)
    return Spearman(n, rho, float(lower), float(upper), p, k, confidence, tuple(words))


def spearman_by(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    groups: npt.ArrayLike,
    *,
    fixed: npt.ArrayLike = (),
    confidence: float = 0.95,
) -> pd.DataFrame:
    """:func:`partial_spearman` within each label of ``groups`` (such as tumour types).

    One row per label (index ``group``, sorted) with the fields of :class:`Spearman` and
    ``q_value`` (Benjamini-Hochberg over the groups). A missing label belongs to no group.
    """
    first, second = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    others = np.asarray(fixed, dtype=float)
    others = np.atleast_2d(others) if others.size else np.empty((0, first.size))
    codes, names = pd.factorize(pd.Series(np.asarray(groups)), sort=True)
    if codes.size != first.size or second.size != first.size or others.shape[1] != first.size:
        raise lengths_differ(codes.size, first.size)
    rows = []
    for code in range(len(names)):
        of = codes == code
        part = others[:, of] if others.shape[0] else ()
        rows.append(asdict(partial_spearman(first[of], second[of], part, confidence=confidence)))
    columns = list(Spearman.__dataclass_fields__)
    frame = pd.DataFrame(rows, index=pd.Index(names, name="group"), columns=columns)
    frame["q_value"] = benjamini_hochberg(frame["p_value"].to_numpy(dtype=float))
    return frame
