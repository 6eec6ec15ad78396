"""Exact p-value of an r x c table with fixed margins, for tables that a screen can show.

Columns are filled one after the other. What is left to place in each row is the state; tables
that reach a state share all that follows, so that a state keeps only the distinct
probabilities of the ways into it (a network as in Mehta and Patel, JASA 1983;78:427-434, walked
in full). The p-value sums the tables no more probable than the observed one, within a relative
1e-7, as R does. Beyond LARGEST_WORK the margins are sampled instead.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
from scipy import special, stats

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
LARGEST_WORK = 150_000
"""Steps between states that are followed before giving up on enumeration (under a second)."""
DRAWS = 100_000


def fisher_p_value(table: Ints, seed: int) -> tuple[float, int]:
    """p-value of a table without empty rows or columns; and the tables drawn, 0 if exact."""
    if table.shape[0] > table.shape[1]:
        table = table.T
    table = table[:, np.argsort(-table.sum(axis=0))]
    p = _enumerate(table)
    return (p, 0) if p is not None else (_sample(table, seed), DRAWS)


def _enumerate(table: Ints) -> float | None:
    """Exact p-value, or None if the work is too much."""
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    states: dict[tuple[int, ...], Floats] = {tuple(int(r) for r in rows): np.zeros(1)}
    weights: dict[tuple[int, ...], Floats] = {next(iter(states)): np.ones(1)}
    log_factorial: list[float] = special.gammaln(np.arange(table.sum() + 1) + 1).tolist()
    work = 0
    for size in columns[:-1]:
        grown: dict[tuple[int, ...], list[Floats]] = {}
        counted: dict[tuple[int, ...], list[Floats]] = {}
        for state, values in states.items():
            for fill in _fillings(state, int(size)):
                work += 1 + values.size // 200
                if work > LARGEST_WORK:
                    return None
                left = tuple(s - f for s, f in zip(state, fill, strict=True))
                step = -sum(log_factorial[f] for f in fill)
                grown.setdefault(left, []).append(values + step)
                counted.setdefault(left, []).append(weights[state])
        states, weights = {}, {}
        for left, parts in grown.items():
            states[left], weights[left] = _merge(np.concatenate(parts), counted[left])
    log_p = np.concatenate([v - special.gammaln(np.add(s, 1)).sum() for s, v in states.items()])
    count = np.concatenate([weights[s] for s in states])
    constant = special.gammaln(rows + 1).sum() + special.gammaln(columns + 1).sum()
    constant -= special.gammaln(table.sum() + 1)
    observed = -special.gammaln(table + 1).sum()
    chosen = log_p <= observed + np.log1p(1e-7)
    return float(min(1.0, (count[chosen] * np.exp(log_p[chosen] + constant)).sum()))


def _merge(values: Floats, counts: list[Floats]) -> tuple[Floats, Floats]:
    """Distinct values (to 1e-10) and how many tables each stands for."""
    weight = np.concatenate(counts)
    order = np.argsort(values)
    values, weight = values[order], weight[order]
    new = np.ones(values.size, dtype=bool)
    new[1:] = np.diff(values) > 1e-10
    start = np.flatnonzero(new)
    return values[start], np.add.reduceat(weight, start)


def _fillings(state: tuple[int, ...], size: int) -> list[tuple[int, ...]]:
    """Ways to place ``size`` patients of a column in what is left of each row."""
    last = state[-1]
    ways = []
    for head in product(*(range(min(s, size) + 1) for s in state[:-1])):
        rest = size - sum(head)
        if 0 <= rest <= last:
            ways.append((*head, rest))
    return ways


def _sample(table: Ints, seed: int) -> float:
    """(1 + tables drawn that are no more probable) / (1 + draws)."""
    rng = np.random.default_rng(seed)
    draws = stats.random_table(table.sum(axis=1), table.sum(axis=0)).rvs(DRAWS, random_state=rng)
    log_p = -special.gammaln(np.asarray(draws) + 1.0).sum(axis=(1, 2))
    observed = -special.gammaln(table + 1.0).sum()
    return float((1 + (log_p <= observed + np.log1p(1e-7)).sum()) / (1 + DRAWS))
