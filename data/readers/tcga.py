"""TCGA tables: the Clinical Data Resource workbook, case lists, and what barcodes say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from core.model import BadFile
from data.readers.delimited import read_delimited
from data.readers.table import Table
from data.readers.workbook import read_sheet

CDR_SHEET = "TCGA-CDR"
CDR_EXTRA_SHEET = "ExtraEndpoints"
CDR_COLUMNS = ("bcr_patient_barcode", "type", "OS", "OS.time", "DSS", "DSS.time",
               "DFI", "DFI.time", "PFI", "PFI.time")  # fmt: skip

SAMPLE_PREFERENCE = ("01", "03", "09", "02", "05", "06", "07")
"""Tumour sample types, the one to take first: primary (solid 01; blood 03, 09), recurrent 02,
new primary 05, metastatic 06 and 07. Normal tissue (10 to 19) and controls (20) never."""

BARCODE = re.compile(
    r"(TCGA)[-.]([A-Z0-9]{2})[-.]([A-Z0-9]{4})(?:[-.](\d{2})(?=[A-Z]?(?:[-.]|$)))?"
)


def read_cdr(path: str | Path) -> Table:
    """The TCGA-CDR sheet (Liu 2018 Cell 173:400), one row per patient, times in days.

    Codings such as ``[Not Available]`` and ``#N/A`` are None. A non-empty ``Redaction`` marks a
    patient withdrawn from TCGA. The first column, a running number, is named "". Raises BadFile
    as ``read_sheet``, and for a missing column or a missing or repeated patient.
    """
    return _cdr(path, CDR_SHEET, CDR_COLUMNS)


def read_cdr_extra(path: str | Path) -> Table:
    """The ExtraEndpoints sheet: PFI.1, PFI.2, PFS and the competing-risk codings, in days."""
    return _cdr(path, CDR_EXTRA_SHEET, ("bcr_patient_barcode", "type", "PFS", "PFS.time"))


def _cdr(path: str | Path, sheet: str, columns: Iterable[str]) -> Table:
    table = read_sheet(path, sheet)
    table.require(columns)
    table.require_unique("bcr_patient_barcode")
    return table


def read_case_lists(path: str | Path) -> pd.DataFrame:
    """Case lists of several studies in one file without header: columns study, list, sample.

    Lists keep the publisher's names (``cases_sequenced``). Raises BadFile for a file that
    cannot be read, an incomplete row, or a sample that is no TCGA barcode.
    """
    table = read_delimited(path, header=["study", "list", "sample"], delimiter="\t")
    frame = table.frame
    bad = frame.isna().any(axis=1) | ~frame["sample"].fillna("").str.match(BARCODE)
    if bad.any():
        row = int(bad.to_numpy().argmax())
        raise table.error(
            "A line of the case lists is not complete.",
            line=int(frame.index.to_numpy()[row]),
            expected="study, list and TCGA sample barcode, separated by tabs",
            found=repr(frame.iloc[row].to_list()),
            remedy="Fetch the file again: python -m data fetch",
        )
    return frame.reset_index(drop=True)


def patient_of(barcode: str) -> str:
    """The patient (first 12 characters) of any TCGA barcode, dots or dashes; BadFile if none."""
    match = _match(barcode)
    return "-".join(match.group(1, 2, 3))


def sample_type(barcode: str) -> str:
    """The two-digit sample type (``01`` primary tumour, ``11`` normal), or "" for a patient."""
    return _match(barcode).group(4) or ""


def _match(barcode: str) -> re.Match[str]:
    match = BARCODE.match(barcode)
    if match is None:
        raise BadFile(
            "This is not a TCGA barcode.",
            expected="a barcode such as TCGA-OR-A5J1-01A",
            found=repr(barcode),
            remedy="Check which column holds the barcodes.",
        )
    return match


def one_sample_per_patient(barcodes: Iterable[str]) -> pd.DataFrame:
    """Choose one tumour sample of each patient.

    Returns columns ``patient`` and ``barcode`` (as given), one row per patient in the order of
    first appearance. :data:`SAMPLE_PREFERENCE` decides between sample types, then the barcode
    that sorts first (the lowest vial, portion and plate). A barcode without a sample type
    stands for the patient. Normal tissue and controls are left out, and with them patients who
    have nothing else. Raises BadFile for a barcode that is none.
    """
    given = pd.Series(list(dict.fromkeys(barcodes)), dtype=object)
    parts = given.str.extract(BARCODE)
    if parts[0].isna().any():
        _match(str(given[parts[0].isna()].iloc[0]))
    rank = {kind: i for i, kind in enumerate(SAMPLE_PREFERENCE)}
    frame = pd.DataFrame(
        {
            "patient": parts[0] + "-" + parts[1] + "-" + parts[2],
            "barcode": given,
            "rank": parts[3].map(rank).where(parts[3].notna(), -1),
            "order": range(len(given)),
        }
    ).dropna(subset=["rank"])
    first = frame.groupby("patient")["order"].transform("min")
    chosen = (
        frame.assign(first=first)
        .sort_values(["first", "rank", "barcode"], kind="stable")
        .drop_duplicates("patient")
    )
    return chosen[["patient", "barcode"]].reset_index(drop=True)
