"""The rows of a forest figure: printed numbers, headings, clipped intervals, square sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from core.charts.wording import p_text, ratio_text

WIDEST = (0.02, 50.0)
"""The axis never reaches beyond these; what lies outside is drawn as an arrow."""

MARKS = "†‡§¶#"
"""Of footnotes, in order."""


def axis_range(rows: pd.DataFrame) -> tuple[float, float]:
    """Ends of the axis: every estimate and most of every interval, 1, within WIDEST.

    An interval may reach 2.5 times beyond the outermost estimate before it is cut.
    """
    estimate, lower, upper = (
        rows[c].to_numpy(float) for c in ("hazard_ratio", "ci_lower", "ci_upper")
    )
    inside = np.append(np.clip(estimate[(estimate > 0) & np.isfinite(estimate)], *WIDEST), 1.0)
    low = min(inside.min(), 0.6, *lower[lower > 0])
    high = max(inside.max(), 1.67, *upper[np.isfinite(upper)])
    low = max(low, inside.min() / 2.5, WIDEST[0])
    high = min(high, inside.max() * 2.5, WIDEST[1])
    return float(low / 1.06), float(high * 1.06)


def printed_rows(table: pd.DataFrame, tests: pd.DataFrame | None) -> tuple[pd.DataFrame, list[str]]:
    """Rows with headings put in, every column present and numbers printed; the footnotes."""
    records = _complete(table)
    known = [r for r in records if not np.isnan(r["hazard_ratio"])]
    footnotes = dict.fromkeys(r["note"] for r in known if r["note"])
    marks = {n: MARKS[i % len(MARKS)] for i, n in enumerate(footnotes)}
    out: list[dict[str, Any]] = []
    group = ""
    for row in records:
        if row["group"] != group and row["group"]:
            out.append(_heading(row["group"], tests))
        group = row["group"]
        out.append({**row, **_printed(row, marks), "heading": False, "indent": bool(group)})
    return pd.DataFrame(out), [f"{m} {n}" for n, m in marks.items()]


DEFAULTS: dict[str, Any] = {
    "group": "", "note": "", "key": "", "emphasised": False, "summary": False,
    "n": np.nan, "events": np.nan, "p_value": np.nan, "q_value": np.nan,
    "second_hazard_ratio": np.nan, "second_ci_lower": np.nan, "second_ci_upper": np.nan,
}  # fmt: skip
"""Columns that a table need not have."""


def _complete(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of ``table`` with the optional columns that it lacks, and no text missing."""
    rows = []
    for record in table.to_dict("records"):
        row = {**DEFAULTS, **{str(k): v for k, v in record.items()}}
        for column in ("group", "note", "key"):
            if not isinstance(row[column], str) and pd.isna(row[column]):
                row[column] = ""
        rows.append(row)
    return rows


def _heading(group: str, tests: pd.DataFrame | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "label": group, "heading": True, "indent": False, "group": group, "emphasised": False,
        "summary": False, "key": "", "counts": "", "ratio": "", "second": "", "p": "", "q": "",
        "hint": group,
    }  # fmt: skip
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
        "label": row["label"] + (f" {marks[row['note']]}" if known and row["note"] else ""),
        "ratio": ratio,
        "second": "" if np.isnan(second[0]) else ratio_text(*second),
        "p": p(row["p_value"]),
        "q": p(row["q_value"]),
        "hint": "; ".join([*hint, *([row["note"]] if row["note"] else [])]),
    }


def clipped(rows: pd.DataFrame, low: float, high: float) -> dict[str, Any]:
    """What is drawn of each row inside ``low`` to ``high``; arrows where an interval goes on."""
    out: dict[str, Any] = {}
    for lead in ("", "second_"):
        estimate, lower, upper = (
            rows[f"{lead}{c}"].to_numpy(float) for c in ("hazard_ratio", "ci_lower", "ci_upper")
        )
        crosses = (lower <= high) & (upper >= low)
        out[f"{lead}at"] = np.where((estimate >= low) & (estimate <= high), estimate, np.nan)
        out[f"{lead}start"] = np.where(crosses, np.clip(lower, low, high), np.nan)
        out[f"{lead}end"] = np.where(crosses, np.clip(upper, low, high), np.nan)
        gone_low, gone_high = (lower < low) | (estimate < low), (upper > high) | (estimate > high)
        out[f"{lead}low_arrow"] = np.where(gone_low, low, np.nan)
        out[f"{lead}high_arrow"] = np.where(gone_high, high, np.nan)
    out["dashed"] = np.isfinite(out["start"]) & rows.hazard_ratio.isna().to_numpy()
    return out


def placed(rows: pd.DataFrame) -> dict[str, Any]:
    """Row positions, and areas of the squares as a share of the largest."""
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.log(rows.ci_upper.to_numpy(float) / rows.ci_lower.to_numpy(float))
        precision = np.where(np.isfinite(width) & (width > 0), 1 / width**2, np.nan)
    largest = np.nanmax(precision) if np.isfinite(precision).any() else 1.0
    share = np.nan_to_num(precision / largest, nan=0.0)
    place = np.arange(len(rows), dtype=float)
    return {"top": place, "middle": place + 0.5, "bottom": place + 1, "share": share}
