"""Cumulative incidence by hand, by invariants and on degenerate input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model import BadInput
from core.stats.cuminc import cumulative_incidence
from core.stats.km import kaplan_meier

cohorts = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=40).map(
    lambda rows: tuple(np.array(column) for column in zip(*rows, strict=True))
)


def test_four_patients_by_hand() -> None:
    result = cumulative_incidence([1, 2, 3, 4], [1, 2, 0, 1])
    # S(1) = 3/4, S(2) = 1/2; the last patient's event at 4 takes all that is left.
    assert result.incidence.tolist() == [0.25, 0.25, 0.25, 0.75]
    assert result.event_free.tolist() == [0.75, 0.5, 0.5, 0]
    assert result.n_competing.tolist() == [0, 1, 0, 0]
    # Until censoring begins the influence is that of a proportion.
    assert result.std_error[0] == pytest.approx((0.25 * 0.75 / 4) ** 0.5)


@given(cohorts)
def test_incidences_and_survival_add_up_to_one(cohort) -> None:  # type: ignore[no-untyped-def]
    one, two = (cumulative_incidence(*cohort, cause=k) for k in (1, 2))
    np.testing.assert_allclose(one.incidence + two.incidence + one.event_free, 1)
    assert np.all(np.diff(one.incidence) >= 0)


@given(cohorts)
def test_without_a_competing_event_it_is_one_minus_kaplan_meier(cohort) -> None:  # type: ignore[no-untyped-def]
    time, status = cohort
    event = (status == 1).astype(int)
    km, result = kaplan_meier(time, event), cumulative_incidence(time, event)
    np.testing.assert_allclose(result.incidence, 1 - km.survival, atol=1e-12)
    known = km.survival > 0
    # The infinitesimal jackknife of the Kaplan-Meier estimate is Greenwood's standard error.
    np.testing.assert_allclose(result.std_error[known], km.std_error[known], atol=1e-9)


@given(cohorts)
def test_standard_error_equals_the_sum_over_every_patient(cohort) -> None:  # type: ignore[no-untyped-def]
    time, status = cohort
    result = cumulative_incidence(time, status)
    influence = np.zeros((len(time), len(result.time)))
    before = np.append(1, result.event_free[:-1])
    for j, u in enumerate(result.time):
        n, d = result.at_risk[j], result.n_events[j] + result.n_competing[j]
        here = time == u
        own = (here & (status == 1)) - (time >= u) * result.n_events[j] / n
        every = (here & (status > 0)) - (time >= u) * d / n
        influence[:, j:] += (before[j] * own / n)[:, None]
        if n > d:
            rest = result.incidence[j:] - result.incidence[j]
            influence[:, j:] -= np.outer(every / (n - d), rest)
    expected = np.sqrt((influence**2).sum(axis=0))
    np.testing.assert_allclose(result.std_error, expected, atol=1e-8)


def test_reading_the_curve() -> None:
    at = cumulative_incidence([1, 2, 3, 4], [1, 2, 0, 0]).at([0, 1.5, 4, 5])
    np.testing.assert_array_equal(at["incidence"], [0, 0.25, 0.25, np.nan])


def test_degenerate_input() -> None:
    none = cumulative_incidence([1, 2], [2, 0])
    assert none.incidence.tolist() == [0, 0] and "No event of cause 1" in none.warnings[-1]
    assert np.isnan(none.ci_lower).all()
    assert cumulative_incidence([3], [1]).incidence.tolist() == [1]
    assert cumulative_incidence([3, 4], [1, np.nan]).n == 1
    for status in ([0.5, 1], [-1, 1], [np.inf, 1]):
        with pytest.raises(BadInput):
            cumulative_incidence([1, 2], status)
    with pytest.raises(BadInput):
        cumulative_incidence([1, 2], [0, 1], cause=0)
