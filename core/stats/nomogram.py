"""The scales of a nomogram: points of each predictor, total points, and the survival they mean.

As R's ``rms::nomogram``: each predictor's axis spans round values around its observed range (R's
``pretty``), or its values where there are ten at most. With f(v) = x(v) beta the effect at a tick
and m, M its extremes over the ticks, the predictor with the largest M - m gets ``max_points``
points: points(v) = (f(v) - m) s with s = max_points / max(M - m). The linear predictor, centred at
the patients' mean, is total / s + offset with offset = sum of m - centre; survival at t is
S0(t)^exp(linear predictor), S0 the baseline at the centre.

Kattan, Leung and Brennan 2002; Harrell (2015), *Regression Modeling Strategies*, section 5.3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.model import BadInput, NotEnoughData
from core.stats.cox_risk import Array
from core.stats.cox_terms import Categorical, Interaction, Term

MAX_POINTS = 100.0
INTERVALS = 10
"""About so many intervals on each axis, and so many distinct values that are all ticks."""
_GRID = 1000
"""Places between which a survival axis is interpolated, as rms does."""


@dataclass(frozen=True, eq=False)
class Axis:
    """Ticks of one axis: their values, what is printed at them, and their place in points."""

    name: str
    values: tuple[object, ...]
    labels: tuple[str, ...]
    points: Array


@dataclass(frozen=True, eq=False)
class Effects:
    """What a predictor adds to the linear predictor at each tick of its axis."""

    name: str
    values: tuple[object, ...]
    labels: tuple[str, ...]
    effect: Array


@dataclass(frozen=True, eq=False)
class Nomogram:
    """Axes of the predictors, and the three below them, all in points.

    ``lowest`` holds each predictor's effect at 0 points; ``survival`` one axis per time.
    """

    predictors: tuple[Axis, ...]
    lowest: tuple[float, ...]
    total: Array
    linear_predictor: Axis
    times: tuple[float, ...]
    survival: tuple[Axis, ...]
    scale: float
    """Points for a unit of the linear predictor."""
    offset: float
    """Centred linear predictor of a patient with 0 points."""
    baseline: Array = field(repr=False)
    """Cumulative hazard at the centre, at each of ``times``."""

    def points_of(self, effect: npt.ArrayLike, predictor: int) -> Array:
        """Points of a predictor's contribution x beta (not centred)."""
        return (np.asarray(effect, dtype=float) - self.lowest[predictor]) * self.scale

    def total_points(self, linear_predictor: npt.ArrayLike) -> Array:
        """Total points of a centred linear predictor."""
        return (np.asarray(linear_predictor, dtype=float) - self.offset) * self.scale

    def survival_at(self, total_points: npt.ArrayLike) -> Array:
        """Survival at each of ``times`` (last axis) that total points mean."""
        risk = np.exp(np.asarray(total_points, dtype=float) / self.scale + self.offset)
        return np.asarray(np.exp(-risk[..., None] * self.baseline))


def pretty(low: float, high: float, intervals: int = INTERVALS) -> Array:
    """About ``intervals`` + 1 round values that cover ``low`` to ``high``, as R's ``pretty``."""
    if not (math.isfinite(low) and math.isfinite(high)) or low > high:
        raise BadInput(
            "An axis needs two finite ends, the lower first.", found=f"{low:g} to {high:g}"
        )
    fewest, bias, bias5 = intervals // 3, 1.5, 2.75
    cell = max(abs(low), abs(high))
    tiny = (1 + 1 / (1 + bias)) * max(1, intervals) * np.finfo(float).eps * 3
    if low == high == 0:
        cell, small = 1.0, True
    else:
        small = bool(high - low < cell * tiny)
    if small:
        cell = (9 + cell / 10 if cell > 10 else cell) * 0.75 / max(fewest, 1)
    else:
        cell = (high - low) / max(intervals, 1)
    base = 10.0 ** math.floor(math.log10(cell))
    unit = base
    for step, weight in ((2 * base, bias), (5 * base, bias5), (10 * base, bias)):
        if step - cell >= weight * (cell - unit):
            break
        unit = step
    first, last = math.floor(low / unit + 1e-10), math.ceil(high / unit - 1e-10)
    first, last = _widened(first, last, fewest - (last - first), low, high)
    ticks = np.linspace(first * unit, last * unit, last - first + 1)
    ticks[np.abs(ticks) < 1e-14 * unit] = 0.0
    return ticks


def _widened(first: int, last: int, more: int, low: float, high: float) -> tuple[int, int]:
    """Both ends moved apart by ``more`` steps in all; an end at 0 stays."""
    if more <= 0:
        return first, last
    if low == 0 == first and high != 0:
        return first, last + more
    if high == 0 == last and low != 0:
        return first - more, last
    if first >= 0:
        return first - more // 2 - more % 2, last + more // 2
    return first - more // 2, last + more // 2 + more % 2


def effects(
    term: Term,
    coefficients: npt.ArrayLike,
    observed: pd.Series,
    *,
    name: str = "",
    ticks: Sequence[object] = (),
    labels: Sequence[str] = (),
) -> Effects:
    """The effect of a resolved ``term`` (with its coefficients) at the ticks of its axis.

    ``observed``: the values of the term's column among the patients of the model. ``ticks`` in the
    column's units, and their ``labels``, replace those of ``pretty``. Raises BadInput for an
    interaction or coefficients that do not fit, NotEnoughData where one is not finite.
    """
    if isinstance(term, Interaction):
        raise BadInput(
            f"{term.name}: a product of two predictors has no axis of its own.",
            remedy="Leave the interaction out of the nomogram.",
        )
    beta = np.atleast_1d(np.asarray(coefficients, dtype=float))
    if not np.isfinite(beta).all():
        raise NotEnoughData(
            f"{term.name} has no finite estimate, so it has no axis.",
            remedy="Leave the predictor out, pool its levels, or fit with Firth's penalty.",
        )
    values = list(ticks) or _ticks(term, observed)
    columns = [c[2] for c in term.columns(pd.DataFrame({term.column: values}))]
    if len(columns) != len(beta):
        raise BadInput(
            f"{term.name} has {len(columns)} columns.", expected=f"{len(beta)} coefficients"
        )
    effect = np.column_stack(columns) @ beta if columns else np.zeros(len(values))
    words = tuple(labels) or tuple(tick_label(v) for v in values)
    return Effects(name or term.column, tuple(values), words, effect)


def _ticks(term: Term, observed: pd.Series) -> list[object]:
    if isinstance(term, Categorical):
        return list(term.levels)
    known = np.unique(observed.dropna().to_numpy(dtype=float))
    if not len(known):
        raise NotEnoughData(f"{term.name} has no value.")
    if len(known) <= INTERVALS:
        return [float(v) for v in known]
    return [float(v) for v in pretty(float(known[0]), float(known[-1]))]


def tick_label(value: object) -> str:
    """A tick as it is printed: numbers without the noise of binary fractions."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def nomogram(
    predictors: Sequence[Effects],
    linear_predictor: npt.ArrayLike,
    center: float,
    times: Sequence[float],
    baseline: npt.ArrayLike,
    *,
    marks: Sequence[float] | None = None,
    max_points: float = MAX_POINTS,
) -> Nomogram:
    """Lay out a nomogram.

    ``linear_predictor``: of the model's patients, centred at ``center`` (mean of x beta).
    ``baseline``: cumulative hazard at the centre, at each of ``times`` (months). ``marks``: the
    survival probabilities to show; without, round ones, as rms. Raises NotEnoughData where no
    predictor has an effect.
    """
    low = np.array([p.effect.min() for p in predictors])
    spread = np.array([float(np.ptp(p.effect)) for p in predictors])
    if not len(spread) or spread.max() <= 0:
        raise NotEnoughData(
            "No predictor changes the prediction, so there is nothing to draw.",
            remedy="Choose a predictor that varies among the patients.",
        )
    scale = max_points / float(spread.max())
    offset = float(low.sum()) - center
    lp = np.asarray(linear_predictor, dtype=float)
    at = pretty(float(lp.min()), float(lp.max()))
    highest = max_points if len(spread) == 1 else max(max_points, scale * (at.max() - offset))
    hazard = np.atleast_1d(np.asarray(baseline, dtype=float))
    return Nomogram(
        predictors=tuple(
            Axis(p.name, p.values, p.labels, (p.effect - m) * scale)
            for p, m in zip(predictors, low, strict=True)
        ),
        lowest=tuple(float(m) for m in low),
        total=pretty(0.0, highest),
        linear_predictor=Axis(
            "Linear predictor", tuple(at), tuple(map(tick_label, at)), (at - offset) * scale
        ),
        times=tuple(times),
        survival=tuple(
            _survival_axis(t, h, at, offset, scale, marks)
            for t, h in zip(times, hazard, strict=True)
        ),
        scale=scale,
        offset=offset,
        baseline=hazard,
    )


def _survival_axis(
    time: float,
    hazard: float,
    at: Array,
    offset: float,
    scale: float,
    marks: Sequence[float] | None,
) -> Axis:
    """Where given survival probabilities stand, read off a fine grid of linear predictors."""
    ends = np.exp(-hazard * np.exp(at[[0, -1]]))
    shown = pretty(ends.min(), ends.max()) if marks is None else np.asarray(marks, dtype=float)
    grid = np.linspace(at[0], at[-1], _GRID)
    survival, of = np.unique(np.exp(-hazard * np.exp(grid)), return_inverse=True)
    lp = np.bincount(of, grid) / np.bincount(of)
    inside = (shown >= survival[0]) & (shown <= survival[-1])
    shown = shown[inside] if np.isfinite(hazard) else shown[:0]
    place = (np.interp(shown, survival, lp) - offset) * scale
    name = f"Survival at {time:g} months"
    return Axis(name, tuple(float(s) for s in shown), tuple(map(tick_label, shown)), place)
