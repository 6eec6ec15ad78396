"""Subgroups: interaction p-values uniform under none, planted differences found, keys that fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from core.analysis.subgroups import (
    AGE_CUTS,
    FACTORS,
    TMB_CUTS,
    Subgroups,
    bounds,
    compare_subgroups,
    levels,
    subgroups_question,
)
from core.analysis.survival import MIN_EVENTS, MIN_PATIENTS
from core.model import Filters, NotEnoughData, Range, Split, Stratifier
from core.stats.cox import cox
from core.stats.multiple import benjamini_hochberg
from core.store import Store

ORDER = ("wild type", "mutant")


def people(n: int, *, seed: int = 2, effect: float = -0.5, in_men: float = 0.0) -> pd.DataFrame:
    """Mutants have ``effect`` on the log hazard everywhere, and ``in_men`` on top of it in men."""
    draw = np.random.default_rng(seed)
    mutant = draw.random(n) < 0.4
    male = draw.random(n) < 0.5
    cohort = draw.integers(0, 2, n)
    log_hazard = effect * mutant + in_men * (mutant & male) + 0.4 * cohort + 0.3 * male
    death = draw.exponential(15 / np.exp(log_hazard))
    censor = draw.uniform(5, 40, n)
    return pd.DataFrame(
        {
            "group": np.where(mutant, "mutant", "wild type"),
            "time_months": np.minimum(death, censor),
            "event": (death <= censor).astype(float),
            "cohort_id": np.where(cohort == 1, "b", "a"),
            "sex": np.where(male, "male", "female"),
            "tumor_type": draw.choice(["Melanoma", "Glioma", "Bladder Cancer"], n),
            "drug_class": "PD-1/PD-L1",
            "assay": "WES",
            "age_years": draw.normal(62, 10, n).round(),
            "tmb_per_mb": np.round(draw.lognormal(2, 0.8, n), 2),
        }
    )


def compared(rows: pd.DataFrame, **options: object) -> Subgroups:
    how: dict = {"title": "ALK", **options}
    return compare_subgroups(rows, ORDER, **how)


def test_interaction_p_values_are_uniform_under_no_interaction() -> None:
    p = [
        compared(people(160, seed=s), factors=("sex",)).tests.p_value.to_numpy(float)
        for s in range(200)
    ]
    values = np.concatenate(p)
    assert len(values) == 200 and np.isfinite(values).all()
    assert stats.kstest(values, "uniform").pvalue > 0.01


def test_a_planted_interaction_is_found_in_its_factor_only() -> None:
    result = compared(people(1500, effect=-0.1, in_men=-0.9))
    tests = result.tests.set_index("factor")
    assert tests.p_value["sex"] < 1e-4 and tests.q_value["sex"] < 0.01
    assert (tests.p_value.drop("sex") > 0.01).all()
    by_sex = result.table[result.table.factor == "sex"].set_index("level")
    assert by_sex.ci_lower["male"] < np.exp(-1.0) < by_sex.ci_upper["male"] < 1
    assert by_sex.ci_lower["female"] < np.exp(-0.1) < by_sex.ci_upper["female"]


def test_numbers_are_those_of_the_estimator_inside_the_subgroup() -> None:
    rows = people(500)
    table = compared(rows).table.set_index("key")
    men = rows[rows.sex == "male"]
    fit = cox(men.group == "mutant", men.time_months, men.event, strata=men.cohort_id)
    row = table.loc["sex=male"]
    assert row.hazard_ratio == pytest.approx(np.exp(fit.coefficients[0]), rel=1e-12)
    assert row.n == len(men) and row.events == men.event.sum()
    assert row.n_mutant == (men.group == "mutant").sum()
    assert "p_value" not in table, "inside a subgroup there is no p-value"


def test_levels_of_a_factor_and_the_unknown_add_up() -> None:
    rows = people(400)
    rows.loc[rows.index[:40], "age_years"] = np.nan
    result = compared(rows)
    total = result.table.groupby("factor").n.sum()
    unknown = result.tests.set_index("factor").unknown
    assert (total + unknown.reindex(total.index) == len(rows)).all()
    assert unknown["age"] == 40
    assert "drug_class" not in set(result.table.factor), "one level is no subgroup"


def test_q_values_adjust_for_the_factors_tested() -> None:
    tests = compared(people(600)).tests
    np.testing.assert_allclose(tests.q_value, benjamini_hochberg(tests.p_value))
    assert (tests.q_value >= tests.p_value * (1 - 1e-12)).all()


def test_shrunken_estimates_lie_between_the_raw_and_their_mean() -> None:
    rows = people(900, effect=0.0, in_men=-1.2)
    part = compared(rows, factors=("sex",)).table
    raw = np.log(part.hazard_ratio.to_numpy(float))
    shrunken = np.log(part.second_hazard_ratio.to_numpy(float))
    assert np.ptp(shrunken) < np.ptp(raw)
    assert (np.argsort(shrunken) == np.argsort(raw)).all()
    assert ((part.weight_on_own > 0) & (part.weight_on_own < 1)).all()


def test_a_few_patients_get_firth_a_note_and_no_part_in_the_test() -> None:
    rows = people(500)
    few = rows.index[rows.group == "mutant"][: MIN_PATIENTS - 1]
    rows.loc[few, "tumor_type"] = "Rare"
    rows.loc[rows.index[rows.group == "wild type"][:40], "tumor_type"] = "Rare"
    result = compared(rows)
    row = result.table.set_index("level").loc["Rare"]
    assert row.method == "Firth" and not row.tested and np.isfinite(row.hazard_ratio)
    tests = result.tests.set_index("factor")
    assert tests.levels["tumor_type"] == 3 == tests.df["tumor_type"] + 1
    without = compared(rows[rows.tumor_type != "Rare"]).tests.set_index("factor")
    assert tests.p_value["tumor_type"] == pytest.approx(without.p_value["tumor_type"], rel=1e-9)


def test_a_mutant_arm_without_an_event_has_a_finite_firth_estimate() -> None:
    rows = people(500)
    glioma = (rows.tumor_type == "Glioma") & (rows.group == "mutant")
    rows.loc[glioma, "event"] = 0.0
    row = compared(rows).table.set_index("level").loc["Glioma"]
    assert row.method == "Firth" and 0 < row.hazard_ratio < 1 and row.events_mutant == 0
    assert row.ci_lower >= 0 and np.isfinite(row.ci_upper)


@pytest.mark.parametrize(
    ("group", "note"), [("mutant", "no wild type"), ("wild type", "no mutant")]
)
def test_a_subgroup_with_one_arm_says_which_is_missing(group: str, note: str) -> None:
    rows = people(300)
    rows.loc[rows.index[rows.group == group][:8], "tumor_type"] = "Odd"
    row = compared(rows).table.set_index("level").loc["Odd"]
    assert np.isnan(row.hazard_ratio) and row.note == note and row.method == ""


def test_pooled_and_stratified_differ() -> None:
    rows = people(400)
    one, two = compared(rows), compared(rows, strata=None)
    assert one.overall["hazard_ratio"] != two.overall["hazard_ratio"]
    assert "stratified by study" in one.methods and "stratified" not in two.methods


def test_no_factor_to_split_by_leaves_the_overall_estimate() -> None:
    rows = people(300).assign(sex="male", tumor_type="Melanoma", cohort_id="a")
    result = compared(rows, factors=("sex", "tumor_type", "cohort_id"))
    assert len(result.table) == 0 and len(result.tests) == 0
    assert np.isfinite(result.overall["hazard_ratio"])


def test_the_filter_of_each_subgroup_keeps_exactly_its_patients(simulated: Store) -> None:
    """What clicking a row asks for is the subgroup that the row shows."""
    result = subgroups_question(simulated, Filters(), Stratifier())
    field = {
        "tumor_type": "tumor_types", "drug_class": "drug_classes", "cohort_id": "cohorts",
        "sex": "sexes", "assay": "assays",
    }  # fmt: skip
    assert set(result.table.factor) == set(FACTORS)
    compared_keys = set(result.rows.patient_key)
    for row in result.table.itertuples():
        if row.factor in field:
            filters = replace(Filters(), **{field[row.factor]: (row.level,)})
        else:
            name = "age_years" if row.factor == "age" else "tmb_per_mb"
            filters = replace(Filters(), **{name: Range(*bounds(row.factor, row.level))})
        kept = compared_keys & set(simulated.patients(filters).patient_key)
        shown = levels(result.rows)[row.factor] == row.level
        assert kept == set(result.rows.patient_key[shown]) and len(kept) == row.n, row.key


def test_bins_hold_their_lower_end() -> None:
    rows = pd.DataFrame(
        {"age_years": [49.0, 50, 64, 65, 75, np.nan], "tmb_per_mb": [0, 4.99, 5, 10, 20, np.nan]}
    )
    binned = levels(rows)
    assert binned.age.tolist()[:5] == ["under 50", "50 to 64", "50 to 64", "65 to 74", "75 or more"]
    assert binned.tmb.tolist()[:5] == [
        "under 5", "under 5", "5 to under 10", "10 to under 20", "20 or more",
    ]  # fmt: skip
    assert binned.isna().iloc[5].all()
    assert AGE_CUTS[0] == 50 and TMB_CUTS[-1] == 20


def test_the_question_counts_everyone_once_and_its_flow_adds_up(simulated: Store) -> None:
    result = subgroups_question(simulated, Filters(), Stratifier())
    assert not result.rows.patient_key.duplicated().any()
    assert result.flow.n.iloc[-1] == len(result.rows) == result.overall["n"]
    assert result.looked_at == tuple(result.table.key[result.table.hazard_ratio.notna()])


def test_nothing_to_compare_is_told(simulated: Store) -> None:
    with pytest.raises(NotEnoughData) as told:
        subgroups_question(simulated, Filters(age_years=Range(199, 200)), Stratifier())
    assert told.value.remedy and "0 ALK-mutant" in told.value.found


def test_gates_are_those_of_the_survival_page() -> None:
    rows = people(500)
    for key, row in compared(rows).table.set_index("key").iterrows():
        part = levels(rows).assign(**rows[["group", "event"]])
        factor, level = str(key).split("=")
        arms = part[part[factor] == level].groupby("group").event.agg(["size", "sum"])
        large = (arms["size"].min() >= MIN_PATIENTS) and (arms["sum"].min() >= MIN_EVENTS)
        assert row.tested == large and row.method == ("Cox" if large else "Firth")


def test_groups_between_the_first_and_the_last_are_told_as_left_out(simulated: Store) -> None:
    thirds = Stratifier(Split.NUMBER, feature="age_years", cut="tertiles", name="Age")
    result = subgroups_question(simulated, Filters(), thirds)
    assert set(result.rows.group) == {"low", "high"}
    assert any(w.startswith("This page compares high with low; left out:") for w in result.warnings)
