"""Risk sets of a Cox model laid out once, for many one-column models on the same patients.

Patients are sorted by stratum, then time. Every event contributes one *term*: the ``l``-th of
``d`` events tied at a time has the Efron denominator

    S_e = sum of r over the patients at risk  -  (l/d) * sum of r over the tied events,

with r = exp(offset) (1 without covariates); Breslow's form drops the second part. All that a
partial likelihood needs is a sum over terms, and a patient is at risk in one run of
consecutive terms, so that the score test of every gene costs a few passes over the mutated
patients alone (:func:`score_tests`).

Source: Therneau and Grambsch, Modeling Survival Data (2000), section 3.3; Efron (1977).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RiskTerms:
    """The sorted patients and the terms of their risk sets.

    Arrays of length n follow the sorted patients, arrays of length E the terms (one per event,
    ordered by stratum and time).
    """

    order: Ints
    """n; ``order[i]`` is the input row of the i-th sorted patient."""
    event: npt.NDArray[np.bool_]
    """n; True where the patient had the event."""
    first_term: Ints
    """n; the first term in which the patient is at risk (that of the stratum)."""
    last_term: Ints
    """n; one past the last term in which the patient is at risk."""
    tie: Ints
    """n; number of the (stratum, time) group that the patient belongs to."""
    stratum: Ints
    """n; number of the stratum."""
    start: Ints
    """E; the first sorted patient at risk in the term."""
    stop: Ints
    """E; one past the last sorted patient of the term's stratum."""
    term_tie: Ints
    """E; the (stratum, time) group of the term."""
    fraction: Floats
    """E; l/d, the part of the tied events that has left the denominator (0 for Breslow)."""

    @property
    def n(self) -> int:
        return self.order.size

    @property
    def size(self) -> int:
        """E, the number of terms, which is the number of events."""
        return self.start.size

    def denominators(self, risk: Floats | None = None) -> Floats:
        """S_e of every term for the relative risks ``risk`` of the sorted patients (or 1)."""
        r = np.ones(self.n) if risk is None else risk
        below = np.concatenate([[0.0], np.cumsum(r)])
        died = np.bincount(self.tie, weights=r * self.event, minlength=self.tie.max(initial=0) + 1)
        at_risk: Floats = below[self.stop] - below[self.start]
        return at_risk - self.fraction * died[self.term_tie]


def risk_terms(time: Floats, event: npt.NDArray[np.bool_], stratum: Ints, ties: str) -> RiskTerms:
    """Sort the patients and lay out the terms; ``ties`` is ``efron`` or ``breslow``."""
    order = np.lexsort((time, stratum))
    t, s, d = time[order], stratum[order], event[order]
    n = order.size
    new = np.ones(n, dtype=bool)
    new[1:] = (t[1:] != t[:-1]) | (s[1:] != s[:-1])
    tie = np.cumsum(new) - 1
    tie_start = np.flatnonzero(new)
    deaths = np.bincount(tie, weights=d, minlength=tie_start.size).astype(np.int64)
    term_tie = np.repeat(np.arange(tie_start.size), deaths)
    first_of_tie = np.cumsum(deaths) - deaths
    place = np.arange(term_tie.size) - first_of_tie[term_tie]
    fraction = place / np.maximum(deaths[term_tie], 1)
    start = tie_start[term_tie]
    bounds = np.searchsorted(s, np.arange(s.max(initial=-1) + 2))
    return RiskTerms(
        order=order,
        event=d,
        first_term=np.searchsorted(start, bounds[s], side="left"),
        last_term=(first_of_tie + deaths)[tie],
        tie=tie,
        stratum=s,
        start=start,
        stop=bounds[s[start] + 1] if start.size else start,
        term_tie=term_tie,
        fraction=fraction if ties == "efron" else np.zeros_like(fraction),
    )


def cumulative_weights(terms: RiskTerms, denominator: Floats) -> Floats:
    """A_i = sum over the terms of patient i of (1 - l/d [own event]) / S_e, for every patient."""
    inverse = 1.0 / denominator
    total = np.concatenate([[0.0], np.cumsum(inverse)])
    own = np.bincount(
        terms.term_tie, weights=terms.fraction * inverse, minlength=terms.tie.max(initial=0) + 1
    )
    cumulative: Floats = total[terms.last_term] - total[terms.first_term]
    return cumulative - terms.event * own[terms.tie]


@dataclass(frozen=True, eq=False)
class ScoreTests:
    """Score U and information I of every gene at a hazard ratio of 1."""

    score: Floats
    information: Floats

    @property
    def z(self) -> Floats:
        """U / sqrt(I); NaN where the gene carries no information."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.information > 0, self.score / np.sqrt(self.information), np.nan)


def score_tests(terms: RiskTerms, columns: Any, risk: Floats | None = None) -> ScoreTests:
    """Score tests of all columns of a binary matrix, in O(number of ones).

    ``columns``: scipy CSC matrix, rows in sorted patient order, sorted row indices. With m_e
    the relative risk of the mutated patients in term e, the score is the events observed
    minus sum m_e/S_e, and the information sum m_e/S_e - sum (m_e/S_e)^2. The last sum needs no
    loop over terms: m_e is constant between the times at which mutated patients leave.
    """
    genes = columns.shape[1]
    rows = columns.indices
    gene = np.repeat(np.arange(genes), np.diff(columns.indptr))
    r = np.ones(terms.n) if risk is None else risk
    denominator = terms.denominators(risk)
    expected = np.bincount(
        gene, weights=(r * cumulative_weights(terms, denominator))[rows], minlength=genes
    )
    observed = np.bincount(gene[terms.event[rows]], minlength=genes).astype(float)
    squares = _squared_sums(terms, denominator, r, rows, gene, genes)
    information = np.maximum(expected - squares, 0.0)
    information[information < 1e-12 * np.maximum(expected, 1e-300)] = 0.0
    return ScoreTests(observed - expected, information)


def _squared_sums(
    terms: RiskTerms, denominator: Floats, r: Floats, rows: Ints, gene: Ints, genes: int
) -> Floats:
    """Sum over terms of (m_e / S_e)^2 for every gene, m_e = L_e - (l/d) D_e.

    Mutated patients of one gene who share a time form a run; L_e is what is left of the gene
    from the run on, D_e the tied events of the run.
    """
    if not rows.size:
        return np.zeros(genes)
    ties = int(terms.tie.max()) + 1
    inverse = denominator**-2.0
    whole = np.concatenate([[0.0], np.cumsum(inverse)])
    span = whole[terms.last_term] - whole[terms.first_term]
    once = np.bincount(terms.term_tie, weights=terms.fraction * inverse, minlength=ties)
    twice = np.bincount(terms.term_tie, weights=terms.fraction**2 * inverse, minlength=ties)

    new = np.ones(rows.size, dtype=bool)
    new[1:] = (gene[1:] != gene[:-1]) | (terms.tie[rows[1:]] != terms.tie[rows[:-1]])
    run = np.flatnonzero(new)
    risk = np.add.reduceat(r[rows], run)
    died = np.add.reduceat(r[rows] * terms.event[rows], run)
    first, of_gene = rows[run], gene[run]
    block = np.ones(run.size, dtype=bool)  # runs of one gene and one stratum
    block[1:] = (of_gene[1:] != of_gene[:-1]) | (
        terms.stratum[first[1:]] != terms.stratum[first[:-1]]
    )
    number = np.cumsum(block) - 1
    ends = np.append(np.flatnonzero(block)[1:], run.size)[number]
    total = np.concatenate([[0.0], np.cumsum(risk)])
    later = np.maximum(total[ends] - total[1:], 0.0)
    tie = terms.tie[first]
    sums = (
        risk * span[first] * (2 * later + risk)
        - 2 * died * (later + risk) * once[tie]
        + died**2 * twice[tie]
    )
    return np.bincount(of_gene, weights=sums, minlength=genes).astype(float, copy=False)
