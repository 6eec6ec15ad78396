"""Grambsch and Therneau's test of proportional hazards, as R's ``cox.zph`` computes it.

For each term, a score test of the added covariate x g(t) at zero, with the full information of
(x, x g(t)); source: Grambsch and Therneau (1994) and the definition of R's survival since 3.0,
which replaced the approximation that older software (and lifelines) still gives.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import chdtrc
from scipy.stats import rankdata

from core.model import BadInput, NotEnoughData
from core.stats.cox import CoxFit
from core.stats.cox_newton import inverse, solve
from core.stats.cox_residuals import schoenfeld_rows
from core.stats.cox_risk import Array, Index, RiskSets

TRANSFORMS = ("km", "rank", "identity", "log")


@dataclass(frozen=True, eq=False)
class ZphTest:
    """Tests per term, the last one GLOBAL, and what a plot of beta(t) needs.

    Rows of ``scaled`` are deaths, by stratum and time; ``x`` is their transformed time, ``stratum``
    its code. They are worked out when first read.
    """

    terms: tuple[str, ...]
    chi_square: Array
    df: Index
    p_value: Array
    transform: str
    warnings: tuple[str, ...]
    fit: CoxFit = field(repr=False)
    information: Array = field(repr=False)
    """Of the finite coefficients, scaled."""
    tested: dict[str, list[int]] = field(repr=False)
    """Terms with residuals, and their columns among the finite ones."""
    scale_time: Array = field(repr=False)
    """Transformed time of each group."""

    @property
    def residual_terms(self) -> tuple[str, ...]:
        """The columns of ``scaled``."""
        return tuple(self.tested)

    @cached_property
    def _residuals(self) -> tuple[Index, Array]:
        return _scaled(self.fit, self.information, self.tested)

    @property
    def scaled(self) -> Array:
        """Per term its scaled Schoenfeld residual plus its coefficient (for a term of several
        columns, that of its linear predictor, around 1); NaN where a stratum does not vary in it.
        """
        return self._residuals[1]

    @property
    def time(self) -> Array:
        return self.fit.sets.time[self._residuals[0]]

    @property
    def stratum(self) -> Index:
        return self.fit.sets.stratum[self._residuals[0]]

    @property
    def x(self) -> Array:
        group = np.searchsorted(self.fit.sets.group_end, self._residuals[0], side="right")
        return np.asarray(self.scale_time[group])

    @property
    def table(self) -> pd.DataFrame:
        """Tidy: term, chi_square, df, p_value."""
        columns = ("chi_square", "df", "p_value")
        return pd.DataFrame({"term": self.terms} | {c: getattr(self, c) for c in columns})

    @property
    def residuals(self) -> pd.DataFrame:
        """Tidy: time, x, stratum, and one column per term."""
        frame = pd.DataFrame({"time": self.time, "x": self.x, "stratum": self.stratum})
        scaled = pd.DataFrame(self.scaled, columns=list(self.residual_terms))
        return pd.concat([frame, scaled], axis=1)


def cox_zph(fit: CoxFit, transform: str = "km") -> ZphTest:
    """Test whether each term's hazard ratio is constant in time.

    ``transform`` is the time scale g on which a trend is sought: "km" (1 - Kaplan-Meier just
    before t), "rank", "identity" or "log"; g is centred on its mean over deaths. Terms with an
    infinite coefficient get NaN and a warning. Raises BadInput for "log" with a death at time 0
    and NotEnoughData where nothing was estimated or all deaths stand at one time.
    """
    if transform not in TRANSFORMS:
        raise BadInput(f"Unknown transform {transform!r}.", expected=", ".join(TRANSFORMS))
    finite = _finite(fit)
    if not len(finite):
        raise NotEnoughData("No coefficient of the model is finite; nothing can be tested.")
    at, sets = fit.at_estimate(), fit.sets
    scale_time = _transformed(sets, transform)
    if np.ptp(scale_time) == 0:
        raise NotEnoughData("All deaths stand at one time; no trend in time can be tested.")
    g = scale_time - np.average(scale_time, weights=sets.deaths)
    own = np.zeros(sets.n)
    weight = 1.0 if sets.weights is None else sets.weights[sets.death_rows]
    own[sets.death_rows] = weight * g[sets.death_group]
    u = (sets.x @ (own - at.expected(g)))[finite]
    keep = np.ix_(finite, finite)
    information = at.information()[keep]
    i1, i2 = at.information(g)[keep], at.information(g * g)[keep]
    spread = i2 - i1 @ solve(information, i1)

    terms, warnings, statistics = _terms(fit, finite), [], []
    for term, (columns, count) in terms.items():
        if len(columns) < count:
            warnings.append(f"{term} has an infinite coefficient and is not tested.")
            statistics.append(float("nan"))
        elif count == 1:
            statistics.append(u[columns[0]] ** 2 / spread[columns[0], columns[0]])
        else:
            part = solve(spread[np.ix_(columns, columns)], u[columns])
            statistics.append(float(u[columns] @ part))
    chi_square = np.array([*statistics, u @ solve(spread, u)])
    df = np.array([*(count for _, count in terms.values()), len(finite)])
    tested = {t: columns for t, (columns, count) in terms.items() if len(columns) == count}
    return ZphTest(
        terms=(*terms, "GLOBAL"),
        chi_square=chi_square,
        df=df,
        p_value=np.asarray(chdtrc(df, chi_square)),
        transform=transform,
        warnings=tuple(warnings),
        fit=fit,
        information=information,
        tested=tested,
        scale_time=scale_time,
    )


def _finite(fit: CoxFit) -> Index:
    """Which of the estimated coefficients are finite."""
    return np.flatnonzero(np.isfinite(fit.coefficients[fit.kept]))


def _terms(fit: CoxFit, finite: Index) -> dict[str, tuple[list[int], int]]:
    """Term -> positions of its columns among the finite ones, and how many columns it has."""
    place = {int(j): k for k, j in enumerate(finite)}
    out: dict[str, tuple[list[int], int]] = {}
    for j, column in enumerate(fit.kept):
        columns, count = out.setdefault(fit.groups[column], ([], 0))
        found = [place[j]] if j in place else []
        out[fit.groups[column]] = (columns + found, count + 1)
    return out


def _transformed(sets: RiskSets, transform: str) -> Array:
    """g(t), not centred, at each group's time."""
    times = sets.group_time
    if transform == "identity":
        return times
    if transform == "log":
        if (times <= 0).any():
            raise BadInput(
                "A death at time 0 has no logarithm.", remedy="Choose km, rank or identity."
            )
        return np.asarray(np.log(times))
    if transform == "rank":
        return np.asarray(rankdata(sets.time)[sets.group_end - 1])
    return _kaplan_meier_before(sets, times)


def _kaplan_meier_before(sets: RiskSets, at: Array) -> Array:
    """1 - S(t-) of all patients together, without case weights."""
    if sets.n_strata == 1:
        distinct, deaths = at[::-1], sets.deaths[::-1]
        at_risk = sets.group_end[::-1]
        if sets.entered is not None:
            at_risk = at_risk - sets.entered[1][::-1]
        survival = np.concatenate(([1.0], np.cumprod(1 - deaths / at_risk)))
        return np.asarray(1 - survival[-2::-1])
    distinct, deaths = np.unique(sets.time[sets.event], return_counts=True)
    at_risk = sets.n - np.searchsorted(np.sort(sets.time), distinct, side="left")
    if sets.entry is not None:
        at_risk -= sets.n - np.searchsorted(np.sort(sets.entry), distinct, side="left")
    survival = np.concatenate(([1.0], np.cumprod(1 - deaths / at_risk)))
    return np.asarray(1 - survival[np.searchsorted(distinct, at, side="left")])


def _scaled(fit: CoxFit, information: Array, terms: dict[str, list[int]]) -> tuple[Index, Array]:
    """Rows of the deaths, and Schoenfeld residuals divided by the mean information of the strata
    that inform a term (deaths x terms)."""
    sets, finite = fit.sets, _finite(fit)
    rows, raw = schoenfeld_rows(fit.at_estimate())
    scale, beta = sets.scale[finite], fit.coefficients[fit.kept][finite]
    used = _used(sets)[:, finite]
    combine = np.zeros((len(terms), len(finite)))
    for k, columns in enumerate(terms.values()):
        if len(columns) > 1:
            used[:, columns] = used[:, columns].max(axis=1, keepdims=True)
        combine[k, columns] = 1.0 if len(columns) == 1 else beta[columns]
    weight = np.minimum(used[:, :, None], used[:, None, :]).sum(axis=0)
    mean_information = information * np.outer(scale, scale) / np.where(weight == 0, 1, weight)
    mean_information = combine @ mean_information @ combine.T
    used = used[:, [c[0] for c in terms.values()]]
    combine = combine * scale
    raw = raw if len(finite) == len(raw) else raw[finite]
    centre = np.array([beta[c[0]] if len(c) == 1 else 1.0 for c in terms.values()])
    scaled = np.full((len(terms), len(rows)), np.nan)
    bounds = np.searchsorted(sets.stratum[rows], np.arange(sets.n_strata + 1)).tolist()
    parts: dict[bytes, Array] = {}  # most strata are informed on the same terms
    for informs, first, last in zip(used > 0, bounds[:-1], bounds[1:], strict=True):
        if not informs.any() or last == first:
            continue
        informed, key = np.flatnonzero(informs), informs.tobytes()
        if key not in parts:
            inner = inverse(mean_information[np.ix_(informed, informed)])
            parts[key] = inner @ combine[informed]
        scaled[informed, first:last] = parts[key] @ raw[:, first:last] + centre[informed, None]
    return rows, scaled.T


def _used(sets: RiskSets) -> npt.NDArray[np.int64]:
    """Deaths of each stratum, per covariate; 0 where the covariate is constant in it."""
    varies = np.zeros((sets.n_strata, len(sets.x)), dtype=bool)
    for s in range(sets.n_strata):
        part = sets.x[:, sets.row_bounds[s] : sets.row_bounds[s + 1]]
        varies[s] = np.ptp(part, axis=1) > 0
    deaths = np.bincount(sets.stratum[sets.death_rows], minlength=sets.n_strata)
    return np.asarray(deaths[:, None] * varies)
