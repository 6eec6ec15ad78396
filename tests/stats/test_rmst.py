"""Restricted means and landmark analysis by hand, by invariants and on degenerate input."""

from __future__ import annotations

import numpy as np
import pytest

from core.model import BadInput, NotEnoughData
from core.stats.landmark import landmark_analysis
from core.stats.rmst import rmst, rmst_difference


def test_without_censoring_it_is_the_mean_of_the_shorter_of_time_and_horizon() -> None:
    time = np.array([1.0, 2, 5, 9])
    result = rmst(time, [1, 1, 1, 1], 6)
    cut = np.minimum(time, 6)
    assert result.rmst == pytest.approx(cut.mean())
    # Greenwood's variance without censoring is the binomial one: here that of a mean, over n.
    assert result.std_error == pytest.approx(cut.std() / 2)


def test_area_and_variance_by_hand_with_censoring() -> None:
    # S = 2/3 from 2, then 0 from 6 (the patient censored at 4 leaves); horizon 5.
    result = rmst([2, 4, 6], [1, 0, 1], 5)
    assert result.rmst == pytest.approx(2 + 3 * 2 / 3)
    assert result.std_error == pytest.approx((2**2 * 1 / (3 * 2)) ** 0.5)


def test_swapping_groups_turns_the_difference_and_inverts_the_ratio() -> None:
    rng = np.random.default_rng(1)
    time, event = rng.exponential(10, 60), rng.random(60) < 0.6
    group = np.repeat(["a", "b"], 30)
    one = rmst_difference(time, event, group, 8, reference="a").contrasts.iloc[0]
    other = rmst_difference(time, event, group, 8, reference="b").contrasts.iloc[0]
    assert one["difference"] == pytest.approx(-other["difference"])
    assert one["ratio"] * other["ratio"] == pytest.approx(1)
    assert one["ratio_ci_lower"] * other["ratio_ci_upper"] == pytest.approx(1)
    assert one["difference_p_value"] == pytest.approx(other["difference_p_value"])


def test_scaling_time_scales_the_mean() -> None:
    time, event = np.array([3.0, 5, 8, 13]), [1, 0, 1, 0]
    months, days = rmst(time, event, 10), rmst(time * 30.4, event, 304)
    assert days.rmst == pytest.approx(30.4 * months.rmst)
    assert days.std_error == pytest.approx(30.4 * months.std_error)


def test_a_horizon_beyond_follow_up_is_warned_of() -> None:
    result = rmst([1, 2, 3], [1, 0, 0], 10)
    assert result.rmst == pytest.approx(1 + 9 * 2 / 3)
    assert any("carried on" in w for w in result.warnings)
    assert not rmst([1, 2], [1, 1], 10).warnings


def test_degenerate_input() -> None:
    silent = rmst([5, 6], [0, 0], 4)
    assert (silent.rmst, silent.std_error) == (4, 0)
    assert rmst([0, 0], [1, 1], 4).rmst == 0
    both = rmst_difference([5, 6], [0, 0], ["a", "b"], 4, reference="a").contrasts.iloc[0]
    assert both["difference"] == 0 and np.isnan(both["difference_p_value"])
    alone = rmst_difference([5, 6], [1, 0], ["a", "a"], 4, reference="a")
    assert alone.contrasts.empty and "Only one group" in alone.warnings[-1]
    for tau in (0, -1, np.inf, np.nan):
        with pytest.raises(BadInput):
            rmst([1], [1], tau)
    with pytest.raises(BadInput, match="no patients"):
        rmst_difference([1], [1], ["a"], 3, reference="b")


def test_landmark_keeps_those_followed_beyond_it() -> None:
    result = landmark_analysis([2, 3, 3, 5, 8, np.nan], [1, 1, 0, 0, 1, 1], 3)
    assert result.time.tolist() == [2, 5]
    assert result.event.tolist() == [False, True]
    assert result.kept.tolist() == [False, False, False, True, True, False]
    assert (result.events_before, result.censored_before, result.n) == (2, 1, 2)
    assert "3 of 5 patients are left out" in result.warnings[-1]


def test_landmark_at_zero_leaves_out_only_time_zero() -> None:
    assert landmark_analysis([0, 1], [1, 1], 0).n == 1


def test_landmark_refuses_what_makes_no_sense() -> None:
    with pytest.raises(BadInput):
        landmark_analysis([1], [1], -1)
    with pytest.raises(NotEnoughData, match="beyond the landmark"):
        landmark_analysis([1, 2], [1, 1], 2)
