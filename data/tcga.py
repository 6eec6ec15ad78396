"""TCGA PanCanAtlas: patients of TCGA-CDR and the case lists, and calls from several pipelines.

Which file a patient's calls come from is a rule, not an accident:

1. The complete MC3 file serves every patient in it; without it, the MC3 subset serves the
   tumour types it covers and Firehose's calls the patients of five more.
2. The table of MC3 calls in 38 RTK-RAS genes covers all 33 types. Where a patient's exome is not
   MC3's, its non-silent calls in these genes are taken from that table and those of the other
   pipeline are dropped, so that one gene is called by one pipeline throughout.
3. A sequenced patient whose exome file is not here is profiled for those 38 genes only.

Each call keeps its source in ``call_source``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from core.model import NON_SYNONYMOUS
from data.calls import CALL_COLUMNS, EXOME, maf_terms
from data.facts import tumor_type
from data.harmonise import HarmonisedCohort
from data.readers import maf
from data.readers.delimited import read_delimited
from data.readers.table import Table
from data.readers.tcga import one_sample_per_patient, patient_of, read_case_lists

CASE_LISTS = "tcga/caselists/case_lists.tsv"
RTK_RAS = "tcga/mutations/mc3_rtk_ras_38genes_nonsilent.csv.gz"
RTK_RAS_PANEL = "mc3_rtk_ras_38"

COLORECTAL = {"COADREAD": "COAD"}
"""One case list joins colon and rectum: its patients are colorectal, of neither TCGA type."""


@dataclass(frozen=True)
class CallFile:
    """A MAF of TCGA calls; files that stand earlier in the list serve a patient first."""

    path: str
    pipeline: str
    is_mc3: bool


CALL_FILES = (
    CallFile("tcga/mutations/mc3.v0.2.8.PUBLIC.maf.gz", "MC3 v0.2.8", True),
    CallFile("tcga/mutations/mc3_subset.maf.gz", "MC3 v0.2.8", True),
    CallFile("tcga/mutations/firehose_5types.maf.gz", "Firehose", False),
)

MC3_FILTERS = ("PASS", "wga", "native_wga_mix")
"""Values of FILTER that are kept: MC3's own recommendation keeps whole-genome-amplified samples,
without which LAML and OV would be empty (Ellrott 2018, Cell Systems 6:271)."""

_COLUMNS = (
    "hugo_symbol", "chromosome", "start_position", "end_position", "variant_classification",
    "variant_type", "reference_allele", "tumor_seq_allele2", "tumor_sample_barcode", "hgvsc",
    "hgvsp_short", "context", "filter",
)  # fmt: skip


@dataclass(frozen=True)
class TcgaCalls:
    """Calls with ``patient_id``, who was profiled on which panel, panels, and what was left out."""

    calls: pa.Table
    profiled: pd.DataFrame
    panels: dict[str, tuple[str, ...] | None]
    notes: tuple[str, ...]


def files() -> tuple[str, ...]:
    """Paths below the raw folder that are read here, whether or not they are there."""
    return (CASE_LISTS, RTK_RAS, *(f.path for f in CALL_FILES))


def with_case_list_patients(cohort: HarmonisedCohort, raw: Path) -> HarmonisedCohort:
    """The cohort with the patients that only the case lists or the RTK-RAS table know.

    They have a tumour type and no clinical data. Adds the clinical variable ``case_list``
    (``profiled`` for members of the PanCanAtlas case lists, ``sequenced`` for those sequenced).
    """
    if not (raw / CASE_LISTS).exists():
        return cohort
    lists = read_case_lists(raw / CASE_LISTS)
    lists["patient_id"] = lists["sample"].str[:12]
    study = lists.study.str.removesuffix("_tcga_pan_can_atlas_2018").str.upper()
    types = lists.assign(type=study)[["patient_id", "type"]]
    if (raw / RTK_RAS).exists():
        table = read_delimited(raw / RTK_RAS).frame
        more = table.rename(columns={"patient": "patient_id"})[["patient_id", "type"]]
        types = pd.concat([more, types])
    types = types.dropna().drop_duplicates("patient_id")
    new = types[~types.patient_id.isin(cohort.patients.patient_id)]
    added = pd.DataFrame(
        {
            "patient_id": new.patient_id.to_numpy(),
            "tumor_type": new.type.map(lambda t: tumor_type(COLORECTAL.get(t, t))).to_numpy(),
            "tumor_type_source": new.type.mask(new.type.isin(COLORECTAL), None).to_numpy(),
            "drug_class": "no ICI",
            "treated_with_ici": False,
        }
    )
    sequenced = lists.list.eq("cases_sequenced").groupby(lists.patient_id).any()
    listed = pd.DataFrame(
        {
            "patient_id": sequenced.index,
            "variable": "case_list",
            "value": np.where(sequenced, "sequenced", "not sequenced"),
            "number": np.nan,
        }
    )
    note = f"{len(added)} patients of the case lists or the RTK-RAS table are not in TCGA-CDR"
    return HarmonisedCohort(
        **{
            **vars(cohort),
            "patients": pd.concat([cohort.patients, added], ignore_index=True),
            "clinical": pd.concat([cohort.clinical, listed], ignore_index=True),
            "notes": (*cohort.notes, note),
        }
    )


def read_calls(raw: Path, patients: pd.Index) -> TcgaCalls:
    """All calls of ``patients`` (barcodes of 12 characters) by the rule of this module."""
    served: dict[str, CallFile] = {}
    parts: list[pa.Table] = []
    notes: list[str] = []
    panel = _rtk_ras(raw)
    genes = set(panel.hugo_symbol) if panel is not None else set()
    for file in CALL_FILES:
        if not (raw / file.path).exists():
            continue
        samples = _samples(raw / file.path)
        stranger = ~samples.patient.isin(patients)
        if stranger.any():
            notes.append(
                f"{file.path}: {int(stranger.sum())} patients unknown to TCGA-CDR left out"
            )
        own = samples[~stranger & ~samples.patient.isin(list(served))]
        served.update(dict.fromkeys(own.patient, file))
        parts += _read_file(raw / file.path, file, own, genes)
    if panel is not None:
        parts.append(_panel_calls(panel, served, patients))
    calls = pa.concat_tables(parts) if parts else None
    if calls is None:
        return TcgaCalls(arrow_calls(pd.DataFrame(columns=list(CALL_COLUMNS))), _no_one(), {}, ())
    profiled = _profiled(raw, served, panel, patients)
    panels: dict[str, tuple[str, ...] | None] = {EXOME: None}
    if genes:
        panels[RTK_RAS_PANEL] = tuple(sorted(genes))
    return TcgaCalls(calls, profiled, panels, tuple(notes))


def _samples(path: Path) -> pd.DataFrame:
    """One tumour sample of each patient in a MAF: columns patient, barcode."""
    column = maf.read_maf(path, columns=["tumor_sample_barcode"])["tumor_sample_barcode"]
    return one_sample_per_patient(column.unique().to_pylist())


def _read_file(path: Path, file: CallFile, own: pd.DataFrame, genes: set[str]) -> list[pa.Table]:
    patient = dict(zip(own.barcode, own.patient, strict=True))
    present = [c for c in _COLUMNS if c in maf.canonical_names(list(maf.read_header(path).names))]
    parts = []
    for batch in maf.iter_maf(path, columns=present):
        rows = batch.to_pandas().set_index("line").astype(object)
        rows = rows[rows.tumor_sample_barcode.isin(patient)]
        if "filter" in rows:
            rows = rows[rows["filter"].isin(MC3_FILTERS)]
        if rows.empty:
            continue
        calls = maf_terms(Table(rows.where(rows.notna(), None), path))
        calls["patient_id"] = rows.tumor_sample_barcode.map(patient)
        calls["call_source"] = file.pipeline
        if not file.is_mc3:
            theirs = calls.hugo_symbol.isin(genes)
            calls = calls[~(theirs & calls.variant_classification.isin(NON_SYNONYMOUS))]
        parts.append(arrow_calls(calls))
    return parts


def _rtk_ras(raw: Path) -> pd.DataFrame | None:
    if not (raw / RTK_RAS).exists():
        return None
    table = read_delimited(raw / RTK_RAS, missing=("", "."))
    columns = {
        "hugo_symbol": "Hugo_Symbol",
        "variant_classification": "Variant_Classification",
        "hgvsp_short": "HGVSp",
        "hgvsc": "HGVSc",
    }
    calls = maf_terms(table, columns)
    calls["patient_id"] = table.column("patient").map(patient_of)
    calls["call_source"] = "MC3 v0.2.8, RTK-RAS table"
    return calls


def _panel_calls(panel: pd.DataFrame, served: dict[str, CallFile], patients: pd.Index) -> pa.Table:
    by_mc3 = panel.patient_id.map(lambda p: p in served and served[p].is_mc3)
    return arrow_calls(panel[~by_mc3 & panel.patient_id.isin(patients)])


def _profiled(
    raw: Path, served: dict[str, CallFile], panel: pd.DataFrame | None, patients: pd.Index
) -> pd.DataFrame:
    exome = pd.DataFrame({"patient_id": list(served), "panel_id": EXOME})
    if panel is None:
        return exome
    known = set(panel.patient_id)
    if (raw / CASE_LISTS).exists():
        lists = read_case_lists(raw / CASE_LISTS)
        known |= set(lists.loc[lists.list == "cases_sequenced", "sample"].str[:12])
    rest = sorted(known.intersection(patients) - set(served))
    return pd.concat(
        [exome, pd.DataFrame({"patient_id": rest, "panel_id": RTK_RAS_PANEL})], ignore_index=True
    )


_SCHEMA = pa.schema(
    [
        (
            c,
            pa.int32()
            if c in ("protein_position", "start_position", "end_position")
            else pa.string(),
        )
        for c in CALL_COLUMNS
    ]
)


def arrow_calls(calls: pd.DataFrame) -> pa.Table:
    """Calls of any cohort as an arrow table of CALL_COLUMNS."""
    ordered = calls.reindex(columns=list(CALL_COLUMNS))
    return pa.Table.from_pandas(ordered, schema=_SCHEMA, preserve_index=False)


def _no_one() -> pd.DataFrame:
    return pd.DataFrame(columns=["patient_id", "panel_id"])
