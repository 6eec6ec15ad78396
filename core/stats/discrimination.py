"""Time-dependent AUC: does the score tell who has had the event by t from who has not?

Cumulative cases (event by t) against dynamic controls (followed beyond t), cases weighted by
1/G(T-) for those lost to censoring: AUC(t) = sum over cases i and controls j of
w_i ([s_i > s_j] + [s_i = s_j]/2) / (sum of w_i x number of controls). The standard error comes
from the influence of each patient, the estimated censoring curve included.

Uno et al. 2007; Hung and Chiang 2010; Blanche, Dartigues and Jacqmin-Gadda 2013.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from core.model import BadInput
from core.stats.censoring import censoring_influence, horizon_weights
from core.stats.survival_data import FloatArray, SurvivalData, survival_data


@dataclass(frozen=True)
class TimeDependentAUC:
    """``table``: time, auc, std_error, ci_lower, ci_upper, cases, censored, controls."""

    table: pd.DataFrame
    n: int
    events: int
    warnings: tuple[str, ...] = ()


def time_dependent_auc(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    score: npt.ArrayLike,
    times: npt.ArrayLike,
    *,
    level: float = 0.95,
) -> TimeDependentAUC:
    """AUC of a risk ``score`` (higher = earlier event) at each of ``times`` (months).

    NaN, with a warning, at a time without cases or without controls. Missing rows are left out
    with a warning; an infinite score or time raises :class:`BadInput`.
    """
    risk = np.asarray(score, dtype=float)
    horizons = np.atleast_1d(np.asarray(times, dtype=float))
    if np.isinf(risk).any() or not np.isfinite(horizons).all():
        raise BadInput("A score or a time is not finite.", expected="finite numbers")
    data = survival_data(time, event, others=[risk])
    risk = risk[data.kept]
    z = float(ndtri(0.5 + level / 2))
    rows, notes = [], []
    for t in horizons:
        auc, se = _auc(data, risk, float(t))
        early = data.time <= t
        cases = int(np.count_nonzero(early & data.event))
        censored = int(np.count_nonzero(early)) - cases
        controls = data.n - cases - censored
        rows.append((t, auc, se, auc - z * se, auc + z * se, cases, censored, controls))
        if not cases or not controls:
            notes.append(f"No {'event by' if not cases else 'patient followed beyond'} {t:g}.")
    names = ["time", "auc", "std_error", "ci_lower", "ci_upper", "cases", "censored", "controls"]
    return TimeDependentAUC(
        table=pd.DataFrame(rows, columns=names),
        n=data.n,
        events=data.events,
        warnings=data.warnings + tuple(notes),
    )


def _auc(data: SurvivalData, risk: FloatArray, horizon: float) -> tuple[float, float]:
    weights = horizon_weights(data, horizon)
    case = data.event & (data.time <= horizon)
    control = data.time > horizon
    if not case.any() or not control.any():
        return float("nan"), float("nan")
    w = weights[case]
    beaten = _share_below(risk[case], risk[control], np.ones(int(control.sum())))
    auc = float(w @ beaten / w.sum())
    influence = np.zeros(data.n)
    influence[case] = w * (beaten - auc) / w.sum()
    values = influence.copy()
    beats = 1 - _share_below(risk[control], risk[case], w)
    influence[control] = (beats - auc) / np.count_nonzero(control)
    influence += censoring_influence(data, horizon, values)
    return auc, float(np.sqrt(influence @ influence * data.n / (data.n - 1)))


def _share_below(of: FloatArray, others: FloatArray, weights: FloatArray) -> FloatArray:
    """For each value, the weighted share of the others below it, ties counting half."""
    order = np.argsort(others)
    running = np.append(0.0, np.cumsum(weights[order]))
    ascending = others[order]
    below = running[np.searchsorted(ascending, of, side="left")]
    up_to = running[np.searchsorted(ascending, of, side="right")]
    share: FloatArray = (below + up_to) / 2 / running[-1]
    return share
