"""Survival curves predicted by a Cox model, with the tie method of the fit.

Cumulative hazard of a patient x: Lambda(t) exp(eta), with Efron's increments after an Efron fit
and Breslow's after a Breslow fit; variance after Tsiatis (1981) with the term for the estimated
coefficients (Therneau and Grambsch 2000, section 10.2). Results equal R's ``survfit.coxph``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from core.model import BadInput, NotEnoughData
from core.stats.cox import CoxFit
from core.stats.cox_residuals import hazard_times_mean
from core.stats.cox_risk import Array

INTERVALS = ("log", "log-log", "plain")


@dataclass(frozen=True, eq=False)
class PredictedSurvival:
    """Curves of several patients: arrays are patients x times.

    ``std_error`` is that of the cumulative hazard, which is the one of log survival.
    """

    times: Array
    survival: Array
    ci_lower: Array
    ci_upper: Array
    cumulative_hazard: Array
    std_error: Array
    ci: str
    level: float
    ties: str

    def table(self) -> pd.DataFrame:
        """Tidy: patient, time, survival, ci_lower, ci_upper, cumulative_hazard, std_error."""
        k, m = self.survival.shape
        columns = ("survival", "ci_lower", "ci_upper", "cumulative_hazard", "std_error")
        return pd.DataFrame(
            {"patient": np.repeat(np.arange(k), m), "time": np.tile(self.times, k)}
            | {c: getattr(self, c).ravel() for c in columns}
        )


def survival_curve(
    fit: CoxFit,
    X_new: npt.ArrayLike,
    times: npt.ArrayLike | None = None,
    ci: str = "log",
    *,
    stratum: object = None,
    offset: npt.ArrayLike | float = 0.0,
    level: float | None = None,
) -> PredictedSurvival:
    """Survival of new patients (rows of ``X_new``, columns as in the fit) at ``times``.

    Without ``times``: at the event times of the stratum. Curves are right-continuous steps; past
    the stratum's last follow-up they are NaN. ``stratum`` is a label of the fit's strata and is
    needed when there are several. ``ci`` is "log" (R's default), "log-log" or "plain"; limits are
    held within 0 and 1, and before the first event they are 1. The variance is the
    fit's own, robust where it is robust. Raises BadInput and, where a coefficient is infinite or
    missing, NotEnoughData.
    """
    if ci not in INTERVALS:
        raise BadInput(f"Unknown interval {ci!r}.", expected=", ".join(INTERVALS))
    x = np.atleast_2d(np.asarray(X_new, dtype=float))
    if x.shape[1] != len(fit.names) or not np.isfinite(x).all():
        raise BadInput(
            "The new patients do not fit the model.",
            expected=f"finite values of {', '.join(fit.names)}",
            found=f"{x.shape[0]} rows x {x.shape[1]} columns",
        )
    if not np.isfinite(fit.coefficients).all():
        raise NotEnoughData(
            "A coefficient is infinite or could not be estimated; no curve can be predicted.",
            remedy="Leave the column out, or fit with the Firth penalty.",
        )
    s = _stratum(fit, stratum)
    sets, at = fit.sets, fit.at_estimate()
    groups = slice(int(sets.group_bounds[s]), int(sets.group_bounds[s + 1]))
    steps = sets.group_time[groups][::-1]
    when = steps if times is None else np.atleast_1d(np.asarray(times, dtype=float))
    hazard = _steps(at.hazard[groups], steps, when)
    variance = _steps(at.power(2, 0)[groups], steps, when)
    mean = _steps(hazard_times_mean(at)[:, groups], steps, when)

    centred = (x - sets.mean) / sets.scale
    beta = fit.coefficients * sets.scale
    risk = np.exp(centred @ beta + np.broadcast_to(offset, len(x)) - at.shift)[:, None]
    distance = centred[:, :, None] * hazard - mean
    covariance = fit.covariance * np.outer(sets.scale, sets.scale)
    variance = variance + np.einsum("kpt,pq,kqt->kt", distance, covariance, distance)
    cumulative, error = risk * hazard, risk * np.sqrt(variance)
    beyond = when > sets.time[sets.row_bounds[s]]
    cumulative[:, beyond], error[:, beyond] = np.nan, np.nan
    level = fit.level if level is None else level
    lower, upper = _limits(cumulative, error, ci, float(ndtri(0.5 + level / 2)))
    return PredictedSurvival(
        when, np.exp(-cumulative), lower, upper, cumulative, error, ci, level, fit.ties
    )


def _stratum(fit: CoxFit, label: object) -> int:
    labels = fit.strata_labels
    if label is None and len(labels) <= 1:
        return 0
    if label not in labels:
        raise BadInput(
            f"{label!r} is no stratum of this model." if label is not None else "Which stratum?",
            expected=", ".join(map(str, labels)) or "no stratum",
        )
    return labels.index(label)


def _steps(per_group: Array, steps: Array, when: Array) -> Array:
    """Cumulated increments (last axis: groups by falling time) read off at times ``when``."""
    rising = np.cumsum(per_group[..., ::-1], axis=-1)
    padded = np.concatenate([np.zeros((*rising.shape[:-1], 1)), rising], axis=-1)
    return np.asarray(padded[..., np.searchsorted(steps, when, side="right")])


def _limits(hazard: Array, error: Array, ci: str, z: float) -> tuple[Array, Array]:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if ci == "log":
            limits = np.exp(-hazard - z * error), np.exp(-hazard + z * error)
        elif ci == "plain":
            s = np.exp(-hazard)
            limits = s - z * s * error, s + z * s * error
        else:
            reach = z * error / hazard
            limits = (
                np.exp(-np.exp(np.log(hazard) + reach)),
                np.exp(-np.exp(np.log(hazard) - reach)),
            )
    certain = hazard == 0
    return (
        np.where(certain, 1.0, np.clip(limits[0], 0.0, 1.0)),
        np.where(certain, 1.0, np.clip(limits[1], 0.0, 1.0)),
    )
