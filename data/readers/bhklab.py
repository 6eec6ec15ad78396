"""The BHKLAB ICB collection's layout: CLIN.txt, CLIN_sample.txt, SNV.txt.gz in one folder."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from core.model import BadFile
from data.readers.delimited import MISSING, read_delimited
from data.readers.table import Study, Table

FILES: dict[str, str] = {
    "clin": "CLIN",
    "clin_sample": "CLIN_sample",
    "clin_response": "CLIN_response",
    "snv": "SNV",
    "tmb": "TMB",
}
"""Table -> the file's name without ``.txt`` or ``.txt.gz``."""

REQUIRED = ("clin", "clin_sample", "snv")
"""The tables whose absence is noted; the others are extras of single cohorts."""


def read_study(
    folder: str | Path,
    *,
    missing: Collection[str] = MISSING,
    snv_columns: Sequence[str] | None = None,
) -> Study:
    """Read whichever of the layout's files the folder has, with the columns as published.

    The tables are ``clin``, ``clin_sample``, ``clin_response``, ``snv`` and ``tmb``.
    ``snv_columns`` reads only these columns of the mutation table. The layout does not fix
    column names: they are the original study's, so nothing is said here of ids or endpoints.

    Raises BadFile for a folder with none of the files, one that holds both ``X.txt`` and
    ``X.txt.gz``, and whatever ``read_delimited`` raises.
    """
    folder = Path(folder)
    tables: dict[str, Table] = {}
    for name, stem in FILES.items():
        path = _find(folder, stem)
        if path is not None:
            columns = snv_columns if name == "snv" else None
            tables[name] = read_delimited(path, delimiter="\t", missing=missing, columns=columns)
    if not tables:
        raise BadFile(
            "No study in the BHKLAB layout is here.",
            where=str(folder),
            expected="CLIN.txt, and where published CLIN_sample.txt and SNV.txt.gz",
            found=", ".join(sorted(p.name for p in folder.glob("*"))[:10]) or "nothing",
            remedy="Name the folder that holds CLIN.txt, or fetch the study again.",
        )
    notes = tuple(f"The study has no {FILES[n]}.txt." for n in REQUIRED if n not in tables)
    return Study(tables, notes=notes)


def _find(folder: Path, stem: str) -> Path | None:
    """The plain or the compressed file of that stem, if one is there."""
    found = [p for p in (folder / f"{stem}.txt", folder / f"{stem}.txt.gz") if p.exists()]
    if len(found) > 1:
        raise BadFile(
            f"{stem}.txt is there twice, plain and compressed.",
            where=str(folder),
            expected="one of the two",
            found=" and ".join(p.name for p in found),
            remedy="Remove the one that is not the published file.",
        )
    return found[0] if found else None
