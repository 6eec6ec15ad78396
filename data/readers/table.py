"""A file as it was published: text cells, the file's own column names, and line numbers.

Readers return :class:`Table` and :class:`Study`; nothing in them is converted, renamed or
dropped. Harmonising (units, codings, vocabularies) is ``data.harmonise``'s work, and the line
numbers kept here let it name the very line of a bad value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from core.model import BadFile


@dataclass(frozen=True)
class Table:
    """One published table.

    ``frame`` holds ``str`` cells (missing: ``None``); its index is named ``line`` and gives each
    row's 1-based line (or sheet row) in ``path``. ``sheet`` names the sheet of a workbook.
    """

    frame: pd.DataFrame
    path: Path
    sheet: str = ""

    @property
    def source(self) -> str:
        return f"{self.path}, sheet {self.sheet!r}" if self.sheet else str(self.path)

    def __len__(self) -> int:
        return len(self.frame)

    def column(self, name: str) -> pd.Series[str]:
        """The column ``name``; raises BadFile naming the columns that are there."""
        if name not in self.frame.columns:
            raise self.error(
                f"Column {name!r} is missing.",
                expected=f"a column {name!r}",
                found="columns " + ", ".join(map(repr, list(self.frame.columns)[:40])),
                remedy="Check that this is the file the manifest names, or correct the column "
                "name in the cohort's file in data/cohorts.",
            )
        return self.frame[name]

    def require(self, names: Iterable[str]) -> None:
        """Raise BadFile for the first of ``names`` that is not a column."""
        for name in names:
            self.column(name)

    def require_unique(self, name: str) -> None:
        """Raise BadFile, naming the lines, where an id in ``name`` is missing or repeated."""
        ids = self.column(name)
        lines = self.frame.index.to_numpy()
        for bad, what in ((ids.isna(), "missing"), (ids.duplicated(), "repeated")):
            if bad.any():
                row = int(bad.to_numpy().argmax())
                value = ids.iloc[row]
                first = int((ids == value).to_numpy().argmax())
                raise self.error(
                    f"An identifier ({name}) is {what}.",
                    line=int(lines[row]),
                    column=name,
                    expected="an identifier of its own in every row",
                    found=f"{value!r}, first in line {lines[first]}" if value else "no value",
                    remedy="Fetch the file again; if it was edited, take the row out.",
                )

    def error(
        self,
        message: str,
        *,
        line: int | None = None,
        column: str = "",
        expected: str = "",
        found: str = "",
        remedy: str = "",
    ) -> BadFile:
        """A BadFile that names this table, and the line and column where given."""
        where = self.source
        if line is not None:
            where += f", line {line}"
        if column:
            where += f", column {column!r}"
        return BadFile(message, where=where, expected=expected, found=found, remedy=remedy)


@dataclass(frozen=True)
class Study:
    """What a study reader found: named tables, gene panels, case lists.

    ``panels`` maps a panel id to its genes; ``case_lists`` a list's stable id (without the study
    prefix, such as ``sequenced``) to sample ids; ``notes`` says what was absent or passed over.
    """

    tables: Mapping[str, Table]
    panels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    case_lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    meta: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def table(self, name: str) -> Table:
        """The table ``name``; raises BadFile naming those that were found."""
        if name not in self.tables:
            raise BadFile(
                f"The study has no table {name!r}.",
                expected=f"a table {name!r}",
                found=", ".join(map(repr, sorted(self.tables))) or "no table at all",
                remedy="Check that the folder is complete: fetch it again.",
            )
        return self.tables[name]
