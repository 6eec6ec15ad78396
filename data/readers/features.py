"""Tables of numeric features per sample, whichever way round they were published."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import feather

from core.model import BadFile
from data.readers.content import describe, require_file
from data.readers.delimited import MISSING, read_delimited
from data.readers.table import Table

Cells = npt.NDArray[np.object_]
Orientation = Literal["samples in rows", "features in rows", "long"]


def read_features(
    path: str | Path,
    orientation: Orientation,
    *,
    id_column: str,
    features: Sequence[str] | None = None,
    feature_column: str | None = None,
    value_column: str | None = None,
    header: bool | Sequence[str] = True,
    delimiter: str | None = None,
    decimal: str = ".",
    missing: Collection[str] = MISSING,
) -> pd.DataFrame:
    """Read numeric features into one row per sample and feature that has a value.

    Returns columns ``id`` (str, as published: a patient, a sample or an aliquot), ``feature``
    (str) and ``value`` (float64, the file's own unit), in the file's order. A pair whose cell
    is missing has no row.

    - ``"samples in rows"``: ``id_column`` holds the ids, every one of ``features`` is a column.
    - ``"features in rows"``: ``id_column`` holds the features' names, the other columns are
      samples; ``features`` keeps some rows.
    - ``"long"``: ``id_column``, ``value_column``, and ``feature_column`` with the features'
      names; where the file is about one feature, name that one in ``features`` instead.

    ``features`` None takes every column (or row) but the id; a column of text then raises, so
    name the numeric ones where a file has both. ``decimal`` "," is for files that write 3,5.
    ``path`` may be delimited text, plain or gzip (``header`` and ``delimiter`` as in
    ``read_delimited``), or a ``.feather`` file.

    Raises BadFile for whatever ``read_delimited`` refuses, a missing column or feature, a
    missing or repeated id, and a cell that is no number (naming line and column).
    """
    path = Path(path)
    table = (
        read_feather(path, missing=missing)
        if path.suffix == ".feather"
        else read_delimited(path, header=header, delimiter=delimiter, missing=missing)
    )
    if orientation == "long":
        return _long(table, id_column, feature_column, value_column, features, decimal)
    table.require_unique(id_column)
    if orientation == "samples in rows":
        names = [c for c in table.frame.columns if c != id_column]
        wide = numbers(table, names if features is None else list(features), decimal)
        ids = table.column(id_column)
    else:
        table = _keep_rows(table, id_column, features)
        samples = [c for c in table.frame.columns if c != id_column]
        wide = numbers(table, samples, decimal).T
        wide.columns = pd.Index(table.column(id_column))
        ids = pd.Series(samples, dtype=object)
    return _tidy(ids, wide)


def numbers(table: Table, names: Sequence[str], decimal: str = ".") -> pd.DataFrame:
    """Columns as float64, NaN where missing; raises BadFile naming the first other cell."""
    table.require(names)
    frame = table.frame[list(names)]
    cells = frame.to_numpy(dtype=object).reshape(-1)
    values, bad = _parse(cells if decimal == "." else _with_points(cells, decimal))
    if bad.any():
        row, column = divmod(int(bad.argmax()), len(names))
        cell = str(frame.iloc[row, column])
        raise table.error(
            "A cell is no number.",
            line=int(frame.index.to_numpy()[row]),
            column=names[column],
            expected=f"a number with the decimal mark {decimal!r}",
            found=repr(cell),
            remedy="Set the decimal mark of this source to ','."
            if "," in cell and decimal != ","
            else "If this is a code for a missing value, add it to this source's 'missing'; if "
            "the column holds text, leave it out of 'features'.",
        )
    return pd.DataFrame(values.reshape(frame.shape), index=frame.index, columns=frame.columns)


def _parse(cells: Cells) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Text as the nearest float64 (``pandas.to_numeric`` drops the last digits), and what is not.

    Missing cells are NaN; so are those that are no number, which the second array marks.
    """
    text = pc.utf8_trim_whitespace(pa.array(cells, pa.string()))
    bad = np.zeros(len(cells), dtype=bool)
    try:
        numeric = text.cast(pa.float64())
    except pa.ArrowInvalid:
        bad[:] = [cell is not None and not _is_number(cell) for cell in cells]
        numeric = pc.if_else(pa.array(bad), None, text).cast(pa.float64())
    return np.asarray(numeric.to_numpy(zero_copy_only=False), dtype=np.float64), bad


def _is_number(cell: str) -> bool:
    try:
        pa.scalar(cell.strip()).cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True


def _with_points(cells: Cells, decimal: str) -> Cells:
    points = [None if cell is None else cell.replace(decimal, ".") for cell in cells]
    return np.array(points, dtype=object)


def read_feather(path: str | Path, *, missing: Collection[str] = MISSING) -> Table:
    """A feather (Arrow) file as a table of text; its ``line`` is the 1-based row.

    Numbers keep every digit, whole ones lose ``.0``; nulls and ``missing`` become None. Raises
    BadFile for a file that is missing, empty or no feather file.
    """
    path = Path(path)
    require_file(path)
    try:
        frame = feather.read_table(path).to_pandas()
    except (pa.ArrowInvalid, OSError) as error:
        with path.open("rb") as file:
            head = file.read(64)
        raise BadFile(
            "This is not a feather file.",
            where=str(path),
            expected="an Arrow (feather) file",
            found=f"{describe(head) or 'other data, or a file cut short'} ({error})",
            remedy="Fetch the file again: python -m data fetch",
        ) from error
    absent = frozenset(missing)
    columns = {name: [_text(v, absent) for v in frame[name]] for name in frame.columns}
    index = pd.RangeIndex(1, len(frame) + 1, name="line")
    return Table(pd.DataFrame(columns, index=index, dtype=object), path)


def _text(value: object, absent: frozenset[str]) -> str | None:
    """A cell of a feather file as text, without loss."""
    if value is None or value != value:
        return None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    text = str(value)
    return None if text.strip() in absent else text


def _long(
    table: Table,
    id_column: str,
    feature_column: str | None,
    value_column: str | None,
    features: Sequence[str] | None,
    decimal: str,
) -> pd.DataFrame:
    """A long table, checked for repeated pairs of id and feature."""
    if value_column is None or (feature_column is None and len(features or ()) != 1):
        raise ValueError("a long table needs value_column, and feature_column or one feature")
    frame = pd.DataFrame(
        {
            "id": table.column(id_column),
            "feature": (features or [""])[0]
            if feature_column is None
            else table.column(feature_column),
            "value": numbers(table, [value_column], decimal)[value_column],
        }
    )
    if feature_column is not None and features is not None:
        frame = frame[frame["feature"].isin(list(features))]
    for bad, what in (
        (frame["id"].isna() | frame["feature"].isna(), "missing"),
        (frame.duplicated(["id", "feature"]), "repeated"),
    ):
        if bad.any():
            row = int(bad.to_numpy().argmax())
            raise table.error(
                f"A sample's feature is {what}.",
                line=int(frame.index.to_numpy()[row]),
                column=id_column,
                expected="each sample and feature once",
                found=repr(frame.iloc[row, :2].to_list()),
                remedy="Fetch the file again; if it was edited, take the row out.",
            )
    return frame.dropna(subset=["value"]).reset_index(drop=True)


def _keep_rows(table: Table, id_column: str, features: Sequence[str] | None) -> Table:
    """The rows of the features asked for, in that order; raises BadFile for one not there."""
    if features is None:
        return table
    position = {name: i for i, name in enumerate(table.column(id_column))}
    for name in features:
        if name not in position:
            raise table.error(
                f"The feature {name!r} is missing.",
                column=id_column,
                expected=f"a row {name!r}",
                found=", ".join(map(repr, list(position)[:40])),
                remedy="Check that this is the file the manifest names.",
            )
    return Table(table.frame.iloc[[position[name] for name in features]], table.path)


def _tidy(ids: pd.Series[str], wide: pd.DataFrame) -> pd.DataFrame:
    """One row per id and column that has a value, ids in order, then columns."""
    features = [str(name) for name in wide.columns]
    values = wide.to_numpy().reshape(-1)
    frame = pd.DataFrame(
        {
            "id": ids.to_numpy().repeat(len(features)),
            "feature": features * len(ids),
            "value": values,
        }
    )
    return frame.dropna(subset=["value"]).reset_index(drop=True)
