"""Survival by group: curves, numbers at risk, medians, log-rank and hazard ratios (figures 1A-C).

:func:`compare_survival` works on any frame of patients; :func:`survival_question` asks the store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.analysis.demands import demand_known, groups_in_words
from core.analysis.result import Result
from core.groups import Grouping, assign
from core.model import ENDPOINT_LABEL, Filters, NotEnoughData, Stratifier
from core.stats.cox import CoxFit, cox
from core.stats.km import ConfidenceInterval, KaplanMeier, kaplan_meier_by_group
from core.stats.logrank import LogRank, logrank, oe_hazard_ratio
from core.stats.profile import ratio_limits
from core.store import Store, sentence

MIN_PATIENTS, MIN_EVENTS = 10, 5
"""In each arm; below either no p-value is given, and Firth's estimate stands alone."""

STRATA_NAME = {"cohort_id": "cohort", "tumor_type_source": "tumour type"}
"""Columns as a methods sentence calls them."""

LANDMARKS = (12.0, 24.0)
"""Months at which survival is printed."""


@dataclass(frozen=True)
class SurvivalComparison(Result):
    """What a survival figure shows, as tidy tables; all times in months.

    curves: group, time, survival, ci_lower, ci_upper (a row per step, from time 0)
    censored: group, time, survival (a row per time with a censored patient)
    risk_table: group, time, at_risk, n_events, n_censored (since the column before)
    arms: group, n, events, median, median_lower, median_upper, and for each month of LANDMARKS
        survival_12, survival_12_lower, survival_12_upper
    hazard_ratios: comparison, method, hazard_ratio, ci_lower, ci_upper, p_value (NaN: withheld)
    flow: step, n, lost (from the store to the analysis)
    rows: the patients analysed
    """

    title: str
    endpoint: str
    order: tuple[str, ...]
    curves: pd.DataFrame
    censored: pd.DataFrame
    risk_table: pd.DataFrame
    arms: pd.DataFrame
    hazard_ratios: pd.DataFrame
    logrank: LogRank
    flow: pd.DataFrame
    rows: pd.DataFrame
    sentence: str
    methods: str
    warnings: tuple[str, ...]
    km: Mapping[str, KaplanMeier] = field(default_factory=dict, repr=False)
    """Each group's estimate: what ``curves``, ``censored``, ``risk_table``, ``arms`` tell of."""
    fit: CoxFit | None = field(default=None, repr=False)
    """The Cox model of the hazard ratios, for tests of its assumptions."""
    corrected_p: float | None = None
    """Where the groups were chosen by looking at survival: the p-value corrected for that."""

    @property
    def p_value(self) -> float:
        """Log-rank p; NaN where an arm is too small for one; corrected where the cut was chosen."""
        if not self.large_enough:
            return float("nan")
        return self.logrank.p_value if self.corrected_p is None else self.corrected_p

    @cached_property
    def cox_ratio(self) -> tuple[float, float, float]:
        """Hazard ratio and interval of the second group against the first, by the Cox model."""
        columns = ["hazard_ratio", "ci_lower", "ci_upper"]
        found = self.hazard_ratios[columns].to_numpy(float)[0]
        return float(found[0]), float(found[1]), float(found[2])

    @cached_property
    def arm_rows(self) -> tuple[dict[str, Any], ...]:
        """The rows of ``arms`` as plain values."""
        values = zip(*(self.arms[c].tolist() for c in self.arms), strict=True)
        return tuple(dict(zip(map(str, self.arms), row, strict=True)) for row in values)

    @property
    def stratified(self) -> bool:
        """True where test and model compare patients of the same study only."""
        return self.logrank.n_strata > 1

    @cached_property
    def large_enough(self) -> bool:
        return _small_arms(self.arms) is None


def survival_question(
    store: Store,
    filters: Filters,
    stratifier: Stratifier,
    *,
    endpoint: str = "OS",
    stratified: bool = True,
    strata: str = "cohort_id",
    ci: ConfidenceInterval = "log-log",
) -> SurvivalComparison:
    """Survival of the patients that ``filters`` keep, split by ``stratifier``.

    ``stratified``: test and Cox model are stratified by cohort (or another column, ``strata``),
    so that each patient is compared with patients of the same study; False pools them as if they
    were one study.
    Raises NotEnoughData where fewer than two groups have patients with the endpoint.
    """
    frame = store.patients(filters, endpoint)
    grouping = assign(store, frame, stratifier)
    flow, kept = patient_flow(store.attrition(filters), frame, grouping, endpoint)
    words = patients_sentence(sentence(filters, cohort_names=store.cohort_names()), frame, grouping)
    demand_known(frame, grouping, endpoint, words)
    return compare_grouping(
        frame[kept],
        grouping,
        endpoint=endpoint,
        strata=strata if stratified else None,
        ci=ci,
        flow=flow,
        words=words,
    )


def compare_grouping(
    frame: pd.DataFrame,
    grouping: Grouping,
    *,
    endpoint: str = "OS",
    strata: str | None = "cohort_id",
    ci: ConfidenceInterval = "log-log",
    flow: pd.DataFrame | None = None,
    words: str = "",
) -> SurvivalComparison:
    """:func:`compare_survival` of the groups that ``grouping`` gives to the rows of ``frame``.

    Raises NotEnoughData where fewer than two groups have a patient in ``frame``.
    """
    rows = frame.copy(deep=False)
    rows["group"] = grouping.labels[frame.index]
    if rows.group.nunique() < 2:
        raise NotEnoughData(
            "There are not two groups to compare.",
            expected=f"patients with {ENDPOINT_LABEL[endpoint].lower()} in "
            + (" and in ".join(grouping.order) or "two groups"),
            found=", ".join(f"{int((rows.group == g).sum()):,} {g}" for g in grouping.order)
            + (f"; {words}" if words else ""),
            remedy="Widen a filter, choose another gene, or include more mutation classes.",
        )
    return compare_survival(
        rows,
        grouping.order,
        title=grouping.title,
        endpoint=endpoint,
        strata=strata,
        ci=ci,
        flow=flow,
        words=words,
        notes=grouping.notes,
        corrected_p=grouping.corrected_p,
    )


def compare_survival(
    rows: pd.DataFrame,
    order: Sequence[str],
    *,
    title: str,
    endpoint: str = "OS",
    strata: str | None = "cohort_id",
    ci: ConfidenceInterval = "log-log",
    flow: pd.DataFrame | None = None,
    words: str = "",
    notes: Sequence[str] = (),
    corrected_p: float | None = None,
) -> SurvivalComparison:
    """Compare the groups of ``rows`` (columns group, time_months, event, and ``strata``).

    ``order`` names the groups, the reference first; those without a patient are left out.
    ``notes`` come before the warnings of the estimators. ``corrected_p``: where the groups were
    chosen by looking at survival; every other p-value is withheld.
    """
    present = set(rows.group)
    order = tuple(g for g in order if g in present)
    time, event = rows.time_months.to_numpy(float), rows.event.to_numpy(float)
    group = rows.group.astype(str)
    stratum = rows[strata] if strata and rows[strata].nunique() > 1 else None
    curves = kaplan_meier_by_group(time, event, group, order=order, ci=ci)
    test = logrank(time, event, group, strata=stratum, order=order)
    arms = _arms(curves)
    small = _small_arms(arms) is not None
    ratios, fit = _hazard_ratios(rows, order, test, stratum, small)
    if corrected_p is not None:
        ratios["p_value"] = np.nan
    empty = pd.DataFrame({"step": ["analysed"], "n": [len(rows)], "lost": [0]})
    return SurvivalComparison(
        title=title,
        endpoint=endpoint,
        order=order,
        curves=_stack({g: k.steps() for g, k in curves.items()}),
        censored=_stack({g: _censor_marks(k) for g, k in curves.items()}),
        risk_table=_stack({g: k.risk_counts(ticks(time.max())) for g, k in curves.items()}),
        arms=arms,
        hazard_ratios=ratios,
        logrank=test,
        flow=empty if flow is None else flow,
        rows=rows,
        sentence=words,
        methods=_methods(endpoint, stratum is not None, ci, strata),
        warnings=tuple(
            dict.fromkeys([*notes, *_size_warnings(arms), *test.warnings, *fit.warnings])
        ),
        km=curves,
        fit=fit,
        corrected_p=corrected_p,
    )


def ticks(longest: float) -> npt.NDArray[np.float64]:
    """Months for the axis and the table of numbers at risk: about six to nine, from 0."""
    step = next((s for s in (1, 2, 3, 6, 12, 24, 36, 60) if longest / s <= 8.5), 120)
    return np.arange(0.0, longest + 1e-9, step)


def _stack(tables: dict[str, dict[str, npt.NDArray[np.float64]]]) -> pd.DataFrame:
    """The groups' columns one below the other, and ``group``."""
    first = next(iter(tables.values()))
    columns = {name: np.concatenate([t[name] for t in tables.values()]) for name in first}
    lengths = [len(t["time"]) for t in tables.values()]
    group = np.repeat(np.array(list(tables), dtype=object), lengths)
    return pd.DataFrame({**columns, "group": group})


def _censor_marks(curve: KaplanMeier) -> dict[str, npt.NDArray[np.float64]]:
    at = curve.n_censored > 0
    return {"time": curve.time[at], "survival": curve.survival[at]}


def _arms(curves: dict[str, KaplanMeier]) -> pd.DataFrame:
    found: dict[str, list[object]] = {
        "group": list(curves),
        "n": [k.n for k in curves.values()],
        "events": [k.events for k in curves.values()],
    }
    medians = [k.median for k in curves.values()]
    for name, values in zip(("", "_lower", "_upper"), zip(*medians, strict=True), strict=True):
        found[f"median{name}"] = list(values)
    at = [k.values_at(LANDMARKS) for k in curves.values()]
    for i, month in enumerate(LANDMARKS):
        for name, end in (("survival", ""), ("ci_lower", "_lower"), ("ci_upper", "_upper")):
            found[f"survival_{month:g}{end}"] = [v[name][i] for v in at]
    return pd.DataFrame(found)


def _small_arms(arms: pd.DataFrame) -> pd.DataFrame | None:
    small = (arms.n.to_numpy() < MIN_PATIENTS) | (arms.events.to_numpy() < MIN_EVENTS)
    return arms[small] if small.any() else None


def _size_warnings(arms: pd.DataFrame) -> list[str]:
    small = _small_arms(arms)
    if small is None:
        return []
    return [
        f"{arm.group}: {arm.n} patient{'s' if arm.n != 1 else ''} and {arm.events} "
        f"event{'s' if arm.events != 1 else ''}. Below {MIN_PATIENTS} patients or "
        f"{MIN_EVENTS} events in an arm no p-value is given; the hazard ratio is Firth's."
        for arm in small.itertuples()
    ]


def _hazard_ratios(
    rows: pd.DataFrame,
    order: Sequence[str],
    test: LogRank,
    stratum: pd.Series[str] | None,
    small: bool,
) -> tuple[pd.DataFrame, CoxFit]:
    """Each group against the first: Cox, and observed over expected as the paper did."""
    group = rows.group.to_numpy(object)
    fit = cox(
        np.column_stack([(group == g).astype(float) for g in order[1:]]),
        rows.time_months.to_numpy(float),
        rows.event.to_numpy(float),
        names=list(order[1:]),
        strata=stratum,
        penalty="firth" if small else None,
    )
    others, withheld = order[1:], np.full(len(order) - 1, np.nan)
    found = fit.columns()
    lower, upper = found["ci_lower"], found["ci_upper"]
    if small:
        lower, upper = np.transpose([ratio_limits(fit, str(term)) for term in others])
    observed = [oe_hazard_ratio(test, g, order[0]) for g in others]
    both = pd.DataFrame(
        {
            "comparison": [f"{g} vs {order[0]}" for g in others] * 2,
            "method": np.repeat(["Cox, Firth" if small else "Cox, Efron", "O/E"], len(others)),
            "hazard_ratio": [*found["hazard_ratio"], *(r.hazard_ratio for r in observed)],
            "ci_lower": [*lower, *(r.ci_lower for r in observed)],
            "ci_upper": [*upper, *(r.ci_upper for r in observed)],
            "p_value": [*withheld, *withheld]
            if small
            else [*found["p_value"], *(test.p_value for _ in others)],
        }
    )
    return both, fit


def patient_flow(
    attrition: pd.DataFrame, frame: pd.DataFrame, grouping: Grouping, endpoint: str
) -> tuple[pd.DataFrame, pd.Series[bool]]:
    """The store's attrition, then patients without a group, then those without the endpoint."""
    grouped = grouping.labels.notna().to_numpy()
    followed = ~np.isnan(frame.time_months.to_numpy(float)) & frame.event.notna().to_numpy()
    kept = pd.Series(grouped & followed, index=frame.index)
    steps = [*grouping.left_out, (f"no {endpoint} known", int((grouped & ~followed).sum()))]
    lost = np.array([n for _, n in steps])
    flow = pd.DataFrame(
        {
            "step": [*attrition.step, *(step for step, _ in steps)],
            "n": [*attrition.n, *(len(frame) - np.cumsum(lost))],
            "lost": [*attrition.lost, *lost],
        }
    )
    return flow, kept


def patients_sentence(filtered: str, frame: pd.DataFrame, grouping: Grouping) -> str:
    """``712 patients: melanoma, 5 cohorts; 64 ALK mutant, 601 wild type, 47 not profiled``."""
    counts = grouping.labels.value_counts()
    groups = [groups_in_words(counts, grouping)]
    groups += [f"{lost:,} {reason}" for reason, lost in grouping.left_out if lost]
    if grouping.definition and len(grouping.definition) < 120:
        groups[-1] += f" ({grouping.definition})"
    cohorts = frame.cohort_id.nunique()
    return (
        f"{len(frame):,} patients: {filtered}, {cohorts} cohort{'s' if cohorts != 1 else ''}; "
        + ", ".join(groups)
    )


def _methods(endpoint: str, stratified: bool, ci: str, strata: str | None) -> str:
    by = f" stratified by {STRATA_NAME.get(strata or '', strata)}" if stratified else ""
    return (
        f"{ENDPOINT_LABEL[endpoint]} was estimated by Kaplan-Meier with {ci} 95% confidence "
        f"intervals. Groups were compared by a log-rank test{by} and a Cox model{by} with Efron's "
        "treatment of ties and Wald intervals (Firth's penalty and profile-likelihood intervals "
        f"where an arm had fewer than {MIN_PATIENTS} patients or {MIN_EVENTS} events). The O/E "
        "hazard ratio is "
        "(O1/E1)/(O0/E0) of that log-rank test with standard error sqrt(1/E1 + 1/E0)."
    )
