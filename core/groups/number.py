"""Groups by a number: TMB, age or any feature, cut at its median, tertiles, a value, or its best.

*High* is above the cut. Quantiles are those of the patients at hand whose value is known; the
*optimal* cut is maximally selected (:mod:`core.stats.maxstat`) and only its corrected p is valid.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.groups.grouping import Grouping, from_codes
from core.model import BadInput, NotEnoughData, Stratifier
from core.stats.maxstat import MaximallySelected, maximally_selected
from core.store import Store

Floats = npt.NDArray[np.float64]

CUTS = ("median", "tertiles", "optimal")
LOW_HIGH = ("low", "high")
DRAWS = 999
"""Permutations for the corrected p-value: a tenth of a second, and a p of 0.001 at the least."""

COLUMNS: dict[str, tuple[str, str]] = {
    "tmb_per_mb": ("TMB", "per Mb"),
    "tmb_z": ("TMB within cohort", "SD"),
    "age_years": ("Age", "years"),
}
"""Numbers that stand in the patient table: name and unit."""


def number_choices(store: Store, *, treated_with_ici: bool | None = True) -> dict[str, str]:
    """The numbers that patients may be split by: id -> name as shown."""
    choices = {column: name for column, (name, _) in COLUMNS.items()}
    clinical = store.clinical_variables()
    choices |= {v: spoken(v) for v in clinical.variable[clinical.numeric]}
    features = store.features(treated_with_ici=treated_with_ici)
    numeric = features[features.kind == "number"]
    return choices | dict(zip(numeric.feature, numeric["name"], strict=True))


def by_number(store: Store, frame: pd.DataFrame, stratifier: Stratifier) -> Grouping:
    """Low and high, or thirds, of a number; patients without a value are left out by its name."""
    name, unit, values = number(store, frame, stratifier.feature)
    if not np.isfinite(values).any():
        raise NotEnoughData(
            f"{name} is not known of any of these patients.",
            expected=f"patients with {name}",
            found=f"{len(frame):,} patients, none with a value",
            remedy="Widen a filter or choose another variable.",
        )
    found = _cuts(name, values, stratifier.cut.strip() or "median")
    selected, p = None, None
    if found is None:
        selected = _selected(name, values, frame)
        found, p = (selected.cut,), selected.p_permutation
    order = LOW_HIGH if len(found) == 1 else ("low", "middle", "high")
    codes = np.where(np.isnan(values), -1, np.searchsorted(found, values, side="left"))
    return Grouping(
        from_codes(frame, codes, order),
        order,
        name,
        f"{name} unknown",
        definition=_definition(name, unit, found),
        notes=_notes(stratifier.feature, frame, values) + _of_selection(selected),
        corrected_p=p,
    )


def number(store: Store, frame: pd.DataFrame, feature: str) -> tuple[str, str, Floats]:
    """Name, unit and value per row of ``frame`` (NaN: unknown) of a number, by its id.

    Raises BadInput where the store has no such number.
    """
    if feature in COLUMNS:
        return (*COLUMNS[feature], frame[feature].to_numpy(float, na_value=np.nan))
    clinical = store.clinical(feature)
    if clinical.number.notna().any():
        return spoken(feature), "", _spread(store, frame, clinical, "number")
    features = store.features(treated_with_ici=None)
    row = features[(features.feature == feature) & (features.kind == "number")]
    if not len(row):
        raise BadInput(
            f"{feature[:60]!r} is no number that this store knows.",
            expected="such as " + ", ".join(list(number_choices(store, treated_with_ici=None))[:6]),
            found=feature[:60] or "nothing",
            remedy="Choose a variable from the list.",
        )
    values = _spread(store, frame, store.feature(feature), "value")
    return str(row["name"].iloc[0]), str(row.unit.iloc[0]), values


def _cuts(name: str, values: Floats, cut: str) -> tuple[float, ...] | None:
    """Ascending cuts; None for the optimal one."""
    if cut == "optimal":
        return None
    if cut == "median":
        return (float(np.nanmedian(values)),)
    if cut == "tertiles":
        low, high = np.nanquantile(values, (1 / 3, 2 / 3))
        if low == high:
            raise NotEnoughData(
                f"The tertiles of {name} are one value.",
                expected="three groups of about the same size",
                found=f"both tertiles are {low:g}",
                remedy="Cut at the median or at a typed value.",
            )
        return float(low), float(high)
    try:
        typed = float(cut)
    except ValueError:
        typed = math.nan
    if not math.isfinite(typed):
        raise BadInput(
            f"{name} cannot be cut at {cut[:40]!r}.",
            expected=f"{', '.join(CUTS)} or a number",
            found=repr(cut[:40]),
            remedy="Choose a rule, or type a number.",
        )
    return (typed,)


def _selected(name: str, values: Floats, frame: pd.DataFrame) -> MaximallySelected:
    if not {"time_months", "event"} <= set(frame.columns):
        raise BadInput(
            "A maximally selected cut needs survival.",
            expected="columns time_months and event",
            found=", ".join(map(str, frame.columns)),
            remedy="Cut at the median or at a typed value.",
        )
    try:
        return maximally_selected(values, frame.time_months, frame.event, draws=DRAWS)
    except NotEnoughData as error:
        raise NotEnoughData(
            f"No best cut of {name} can be sought in these patients.",
            expected=error.expected or "patients with the value, a follow-up and events",
            found=error.found or error.message,
            remedy="Widen a filter, or cut at the median.",
        ) from error


def _definition(name: str, unit: str, cuts: tuple[float, ...]) -> str:
    unit = f" {unit}" if unit else ""
    if len(cuts) == 1:
        return f"high: {name} above {cuts[0]:.3g}{unit}"
    low, high = cuts
    return f"low: {name} up to {low:.3g}{unit}; middle: up to {high:.3g}; high: above"


def _notes(feature: str, frame: pd.DataFrame, values: Floats) -> tuple[str, ...]:
    assays = (
        frame.assay[np.isfinite(values) & (frame.assay != "not sequenced")].nunique()
        if "assay" in frame
        else 1
    )
    if feature == "tmb_per_mb" and assays > 1:
        return (
            f"TMB of {assays} assays is cut at one value, though exomes and panels do not compare; "
            "'TMB within cohort' compares each patient with patients of the same study.",
        )
    return ()


def _of_selection(found: MaximallySelected | None) -> tuple[str, ...]:
    if found is None:
        return ()
    p = found.p_permutation
    words = f"p {'≤' if p <= 1 / (DRAWS + 1) else '='} {p:.3f}"
    text = (
        f"The cut at {found.cut:.3g} was chosen out of {len(found.cuts):,} because it separates "
        f"survival best. Corrected for that search {words} ({DRAWS} permutations of all patients "
        "together); the hazard ratio and its interval are not corrected, and too far from 1."
    )
    return (text, *(w[0].upper() + w[1:] + "." for w in found.warnings if "left out" not in w))


def _spread(store: Store, frame: pd.DataFrame, known: pd.DataFrame, column: str) -> Floats:
    values = np.full(store.n_patients, np.nan)
    values[known.patient_key.to_numpy(np.intp)] = known[column].to_numpy(float, na_value=np.nan)
    found: Floats = values[frame.patient_key.to_numpy(np.intp)]
    return found


SPOKEN: dict[str, str] = {"pdl1_tps": "PD-L1 TPS", "ldh": "LDH", "ecog": "ECOG status"}


def spoken(variable: str) -> str:
    """A variable's name as shown: ``tumor_purity`` is *Tumor purity*."""
    words = SPOKEN.get(variable, variable.replace("_", " "))
    return words[:1].upper() + words[1:]
