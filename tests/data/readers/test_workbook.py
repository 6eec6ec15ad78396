"""Excel sheets: nothing lost on the way to text, and files that only look like workbooks."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from core.model import BadFile
from data.readers.workbook import read_sheet, sheet_names

DAY = dt.datetime(2012, 3, 4)


def save(path: Path, *rows: list[object], sheet: str = "Data") -> Path:
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    for row in rows:
        page.append(row)
    book.create_sheet("Notes")
    book.save(path)
    return path


def test_cells_become_text_without_loss(tmp_path: Path) -> None:
    path = save(
        tmp_path / "t.xlsx",
        [None, "number", "whole", "date", "time", "flag", "text"],
        ["1", 18.2340862422998, 754.0, DAY, DAY.replace(hour=5), True, "a"],
        ["2", 1.7e-06, -21496, None, None, False, "#N/A"],
        [None] * 7,
        ["4", 0.1234567890123456, 0, None, None, None, "3,5"],
    )  # fmt: skip
    table = read_sheet(path, "Data")
    frame = table.frame
    assert list(frame.columns) == ["", "number", "whole", "date", "time", "flag", "text"]
    assert list(frame.index) == [2, 3, 5]
    assert frame["number"].to_list() == ["18.2340862422998", "1.7e-06", "0.1234567890123456"]
    assert frame["whole"].to_list() == ["754", "-21496", "0"]
    assert frame["date"].to_list() == ["2012-03-04", None, None]
    assert frame["time"].to_list()[0] == "2012-03-04T05:00:00"
    assert frame["flag"].to_list() == ["TRUE", "FALSE", None]
    assert frame["text"].to_list() == ["a", None, "3,5"]
    assert table.source == f"{path}, sheet 'Data'"
    assert sheet_names(path) == ("Data", "Notes")


def test_header_row_missing_values_and_selection(tmp_path: Path) -> None:
    path = save(tmp_path / "t.xlsx", ["A title"], ["id", "x", None], ["A", ".", None])
    assert read_sheet(path, "Data", header_row=2).frame.to_dict("list") == {"id": ["A"], "x": ["."]}
    table = read_sheet(path, "Data", header_row=2, missing=(".",), columns=["x"])
    assert table.frame.to_dict("list") == {"x": [None]}
    with pytest.raises(BadFile, match="'os' is missing"):
        read_sheet(path, "Data", header_row=2, columns=["os"])


def test_sheet_missing(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no sheet 'Clinic'") as error:
        read_sheet(save(tmp_path / "t.xlsx", ["a"], [1]), "Clinic")
    assert error.value.found == "sheets 'Data', 'Notes'"


def test_no_table(tmp_path: Path) -> None:
    path = save(tmp_path / "t.xlsx", ["a", "b"])
    for sheet, header_row in (("Data", 1), ("Data", 9), ("Notes", 1)):
        with pytest.raises(BadFile, match="no table"):
            read_sheet(path, sheet, header_row)


def test_duplicate_columns(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="Two columns are named 'a'"):
        read_sheet(save(tmp_path / "t.xlsx", ["a", "a"], [1, 2]), "Data")


def test_formula_without_value(tmp_path: Path) -> None:
    path = save(tmp_path / "t.xlsx", ["id", "sum"], ["A", 3], ["B", "=1+2"])
    with pytest.raises(BadFile, match="formula has no value") as error:
        read_sheet(path, "Data")
    assert "line 3" in error.value.where and "'sum'" in error.value.where
    assert error.value.found == "=1+2"


def test_formula_with_value(tmp_path: Path) -> None:
    path = save(tmp_path / "t.xlsx", ["id", "sum"], ["B", "=1+2"])
    calculated = tmp_path / "calculated.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(calculated, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("sheet1.xml"):
                assert b"<v />" in data or b"<v></v>" in data or b"<v/>" in data
                for empty in (b"<v />", b"<v></v>", b"<v/>"):
                    data = data.replace(empty, b"<v>3</v>")
            new.writestr(name, data)
    assert read_sheet(calculated, "Data").column("sum").to_list() == ["3"]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"id\tx\nA\t1\n", "text or other data"),
        (b"\xd0\xcf\x11\xe0" + bytes(200), "old Excel"),
        (b"<html>404</html>", "web page"),
    ],
)
def test_no_excel_file(tmp_path: Path, data: bytes, found: str) -> None:
    path = tmp_path / "t.xlsx"
    path.write_bytes(data)
    with pytest.raises(BadFile, match="not an Excel workbook") as error:
        read_sheet(path, "Data")
    assert found in error.value.found
    assert str(path) in error.value.where
    assert "saved as .xlsx" in error.value.remedy


def test_other_zips_bombs_and_cut_workbooks(
    tmp_path: Path, cut: Callable[[Path, float], Path]
) -> None:
    other = tmp_path / "other.xlsx"
    with zipfile.ZipFile(other, "w") as bundle:
        bundle.writestr("a.txt", "x")
    with pytest.raises(BadFile, match="not an Excel workbook"):
        read_sheet(other, "Data")
    with pytest.raises(BadFile, match="not an Excel workbook"):
        read_sheet(cut(save(tmp_path / "cut.xlsx", ["a"], [1]), 0.6), "Data")
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("xl/workbook.xml", bytes(40 * 1024**2))
    with pytest.raises(BadFile, match="zip bomb"):
        read_sheet(bomb, "Data")
    with pytest.raises(BadFile, match="not there"):
        read_sheet(tmp_path / "absent.xlsx", "Data")
