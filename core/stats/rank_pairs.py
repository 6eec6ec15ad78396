"""Two arms compared pair by pair: U, ties, AUC and its variance, stratum by stratum.

Everything is computed from the table of distinct values: in a stratum, value k is held by a_k
patients of the group and b_k of the reference. With B_k the reference patients below it,

    U = sum a_k (B_k + b_k / 2),       AUC = U / (m n),

the probability that a patient of the group has the higher value (ties count one half). Its
interval takes DeLong's variance (Biometrics 1988;44:837-845) on the logit scale; a stratum with
a single patient in an arm contributes its variance under the null; complete separation takes
Newcombe's method 5 (Stat Med 2006;25:559-573).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from core.model import BadInput

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
NAN = float("nan")


@dataclass(frozen=True, eq=False)
class Sample:
    """Values of two arms without missing ones, sorted by (stratum, value)."""

    value: Floats
    in_group: Bools
    stratum: Ints


@dataclass(frozen=True, eq=False)
class Pairs:
    """Sums over the distinct values of each stratum (arrays: one entry per stratum)."""

    group: Floats
    """m, patients of the group."""
    reference: Floats
    """n, patients of the reference."""
    u: Floats
    tie_sum: Floats
    """sum of t^3 - t over the ties of the stratum."""
    spread_group: Floats
    """Sum of squares of the group's placements about AUC; NaN-free, 0 for one patient."""
    spread_reference: Floats

    @property
    def null_variance(self) -> Floats:
        """Variance of U when the arms do not differ, given the ties."""
        m, n = self.group, self.reference
        total = m + n
        with np.errstate(divide="ignore", invalid="ignore"):
            return m * n / 12 * (total + 1 - self.tie_sum / (total * (total - 1)))

    @property
    def auc_variance(self) -> Floats:
        """DeLong's variance of AUC; that under the null where an arm has a single patient."""
        m, n = self.group, self.reference
        with np.errstate(divide="ignore", invalid="ignore"):
            delong = self.spread_group / (m * (m - 1)) + self.spread_reference / (n * (n - 1))
            return np.where(np.minimum(m, n) > 1, delong, self.null_variance / (m * n) ** 2)


def two_arms(values: npt.ArrayLike, group: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Checked values (finite or NaN) and group (1, 0 or NaN)."""
    v, g = np.asarray(values, dtype=float), np.asarray(group, dtype=float)
    if v.shape != g.shape or v.ndim != 1:
        raise lengths_differ(g.size, v.size)
    check_values(v)
    return v, check_group(g)


def check_values(values: Floats) -> None:
    """Refuse infinite values: a rank would hide them."""
    if np.isinf(values).any():
        raise BadInput(
            "A value is infinite.",
            expected="finite numbers, NaN where missing",
            found=f"{int(np.isinf(values).sum())} infinite values",
            remedy="Find the division or logarithm of zero that made them.",
        )


def check_group(group: Floats) -> Floats:
    """Refuse groups that are not 1, 0 or missing."""
    if not np.isin(group[~np.isnan(group)], (0.0, 1.0)).all():
        raise BadInput(
            "The two arms are not coded as 1 and 0.",
            expected="1 (or True) for the group, 0 for the reference, NaN for neither",
            found=f"{np.unique(group[~np.isnan(group)])[:5]}",
            remedy="Compare the labels with the group's name first.",
        )
    return group


def lengths_differ(found: int, expected: int) -> BadInput:
    return BadInput(
        "Values, group and strata differ in length.",
        expected=f"{expected} entries, one per patient",
        found=f"{found}",
        remedy="Take them from one frame.",
    )


def stratum_codes(labels: npt.NDArray[np.generic]) -> Ints:
    """Numbers 0, 1, ... for labels; -1 for a missing one."""
    codes: Ints = pd.factorize(pd.Series(labels))[0].astype(np.int64)
    return codes


def sort_sample(values: Floats, group: Floats, stratum: Ints | None = None) -> Sample:
    """The complete patients sorted by stratum (if any), then value."""
    keep = np.flatnonzero(~(np.isnan(values) | np.isnan(group)))
    order = keep[np.argsort(values[keep])]
    if stratum is None:
        return Sample(values[order], group[order] == 1, np.zeros(order.size, dtype=np.int64))
    return stratify(Sample(values[order], group[order] == 1, stratum[order]))


def stratify(by_value: Sample) -> Sample:
    """A sample sorted by value, sorted by stratum first; stratum -1 (missing) is left out."""
    codes = by_value.stratum
    small = codes.astype(np.int16) if codes.size and codes.max() < 2**15 else codes
    order = np.argsort(small, kind="stable")  # a radix sort for small integers
    order = order[int((codes < 0).sum()) :]
    return Sample(by_value.value[order], by_value.in_group[order], codes[order])


def pair_sums(sample: Sample) -> Pairs:
    """Everything that the tests and AUC need of a sample."""
    v, s = sample.value, sample.stratum
    if not v.size:
        return Pairs(*(np.zeros(0) for _ in range(6)))
    strata = int(s[-1]) + 1
    new = np.ones(v.size, dtype=bool)
    new[1:] = (v[1:] != v[:-1]) | (s[1:] != s[:-1])
    start = np.flatnonzero(new)
    a = sample.in_group.astype(float)
    ties = np.ones(v.size)
    if start.size < v.size:
        edge = np.append(start, v.size)
        ties = (edge[1:] - edge[:-1]).astype(float)
        members = np.concatenate([[0.0], np.cumsum(a)])[edge]
        a = members[1:] - members[:-1]
    b = ties - a
    of = s[start]
    bounds = np.searchsorted(of, np.arange(strata + 1))
    total_a, total_b = np.concatenate([[0.0], np.cumsum(a)]), np.concatenate([[0.0], np.cumsum(b)])
    at_a, at_b = total_a[bounds], total_b[bounds]
    m, n = at_a[1:] - at_a[:-1], at_b[1:] - at_b[:-1]
    below = total_b[:-1] - at_b[of] + b / 2
    above = at_a[of + 1] - total_a[1:] + a / 2

    def add(x: Floats) -> Floats:
        return np.bincount(of, weights=x, minlength=strata).astype(float, copy=False)

    u = add(a * below)
    with np.errstate(divide="ignore", invalid="ignore"):
        auc = u / (m * n)
        spread_group = add(a * (below / n[of] - auc[of]) ** 2)
        spread_reference = add(b * (above / m[of] - auc[of]) ** 2)
    return Pairs(m, n, u, add(ties**3 - ties), spread_group, spread_reference)


def auc_interval(pairs: Pairs, confidence: float) -> tuple[float, float, float]:
    """AUC with its interval, strata weighted as van Elteren does; NaN without pairs."""
    use = (pairs.group > 0) & (pairs.reference > 0)
    if not use.any():
        return NAN, NAN, NAN
    m, n = pairs.group[use], pairs.reference[use]
    weight = m * n / (m + n + 1)
    weight /= weight.sum()
    auc = float(weight @ (pairs.u[use] / (m * n)))
    auc = min(max(auc, 0.0), 1.0)
    variance = float(weight**2 @ pairs.auc_variance[use])
    z = float(-special.ndtri((1 - confidence) / 2))
    if auc * (1 - auc) == 0 or variance == 0:
        return (auc, *_newcombe(auc, float(m.sum()), float(n.sum()), z))
    centre, half = special.logit(auc), z * np.sqrt(variance) / (auc * (1 - auc))
    return auc, float(special.expit(centre - half)), float(special.expit(centre + half))


def _newcombe(auc: float, m: float, n: float, z: float) -> tuple[float, float]:
    """Newcombe's method 5: the AUC values whose own standard error reaches the estimate."""
    extra = (m + n) / 2 - 1

    def gap(t: float) -> float:
        variance = t * (1 - t) / (m * n) * (1 + extra * ((1 - t) / (2 - t) + t / (1 + t)))
        return abs(auc - t) - z * float(np.sqrt(variance))

    def root(inside: float, outside: float) -> float:
        for _ in range(100):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if gap(middle) < 0 else (inside, middle)
        return (inside + outside) / 2

    step = 1e-9
    lower = 0.0 if auc <= step else root(auc - step, 0.0)
    upper = 1.0 if auc >= 1 - step else root(auc + step, 1.0)
    return lower, upper
