"""A table as a file that any spreadsheet reads, marked where its rows are simulated."""

from __future__ import annotations

import pandas as pd

SIMULATED = "SIMULATED"


def csv_bytes(frame: pd.DataFrame, *, simulated: bool) -> bytes:
    """``frame`` as UTF-8 CSV; simulated rows say so in a first column ``data``.

    A column, unlike a comment line, survives sorting, filtering and joining. Text that a
    spreadsheet would run as a formula is led by an apostrophe.
    """
    safe = frame.copy()
    if simulated:
        safe.insert(0, "data", SIMULATED)
    for column in safe.select_dtypes(include=["object", "string"]).columns:
        safe[column] = safe[column].map(_inert)
    return safe.to_csv(index=False).encode("utf-8")


def file_name(stem: str, extension: str, *, simulated: bool) -> str:
    """``SIMULATED-km-os-alk.csv``: a name that tells what the file must not be taken for."""
    lead = f"{SIMULATED}-" if simulated and not stem.startswith(SIMULATED) else ""
    kept = "".join(c if c.isalnum() or c in "-_" else "-" for c in stem)
    return f"{lead}{kept}.{extension}"


def _inert(value: object) -> object:
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
