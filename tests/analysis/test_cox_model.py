"""Cox models beside covariates: planted truth, who is left out, and what is warned of."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.analysis.covariates import Covariate, covariate_columns, model_terms
from core.analysis.cox_model import CoxModel, cox_question, fit_cox_model
from core.analysis.survival import MIN_PATIENTS, survival_question
from core.model import BadInput, Filters, NotEnoughData, Split, Stratifier, UnknownGene
from core.stats.cox import cox
from core.stats.cox_terms import Categorical, Continuous, fit_terms
from core.stats.profile import profile_interval
from core.store import Store

ORDER = ("wild type", "mutant")


def people(n: int = 2400, *, seed: int = 4, gene: float = 0.0, tmb: float = -0.5) -> pd.DataFrame:
    """The gene is mutated the more often the higher TMB is; log hazards are ``gene``, ``tmb``."""
    draw = np.random.default_rng(seed)
    z = draw.normal(size=n)
    mutant = draw.random(n) < 1 / (1 + np.exp(2.0 - 1.5 * z))
    age = draw.normal(62, 10, n).round()
    cohort = draw.choice(["a", "b", "c"], n)
    log_hazard = gene * mutant + tmb * z + 0.02 * (age - 62) + 0.5 * (cohort == "b")
    death = draw.exponential(15 / np.exp(log_hazard))
    censor = draw.uniform(5, 60, n)
    return pd.DataFrame(
        {
            "group": np.where(mutant, "mutant", "wild type"),
            "time_months": np.minimum(death, censor).round(2),
            "event": (death <= censor).astype(float),
            "cohort_id": cohort,
            "tmb_z": z,
            "tmb_per_mb": 2 ** (z + 3),
            "age_years": age,
            "sex": draw.choice(["male", "female"], n),
            "tumor_type": draw.choice(["Melanoma", "Glioma"], n),
        }
    )


def fitted(rows: pd.DataFrame, *covariates: Covariate, **options: object) -> CoxModel:
    source = {"tmb": "tmb_z", "age_years": "age_years"}
    columns = pd.DataFrame(
        {c.label: rows[source.get(c.variable, c.variable)] for c in covariates}, index=rows.index
    )
    how: dict = {"title": "ALK", "strata": ("cohort_id",), **options}
    return fit_cox_model(rows, columns, covariates, ORDER, **how)


def gene(table: pd.DataFrame) -> pd.Series:
    return table[table.variable == "ALK"].iloc[-1]


AGE, TMB, SEX = Covariate("age_years"), Covariate("tmb"), Covariate("sex")


def test_a_gene_that_acts_only_through_tmb_loses_its_effect() -> None:
    result = fitted(people(), AGE, TMB, SEX)
    raw, adjusted = gene(result.univariable), gene(result.multivariable)
    assert raw.ci_upper < 0.85, "confounded by design"
    assert adjusted.ci_lower < 1 < adjusted.ci_upper


def test_a_gene_that_acts_on_its_own_keeps_its_effect() -> None:
    result = fitted(people(gene=-0.6), AGE, TMB, SEX)
    adjusted = gene(result.multivariable)
    assert adjusted.ci_lower < np.exp(-0.6) < adjusted.ci_upper < 1
    assert result.added_value.p_value < 0.001


def test_planted_covariates_are_recovered_in_their_units() -> None:
    table = fitted(people(6000), AGE, TMB).multivariable.set_index("variable")
    for name, truth in (("Age", np.exp(0.2)), ("TMB", np.exp(-0.5))):
        assert table.ci_lower[name] < truth < table.ci_upper[name]


def test_numbers_are_those_of_the_estimator() -> None:
    rows = people(600)
    result = fitted(rows, AGE, SEX)
    direct = fit_terms(
        rows,
        [
            Categorical("group", "wild type", ORDER),
            Continuous("age_years", scale=10),
            Categorical("sex", "female"),
        ],
        "time_months",
        "event",
        strata="cohort_id",
    )
    expected = direct.table()
    np.testing.assert_allclose(result.multivariable.hazard_ratio, expected.hazard_ratio, rtol=1e-12)
    np.testing.assert_allclose(result.multivariable.p_value, expected.p_value, rtol=1e-12)
    assert result.n == 600 and result.events == rows.event.sum()
    alone = fit_terms(rows, [Continuous("age_years", scale=10)], "time_months", "event",
                      strata="cohort_id").table()  # fmt: skip
    assert result.univariable.hazard_ratio[1] == pytest.approx(alone.hazard_ratio[0], rel=1e-12)


def test_a_study_without_a_covariate_is_lost_and_named() -> None:
    rows = people()
    rows.loc[rows.cohort_id == "b", "age_years"] = np.nan
    rows.loc[rows.index[:10], "sex"] = None
    result = fitted(rows, AGE, SEX, cohort_names={"b": "Riaz 2017"})
    assert any("Riaz 2017 (no Age)" in w for w in result.warnings)
    loss = result.loss.set_index("variable")
    lost = rows.age_years.isna() | rows.sex.isna()
    assert loss.missing["Age"] == rows.age_years.isna().sum()
    assert loss.only_this["Age"] == (rows.age_years.isna() & rows.sex.notna()).sum()
    assert loss.whole_cohorts["Age"] == ("Riaz 2017",) and loss.whole_cohorts["Sex"] == ()
    assert result.n == len(rows) - lost.sum() == result.flow.n.iloc[-1]
    assert result.flow.lost.iloc[-1] == lost.sum()
    assert "b" not in set(result.rows.cohort_id)


def test_univariable_models_may_take_the_same_patients() -> None:
    rows = people()
    rows.loc[rows.cohort_id == "b", "age_years"] = np.nan
    own, same = fitted(rows, AGE), fitted(rows, AGE, same_patients=True)
    assert gene(own.univariable)["of"] == len(rows)
    assert gene(same.univariable)["of"] == same.n < len(rows)


def test_sparse_levels_stand_together_and_are_named() -> None:
    rows = people()
    rows.loc[rows.index[:4], "tumor_type"] = "Anal Cancer"
    rows.loc[rows.index[4:10], "tumor_type"] = "Sarcoma"
    result = fitted(rows, Covariate("tumor_type"))
    levels = result.multivariable[result.multivariable.group == "Cancer type"].label.tolist()
    assert sorted(levels) == ["Glioma", "Melanoma", "other"]
    assert any("Anal Cancer, Sarcoma" in w for w in result.warnings)
    other = result.multivariable[result.multivariable.label == "other"].iloc[0]
    assert other.n == 10


def test_a_level_without_an_event_has_a_word_and_leaves_the_rest_alone() -> None:
    rows = people(900)
    odd = rows.index[:30]
    rows.loc[odd, "tumor_type"] = "Thymoma"
    rows.loc[odd, "event"] = 0.0
    result = fitted(rows, Covariate("tumor_type"))
    row = result.multivariable[result.multivariable.label == "Thymoma"].iloc[0]
    assert np.isnan(row.hazard_ratio) and row.note == "no event" and row.n == 30
    without = fitted(rows.drop(odd), Covariate("tumor_type"))
    assert gene(result.multivariable).hazard_ratio == pytest.approx(
        gene(without.multivariable).hazard_ratio, rel=1e-6
    )
    assert result.terms.set_index("variable").p_value.notna().all()


def test_the_reference_level_is_the_one_chosen() -> None:
    rows = people(900)
    one = fitted(rows, Covariate("sex", reference="male")).multivariable.set_index("variable")
    two = fitted(rows, Covariate("sex", reference="female")).multivariable.set_index("variable")
    assert "female, against male" in one.label["Sex"]
    assert one.hazard_ratio["Sex"] == pytest.approx(1 / two.hazard_ratio["Sex"], rel=1e-9)


def test_a_small_arm_gets_firth_and_no_p_value() -> None:
    rows = people(400)
    few = rows[rows.group == "mutant"].head(6)
    result = fitted(pd.concat([rows[rows.group == "wild type"], few]), AGE)
    row = gene(result.multivariable)
    assert np.isnan(row.p_value) and "Firth" in row.note and np.isfinite(row.hazard_ratio)
    assert any("Firth" in w for w in result.warnings)
    swapped = rows.assign(group=rows.group.map({"mutant": "wild type", "wild type": "mutant"}))
    few = swapped[swapped.group == "wild type"].head(6)
    small_reference = pd.concat([swapped[swapped.group == "mutant"], few])
    assert np.isnan(gene(fitted(small_reference, AGE).multivariable).p_value)


def test_collinear_covariates_and_few_events_are_warned_of() -> None:
    rows = people(300)
    rows["tumor_type"] = np.where(rows.sex == "male", "Melanoma", "Glioma")
    rows.loc[rows.index[:3], "tumor_type"] = "Glioma"
    result = fitted(rows, SEX, Covariate("tumor_type"))
    assert any("collinearity" in w for w in result.warnings)
    short = fitted(people(45), AGE, SEX, TMB)
    assert any("per coefficient" in w for w in short.warnings)
    assert short.events_per_coefficient == short.events / 4


def test_an_effect_that_fades_is_warned_of() -> None:
    draw = np.random.default_rng(5)
    n = 1500
    mutant = draw.random(n) < 0.4
    early = draw.exponential(np.where(mutant, 40.0, 10.0))
    late = 8 + draw.exponential(np.where(mutant, 8.0, 30.0))
    time = np.where(early < 8, early, late)
    rows = pd.DataFrame(
        {
            "group": np.where(mutant, "mutant", "wild type"),
            "time_months": np.minimum(time, 60),
            "event": (time < 60).astype(float),
            "cohort_id": "a",
            "age_years": draw.normal(60, 9, n),
        }
    )
    assert any("changes over time" in w for w in fitted(rows, AGE).warnings)
    assert not any("changes over time" in w for w in fitted(people(), AGE).warnings)


def test_score_that_ranks_patients_has_the_better_c() -> None:
    result = fitted(people(gene=-1.0), AGE)
    assert result.c_index_without is not None
    assert result.c_index.c > result.c_index_without.c > 0.5


@pytest.mark.parametrize("coding", ["z", "linear", "log2", "spline", "cut"])
def test_every_coding_of_tmb_answers(simulated: Store, coding: str) -> None:
    result = cox_question(simulated, Filters(), Stratifier(), covariates=[Covariate("tmb", coding)])
    row = result.multivariable[result.multivariable.variable == "TMB"].iloc[-1]
    assert np.isfinite(row.hazard_ratio) and row.ci_lower < row.hazard_ratio < row.ci_upper


def test_unknown_codings_covariates_and_genes_are_told(simulated: Store) -> None:
    for wrong, error in (
        (Covariate("tmb", "cubed"), BadInput),
        (Covariate("shoe_size"), BadInput),
        (Covariate("gene:NOTAGENE"), UnknownGene),
    ):
        with pytest.raises(error) as told:
            cox_question(simulated, Filters(), Stratifier(), covariates=[wrong])
        assert told.value.remedy


def test_the_question_leaves_out_the_gene_itself_and_the_strata(simulated: Store) -> None:
    result = cox_question(
        simulated,
        Filters(),
        Stratifier(genes=("TP53",)),
        covariates=[Covariate("gene:TP53"), SEX, Covariate("gene:KRAS"), Covariate("gene:KRAS")],
        strata=("cohort_id", "sex"),
    )
    assert result.adjusted_for == ("KRAS",)
    assert "stratified by study and sex" in result.methods


def test_not_profiled_is_missing_not_wild_type(simulated: Store) -> None:
    frame = simulated.patients(Filters(), "OS")
    columns = covariate_columns(simulated, frame, [Covariate("gene:ALK")], Stratifier().classes)
    status = simulated.mutation_status("ALK")[frame.patient_key.to_numpy()]
    assert columns.ALK.isna().sum() == (status == -1).sum() > 0
    assert (columns.ALK == "mutant").sum() == (status == 1).sum()


def test_flow_ends_at_the_patients_analysed(simulated: Store) -> None:
    result = cox_question(simulated, Filters(), Stratifier())
    flow = result.flow
    assert flow.n.iloc[-1] == result.n == len(result.rows)
    assert (flow.n.shift(1).iloc[1:] - flow.lost.iloc[1:] == flow.n.iloc[1:]).all()
    assert not result.rows.patient_key.duplicated().any()


def test_another_mutation_of_the_gene_is_not_called_not_profiled(simulated: Store) -> None:
    calls = simulated.mutations("TP53").protein_position.dropna().astype(int)
    residue = Stratifier(Split.POSITION, ("TP53",), position=str(calls.mode()[0]))
    told = cox_question(simulated, Filters(), residue, covariates=()).flow
    survival = survival_question(simulated, Filters(), residue).flow
    assert told.step.tolist()[:-1] == survival.step.tolist()
    assert told.lost.tolist()[:-1] == survival.lost.tolist()
    assert "another TP53 mutation" in told.step.tolist()


def test_nobody_left_is_told_with_the_covariate_to_leave_out() -> None:
    rows = people(300)
    rows.loc[rows.group == "mutant", "age_years"] = np.nan
    with pytest.raises(NotEnoughData) as told:
        fitted(rows, AGE)
    assert "Leave out Age" in told.value.remedy


def test_levels_mean_the_same_in_both_models() -> None:
    columns = pd.DataFrame({"Cancer type": ["x"] * 30 + ["y"] * 9 + ["z"] * 12})
    complete = np.array([True] * 39 + [False] * 12)
    ready, terms = model_terms(columns, [Covariate("tumor_type")], complete)
    assert terms[0].pooled == ("y", "z") and set(ready["Cancer type"]) == {"x", "other"}


def test_what_splits_the_patients_is_no_covariate_as_well(simulated: Store) -> None:
    """TMB split at its median beside TMB, age beside age, a pair of genes beside one of them."""
    splits = {
        "TMB": Stratifier(Split.NUMBER, feature="tmb_per_mb", cut="median", name="TMB"),
        "Age": Stratifier(Split.NUMBER, feature="age_years", cut="65", name="Age"),
        "Sex": Stratifier(Split.CATEGORY, feature="sex", name="Sex"),
        "TP53": Stratifier(Split.PAIR, genes=("ALK", "TP53")),
    }
    for label, split in splits.items():
        result = cox_question(simulated, Filters(), split)
        assert label not in result.adjusted_for and len(result.adjusted_for) == 5
        assert result.multivariable.emphasised.any()
    assert any("TP53 is no covariate here" in w for w in result.warnings)


def test_firths_interval_is_the_profile_likelihoods() -> None:
    rows = people(400)
    mutants = rows.index[rows.group == "mutant"]
    few = rows.drop(mutants[MIN_PATIENTS - 2 :])
    shown = gene(fitted(few, TMB).multivariable)
    fit = cox(
        np.column_stack([few.group == "mutant", few.tmb_z]).astype(float),
        few.time_months, few.event, names=["gene", "tmb"], strata=few.cohort_id, penalty="firth",
    )  # fmt: skip
    expected = profile_interval(fit, "gene")
    assert shown.hazard_ratio == pytest.approx(expected.hazard_ratio, rel=1e-6)
    assert shown.ci_lower == pytest.approx(expected.ci_lower, rel=1e-5)
    assert shown.ci_upper == pytest.approx(expected.ci_upper, rel=1e-5)
    assert shown.ci_upper != pytest.approx(float(fit.table().ci_upper[0]), rel=1e-3)
