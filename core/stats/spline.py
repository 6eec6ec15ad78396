"""Restricted cubic splines with Harrell's knots and scaling, as R's rms has them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.model import BadInput, NotEnoughData
from core.stats.cox_risk import Array

_KNOT_QUANTILES: dict[int, tuple[float, ...]] = {
    3: (0.10, 0.5, 0.90),
    4: (0.05, 0.35, 0.65, 0.95),
    5: (0.05, 0.275, 0.5, 0.725, 0.95),
    6: (0.05, 0.23, 0.41, 0.59, 0.77, 0.95),
    7: (0.025, 0.1833, 0.3417, 0.5, 0.6583, 0.8167, 0.975),
}
"""Harrell (2015), *Regression Modeling Strategies*, table 2.3; rms has the same defaults."""


def default_knots(x: Array, k: int) -> tuple[float, ...]:
    """Harrell's places of ``k`` knots for the values ``x``."""
    if k not in _KNOT_QUANTILES:
        raise BadInput("A spline takes 3 to 7 knots.", found=str(k))
    if len(x) < 2 * k:
        raise NotEnoughData(f"{len(x)} patients are too few for {k} knots.")
    places = np.quantile(x, _KNOT_QUANTILES[k])
    if len(x) < 100:
        ordered = np.sort(x)
        places[0], places[-1] = ordered[4], ordered[-5]
    return tuple(float(p) for p in places)


def restricted_cubic(x: Array, knots: Sequence[float]) -> Array:
    """Basis of a restricted cubic spline: rows x (knots - 1), Harrell's scaling."""
    t = np.asarray(knots, dtype=float)
    beyond = np.maximum(x[:, None] - t, 0.0)
    cube = beyond * beyond * beyond  # many times faster than a power
    last, before = t[-1], t[-2]
    curved = (
        cube[:, :-2]
        - cube[:, [-2]] * (last - t[:-2]) / (last - before)
        + cube[:, [-1]] * (before - t[:-2]) / (last - before)
    ) / (last - t[0]) ** 2
    return np.column_stack([x, curved])
