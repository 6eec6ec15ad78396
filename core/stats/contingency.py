"""Counts in tables: chi-squared, Fisher's exact test, Mantel-Haenszel, exact binomial intervals.

A 2 x 2 table is [[a, b], [c, d]]: rows the groups (mutant, wild type), columns the outcome
(present, absent). Tables larger than 2 x 2 get the exact test in ``exact_table``.

* :func:`chi_squared`: Pearson's statistic, with Yates' correction on 2 x 2 as R's
  ``chisq.test`` (no more than the smallest |observed - expected|).
* :func:`fisher_exact`: R's ``fisher.test``: p sums the tables no more probable than the observed
  one (within 1e-7); the odds ratio is the conditional maximum likelihood estimate and its
  interval inverts the two one-sided tests (R finds both to about 1e-4 only).
* :func:`mantel_haenszel`: common odds ratio over strata, interval by Robins, Breslow and
  Greenland (Biometrics 1986;42:311-323), and the Cochran-Mantel-Haenszel test
  (R: ``mantelhaen.test``).
* :func:`binomial_interval`: Clopper and Pearson (Biometrika 1934;26:404-413).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

from core.model import BadInput
from core.stats.exact_table import fisher_p_value

Floats = npt.NDArray[np.float64]
NAN = float("nan")


@dataclass(frozen=True)
class ChiSquared:
    """``row_totals`` are the n of the arms; NaN where a row or column is empty."""

    statistic: float
    df: int
    p_value: float
    cramers_v: float
    """sqrt(uncorrected statistic / (N (min(rows, columns) - 1))), 0 to 1."""
    row_totals: tuple[int, ...]
    corrected: bool
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class FisherExact:
    """The odds ratio is NaN for tables larger than 2 x 2; 0 or inf when a cell is empty."""

    p_value: float
    odds_ratio: float
    ci_lower: float
    ci_upper: float
    row_totals: tuple[int, ...]
    confidence: float = 0.95
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class MantelHaenszel:
    """Common odds ratio over ``strata`` tables that hold information."""

    odds_ratio: float
    ci_lower: float
    ci_upper: float
    statistic: float
    p_value: float
    strata: int
    strata_left_out: int
    """Strata with an empty row or column: they say nothing about the odds ratio."""
    row_totals: tuple[int, int]
    corrected: bool
    confidence: float = 0.95
    warnings: tuple[str, ...] = ()


def _counts(table: npt.ArrayLike, dimensions: int) -> Floats:
    """Checked non-negative whole counts."""
    counts = np.asarray(table, dtype=float)
    bad = counts.ndim != dimensions or min(counts.shape, default=0) == 0
    if bad or not np.isfinite(counts).all() or (counts < 0).any() or (counts % 1 != 0).any():
        raise BadInput(
            "This is not a table of counts.",
            expected=f"{dimensions} dimensions of whole numbers, 0 or above",
            found=f"an array of shape {counts.shape}",
            remedy="Count patients first; proportions cannot be tested.",
        )
    return counts


def _rows(counts: Floats) -> tuple[int, ...]:
    return tuple(int(n) for n in counts.sum(axis=1))


def chi_squared(table: npt.ArrayLike, *, correct: bool = True) -> ChiSquared:
    """Pearson's chi-squared test of an r x c table of counts.

    ``correct`` applies Yates' correction to a 2 x 2 table. An empty row or column leaves the
    test without an answer: NaN and a warning. Expected counts under 5 are warned of.
    """
    counts = _counts(table, 2)
    r, c = counts.shape
    rows, columns, total = counts.sum(axis=1), counts.sum(axis=0), counts.sum()
    df, yates = (r - 1) * (c - 1), correct and (r, c) == (2, 2)
    if df == 0 or not rows.all() or not columns.all():
        empty = ("an empty or single row or column: no test",)
        return ChiSquared(NAN, df, NAN, NAN, _rows(counts), yates, empty)
    expected = np.outer(rows, columns) / total
    gap = np.abs(counts - expected)
    plain = float((gap**2 / expected).sum())
    if yates:
        gap = gap - min(0.5, float(gap.min()))
    statistic = float((gap**2 / expected).sum())
    low = int((expected < 5).sum())
    which = "1 expected count is" if low == 1 else f"{low} expected counts are"
    words = (f"{which} under 5: prefer Fisher's exact test",) if low else ()
    v = float(np.sqrt(plain / (total * (min(r, c) - 1))))
    p = float(special.chdtrc(df, statistic))
    return ChiSquared(statistic, df, p, v, _rows(counts), yates, words)


def fisher_exact(table: npt.ArrayLike, *, confidence: float = 0.95, seed: int = 0) -> FisherExact:
    """Fisher's exact test of an r x c table of counts.

    Tables whose exact p-value would take too long are answered by 100,000 random tables with
    the same margins (``seed``), and ``warnings`` says so. Without two non-empty rows and columns
    the p-value is 1 and the odds ratio NaN, as only one table has those margins.
    """
    counts = _counts(table, 2)
    rows = _rows(counts)
    if counts.shape == (2, 2) and counts.sum(axis=0).all() and all(rows):
        p, estimate, lower, upper = _two_by_two(counts, confidence)
        return FisherExact(p, estimate, lower, upper, rows, confidence)
    kept = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(kept.shape, default=0) < 2:
        words = "fewer than two non-empty rows or columns: nothing to compare"
        return FisherExact(1.0, NAN, NAN, NAN, rows, confidence, (words,))
    p, drawn = fisher_p_value(kept.astype(np.int64), seed)
    words_drawn = (f"p-value from {drawn:,} random tables",) if drawn else ()
    return FisherExact(p, NAN, NAN, NAN, rows, confidence, words_drawn)


def _two_by_two(counts: Floats, confidence: float) -> tuple[float, float, float, float]:
    """p, conditional odds ratio and interval from the non-central hypergeometric distribution."""
    a = int(counts[0, 0])
    m, n, k = int(counts[:, 0].sum()), int(counts[:, 1].sum()), int(counts[0].sum())
    low, high = max(0, k - n), min(k, m)
    support = np.arange(low, high + 1)
    log_weight = -special.betaln(support + 1, m - support + 1)
    log_weight -= special.betaln(k - support + 1, n - k + support + 1)
    null = np.exp(log_weight - log_weight.max())
    null /= null.sum()
    p = float(min(1.0, null[null <= null[a - low] * (1 + 1e-7)].sum()))

    def distribution(log_odds: float) -> Floats:
        d = log_weight + log_odds * support
        weights: Floats = np.exp(d - d.max())
        return weights / weights.sum()

    alpha = (1 - confidence) / 2
    # each root is looked for about where Woolf's estimate and interval would have it
    halves = counts + 0.5
    guess = float(np.log(halves[0, 0] * halves[1, 1] / (halves[0, 1] * halves[1, 0])))
    away = float(special.ndtri(1 - alpha) * np.sqrt((1 / halves).sum()))
    mean = _root(lambda t: float(support @ distribution(t)) - a, guess) if low < a < high else 0.0
    estimate = 0.0 if a == low else np.inf if a == high else np.exp(mean)
    if low == high:
        return p, NAN, 0.0, np.inf
    lower, upper, at = 0.0, np.inf, a - low
    if a > low:
        lower = np.exp(_root(lambda t: _sf(distribution(t), at) - alpha, guess - away))
    if a < high:
        upper = np.exp(_root(lambda t: alpha - distribution(t)[: at + 1].sum(), guess + away))
    return p, float(estimate), float(lower), float(upper)


def _sf(distribution: Floats, place: int) -> float:
    return float(distribution[place:].sum())


def _root(rising: Callable[[float], float], guess: float) -> float:
    """Zero of an increasing function of a log odds ratio, near ``guess``."""
    reach = 0.125
    while reach < 600 and (rising(guess - reach) > 0 or rising(guess + reach) < 0):
        reach *= 4
    return float(optimize.brentq(rising, guess - reach, guess + reach, xtol=1e-13, rtol=1e-14))


def mantel_haenszel(
    tables: npt.ArrayLike, *, correct: bool = True, confidence: float = 0.95
) -> MantelHaenszel:
    """Common odds ratio and CMH test of 2 x 2 tables (strata x 2 x 2).

    ``correct`` subtracts 1/2 from the summed difference, unless that is smaller (as R does).
    Strata with an empty row or column are left out and counted. Where all discordant products
    are 0 the odds ratio is 0, inf or NaN without an interval.
    """
    counts = _counts(tables, 3)
    if counts.shape[1:] != (2, 2):
        raise BadInput(
            "Mantel-Haenszel needs 2 x 2 tables.",
            expected="an array of strata x 2 x 2 counts",
            found=f"shape {counts.shape}",
            remedy="Put the strata on the first axis.",
        )
    use = counts.sum(axis=1).all(axis=1) & counts.sum(axis=2).all(axis=1)
    x, left_out = counts[use], int((~use & (counts.sum(axis=(1, 2)) > 0)).sum())
    which = "stratum holds" if left_out == 1 else "strata hold"
    words = (f"{left_out} {which} one group or one outcome only and say nothing",) * bool(left_out)
    n1, n0 = int(x[:, 0].sum()), int(x[:, 1].sum())
    result = MantelHaenszel(
        NAN, NAN, NAN, NAN, NAN, len(x), left_out, (n1, n0), False, confidence, words
    )
    if not len(x):
        return replace(result, warnings=(*words, "no stratum holds both groups and outcomes"))
    total = x.sum(axis=(1, 2))
    rows, columns = x.sum(axis=2), x.sum(axis=1)
    delta = abs(float((x[:, 0, 0] - rows[:, 0] * columns[:, 0] / total).sum()))
    yates = 0.5 if correct and delta >= 0.5 else 0.0
    variance = float((rows.prod(axis=1) * columns.prod(axis=1) / (total**2 * (total - 1))).sum())
    statistic = (delta - yates) ** 2 / variance
    diagonal, off = x[:, 0, 0] * x[:, 1, 1] / total, x[:, 0, 1] * x[:, 1, 0] / total
    ratio = float(np.divide(diagonal.sum(), off.sum())) if off.sum() else np.inf
    lower = upper = NAN
    if diagonal.sum() and off.sum():
        half = stats.norm.isf((1 - confidence) / 2) * _log_odds_error(x, total, diagonal, off)
        lower, upper = ratio * np.exp(-half), ratio * np.exp(half)
    else:
        words = (*words, "an outcome is absent from one group in every stratum: no interval")
    p = float(stats.chi2.sf(statistic, 1))
    return MantelHaenszel(
        ratio, lower, upper, statistic, p, len(x), left_out, (n1, n0), yates > 0, confidence, words
    )


def _log_odds_error(x: Floats, total: Floats, diagonal: Floats, off: Floats) -> float:
    """Standard error of the log common odds ratio (Robins, Breslow and Greenland)."""
    concordant = (x[:, 0, 0] + x[:, 1, 1]) / total
    discordant = (x[:, 0, 1] + x[:, 1, 0]) / total
    r, s = diagonal.sum(), off.sum()
    return float(
        np.sqrt(
            (concordant * diagonal).sum() / (2 * r**2)
            + (concordant * off + discordant * diagonal).sum() / (2 * r * s)
            + (discordant * off).sum() / (2 * s**2)
        )
    )


def binomial_interval(
    successes: npt.ArrayLike, n: npt.ArrayLike, *, confidence: float = 0.95
) -> tuple[Floats, Floats]:
    """Exact (Clopper-Pearson) lower and upper bounds of proportions, element by element.

    ``n`` of 0 gives 0 to 1: nothing is known. Raises BadInput for counts that are negative or
    above ``n``.
    """
    k, total = np.broadcast_arrays(np.asarray(successes, float), np.asarray(n, float))
    if (k < 0).any() or (k > total).any():
        raise BadInput(
            "A count is negative or larger than its total.",
            expected="0 <= successes <= n",
            found=f"{k[(k < 0) | (k > total)][0]:g} of {total[(k < 0) | (k > total)][0]:g}",
            remedy="Count patients, and use the profiled ones as the total.",
        )
    alpha = (1 - confidence) / 2
    with np.errstate(invalid="ignore"):
        lower = special.betaincinv(np.where(k > 0, k, 1.0), total - k + 1, alpha)
        upper = special.betaincinv(k + 1, np.where(k < total, total - k, 1.0), 1 - alpha)
    return np.where(k > 0, lower, 0.0), np.where(k < total, upper, 1.0)
