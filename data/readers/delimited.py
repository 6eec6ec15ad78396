"""Delimited text tables as published: tab, comma or semicolon; quoted or not; gzip or plain."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pandas as pd

from data.readers.content import read_text
from data.readers.table import Table

MISSING: tuple[str, ...] = (
    "", "NA", "N/A", "#N/A", "NaN", "nan",
    "[Not Available]", "[Not Applicable]", "[Not Evaluated]", "[Unknown]",
)  # fmt: skip
"""Cells that mean *no value*, compared after stripping blanks; each cohort may name others."""

csv.field_size_limit(64 * 1024**2)

Record = tuple[int, list[str]]
"""The line a record starts on, and its cells."""


def read_delimited(
    path: str | Path,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    header: bool | Sequence[str] = True,
    comment: str = "#",
    missing: Collection[str] = MISSING,
    columns: Sequence[str] | None = None,
    quoting: bool = True,
    number_duplicates: bool = False,
    label: Path | None = None,
) -> Table:
    """Read a delimited table, plain or gzip, with any of the three kinds of line end.

    ``delimiter`` None takes the one in the header line (tab before semicolon before comma).
    ``header`` True: the first line that is no comment names the columns; a list: the file has no
    header line and these are the names. ``comment`` marks lines to skip before the header ("" for
    none). ``columns`` keeps only these, in this order. ``quoting`` False takes ``"`` literally.
    ``number_duplicates`` calls the second of two equal names ``name.2`` instead of refusing it.
    ``label`` is the path that errors and the table name in place of ``path``.

    An unnamed column (R's row names, with or without a cell for them in the header) is named "".
    Columns and cells that exist only because lines end in delimiters are left out, and so are
    lines without any value. Decimal commas, blanks and codings stay as they are. The index is the
    line in the file on which each row starts.

    Raises BadFile for a file that is missing, empty, truncated, not gzip though named so, binary,
    not in ``encoding``, without rows, with two columns of one name, or with a row of another
    number of cells than the header.
    """
    path = Path(path)
    text = read_text(path, encoding, label)
    where = Table(pd.DataFrame(), label or path)
    first = _first_line(text, comment)
    if first is None:
        raise where.error(
            "The file has no table.",
            expected="a header line and rows",
            found="only comments and blank lines",
            remedy="Fetch the file again: python -m data fetch",
        )
    body = "".join(io.StringIO(text, newline="").readlines()[first - 1 :]) if first > 1 else text
    records = _records(body, delimiter or sniff_delimiter(body), quoting, first, where)
    if header is True:
        header_line, names = next(records, (first, []))
        rows = list(records)
    else:
        header_line, names, rows = 0, list(header or ()), list(records)
        if not names:
            raise ValueError("header must be True or a list of names")
    if not rows:
        raise where.error(
            "The table has no rows.",
            line=header_line or None,
            expected="at least one row below the header",
            found="a header only" if header is True else "no line",
            remedy="Fetch the file again: python -m data fetch",
        )
    names, rows = _fit(names, rows, where)
    names = _unique(names, header_line, where, number_duplicates)
    return _table(names, rows, missing, columns, where)


def sniff_delimiter(text: str) -> str:
    """Tab, semicolon or comma: the first of these that the header holds outside quotes.

    A tab is never part of a name; of the other two the more frequent wins. Tab if none is there.
    """
    counts = dict.fromkeys("\t;,", 0)
    quoted = False
    for character in text:
        if character == '"':
            quoted = not quoted
        elif not quoted and character in "\r\n":
            break
        elif not quoted and character in counts:
            counts[character] += 1
    if counts["\t"]:
        return "\t"
    best = max(";,", key=lambda character: counts[character])
    return best if counts[best] else "\t"


def _first_line(text: str, comment: str) -> int | None:
    """The number of the first line that is neither blank nor a comment."""
    for number, line in enumerate(io.StringIO(text, newline=""), start=1):
        if line.strip() and not (comment and line.startswith(comment)):
            return number
    return None


def _records(
    body: str, delimiter: str, quoting: bool, first_line: int, where: Table
) -> Iterator[Record]:
    """Records that hold any value, each with the line it starts on."""
    reader = csv.reader(
        io.StringIO(body, newline=""),
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE,
    )
    while True:
        line = first_line + reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise where.error(
                "The line cannot be split into cells.",
                line=line,
                expected="delimited cells",
                found=str(error),
                remedy="Look for a quotation mark that is opened and never closed.",
            ) from error
        if any(cells):
            yield line, cells


def _fit(names: list[str], rows: list[Record], where: Table) -> tuple[list[str], list[Record]]:
    """Names and rows of one width: row names get the name "", trailing empties go."""
    width = max(len(cells) for _, cells in rows)
    if (
        width == len(names) + 1
        and all(len(cells) == width for _, cells in rows)
        and any(cells[-1] for _, cells in rows)
    ):
        names = ["", *names]
    used = max(
        max((i for i, name in enumerate(names) if name), default=-1),
        max(next((i for i in range(len(c) - 1, -1, -1) if c[i]), -1) for _, c in rows),
    )
    if used >= len(names):
        _ragged(names, rows, where)
    names = names[: used + 1]
    fitted = []
    for line, cells in rows:
        if len(cells) < len(names) or any(cells[len(names) :]):
            _ragged(names, [(line, cells)], where)
        fitted.append((line, cells[: len(names)]))
    return names, fitted


def _ragged(names: list[str], rows: list[Record], where: Table) -> None:
    """Raise for the first row that has not the header's number of cells."""
    for line, cells in rows:
        if len(cells) < len(names) or any(cells[len(names) :]):
            spans = any("\n" in cell or "\r" in cell for cell in cells)
            raise where.error(
                "A row has another number of cells than the header.",
                line=line,
                expected=f"{len(names)} cells",
                found=f"{len(cells)} cells, beginning {cells[:3]}",
                remedy="Look for a quotation mark that is opened and never closed."
                if spans
                else "The file may be cut short or edited: fetch it again. If it uses another "
                "delimiter, name that in the cohort's file in data/cohorts.",
            )


def _unique(names: list[str], line: int, where: Table, number: bool) -> list[str]:
    """The names, or BadFile if two are equal (numbered instead where ``number``)."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1 and not number:
            positions = [i + 1 for i, other in enumerate(names) if other == name]
            raise where.error(
                f"Two columns are named {name!r}.",
                line=line or None,
                expected="column names that differ",
                found=f"{name!r} as columns " + " and ".join(map(str, positions)),
                remedy="Rename one in the file, or let the reader number them (number_duplicates).",
            )
        unique.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return unique


def _table(
    names: list[str],
    rows: list[Record],
    missing: Collection[str],
    columns: Sequence[str] | None,
    where: Table,
) -> Table:
    """Columns of cells, with None for what is missing, on an index of line numbers."""
    absent = frozenset(missing)
    empty = Table(pd.DataFrame(columns=pd.Index(names)), where.path)
    chosen = list(names if columns is None else columns)
    empty.require(chosen)
    cells = dict(zip(names, zip(*(cells for _, cells in rows), strict=True), strict=True))
    data: dict[str, list[str | None]] = {}
    for name in chosen:
        none = {value for value in set(cells[name]) if value.strip() in absent}
        data[name] = [None if value in none else value for value in cells[name]]
    index = pd.Index([line for line, _ in rows], name="line", dtype="int64")
    return Table(pd.DataFrame(data, index=index, dtype=object), where.path)
