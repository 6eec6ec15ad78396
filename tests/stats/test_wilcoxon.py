"""core.stats.wilcoxon, rank_panel, differences: by hand, by another route, degenerate."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from core.model import BadInput
from core.stats.differences import difference_order_statistics
from core.stats.rank_pairs import pair_sums, sort_sample
from core.stats.rank_panel import COLUMNS, STRATIFIED_COLUMNS, rank_panel
from core.stats.wilcoxon import rank_sum, van_elteren


def test_by_hand() -> None:
    # group 3, 5, 6 against 1, 2, 4: pairs won 2 + 3 + 3 = 8 of 9
    test = rank_sum([3, 5, 6, 1, 2, 4], [1, 1, 1, 0, 0, 0])
    assert test.u_statistic == 8 and test.auc == pytest.approx(8 / 9)
    assert test.rank_biserial == pytest.approx(7 / 9)
    assert test.p_value == pytest.approx(2 * 2 / 20)  # 2 of C(6,3) arrangements as extreme
    assert test.shift == 2  # differences -1 1 1 2 2 3 4 4 5
    assert test.method == "exact" and (test.n_group, test.n_reference) == (3, 3)


def test_exact_p_is_the_share_of_permutations() -> None:
    values, group = np.array([0.3, 2.2, 1.7, 0.9, 3.1, 0.1]), [1, 1, 0, 0, 0, 0]
    observed = rank_sum(values, group)
    every = [abs(rank_sum(values, p).u_statistic - 4) for p in set(permutations(group))]
    share = np.mean(np.array(every) >= abs(observed.u_statistic - 4))
    assert observed.p_value == pytest.approx(share)


def test_auc_variance_is_brunner_munzels() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=20).round(1), rng.normal(0.5, 1, 31).round(1)
    v, g = np.r_[x, y], np.r_[np.ones(20), np.zeros(31)]
    pairs = pair_sums(sort_sample(v, g))
    auc = rank_sum(v, g).auc
    z = (0.5 - auc) / np.sqrt(pairs.auc_variance[0])
    assert z == pytest.approx(stats.brunnermunzel(x, y).statistic, rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000), st.sampled_from(["continuous", "rounded", "zeros", "tails"]))
def test_order_statistics_of_differences(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    m, n = rng.integers(1, 400, 2)
    x, y = rng.normal(size=m), rng.normal(0.3, 2, size=n)
    if kind == "rounded":
        x, y = x.round(1), y.round(1)
    elif kind == "zeros":
        x[rng.random(m) < 0.5], y[rng.random(n) < 0.6] = 0, 0
    elif kind == "tails":
        x, y = np.exp(6 * x), np.exp(6 * y)
    x.sort(), y.sort()
    everything = np.sort((x[:, None] - y).ravel())
    ranks = sorted({1, m * n // 4 + 1, (m * n + 1) // 2, m * n // 2 + 1, m * n})
    found = difference_order_statistics(x, y, ranks)
    np.testing.assert_allclose(found, everything[np.array(ranks) - 1], rtol=1e-12, atol=1e-15)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_symmetry(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(6, 140))
    v, g, s = rng.normal(size=n).round(1), rng.integers(0, 2, n), rng.integers(0, 3, n)
    if len(set(g)) < 2 or np.ptp(v) == 0:
        return
    one, other, up = rank_sum(v, g), rank_sum(v, 1 - g), rank_sum(np.exp(v), g)
    assert other.p_value == pytest.approx(one.p_value, rel=1e-12)
    assert other.auc == pytest.approx(1 - one.auc) and other.shift == pytest.approx(-one.shift)
    assert other.auc_ci_lower == pytest.approx(1 - one.auc_ci_upper)
    assert other.shift_ci_lower == pytest.approx(-one.shift_ci_upper)
    assert up.p_value == one.p_value and up.auc == one.auc  # ranks know no scale
    strata, back = van_elteren(v, g, s), van_elteren(v, 1 - g, s)
    if np.isfinite(strata.z):
        assert back.z == pytest.approx(-strata.z) and back.auc == pytest.approx(1 - strata.auc)


def test_one_stratum_is_the_plain_test_without_correction() -> None:
    rng = np.random.default_rng(4)
    v, g = rng.normal(size=120), rng.integers(0, 2, 120)
    x, y = v[g == 1], v[g == 0]
    plain = stats.mannwhitneyu(x, y, use_continuity=False, method="asymptotic")
    assert van_elteren(v, g, np.zeros(120)).p_value == pytest.approx(plain.pvalue, rel=1e-12)
    assert van_elteren(v, g, ["a"] * 120).auc == pytest.approx(rank_sum(v, g).auc)


def test_stratification_removes_a_difference_between_strata() -> None:
    rng = np.random.default_rng(1)
    s = rng.integers(0, 2, 2000)
    g = (rng.random(2000) < 0.1 + 0.3 * s).astype(float)
    v = 2 * s + rng.normal(size=2000)
    assert rank_sum(v, g).p_value < 1e-10
    assert van_elteren(v, g, s).p_value > 0.01


def test_degenerate_answers() -> None:
    for values, group, why in (
        ([], [], "no patient"),
        ([1.0, 2], [1, 1], "reference"),
        ([1.0, 2], [0, 0], "the group"),
        ([np.nan, 2], [1, 0], "the group"),
        ([2.0, 2, 2], [1, 0, 0], "equal"),
    ):
        test = rank_sum(values, group)
        assert np.isnan(test.p_value) and test.method == "none" and why in test.warnings[0]
        strata = van_elteren(values, group, np.zeros(len(values)))
        assert np.isnan(strata.p_value) and strata.warnings
    pair = rank_sum([5.0, 1], [1, 0])
    assert pair.p_value == 1 and pair.shift == 4 and "too few" in pair.warnings[0]
    two_points = rank_sum([1.0, 1, 0, 0], [1, 1, 0, 0])
    assert two_points.shift == two_points.shift_ci_lower == two_points.shift_ci_upper == 1
    assert two_points.auc == 1 and 0 < two_points.auc_ci_lower < 1 == two_points.auc_ci_upper
    out = van_elteren([1.0, 2, 3, 4], [1, 0, 1, 1], [0, 0, 1, 1])
    assert out.strata == 1 and out.strata_left_out == 1 and out.n_group == 1
    missing = van_elteren([1.0, 2, 3, 4], [1, 0, 1, 0], ["a", "a", None, None])
    assert missing.n_group == missing.n_reference == 1


def test_bad_input() -> None:
    with pytest.raises(BadInput, match="infinite"):
        rank_sum([np.inf, 1], [1, 0])
    with pytest.raises(BadInput, match="coded"):
        rank_sum([2.0, 1], [2, 1])
    with pytest.raises(BadInput, match="length"):
        rank_sum([2.0, 1], [1])
    with pytest.raises(BadInput, match="length"):
        van_elteren([2.0, 1], [1, 0], [1])
    with pytest.raises(BadInput, match="length"):
        rank_panel([[1.0, 2]], [1, 0], features=["a", "b"])


def test_panel_rows_are_the_single_tests() -> None:
    rng = np.random.default_rng(6)
    v = rng.lognormal(size=(5, 300))
    v[rng.random(v.shape) < 0.1] = np.nan
    v[1], v[2, :], v[3] = v[1].round(), 7.0, np.nan
    g = (rng.random(300) < 0.2).astype(float)
    g[:10] = np.nan
    s = rng.integers(0, 6, 300)
    panel = rank_panel(v, g, strata=s, features=list("abcde"))
    assert list(panel.frame.columns) == [*COLUMNS, *STRATIFIED_COLUMNS]
    for name, row in zip("abcde", v, strict=True):
        one, strata, found = rank_sum(row, g), van_elteren(row, g, s), panel.frame.loc[name]
        for column in COLUMNS:
            if column != "q_value":
                np.testing.assert_equal(found[column], getattr(one, column))
        np.testing.assert_equal(found["stratified_p_value"], strata.p_value)
        np.testing.assert_equal(found["stratified_auc_ci_upper"], strata.auc_ci_upper)
        np.testing.assert_equal(found["strata"], strata.strata)
    assert np.isnan(panel.frame.loc[["c", "d"], "q_value"]).all()
    assert panel.frame["q_value"].notna().sum() == 3
    assert any(w.startswith("c: all values are equal") for w in panel.warnings)
    assert rank_panel(np.empty((0, 4)), [1, 0, 1, 0]).frame.empty
    assert np.isnan(rank_panel(v[:2], g, shift=False).frame["shift"]).all()
