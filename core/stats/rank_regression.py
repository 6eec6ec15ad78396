"""Difference of ranks between two arms within strata, with further variables held fixed.

A value is replaced by its place within the patient's stratum, y = (rank - 1/2) / n with average
ranks, and y is regressed on the arm, an intercept of each stratum, and the covariates (analysis
of covariance on ranks: Quade, J Am Stat Assoc 1967;62:1187-1200). Twice the arm's coefficient is
a rank-biserial correlation: without covariates, and in one stratum, it is exactly 2 AUC - 1. The
standard error is HC3 (MacKinnon and White, J Econom 1985;29:305-325), since ranks are not equally
spread in both arms; the p-value is Student's with the residual degrees of freedom.

The stratum's intercepts are swept out by centring within strata (Frisch, Waugh and Lovell), so a
fit costs one QR decomposition of patients x covariates whatever the number of strata.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from core.stats.multiple import benjamini_hochberg
from core.stats.rank_order import RankOrders, into_strata, rank_orders
from core.stats.rank_pairs import check_group, check_values, lengths_differ

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
NAN = float("nan")

COLUMNS = ("n_group", "n_reference", "rank_biserial", "ci_lower", "ci_upper", "p_value", "q_value")


@dataclass(frozen=True, eq=False)
class RankRegression:
    """One row per feature, in the order given; indexed by ``feature``, with :data:`COLUMNS`."""

    frame: pd.DataFrame
    confidence: float
    warnings: tuple[str, ...] = ()


def stratum_places(values: Floats, stratum: Ints) -> Floats:
    """(rank - 1/2) / n of each value within its stratum; ties share the mean of their ranks.

    NaN where the value is missing or the stratum is -1.
    """
    kept = np.flatnonzero(~np.isnan(values) & (stratum >= 0))
    out = np.full(values.size, np.nan)
    if kept.size:
        order = into_strata(kept[np.argsort(values[kept])], stratum)
        out[order] = _places(values[order], stratum[order])
    return out


def _places(v: Floats, s: Ints) -> Floats:
    """:func:`stratum_places` of values that are sorted by stratum, then value."""
    new = np.ones(v.size, dtype=bool)
    new[1:] = (v[1:] != v[:-1]) | (s[1:] != s[:-1])
    start = np.flatnonzero(new)
    count = np.bincount(s)
    before = np.concatenate([[0], np.cumsum(count)])
    if start.size == v.size:  # no ties
        return (start - before[s] + 0.5) / count[s]
    ties = np.diff(start, append=v.size)
    of = s[start]
    middle = start - before[of] + ties / 2  # of the tied places, counted from 0: rank - 1/2
    return np.repeat(middle / count[of], ties)


def rank_regression(
    values: npt.ArrayLike,
    group: npt.ArrayLike,
    strata: npt.ArrayLike,
    covariates: npt.ArrayLike,
    *,
    features: Sequence[str] | None = None,
    confidence: float = 0.95,
    orders: RankOrders | None = None,
) -> RankRegression:
    """Compare ``group`` 1/True with 0/False in every row of ``values`` (features x patients).

    ``strata``: a label per patient; ``covariates``: patients x columns, already coded (such as a
    spline's basis). A patient whose value, group, stratum or covariate is missing is left out of
    that feature. A feature for which no stratum holds both arms at differing values, or whose arm
    is a function of the covariates, has NaN and a warning. ``orders``: those of these values and
    strata, where they are had already. Raises BadInput for lengths that differ, infinite values,
    or a group coded otherwise.
    """
    matrix = np.atleast_2d(np.asarray(values, dtype=float))
    arm, x = np.asarray(group, dtype=float), np.asarray(covariates, dtype=float)
    x = x.reshape(arm.size, -1) if x.size else np.empty((arm.size, 0))
    labels = np.asarray(strata)
    for size in (matrix.shape[1], labels.size, x.shape[0]):
        if size != arm.size:
            raise lengths_differ(arm.size, size)
    check_values(matrix)
    check_values(x)
    check_group(arm)
    known = ~np.isnan(arm) & ~np.isnan(x).any(axis=1)
    names = [str(k) for k in range(len(matrix))] if features is None else list(features)
    ranked = orders or rank_orders(matrix, labels)
    codes, g, x = ranked.stratum[known], arm[known], x[known]
    rows, words = [], []
    designs: dict[bytes, _Design] = {}
    for name, row, order in zip(names, matrix, ranked.by_stratum, strict=True):
        own = order[known[order]]
        places = np.full(arm.size, np.nan)
        places[own] = _places(row[own], ranked.stratum[own])
        record, warning = _fit(places[known], g, codes, x, confidence, designs)
        rows.append(record)
        words += [f"{name}: {warning}"] if warning else []
    frame = pd.DataFrame(rows, index=pd.Index(names, name="feature"), columns=list(COLUMNS[:-1]))
    frame["q_value"] = benjamini_hochberg(frame["p_value"].to_numpy(dtype=float))
    return RankRegression(frame, confidence, tuple(words))


@dataclass(frozen=True, eq=False)
class _Design:
    """What features with a value of the same patients share: all but the response."""

    kept: npt.NDArray[np.bool_]
    stratum: Ints
    sizes: Floats
    n_group: int
    basis: Floats
    regressor: Floats
    """The arm without strata and covariates."""
    scale: float
    leverage: Floats

    @property
    def df(self) -> int:
        return int(self.kept.sum() - self.sizes.size - self.basis.shape[1] - 1)


def _design(kept: npt.NDArray[np.bool_], arm: Floats, codes: Ints, x: Floats) -> _Design:
    stratum = np.unique(codes[kept], return_inverse=True)[1]
    g, sizes = arm[kept], np.bincount(stratum).astype(float)
    columns = _centred(np.column_stack([g, x[kept]]), stratum, sizes)
    basis = _orthonormal(columns[:, 1:])
    regressor = columns[:, 0] - basis @ (basis.T @ columns[:, 0])
    scale = float(regressor @ regressor)
    leverage = 1 / sizes[stratum] + (basis**2).sum(axis=1)
    if scale > 0:
        leverage = leverage + regressor**2 / scale
    return _Design(kept, stratum, sizes, int(g.sum()), basis, regressor, scale, leverage)


def _fit(
    y: Floats,
    arm: Floats,
    codes: Ints,
    x: Floats,
    confidence: float,
    designs: dict[bytes, _Design],
) -> tuple[dict[str, float], str]:
    """One feature's row from its places ``y``, and why it has no estimate; ``designs`` are kept
    by their patients."""
    kept = ~np.isnan(y)
    key = np.packbits(kept).tobytes()
    design = designs.get(key)
    if design is None:
        design = designs[key] = _design(kept, arm, codes, x)
    out = {
        "n_group": design.n_group,
        "n_reference": int(kept.sum()) - design.n_group,
        **dict.fromkeys(COLUMNS[2:-1], NAN),
    }
    regressor, scale = design.regressor, design.scale
    if design.df < 1 or scale <= 1e-9 * max(float(design.n_group), 1.0):
        return out, "no stratum holds both arms at equal covariates: no adjusted test"
    response = _centred(y[kept, None], design.stratum, design.sizes)[:, 0]
    response = response - design.basis @ (design.basis.T @ response)
    if float(response @ response) <= 1e-18:
        return out, "all values are equal within strata: no adjusted test"
    slope = float(regressor @ response) / scale
    left = response - slope * regressor
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = 1 - design.leverage
        left = np.where(rest > 1e-9, left / rest, 0.0)  # alone: no residual
    error = float(np.sqrt(((regressor * left) ** 2).sum())) / scale
    reach = -float(special.stdtrit(design.df, (1 - confidence) / 2)) * error
    p = 2 * float(special.stdtr(design.df, -abs(slope) / error)) if error > 0 else NAN
    estimate = {"rank_biserial": 2 * slope, "p_value": p}
    bounds = {"ci_lower": 2 * (slope - reach), "ci_upper": 2 * (slope + reach)}
    return {**out, **estimate, **bounds}, ""


def _centred(columns: Floats, stratum: Ints, sizes: Floats) -> Floats:
    means = [np.bincount(stratum, weights=c, minlength=sizes.size) / sizes for c in columns.T]
    out: Floats = columns - np.column_stack(means)[stratum]
    return out


def _orthonormal(x: Floats) -> Floats:
    """Columns that span ``x``; those that the ones before give already are dropped."""
    spread = np.sqrt((x**2).sum(axis=0))
    x = x[:, spread > 0] / spread[spread > 0]
    q, r = np.linalg.qr(x)
    return q[:, np.abs(np.diag(r)) > 1e-7]
