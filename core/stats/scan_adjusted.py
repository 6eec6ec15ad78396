"""Covariate-adjusted Cox models, one per gene of a binary matrix, a block of genes at a time.

Every gene has a model of its own: its coefficient and the covariates' coefficients are
estimated jointly (Newton), started from the model without any gene and the efficient score

    U = d'x - sum r x A,     I = I_xx - I_xz I_zz^-1 I_zx   at the fit without the gene,

which is also the gene's score test (R: ``coxph(..., init = c(null, 0), iter.max = 0)$score``).
Rare or separated genes get Firth's one-parameter estimate with the covariates' coefficients
held at their values without the gene: the gene is too rare to move them.

Notation as in ``scan_terms``; information of an Efron likelihood after Therneau and Grambsch
(2000), section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from core.stats import scan_terms
from core.stats.cox import cox
from core.stats.scan_firth import firth
from core.stats.scan_fit import BLOCK_BYTES, LARGEST, STEP_TOLERANCE, Fits, shares
from core.stats.scan_moments import no_head
from core.stats.scan_terms import Floats, Ints, RiskTerms, ScoreTests


@dataclass(frozen=True, eq=False)
class NullModel:
    """The Cox model of the covariates alone, on the sorted patients."""

    z: Floats
    """n x p, centred and scaled."""
    coefficients: Floats
    """p, on the scale of ``z``."""
    risk: Floats
    """n, exp(z coefficients)."""
    information: Floats
    """p x p."""
    warnings: tuple[str, ...]


def fit_null(terms: RiskTerms, covariates: Floats) -> NullModel:
    """Fit the covariates (n x p, sorted patients) without any gene.

    Constant or collinear columns are left out, and the result says so.
    """
    ties = "efron" if terms.fraction.any() else "breslow"
    time = terms.tie.astype(float)  # (stratum, time) groups keep the order within a stratum
    fit = cox(covariates, time, terms.event, ties=ties, strata=terms.stratum)
    kept = np.isfinite(fit.coefficients)
    columns = covariates[:, kept]
    scale = columns.std(axis=0)
    z = (columns - columns.mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    coefficients = fit.coefficients[kept] * scale
    risk = np.exp(z @ coefficients)
    layout = _Layout(terms)
    means = _means(layout, risk[None, :], z[None, :, :])
    weights = risk * layout.carry(1 / layout.at_risk(risk[None, :]))[0]
    information = (z * weights[:, None]).T @ z - means[0] @ means[0].T
    return NullModel(z, coefficients, risk, information, tuple(fit.warnings))


def _means(layout: _Layout, risk: Floats, z: Floats) -> Floats:
    """Risk-set means of the covariates: (genes x p x terms) for risks (genes x n)."""
    inverse = 1 / layout.at_risk(risk)
    return np.stack(
        [layout.at_risk(risk * z[:, :, k]) * inverse for k in range(z.shape[2])], axis=1
    )


class _Layout:
    """Sums over risk sets (patients -> terms) and over time (terms -> patients), row by row."""

    def __init__(self, terms: RiskTerms) -> None:
        self.terms = terms
        # Efron's correction is 0 but in ties of several deaths: their terms, and who died in them
        shared = np.isin(terms.term_tie, terms.term_tie[terms.fraction != 0])
        self.tied = np.flatnonzero(shared)
        self.died = np.flatnonzero(terms.event)[self.tied]
        new = np.diff(terms.term_tie[self.tied], prepend=-1) != 0
        self.first, self.group = np.flatnonzero(new), np.cumsum(new) - 1

    def at_risk(self, values: Floats) -> Floats:
        """Sum of ``values`` (rows x n) over the patients at risk in each term (rows x E)."""
        below = np.zeros((values.shape[0], values.shape[1] + 1))
        np.cumsum(values, axis=1, out=below[:, 1:])
        out: Floats = below[:, self.terms.stop] - below[:, self.terms.start]
        if self.tied.size:
            deaths = np.add.reduceat(values[:, self.died], self.first, axis=1)
            out[:, self.tied] -= self.terms.fraction[self.tied] * deaths[:, self.group]
        return out

    def carry(self, values: Floats) -> Floats:
        """Sum of ``values`` (rows x E) over the terms of each patient, weighted (rows x n)."""
        total = np.zeros((values.shape[0], values.shape[1] + 1))
        np.cumsum(values, axis=1, out=total[:, 1:])
        out: Floats = total[:, self.terms.last_term] - total[:, self.terms.first_term]
        if self.tied.size:
            weighted = values[:, self.tied] * self.terms.fraction[self.tied]
            out[:, self.died] -= np.add.reduceat(weighted, self.first, axis=1)[:, self.group]
        return out


def cross_information(terms: RiskTerms, columns: Any, null: NullModel) -> Floats:
    """I_xz of every gene at the null model (genes x p)."""
    layout = _Layout(terms)
    inverse = 1 / layout.at_risk(null.risk[None, :])
    first = null.z * layout.carry(inverse)[0][:, None]
    means = _means(layout, null.risk[None, :], null.z[None, :, :])[0]
    second = layout.carry(means * inverse).T
    cross: Floats = columns.T @ (null.risk[:, None] * (first - second))
    return cross


def score_tests(terms: RiskTerms, columns: Any, null: NullModel) -> ScoreTests:
    """Efficient score and information of every gene, given the covariates."""
    plain = scan_terms.score_tests(terms, columns, null.risk)
    cross = cross_information(terms, columns, null)
    solved = np.linalg.solve(null.information, cross.T).T
    information = plain.information - np.einsum("ij,ij->i", cross, solved)
    information[information < 1e-9 * plain.information] = 0.0
    return ScoreTests(plain.score, information)


@dataclass(frozen=True, eq=False)
class Engine:
    """The adjusted fits of the genes of ``columns`` (CSC, sorted patients), block by block."""

    terms: RiskTerms
    columns: Any
    null: NullModel

    def blocks(self, genes: Ints) -> list[Ints]:
        """``genes`` cut into pieces that fill the cache."""
        width = max(1, BLOCK_BYTES // (8 * max(1, self.terms.n)))
        return [genes[i : i + width] for i in range(0, genes.size, width)]

    def firth(self, genes: Ints, observed: Floats) -> Fits:
        """Firth's estimates with the covariates held."""
        denominator = self.terms.denominators(self.null.risk)
        q = shares(self.terms, denominator, self.columns[:, genes], self.null.risk)
        return firth(q, no_head(genes.size), observed)

    def newton(self, genes: Ints, observed: Floats, start: Floats, *, iterations: int = 25) -> Fits:
        """Joint maximum partial likelihood of gene and covariates; Wald standard errors."""
        layout, z = _Layout(self.terms), self.null.z
        x = np.ascontiguousarray(self.columns[:, genes].toarray().T)
        p = z.shape[1]
        theta = np.column_stack(
            [np.tile(self.null.coefficients, (genes.size, 1)), np.clip(start, -2, 2)]
        )
        variance = np.full(genes.size, np.nan)
        done = np.zeros(genes.size, dtype=bool)
        active = np.arange(genes.size)
        for _ in range(iterations):
            score, information = _moments(layout, z, x[active], theta[active], observed[active])
            usable = np.linalg.cond(information) < 1e12
            information[~usable] = np.eye(p + 1)
            inverse = np.linalg.inv(information)
            step = np.clip(np.einsum("gij,gj->gi", inverse, score), -2, 2)
            theta[active] += step
            variance[active] = np.where(usable, inverse[:, p, p], np.nan)
            small = np.abs(step).max(axis=1) < STEP_TOLERANCE * (1 + np.abs(theta[active, p]))
            done[active[small & usable]] = True
            active = active[~small & usable & (np.abs(theta[active, p]) < LARGEST)]
            if not active.size:
                break
        return _wald(theta[:, p], variance, done & (np.abs(theta[:, p]) < LARGEST))


def _wald(beta: Floats, variance: Floats, good: Any) -> Fits:
    """Estimates with Wald intervals where ``good``."""
    with np.errstate(invalid="ignore"):
        error = np.where(good & (variance > 0), np.sqrt(variance), np.nan)
    beta = np.where(np.isfinite(error), beta, np.nan)
    z = stats.norm.isf(0.025)
    p = 2 * stats.norm.sf(np.abs(beta) / error)
    return Fits(beta, error, beta - z * error, beta + z * error, p, np.isfinite(error))


def _moments(
    layout: _Layout, z: Floats, x: Floats, theta: Floats, observed: Floats
) -> tuple[Floats, Floats]:
    """Score (genes x (p+1)) and information (genes x (p+1) x (p+1)), the gene last.

    ``z``: n x p; ``x``: genes x n; ``theta``: genes x (p+1); ``observed``: events of mutants.
    """
    genes, p = x.shape[0], z.shape[1]
    risk = np.exp(theta[:, :p] @ z.T + theta[:, p:] * x)
    inverse = 1 / layout.at_risk(risk)
    weight = risk * layout.carry(inverse)
    weighted_x = weight * x
    means = np.empty((genes, p + 1, inverse.shape[1]))
    for k in range(p):
        means[:, k] = layout.at_risk(risk * z[:, k])
    means[:, p] = layout.at_risk(risk * x)
    means *= inverse[:, None, :]
    score = np.empty((genes, p + 1))
    score[:, :p] = (layout.terms.event - weight) @ z
    score[:, p] = observed - weighted_x.sum(axis=1)
    information = -(means @ means.transpose(0, 2, 1))
    pairs = (z[:, :, None] * z[:, None, :]).reshape(z.shape[0], -1)
    information[:, :p, :p] += (weight @ pairs).reshape(genes, p, p)
    cross = weighted_x @ z
    information[:, :p, p] += cross
    information[:, p, :p] += cross
    information[:, p, p] += weighted_x.sum(axis=1)
    return score, information
