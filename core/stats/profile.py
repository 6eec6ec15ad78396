"""Profile-likelihood intervals of a Cox coefficient.

The interval holds every value b for which twice the gap between the maximised (penalised)
likelihood and the one maximised over the other coefficients at b stays below the chi-square
quantile with one degree of freedom. It stays valid where the Wald interval fails: few events, or
an infinite estimate, when one end is infinite.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, ndtri

from core.model import BadInput, NotEnoughData
from core.stats.cox import CoxFit
from core.stats.cox_moments import moments
from core.stats.cox_newton import maximise
from core.stats.cox_risk import Array, RiskSets
from core.stats.firth import maximise_penalised, penalty_gradient

_FARTHEST = 40.0
"""Beyond this coefficient of a scaled covariate an end counts as infinite."""
_PRECISION = 1e-10
"""Of the root of twice the likelihood gap, at which an end counts as found."""


@dataclass(frozen=True)
class ProfileInterval:
    """Interval of one coefficient and the likelihood-ratio test that it is zero."""

    term: str
    level: float
    coefficient: float
    lower: float
    upper: float
    statistic: float
    p_value: float
    warnings: tuple[str, ...] = ()

    @property
    def hazard_ratio(self) -> float:
        return float(np.exp(self.coefficient))

    @property
    def ci_lower(self) -> float:
        """Lower limit of the hazard ratio."""
        return float(np.exp(self.lower))

    @property
    def ci_upper(self) -> float:
        """Upper limit of the hazard ratio."""
        return float(np.exp(self.upper))


def ratio_limits(fit: CoxFit, column: str | int) -> tuple[float, float]:
    """Limits of a column's hazard ratio: profile likelihood of a penalised fit, else Wald's.

    Firth's penalty serves where events are few, where the likelihood is lopsided and Wald's
    interval, symmetric on the log scale, is not: coxphf profiles by default, too. NaN where the
    column was not estimated.
    """
    position = fit.names.index(column) if isinstance(column, str) else column
    if fit.penalty is None or not np.isfinite(fit.coefficients[position]):
        row = fit.table().iloc[position]
        return float(row["ci_lower"]), float(row["ci_upper"])
    found = profile_interval(fit, position)
    return found.ci_lower, found.ci_upper


class _Profile:
    """The profile likelihood of one column, each point started from the one before."""

    def __init__(self, fit: CoxFit, position: int) -> None:
        self.sets: RiskSets = fit.sets
        self.position = position
        self.top = fit.loglik[1]
        self.penalised = fit.penalty is not None
        self.free = np.delete(np.arange(len(fit.kept)), position)
        beta = fit.coefficients[fit.kept] * fit.sets.scale
        self.start: Array = np.where(np.isfinite(beta), beta, 0.0)

    def gap(self, value: float) -> tuple[float, float]:
        """Root of twice the gap at a scaled value, and its derivative."""
        start = self.start.copy()
        start[self.position] = value
        zero = moments(self.sets, np.zeros_like(start))
        search = maximise_penalised if self.penalised else maximise
        found = search(self.sets, zero, np.eye(len(start)), start=start, free=self.free)
        self.start = found.beta
        slope = found.moments.score()[self.position]
        if self.penalised:
            slope += penalty_gradient(found.moments, found.information)[self.position]
        root = float(np.sqrt(max(2 * (self.top - found.loglik[1]), 0.0)))
        return root, float(-slope / root) if root > 0 else 0.0


def profile_interval(fit: CoxFit, column: str | int, level: float | None = None) -> ProfileInterval:
    """Profile-likelihood interval of one column (name or position) of a fitted model.

    With ``penalty="firth"`` the penalised likelihood is profiled, as coxphf does. An end that the
    data do not bound is -inf or inf, and ``warnings`` says so. Raises BadInput for an unknown
    column and NotEnoughData for one that could not be estimated.
    """
    if isinstance(column, str):
        if column not in fit.names:
            raise BadInput(f"No column {column!r} in this model.", expected=", ".join(fit.names))
        column = fit.names.index(column)
    name, estimate = fit.names[column], float(fit.coefficients[column])
    if np.isnan(estimate):
        raise NotEnoughData(f"{name} was not estimated; it has no interval.")
    level = fit.level if level is None else level
    position = int(np.searchsorted(fit.kept, column))
    scale = float(fit.sets.scale[position])
    reach = float(ndtri(0.5 + level / 2))
    step = reach * float(fit.std_errors[column]) * scale if np.isfinite(estimate) else 1.0
    ends = [
        _end(_Profile(fit, position), estimate * scale, side, reach, step) / scale
        for side in (-1.0, 1.0)
    ]
    at_zero = _Profile(fit, position).gap(0.0)[0] ** 2
    open_ends = [w for w, e in zip(("below", "above"), ends, strict=True) if np.isinf(e)]
    warnings = (f"The data do not bound {name} from {' or '.join(open_ends)}.",)
    return ProfileInterval(
        name, level, estimate, ends[0], ends[1], at_zero, float(chdtrc(1, at_zero)),
        warnings if open_ends else (),
    )  # fmt: skip


def _end(profile: _Profile, centre: float, side: float, reach: float, step: float) -> float:
    """The value on one side of ``centre`` where the gap equals ``reach``: Newton in a bracket."""
    if centre == side * np.inf:
        return centre
    inside, outside = _bracket(profile, centre, side, reach, step)
    if np.isinf(outside):
        return outside
    value = outside
    for _ in range(100):
        root, slope = profile.gap(value)
        if abs(root - reach) < _PRECISION:
            break
        if root < reach:
            inside = value
        else:
            outside = value
        newton = value - (root - reach) / slope if slope else np.nan
        low, high = min(inside, outside), max(inside, outside)
        value = newton if low < newton < high else (low + high) / 2
    return value


def _bracket(
    profile: _Profile, centre: float, side: float, reach: float, step: float
) -> tuple[float, float]:
    """Values within and beyond the end; beyond is infinite where the gap stays too small.

    An infinite estimate has its other end somewhere around 0: walk from there, inwards if 0 is
    beyond the end already.
    """
    inside = centre if np.isfinite(centre) else 0.0
    if np.isinf(centre) and profile.gap(0.0)[0] >= reach:
        outside, inside = 0.0, -side * step
        while profile.gap(inside)[0] >= reach:
            outside, inside = inside, inside - side * step
        return inside, outside
    outside = inside + side * step
    while profile.gap(outside)[0] < reach:
        inside, step = outside, 2 * step
        outside += side * step
        if abs(outside) > _FARTHEST:
            return inside, side * np.inf
    return inside, outside
