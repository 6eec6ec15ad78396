"""What stands beside a figure wherever it is exported: its main numbers and its texts."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from core.report.snapshot import Snapshot

MARK = "SIMULATED DATA"


FIRST = (
    "comparison", "group", "cohort", "name", "variable", "label", "gene", "change", "signature",
    "method", "n", "n_mutant", "events", "hazard_ratio", "odds_ratio", "rho", "estimate",
    "stratified_rank_biserial", "ci_lower", "ci_upper", "p_value", "q_value",
)  # fmt: skip
"""Columns that a table too wide for its place keeps first, where its figure has them."""


def main_numbers(snapshot: Snapshot, rows: int, columns: int) -> pd.DataFrame | None:
    """The figure's numbers as text, or None where there are more than ``rows``.

    Columns without a value are left out, as are identifiers beside names; of more than
    ``columns`` those of FIRST stay, then the others in their order.
    """
    table = snapshot.numbers
    if table.empty or len(table) > rows:
        return None
    kept = [c for c in table.columns if table[c].map(_known).any()]
    if "name" in kept:
        kept = [c for c in kept if not str(c).endswith("_id")]
    if len(kept) > columns:
        chosen = [c for c in FIRST if c in kept]
        chosen += [c for c in kept if c not in FIRST and table[c].dtype != bool]
        kept = [c for c in kept if c in chosen[:columns]]
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
