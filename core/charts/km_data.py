"""The rows that the Kaplan-Meier figure draws, by the name of its dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from core.analysis.survival import SurvivalComparison
from core.charts.theme import Look
from core.charts.wording import group_name, percent_text

HOVER_STEPS = 80
"""Places along the axis where pointing shows a tooltip."""


PLACES = 2_000
"""Places along the axis at which a group has one step and one censoring tick at most: more than
there are pixels. Curves of fewer steps are drawn as they are."""


def km_data(result: SurvivalComparison, look: Look, facts: list[str]) -> dict[str, pd.DataFrame]:
    """Every dataset of the figure; ``facts`` are the lines printed inside it."""
    return {
        "curves": _named(thinned(_steps(result.curves)), result),
        "censored": _named(thinned(result.censored), result),
        "risk": _risk(result),
        "ends": _ends(result, look),
        "medians": _medians(result),
        "hover": _hover(result),
        "facts": pd.DataFrame({"row": range(len(facts)), "text": facts}),
    }


def _named(frame: pd.DataFrame, result: SurvivalComparison) -> pd.DataFrame:
    return frame.assign(group=frame.group.map(lambda g: group_name(result.title, g)))


def _steps(curves: pd.DataFrame) -> pd.DataFrame:
    """Only the rows where a curve or its band changes, and each curve's last."""
    by = curves.groupby("group", sort=False)
    changed = curves.survival.ne(by.survival.shift()) | curves.ci_lower.ne(by.ci_lower.shift())
    last = curves.index.isin(by.tail(1).index)
    known = curves.ci_lower.notna() | curves.survival.ne(by.survival.shift())
    steps = curves[(changed & known) | last].copy()
    # where a curve falls to 0 no interval exists: the band runs on to there and ends
    bounds = ["ci_lower", "ci_upper"]
    steps[bounds] = steps[bounds].fillna(steps.groupby("group", sort=False)[bounds].ffill())
    return steps


def thinned(rows: pd.DataFrame) -> pd.DataFrame:
    """``rows`` (group, time; in time order), the last at each place where there are many.

    Every row that stays is as it was: a curve is right at its steps, and late by less than a
    PLACES-th of the axis between them.
    """
    many = rows.groupby("group", sort=False).time.transform("size") > PLACES
    if not many.any():
        return rows
    place = np.floor(rows.time / max(float(rows.time.max()), 1e-12) * PLACES)
    return rows[~many | ~pd.DataFrame({"g": rows.group, "p": place}).duplicated(keep="last")]


def _risk(result: SurvivalComparison) -> pd.DataFrame:
    table = _named(result.risk_table, result)
    rows = {group_name(result.title, g): i for i, g in enumerate(reversed(result.order))}
    return pd.DataFrame(
        {
            "group": table.group,
            "name": result.risk_table.group,
            "time": table.time,
            "row": table.group.map(rows),
            "tick": table.groupby("group", sort=False).cumcount(),
            "text": [f"{n:,.0f}" for n in table.at_risk],
        }
    )


def _ends(result: SurvivalComparison, look: Look) -> pd.DataFrame:
    """Where each curve ends and where its label stands, moved apart where they would collide."""
    last = result.curves.groupby("group", sort=False).tail(1).set_index("group")
    ends = last.loc[list(result.order), ["time", "survival"]].sort_values("survival")
    gap = 2.9 * look.sizes.small / look.sizes.height
    ends["label_at"] = _apart(ends.survival.to_numpy(float), gap)
    arms = result.arms.set_index("group")
    ends["label"] = [group_name(result.title, g) for g in ends.index]
    medians = [float(arms.loc[g, "median"]) for g in ends.index]
    ends["detail"] = ["median not reached" if m != m else f"median {m:.1f}" for m in medians]
    ends["axis_end"] = float(result.curves.time.max())
    return ends.assign(group=ends.label).reset_index(drop=True)


def _apart(at: np.ndarray[Any, Any], gap: float) -> np.ndarray[Any, Any]:
    """Ascending heights moved up as little as keeps them ``gap`` apart and inside the figure."""
    placed = np.maximum(at, 0.45 * gap)
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + gap)
    return placed - max(0.0, placed[-1] - 1.0)


def _medians(result: SurvivalComparison) -> pd.DataFrame:
    known = result.arms[result.arms["median"].notna()]
    names = [group_name(result.title, g) for g in known.group]
    median = known["median"].to_numpy(float)
    longest = median.max() if len(median) else np.nan
    return pd.DataFrame({"group": names, "median": median, "start": 0.0, "longest": longest})


def _hover(result: SurvivalComparison) -> pd.DataFrame:
    """What pointing at a time tells: survival with its interval in every group."""
    longest = float(result.curves.time.max())
    at = np.unique(np.round(np.linspace(0, longest, HOVER_STEPS + 1), 1))
    table: dict[str, Any] = {"time": at, "Months": [f"{t:.1f}" for t in at]}
    for group in reversed(result.order):
        curve = result.curves[result.curves.group == group]
        time = curve.time.to_numpy(float)
        index = np.searchsorted(time, at, side="right") - 1
        rows = curve.iloc[index]
        texts = [
            percent_text(s, lo, hi)
            for s, lo, hi in zip(rows.survival, rows.ci_lower, rows.ci_upper, strict=True)
        ]
        table[group_name(result.title, group)] = np.where(at <= time[-1], texts, "no follow-up")
    return pd.DataFrame(table)
