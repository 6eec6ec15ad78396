"""Kaplan-Meier against hand calculation, its own invariants, and degenerate input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model import BadInput, NotEnoughData
from core.stats.km import kaplan_meier, kaplan_meier_by_group, median_follow_up

# 6-MP arm of the leukaemia trial (Freireich 1963), remission in weeks, as in Collett and in
# Kalbfleisch and Prentice; 0 censored.
SIX_MP = (
    [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35],
    [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0],
)

cohorts = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=2, max_size=40).map(
    lambda rows: (np.array([r[0] for r in rows], float), np.array([r[1] for r in rows]))
)


def test_six_mp_by_hand() -> None:
    km = kaplan_meier(*SIX_MP)
    at = km.at([6, 7, 10, 13, 16, 22, 23])
    s6, s7 = 18 / 21, 18 / 21 * 16 / 17
    s10 = s7 * 14 / 15
    s13, s16 = s10 * 11 / 12, s10 * 11 / 12 * 10 / 11
    s22 = s16 * 6 / 7
    np.testing.assert_allclose(at["survival"], [s6, s7, s10, s13, s16, s22, s22 * 5 / 6])
    assert at["at_risk"].tolist() == [21, 17, 15, 12, 11, 7, 6]
    greenwood = 3 / (21 * 18) + 1 / (17 * 16)
    assert at["std_error"][1] == pytest.approx(s7 * greenwood**0.5, rel=1e-12)
    assert km.median.estimate == 23
    assert np.isnan(km.median.upper)


def test_placebo_arm_has_no_censoring_so_survival_is_the_fraction_left() -> None:
    weeks = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
    km = kaplan_meier(weeks, [1] * 21)
    left = [np.mean(np.array(weeks) > t) for t in km.time]
    np.testing.assert_allclose(km.survival, left, atol=1e-15)
    assert km.median.estimate == 8


def test_the_median_of_a_flat_stretch_at_one_half_is_its_middle() -> None:
    assert kaplan_meier([2, 3, 5, 8], [1, 1, 1, 1]).median.estimate == 4


def test_numbers_at_risk_count_those_whose_time_is_exactly_t() -> None:
    table = kaplan_meier([3, 6, 6, 12], [1, 0, 1, 0]).risk_table([0, 6, 12, 13])
    assert table["at_risk"].tolist() == [4, 3, 1, 0]
    assert table["n_events"].tolist() == [0, 2, 0, 0]
    assert table["n_censored"].tolist() == [0, 1, 1, 0]


def test_an_entry_time_delays_being_at_risk() -> None:
    km = kaplan_meier([4, 6, 8], [1, 1, 1], entry=[0, 4, 1])
    assert km.at_risk.tolist() == [2, 2, 1]  # the second patient enters at 4, after the event
    assert km.number_at_risk([1, 2, 4, 5]).tolist() == [1, 2, 2, 2]


def test_a_risk_set_emptied_early_is_warned_of() -> None:
    km = kaplan_meier([2, 8, 9], [1, 1, 0], entry=[0, 5, 5])
    assert any("falls to 0" in w for w in km.warnings)


def test_beyond_follow_up_the_curve_is_unknown_unless_it_ended_at_zero() -> None:
    assert np.isnan(kaplan_meier([1, 2], [1, 0]).at(3)["survival"][0])
    assert kaplan_meier([1, 2], [1, 1]).at(3)["survival"][0] == 0
    assert kaplan_meier([1, 2], [1, 0]).at(3, extend=True)["survival"][0] == 0.5


def test_the_curve_starts_at_time_zero_with_everyone() -> None:
    curve = kaplan_meier([0, 0, 5], [1, 0, 1]).curve()
    assert curve["time"].tolist() == [0, 0, 5]
    np.testing.assert_allclose(curve["survival"], [1, 2 / 3, 0])
    assert curve["at_risk"].tolist() == [3, 3, 1]


def test_median_follow_up_takes_censoring_as_the_event() -> None:
    assert median_follow_up([1, 2, 3, 4], [1, 0, 1, 0]).estimate == 4


def test_groups_come_in_the_order_asked_for() -> None:
    curves = kaplan_meier_by_group([1, 2, 3], [1, 1, 0], ["b", "a", "b"], order=["b", "a", "c"])
    assert {k: v.n for k, v in curves.items()} == {"b": 2, "a": 1}
    assert list(curves) == ["b", "a"]


@given(cohorts, st.sampled_from(["log", "log-log", "plain"]))
def test_curve_falls_and_stays_inside_its_interval(cohort, ci) -> None:  # type: ignore[no-untyped-def]
    km = kaplan_meier(*cohort, ci=ci)
    assert np.all(np.diff(km.survival) <= 0)
    known = ~np.isnan(km.ci_lower)
    assert np.all(km.ci_lower[known] <= km.survival[known] + 1e-12)
    assert np.all(km.ci_upper[known] >= km.survival[known] - 1e-12)
    assert km.n_events.sum() == km.events
    assert (km.n_events + km.n_censored).sum() == km.n


@given(cohorts, st.randoms(use_true_random=False))
def test_order_of_rows_and_doubling_with_half_weight_change_nothing(cohort, random) -> None:  # type: ignore[no-untyped-def]
    time, event = cohort
    km = kaplan_meier(time, event)
    order = list(range(len(time)))
    random.shuffle(order)
    shuffled = kaplan_meier(time[order], event[order])
    doubled = kaplan_meier(np.tile(time, 2), np.tile(event, 2), weights=np.full(2 * len(time), 0.5))
    for other in (shuffled, doubled):
        for column in ("time", "survival", "std_error", "ci_lower", "ci_upper", "at_risk"):
            np.testing.assert_allclose(getattr(other, column), getattr(km, column), rtol=1e-9)


@given(cohorts)
def test_entry_before_every_time_changes_nothing(cohort) -> None:  # type: ignore[no-untyped-def]
    time, event = cohort
    km, late = kaplan_meier(time, event), kaplan_meier(time, event, entry=np.full(len(time), -1.0))
    np.testing.assert_allclose(late.survival, km.survival)
    np.testing.assert_allclose(late.number_at_risk([0, 3, 7]), km.number_at_risk([0, 3, 7]))


# Degenerate input


def test_nobody_has_an_event() -> None:
    km = kaplan_meier([1, 2, 3], [0, 0, 0])
    assert km.survival.tolist() == [1, 1, 1]
    assert np.isnan(km.median.estimate)
    assert any("No event" in w for w in km.warnings)


def test_one_patient() -> None:
    km = kaplan_meier([5], [1])
    assert (km.survival[0], km.median.estimate) == (0, 5)
    assert np.isnan([km.std_error[0], km.ci_lower[0]]).all()


def test_everything_tied() -> None:
    km = kaplan_meier([2.0] * 4, [1, 0, 1, 1])
    assert km.survival.tolist() == [0.25]
    assert km.at_risk.tolist() == [4]


def test_times_that_differ_by_rounding_are_tied() -> None:
    assert len(kaplan_meier([0.1 + 0.2, 0.3, 0.5], [1, 1, 1]).time) == 2


def test_missing_values_leave_the_patient_out_and_are_counted() -> None:
    km = kaplan_meier([1, np.nan, 3], [1, 1, np.nan])
    assert km.n == 1
    assert km.warnings[0].startswith("2 of 3 patients left out")


def test_entry_at_the_end_of_follow_up_leaves_the_patient_out() -> None:
    km = kaplan_meier([1, 2], [1, 1], entry=[1, 0])
    assert km.n == 1 and "enter at or after" in km.warnings[0]


@pytest.mark.parametrize(
    ("time", "event", "more"),
    [
        ([-1, 2], [1, 0], {}),
        ([np.inf, 2], [1, 0], {}),
        ([1, 2], [2, 0], {}),
        ([1, 2], [1], {}),
        ([1, 2], ["dead", "alive"], {}),
        ([1, 2], [1, 0], {"weights": [-1, 1]}),
        ([1, 2], [1, 0], {"ci": "exact"}),
        ([1, 2], [1, 0], {"level": 95}),
    ],
)
def test_what_makes_no_sense_is_refused(time, event, more) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadInput):
        kaplan_meier(time, event, **more)


@pytest.mark.parametrize("time", [[], [np.nan]])
def test_no_patient_at_all(time) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotEnoughData):
        kaplan_meier(time, time)


@pytest.mark.parametrize("p", [0, 1, -0.5])
def test_a_quantile_outside_0_to_1_is_refused(p: float) -> None:
    with pytest.raises(BadInput):
        kaplan_meier([1], [1]).quantile(p)
