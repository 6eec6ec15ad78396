"""Cox models fitted to many reweighted copies of the same patients at once.

A bootstrap sample is its patients with whole-number weights, how often each was drawn. Its risk
sets are those of all patients, so one layout (:mod:`core.stats.cox_risk`) serves every sample, and
a sum over risk sets is taken for all samples in one pass. A patient drawn c times counts as c
tied ones: at an event time with m deaths, repeats included, the denominators are
S0 - (j/m) D0 for j = 0 .. m - 1, as if the rows had been repeated. Each fit is Newton's method as
in :mod:`core.stats.cox_newton`, all samples in step, those that have arrived left behind.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from core.stats.cox_newton import MAX_ITERATIONS, solve
from core.stats.cox_risk import Array, Index, RiskSets

_DECREMENT, _FLAT = 1e-12, 1e-9
"""Squared steps, in standard errors: the last one (it is still taken, and leaves an error of about
its square), and the one at which the likelihood rests, so that a linear predictor which still
moves by _RUNS is running off to infinity."""
_RUNS = 0.1
_HELD = 2**18
"""Numbers (2 MB) of one temporary array, which bounds how many samples are fitted in step."""
_HALVINGS = 30


def at_a_time(patients: int, covariates: int) -> int:
    """How many samples to fit in step, so that arrays stay near the processor."""
    return max(1, _HELD // max(1, patients * max(1, covariates)))


def counts_of(indices: Index, n: int) -> Array:
    """How often each of ``n`` patients is drawn: samples x patients."""
    samples = len(indices)
    flat = (np.arange(samples)[:, None] * n + indices).ravel()
    return np.bincount(flat, minlength=samples * n).reshape(samples, n).astype(float)


@dataclass(frozen=True, eq=False)
class Batch:
    """Samples to be fitted in step; arrays over rows are in the sorted order of ``sets``."""

    sets: RiskSets
    counts: Array = field(repr=False)
    """Samples x rows: how often each patient is in each sample."""
    x: Array = field(repr=False)
    """Samples (or 1: the same in all) x covariates x rows, centred and scaled."""
    mean: Array
    """Samples (or 1) x covariates."""
    scale: Array
    group: Index = field(repr=False)
    """Of each denominator: its sample times the number of groups, plus its group."""
    fraction: Array = field(repr=False)
    """Of each denominator: j/m; 0 for Breslow."""

    @property
    def samples(self) -> int:
        return len(self.counts)

    def take(self, chosen: npt.NDArray[np.bool_]) -> Batch:
        """Some of the samples."""
        own = len(self.x) == self.samples
        x, mean, scale = ((v[chosen] if own else v) for v in (self.x, self.mean, self.scale))
        group, fraction = _denominators(self.sets, self.counts[chosen])
        return replace(
            self, counts=self.counts[chosen], x=x, mean=mean, scale=scale, group=group,
            fraction=fraction,
        )  # fmt: skip

    def per_group(self, values: Array) -> Array:
        """Sums of ``values``, one per denominator, in each group: samples x groups."""
        size = self.samples * self.sets.n_groups
        sums = np.bincount(self.group, values, minlength=size)
        return np.asarray(sums.reshape(self.samples, -1), dtype=float)

    def predictor(self, beta: Array) -> Array:
        """Linear predictor of each row: samples x rows."""
        if len(self.x) == self.samples:
            return np.asarray(np.einsum("bp,bpn->bn", beta, self.x))
        return np.asarray(beta @ self.x[0])


def batch(sets: RiskSets, counts: Array, x: Array | None = None) -> Batch:
    """``counts`` (samples x patients) and ``x`` (samples x covariates x patients; by default the
    covariates of ``sets`` in every sample) in the caller's order of patients."""
    ordered = np.take(counts, sets.order, axis=1)
    group, fraction = _denominators(sets, ordered)
    if x is None:
        shared = (sets.x[None], sets.mean[None], sets.scale[None])
        return Batch(sets, ordered, *shared, group, fraction)
    own = np.take(x, sets.order, axis=2)
    mean = own.mean(axis=2)
    own -= mean[:, :, None]
    scale = np.sqrt(np.einsum("bpn,bpn->bp", own, own) / max(1, own.shape[2]))
    scale[scale <= 1e-13 * np.abs(mean)] = 1.0
    own /= scale[:, :, None]
    return Batch(sets, ordered, own, mean, scale, group, fraction)


def _denominators(sets: RiskSets, counts: Array) -> tuple[Index, Array]:
    deaths = _of_deaths(sets, counts).astype(np.intp).ravel()
    group = np.repeat(np.arange(len(deaths)), deaths)
    if sets.ties != "efron":
        return group, np.zeros(len(group))
    first = np.cumsum(deaths) - deaths
    fraction = (np.arange(len(group)) - first[group]) / deaths[group]
    return group, fraction


def _of_deaths(sets: RiskSets, rows: Array) -> Array:
    """Sums of ``rows`` (..., rows) over the deaths of each group: (..., groups)."""
    own = np.take(rows, sets.death_rows, axis=-1)
    if len(sets.death_rows) == sets.n_groups:  # one each
        return own
    return np.asarray(np.add.reduceat(own, np.cumsum(sets.deaths) - sets.deaths, axis=-1))


@dataclass(frozen=True, eq=False)
class Fits:
    """Each sample's fit, in the units of the covariates; NaN where there is no finite one."""

    fitted: npt.NDArray[np.bool_]
    coefficients: Array
    """Samples x covariates."""
    center: Array
    """Samples (or 1) x covariates: where ``hazard`` stands."""
    null: Array
    begin: Array
    loglik: Array
    """Log likelihoods at zero, at the start and at the estimate."""
    hazard: Array = field(repr=False)
    """Increments of the cumulative hazard, samples x groups of the risk sets."""

    def linear_predictor(self, x: Array) -> Array:
        """Of patients ``x`` (patients x covariates) by each fit, centred: samples x patients."""
        centers = np.einsum("bp,bp->b", self.coefficients, np.broadcast_to(
            self.center, self.coefficients.shape))  # fmt: skip
        return np.asarray(self.coefficients @ x.T - centers[:, None])


@dataclass(frozen=True, eq=False)
class _Point:
    """What one value of the coefficients makes of each sample."""

    loglik: Array
    risk: Array
    """Count times exp(eta - shift)."""
    shift: Array
    inverse: Array
    hazard: Array

    def derivatives(self, of: Batch) -> tuple[Array, Array]:
        """Score (samples x covariates) and information of the scaled coefficients."""
        sets, f, inverse = of.sets, of.fraction, self.inverse
        lived = sets.accumulate(self.hazard)
        lived[:, sets.death_rows] -= of.per_group(inverse * f)[:, sets.death_group]
        expected = self.risk * lived
        residual = -expected
        residual[:, sets.death_rows] += of.counts[:, sets.death_rows]
        weighted = of.x * self.risk[:, None]
        s1, d1 = sets.sums(weighted)[0], _of_deaths(sets, weighted)
        square = inverse * inverse
        first = square * f
        a0, a1, a2 = (of.per_group(v)[:, None] for v in (square, first, first * f))
        turned = s1.transpose(0, 2, 1), d1.transpose(0, 2, 1)
        information = _gram(of.x, expected) - (s1 * a0) @ turned[0] - (d1 * a2) @ turned[1]
        cross = (s1 * a1) @ turned[1]
        information += cross + cross.transpose(0, 2, 1)
        if len(of.x) == of.samples:
            score = np.einsum("bpn,bn->bp", of.x, residual)
        else:
            score = residual @ of.x[0].T
        return score, information


def _gram(x: Array, weights: Array) -> Array:
    """X diag(w) X' of each sample."""
    if len(x) == len(weights):
        return np.asarray((x * weights[:, None]) @ x.transpose(0, 2, 1))
    shared = x[0]
    return np.stack([(weights * row) @ shared.T for row in shared], axis=1)


def _at(of: Batch, beta: Array) -> _Point:
    sets = of.sets
    eta = of.predictor(beta)
    shift = eta.max(axis=1)
    eta -= shift[:, None]
    risk = of.counts * np.exp(eta)
    s0, d0 = sets.sums(risk)[0], _of_deaths(sets, risk)
    denominators = s0.ravel()[of.group] - of.fraction * d0.ravel()[of.group]
    deaths = sets.death_rows
    own = (of.counts[:, deaths] * eta[:, deaths]).sum(axis=1)
    loglik = own - of.per_group(np.log(denominators)).sum(axis=1)
    inverse = 1.0 / denominators
    return _Point(loglik, risk, shift, inverse, of.per_group(inverse))


def null_loglik(of: Batch) -> Array:
    """Log likelihood of each sample without covariates."""
    return _at(of, np.zeros((of.samples, of.x.shape[1]))).loglik


def fit_batch(of: Batch, start: Array | None = None) -> Fits:
    """Fit each sample from ``start`` (samples x covariates, or one for all, in their units).

    A sample without an event, with a covariate that does not vary, or whose estimate runs off to
    infinity has no fit.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return _newton(of, start)


def _newton(whole: Batch, start: Array | None) -> Fits:
    samples, p = whole.samples, whole.x.shape[1]
    beta = np.zeros((samples, p))
    if start is not None:
        beta += start * whole.scale
    loglik, hazard = np.full(samples, np.nan), np.full((samples, whole.sets.n_groups), np.nan)
    arrived, going = np.zeros(samples, dtype=bool), _able(whole)
    active = np.flatnonzero(going)
    of = whole if going.all() else whole.take(going)
    now = _at(of, beta[active])
    begin = np.full(samples, np.nan)
    begin[active] = now.loglik
    for iteration in range(MAX_ITERATIONS + 1):
        if not len(active):
            break
        score, information = now.derivatives(of)
        step = _solved(information, score)
        decrement = np.einsum("bp,bp->b", score, step)
        rests = decrement < _FLAT
        runs = rests & (_largest_move(of, step) >= _RUNS) if rests.any() else rests
        done = rests & ~runs & (decrement < _DECREMENT)
        if done.any():
            at = active[done]
            beta[at] += step[done]
            last = _at(of if done.all() else of.take(done), beta[at])
            loglik[at], arrived[at] = last.loglik, True
            hazard[at] = last.hazard * np.exp(-last.shift)[:, None]
        stay = np.isfinite(decrement) & ~runs & ~done
        if iteration == MAX_ITERATIONS or not stay.any():
            break
        if not stay.all():
            of, active, step = of.take(stay), active[stay], step[stay]
        step, now = _improved(of, beta[active], step, now.loglik[stay])
        beta[active] += step
    beta[~arrived] = np.nan
    return Fits(arrived, beta / whole.scale, whole.mean, null_loglik(whole), begin, loglik, hazard)


def _able(of: Batch) -> npt.NDArray[np.bool_]:
    """Samples with an event in which every covariate varies."""
    present = (of.counts > 0)[:, None]
    high = np.max(np.broadcast_to(of.x, (of.samples, *of.x.shape[1:])), axis=2, initial=-np.inf,
                  where=present)  # fmt: skip
    low = np.min(np.broadcast_to(of.x, (of.samples, *of.x.shape[1:])), axis=2, initial=np.inf,
                 where=present)  # fmt: skip
    deaths = of.counts[:, of.sets.death_rows].sum(axis=1)
    return np.asarray((high > low).all(axis=1) & (deaths > 0))


def _largest_move(of: Batch, step: Array) -> Array:
    moved = np.abs(of.predictor(step))
    return np.asarray(np.max(moved, axis=1, initial=0.0, where=of.counts > 0))


def _solved(information: Array, score: Array) -> Array:
    try:
        return np.asarray(np.linalg.solve(information, score[:, :, None])[:, :, 0])
    except np.linalg.LinAlgError:
        pairs = zip(information, score, strict=True)
        return np.stack([
            solve(a, b) if np.isfinite(a).all() else np.full(len(b), np.nan) for a, b in pairs
        ])  # fmt: skip


def _improved(of: Batch, beta: Array, step: Array, before: Array) -> tuple[Array, _Point]:
    """The step, halved where the likelihood would fall, and where it leads."""
    trial = _at(of, beta + step)
    for _ in range(_HALVINGS):
        worse = ~(trial.loglik >= before - 1e-10 * np.abs(before))
        if not worse.any():
            break
        step = np.where(worse[:, None], step / 2, step)
        trial = _at(of, beta + step)
    return step, trial
