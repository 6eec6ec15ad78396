"""Mantel-Haenszel tests of one grouping against thousands of yes/no outcomes at once.

For outcome h and stratum s with N patients, G of them in the group, H with the outcome and A with
both, the expected overlap under no association given the margins is E = G H / N with the
hypergeometric variance V = G (N - G) H (N - H) / (N^2 (N - 1)). The statistic is
(sum A - sum E)^2 / sum V on one degree of freedom, the common odds ratio
sum(a d / N) / sum(b c / N), its interval that of Robins, Breslow and Greenland (Biometrics
1986;42:311-323): the same numbers, outcome by outcome, as
:func:`core.stats.contingency.mantel_haenszel` without its continuity correction.

The chi-squared approximation holds where the margins leave the overlap room on both sides: Mantel
and Fleiss (Am J Epidemiol 1980;112:129-134) ask that sum E lie at least 5 from the least and the
greatest overlap possible. ``room`` is that distance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse, special

from core.model import BadInput

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.integer[Any]]

BLOCK = 16384
"""Outcomes times strata computed together: few enough for their tables to stay in the cache."""

MANTEL_FLEISS = 5.0


@dataclass(frozen=True, eq=False)
class MantelHaenszelPanel:
    """One number per outcome, in the columns' order; NaN where a stratum never tells.

    ``n_group``, ``n_outcome``, ``n_both`` count the patients of the ``n`` in strata that hold both
    group and rest; ``expected`` is the overlap expected under no association.
    """

    n: int
    n_group: int
    strata: int
    n_outcome: Floats
    n_both: Floats
    expected: Floats
    odds_ratio: Floats
    ci_lower: Floats
    ci_upper: Floats
    statistic: Floats
    p_value: Floats
    room: Floats


def mantel_haenszel_panel(
    group: npt.ArrayLike,
    outcomes: sparse.csc_array,
    strata: npt.ArrayLike,
    *,
    among: npt.NDArray[np.bool_] | None = None,
    confidence: float = 0.95,
) -> MantelHaenszelPanel:
    """Test ``group`` (n booleans) against each column of ``outcomes`` (n x m, entries 1) within
    ``strata`` (n labels).

    ``among``: the patients that count (n booleans), by default all. Strata without a patient in
    the group, or with none outside it, hold no information and are left out. Raises BadInput where
    the lengths differ.
    """
    member = np.asarray(group, dtype=bool)
    codes = np.unique(np.asarray(strata), return_inverse=True)[1].reshape(-1)
    if not member.size == codes.size == outcomes.shape[0]:
        raise BadInput(
            "Group, outcomes and strata do not belong to the same patients.",
            expected=f"{outcomes.shape[0]} patients in each",
            found=f"{member.size} in the group, {codes.size} in the strata",
        )
    counted = np.ones(codes.size, dtype=bool) if among is None else among
    size, inside = np.bincount(codes, counted), np.bincount(codes, member & counted)
    tells = (inside > 0) & (inside < size)
    k = int(tells.sum())
    # those who tell nothing stand in a stratum of their own, the last
    stratum = np.where(counted, np.where(tells, np.cumsum(tells) - 1, k)[codes], k)
    place = member * (k + 1) + stratum
    n, g = size[tells].astype(float), inside[tells].astype(float)
    width = BLOCK // (k + 1) + 1
    sums = [
        _sums(*_counted(outcomes, slice(at, at + width), place, k), n, g)
        for at in range(0, outcomes.shape[1], width)
    ]
    half = float(special.ndtri(0.5 + confidence / 2))
    columns = _numbers(np.concatenate([*sums, np.empty((11, 0))], axis=1), half)
    return MantelHaenszelPanel(int(n.sum()), int(g.sum()), k, *columns)


def _counted(
    outcomes: sparse.csc_array, block: slice, place: Counts, k: int
) -> tuple[Counts, Floats]:
    """Patients with each outcome of ``block`` in each of ``k`` strata: of the group, of all.

    ``place`` of a patient: the stratum, beyond ``k`` others in the group.
    """
    pointer = outcomes.indptr[block.start : block.stop + 1]
    rows = outcomes.indices[pointer[0] : pointer[-1]]
    shape = (pointer.size - 1, 2, k + 1)
    cell = np.repeat(np.arange(shape[0]) * 2 * (k + 1), np.diff(pointer)) + place[rows]
    count = np.bincount(cell, minlength=math.prod(shape)).reshape(shape)
    inside = count[:, 1, :k]
    everyone: Floats = (count[:, 0, :k] + inside).astype(float)
    return inside, everyone


def _sums(a: Counts, h: Floats, n: Floats, g: Floats) -> Floats:
    """Per outcome, as rows, the sums over strata of H, A, E, the least and the greatest overlap,
    V, and with R = a d / N, S = b c / N, P = (a + d) / N, Q = (b + c) / N of R, S, P R,
    P S + Q R, Q S. ``a`` and ``h`` (which is used up): outcomes x strata.

    Most strata of a rare outcome hold no patient with both. There R is 0 and S is E; the others
    are few and taken one by one. No sum is made by subtraction, so that one without a term is 0.
    """
    has, both = h.sum(axis=1), a.sum(axis=1)
    least, most = np.maximum(h, n - g).sum(axis=1) - (n - g).sum(), np.minimum(g, h).sum(axis=1)
    variance = (h * (n - h)) @ (g * (n - g) / (n**2 * np.maximum(n - 1, 1)))
    column, s = np.divmod(np.flatnonzero(a), max(n.size, 1))
    ai, hi, gi, ni = a[column, s], h[column, s], g[s], n[s]
    h[column, s] = 0

    def total(of: Floats) -> Floats:
        summed: Floats = np.bincount(column, weights=of, minlength=len(h)).astype(float)
        return summed

    alone = h @ (g / n)
    agreeing, differing = ((h * of) @ (g / n**2) for of in (n - g - h, g + h))
    b, c, d = gi - ai, hi - ai, ni - gi - hi + ai
    diagonal, off, agree, differ = ai * d / ni, b * c / ni, (ai + d) / ni, (b + c) / ni
    sums: Floats = np.stack(
        [
            *(has, both, alone + total(hi * gi / ni), least, most, variance),
            *(total(diagonal), alone + total(off), total(agree * diagonal)),
            agreeing + total(agree * off + differ * diagonal),
            differing + total(differ * off),
        ]
    )
    return sums


def _numbers(sums: Floats, half: float) -> Floats:
    """The nine numbers of each outcome, as rows, from :func:`_sums`."""
    has, both, expected, least, most, variance, r, s, pr, mixed, qs = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(variance > 0, (both - expected) ** 2 / variance, np.nan)
        ratio = np.where((r > 0) | (s > 0), r / s, np.nan)
        error = np.sqrt(pr / (2 * r**2) + mixed / (2 * r * s) + qs / (2 * s**2))
        lower, upper = ratio * np.exp(-half * error), ratio * np.exp(half * error)
    one_sided = (r == 0) | (s == 0)
    lower, upper = np.where(one_sided, np.nan, lower), np.where(one_sided, np.nan, upper)
    room = np.minimum(expected - least, most - expected)
    p = special.erfc(np.sqrt(statistic / 2))
    return np.stack([has, both, expected, ratio, lower, upper, statistic, p, room])
