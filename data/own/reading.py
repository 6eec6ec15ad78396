"""Uploaded files as tables: a study's archive, or two tables as text or Excel.

The readers are those of the published files; here stand the limits of what a stranger's file may
cost, and the words for a person who has no raw folder to fetch again.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from core.model import BadFile, DashboardError
from data.own.workspace import INCOMING
from data.readers import cbioportal, maf, workbook
from data.readers.archive import check_zip
from data.readers.content import GZIP_MAGIC, require_file
from data.readers.delimited import read_delimited
from data.readers.table import Table

STUDY_BYTES = 1024**3
"""What an uploaded archive may unpack to."""
TABLE_BYTES = 150 * 1024**2
"""What an uploaded table may unpack to."""
MOST_CELLS = 6_000_000
"""Cells of a table that is read whole; a MAF is read by its known columns and may hold more."""

_ELSEWHERE = re.compile(
    r"python -m data|data/cohorts|data/facts|data/readers|manifest|[Ff]etch|publisher|declare|"
    r"number_duplicates|header_row|by hand"
)
"""Advice of the readers that is meant for published files."""


@dataclass(frozen=True)
class UploadedFile:
    """What is remembered of a file: its name, size and hash."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Upload:
    """Tables under their own column names: ``patients``, and where given ``samples``,
    ``mutations``, ``gene_matrix``.

    ``sequenced``: the samples that were sequenced, where a study says so.
    """

    kind: str
    tables: Mapping[str, Table]
    files: tuple[UploadedFile, ...]
    panels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sequenced: tuple[str, ...] | None = None
    meta: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def patients(self) -> Table:
        return self.tables["patients"]


def describe_file(path: Path) -> UploadedFile:
    """Name, size and hash of an uploaded file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return UploadedFile(path.name, path.stat().st_size, digest)


@contextmanager
def in_own_words(folder: Path) -> Iterator[None]:
    """Errors about files below ``folder`` name the file alone, and say what an uploader can do."""
    try:
        yield
    except DashboardError as error:
        inside = re.compile(re.escape(f"{folder}/{INCOMING}/") + "[^/]+/")

        def told(text: str) -> str:
            return inside.sub("", text).replace(str(folder), "the upload")

        advice = [s for s in re.split(r"(?<=[.;])\s+", error.remedy) if s]
        kept = [s for s in advice if not _ELSEWHERE.search(s)]
        raise BadFile(
            told(error.message),
            expected=told(error.expected),
            found=told(error.found),
            where=told(error.where),
            remedy=told(" ".join(kept)) or "Correct the file and upload it again.",
        ) from error


def read_study_archive(path: Path, folder: Path) -> Upload:
    """A cBioPortal study as a zip or tar archive.

    ``folder`` is what errors leave out of paths. Raises BadFile for whatever the archive's and the
    study's readers refuse, and for a study without a table of patients.
    """
    with in_own_words(folder):
        require_file(path)
        study = cbioportal.read_study(path, most=STUDY_BYTES)
        if "patients" not in study.tables:
            raise BadFile(
                "The study has no table of patients.",
                where=path.name,
                expected="data_clinical_patient.txt",
                found=", ".join(sorted(study.tables)) or "no table",
                remedy="Put the clinical file of the patients into the archive.",
            )
        tables = {
            name: replace(table, path=Path(table.path.name))
            for name, table in study.tables.items()
            if name in ("patients", "samples", "mutations", "gene_matrix")
        }
        return Upload(
            "study",
            tables,
            (describe_file(path),),
            study.panels,
            study.case_lists.get("sequenced"),
            study.meta,
            study.notes,
        )


def read_two_tables(
    patients: Path, mutations: Path | None, folder: Path, sheets: tuple[str, str] = ("", "")
) -> Upload:
    """Two tables as text (tab, comma, semicolon) or Excel; ``sheets`` names those of workbooks.

    Raises BadFile, naming file, line and column, for whatever the readers refuse.
    """
    with in_own_words(folder):
        tables = {"patients": _table(patients, sheets[0])}
        files = [describe_file(patients)]
        if mutations is not None:
            tables["mutations"] = _table(mutations, sheets[1])
            if mutations != patients:
                files.append(describe_file(mutations))
        return Upload("tables", tables, tuple(files))


def sheets(path: Path, folder: Path) -> tuple[str, ...]:
    """The sheets of a workbook; none for a text file. Raises BadFile for a damaged workbook."""
    if path.suffix.lower() not in (".xlsx", ".xlsm"):
        return ()
    with in_own_words(folder):
        _weigh_workbook(path)
        return workbook.sheet_names(path)


def _table(path: Path, sheet: str) -> Table:
    """One table. A MAF is read by its known columns, which is all that a large one can afford."""
    require_file(path)
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        _weigh_workbook(path)
        found = workbook.read_sheet(path, sheet or workbook.sheet_names(path)[0])
        return _sized(replace(found, path=Path(path.name)))
    size = _unpacked_bytes(path)
    if _is_maf(path):
        rows = maf.read_maf(path).to_pandas().set_index("line").astype(object)
        own = maf.canonical_names(maf.read_header(path).names)
        return Table(rows.where(rows.notna(), None).rename(columns=own), Path(path.name))
    if size > TABLE_BYTES:
        raise BadFile(
            "The table is too large.",
            where=path.name,
            expected=f"at most {TABLE_BYTES:,} bytes unpacked, or a MAF",
            found=f"{size:,} bytes",
            remedy="Leave out columns that the mapping does not need.",
        )
    return _sized(read_delimited(path, label=Path(path.name)))


def _sized(table: Table) -> Table:
    rows, columns = table.frame.shape
    if rows * columns > MOST_CELLS:
        raise table.error(
            "The table is too large.",
            expected=f"at most {MOST_CELLS:,} cells",
            found=f"{rows:,} rows of {columns:,} columns",
            remedy="Leave out columns that the mapping does not need.",
        )
    return table


def _is_maf(path: Path) -> bool:
    """Whether the header has MAF's own names, parted by tabs."""
    try:
        names = {n.strip().lower() for n in maf.read_header(path).names}
    except BadFile:
        return False  # the reader of tables says what is wrong
    return {"hugo_symbol", "tumor_sample_barcode"} <= names


def _unpacked_bytes(path: Path) -> int:
    """Bytes of a text file, unpacked as far as STUDY_BYTES; raises BadFile beyond."""
    with path.open("rb") as file:
        if file.read(2) != GZIP_MAGIC:
            return path.stat().st_size
    total = 0
    try:
        with gzip.open(path, "rb") as unpacked:
            while chunk := unpacked.read(1024**2):
                total += len(chunk)
                if total > STUDY_BYTES:
                    raise BadFile(
                        "The compressed file unpacks to far more than a table.",
                        where=path.name,
                        expected=f"at most {STUDY_BYTES:,} bytes",
                        found="more than that",
                        remedy="Upload the table without what it does not need.",
                    )
    except (EOFError, OSError, zlib.error):
        return total  # the reader says what is damaged
    return total


def _weigh_workbook(path: Path) -> None:
    """Raise BadFile for a workbook that unpacks to more than a table; not for one that is none."""
    require_file(path)
    try:
        with zipfile.ZipFile(path) as bundle:
            check_zip(bundle, path, 4 * TABLE_BYTES)
    except zipfile.BadZipFile:
        return  # the reader says what it is instead


def preview(table: Table, rows: int = 5) -> pd.DataFrame:
    """The first rows as they stand in the file, with their line."""
    head = table.frame.head(rows)
    return head.fillna("").reset_index(names="line")
