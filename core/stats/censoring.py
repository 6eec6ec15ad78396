"""Inverse probability of censoring weights, and what estimating them adds to a variance.

G is the Kaplan-Meier estimate of being uncensored, events coming before censorings of one time.
At a horizon t a patient with the event at T <= t weighs 1/G(T-), one followed beyond t weighs
1/G(t), one censored by t weighs nothing. Graf et al. 1999; Gerds and Schumacher 2006.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from core.stats.survival_data import FloatArray, SurvivalData


def censoring_survival(data: SurvivalData, times: FloatArray, *, after: bool = False) -> FloatArray:
    """G(t-), or G(t) if ``after``: the Kaplan-Meier estimate of being uncensored.

    A patient with the event at t is no longer at risk of censoring at t.
    """
    ascending = data.time[data.order]
    first = np.flatnonzero(np.append(True, ascending[1:] != ascending[:-1]))
    ends = np.append(first, data.n)
    died = np.diff(np.append(0, np.cumsum(data.event[data.order]))[ends])
    censored = np.diff(ends) - died
    at_risk = data.n - first - died
    hazard = np.divide(censored, at_risk, out=np.zeros(len(first)), where=censored > 0)
    curve = np.append(1.0, np.cumprod(1 - hazard))
    side: Literal["left", "right"] = "right" if after else "left"
    values: FloatArray = curve[np.searchsorted(ascending[first], times, side=side)]
    return values


def horizon_weights(data: SurvivalData, horizon: float) -> FloatArray:
    """Each patient's weight at the horizon (see the module); 0 for those censored by then."""
    weights = np.zeros(data.n)
    case = data.event & (data.time <= horizon)
    weights[case] = 1 / censoring_survival(data, data.time[case])
    later = data.time > horizon
    if later.any():
        weights[later] = 1 / censoring_survival(data, np.array([horizon]), after=True)[0]
    return weights


def censoring_influence(data: SurvivalData, horizon: float, values: FloatArray) -> FloatArray:
    """Each patient's influence on sum(values), values being proportional to the horizon weights.

    The logarithm of 1/G(u) has the influence of patient l: the integral up to u of
    dM_l(v)/Y(v), with M_l the martingale of l's censoring and Y the number at risk of it. A case's
    weight reads it up to just before its event, a later patient's up to the horizon.
    """
    ascending = data.time[data.order]
    new = np.append(True, ascending[1:] != ascending[:-1])
    first = np.flatnonzero(new)
    cell = np.empty(data.n, dtype=np.int64)
    cell[data.order] = np.cumsum(new) - 1
    m = len(first)
    died = np.bincount(cell[data.event], minlength=m)
    censored = np.bincount(cell[~data.event], minlength=m)
    at_risk = data.n - first - died
    still = values.sum() - np.cumsum(np.bincount(cell, weights=values, minlength=m))
    reach = np.where(ascending[first] <= horizon, still, 0.0)
    per_event = np.divide(reach, at_risk, out=np.zeros(m), where=censored > 0)
    compensator = np.cumsum(
        np.divide(per_event * censored, at_risk, out=np.zeros(m), where=censored > 0)
    )
    until = np.where(data.event, cell - 1, cell)
    return np.where(data.event, 0.0, per_event[cell]) - np.append(compensator, 0.0)[until]
