"""core.stats.contingency, exact_table, kruskal, multiple, correlation: by hand and degenerate."""

from __future__ import annotations

from itertools import product
from math import comb, factorial, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from core.model import BadInput
from core.stats.contingency import binomial_interval, chi_squared, fisher_exact, mantel_haenszel
from core.stats.correlation import partial_spearman, spearman, spearman_by
from core.stats.exact_table import _enumerate, _sample
from core.stats.kruskal import kruskal_wallis
from core.stats.multiple import adjust, benjamini_hochberg


def test_tea_tasting_by_hand() -> None:
    found = fisher_exact([[3, 1], [1, 3]])
    assert found.p_value == pytest.approx((2 * 16 + 2) / comb(8, 4))
    assert found.ci_lower < found.odds_ratio < found.ci_upper
    assert found.row_totals == (4, 4)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=6, max_size=6))
def test_exact_table_against_all_tables(cells: list[int]) -> None:
    table = np.array(cells).reshape(2, 3)
    kept = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(kept.shape, default=0) < 2 or kept.shape == (2, 2):
        return
    rows, columns = kept.sum(axis=1), kept.sum(axis=0)
    constant = prod(factorial(int(n)) for n in (*rows, *columns)) / factorial(int(kept.sum()))

    def probability(t: np.ndarray) -> float:
        return constant / prod(factorial(int(x)) for x in t.ravel())

    total = 0.0
    for first in product(*(range(int(c) + 1) for c in columns)):
        if sum(first) == rows[0]:
            p = probability(np.array([first, columns - np.array(first)]))
            total += p if p <= probability(kept) * (1 + 1e-7) else 0
    assert fisher_exact(table).p_value == pytest.approx(total, rel=1e-10)


def test_a_table_too_large_to_list_is_sampled_and_says_so() -> None:
    table = np.array([[40, 50, 20, 8, 12, 30], [200, 310, 150, 60, 90, 120]])
    found = fisher_exact(table)
    assert "random tables" in found.warnings[0]
    assert found.p_value == pytest.approx(stats.chi2_contingency(table).pvalue, abs=0.03)
    assert found == fisher_exact(table)  # seeded
    small = np.array([[3, 4, 5], [2, 8, 1], [6, 2, 2]])
    exact = _enumerate(small)
    assert exact is not None and _sample(small, 1) == pytest.approx(exact, abs=0.005)


def test_fisher_degenerate() -> None:
    for table in ([[0, 0], [3, 4]], [[1, 0], [2, 0]], [[0, 0], [0, 0]], [[5]]):
        found = fisher_exact(table)
        assert found.p_value == 1 and np.isnan(found.odds_ratio) and found.warnings
    zero = fisher_exact([[0, 5], [6, 9]])
    assert zero.odds_ratio == zero.ci_lower == 0 and zero.ci_upper < np.inf
    full = fisher_exact([[5, 0], [9, 6]])
    assert full.odds_ratio == full.ci_upper == np.inf and full.ci_lower > 0
    for bad in ([[1.5, 2], [3, 4]], [[-1, 2], [3, 4]], [[np.nan, 1], [1, 1]], [1, 2]):
        with pytest.raises(BadInput, match="counts"):
            fisher_exact(bad)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=4, max_size=4))
def test_swapping_rows_inverts_the_odds_ratio(cells: list[int]) -> None:
    table = np.array(cells).reshape(2, 2)
    one, other = fisher_exact(table), fisher_exact(table[::-1])
    assert one.p_value == pytest.approx(other.p_value, rel=1e-9)
    if 0 < one.odds_ratio < np.inf:
        assert other.odds_ratio == pytest.approx(1 / one.odds_ratio, rel=1e-9)
        assert other.ci_lower == pytest.approx(1 / one.ci_upper, rel=1e-9)


def test_chi_squared_by_hand_and_degenerate() -> None:
    found = chi_squared([[10, 20], [20, 10]], correct=False)
    assert found.statistic == pytest.approx(4 * 25 / 15) and found.df == 1
    assert found.cramers_v == pytest.approx(np.sqrt(100 / 15 / 60))
    assert chi_squared([[10, 20], [20, 10]]).statistic == pytest.approx(4 * 4.5**2 / 15)
    assert "under 5" in chi_squared([[1, 2], [3, 4]]).warnings[0]
    for table in ([[0, 0], [3, 4]], [[3, 4]]):
        assert np.isnan(chi_squared(table).p_value) and chi_squared(table).warnings


def test_mantel_haenszel_by_hand_and_degenerate() -> None:
    one = np.array([[10, 5], [4, 12]])
    single = mantel_haenszel([one], correct=False)
    assert single.odds_ratio == pytest.approx(10 * 12 / (5 * 4))
    assert single.row_totals == (15, 16)
    # for one table the interval is Woolf's
    half = stats.norm.isf(0.025) * np.sqrt((1 / one).sum())
    assert np.log(single.ci_upper / single.odds_ratio) == pytest.approx(half)
    # Simpson: no association within strata, a strong one when they are pooled
    tables = [[[80, 20], [8, 2]], [[2, 8], [20, 80]]]
    assert mantel_haenszel(tables).odds_ratio == pytest.approx(1)
    assert fisher_exact(np.sum(tables, axis=0)).odds_ratio > 5
    with_empty = mantel_haenszel([one, [[0, 0], [3, 4]]], correct=False)
    assert with_empty.odds_ratio == single.odds_ratio and with_empty.strata_left_out == 1
    none = mantel_haenszel([[[0, 0], [3, 4]]])
    assert np.isnan(none.p_value) and "no stratum" in none.warnings[-1]
    apart = mantel_haenszel([[[5, 0], [3, 4]]])
    assert apart.odds_ratio == np.inf and np.isnan(apart.ci_lower) and apart.warnings
    with pytest.raises(BadInput, match="2 x 2"):
        mantel_haenszel(np.ones((2, 3, 2)))


def test_binomial_interval() -> None:
    lower, upper = binomial_interval([0, 5, 0], [5, 5, 0])
    np.testing.assert_allclose(lower, [0, 0.025**0.2, 0])
    np.testing.assert_allclose(upper, [1 - 0.025**0.2, 1, 1])
    with pytest.raises(BadInput):
        binomial_interval(3, 2)


def test_adjustment_by_hand() -> None:
    p = [0.01, np.nan, 0.04, 0.03]
    np.testing.assert_allclose(benjamini_hochberg(p), [0.03, np.nan, 0.04, 0.04])
    np.testing.assert_allclose(adjust(p, "holm"), [0.03, np.nan, 0.06, 0.06])
    np.testing.assert_allclose(adjust(p, "bonferroni"), [0.03, np.nan, 0.12, 0.09])
    assert adjust([]).size == 0 and np.isnan(adjust([np.nan])).all()
    with pytest.raises(BadInput, match="outside"):
        adjust([1.2])
    with pytest.raises(BadInput, match="no adjustment"):
        adjust([0.2], "magic")


def test_kruskal_by_hand_and_degenerate() -> None:
    found = kruskal_wallis([1, 2, 3, 4, 5, 6], list("aabbcc"))
    assert found.statistic == pytest.approx(12 / 42 * 2 * (2**2 + 2**2))
    assert found.groups["mean_rank"].tolist() == [1.5, 3.5, 5.5]
    assert found.epsilon_squared == pytest.approx(found.statistic / 5)
    assert "approximate" in found.warnings[0]
    for values, groups in (([], []), ([1, 2], ["a", "a"]), ([1, 1], ["a", "b"]), ([np.nan], ["a"])):
        none = kruskal_wallis(values, groups)
        assert np.isnan(none.p_value) and none.warnings
    left = kruskal_wallis([1, 2, np.nan, 9], ["a", "b", "a", None])
    assert left.groups["n"].tolist() == [1, 1]


def test_spearman_by_hand_and_degenerate() -> None:
    found = spearman([1, 2, 3, 4], [1, 3, 2, 4])
    assert found.rho == pytest.approx(1 - 6 * 2 / (4 * 15)) and found.n == 4
    perfect = spearman([1, 2, 3, 4], [10, 20, 30, 45])
    assert perfect.rho == 1 and perfect.p_value == 0 and np.isnan(perfect.ci_lower)
    for x, y in (([], []), ([1, 2], [1, 2]), ([1, 1, 1, 1], [1, 2, 3, 4]), ([np.nan] * 4, [1] * 4)):
        none = spearman(x, y)
        assert np.isnan(none.rho) and none.warnings
    with pytest.raises(BadInput, match="length"):
        spearman([1, 2], [1])
    with pytest.raises(BadInput, match="infinite"):
        spearman([1, np.inf, 2], [1, 2, 3])


def test_partial_correlation_removes_what_is_shared() -> None:
    rng = np.random.default_rng(2)
    purity = rng.normal(size=500)
    x, y = purity + rng.normal(size=500), purity + rng.normal(size=500)
    assert spearman(x, y).rho > 0.35
    partial = partial_spearman(x, y, purity)
    assert partial.ci_lower < 0 < partial.ci_upper or abs(partial.rho) < 0.1
    assert partial.held_fixed == 1
    assert np.isnan(partial_spearman(x, purity, purity).rho)


def test_spearman_by_group() -> None:
    rng = np.random.default_rng(0)
    x, y, g = rng.normal(size=60), rng.normal(size=60), np.repeat(["b", "a", "c"], [30, 28, 2])
    frame = spearman_by(x, y, g)
    assert frame.index.tolist() == ["a", "b", "c"] and frame["n"].tolist() == [28, 30, 2]
    assert frame.loc["a", "rho"] == spearman(x[g == "a"], y[g == "a"]).rho
    assert np.isnan(frame.loc["c", "q_value"])
    assert spearman_by([], [], []).empty
