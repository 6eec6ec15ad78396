"""Sheets of Excel workbooks (.xlsx) as tables of text."""

from __future__ import annotations

import datetime as dt
import warnings
import zipfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd

from core.model import BadFile
from data.readers.archive import check_zip
from data.readers.content import describe, require_file
from data.readers.delimited import MISSING
from data.readers.table import Table

Row = tuple[Any, ...]


def read_sheet(
    path: str | Path,
    sheet: str,
    header_row: int = 1,
    *,
    missing: Collection[str] = MISSING,
    columns: Sequence[str] | None = None,
) -> Table:
    """Read one sheet; the index is the sheet's own row number.

    ``header_row`` is the 1-based row of column names; rows above it are passed over. Cells
    become text: numbers with every digit that Excel holds, whole numbers without ``.0``, dates
    as ISO 8601, truth values as TRUE and FALSE, missing as None. Empty rows, and empty columns
    without a name at the right edge, are left out. ``columns`` keeps only these.

    Raises BadFile for a file that is no .xlsx workbook, a sheet that is not there (naming those
    that are), no rows below the header, two columns of one name, and formulas that carry no
    value because the workbook was never calculated.
    """
    path = Path(path)
    where = Table(pd.DataFrame(), path, sheet)
    rows = _rows(path, sheet, cached=False)
    if any(isinstance(c, str) and c.startswith("=") for row in rows for c in row):
        rows = _values_of_formulas(rows, path, where)
    names = [_text(c) or "" for c in rows[header_row - 1]] if len(rows) >= header_row else []
    body = [
        (number, row)
        for number, row in enumerate(rows[header_row:], start=header_row + 1)
        if any(c not in (None, "") for c in row)
    ]
    if not any(names) or not body:
        raise where.error(
            "The sheet has no table.",
            line=header_row,
            expected=f"column names in row {header_row} and rows below it",
            found=f"{len(rows)} rows in all, {len(body)} of them with values below the header",
            remedy="Check header_row in the cohort's file in data/cohorts.",
        )
    width = max(len(names), max(len(row) for _, row in body))
    names += [""] * (width - len(names))
    cells = [[_text(c) for c in row] + [None] * (width - len(row)) for _, row in body]
    return _table(names, [n for n, _ in body], cells, where, missing, columns, header_row)


def sheet_names(path: str | Path) -> tuple[str, ...]:
    """The names of the workbook's sheets; raises BadFile as :func:`read_sheet`."""
    with _workbook(Path(path), cached=False) as book:
        return tuple(book.sheetnames)


def _rows(path: Path, sheet: str, *, cached: bool) -> list[Row]:
    """Every row of the sheet: formulas as text, or (``cached``) their last values."""
    with _workbook(path, cached=cached) as book:
        if sheet not in book.sheetnames:
            raise BadFile(
                f"The workbook has no sheet {sheet!r}.",
                where=str(path),
                expected=f"a sheet {sheet!r}",
                found="sheets " + ", ".join(map(repr, book.sheetnames)),
                remedy="Check that this is the file the manifest names.",
            )
        page = book[sheet]
        page.reset_dimensions()  # what the file says of its size is often wrong
        return list(page.iter_rows(values_only=True))


@contextmanager
def _workbook(path: Path, *, cached: bool) -> Iterator[Any]:
    """The workbook, opened for reading; whatever is wrong with it becomes a BadFile."""
    require_file(path)
    try:
        with zipfile.ZipFile(path) as bundle:
            check_zip(bundle, path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions, which are not read
            book = openpyxl.load_workbook(path, read_only=True, data_only=cached)
            try:
                yield book
            finally:
                book.close()
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError, SyntaxError) as error:
        with path.open("rb") as file:
            head = file.read(64)
        what = "a zip archive that is no workbook, or is damaged"
        if not head.startswith(b"PK"):
            what = describe(head) or "text or other data"
        raise BadFile(
            "This is not an Excel workbook.",
            where=str(path),
            expected="an .xlsx workbook",
            found=f"{what} ({error})",
            remedy="An old .xls or password-protected file must be saved as .xlsx in Excel. "
            "Otherwise fetch the file again: python -m data fetch",
        ) from error


def _values_of_formulas(rows: list[Row], path: Path, where: Table) -> list[Row]:
    """The rows with each formula's last value; raises BadFile for one without a value."""
    values = _rows(path, where.sheet, cached=True)
    for number, (row, known) in enumerate(zip(rows, values, strict=True), start=1):
        for column, cell in enumerate(row):
            if isinstance(cell, str) and cell.startswith("=") and known[column] is None:
                raise where.error(
                    "A formula has no value.",
                    line=number,
                    column=str(rows[0][column]),
                    expected="a value that Excel has calculated",
                    found=cell[:60],
                    remedy="Open the workbook in Excel or LibreOffice, save it, and try again.",
                )
    return values


def _text(cell: object) -> str | None:
    """A cell's value as text, without loss."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        return cell.date().isoformat()
    if isinstance(cell, dt.datetime | dt.date | dt.time):
        return cell.isoformat()
    return str(cell)


def _table(
    names: list[str],
    numbers: list[int],
    cells: list[list[str | None]],
    where: Table,
    missing: Collection[str],
    columns: Sequence[str] | None,
    header_row: int,
) -> Table:
    absent = frozenset(missing)
    series = list(zip(*cells, strict=True))
    while not names[-1] and not any(series[-1]):
        names.pop()
        series.pop()
    for name in names:
        if names.count(name) > 1:
            raise where.error(
                f"Two columns are named {name!r}.",
                line=header_row,
                expected="column names that differ",
                found=", ".join(map(repr, names[:40])),
                remedy="Rename one of them in the workbook.",
            )
    data = {
        name: [None if c is None or c.strip() in absent else c for c in cell]
        for name, cell in zip(names, series, strict=True)
    }
    index = pd.Index(numbers, name="line", dtype="int64")
    table = Table(pd.DataFrame(data, index=index, dtype=object), where.path, where.sheet)
    if columns is None:
        return table
    table.require(columns)
    return Table(table.frame[list(columns)], where.path, where.sheet)
