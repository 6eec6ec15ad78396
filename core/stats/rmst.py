"""Restricted mean survival time: the mean time lived up to a horizon tau, per group and compared.

RMST(tau) is the area under the Kaplan-Meier curve from 0 to tau. Its variance is
sum over event times u <= tau of (area under S from u to tau)^2 d(u) / (n(u) (n(u) - d(u))),
Greenwood's, as in R's ``print(survfit, rmean = tau)`` and in survRM2. The difference has the sum
of both variances; the ratio has the delta method's variance on the log scale.

Royston and Parmar 2013; Uno et al. 2014.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr, ndtri

from core.model import BadInput
from core.stats.km import KaplanMeier, kaplan_meier, kaplan_meier_by_group


@dataclass(frozen=True)
class RMST:
    """Mean survival time up to ``tau`` with its standard error and plain interval."""

    rmst: float
    std_error: float
    ci_lower: float
    ci_upper: float
    tau: float
    n: int
    events: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class RMSTComparison:
    """Restricted means of groups and their contrasts with the reference group.

    ``table``: group, n, events, rmst, std_error, ci_lower, ci_upper. ``contrasts``, one row per
    other group: group, reference, then difference and ratio, each with ``_ci_lower``,
    ``_ci_upper`` and ``_p_value``, and difference_std_error, log_ratio_std_error.
    """

    table: pd.DataFrame
    contrasts: pd.DataFrame
    tau: float
    n: int
    events: int
    warnings: tuple[str, ...] = ()


def rmst(time: npt.ArrayLike, event: npt.ArrayLike, tau: float, *, level: float = 0.95) -> RMST:
    """Restricted mean survival time of one group of patients (months in, months out).

    If follow-up ends before ``tau`` while some survive, the curve is carried on at its last
    value, as R's ``survfit`` does, and a warning says so. Raises :class:`BadInput` unless
    ``tau`` is positive and finite.
    """
    return rmst_of_curve(kaplan_meier(time, event), tau, level=level)


def rmst_of_curve(curve: KaplanMeier, tau: float, *, level: float = 0.95) -> RMST:
    """Restricted mean survival time of an estimated curve."""
    if not (np.isfinite(tau) and tau > 0):
        raise BadInput("The horizon must be a positive time.", expected="tau > 0", found=str(tau))
    inside = curve.time <= tau
    ends = np.append(curve.time[inside], tau)
    areas = np.diff(ends) * curve.survival[inside]
    mean = float(ends[0] + areas.sum())
    to_tau = np.cumsum(areas[::-1])[::-1]
    n, d = curve.at_risk[inside], curve.n_events[inside]
    left = n - d
    terms = np.divide(d, n * left, out=np.zeros_like(d), where=left > 1e-12 * n)
    se = float(np.sqrt(np.sum(to_tau**2 * terms)))
    z = float(ndtri(0.5 + level / 2))
    return RMST(
        rmst=mean,
        std_error=se,
        ci_lower=mean - z * se,
        ci_upper=mean + z * se,
        tau=float(tau),
        n=curve.n,
        events=curve.events,
        warnings=curve.warnings + _short_follow_up(curve, tau),
    )


def rmst_difference(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    group: npt.ArrayLike | pd.Series,
    tau: float,
    *,
    reference: object,
    order: Sequence[Any] | None = None,
    level: float = 0.95,
) -> RMSTComparison:
    """Restricted means per group; difference and ratio of each group to ``reference``.

    p-values are two-sided normal ones, of difference 0 and of ratio 1. They are NaN where
    neither group has an event before ``tau``. Raises :class:`BadInput` where the reference
    group does not occur.
    """
    curves = kaplan_meier_by_group(time, event, group, order=order)
    return rmst_of_curves(curves, tau, reference=reference, level=level)


def rmst_of_curves(
    curves: Mapping[Any, KaplanMeier], tau: float, *, reference: object, level: float = 0.95
) -> RMSTComparison:
    """What :func:`rmst_difference` gives, of curves that are estimated already, by group."""
    if reference not in curves:
        raise BadInput(
            f"The reference group {reference!r} has no patients.",
            expected=", ".join(map(str, curves)),
            found=str(reference),
        )
    means = {label: rmst_of_curve(curve, tau, level=level) for label, curve in curves.items()}
    table = pd.DataFrame(
        [(g, m.n, m.events, m.rmst, m.std_error, m.ci_lower, m.ci_upper) for g, m in means.items()],
        columns=["group", "n", "events", "rmst", "std_error", "ci_lower", "ci_upper"],
    )
    rows = [
        {"group": label, "reference": reference, **_contrast(mean, means[reference], level)}
        for label, mean in means.items()
        if label != reference
    ]
    notes = [f"{label}: {note}" for label, mean in means.items() for note in mean.warnings]
    if not rows:
        notes.append("Only one group: there is nothing to compare.")
    return RMSTComparison(
        table=table,
        contrasts=pd.DataFrame([tuple(r.values()) for r in rows], columns=list(*rows[:1])),
        tau=float(tau),
        n=sum(m.n for m in means.values()),
        events=sum(m.events for m in means.values()),
        warnings=tuple(notes),
    )


def _contrast(one: RMST, reference: RMST, level: float) -> dict[str, float]:
    z = float(ndtri(0.5 + level / 2))
    difference = one.rmst - reference.rmst
    se = float(np.hypot(one.std_error, reference.std_error))
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.array([one.rmst, reference.rmst])
        log_ratio = float(np.log(parts[0] / parts[1]))
        log_se = float(np.hypot(*(np.array([one.std_error, reference.std_error]) / parts)))
    return {
        "difference": difference,
        "difference_std_error": se,
        "difference_ci_lower": difference - z * se,
        "difference_ci_upper": difference + z * se,
        "difference_p_value": _p_value(difference, se),
        "ratio": float(np.exp(log_ratio)),
        "log_ratio_std_error": log_se,
        "ratio_ci_lower": float(np.exp(log_ratio - z * log_se)),
        "ratio_ci_upper": float(np.exp(log_ratio + z * log_se)),
        "ratio_p_value": _p_value(log_ratio, log_se),
    }


def _p_value(estimate: float, std_error: float) -> float:
    return float(2 * ndtr(-abs(estimate / std_error))) if std_error > 0 else float("nan")


def _short_follow_up(curve: KaplanMeier, tau: float) -> tuple[str, ...]:
    last = float(curve.time[-1])
    if last >= tau or curve.survival[-1] == 0:
        return ()
    return (
        f"Follow-up ends at {last:g}, before the horizon {tau:g}: the curve is carried on at "
        "its last value. Choose an earlier horizon.",
    )
