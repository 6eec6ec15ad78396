"""The nomogram itself: stacked scales as rms draws them, with a patient's read-off lines.

One Vega-Lite view on a scale from 0 to 1, so that it may take its container's width: predictors
use it for 0 to 100 points, total points and survival for 0 to the end of the total axis. Every
number's place is computed here; labels that would collide on a narrow screen are not drawn there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from core.analysis.nomogram_model import NomogramModel, level_words
from core.charts.figure import Figure
from core.charts.theme import Look
from core.charts.view import haloed, watermark
from core.charts.wording import percent_text
from core.model import ENDPOINT_LABEL
from core.stats.nomogram import MAX_POINTS, Axis

WIDTHS = (0, 330, 450, 600, 800)
"""Widths of the figure, in units of small type of 13, at which labels are laid out anew."""
CHARACTER = 0.56
"""Width of a character, in heights of the type."""
SEEN = 0.5
"""Points from which a read-off line is drawn; at 0 all would stand on each other."""
MARGIN = 0.02
"""Of the scale, beyond both ends."""


@dataclass(frozen=True)
class Reading:
    """One patient: points of each predictor, their sum, and survival at the model's times."""

    points: tuple[float, ...]
    values: tuple[str, ...]
    total: float
    survival: tuple[float, ...]


def nomogram_figure(
    model: NomogramModel,
    look: Look | None = None,
    *,
    reading: Reading | None = None,
    simulated: bool,
    heading: tuple[str, ...] = (),
) -> Figure:
    """Draw ``model``; with ``reading`` its points are marked and read off down to survival."""
    look = look or Look()
    rows = _rows(model, look)
    data = {
        "lines": pd.concat([r.line for r in rows], ignore_index=True),
        "ticks": pd.concat([r.ticks for r in rows], ignore_index=True),
        "labels": pd.concat([r.labels for r in rows], ignore_index=True),
        "names": _names(model, rows, reading),
        "dots": _dots(model, rows, reading),
        "reads": _reads(model, rows, reading),
    }
    spec = dict(_template(look, simulated, round(rows[-1].bottom + 0.4 * look.sizes.row)))
    if heading:
        spec["title"] = {"text": heading[0], "subtitle": list(heading[1:])}
    return Figure(f"nomogram-{model.endpoint.lower()}", spec, data, describe(model, reading))


def describe(model: NomogramModel, reading: Reading | None = None) -> str:
    """The figure in words, with the largest points of each predictor."""
    axes = "; ".join(
        f"{p.label} ({level_words(p)}): up to {a.points.max():.0f} points"
        for p, a in zip(model.predictors, model.scales.predictors, strict=True)
    )
    text = f"Nomogram of {ENDPOINT_LABEL[model.endpoint].lower()}. {axes}."
    if reading is None:
        return text
    alive = ", ".join(
        f"{percent_text(s)} at {t:g} months"
        for t, s in zip(model.times, reading.survival, strict=True)
    )
    return f"{text} This patient: {reading.total:.0f} points in all, survival {alive}."


# -- rows ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Row:
    name: str
    y: float
    """Height of the axis line; the name stands above it."""
    bottom: float
    line: pd.DataFrame
    ticks: pd.DataFrame
    labels: pd.DataFrame


def _rows(model: NomogramModel, look: Look) -> list[_Row]:
    s, scales = look.sizes, model.scales
    whole = float(scales.total.max())
    tens = np.linspace(0, MAX_POINTS, 11)
    points = Axis("Points", tuple(tens), tuple(f"{v:.0f}" for v in tens), tens)
    total = Axis("Total points", (), tuple(f"{v:g}" for v in scales.total), scales.total)
    rows: list[_Row] = []
    y = 3.1 * s.small
    listed = [(points, MAX_POINTS, False)]
    for p, axis in zip(model.predictors, scales.predictors, strict=True):
        name = p.label + (f" ({p.unit.strip()})" if p.unit else "")
        axis = Axis(name, axis.values, axis.labels, axis.points)
        listed.append((axis, MAX_POINTS, bool(p.levels)))
    listed.append((total, whole, False))
    for axis in scales.survival:
        percent = tuple(f"{100 * float(str(v)):.0f}%" for v in axis.values)
        listed.append((Axis(axis.name, axis.values, percent, axis.points), whole, False))
    for axis, span, named in listed:
        row = _row(axis, span, named, y, look)
        rows.append(row if rows else _above(row, look))
        y = row.bottom + 2.0 * s.small
    return rows


def _row(axis: Axis, span: float, named: bool, y: float, look: Look) -> _Row:
    s = look.sizes
    x = np.asarray(axis.points, dtype=float) / span
    inside = (x >= -MARGIN) & (x <= 1 + MARGIN)
    texts = [t for t, ok in zip(axis.labels, inside, strict=True) if ok]
    x = x[inside]
    lanes = _lanes(x, texts, look) if named else np.zeros(len(x), dtype=int)
    tick, lane = 0.35 * s.small, 1.2 * s.small
    ends = (float(x.min()), float(x.max())) if len(x) else (0.0, 0.0)
    at = y + tick + lanes * lane
    return _Row(
        name=axis.name,
        y=y,
        bottom=y + tick + (int(lanes.max(initial=0)) + 1) * lane,
        line=pd.DataFrame({"x": [ends[0]], "x2": [ends[1]], "y": [y]}),
        ticks=pd.DataFrame({"x": x, "y": y, "y2": at}),
        labels=pd.DataFrame(
            {
                "x": x,
                "y": at,
                "text": texts,
                "side": [_side(v) for v in x] if named else "center",
                "least_width": 0 if named else _least_widths(x, texts, look),
            }
        ),
    )


def _above(row: _Row, look: Look) -> _Row:
    """The points axis, with its numbers above the line, out of the way of the read-off lines."""
    s = look.sizes
    up = 0.35 * s.small
    return replace(
        row,
        bottom=row.y,
        ticks=row.ticks.assign(y2=row.y - up),
        labels=row.labels.assign(y=row.y - up - 1.15 * s.small),
    )


def _side(x: float) -> str:
    return "left" if x < 0.25 else "right" if x > 0.75 else "center"


def _lanes(x: np.ndarray, texts: Sequence[str], look: Look) -> np.ndarray:
    """A line of its own for each level name that would collide on a narrow screen."""
    size = CHARACTER * look.sizes.small / (WIDTHS[1] * look.sizes.small / 13)
    lanes = np.zeros(len(x), dtype=int)
    taken: list[list[tuple[float, float]]] = []
    for i in np.argsort(x, kind="stable"):
        wide = size * (len(texts[i]) + 2)
        start = x[i] - {"left": 0.0, "center": wide / 2, "right": wide}[_side(x[i])]
        lane = 0
        while lane < len(taken) and any(start < e and b < start + wide for b, e in taken[lane]):
            lane += 1
        if lane == len(taken):
            taken.append([])
        taken[lane].append((start, start + wide))
        lanes[i] = lane
    return lanes


def _least_widths(x: np.ndarray, texts: Sequence[str], look: Look) -> list[float]:
    """The smallest width of the figure at which each number finds room; the ends come first."""
    unit = look.sizes.small / 13
    least = np.full(len(x), np.inf)
    order = [0, len(x) - 1, *range(1, len(x) - 1)] if len(x) > 1 else list(range(len(x)))
    shown: list[int] = []  # of the narrower widths: what finds room there keeps it
    for width in WIDTHS:
        for i in (i for i in order if i not in shown):
            room = [
                abs(x[i] - x[j]) * (max(width, 260) * unit)
                >= CHARACTER * look.sizes.small * (len(texts[i]) + len(texts[j]) + 2) / 2
                for j in shown
            ]
            if all(room):
                shown.append(i)
                least[i] = min(least[i], width * unit)
    return [float(v) if np.isfinite(v) else 1e6 for v in least]


# -- the patient -----------------------------------------------------------------------


def _names(model: NomogramModel, rows: Sequence[_Row], reading: Reading | None) -> pd.DataFrame:
    """What stands above each line: the axis and, with a patient, what is read there."""
    texts = [row.name for row in rows]
    if reading is not None:
        told = [
            f"{v}, {_points_words(p)}" for v, p in zip(reading.values, reading.points, strict=True)
        ]
        told += [f"{reading.total:.0f}", *(percent_text(s) for s in reading.survival)]
        texts[1:] = [f"{name}: {t}" for name, t in zip(texts[1:], told, strict=True)]
    return pd.DataFrame(
        {
            "text": texts,
            "y": [r.y if i else float(r.labels.y.min()) for i, r in enumerate(rows)],
        }
    )


def _points_words(points: float) -> str:
    return f"{points:.0f} point{'' if round(points) == 1 else 's'}"


def _dots(model: NomogramModel, rows: Sequence[_Row], reading: Reading | None) -> pd.DataFrame:
    columns = ["x", "y", "axis", "text"]
    if reading is None:
        return pd.DataFrame(columns=columns)
    whole = float(model.scales.total.max())
    places = [p / MAX_POINTS for p in reading.points]
    texts = [_points_words(p) for p in reading.points]
    places += [reading.total / whole] * (1 + len(reading.survival))
    texts += [f"{reading.total:.0f}", *(percent_text(s) for s in reading.survival)]
    out = [
        (_clamped(x), row.y, row.name, text)
        for x, text, row in zip(places, texts, rows[1:], strict=True)
    ]
    return pd.DataFrame(out, columns=columns)


def _reads(model: NomogramModel, rows: Sequence[_Row], reading: Reading | None) -> pd.DataFrame:
    """Lines from each predictor up to the points, and from the total down to survival."""
    if reading is None:
        return pd.DataFrame(columns=["x", "y", "y2"])
    whole = float(model.scales.total.max())
    out = [
        (_clamped(p / MAX_POINTS), rows[0].y, row.y)
        for p, row in zip(reading.points, rows[1:], strict=False)
        if abs(p) >= SEEN
    ]
    total = rows[1 + len(reading.points)]
    out.append((_clamped(reading.total / whole), total.y, rows[-1].y))
    return pd.DataFrame(out, columns=["x", "y", "y2"])


def _clamped(x: float) -> float:
    return min(max(x, -MARGIN), 1 + MARGIN)


# -- spec ------------------------------------------------------------------------------


@lru_cache(maxsize=32)
def _template(look: Look, simulated: bool, height: int) -> dict[str, Any]:
    s, p = look.sizes, look.palette
    x = {
        "field": "x",
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [-MARGIN, 1 + MARGIN], "nice": False},
    }
    y = {
        "field": "y",
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [0, height], "reverse": True, "nice": False},
    }
    text = {"type": "text", "baseline": "top", "fontSize": s.small, "color": p.ink}
    layers: list[dict[str, Any]] = [
        {
            "data": {"name": "reads"},
            "mark": {
                "type": "rule",
                "strokeDash": [2, 3],
                "strokeWidth": 1,
                "color": p.mutant,
                "opacity": 0.8,
            },
            "encoding": {"x": x, "y": y, "y2": {"field": "y2"}},
        },
        *haloed(
            {
                "data": {"name": "labels"},
                "mark": {
                    **text,
                    "dy": 2,
                    "align": {"expr": "datum.side"},
                    "opacity": {"expr": "width >= datum.least_width ? 1 : 0"},
                },
                "encoding": {"x": x, "y": y, "text": {"field": "text"}},
            },
            look,
        ),
        {
            "data": {"name": "lines"},
            "mark": {"type": "rule", "strokeWidth": 0.7 * s.line, "color": p.ink},
            "encoding": {"x": x, "x2": {"field": "x2"}, "y": y},
        },
        {
            "data": {"name": "ticks"},
            "mark": {"type": "rule", "strokeWidth": 1, "color": p.muted},
            "encoding": {"x": x, "y": y, "y2": {"field": "y2"}},
        },
        *haloed(
            {
                "data": {"name": "names"},
                "mark": {
                    **text,
                    "baseline": "bottom",
                    "align": "left",
                    "x": 0,
                    "dy": -0.35 * s.small,
                    "fontWeight": 600,
                },
                "encoding": {"y": y, "text": {"field": "text"}},
            },
            look,
        ),
        {
            "data": {"name": "dots"},
            "mark": {"type": "point", "filled": True, "size": 1.6 * s.mark**2, "color": p.mutant,
                     "opacity": 1},
            "encoding": {
                "x": x,
                "y": y,
                "tooltip": [
                    {"field": "axis", "title": "Axis"},
                    {"field": "text", "title": "Read-off"},
                ],
            },
        },
    ]  # fmt: skip
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        **look.frame(),
        "height": height,
        "config": look.config(),
        "layer": [*([watermark(look)] if simulated else []), *layers],
    }
