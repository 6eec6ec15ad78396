"""Most of a gene's partial likelihood in fourteen numbers.

With q_e the share of a gene's mutated patients in the denominator of term e and x = exp(beta)
- 1, everything that Newton and Firth need are sums over terms of (q / (1 + x q))^s, and

    sum q^s / (1 + x q)^s = sum over r >= s of C(r - 1, s - 1) (-x)^(r - s) T_r,  T_r = sum q^r,
    sum log(1 + x q)      = sum over r >= 1 of -(-x)^r T_r / r.

The moments T_r do not depend on beta, and cost a few passes over the mutated patients: a gene's
count at risk is constant between the times at which its patients leave. The series is used where
many patients are at risk and q is small (the *head*); the last terms (the *tail*), in which few
are left, stay as they are. The error of stopping at ORDER terms is bounded, and a gene for which
it exceeds PRECISION is fitted without the series.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt

from core.stats.scan_terms import Floats, Ints, RiskTerms

ORDER = 14
HEAD_AT_RISK = 100
"""A term belongs to the head while its denominator is at least this."""
WORTH_IT = 100
"""Head terms from which the series pays."""
PRECISION = 1e-13
"""Largest error of a sum of the series, relative to its first term."""


@dataclass(frozen=True, eq=False)
class Head:
    """Moments of genes over the head terms (ORDER x genes; no rows: there is no head)."""

    moments: Floats

    def take(self, genes: Ints | npt.NDArray[np.bool_]) -> Head:
        """The moments of some of the genes."""
        return Head(self.moments[:, genes])

    def sums(self, x: Floats, largest: int) -> list[Floats]:
        """Sum over the head of (q / (1 + x q))^s for s = 1 .. ``largest``, by Horner's rule."""
        out = []
        for s in range(1, largest + 1):
            total = np.zeros(x.size)
            for r in range(len(self.moments), s - 1, -1):
                total *= -x
                total += comb(r - 1, s - 1) * self.moments[r - 1]
            out.append(total)
        return out

    def log_sum(self, x: Floats) -> Floats:
        """Sum over the head of log(1 + x q)."""
        total = np.zeros(x.size)
        for r in range(len(self.moments), 0, -1):
            total *= -x
            total += self.moments[r - 1] / r
        return x * total

    def exact(self, x: Floats, largest: int) -> npt.NDArray[np.bool_]:
        """Where all sums up to s = ``largest`` are within PRECISION."""
        if not len(self.moments):
            return np.ones(x.size, dtype=bool)
        last = np.maximum(self.moments[-1], 0.0)  # rounding of Efron's correction
        share = last ** (1 / ORDER)  # no q of the head is larger
        size = np.abs(x)
        good: npt.NDArray[np.bool_] = size * share < 0.4
        size = np.minimum(size, 1e3)  # beyond, ``good`` is False already unless the head is empty
        for s in range(1, largest + 1):
            omitted = comb(ORDER, s - 1) * size ** (ORDER + 1 - s) * last * share * 2.0**s
            good &= omitted <= PRECISION * self.moments[s - 1]
        return good


def no_head(genes: int) -> Head:
    """For genes all of whose terms are summed as they are."""
    return Head(np.empty((0, genes)))


def split(terms: RiskTerms, denominator: Floats) -> npt.NDArray[np.bool_]:
    """Which terms are the head; none of them if the series would not pay."""
    head = denominator >= HEAD_AT_RISK
    return head if head.sum() >= WORTH_IT else np.zeros(terms.size, dtype=bool)


def only(terms: RiskTerms, kept: npt.NDArray[np.bool_]) -> RiskTerms:
    """The same patients with some of the terms."""
    before = np.concatenate([[0], np.cumsum(kept)])
    return replace(
        terms,
        first_term=before[terms.first_term],
        last_term=before[terms.last_term],
        start=terms.start[kept],
        stop=terms.stop[kept],
        term_tie=terms.term_tie[kept],
        fraction=terms.fraction[kept],
    )


def head_moments(terms: RiskTerms, denominator: Floats, columns: Any) -> Head:
    """T_1 .. T_ORDER over the given (head) terms, for every column (CSC, sorted patients)."""
    genes, rows = columns.shape[1], columns.indices
    moments = np.zeros((ORDER, genes))
    if not rows.size or not terms.size:
        return Head(moments)
    gene = np.repeat(np.arange(genes), np.diff(columns.indptr))
    new = np.ones(rows.size, dtype=bool)
    new[1:] = (gene[1:] != gene[:-1]) | (terms.tie[rows[1:]] != terms.tie[rows[:-1]])
    run = np.flatnonzero(new)
    first, of_gene = rows[run], gene[run]
    block = np.ones(run.size, dtype=bool)
    block[1:] = (of_gene[1:] != of_gene[:-1]) | (
        terms.stratum[first[1:]] != terms.stratum[first[:-1]]
    )
    number = np.cumsum(block) - 1
    ends = np.append(run[block][1:], rows.size)[number]
    after = np.append(run[1:], rows.size)
    upto, later = (ends - run).astype(float), (ends - after).astype(float)
    power_upto, power_later = np.ones(run.size), np.ones(run.size)
    starts = np.flatnonzero(np.append(True, of_gene[1:] != of_gene[:-1]))
    present = of_gene[starts]
    for r in range(1, ORDER + 1):
        power_upto *= upto
        power_later *= later
        total = np.concatenate([[0.0], np.cumsum(denominator ** -float(r))])
        span = total[terms.last_term] - total[terms.first_term]
        moments[r - 1, present] = np.add.reduceat(span[first] * (power_upto - power_later), starts)
    if terms.fraction.any():
        died = np.add.reduceat(terms.event[rows].astype(np.int64), run)
        use = died > 0
        _subtract_ties(
            moments, terms, denominator, of_gene[use], terms.tie[first[use]], upto[use], died[use]
        )
    return Head(moments)


def _subtract_ties(
    moments: Floats,
    terms: RiskTerms,
    denominator: Floats,
    gene: Ints,
    tie: Ints,
    upto: Floats,
    died: Ints,
) -> None:
    """Efron: among tied events the count at risk is upto - (l/d) died, not upto.

    Runs that agree in tie, count and events are worked out once.
    """
    ties = int(terms.tie.max()) + 1
    tied = np.bincount(terms.term_tie, weights=terms.fraction > 0, minlength=ties) > 0
    use = tied[tie]
    gene, tie, count, died = gene[use], tie[use], upto[use].astype(np.int64), died[use]
    if not gene.size:
        return
    key = (tie * (int(count.max()) + 1) + count) * (int(died.max()) + 1) + died
    _, where, back = np.unique(key, return_index=True, return_inverse=True)
    tie, u, d = tie[where], count[where].astype(float), died[where].astype(float)
    starts = np.flatnonzero(np.append(True, np.diff(gene) != 0))
    power_u, power_d = [np.ones(u.size)], [np.ones(u.size)]
    for _ in range(ORDER):
        power_u.append(power_u[-1] * u)
        power_d.append(power_d[-1] * -d)
    for r in range(1, ORDER + 1):
        change = np.zeros(u.size)
        for s in range(1, r + 1):
            weights = comb(r, s) * terms.fraction**s * denominator ** -float(r)
            of_tie = np.bincount(terms.term_tie, weights=weights, minlength=ties)
            change += power_u[r - s] * power_d[s] * of_tie[tie]
        moments[r - 1, gene[starts]] += np.add.reduceat(change[back], starts)
