"""What stands beside a figure wherever it is exported: its main numbers and its texts."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from core.report.snapshot import Snapshot

MARK = "SIMULATED DATA"


def main_numbers(snapshot: Snapshot, rows: int, columns: int) -> pd.DataFrame | None:
    """The figure's numbers as text, or None where there are more than ``rows``.

    Columns without a single value are left out; of more than ``columns`` the first stay.
    """
    table = snapshot.numbers
    if table.empty or len(table) > rows:
        return None
    kept = [c for c in table.columns if table[c].map(_known).any()][:columns]
    if not kept:
        return None
    return pd.DataFrame({str(c).replace("_", " "): table[c].map(number_text) for c in kept})


def _known(value: Any) -> bool:
    return value is not None and value == value and value != ""


def number_text(value: Any) -> str:
    """A value in at most three significant digits; whole numbers in full; nothing: empty."""
    if not _known(value):
        return ""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if not math.isfinite(value):
        return str(value)
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.3g}" if abs(value) >= 1e-3 else f"{value:.1e}"


def numbered(snapshots: list[Snapshot]) -> list[tuple[int, Snapshot]]:
    """Snapshots with the numbers that every export gives them."""
    return list(enumerate(snapshots, 1))
