"""The order of a panel's values, found once for every test that ranks them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.stats.rank_pairs import stratum_codes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RankOrders:
    """Positions of the patients with a value, an array per feature.

    stratum: a code per patient in order of appearance; -1 where the stratum is missing
    by_value: ascending
    by_stratum: those whose stratum is known, by its code, then ascending
    """

    stratum: Ints
    by_value: tuple[Ints, ...]
    by_stratum: tuple[Ints, ...]


def rank_orders(
    values: Floats,
    strata: npt.ArrayLike | None = None,
    *,
    by_value: Sequence[Ints] | None = None,
) -> RankOrders:
    """Order every row of ``values`` (features x patients); NaN is left out.

    ``strata``: a label per patient; None: all are of one stratum. ``by_value``: the first half of
    the work, where it is done already.
    """
    matrix = np.atleast_2d(values)
    whole = np.zeros(matrix.shape[1], dtype=np.int64)
    stratum = whole if strata is None else stratum_codes(np.asarray(strata))
    ascending = tuple(ascending_orders(matrix) if by_value is None else by_value)
    within = ascending if strata is None else tuple(into_strata(o, stratum) for o in ascending)
    return RankOrders(stratum, ascending, within)


def ascending_orders(matrix: Floats) -> list[Ints]:
    """Positions of the values of each row from the smallest to the largest, without NaN."""
    return [_ascending(row) for row in matrix]


def orders_of_some(orders: Sequence[Ints], chosen: Ints, size: int) -> list[Ints]:
    """``orders`` of ``size`` patients as orders of the ``chosen`` ones, numbered as they stand
    there (distinct)."""
    place = np.full(size, -1, dtype=np.int64)
    place[chosen] = np.arange(chosen.size)
    found = (place[order] for order in orders)
    return [f[f >= 0] for f in found]


def _ascending(row: Floats) -> Ints:
    order: Ints = np.argsort(row)[: row.size - int(np.isnan(row).sum())]  # NaN come last
    return order


def into_strata(order: Ints, stratum: Ints) -> Ints:
    """``order`` rearranged by stratum without changing it within one; -1 is left out."""
    own = stratum[order]
    small = own.astype(np.int16) if own.size and own.max() < 2**15 else own
    by_stratum: Ints = order[np.argsort(small, kind="stable")]  # a radix sort for small integers
    return by_stratum[int((own < 0).sum()) :]
