"""Predictive or prognostic: planted truth is found, no interaction gives uniform p-values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from core.analysis.randomised import compare_arms
from core.analysis.setting import (
    ENOUGH,
    SETTINGS,
    TREATED,
    UNTREATED,
    compare_settings,
    match_types,
    setting_contrast,
    setting_question,
)
from core.model import Filters, NotEnoughData, Split, Stratifier
from core.stats.cox import cox
from core.stats.cox_terms import Categorical
from core.stats.interaction import likelihood_ratio_interaction
from core.stats.profile import profile_interval
from core.store import Store

ORDER = ("wild type", "mutant")
ENDPOINTS = dict.fromkeys(SETTINGS, "OS")


def patients(
    seed: int, *, treated: float = 1.0, untreated: float = 1.0, n: int = 400, types: int = 3
) -> pd.DataFrame:
    """``n`` patients in each setting; the mutation's hazard ratio is planted in each.

    Tumour types and settings have hazards of their own, and the mutation is commoner in some
    types: without strata these would confound.
    """
    draw = np.random.default_rng(seed)
    setting = np.repeat(SETTINGS, n)
    kind = draw.integers(0, types, 2 * n)
    mutant = draw.random(2 * n) < 0.15 + 0.1 * kind
    effect = np.where(setting == TREATED, treated, untreated)
    hazard = 0.05 * (1 + kind) * np.where(setting == TREATED, 2.0, 1.0)
    time = draw.exponential(1 / (hazard * np.where(mutant, effect, 1.0)))
    censor = draw.uniform(5, 40, 2 * n)
    rows = pd.DataFrame(
        {
            "setting": setting,
            "tumor_type": [f"type {k}" for k in kind],
            "group": np.where(mutant, *ORDER[::-1]),
            "time_months": np.minimum(time, censor),
            "event": (time <= censor).astype(float),
        }
    )
    return rows.assign(stratum=rows.setting + rows.tumor_type)


def compare(rows: pd.DataFrame, **options):
    return compare_settings(rows, ORDER, title="GENE", endpoints=ENDPOINTS, **options)


def test_planted_predictive_effect_is_found() -> None:
    result = compare(patients(1, treated=0.4, n=900))
    ratio = result.settings.set_index("setting").hazard_ratio
    assert ratio[TREATED] == pytest.approx(0.4, rel=0.25)
    assert ratio[UNTREATED] == pytest.approx(1.0, rel=0.25)
    assert result.interaction.p_value < 1e-4
    assert result.interaction.ratio == pytest.approx(ratio[TREATED] / ratio[UNTREATED], rel=1e-9)
    assert result.interaction.ci_upper < 1


def test_prognostic_effect_alone_is_no_interaction() -> None:
    """The mutation halves the hazard in both settings: p of the interaction is uniform."""
    found = [
        setting_contrast(patients(s, treated=0.5, untreated=0.5, n=250, types=2), ORDER)[1].p_value
        for s in range(100)
    ]
    assert not np.isnan(found).any()
    assert stats.kstest(found, "uniform").pvalue > 0.01
    assert np.mean(np.array(found) < 0.05) < 0.12


def test_prognostic_effect_is_seen_in_both_settings() -> None:
    table = compare(patients(2, treated=0.5, untreated=0.5, n=900)).settings
    assert (table.ci_upper < 1).all()


def test_test_is_the_likelihood_ratio_of_the_product() -> None:
    rows = patients(3, treated=0.6)
    result = compare(rows)
    test = likelihood_ratio_interaction(
        rows,
        Categorical("group", ORDER[0], ORDER),
        Categorical("setting", UNTREATED, SETTINGS),
        "time_months",
        "event",
        strata="stratum",
    )
    assert result.interaction.p_value == pytest.approx(test.test.p_value, rel=1e-6)
    effects = test.effects.set_index("level").loc[list(SETTINGS)]
    for column in ("hazard_ratio", "ci_lower", "ci_upper", "p_value"):
        np.testing.assert_allclose(result.settings[column], effects[column], rtol=1e-6)
    shown = [c.hazard_ratios.hazard_ratio.iloc[0] for c in result.curves.values()]
    np.testing.assert_allclose(shown, result.settings.hazard_ratio, rtol=1e-9)


def test_each_type_is_the_comparison_of_its_own_patients() -> None:
    rows = patients(4, treated=0.6, n=900)
    result = compare(rows)
    alone = compare(rows[rows.tumor_type == "type 2"])
    own = result.by_type[result.by_type.tumor_type == "type 2"]
    np.testing.assert_array_equal(own.hazard_ratio, alone.settings.hazard_ratio)
    tests = result.type_tests.set_index("tumor_type")
    assert tests.p_value["type 2"] == alone.interaction.p_value
    assert (tests.q_value >= tests.p_value * (1 - 1e-12)).all()


def test_types_without_enough_patients_on_one_side_are_left_out_with_a_reason() -> None:
    rows = patients(5)
    few = rows.setting.eq(UNTREATED) & rows.tumor_type.eq("type 0")
    rows = rows[~few | (few.cumsum() <= ENOUGH - 1)]
    bare = rows.setting.eq(TREATED) & rows.tumor_type.eq("type 1") & rows.group.eq("mutant")
    rows = rows[~bare]
    matched, left_out = match_types(rows, "mutant", 3)
    assert matched == ("type 2",)
    reasons = left_out.set_index("tumor_type").reason
    assert reasons["type 0"] == f"{ENOUGH - 1} patients {UNTREATED}"
    assert reasons["type 1"] == f"0 mutant {TREATED}"
    assert set(compare(rows).rows.tumor_type) == {"type 2"}


def test_a_type_in_which_everybody_is_mutant_is_left_out() -> None:
    rows = patients(5)
    here = rows.setting.eq(TREATED) & rows.tumor_type.eq("type 0")
    rows.loc[here, "group"] = "mutant"
    matched, left_out = match_types(rows, "mutant", 3)
    assert "type 0" not in matched and len(matched) == 2
    assert left_out.set_index("tumor_type").reason["type 0"] == f"everybody is mutant {TREATED}"


def test_a_small_arm_withholds_p_and_gives_firth() -> None:
    rows = patients(6, n=200, types=1)
    mutants = rows[(rows.setting == TREATED) & (rows.group == "mutant")]
    result = compare(rows.drop(mutants.index[5:]))
    table = result.settings.set_index("setting")
    own = result.rows[result.rows.setting == TREATED]
    fit = cox(own.group == "mutant", own.time_months, own.event, penalty="firth")
    assert table.ci_upper[TREATED] == pytest.approx(profile_interval(fit, 0).ci_upper, rel=1e-6)
    assert table.method[TREATED] == "Cox, Firth" and np.isfinite(table.hazard_ratio[TREATED])
    assert np.isnan(table.p_value[TREATED]) and np.isnan(result.interaction.p_value)
    assert any("5 patients" in w for w in result.warnings)


def test_no_common_type_is_told_with_the_nearest() -> None:
    with pytest.raises(NotEnoughData) as told:
        compare(patients(7), min_mutant=1000)
    assert "type" in told.value.found and told.value.remedy


# -- the randomised arms ---------------------------------------------------------------


def arms(seed: int, *, in_mutant: float, in_wild: float = 0.7, n: int = 800) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    arm = np.where(draw.random(n) < 0.5, "drug", "control")
    mutant = draw.random(n) < 0.3
    trial = draw.integers(0, 2, n)
    effect = np.where(arm == "drug", np.where(mutant, in_mutant, in_wild), 1.0)
    prognosis = np.where(mutant, 1.5, 1.0)
    time = draw.exponential(1 / (0.06 * (1 + trial) * effect * prognosis))
    censor = draw.uniform(5, 40, n)
    return pd.DataFrame(
        {
            "arm": arm,
            "group": np.where(mutant, *ORDER[::-1]),
            "trial": trial,
            "time_months": np.minimum(time, censor),
            "event": (time <= censor).astype(float),
        }
    )


def randomised(rows: pd.DataFrame):
    return compare_arms(
        rows, ORDER, title="GENE", cohort="X", treatment="drug", control="control", strata="trial"
    )


def test_planted_effect_of_the_drug_in_mutants_only() -> None:
    found = randomised(arms(1, in_mutant=0.3, in_wild=1.0, n=1600))
    drug = found.effects[found.effects.group == "drug against control"].set_index("label")
    assert drug.hazard_ratio["GENE mutant"] == pytest.approx(0.3, rel=0.3)
    assert drug.hazard_ratio["wild type"] == pytest.approx(1.0, rel=0.2)
    assert found.interaction.p_value < 1e-4 and found.interaction.ci_upper < 1


def test_both_readings_share_one_interaction() -> None:
    found = randomised(arms(2, in_mutant=0.5))
    hr = found.effects.set_index("label").hazard_ratio
    assert hr["GENE mutant"] / hr["wild type"] == pytest.approx(found.interaction.ratio, rel=1e-9)
    assert hr["on drug"] / hr["on control"] == pytest.approx(found.interaction.ratio, rel=1e-9)


def test_prognostic_mutation_gives_uniform_interaction_between_arms() -> None:
    p = [
        randomised(arms(s, in_mutant=0.7, in_wild=0.7, n=400)).interaction.p_value
        for s in range(50)
    ]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_few_mutants_withhold_what_rests_on_them_only() -> None:
    rows = arms(3, in_mutant=0.7)
    few = rows[(rows.group == "mutant") & (rows.arm == "drug")].index[4:]
    found = randomised(rows.drop(few))
    p = found.effects.set_index("label").p_value
    assert np.isfinite(p[["wild type", "on control"]]).all()
    assert p[["GENE mutant", "on drug"]].isna().all() and np.isnan(found.interaction.p_value)
    assert "4 mutant on drug" in found.warnings[0]


def test_an_empty_cell_is_told() -> None:
    rows = arms(4, in_mutant=0.7)
    with pytest.raises(NotEnoughData):
        randomised(rows[(rows.group == "wild type") | (rows.arm == "control")])


# -- a store ---------------------------------------------------------------------------


def test_the_store_is_asked_for_both_settings(simulated: Store) -> None:
    result = setting_question(simulated, Filters(), Stratifier(genes=("TP53",)), min_mutant=1)
    rows = result.rows
    assert not rows.patient_key.duplicated().any()
    assert rows[rows.setting == TREATED].treated_with_ici.all()
    assert not rows[rows.setting == UNTREATED].treated_with_ici.any()
    assert set(rows[rows.setting == UNTREATED].cohort_id) == {"tcga"}
    assert rows.groupby("stratum").setting.nunique().max() == 1
    assert rows.groupby("stratum").cohort_id.nunique().max() == 1


def test_filters_of_the_treated_are_told(simulated: Store) -> None:
    filters = Filters(roles=("discovery",))
    result = setting_question(simulated, filters, Stratifier(genes=("TP53",)), min_mutant=1)
    assert any("narrow the treated patients only: cohorts" in w.replace(", TCGA has no such thing",
               "") for w in result.warnings)  # fmt: skip


def test_docetaxel_arm_of_the_published_trial(real: Store) -> None:
    """POPLAR and OAK: the drug works in wild type, and the test is stratified by trial."""
    arms = setting_question(real, Filters(), Stratifier(genes=("ALK",))).randomised
    assert arms is not None and (arms.treatment, arms.control) == ("atezolizumab", "docetaxel")
    assert arms.strata == "trial" and arms.n == 853
    drug = arms.effects.set_index("label")
    assert drug.ci_upper["wild type"] < 1
    assert arms.effects.n.iloc[:2].sum() == arms.effects.n.iloc[2:].sum() == arms.n


def test_cuts_at_different_values_in_the_two_settings_are_told(simulated: Store) -> None:
    halves = Stratifier(Split.NUMBER, feature="tmb_per_mb", cut="median", name="TMB")
    warned = setting_question(simulated, Filters(), halves).warnings
    assert any("cut at different values: without ICI" in w or "under ICI, high" in w
               for w in warned)  # fmt: skip
    typed = Stratifier(Split.NUMBER, feature="tmb_per_mb", cut="10", name="TMB")
    assert not any(
        "different values" in w for w in setting_question(simulated, Filters(), typed).warnings
    )
