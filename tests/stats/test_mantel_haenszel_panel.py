"""The panel equals the single test outcome by outcome, finds what was planted and no more."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse, stats

from core.model import BadInput
from core.stats.contingency import mantel_haenszel
from core.stats.mantel_haenszel_panel import BLOCK, MANTEL_FLEISS, mantel_haenszel_panel


def burdened(n: int, genes: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Group, outcomes and strata: independent within strata, far from it over all."""
    draw = np.random.default_rng(seed)
    strata = draw.integers(0, 8, n)
    rate = 0.02 * 1.6**strata
    group = draw.random(n) < rate
    base = draw.uniform(0.5, 1.2, genes)
    outcomes = draw.random((n, genes)) < np.minimum(0.9, rate[:, None] * base)
    return group, outcomes, strata


def test_equals_the_single_test_in_every_outcome() -> None:
    group, outcomes, strata = burdened(600, 40, 1)
    outcomes[:, 0] = False
    outcomes[:, 1] = group
    panel = mantel_haenszel_panel(group, sparse.csc_array(outcomes.astype(float)), strata)
    for j in range(outcomes.shape[1]):
        tables = np.array(
            [
                [
                    [np.sum(group[s] & outcomes[s, j]), np.sum(group[s] & ~outcomes[s, j])],
                    [np.sum(~group[s] & outcomes[s, j]), np.sum(~group[s] & ~outcomes[s, j])],
                ]
                for s in (strata == k for k in range(8))
            ]
        )
        one = mantel_haenszel(tables, correct=False)
        for name in ("odds_ratio", "ci_lower", "ci_upper", "statistic", "p_value"):
            expected = getattr(one, name)
            np.testing.assert_allclose(getattr(panel, name)[j], expected, rtol=1e-10, err_msg=name)


def test_blocks_do_not_change_a_result() -> None:
    group, outcomes, strata = burdened(200, BLOCK // 4, 2)
    table = sparse.csc_array(outcomes.astype(float))
    whole = mantel_haenszel_panel(group, table, strata)
    assert (whole.strata + 1) * table.shape[1] > BLOCK
    last = mantel_haenszel_panel(group, table[:, 100:], strata)
    np.testing.assert_allclose(whole.p_value[100:], last.p_value, rtol=1e-12)


def test_patients_who_do_not_count_are_as_if_they_were_not_there() -> None:
    group, outcomes, strata = burdened(400, 30, 4)
    among = np.random.default_rng(5).random(400) < 0.7
    within = mantel_haenszel_panel(group, sparse.csc_array(outcomes * 1.0), strata, among=among)
    alone = mantel_haenszel_panel(
        group[among], sparse.csc_array(outcomes[among] * 1.0), strata[among]
    )
    for name, of in vars(alone).items():
        np.testing.assert_array_equal(getattr(within, name), of, err_msg=name)


def test_what_everybody_has_or_nobody_tells_nothing() -> None:
    group = np.arange(49) % 3 == 0
    outcome = sparse.csc_array(np.column_stack([np.ones(49), np.zeros(49)]))
    panel = mantel_haenszel_panel(group, outcome, np.arange(49) % 7)
    assert np.isnan(panel.statistic).all() and np.isnan(panel.odds_ratio).all()
    assert (panel.room == 0).all()


def test_p_is_uniform_under_independence_given_burden_and_far_from_it_without() -> None:
    group, outcomes, strata = burdened(3000, 1500, 3)
    table = sparse.csc_array(outcomes.astype(float))
    within = mantel_haenszel_panel(group, table, strata)
    p = within.p_value[within.room >= MANTEL_FLEISS]
    assert p.size > 1000
    assert stats.kstest(p, "uniform").pvalue > 0.001
    assert 0.03 < (p < 0.05).mean() < 0.07
    crude = mantel_haenszel_panel(group, table, np.zeros(len(group)))
    assert (crude.p_value < 0.05).mean() > 0.8


def test_strata_that_tell_nothing_are_left_out() -> None:
    group = np.array([True, False, True, True, False])
    outcome = sparse.csc_array(np.array([[1.0], [0], [1], [1], [1]]))
    panel = mantel_haenszel_panel(group, outcome, ["a", "a", "b", "b", "c"])
    assert (panel.n, panel.n_group, panel.strata) == (2, 1, 1)
    nothing = mantel_haenszel_panel(np.zeros(5), outcome, ["a"] * 5)
    assert nothing.n == 0 and np.isnan(nothing.p_value).all()


def test_room_is_the_distance_to_the_possible_overlaps() -> None:
    group = np.repeat([True, False], 10)
    outcome = sparse.csc_array(np.r_[np.ones(4), np.zeros(6), np.ones(4), np.zeros(6)][:, None])
    panel = mantel_haenszel_panel(group, outcome, np.zeros(20))
    # 8 with the outcome, 10 in the group of 20: expected 4, overlaps from 0 to 8
    assert panel.expected[0] == 4 and panel.room[0] == 4


def test_lengths_must_agree() -> None:
    with pytest.raises(BadInput, match="same patients"):
        mantel_haenszel_panel([True], sparse.csc_array(np.ones((2, 1))), [0, 1])
