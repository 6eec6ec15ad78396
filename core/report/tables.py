"""A table as a file that any spreadsheet reads, marked where its rows are simulated."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font

from core.report.snapshot import Snapshot

SIMULATED = "SIMULATED"

EXCEL_MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

MOST_ROWS = 1_048_575
"""Rows that a sheet holds beneath its header; further ones are left out and counted."""

LONGEST = 32_767
"""Characters that a cell holds."""

WIDEST_COLUMN = 60


@dataclass(frozen=True)
class About:
    """What the second sheet says of the first: where its numbers come from."""

    title: str
    sentence: str = ""
    methods: str = ""
    warnings: Sequence[str] = ()
    provenance: str = ""
    note: str = ""
    cohorts: Mapping[str, str] | None = None
    """Study -> citation."""


def csv_bytes(frame: pd.DataFrame, *, simulated: bool) -> bytes:
    """``frame`` as UTF-8 CSV; simulated rows say so in a first column ``data``.

    A column, unlike a comment line, survives sorting, filtering and joining. Text that a
    spreadsheet would run as a formula is led by an apostrophe.
    """
    safe = _marked(frame, simulated)
    for column in safe.select_dtypes(include=["object", "string"]).columns:
        safe[column] = safe[column].map(_inert)
    return safe.to_csv(index=False).encode("utf-8")


def excel_bytes(frame: pd.DataFrame, about: About, *, simulated: bool) -> bytes:
    """``frame`` as an Excel workbook: a sheet of data and a sheet about them.

    Numbers stay numbers, missing ones are empty cells. Every text is stored as text, so that none
    is run as a formula. Simulated rows say so in a first column, and the sheet in its name and in
    the header of every printed page.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet(f"{SIMULATED} data" if simulated else "Data")
    safe = _marked(frame, simulated)
    for i, name in enumerate(safe.columns):
        sheet.column_dimensions[_letter(i)].width = _width(str(name), safe.iloc[:, i])
    sheet.freeze_panes = "A2"
    if simulated:
        sheet.oddHeader.center.text = f"{SIMULATED} DATA"
    sheet.append([_cell(sheet, str(c), bold=True) for c in safe.columns])
    for row in safe.head(MOST_ROWS).itertuples(index=False):
        sheet.append([v if _is_plain(v) else _cell(sheet, v) for v in row])
    _about_sheet(book, about, len(safe), simulated)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def snapshot_excel(snapshot: Snapshot) -> bytes:
    """The numbers of a pinned figure as a workbook."""
    about = About(
        title=snapshot.title,
        sentence=snapshot.sentence,
        methods=snapshot.methods,
        warnings=snapshot.warnings,
        provenance=snapshot.provenance,
        note=snapshot.note,
        cohorts=snapshot.cohorts,
    )
    return excel_bytes(snapshot.numbers, about, simulated=snapshot.simulated)


def file_name(stem: str, extension: str, *, simulated: bool) -> str:
    """``SIMULATED-km-os-alk.csv``: a name that tells what the file must not be taken for."""
    lead = f"{SIMULATED}-" if simulated and not stem.startswith(SIMULATED) else ""
    kept = "".join(c if c.isalnum() or c in "-_" else "-" for c in stem)
    return f"{lead}{kept}.{extension}"


def _marked(frame: pd.DataFrame, simulated: bool) -> pd.DataFrame:
    """A copy whose first column says that it is simulated; a column ``data`` of its own stays."""
    safe = frame.copy()
    if simulated:
        safe.insert(0, "data", SIMULATED, allow_duplicates=True)
    return safe


def _about_sheet(book: Workbook, about: About, n: int, simulated: bool) -> None:
    sheet = book.create_sheet("About")
    sheet.column_dimensions["A"].width = 16
    sheet.column_dimensions["B"].width = 110
    rows = [("Data", f"{SIMULATED}: no patient stands behind these rows")] if simulated else []
    rows += [("Title", about.title), ("Patients", about.sentence), ("Note", about.note)]
    rows += [("Rows", f"{n:,}" + (f", of which {MOST_ROWS:,} fit" if n > MOST_ROWS else ""))]
    rows += [("Methods", about.methods), *(("Warning", w) for w in about.warnings)]
    rows += [(f"Study: {k}", v) for k, v in (about.cohorts or {}).items()]
    rows += [("Provenance", about.provenance)]
    for name, text in rows:
        if text:
            sheet.append([_cell(sheet, name, bold=True), _cell(sheet, text, wrap=True)])


def _is_plain(value: Any) -> bool:
    """True for what a cell may hold as it is: a number that exists, a text that stays one."""
    if type(value) is float:
        return math.isfinite(value)
    if type(value) is str:
        harmless = len(value) < LONGEST and _inert(value) == value
        return harmless and not ILLEGAL_CHARACTERS_RE.search(value)
    return type(value) is int


def _cell(sheet: Any, value: Any, *, bold: bool = False, wrap: bool = False) -> WriteOnlyCell:
    if hasattr(value, "item"):
        value = value.item()
    if value is None or value is pd.NaT or value is pd.NA:
        value = None
    elif isinstance(value, float) and not math.isfinite(value):
        value = None if math.isnan(value) else str(value)
    elif isinstance(value, pd.Timestamp):
        value = value.tz_localize(None).to_pydatetime() if value.tzinfo else value.to_pydatetime()
    elif not isinstance(value, (str, int, float, bool)):
        value = str(value)
    if isinstance(value, str):
        value = ILLEGAL_CHARACTERS_RE.sub("�", value)[:LONGEST]
    cell = WriteOnlyCell(sheet, value)
    if isinstance(value, str):
        cell.data_type = "s"  # else a leading = would make it a formula
        cell.quotePrefix = _inert(value) != value
    if bold:
        cell.font = Font(bold=True)
    if wrap:
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def _letter(i: int) -> str:
    """``A`` for 0, ``AA`` for 26."""
    name = ""
    i += 1
    while i:
        i, rest = divmod(i - 1, 26)
        name = chr(65 + rest) + name
    return name


def _width(name: str, column: pd.Series) -> int:
    longest = max((len(str(v)) for v in column.head(200)), default=0)
    return min(max(len(name), min(longest, 18 if column.dtype.kind == "f" else longest), 6) + 2,
               WIDEST_COLUMN)  # fmt: skip


def _inert(value: object) -> object:
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
