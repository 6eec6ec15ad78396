"""A fitted Cox model in numbers that can be written down, and its predictions from them alone.

With xbar the patients' mean and at each event time t: H(t) the cumulative hazard at xbar, v(t) the
sum of its increments squared over the deaths' weights, and m(t) the integral of the risk sets'
mean deviation from xbar, the cumulative hazard of x is H exp(lp), lp = (x - xbar) beta, and its
standard error exp(lp) sqrt(v + d' V d) with d = (x - xbar) H - m and V the covariance of beta
(Tsiatis 1981). The results are those of :func:`core.stats.cox_baseline.survival_curve`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from core.model import BadInput
from core.stats.cox import CoxFit
from core.stats.cox_residuals import hazard_times_mean
from core.stats.cox_risk import Array


@dataclass(frozen=True, eq=False)
class Baseline:
    """One stratum's steps: arrays over event times (``mean``: columns x event times)."""

    times: Array
    hazard: Array
    variance: Array
    mean: Array
    last: float
    """Last follow-up of the stratum, months; nothing is predicted beyond."""


@dataclass(frozen=True, eq=False)
class PortableCox:
    """Everything that a prediction needs. Columns without an estimate have coefficient 0."""

    names: tuple[str, ...]
    coefficients: Array
    covariance: Array
    center: Array
    baselines: dict[str, Baseline]
    """By stratum; one named "" without strata."""

    def linear_predictor(self, x: npt.ArrayLike) -> Array:
        """(x - center) beta for rows of ``x``."""
        rows = np.atleast_2d(np.asarray(x, dtype=float))
        if rows.shape[1] != len(self.names):
            raise BadInput(
                "The patients do not fit the model.",
                expected=f"{len(self.names)} columns",
                found=f"{rows.shape[1]}",
            )
        return np.asarray((rows - self.center) @ self.coefficients)

    def hazard(self, times: npt.ArrayLike, stratum: str = "") -> Array:
        """Cumulative hazard at the centre; NaN beyond the stratum's last follow-up."""
        base = self.baseline(stratum)
        when = np.atleast_1d(np.asarray(times, dtype=float))
        steps = np.append(0.0, base.hazard)[np.searchsorted(base.times, when, side="right")]
        return np.where(when > base.last, np.nan, steps)

    def baseline(self, stratum: str = "") -> Baseline:
        if stratum not in self.baselines:
            raise BadInput(
                f"The model has no baseline named {stratum!r}.",
                expected=", ".join(map(repr, self.baselines)),
            )
        return self.baselines[stratum]

    def survival(
        self, x: npt.ArrayLike, times: npt.ArrayLike, stratum: str = "", *, level: float = 0.95
    ) -> tuple[Array, Array, Array]:
        """Survival of each row of ``x`` at each time with its log-log interval: rows x times."""
        base, when = self.baseline(stratum), np.atleast_1d(np.asarray(times, dtype=float))
        at = np.searchsorted(base.times, when, side="right")
        rows = np.atleast_2d(np.asarray(x, dtype=float))
        risk = np.exp(self.linear_predictor(rows))[:, None]
        hazard, variance = (np.append(0.0, a)[at] for a in (base.hazard, base.variance))
        mean = np.concatenate([np.zeros((len(self.names), 1)), base.mean], axis=1)[:, at]
        distance = (rows - self.center)[:, :, None] * hazard - mean
        spread = variance + np.einsum("kpt,pq,kqt->kt", distance, self.covariance, distance)
        cumulative = np.where(when > base.last, np.nan, risk * hazard)
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = float(ndtri(0.5 + level / 2)) * np.sqrt(spread) / hazard
            low, high = (np.exp(-cumulative * np.exp(sign * reach)) for sign in (1, -1))
        start = hazard == 0
        known = np.exp(-cumulative)
        return known, np.where(start, known, low), np.where(start, known, high)


def portable(fit: CoxFit) -> PortableCox:
    """The numbers of ``fit``. A column that was not estimated counts as 0.

    Raises BadInput where an estimate is infinite: fit with Firth's penalty instead.
    """
    sets, at = fit.sets, fit.at_estimate()
    if np.isinf(fit.coefficients).any():
        raise BadInput(
            "An estimate is infinite, so nothing can be predicted.",
            found=", ".join(n for n, b in zip(fit.names, fit.coefficients, strict=True)
                            if np.isinf(b)),
            remedy="Leave the predictor out, pool its levels, or fit with Firth's penalty.",
        )  # fmt: skip
    p, kept = len(fit.names), fit.kept
    center = np.zeros(p)
    center[kept] = sets.mean
    unit = float(np.exp(-at.shift))
    squares, means = at.power(2, 0), hazard_times_mean(at)
    baselines = {}
    for s in range(sets.n_strata):
        groups = slice(int(sets.group_bounds[s]), int(sets.group_bounds[s + 1]))
        mean = np.zeros((p, groups.stop - groups.start))
        mean[kept] = np.cumsum(means[:, groups][:, ::-1], axis=1) * sets.scale[:, None] * unit
        label = str(fit.strata_labels[s]) if fit.strata_labels else ""
        baselines[label] = Baseline(
            times=sets.group_time[groups][::-1].copy(),
            hazard=np.cumsum(at.hazard[groups][::-1]) * unit,
            variance=np.cumsum(squares[groups][::-1]) * unit**2,
            mean=mean,
            last=float(sets.time[sets.row_bounds[s]]),
        )
    return PortableCox(
        names=fit.names,
        coefficients=np.nan_to_num(fit.coefficients, nan=0.0),
        covariance=np.nan_to_num(fit.covariance, nan=0.0),
        center=center,
        baselines=baselines,
    )
