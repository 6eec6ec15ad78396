"""Kaplan-Meier: survival, its interval, quantiles, numbers at risk; median follow-up.

S(t) is the product over event times u <= t of 1 - d(u)/n(u), with d(u) events and n(u) at risk
(time >= u, and entry < u under left truncation). The standard error is Greenwood's,
S(t) sqrt(sum d/(n(n - d))). Intervals, as R's ``survfit`` defines them (z the normal quantile,
g = sqrt of Greenwood's sum): plain S -+ z S g, cut to [0, 1]; log exp(log S -+ z g), cut at 1;
log-log exp(-exp(log(-log S) +- z g / log S)). Where S is 0 no interval exists; where S is 1 the
log-log interval does not exist and the other two have no width.

Kaplan and Meier 1958; Kalbfleisch and Prentice, The Statistical Analysis of Failure Time Data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from core.model import BadInput
from core.stats.survival_data import (
    NEAR_TIE,
    FloatArray,
    SurvivalData,
    coded,
    occurring,
    survival_data,
)

ConfidenceInterval = Literal["log-log", "log", "plain"]


class Quantile(NamedTuple):
    """A time and its confidence interval; NaN where the curve does not fall that far."""

    estimate: float
    lower: float
    upper: float


@dataclass(frozen=True)
class KaplanMeier:
    """A survival curve at the distinct times of follow-up, in ascending order.

    ``at_risk``, ``n_events`` and ``n_censored`` are counts (sums of weights if weighted).
    ``n`` and ``events`` count patients.
    """

    time: FloatArray
    survival: FloatArray
    std_error: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    at_risk: FloatArray
    n_events: FloatArray
    n_censored: FloatArray
    n: int
    events: int
    ci: ConfidenceInterval = "log-log"
    level: float = 0.95
    warnings: tuple[str, ...] = ()
    entries: tuple[FloatArray, FloatArray] | None = field(default=None, repr=False)
    """Under left truncation: sorted entry times and how many have entered up to each."""

    @property
    def median(self) -> Quantile:
        """Median survival with its confidence interval."""
        return self.quantile(0.5)

    def quantile(self, p: float) -> Quantile:
        """The time by which a fraction ``p`` of patients had the event, with its interval.

        The first time at which S <= 1 - p; where S equals 1 - p over a stretch, its middle, as
        in R. The interval's ends are the crossings of the confidence band (Brookmeyer and
        Crowley 1982). NaN where a curve does not come down to 1 - p.
        """
        if not 0 < p < 1:
            raise BadInput("A quantile lies between 0 and 1.", expected="0 < p < 1", found=str(p))
        curves = (self.survival, self.ci_lower, self.ci_upper)
        return Quantile(*(_crossing(self.time, curve, 1 - p) for curve in curves))

    def number_at_risk(self, times: npt.ArrayLike) -> FloatArray:
        """Patients at risk at each time: those whose follow-up is at least that long."""
        t = np.asarray(times, dtype=float)
        if self.entries is None:
            counts: FloatArray = np.append(self.at_risk, 0)[np.searchsorted(self.time, t)]
            return counts
        left = np.append(0.0, np.cumsum(self.n_events + self.n_censored))
        entry, entered = self.entries
        at_risk: FloatArray = np.append(0.0, entered)[np.searchsorted(entry, t)]
        return at_risk - left[np.searchsorted(self.time, t)]

    def at(self, times: npt.ArrayLike, *, extend: bool = False) -> pd.DataFrame:
        """The curve at given times, as R's ``summary(survfit, times=)``.

        A step function: the value at t includes the events at t; before the first follow-up time
        survival and its interval are 1. Beyond the last follow-up the
        curve is unknown (NaN) unless it has reached 0 or ``extend`` carries it on.
        Columns: time, survival, std_error, ci_lower, ci_upper, at_risk, n_events (up to t).
        """
        return _frame(**self.values_at(times, extend=extend))

    def values_at(self, times: npt.ArrayLike, *, extend: bool = False) -> dict[str, FloatArray]:
        """The columns of :meth:`at`, for those who need no frame."""
        t = _times(times)
        index = np.searchsorted(self.time, t, side="right")
        known = (t <= self.time[-1]) | extend | (self.survival[-1] == 0)

        def step(first: float, values: FloatArray) -> FloatArray:
            return np.where(known, np.append(first, values)[index], np.nan)

        return {
            "time": t,
            "survival": step(1.0, self.survival),
            "std_error": step(0.0, self.std_error),
            "ci_lower": step(1.0, self.ci_lower),
            "ci_upper": step(1.0, self.ci_upper),
            "at_risk": self.number_at_risk(t),
            "n_events": np.append(0.0, np.cumsum(self.n_events))[index],
        }

    def risk_table(self, times: npt.ArrayLike) -> pd.DataFrame:
        """Numbers for the table under a plot, at ascending times.

        Columns: time, at_risk (at the time), n_events and n_censored since the time before.
        """
        return _frame(**self.risk_counts(times))

    def risk_counts(self, times: npt.ArrayLike) -> dict[str, FloatArray]:
        """The columns of :meth:`risk_table`, for those who need no frame."""
        t = _times(times)
        if np.any(np.diff(t) < 0):
            raise BadInput("The times of a risk table must ascend.", found=str(t.tolist()))
        index = np.searchsorted(self.time, t, side="right")

        def since(counts: FloatArray) -> FloatArray:
            return np.diff(np.append(0.0, np.cumsum(counts))[index], prepend=0.0)

        return {
            "time": t,
            "at_risk": self.number_at_risk(t),
            "n_events": since(self.n_events),
            "n_censored": since(self.n_censored),
        }

    def curve(self) -> pd.DataFrame:
        """The steps for a plot: a row at time 0 with survival 1, then one per distinct time.

        Events at time 0 stand in a second row at 0, so that the drop there is drawn.
        """
        return _frame(**self.steps())

    def steps(self) -> dict[str, FloatArray]:
        """The columns of :meth:`curve`, for those who need no frame."""
        start = float(self.number_at_risk([0.0])[0])
        return {
            "time": np.append(0.0, self.time),
            "survival": np.append(1.0, self.survival),
            "ci_lower": np.append(1.0, self.ci_lower),
            "ci_upper": np.append(1.0, self.ci_upper),
            "at_risk": np.append(start, self.at_risk),
            "n_events": np.append(0.0, self.n_events),
            "n_censored": np.append(0.0, self.n_censored),
        }


def kaplan_meier(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    *,
    entry: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    ci: ConfidenceInterval = "log-log",
    level: float = 0.95,
) -> KaplanMeier:
    """Kaplan-Meier estimate of survival.

    ``time`` (months), ``event`` (1 event, 0 censored) and the optional ``entry`` (left
    truncation) and ``weights`` hold one value per patient; missing values and impossible ones
    are treated as :mod:`core.stats.survival_data` says. Weights count patients: a weight of 2 is
    two patients, and Greenwood's standard error takes it so (``robust=FALSE`` in R).
    """
    data = survival_data(time, event, entry=entry, weights=weights)
    return fit(data, ci=ci, level=level)


def kaplan_meier_by_group(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    group: npt.ArrayLike | pd.Series,
    *,
    order: Sequence[Any] | None = None,
    ci: ConfidenceInterval = "log-log",
    level: float = 0.95,
) -> dict[Any, KaplanMeier]:
    """One curve per group that occurs, in the order of ``order`` (else sorted labels)."""
    codes, labels = coded(group, order)
    data = survival_data(time, event, codes=[codes])
    codes, labels = occurring(codes, labels, data.kept)
    curves = {}
    for code, label in enumerate(labels):
        curves[label] = fit(data.part(codes == code), ci=ci, level=level)
    return curves


def median_follow_up(time: npt.ArrayLike, event: npt.ArrayLike, *, level: float = 0.95) -> Quantile:
    """Median follow-up by the reverse Kaplan-Meier estimate (Schemper and Smith 1996).

    Censoring is the event and the event censors; the interval is log-log.
    """
    data = survival_data(time, event)
    return fit(replace(data, event=~data.event), level=level).median


def fit(
    data: SurvivalData, *, ci: ConfidenceInterval = "log-log", level: float = 0.95
) -> KaplanMeier:
    """The estimate from checked data; :func:`kaplan_meier` is the door for everyone else."""
    if ci not in get_args(ConfidenceInterval):
        known = ", ".join(get_args(ConfidenceInterval))
        raise BadInput(f"Unknown confidence interval {ci!r}.", expected=known, found=str(ci))
    if not 0 < level < 1:
        raise BadInput("A confidence level lies between 0 and 1.", found=str(level))
    distinct, at_risk, n_events, n_left, entries = _counts(data)
    gone = at_risk - n_events <= 1e-12 * at_risk
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.where(n_events > 0, n_events / at_risk, 0.0)
        factors = np.where(gone & (n_events > 0), 0.0, 1.0 - hazard)
        survival = np.asarray(np.cumprod(factors), dtype=float)
        terms = np.where(n_events > 0, hazard / (at_risk - n_events), 0.0)
        greenwood = np.sqrt(np.cumsum(np.where(gone & (n_events > 0), np.inf, terms)))
        std_error = survival * greenwood
    lower, upper = _interval(survival, greenwood, ci, level)
    return KaplanMeier(
        time=distinct,
        survival=survival,
        std_error=std_error,
        ci_lower=lower,
        ci_upper=upper,
        at_risk=at_risk,
        n_events=n_events,
        n_censored=n_left - n_events,
        n=data.n,
        events=data.events,
        ci=ci,
        level=level,
        warnings=data.warnings + _warnings(data, distinct, survival, n_events),
        entries=entries,
    )


def _counts(
    data: SurvivalData,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, tuple[FloatArray, FloatArray] | None]:
    """Distinct times with numbers at risk, events, and leaving (events and censored)."""
    order = data.order
    sorted_time = data.time[order]
    first = np.flatnonzero(np.append(True, sorted_time[1:] != sorted_time[:-1]))
    distinct = sorted_time[first]
    if data.weights is None:
        end = np.append(first[1:], data.n)
        n_left = (end - first).astype(float)
        happened = np.append(0, np.cumsum(data.event[order]))
        n_events = (happened[end] - happened[first]).astype(float)
        at_risk = (data.n - first).astype(float)
    else:
        w = data.weights[order]
        n_left = np.add.reduceat(w, first)
        n_events = np.add.reduceat(w * data.event[order], first)
        at_risk = np.cumsum(w[::-1])[::-1][first]
    if data.entry is None:
        return distinct, at_risk, n_events, n_left, None
    by_entry = np.argsort(data.entry)
    entry = data.entry[by_entry]
    w = np.ones(data.n) if data.weights is None else data.weights[by_entry]
    not_yet = np.append(np.cumsum(w[::-1])[::-1], 0.0)[np.searchsorted(entry, distinct)]
    return distinct, at_risk - not_yet, n_events, n_left, (entry, np.cumsum(w))


def _interval(
    survival: FloatArray, greenwood: FloatArray, ci: ConfidenceInterval, level: float
) -> tuple[FloatArray, FloatArray]:
    width = float(ndtri(0.5 + level / 2)) * greenwood
    s = np.where(survival > 0, survival, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        if ci == "plain":
            return np.maximum(s - s * width, 0.0), np.minimum(s + s * width, 1.0)
        log_s = np.log(s)
        if ci == "log":
            return np.exp(log_s - width), np.minimum(np.exp(log_s + width), 1.0)
        log_s = np.where(log_s == 0, np.nan, log_s)
        log_log, shift = np.log(-log_s), width / log_s
        return np.exp(-np.exp(log_log - shift)), np.exp(-np.exp(log_log + shift))


def _warnings(
    data: SurvivalData, time: FloatArray, survival: FloatArray, n_events: FloatArray
) -> tuple[str, ...]:
    notes = []
    if data.events == 0:
        notes.append("No event: survival stays at 1 and no interval can be given.")
    zero = np.flatnonzero(survival == 0)
    if data.entry is not None and len(zero) and n_events[zero[0] + 1 :].any():
        notes.append(
            f"Survival falls to 0 at {time[zero[0]]:g}: everyone then at risk had the event, "
            "although more patients enter later. Start the analysis after that time."
        )
    if data.weights is not None and np.any(data.weights != np.floor(data.weights)):
        notes.append("The standard error takes weights as counts of patients.")
    return tuple(notes)


def _frame(**columns: FloatArray) -> pd.DataFrame:
    """A table of numbers; as one block it is made three times as fast as column by column."""
    return pd.DataFrame(np.column_stack(list(columns.values())), columns=list(columns))


def _crossing(time: FloatArray, curve: FloatArray, target: float) -> float:
    below = np.flatnonzero(curve < target + NEAR_TIE)
    if not len(below):
        return float("nan")
    first = below[0]
    if abs(curve[first] - target) < NEAR_TIE:
        lower = np.flatnonzero(curve[first:] < curve[first] - NEAR_TIE)
        if len(lower):
            return float((time[first] + time[first + lower[0]]) / 2)
    return float(time[first])


def _times(times: npt.ArrayLike) -> FloatArray:
    t = np.atleast_1d(np.asarray(times, dtype=float))
    if np.isnan(t).any():
        raise BadInput("A time to read the curve at is missing.", found=str(t.tolist()))
    return t
