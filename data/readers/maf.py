"""Mutation Annotation Format (MAF) files in their dialects, read whole or in batches.

A MAF is tab-separated, takes quotation marks literally, may open with ``#`` lines, and has up to
150 columns of which an analysis needs few. Only the columns of :data:`ALIASES` are read; they
come back under the canonical name (the GDC MAF specification's, in snake case), whatever the
dialect calls them. Names are compared without case, with blanks and dots as underscores.
"""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from core.model import BadFile
from data.readers.content import decode, is_gzip, open_binary, refuse_binary, truncated

ALIASES: dict[str, tuple[str, ...]] = {
    "hugo_symbol": ("hugo_symbol", "gene_symbol", "gene_name", "gene"),
    "entrez_gene_id": ("entrez_gene_id",),
    "ncbi_build": ("ncbi_build",),
    "chromosome": ("chromosome", "chr"),
    "start_position": ("start_position", "start", "pos", "position"),
    "end_position": ("end_position", "end"),
    "strand": ("strand",),
    "variant_classification": ("variant_classification", "muttype"),
    "variant_type": ("variant_type",),
    "consequence": ("consequence",),
    "reference_allele": ("reference_allele", "ref"),
    "tumor_seq_allele1": ("tumor_seq_allele1",),
    "tumor_seq_allele2": ("tumor_seq_allele2", "alt"),
    "tumor_sample_barcode": ("tumor_sample_barcode", "sample", "patient"),
    "matched_norm_sample_barcode": ("matched_norm_sample_barcode",),
    "mutation_status": ("mutation_status",),
    "hgvsc": ("hgvsc", "hgvs_c", "cdna_change", "cdnamut"),
    "hgvsp": ("hgvsp", "hgvs_p"),
    "hgvsp_short": ("hgvsp_short", "protein_change", "amino_acid_change", "aamut"),
    "transcript_id": ("transcript_id", "transcript"),
    "protein_position": ("protein_position",),
    "t_depth": ("t_depth",),
    "t_ref_count": ("t_ref_count",),
    "t_alt_count": ("t_alt_count",),
    "context": ("context", "ref_context"),
    "filter": ("filter",),
}
"""Canonical column -> the names that dialects give it; the first one present is read.

GDC and cBioPortal write ``Start_Position``, Oncotator and MC3 ``Start_position``, Riaz ``Start``;
cBioPortal ``HGVSp_Short`` or ``Amino_Acid_Change``, Oncotator ``Protein_Change``, Hugo ``AAmut``;
MC3 ``CONTEXT`` and Oncotator ``ref_context`` hold the reference bases around the site.
"""

NULLS = ("", ".", "NA")
"""Cells that mean *no value* in a MAF (``.`` is VEP's)."""

_BLOCK_BYTES = 8 * 1024**2
_FETCH_AGAIN = "Fetch the file again: python -m data fetch"


@dataclass(frozen=True)
class MafHeader:
    """The head of a MAF: comment lines (without ``#``), column names, and the header's line."""

    comments: tuple[str, ...]
    names: tuple[str, ...]
    line: int

    @property
    def sequenced_samples(self) -> tuple[str, ...]:
        """The samples of a ``#sequenced_samples:`` (or ``#seq_samples:``) line, or none."""
        for comment in self.comments:
            key, _, value = comment.partition(":")
            if key.strip().lower() in {"sequenced_samples", "seq_samples"}:
                return tuple(value.split())
        return ()


def canonical_names(names: Sequence[str]) -> dict[str, str]:
    """Canonical name -> the file's own, for those of ``names`` that :data:`ALIASES` knows."""
    own: dict[str, str] = {}
    for name in names:
        own.setdefault(name.strip().lower().replace(" ", "_").replace(".", "_"), name)
    found = {}
    for canonical, aliases in ALIASES.items():
        for alias in aliases:
            if alias in own:
                found[canonical] = own[alias]
                break
    return found


def read_header(path: str | Path, label: Path | None = None) -> MafHeader:
    """Read the comments and column names; raises BadFile if there is no header line."""
    path, shown = Path(path), label or Path(path)
    comments: list[str] = []
    with closing(_lines(path, shown)) as lines:
        for number, line in enumerate(lines, start=1):
            if number == 1:
                refuse_binary(line[:4096], shown, "a MAF")
            text = decode(line, shown).rstrip("\r\n")
            if text.startswith("#"):
                comments.append(text[1:])
            elif text.strip():
                return MafHeader(tuple(comments), tuple(text.split("\t")), number)
    raise BadFile(
        "The MAF has no header line.",
        where=str(shown),
        expected="a line of column names, such as Hugo_Symbol",
        found="only comments",
        remedy=_FETCH_AGAIN,
    )


def _lines(path: Path, shown: Path) -> Generator[bytes, None, None]:
    """The file's physical lines, whichever of the three line ends they have."""
    with (
        open_binary(path, shown) as file,
        io.TextIOWrapper(file, encoding="latin-1", newline="") as text,
    ):
        for line in text:
            yield line.encode("latin-1")


def read_maf(
    path: str | Path, columns: Sequence[str] | None = None, *, label: Path | None = None
) -> pa.Table:
    """The whole MAF as an Arrow table of string columns and ``line`` (int64).

    Arguments and errors as :func:`iter_maf`.
    """
    return pa.concat_tables(iter_maf(path, columns, label=label))


def iter_maf(
    path: str | Path,
    columns: Sequence[str] | None = None,
    *,
    batch_rows: int = 200_000,
    label: Path | None = None,
) -> Iterator[pa.Table]:
    """Yield the rows of a plain or gzip MAF in tables of ``batch_rows`` rows (the last: fewer).

    ``columns`` are canonical names that must be there (BadFile otherwise); None takes every
    known column present. Each table has ``line``, the row's 1-based line in the file, and the
    columns as strings, null for :data:`NULLS`. Memory is bounded by ``batch_rows``, not by
    the file.

    Raises BadFile for a missing, empty, damaged or truncated file (naming the row reached), a
    missing column, a row of another number of cells than the header, or no rows at all.
    """
    path = Path(path)
    shown = label or path
    header = read_header(path, label)
    own = _wanted(header, columns, shown)
    done = 0
    for table in _chunks(_batches(path, header, own, shown), batch_rows):
        done += table.num_rows
        yield table
    if done == 0:
        raise _without_rows(header, shown)


def _wanted(header: MafHeader, columns: Sequence[str] | None, shown: Path) -> dict[str, str]:
    """Canonical -> own name of the columns to read; raises BadFile for one that is missing."""
    known = canonical_names(header.names)
    chosen = list(known) if columns is None else list(columns)
    for name in chosen if columns is not None else ("hugo_symbol", "tumor_sample_barcode"):
        if name not in known:
            raise BadFile(
                f"The MAF has no column for {name}.",
                where=f"{shown}, line {header.line}",
                expected="one of the columns " + ", ".join(ALIASES.get(name, (name,))),
                found="columns " + ", ".join(header.names[:40]),
                remedy="Check that this is the file the manifest names. A new name for the "
                "column is one entry in ALIASES of data/readers/maf.py.",
            )
    for name in chosen:
        if header.names.count(known[name]) > 1:
            raise BadFile(
                f"Two columns are named {known[name]!r}.",
                where=f"{shown}, line {header.line}",
                expected="column names that differ",
                found=", ".join(header.names[:40]),
                remedy="Rename one of them in the file.",
            )
    return {name: known[name] for name in chosen}


def _batches(path: Path, header: MafHeader, own: dict[str, str], shown: Path) -> Iterator[pa.Table]:
    """Arrow's batches with line numbers and canonical names; Arrow's errors in our words."""
    reached = header.line
    try:
        with pa.input_stream(
            str(path), compression="gzip" if is_gzip(path, shown) else None
        ) as stream:
            for batch in _open(stream, header, own):
                lines = pa.array(range(reached + 1, reached + 1 + batch.num_rows), pa.int64())
                reached += batch.num_rows
                yield _strings(pa.Table.from_batches([batch]), lines, own)
    except pa.ArrowInvalid as error:
        raise _ragged(path, header, shown, error) from error
    except OSError as error:
        if "runcated" in str(error):
            raise truncated(shown, f"the data end after line {reached:,}") from error
        raise BadFile(
            "The compressed MAF is damaged.",
            where=f"{shown}, after line {reached:,}",
            expected="a whole gzip file",
            found=str(error),
            remedy=_FETCH_AGAIN,
        ) from error


def _open(
    stream: pa.NativeFile, header: MafHeader, own: dict[str, str]
) -> pacsv.CSVStreamingReader:
    """Arrow's streaming reader. Blank lines become rows of nulls, so that line numbers hold."""
    return pacsv.open_csv(
        stream,
        read_options=pacsv.ReadOptions(
            skip_rows=header.line,
            column_names=[name or f"unnamed {i}" for i, name in enumerate(header.names)],
            block_size=_BLOCK_BYTES,
        ),
        parse_options=pacsv.ParseOptions(
            delimiter="\t", quote_char=False, ignore_empty_lines=False
        ),
        convert_options=pacsv.ConvertOptions(
            include_columns=list(own.values()),
            column_types=dict.fromkeys(own.values(), pa.binary()),
            null_values=list(NULLS),
            strings_can_be_null=True,
        ),
    )


def _strings(table: pa.Table, lines: pa.Array, own: dict[str, str]) -> pa.Table:
    """Canonical names, text for bytes, the line numbers; rows without any value left out."""
    columns = {canonical: _text(table.column(name)) for canonical, name in own.items()}
    result = pa.table({"line": lines, **columns})
    empty = None
    for column in columns.values():
        null = pc.is_null(column)
        empty = null if empty is None else pc.and_(empty, null)
    return result if empty is None else result.filter(pc.invert(empty))


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Bytes as UTF-8 text; a column that is not UTF-8 is read as Windows-1252."""
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        values = (
            None if cell is None else cell.decode("cp1252", "replace")
            for cell in column.to_pylist()
        )
        return pa.chunked_array([pa.array(values, pa.string())])


def _chunks(tables: Iterator[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of ``rows`` rows each, the last one shorter."""
    held: list[pa.Table] = []
    count = 0
    for table in tables:
        held.append(table)
        count += table.num_rows
        while count >= rows:
            joined = pa.concat_tables(held)
            yield joined.slice(0, rows).combine_chunks()
            held = [joined.slice(rows)]
            count -= rows
    if count:
        yield pa.concat_tables(held).combine_chunks()


def _ragged(path: Path, header: MafHeader, shown: Path, error: Exception) -> BadFile:
    """The error for the first row that has not the header's number of cells."""
    cells = len(header.names)
    with closing(_lines(path, shown)) as lines:
        for number, line in enumerate(lines, start=1):
            here = line.count(b"\t") + 1
            if number > header.line and line.strip() and here != cells:
                return BadFile(
                    "A row of the MAF has another number of cells than the header.",
                    where=f"{shown}, line {number}",
                    expected=f"{cells} cells",
                    found=f"{here} cells, beginning {decode(line[:60], shown)!r}",
                    remedy="The file may be cut short or edited. " + _FETCH_AGAIN,
                )
    if number <= header.line:
        return _without_rows(header, shown)
    return BadFile(
        "The MAF cannot be read.",
        where=str(shown),
        expected="tab-separated lines",
        found=str(error),
        remedy=_FETCH_AGAIN,
    )


def _without_rows(header: MafHeader, shown: Path) -> BadFile:
    return BadFile(
        "The MAF has no rows.",
        where=f"{shown}, line {header.line}",
        expected="at least one mutation below the header",
        found="a header only",
        remedy=_FETCH_AGAIN,
    )
