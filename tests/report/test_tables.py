"""Tables as files: readable, marked where simulated, harmless in a spreadsheet."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest

from core.report.snapshot import Snapshot
from core.report.tables import About, csv_bytes, excel_bytes, file_name, snapshot_excel

FRAME = pd.DataFrame({"patient_id": ["P1", "=1+1"], "time_months": [1.5, -2.0]})


def test_simulated_rows_say_so_in_every_row() -> None:
    read = pd.read_csv(io.BytesIO(csv_bytes(FRAME, simulated=True)))
    assert read.columns.tolist() == ["data", "patient_id", "time_months"]
    assert read["data"].tolist() == ["SIMULATED", "SIMULATED"]


def test_real_rows_have_no_mark_and_numbers_stay_numbers() -> None:
    read = pd.read_csv(io.BytesIO(csv_bytes(FRAME, simulated=False)))
    assert read.columns.tolist() == FRAME.columns.tolist()
    assert read.time_months.tolist() == [1.5, -2.0]


def test_text_that_would_run_as_a_formula_is_inert() -> None:
    assert b"'=1+1" in csv_bytes(FRAME, simulated=False)


def test_file_names_carry_the_mark_and_no_path() -> None:
    assert file_name("km-os-ALK", "csv", simulated=True) == "SIMULATED-km-os-ALK.csv"
    assert file_name("../a b", "svg", simulated=False) == "---a-b.svg"


# -- workbooks -------------------------------------------------------------------------

ODD = pd.DataFrame(
    {
        "gene": ["=1+1", "-ALK", "a\x0bb", None],
        "n": [1, 2, 3, 4],
        "ratio": [0.5, np.nan, np.inf, 2.0],
        "known": [True, False, True, True],
        "when": pd.to_datetime(["2024-01-02"] * 4, utc=True),
    }
)
ABOUT = About(
    "=cmd()", "Whom.", "How.", ("@warned", "again"), "From where.", "A note.", {"Study": "Cited"}
)


def opened(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content))


def test_numbers_stay_numbers_and_nothing_is_a_formula() -> None:
    book = opened(excel_bytes(ODD, ABOUT, simulated=False))
    assert book.sheetnames == ["Data", "About"]
    rows = list(book["Data"].iter_rows(min_row=2, values_only=True))
    assert [r[0] for r in rows] == ["=1+1", "-ALK", "a�b", None]
    assert [r[1] for r in rows] == [1, 2, 3, 4]
    assert [r[2] for r in rows] == [0.5, None, "inf", 2]
    assert rows[0][3] is True and rows[0][4].year == 2024
    cells = [c for sheet in book for row in sheet.iter_rows() for c in row]
    assert not [c for c in cells if c.data_type == "f"]
    led = [c for c in cells if isinstance(c.value, str) and c.value[0] in "=-@"]
    assert led and all(c.quotePrefix for c in led)


def test_about_sheet_tells_where_the_numbers_come_from() -> None:
    told = {r[0]: r[1] for r in opened(excel_bytes(ODD, ABOUT, simulated=False))["About"].values}
    assert told["Title"] == "=cmd()" and told["Patients"] == "Whom." and told["Rows"] == "4"
    assert told["Methods"] == "How." and told["Study: Study"] == "Cited"
    assert told["Provenance"] == "From where." and told["Note"] == "A note."


def test_simulated_workbook_says_so_in_sheet_column_header_and_about() -> None:
    book = opened(excel_bytes(ODD, ABOUT, simulated=True))
    sheet = book.worksheets[0]
    assert sheet.title == "SIMULATED data" and sheet.oddHeader.center.text == "SIMULATED DATA"
    assert [r[0] for r in sheet.values] == ["data", *["SIMULATED"] * 4]
    assert next(book["About"].values)[1].startswith("SIMULATED")


def test_a_pinned_figure_has_its_numbers_as_a_workbook(snapshots: list[Snapshot]) -> None:
    one = snapshots[0]
    book = opened(snapshot_excel(one))
    head, *rows = book.worksheets[0].values
    assert head == ("data", *one.numbers.columns)
    at = head.index("hazard_ratio")
    assert [r[at] for r in rows] == pytest.approx(one.numbers.hazard_ratio.tolist())
    told = [r[1] for r in book["About"].values]
    assert one.methods in told and one.provenance in told


def test_wide_tables_have_columns_after_z() -> None:
    wide = pd.DataFrame({f"c{i}": [i] for i in range(60)})
    sheet = opened(excel_bytes(wide, ABOUT, simulated=False))["Data"]
    assert sheet["BH2"].value == 59 and sheet.column_dimensions["BH"].width > 0
