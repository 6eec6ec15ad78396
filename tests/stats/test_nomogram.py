"""Scales of a nomogram by hand, what they refuse, resamples and net benefit at the edges."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.model import BadInput, NotEnoughData
from core.stats.calibration import calibration, group_cuts, group_of, grouped_survival
from core.stats.concordance import concordance
from core.stats.cox import cox
from core.stats.cox_baseline import survival_curve
from core.stats.cox_bootstrap import Sample, harrell_c, refit, resamples, validate, whole_fit
from core.stats.cox_portable import portable
from core.stats.cox_terms import Categorical, Continuous, Interaction
from core.stats.decision_curve import decision_curve
from core.stats.km import kaplan_meier
from core.stats.nomogram import effects, nomogram, pretty

AGES = pd.Series(np.arange(30.0, 91.0))


def data(n: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    x = np.column_stack([draw.normal(size=n), draw.random(n) < 0.4])
    death = draw.exponential(20 / np.exp(x @ [0.6, -0.5]))
    censor = draw.uniform(5, 50, n)
    return x, np.minimum(death, censor).round(1), (death <= censor).astype(float)


def drawn():
    age = effects(Continuous("age", scale=10.0), [0.5], AGES)
    sex = effects(Categorical("sex", "f", ("f", "m")), [-1.0], pd.Series(["f", "m"]))
    return nomogram([age, sex], [-1.0, 1.0], 2.0, (12.0,), [0.4])


def test_points_by_hand() -> None:
    # age: ticks 30, 35, ..., 90 at 0.05 a year: 3.0 in all, the widest, so 100/3 points a unit
    made = drawn()
    assert made.scale == pytest.approx(100 / 3)
    np.testing.assert_allclose(made.predictors[0].points, np.linspace(0, 100, 13))
    np.testing.assert_allclose(made.predictors[1].points, [100 / 3, 0])
    # no points: age 30, male: 1.5 - 1 - 2 = -1.5
    assert made.offset == pytest.approx(-1.5)
    assert made.survival_at([0.0])[0, 0] == pytest.approx(np.exp(-0.4 * np.exp(-1.5)))


def test_total_points_are_the_sum_of_the_parts() -> None:
    made = drawn()
    parts = made.points_of(5.5, 0) + made.points_of(0.0, 1)  # 110 years old: beyond the axis
    assert made.total_points(5.5 + 0.0 - 2.0) == pytest.approx(float(parts))


@pytest.mark.parametrize("low", [-1e9, -3.2, 0.0, 1e-7, 12.0])
@pytest.mark.parametrize("span", [0.0, 1e-12, 0.3, 7.0, 1e6])
def test_pretty_covers_the_range_in_equal_steps(low: float, span: float) -> None:
    ticks = pretty(low, low + span)
    step = ticks[1] - ticks[0]
    assert ticks[0] <= low + 1e-9 * step and ticks[-1] >= low + span - 1e-9 * step
    noise = 4 * np.finfo(float).eps * max(abs(low), abs(low + span))
    np.testing.assert_allclose(np.diff(ticks), step, rtol=1e-9, atol=noise)


def test_what_has_no_axis_is_refused_with_words() -> None:
    with pytest.raises(BadInput, match="product"):
        effects(Interaction(Continuous("a"), Continuous("b")), [1.0], AGES)
    with pytest.raises(NotEnoughData, match="no finite estimate"):
        effects(Continuous("age"), [np.inf], AGES)
    with pytest.raises(NotEnoughData, match="nothing to draw"):
        nomogram([effects(Continuous("age"), [0.0], AGES)], [0.0], 0.0, (12.0,), [0.1])
    with pytest.raises(BadInput):
        pretty(3.0, 1.0)


@pytest.mark.parametrize("strata", [False, True])
def test_portable_model_predicts_as_the_fit(strata: bool) -> None:
    x, time, event = data()
    by = np.where(np.arange(300) % 3 == 0, "b", "a") if strata else None
    fit = cox(x, time, event, strata=by)
    label = "a" if strata else None
    expected = survival_curve(fit, x[:5], [1.0, 7.0, 20.0], "log-log", stratum=label)
    found = portable(fit).survival(x[:5], [1.0, 7.0, 20.0], label or "")
    for ours, theirs in zip(found, (expected.survival, expected.ci_lower, expected.ci_upper),
                            strict=True):  # fmt: skip
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)
    assert np.isnan(portable(fit).survival(x[:1], [99.0], label or "")[0]).all()


def test_infinite_estimate_cannot_be_carried() -> None:
    x, time, event = data()
    apart = np.column_stack([x[:, 0], (np.arange(300) < 20)])
    with pytest.raises(BadInput, match="infinite"):
        portable(cox(apart, time, np.where(np.arange(300) < 20, 0, event)))


def test_refit_is_the_fit_whatever_the_start() -> None:
    x, time, event = data()
    fit = cox(x, time, event)
    for start in (None, np.array([5.0, -5.0])):
        again = refit(Sample.of(x, time, event), start)
        assert again is not None
        np.testing.assert_allclose(again.coefficients, fit.coefficients, rtol=1e-8)
        assert again.loglik == pytest.approx(fit.loglik)
    assert harrell_c(Sample.of(x, time, event), x[:, 0]) == concordance(time, event, x[:, 0]).c


def test_resample_that_is_the_data_has_no_optimism() -> None:
    x, time, event = data()
    table = validate(Sample.of(x, time, event), np.arange(300)[None]).table.set_index("measure")
    np.testing.assert_allclose(table.loc[["c", "slope", "r2"], "optimism"], 0, atol=1e-9)


def test_resample_without_a_level_is_counted_not_used() -> None:
    x, time, event = data()
    without = np.flatnonzero(x[:, 1] == 0)
    rows = np.stack([np.arange(300), np.resize(without, 300)])
    found = validate(Sample.of(x, time, event), rows)
    assert found.failed == 1 and found.table.n.eq(1).all() and "1 of 2" in found.warnings[0]


def test_pure_noise_is_corrected_towards_chance() -> None:
    rows = []
    for seed in range(4):
        x = np.random.default_rng(seed).normal(size=(120, 10))
        _, time, event = data(120, seed)
        found = validate(Sample.of(x, time, event), resamples(120, 40, seed))
        rows.append(found.table.set_index("measure").loc["c", ["original", "corrected"]])
    original, corrected = np.mean(rows, axis=0)
    assert original > 0.57 and abs(corrected - 0.5) < 0.5 * (original - 0.5)


def test_resamples_stay_within_their_group_and_are_repeatable() -> None:
    group = np.repeat(["a", "b"], [30, 70])
    drawn = resamples(100, 5, 3, group)
    assert (drawn[:, :30] < 30).all() and (drawn[:, 30:] >= 30).all()
    assert (drawn == resamples(100, 5, 3, group)).all()


def test_model_without_a_finite_fit_is_refused() -> None:
    x, time, _ = data()
    with pytest.raises(BadInput, match="cannot be validated"):
        whole_fit(Sample.of(x, time, np.zeros(300)))


def test_grouped_survival_is_kaplan_meier() -> None:
    x, time, event = data()
    survival = 1 / (1 + np.exp(x[:, 0]))
    cuts = group_cuts(survival, 75)
    code = group_of(survival, cuts)
    found = grouped_survival(code, len(cuts) - 1, Sample.of(x, time, event), 10.0)
    for g in range(len(cuts) - 1):
        curve = kaplan_meier(time[code == g], event[code == g])
        assert found[g] == pytest.approx(curve.at([10.0]).survival[0])


def test_calibration_says_what_it_cannot_know() -> None:
    _, time, event = data(60)
    with pytest.raises(NotEnoughData, match="Nobody is followed for 90"):
        calibration(np.full(60, 0.5), time, event, 90.0)
    found = calibration(np.full(60, 0.5), time, event, 10.0)
    assert found.smooth.empty and "smooth" in found.warnings[0]
    with pytest.raises(BadInput):
        calibration(np.full(60, 1.5), time, event, 10.0)


def test_net_benefit_by_hand() -> None:
    # 10 patients, no censoring; risk 0.9 in 4, of whom 3 die by 12, and 0.1 in 6, of whom 1 dies
    time = np.array([5.0, 6, 7, 30, 8, 30, 30, 30, 30, 30])
    event = (time < 12).astype(float)
    risk = np.array([0.9] * 4 + [0.1] * 6)
    table = decision_curve(risk, time, event, 12.0, thresholds=[0.5, 0.95]).table
    assert table.net_benefit[0] == pytest.approx(3 / 10 - 1 / 10)
    assert table.treat_all[0] == pytest.approx(4 / 10 - 6 / 10)
    assert table.net_benefit[1] == 0 and table.treated[1] == 0
    with pytest.raises(NotEnoughData, match="Nobody is followed for 40"):
        decision_curve(risk, time, event, 40.0)
