"""TCGA: the CDR workbook, case lists, barcodes."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from core.model import BadFile
from data.readers.tcga import (
    CDR_COLUMNS,
    one_sample_per_patient,
    patient_of,
    read_case_lists,
    read_cdr,
    read_cdr_extra,
    sample_type,
)
from tests.data.readers.conftest import Write


def cdr(path: Path, *rows: list[object], columns: tuple[str, ...] = CDR_COLUMNS) -> Path:
    book = openpyxl.Workbook()
    page = book.create_sheet("TCGA-CDR")
    page.append([None, *columns, "Redaction"])
    for row in rows:
        page.append(row)
    book.save(path)
    return path


ROW: list[object] = ["1", "TCGA-AA-0001", "ACC", 1, 1355, 1, 1355, "#N/A", "#N/A", 0, 3.0, ""]


def test_cdr(tmp_path: Path) -> None:
    table = read_cdr(cdr(tmp_path / "c.xlsx", ROW))
    row = table.frame.loc[2]
    assert row["OS.time"] == "1355" and row["PFI.time"] == "3"
    assert row["DFI"] is None and row["Redaction"] is None
    assert row[""] == "1"


def test_cdr_errors(tmp_path: Path) -> None:
    path = tmp_path / "c.xlsx"
    with pytest.raises(BadFile, match="repeated"):
        read_cdr(cdr(path, ROW, ROW))
    wrong = tuple("x" if c == "DSS" else c for c in CDR_COLUMNS)
    with pytest.raises(BadFile, match="'DSS' is missing"):
        read_cdr(cdr(path, ROW, columns=wrong))
    with pytest.raises(BadFile, match="no sheet 'ExtraEndpoints'"):
        read_cdr_extra(cdr(path, ROW))


def test_case_lists(write: Write) -> None:
    text = "acc_x\tcases_all\tTCGA-AA-0001-01\nacc_x\tcases_sequenced\tTCGA-AA-0001-01\n"
    frame = read_case_lists(write("c.tsv", text))
    assert frame.to_dict("list") == {
        "study": ["acc_x", "acc_x"],
        "list": ["cases_all", "cases_sequenced"],
        "sample": ["TCGA-AA-0001-01"] * 2,
    }
    with pytest.raises(BadFile, match="not complete") as error:
        read_case_lists(write("c.tsv", text + "acc_x\tcases_all\tP-0001\n"))
    assert "line 3" in error.value.where


@pytest.mark.parametrize(
    ("barcode", "patient", "kind"),
    [
        ("TCGA-OR-A5J1-01A-11D-A29I-10", "TCGA-OR-A5J1", "01"),
        ("TCGA.02.0047.01A.01R.1849.01", "TCGA-02-0047", "01"),
        ("TCGA-OR-A5J1-11", "TCGA-OR-A5J1", "11"),
        ("TCGA-OR-A5J1", "TCGA-OR-A5J1", ""),
    ],
)
def test_barcodes(barcode: str, patient: str, kind: str) -> None:
    assert patient_of(barcode) == patient
    assert sample_type(barcode) == kind


@pytest.mark.parametrize("barcode", ["P-0000057-T01-IM3", "", "TCGA-OR"])
def test_no_barcode(barcode: str) -> None:
    with pytest.raises(BadFile, match="not a TCGA barcode"):
        patient_of(barcode)
    with pytest.raises(BadFile, match="not a TCGA barcode"):
        one_sample_per_patient(["TCGA-OR-A5J1-01", barcode])


def test_one_sample_per_patient() -> None:
    chosen = one_sample_per_patient(
        [
            "TCGA-AA-0002-06A",
            "TCGA-AA-0001-11A",
            "TCGA-AA-0002-01A",
            "TCGA-AA-0003-11A",
            "TCGA-AA-0001-06A",
            "TCGA.AA.0004.03B",
            "TCGA.AA.0004.03A",
            "TCGA-AA-0005",
            "TCGA-AA-0006-20A",
        ]
    )
    assert dict(zip(chosen["patient"], chosen["barcode"], strict=True)) == {
        "TCGA-AA-0002": "TCGA-AA-0002-01A",
        "TCGA-AA-0001": "TCGA-AA-0001-06A",
        "TCGA-AA-0004": "TCGA.AA.0004.03A",
        "TCGA-AA-0005": "TCGA-AA-0005",
    }
