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

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse, special

from core.model import BadInput

Floats = npt.NDArray[np.float64]

BLOCK = 1024
"""Outcomes computed together: bounds memory to a few tables of strata x BLOCK numbers."""

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
    confidence: float = 0.95,
) -> MantelHaenszelPanel:
    """Test ``group`` (n booleans) against each column of ``outcomes`` (n x m, entries 1) within
    ``strata`` (n labels).

    Strata without a patient in the group, or with none outside it, hold no information and are
    left out. Raises BadInput where the lengths differ.
    """
    member = np.asarray(group, dtype=bool)
    codes = np.unique(np.asarray(strata), return_inverse=True)[1].reshape(-1)
    if not member.size == codes.size == outcomes.shape[0]:
        raise BadInput(
            "Group, outcomes and strata do not belong to the same patients.",
            expected=f"{outcomes.shape[0]} patients in each",
            found=f"{member.size} in the group, {codes.size} in the strata",
        )
    size, inside = np.bincount(codes), np.bincount(codes, weights=member)
    tells = ((inside > 0) & (inside < size))[codes]
    table, member = sparse.csr_array(outcomes)[tells], member[tells]
    codes = np.unique(codes[tells], return_inverse=True)[1].reshape(-1)
    k = int(codes.max()) + 1 if codes.size else 0
    by = sparse.csr_array(
        (np.ones(codes.size), (codes, np.arange(codes.size))), shape=(k, codes.size)
    )
    n = np.bincount(codes, minlength=k).astype(float)[:, None]
    g = np.bincount(codes, weights=member, minlength=k).astype(float)[:, None]
    with_outcome = sparse.csc_array(by @ table)
    with_both = sparse.csc_array(by @ table.multiply(member[:, None]))
    half = float(special.ndtri(0.5 + confidence / 2))
    blocks = [
        _block(with_both[:, at : at + BLOCK].toarray(), with_outcome[:, at : at + BLOCK].toarray(),
               n, g, half)
        for at in range(0, outcomes.shape[1], BLOCK)
    ]  # fmt: skip
    columns = np.concatenate(blocks, axis=1) if blocks else np.empty((9, 0))
    return MantelHaenszelPanel(codes.size, int(member.sum()), k, *columns)


def _block(a: Floats, h: Floats, n: Floats, g: Floats, half: float) -> Floats:
    """The nine numbers per outcome, as rows; ``a`` and ``h``: strata x outcomes."""
    b, c, d = g - a, h - a, n - g - h + a
    expected = g * h / n
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (g * (n - g) * h * (n - h) / (n**2 * np.maximum(n - 1, 1))).sum(axis=0)
        total = expected.sum(axis=0)
        statistic = np.where(variance > 0, (a.sum(axis=0) - total) ** 2 / variance, np.nan)
        diagonal, off = a * d / n, b * c / n
        r, s = diagonal.sum(axis=0), off.sum(axis=0)
        ratio = np.where((r > 0) | (s > 0), r / s, np.nan)
        agree, differ = (a + d) / n, (b + c) / n
        error = np.sqrt(
            (agree * diagonal).sum(axis=0) / (2 * r**2)
            + (agree * off + differ * diagonal).sum(axis=0) / (2 * r * s)
            + (differ * off).sum(axis=0) / (2 * s**2)
        )
        lower, upper = ratio * np.exp(-half * error), ratio * np.exp(half * error)
    one_sided = (r == 0) | (s == 0)
    lower, upper = np.where(one_sided, np.nan, lower), np.where(one_sided, np.nan, upper)
    least, most = np.maximum(0, g + h - n).sum(axis=0), np.minimum(g, h).sum(axis=0)
    room = np.minimum(total - least, most - total)
    p = special.chdtrc(1, statistic)
    counts = (h.sum(axis=0), a.sum(axis=0), total)
    return np.stack([*counts, ratio, lower, upper, statistic, p, room])
