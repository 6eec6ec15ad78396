"""Profile-likelihood intervals of a Cox coefficient.

The interval holds every value b for which twice the gap between the maximised (penalised)
likelihood and the one maximised over the other coefficients at b stays below the chi-square
quantile with one degree of freedom. It stays valid where the Wald interval fails: few events, or
an infinite estimate, when one end is infinite.

Ends are found by Newton steps on all coefficients together, three or so for each (Venzon and
Moolgavkar 1988), and where these fail, by a search within a bracket.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, ndtri

from core.model import BadInput, NotEnoughData
from core.stats.cox import CoxFit
from core.stats.cox_moments import Moments, moments
from core.stats.cox_newton import maximise, solve
from core.stats.cox_risk import Array
from core.stats.firth import half_log_det, maximise_penalised, penalty_gradient

_FARTHEST = 40.0
"""Beyond this coefficient of a scaled covariate an end counts as infinite."""
_PRECISION = 1e-10
"""Of the root of twice the likelihood gap, at which an end counts as found."""
_STEPS = 12
"""Most joint steps to an end."""


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
        columns = fit.columns()
        return float(columns["ci_lower"][position]), float(columns["ci_upper"][position])
    found = profile_interval(fit, position)
    return found.ci_lower, found.ci_upper


class _Profile:
    """The (penalised) likelihood of a fit around its maximum, along one column."""

    def __init__(self, fit: CoxFit, position: int) -> None:
        self.sets, self.position = fit.sets, position
        self.top, self.null = fit.loglik[1], fit.loglik[0]
        self.penalised = fit.penalty is not None
        self.free = np.delete(np.arange(len(fit.kept)), position)
        beta = fit.coefficients[fit.kept] * fit.sets.scale
        self.bounded = fit.converged and bool(np.isfinite(beta).all())
        self.best: Array = np.where(np.isfinite(beta), beta, 0.0)
        self.zero = moments(self.sets, np.zeros_like(beta)) if len(self.free) else fit.last
        self.information = fit.at_estimate().information() if self.bounded else np.eye(len(beta))
        self.along = solve(self.information, np.eye(len(beta))[position])
        """What one unit of score in the column moves; the others follow to their best."""

    def gap(self, value: float, start: Array) -> tuple[float, float, Array]:
        """Root of twice the gap at a scaled value, its derivative, and the coefficients there."""
        start = start.copy()
        start[self.position] = value
        if len(self.free):
            search = maximise_penalised if self.penalised else maximise
            found = search(self.sets, self.zero, self.information, start=start, free=self.free)
            at, information, start = found.moments, found.information, found.beta
        else:
            at = moments(self.sets, start)
            information = at.information() if self.penalised else self.information
        reached, score = self.value(at, information)
        root = float(np.sqrt(max(2 * (self.top - reached), 0.0)))
        return root, float(-score[self.position] / root) if root > 0 else 0.0, start

    def value(self, at: Moments, information: Array) -> tuple[float, Array]:
        """The likelihood and its gradient, penalised where the fit is."""
        if not self.penalised:
            return at.loglik, at.score()
        reached = at.loglik + half_log_det(information, self.sets.scale)
        return reached, at.score() + penalty_gradient(at, information)

    def at_zero(self) -> float:
        """Twice the gap where the coefficient is 0."""
        if not len(self.free):
            return max(2 * (self.top - self.null), 0.0)
        shift = self.along / self.along[self.position] * self.best[self.position]
        return self.gap(0.0, self.best - shift if self.bounded else self.best)[0] ** 2

    def end(self, side: float, reach: float) -> float:
        """The end on one ``side`` of a bounded estimate, NaN where the steps do not settle.

        With u = I^-1 U and w = I^-1 e, a step u + t w leaves the other coefficients at their best
        and the likelihood at l + U'u / 2 - t^2 w_j / 2, both to second order.
        """
        j, beta, target = self.position, self.best, self.top - reach**2 / 2
        newton, along, left = np.zeros_like(beta), self.along, reach**2 / 2
        information = self.information
        exact = 1e-20 if self.penalised else 1e-12
        for _ in range(_STEPS):
            if not (left >= 0 and along[j] > 0):
                return float("nan")
            step = newton + side * np.sqrt(2 * left / along[j]) * along
            beta = beta + step
            if abs(beta[j]) > _FARTHEST or not np.isfinite(beta).all():
                return float("nan")
            if step @ information @ step < exact:
                return float(beta[j]) if (beta[j] - self.best[j]) * side > 0 else float("nan")
            at = moments(self.sets, beta)
            information = at.information()
            reached, score = self.value(at, information)
            solved = solve(information, np.stack([score, np.eye(len(beta))[j]], axis=1))
            newton, along = solved.T
            left = reached + score @ newton / 2 - target
        return float("nan")


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
    profile = _Profile(fit, position)
    ends = [_end(profile, estimate * scale, side, reach, step) / scale for side in (-1.0, 1.0)]
    at_zero = profile.at_zero()
    open_ends = [w for w, e in zip(("below", "above"), ends, strict=True) if np.isinf(e)]
    warnings = (f"The data do not bound {name} from {' or '.join(open_ends)}.",)
    return ProfileInterval(
        name, level, estimate, ends[0], ends[1], at_zero, float(chdtrc(1, at_zero)),
        warnings if open_ends else (),
    )  # fmt: skip


def _end(profile: _Profile, centre: float, side: float, reach: float, step: float) -> float:
    """The value on one side of ``centre`` where the gap equals ``reach``."""
    if centre == side * np.inf:
        return centre
    if profile.bounded and not np.isnan(found := profile.end(side, reach)):
        return found
    inside, outside = _bracket(profile, centre, side, reach, step)
    if np.isinf(outside):
        return outside
    value, at = outside, profile.best
    for _ in range(100):
        root, slope, at = profile.gap(value, at)
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
    at = profile.best

    def within(value: float) -> bool:
        nonlocal at
        root, _, at = profile.gap(value, at)
        return root < reach

    inside = centre if np.isfinite(centre) else 0.0
    if np.isinf(centre) and not within(0.0):
        outside, inside = 0.0, -side * step
        while not within(inside):
            outside, inside = inside, inside - side * step
        return inside, outside
    outside = inside + side * step
    while within(outside):
        inside, step = outside, 2 * step
        outside += side * step
        if abs(outside) > _FARTHEST:
            return inside, side * np.inf
    return inside, outside
