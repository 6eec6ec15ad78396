"""Read one cohort's files and harmonise them as its declarative file says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from core.model import BadFile
from data.calls import call_frame, profiled_frame
from data.cohort_spec import CohortSpec, Read
from data.harmonise import (
    Columns,
    HarmonisedCohort,
    clinical_frame,
    endpoint_frame,
    patient_frame,
    shared_frame,
)
from data.readers import bhklab, cbioportal, delimited, maf, poplar_oak, tcga, workbook
from data.readers.table import Study, Table


def _delimited(path: Path, raw: Path, options: dict[str, object]) -> Study:
    return Study({"": delimited.read_delimited(path, **options)})  # type: ignore[arg-type]


def _maf(path: Path, raw: Path, options: dict[str, object]) -> Study:
    rows = maf.read_maf(path).to_pandas().set_index("line").astype(object)
    return Study({"": Table(rows.where(rows.notna(), None), path)})


def _cbioportal(path: Path, raw: Path, options: dict[str, object]) -> Study:
    panels = options.get("panels")
    study = cbioportal.read_study(path, panels=raw / str(panels) if panels else None)
    tables = dict(study.tables)
    if "mutations" in tables:
        calls = tables["mutations"]
        own = {name: term for term, name in maf.canonical_names(list(calls.frame.columns)).items()}
        tables["mutations"] = Table(calls.frame.rename(columns=own), calls.path)
    return Study(tables, study.panels, study.case_lists, study.meta, study.notes)


def _sheet(path: Path, raw: Path, options: dict[str, object]) -> Study:
    return Study({"": workbook.read_sheet(path, **options)})  # type: ignore[arg-type]


READERS: dict[str, Callable[[Path, Path, dict[str, object]], Study]] = {
    "delimited": _delimited,
    "maf": _maf,
    "cbioportal": _cbioportal,
    "bhklab": lambda path, raw, options: bhklab.read_study(path),
    "poplar_oak": lambda path, raw, options: poplar_oak.read_study(path),
    "workbook": _sheet,
    "tcga_cdr": lambda path, raw, options: Study({"": tcga.read_cdr(path)}),
}
"""Formats that ``format = ...`` of a cohort file may name. A new format is one more reader."""


def read_cohort(spec: CohortSpec, raw: Path) -> HarmonisedCohort:
    """Read and harmonise one cohort from the raw folder.

    Raises BadFile, naming file, line and column, for anything the cohort's file does not allow.
    """
    notes: list[str] = []
    tables: dict[str, Table] = {}
    panels: dict[str, tuple[str, ...]] = {}
    for read in spec.reads:
        study = _read(read, spec, raw)
        if study is None:
            notes.append(f"{read.path} is not here")
            continue
        for name, table in study.tables.items():
            tables[f"{read.name}.{name}" if name else read.name] = table
        panels |= study.panels
    columns = Columns(tables, spec)
    calls = call_frame(columns, notes)
    profiled, used = profiled_frame(columns, calls, panels)
    return HarmonisedCohort(
        spec=spec,
        patients=patient_frame(columns),
        endpoints=endpoint_frame(columns),
        clinical=clinical_frame(columns),
        mutations=calls,
        profiled=profiled,
        shared=shared_frame(columns),
        panels=used,
        notes=tuple(notes),
    )


def present(spec: CohortSpec, raw: Path) -> bool:
    """Whether every file that the cohort cannot do without is in the raw folder."""
    return all((raw / read.path).exists() for read in spec.reads if not read.optional)


def _read(read: Read, spec: CohortSpec, raw: Path) -> Study | None:
    path = raw / read.path
    if read.optional and not path.exists():
        return None
    if read.format not in READERS:
        raise BadFile(
            f"The cohort {spec.cohort_id} names a format that has no reader.",
            where=str(spec.path),
            expected="one of " + ", ".join(READERS),
            found=repr(read.format),
            remedy="Correct the format, or add a reader in data/readers.",
        )
    return READERS[read.format](path, raw, dict(read.options))


def link_shared(cohorts: list[HarmonisedCohort]) -> pd.DataFrame:
    """Who is reported twice: cohort_id, patient_id, shared_with, counted_here.

    The record of the study that was re-used counts; where that study is not loaded, the record
    at hand counts.
    """
    here = {c.spec.cohort_id: set(c.patients.patient_id) for c in cohorts}
    rows: list[tuple[str, str, str, bool]] = []
    linked: set[tuple[str, str]] = set()
    for cohort in cohorts:
        own = cohort.spec.cohort_id
        for patient, other, other_patient in cohort.shared.itertuples(index=False):
            if (own, patient) in linked or (other in here and other_patient not in here[other]):
                continue
            linked.add((own, patient))
            rows.append((own, patient, f"{other}:{other_patient}", other not in here))
            if other in here:
                rows.append((other, other_patient, f"{own}:{patient}", True))
    return pd.DataFrame(rows, columns=["cohort_id", "patient_id", "shared_with", "counted_here"])
