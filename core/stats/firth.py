"""Firth's penalised Cox likelihood: finite estimates for few events and under separation.

Maximises l(beta) + 1/2 log det I(beta) (Firth 1993; Heinze and Schemper 2001). The gradient adds
to the score of coefficient j half the trace of I^-1 dI/d beta_j, and dI/d beta_j is a sum of third
central moments of the risk sets. Reached through ``cox(..., penalty="firth")``; coxphf, the usual
software, knows Breslow's tie method only, which is ``ties="breslow"`` here. Intervals and tests of
one coefficient should be profile ones (:mod:`core.stats.profile`), since the Wald interval is poor
exactly where the penalty is needed.
"""

from __future__ import annotations

import numpy as np

from core.stats.cox_moments import Moments, moments
from core.stats.cox_newton import Maximum, inverse
from core.stats.cox_residuals import hazard_times_mean, tied_hazard_times_mean
from core.stats.cox_risk import Array, Index, RiskSets

_DECREMENT = 1e-20
_LONGEST_STEP = 5.0
"""Most that one step may move a patient's linear predictor."""
_ITERATIONS = 200


def maximise_penalised(
    sets: RiskSets,
    zero: Moments,
    information: Array,
    max_iterations: int = _ITERATIONS,
    start: Array | None = None,
    free: Index | None = None,
) -> Maximum:
    """Scoring steps I^-1 U* with step-halving; ``free`` names the coefficients that may move."""
    p = len(sets.x)
    free = np.arange(p) if free is None else free
    null = zero.loglik + half_log_det(information, sets.scale)
    beta = np.zeros(p) if start is None else np.array(start)
    now = zero if start is None else moments(sets, beta)
    information = information if start is None else now.information()
    penalised = now.loglik + half_log_det(information, sets.scale)
    converged, iteration = len(free) == 0 or sets.n_groups == 0, 0
    while not converged and iteration < max(max_iterations, _ITERATIONS):
        score = (now.score() + penalty_gradient(now, information))[free]
        step = np.zeros(p)
        step[free] = inverse(information[np.ix_(free, free)]) @ score
        decrement = float(score @ step[free])
        if not np.isfinite(decrement):
            break
        if decrement < _DECREMENT:
            converged = True
            break
        iteration += 1
        step *= min(1.0, _LONGEST_STEP / max(float(np.abs(step @ sets.x).max()), 1e-300))
        for _ in range(30):
            trial = moments(sets, beta + step)
            trial_information = trial.information()
            reached = trial.loglik + half_log_det(trial_information, sets.scale)
            if reached >= penalised - 1e-12 * abs(penalised):
                break
            step = step / 2
        beta, now, information, penalised = beta + step, trial, trial_information, reached
    return Maximum(beta, now, information, (null, penalised), iteration, converged, np.zeros(p))


def half_log_det(information: Array, scale: Array) -> float:
    """Half the log determinant of the information of the unscaled coefficients.

    -inf where it is not positive definite. ``information`` is that of the scaled ones.
    """
    sign, value = np.linalg.slogdet(information)
    return float(value / 2 + np.log(scale).sum()) if sign > 0 else float("-inf")


def penalty_gradient(at: Moments, information: Array) -> Array:
    """d/d beta_j of half log det I: half the trace of I^-1 dI/d beta_j.

    With H = I^-1 and q_i = x_i' H x_i, the third central moments contracted with H are, per
    denominator, E[x_j q] - 2 E[x_j x'] H mu - mu_j E[q] + 2 mu_j mu' H mu.
    """
    sets, h = at.sets, inverse(information)
    x = sets.x
    hx = h @ x
    q = np.einsum("ij,ij->j", x, hx)
    spared = tied_hazard_times_mean(at) if len(sets.tied) else None
    lived = sets.accumulate(hazard_times_mean(at), spared)
    along = np.einsum("ij,ij->j", hx, lived)
    rows = x @ (at.expected() * q - 2 * at.weighted_risk * along)

    rq = at.weighted_risk * q
    mean, omega = at.s1, sets.omega
    mean_q, tied_q = sets.sums(rq)
    if len(sets.tied):
        d1, dq = np.zeros_like(mean), np.zeros_like(mean_q)
        d1[:, sets.tied], dq[sets.tied] = at.d1, tied_q
        group = sets.death_group
        mean = mean[:, group] - sets.fraction * d1[:, group]
        mean_q = mean_q[group] - sets.fraction * dq[group]
        omega = sets.denominator_weight
    mean = mean * at.inverse
    square = np.einsum("ij,ij->j", mean, h @ mean)
    return np.asarray((rows + mean @ (omega * (2 * square - mean_q * at.inverse))) / 2)
