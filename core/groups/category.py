"""Groups by a clinical variable: sex, drug class, stage, and whatever the studies tell."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.groups.grouping import Grouping
from core.groups.number import spoken
from core.model import BadInput, Stratifier
from core.store import Store

MOST_GROUPS = 6
"""As many as the palette keeps apart; the smaller ones are left out, by name."""

COLUMNS: dict[str, str] = {
    "sex": "Sex",
    "drug_class": "Drug class",
    "tumor_type": "Tumour type",
    "response": "Best response",
    "stage": "Stage",
    "assay": "Assay",
    "arm": "Arm",
    "cohort_id": "Study",
}
"""Categories that stand in the patient table."""

ORDERED: dict[str, tuple[str, ...]] = {
    "stage": ("I", "II", "III", "IV"),
    "response": ("PD", "SD", "PR", "CR", "NE"),
    "ecog": ("0", "1", "2", "3", "4"),
    "smoking": ("never", "former", "current"),
}
"""Categories with an order of their own; the first is the reference. Else: the most common."""

LATER = frozenset({"response", "responder", "long_term_benefit", "tumor_status"})
"""Known only some time after the start of treatment."""


def category_choices(store: Store, *, treated_with_ici: bool | None = True) -> dict[str, str]:
    """The clinical variables that patients may be split by: id -> name as shown."""
    clinical = store.clinical_variables()
    features = store.features(treated_with_ici=treated_with_ici)
    labels = features[features.kind == "category"]
    return (
        COLUMNS
        | {v: spoken(v) for v in clinical.variable[~clinical.numeric]}
        | dict(zip(labels.feature, labels["name"], strict=True))
    )


def by_category(store: Store, frame: pd.DataFrame, stratifier: Stratifier) -> Grouping:
    """One group per value, the reference first; at most MOST_GROUPS, the largest."""
    variable = stratifier.feature
    name, values = category(store, frame, variable)
    counts = values.value_counts()
    ranked = sorted(counts.index, key=lambda v: (-counts[v], str(v)))
    small = ranked[MOST_GROUPS:]
    order = [v for v in ranked if v not in small]
    if variable in ORDERED:
        own = ORDERED[variable]
        order.sort(key=lambda v: own.index(v) if v in own else len(own))
    labels = values.where(values.isin(order), None)
    unknown = f"{name} unknown"
    reasons: tuple[tuple[str, int], ...] = ((unknown, int(values.isna().sum())),)
    if small:
        other = f"{len(small)} smaller groups of {name}"
        reasons += ((other, int(counts[small].sum())),)
    return Grouping(
        labels,
        tuple(order),
        name,
        unknown,
        reasons=reasons,
        notes=_notes(name, variable, small),
    )


def category(store: Store, frame: pd.DataFrame, variable: str) -> tuple[str, pd.Series[str]]:
    """Name of a category, and its value per row of ``frame`` (None: unknown), by its id.

    Raises BadInput where the store has no such category.
    """
    if variable == "cohort_id":
        cohorts = store.cohorts()
        names = dict(zip(cohorts.cohort_id, cohorts["name"], strict=True))
        return COLUMNS[variable], frame.cohort_id.map(names).astype(object)
    if variable in COLUMNS:
        values = frame[variable].astype(object)
        return COLUMNS[variable], values.where(values.notna(), None)
    clinical = store.clinical(variable)
    if clinical.value.notna().any():
        return spoken(variable), _spread(store, frame, clinical, "value")
    features = store.features(treated_with_ici=None)
    row = features[(features.feature == variable) & (features.kind == "category")]
    if not len(row):
        raise BadInput(
            f"{variable[:60]!r} is no clinical variable that this store knows.",
            expected="such as "
            + ", ".join(list(category_choices(store, treated_with_ici=None))[:8]),
            found=variable[:60] or "nothing",
            remedy="Choose a variable from the list.",
        )
    return str(row["name"].iloc[0]), _spread(store, frame, store.feature(variable), "label")


def _spread(store: Store, frame: pd.DataFrame, known: pd.DataFrame, column: str) -> pd.Series[str]:
    values = np.full(store.n_patients, None, dtype=object)
    kept = known[known[column].notna()]
    values[kept.patient_key.to_numpy(np.intp)] = kept[column].to_numpy(object)
    return pd.Series(values[frame.patient_key.to_numpy(np.intp)], index=frame.index, dtype=object)


def _notes(name: str, variable: str, small: list[str]) -> tuple[str, ...]:
    notes: tuple[str, ...] = ()
    if small:
        notes += (
            f"{name} has {MOST_GROUPS + len(small)} values; the {MOST_GROUPS} with most patients "
            "are compared. Choose others by a filter.",
        )
    if variable in LATER:
        notes += (
            f"{name} becomes known after treatment has started: patients must live long enough to "
            "reach a better one, so that the comparison favours them from the start.",
        )
    return notes
