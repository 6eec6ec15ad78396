"""Harrell's and Uno's C against counting by hand, their invariants, and degenerate input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model import BadInput
from core.stats.concordance import concordance, concordance_of, uno_c
from core.stats.cox import cox
from core.stats.pair_counts import pair_counts
from core.stats.survival_data import survival_data

cohorts = st.lists(
    st.tuples(
        st.integers(0, 9),
        st.booleans(),
        st.integers(-3, 3),
        st.integers(0, 2),
        st.floats(0.1, 3),
        st.floats(0.1, 3),
    ),
    min_size=1,
    max_size=70,
).map(lambda rows: tuple(np.array(column, float) for column in zip(*rows, strict=True)))


def test_five_patients_by_hand() -> None:
    # Comparable: (1,2) (1,3) (1,4) (1,5) from time 1; (2,3) (2,4) (2,5) from time 2, where 3 is
    # censored at 2 and so outlived 2; (4,5) from time 4.
    time, event, score = [1, 2, 2, 4, 5], [1, 1, 0, 1, 0], [5, 3, 4, 3, 1]
    result = concordance(time, event, score)
    assert (result.concordant, result.discordant, result.tied_score) == (6, 1, 1)
    assert result.c == pytest.approx(6.5 / 8)


def test_two_events_at_one_time_are_not_comparable() -> None:
    result = concordance([3, 3], [1, 1], [1, 2])
    assert np.isnan([result.c, result.std_error]).all()
    assert "No pair" in result.warnings[0]


def test_standard_error_is_the_infinitesimal_jackknife() -> None:
    rng = np.random.default_rng(3)
    time, event = rng.integers(1, 20, 30), rng.random(30) < 0.7
    score = rng.integers(0, 8, 30)
    step, derivative = 1e-5, np.empty(30)
    for i in range(30):
        w = np.ones(30)
        w[i] += step
        up = concordance(time, event, score, weights=w).c
        w[i] -= 2 * step
        derivative[i] = (up - concordance(time, event, score, weights=w).c) / (2 * step)
    expected = np.sqrt(np.sum(derivative**2))
    assert concordance(time, event, score).std_error == pytest.approx(expected, rel=1e-6)


@given(cohorts)
def test_counts_equal_a_loop_over_all_pairs(cohort) -> None:  # type: ignore[no-untyped-def]
    time, event, score, stratum, weight, factor = cohort
    n = len(time)
    expected = np.zeros((3, n))
    for i in range(n):
        for j in range(n):
            later = time[j] > time[i] or (time[j] == time[i] and not event[j])
            if event[i] and later and stratum[i] == stratum[j]:
                kind = 0 if score[i] > score[j] else 1 if score[i] < score[j] else 2
                expected[kind, i] += factor[i] * weight[j]
                expected[kind, j] += factor[i] * weight[i]
    data = survival_data(time, event, weights=weight)
    counts = pair_counts(data, score, stratum.astype(int), factor)
    np.testing.assert_allclose(np.array(counts), expected, rtol=1e-9, atol=1e-9)


@given(cohorts)
def test_reversing_the_score_reflects_c_and_order_does_not_matter(cohort) -> None:  # type: ignore[no-untyped-def]
    time, event, score, stratum, *_ = cohort
    one = concordance(time, event, score, strata=stratum)
    mirrored = concordance(time, event, -score, strata=stratum)
    back = concordance(time[::-1], event[::-1], score[::-1], strata=stratum[::-1])
    np.testing.assert_allclose([mirrored.c, back.c], [1 - one.c, one.c])
    np.testing.assert_allclose([mirrored.std_error, back.std_error], one.std_error)


@given(cohorts)
def test_only_the_order_of_scores_and_times_matters(cohort) -> None:  # type: ignore[no-untyped-def]
    time, event, score, *_ = cohort
    one, other = concordance(time, event, score), concordance(time * 30.4, event, np.exp(score))
    np.testing.assert_allclose([other.c, other.std_error], [one.c, one.std_error])


@given(cohorts)
def test_every_event_seen_makes_uno_equal_harrell(cohort) -> None:  # type: ignore[no-untyped-def]
    time, _, score, *_ = cohort
    everyone = np.ones(len(time))
    uno, harrell = uno_c(time, everyone, score), concordance(time, everyone, score)
    np.testing.assert_allclose([uno.c, uno.std_error], [harrell.c, harrell.std_error])


def test_halves_of_patients_are_patients() -> None:
    rng = np.random.default_rng(5)
    time, event, score = rng.integers(1, 20, 50), rng.random(50) < 0.6, rng.normal(size=50)
    double = concordance(
        np.tile(time, 2), np.tile(event, 2), np.tile(score, 2), weights=np.full(100, 0.5)
    )
    assert double.c == pytest.approx(concordance(time, event, score).c)


def test_degenerate_input() -> None:
    assert np.isnan(concordance([1], [1], [1]).c)
    assert np.isnan(concordance([1, 2], [0, 0], [1, 2]).c)
    assert np.isnan(uno_c([1, 2], [0, 0], [1, 2]).c)
    assert concordance([1, 2, 3], [1, 1, 1], [7, 7, 7]).c == 0.5
    missing = concordance([1, 2, 3], [1, 1, 1], [3, np.nan, 1])
    assert (missing.n, missing.c) == (2, 1) and "1 of 3" in missing.warnings[0]
    with pytest.raises(BadInput):
        concordance([1, 2], [1, 1], [np.inf, 1])


@pytest.mark.parametrize("n", [64, 700, 4097, 5000])
def test_long_lines_are_counted_as_a_table_of_all_pairs_is(n: int) -> None:
    """Several chunks, several blocks, and halves above them."""
    rng = np.random.default_rng(n)
    time, event = rng.integers(0, 60, n).astype(float), rng.random(n) < 0.6
    score, weight = rng.integers(0, n // 2, n).astype(float), rng.uniform(0.5, 2, n)
    later = (time[None] > time[:, None]) | ((time[None] == time[:, None]) & ~event[None])
    pairs = event[:, None] & later
    kinds = [pairs & is_kind(score[:, None], score) for is_kind in (np.greater, np.less, np.equal)]
    for which, w in ((None, np.ones(n)), (weight, weight)):
        data = survival_data(time, event, weights=which)
        for counted, kind in zip(pair_counts(data, score), kinds, strict=True):
            met = kind @ w + w @ kind
            np.testing.assert_allclose(counted, met, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("by_stratum", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_c_of_a_cox_model_is_that_of_its_scores(by_stratum: bool, weighted: bool) -> None:
    rng = np.random.default_rng(4)
    x = rng.integers(0, 3, (200, 2)).astype(float)  # many scores are equal
    time, event = np.floor(rng.exponential(9, 200)), rng.integers(0, 2, 200)
    strata = rng.integers(0, 4, 200) if by_stratum else None
    weights = rng.uniform(0.5, 2, 200) if weighted else None
    fit = cox(x, time, event, strata=strata, weights=weights)
    score = x[:, 0] * fit.coefficients[0] + x[:, 1] * fit.coefficients[1]
    direct = concordance(time, event, score, strata=strata, weights=weights)
    for name in ("c", "std_error", "ci_lower", "ci_upper", "concordant", "discordant"):
        assert getattr(concordance_of(fit), name) == pytest.approx(getattr(direct, name), rel=1e-10)
    assert concordance_of(fit).tied_score == pytest.approx(direct.tied_score) and direct.tied_score


def test_c_of_a_cox_model_with_entry_times_is_refused() -> None:
    fit = cox([0.0, 1, 0, 1], [3.0, 4, 5, 6], [1, 1, 1, 0], entry=[0.0, 1, 2, 3])
    with pytest.raises(BadInput, match="entry times"):
        concordance_of(fit)
