"""The same comparison in the discovery cohorts, the validation cohorts and both (figures 1A-C).

The groups are made once, of all patients, so that a quantile or a chosen cut is the same value in
every panel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.analysis.demands import demand_known
from core.analysis.survival import (
    SurvivalComparison,
    compare_grouping,
    patient_flow,
    patients_sentence,
)
from core.groups import assign
from core.model import Filters, NotEnoughData, Role, Stratifier
from core.store import Store, sentence

POOLED = "Pooled"


@dataclass(frozen=True)
class Panel:
    """One panel: its comparison, or in words why there is none."""

    name: str
    result: SurvivalComparison | None
    reason: str = ""


@dataclass(frozen=True)
class Panels:
    """The pooled comparison, and a panel for each role that the filters keep (none if only one)."""

    pooled: SurvivalComparison
    roles: tuple[Panel, ...]

    @property
    def all(self) -> tuple[Panel, ...]:
        """The roles' panels, then the pooled one."""
        return (*self.roles, Panel(POOLED, self.pooled))


def survival_panels(
    store: Store,
    filters: Filters,
    stratifier: Stratifier,
    *,
    endpoint: str = "OS",
    stratified: bool = True,
) -> Panels:
    """Compare survival in each role's cohorts and in all of them.

    Raises NotEnoughData where not even the pooled patients make two groups.
    """
    frame = store.patients(filters, endpoint)
    grouping = assign(store, frame, stratifier)
    cohorts = store.cohorts().set_index("cohort_id")
    names = dict(zip(cohorts.index.astype(str), cohorts["name"], strict=True))
    flow, kept = patient_flow(store.attrition(filters), frame, grouping, endpoint)
    words = patients_sentence(sentence(filters, cohort_names=names), frame, grouping)
    demand_known(frame, grouping, endpoint, words)
    strata = "cohort_id" if stratified else None
    pooled = compare_grouping(
        frame[kept],
        grouping,
        endpoint=endpoint,
        strata=strata,
        flow=flow,
        words=words,
    )
    role = frame.cohort_id.map(cohorts.role)
    present = [r.value for r in Role if (role == r.value).any()]
    # a cut chosen by looking at all patients leaves no valid p-value for a part of them
    once = replace(grouping, notes=())
    if grouping.corrected_p is not None:
        once = replace(once, corrected_p=float("nan"))
    panels = []
    for name in present if len(present) > 1 else ():
        own = role == name
        try:
            demand_known(frame[own], replace(once, labels=once.labels[own], reasons=()), endpoint)
            found = compare_grouping(frame[kept & own], once, endpoint=endpoint, strata=strata)
            panels.append(Panel(name.capitalize(), found))
        except NotEnoughData as error:
            panels.append(Panel(name.capitalize(), None, f"{error.message} Found: {error.found}."))
    return Panels(pooled, tuple(panels))
