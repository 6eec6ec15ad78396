"""Maximally selected log-rank statistic: the best cut of a variable, and an honest p-value.

Log-rank scores a_i = d_i - sum over events t_j <= t_i of 1 / (n - #{t_k <= t_j} + 1) (Hothorn
and Lausen, Comput Stat Data Anal 2003;43:121-137; R: ``maxstat.test(smethod = "LogRank")``).
For a cut with m patients at or below it, the sum of their scores is standardised by its mean and
variance over permutations; the statistic M is the largest absolute value over the cuts that
leave between ``minprop`` and ``maxprop`` of the patients below. "High" is x > cut.

The p-value of M, as the cut was chosen by looking:

* ``lausen92``: Lausen and Schumacher (Biometrics 1992;48:73-85), from the proportions alone;
* ``lausen94``: their improved Bonferroni bound (in Dirschedl and Ostermann, 1994), which knows
  the cuts; it can leave 0 to 1 and is then cut there;
* ``permutation``: (1 + draws with M at least the observed) / (1 + draws), never 0. Where a bound
  tells that no draw would reach it, none is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from core.model import BadInput, NotEnoughData

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_CHUNK = 250_000
"""Permuted scores held at once."""
_NEVER = 1e-9
"""Chance that a draw reaches the observed statistic, below which no draw is made."""


@dataclass(frozen=True, eq=False)
class MaximallySelected:
    """The chosen cut; a patient is *high* when the value is above it."""

    cut: float
    statistic: float
    p_lausen92: float
    p_lausen94: float
    p_permutation: float
    """NaN when no permutations were asked for."""
    draws: int
    p_naive: float
    """Of the chosen cut as if it had been given beforehand: too small, shown for contrast."""
    n: int
    events: int
    n_low: int
    n_high: int
    cuts: Floats
    """All cuts that were looked at, ascending."""
    statistics: Floats
    """Absolute standardised statistic at each of them."""
    warnings: tuple[str, ...] = ()


def log_rank_scores(time: Floats, event: npt.NDArray[np.bool_]) -> Floats:
    """Scores as in the module's description, in the order given."""
    order = np.argsort(time, kind="stable")
    upto = np.searchsorted(time[order], time, side="right")
    share = event / (time.size - upto + 1)
    scores: Floats = event - np.cumsum(share[order])[upto - 1]
    return scores


def maximally_selected(
    values: npt.ArrayLike,
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    *,
    minprop: float = 0.1,
    maxprop: float = 0.9,
    draws: int = 9_999,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> MaximallySelected:
    """Find the cut of ``values`` with the largest log-rank statistic for ``time`` and ``event``.

    ``progress`` is told the share of the permutations done.

    Patients with a missing value, time or event are left out, and the result says how many.
    Raises NotEnoughData without two patients, an event or a cut between the proportions;
    BadInput for proportions that are not 0 <= minprop < maxprop <= 1 or other bad values.
    """
    if not 0 <= minprop < maxprop <= 1:
        raise BadInput(
            "The share of patients below the cut makes no sense.",
            expected="0 <= minprop < maxprop <= 1",
            found=f"minprop {minprop:g}, maxprop {maxprop:g}",
            remedy="The usual bounds are 0.1 and 0.9.",
        )
    x, t, d, words = _complete(values, time, event)
    order = np.argsort(x, kind="stable")
    x, scores = x[order], log_rank_scores(t, d)[order]
    below = _cut_sizes(x, minprop, maxprop)
    mean, error = _moments(scores, below)
    statistics = np.abs((np.cumsum(scores)[below - 1] - mean) / error)
    best = int(np.argmax(statistics >= statistics.max() * (1 - 1e-12)))
    m = float(statistics[best])
    if min(below[best], x.size - below[best]) < 10:
        words.append("the chosen cut leaves fewer than 10 patients on one side")
    return MaximallySelected(
        cut=float(x[below[best] - 1]),
        statistic=m,
        p_lausen92=lausen_schumacher_92(m, minprop, maxprop),
        p_lausen94=lausen_schumacher_94(m, x.size, below),
        p_permutation=_permutation(scores, below, m, draws, seed, progress)
        if draws
        else float("nan"),
        draws=draws,
        p_naive=float(2 * stats.norm.sf(m)),
        n=x.size,
        events=int(d.sum()),
        n_low=int(below[best]),
        n_high=int(x.size - below[best]),
        cuts=x[below - 1],
        statistics=statistics,
        warnings=tuple(words),
    )


def lausen_schumacher_92(statistic: float, minprop: float = 0.1, maxprop: float = 0.9) -> float:
    """p = 4 f(b)/b + f(b) (b - 1/b) log(maxprop (1 - minprop) / ((1 - maxprop) minprop)).

    f is the normal density; 1 below b = 1, where the approximation ends; NaN when a proportion
    is 0 or 1, for which it does not hold.
    """
    b = statistic
    if not (minprop > 0 and maxprop < 1):
        return float("nan")
    if b < 1:
        return 1.0
    density = float(stats.norm.pdf(b))
    odds = maxprop * (1 - minprop) / ((1 - maxprop) * minprop)
    return float(np.clip(4 * density / b + density * (b - 1 / b) * np.log(odds), 0.0, 1.0))


def lausen_schumacher_94(statistic: float, n: int, below: Ints) -> float:
    """Two-sided p of one cut plus the chance that a neighbouring cut exceeds alone.

    ``below``: numbers of patients at or below each cut, ascending. With t = sqrt(1 - m1 (n - m2)
    / ((n - m1) m2)) for neighbours m1 < m2, each adds exp(-b^2/2)/pi (t - (b^2/4 - 1) t^3/6).
    """
    b = statistic
    first, second = below[:-1].astype(float), below[1:].astype(float)
    t = np.sqrt(1 - first * (n - second) / ((n - first) * second))
    extra = float((np.exp(-(b**2) / 2) / np.pi * (t - (b**2 / 4 - 1) * t**3 / 6)).sum())
    return float(np.clip(2 * stats.norm.sf(b) + extra, 0.0, 1.0))


def _complete(
    values: npt.ArrayLike, time: npt.ArrayLike, event: npt.ArrayLike
) -> tuple[Floats, Floats, npt.NDArray[np.bool_], list[str]]:
    """Checked patients with value, time and event."""
    x, t, d = (np.asarray(a, dtype=float) for a in (values, time, event))
    if not x.shape == t.shape == d.shape or x.ndim != 1:
        raise BadInput(
            "Values, times and events differ in length.",
            expected="one of each per patient",
            found=f"{x.size}, {t.size} and {d.size}",
            remedy="Take them from one frame.",
        )
    keep = np.isfinite(x) & np.isfinite(t) & np.isfinite(d)
    x, t, d = x[keep], t[keep], d[keep]
    if (t < 0).any() or not np.isin(d, (0, 1)).all():
        raise BadInput(
            "A time is negative or an event is neither 0 nor 1.",
            expected="times in months, 0 or above; 1 for the event, 0 for censored",
            found=f"shortest time {t.min():g}, events {np.unique(d)[:5]}",
            remedy="Check the units and the coding of the event.",
        )
    if x.size < 2 or not d.any():
        raise NotEnoughData(
            "There is nothing to cut.",
            expected="at least two patients and one event",
            found=f"{x.size} patients, {int(d.sum())} events",
            remedy="Widen the filters.",
        )
    out = int((~keep).sum())
    words = [f"{out} patients left out: value, time or event missing"] if out else []
    return x, t, d == 1, words


def _cut_sizes(x: Floats, minprop: float, maxprop: float) -> Ints:
    """Numbers of patients at or below each cut that is looked at; ``x`` sorted."""
    sizes = np.flatnonzero(x[1:] != x[:-1]) + 1
    low, high = max(1, int(np.floor(x.size * minprop))), int(np.floor(x.size * maxprop))
    inside = sizes[(sizes >= low) & (sizes <= high)]
    if not inside.size:
        raise NotEnoughData(
            "No cut leaves enough patients on both sides.",
            expected=f"a value with between {low} and {high} of {x.size} patients at or below it",
            found=f"{sizes.size + 1} distinct values",
            remedy="Use other proportions, or groups instead of a cut.",
        )
    return inside


def _moments(scores: Floats, below: Ints) -> tuple[Floats, Floats]:
    """Mean and standard deviation of a sum of m scores drawn without replacement."""
    n, total = scores.size, float(scores.sum())
    m = below.astype(float)
    variance = m * (n - m) / (n**2 * (n - 1.0)) * (n * float(scores @ scores) - total**2)
    if variance.max(initial=0.0) <= 0:
        raise NotEnoughData(
            "All patients have the same log-rank score.",
            expected="patients who differ in time or event",
            found=f"{n} patients with equal follow-up",
            remedy="Widen the filters.",
        )
    return m / n * total, np.sqrt(variance)


def _permutation(
    scores: Floats,
    below: Ints,
    observed: float,
    draws: int,
    seed: int,
    progress: Callable[[float], None] | None,
) -> float:
    """Share of permutations with a statistic at least the observed one.

    Nothing is drawn where not one of the draws would reach it: see :func:`_out_of_reach`.
    """
    mean, error = _moments(scores, below)
    bound = observed * (1 - 1e-12) * error
    if draws * _out_of_reach(scores, below, bound) < _NEVER:
        return 1 / (1 + draws)
    rng = np.random.default_rng(seed)
    lowest, highest = mean - bound, mean + bound
    reached, left = 0, draws
    last = int(below[-1])
    while left:
        rows = min(left, max(1, _CHUNK // scores.size))
        drawn = rng.permuted(np.broadcast_to(scores, (rows, scores.size)), axis=1)
        sums = np.cumsum(drawn[:, :last], axis=1)[:, below - 1]
        reached += int(((sums <= lowest) | (sums >= highest)).any(axis=1).sum())
        left -= rows
        if progress is not None:
            progress(1 - left / draws)
    return (1 + reached) / (1 + draws)


def _out_of_reach(scores: Floats, below: Ints, bound: Floats) -> float:
    """At most the chance that a permutation takes the sum of any cut ``bound`` from its mean.

    Bernstein's inequality for sums drawn without replacement (Hoeffding 1963, sections 2 and 6),
    of the smaller side of each cut, added up over the cuts.
    """
    centred = scores - scores.mean()
    m = np.minimum(below, scores.size - below)
    variance, largest = float(centred @ centred) / scores.size, float(np.abs(centred).max())
    return float(2 * np.exp(-(bound**2) / (2 * m * variance + 2 * largest * bound / 3)).sum())


# -- how far the cut moves -------------------------------------------------------------


def cuts_of_resamples(
    values: Floats,
    time: Floats,
    event: npt.NDArray[np.bool_],
    counts: Floats,
    *,
    minprop: float = 0.1,
    maxprop: float = 0.9,
) -> Floats:
    """The cut that :func:`maximally_selected` chooses in each resample; NaN where there is none.

    ``counts`` (resamples x patients): how often each patient is drawn. Patients are complete.
    """
    rising, total = np.argsort(time, kind="stable"), counts.sum(axis=1, keepdims=True)
    ends, period = _runs(time[rising])
    n = counts[:, rising]
    upto = np.cumsum(n, axis=1)[:, ends]
    dead = np.diff(np.cumsum(n * event[rising], axis=1)[:, ends], axis=1, prepend=0.0)
    hazard = np.cumsum(dead / (total - upto + 1), axis=1)[:, period]
    score = np.empty_like(counts)
    score[:, rising] = event[rising] - hazard

    order = np.argsort(values, kind="stable")
    x, n, score = values[order], counts[:, order], score[:, order]
    last, _ = _runs(x)
    below, sums = np.cumsum(n, axis=1)[:, last], np.cumsum(n * score, axis=1)
    every, squares = sums[:, -1:], (n * score**2).sum(axis=1, keepdims=True)
    low, high = np.maximum(1, np.floor(total * minprop)), np.floor(total * maxprop)
    inside = (below >= low) & (below <= high) & (below < total)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = below * (total - below) / (total**2 * (total - 1)) * (total * squares - every**2)
        found = np.abs(sums[:, last] - below / total * every) / np.sqrt(variance)
    found = np.where(inside & (variance > 0), found, -np.inf)
    largest = found.max(axis=1, initial=-np.inf, keepdims=True)
    # the first of several equal ones: a value that was drawn stands before those that were not
    cut = x[last][np.argmax(found >= largest - 1e-12 * np.abs(largest), axis=1)]
    return np.where(np.isfinite(largest[:, 0]), cut, np.nan)


def _runs(ordered: Floats) -> tuple[Ints, Ints]:
    """The last place of each run of equal values, and the run of each place."""
    new = np.append(False, ordered[1:] != ordered[:-1])
    return np.append(np.flatnonzero(new) - 1, len(ordered) - 1), np.cumsum(new)
