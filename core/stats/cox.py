"""Cox's proportional-hazards model by vectorised Newton steps.

Partial likelihood with Efron's or Breslow's tie method, strata, delayed entry, case weights,
offsets, and the sandwich variance of Lin and Wei (1989). Source: Therneau and Grambsch (2000),
*Modeling Survival Data*, chapters 3, 7 and 8; results equal R's ``survival::coxph``.

What happens with degenerate input:

* no rows: :class:`~core.model.NotEnoughData`; a value that is missing or not finite, a negative
  time, an event that is neither 0 nor 1, an entry at or after its time: ``BadInput``;
* time 0 is a time like any other;
* a column that never varies among patients at risk at an event, or is a linear combination of
  columns before it (also: one patient, one group, no events): coefficient, standard error, hazard
  ratio and p-value are NaN, and ``warnings`` names the column (R gives NA);
* a group without events, or separation: the coefficient is -inf or inf, the hazard ratio 0 or
  inf, standard error, interval and p-value NaN, and ``warnings`` says so; the likelihood-ratio
  test stays valid, and ``penalty="firth"`` gives a finite estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import chdtrc, ndtr, ndtri

from core.model import BadInput
from core.stats.cox_input import coded, covariates, prepare
from core.stats.cox_moments import Moments, moments
from core.stats.cox_newton import MAX_ITERATIONS, Maximum, inverse, maximise, solve
from core.stats.cox_residuals import sum_by_cluster, weighted_score_residuals
from core.stats.cox_risk import Array, Index, RiskSets
from core.stats.firth import maximise_penalised

_SINGULAR = 1e-10
"""A column whose information, given the columns before it, is below this share is redundant."""


@dataclass(frozen=True)
class ChiSquare:
    """A chi-square test: statistic, degrees of freedom and upper-tail p-value."""

    statistic: float
    df: int
    p_value: float

    @classmethod
    def of(cls, statistic: float, df: int) -> ChiSquare:
        if df == 0 or not np.isfinite(statistic):
            return cls(float("nan"), df, float("nan"))
        return cls(float(statistic), df, float(chdtrc(df, max(statistic, 0.0))))


@dataclass(frozen=True, eq=False)
class CoxFit:
    """A fitted Cox model. Arrays run over the columns of X, in the caller's order.

    ``covariance`` is the robust one where ``robust`` is true, else the inverse information, which
    is always in ``naive_covariance``. ``loglik`` is (at zero, at the estimate), penalised where
    ``penalty`` is "firth". ``n`` counts rows, ``events`` those with an event; ``level`` is the
    level of the Wald intervals of :meth:`table`.
    """

    names: tuple[str, ...]
    coefficients: Array
    std_errors: Array
    covariance: Array = field(repr=False)
    naive_covariance: Array = field(repr=False)
    loglik: tuple[float, float]
    likelihood_ratio_test: ChiSquare
    wald_test: ChiSquare
    score_test: ChiSquare
    n: int
    events: int
    iterations: int
    converged: bool
    warnings: tuple[str, ...]
    ties: str
    level: float
    robust: bool
    penalty: str | None
    kept: Index = field(repr=False)
    """Columns that were estimated; the others are NaN."""
    sets: RiskSets = field(repr=False)
    """Sorted data of the kept columns, for residuals, tests and curves."""
    last: Moments = field(repr=False)
    """Risk-set sums where the iteration ended, within 1e-10 standard errors of a finite estimate
    that converged."""
    groups: tuple[str, ...] = field(repr=False, default=())
    """The term to which each column belongs; the column's own name where none was given."""
    counts: dict[str, npt.NDArray[Any]] | None = field(repr=False, default=None)
    """``n`` and ``events`` of each column, where the terms define them."""

    @property
    def strata_labels(self) -> tuple[object, ...]:
        """Labels of the strata, by code; empty without strata."""
        return self.sets.labels

    @property
    def estimable(self) -> npt.NDArray[np.bool_]:
        """True where a coefficient is finite, so that a Wald interval exists."""
        return np.isfinite(self.coefficients)

    def at_estimate(self) -> Moments:
        """Risk-set sums at the estimate, the ground of residuals, zph and survival curves.

        An infinite coefficient stands at 50 scaled units.
        """
        if self.converged:
            return self.last
        beta = self.coefficients[self.kept] * self.sets.scale
        return moments(self.sets, np.clip(np.nan_to_num(beta, posinf=50, neginf=-50), -50, 50))

    def linear_predictor(self, x: npt.ArrayLike) -> Array:
        """X beta for new rows (rows x columns), not centred; columns left out count as zero."""
        beta = np.where(np.isnan(self.coefficients), 0.0, self.coefficients)
        return np.asarray(np.asarray(x, dtype=float) @ beta)

    def table(self) -> pd.DataFrame:
        """One row per column: estimate, Wald interval and test."""
        return pd.DataFrame(self.columns())

    def columns(self) -> dict[str, Any]:
        """The columns of :meth:`table`, for those who need no frame."""
        se, b = self.std_errors, self.coefficients
        reach = ndtri(0.5 + self.level / 2) * se
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            z = b / se
            return {
                "term": list(self.names),
                "coefficient": b,
                "std_error": se,
                "hazard_ratio": np.exp(b),
                "ci_lower": np.exp(b - reach),
                "ci_upper": np.exp(b + reach),
                "z": z,
                "p_value": 2 * ndtr(-np.abs(z)),
                **(self.counts or {}),
            }


def cox(
    X: npt.ArrayLike,
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    *,
    names: Sequence[str] | None = None,
    ties: str = "efron",
    strata: npt.ArrayLike | None = None,
    entry: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    cluster: npt.ArrayLike | None = None,
    offset: npt.ArrayLike | None = None,
    robust: bool = False,
    penalty: str | None = None,
    level: float = 0.95,
    groups: Sequence[str] | None = None,
    counts: dict[str, npt.NDArray[Any]] | None = None,
    max_iterations: int = MAX_ITERATIONS,
) -> CoxFit:
    """Fit a Cox model.

    X is rows x columns (a vector counts as one column); ``time`` (and ``entry``) in any one unit,
    months in this project; ``event`` 0/1. ``strata`` and ``cluster`` are labels; a cluster makes
    the variance robust, grouped over it. ``weights`` are case weights above 0; unlike R, weights
    that are not whole numbers do not turn on the robust variance by themselves: ask for it.
    ``penalty="firth"`` maximises the likelihood times the root of the information's determinant.
    ``score_test`` is the unpenalised one at zero in every case, and model-based when robust.
    ``groups`` names the term of each column, for tests per term.

    Raises :class:`~core.model.BadInput` and :class:`~core.model.NotEnoughData`; see the module
    for what degenerate data give.
    """
    if penalty not in (None, "firth"):
        raise BadInput(f"Unknown penalty {penalty!r}.", expected='None or "firth"')
    if not 0 < level < 1:
        raise BadInput("The confidence level is outside (0, 1).", found=f"{level}")
    x, columns = covariates(X, names)
    sets = prepare(x, time, event, columns, ties, strata, entry, weights, offset)
    zero = moments(sets, np.zeros(len(sets.x)))
    return _fitted(
        zero, zero.information(), columns, cluster, robust, max_iterations,
        ties=ties, level=level, penalty=penalty,
        groups=tuple(columns if groups is None else groups), counts=counts,
    )  # fmt: skip


def cox_each(
    X: npt.ArrayLike,
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    parts: Sequence[Sequence[int]],
    *,
    names: Sequence[str] | None = None,
    ties: str = "efron",
    strata: npt.ArrayLike | None = None,
    level: float = 0.95,
    groups: Sequence[str] | None = None,
    counts: dict[str, npt.NDArray[Any]] | None = None,
) -> list[CoxFit]:
    """Several models of the same patients, each of some columns of X: those that ``parts`` number.

    Each equals :func:`cox` of its columns, whose options these are. The patients are sorted once,
    and the models share their beginning, at which all coefficients are zero.
    """
    x, columns = covariates(X, names)
    sets = prepare(x, time, event, columns, ties, strata)
    zero = moments(sets, np.zeros(x.shape[1]))
    information = zero.information()
    zero.score()  # so that each model finds its own
    fits = []
    for part in (np.asarray(own, dtype=np.intp) for own in parts):
        terms, named = (tuple(v[j] for j in part) for v in (groups or columns, columns))
        fits.append(
            _fitted(
                zero.select(part), information[np.ix_(part, part)], named, None, False,
                MAX_ITERATIONS, ties=ties, level=level, penalty=None, groups=terms,
                counts=counts and {name: values[part] for name, values in counts.items()},
            )
        )  # fmt: skip
    return fits


def _fitted(
    zero: Moments,
    information: Array,
    columns: tuple[str, ...],
    cluster: npt.ArrayLike | None,
    robust: bool,
    max_iterations: int,
    *,
    penalty: str | None,
    **how: Any,
) -> CoxFit:
    """The model that starts at ``zero``, where all coefficients are."""
    warnings: list[str] = []
    kept = _independent(information, zero.sets, columns, warnings)
    if len(kept) < len(columns):
        zero = zero.select(kept)
        information = information[np.ix_(kept, kept)]
    sets = zero.sets
    if penalty == "firth":
        found = maximise_penalised(sets, zero, information, max_iterations)
    else:
        found = maximise(sets, zero, information, max_iterations)
    _explain(found, [columns[j] for j in kept], penalty, max_iterations, warnings)
    n_events = len(sets.death_rows)
    if 0 < n_events < 10 * len(kept):
        warnings.append(
            f"{n_events} events for {len(kept)} coefficients: below ten per coefficient, "
            "estimates and intervals are unstable."
        )
    return _result(
        found, sets, zero, information, kept, columns, warnings, cluster, robust,
        penalty=penalty, **how,
    )  # fmt: skip


def _result(
    found: Maximum,
    sets: RiskSets,
    zero: Moments,
    information: Array,
    kept: Index,
    columns: tuple[str, ...],
    warnings: list[str],
    cluster: npt.ArrayLike | None,
    robust: bool,
    **how: Any,
) -> CoxFit:
    """Tests and variances in the caller's units and order of columns."""
    p, finite = len(columns), found.drift == 0
    naive = inverse(found.information)
    if not finite.all():
        naive[~finite], naive[:, ~finite] = np.nan, np.nan
    covariance, robust = naive, robust or cluster is not None
    if robust:
        labels = None if cluster is None else coded(cluster, sets.n, "cluster")[0][sets.order]
        dfbeta = weighted_score_residuals(found.moments) @ np.where(np.isnan(naive), 0.0, naive)
        dfbeta = sum_by_cluster(dfbeta, labels)
        covariance = np.where(np.isnan(naive), np.nan, dfbeta.T @ dfbeta)
    beta = np.where(finite, found.beta, np.copysign(np.inf, found.drift))
    wald = float("nan")
    if finite.all() and len(kept):
        wald = float(beta @ solve(covariance, beta))
    gradient = zero.score()
    score = float(gradient @ solve(information, gradient)) if len(kept) else float("nan")

    def spread(values: Array) -> Array:
        if len(kept) == p:
            return values
        whole = np.full((p,) * values.ndim, np.nan)
        whole[np.ix_(*[kept] * values.ndim)] = values
        return whole

    unit = sets.scale[:, None] * sets.scale
    covariance = spread(covariance / unit)
    variance = np.diag(covariance)
    return CoxFit(
        names=columns,
        coefficients=spread(beta / sets.scale),
        std_errors=np.sqrt(np.where(variance >= 0, variance, np.nan)),
        covariance=covariance,
        naive_covariance=spread(naive / unit) if robust else covariance,
        loglik=found.loglik,
        likelihood_ratio_test=ChiSquare.of(2 * (found.loglik[1] - found.loglik[0]), len(kept)),
        wald_test=ChiSquare.of(wald, len(kept)),
        score_test=ChiSquare.of(score, len(kept)),
        n=sets.n,
        events=len(sets.death_rows),
        iterations=found.iterations,
        converged=found.converged,
        warnings=tuple(warnings),
        robust=robust,
        kept=kept,
        sets=sets,
        last=found.moments,
        **how,
    )


def _explain(
    found: Maximum, names: list[str], penalty: str | None, limit: int, warnings: list[str]
) -> None:
    runaway = [n for n, d in zip(names, found.drift, strict=True) if d]
    if runaway:
        warnings.append(
            f"The estimate of {', '.join(runaway)} is infinite: a group has no events, or the "
            "columns separate those who die first. No standard error or Wald interval exists; "
            "use the likelihood-ratio test, a profile interval or the Firth penalty."
        )
    elif not found.converged:
        what = "The penalised likelihood" if penalty else "The likelihood"
        warnings.append(f"{what} did not converge in {limit} iterations; do not use the estimates.")


def _independent(
    information: Array, sets: RiskSets, names: tuple[str, ...], warnings: list[str]
) -> Index:
    """Columns that add information to the columns before them (Cholesky, in order)."""
    if sets.n_groups == 0 and len(names):
        warnings.append(f"No event among {sets.n} patients: nothing can be estimated.")
        return np.empty(0, dtype=np.intp)
    diagonal = np.diag(information)
    varies = diagonal > _SINGULAR * sets.omega.sum()
    if varies.all() and _well_conditioned(information / np.sqrt(np.outer(diagonal, diagonal))):
        return np.arange(len(names))
    kept: list[int] = []
    for j, name in enumerate(names):
        if not varies[j]:
            warnings.append(
                f"{name} does not vary among the patients at risk at any event; not estimated."
            )
            continue
        cross = information[kept, j]
        share = solve(information[np.ix_(kept, kept)], cross) if kept else cross
        if information[j, j] - cross @ share <= _SINGULAR * information[j, j]:
            others = [names[k] for k, c in zip(kept, share, strict=True) if abs(c) > 1e-6]
            warnings.append(
                f"{name} is a linear combination of {', '.join(others)}; not estimated."
            )
        else:
            kept.append(j)
    return np.array(kept, dtype=np.intp)


def _well_conditioned(correlation: Array) -> bool:
    try:
        pivots = np.diag(np.linalg.cholesky(correlation)) ** 2
    except np.linalg.LinAlgError:
        return False
    return bool((pivots > _SINGULAR).all())
