"""Log-rank against hand calculation, its own invariants, and degenerate input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.model import BadInput, NotEnoughData
from core.stats.logrank import logrank, oe_hazard_ratio

cohorts = st.lists(
    st.tuples(st.integers(0, 9), st.booleans(), st.sampled_from("ab"), st.integers(0, 2)),
    min_size=4,
    max_size=40,
).map(lambda rows: tuple(np.array(column) for column in zip(*rows, strict=True)))


def test_four_patients_by_hand() -> None:
    # Events at 1 (b; 2 of 4 at risk are a), 2 (a; 2 of 3), 3 (b; 1 of 2), 4 (a; 1 of 1).
    result = logrank([2, 4, 1, 3], [1, 1, 1, 1], list("aabb"))
    expected = 2 / 4 + 2 / 3 + 1 / 2 + 1
    variance = 1 / 4 + 2 / 9 + 1 / 4
    assert result.table["observed"].tolist() == [2, 2]
    np.testing.assert_allclose(result.table["expected"], [expected, 4 - expected])
    assert result.chi2 == pytest.approx((2 - expected) ** 2 / variance, rel=1e-12)
    assert result.df == 1


def test_tied_events_have_the_hypergeometric_variance() -> None:
    # Two of four patients have the event at 1, two of them in a: V = 2 * 2/3 * 1/2 * 1/2.
    result = logrank([1, 1, 2, 2], [1, 1, 0, 0], list("aabb"))
    assert result.chi2 == pytest.approx(1 / (1 / 3), rel=1e-12)


def test_peto_weights_are_survival_before_the_event() -> None:
    result = logrank([2, 4, 1, 3], [1, 1, 1, 1], list("aabb"), rho=1)
    excess = -2 / 4 * 1 + 1 / 3 * 3 / 4 - 1 / 2 * 1 / 2
    variance = 1 / 4 + 2 / 9 * 9 / 16 + 1 / 4 * 1 / 4
    assert result.chi2 == pytest.approx(excess**2 / variance, rel=1e-12)


def test_oe_hazard_ratio_is_the_ratio_of_observed_to_expected() -> None:
    result = logrank([2, 4, 1, 3], [1, 1, 1, 1], list("aabb"))
    e_a, e_b = result.table["expected"]
    ratio = oe_hazard_ratio(result, "a", "b")
    assert ratio.hazard_ratio == pytest.approx((2 / e_a) / (2 / e_b))
    assert ratio.std_error == pytest.approx((1 / e_a + 1 / e_b) ** 0.5)
    width = np.log(ratio.ci_upper / ratio.ci_lower)
    assert width == pytest.approx(2 * 1.959963984540054 * ratio.std_error)


@given(cohorts)
def test_swapping_the_groups_inverts_the_hazard_ratio(cohort) -> None:  # type: ignore[no-untyped-def]
    time, event, group, _ = cohort
    result = logrank(time, event, group)
    assume(len(result.table) == 2 and (result.table["observed"] > 0).all())
    one, other = oe_hazard_ratio(result, "a", "b"), oe_hazard_ratio(result, "b", "a")
    assert one.hazard_ratio * other.hazard_ratio == pytest.approx(1)
    assert one.ci_lower * other.ci_upper == pytest.approx(1)


@given(cohorts, st.floats(0.1, 50))
def test_scaling_time_or_shuffling_rows_changes_nothing(cohort, factor) -> None:  # type: ignore[no-untyped-def]
    time, event, group, stratum = cohort
    result = logrank(time, event, group, strata=stratum)
    scaled = logrank(time * factor, event, group, strata=stratum)
    back = logrank(time[::-1], event[::-1], group[::-1], strata=stratum[::-1])
    np.testing.assert_allclose([scaled.chi2, back.chi2], result.chi2, rtol=1e-9, atol=1e-12)


@given(cohorts)
def test_observed_sum_to_expected_and_strata_are_summed(cohort) -> None:  # type: ignore[no-untyped-def]
    time, event, group, stratum = cohort
    result = logrank(time, event, group, strata=stratum, order=["a", "b"])
    assert result.table["observed"].sum() == pytest.approx(result.table["expected"].sum())
    expected = dict.fromkeys("ab", 0.0)
    for s in np.unique(stratum):
        own = stratum == s
        for row in logrank(time[own], event[own], group[own]).table.itertuples():
            expected[row.group] += row.expected
    ours = dict(zip(result.table["group"], result.table["expected"], strict=True))
    assert ours == pytest.approx({g: expected[g] for g in ours})


@given(cohorts)
def test_trend_of_two_groups_and_entry_at_minus_one_are_the_plain_test(cohort) -> None:  # type: ignore[no-untyped-def]
    time, event, group, _ = cohort
    result = logrank(time, event, group)
    assume(not np.isnan(result.chi2))
    trend = logrank(time, event, group, trend_scores=[3, 7], order=["a", "b"])
    late = logrank(time, event, group, entry=np.full(len(time), -1.0))
    np.testing.assert_allclose([trend.chi2, late.chi2], result.chi2, rtol=1e-9, atol=1e-12)


# Degenerate input


@pytest.mark.parametrize(
    ("event", "group", "says"),
    [
        ([1, 1, 1, 1], list("aaaa"), "Only one group"),
        ([0, 0, 0, 0], list("aabb"), "No event"),
        ([0, 0, 0, 1], list("aabb"), "Only one group is at risk"),
    ],
)
def test_no_comparison_is_said_not_computed(event, group, says) -> None:  # type: ignore[no-untyped-def]
    result = logrank([1, 2, 3, 4], event, group)
    assert np.isnan([result.chi2, result.p_value]).all() and result.df == 0
    assert any(says in w for w in result.warnings)


def test_everyone_has_the_event_at_once() -> None:
    result = logrank([3, 3, 3, 3], [1, 1, 1, 1], list("aabb"))
    assert np.isnan(result.p_value) and result.warnings


def test_an_all_censored_arm_has_a_test_and_a_warning() -> None:
    result = logrank([1, 2, 3, 4], [1, 1, 0, 0], list("aabb"))
    assert 0 < result.p_value < 1
    assert any("No event in b" in w for w in result.warnings)
    ratio = oe_hazard_ratio(result, "b", "a")
    assert ratio.hazard_ratio == 0


def test_events_at_time_zero_count_also_with_rho() -> None:
    assert logrank([0, 0, 1, 2], [1, 0, 1, 1], list("abab"), rho=1).events == 3


def test_a_missing_group_leaves_the_patient_out() -> None:
    result = logrank([1, 2, 3], [1, 1, 1], ["a", "b", None])
    assert result.n == 2 and "1 of 3" in result.warnings[0]


def test_errors_name_what_is_wrong() -> None:
    four = [1, 2, 3, 4], [1, 1, 1, 1], list("aabb")
    with pytest.raises(BadInput, match="not among the groups"):
        logrank(*four, order=["a", "c"])
    with pytest.raises(BadInput, match="one finite score per group"):
        logrank(*four, trend_scores=[1, 2, 3])
    with pytest.raises(BadInput, match="has no group"):
        oe_hazard_ratio(logrank(*four), "a", "z")
    with pytest.raises(BadInput, match="unweighted"):
        oe_hazard_ratio(logrank(*four, rho=1), "a", "b")
    with pytest.raises(NotEnoughData):
        logrank([], [], [])


def test_a_list_of_labels_with_a_gap_leaves_that_patient_out() -> None:
    group = ["b", "a", float("nan"), None, "a", "b"]
    result = logrank([2, 4, 1, 3, 5, 6], [1] * 6, group)
    assert (result.groups, result.n) == (("a", "b"), 4)
    assert "2 of 6" in result.warnings[0]


def test_labels_are_numbered_as_asked_and_only_where_they_occur() -> None:
    time, event = [2, 4, 1, 3], [1, 1, 1, 1]
    text = ["b", "a", "a", "b"]
    assert logrank(time, event, text, order=["c", "b", "a"]).groups == ("b", "a")
    category = pd.Series(pd.Categorical(text, categories=["b", "c", "a"]))
    assert logrank(time, event, category).groups == ("b", "a")
    late = logrank([2, 4, np.nan, 3], event, ["b", "a", "c", "a"])
    assert late.groups == ("a", "b")
    with pytest.raises(BadInput, match="not among") as refused:
        logrank(time, event, text, order=["a", "c"])
    assert refused.value.found == "b"
