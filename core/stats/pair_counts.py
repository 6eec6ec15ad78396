"""Comparable pairs of patients, counted for each patient in O(n log n) time and linear memory.

Patients stand in a line: by stratum, then time, events before censorings of the same time. The
earlier member of a comparable pair is an event; the later one stands in a later block, a block
being the events, or the censorings, of one time in one stratum. Totals and pairs of equal scores
are running sums along the line; the concordant pairs (the earlier patient has the higher score)
are counted by halving, and in short lines by comparing: :func:`_concordant`. The rest are
discordant.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from core.stats.survival_data import FloatArray, IntArray, SurvivalData

_SHORT = 4096
"""Places of a line in which pairs are compared; a power of two."""
_CHUNK = 64
"""Places that are compared with each other one by one; a power of two."""
_AHEAD = np.triu(np.ones((_CHUNK, _CHUNK), dtype=bool), 1)


class PairCounts(NamedTuple):
    """For each patient, the weight of the pairs it belongs to (its own weight left out)."""

    concordant: FloatArray
    discordant: FloatArray
    tied: FloatArray


def pair_counts(
    data: SurvivalData,
    score: FloatArray,
    stratum: IntArray | None = None,
    event_weight: FloatArray | None = None,
) -> PairCounts:
    """Concordant, discordant and score-tied pairs of each patient.

    A pair counts the other patient's weight times ``event_weight`` of its earlier event.
    """
    rank, by_rank = _dense_rank(score)
    block, line = _blocks(data, stratum)
    if np.any(block[line[1:]] <= block[line[:-1]]):
        # Within a block ascending scores, so that no two of its patients look concordant.
        small = block.astype(np.min_scalar_type(2 * data.n))
        line = by_rank[np.argsort(small[by_rank], kind="stable")]
    weight = None if data.weights is None else data.weights[line]
    factor = data.event[line].astype(float)
    if event_weight is not None:
        factor *= event_weight[line]
    block, rank = block[line], rank[line]
    level = None if stratum is None else stratum[line]
    comparable = _in_other_blocks(level, block, weight, factor)
    if level is None and rank.max() == data.n - 1:  # no two scores are equal
        place = np.empty(data.n, dtype=np.int64)
        place[line] = np.arange(data.n)
        by_score, tied = place[by_rank], np.zeros(data.n)
    else:
        by_score, tied = _in_order_of_score(level, rank, block, weight, factor)
    if weight is None and event_weight is None:
        factor = factor.astype(np.int32)
    concordant = _concordant(by_score[::-1], weight, factor)
    columns = np.empty((3, data.n))
    columns[:, line] = concordant, comparable - concordant - tied, tied
    return PairCounts(*columns)


def _dense_rank(score: FloatArray) -> tuple[IntArray, IntArray]:
    """Ranks from 0 with equal ones for ties, and the order of the scores."""
    order = np.argsort(score)
    ascending = score[order]
    rank = np.empty(len(score), dtype=np.int64)
    rank[order] = np.cumsum(np.append(False, ascending[1:] != ascending[:-1]))
    return rank, order


def _blocks(data: SurvivalData, stratum: IntArray | None) -> tuple[IntArray, IntArray]:
    """Each patient's block (even: a time's events; odd: its censorings), and an order by time."""
    order = data.order
    if stratum is not None:
        order = order[np.argsort(stratum[order], kind="stable")]
    time = data.time[order]
    new = time[1:] != time[:-1]
    if stratum is not None:
        new |= np.diff(stratum[order]) != 0
    block = np.empty(data.n, dtype=np.int64)
    block[order] = 2 * np.cumsum(np.append(False, new))
    block += ~data.event
    return block, order


def _in_order_of_score(
    level: IntArray | None,
    rank: IntArray,
    block: IntArray,
    weight: FloatArray | None,
    factor: FloatArray,
) -> tuple[IntArray, FloatArray]:
    """Places in the line by stratum, score and place; and each place's pairs of equal score."""
    n = len(rank)
    group = rank if level is None else level * (int(rank.max()) + 1) + rank
    order = np.argsort(group * n + np.arange(n))
    ascending = group[order]
    tied = np.zeros(n)
    if np.any(ascending[1:] == ascending[:-1]):
        own_weight = None if weight is None else weight[order]
        tied[order] = _in_other_blocks(ascending, block[order], own_weight, factor[order])
    return order, tied


def _in_other_blocks(
    group: IntArray | None, block: IntArray, weight: FloatArray | None, factor: FloatArray
) -> FloatArray:
    """Weight of each patient's pairs with the other blocks of its group; None is one group.

    The columns are in order of group, then block. As the earlier member a patient counts
    ``factor`` times the weights after its block, as the later one the events before it.
    """
    n = len(block)
    new_block = np.append(True, block[1:] != block[:-1])
    group_start, group_end = np.zeros(1, dtype=np.int64), np.array([n])
    if group is not None:
        new_group = np.append(True, group[1:] != group[:-1])
        new_block |= new_group
        group_start, group_end = _ends(new_group, n)
    block_start, block_end = _ends(new_block, n)
    events = np.append(0.0, np.cumsum(factor if weight is None else weight * factor))
    before = events[block_start] - events[group_start]
    if weight is None:
        after = (group_end - block_end).astype(float)
    else:
        weights = np.append(0.0, np.cumsum(weight))
        after = weights[group_end] - weights[block_end]
    pairs: FloatArray = before + factor * after
    return pairs


def _ends(new: IntArray, n: int) -> tuple[IntArray, IntArray]:
    start = np.flatnonzero(new)
    run = np.cumsum(new) - 1
    return start[run], np.append(start[1:], n)[run]


def _concordant(
    descending: IntArray, weight: FloatArray | None, factor: npt.NDArray[Any]
) -> FloatArray:
    """For each place in the line, the weight of its concordant pairs.

    ``descending`` lists the places in descending order of score, later places first among equal
    scores, so that a concordant pair is an earlier place listed before a later one. Blocks of
    2^k places are split into halves that keep this order, k going down: in each block, a later
    place meets the events of the earlier half that are listed before it, and an earlier one the
    later half's places that are listed after it. Pairs of a block that is short enough are
    compared. Every pair is met once, in the block that separates it. The line is filled up to
    whole blocks with places of no weight, listed last.
    """
    n = len(descending)
    bits = max(n - 1, 1).bit_length()
    size = 1 << bits if n > _SHORT else -(-n // _CHUNK) * _CHUNK
    listed = np.concatenate([descending, np.arange(n, size)]).astype(np.int32)
    none = np.zeros(size - n, dtype=factor.dtype)
    factor = np.append(factor, none)[listed]
    weight = np.append(np.ones(n, factor.dtype) if weight is None else weight, none)[listed]
    total = np.zeros(size, dtype=factor.dtype)
    count = np.arange(size // 2)
    for bit in reversed(range(_SHORT.bit_length() - 1, bits)):
        half = 1 << bit
        is_later = (listed & half) != 0
        later, earlier = np.flatnonzero(is_later), np.flatnonzero(~is_later)
        early_factor, late_weight, early_weight = factor[earlier], weight[later], weight[earlier]
        events = _running(early_factor * early_weight)
        weights = _running(late_weight)
        # The k-th later place of all has (its index - k) earlier places before it, and so back.
        seen = events[later - count].reshape(-1, half) - events[:-1:half, None]
        unseen = weights[half::half, None] - weights[earlier - count].reshape(-1, half)
        met = early_factor.reshape(-1, half) * unseen
        total = _halves(
            total[earlier].reshape(-1, half) + met, total[later].reshape(-1, half) + seen
        )
        listed = _halves(listed[earlier].reshape(-1, half), listed[later].reshape(-1, half))
        factor = _halves(early_factor.reshape(-1, half), factor[later].reshape(-1, half))
        weight = _halves(early_weight.reshape(-1, half), late_weight.reshape(-1, half))
    out = np.empty(size)
    for first in range(0, size, _SHORT):
        part = slice(first, first + _SHORT)
        here = _compared(listed[part] - first, weight[part], factor[part])
        out[listed[part]] = total[part] + here
    return out[:n]


def _compared(
    place: npt.NDArray[np.int32], weight: npt.NDArray[Any], factor: npt.NDArray[Any]
) -> FloatArray:
    """The weight of the concordant pairs within a short line, in the order of the list.

    Places and list are cut into chunks. Pairs that share a chunk of places, or one of the list
    only, are compared; those that share neither are sums over a table of chunks by chunks.
    """
    if weight.dtype == np.int32:  # counts this small are exact
        weight, factor = weight.astype(np.float32), factor.astype(np.float32)
    events = weight * factor
    chunks = len(place) // _CHUNK
    listed = np.arange(len(place), dtype=np.int16)
    rank = np.empty_like(listed)
    rank[place] = listed
    chunk = (place // _CHUNK).astype(np.int16)
    after, before = _ahead(chunk, weight, events)
    near_after, near_before = _ahead(rank, weight[rank], events[rank])
    cell = chunk.astype(np.int64) * (chunks + 1) + listed // _CHUNK
    after += near_after[place] + _beyond((chunks - 1) * (chunks + 2) - cell, weight, chunks + 1)
    before += near_before[place] + _beyond(cell, events, chunks + 1)
    return factor * after + before


def _ahead(
    key: npt.NDArray[Any], weight: npt.NDArray[Any], events: npt.NDArray[Any]
) -> tuple[FloatArray, FloatArray]:
    """In chunks of a line: the weight after each place with a higher key, and the events before
    it with a lower one."""
    key, weight, events = (a.reshape(-1, _CHUNK) for a in (key, weight, events))
    pairs = ((key[:, :, None] < key[:, None, :]) & _AHEAD).astype(weight.dtype)
    after, before = pairs @ weight[:, :, None], events[:, None, :] @ pairs
    return after.ravel().astype(float), before.ravel().astype(float)


def _beyond(cell: IntArray, weight: npt.NDArray[Any], width: int) -> FloatArray:
    """For each cell (row x width + column), the weight in smaller rows and smaller columns."""
    table = np.bincount(cell + width + 1, weight, width * width).reshape(width, width)
    sums: FloatArray = table.cumsum(axis=0).cumsum(axis=1).ravel()[cell]
    return sums


def _running(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Sums before each place, and the sum of all."""
    sums = np.empty(len(values) + 1, dtype=values.dtype)
    sums[0] = 0
    np.cumsum(values, dtype=values.dtype, out=sums[1:])
    return sums


def _halves(earlier: npt.NDArray[Any], later: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.concatenate([earlier, later], axis=1).ravel()
