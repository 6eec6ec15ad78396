"""Does predicted survival come true? In groups, as a smooth curve, in the large, and its slope.

* Groups: patients in intervals of their predicted survival at t; Kaplan-Meier against the mean
  prediction of each (R's ``rms::groupkm``, ``calibrate(cmethod = "KM")``).
* Smooth: a Cox model of the follow-up on a restricted cubic spline of log(-log prediction);
  its survival at t over a grid of predictions. ICI, E50 and E90 are the mean, the median and the
  90th percentile of |prediction - curve| over patients (Austin, Harrell and van Klaveren 2020).
* Both are corrected for optimism by refits to resamples: observed minus predicted on the resample,
  less the same on the original patients, is taken off (``rms::calibrate``).
* Elsewhere: observed over expected events, O / sum of cumulative hazard (Crowson, Atkinson and
  Therneau 2016), and the slope, the Cox coefficient of the linear predictor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from core.model import BadInput, NotEnoughData
from core.stats.cox import cox
from core.stats.cox_bootstrap import (
    Progress,
    Refit,
    Sample,
    failure_words,
    optimism_table,
    refit,
    refits,
    whole_fit,
)
from core.stats.cox_risk import Array, Index
from core.stats.km import kaplan_meier
from core.stats.spline import default_knots, restricted_cubic

SMOOTH_KNOTS = 3
GRID = 50
"""Predictions at which the smooth curve is given."""
PER_GROUP = 150
"""Patients of a group, about; as rms."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Calibration at one time.

    groups: low, high, n, events, predicted (mean), observed (Kaplan-Meier), ci_lower, ci_upper
        (log-log), corrected (for optimism; NaN without resamples)
    smooth: predicted, observed, corrected
    errors: measure (ICI, E50, E90), value
    """

    time: float
    groups: pd.DataFrame
    smooth: pd.DataFrame
    errors: pd.DataFrame
    draws: int = 0
    failed: int = 0
    warnings: tuple[str, ...] = ()


def group_cuts(predicted: Array, per_group: int = PER_GROUP) -> Array:
    """Bounds of groups of about ``per_group``, from 0 to 1, as rms draws them."""
    groups = max(1, len(predicted) // per_group)
    ends = np.concatenate([[0.0, 1.0], predicted])
    return np.unique(np.quantile(ends, np.linspace(0, 1, groups + 1)))


def group_of(predicted: Array, cuts: Array) -> Index:
    """Number of the interval [low, high) of each prediction; the last holds its upper end."""
    at = np.searchsorted(cuts, predicted, side="right") - 1
    return np.clip(at, 0, len(cuts) - 2).astype(np.intp)


def calibration(
    survival: npt.ArrayLike,
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    at: float,
    *,
    per_group: int = PER_GROUP,
) -> Calibration:
    """Calibration of predicted ``survival`` at ``at`` (months), without correction.

    Raises BadInput for predictions outside 0 to 1, NotEnoughData where follow-up ends before.
    """
    predicted = np.asarray(survival, dtype=float)
    _check(predicted, np.asarray(time, dtype=float), at)
    sample = Sample.of(np.empty((len(predicted), 0)), time, event)
    groups = _groups(predicted, sample, at, group_cuts(predicted, per_group))
    notes = []
    smooth, errors = _empty_smooth()
    knots = smooth_knots(predicted)
    if knots is None:
        notes.append("Too few distinct predictions or events for a smooth curve.")
    else:
        grid = prediction_grid(predicted)
        curve = _smooth(predicted, sample, at, np.concatenate([grid, predicted]), knots)
        smooth = pd.DataFrame(
            {"predicted": grid, "observed": curve[: len(grid)], "corrected": np.nan}
        )
        errors = _errors(predicted, curve[len(grid) :])
    return Calibration(at, groups, smooth, errors, warnings=tuple(notes))


def corrected_calibration(
    sample: Sample,
    indices: Index,
    times: tuple[float, ...],
    *,
    per_group: int = PER_GROUP,
    smooth: bool = True,
    progress: Progress | None = None,
) -> list[Calibration]:
    """Calibration at each of ``times`` of the Cox model of ``sample``, corrected for optimism.

    The resamples and refits are those of ``rms::calibrate`` with the same ``indices``.
    """
    whole = whole_fit(sample)
    when = np.asarray(times, dtype=float)
    predicted = _predicted(whole, sample, sample, when)
    plain = [
        calibration(p, sample.time, sample.event, t, per_group=per_group)
        for p, t in zip(predicted.T, times, strict=True)
    ]
    measures = [_Measure(p, t, per_group, smooth) for p, t in zip(predicted.T, times, strict=True)]
    training = [np.full((len(indices), m.size), np.nan) for m in measures]
    test = [t.copy() for t in training]
    failed = 0
    for i, (drawn, fitted) in enumerate(refits(sample, indices, whole.coefficients)):
        if fitted is None:
            failed += 1
        else:
            inside = _predicted(fitted, drawn, drawn, when)
            outside = _predicted(fitted, drawn, sample, when)
            for j, measure in enumerate(measures):
                training[j][i] = measure.gaps(inside[:, j], drawn)
                test[j][i] = measure.gaps(outside[:, j], sample)
        if progress is not None:
            progress((i + 1) / len(indices))
    return [
        _corrected(p, m, tr, te, len(indices), failed)
        for p, m, tr, te in zip(plain, measures, training, test, strict=True)
    ]


def smooth_knots(predicted: Array) -> tuple[float, ...] | None:
    """Knots of the smooth curve on the log(-log) scale; None where they would coincide."""
    try:
        knots = default_knots(_cloglog(predicted), SMOOTH_KNOTS)
    except NotEnoughData:
        return None
    return knots if (np.diff(knots) > 1e-8).all() else None


def prediction_grid(predicted: Array) -> Array:
    """Predictions from the 2nd to the 98th percentile, where there are patients to tell."""
    low, high = np.quantile(predicted, [0.02, 0.98])
    return np.linspace(low, high, GRID)


@dataclass(frozen=True)
class InTheLarge:
    """How far predictions are off as a whole, and whether they are too extreme.

    ``ratio``: observed over expected events, with an exact-Poisson-like log interval; ``slope``:
    the Cox coefficient of the linear predictor, 1 where its spread is right.
    """

    observed: int
    expected: float
    ratio: float
    ratio_lower: float
    ratio_upper: float
    slope: float
    slope_lower: float
    slope_upper: float
    n: int
    warnings: tuple[str, ...] = ()


def in_the_large(
    linear_predictor: npt.ArrayLike,
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    expected: npt.ArrayLike,
    *,
    level: float = 0.95,
) -> InTheLarge:
    """Observed over expected, and slope; ``expected``: each patient's cumulative hazard at the
    end of follow-up. A patient whose expectation is unknown (NaN: followed longer than the model
    knows) leaves the ratio, and a warning says how many."""
    lp, d = np.asarray(linear_predictor, dtype=float), np.asarray(event, dtype=float)
    hazard = np.asarray(expected, dtype=float)
    known = np.isfinite(hazard)
    z = float(ndtri(0.5 + level / 2))
    o, e = int(d[known].sum()), float(hazard[known].sum())
    ratio = o / e if e > 0 else float("nan")
    reach = float(np.exp(z / np.sqrt(o))) if o else float("nan")
    fit = cox(lp[:, None], time, d, names=["linear predictor"])
    slope, se = float(fit.coefficients[0]), float(fit.std_errors[0])
    notes = list(fit.warnings)
    if not known.all():
        notes.append(f"{int((~known).sum())} patients are followed longer than the model knows.")
    return InTheLarge(
        o, e, ratio, ratio / reach, ratio * reach, slope, slope - z * se, slope + z * se, len(lp),
        tuple(notes),
    )  # fmt: skip


# -- groups ----------------------------------------------------------------------------


def _groups(predicted: Array, sample: Sample, at: float, cuts: Array) -> pd.DataFrame:
    code, rows = group_of(predicted, cuts), []
    for g in range(len(cuts) - 1):
        own = code == g
        row = {"low": cuts[g], "high": cuts[g + 1], "n": int(own.sum()), "events": 0}
        row |= dict.fromkeys(("predicted", "observed", "ci_lower", "ci_upper"), np.nan)
        if own.sum() > 1:
            curve = kaplan_meier(sample.time[own], sample.event[own].astype(float))
            seen = curve.at([at]).iloc[0]
            row |= {"events": curve.events, "predicted": float(predicted[own].mean())}
            row |= {"observed": seen.survival, "ci_lower": seen.ci_lower, "ci_upper": seen.ci_upper}
        rows.append(row)
    return pd.DataFrame(rows).assign(corrected=np.nan)


def grouped_survival(code: Index, groups: int, sample: Sample, at: float) -> Array:
    """Kaplan-Meier survival at ``at`` of each group; NaN below two patients or past follow-up."""
    times, cell = np.unique(sample.time, return_inverse=True)
    shape = (groups, len(times))
    place = code * len(times) + cell
    leaving = np.bincount(place, minlength=groups * len(times)).reshape(shape)
    dead = np.bincount(place[sample.event], minlength=groups * len(times)).reshape(shape)
    at_risk = np.cumsum(leaving[:, ::-1], axis=1)[:, ::-1]
    upto = int(np.searchsorted(times, at + 1e-6, side="right"))
    factors = 1 - dead[:, :upto] / np.maximum(at_risk[:, :upto], 1)
    survival = factors.prod(axis=1)
    last = np.array([times[row > 0].max(initial=-1.0) for row in leaving])
    unknown = (leaving.sum(axis=1) < 2) | ((last < at - 1e-6) & (survival > 0))
    return np.where(unknown, np.nan, survival)


# -- the smooth curve ------------------------------------------------------------------


def _cloglog(survival: Array) -> Array:
    return np.asarray(np.log(-np.log(np.clip(survival, 1e-4, 0.9999))))


def _smooth(
    predicted: Array, sample: Sample, at: float, where: Array, knots: tuple[float, ...]
) -> Array:
    """Observed survival at ``at`` for predictions ``where``; NaN where no curve can be fitted."""
    basis = restricted_cubic(_cloglog(predicted), knots)
    fitted = refit(Sample(basis, sample.time, sample.event))
    if fitted is None:
        return np.full(len(where), np.nan)
    # where predictions hardly differ the curve is steep beyond all bounds
    lp = np.clip(fitted.linear_predictor(restricted_cubic(_cloglog(where), knots)), -700, 700)
    return np.asarray(np.exp(-fitted.hazard(np.array([at])) * np.exp(lp)))


def _errors(predicted: Array, observed: Array) -> pd.DataFrame:
    gap = np.abs(predicted - observed)
    values = [gap.mean(), *np.quantile(gap, [0.5, 0.9])]
    return pd.DataFrame({"measure": ["ICI", "E50", "E90"], "value": values})


def _empty_smooth() -> tuple[pd.DataFrame, pd.DataFrame]:
    smooth = pd.DataFrame(columns=["predicted", "observed", "corrected"], dtype=float)
    return smooth, pd.DataFrame({"measure": [], "value": []})


# -- correction ------------------------------------------------------------------------


class _Measure:
    """Observed minus predicted in the groups, and along the smooth curve, of one time."""

    def __init__(self, predicted: Array, at: float, per_group: int, smooth: bool) -> None:
        self.at = at
        self.cuts = group_cuts(predicted, per_group)
        self.grid = prediction_grid(predicted)
        self.knots = smooth_knots(predicted) if smooth else None

    @property
    def groups(self) -> int:
        return len(self.cuts) - 1

    @property
    def size(self) -> int:
        return self.groups + (len(self.grid) if self.knots else 0)

    def gaps(self, predicted: Array, sample: Sample) -> Array:
        code = group_of(predicted, self.cuts)
        counts = np.bincount(code, minlength=self.groups)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.bincount(code, predicted, minlength=self.groups) / counts
        gaps = grouped_survival(code, self.groups, sample, self.at) - mean
        if self.knots is None:
            return gaps
        curve = _smooth(predicted, sample, self.at, self.grid, self.knots)
        return np.concatenate([gaps, curve - self.grid])


def _predicted(fitted: Refit, of: Sample, on: Sample, times: Array) -> Array:
    """Survival of the patients of ``on`` at each time, by the model fitted to ``of``."""
    risk = np.exp(fitted.linear_predictor(on.x))[:, None]
    if of.stratum is None or on.stratum is None:
        return np.asarray(np.exp(-risk * fitted.hazard(times)))
    present = np.unique(of.stratum)
    hazard = np.full((int(max(on.stratum.max(), present.max())) + 1, len(times)), np.nan)
    for s, stratum in enumerate(present):
        hazard[stratum] = fitted.hazard(times, s)
    # A stratum that a resample lacks is predicted by the mean of the others.
    hazard = np.where(np.isnan(hazard), np.nanmean(hazard, axis=0), hazard)
    return np.asarray(np.exp(-risk * hazard[on.stratum]))


def _corrected(
    plain: Calibration, measure: _Measure, training: Array, test: Array, draws: int, failed: int
) -> Calibration:
    k = measure.groups
    names = tuple(map(str, range(training.shape[1])))
    optimism = optimism_table(names, np.zeros(len(names)), training, test).optimism.to_numpy()
    groups = plain.groups.assign(corrected=plain.groups.observed - optimism[:k])
    smooth = plain.smooth
    if measure.knots is not None:
        smooth = smooth.assign(corrected=smooth.observed - optimism[k:])
    words = plain.warnings + failure_words(failed, draws)
    return Calibration(plain.time, groups, smooth, plain.errors, draws, failed, words)


def _check(predicted: Array, time: Array, at: float) -> None:
    if predicted.shape != time.shape or ((predicted < 0) | (predicted > 1)).any():
        raise BadInput(
            "Predicted survival is not one probability for each patient.",
            expected="values from 0 to 1",
            found=f"{predicted.shape} for {time.shape} patients",
        )
    if not np.isfinite(predicted).all():
        raise NotEnoughData(
            f"Survival at {at:g} months is not predicted for every patient.",
            found=f"{int((~np.isfinite(predicted)).sum())} unknown",
            remedy="Choose an earlier time.",
        )
    if time.max(initial=0.0) < at:
        raise NotEnoughData(
            f"Nobody is followed for {at:g} months, so calibration there is unknown.",
            found=f"the longest follow-up is {time.max(initial=0.0):g} months",
            remedy="Choose an earlier time.",
        )
