"""Refits of a Cox model to bootstrap samples, and the optimism of its indexes.

Each resample is a row of positions in the data (with replacement). A model refitted to it is
measured on the resample (training) and on the original patients (test); the mean difference is
the optimism, and index minus optimism the corrected index (Efron 1983; Harrell, Lee and Mark
1996). The indexes are those of R's ``rms::validate``: Dxy = 2C - 1 with Harrell's C (``c``), the
calibration slope, R2 after Nagelkerke, D = (LR - 1)/L0, U, Q = D - U and Gini's mean difference g
of the linear predictor, with L0 = -2 log likelihood without predictors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.compute import HERE, Place, run
from core.model import BadInput
from core.stats.cox_input import coded
from core.stats.cox_moments import Moments, moments
from core.stats.cox_newton import maximise
from core.stats.cox_risk import Array, Index, RiskSets, risk_sets
from core.stats.pair_counts import pair_counts
from core.stats.survival_data import survival_data

MEASURES = ("c", "dxy", "r2", "slope", "d", "u", "q", "g")

BLOCK = 20
"""Resamples of one task."""

Progress = Callable[[float], None]


@dataclass(frozen=True, eq=False)
class Sample:
    """Design, follow-up and strata (codes; None without) of the patients of a model."""

    x: Array
    time: Array
    event: npt.NDArray[np.bool_]
    stratum: Index | None = None
    ties: str = "efron"

    @classmethod
    def of(
        cls,
        x: npt.ArrayLike,
        time: npt.ArrayLike,
        event: npt.ArrayLike,
        strata: npt.ArrayLike | None = None,
        ties: str = "efron",
    ) -> Sample:
        rows = np.asarray(x, dtype=float)
        return cls(
            rows,
            np.asarray(time, dtype=float),
            np.asarray(event, dtype=float) == 1,
            None if strata is None else coded(strata, len(rows), "strata")[0],
            ties,
        )

    def take(self, rows: Index) -> Sample:
        """The patients at ``rows``, in that order, repeated where a row is."""
        stratum = None if self.stratum is None else self.stratum[rows]
        return Sample(self.x[rows], self.time[rows], self.event[rows], stratum, self.ties)

    def sets(self, x: Array | None = None) -> RiskSets:
        covariates = self.x if x is None else x
        stratum = self.stratum
        if stratum is not None:  # a stratum may be missing from a resample
            stratum = np.unique(stratum, return_inverse=True)[1].astype(np.intp)
        return risk_sets(covariates, self.time, self.event, ties=self.ties, stratum=stratum)


@dataclass(frozen=True, eq=False)
class Refit:
    """A model refitted to a sample: coefficients, log likelihoods (at zero, at the estimate)."""

    coefficients: Array
    center: Array
    loglik: tuple[float, float]
    at: Moments
    """Risk-set sums at the estimate."""

    def hazard(self, times: Array, stratum: int = 0) -> Array:
        """Cumulative hazard at the sample's centre, of its ``stratum``-th stratum."""
        sets = self.at.sets
        groups = slice(int(sets.group_bounds[stratum]), int(sets.group_bounds[stratum + 1]))
        steps = sets.group_time[groups][::-1]
        rising = np.cumsum(self.at.hazard[groups][::-1]) * np.exp(-self.at.shift)
        return np.append(0.0, rising)[np.searchsorted(steps, times, side="right")]

    def linear_predictor(self, x: Array) -> Array:
        return np.asarray((x - self.center) @ self.coefficients)


def refit(sample: Sample, start: Array | None = None) -> Refit | None:
    """Fit ``sample`` from ``start``; None where no finite estimate of every column exists."""
    if not sample.event.any() or np.ptp(sample.x, axis=0).min(initial=np.inf) == 0:
        return None
    sets = sample.sets()
    zero = moments(sets, np.zeros(len(sets.x)))
    begin = None if start is None else start * sets.scale
    information = zero.information() if start is None else np.empty(0)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        # a resample may separate those who die; the estimate then runs off, and is not used
        found = maximise(sets, zero, information, start=begin)
    if not found.converged or not np.isfinite(found.beta).all():
        return None
    return Refit(found.beta / sets.scale, sets.mean, found.loglik, found.moments)


def resamples(n: int, draws: int, seed: int = 0, group: npt.ArrayLike | None = None) -> Index:
    """Positions, draws x n, drawn with replacement, within each level of ``group`` if given."""
    rng = np.random.default_rng(seed)
    if group is None:
        return rng.integers(0, n, (draws, n)).astype(np.intp)
    codes, out = coded(group, n, "group")[0], np.empty((draws, n), dtype=np.intp)
    for code in range(int(codes.max()) + 1):
        own = np.flatnonzero(codes == code)
        out[:, own] = own[rng.integers(0, len(own), (draws, len(own)))]
    return out


def refits(sample: Sample, indices: Index, start: Array) -> Iterator[tuple[Sample, Refit | None]]:
    """Each resample with its refit."""
    if indices.ndim != 2 or indices.min(initial=0) < 0 or indices.max(initial=0) >= len(sample.x):
        raise BadInput(
            "The resamples are not positions of the patients.",
            expected=f"draws x patients, from 0 to {len(sample.x) - 1}",
            found=f"shape {indices.shape}",
        )
    for rows in indices:
        drawn = sample.take(rows)
        yield drawn, refit(drawn, start)


@dataclass(frozen=True, eq=False)
class Optimism:
    """``table``: measure, original, training, test, optimism, corrected, n (resamples used)."""

    table: pd.DataFrame
    draws: int
    failed: int
    """Resamples to which the model could not be fitted, such as those that lack a level."""
    warnings: tuple[str, ...] = ()

    def corrected(self, measure: str) -> float:
        return float(self.table.set_index("measure").corrected[measure])


def optimism_table(
    names: tuple[str, ...], original: Array, training: Array, test: Array
) -> pd.DataFrame:
    """Mean optimism of each measure over the resamples in which both of its values are known."""
    known = np.isfinite(training) & np.isfinite(test)
    n = known.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = [np.where(known, v, 0.0).sum(axis=0) / n for v in (training, test)]
    gap = means[0] - means[1]
    return pd.DataFrame(
        {
            "measure": list(names),
            "original": original,
            "training": means[0],
            "test": means[1],
            "optimism": gap,
            "corrected": original - gap,
            "n": n,
        }
    )


def blocks_of(indices: Index) -> list[Index]:
    """The resamples in tasks of BLOCK."""
    return [indices[at : at + BLOCK] for at in range(0, max(1, len(indices)), BLOCK)]


def validate(
    sample: Sample, indices: Index, *, place: Place = HERE, progress: Progress | None = None
) -> Optimism:
    """Optimism-corrected indexes of a Cox model, as ``rms::validate`` with the same resamples.

    With strata, pairs for C are counted within strata. ``place``: where the refits run.
    Raises BadInput where the model itself has no finite fit to ``sample``.
    """
    whole = whole_fit(sample)
    original = _training(sample, whole)
    found = run(
        _measured, blocks_of(indices), shared=(sample, whole.coefficients), place=place,
        progress=progress,
    )  # fmt: skip
    training, test = (np.concatenate([part[i] for part in found]) for i in range(2))
    failed = sum(part[2] for part in found)
    table = optimism_table(MEASURES, original, training, test)
    return Optimism(table, len(indices), failed, failure_words(failed, len(indices)))


def _measured(indices: Index, sample: Sample, start: Array) -> tuple[Array, Array, int]:
    """Indexes on the resamples and on the patients (resamples x MEASURES); refits that failed."""
    training, test = (np.full((len(indices), len(MEASURES)), np.nan) for _ in range(2))
    failed = 0
    for i, (drawn, fitted) in enumerate(refits(sample, indices, start)):
        if fitted is None:
            failed += 1
        else:
            training[i] = _training(drawn, fitted)
            test[i] = _test(sample, fitted)
    return training, test, failed


def failure_words(failed: int, draws: int) -> tuple[str, ...]:
    if not failed:
        return ()
    return (
        f"In {failed} of {draws} resamples the model has no finite fit (a level without patients "
        "or events); they are left out.",
    )


def whole_fit(sample: Sample) -> Refit:
    whole = refit(sample)
    if whole is None:
        raise BadInput(
            "The model has no finite estimate of every coefficient, so it cannot be validated.",
            remedy="Leave out the predictor that the warnings name, or pool its levels.",
        )
    return whole


def _training(sample: Sample, fitted: Refit) -> Array:
    lp = sample.x @ fitted.coefficients
    return _measures(sample, lp, fitted.loglik, 1.0, -2.0)


def _test(sample: Sample, fitted: Refit) -> Array:
    """The frozen linear predictor on other patients: its slope there, and what freezing costs."""
    lp = sample.x @ fitted.coefficients
    sets = sample.sets(lp[:, None])
    zero = moments(sets, np.zeros(1))
    found = maximise(sets, zero, zero.information())
    frozen = moments(sets, sets.scale).loglik
    slope = float(found.beta[0] / sets.scale[0])
    return _measures(sample, lp, found.loglik, slope, -2.0 * (frozen - found.loglik[1]))


def _measures(
    sample: Sample, lp: Array, loglik: tuple[float, float], slope: float, unreliable: float
) -> Array:
    ratio, null = 2 * (loglik[1] - loglik[0]), -2 * loglik[0]
    n = len(lp)
    r2 = -np.expm1(-ratio / n) / -np.expm1(-null / n)
    d, u = (ratio - 1) / null, unreliable / null
    c = harrell_c(sample, lp)
    return np.array([c, 2 * c - 1, r2, slope, d, u, d - u, abs(slope) * gini(lp)])


def harrell_c(sample: Sample, score: Array) -> float:
    """Harrell's C without its standard error, within strata; NaN without comparable pairs."""
    data = survival_data(sample.time, sample.event)
    counts = pair_counts(data, score, None if sample.stratum is None else sample.stratum)
    pairs = [float(c.sum()) for c in counts]
    total = sum(pairs)
    return (pairs[0] + pairs[2] / 2) / total if total else float("nan")


def gini(values: Array) -> float:
    """Gini's mean difference: the mean absolute difference of two patients."""
    n = len(values)
    ordered = np.sort(values)
    return float(2 * (np.arange(1, n + 1) * 2 - n - 1) @ ordered / (n * (n - 1)))
