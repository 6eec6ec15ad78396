"""One-column Cox models for many binary columns at once: their shares, and Newton.

A gene enters the partial likelihood only through q_e, the share of its mutated patients in
the denominator of term e (see ``scan_terms``). With theta = exp(beta) and
p_e = theta q_e / (1 + (theta - 1) q_e):

    log likelihood = beta * (events among mutants) - sum log(1 + (theta - 1) q_e) + constant
    score U = events among mutants - sum p_e,       information I = sum p_e (1 - p_e).

One coefficient per gene makes every step a division, so that hundreds of genes move together
through arrays that stay in the processor's cache. Most terms are summed once and for all
(``scan_moments``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from core.stats.scan_moments import Head
from core.stats.scan_terms import Floats, Ints, RiskTerms

BLOCK_BYTES = 1 << 20
"""Size of the block of q that is worked on at once: what a core's cache holds."""
STEP_TOLERANCE = 1e-9
ITERATIONS = 60
LARGEST = 25.0
"""|log hazard ratio| beyond which an estimate is called infinite."""
FACTORS = 8
"""Denominators multiplied before one logarithm is taken; exp(2 * LARGEST * FACTORS) is finite."""


@dataclass(frozen=True, eq=False)
class Fits:
    """Estimates of a list of genes; NaN where not estimable."""

    beta: Floats
    standard_error: Floats
    lower: Floats
    upper: Floats
    p_value: Floats
    converged: Any
    """Boolean array."""


def blocks(terms: RiskTerms, genes: Ints) -> list[Ints]:
    """``genes`` cut into pieces whose q fills about BLOCK_BYTES."""
    width = max(1, BLOCK_BYTES // (8 * max(1, terms.size)))
    return [genes[i : i + width] for i in range(0, genes.size, width)]


def shares(
    terms: RiskTerms, denominator: Floats, columns: Any, risk: Floats | None = None
) -> Floats:
    """q (genes x terms, padded with zeros to a multiple of FACTORS) of a few columns.

    ``columns``: CSC, rows in sorted patient order; ``risk``: relative risks of the sorted
    patients from covariates held fixed (default 1), as used for ``denominator``.
    """
    genes, size = columns.shape[1], terms.size
    width = -(-(size + 1) // FACTORS) * FACTORS
    rows = columns.indices
    base = np.repeat(np.arange(genes) * width, np.diff(columns.indptr))
    length = genes * width
    r = None if risk is None else risk[rows]
    q = np.bincount(base + terms.first_term[rows], weights=r, minlength=length).astype(float)
    q -= np.bincount(base + terms.last_term[rows], weights=r, minlength=length)
    q = q.reshape(genes, width)
    np.cumsum(q, axis=1, out=q)
    tied = np.flatnonzero(terms.fraction)
    if tied.size:
        q[:, tied] -= terms.fraction[tied] * _tied_events(terms, columns, tied, risk)
    q[:, :size] /= denominator
    if risk is not None:
        np.clip(q, 0.0, 1.0, out=q)  # sums of fractions leave a last bit behind
    q[:, size:] = 0.0
    return q


def _tied_events(terms: RiskTerms, columns: Any, tied: Ints, risk: Floats | None) -> Floats:
    """Relative risk of the mutants who died in the tie of each term ``tied`` (genes x terms)."""
    groups, group_of_term = np.unique(terms.term_tie[tied], return_inverse=True)
    number = np.full(int(terms.tie.max()) + 1, -1)
    number[groups] = np.arange(groups.size)
    rows = columns.indices
    gene = np.repeat(np.arange(columns.shape[1]), np.diff(columns.indptr))
    group = number[terms.tie[rows]]
    use = terms.event[rows] & (group >= 0)
    counts = np.bincount(
        gene[use] * groups.size + group[use],
        weights=None if risk is None else risk[rows[use]],
        minlength=columns.shape[1] * groups.size,
    )
    events: Floats = counts.reshape(-1, groups.size)[:, group_of_term].astype(float)
    return events


def newton(q: Floats, head: Head, observed: Floats, start: Floats) -> Fits:
    """Maximum partial likelihood of every gene; Wald standard errors.

    ``q``: shares in the tail terms (genes x terms), ``head`` the moments of the others. The log
    likelihood is concave in beta: a step is cut to 2, and halved into the bracket given by the
    sign of the score. A gene that walks beyond LARGEST, or whose series is not precise, has not
    converged.
    """
    genes = observed.size
    beta, info = np.clip(start, -3, 3), np.full(genes, np.nan)
    low, high = np.full(genes, -np.inf), np.full(genes, np.inf)
    done = np.zeros(genes, dtype=bool)
    active, work, moments, room = np.arange(genes), q, head, np.empty_like(q)
    for _ in range(ITERATIONS):
        b, theta = beta[active], np.exp(beta[active])
        room = room[: active.size]
        np.multiply(work, (theta - 1)[:, None], out=room)
        room += 1.0
        np.divide(work, room, out=room)
        s1, s2 = moments.sums(theta - 1, 2)
        first = theta * (room.sum(axis=1) + s1)
        second = theta**2 * (np.einsum("ij,ij->i", room, room) + s2)
        u, i = observed[active] - first, first - second
        info[active] = i
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.clip(np.where(i > 0, u / i, np.sign(u) * 2.0), -2.0, 2.0)
        low[active] = np.where(u >= 0, b, low[active])
        high[active] = np.where(u <= 0, b, high[active])
        moved = inside(b + step, b, low[active], high[active])
        beta[active] = np.clip(moved, -LARGEST - 5, LARGEST + 5)
        finished = np.abs(step) < STEP_TOLERANCE * (1 + np.abs(b))
        done[active[finished]] = True
        left = ~finished & (np.abs(beta[active]) < LARGEST) & moments.exact(theta - 1, 2)
        if not left.any():
            break
        if left.sum() < 0.7 * active.size:
            active, work, moments = active[left], work[left], moments.take(left)
    good = done & (np.abs(beta) < LARGEST) & (info > 0) & head.exact(np.expm1(beta), 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(good, 1 / np.sqrt(info), np.nan)
    beta = np.where(good, beta, np.nan)
    p = 2 * special.ndtr(-np.abs(beta) / error)
    z = -float(special.ndtri(0.025))
    return Fits(beta, error, beta - z * error, beta + z * error, p, good)


def inside(new: Floats, old: Floats, low: Floats, high: Floats) -> Floats:
    """``new`` where it lies inside its bracket, else half way from ``old`` to the bound."""
    out = np.where(new > high, (old + high) / 2, new)
    return np.where(out < low, (old + low) / 2, out)
