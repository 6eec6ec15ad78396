"""What must hold for every data set, and agreement with a likelihood written as plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.stats.cox import cox
from core.stats.cox_moments import moments
from core.stats.cox_residuals import martingale, schoenfeld, score_residuals
from core.stats.cox_risk import risk_sets
from core.stats.firth import half_log_det, penalty_gradient
from core.stats.zph import cox_zph

Data = dict[str, Any]


@st.composite
def data(draw: st.DrawFn, everything: bool = True) -> Data:
    """Small cohorts with ties and zero times, where the model is estimable."""
    n = draw(st.integers(30, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = np.column_stack([rng.normal(size=n), rng.permutation(np.arange(n) % 2)])
    time = np.floor(rng.exponential(6 * np.exp(-0.4 * x[:, 0])) * draw(st.sampled_from([1, 3])))
    out: Data = {"X": x, "time": time, "event": (rng.random(n) < 0.75).astype(float)}
    out["ties"] = draw(st.sampled_from(["efron", "breslow"]))
    if everything:
        if draw(st.booleans()):
            out["strata"] = rng.integers(0, 3, n)
        if draw(st.booleans()):
            out["weights"] = rng.uniform(0.2, 3, n)
        if draw(st.booleans()):
            out["entry"] = time - rng.integers(1, 16, n)
        if draw(st.booleans()):
            out["offset"] = rng.normal(size=n)
    assume(cox(**out).converged)
    return out


def looped_loglik(beta: Any, d: Data) -> float:
    """The log partial likelihood as its definition reads."""
    x, time, event = d["X"], d["time"], d["event"]
    n = len(time)
    strata, w = d.get("strata", np.zeros(n)), d.get("weights", np.ones(n))
    entry, eta = d.get("entry", np.full(n, -np.inf)), x @ beta + d.get("offset", 0)
    total = 0.0
    for s in np.unique(strata):
        for t in np.unique(time[(event == 1) & (strata == s)]):
            dead = (event == 1) & (strata == s) & (time == t)
            risk = (strata == s) & (time >= t) & (entry < t)
            m, all_risk = dead.sum(), (w * np.exp(eta))[risk].sum()
            own = (w * np.exp(eta))[dead].sum() if d["ties"] == "efron" else 0.0
            total += (w * eta)[dead].sum()
            for j in range(m):
                total -= w[dead].mean() * np.log(all_risk - j / m * own)
    return float(total)


def sorted_sets(d: Data) -> Any:
    how = {k: d[k] for k in ("ties", "entry", "weights", "offset") if k in d}
    return risk_sets(d["X"], d["time"], d["event"] == 1, stratum=d.get("strata"), **how)


@settings(max_examples=60, deadline=None)
@given(data(), st.floats(-1, 1), st.floats(-1, 1))
def test_likelihood_score_and_information_equal_the_definition(d: Data, a: float, b: float) -> None:
    codes = np.unique(d.get("strata", np.zeros(1)), return_inverse=True)[1]
    if "strata" in d:
        d["strata"] = codes
    sets, beta, h = sorted_sets(d), np.array([a, b]), 1e-4
    at = moments(sets, beta * sets.scale)
    assert at.loglik == pytest.approx(looped_loglik(beta, d), rel=1e-11, abs=1e-9)
    numeric = [
        (looped_loglik(beta + e, d) - looped_loglik(beta - e, d)) / (2 * h) for e in np.eye(2) * h
    ]
    assert at.score() * sets.scale == pytest.approx(numeric, rel=1e-5, abs=1e-5)
    centre = beta * sets.scale
    above, below = (
        np.array([moments(sets, centre + side * e).score() for e in np.eye(2) * h])
        for side in (1, -1)
    )
    change = (above - below) / (2 * h)
    assert -change == pytest.approx(at.information(), rel=1e-5, abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(data(), st.floats(-1, 1))
def test_firth_gradient_is_the_derivative_of_the_penalty(d: Data, a: float) -> None:
    if "strata" in d:
        d["strata"] = np.unique(d["strata"], return_inverse=True)[1]
    sets, beta, h = sorted_sets(d), np.array([a, -a]), 1e-5
    at = moments(sets, beta)

    def penalty(v: Any) -> float:
        return half_log_det(moments(sets, v).information(), sets.scale)

    numeric = [(penalty(beta + e) - penalty(beta - e)) / (2 * h) for e in np.eye(2) * h]
    assert penalty_gradient(at, at.information()) == pytest.approx(numeric, rel=1e-5, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(data(), st.sampled_from([1 / 30.4375, 12.0, 1000.0]))
def test_unit_of_time_does_not_matter(d: Data, factor: float) -> None:
    scaled = d | {"time": d["time"] * factor}
    if "entry" in d:
        scaled["entry"] = d["entry"] * factor
    one, two = cox(**d), cox(**scaled)
    assert two.coefficients == pytest.approx(one.coefficients, rel=1e-9, abs=1e-12)
    assert two.std_errors == pytest.approx(one.std_errors, rel=1e-9)
    z1, z2 = cox_zph(one, "km").table, cox_zph(two, "km").table
    assert z2["chi_square"].to_numpy() == pytest.approx(z1["chi_square"].to_numpy(), rel=1e-8)


@settings(max_examples=40, deadline=None)
@given(data())
def test_swapping_the_groups_inverts_the_hazard_ratio(d: Data) -> None:
    swapped = d["X"].copy()
    swapped[:, 1] = 1 - swapped[:, 1]
    one, two = cox(**d).table(), cox(**(d | {"X": swapped})).table()
    hr, flipped = one.loc[1], two.loc[1]
    assert flipped["hazard_ratio"] == pytest.approx(1 / hr["hazard_ratio"], rel=1e-9)
    assert flipped["ci_lower"] == pytest.approx(1 / hr["ci_upper"], rel=1e-9)
    assert flipped["p_value"] == pytest.approx(hr["p_value"], rel=1e-7, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(data(), st.integers(0, 2**32 - 1))
def test_order_of_rows_does_not_matter(d: Data, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(d["time"]))
    mixed = {k: v if k == "ties" else v[order] for k, v in d.items()}
    one, two = cox(**d, robust=True), cox(**mixed, robust=True)
    assert two.coefficients == pytest.approx(one.coefficients, rel=1e-9, abs=1e-12)
    assert two.covariance == pytest.approx(one.covariance, rel=1e-8, abs=1e-12)
    assert martingale(two) == pytest.approx(martingale(one)[order], rel=1e-8, abs=1e-10)
    assert score_residuals(two) == pytest.approx(score_residuals(one)[order], rel=1e-8, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(data())
def test_two_halves_of_a_patient_are_one_patient(d: Data) -> None:
    """With Breslow's ties. Efron's treats the halves as two tied deaths, in R too."""
    twice = {k: v if k == "ties" else np.concatenate([v, v]) for k, v in d.items()}
    weights = d.get("weights", np.ones(len(d["time"])))
    twice |= {"weights": np.tile(weights, 2) / 2, "ties": "breslow"}
    ids = np.tile(np.arange(len(weights)), 2)
    one = cox(**(d | {"ties": "breslow"}), robust=True)
    two = cox(**twice, cluster=ids)
    assert two.coefficients == pytest.approx(one.coefficients, rel=1e-9, abs=1e-12)
    assert two.naive_covariance == pytest.approx(one.naive_covariance, rel=1e-9, abs=1e-14)
    assert two.covariance == pytest.approx(one.covariance, rel=1e-8, abs=1e-13)
    assert two.loglik == pytest.approx(one.loglik, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(data())
def test_whole_weights_are_copies_under_breslow(d: Data) -> None:
    k = 1 + (np.arange(len(d["time"])) % 3)
    d = {q: v for q, v in d.items() if q != "weights"} | {"ties": "breslow"}
    copied = {q: v if q == "ties" else np.repeat(v, k, axis=0) for q, v in d.items()}
    one, two = cox(**d, weights=k), cox(**copied)
    assert one.coefficients == pytest.approx(two.coefficients, rel=1e-9, abs=1e-12)
    assert one.std_errors == pytest.approx(two.std_errors, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(data())
def test_residuals_sum_to_zero(d: Data) -> None:
    fit = cox(**d)
    w = d.get("weights", np.ones(len(d["time"])))
    assert (w * martingale(fit)).sum() == pytest.approx(0, abs=1e-9)
    assert score_residuals(fit, weighted=True).sum(axis=0) == pytest.approx([0, 0], abs=1e-7)
    found = schoenfeld(fit)
    assert (w[found.row, None] * found.residuals).sum(axis=0) == pytest.approx([0, 0], abs=1e-7)


@settings(max_examples=25, deadline=None)
@given(data(everything=False), st.floats(0.1, 50), st.floats(-100, 100))
def test_unit_and_origin_of_a_covariate(d: Data, scale: float, shift: float) -> None:
    x = d["X"].copy()
    x[:, 0] = x[:, 0] * scale + shift
    one, two = cox(**d), cox(**(d | {"X": x}))
    assert two.coefficients[0] * scale == pytest.approx(one.coefficients[0], rel=1e-7, abs=1e-10)
    assert two.coefficients[1] == pytest.approx(one.coefficients[1], rel=1e-7, abs=1e-10)
    assert two.loglik == pytest.approx(one.loglik, rel=1e-11)


def test_segment_sums_and_prefix_sums_give_the_same_digits() -> None:
    """Few event times take one path, many the other; both must be the definition."""
    rng = np.random.default_rng(8)
    n = 3000
    x = rng.normal(size=(n, 3))
    for months in (1.0, 1e-9):
        time = np.floor(rng.exponential(10, n) / months) * months
        d = {"X": x, "time": time, "event": (rng.random(n) < 0.6).astype(float), "ties": "breslow"}
        sets = sorted_sets(d)
        at = moments(sets, np.zeros(3))
        risk = time[None, :] >= sets.group_time[:, None]
        assert at.s1 == pytest.approx(sets.x @ risk[:, sets.order].T, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("months", [1.0, 1e-9])
def test_sums_within_strata_are_the_definition(months: float) -> None:
    """Also where a stratum has no event, and where its longest follow-up is censored."""
    rng = np.random.default_rng(9)
    n = 4000
    stratum = rng.integers(0, 4, n)
    event = ((rng.random(n) < 0.6) & (stratum != 2)).astype(float)
    time = np.floor(rng.exponential(8, n) / months) * months
    x = rng.normal(size=(n, 3))
    d = {"X": x, "time": time, "event": event, "strata": stratum, "ties": "efron"}
    sets = sorted_sets(d)
    at = moments(sets, np.zeros(3))
    here = stratum[sets.order][None, :] == sets.group_stratum[:, None]
    risk = here & (sets.time[None, :] >= sets.group_time[:, None])
    died = here & sets.event[None, :] & (sets.time[None, :] == sets.group_time[:, None])
    assert at.s1 == pytest.approx(sets.x @ risk.T, rel=1e-9, abs=1e-9)
    assert at.d1 == pytest.approx((sets.x @ died.T)[:, sets.tied], rel=1e-9, abs=1e-9)
    lived = (at.hazard @ risk) - (at.power(1, 1) @ died)
    assert at.cumulative_hazard == pytest.approx(lived, rel=1e-9, abs=1e-12)
