"""Net benefit: would acting on the predictions do more good than treating everyone or no one?

At a threshold p of predicted risk (death by t), patients with a risk above p are "treated". With
their share q and Kaplan-Meier survival S(t) among them, the net benefit is
q (1 - S) - q S p / (1 - p): true positives less false positives at the odds that the threshold
means. Treating everyone gives (1 - S) - S p / (1 - p) with S of all; no one, 0.

Vickers and Elkin 2006; with censoring, Vickers et al. 2008.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.model import BadInput, NotEnoughData
from core.stats.survival_data import SurvivalData, survival_data

THRESHOLDS = tuple(np.round(np.arange(0.05, 0.951, 0.01), 2))


@dataclass(frozen=True)
class DecisionCurve:
    """``table``: threshold, net_benefit, treat_all, treat_none, treated (share above)."""

    time: float
    table: pd.DataFrame
    n: int
    events: int
    warnings: tuple[str, ...] = ()


def decision_curve(
    risk: npt.ArrayLike,
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    at: float,
    *,
    thresholds: npt.ArrayLike = THRESHOLDS,
) -> DecisionCurve:
    """Net benefit of treating those whose predicted ``risk`` of the event by ``at`` is higher.

    Patients with a missing value are left out with a warning. Where nobody above a threshold is
    followed to ``at`` the last value of their curve is used. Raises BadInput for risks or
    thresholds outside 0 to 1, NotEnoughData where nobody is followed to ``at``.
    """
    p, cut = np.asarray(risk, dtype=float), np.atleast_1d(np.asarray(thresholds, dtype=float))
    if np.any((p < 0) | (p > 1)) or np.any((cut <= 0) | (cut >= 1)):
        raise BadInput("A risk or a threshold is no probability.", expected="values from 0 to 1")
    data = survival_data(time, event, others=[p])
    p = p[data.kept]
    if data.time.max() < at:
        raise NotEnoughData(
            f"Nobody is followed for {at:g} months.",
            found=f"the longest follow-up is {data.time.max():g} months",
            remedy="Choose an earlier time.",
        )
    odds = cut / (1 - cut)

    rising = np.argsort(cut, kind="stable")
    reached = np.searchsorted(cut[rising], p, side="left")  # how many thresholds are below each
    share, risk_above = np.empty(len(cut)), np.empty(len(cut))
    share[rising] = np.bincount(reached, minlength=len(cut) + 1)[:0:-1].cumsum()[::-1] / data.n
    risk_above[rising] = 1 - _survival_above(data, at, reached, len(cut))
    everyone = float(1 - _survival_above(data, at, np.ones(data.n, dtype=np.intp), 1)[0])
    return DecisionCurve(
        time=at,
        table=pd.DataFrame(
            {
                "threshold": cut,
                "net_benefit": share * risk_above - share * (1 - risk_above) * odds,
                "treat_all": everyone - (1 - everyone) * odds,
                "treat_none": 0.0,
                "treated": share,
            }
        ),
        n=data.n,
        events=data.events,
        warnings=data.warnings,
    )


def _survival_above(
    data: SurvivalData, at: float, reached: npt.NDArray[np.intp], thresholds: int
) -> npt.NDArray[np.float64]:
    """Kaplan-Meier survival at ``at`` of the patients above each threshold, in rising order; 1
    where there is nobody. ``reached``: how many of the thresholds each patient is above.

    All curves come from one table of event times by thresholds.
    """
    times = np.unique(data.time[data.event & (data.time <= at)])
    if not len(times):
        return np.ones(thresholds)

    def above(rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
        """Patients by how many event times they reach, and by threshold."""
        lived = np.searchsorted(times, data.time[rows], side="right")
        wide = thresholds + 1
        cells = np.bincount(lived * wide + reached[rows], minlength=(len(times) + 1) * wide)
        table = cells.reshape(-1, wide)[1:, 1:]  # not those who leave before the first event
        return np.asarray(table[:, ::-1].cumsum(axis=1)[:, ::-1])

    at_risk = above(np.ones(data.n, dtype=bool))[::-1].cumsum(axis=0)[::-1]
    died = above(data.event & (data.time <= at))
    return np.asarray((1 - died / np.maximum(at_risk, 1)).prod(axis=0))
