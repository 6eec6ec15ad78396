"""The cohorts as the current filters see them: Table 1, live."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.analysis.result import Result
from core.analysis.survival import patient_flow
from core.groups import Grouping, assign
from core.model import Filters, NotEnoughData, Stratifier
from core.stats.km import median_follow_up
from core.store import Store, sentence

VARIABLES = {
    "age_years": "Age",
    "sex": "Sex",
    "stage": "Stage",
    "drug": "Drug",
    "response": "Response",
    "tmb_per_mb": "TMB",
    "time_months": "Endpoint",
}
"""Columns of a patient whose missing values are counted, and what they are called."""

NOT_SEQUENCED = "not sequenced"


SEVERAL = "in no group"
"""What patients outside every group are called where there are several reasons for it."""


@dataclass(frozen=True)
class CohortOverview(Result):
    """table: one row per cohort that the filters keep, in display order: cohort_id, name, role,
        assay, tumor_types, drug_classes, drugs, n, sequenced, one column for each of ``groups``
        (mutant, wild_type), not_profiled (outside every group), with_endpoint, events,
        follow_up, follow_up_lower, follow_up_upper (months, NaN: not reached), caveats, citation.
        The columns n to events count patients.
    groups: column of the table -> label of the group, the reference last
    missing: name, n, and for each of VARIABLES the number of patients without it
    flow: step, n, lost, from the store to the analysis of the endpoint
    arms: group, n, events of the patients analysed, the reference last
    sources: the rows of the source table that these cohorts were read from, with cohort name
    """

    table: pd.DataFrame
    groups: dict[str, str]
    unassigned: str
    missing: pd.DataFrame
    flow: pd.DataFrame
    arms: pd.DataFrame
    sources: pd.DataFrame
    title: str
    endpoint: str
    sentence: str


def cohort_overview(
    store: Store, filters: Filters, stratifier: Stratifier, *, endpoint: str = "OS"
) -> CohortOverview:
    """Count the patients of each cohort by group and follow-up.

    Median follow-up is by the reverse Kaplan-Meier estimate. Raises NotEnoughData where the
    filters keep nobody.
    """
    frame = store.patients(filters, endpoint)
    cohorts = store.cohorts()
    names = store.cohort_names()
    words = sentence(filters, cohort_names=names)
    if frame.empty:
        raise NotEnoughData(
            "No patient is left.",
            expected="at least one patient",
            found=f"0 patients: {words}",
            remedy="Widen a filter.",
        )
    grouping = assign(store, frame, stratifier)
    groups = _group_columns(grouping, stratifier.of_mutations)
    counts = _counts(frame, grouping, groups)
    table = cohorts.drop(columns="n_patients").merge(counts.reset_index(), on="cohort_id")
    flow, kept = patient_flow(store.attrition(filters), frame, grouping, endpoint)
    n = len(table)
    return CohortOverview(
        table=table,
        groups=groups,
        unassigned=grouping.unassigned if len(grouping.left_out) == 1 else SEVERAL,
        missing=_missing(frame, table),
        flow=flow,
        arms=_arms(frame[kept], grouping.labels[kept], grouping),
        sources=_sources(store.sources(), table),
        title=grouping.title,
        endpoint=endpoint,
        sentence=f"{len(frame):,} patients: {words}, {n} cohort{'s' if n != 1 else ''}",
    )


def _group_columns(grouping: Grouping, of_mutations: bool) -> dict[str, str]:
    """Names of the columns that count groups; those of mutations carry the state's own name."""
    order = list(reversed(grouping.order))
    if of_mutations:
        return {g.replace(" ", "_"): g for g in order}
    return {f"group_{i}": g for i, g in enumerate(order)}


def _counts(frame: pd.DataFrame, grouping: Grouping, groups: dict[str, str]) -> pd.DataFrame:
    by = frame.groupby("cohort_id")
    counts = pd.DataFrame({"n": by.size()})
    counts["sequenced"] = (frame.assay != NOT_SEQUENCED).groupby(frame.cohort_id).sum()
    for column, label in groups.items():
        counts[column] = (grouping.labels == label).groupby(frame.cohort_id).sum()
    counts["not_profiled"] = grouping.labels.isna().groupby(frame.cohort_id).sum()
    counts["with_endpoint"] = by.time_months.count()
    counts["events"] = by.event.sum().astype(int)
    counts["tumor_types"] = by.tumor_type.agg(_by_frequency)
    counts["drug_classes"] = by.drug_class.agg(_by_frequency)
    counts["drugs"] = by.drug.agg(_by_frequency)
    columns = ["follow_up", "follow_up_lower", "follow_up_upper"]
    follow_up = {c: _follow_up(rows) for c, rows in by}
    return counts.join(pd.DataFrame.from_dict(follow_up, orient="index", columns=columns))


def _follow_up(rows: pd.DataFrame) -> tuple[float, float, float]:
    known = rows[rows.time_months.notna() & rows.event.notna()]
    if known.empty:
        return np.nan, np.nan, np.nan
    found = median_follow_up(known.time_months, known.event)
    return found.estimate, found.lower, found.upper


def _missing(frame: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    lacking = frame[list(VARIABLES)].isna().groupby(frame.cohort_id).sum()
    return table[["cohort_id", "name", "n"]].merge(lacking.reset_index(), on="cohort_id")


def _arms(frame: pd.DataFrame, labels: pd.Series[str], grouping: Grouping) -> pd.DataFrame:
    rows = [
        {
            "group": g,
            "n": int((labels == g).sum()),
            "events": int(frame.event[labels == g].sum()),
        }
        for g in reversed(grouping.order)
    ]
    return pd.DataFrame(rows)


def _sources(sources: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Files of these cohorts: a source's group is the cohort's id, after or before a slash."""
    parts = sources.group_name.str.split("/")
    names = dict(zip(table.cohort_id, table["name"], strict=True))
    cohort = parts.map(lambda p: next((names[x] for x in p if x in names), None))
    found = sources.assign(cohort=cohort)
    return found[found.cohort.notna()].reset_index(drop=True)


def _by_frequency(values: pd.Series[str]) -> str:
    """``Melanoma 120, Glioma 40``; beyond four, the rest as a number of types."""
    counts = values.value_counts()
    head = ", ".join(f"{name} {n:,}" for name, n in counts.head(4).items())
    more = len(counts) - 4
    return f"{head} and {more} more" if more > 0 else head
