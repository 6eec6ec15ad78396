"""Two-sample rank tests with effect sizes: Wilcoxon rank sum, and van Elteren's over strata.

Everything is computed from the table of distinct values: in a stratum, value k is held by a_k
patients of the group and b_k of the reference. With B_k the reference patients below it,

    U = sum a_k (B_k + b_k / 2),       AUC = U / (m n),      rank-biserial r = 2 AUC - 1.

AUC is the probability that a patient of the group has the higher value (ties count one half).

* Rank sum test: exact where R's ``wilcox.test`` is (both arms under 50, no ties), else normal
  with continuity correction and tie-corrected variance.
* Shift: the Hodges-Lehmann median of all differences, with the interval that inverts the test
  (Hollander and Wolfe, 1999); it is exact to the last difference where R searches numerically.
* Van Elteren: strata weighted by 1/(N + 1) (Bull Int Stat Inst 1960;37:351-361), no continuity
  correction. The stratified AUC carries the same weights. (``coin::wilcox_test(y ~ g | b)``
  ranks over all strata together and is another test.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import special

from core.stats.differences import difference_order_statistics
from core.stats.rank_pairs import (
    NAN,
    Floats,
    Pairs,
    Sample,
    auc_interval,
    lengths_differ,
    pair_sums,
    sort_sample,
    stratum_codes,
    two_arms,
)

EXACT_BELOW = 50
"""R's rule: exact when both arms are smaller than this and nothing is tied."""


@dataclass(frozen=True)
class RankSumTest:
    """Group against reference; every number is NaN where it cannot be had."""

    n_group: int
    n_reference: int
    median_group: float
    median_reference: float
    u_statistic: float = NAN
    """Pairs in which the group is higher, ties counted one half (R's W)."""
    p_value: float = NAN
    method: str = "none"
    """``exact``, ``normal`` or ``none``."""
    shift: float = NAN
    """Hodges-Lehmann estimate of group minus reference, in the unit of the values."""
    shift_ci_lower: float = NAN
    shift_ci_upper: float = NAN
    auc: float = NAN
    auc_ci_lower: float = NAN
    auc_ci_upper: float = NAN
    confidence: float = 0.95
    warnings: tuple[str, ...] = ()

    @property
    def rank_biserial(self) -> float:
        """2 AUC - 1: from -1 (group always lower) to 1 (always higher)."""
        return 2 * self.auc - 1


@dataclass(frozen=True)
class VanElterenTest:
    """Group against reference within strata; a stratum counts if it holds both."""

    n_group: int
    n_reference: int
    """Patients in the strata that count."""
    strata: int
    strata_left_out: int
    """Strata without a patient of one of the arms: they say nothing about the difference."""
    z: float = NAN
    p_value: float = NAN
    auc: float = NAN
    auc_ci_lower: float = NAN
    auc_ci_upper: float = NAN
    confidence: float = 0.95
    warnings: tuple[str, ...] = ()

    @property
    def rank_biserial(self) -> float:
        """2 AUC - 1 within strata."""
        return 2 * self.auc - 1


def rank_sum(
    values: npt.ArrayLike, group: npt.ArrayLike, *, confidence: float = 0.95
) -> RankSumTest:
    """Wilcoxon rank sum test of ``values`` between ``group`` 1/True and 0/False.

    A patient whose value or group is missing (NaN) is left out. Without a patient in one arm,
    or with all values equal, there is no p-value, and ``warnings`` says why. Raises BadInput
    when lengths differ, a value is infinite or a group is coded otherwise.
    """
    v, g = two_arms(values, group)
    return compare_sorted(sort_sample(v, g), confidence=confidence)


def van_elteren(
    values: npt.ArrayLike,
    group: npt.ArrayLike,
    strata: npt.ArrayLike,
    *,
    confidence: float = 0.95,
) -> VanElterenTest:
    """Rank sum test stratified by ``strata`` (one integer or label per patient)."""
    v, g = two_arms(values, group)
    labels = np.asarray(strata)
    if labels.shape != v.shape:
        raise lengths_differ(labels.size, v.size)
    codes = stratum_codes(labels)
    return compare_strata(sort_sample(v, g, codes), confidence=confidence)


def compare_sorted(sample: Sample, *, confidence: float = 0.95, shift: bool = True) -> RankSumTest:
    """:func:`rank_sum` of a sorted sample of one stratum; ``shift`` False leaves it NaN."""
    x, y = sample.value[sample.in_group], sample.value[~sample.in_group]
    m, n = x.size, y.size
    nothing = RankSumTest(
        n_group=m,
        n_reference=n,
        median_group=_median(x),
        median_reference=_median(y),
        confidence=confidence,
    )
    if not m or not n:
        words = f"no patient with a value in {'the group' if not m else 'the reference'}: no test"
        return replace(nothing, warnings=(words,))
    pairs = pair_sums(sample)
    u = float(pairs.u[0])
    if x[0] == x[-1] == y[0] == y[-1]:
        words = "all values are equal: no test"
        return replace(nothing, u_statistic=u, shift=0.0, auc=0.5, warnings=(words,))
    exact = max(m, n) < EXACT_BELOW and bool(pairs.tie_sum[0] == 0)
    sigma = float(np.sqrt(pairs.null_variance[0]))
    estimate, lower, upper, words = NAN, NAN, NAN, ""
    if shift:
        tied = bool(pairs.tie_sum[0] > 0)
        estimate, lower, upper, words = _shift(x, y, exact, confidence, tied)
    auc, auc_lower, auc_upper = auc_interval(pairs, confidence)
    return replace(
        nothing,
        u_statistic=u,
        p_value=_exact_p(u, m, n) if exact else _normal_p(u - m * n / 2, sigma),
        method="exact" if exact else "normal",
        shift=estimate,
        shift_ci_lower=lower,
        shift_ci_upper=upper,
        auc=auc,
        auc_ci_lower=auc_lower,
        auc_ci_upper=auc_upper,
        warnings=(words,) if words else (),
    )


def _median(values: Floats) -> float:
    """Median of sorted values, NaN of none."""
    if not values.size:
        return NAN
    return float(values[(values.size - 1) // 2] / 2 + values[values.size // 2] / 2)


def _normal_p(distance: float, sigma: float) -> float:
    """Two-sided, with continuity correction: what R gives with ``correct = TRUE``."""
    z = (distance - np.sign(distance) * 0.5) / sigma
    return float(min(1.0, 2 * special.ndtr(-abs(z)) if abs(distance) > 0.5 else 1.0))


@lru_cache(maxsize=256)
def _u_distribution(m: int, n: int) -> Floats:
    """P(U <= k), k = 0 .. mn, without ties.

    Counts of arrangements by f(m, n, k) = f(m-1, n, k-n) + f(m, n-1, k), all terms positive.
    """
    row = [np.ones(1) for _ in range(n + 1)]
    for i in range(1, m + 1):
        new = [np.ones(1)]
        for j in range(1, n + 1):
            counts = np.zeros(i * j + 1)
            counts[j:] += row[j]
            counts[: i * (j - 1) + 1] += new[j - 1]
            new.append(counts)
        row = new
    distribution: Floats = np.cumsum(row[n]) / row[n].sum()
    return distribution


def _exact_p(u: float, m: int, n: int) -> float:
    """Twice the smaller tail, at most 1 (the distribution is symmetric)."""
    return float(min(1.0, 2 * _u_distribution(m, n)[int(min(u, m * n - u))]))


def _shift(
    x: Floats, y: Floats, exact: bool, confidence: float, tied: bool = True
) -> tuple[float, float, float, str]:
    """Hodges-Lehmann estimate and interval: order statistics of the differences x - y.

    A shifted arm is tied with itself but no longer with the other, so that the variance under
    a shift knows the ties within each arm only.
    """
    pairs, alpha, words = x.size * y.size, 1 - confidence, ""
    if exact:
        cumulative = _u_distribution(x.size, y.size)
        rank = max(1, int(np.searchsorted(cumulative, alpha / 2 * (1 - 1e-14))))
        achieved = 2 * float(cumulative[rank - 1])
        if achieved - alpha > alpha / 2:
            words = (
                f"too few patients for a {confidence:.0%} interval of the shift: "
                f"its level is {max(0.0, 1 - achieved):.0%}"
            )
    else:
        total = x.size + y.size
        ties = (_tie_sum(x) + _tie_sum(y)) / (total * (total - 1)) if tied else 0.0
        sigma = np.sqrt(max(pairs / 12 * (total + 1 - ties), 0.0))
        reach = -special.ndtri(alpha / 2) * sigma + 0.5
        rank = int(min(max(np.ceil(pairs / 2 - reach), 1), pairs))
    middle = [(pairs + 1) // 2, pairs // 2 + 1]
    lower, m1, m2, upper = difference_order_statistics(x, y, [rank, *middle, pairs + 1 - rank])
    return float(m1 / 2 + m2 / 2), float(lower), float(upper), words


def _tie_sum(values: Floats) -> float:
    """Sum of t^3 - t over the ties of sorted values."""
    start = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    t = np.diff(start, append=values.size).astype(float)
    return float((t**3 - t).sum())


def compare_strata(sample: Sample, *, confidence: float = 0.95) -> VanElterenTest:
    """:func:`van_elteren` of a sorted sample."""
    return compare_pairs(pair_sums(sample), confidence=confidence)


def compare_pairs(pairs: Pairs, *, confidence: float = 0.95) -> VanElterenTest:
    """:func:`van_elteren` of the sums over each stratum."""
    use = (pairs.group > 0) & (pairs.reference > 0)
    present = pairs.group + pairs.reference > 0
    m, n = pairs.group[use], pairs.reference[use]
    words: list[str] = []
    if left_out := int((present & ~use).sum()):
        words.append(f"{left_out} strata hold patients of one arm only and do not count")
    nothing = VanElterenTest(
        n_group=int(m.sum()),
        n_reference=int(n.sum()),
        strata=m.size,
        strata_left_out=left_out,
        confidence=confidence,
    )
    if not m.size:
        return replace(nothing, warnings=(*words, "no stratum holds both arms: no test"))
    weight = 1 / (m + n + 1)
    variance = float(weight**2 @ pairs.null_variance[use])
    if variance <= 0:
        words.append("all values are equal within strata: no test")
        return replace(nothing, auc=0.5, warnings=tuple(words))
    z = float(weight @ (pairs.u[use] - m * n / 2) / np.sqrt(variance))
    auc, lower, upper = auc_interval(pairs, confidence)
    return replace(
        nothing,
        z=z,
        p_value=float(2 * special.ndtr(-abs(z))),
        auc=auc,
        auc_ci_lower=lower,
        auc_ci_upper=upper,
        warnings=tuple(words),
    )
