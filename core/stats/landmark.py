"""Landmark analysis: survival counted from a fixed time among those still followed then.

A grouping that becomes known only after treatment starts (response, a mutation acquired on
treatment) compares patients fairly only from a time at which it is known; those whose follow-up
ends by then are left out and counted. Anderson, Cain and Gelber 1983.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.model import BadInput, NotEnoughData
from core.stats.survival_data import BoolArray, FloatArray, survival_data


@dataclass(frozen=True)
class Landmark:
    """The patients followed beyond the landmark and their time since it.

    ``kept`` marks them among the rows given, so that groups and covariates can be cut alike:
    ``logrank(result.time, result.event, group[result.kept])``.
    """

    landmark: float
    time: FloatArray
    event: BoolArray
    kept: BoolArray
    n: int
    events: int
    events_before: int
    censored_before: int
    warnings: tuple[str, ...] = ()


def landmark_analysis(time: npt.ArrayLike, event: npt.ArrayLike, landmark: float) -> Landmark:
    """Keeps the patients whose follow-up goes beyond ``landmark`` and restarts their clock there.

    An event or a censoring exactly at the landmark counts as before it: such a patient adds no
    time at risk. Raises :class:`BadInput` for a negative landmark and :class:`NotEnoughData` when
    nobody is followed beyond it.
    """
    if not (np.isfinite(landmark) and landmark >= 0):
        raise BadInput("A landmark is a time, 0 or later.", found=str(landmark))
    data = survival_data(time, event)
    beyond = data.time > landmark
    if not beyond.any():
        raise NotEnoughData(
            f"Nobody is followed beyond the landmark at {landmark:g}.",
            expected=f"follow-up times above {landmark:g}",
            found=f"a longest follow-up of {data.time.max():g}",
            remedy="Choose an earlier landmark.",
        )
    later = data.part(beyond)
    events_before = data.events - later.events
    censored_before = data.n - later.n - events_before
    notes: tuple[str, ...] = ()
    if data.n > later.n:
        notes = (
            f"{data.n - later.n} of {data.n} patients are left out: {events_before} with an "
            f"event and {censored_before} censored at or before {landmark:g}.",
        )
    return Landmark(
        landmark=float(landmark),
        time=later.time - landmark,
        event=later.event,
        kept=later.kept,
        n=later.n,
        events=later.events,
        events_before=events_before,
        censored_before=censored_before,
        warnings=data.warnings + notes,
    )
