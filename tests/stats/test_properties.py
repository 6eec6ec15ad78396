"""What must hold for every data set, of estimators whose own tests are by hand and by example.

The unit of time, the order of patients, and which group is named first may not change an answer
beyond what they mean.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.stats.brier import brier_score, integrated_brier
from core.stats.concordance import uno_c
from core.stats.cox import cox
from core.stats.cox_terms import Categorical
from core.stats.cuminc import cumulative_incidence
from core.stats.discrimination import time_dependent_auc
from core.stats.interaction import likelihood_ratio_interaction
from core.stats.km import kaplan_meier
from core.stats.kruskal import kruskal_wallis
from core.stats.landmark import landmark_analysis
from core.stats.logrank import logrank
from core.stats.meta import meta_analysis
from core.stats.multiple import adjust
from core.stats.profile import profile_interval
from core.stats.rmst import rmst, rmst_difference
from core.stats.wilcoxon import van_elteren
from core.stats.zph import cox_zph

seeds = st.integers(0, 2**32 - 1)
factors = st.sampled_from([1 / 30.4375, 2.0, 12.0])
quick = settings(max_examples=25, deadline=None)


def patients(seed: int, n: int = 50) -> dict[str, Any]:
    """A small cohort with tied times, a score that tells, and two groups."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=n).round(1)
    latent, lost = rng.exponential(10 * np.exp(-0.5 * score)), rng.uniform(2, 30, n)
    return {
        "time": np.ceil(np.minimum(latent, lost)),
        "event": latent <= lost,
        "score": score,
        "group": rng.permutation(np.arange(n) % 2),
        "stratum": rng.integers(0, 3, n),
        "shuffle": rng.permutation(n),
    }


@quick
@given(seeds, factors)
def test_kaplan_meier_in_another_unit(seed: int, factor: float) -> None:
    d = patients(seed)
    one = kaplan_meier(d["time"], d["event"])
    other = kaplan_meier(factor * d["time"], d["event"])
    np.testing.assert_allclose(other.survival, one.survival, rtol=1e-12)
    np.testing.assert_allclose(other.ci_lower, one.ci_lower, rtol=1e-12)
    np.testing.assert_allclose(other.median, factor * np.array(one.median), rtol=1e-12)


@quick
@given(seeds, factors)
def test_restricted_mean_in_another_unit_and_order(seed: int, factor: float) -> None:
    d, s = patients(seed), patients(seed)["shuffle"]
    one, other = rmst(d["time"], d["event"], 8), rmst(factor * d["time"][s], d["event"][s],
                                                      factor * 8)  # fmt: skip
    np.testing.assert_allclose(
        [other.rmst, other.std_error], [factor * one.rmst, factor * one.std_error], rtol=1e-10
    )


@quick
@given(seeds)
def test_restricted_mean_is_bounded_and_grows_with_the_horizon(seed: int) -> None:
    d = patients(seed)
    means = [rmst(d["time"], d["event"], tau).rmst for tau in (2, 4, 8)]
    assert 0 <= means[0] <= means[1] <= means[2] <= 8
    assert means[1] - means[0] >= means[2] - means[1] - 2 - 1e-9, "survival does not rise"


@quick
@given(seeds)
def test_swapping_the_groups_turns_the_difference_of_means(seed: int) -> None:
    d = patients(seed)
    own = d["time"], d["event"], d["group"], 6
    one, other = (rmst_difference(*own, reference=r).contrasts.iloc[0] for r in (0, 1))
    assert one.difference == pytest.approx(-other.difference)
    assert one.ratio * other.ratio == pytest.approx(1)
    assert one.ratio_p_value == pytest.approx(other.ratio_p_value)


@quick
@given(seeds, factors)
def test_landmark_in_another_unit(seed: int, factor: float) -> None:
    d = patients(seed)
    one = landmark_analysis(d["time"], d["event"], 3)
    other = landmark_analysis(factor * d["time"], d["event"], factor * 3)
    assert (one.kept == other.kept).all() and (one.event == other.event).all()
    np.testing.assert_allclose(other.time, factor * one.time, rtol=1e-10)


@quick
@given(seeds, factors)
def test_auc_and_brier_in_another_unit_and_order(seed: int, factor: float) -> None:
    d, s = patients(seed), patients(seed)["shuffle"]
    survival = np.exp(-0.1 * np.exp(0.5 * d["score"]))
    t, e, score, at = d["time"], d["event"], d["score"], np.array([3.0, 6.0])
    columns = ["auc", "std_error", "cases", "controls"]
    one = time_dependent_auc(t, e, score, at).table[columns]
    other = time_dependent_auc(factor * t[s], e[s], score[s], factor * at).table[columns]
    np.testing.assert_allclose(other, one, rtol=1e-9)
    both = np.column_stack([survival, survival**2])
    columns = ["brier", "std_error", "reference"]
    plain = brier_score(t, e, both, at).table[columns]
    scaled = brier_score(factor * t[s], e[s], both[s], factor * at).table[columns]
    np.testing.assert_allclose(scaled, plain, rtol=1e-9)
    whole, apart = integrated_brier(t, e, both, at), integrated_brier(factor * t[s], e[s], both[s],
                                                                      factor * at)  # fmt: skip
    assert apart.integrated == pytest.approx(whole.integrated)


@quick
@given(seeds)
def test_auc_of_the_reversed_score_is_the_rest_to_one(seed: int) -> None:
    d = patients(seed)
    own = d["time"], d["event"]
    auc, other = (time_dependent_auc(*own, sign * d["score"], 5).table for sign in (1, -1))
    assert auc.auc[0] + other.auc[0] == pytest.approx(1)
    assert auc.std_error[0] == pytest.approx(other.std_error[0])


@quick
@given(seeds, factors)
def test_competing_risks_in_another_unit_and_order(seed: int, factor: float) -> None:
    d, s = patients(seed), patients(seed)["shuffle"]
    status = d["event"] * (1 + d["group"])
    one = cumulative_incidence(d["time"], status, cause=1)
    other = cumulative_incidence(factor * d["time"][s], status[s], cause=1)
    np.testing.assert_allclose(other.incidence, one.incidence, rtol=1e-10)
    np.testing.assert_allclose(other.std_error, one.std_error, rtol=1e-9)


@quick
@given(seeds, factors, st.sampled_from(["km", "rank", "identity"]))
def test_proportional_hazards_test_in_another_unit_and_order(
    seed: int, factor: float, transform: str
) -> None:
    d, s = patients(seed), patients(seed)["shuffle"]
    x = np.column_stack([d["score"], d["group"]])
    fit, other = cox(x, d["time"], d["event"]), cox(x[s], factor * d["time"][s], d["event"][s])
    assume(fit.converged)
    columns = ["chi_square", "p_value"]
    one, again = cox_zph(fit, transform).table[columns], cox_zph(other, transform).table[columns]
    np.testing.assert_allclose(again, one, rtol=1e-6, atol=1e-10)


@quick
@given(seeds, st.sampled_from([None, "firth"]))
def test_profile_interval_holds_the_estimate_and_turns_with_the_groups(
    seed: int, penalty: Any
) -> None:
    d = patients(seed)
    fits = [
        cox(g.astype(float)[:, None], d["time"], d["event"], names=["group"], penalty=penalty)
        for g in (d["group"], 1 - d["group"])
    ]
    assume(all(f.converged for f in fits))
    one, other = (profile_interval(f, "group") for f in fits)
    assert one.ci_lower < one.hazard_ratio < one.ci_upper
    assert one.ci_lower * other.ci_upper == pytest.approx(1, rel=1e-6)
    assert one.p_value == pytest.approx(other.p_value, rel=1e-6)


@quick
@given(seeds, factors)
def test_interaction_does_not_depend_on_unit_reference_or_order(seed: int, factor: float) -> None:
    d = patients(seed, 80)
    frame = pd.DataFrame(
        {"time": d["time"], "event": d["event"].astype(float),
         "arm": np.where(d["group"] == 1, "a", "b"), "site": np.where(d["score"] > 0, "x", "y")}
    )  # fmt: skip
    one = likelihood_ratio_interaction(
        frame, Categorical("arm", "a"), Categorical("site", "x"), "time", "event"
    )
    turned = frame.iloc[::-1].assign(time=frame.time.iloc[::-1] * factor)
    other = likelihood_ratio_interaction(
        turned, Categorical("arm", "b"), Categorical("site", "y"), "time", "event"
    )
    assume(one.without.fit.converged and one.within.fit.converged)
    assert other.test.statistic == pytest.approx(one.test.statistic, rel=1e-6, abs=1e-8)
    assert other.test.df == one.test.df == 1


@quick
@given(seeds)
def test_trend_scores_may_be_shifted_and_scaled(seed: int) -> None:
    d = patients(seed)
    own = d["time"], d["event"], d["stratum"]
    one = logrank(*own, order=[0, 1, 2], trend_scores=[1, 2, 3]).chi2
    other = logrank(*own, order=[2, 1, 0], trend_scores=[-10, 0, 10]).chi2
    assert other == pytest.approx(one)


@quick
@given(seeds)
def test_van_elteren_by_order_swap_and_monotone_change(seed: int) -> None:
    d, s = patients(seed), patients(seed)["shuffle"]
    one = van_elteren(d["score"], d["group"], d["stratum"])
    moved = van_elteren(np.exp(d["score"][s]), d["group"][s], d["stratum"][s])
    swapped = van_elteren(d["score"], 1 - d["group"], d["stratum"])
    assert moved.z == pytest.approx(one.z) and moved.auc == pytest.approx(one.auc)
    assert swapped.z == pytest.approx(-one.z) and swapped.auc == pytest.approx(1 - one.auc)
    assert swapped.auc_ci_lower == pytest.approx(1 - one.auc_ci_upper)


def test_van_elteren_by_hand() -> None:
    # Stratum 0: values 1 2 | 3: the group's 3 has rank 3 of 3, expected 2, variance 2*1*4/12 = 2/3.
    # Stratum 1: 5 | 4 6 8: ranks 2 of 4, expected 5/2, variance 3*1*5/12 = 5/4.
    # Weights 1/(N+1): 1/4 and 1/5, so z = (1/4 - 1/10) / sqrt(2/3/16 + 5/4/25).
    found = van_elteren([1, 2, 3, 4, 5, 6, 8], [0, 0, 1, 0, 1, 0, 0], [0, 0, 0, 1, 1, 1, 1])
    assert found.z == pytest.approx((1 / 4 - 1 / 10) / np.sqrt(2 / 3 / 16 + 5 / 4 / 25))


@quick
@given(seeds)
def test_kruskal_wallis_by_order_and_monotone_change(seed: int) -> None:
    d, s = patients(seed), patients(seed)["shuffle"]
    one = kruskal_wallis(d["score"], d["stratum"])
    other = kruskal_wallis(d["score"][s] ** 3, d["stratum"][s])
    assert other.statistic == pytest.approx(one.statistic)
    assert other.p_value == pytest.approx(one.p_value)


@quick
@given(st.lists(st.floats(1e-9, 1), min_size=1, max_size=40), st.sampled_from(["BH", "holm"]))
def test_adjusted_p_keep_their_order_and_are_no_smaller(p: list[float], method: str) -> None:
    adjusted = adjust(p, method)
    assert (adjusted >= np.array(p) - 1e-15).all() and (adjusted <= 1).all()
    ranked = adjusted[np.argsort(p, kind="stable")]
    assert (np.diff(ranked) >= -1e-15).all()
    np.testing.assert_allclose(adjust(p[::-1], method)[::-1], adjusted)


@quick
@given(seeds)
def test_pooling_does_not_depend_on_the_order_or_the_sign(seed: int) -> None:
    rng = np.random.default_rng(seed)
    effect, error = rng.normal(size=6), rng.uniform(0.1, 1, 6)
    one, turned = meta_analysis(effect, error), meta_analysis(-effect[::-1], error[::-1])
    assert turned.estimate == pytest.approx(-one.estimate)
    assert turned.tau2 == pytest.approx(one.tau2, abs=1e-9)
    assert turned.i2 == pytest.approx(one.i2, abs=1e-7)


def test_uno_c_by_hand() -> None:
    # Events at 1, 3 and 4, lost at 2: G is 1 before 2 and 2/3 from there. Each usable pair weighs
    # 1/G(t-)^2: the three of the event at 1 one each, that of the event at 3 9/4. The scores put
    # 1 before 3 and 4 but after 2 (two of three right), and 3 before 4.
    found = uno_c([1, 2, 3, 4], [1, 0, 1, 1], [5, 6, 3, 2])
    assert found.c == pytest.approx((2 + 9 / 4) / (3 + 9 / 4))
