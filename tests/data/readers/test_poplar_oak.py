"""The two trials' workbook."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from core.model import BadFile
from data.readers.poplar_oak import read_study

POPLAR = ["PtID", "btmb", "BEP", "QC_Status", "PRIORTX", "EMLAMUT", "PFS", "PFS.CNSR", "OS",
          "OS.CNSR", "TRT01P"]  # fmt: skip
OAK = ["PtID", "btmb", "BEP", "btmb_QC", "PRIORTXC", "EML4MUT", "PFS", "PFS.CNSR", "OS",
       "OS.CNSR", "TRT01P", "TC1IC1"]  # fmt: skip
CALLS = ["PtID", "Study", "gene_name", "effect"]


def workbook(
    path: Path,
    poplar: list[list[object]],
    oak: list[list[object]],
    calls: list[list[object]],
    columns: list[str] = POPLAR,
) -> Path:
    book = openpyxl.Workbook()
    for sheet, rows in (
        ("OAK_POPLAR_btmb_variants", [CALLS, *calls]),
        ("POPLAR_Clinical_Data", [columns, *poplar]),
        ("OAK_Clinical_Data", [OAK, *oak]),
    ):
        page = book.create_sheet(sheet)
        for row in rows:
            page.append(row)
    book.save(path)
    return path


P1: list[object] = [7, ".", "N", "PASS", 1, "NEGATIVE", 2.5, 0, 18.25, 1, "Docetaxel"]
O1: list[object] = [7, 16, "Y", "pass", 2, ".", 1.5, 1, 9.5, 0, "MPDL3280A", "TC0 and IC0"]


def test_both_trials_under_one_set_of_names(tmp_path: Path) -> None:
    path = workbook(tmp_path / "s.xlsx", [P1], [O1], [[7, "OAK", "ALK", "missense"]])
    study = read_study(path)
    patients = study.table("patients").frame
    assert patients["patient"].to_list() == ["POPLAR-7", "OAK-7"]
    assert patients["btmb"].to_list() == [None, "16"]
    assert patients["btmb_QC"].to_list() == ["PASS", "pass"]
    assert patients["PRIORTXC"].to_list() == ["1", "2"]
    assert patients["EML4MUT"].to_list() == ["NEGATIVE", None]
    assert patients["TC1IC1"].to_list() == [None, "TC0 and IC0"]
    assert patients["OS"].to_list() == ["18.25", "9.5"]
    assert "EMLAMUT" not in patients
    calls = study.table("variants").frame
    assert calls["patient"].to_list() == ["OAK-7"]


def test_bad_workbooks(tmp_path: Path) -> None:
    path = tmp_path / "s.xlsx"
    with pytest.raises(BadFile, match="repeated") as error:
        read_study(workbook(path, [P1, P1], [O1], [[7, "OAK", "ALK", "missense"]]))
    assert "POPLAR_Clinical_Data" in error.value.where and "line 3" in error.value.where
    with pytest.raises(BadFile, match="belongs to no patient") as error:
        read_study(workbook(path, [P1], [O1], [[8, "OAK", "ALK", "missense"]]))
    assert "'OAK-8'" in error.value.found and "line 2" in error.value.where
    wrong = ["OS_months" if name == "OS" else name for name in POPLAR]
    with pytest.raises(BadFile, match="'OS' is missing"):
        read_study(workbook(path, [P1], [O1], [[7, "OAK", "ALK", "missense"]], wrong))
