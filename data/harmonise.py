"""From published tables to the terms of the store, as a cohort's file declares.

Nothing here knows a study by name. Every conversion goes through a :class:`~data.cohort_spec.Field`
and every refusal names the file, the line and the column of the cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from core.model import BadFile, BadInput, DrugClass
from data.cohort_spec import AGE_UNITS, TIME_UNITS, CohortSpec, EndpointSpec, Field, TableKey
from data.facts import tumor_type
from data.readers.table import Table

TEXT_TERMS = (
    "tumor_type_source", "tumor_type_detail", "drug", "arm", "sex", "response", "stage",
)  # fmt: skip

SHORTEST_LONGEST_MONTHS = 3.0
"""A study in which nobody was followed for so long has its unit wrong."""


@dataclass(frozen=True)
class HarmonisedCohort:
    """A cohort in the store's terms; frames carry ``patient_id`` (keys are given by the build)."""

    spec: CohortSpec
    patients: pd.DataFrame
    endpoints: pd.DataFrame
    clinical: pd.DataFrame
    mutations: pd.DataFrame
    profiled: pd.DataFrame
    shared: pd.DataFrame
    panels: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def keyed(table: Table, key: TableKey) -> pd.DataFrame:
    """The rows of ``table`` by patient id, with the line number as column ``__line``.

    Raises BadFile where two rows have one id (unless the first is to be taken) or an id is empty.
    """
    frame = table.frame
    for column, value in key.where.items():
        frame = frame[table.column(column).loc[frame.index].astype(str) == value]
    ids = frame[table.column(key.key).name].map(lambda v: clean_id(v, key.strip_zeros))
    if ids.isna().any():
        line = int(ids.index[ids.isna()][0])
        raise table.error(
            "A row has no patient id.",
            line=line,
            column=key.key,
            expected="an id",
            found="an empty cell",
            remedy="Remove the row or give it its id.",
        )
    twice = ids.duplicated()
    if twice.any() and key.several == "refuse":
        line = int(ids.index[twice][0])
        first = int(ids.index[(ids == ids[line]).to_numpy().argmax()])
        raise table.error(
            f"The patient {ids[line]!r} stands in two rows.",
            line=line,
            column=key.key,
            expected="one row per patient",
            found=f"the same id in line {first}",
            remedy='Remove one of the rows, or declare several = "first" for this table.',
        )
    by_id = frame.assign(__line=frame.index).loc[~twice.to_numpy()]
    by_id.index = pd.Index(ids[~twice], name="patient_id")
    return by_id


def clean_id(value: object, strip_zeros: bool = False) -> str | None:
    """An id as text; ``strip_zeros`` for files that lost the leading zeros of their ids."""
    if value is None or pd.isna(value):  # type: ignore[call-overload]
        return None
    text = str(value).strip()
    return text.lstrip("0") or "0" if strip_zeros else text or None


class Columns:
    """The tables of a study, each by patient, and the conversion of their cells."""

    def __init__(self, tables: Mapping[str, Table], spec: CohortSpec) -> None:
        self.tables = tables
        self.spec = spec
        self._keyed: dict[str, pd.DataFrame] = {}
        self.ids = self.by_patient(spec.patients).index

    def table(self, name: str) -> Table:
        if name not in self.tables:
            raise BadFile(
                f"The cohort {self.spec.cohort_id} needs the table {name!r}, which is not here.",
                where=str(self.spec.path),
                expected=name,
                found=", ".join(sorted(self.tables)) or "no table",
                remedy="Fetch its file with `python -m data fetch`.",
            )
        return self.tables[name]

    def by_patient(self, name: str) -> pd.DataFrame:
        if name not in self._keyed:
            if name not in self.spec.keys:
                raise BadFile(
                    f"The cohort file does not say how rows of {name!r} find their patient.",
                    where=str(self.spec.path),
                    expected=f'[keys."{name}"] with key = "the column of patient ids"',
                    found="no such section",
                )
            key = self.spec.keys[name]
            rows = keyed(self.table(name), key)
            if key.matches:
                patients = self.by_patient(self.spec.patients)
                patient_of = {clean_id(v): i for i, v in patients[key.matches].items()}
                rows = rows[rows.index.isin(list(patient_of))]
                rows.index = pd.Index([patient_of[i] for i in rows.index], name="patient_id")
            self._keyed[name] = rows
        return self._keyed[name]

    def has(self, spec: Field) -> bool:
        """Whether the table of an optional file is here."""
        return not spec.column or (spec.table or self.spec.patients) in self.tables

    def cells(self, spec: Field) -> tuple[pd.Series, pd.Series, Table | None]:
        """Cells of a field per patient, with the lines they stand in and their table."""
        if not spec.column:
            return pd.Series(spec.value, index=self.ids), pd.Series(0, index=self.ids), None
        name = spec.table or self.spec.patients
        table, rows = self.table(name), self.by_patient(name)
        table.column(spec.column)
        cells = rows[spec.column].reindex(self.ids)
        cells = cells.map(lambda v: v.strip() if isinstance(v, str) else v)
        gone = {m.casefold() for m in spec.missing}
        cells = cells.where(~cells.map(lambda v: isinstance(v, str) and v.casefold() in gone))
        return cells, rows["__line"].reindex(self.ids), table

    def text(self, spec: Field) -> pd.Series:
        """A term in words: coded where the field has a coding, None where missing."""
        cells, lines, table = self.cells(spec)
        if not spec.coding or table is None:
            return cells.where(cells.notna(), None)
        coding = {k.casefold(): v for k, v in spec.coding.items()}
        unknown = cells.notna() & ~cells.map(
            lambda v: isinstance(v, str) and v.casefold() in coding
        )
        if unknown.any():
            raise table.error(
                f"The label {cells[unknown].iloc[0]!r} has no meaning here.",
                line=int(lines[unknown].iloc[0]),
                column=spec.column,
                expected="one of " + ", ".join(map(repr, spec.coding)),
                found=repr(cells[unknown].iloc[0]),
                remedy=f"Add the label to the coding in {self.spec.path}, or correct the cell.",
            )
        return cells.map(lambda v: coding[v.casefold()] if isinstance(v, str) else None)

    def number(self, spec: Field, factor: float = 1.0) -> pd.Series:
        """A number per patient times ``factor``; NaN where missing."""
        if spec.coding:
            return pd.to_numeric(self.text(spec)).astype(float) * factor
        cells, lines, table = self.cells(spec)
        if table is None:
            return pd.Series(float(spec.value or 0) * factor, index=self.ids)
        plain = cells.map(
            lambda v: (
                v.replace(spec.decimal, ".") if isinstance(v, str) and spec.decimal != "." else v
            )
        )
        values = pd.to_numeric(plain, errors="coerce").astype(float)
        wrong = cells.notna() & values.isna()
        if wrong.any():
            cell = str(cells[wrong].iloc[0])
            comma = re.fullmatch(r"-?\d+,\d+", cell) is not None
            raise table.error(
                "A cell that should hold a number does not.",
                line=int(lines[wrong].iloc[0]),
                column=spec.column,
                expected=f"a number with {spec.decimal!r} as its decimal mark",
                found=repr(cell),
                remedy=f'Declare decimal = "," for the field in {self.spec.path}.'
                if comma
                else f"Correct the cell, or declare missing = [{cell!r}] in {self.spec.path}.",
            )
        return values * factor


def patient_frame(columns: Columns) -> pd.DataFrame:
    """Rows of the table ``patient`` without keys and derived columns."""
    spec = columns.spec
    declared = {k: f for k, f in spec.patient_fields.items() if columns.has(f)}
    out = pd.DataFrame({"patient_id": columns.ids.astype(str)}, index=columns.ids)
    for term in (
        "tumor_type_source",
        "tumor_type_detail",
        "drug",
        "arm",
        "sex",
        "response",
        "stage",
    ):
        out[term] = columns.text(declared[term]) if term in declared else None
    out["tumor_type"] = _tumor_types(columns, declared["tumor_type"])
    if "tumor_type_source" not in declared:
        out["tumor_type_source"] = columns.text(declared["tumor_type"])
    default = DrugClass.UNKNOWN_ICI if spec.treated_with_ici else DrugClass.NONE
    drug_class = columns.text(declared["drug_class"]) if "drug_class" in declared else None
    out["drug_class"] = default.value if drug_class is None else drug_class.fillna(default.value)
    _allowed(out["drug_class"], [d.value for d in DrugClass], spec, "drug_class")
    _allowed(out["sex"], ["male", "female"], spec, "sex")
    _allowed(out["response"], ["CR", "PR", "SD", "PD", "NE"], spec, "response")
    out["treated_with_ici"] = out["drug_class"] != DrugClass.NONE.value
    out["age_years"] = np.nan
    if "age_years" in declared:
        out["age_years"] = columns.number(
            declared["age_years"], AGE_UNITS[declared["age_years"].unit]
        )
        _within(columns, out["age_years"], declared["age_years"], 0, 120, "years of age")
    out["tmb_per_mb"], out["tmb_source"] = np.nan, None
    if "tmb_per_mb" in declared:
        tmb = declared["tmb_per_mb"]
        out["tmb_per_mb"] = columns.number(tmb, 1 / (tmb.megabases or 1.0))
        _within(columns, out["tmb_per_mb"], tmb, 0, 1500, "mutations per Mb")
        how = f"count / {tmb.megabases:g} Mb" if tmb.megabases else "as reported per Mb"
        out["tmb_source"] = out["tmb_per_mb"].map(
            lambda v: None if pd.isna(v) else tmb.source or how
        )
    out["tmb_z"] = standardised_tmb(out["tmb_per_mb"])
    return out.reset_index(drop=True)


def standardised_tmb(tmb_per_mb: pd.Series) -> pd.Series:
    """log2(TMB + 1), centred and scaled over the cohort; NaN where TMB is missing or constant."""
    log = np.log2(tmb_per_mb + 1)
    spread = log.std(ddof=1)
    if not spread > 0:
        return pd.Series(np.nan, index=tmb_per_mb.index)
    return (log - log.mean()) / spread


def endpoint_frame(columns: Columns) -> pd.DataFrame:
    """Rows of the table ``endpoint``: patient_id, endpoint, time_months, event."""
    parts = []
    for name, spec in columns.spec.endpoints.items():
        if not (columns.has(spec.time) and columns.has(spec.event)):
            continue
        time = columns.number(spec.time, TIME_UNITS[spec.time.unit])
        _check_times(columns, time, spec)
        event = columns.number(spec.event)
        known = time.notna() & event.notna()
        parts.append(
            pd.DataFrame(
                {
                    "patient_id": columns.ids[known].astype(str),
                    "endpoint": name,
                    "time_months": time[known].to_numpy(),
                    "event": event[known].to_numpy() == 1,
                }
            )
        )
    empty = pd.DataFrame(columns=["patient_id", "endpoint", "time_months", "event"])
    return pd.concat(parts, ignore_index=True) if parts else empty


def shared_frame(columns: Columns) -> pd.DataFrame:
    """Patients whom another study may report as well: patient_id, other_cohort, other_patient."""
    rows = columns.by_patient(columns.spec.patients)
    parts = []
    for spec in columns.spec.shared:
        hit = rows.index.str.match(spec.pattern)
        for column, value in spec.where.items():
            hit &= (rows[column] == value).to_numpy()
        ids = rows.index[hit].astype(str)
        parts.append(
            pd.DataFrame({"patient_id": ids, "other_cohort": spec.cohort, "other_patient": ids})
        )
    empty = pd.DataFrame(columns=["patient_id", "other_cohort", "other_patient"])
    return pd.concat(parts, ignore_index=True) if parts else empty


def clinical_frame(columns: Columns) -> pd.DataFrame:
    """Rows of the table ``clinical``: patient_id, variable, value (words) or number."""
    parts = []
    for name, spec in columns.spec.clinical.items():
        if not columns.has(spec):
            continue
        numeric = spec.unit != "" and not spec.coding
        values = columns.number(spec) if numeric else columns.text(spec)
        known = values.notna()
        parts.append(
            pd.DataFrame(
                {
                    "patient_id": columns.ids[known].astype(str),
                    "variable": name,
                    "value": None if numeric else values[known].astype(str).to_numpy(),
                    "number": values[known].to_numpy(float) if numeric else np.nan,
                }
            )
        )
    empty = pd.DataFrame(columns=["patient_id", "variable", "value", "number"])
    return pd.concat(parts, ignore_index=True) if parts else empty


def _tumor_types(columns: Columns, spec: Field) -> pd.Series:
    labels = columns.text(spec)
    known: dict[object, str] = {}
    for label in labels.dropna().unique():
        try:
            known[label] = tumor_type(str(label))
        except BadInput as error:
            _, lines, table = columns.cells(spec)
            where = f"{columns.spec.path}, patient.tumor_type"
            if table is not None:
                line = int(lines[labels == label].iloc[0])
                where = f"{table.source}, line {line}, column {spec.column!r}"
            raise BadFile(
                f"The tumour label {label!r} is not in the vocabulary.",
                where=where,
                expected="a main tumour type of OncoTree or one of its aliases",
                found=repr(label),
                remedy=f"Add it as an alias in data/facts/tumor_types.toml. {error.remedy}",
            ) from error
    return labels.map(known).fillna("Unknown")


def _allowed(values: pd.Series, allowed: Iterable[str], spec: CohortSpec, term: str) -> None:
    wrong = values.dropna()[~values.dropna().isin(list(allowed))]
    if len(wrong):
        raise BadFile(
            f"A {term} is not one of those the model knows.",
            where=f"{spec.path}, patient.{term}",
            expected=", ".join(allowed),
            found=repr(wrong.iloc[0]),
            remedy="Add a coding that maps the study's labels to these.",
        )


def _within(
    columns: Columns, values: pd.Series, spec: Field, low: float, high: float, what: str
) -> None:
    wrong = values.notna() & ~values.between(low, high)
    if wrong.any():
        _, lines, table = columns.cells(spec)
        made = table or columns.table(columns.spec.patients)
        raise made.error(
            f"A value is not possible as {what}.",
            line=int(lines[wrong].iloc[0]),
            column=spec.column,
            expected=f"{low:g} to {high:g} {what}",
            found=f"{values[wrong].iloc[0]:g}",
            remedy=f"Check the unit ({spec.unit}) that {columns.spec.path} declares.",
        )


def _check_times(columns: Columns, time: pd.Series, spec: EndpointSpec) -> None:
    _, lines, table = columns.cells(spec.time)
    made = table or columns.table(columns.spec.patients)
    negative = time < 0
    if negative.any():
        raise made.error(
            "A follow-up time is negative.",
            line=int(lines[negative].iloc[0]),
            column=spec.time.column,
            expected="0 or more",
            found=f"{time[negative].iloc[0]:g} months",
            remedy="Correct the cell, or declare it missing.",
        )
    longest = time.max()
    if not np.isnan(longest) and not SHORTEST_LONGEST_MONTHS <= longest <= spec.longest_months:
        at = int(time.argmax())
        raise made.error(
            "The follow-up times do not look like the unit that is declared.",
            line=int(lines.iloc[at]),
            column=spec.time.column,
            expected=f"a longest follow-up of {SHORTEST_LONGEST_MONTHS:g} to "
            f"{spec.longest_months:g} months",
            found=f"{longest:,.1f} months when read as {spec.time.unit}",
            remedy=f"Check the unit that {columns.spec.path} declares; the header of a column "
            "may be wrong about it.",
        )
