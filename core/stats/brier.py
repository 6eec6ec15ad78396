"""Brier score: how far predicted survival is from what happened, censoring weighted away.

BS(t) = (1/n) sum over patients of w_i(t) ([T_i > t] - S(t | x_i))^2, with the weights of
:mod:`core.stats.censoring`. A prediction of 1/2 for everyone scores 0.25; the Kaplan-Meier curve
of everyone is the reference, and 1 - BS/BS_reference the scaled score (index of prediction
accuracy). The standard error comes from each patient's influence, the estimated censoring curve
included. Integrated: the mean of BS over time, BS held from each time given to the next.

Graf et al. 1999; Kattan and Gerds 2018.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from core.model import BadInput
from core.stats.censoring import censoring_influence, censoring_survival, horizon_weights
from core.stats.km import fit
from core.stats.survival_data import FloatArray, SurvivalData, survival_data


@dataclass(frozen=True)
class BrierScore:
    """``table``: time, brier, std_error, ci_lower, ci_upper, reference, scaled.

    ``reference`` is the score of the Kaplan-Meier curve of the same patients.
    """

    table: pd.DataFrame
    n: int
    events: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class IntegratedBrier:
    """Mean Brier score between ``start`` and ``end``, of the predictions and of Kaplan-Meier."""

    integrated: float
    reference: float
    start: float
    end: float
    n: int
    events: int
    warnings: tuple[str, ...] = ()


def brier_score(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    survival: npt.ArrayLike,
    times: npt.ArrayLike,
    *,
    level: float = 0.95,
) -> BrierScore:
    """Brier score of predicted ``survival``, a patients x times array of probabilities.

    NaN, with a warning, at times after the last follow-up, where nobody's fate is known to have
    lasted longer. A missing prediction leaves the patient out. Raises :class:`BadInput` for
    probabilities outside [0, 1], or an array of another shape.
    """
    data, predicted, horizons = _checked(time, event, survival, times)
    last = float(data.time.max())
    z = float(ndtri(0.5 + level / 2))
    km = fit(data).at(horizons, extend=True)["survival"].to_numpy()
    rows = []
    for j, t in enumerate(horizons):
        if t > last:
            rows.append((t, *[np.nan] * 6))
            continue
        weights = horizon_weights(data, t)
        alive = data.time > t
        score, se = _score(data, t, weights * (alive - predicted[:, j]) ** 2)
        reference = float(np.mean(weights * (alive - km[j]) ** 2))
        scaled = 1 - score / reference if reference > 0 else np.nan
        rows.append((t, score, se, score - z * se, score + z * se, reference, scaled))
    names = ["time", "brier", "std_error", "ci_lower", "ci_upper", "reference", "scaled"]
    table = pd.DataFrame(rows, columns=names)
    return BrierScore(table, data.n, data.events, _with_late(data, horizons))


def integrated_brier(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    survival: npt.ArrayLike,
    times: npt.ArrayLike,
) -> IntegratedBrier:
    """Mean Brier score over ``times``, two or more in ascending order, within follow-up.

    With the distinct follow-up times as ``times`` the integral is exact for step predictions.
    """
    grid = np.atleast_1d(np.asarray(times, dtype=float))
    if len(grid) < 2 or np.any(np.diff(grid) <= 0):
        raise BadInput("An integrated score needs two or more ascending times.")
    data, predicted, grid = _checked(time, event, survival, grid)
    km = fit(data).at(grid, extend=True)["survival"].to_numpy()
    widths, span = np.diff(grid), grid[-1] - grid[0]
    scores = (_means(data, grid, v) for v in (predicted, np.broadcast_to(km, predicted.shape)))
    means = [float(widths @ score[:-1] / span) for score in scores]
    return IntegratedBrier(
        integrated=means[0],
        reference=means[1],
        start=float(grid[0]),
        end=float(grid[-1]),
        n=data.n,
        events=data.events,
        warnings=_with_late(data, grid),
    )


def _with_late(data: SurvivalData, horizons: FloatArray) -> tuple[str, ...]:
    last = float(data.time.max())
    late = [f"{t:g}" for t in horizons if t > last]
    if not late:
        return data.warnings
    return (*data.warnings, f"Follow-up ends at {last:g}: no score at {', '.join(late)}.")


def _means(data: SurvivalData, horizons: FloatArray, predicted: FloatArray) -> FloatArray:
    """The score at each horizon without its error; NaN after the last follow-up."""
    weights = np.zeros(data.n)
    weights[data.event] = 1 / censoring_survival(data, data.time[data.event])
    with np.errstate(divide="ignore"):  # 0 where nobody is followed longer
        beyond = 1 / censoring_survival(data, horizons, after=True)
    out = np.full(len(horizons), np.nan)
    for j, t in enumerate(horizons):
        if t <= data.time.max():
            later = data.time > t
            out[j] = np.mean(np.where(later, beyond[j], weights) * (later - predicted[:, j]) ** 2)
    return out


def _score(data: SurvivalData, horizon: float, terms: FloatArray) -> tuple[float, float]:
    score = float(terms.mean())
    if data.n == 1:
        return score, float("nan")
    influence = terms - score + censoring_influence(data, horizon, terms)
    return score, float(np.sqrt(influence @ influence / (data.n * (data.n - 1))))


def _checked(
    time: npt.ArrayLike, event: npt.ArrayLike, survival: npt.ArrayLike, times: npt.ArrayLike
) -> tuple[SurvivalData, FloatArray, FloatArray]:
    horizons = np.atleast_1d(np.asarray(times, dtype=float))
    predicted = np.asarray(survival, dtype=float)
    rows = np.asarray(time).shape[0]
    if predicted.ndim == 1 and len(horizons) == 1:
        predicted = predicted[:, None]
    if predicted.shape != (rows, len(horizons)):
        raise BadInput(
            "The predictions have another shape than patients x times.",
            expected=f"{rows} x {len(horizons)}",
            found=" x ".join(map(str, predicted.shape)),
        )
    if np.any((predicted < 0) | (predicted > 1)) or not np.isfinite(horizons).all():
        raise BadInput(
            "A predicted survival or a time makes no sense.",
            expected="probabilities from 0 to 1 and finite times",
        )
    data = survival_data(time, event, others=[predicted.sum(axis=1)])
    return data, predicted[data.kept], horizons
