"""What is computed for many resamples at once is what each gives on its repeated rows."""

from __future__ import annotations

import numpy as np
import pytest

from core.model import NotEnoughData
from core.stats.brier import brier_score, integrated_brier
from core.stats.cox_batch import batch, counts_of, fit_batch
from core.stats.cox_bootstrap import Sample, gini_batch, harrell_c, refit, resamples
from core.stats.decision_curve import decision_curve
from core.stats.km import kaplan_meier
from core.stats.maxstat import (
    _out_of_reach,
    _permutation,
    cuts_of_resamples,
    log_rank_scores,
    maximally_selected,
)
from core.stats.pairs_batch import harrell_c_batch, line_of


def sample(n: int = 90, *, strata: bool = False, ties: str = "efron", seed: int = 0) -> Sample:
    draw = np.random.default_rng(seed)
    x = np.column_stack([draw.normal(size=n), draw.random(n) < 0.4, draw.integers(0, 3, n)])
    death, censor = draw.exponential(20 / np.exp(0.5 * x[:, 0])), draw.uniform(5, 40, n)
    by = draw.integers(0, 3, n) if strata else None
    return Sample.of(x, np.minimum(death, censor).round(), death <= censor, by, ties)


@pytest.mark.parametrize("strata", [False, True])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_fits_are_those_of_the_repeated_rows(strata: bool, ties: str) -> None:
    own = sample(strata=strata, ties=ties)
    drawn = resamples(90, 6, 1)
    fits = fit_batch(batch(own.sets(), counts_of(drawn, 90)), np.array([0.3, 0.0, -0.2]))
    assert fits.fitted.all()
    for i, rows in enumerate(drawn):
        alone = refit(own.take(rows))
        assert alone is not None
        np.testing.assert_allclose(fits.coefficients[i], alone.coefficients, rtol=1e-7)
        assert [fits.null[i], fits.loglik[i]] == pytest.approx(alone.loglik, rel=1e-10)
        lp = alone.linear_predictor(own.x)
        hazard, sets = fits.hazard[i], own.sets()
        first = (sets.group_stratum == 0) & (sets.group_time <= 12)
        ours = hazard[first].sum() * np.exp(fits.linear_predictor(own.x)[i])
        present = 0 if own.stratum is None else int((np.unique(own.stratum[rows]) == 0).argmax())
        np.testing.assert_allclose(
            ours, alone.hazard(np.array([12.0]), present) * np.exp(lp), rtol=1e-7
        )


def test_covariates_of_their_own_are_fitted_as_shared_ones() -> None:
    own, counts = sample(), counts_of(resamples(90, 3, 2), 90)
    shared = fit_batch(batch(own.sets(), counts))
    each = np.stack([own.x.T * (i + 1) for i in range(3)])
    apart = fit_batch(batch(own.sets(own.x[:, :0]), counts, each))
    scaled = apart.coefficients * np.arange(1, 4)[:, None]
    np.testing.assert_allclose(scaled, shared.coefficients, rtol=1e-7)


def test_a_sample_without_a_finite_fit_has_none_and_leaves_the_others_alone() -> None:
    own = sample()
    without = np.resize(np.flatnonzero(own.x[:, 1] == 0), 90)
    separated = np.append(np.flatnonzero(own.event & (own.x[:, 1] == 1)),
                          np.flatnonzero(~own.event & (own.x[:, 1] == 0)))  # fmt: skip
    censored = np.resize(np.flatnonzero(~own.event), 90)
    rows = np.stack([np.arange(90), without, np.resize(separated, 90), censored])
    fits = fit_batch(batch(own.sets(), counts_of(rows, 90)))
    assert fits.fitted.tolist() == [refit(own.take(r)) is not None for r in rows]
    assert fits.fitted.tolist() == [True, False, False, False]
    assert np.isnan(fits.coefficients[1:]).all() and np.isnan(fits.loglik[1:]).all()


@pytest.mark.parametrize("strata", [False, True])
@pytest.mark.parametrize("distinct", [False, True])
def test_c_counts_the_pairs_of_the_repeated_rows(strata: bool, distinct: bool) -> None:
    own, draw = sample(strata=strata), np.random.default_rng(3)
    score = draw.normal(size=(4, 90)) if distinct else draw.integers(0, 4, (4, 90)).astype(float)
    drawn = resamples(90, 4, 5)
    line = line_of(own.time, own.event, own.stratum)
    found = harrell_c_batch(line, score, [counts_of(drawn, 90), np.ones((4, 90))])
    comparable = [
        (i, j)
        for i in range(90)
        for j in range(90)
        if own.event[i]
        and (own.time[i] < own.time[j] or (own.time[i] == own.time[j] and not own.event[j]))
        and (own.stratum is None or own.stratum[i] == own.stratum[j])
    ]
    i, j = np.array(comparable).T
    for side, counts in zip(found, (counts_of(drawn, 90), np.ones((4, 90))), strict=True):
        for k in range(4):
            w = counts[k, i] * counts[k, j]
            s = score[k]
            wins = w @ ((s[i] > s[j]) + 0.5 * (s[i] == s[j]))
            assert side[k] == pytest.approx(wins / w.sum(), rel=1e-13)
            if side is found[1]:
                assert side[k] == harrell_c(own, s)


def test_gini_counts_the_repeats() -> None:
    draw = np.random.default_rng(0)
    values, drawn = draw.normal(size=(3, 40)), resamples(40, 3, 0)
    found = gini_batch(values, [counts_of(drawn, 40)])[0]
    for k, rows in enumerate(drawn):
        v = values[k][rows]
        assert found[k] == pytest.approx(np.abs(v[:, None] - v).sum() / (40 * 39))


@pytest.mark.parametrize("levels", [4, 1000])
def test_cuts_of_resamples_are_those_of_the_repeated_rows(levels: int) -> None:
    draw = np.random.default_rng(levels)
    n = 80
    x = np.floor(draw.random(n) * levels)
    t, d = draw.exponential(10, n).round(), draw.random(n) < 0.7
    drawn = np.concatenate([resamples(n, 30, 1), np.full((1, n), 7)])
    found = cuts_of_resamples(x, t, d, counts_of(drawn, n))
    for rows, cut in zip(drawn, found, strict=True):
        try:
            alone = maximally_selected(x[rows], t[rows], d[rows], draws=0).cut
        except NotEnoughData:
            alone = np.nan
        assert cut == pytest.approx(alone, nan_ok=True)
    assert np.isnan(found[-1]) and np.isfinite(found[:-1]).all()


def test_permutations_are_left_out_only_where_none_would_reach() -> None:
    draw = np.random.default_rng(0)
    told: list[float] = []
    many = np.arange(2000)
    t = draw.exponential(np.where(many < 1000, 1.0, 40.0))
    found = maximally_selected(many, t, np.ones(2000), draws=500, progress=told.append)
    assert not told and found.p_permutation == 1 / 501  # out of reach: nothing was drawn
    n, below = 400, np.arange(40, 361)
    scores = log_rank_scores(t[:n], np.ones(n, bool))
    m = below.astype(float)
    error = np.sqrt(m * (n - m) / (n - 1.0) * scores.var())
    # the bound holds: never below the share of draws that pass it, at any height
    sums = np.cumsum(draw.permuted(np.tile(scores, (400, 1)), axis=1), axis=1)[:, below - 1]
    largest = np.abs((sums - m * scores.mean()) / error).max(axis=1)
    for height in (1.5, 2.5, 3.5, 4.5):
        assert _out_of_reach(scores, below, height * error) >= (largest >= height).mean()
    p = _permutation(scores, below, 3.0, 500, 0, told.append)
    assert told[-1] == 1.0 and 0.01 < p < 0.4


def test_net_benefit_is_kaplan_meier_above_each_threshold() -> None:
    own, draw = sample(300), np.random.default_rng(2)
    risk = draw.random(300).round(2)
    cuts = [0.9, 0.2, 0.5, 0.995]
    table = decision_curve(risk, own.time, own.event, 12.0, thresholds=cuts).table
    for row in table.itertuples():
        above = risk > row.threshold
        assert row.treated == above.mean()
        dead = 0.0
        if above.any():
            curve = kaplan_meier(own.time[above], own.event[above])
            dead = 1 - curve.at([12.0], extend=True).survival[0]
        odds = row.threshold / (1 - row.threshold)
        assert row.net_benefit == pytest.approx(above.mean() * (dead - (1 - dead) * odds))


def test_integrated_brier_is_the_mean_of_the_scores() -> None:
    own, grid = sample(200), np.array([0.0, 3.0, 7.0, 15.0])
    predicted = np.exp(-np.outer(np.exp(0.3 * own.x[:, 0]), grid / 20))
    table = brier_score(own.time, own.event, predicted, grid).table
    found = integrated_brier(own.time, own.event, predicted, grid)
    widths = np.diff(grid)
    assert found.integrated == pytest.approx(widths @ table.brier[:-1] / 15)
    assert found.reference == pytest.approx(widths @ table.reference[:-1] / 15)
