"""Cumulative incidence where a competing event exists: the Aalen-Johansen estimate.

F_k(t) is the sum over event times u <= t of S(u-) d_k(u)/n(u), with S the Kaplan-Meier estimate
of being free of every event. One minus the Kaplan-Meier curve of cause k alone would overstate
it. The standard error is the infinitesimal jackknife that R's multi-state ``survfit`` gives:
the sum of squares over patients of their influence
U_i(t) = sum over u <= t of S(u-) dM_ki(u)/n(u) - (F_k(t) - F_k(u)) dM_i(u)/(n(u)(1 - d(u)/n(u))),
dM_i(u) = dN_i(u) - [i at risk at u] d(u)/n(u). It needs no patients x times matrix: U_i is
P_i - F_k(t) H_i with P_i and H_i fixed after the patient's last follow-up and common to all
patients before it, so the squares accumulate.

Aalen and Johansen 1978; Therneau, Crowson and Atkinson, Multi-state models (vignette of survival).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from core.model import BadInput
from core.stats.km import ConfidenceInterval
from core.stats.survival_data import FloatArray, IntArray, SurvivalData, survival_data


@dataclass(frozen=True)
class CumulativeIncidence:
    """Incidence of one cause at the distinct times of follow-up, in ascending order.

    ``n_events`` counts events of the cause, ``n_competing`` those of every other cause;
    ``event_free`` is the fraction without any event. ``events`` counts the cause's events.
    """

    time: FloatArray
    incidence: FloatArray
    std_error: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    event_free: FloatArray
    at_risk: FloatArray
    n_events: FloatArray
    n_competing: FloatArray
    n_censored: FloatArray
    n: int
    events: int
    cause: int
    ci: ConfidenceInterval = "log-log"
    level: float = 0.95
    warnings: tuple[str, ...] = ()

    def at(self, times: npt.ArrayLike, *, extend: bool = False) -> pd.DataFrame:
        """The step function at given times: time, incidence, std_error, ci_lower, ci_upper.

        Beyond the last follow-up NaN, unless nobody is left event-free or ``extend`` is set.
        """
        t = np.atleast_1d(np.asarray(times, dtype=float))
        index = np.searchsorted(self.time, t, side="right")
        known = (t <= self.time[-1]) | extend | (self.event_free[-1] <= 0)
        columns = {"time": t}
        for name, first in (
            ("incidence", 0.0),
            ("std_error", 0.0),
            ("ci_lower", 0.0),
            ("ci_upper", 0.0),
        ):
            columns[name] = np.where(known, np.append(first, getattr(self, name))[index], np.nan)
        return pd.DataFrame(columns)


def cumulative_incidence(
    time: npt.ArrayLike,
    status: npt.ArrayLike,
    *,
    cause: int = 1,
    ci: ConfidenceInterval = "log-log",
    level: float = 0.95,
) -> CumulativeIncidence:
    """Cumulative incidence of ``cause``.

    ``status`` is 0 for censored and a positive whole number for each kind of event. Missing rows
    are left out with a warning. Intervals are R's ``survfit`` ones on the incidence itself (log,
    log-log, plain); they are NaN where the incidence is 0
    (log-log also where it is 1). Raises :class:`BadInput` for other
    codes. A cause that never happens has incidence 0 and a warning.
    """
    codes = np.asarray(pd.Series(status), dtype=float)
    if np.any((codes < 0) | (np.isfinite(codes) & (codes != np.floor(codes))) | np.isinf(codes)):
        raise BadInput(
            "A status makes no sense.", expected="0 (censored) or the number of a cause, 1, 2, ..."
        )
    if cause < 1 or ci not in get_args(ConfidenceInterval):
        raise BadInput("Unknown cause or interval.", found=f"cause {cause}, interval {ci}")
    event = np.where(np.isnan(codes), np.nan, codes > 0)
    data = survival_data(time, event)
    own = codes[data.kept] == cause
    first, cell, columns = _counts(data, own)
    at_risk, d_all, d_own = columns
    incidence, free, std_error = _aalen_johansen(at_risk, d_all, d_own, cell, data.event, own)
    lower, upper = _interval(incidence, std_error, ci, level)
    n_left = np.bincount(cell, minlength=len(first)).astype(float)
    notes = () if own.any() else (f"No event of cause {cause}: its incidence stays at 0.",)
    return CumulativeIncidence(
        time=first,
        incidence=incidence,
        std_error=std_error,
        ci_lower=lower,
        ci_upper=upper,
        event_free=free,
        at_risk=at_risk,
        n_events=d_own,
        n_competing=d_all - d_own,
        n_censored=n_left - d_all,
        n=data.n,
        events=int(own.sum()),
        cause=cause,
        ci=ci,
        level=level,
        warnings=data.warnings + notes,
    )


def _counts(
    data: SurvivalData, own: npt.NDArray[np.bool_]
) -> tuple[FloatArray, IntArray, tuple[FloatArray, FloatArray, FloatArray]]:
    """Distinct times, each patient's index among them, and (at risk, all events, own events)."""
    ascending = data.time[data.order]
    new = np.append(True, ascending[1:] != ascending[:-1])
    cell = np.empty(data.n, dtype=np.int64)
    cell[data.order] = np.cumsum(new) - 1
    first = np.flatnonzero(new)
    m = len(first)
    d_all = np.bincount(cell[data.event], minlength=m).astype(float)
    d_own = np.bincount(cell[own], minlength=m).astype(float)
    return ascending[first], cell, ((data.n - first).astype(float), d_all, d_own)


def _aalen_johansen(
    n: FloatArray,
    d_all: FloatArray,
    d_own: FloatArray,
    cell: IntArray,
    event: npt.NDArray[np.bool_],
    own: npt.NDArray[np.bool_],
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Incidence, event-free fraction, and the incidence's standard error (see the module)."""
    free = np.asarray(np.cumprod(1 - d_all / n), dtype=float)
    before = np.append(1.0, free[:-1])
    incidence = np.cumsum(before * d_own / n)
    survivors = n - d_all
    jump = np.divide(1.0, survivors, out=np.zeros_like(n), where=survivors > 0)
    common_h = np.cumsum(jump * d_all / n)
    common_p = np.cumsum(before * d_own / n**2 + incidence * jump * d_all / n)
    h = np.where(event, jump[cell], 0.0) - common_h[cell]
    p = np.where(own, (before / n)[cell], 0.0) - common_p[cell]
    p += np.where(event, (incidence * jump)[cell], 0.0)

    def accumulate(x: FloatArray) -> FloatArray:
        return np.asarray(np.cumsum(np.bincount(cell, weights=x, minlength=len(n))), dtype=float)

    apart = accumulate(p * p) + incidence**2 * accumulate(h * h)
    still = np.append(n[1:], 0.0)
    apart += still * (common_p - incidence * common_h) ** 2
    squares = apart - 2 * incidence * accumulate(p * h)
    squares[squares < 1e-13 * apart] = 0.0  # what rounding leaves where the variance is 0
    std_error: FloatArray = np.sqrt(squares)
    return incidence, free, std_error


def _interval(
    p: FloatArray, std_error: FloatArray, ci: ConfidenceInterval, level: float
) -> tuple[FloatArray, FloatArray]:
    z = float(ndtri(0.5 + level / 2))
    p = np.where(p > 0, p, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        if ci == "plain":
            return np.maximum(p - z * std_error, 0.0), np.minimum(p + z * std_error, 1.0)
        relative = z * std_error / p
        if ci == "log":
            return p * np.exp(-relative), np.minimum(p * np.exp(relative), 1.0)
        log_p = np.where(p < 1 - 1e-12, np.log(p), np.nan)
        shift = relative / log_p
        log_log = np.log(-log_p)
        return np.exp(-np.exp(log_log - shift)), np.exp(-np.exp(log_log + shift))
