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

from core.compute import HERE, Place, run
from core.model import BadInput, NotEnoughData
from core.stats.cox import cox
from core.stats.cox_batch import Fits, batch, fit_batch
from core.stats.cox_bootstrap import (
    Indexes,
    Optimism,
    Progress,
    Refit,
    Sample,
    blocks_of,
    failure_words,
    optimism_of,
    optimism_table,
    refit,
    refits,
    whole_fit,
)
from core.stats.cox_risk import Array, Index, RiskSets
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


def calibration_error(
    survival: npt.ArrayLike, time: npt.ArrayLike, event: npt.ArrayLike, at: float
) -> float:
    """ICI of :func:`calibration` alone; NaN where no smooth curve can be drawn."""
    predicted = np.asarray(survival, dtype=float)
    _check(predicted, np.asarray(time, dtype=float), at)
    knots = smooth_knots(predicted)
    if knots is None:
        return float("nan")
    sample = Sample.of(np.empty((len(predicted), 0)), time, event)
    return float(np.abs(predicted - _smooth(predicted, sample, at, predicted, knots)).mean())


def corrected_calibration(
    sample: Sample,
    indices: Index,
    times: tuple[float, ...],
    *,
    per_group: int = PER_GROUP,
    place: Place = HERE,
    progress: Progress | None = None,
) -> list[Calibration]:
    """Calibration at each of ``times`` of the Cox model of ``sample``, corrected for optimism.

    The resamples and refits are those of ``rms::calibrate`` with the same ``indices``.
    ``place``: where the refits run.
    """
    return resampled(sample, indices, times, per_group=per_group, place=place, progress=progress)[1]


def resampled(
    sample: Sample,
    indices: Index,
    times: tuple[float, ...],
    *,
    per_group: int = PER_GROUP,
    place: Place = HERE,
    progress: Progress | None = None,
) -> tuple[Optimism, list[Calibration]]:
    """:func:`core.stats.cox_bootstrap.validate` and :func:`corrected_calibration` of the same
    refits."""
    whole = whole_fit(sample)
    when = np.asarray(times, dtype=float)
    pairs = list(zip(_predicted(whole, sample, when).T, times, strict=True))
    plain = [calibration(p, sample.time, sample.event, t, per_group=per_group) for p, t in pairs]
    measures = [_Measure(p, t, per_group) for p, t in pairs]
    found = run(
        _both, blocks_of(indices), shared=(sample, whole.coefficients, when, measures),
        place=place, progress=progress,
    )  # fmt: skip
    optimism = optimism_of(sample, whole, [part[0] for part in found])
    training, test, failed = _joined([part[1] for part in found])
    return optimism, [
        _corrected(p, m, tr, te, len(indices), failed)
        for p, m, tr, te in zip(plain, measures, training, test, strict=True)
    ]


Gaps = tuple[list[Array], list[Array], int]
"""Gaps on the resamples and on the patients, for each time; and refits that failed."""


def _both(
    indices: Index, sample: Sample, start: Array, when: Array, measures: list[_Measure]
) -> tuple[tuple[Array, Array, int], Gaps]:
    indexes, layout = Indexes.of(sample), _Layout.of(sample)
    indexed, gaps = [], []
    for counts, fits in refits(sample, indices, start):
        indexed.append(indexes.measured(counts, fits))
        gaps.append(_gaps_of(layout, counts, fits, when, measures))
    training, test = (np.concatenate([part[i] for part in indexed]) for i in range(2))
    joined = _joined(gaps)
    return (training, test, joined[2]), joined


def _joined(parts: list[Gaps]) -> Gaps:
    sides = ([np.concatenate(v) for v in zip(*(p[i] for p in parts), strict=True)] for i in (0, 1))
    return next(sides), next(sides), sum(part[2] for part in parts)


def _gaps_of(
    layout: _Layout, counts: Array, fits: Fits, when: Array, measures: list[_Measure]
) -> Gaps:
    ok = fits.fitted
    training = [np.full((len(counts), m.size), np.nan) for m in measures]
    test = [t.copy() for t in training]
    if ok.any():
        predicted = _predictions(layout, counts[ok], fits, when)
        for j, measure in enumerate(measures):
            sides = [counts[ok], np.ones_like(counts[ok])]
            training[j][ok], test[j][ok] = measure.gaps(predicted[j], layout, sides)
    return training, test, int((~ok).sum())


def _predictions(layout: _Layout, counts: Array, fits: Fits, when: Array) -> list[Array]:
    """Survival of every patient at each time by each refit: resamples x patients."""
    sample, sets = layout.sample, layout.sets
    risk = np.exp(fits.linear_predictor(sample.x)[fits.fitted])
    code = np.zeros(len(sample.x), dtype=np.intp) if layout.stratum is None else layout.stratum
    present = np.stack([counts[:, code == s].any(axis=1) for s in range(sets.n_strata)], axis=1)
    out = []
    for t in when:
        step = fits.hazard[fits.fitted] * (sets.group_time <= t)
        hazard = np.stack(
            [step[:, sets.group_stratum == s].sum(axis=1) for s in range(sets.n_strata)], axis=1
        )
        # A stratum that a resample lacks is predicted by the mean of the others.
        mean = np.where(present, hazard, 0.0).sum(axis=1) / present.sum(axis=1)
        hazard = np.where(present, hazard, mean[:, None])
        out.append(np.exp(-risk * hazard[:, code]))
    return out


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
    layout = _Layout.of(sample)
    return layout.grouped_survival(code[None], groups, np.ones((1, len(code))), at)[0]


@dataclass(frozen=True, eq=False)
class _Layout:
    """Patients of one sample in the orders that every resample shares."""

    sample: Sample
    stratum: Index | None
    """Codes from 0 without gaps."""
    sets: RiskSets
    """Risk sets without covariates, in strata."""
    together: RiskSets
    """The same without strata."""
    rising: Index
    """Patients by time."""

    @classmethod
    def of(cls, sample: Sample) -> _Layout:
        plain = Sample(sample.x[:, :0], sample.time, sample.event)
        code = sample.stratum
        code = None if code is None else np.unique(code, return_inverse=True)[1].astype(np.intp)
        rising = np.argsort(sample.time, kind="stable")
        return cls(sample, code, sample.sets(sample.x[:, :0]), plain.sets(), rising)

    def grouped_survival(self, code: Index, groups: int, counts: Array, at: float) -> Array:
        """Kaplan-Meier survival at ``at`` (resamples x groups) of the patients, ``counts`` times
        each, in groups ``code`` (both resamples x patients); as :func:`grouped_survival`."""
        own = np.take(code, self.rising, axis=1)
        small = own.astype(np.uint16) if groups < 2**16 else own
        order = np.argsort(small, axis=1, kind="stable")  # by group, then time
        place = (np.arange(len(own))[:, None] * groups + np.take_along_axis(own, order, 1)).ravel()
        who = self.rising[order]
        time, n = self.sample.time[who.ravel()], np.take_along_axis(counts, who, 1).ravel()
        new = np.ones(len(place), dtype=bool)
        new[1:] = (place[1:] != place[:-1]) | (time[1:] != time[:-1])
        starts = np.flatnonzero(new)  # of one time in one group
        leaving = np.add.reduceat(n, starts)
        dead = np.add.reduceat(n * self.sample.event[who.ravel()], starts)
        place, time = place[starts], time[starts]
        size = len(own) * groups
        total = np.bincount(place, leaving, minlength=size)
        before = np.cumsum(leaving) - leaving
        at_risk = total[place] - (before - (np.cumsum(total) - total)[place])
        factor = np.where(time <= at + 1e-6, 1 - dead / np.maximum(at_risk, 1), 1.0)
        first = np.flatnonzero(np.append(True, place[1:] != place[:-1]))
        survival, last = np.ones(size), np.full(size, -1.0)
        survival[place[first]] = np.multiply.reduceat(factor, first)
        last[place[first]] = np.maximum.reduceat(np.where(leaving > 0, time, -1.0), first)
        unknown = (total < 2) | ((last < at - 1e-6) & (survival > 0))
        return np.where(unknown, np.nan, survival).reshape(len(own), groups)


# -- the smooth curve ------------------------------------------------------------------

LARGEST_LP = 700.0
"""exp of it is still a number; survival is 0 long before."""


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
    lp = fitted.linear_predictor(restricted_cubic(_cloglog(where), knots))
    # Predictions that hardly differ give knots so close that a curve may leave what exp can hold.
    lp = np.minimum(lp, LARGEST_LP)
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

    def __init__(self, predicted: Array, at: float, per_group: int) -> None:
        self.at = at
        self.cuts = group_cuts(predicted, per_group)
        self.grid = prediction_grid(predicted)
        self.knots = smooth_knots(predicted)

    @property
    def groups(self) -> int:
        return len(self.cuts) - 1

    @property
    def size(self) -> int:
        return self.groups + (len(self.grid) if self.knots else 0)

    def gaps(self, predicted: Array, layout: _Layout, sides: list[Array]) -> list[Array]:
        """Resamples x size, of each way to count the patients; all are resamples x patients."""
        code = group_of(predicted.ravel(), self.cuts).reshape(predicted.shape)
        flat = (np.arange(len(code))[:, None] * self.groups + code).ravel()
        size, out = len(code) * self.groups, []
        for counts in sides:
            number = np.bincount(flat, counts.ravel(), minlength=size)
            with np.errstate(invalid="ignore", divide="ignore"):
                mean = np.bincount(flat, (counts * predicted).ravel(), minlength=size) / number
            observed = layout.grouped_survival(code, self.groups, counts, self.at)
            out.append(observed - mean.reshape(observed.shape))
        if self.knots is None:
            return out
        return [
            np.concatenate([gaps, curve - self.grid], axis=1)
            for gaps, curve in zip(out, self._curves(predicted, layout, sides), strict=True)
        ]

    def _curves(self, predicted: Array, layout: _Layout, sides: list[Array]) -> list[Array]:
        """The smooth curve over the grid: resamples x grid; NaN where none can be fitted."""
        assert self.knots is not None
        basis = restricted_cubic(_cloglog(predicted.ravel()), self.knots)
        x = basis.reshape(*predicted.shape, -1).transpose(0, 2, 1)
        grid = restricted_cubic(_cloglog(self.grid), self.knots)
        sets, out = layout.together, []
        upto = sets.group_time <= self.at
        start = np.eye(1, x.shape[1])[0]  # the curve of predictions that come true
        for counts in sides:
            fits = fit_batch(batch(sets, counts, x), start)
            lp = np.minimum(fits.linear_predictor(grid), LARGEST_LP)
            hazard = (fits.hazard * upto).sum(axis=1)
            out.append(np.exp(-hazard[:, None] * np.exp(lp)))
        return out


def _predicted(fitted: Refit, sample: Sample, times: Array) -> Array:
    """Survival of the patients of ``sample`` at each time, by the model fitted to it."""
    risk = np.exp(fitted.linear_predictor(sample.x))[:, None]
    if sample.stratum is None:
        return np.asarray(np.exp(-risk * fitted.hazard(times)))
    present, code = np.unique(sample.stratum, return_inverse=True)
    hazard = np.stack([fitted.hazard(times, s) for s in range(len(present))])
    return np.asarray(np.exp(-risk * hazard[code]))


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
