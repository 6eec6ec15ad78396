"""Residuals of a Cox model: martingale, deviance, score, dfbeta, Schoenfeld and scaled Schoenfeld.

Source: Therneau and Grambsch (2000), chapters 4 to 7; tie method as in the fit (Efron's averages
over the deaths of a tie). Results equal R's ``residuals.coxph``. Every function returns rows in
the order in which the caller gave them, except the Schoenfeld residuals, which run over deaths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.stats.cox_moments import Moments
from core.stats.cox_risk import Array, Index

if TYPE_CHECKING:
    from core.stats.cox import CoxFit


def weighted_score_residuals(at: Moments) -> Array:
    """Score residuals times case weights, rows x scaled covariates, in sorted order.

    L_i = d_i (x_i - mean_k) - r_i [x_i (A_i - d_i B_k) - (sum of mean_kj omega/c_kj (1 - d_i j/m))]
    where mean_k averages the means of a tie group's denominators.
    """
    sets = at.sets
    mean_hazard, mean_hazard_tied = hazard_times_mean(at), tied_hazard_times_mean(at)
    x = sets.x
    residual = -at.risk * (x * at.cumulative_hazard - sets.accumulate(mean_hazard))
    rows, group = sets.death_rows, sets.death_group
    spared = at.risk[rows] * mean_hazard_tied[:, group]
    residual[:, rows] += x[:, rows] - _mean(at)[:, group] - spared
    if sets.weights is not None:
        residual *= sets.weights
    return np.asarray(residual.T)


def _mean(at: Moments) -> Array:
    """Per group, the plain average of the means of its denominators."""
    sets, tied = at.sets, at.sets.tied
    mean = at.s1 * at.power(1, 0)
    if len(tied):
        mean[:, tied] -= at.d1 * at.power(1, 1)[tied]
    return np.asarray(mean / (sets.omega * sets.deaths if sets.ties == "efron" else sets.omega))


def hazard_times_mean(at: Moments) -> Array:
    """Per group, covariates' risk-set means times the increment of the baseline hazard."""
    tied, hazard = at.sets.tied, at.s1 * at.power(2, 0)
    if len(tied):
        hazard[:, tied] -= at.d1 * at.power(2, 1)[tied]
    return np.asarray(hazard)


def tied_hazard_times_mean(at: Moments) -> Array:
    """The part of :func:`hazard_times_mean` that the deaths of a tie do not live through."""
    tied, weighted = at.sets.tied, np.zeros_like(at.s1)
    if len(tied):
        weighted[:, tied] = at.s1[:, tied] * at.power(2, 1)[tied] - at.d1 * at.power(2, 2)[tied]
    return weighted


def sum_by_cluster(rows: Array, codes: Index | None) -> Array:
    """Sums of rows that share a code."""
    if codes is None:
        return rows
    out = np.zeros((int(codes.max()) + 1, rows.shape[1]))
    np.add.at(out, codes, rows)
    return out


def schoenfeld_rows(at: Moments) -> tuple[Index, Array]:
    """Sorted rows of the deaths, by stratum and rising time, and x minus the risk set's mean.

    Values are scaled covariates x deaths. Deaths of one tie stand in the caller's order; the mean
    is Efron's average over the tie.
    """
    sets = at.sets
    place = np.empty(sets.n_groups, dtype=np.int64)
    for first, last in zip(sets.group_bounds[:-1], sets.group_bounds[1:], strict=True):
        place[first:last] = np.arange(last - 1, first - 1, -1)
    by = np.argsort(place[sets.death_group] * sets.n + sets.order[sets.death_rows])
    rows, group = sets.death_rows[by], sets.death_group[by]
    values = np.take(sets.x, rows, axis=1)
    values -= np.take(_mean(at), group, axis=1)
    return rows, values


# -------------------------------------------------------------------- of a fitted model


def _spread(fit: CoxFit, kept: Array) -> Array:
    """Columns of the estimated coefficients -> all columns, NaN where none was estimated."""
    out = np.full((len(kept), len(fit.names)), np.nan)
    out[:, fit.kept] = kept
    return out


def martingale(fit: CoxFit) -> Array:
    """Events minus expected events of each row, d - exp(eta) (A - d B)."""
    at = fit.at_estimate()
    return fit.sets.unsort(fit.sets.event - at.risk * at.cumulative_hazard)


def deviance(fit: CoxFit) -> Array:
    """Martingale residuals m made symmetric: sign(m) sqrt(-2 (m + d log(d - m)))."""
    m = martingale(fit)
    d = fit.sets.unsort(fit.sets.event.astype(float))
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.where(d == 1, np.log(np.maximum(d - m, 0.0)), 0.0)
    return np.asarray(np.sign(m) * np.sqrt(np.maximum(-2 * (m + d * log), 0.0)))


def score_residuals(fit: CoxFit, *, weighted: bool = False) -> Array:
    """Each row's share of the score, rows x columns; times its case weight if ``weighted``."""
    sets = fit.sets
    rows = weighted_score_residuals(fit.at_estimate()) * sets.scale
    if sets.weights is not None and not weighted:
        rows /= sets.weights[:, None]
    return _spread(fit, sets.unsort(rows))


def dfbeta(fit: CoxFit, *, standardised: bool = False) -> Array:
    """Approximate change of each coefficient when a row is taken in, rows x columns.

    Weighted score residuals times the inverse information; ``standardised`` divides by the
    (model-based) standard error, R's "dfbetas".
    """
    inverse = fit.naive_covariance[np.ix_(fit.kept, fit.kept)]
    change = score_residuals(fit, weighted=True)[:, fit.kept] @ np.nan_to_num(inverse)
    change[:, np.isnan(np.diag(inverse))] = np.nan
    out = _spread(fit, change)
    return out / np.sqrt(np.diag(fit.naive_covariance)) if standardised else out


@dataclass(frozen=True, eq=False)
class SchoenfeldResiduals:
    """One row per death, by stratum and time: its position in the caller's data, and residuals."""

    row: Index
    time: Array
    residuals: Array


def schoenfeld(fit: CoxFit, *, scaled: bool = False) -> SchoenfeldResiduals:
    """x of each death minus the risk set's mean; ``scaled``: times events and variance, plus beta.

    The scaled form estimates beta(t), as R's ``residuals(fit, "scaledsch")``; for the plot that
    belongs to the test see :func:`core.stats.zph.cox_zph`, which also minds strata.
    """
    rows, values = schoenfeld_rows(fit.at_estimate())
    values = _spread(fit, values.T * fit.sets.scale)
    if scaled:
        kept = fit.kept
        inverse = fit.naive_covariance[np.ix_(kept, kept)]
        change = values[:, kept] @ np.nan_to_num(inverse) * len(rows)
        change[:, np.isnan(np.diag(inverse))] = np.nan
        values = _spread(fit, change + fit.coefficients[kept])
    return SchoenfeldResiduals(fit.sets.order[rows], fit.sets.time[rows], values)
