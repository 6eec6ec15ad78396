"""Newton's method for the Cox partial likelihood, and what it does when an estimate is infinite."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.stats.cox_moments import Moments, moments
from core.stats.cox_risk import Array, Index, RiskSets

_DECREMENT = 1e-20
"""Newton stops when the squared step, in standard errors, is below this."""
_FLAT = 1e-9
"""Squared step below which the likelihood no longer moves; who still moves is infinite."""
MAX_ITERATIONS = 50


@dataclass(frozen=True, eq=False)
class Maximum:
    """Where an iteration ended, in the scaled coefficients of its risk sets."""

    beta: Array
    moments: Moments
    information: Array
    loglik: tuple[float, float]
    iterations: int
    converged: bool
    drift: Array
    """Sign of the direction in which a coefficient still runs off to infinity, else 0."""


def maximise(
    sets: RiskSets,
    zero: Moments,
    information: Array,
    max_iterations: int = MAX_ITERATIONS,
    start: Array | None = None,
    free: Index | None = None,
) -> Maximum:
    """Newton's method with step-halving; ``free`` names the coefficients that may move.

    ``zero`` and ``information`` are those at zero, where the search begins unless at ``start``.
    Where the information of the point before leads close enough, it serves for one step more.
    """
    p = len(sets.x)
    beta = np.zeros(p) if start is None else start
    drift = np.zeros(p)
    now = zero if start is None else moments(sets, beta)
    information = information if start is None else now.information()
    fresh, before = True, np.inf
    done = sets.n_groups == 0 or p == 0 or (free is not None and not len(free))
    converged, iteration = done, 0
    while not converged and iteration < max_iterations:
        score = now.score()
        step = _step(information, score, free)
        decrement = float(score @ step)
        if not fresh and not _DECREMENT < decrement < np.sqrt(_DECREMENT * before) / 2:
            information, fresh = now.information(), True
            step = _step(information, score, free)
            decrement = float(score @ step)
        if not np.isfinite(decrement):
            break
        if decrement < _FLAT:
            drift = _drift(sets, step)
            if drift.any() or decrement < _DECREMENT:
                beta = beta + step * (drift == 0)
                converged = not drift.any()
                break
        iteration += 1
        trial = moments(sets, beta + step)
        halvings = 0
        while not trial.loglik >= now.loglik - 1e-10 * abs(now.loglik) and halvings < 30:
            step, halvings = step / 2, halvings + 1
            trial = moments(sets, beta + step)
        beta, now, fresh, before = beta + step, trial, False, decrement
    if not fresh:
        information = now.information()
    return Maximum(beta, now, information, (zero.loglik, now.loglik), iteration, converged, drift)


def _step(information: Array, score: Array, free: Index | None) -> Array:
    """The Newton step, 0 for coefficients that may not move."""
    if free is None:
        return solve(information, score)
    step = np.zeros(len(score))
    step[free] = solve(information[np.ix_(free, free)], score[free])
    return step


def _drift(sets: RiskSets, step: Array) -> Array:
    """Signs of the coefficients whose step still moves a patient although the likelihood rests.

    Under separation each step moves the linear predictor by about 1 for ever, while the gain in
    likelihood dies away; at a proper maximum both vanish together.
    """
    if np.abs(step @ sets.x).max() < 0.1:
        return np.zeros(len(step))
    return np.where(np.abs(step) >= 0.1 * np.abs(step).max(), np.sign(step), 0.0)


def solve(a: Array, b: Array) -> Array:
    """Solution of a x = b; least squares where ``a`` is singular."""
    try:
        return np.asarray(np.linalg.solve(a, b))
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.lstsq(a, b, rcond=None)[0])


def inverse(a: Array) -> Array:
    """Inverse of a symmetric matrix; the pseudo-inverse where it is singular."""
    try:
        return np.asarray(np.linalg.inv(a))
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.pinv(a))
