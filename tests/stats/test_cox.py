"""The Cox model against results derived by hand, and its answers to degenerate data.

The small example is the one of Therneau and Grambsch (2000), appendix E.1: with r = exp(beta),
the Breslow log likelihood is 2 beta - log(3r + 3) - 2 log(r + 3); under Efron the second death of
the tie has the denominator (r + 5) / 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import chi2, norm

from core.model import BadInput, NotEnoughData
from core.stats.cox import cox
from core.stats.cox_baseline import survival_curve
from core.stats.cox_residuals import deviance, dfbeta, martingale, schoenfeld, score_residuals
from core.stats.profile import profile_interval
from core.stats.zph import cox_zph

TIME = np.array([9.0, 1, 1, 6, 6, 8])
EVENT = np.array([1, 1, 0, 1, 1, 0])
X = np.array([0.0, 1, 1, 1, 0, 0])
BRESLOW = (3 + np.sqrt(33)) / 2
EFRON = max(np.roots([1, 0, -23, -30]).real)


def breslow_loglik(b: float) -> float:
    r = np.exp(b)
    return float(2 * b - np.log(3 * r + 3) - 2 * np.log(r + 3))


def breslow_information(b: float) -> float:
    r = np.exp(b)
    return float(r / (r + 1) ** 2 + 6 * r / (r + 3) ** 2)


def test_breslow_estimate_is_the_root_of_the_quadratic() -> None:
    fit = cox(X, TIME, EVENT, ties="breslow")
    b = np.log(BRESLOW)
    assert fit.coefficients[0] == pytest.approx(b, rel=1e-12)
    assert fit.std_errors[0] == pytest.approx(breslow_information(b) ** -0.5, rel=1e-12)
    assert fit.loglik == pytest.approx((breslow_loglik(0), breslow_loglik(b)), rel=1e-12)
    score = 2 - 0.5 - 0.5
    assert fit.score_test.statistic == pytest.approx(score**2 / breslow_information(0), rel=1e-12)
    assert fit.wald_test.statistic == pytest.approx(b**2 * breslow_information(b), rel=1e-12)
    gain = 2 * (breslow_loglik(b) - breslow_loglik(0))
    assert fit.likelihood_ratio_test.p_value == pytest.approx(chi2.sf(gain, 1), rel=1e-10)


def test_efron_estimate_is_the_root_of_the_cubic() -> None:
    fit = cox(X, TIME, EVENT)
    r = EFRON
    information = r / (r + 1) ** 2 + 3 * r / (r + 3) ** 2 + 5 * r / (r + 5) ** 2
    loglik = 2 * np.log(r) - np.log(3 * r + 3) - np.log(r + 3) - np.log((r + 5) / 2)
    assert fit.coefficients[0] == pytest.approx(np.log(r), rel=1e-12)
    assert fit.std_errors[0] == pytest.approx(information**-0.5, rel=1e-12)
    assert fit.loglik[1] == pytest.approx(loglik, rel=1e-12)
    row = fit.table().iloc[0]
    reach = norm.ppf(0.975) * information**-0.5
    assert row["hazard_ratio"] == pytest.approx(r)
    assert row["ci_upper"] == pytest.approx(r * np.exp(reach))
    assert row["p_value"] == pytest.approx(2 * norm.sf(abs(np.log(r)) * information**0.5))


def test_residuals_by_hand() -> None:
    fit, r = cox(X, TIME, EVENT, ties="breslow"), BRESLOW
    first, second = 1 / (3 * r + 3), 2 / (r + 3)
    hazard = np.array([first + second + 1, first, first] + [first + second] * 3)
    expected = hazard * r**X
    assert martingale(fit) == pytest.approx(EVENT - expected, rel=1e-10)
    m = EVENT - expected
    by_hand = np.sign(m) * np.sqrt(-2 * (m + EVENT * np.log(expected)))
    assert deviance(fit) == pytest.approx(by_hand, rel=1e-10)
    found = schoenfeld(fit)
    mean = r / (r + 3)
    assert found.row.tolist() == [1, 3, 4, 0]
    assert found.residuals[:, 0] == pytest.approx([1 - r / (r + 1), 1 - mean, -mean, 0])
    rows = score_residuals(fit)[:, 0]
    assert rows[1] == pytest.approx((1 - r / (r + 1)) * (1 - r * first), rel=1e-10)
    assert rows.sum() == pytest.approx(0, abs=1e-12)
    assert dfbeta(fit)[:, 0] == pytest.approx(rows * fit.covariance[0, 0])


def test_survival_by_hand() -> None:
    fit, r = cox(X, TIME, EVENT, ties="breslow"), BRESLOW
    curve = survival_curve(fit, [[0.0], [1.0]], [0.5, 1, 7, 9, 9.5])
    total = np.array([0, 1 / (3 * r + 3), 1 / (3 * r + 3) + 2 / (r + 3)])
    assert curve.survival[0, :3] == pytest.approx(np.exp(-total), rel=1e-12)
    assert curve.survival[1, :3] == pytest.approx(np.exp(-total * r), rel=1e-12)
    assert np.isnan(curve.survival[:, 4]).all() and np.isfinite(curve.survival[:, 3]).all()
    # One event so far: the variance of the hazard is 1/S0^2 + (x - mean)^2 hazard^2 var(beta).
    step = 1 / (3 * r + 3)
    gap = -r / (r + 1)
    error = np.sqrt(step**2 * (1 + gap**2 * fit.covariance[0, 0]))
    assert curve.std_error[0, 1] == pytest.approx(error, rel=1e-10)
    assert curve.ci_lower[0, 1] == pytest.approx(np.exp(-step - norm.ppf(0.975) * error))


def test_proportional_hazards_by_hand() -> None:
    fit, r = cox(X, TIME, EVENT, ties="breslow"), BRESLOW
    g = np.array([1, 6, 6, 9]) - 5.5
    means = np.array([r / (r + 1), r / (r + 3), r / (r + 3), 0])
    variance = means * (1 - means)
    u = g @ (np.array([1, 1, 0, 0]) - means)
    spread = g**2 @ variance - (g @ variance) ** 2 / variance.sum()
    table = cox_zph(fit, "identity").table
    assert table["term"].tolist() == ["x1", "GLOBAL"]
    assert table["chi_square"].tolist() == pytest.approx([u**2 / spread] * 2, rel=1e-10)


def test_profile_interval_and_firth_by_hand() -> None:
    fit = cox(X, TIME, EVENT, ties="breslow")
    b = float(np.log(BRESLOW))
    target = breslow_loglik(b) - chi2.ppf(0.95, 1) / 2
    found = profile_interval(fit, "x1")
    assert found.lower == pytest.approx(brentq(lambda v: breslow_loglik(v) - target, -5, b))
    assert found.upper == pytest.approx(brentq(lambda v: breslow_loglik(v) - target, b, 12))
    assert found.statistic == pytest.approx(fit.likelihood_ratio_test.statistic, rel=1e-10)
    firth = cox(X, TIME, EVENT, ties="breslow", penalty="firth")

    def penalised(v: float) -> float:
        return breslow_loglik(v) + np.log(breslow_information(v)) / 2

    best = minimize_scalar(lambda v: -penalised(v), bounds=(-2, 4), options={"xatol": 1e-10})
    assert firth.coefficients[0] == pytest.approx(best.x, abs=1e-7)
    assert firth.loglik == pytest.approx((penalised(0), penalised(best.x)), rel=1e-12)


# ------------------------------------------------------------------- degenerate input


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"X": [np.nan, 1, 1, 1, 0, 0]}, "missing or not finite"),
        ({"X": [np.inf, 1, 1, 1, 0, 0]}, "missing or not finite"),
        ({"X": ["a", "b", "c", "d", "e", "f"]}, "not numbers"),
        ({"time": [9, 1, 1, 6, 6, -8]}, "negative"),
        ({"time": [9, 1, 1, 6, 6, np.nan]}, "time is missing"),
        ({"time": [9, 1, 1]}, "wrong length"),
        ({"event": [1, 1, 0, 2, 1, 0]}, "neither 0 nor 1"),
        ({"entry": [0, 1, 0, 0, 0, 0]}, "enters at or after"),
        ({"weights": [0, 1, 1, 1, 1, 1]}, "not positive"),
        ({"strata": ["a", None, "a", "a", "b", "b"]}, "label of strata is missing"),
        ({"ties": "exact"}, "tie method"),
        ({"penalty": "ridge"}, "penalty"),
        ({"level": 95}, "level"),
        ({"names": ["a", "b"]}, "do not match"),
    ],
)
def test_bad_input_is_refused_with_a_reason(change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        cox(**({"X": X, "time": TIME, "event": EVENT} | change))


def test_no_patients() -> None:
    with pytest.raises(NotEnoughData):
        cox(np.empty((0, 1)), [], [])


@pytest.mark.parametrize("rows", [slice(0, 1), slice(2, 3), slice(1, 4)])
def test_nothing_to_compare_gives_nan_and_a_warning(rows: slice) -> None:
    """One patient (dead or censored), and one group only."""
    fit = cox(X[rows], TIME[rows], EVENT[rows], names=["mutant"])
    assert np.isnan(fit.coefficients).all() and np.isnan(fit.std_errors).all()
    assert np.isnan(fit.table()["p_value"]).all()
    assert np.isnan(fit.likelihood_ratio_test.p_value) and np.isnan(fit.score_test.p_value)
    assert any("not vary" in w or "No event" in w for w in fit.warnings)


def test_no_events_at_all() -> None:
    fit = cox(np.column_stack([X, TIME]), TIME, np.zeros(6))
    assert fit.events == 0 and np.isnan(fit.coefficients).all()
    assert fit.warnings == ("No event among 6 patients: nothing can be estimated.",)
    with pytest.raises(NotEnoughData):
        cox_zph(fit)


def test_duplicate_and_combined_columns_are_named_and_left_out() -> None:
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, 80))
    time, event = rng.exponential(10, 80), rng.random(80) < 0.7
    fit = cox(np.column_stack([a, a, b, 3 * a - b + 7]), time, event, names=list("abcd"))
    alone = cox(np.column_stack([a, b]), time, event)
    assert fit.coefficients[[0, 2]] == pytest.approx(alone.coefficients, rel=1e-9)
    assert np.isnan(fit.coefficients[[1, 3]]).all() and fit.likelihood_ratio_test.df == 2
    assert "b is a linear combination of a; not estimated." in fit.warnings
    assert "d is a linear combination of a, c; not estimated." in fit.warnings
    assert martingale(fit) == pytest.approx(martingale(alone))
    assert cox_zph(fit).table["term"].tolist() == ["a", "c", "GLOBAL"]


@pytest.mark.parametrize("sign", [1, -1])
def test_an_arm_without_events_is_infinite_and_says_so(sign: int) -> None:
    rng = np.random.default_rng(2)
    arm = np.repeat([0.0, 1.0], [30, 12])
    age = rng.normal(60, 10, 42)
    event = (arm == 0) & (rng.random(42) < 0.7)
    time = rng.exponential(10, 42) + arm
    fit = cox(np.column_stack([sign * arm, age]), time, event, names=["mutant", "age"])
    row = fit.table().iloc[0]
    assert row["coefficient"] == -sign * np.inf
    assert row["hazard_ratio"] == (0 if sign == 1 else np.inf)
    assert row[["std_error", "ci_lower", "ci_upper", "p_value"]].isna().all()
    assert any("mutant is infinite" in w for w in fit.warnings) and not fit.converged
    others = cox(age[arm == 0], time[arm == 0], event[arm == 0])
    assert fit.coefficients[1] == pytest.approx(others.coefficients[0], rel=1e-6)
    assert fit.std_errors[1] == pytest.approx(others.std_errors[0], rel=1e-4)
    assert fit.loglik[1] == pytest.approx(others.loglik[1], rel=1e-8)
    p = profile_interval(fit, "mutant")
    assert np.isinf(p.lower if sign == 1 else p.upper) and p.warnings
    assert np.isfinite(p.upper if sign == 1 else p.lower)
    assert p.statistic == pytest.approx(2 * (fit.loglik[1] - cox(age, time, event).loglik[1]))
    z = cox_zph(fit)
    assert np.isnan(z.table["p_value"][0]) and z.warnings
    with pytest.raises(NotEnoughData):
        survival_curve(fit, [[1, 60]])
    firth = cox(np.column_stack([sign * arm, age]), time, event, penalty="firth")
    assert np.isfinite(firth.coefficients).all() and firth.converged


def test_a_covariate_that_orders_the_deaths_is_infinite() -> None:
    fit = cox([6.0, 5, 4, 3, 2, 1], [1, 2, 3, 4, 5, 6], np.ones(6))
    assert np.isposinf(fit.coefficients[0]) and any("infinite" in w for w in fit.warnings)


def test_everything_tied() -> None:
    """All die at once: no order, hence no effect, though Efron's likelihood has information."""
    fit = cox(X, np.full(6, 3.0), np.ones(6))
    assert fit.coefficients[0] == pytest.approx(0, abs=1e-12)
    assert np.isfinite(fit.std_errors[0]) and fit.likelihood_ratio_test.p_value == pytest.approx(1)


@pytest.mark.parametrize("transform", ["km", "rank", "identity"])
@pytest.mark.parametrize("at", [0.0, 5.0])
def test_deaths_at_one_time_tell_nothing_of_a_trend(transform: str, at: float) -> None:
    fit = cox(X, np.full(len(TIME), at), EVENT)
    with pytest.raises(NotEnoughData, match="one time"):
        cox_zph(fit, transform)


def test_time_zero_counts_like_any_time() -> None:
    shifted = cox(X, TIME - 1, EVENT)
    assert shifted.coefficients == pytest.approx(cox(X, TIME, EVENT).coefficients, rel=1e-12)
    with pytest.raises(BadInput, match="time 0"):
        cox_zph(shifted, "log")


def test_no_columns_is_the_null_model() -> None:
    fit = cox(np.empty((6, 0)), TIME, EVENT)
    assert fit.loglik == pytest.approx((cox(X, TIME, EVENT).loglik[0],) * 2)
    assert martingale(fit).sum() == pytest.approx(0, abs=1e-12)


def test_few_events_per_coefficient_is_said() -> None:
    assert any("4 events for 1 coefficients" in w for w in cox(X, TIME, EVENT).warnings)


def test_frame_gives_the_names() -> None:
    fit = cox(pd.DataFrame({"mutant": X}), TIME, EVENT)
    assert fit.table()["term"].tolist() == ["mutant"]


def test_curve_wants_a_stratum_that_exists() -> None:
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=40), rng.exponential(size=40)
    fit = cox(x, t, np.ones(40), strata=np.repeat(["lung", "skin"], 20))
    with pytest.raises(BadInput, match="Which stratum"):
        survival_curve(fit, [[0]])
    with pytest.raises(BadInput, match="no stratum of this model"):
        survival_curve(fit, [[0]], stratum="brain")
    alone = survival_curve(fit, [[0.0]], stratum="lung")
    assert alone.times.tolist() == sorted(t[:20])
