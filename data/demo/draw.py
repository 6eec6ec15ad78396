"""Seeded draws that every part of the generator shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def stream(seed: int, *names: str) -> np.random.Generator:
    """A random stream of its own for each named part, so that parts may be drawn in any order."""
    return np.random.default_rng([seed, *(crc32(name.encode()) for name in names)])


def scaled(n: int, scale: float) -> int:
    """A number of patients at another scale; what is not empty stays so."""
    return max(1, round(n * scale)) if n else 0


def exact_counts(weights: dict[str, int], total: int) -> Ints:
    """Share ``total`` out in proportion to ``weights`` by largest remainders (sums exactly)."""
    share = np.array(list(weights.values()), dtype=float)
    exact = share / share.sum() * total
    counts = np.floor(exact).astype(np.int64)
    counts[np.argsort(counts - exact, kind="stable")[: total - int(counts.sum())]] += 1
    return counts


def choose_exactly(rng: np.random.Generator, log_weight: Floats, k: int) -> Ints:
    """Indices of ``k`` items drawn without replacement, odds by exp(log_weight) (Gumbel top-k)."""
    if k >= len(log_weight):
        return np.arange(len(log_weight))
    keys = log_weight + rng.gumbel(size=len(log_weight))
    return np.sort(np.argsort(-keys, kind="stable")[:k])


def choices(rng: np.random.Generator, shares: Sequence[float], n: int) -> Ints:
    """``n`` draws of an index, with probabilities proportional to ``shares``."""
    edges = np.cumsum(np.asarray(shares, dtype=float))
    return np.searchsorted(edges / edges[-1], rng.random(n), side="right").clip(max=len(edges) - 1)


def pick(labels: Sequence[Any], index: Ints) -> npt.NDArray[Any]:
    """Labels by index as an object array, so that None may be among them."""
    table = np.empty(len(labels), dtype=object)
    table[:] = labels
    return np.asarray(table[index])


def numbered(prefix: str, n: int, width: int = 4) -> pd.Series:
    """Identifiers such as ``SIM-0001``."""
    return prefix + pd.Series(np.arange(1, n + 1)).astype(str).str.zfill(width)


def standardised(values: Floats) -> Floats:
    """Centred and scaled to SD 1 (n - 1); a constant becomes zeros. Missing values stay missing."""
    seen = values[~np.isnan(values)]
    if len(seen) < 2 or seen.std(ddof=1) == 0:
        return np.where(np.isnan(values), np.nan, 0.0)
    return (values - seen.mean()) / seen.std(ddof=1)


def unless(missing: Bools, values: Any) -> npt.NDArray[Any]:
    """Values as objects, None where ``missing``."""
    result = np.full(len(missing), None, dtype=object)
    result[:] = values
    result[missing] = None
    return result
