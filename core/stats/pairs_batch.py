"""Harrell's C of many scores and many weightings of the same patients at once.

The definitions are those of :mod:`core.stats.pair_counts`: a pair is comparable when the earlier
member is an event and the later one stands in a later block (the events, or the censorings, of one
time in one stratum); it is concordant when the earlier patient has the higher score. A patient of
weight c counts as c patients, who make no pair with each other. Sums of whole-number weights are
exact, so C is the same to the bit as from repeated rows. O(n log n) for each score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.stats.survival_data import survival_data

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Line:
    """The patients by stratum, time, and events first."""

    order: Index
    event: Array
    """1 or 0 of each place."""
    block: Index
    """Of each place, rising."""
    stratum: Index
    block_end: Index
    stratum_end: Index
    """One past the last place of each place's block, and stratum."""


def line_of(time: npt.ArrayLike, event: npt.ArrayLike, stratum: Index | None = None) -> Line:
    """The patients in line; times that differ by rounding only are the same."""
    data = survival_data(time, event)
    level = np.zeros(data.n, dtype=np.intp) if stratum is None else stratum
    order = np.lexsort((~data.event, data.time, level))
    t, d, level = data.time[order], data.event[order], level[order]
    new = (t[1:] != t[:-1]) | (d[1:] != d[:-1]) | (level[1:] != level[:-1])
    block = np.cumsum(np.append(False, new)).astype(np.intp)
    ends = (np.searchsorted(v, v, side="right").astype(np.intp) for v in (block, level))
    return Line(order, d.astype(float), block, level, *ends)


def harrell_c_batch(line: Line, score: Array, weights: list[Array]) -> list[Array]:
    """C of each sample (row) of ``score`` by each of ``weights``, both samples x patients.

    NaN where no pair is comparable.
    """
    s = np.take(score, line.order, axis=1)
    w = np.stack([np.take(v, line.order, axis=1) for v in weights])
    rising = np.argsort(s, axis=1, kind="stable")
    if line.stratum[-1]:
        rising = _stable(line.stratum, rising)
    concordant, tied = _concordant(line, rising, w), _tied(line, rising, s, w)
    sums = np.concatenate([np.zeros((*w.shape[:2], 1)), np.cumsum(w, axis=2)], axis=2)
    later = sums[..., line.stratum_end] - sums[..., line.block_end]
    pairs = (w * line.event * later).sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return list((concordant + tied / 2) / pairs)


def _stable(key: Index, order: Index) -> Index:
    """``order`` (samples x places) sorted by the key of each place, equal ones as they stood."""
    values = key[order]
    if key.max() < 2**16:  # which numpy sorts in linear time
        values = values.astype(np.uint16)
    return np.take_along_axis(order, np.argsort(values, axis=1, kind="stable"), axis=1)


def _tied(line: Line, rising: Index, score: Array, weights: Array) -> Array:
    """Weight of comparable pairs with equal scores: weightings x samples."""
    samples, n = rising.shape
    ordered = np.take_along_axis(score, rising, axis=1)
    block = line.block[rising]
    new = np.ones((samples, n), dtype=bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    if line.stratum[-1]:
        level = line.stratum[rising]
        new[:, 1:] |= level[:, 1:] != level[:, :-1]
    new_block = new.copy()
    new_block[:, 1:] |= block[:, 1:] != block[:, :-1]
    if new.sum() == new_block.sum():  # no equal scores in different blocks
        return np.zeros((len(weights), samples))
    run, own = (_ends(v.ravel()) for v in (new, new_block))
    out = np.empty((len(weights), samples))
    event = line.event[rising]
    for k, w in enumerate(weights):
        ranked = np.take_along_axis(w, rising, axis=1)
        sums = np.append(0.0, np.cumsum(ranked))
        later = (sums[run] - sums[own]).reshape(samples, n)
        out[k] = (ranked * event * later).sum(axis=1)
    return out


def _ends(new: npt.NDArray[np.bool_]) -> Index:
    """One past the last place of each place's run."""
    start = np.flatnonzero(new)
    return np.append(start[1:], len(new))[np.cumsum(new) - 1]


def _concordant(line: Line, rising: Index, weights: Array) -> Array:
    """Weight of concordant pairs: weightings x samples; by halving, as in pair_counts.

    Within a block places ascend with the score, so that no two of its patients look concordant.
    """
    samples, n = rising.shape
    at = rising if line.block[-1] == n - 1 else _stable(line.block, rising)
    place = np.empty_like(at)
    np.put_along_axis(place, at, np.broadcast_to(np.arange(n), at.shape), axis=1)
    size = 1 << max(n - 1, 1).bit_length()
    listed = np.empty((samples, size), dtype=np.int32)
    listed[:, :n] = np.take_along_axis(place, rising[:, ::-1], axis=1)
    listed[:, n:] = np.arange(n, size)
    listed = listed.ravel()
    weight = np.zeros((len(weights), samples, size))
    for k, w in enumerate(weights):
        weight[k, :, :n] = np.take_along_axis(w, rising[:, ::-1], axis=1)
    dying = weight.copy()
    dying[..., :n] *= line.event[rising[:, ::-1]]
    weight, dying = (v.reshape(len(weights), -1) for v in (weight, dying))
    total = np.zeros((len(weights), samples))
    half = size // 2
    while half:
        later = (listed & half) != 0
        before, after = np.flatnonzero(~later), np.flatnonzero(later)
        early = np.take(dying, before, axis=1)
        sums = np.zeros((len(weights), len(before) + 1))
        np.cumsum(early, axis=1, out=sums[:, 1:])
        # the k-th later place of all has (its index - k) earlier places before it
        seen = sums[:, after - np.arange(len(after))].reshape(len(weights), -1, half)
        seen = seen - sums[:, :-1:half, None]
        late = np.take(weight, after, axis=1)
        met = seen.reshape(len(weights), -1) * late
        total += met.reshape(len(weights), samples, -1).sum(axis=2)
        if half > 1:
            listed = _halves(listed[before], listed[after], half)
            weight = _halves(np.take(weight, before, axis=1), late, half)
            dying = _halves(early, np.take(dying, after, axis=1), half)
        half //= 2
    return total


def _halves(earlier: npt.NDArray[Any], later: npt.NDArray[Any], half: int) -> npt.NDArray[Any]:
    shape = (*earlier.shape[:-1], -1, half)
    joined = np.concatenate([earlier.reshape(shape), later.reshape(shape)], axis=-1)
    return joined.reshape(*earlier.shape[:-1], -1)
