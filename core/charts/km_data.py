"""The rows that the Kaplan-Meier figure draws, by the name of its dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.analysis.survival import SurvivalComparison
from core.charts.theme import Look
from core.charts.wording import group_name, percent_text

Columns = dict[str, Any]
"""Columns of one length by name: arrays or lists."""

BAND = ("ci_lower", "ci_upper")

HOVER_STEPS = 80
"""Places along the axis where pointing shows a tooltip."""


PLACES = 2_000
"""Places along the axis at which a group has one step and one censoring tick at most: more than
there are pixels. Curves of fewer steps are drawn as they are."""

SCREEN_PLACES = 800
"""The same on a page, where a browser places every step anew: a figure of half the page has 560
pixels, the widest 1,120."""


def km_data(result: SurvivalComparison, look: Look, facts: list[str]) -> dict[str, Columns]:
    """Every dataset of the figure; ``facts`` are the lines printed inside it."""
    names = {g: group_name(result.title, g) for g in result.order}
    places = SCREEN_PLACES if look.medium == "screen" else PLACES
    return {
        "curves": _named(_steps(result.curves), names, places),
        "censored": _named(
            {c: result.censored[c].to_numpy() for c in ("time", "survival", "group")},
            names,
            places,
        ),
        "risk": _risk(result, names, look),
        "ends": _ends(result, names, look),
        "medians": _medians(result, names),
        "hover": _hover(result, names),
        "facts": {"row": list(range(len(facts))), "text": facts},
    }


def _named(columns: Columns, names: dict[str, str], places: int) -> Columns:
    """Rows of curves, thinned, with the groups as a legend calls them."""
    if len(columns["group"]) > places:
        kept = thinned(columns["group"], columns["time"], places)
        columns = {name: column[kept] for name, column in columns.items()}
    return {**columns, "group": _each(columns["group"], names)}


def _each(given: npt.NDArray[np.object_], names: dict[str, Any]) -> npt.NDArray[Any]:
    """``names`` of every row's group; the rows of a group stand together."""
    first = np.flatnonzero(np.append(True, given[1:] != given[:-1])) if len(given) else [0]
    found = np.array([names[g] for g in given[first]]) if len(given) else given
    return np.repeat(found, np.diff(first, append=len(given)))


def _steps(curves: pd.DataFrame) -> Columns:
    """Only the rows where a curve or its band changes, and each curve's last.

    A curve's rows stand together, and its first has an interval (both ends 1).
    """
    group, survival = curves.group.to_numpy(object), curves.survival.to_numpy(float)
    lower, upper = curves.ci_lower.to_numpy(float), curves.ci_upper.to_numpy(float)
    first = np.append(True, group[1:] != group[:-1])
    falls = first | np.append(True, survival[1:] != survival[:-1])
    changed = falls | (np.append(True, lower[1:] != lower[:-1]) & ~np.isnan(lower))
    at = np.flatnonzero(changed | np.append(first[1:], True))
    # where a curve falls to 0 no interval exists: the band runs on to there and ends
    banded = at[np.maximum.accumulate(np.where(np.isnan(lower[at]), 0, np.arange(len(at))))]
    return {
        "time": curves.time.to_numpy(float)[at],
        "survival": survival[at],
        "ci_lower": lower[banded],
        "ci_upper": upper[banded],
        "group": group[at],
    }


def thinned(
    group: npt.NDArray[np.object_], time: npt.NDArray[np.float64], places: int = PLACES
) -> npt.NDArray[np.intp]:
    """Rows that stay: of a group with many the last at each place, of others all.

    A group's rows stand together, in time order. Every row that stays is as it was: a curve is
    right at its steps, and late by less than one of the ``places`` of the axis between them.
    """
    first = np.append(True, group[1:] != group[:-1])
    of = np.cumsum(first) - 1
    many = (np.bincount(of) > places)[of]
    place = np.floor(time / max(float(time.max()), 1e-12) * places)
    last = np.append(first[1:] | (place[1:] != place[:-1]), True)
    return np.flatnonzero(~many | last)


def _risk(result: SurvivalComparison, names: dict[str, str], look: Look) -> Columns:
    """The numbers at risk; ``room``: pixels of a month from which on none touches the next."""
    table = result.risk_table
    time, group = table.time.to_numpy(float), table.group.to_numpy(object)
    lines = {g: i for i, g in enumerate(reversed(result.order))}
    text = [f"{n:,.0f}" for n in table.at_risk.tolist()]
    return {
        "group": _each(group, names),
        "name": group,
        "time": time,
        "row": _each(group, lines),
        "tick": np.searchsorted(np.unique(time), time),
        "text": text,
        "room": [_room(text, time, look)] * len(text),
    }


def _room(text: list[str], time: npt.NDArray[np.float64], look: Look) -> float:
    """Pixels that a month must have for the ``text`` of each row, centred, to stand apart."""
    em = 0.46 if look.medium == "screen" else 0.5  # fonts of exports run wider
    wide = np.array([em * look.sizes.small * len(t) for t in text])
    apart = np.diff(time)
    follows = apart > 0  # of one group
    needed = (wide[1:] + wide[:-1])[follows] / 2 + 0.25 * look.sizes.small
    return float((needed / apart[follows]).max(initial=0.0))


def _ends(result: SurvivalComparison, names: dict[str, str], look: Look) -> Columns:
    """Where each curve ends and where its label stands, moved apart where they would collide."""
    curves = result.curves
    group = curves.group.to_numpy(object)
    last = np.flatnonzero(np.append(group[1:] != group[:-1], True))
    height = curves.survival.to_numpy(float)
    last = last[np.argsort(height[last], kind="stable")]
    median = {arm["group"]: arm["median"] for arm in result.arm_rows}
    time = curves.time.to_numpy(float)
    labels = [names[g] for g in group[last]]
    return {
        "time": time[last],
        "survival": height[last],
        "label_at": _apart(height[last], 2.9 * look.sizes.small / look.sizes.height),
        "label": labels,
        "detail": [
            "median not reached" if m != m else f"median {m:.1f}"
            for m in (median[g] for g in group[last])
        ],
        "axis_end": [float(time.max())] * len(labels),
        "group": labels,
    }


def _apart(at: npt.NDArray[np.float64], gap: float) -> npt.NDArray[np.float64]:
    """Ascending heights moved up as little as keeps them ``gap`` apart and inside the figure."""
    placed = np.maximum(at, 0.45 * gap)
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + gap)
    return placed - max(0.0, placed[-1] - 1.0)


def _medians(result: SurvivalComparison, names: dict[str, str]) -> Columns:
    known = [arm for arm in result.arm_rows if arm["median"] == arm["median"]]
    longest = max((float(arm["median"]) for arm in known), default=0.0)
    return {
        "group": [names[arm["group"]] for arm in known],
        "median": [float(arm["median"]) for arm in known],
        "start": [0.0] * len(known),
        "longest": [longest] * len(known),
    }


def _hover(result: SurvivalComparison, names: dict[str, str]) -> Columns:
    """What pointing at a time tells: survival with its interval in every group."""
    curves = {n: result.curves[n].to_numpy(float) for n in ("time", "survival", *BAND)}
    group = result.curves.group.to_numpy(object)
    longest = float(curves["time"].max())
    at = np.unique(np.round(np.linspace(0, longest, HOVER_STEPS + 1), 1))
    table: Columns = {"time": at, "Months": [f"{t:.1f}" for t in at.tolist()]}
    for g in reversed(result.order):
        mine = {name: values[group == g] for name, values in curves.items()}
        index = np.searchsorted(mine["time"], at, side="right") - 1
        columns = (mine[name][index].tolist() for name in ("survival", *BAND))
        texts = [percent_text(*values) for values in zip(*columns, strict=True)]
        followed = at <= mine["time"][-1]
        table[names[g]] = [
            t if f else "no follow-up" for t, f in zip(texts, followed.tolist(), strict=True)
        ]
    return table
