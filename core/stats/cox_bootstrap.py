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
from core.stats.cox_batch import Fits, at_a_time, batch, counts_of, fit_batch
from core.stats.cox_input import coded
from core.stats.cox_moments import Moments, moments
from core.stats.cox_newton import maximise
from core.stats.cox_risk import Array, Index, RiskSets, risk_sets
from core.stats.pairs_batch import Line, harrell_c_batch, line_of
from core.stats.survival_data import merge_near_ties

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
            merge_near_ties(np.asarray(time, dtype=float))[0],
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


def refits(sample: Sample, indices: Index, start: Array) -> Iterator[tuple[Array, Fits]]:
    """Refits to the resamples, some at a time: how often each patient is drawn (resamples x
    patients), and the fits from ``start``."""
    n, p = sample.x.shape
    if indices.ndim != 2 or indices.min(initial=0) < 0 or indices.max(initial=0) >= n:
        raise BadInput(
            "The resamples are not positions of the patients.",
            expected=f"draws x patients, from 0 to {n - 1}",
            found=f"shape {indices.shape}",
        )
    sets, some = sample.sets(), at_a_time(n, p)
    for at in range(0, len(indices), some):
        counts = counts_of(indices[at : at + some], n)
        yield counts, fit_batch(batch(sets, counts), start)


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
    found = run(
        _measured, blocks_of(indices), shared=(sample, whole.coefficients), place=place,
        progress=progress,
    )  # fmt: skip
    return optimism_of(sample, whole, found)


def optimism_of(sample: Sample, whole: Refit, found: list[tuple[Array, Array, int]]) -> Optimism:
    """From the indexes of each block of resamples, and how many of its refits failed."""
    training, test = (np.concatenate([part[i] for part in found]) for i in range(2))
    failed, draws = sum(part[2] for part in found), len(training)
    table = optimism_table(MEASURES, apparent_indexes(sample, whole), training, test)
    return Optimism(table, draws, failed, failure_words(failed, draws))


def _measured(indices: Index, sample: Sample, start: Array) -> tuple[Array, Array, int]:
    """Indexes on the resamples and on the patients (resamples x MEASURES); refits that failed."""
    indexes = Indexes.of(sample)
    found, failed = [], 0
    for counts, fits in refits(sample, indices, start):
        found.append(indexes.measured(counts, fits))
        failed += int((~fits.fitted).sum())
    training, test = (np.concatenate([part[i] for part in found]) for i in range(2))
    return training, test, failed


@dataclass(frozen=True, eq=False)
class Indexes:
    """What the indexes of every refit to one sample share."""

    sample: Sample
    sets: RiskSets
    line: Line

    @classmethod
    def of(cls, sample: Sample) -> Indexes:
        line = line_of(sample.time, sample.event, sample.stratum)
        return cls(sample, sample.sets(sample.x[:, :0]), line)

    def measured(self, counts: Array, fits: Fits) -> tuple[Array, Array]:
        """MEASURES of each resample, and of its refit on the patients; NaN where it failed."""
        training, test = (np.full((len(counts), len(MEASURES)), np.nan) for _ in range(2))
        ok = fits.fitted
        if not ok.any():
            return training, test
        drawn, once = counts[ok], np.ones_like(counts[ok])
        lp = fits.coefficients[ok] @ self.sample.x.T
        c = harrell_c_batch(self.line, lp, [drawn, once])
        spread = gini_batch(lp, [drawn, once])
        training[ok] = _indexes(
            len(lp.T), c[0], spread[0], fits.null[ok], fits.loglik[ok], 1.0, -2.0
        )
        # The frozen predictor on the patients: its slope there, and what freezing costs.
        frozen = fit_batch(batch(self.sets, once, lp[:, None]), np.ones(1))
        test[ok] = _indexes(
            len(lp.T), c[1], spread[1], frozen.null, frozen.loglik, frozen.coefficients[:, 0],
            -2.0 * (frozen.begin - frozen.loglik),
        )  # fmt: skip
        return training, test


def _indexes(
    n: int,
    c: Array,
    spread: Array,
    null: Array,
    loglik: Array,
    slope: Array | float,
    unreliable: Array | float,
) -> Array:
    """MEASURES, a row per refit; ``spread``: Gini's mean difference of the linear predictor."""
    ratio, nothing = 2 * (loglik - null), -2 * null
    r2 = -np.expm1(-ratio / n) / -np.expm1(-nothing / n)
    d, u = (ratio - 1) / nothing, unreliable / nothing
    return np.stack([c, 2 * c - 1, r2, slope + 0 * c, d, u, d - u, np.abs(slope) * spread], axis=1)


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


def apparent_indexes(sample: Sample, whole: Refit) -> Array:
    """MEASURES of the model among its own patients."""
    lp = (sample.x @ whole.coefficients)[None]
    once, null, best = np.ones_like(lp), *(np.array([v]) for v in whole.loglik)
    c = harrell_c_batch(line_of(sample.time, sample.event, sample.stratum), lp, [once])[0]
    return _indexes(len(lp.T), c, gini_batch(lp, [once])[0], null, best, 1.0, -2.0)[0]


def harrell_c(sample: Sample, score: Array) -> float:
    """Harrell's C without its standard error, within strata; NaN without comparable pairs."""
    line = line_of(sample.time, sample.event, sample.stratum)
    return float(harrell_c_batch(line, score[None], [np.ones((1, len(score)))])[0][0])


def gini_batch(values: Array, weights: list[Array]) -> list[Array]:
    """Gini's mean difference of each row of ``values`` by each of ``weights`` (whole numbers): the
    mean absolute difference of two patients, who count as often as they are drawn."""
    order = np.argsort(values, axis=1)
    ordered, out = np.take_along_axis(values, order, axis=1), []
    for weight in weights:
        w = np.take_along_axis(weight, order, axis=1)
        upto = np.cumsum(w, axis=1)
        n = upto[:, -1]
        place = w * (2 * upto - w - n[:, None])  # the sum of 2i - n - 1 over its repeats
        out.append(2 * (place * ordered).sum(axis=1) / (n * (n - 1)))
    return out
