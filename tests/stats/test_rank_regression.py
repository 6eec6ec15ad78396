"""Places within strata, and the regression on them, beside what they are defined by."""

from __future__ import annotations

import numpy as np
import pytest

from core.model import BadInput
from core.stats.rank_regression import rank_regression, stratum_places
from core.stats.wilcoxon import rank_sum


def test_places_are_mean_ranks_within_the_stratum() -> None:
    values = np.array([3.0, 1.0, 1.0, np.nan, 5.0, 5.0, 9.0])
    strata = np.array([0, 0, 0, 0, 1, 1, -1])
    expected = [2.5 / 3, 1 / 3, 1 / 3, np.nan, 0.5, 0.5, np.nan]
    assert stratum_places(values, strata) == pytest.approx(expected, nan_ok=True)


def test_one_stratum_without_covariates_is_the_rank_biserial_correlation() -> None:
    draw = np.random.default_rng(3)
    values, group = np.round(draw.normal(size=80), 1), (draw.random(80) < 0.3).astype(float)
    found = rank_regression(values, group, np.zeros(80), np.empty((80, 0))).frame
    assert found.rank_biserial.iloc[0] == pytest.approx(rank_sum(values, group).rank_biserial)


def test_order_units_and_monotone_changes_do_not_matter() -> None:
    draw = np.random.default_rng(4)
    n = 300
    values, group = draw.lognormal(size=n), (draw.random(n) < 0.2).astype(float)
    strata, x = draw.integers(0, 4, n), draw.normal(size=(n, 2))
    first = rank_regression(values, group, strata, x).frame
    shuffled = draw.permutation(n)
    second = rank_regression(
        np.log(values)[shuffled], group[shuffled], strata[shuffled], 3 * x[shuffled] - 1
    ).frame
    np.testing.assert_allclose(first.to_numpy(float), second.to_numpy(float), rtol=1e-9)


def test_covariate_that_repeats_another_changes_nothing() -> None:
    draw = np.random.default_rng(5)
    n = 200
    values, group = draw.normal(size=n), (draw.random(n) < 0.3).astype(float)
    strata, x = draw.integers(0, 3, n), draw.normal(size=(n, 1))
    one = rank_regression(values, group, strata, x).frame
    two = rank_regression(values, group, strata, np.hstack([x, 2 * x + 1])).frame
    np.testing.assert_allclose(one.to_numpy(float), two.to_numpy(float), rtol=1e-7)


def test_what_cannot_be_tested_says_why() -> None:
    group = np.array([1, 1, 0, 0, 0.0])
    apart = rank_regression(np.arange(5.0), group, [0, 0, 1, 1, 1], np.empty((5, 0)))
    assert np.isnan(apart.frame.p_value.iloc[0]) and "no stratum" in apart.warnings[0]
    equal = rank_regression(np.ones(6), [1, 0, 1, 0, 1, 0], np.zeros(6), np.empty((6, 0)))
    assert np.isnan(equal.frame.p_value.iloc[0]) and "equal" in equal.warnings[0]
    with pytest.raises(BadInput):
        rank_regression(np.ones(3), [1, 0], [0, 0], np.empty((2, 0)))
