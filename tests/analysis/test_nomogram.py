"""The nomogram's building, validation and cut: who is left out, what is refused, what is locked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.analysis.covariates import Covariate
from core.analysis.nomogram import Choice, build_nomogram, build_question
from core.analysis.nomogram_check import (
    affordable,
    apparent,
    correct,
    followed,
    validate_in,
    validation_question,
)
from core.analysis.nomogram_cure import cure_model, cure_prediction
from core.analysis.nomogram_cut import HIGH, at_percentile, cut_score
from core.compute import HERE
from core.model import BadInput, Filters, NotEnoughData, Stratifier
from core.stats.cure import mixture_cure
from core.store import Store
from tests.report.test_nomogram_code import PREDICTORS, built

LABELS = ["Age", "TMB", "Cancer type", "Sex"]


def frames(n: int = 500, seed: int = 4) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = built(n=n, seed=seed).rows.reset_index(drop=True)
    return rows[["cohort_id", "time_months", "event"]], rows[LABELS]


def fit(frame: pd.DataFrame, columns: pd.DataFrame, choice: Choice | None = None):
    covariates = [Covariate(v) for v in PREDICTORS]
    return build_nomogram(frame, columns, covariates, choice or Choice(), title="ALK")


def test_predictions_add_up_to_the_points_of_each_predictor() -> None:
    build = built()
    points = build.model.points(build.rows)
    np.testing.assert_allclose(points.total, build.rows.total_points, atol=1e-9)
    survival = build.model.predict(build.rows).survival_12
    read = build.model.scales.survival_at(build.rows.total_points)[:, 0]
    np.testing.assert_allclose(survival, read, rtol=1e-9)


def test_rare_levels_are_pooled_or_left_out_with_words() -> None:
    pooled = built()
    assert "other" in pooled.model.predictors[2].levels
    assert any("stand together as other: Anal" in w for w in pooled.warnings)
    frame, columns = frames(200)
    columns.loc[:, "Cancer type"] = np.where(np.arange(len(columns)) < 3, "Anal", "Lung")
    columns.loc[50:120, "Cancer type"] = "Melanoma"
    build = fit(frame, columns)
    assert any("3 patients" in w and "left out: Anal 3" in w for w in build.warnings)
    assert build.model.n == len(frame) - 3


def test_predictor_missing_in_a_whole_cohort_is_told() -> None:
    frame, columns = frames()
    columns.loc[frame.cohort_id == "b", "Age"] = np.nan
    build = fit(frame, columns)
    assert build.cohorts.set_index("cohort").complete["b"] == 0
    assert any("Whole cohorts" in w and "no Age" in w for w in build.warnings)
    without = build_nomogram(
        frame, columns[LABELS[1:]], [Covariate(v) for v in PREDICTORS[1:]], Choice(), title="ALK"
    )
    assert without.model.n == len(frame)


def test_predictor_missing_everywhere_is_an_answer() -> None:
    frame, columns = frames()
    columns["Age"] = np.nan
    with pytest.raises(NotEnoughData, match="every predictor") as caught:
        fit(frame, columns)
    assert "Age missing in" in caught.value.found


def test_separation_gets_a_finite_estimate_and_words() -> None:
    frame, columns = frames()
    spared = np.arange(len(frame)) < 40
    columns.loc[:, "Cancer type"] = np.where(spared, "Melanoma", "Lung")
    build = fit(frame.assign(event=frame.event.where(~spared, 0.0)), columns)
    assert build.firth and np.isfinite(build.model.cox.coefficients).all()
    assert any("separates" in w for w in build.warnings)
    checked = correct(build, draws=5)
    assert checked.optimism is None and "Firth" in checked.why


def test_what_the_study_says_already_leaves_a_stratified_model() -> None:
    frame, columns = frames()
    columns.loc[:, "Cancer type"] = np.where(frame.cohort_id == "a", "Lung", "Melanoma")
    build = fit(frame, columns, Choice(stratified=True))
    assert "Cancer type" not in [p.label for p in build.model.predictors]
    assert any("Cancer type cannot be told" in w for w in build.warnings)
    assert build.model.stratum in ("a", "b") and any("baseline" in w for w in build.warnings)


def test_level_never_seen_is_left_out_or_read_as_reference() -> None:
    model = built().model
    frame, columns = frames(seed=9)
    common = columns["Cancer type"].isin(["Lung", "Melanoma"])
    frame, columns = frame[common].reset_index(drop=True), columns[common].reset_index(drop=True)
    columns.loc[:29, "Cancer type"] = "Glioma"
    out = validate_in(model, frame, columns)
    guessed = validate_in(model, frame, columns, unseen="reference")
    assert not isinstance(out, str) and not isinstance(guessed, str)
    assert (out.n, guessed.n) == (len(frame) - 30, len(frame))
    assert any("Glioma 30" in w and "left out" in w for w in out.warnings)
    assert any("a guess" in w for w in guessed.warnings)
    assert out.flow.n.iloc[-1] == out.n


def test_validation_cohort_with_ten_events_draws_no_curve() -> None:
    frame, columns = frames(seed=9)
    kept = frame.index[frame.event == 1][:10].union(frame.index[frame.event == 0][:60])
    found = validate_in(built().model, frame.loc[kept], columns.loc[kept])
    assert not isinstance(found, str)
    assert found.events == 10 and found.calibration == () and found.scores.empty
    assert any("10 events: too few" in w for w in found.warnings)
    assert 0 < found.c_index.c < 1


def test_validation_cohort_without_a_predictor_is_a_sentence() -> None:
    frame, columns = frames(seed=9)
    found = validate_in(built().model, frame, columns.assign(Age=np.nan))
    assert isinstance(found, str) and "Age is missing in every patient" in found


def test_recalibration_removes_what_is_wrong_as_a_whole() -> None:
    model = built().model
    frame, columns = frames(n=1500, seed=9)
    found = validate_in(model, frame.assign(time_months=frame.time_months / 2), columns)
    assert not isinstance(found, str) and found.large is not None
    table = found.recalibrated.set_index("model")
    assert found.large.ratio_lower > 1.3
    assert table.ici_12.iloc[1] < 0.5 * table.ici_12.iloc[0]
    assert table.ratio.iloc[1] == found.large.ratio


def test_calibrated_in_its_own_patients() -> None:
    own = apparent(built())
    assert own.large is not None
    assert own.large.ratio == pytest.approx(1, abs=0.01)
    assert own.large.slope == pytest.approx(1, abs=1e-6)


def test_cut_is_found_in_discovery_and_locked_for_validation() -> None:
    build, other = built(), built(seed=9)
    cut = cut_score(build.rows, other.rows, draws=199, boots=20)
    again = cut_score(build.rows, None, draws=199, boots=20)
    assert cut.cut == again.cut and again.validation is None
    assert cut.selected is not None and cut.selected.p_naive < cut.selected.p_lausen92
    assert cut.interval[0] <= cut.cut <= cut.interval[1]
    assert cut.validation is not None
    high = (other.rows.total_points > cut.cut).sum()
    assert (cut.validation.rows.group == HIGH).sum() == high
    assert cut.discovery.hazard_ratios.hazard_ratio.iloc[0] < 1


def test_own_cut_is_not_corrected_and_must_split() -> None:
    build = built()
    at = at_percentile(build.rows, 0.3)
    cut = cut_score(build.rows, None, own=at)
    assert cut.selected is None and cut.percentile == pytest.approx(0.3, abs=0.01)
    with pytest.raises(BadInput, match="on one side"):
        cut_score(build.rows, None, own=1e6)


def test_times_beyond_follow_up_are_refused() -> None:
    frame, columns = frames()
    with pytest.raises(NotEnoughData, match="followed as long"):
        fit(frame, columns, Choice(times=(400.0,)))


def test_table_of_strangers_is_refused_or_left_blank() -> None:
    model = built().model
    with pytest.raises(BadInput, match="lacks columns"):
        model.predict(pd.DataFrame({"Age": [50]}))
    row = {"Age": ["old"], "TMB": [0], "Cancer type": ["Lung"], "Sex": ["male"]}
    with pytest.raises(BadInput, match="Age is not a number"):
        model.predict(pd.DataFrame(row))


def test_question_takes_discovery_and_tests_validation(simulated: Store) -> None:
    build = build_question(simulated, Filters(roles=("validation",)), Stratifier())
    assert "discovery cohorts" in build.sentence and build.model.simulated
    found = validation_question(simulated, Filters(), build)
    assert not isinstance(found, str)
    assert not set(found.rows.patient_key) & set(build.rows.patient_key)
    nobody = validation_question(simulated, Filters(cohorts=("hugo_2016",)), build)
    assert isinstance(nobody, str) and "not validated" in nobody


def test_gene_asked_about_is_a_predictor_once(simulated: Store) -> None:
    choice = Choice(predictors=("age_years", "gene:TP53"))
    build = build_question(simulated, Filters(), Stratifier(genes=("TP53",)), choice=choice)
    assert [p.label for p in build.model.predictors] == ["Age", "TP53"]
    with pytest.raises(BadInput, match="No predictor"):
        nothing = replace(choice, predictors=(), with_gene=False)
        build_question(simulated, Filters(), Stratifier(), choice=nothing)


def test_cure_model_tells_a_plateau_and_who_reaches_it() -> None:
    rng = np.random.default_rng(5)
    n = 900
    x = np.column_stack([rng.normal(size=n), rng.random(n) < 0.5]).astype(float)
    dies = rng.random(n) < 1 / (1 + np.exp(-(0.4 - 1.2 * x[:, 1])))
    death = rng.weibull(1.3, n) * 12 * np.exp(-0.5 * x[:, 0] / 1.3)
    end = rng.uniform(40, 120, n)
    time = np.where(dies, np.minimum(death, end), end)
    fit = mixture_cure(x, time, dies & (death <= end), ["a", "b"])
    assert fit.p_follow_up < 0.01 and fit.warnings == ()
    assert fit.cured == pytest.approx((~dies).mean(), abs=0.02)
    assert fit.aic < fit.uncured_aic - 100
    table = fit.table().set_index("name")
    assert table.odds_lower["b"] < np.exp(-1.2) < table.odds_upper["b"]
    assert table.hazard_lower["a"] < np.exp(0.5) < table.hazard_upper["a"]
    assert table.odds_p["a"] > 0.01 and table.hazard_p["b"] > 0.01
    # the plateau is the cured share, whatever the units of the covariates
    np.testing.assert_allclose(fit.predict(x[:4], [1e6])[:, 0], fit.cured_share(x[:4]))
    again = mixture_cure(x * [10, 1] + [7, 0], time, dies & (death <= end), ["a", "b"])
    assert again.loglik == pytest.approx(fit.loglik, abs=1e-6)
    assert again.theta[1] == pytest.approx(fit.theta[1] / 10, rel=1e-4)
    low, high, share = fit.intervals(x[0], [12.0, 60.0])
    seen = fit.predict(x[:1], [12.0, 60.0])[0]
    assert (low < seen).all() and (seen < high).all()
    assert share[0] < fit.cured_share(x[:1])[0] < share[1]


def test_cure_model_needs_deaths_and_says_where_follow_up_is_short() -> None:
    build = built()
    cure = cure_model(build)
    assert any("Follow-up may be too short" in w for w in cure.warnings) == (
        cure.fit.p_follow_up > 0.05
    )
    few = replace(build, sample=replace(build.sample, event=build.sample.event & (
        np.arange(len(build.sample.event)) < 40)))  # fmt: skip
    with pytest.raises(NotEnoughData, match="Too few deaths") as caught:
        cure_model(few)
    assert "5 for each of its" in caught.value.expected
    patient = build.rows.iloc[[3]]
    found = cure_prediction(build, cure, patient)
    assert {0.0, 12.0, 24.0} <= set(found.curve.time) and found.curve.survival.iloc[0] == 1
    assert found.curve.survival.is_monotonic_decreasing


def test_uploaded_table_with_follow_up_is_a_validation() -> None:
    build, other = built(), built(seed=9)
    table = other.rows[[*LABELS, "time_months", "event"]].reset_index(drop=True).astype(object)
    table.loc[3, "time_months"] = None
    found = validate_in(build.model, followed(table), table[LABELS], name="table.csv")
    assert not isinstance(found, str) and found.n == len(table) - 1
    direct = validate_in(build.model, other.rows, other.rows[LABELS])
    assert not isinstance(direct, str)
    assert found.c_index.c == pytest.approx(direct.c_index.c, abs=0.01)
    for column, value in (("time_months", "-1"), ("event", "2"), ("event", "dead")):
        with pytest.raises(BadInput, match=column) as caught:
            followed(table.assign(**{column: value}))
        assert value in caught.value.found


def test_fewer_resamples_are_drawn_of_very_many_patients() -> None:
    assert affordable(200, 3_000) == 200 and affordable(20, 3_000) == 20
    assert 20 < affordable(200, 12_000) < 200 and affordable(200, 120_000) == 20


def test_resamples_stop_where_they_are_told_to() -> None:
    build, told = fit(*frames(300)), []

    def leave(what: str, done: float) -> None:
        told.append(done)
        raise InterruptedError

    for work in (
        lambda: correct(build, draws=200, place=HERE, progress=leave),
        lambda: cut_score(build.rows, None, progress=leave),
    ):
        with pytest.raises(InterruptedError):
            work()
    assert len(told) == 2 and max(told) < 0.2
