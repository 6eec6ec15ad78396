"""Expression matrices, streamed in blocks of genes so that none is ever whole in memory.

The layout is PanCanAtlas's EBPlusPlusAdjustPANCAN: a header of aliquot barcodes, then one row a
gene, named ``SYMBOL|entrez``. Three things in it are not what one expects, and stay as they are:

- 29 genes have the symbol ``?`` and some symbols occur twice (SLC35E2): only the Entrez id
  tells such rows apart;
- the batch correction leaves small negative values;
- genes that a platform did not measure are ``NA`` in its samples: NaN here, never zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv

from core.model import BadFile
from data.readers.content import is_gzip, open_binary, refuse_binary, truncated
from data.readers.delimited import read_delimited
from data.readers.features import numbers

Matrix = npt.NDArray[np.float32]

MISSING = ("", "NA", "NaN", "null")
_BLOCK_BYTES = 32 * 1024**2
_FETCH_AGAIN = "Fetch the file again: python -m data fetch"


@dataclass(frozen=True)
class ExpressionBlock:
    """Some genes of a matrix: ``values[i, j]`` is gene i in the sample j of the header.

    ``symbols`` are as published (``?`` where the annotation had none), ``entrez`` is None where
    the row's name has no number.
    """

    symbols: tuple[str, ...]
    entrez: tuple[int | None, ...]
    values: Matrix


def header(path: str | Path) -> tuple[str, ...]:
    """The samples (aliquot barcodes) of the matrix, in column order.

    Raises BadFile for a file that is missing, empty or binary, and for a header with fewer than
    one sample or with a sample twice.
    """
    return tuple(_columns(Path(path))[1:])


def iter_expression(path: str | Path, *, block_genes: int = 500) -> Iterator[ExpressionBlock]:
    """Yield the matrix (tab-separated, plain or gzip) in blocks of ``block_genes`` genes.

    Memory is bounded by the block and a buffer of 32 MiB of text, whatever the file's size.
    Values are float32 in the file's own unit, NaN where missing.

    Raises BadFile as :func:`header`, for a row with another number of cells than the header or
    a cell that is no number (naming the line), a gene without a name, a file cut short (naming
    the line reached), and a file without genes.
    """
    path = Path(path)
    columns = _columns(path)
    names: list[str] = []
    held: list[Matrix] = []
    line = 1
    for ids, values in _batches(path, columns):
        for offset, name in enumerate(ids, start=1):
            if not name:
                raise _error(path, line + offset, "A gene has no name.", "a name", "none")
        line += len(ids)
        names += ids
        held.append(values)
        while len(names) >= block_genes:
            joined = np.concatenate(held)
            yield _block(names[:block_genes], joined[:block_genes])
            names, held = names[block_genes:], [joined[block_genes:]]
    if names:
        yield _block(names, np.concatenate(held))
    if line == 1:
        raise _error(path, 1, "The matrix has no genes.", "rows below the header", "a header only")


def read_sample_rows(
    path: str | Path, sample_column: str, genes: Sequence[str]
) -> tuple[tuple[str, ...], ExpressionBlock]:
    """Read a small table with a sample a row and a gene a column: the samples, and their values.

    ``genes`` names the columns to take. Symbols stay as published (``HLA_A``). Raises BadFile
    as ``read_delimited`` and ``features.numbers``, and for a sample missing or repeated.
    """
    table = read_delimited(path)
    table.require_unique(sample_column)
    values = numbers(table, genes).to_numpy(dtype=np.float32).T
    block = ExpressionBlock(tuple(genes), (None,) * len(genes), np.ascontiguousarray(values))
    return tuple(table.column(sample_column)), block


def _block(names: list[str], values: Matrix) -> ExpressionBlock:
    """Split ``SYMBOL|entrez``."""
    parts = [name.partition("|") for name in names]
    entrez = tuple(int(number) if number.isdigit() else None for _, _, number in parts)
    return ExpressionBlock(tuple(symbol for symbol, _, _ in parts), entrez, values)


def _columns(path: Path) -> list[str]:
    """The cells of the header line, checked."""
    with open_binary(path) as file:
        raw = file.readline()
    refuse_binary(raw[:4096], path, "an expression matrix")
    cells = raw.decode("utf-8-sig", "replace").rstrip("\r\n").split("\t")
    if len(cells) < 2:
        found = f"{len(cells)} cell, beginning {cells[0][:60]!r}"
        raise _error(path, 1, "The matrix has no samples.", "tab-separated sample names", found)
    repeated = pd.Series(cells).duplicated()
    if repeated.any():
        name = cells[int(repeated.to_numpy().argmax())]
        raise _error(path, 1, "A sample is there twice.", "samples that differ", repr(name))
    return cells


def _batches(path: Path, columns: list[str]) -> Iterator[tuple[list[str], Matrix]]:
    """Gene names and values as Arrow parses them; Arrow's errors in our words."""
    reached = 1
    types = {name: pa.float32() for name in columns[1:]}
    try:
        compression = "gzip" if is_gzip(path) else None
        with pa.input_stream(str(path), compression=compression) as stream:
            reader = pacsv.open_csv(
                stream,
                read_options=pacsv.ReadOptions(
                    skip_rows=1, column_names=columns, block_size=_BLOCK_BYTES
                ),
                parse_options=pacsv.ParseOptions(delimiter="\t", quote_char=False),
                convert_options=pacsv.ConvertOptions(
                    column_types={columns[0]: pa.string(), **types}, null_values=list(MISSING)
                ),
            )
            for batch in reader:
                reached += batch.num_rows
                tensor = batch.select(columns[1:]).to_tensor(null_to_nan=True, row_major=True)
                yield batch.column(0).to_pylist(), tensor.to_numpy()
    except pa.ArrowInvalid as error:
        raise _bad_row(path, columns, error) from error
    except OSError as error:
        if "runcated" in str(error):
            raise truncated(path, f"the data end after line {reached:,}") from error
        raise _error(path, reached, "The compressed file is damaged.", "a whole gzip file",
                     str(error)) from error  # fmt: skip


def _bad_row(path: Path, columns: list[str], error: Exception) -> BadFile:
    """The error for the first line that does not fit the header or holds no numbers."""
    with open_binary(path) as file, closing(file):
        file.readline()
        line = 1
        for line, raw in enumerate(file, start=2):
            cells = raw.decode("utf-8", "replace").rstrip("\r\n").split("\t")
            if len(cells) != len(columns):
                return _error(path, line, "A row has another number of cells than the header.",
                              f"{len(columns)} cells", f"{len(cells)} cells")  # fmt: skip
            for name, cell in zip(columns[1:], cells[1:], strict=True):
                if cell not in MISSING and not _is_number(cell):
                    return _error(path, line, f"The value of {name} is no number.",
                                  "a number with a decimal point", repr(cell))  # fmt: skip
    if line == 1:
        return _error(path, 1, "The matrix has no genes.", "rows below the header", "no row")
    return _error(path, line, "The matrix cannot be read.", "numbers in tabs", str(error))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _error(path: Path, line: int, message: str, expected: str, found: str) -> BadFile:
    where = f"{path}, line {line}"
    return BadFile(message, where=where, expected=expected, found=found, remedy=_FETCH_AGAIN)
