"""An upload and its mapping as a store of its own: harmonised, checked, published.

The store has the schema of every other, one cohort, and the facts of the project; so every page
works on it. ``data.publish.pool`` adds its rows to a copy of another store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from core.model import SCHEMA_VERSION, BadInput, NotEnoughData
from data import facts
from data.build import Assembly, code_version, core_tables, gene_table, patient_table
from data.calls import EXOME, call_frame
from data.harmonise import (
    Columns,
    HarmonisedCohort,
    clean_id,
    clinical_frame,
    endpoint_frame,
    patient_frame,
)
from data.own import guess
from data.own.mapping import (
    ALL_MISSENSE,
    EXOME_PANEL,
    LIST_PANEL,
    SEQUENCED,
    WITH_CALLS,
    OwnMapping,
    Profiling,
    cohort_id,
    spec_of,
)
from data.own.reading import Upload
from data.publish import Progress, publish, silent
from data.readers.table import Table

Panels = Mapping[str, tuple[str, ...]]


def harmonise(upload: Upload, mapping: OwnMapping, known_panels: Panels) -> HarmonisedCohort:
    """The upload in the store's terms.

    ``known_panels``: genes of panels that the loaded store has, for those the upload only names.
    Raises BadInput where no outcome is chosen, BadFile for a cell that the mapping does not allow
    (:mod:`data.own.problems` tells them all beforehand).
    """
    numeric = frozenset(p for p in mapping.further if guess.is_numeric(upload, p))
    spec = spec_of(mapping, upload, numeric)
    columns = Columns(_tables(upload, mapping), spec)
    notes = list(upload.notes)
    calls = call_frame(columns, notes)
    calls = calls[calls.hugo_symbol.notna()]
    profiled, panels = _profiled(upload, mapping, columns, calls, known_panels)
    return HarmonisedCohort(
        spec=spec,
        patients=patient_frame(columns),
        endpoints=endpoint_frame(columns),
        clinical=clinical_frame(columns),
        mutations=calls,
        profiled=profiled,
        shared=pd.DataFrame(columns=["patient_id", "other_cohort", "other_patient"]),
        panels=panels,
        notes=tuple(notes),
    )


def make_store(
    upload: Upload,
    mapping: OwnMapping,
    folder: Path,
    *,
    known_genes: frozenset[str] = frozenset(),
    known_panels: Panels | None = None,
    reference: Mapping[str, Any] | None = None,
    progress: Progress = silent,
) -> Path:
    """Harmonise, check and publish an own cohort as a store of ``folder``; return its file.

    ``known_genes``: symbols that may be asked for though nobody is mutant there.
    ``reference``: tables of genes and proteins of a real store, else the project's facts. Raises
    NotEnoughData where no patient has an outcome, BuildError where a check fails, and what
    :func:`harmonise` raises.
    """
    progress("harmonising", 0.05)
    cohort = harmonise(upload, mapping, known_panels or {})
    if cohort.endpoints.empty:
        raise NotEnoughData(
            "No patient has a survival time together with an event.",
            expected="patients whose time and event are both known",
            found=f"none of {len(cohort.patients):,} patients",
            remedy="Choose the columns of time and event, and what the labels mean.",
        )
    tables = _store_tables(cohort, upload, mapping, known_genes) | dict(reference or {})
    return publish(tables, folder, progress=lambda what, done: progress(what, 0.3 + 0.7 * done))


def _tables(upload: Upload, mapping: OwnMapping) -> dict[str, Table]:
    tables = dict(upload.tables)
    calls = mapping.calls
    if calls is not None and calls.classes == ALL_MISSENSE:
        table = tables["mutations"]
        frame = table.frame.assign(variant_classification="Missense_Mutation")
        tables["mutations"] = replace(table, frame=frame)
    return tables


def _profiled(
    upload: Upload,
    mapping: OwnMapping,
    columns: Columns,
    calls: pd.DataFrame,
    known_panels: Panels,
) -> tuple[pd.DataFrame, dict[str, tuple[str, ...] | None]]:
    """Who was sequenced with which panel: patient_id, panel_id; and the panels' genes."""
    how = mapping.profiling
    if how is None or mapping.calls is None:
        return pd.DataFrame(columns=["patient_id", "panel_id"]), {}
    with_calls = pd.Index(calls.patient_id.unique())
    if how.panel not in (EXOME_PANEL, LIST_PANEL):
        return _by_matrix(upload, how, columns, with_calls, known_panels)
    ids = columns.ids
    if how.who == WITH_CALLS:
        ids = with_calls
    elif how.who == SEQUENCED:
        named = set(_patients_of_samples(upload, upload.sequenced or ()))
        ids = pd.Index([i for i in columns.ids if i in named]).union(with_calls, sort=False)
    if how.panel == EXOME_PANEL:
        return pd.DataFrame({"patient_id": ids.astype(str), "panel_id": EXOME}), {EXOME: None}
    if not how.genes:
        raise BadInput(
            "The panel has no genes.",
            expected="the symbols of the genes that were sequenced",
            found="none",
            remedy="Paste or upload the list. A gene outside it is not profiled, not wild type.",
        )
    name = f"{cohort_id(mapping.name)}_panel"
    genes = tuple(dict.fromkeys(map(facts.current_symbol, how.genes)))
    return pd.DataFrame({"patient_id": ids.astype(str), "panel_id": name}), {name: genes}


def _by_matrix(
    upload: Upload, how: Profiling, columns: Columns, with_calls: pd.Index, known: Panels
) -> tuple[pd.DataFrame, dict[str, tuple[str, ...] | None]]:
    """The panels of each patient's samples; a sample without a panel was not sequenced."""
    assert how.matrix is not None
    table = upload.tables[how.matrix.table]
    panel = table.column(how.matrix.column)
    whose = pd.Series(
        _patients_of_samples(upload, table.column("SAMPLE_ID").tolist()), index=panel.index
    )
    here = panel.notna() & whose.isin(columns.ids)
    frame = pd.DataFrame({"patient_id": whose[here], "panel_id": panel[here]}).drop_duplicates()
    lists: dict[str, tuple[str, ...] | None] = {}
    for name in frame.panel_id.unique():
        if is_exome(name):
            lists[name] = None
        elif name in upload.panels or name in known:
            genes = upload.panels.get(name) or known[name]
            lists[name] = tuple(dict.fromkeys(map(facts.panel_symbol, genes)))
        else:
            raise table.error(
                f"The gene panel {name!r} has no list of genes.",
                line=int(panel.index[panel == name][0]),
                column=how.matrix.column,
                expected=f"a file data_gene_panel_{name}.txt in the archive",
                found=", ".join(sorted(upload.panels)) or "no file of a panel",
                remedy="Add the file, or give the panel's genes as a list.",
            )
    stray = with_calls.difference(pd.Index(frame.patient_id))
    if len(stray):
        raise table.error(
            "Patients with mutations have no gene panel.",
            column=how.matrix.column,
            expected="a panel for every sample that was sequenced",
            found=f"{len(stray):,} patients, such as {stray[0]}",
            remedy="Complete the column, or choose another way to say who was sequenced.",
        )
    return frame.reset_index(drop=True), lists


def is_exome(name: str) -> bool:
    """Whether a panel's name means the whole exome or genome."""
    return name.strip().casefold() in {"wes", "wxs", "exome", "wgs", "whole exome", "all"}


def _patients_of_samples(upload: Upload, samples: list[str] | tuple[str, ...]) -> list[str | None]:
    table = upload.tables.get("samples")
    if table is None:
        return [clean_id(s) for s in samples]
    of = dict(zip(table.column("SAMPLE_ID"), table.column("PATIENT_ID"), strict=True))
    return [of.get(s, clean_id(s)) for s in samples]


def _store_tables(
    cohort: HarmonisedCohort, upload: Upload, mapping: OwnMapping, known_genes: frozenset[str]
) -> dict[str, Any]:
    assembly = Assembly(Path(), patient_table([cohort]), list(cohort.notes))
    tables = core_tables(assembly, [cohort], silent)
    tables |= {
        "gene_alias": facts.gene_aliases(),
        "gene_set": facts.gene_sets(),
        "protein": facts.proteins(),
        "protein_domain": facts.protein_domains(),
        "signature_aetiology": facts.signature_aetiologies(),
    }
    tables["gene"] = _genes(tables, known_genes)
    tables["source"] = _sources(upload, mapping)
    tables["build"] = _build_row(upload, mapping, assembly.notes)
    return tables


def _genes(tables: dict[str, Any], known: frozenset[str]) -> pd.DataFrame:
    """Genes with a call or on a panel, and every known one: it is wild type or not profiled."""
    found = gene_table(tables)
    others = sorted(known - set(found.hugo_symbol))
    rest = pd.DataFrame({"hugo_symbol": others, "n_mutant_ici": 0, "n_mutant_tcga": 0})
    both = pd.concat([found, rest.assign(on_panel=False)], ignore_index=True)
    return both.sort_values("hugo_symbol").astype({"on_panel": bool})


def _sources(upload: Upload, mapping: OwnMapping) -> pd.DataFrame:
    own = cohort_id(mapping.name)
    return pd.DataFrame(
        [
            {
                "source_id": f"{own}/{file.name}",
                "group_name": own,
                "status": "simulated" if mapping.simulated else "read",
                "sha256": file.sha256,
                "bytes": file.bytes,
                "licence": "its owner's",
                "citation": mapping.citation,
                "retrieved": f"{datetime.now(UTC):%Y-%m-%d}",
                "holds": "uploaded in a session",
            }
            for file in upload.files
        ]
    )


def _build_row(upload: Upload, mapping: OwnMapping, notes: list[str]) -> pd.DataFrame:
    """The id hashes the files, the mapping and the code's version."""
    digest = hashlib.sha256(f"{SCHEMA_VERSION} {code_version()} {mapping!r}".encode())
    for file in upload.files:
        digest.update(file.sha256.encode())
    return pd.DataFrame(
        [
            {
                "build_id": f"own-{digest.hexdigest()[:8]}",
                "schema_version": SCHEMA_VERSION,
                "created_at": datetime.now(UTC).replace(tzinfo=None),
                "code_version": code_version(),
                "simulated": mapping.simulated,
                "seed": None,
                "notes": "\n".join(notes),
            }
        ]
    )
