"""Tables as files: readable, marked where simulated, harmless in a spreadsheet."""

from __future__ import annotations

import io

import pandas as pd

from core.report.tables import csv_bytes, file_name

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
