"""Weibull mixture-cure model: some patients are cured, the others die as a Weibull model says.

With covariates x, p(x) = 1 / (1 + exp(-(a0 + x a))) is the probability of *not* being cured, and
the survival of those who are not is S_u(t | x) = exp(-exp(c + shape log t + x b)), so that

    S(t | x) = 1 - p(x) + p(x) S_u(t | x)

(Berkson and Gage 1952; Farewell, Biometrics 1982;38:1041-1046). Estimates maximise the likelihood;
intervals come from the observed information. A cured share is read off the plateau of the survival
curve, so that it can be told only where follow-up is long: :attr:`CureFit.p_follow_up` is the
approximate p-value of Maller and Zhou's test of *insufficient* follow-up (1996, chapter 4;
alpha_n = (1 - N / n)^n with N deaths in (2 t* - t_n, t*], t* the last death, t_n the longest time).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit, log_expit, ndtr, ndtri

from core.model import BadInput, NotEnoughData

Array = npt.NDArray[np.float64]
Likelihood = Callable[[Array], tuple[float, Array]]

DRAWS = 1_000
"""Draws of the parameters from their normal approximation, for intervals of predictions."""
LEAST_EVENTS = 5
"""Deaths per parameter below which nothing is fitted."""
ENDLESS = 12.0
"""A log odds beyond which a share counts as 0 or 1: the estimate has no finite end."""


@dataclass(frozen=True, eq=False)
class CureFit:
    """Estimates on the covariates' own scale.

    ``theta``: a0, a (one per covariate), c (log cumulative hazard at one month), log shape, b (one
    per covariate).
    ``uncured_loglik``: of the same Weibull model without a cured share.
    """

    names: tuple[str, ...]
    theta: Array
    covariance: Array = field(repr=False)
    loglik: float
    uncured_loglik: float
    n: int
    events: int
    cured: float
    """Mean cured share of the patients of the fit."""
    p_follow_up: float
    warnings: tuple[str, ...]

    @property
    def aic(self) -> float:
        return 2 * len(self.theta) - 2 * self.loglik

    @property
    def uncured_aic(self) -> float:
        """Of the Weibull model in which nobody is cured."""
        return 2 * (2 + len(self.names)) - 2 * self.uncured_loglik

    def table(self, level: float = 0.95) -> pd.DataFrame:
        """A row per covariate: name, odds_ratio (of not being cured), odds_lower, odds_upper,
        odds_p, hazard_ratio (among those not cured), hazard_lower, hazard_upper, hazard_p."""
        k, z = len(self.names), float(ndtri(0.5 + level / 2))
        se = np.sqrt(np.diag(self.covariance))
        out: dict[str, object] = {"name": list(self.names)}
        for kind, first in (("odds", 1), ("hazard", k + 3)):
            b, e = self.theta[first : first + k], se[first : first + k]
            out[f"{kind}_ratio"] = np.exp(b)
            out[f"{kind}_lower"], out[f"{kind}_upper"] = np.exp(b - z * e), np.exp(b + z * e)
            out[f"{kind}_p"] = 2 * ndtr(-np.abs(b / e))
        return pd.DataFrame(out)

    def predict(self, x: npt.ArrayLike, times: npt.ArrayLike) -> Array:
        """Survival of each row of ``x`` at each of ``times`` (months)."""
        return _survival(self.theta, np.atleast_2d(np.asarray(x, dtype=float)), times)

    def cured_share(self, x: npt.ArrayLike) -> Array:
        """Probability of being cured of each row of ``x``."""
        a = self.theta[1 : 1 + len(self.names)]
        rows = np.atleast_2d(np.asarray(x, dtype=float))
        return np.asarray(expit(-(self.theta[0] + rows @ a)))

    def intervals(
        self, x: npt.ArrayLike, times: npt.ArrayLike, *, seed: int = 0, level: float = 0.95
    ) -> tuple[Array, Array, tuple[float, float]]:
        """Of one row ``x``: lower and upper survival at ``times``, and of the cured share, from
        seeded draws of the parameters' normal approximation."""
        row = np.atleast_2d(np.asarray(x, dtype=float))
        draws = np.random.default_rng(seed).multivariate_normal(
            self.theta, self.covariance, DRAWS, method="cholesky"
        )
        ends = [0.5 - level / 2, 0.5 + level / 2]
        curves = np.array([_survival(t, row, times)[0] for t in draws])
        low, high = np.quantile(curves, ends, axis=0)
        shares = expit(-(draws[:, 0] + draws[:, 1 : 1 + len(self.names)] @ row[0]))
        shares_low, shares_high = np.quantile(shares, ends)
        return low, high, (float(shares_low), float(shares_high))


def mixture_cure(
    x: npt.ArrayLike, time: npt.ArrayLike, event: npt.ArrayLike, names: Sequence[str]
) -> CureFit:
    """Fit the model; ``x``: n x k covariates. A death at time 0 counts as at half the earliest
    later time, since the Weibull density has no value at 0.

    Raises BadInput where lengths differ or a value is not finite, and NotEnoughData for fewer than
    LEAST_EVENTS deaths per parameter, or where the likelihood has no maximum that can be found.
    """
    rows, t, d = _checked(x, time, event, names)
    k = len(names)
    centre, spread = rows.mean(axis=0), rows.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    z = (rows - centre) / spread
    plain = _maximise(lambda b: _weibull(b, z, t, d), _weibull_start(z, t, d))
    best = None
    for share in (0.8, 0.5, 0.95):
        start = np.concatenate([[np.log(share / (1 - share))], np.zeros(k), plain[0]])
        found = _maximise(lambda b: _mixture(b, z, t, d), start)
        best = found if best is None or found[1] > best[1] + 1e-9 else best
    assert best is not None
    theta, loglik = best
    information = _information(lambda b: _mixture(b, z, t, d), theta)
    back = _unscaled(k, centre, spread)
    try:
        np.linalg.cholesky(information)
        covariance = back @ np.linalg.inv(information) @ back.T
    except np.linalg.LinAlgError:
        raise NotEnoughData(
            "The mixture-cure model has no single best fit to these patients.",
            expected="a survival curve with a plateau, and predictors that vary",
            found=f"{int(d.sum())} deaths of {len(t)} patients",
            remedy="Leave out predictors, or read the Cox model alone.",
        ) from None
    own = back @ theta
    p = _follow_up(t, d)
    cured = float(expit(-(own[0] + rows @ own[1 : k + 1])).mean())
    return CureFit(
        tuple(names), own, covariance, loglik, plain[1], len(t), int(d.sum()), cured, p,
        _warnings(own, k, p),
    )  # fmt: skip


# -- likelihood ------------------------------------------------------------------------


def _survival(theta: Array, x: Array, times: npt.ArrayLike) -> Array:
    k = x.shape[1]
    with np.errstate(divide="ignore"):
        log_t = np.log(np.asarray(times, dtype=float))
    relative = theta[k + 1] + x @ theta[k + 3 :]
    hazard = np.exp(np.exp(theta[k + 2]) * log_t + relative[:, None])
    uncured = expit(theta[0] + x @ theta[1 : k + 1])[:, None]
    return np.asarray(1 - uncured + uncured * np.exp(-hazard))


def _mixture(theta: Array, x: Array, t: Array, d: Array) -> tuple[float, Array]:
    """Log-likelihood and its gradient."""
    k, log_t = x.shape[1], np.log(t)
    a = theta[0] + x @ theta[1 : k + 1]
    shape = np.exp(theta[k + 2])
    log_h = np.clip(theta[k + 1] + shape * log_t + x @ theta[k + 3 :], -700, 50)
    h = np.exp(log_h)
    log_p, log_q = log_expit(a), log_expit(-a)
    alive = np.logaddexp(log_q, log_p - h)
    dead = log_p + theta[k + 2] - log_t + log_h - h
    still = np.exp(log_p - h - alive)  # not cured, given alive
    weight = np.where(d > 0, 1.0, still)
    on_a = weight - expit(a)
    on_h = d - weight * h  # derivative by the log cumulative hazard
    gradient = np.concatenate(
        [
            [on_a.sum()], on_a @ x, [on_h.sum()],
            [(d + shape * log_t * on_h).sum()], on_h @ x,
        ]
    )  # fmt: skip
    return float(np.where(d > 0, dead, alive).sum()), gradient


def _weibull(theta: Array, x: Array, t: Array, d: Array) -> tuple[float, Array]:
    """The same without a cured share; ``theta``: c, log shape, b."""
    shape, log_t = np.exp(theta[1]), np.log(t)
    log_h = np.clip(theta[0] + shape * log_t + x @ theta[2:], -700, 50)
    h = np.exp(log_h)
    on_h = d - h
    value = float((d * (theta[1] - log_t + log_h) - h).sum())
    gradient = np.concatenate([[on_h.sum()], [(d + shape * log_t * on_h).sum()], on_h @ x])
    return value, gradient


def _weibull_start(x: Array, t: Array, d: Array) -> Array:
    return np.concatenate([[np.log(d.sum() / t.sum()), 0.0], np.zeros(x.shape[1])])


def _maximise(of: Likelihood, start: Array) -> tuple[Array, float]:
    """Where ``of`` is largest, and its value there: BFGS, then Newton's steps while they climb."""

    def downhill(b: Array) -> tuple[float, Array]:
        value, gradient = of(b)
        return -value, -gradient

    theta = np.asarray(minimize(downhill, start, jac=True, method="BFGS").x)
    for _ in range(8):
        value, gradient = of(theta)
        step = np.linalg.lstsq(_information(of, theta), gradient, rcond=None)[0]
        if np.abs(step).max() < 1e-11 or not of(theta + step)[0] >= value:
            break
        theta = theta + step
    return theta, of(theta)[0]


def _information(of: Likelihood, theta: Array) -> Array:
    """Minus the second derivatives, by central differences of the gradient."""
    step, columns = 1e-5, []
    for j in range(len(theta)):
        e = np.zeros(len(theta))
        e[j] = step * max(1.0, abs(theta[j]))
        columns.append((of(theta - e)[1] - of(theta + e)[1]) / (2 * e[j]))
    matrix = np.array(columns)
    return np.asarray((matrix + matrix.T) / 2)


def _unscaled(k: int, centre: Array, spread: Array) -> Array:
    """The linear map from estimates for standardised covariates to those of their own scale."""
    back = np.eye(2 * k + 3)
    for j in range(k):
        for intercept, slope in ((0, 1 + j), (k + 1, k + 3 + j)):
            back[slope, slope] = 1 / spread[j]
            back[intercept, slope] = -centre[j] / spread[j]
    return back


def _follow_up(t: Array, d: Array) -> float:
    """Maller and Zhou's alpha_n; small: follow-up is long enough."""
    last, longest, n = float(t[d > 0].max()), float(t.max()), len(t)
    late = int(((t > 2 * last - longest) & (t <= last) & (d > 0)).sum())
    return float((1 - late / n) ** n)


def _warnings(theta: Array, k: int, p: float) -> tuple[str, ...]:
    words = []
    if p > 0.05:
        words.append(
            "Follow-up may be too short to tell a cured share from a long tail (Maller and Zhou's "
            f"p = {p:.2f} for too short a follow-up)."
        )
    if np.abs(theta[: k + 1]).max() > ENDLESS:
        words.append(
            "A cured share runs to 0 or 1 in some patients: its odds ratios are not to be read."
        )
    return tuple(words)


def _checked(
    x: npt.ArrayLike, time: npt.ArrayLike, event: npt.ArrayLike, names: Sequence[str]
) -> tuple[Array, Array, Array]:
    rows = np.atleast_2d(np.asarray(x, dtype=float))
    t, d = np.array(time, dtype=float), np.asarray(event, dtype=float)
    if rows.shape != (len(t), len(names)) or len(d) != len(t):
        raise BadInput(
            "The columns of the cure model differ in length.",
            expected=f"{len(t)} patients and {len(names)} covariates",
            found=f"{rows.shape[0]} by {rows.shape[1]}, {len(d)} events",
        )
    if not (np.isfinite(rows).all() and np.isfinite(t).all() and (t >= 0).all()):
        raise BadInput("The cure model takes finite values and times from 0 on.")
    least = LEAST_EVENTS * (2 * len(names) + 3)
    if d.sum() < least:
        raise NotEnoughData(
            "Too few deaths for a mixture-cure model.",
            expected=f"at least {least}: {LEAST_EVENTS} for each of its {2 * len(names) + 3} "
            "parameters",
            found=f"{int(d.sum())} of {len(t)} patients",
            remedy="Leave out predictors, or read the Cox model alone.",
        )
    t[t == 0] = t[t > 0].min() / 2
    return rows, t, d
