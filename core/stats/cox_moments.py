"""Log partial likelihood, score and information of a Cox model at given coefficients.

The formulas stand in :mod:`core.stats.cox_risk`, whose risk sets they sum over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from core.stats.cox_risk import Array, Index, RiskSets

_CACHE = 2**17
"""Numbers (1 MB) that a temporary array may hold before work is split."""
_POWERS = {(1, 0): 0, (1, 1): 1, (2, 0): 2, (2, 1): 3, (2, 2): 4}
"""Powers of 1/c and of j/m whose sums are kept, and where."""


@dataclass(frozen=True, eq=False)
class Moments:
    """What one value of the coefficients makes of the risk sets (see the module).

    The likelihood is there at once; all else is worked out when first asked for, and kept.
    """

    sets: RiskSets
    loglik: float
    risk: Array
    """exp(eta - shift) of each row, without its case weight."""
    weighted_risk: Array
    shift: float
    inverse: Array
    """1 / c of each denominator, group after group."""

    def select(self, columns: Index) -> Moments:
        """Those of some of the covariates, where the coefficients of the others are zero."""
        some = replace(self, sets=self.sets.select(columns))
        for name in ("_powers", "cumulative_hazard"):
            if name in self.__dict__:
                some.__dict__[name] = self.__dict__[name]
        if "_score" in self.__dict__:
            some.__dict__["_score"] = self._score[columns]
        if "_products" in self.__dict__:
            some.__dict__["_products"] = tuple(sums[columns] for sums in self._products)
        return some

    @cached_property
    def _products(self) -> tuple[Array, Array]:
        return _first_moments(self.sets, self.weighted_risk)

    @property
    def s1(self) -> Array:
        """S1: covariates x groups."""
        return self._products[0]

    @property
    def d1(self) -> Array:
        """D1: covariates x tied groups."""
        return self._products[1]

    @cached_property
    def _powers(self) -> Array:
        sets, terms = self.sets, np.zeros((len(_POWERS), len(self.inverse)))
        c, cf, c2, c2f, c2f2 = terms
        c[:] = self.inverse
        np.multiply(c, c, out=c2)
        if not len(sets.tied):
            return sets.omega * terms
        np.multiply(c, sets.fraction, out=cf)
        np.multiply(c, cf, out=c2f)
        np.multiply(cf, cf, out=c2f2)
        return sets.omega * np.add.reduceat(terms, sets.denominator_start, axis=-1)

    def power(self, of_inverse: int, of_fraction: int) -> Array:
        """Per group, the sum over its denominators of omega (1/c)^a (j/m)^b."""
        return np.asarray(self._powers[_POWERS[of_inverse, of_fraction]])

    @property
    def hazard(self) -> Array:
        """Increment of the baseline cumulative hazard (times exp(shift)) per group."""
        return self.power(1, 0)

    @cached_property
    def cumulative_hazard(self) -> Array:
        """A - d B per row: the hazard (times exp(shift)) that each row has lived through."""
        return self._accumulated(1.0)

    def _accumulated(self, multiplier: Array | float) -> Array:
        spared = self.power(1, 1) * multiplier if len(self.sets.tied) else None
        return self.sets.accumulate(self.hazard * multiplier, spared)

    def expected(self, multiplier: Array | None = None) -> Array:
        """r (A - d B) per row; ``multiplier`` weighs the groups."""
        lived = self.cumulative_hazard if multiplier is None else self._accumulated(multiplier)
        return self.weighted_risk * lived

    def score(self) -> Array:
        return self._score

    @cached_property
    def _score(self) -> Array:
        return np.asarray(self.sets.x @ (self.sets.event_weight - self.expected()))

    def information(self, multiplier: Array | None = None) -> Array:
        """Observed information of the scaled coefficients, groups weighed by ``multiplier``."""
        sets, by = self.sets, 1.0 if multiplier is None else multiplier
        out = _gram(sets.x, self.expected(multiplier)) - _gram(self.s1, self.power(2, 0) * by)
        if len(sets.tied):
            a1, a2 = ((self.power(2, k) * by)[sets.tied] for k in (1, 2))
            cross = (self.s1[:, sets.tied] * a1 - self.d1 * (a2 / 2)) @ self.d1.T
            out += cross + cross.T
        return np.asarray((out + out.T) / 2)


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
    if p <= run:
        return sets.sums(sets.x * weighted)
    parts = [sets.sums(sets.x[j : j + run] * weighted) for j in range(0, p, run)]
    return np.concatenate([s1 for s1, _ in parts]), np.concatenate([d1 for _, d1 in parts])


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
    denominators, of_deaths = sets.sums(weighted)
    if len(sets.tied):
        d0 = np.append(of_deaths, 0.0)
        denominators = denominators[sets.death_group] - sets.fraction * d0[sets.tied_place]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        loglik = float(sets.event_weight @ eta - sets.denominator_weight @ np.log(denominators))
        inverse = 1.0 / denominators
    return Moments(sets, loglik, risk, weighted, shift, inverse)
