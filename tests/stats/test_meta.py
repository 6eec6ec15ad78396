"""core.stats.meta, shrinkage and maxstat: by hand, planted truth, degenerate input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from core.model import BadInput, NotEnoughData
from core.stats.maxstat import lausen_schumacher_92, log_rank_scores, maximally_selected
from core.stats.meta import egger_test, leave_one_out, meta_analysis
from core.stats.shrinkage import shrink


def test_equal_variances_by_hand() -> None:
    # means of n = 3 with equal variances: tau2 is the sample variance less v, by either method
    y, s = [1.0, 2.0, 6.0], [1.0, 1.0, 1.0]
    for method in ("REML", "DL"):
        found = meta_analysis(y, s, method=method)
        assert found.estimate == pytest.approx(3)
        assert found.tau2 == pytest.approx(7 - 1)
        assert found.std_error == pytest.approx(np.sqrt(7 / 3))
        assert found.ci_upper == pytest.approx(3 + stats.t.isf(0.025, 2) * np.sqrt(7 / 3))
        spread = stats.t.isf(0.025, 2) * np.sqrt(7 / 3 + 6)
        assert found.prediction_lower == pytest.approx(3 - spread)
        assert found.i2 == pytest.approx(6 / 7) and found.q == pytest.approx(14)
    fixed = meta_analysis(y, s, method="fixed")
    assert fixed.std_error == pytest.approx(np.sqrt(1 / 3)) and np.isnan(fixed.prediction_lower)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 10), st.floats(-5, 5))
def test_scale_and_shift(seed: int, scale: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 12))
    y, s = rng.normal(0, 0.5, k), rng.uniform(0.1, 0.6, k)
    a, b = meta_analysis(y, s), meta_analysis(y * scale + shift, s * scale)
    assert b.estimate == pytest.approx(a.estimate * scale + shift, rel=1e-6, abs=1e-7)
    assert b.tau2 == pytest.approx(a.tau2 * scale**2, rel=1e-5, abs=1e-7)
    order = rng.permutation(k)
    assert meta_analysis(y[order], s[order]).estimate == pytest.approx(a.estimate, abs=1e-9)
    assert sum(a.weights) == pytest.approx(1) and 0 <= a.i2 < 1
    assert a.tau2_ci_lower <= a.tau2_ci_upper


def test_missing_and_single_cohorts() -> None:
    found = meta_analysis([0.1, np.nan, 0.3, 0.2], [0.1, 0.1, 0.0, 0.2])
    assert found.k == 2 and found.weights[1] == found.weights[2] == 0
    assert "2 cohorts without an estimate" in found.warnings[0]
    one = meta_analysis([0.4], [0.1])
    assert (
        one.estimate == pytest.approx(0.4)
        and one.std_error == pytest.approx(0.1)
        and one.test == "z"
    )
    assert np.isnan([one.tau2, one.i2, one.q, one.prediction_lower]).all() and one.warnings
    with pytest.raises(NotEnoughData):
        meta_analysis([np.nan], [0.1])
    with pytest.raises(NotEnoughData):
        meta_analysis([], [])
    with pytest.raises(BadInput):
        meta_analysis([0.1], [0.1], method="best")
    with pytest.raises(BadInput):
        meta_analysis([0.1, 0.2], [0.1])


def test_identical_cohorts() -> None:
    found = meta_analysis([0.3, 0.3, 0.3], [0.1, 0.2, 0.3])
    assert found.tau2 == 0 and found.q == pytest.approx(0) and found.i2 == 0
    assert found.std_error == pytest.approx(0, abs=1e-12)
    assert any("narrower" in w for w in found.warnings)


def test_hartung_knapp_covers_where_the_normal_interval_does_not() -> None:
    rng = np.random.default_rng(10)
    hits = {"knha": 0, "z": 0}
    for _ in range(400):
        s = rng.uniform(0.1, 0.4, 5)
        y = rng.normal(0.2, 0.3, 5) + rng.normal(0, s)
        for test in hits:
            found = meta_analysis(y, s, test=test)
            hits[test] += found.ci_lower < 0.2 < found.ci_upper
    assert hits["knha"] / 400 > 0.92 > hits["z"] / 400


def test_leave_one_out() -> None:
    y, s = np.array([0.1, 0.2, 3.0]), np.array([0.1, 0.1, 0.1])
    frame = leave_one_out(y, s, labels=["a", "b", "outlier"])
    assert frame.index.tolist() == ["a", "b", "outlier"]
    assert frame.loc["outlier", "estimate"] == pytest.approx(0.15)
    assert frame.loc["outlier", "k"] == 2
    assert leave_one_out([0.1], [0.1]).empty
    with_gap = leave_one_out([0.1, np.nan, 0.2], [0.1, 0.1, 0.1], labels=["a", "b", "c"])
    assert with_gap.index.tolist() == ["a", "c"]


def test_egger() -> None:
    s = np.linspace(0.1, 1, 12)
    found = egger_test(0.5 + 2 * s + 0.01 * np.sin(9 * s), s)
    assert found.slope == pytest.approx(2, abs=0.05) and found.p_value < 1e-6
    assert found.intercept == pytest.approx(0.5, abs=0.05)
    assert np.isnan(egger_test([0.1, 0.2], [0.1, 0.2]).p_value)
    assert "equal standard errors" in egger_test([0.1, 0.2, 0.3], [0.1] * 3).warnings[-1]


def test_shrinkage_by_hand() -> None:
    found = shrink([1.0, 2.0, 6.0], [1.0, 1.0, 1.0], labels=["a", "b", "c"])
    # tau2 = 6: each keeps 6/7 of its distance from the mean 3
    assert found.frame["shrunken"].tolist() == pytest.approx([3 - 2 * 6 / 7, 3 - 6 / 7, 3 + 18 / 7])
    error = np.sqrt(6 / 7 + (1 / 7) ** 2 * 7 / 3)
    assert found.frame["shrunken_std_error"].tolist() == pytest.approx([error] * 3)


def test_shrinkage_reduces_error_and_handles_gaps() -> None:
    rng = np.random.default_rng(5)
    raw = shrunk = 0.0
    for _ in range(200):
        truth, s = rng.normal(-0.2, 0.15, 10), rng.uniform(0.1, 0.8, 10)
        y = truth + rng.normal(0, s)
        frame = shrink(y, s).frame
        raw += ((y - truth) ** 2).sum()
        shrunk += ((frame["shrunken"] - truth) ** 2).sum()
    assert shrunk < 0.5 * raw
    gap = shrink([0.1, np.nan, 0.5], [0.1, 0.2, 0.1])
    assert np.isnan(gap.frame.loc["1", "shrunken"]) and gap.frame["shrunken"].notna().sum() == 2
    alone = shrink([0.3], [0.1]).frame.loc["0"]
    assert alone["shrunken"] == 0.3 and alone["weight_on_own"] == 1
    agree = shrink([0.3, 0.3], [0.1, 0.2])
    assert agree.frame["weight_on_own"].eq(0).all() and "no sign" in agree.warnings[-1]


def test_log_rank_scores_by_hand() -> None:
    # times 1, 2+, 3, 3, 4: shares 1/5; and 1/(5 - 4 + 1) twice at 3; and 1 at 4
    scores = log_rank_scores(np.array([1.0, 2, 3, 3, 4]), np.array([1, 0, 1, 1, 1], dtype=bool))
    expected = [0.8, -0.2, 1 - 0.2 - 1, 1 - 0.2 - 1, 1 - 0.2 - 1 - 1]
    np.testing.assert_allclose(scores, expected)


def test_maximally_selected_null_is_honest_and_signal_is_found() -> None:
    rng = np.random.default_rng(0)
    p = np.array(
        [
            [getattr(found, name) for name in ("p_permutation", "p_naive")]
            for found in (
                maximally_selected(
                    rng.normal(size=80), rng.exponential(size=80), np.ones(80), draws=199, seed=k
                )
                for k in range(150)
            )
        ]
    )
    assert stats.kstest(p[:, 0], "uniform").pvalue > 1e-3
    assert (p[:, 1] < 0.05).mean() > 0.2  # what looking for the best cut does
    x = rng.uniform(size=300)
    found = maximally_selected(x, rng.exponential(np.where(x > 0.6, 4.0, 1.0)), np.ones(300))
    assert found.cut == pytest.approx(0.6, abs=0.05)
    assert found.p_permutation == pytest.approx(1 / 10_000)  # never 0
    assert found.n_low == (x <= found.cut).sum() and found.n_high == (x > found.cut).sum()
    assert max(found.p_lausen92, found.p_lausen94) < 1e-6


def test_maximally_selected_degenerate() -> None:
    x, t, d = np.arange(10.0), np.arange(10.0), np.ones(10)
    missing = maximally_selected(np.r_[x, np.nan], np.r_[t, 1], np.r_[d, 1], draws=9)
    assert missing.n == 10 and "1 patients left out" in missing.warnings[0]
    for bad in (
        (np.ones(10), t, d),
        (x, t, np.zeros(10)),
        ([1.0], [1.0], [1.0]),
        ([], [], []),
    ):
        with pytest.raises(NotEnoughData):
            maximally_selected(*bad)
    with pytest.raises(BadInput, match="negative"):
        maximally_selected(x, t - 5, d)
    with pytest.raises(BadInput, match="length"):
        maximally_selected(x, t, d[:3])
    with pytest.raises(BadInput, match="minprop"):
        maximally_selected(x, t, d, minprop=0.9, maxprop=0.1)
    tied = maximally_selected(x, np.full(10, 2.0), np.r_[np.ones(5), np.zeros(5)], draws=99)
    assert 0 < tied.p_permutation <= 1
    with pytest.raises(NotEnoughData, match="same log-rank score"):
        maximally_selected(x, np.full(10, 2.0), d)
    assert np.isnan(maximally_selected(x, t, d, draws=0).p_permutation)
    assert lausen_schumacher_92(0.5) == 1 and np.isnan(lausen_schumacher_92(3, 0, 1))
