"""The rows of a forest figure: printed numbers, headings, clipped intervals, square sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.charts.wording import p_text, ratio_text

Rows = dict[str, list[Any]]
"""The rows of a figure, by column."""

WIDEST = (0.02, 50.0)
"""The axis never reaches beyond these; what lies outside is drawn as an arrow."""

MARKS = "†‡§¶#"
"""Of footnotes, in order."""


def axis_range(rows: Mapping[str, Any] | pd.DataFrame) -> tuple[float, float]:
    """Ends of the axis: every estimate and most of every interval, 1, within WIDEST.

    An interval may reach 2.5 times beyond the outermost estimate before it is cut.
    """
    estimate, lower, upper = _interval(rows)
    inside = np.append(np.clip(estimate[(estimate > 0) & np.isfinite(estimate)], *WIDEST), 1.0)
    low = min(inside.min(), 0.6, *lower[lower > 0])
    high = max(inside.max(), 1.67, *upper[np.isfinite(upper)])
    low = max(low, inside.min() / 2.5, WIDEST[0])
    high = min(high, inside.max() * 2.5, WIDEST[1])
    return float(low / 1.06), float(high * 1.06)


def _interval(
    rows: Mapping[str, Any] | pd.DataFrame, lead: str = ""
) -> tuple[npt.NDArray[np.float64], ...]:
    names = ("hazard_ratio", "ci_lower", "ci_upper")
    return tuple(np.asarray(rows[lead + name], dtype=float) for name in names)


def printed_rows(table: pd.DataFrame, tests: pd.DataFrame | None) -> tuple[Rows, list[str]]:
    """The columns that are drawn, with headings put in and numbers printed; the footnotes."""
    records = _complete(table)
    known = [r["note"] for r in records if r["note"] and not np.isnan(r["hazard_ratio"])]
    marks = {n: MARKS[i % len(MARKS)] for i, n in enumerate(dict.fromkeys(known))}
    out: list[dict[str, Any]] = []
    group = ""
    for row in records:
        if row["group"] != group and row["group"]:
            out.append(_heading(row["group"], tests))
        group = row["group"]
        out.append({**BLANK, **{c: row[c] for c in KEPT}, **_printed(row, marks)})
    return {c: [row[c] for row in out] for c in BLANK}, [f"{m} {n}" for n, m in marks.items()]


NUMBERS = (
    "n", "events", "hazard_ratio", "ci_lower", "ci_upper", "p_value", "q_value",
    "second_hazard_ratio", "second_ci_lower", "second_ci_upper",
)  # fmt: skip
KEPT = (
    "group", "key", "emphasised", "summary", "hazard_ratio", "ci_lower", "ci_upper",
    "second_hazard_ratio", "second_ci_lower", "second_ci_upper",
)  # fmt: skip
"""Columns of the table that are drawn as they are."""

DEFAULTS: dict[str, Any] = {
    "label": "", "group": "", "note": "", "key": "", "emphasised": False, "summary": False,
    **dict.fromkeys(NUMBERS, np.nan),
}  # fmt: skip
"""Columns that are read, and what stands for one that a table need not have."""

BLANK: dict[str, Any] = {
    **{c: DEFAULTS[c] for c in KEPT}, "label": "", "heading": False, "indent": False,
    "counts": "", "ratio": "", "second": "", "p": "", "q": "", "hint": "",
}  # fmt: skip
"""A row of the figure that shows nothing."""


def _complete(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of ``table`` with the optional columns that it lacks, and no text missing."""
    columns = []
    for name, default in DEFAULTS.items():
        values = table[name].tolist() if name in table else [default] * len(table)
        if name in ("group", "note", "key"):
            values = [v if isinstance(v, str) or not pd.isna(v) else "" for v in values]
        columns.append(values)
    return [dict(zip(DEFAULTS, row, strict=True)) for row in zip(*columns, strict=True)]


def _heading(group: str, tests: pd.DataFrame | None) -> dict[str, Any]:
    row = {**BLANK, "label": group, "heading": True, "group": group, "hint": group}
    if tests is not None and group in tests.index:
        row["p"] = p_text(float(tests.p_value[group]), symbol=False)
        if "q_value" in tests:
            row["q"] = p_text(float(tests.q_value[group]), symbol=False)
    return row


def _printed(row: dict[str, Any], marks: dict[str, str]) -> dict[str, Any]:
    known = not np.isnan(row["hazard_ratio"])
    interval = (row["hazard_ratio"], row["ci_lower"], row["ci_upper"])
    ratio = ratio_text(*interval) if known or not np.isnan(row["ci_lower"]) else row["note"]
    second = [row[f"second_{c}"] for c in ("hazard_ratio", "ci_lower", "ci_upper")]

    def p(value: float) -> str:
        return "" if np.isnan(value) else p_text(value, symbol=False)

    counts = [f"{row[c]:,.0f}" for c in ("events", "n") if not np.isnan(row[c])]
    hint = [row["label"] if not row["group"] else f"{row['group']}: {row['label']}"]
    hint += [f"{counts[0]} events, {counts[1]} patients"] if len(counts) == 2 else []
    return {
        "counts": " / ".join(counts),
        "indent": bool(row["group"]),
        "label": row["label"] + (f" {marks[row['note']]}" if known and row["note"] else ""),
        "ratio": ratio,
        "second": "" if np.isnan(second[0]) else ratio_text(*second),
        "p": p(row["p_value"]),
        "q": p(row["q_value"]),
        "hint": "; ".join([*hint, *([row["note"]] if row["note"] else [])]),
    }


def clipped(rows: Rows, low: float, high: float) -> dict[str, Any]:
    """What is drawn of each row inside ``low`` to ``high``; arrows where an interval goes on."""
    out: dict[str, Any] = {}
    for lead in ("", "second_") if any(rows["second"]) else ("",):
        estimate, lower, upper = _interval(rows, lead)
        crosses = (lower <= high) & (upper >= low)
        out[f"{lead}at"] = np.where((estimate >= low) & (estimate <= high), estimate, np.nan)
        out[f"{lead}start"] = np.where(crosses, np.clip(lower, low, high), np.nan)
        out[f"{lead}end"] = np.where(crosses, np.clip(upper, low, high), np.nan)
        gone_low, gone_high = (lower < low) | (estimate < low), (upper > high) | (estimate > high)
        out[f"{lead}low_arrow"] = np.where(gone_low, low, np.nan)
        out[f"{lead}high_arrow"] = np.where(gone_high, high, np.nan)
    out["dashed"] = np.isfinite(out["start"]) & np.isnan(rows["hazard_ratio"])
    return out


def placed(rows: Rows) -> dict[str, Any]:
    """Row positions, and areas of the squares as a share of the largest."""
    _, lower, upper = _interval(rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.log(upper / lower)
        precision = np.where(np.isfinite(width) & (width > 0), 1 / width**2, np.nan)
    largest = np.nanmax(precision) if np.isfinite(precision).any() else 1.0
    share = np.nan_to_num(precision / largest, nan=0.0)
    place = np.arange(len(width), dtype=float)
    return {"top": place, "middle": place + 0.5, "bottom": place + 1, "share": share}
