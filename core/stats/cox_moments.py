"""Log partial likelihood, score and information of a Cox model at given coefficients.

The formulas stand in :mod:`core.stats.cox_risk`, whose risk sets they sum over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.stats.cox_risk import Array, Index, RiskSets

_CACHE = 2**17
"""Numbers (1 MB) that a temporary array may hold before work is split."""


@dataclass(frozen=True, eq=False)
class Moments:
    """What one value of the coefficients makes of the risk sets (see the module)."""

    sets: RiskSets
    loglik: float
    risk: Array
    """exp(eta - shift) of each row, without its case weight."""
    weighted_risk: Array
    hazard: Array
    """Increment of the baseline cumulative hazard (times exp(shift)) per group."""
    shift: float
    s1: Array
    """S1: covariates x groups."""
    d1: Array
    """D1: covariates x tied groups."""
    inverse: Array
    """1 / c of each denominator, group after group."""
    fraction: Array
    """j / m of each denominator."""

    def power(self, of_inverse: int, of_fraction: int) -> Array:
        """Per group, the sum over its denominators of omega (1/c)^a (j/m)^b."""
        terms = self.inverse**of_inverse
        sets = self.sets
        if not len(sets.tied):
            return np.asarray(sets.omega * terms if of_fraction == 0 else np.zeros_like(terms))
        if of_fraction:
            terms = terms * self.fraction**of_fraction
        return np.asarray(sets.omega * np.add.reduceat(terms, _denominator_starts(sets)))

    def expected(self, multiplier: Array | None = None) -> Array:
        """r (A - d B) per row; ``multiplier`` weighs the groups."""
        return self.weighted_risk * self.cumulative_hazard(multiplier)

    def cumulative_hazard(self, multiplier: Array | None = None) -> Array:
        """A - d B per row: the hazard (times exp(shift)) that each row has lived through."""
        hazard = self.hazard if multiplier is None else self.hazard * multiplier
        out = self.sets.accumulate(hazard)
        if len(self.sets.tied):
            b = self.power(1, 1)
            b = b if multiplier is None else b * multiplier
            out[self.sets.death_rows] -= b[self.sets.death_group]
        return out

    def score(self) -> Array:
        sets = self.sets
        residual = -self.expected()
        own = 1.0 if sets.weights is None else sets.weights[sets.death_rows]
        residual[sets.death_rows] += own
        return np.asarray(sets.x @ residual)

    def information(self, multiplier: Array | None = None) -> Array:
        """Observed information of the scaled coefficients, groups weighed by ``multiplier``."""
        sets = self.sets
        first = _gram(sets.x, self.expected(multiplier))
        a0 = self.power(2, 0)
        a0 = a0 if multiplier is None else a0 * multiplier
        out = first - _gram(self.s1, a0)
        if len(sets.tied):
            a1, a2 = self.power(2, 1)[sets.tied], self.power(2, 2)[sets.tied]
            if multiplier is not None:
                a1, a2 = a1 * multiplier[sets.tied], a2 * multiplier[sets.tied]
            cross = (self.s1[:, sets.tied] * a1) @ self.d1.T
            out += cross + cross.T - (self.d1 * a2) @ self.d1.T
        return np.asarray((out + out.T) / 2)


def _denominator_starts(sets: RiskSets) -> Index:
    return np.cumsum(sets.deaths) - sets.deaths


def _gram(x: Array, weights: Array) -> Array:
    """X diag(weights) X' by runs of columns that stay in the processor's cache."""
    run = max(_CACHE // max(len(x), 1), 1)
    out = np.zeros((len(x), len(x)))
    for a in range(0, x.shape[1], run):
        part = x[:, a : a + run]
        out += (part * weights[a : a + run]) @ part.T
    return out


def _first_moments(sets: RiskSets, weighted: Array) -> tuple[Array, Array]:
    """S1 and D1, so many covariates at a time as stay in the processor's cache."""
    p, run = len(sets.x), max(_CACHE // max(sets.n, 1), 1)
    s1, d1 = np.empty((p, sets.n_groups)), np.empty((p, len(sets.tied)))
    for j in range(0, p, run):
        rx = sets.x[j : j + run] * weighted
        s1[j : j + run] = sets.at_risk_sums(rx)
        d1[j : j + run] = sets.tied_sums(rx)
    return s1, d1


def linear_predictor(sets: RiskSets, beta: Array) -> Array:
    eta = beta @ sets.x
    return np.asarray(eta if sets.offset is None else eta + sets.offset)


def moments(sets: RiskSets, beta: Array) -> Moments:
    """Log partial likelihood and risk-set sums at scaled coefficients ``beta``."""
    eta = linear_predictor(sets, beta)
    shift = float(eta.max(initial=-np.inf))
    eta -= shift
    risk = np.exp(eta)
    weighted = risk if sets.weights is None else risk * sets.weights
    s0 = sets.at_risk_sums(weighted)
    s1, d1 = _first_moments(sets, weighted)
    omega, fraction, denominators = sets.omega, np.zeros(0), s0
    if len(sets.tied):
        d0 = np.zeros_like(s0)
        d0[sets.tied] = sets.tied_sums(weighted)
        index = np.arange(len(sets.death_rows)) - _denominator_starts(sets)[sets.death_group]
        fraction = index / sets.deaths[sets.death_group]
        denominators = s0[sets.death_group] - fraction * d0[sets.death_group]
        omega = omega[sets.death_group]
    own = eta[sets.death_rows]
    own = own if sets.weights is None else own * sets.weights[sets.death_rows]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        loglik = float(own.sum() - omega @ np.log(denominators))
        inverse = 1.0 / denominators
    out = Moments(sets, loglik, risk, weighted, np.empty(0), shift, s1, d1, inverse, fraction)
    object.__setattr__(out, "hazard", out.power(1, 0))
    return out
