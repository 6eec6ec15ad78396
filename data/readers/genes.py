"""What is known of genes: protein domains and lengths, recurrent positions, pathways."""

from __future__ import annotations

import warnings
from pathlib import Path

import pandas as pd
import rdata

from core.model import BadFile
from data.readers.content import require_file
from data.readers.delimited import MISSING, read_delimited
from data.readers.table import Table

DOMAIN_COLUMNS = ("HGNC", "refseq.ID", "protein.ID", "aa.length", "Start", "End", "Label")
HOTSPOT_COLUMNS = (
    "chromosome", "position", "reference_allele", "alternate_allele", "hugo_symbol",
    "variant_classification", "amino_acid_change", "sift",
)  # fmt: skip
"""The columns of the cancer hotspots table, which has no header line."""


def read_protein_domains(path: str | Path) -> Table:
    """Read maftools' protein domains from R's serialisation (``.RDs``), a domain a row.

    Cells are text as in every table (amino-acid positions without ``.0``); ``line`` is the
    1-based row. Raises BadFile as :func:`read_rds`, and for a missing column.
    """
    table = read_rds(path)
    table.require(DOMAIN_COLUMNS)
    return table


def read_rds(path: str | Path, item: str | None = None) -> Table:
    """Read a data frame from an ``.rds`` file, or the element ``item`` of a list of them.

    R's row names become the column "" where they are names. Raises BadFile for a file that is
    missing or no R serialisation, an item that is not there, and an object that is no data
    frame.
    """
    path = Path(path)
    content = _unserialise(path)
    if item is not None:
        items = {str(k): v for k, v in content.items()} if isinstance(content, dict) else {}
        if item not in items:
            raise BadFile(
                f"The R object has no element {item!r}.",
                where=str(path),
                expected=f"a list with an element {item!r}",
                found=", ".join(map(repr, items)) or f"one {type(content).__name__}",
                remedy="Check that this is the file the manifest names.",
            )
        content = items[item]
    if not isinstance(content, pd.DataFrame):
        raise BadFile(
            "The R object is no data frame.",
            where=str(path),
            expected="a data frame",
            found=f"{type(content).__name__}"
            + (" of " + ", ".join(map(str, content)) if isinstance(content, dict) else ""),
            remedy="Name the element of the list that is one.",
        )
    return _table(content, path)


def _unserialise(path: Path) -> object:
    require_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of R classes (data.table) read as plain frames
            return rdata.read_rds(path)
    except Exception as error:  # rdata raises whatever its parser stumbles over
        raise BadFile(
            "This is not R data.",
            where=str(path),
            expected="an .rds file written by saveRDS",
            found=f"{type(error).__name__}: {error}",
            remedy="Fetch the file again: python -m data fetch",
        ) from error


def _table(content: pd.DataFrame, path: Path) -> Table:
    columns: dict[str, list[str | None]] = {}
    if content.index.dtype == object:
        columns[""] = [str(name) for name in content.index]
    for name in content.columns:
        columns[str(name)] = [_text(value) for value in content[name].astype(object)]
    index = pd.RangeIndex(1, len(content) + 1, name="line")
    return Table(pd.DataFrame(columns, index=index, dtype=object), path)


def _text(value: object) -> str | None:
    if value is None or value is pd.NA or value != value:
        return None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(float(value))
    text = str(value)
    return None if text in MISSING else text


def read_hotspots(path: str | Path) -> Table:
    """Read the cancer hotspots table (no header; GRCh37) under :data:`HOTSPOT_COLUMNS`."""
    return read_delimited(path, header=HOTSPOT_COLUMNS, delimiter="\t")


def read_protein_lengths(path: str | Path) -> Table:
    """Read protein lengths per transcript: Hugo_Symbol, refseq.ID, protein.ID, aa.length."""
    table = read_delimited(path, delimiter="\t")
    table.require(("Hugo_Symbol", "aa.length"))
    return table


def read_pathways(path: str | Path) -> Table:
    """Read oncogenic pathways: Pathway, Gene, OG_TSG (oncogene, suppressor, or missing)."""
    table = read_delimited(path, delimiter="\t")
    table.require(("Pathway", "Gene", "OG_TSG"))
    return table
