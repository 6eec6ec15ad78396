"""What the researcher says of an upload: which column is which term, in which unit and coding.

A mapping becomes the same :class:`~data.cohort_spec.CohortSpec` that the published cohorts have,
so that one way of harmonising serves both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.model import BadInput, DrugClass, Role
from data.cohort_spec import CohortSpec, EndpointSpec, Field, MutationSpec, TableKey
from data.own.reading import Upload

MAPPING = Path("the mapping")
"""What errors call the place where units and codings are declared."""

LONGEST_MONTHS = 720.0
"""Follow-up that the store takes at most: 60 years."""

LABELS: dict[str, tuple[str, ...]] = {
    "sex": ("male", "female"),
    "response": ("CR", "PR", "SD", "PD", "NE"),
    "stage": ("I", "II", "III", "IV"),
    "drug_class": tuple(d.value for d in DrugClass),
}
"""Coded terms and what their labels may mean."""

TITLES: dict[str, str] = {
    "tumor_type": "Tumour type",
    "stage": "Stage",
    "drug": "Drug",
    "drug_class": "Drug class",
    "sex": "Sex",
    "response": "Best response",
    "age_years": "Age",
    "tmb_per_mb": "TMB",
}
"""The patients' terms, in the order of the mapping step."""

EVERYONE, WITH_CALLS, SEQUENCED = "everyone", "with_calls", "sequenced"
EXOME_PANEL, LIST_PANEL, MATRIX_PANEL = "exome", "list", "matrix"
CLASS_COLUMN, CLASS_OF_CHANGE, ALL_MISSENSE = "column", "protein_change", "missense"


@dataclass(frozen=True, order=True)
class Place:
    """A column of one of the upload's tables."""

    table: str
    column: str


@dataclass(frozen=True)
class Choice:
    """A term's column, unit and coding: label -> meaning, "" where it means *no value*.

    A label that the coding does not name is a finding of :mod:`data.own.problems`.
    """

    place: Place
    unit: str = ""
    megabases: float | None = None
    coding: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """An endpoint: the column of times with its unit, that of events with its coding: label ->
    1 (event), 0 (censored), None (no value)."""

    time: Place
    unit: str
    event: Place
    coding: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Calls:
    """How the table of mutations is read: MAF term -> column; ``patient`` names either patients or
    samples."""

    patient: str
    columns: Mapping[str, str]
    classes: str = CLASS_COLUMN


@dataclass(frozen=True)
class Profiling:
    """Who was sequenced (EVERYONE, WITH_CALLS, SEQUENCED) and for which genes.

    ``matrix``: the column of panel names, of samples or of a gene matrix.
    """

    who: str
    panel: str
    genes: tuple[str, ...] = ()
    matrix: Place | None = None


@dataclass(frozen=True)
class OwnMapping:
    """Everything the mapping step asks."""

    name: str
    patient: str
    terms: Mapping[str, Choice]
    outcomes: Mapping[str, Outcome]
    further: tuple[Place, ...] = ()
    calls: Calls | None = None
    profiling: Profiling | None = None
    tumor_type: str = "Unknown"
    drug_class: str = DrugClass.UNKNOWN_ICI.value
    assay: str = "WES"
    genome_build: str = ""
    citation: str = ""
    simulated: bool = False


def cohort_id(name: str) -> str:
    """The store's id of an own cohort: no published study's begins with ``own_``."""
    return "own_" + (re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40] or "cohort")


def variable_name(place: Place) -> str:
    """A further variable's name in the store: the column's, in small letters."""
    return re.sub(r"[^a-z0-9]+", "_", place.column.lower()).strip("_") or "variable"


def decimal_mark(upload: Upload, place: Place) -> str:
    """``,`` where the column has numbers with a comma and none with a point, else ``.``"""
    cells = upload.tables[place.table].frame[place.column].dropna().map(str)
    comma = cells.str.fullmatch(r"\s*-?\d+,\d+\s*").any()
    return "," if comma and not cells.str.fullmatch(r"\s*-?\d*\.\d+\s*").any() else "."


def spec_of(mapping: OwnMapping, upload: Upload, numeric: frozenset[Place]) -> CohortSpec:
    """The mapping as the declaration of a cohort; ``numeric``: further variables that are numbers.

    Raises BadInput where no outcome is chosen.
    """
    if not mapping.outcomes:
        raise BadInput(
            "No survival time is chosen.",
            expected="a column of times and one of events, for OS or PFS",
            found="columns " + ", ".join(list(upload.patients.frame.columns)[:20]),
            remedy="Choose them in the mapping. Without survival there is nothing to compare.",
        )
    samples = upload.tables.get("samples")
    keys = {"patients": TableKey(mapping.patient)}
    if samples is not None:
        keys["samples"] = TableKey("PATIENT_ID", several="first")
    return CohortSpec(
        cohort_id=cohort_id(mapping.name),
        name=mapping.name,
        position=0,
        role=Role.DISCOVERY.value,  # alone, a nomogram is built on it; a pool gives another
        assay=mapping.assay,
        citation=mapping.citation or f"{mapping.name}: uploaded, no citation given",
        reads=(),
        patients="patients",
        keys=keys,
        patient_fields=_fields(mapping, upload),
        endpoints={n: _endpoint(outcome, upload) for n, outcome in mapping.outcomes.items()},
        path=MAPPING,
        genome_build=mapping.genome_build,
        treated_with_ici=mapping.drug_class != DrugClass.NONE.value,
        description="Uploaded by the user of this session",
        caveats=_caveats(mapping),
        mutations=_mutations(mapping, upload),
        clinical={
            variable_name(p): Field(
                column=p.column,
                table=p.table,
                unit="as given" if p in numeric else "",
                decimal=decimal_mark(upload, p),
            )
            for p in mapping.further
        },
    )


def _fields(mapping: OwnMapping, upload: Upload) -> dict[str, Field]:
    fields = {
        "tumor_type": Field(value=mapping.tumor_type),
        "drug_class": Field(value=mapping.drug_class),
    }
    for term, choice in mapping.terms.items():
        fields[term] = Field(
            column=choice.place.column,
            table=choice.place.table,
            unit=choice.unit,
            megabases=choice.megabases if choice.unit == "count" else None,
            decimal=decimal_mark(upload, choice.place) if choice.unit else ".",
            coding={k: v for k, v in choice.coding.items() if v},
            missing=tuple(k for k, v in choice.coding.items() if not v),
        )
    if (tumors := mapping.terms.get("tumor_type")) is not None:
        fields["tumor_type_source"] = Field(column=tumors.place.column, table=tumors.place.table)
    return fields


def _endpoint(outcome: Outcome, upload: Upload) -> EndpointSpec:
    return EndpointSpec(
        Field(
            column=outcome.time.column,
            table=outcome.time.table,
            unit=outcome.unit,
            decimal=decimal_mark(upload, outcome.time),
        ),
        Field(
            column=outcome.event.column,
            table=outcome.event.table,
            coding={k: v for k, v in outcome.coding.items() if v is not None},
            missing=tuple(k for k, v in outcome.coding.items() if v is None),
        ),
        LONGEST_MONTHS,
    )


def _mutations(mapping: OwnMapping, upload: Upload) -> MutationSpec | None:
    calls = mapping.calls
    if calls is None:
        return None
    return MutationSpec(
        tables=("mutations",),
        patient=calls.patient,
        columns=calls.columns,
        via="samples" if "samples" in upload.tables else "",
        class_from=CLASS_OF_CHANGE if calls.classes == CLASS_OF_CHANGE else CLASS_COLUMN,
        call_source=mapping.name,
    )


def _caveats(mapping: OwnMapping) -> tuple[str, ...]:
    said = ["Uploaded and mapped by its owner: nobody else has checked it."]
    if mapping.calls is not None and mapping.calls.classes == ALL_MISSENSE:
        said.append("The file gives no mutation class: every row counts as a missense mutation.")
    if mapping.profiling is not None and mapping.profiling.who == WITH_CALLS:
        said.append("Only patients with a row in the table of mutations count as sequenced.")
    return tuple(said)
