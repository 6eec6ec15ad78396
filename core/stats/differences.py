"""Order statistics of all differences x_i - y_j, without forming them all.

With 323 mutant and 10,600 wild-type patients there are 3.4 million differences, and three of
them are wanted (Hodges-Lehmann estimate and interval). For sorted x and y the differences at
most d are counted by one binary search per x; a bracket around each wanted rank, first taken
from a coarse grid of quantiles, shrinks by interpolation until few differences are left in it,
and only those are listed. The answers are exact. After Johnson and Mizoguchi (SIAM J Comput
1978;7:147-153), with interpolation for their medians.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
LIST_AT_MOST = 4_000
"""So many differences are listed and sorted at once."""
GRID = (48, 96)
"""Quantiles of x and y whose differences give the first bracket."""


def difference_order_statistics(x: Floats, y: Floats, ranks: Sequence[int]) -> Floats:
    """The ``ranks``-th smallest (1 = smallest) of all x_i - y_j; x and y sorted, not empty."""
    if x.size > y.size:  # search in the longer: -(y - x) has its ranks reversed
        total = x.size * y.size
        return -difference_order_statistics(y, x, [total + 1 - r for r in ranks])
    return _Differences(x, y).at(ranks)


class _Differences:
    """Differences of distinct values, each with the number of pairs that it stands for."""

    def __init__(self, x: Floats, y: Floats) -> None:
        self.x, x_count = _distinct(x)
        self.y, y_count = _distinct(y)
        self.x_count = x_count
        self.y_below = np.concatenate([[0], np.cumsum(y_count)])
        self.y_count = y_count

    def at(self, ranks: Sequence[int]) -> Floats:
        if self.x.size * self.y.size <= LIST_AT_MOST:
            everything = (np.zeros(self.x.size, np.int64), np.full(self.x.size, self.y.size))
            return self._list(*everything, 0, ranks)
        grid, found = self._grid(), np.empty(len(ranks))
        for near in _neighbours(ranks):
            found[near] = self._near([ranks[k] for k in near], grid)
        return found

    def _grid(self) -> Floats:
        """Differences between quantiles of x and y (pairs counted), sorted."""
        x_end = np.cumsum(self.x_count)
        x_at = np.searchsorted(x_end, (np.arange(GRID[0]) + 0.5) / GRID[0] * x_end[-1])
        y_at = (np.arange(GRID[1]) + 0.5) / GRID[1] * self.y_below[-1]
        y_at = np.searchsorted(self.y_below[1:], y_at)
        return np.sort((self.x[x_at][:, None] - self.y[y_at]).ravel())

    def _from(self, d: float) -> Ints:
        """For every x, the first y with x - y <= d."""
        return np.searchsorted(self.y, self.x - d, side="left")

    def _pairs(self, first: Ints) -> int:
        """Pairs with a difference at most that of the cut ``first``."""
        return int(self.x_count @ (self.y_below[-1] - self.y_below[first]))

    def _near(self, ranks: list[int], grid: Floats) -> Floats:
        """The differences of ascending ``ranks`` that lie close together."""
        rank, last = ranks[0], ranks[-1]
        total = int(self.x_count.sum() * self.y_below[-1])
        place, pad = rank / total * grid.size, grid.size * (1 / GRID[0] + 1 / GRID[1]) / 4
        low, high = self.x[0] - self.y[-1], self.x[-1] - self.y[0]
        margin = 1e-9 * (abs(low) + abs(high))
        low, high = low - margin, high + margin
        cut_low, cut_high = self._from(low), self._from(high)
        pairs_low, pairs_high = self._pairs(cut_low), self._pairs(cut_high)
        guesses = [grid[int(np.clip(place + k * pad, 0, grid.size - 1))] for k in (-1, 1)]
        for step in range(200):
            if int((cut_low - cut_high).sum()) <= LIST_AT_MOST:
                break
            if guesses:
                d = float(guesses.pop())
                if not low < d < high:
                    continue
            elif step > 12 and step % 2:
                d = (low + high) / 2
            else:
                d = self._guess(low, high, pairs_low, pairs_high, rank)
            if not low < d < high:  # neighbouring numbers: nothing lies between
                break
            cut = self._from(d)
            pairs = self._pairs(cut)
            if pairs < rank:
                low, cut_low, pairs_low = d, cut, pairs
            elif pairs >= last:
                high, cut_high, pairs_high = d, cut, pairs
            else:  # between the wanted ranks: they part
                return np.concatenate([self._near([r], grid) for r in ranks])
        return self._list(cut_high, cut_low, pairs_low, ranks)

    @staticmethod
    def _guess(low: float, high: float, pairs_low: int, pairs_high: int, rank: int) -> float:
        """Interpolated, and aimed a little past the rank from its nearer end."""
        share = (rank - 0.5 - pairs_low) / max(pairs_high - pairs_low, 1)
        margin = min(0.25, LIST_AT_MOST / 4 / max(pairs_high - pairs_low, 1))
        share += margin if share < 0.5 else -margin
        return low + (high - low) * min(max(share, 0.02), 0.98)

    def _list(self, first: Ints, stop: Ints, below: int, ranks: Sequence[int]) -> Floats:
        """The ranks among the differences of x_i with y_first .. y_stop-1, ``below`` before."""
        length = stop - first
        row = np.repeat(np.arange(self.x.size), length)
        column = np.arange(row.size) - np.repeat(np.cumsum(length) - length - first, length)
        differences = self.x[row] - self.y[column]
        order = np.argsort(differences)
        reached = below + np.cumsum((self.x_count[row] * self.y_count[column])[order])
        found: Floats = differences[order[np.searchsorted(reached, ranks)]]
        return found


def _distinct(values: Floats) -> tuple[Floats, Ints]:
    """Distinct values of a sorted array, and how often each occurs."""
    new = np.ones(values.size, dtype=bool)
    new[1:] = values[1:] != values[:-1]
    if new.all():
        return values, np.ones(values.size, dtype=np.int64)
    start = np.flatnonzero(new)
    return values[start], np.diff(start, append=values.size)


def _neighbours(ranks: Sequence[int]) -> list[list[int]]:
    """Positions of ``ranks`` in runs of ranks that differ by at most 1, ascending."""
    runs: list[list[int]] = []
    for k in np.argsort(ranks, kind="stable"):
        if runs and ranks[k] - ranks[runs[-1][-1]] <= 1:
            runs[-1].append(int(k))
        else:
            runs.append([int(k)])
    return runs
