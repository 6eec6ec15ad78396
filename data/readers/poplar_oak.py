"""The POPLAR and OAK supplement (Gandara 2018 Nat Med): clinical sheets and plasma calls."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from data.readers.delimited import MISSING
from data.readers.table import Study, Table
from data.readers.workbook import read_sheet

TRIALS = ("POPLAR", "OAK")
VARIANT_SHEET = "OAK_POPLAR_btmb_variants"

SAME_COLUMN: dict[str, str] = {
    "cfDNA_Input_ng": "cfDNA_input_ng",
    "QC_Status": "btmb_QC",
    "PRIORTX": "PRIORTXC",
    "EMLAMUT": "EML4MUT",
}
"""Columns that differ between the two sheets in name only: POPLAR's name -> OAK's."""

NO_VALUE = (*MISSING, ".")
"""The supplement writes ``.`` for *not measured*."""

_REQUIRED = ("PtID", "OS", "OS.CNSR", "PFS", "PFS.CNSR", "TRT01P", "BEP", "btmb")


def read_study(path: str | Path) -> Study:
    """Read both trials, both arms: tables ``patients`` and ``variants``.

    ``patients`` stacks the two clinical sheets under OAK's column names (:data:`SAME_COLUMN`),
    with ``Study`` (POPLAR or OAK) and ``patient``, such as ``POPLAR-283``; columns that only one
    trial has are None for the other. ``variants`` is the sheet of plasma calls with the same
    ``patient``. ``line`` is the row in the sheet of the row's own study, so it repeats across
    the two studies.

    In the published file no PtID stands for two patients, but nothing promises that it does not;
    ``patient`` is therefore made of both parts. Values stay as published: OS.CNSR 1 is censored.

    Raises BadFile as ``read_sheet``, for a missing column, a repeated patient, a variant whose
    study or patient the clinical sheets do not have.
    """
    path = Path(path)
    sheets = []
    for trial in TRIALS:
        table = read_sheet(path, f"{trial}_Clinical_Data", missing=NO_VALUE)
        frame = table.frame.rename(columns=SAME_COLUMN)
        table = Table(frame, path, table.sheet)
        table.require(_REQUIRED)
        table.require_unique("PtID")
        sheets.append(frame.assign(Study=trial, patient=trial + "-" + frame["PtID"]))
    frame = pd.concat(sheets).astype(object)
    frame = frame.where(frame.notna(), None)
    patients = Table(frame, path, " and ".join(f"{trial}_Clinical_Data" for trial in TRIALS))
    variants = _variants(path, set(frame["patient"]))
    return Study({"patients": patients, "variants": variants})


def _variants(path: Path, patients: set[str]) -> Table:
    """The calls, each with the ``patient`` it belongs to."""
    table = read_sheet(path, VARIANT_SHEET, missing=NO_VALUE)
    ids = table.column("Study") + "-" + table.column("PtID")
    table.require(("gene_name", "effect"))
    unknown = ~ids.isin(patients).to_numpy()
    if unknown.any():
        row = int(unknown.argmax())
        raise table.error(
            "A variant belongs to no patient of the clinical sheets.",
            line=int(table.frame.index.to_numpy()[row]),
            column="PtID",
            expected="a PtID and Study of one of the clinical sheets",
            found=repr(ids.iloc[row]),
            remedy="Fetch the workbook again: python -m data fetch",
        )
    return Table(table.frame.assign(patient=ids), path, table.sheet)
