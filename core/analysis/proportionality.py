"""Is the hazard ratio constant in time, and what to read where it is not.

The test is Grambsch and Therneau's (:mod:`core.stats.zph`). Where it speaks against a constant
ratio, a single hazard ratio averages over times at which it differs; what then describes the
groups are the difference of restricted mean survival times, survival at landmarks, and the hazard
ratio in successive periods.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from core.analysis.result import Result
from core.analysis.survival import LANDMARKS, MIN_EVENTS, MIN_PATIENTS, SurvivalComparison
from core.model import BadInput, NotEnoughData
from core.stats.cox import cox
from core.stats.km import KaplanMeier
from core.stats.rmst import RMSTComparison, rmst_of_curves
from core.stats.survival_data import FloatArray
from core.stats.zph import cox_zph

ALPHA = 0.05
"""Below it the hazard ratio is called not constant."""

PERIODS = (0.0, 6.0, 12.0, 24.0, np.inf)
"""Months that part the periods of the hazard ratio over time."""


@dataclass(frozen=True)
class Proportionality(Result):
    """How the groups differ over time; times in months.

    rmst: restricted means up to ``rmst.tau``, and contrasts with the reference
    landmarks: month, group, survival, ci_lower, ci_upper, at_risk, and against the reference
        difference, difference_lower, difference_upper, p_value
    """

    rmst: RMSTComparison
    longest_tau: float
    landmarks: pd.DataFrame
    methods: str
    warnings: tuple[str, ...] = ()


def proportionality(result: SurvivalComparison, tau: float | None = None) -> Proportionality:
    """Describe how the groups of ``result`` differ without one hazard ratio for all times.

    ``tau``: the horizon of the restricted mean, by default the last time at which every group
    has MIN_PATIENTS patients at risk, and at most (which a warning tells) the smallest of the
    groups' longest follow-ups. Raises BadInput unless it is above 0, and
    NotEnoughData where a group has no follow-up.
    """
    curves = result.km
    longest = float(min(curve.time[-1] for curve in curves.values()))
    if tau is not None and not tau > 0:
        raise BadInput(
            f"The horizon of {tau:g} months is no time.",
            expected="above 0 months",
            found=f"{tau:g}",
            remedy="Choose a later horizon.",
        )
    if longest <= 0:
        raise NotEnoughData(
            "A group has no follow-up beyond time 0.",
            expected="follow-up in every group",
            found=", ".join(f"{g}: {c.time[-1]:g} months" for g, c in curves.items()),
            remedy="Widen a filter.",
        )
    late: tuple[str, ...] = ()
    if tau is not None and tau > longest:
        late = (
            f"A group is followed for {longest:.1f} months only: the mean is taken up to there, "
            f"not up to {tau:g}.",
        )
    horizon = _horizon(curves, longest) if tau is None else min(tau, longest)
    means = rmst_of_curves(curves, horizon, reference=result.order[0])
    return Proportionality(
        rmst=means,
        longest_tau=longest,
        landmarks=_landmarks(curves, result),
        methods=_methods(result, means.tau),
        warnings=(*means.warnings, *late),
    )


def _horizon(curves: Mapping[str, KaplanMeier], longest: float) -> float:
    """The last time at which every curve has MIN_PATIENTS at risk; ``longest`` if none has."""
    last = [float(c.time[c.at_risk >= MIN_PATIENTS].max(initial=0.0)) for c in curves.values()]
    return min(last) if min(last) > 0 else longest


def violated(p_value: float) -> bool:
    """True where :func:`proportional_p` speaks against a constant hazard ratio."""
    return p_value < ALPHA


def proportional_p(result: SurvivalComparison) -> float:
    """p of the test that the hazard ratio is constant in time, all groups together.

    NaN where it cannot be tested: an arm is small, or nothing was estimated.
    """
    if result.fit is None or not result.large_enough:
        return float("nan")
    try:
        return float(cox_zph(result.fit).p_value[-1])
    except NotEnoughData:
        return float("nan")


def _landmarks(curves: Mapping[str, KaplanMeier], result: SurvivalComparison) -> pd.DataFrame:
    """Survival at LANDMARKS; the difference by Greenwood's errors, its p by log(-log S).

    Klein, Logan, Harhoff and Andersen, Stat Med 2007;26:4505-4519: the difference itself is too
    liberal in small groups, its transform log(-log) is not.
    """
    z = float(ndtri(0.975))
    points = {g: c.values_at(LANDMARKS) for g, c in curves.items()}
    reference = points[result.order[0]]
    columns = ["survival", "ci_lower", "ci_upper", "at_risk"]
    parts = []
    for group, at in points.items():
        same = group == result.order[0]
        difference = at["survival"] - reference["survival"]
        se = np.hypot(at["std_error"], reference["std_error"])
        with np.errstate(divide="ignore", invalid="ignore"):
            gap = _loglog(at) - _loglog(reference)
            spread = np.hypot(_loglog_error(at), _loglog_error(reference))
            p = 2 * ndtr(-np.abs(gap / spread))
        withheld = same or not result.large_enough or result.corrected_p is not None
        against = (difference, difference - z * se, difference + z * se)
        parts.append(
            [at[name] for name in columns]
            + [np.array(LANDMARKS), np.full(len(p), group, dtype=object)]
            + [np.full(len(p), np.nan) if same else values for values in against]
            + [np.full(len(p), np.nan) if withheld else p]
        )
    columns += ["month", "group", "difference", "difference_lower", "difference_upper", "p_value"]
    found = [np.concatenate(values) for values in zip(*parts, strict=True)]
    return pd.DataFrame(dict(zip(columns, found, strict=True)))


def _loglog(at: dict[str, FloatArray]) -> FloatArray:
    return np.log(-np.log(at["survival"]))


def _loglog_error(at: dict[str, FloatArray]) -> FloatArray:
    return at["std_error"] / (at["survival"] * np.abs(np.log(at["survival"])))


def hazard_over_time(result: SurvivalComparison) -> pd.DataFrame:
    """The hazard ratio within each of PERIODS among those still followed at its start.

    Columns: comparison, start, end, events, hazard_ratio, ci_lower, ci_upper (NaN: too few events
    in some group). The partial likelihood of a model with a coefficient per period falls into
    these parts.
    """
    time, event = result.rows.time_months.to_numpy(float), result.rows.event.to_numpy(float)
    group = result.rows.group.to_numpy(object)
    cohort = result.rows.cohort_id.to_numpy(object) if result.stratified else None
    others = result.order[1:]
    parts = []
    for start, end in pairwise(PERIODS):
        inside = (time > start) if start else np.ones(len(time), dtype=bool)
        happened = ((event == 1) & (time <= end))[inside]
        part = pd.DataFrame(
            {
                "comparison": [f"{g} vs {result.order[0]}" for g in others],
                "start": start,
                "end": min(end, float(time.max())),
                "events": int(happened.sum()),
                "hazard_ratio": np.nan,
                "ci_lower": np.nan,
                "ci_upper": np.nan,
            }
        )
        counts = [int(happened[group[inside] == g].sum()) for g in result.order]
        if start < time.max() and min(counts) >= MIN_EVENTS:
            fit = cox(
                np.column_stack([(group[inside] == g).astype(float) for g in others]),
                np.minimum(time[inside], end),
                happened.astype(float),
                names=list(others),
                strata=None if cohort is None else cohort[inside],
            ).table()
            columns = ["hazard_ratio", "ci_lower", "ci_upper"]
            part[columns] = fit[columns].to_numpy()
        if inside.any():
            parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _methods(result: SurvivalComparison, tau: float) -> str:
    by = " within studies" if result.stratified else ""
    return (
        "Constancy of the hazard ratio was tested by Grambsch and Therneau's score test on scaled "
        "Schoenfeld residuals (time on the Kaplan-Meier scale). Restricted mean survival times are "
        f"areas under the Kaplan-Meier curves up to {tau:.1f} months, studies taken together; "
        "survival at landmarks is compared on the scale of log(-log S). Hazard ratios in periods "
        f"are Cox's{by}, among patients followed beyond the period's start, where every group has "
        f"at least {MIN_EVENTS} events in it."
    )
