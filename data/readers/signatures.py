"""Mutational signatures: activities per sample and reference profiles over 96 channels."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from core.model import BadFile
from data.readers.delimited import read_delimited
from data.readers.features import numbers
from data.readers.table import Table

SUBSTITUTIONS = ("C>A", "C>G", "C>T", "T>A", "T>C", "T>G")
CHANNELS: tuple[str, ...] = tuple(
    f"{before}[{change}]{after}"
    for change in SUBSTITUTIONS
    for before in "ACGT"
    for after in "ACGT"
)
"""The 96 single-base channels, such as ``A[C>A]A``: by substitution, 5' base, 3' base."""

SUM_TOLERANCE = 0.01
"""A reference profile is a distribution: its weights sum to 1 up to the file's rounding."""

_SIGNATURE = re.compile(r"(SBS|DBS|ID|CN|SV)\d+[a-z]*")
_ID_COLUMNS = ("Cancer Types", "Sample Names", "Accuracy")
_REMEDY = "Check that this is the file the manifest names, or fetch it again."


def read_activities(path: str | Path) -> pd.DataFrame:
    """Read SigProfiler's activities: how many of a sample's mutations each signature made.

    The file has the columns ``Cancer Types``, ``Sample Names``, ``Accuracy`` (the cosine
    similarity of the fit) and one per signature. Returns one row per sample and signature,
    zeros included: ``sample``, ``cancer_type`` (as published), ``accuracy``, ``signature``,
    ``activity`` (mutations, float64).

    Raises BadFile for a missing column, a column that is no signature, a repeated sample, and
    an activity that is missing, negative or no number.
    """
    table = read_delimited(path)
    table.require(_ID_COLUMNS)
    table.require_unique("Sample Names")
    names = [name for name in table.frame.columns if name not in _ID_COLUMNS]
    _require_signatures(table, names)
    values = numbers(table, names)
    _require_weights(table, values)
    count = len(names)
    return pd.DataFrame(
        {
            "sample": table.column("Sample Names").to_numpy().repeat(count),
            "cancer_type": table.column("Cancer Types").to_numpy().repeat(count),
            "accuracy": numbers(table, ["Accuracy"]).to_numpy().reshape(-1).repeat(count),
            "signature": names * len(values),
            "activity": values.to_numpy().reshape(-1),
        }
    )


def read_reference(path: str | Path, *, own_names: bool = False) -> pd.DataFrame:
    """Read reference profiles in either published layout; ``own_names``: signatures may be called
    anything, as in a user's own table.

    COSMIC's table (an unnamed or ``Type`` column of channels such as ``A[C>A]A``) or
    SigProfiler's older one (``Type`` = C>A, ``SubType`` = ACA). Returns one row per signature
    and channel, signatures in the file's order and channels in that of :data:`CHANNELS`:
    ``signature``, ``channel``, ``weight`` (float64).

    Raises BadFile unless each of the 96 channels is there once, every column is a signature,
    no weight is missing or negative, and each profile sums to 1 (:data:`SUM_TOLERANCE`).
    """
    table = read_delimited(path)
    channels, names = _channels(table)
    _require_channels(table, channels)
    if not (own_names and names and all(names)):
        _require_signatures(table, names)
    values = numbers(table, names)
    _require_weights(table, values)
    _require_unit_sums(table, values)
    ordered = values.set_axis(pd.Index(channels)).loc[list(CHANNELS)]
    return pd.DataFrame(
        {
            "signature": [name for name in names for _ in CHANNELS],
            "channel": list(CHANNELS) * len(names),
            "weight": ordered.to_numpy().T.reshape(-1),
        }
    )


def _channels(table: Table) -> tuple[list[str], list[str]]:
    """The rows' channels in COSMIC's notation, and the names of the signature columns."""
    columns = list(table.frame.columns)
    if "SubType" in columns:
        changes, triplets = table.column("Type").fillna(""), table.column("SubType").fillna("")
        channels = [
            f"{triplet[:1]}[{change}]{triplet[-1:]}" if triplet[1:2] == change[:1] else
            f"{change} in {triplet}"
            for change, triplet in zip(changes, triplets, strict=True)
        ]  # fmt: skip
        return channels, [c for c in columns if c not in ("Type", "SubType")]
    first = columns[0]
    return list(table.column(first).fillna("")), columns[1:]


def _require_channels(table: Table, channels: list[str]) -> None:
    lines = table.frame.index.to_numpy()
    seen: set[str] = set()
    for line, channel in zip(lines, channels, strict=True):
        if channel not in CHANNELS or channel in seen:
            raise table.error(
                "A row is not one of the 96 single-base channels."
                if channel not in seen
                else "A channel is there twice.",
                line=int(line),
                expected="each of the 96 channels once, such as A[C>A]A",
                found=repr(channel),
                remedy=_REMEDY,
            )
        seen.add(channel)
    if absent := [channel for channel in CHANNELS if channel not in seen]:
        raise table.error(
            "Channels are missing.",
            expected="96 channels",
            found=f"{len(seen)} channels, without {', '.join(absent[:5])}",
            remedy=_REMEDY,
        )


def _require_signatures(table: Table, names: list[str]) -> None:
    for name in names or [""]:
        if not _SIGNATURE.fullmatch(name):
            raise table.error(
                "A column is not named as a signature.",
                column=name,
                expected="names such as SBS7a",
                found=repr(name) if name else "no signature column",
                remedy=_REMEDY,
            )


def _require_weights(table: Table, values: pd.DataFrame) -> None:
    """Raise for the first value that is missing or negative."""
    bad = ~(values.to_numpy() >= 0)
    if bad.any():
        row, column = divmod(int(bad.reshape(-1).argmax()), values.shape[1])
        raise _cell_error(table, row, str(values.columns[column]), values.iloc[row, column])


def _cell_error(table: Table, row: int, column: str, value: object) -> BadFile:
    return table.error(
        "A weight is missing or negative.",
        line=int(table.frame.index.to_numpy()[row]),
        column=column,
        expected="a number of 0 or more",
        found=str(value),
        remedy=_REMEDY,
    )


def _require_unit_sums(table: Table, values: pd.DataFrame) -> None:
    for name, total in values.sum().items():
        if abs(total - 1) > SUM_TOLERANCE:
            raise table.error(
                "A reference profile does not sum to 1.",
                column=str(name),
                expected=f"a sum of 1 within {SUM_TOLERANCE:g}",
                found=f"{total:.6g}",
                remedy="The file holds counts or percentages, or is cut short. " + _REMEDY,
            )
