"""Proportional hazards, restricted means, landmarks, three hazard ratios, roles and response."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.analysis.proportionality import (
    hazard_over_time,
    proportional_p,
    proportionality,
    violated,
)
from core.analysis.response import response_by_group
from core.analysis.survival import compare_survival, survival_question
from core.analysis.survival_panels import survival_panels
from core.analysis.three_numbers import three_numbers
from core.model import BadInput, Filters, Split, Stratifier
from core.stats.cox import cox
from core.stats.rmst import rmst_difference
from core.stats.zph import cox_zph
from core.store import Store

ORDER = ("wild type", "mutant")


def rows(n: int = 800, *, crossing: bool = False, seed: int = 2) -> pd.DataFrame:
    """Exponential survival; ``crossing``: mutants do worse up to 8 months and better after."""
    draw = np.random.default_rng(seed)
    mutant = draw.random(n) < 0.4
    early, late = np.where(mutant, 1.8, 1.0) / 15, np.where(mutant, 0.3, 1.0) / 15
    if not crossing:
        early = late = np.where(mutant, 0.6, 1.0) / 15
    risk = draw.exponential(size=n)
    time = np.where(risk < 8 * early, risk / early, 8 + (risk - 8 * early) / late)
    censor = draw.uniform(10, 60, n)
    return pd.DataFrame(
        {
            "group": np.where(mutant, "mutant", "wild type"),
            "time_months": np.minimum(time, censor),
            "event": (time <= censor).astype(float),
            "cohort_id": draw.choice(["a", "b"], n),
            "response": draw.choice(["CR", "PR", "SD", "PD", "NE", None], n),
        }
    )


def test_test_is_the_estimators_and_finds_crossing_curves() -> None:
    data = rows(crossing=True)
    result = compare_survival(data, ORDER, title="GENE")
    design = data.group.eq("mutant").to_numpy(float)
    fit = cox(design, data.time_months, data.event, strata=data.cohort_id)
    assert proportional_p(result) == pytest.approx(cox_zph(fit).p_value[-1], rel=1e-9)
    assert violated(proportional_p(result))
    assert not violated(proportional_p(compare_survival(rows(), ORDER, title="GENE")))


def test_hazard_ratio_in_periods_follows_the_planted_one() -> None:
    table = hazard_over_time(compare_survival(rows(4000, crossing=True), ORDER, title="GENE"))
    early, late = table.hazard_ratio.iloc[0], table.hazard_ratio.iloc[2]
    assert early == pytest.approx(1.8, rel=0.15) and late == pytest.approx(0.3, rel=0.25)
    assert table.events.sum() == rows(4000, crossing=True).event.sum()


def test_restricted_means_end_while_ten_of_each_arm_are_at_risk() -> None:
    data = rows()
    result = compare_survival(data, ORDER, title="GENE")
    found = proportionality(result)
    tenth = data.groupby("group").time_months.apply(lambda t: t.nlargest(10).min())
    assert found.rmst.tau == tenth.min()
    assert found.longest_tau == data.groupby("group").time_months.max().min()
    expected = rmst_difference(
        data.time_months, data.event, data.group, 20.0, reference="wild type", order=ORDER
    )
    at_20 = proportionality(result, 20.0).rmst
    pd.testing.assert_frame_equal(at_20.contrasts, expected.contrasts)
    late = proportionality(result, 1000.0)
    assert late.rmst.tau == found.longest_tau and any("1000" in w for w in late.warnings)
    with pytest.raises(BadInput):
        proportionality(result, -1.0)


def test_landmark_differences_are_those_of_the_arms() -> None:
    result = compare_survival(rows(), ORDER, title="GENE")
    table = proportionality(result).landmarks.set_index(["group", "month"])
    arms = result.arms.set_index("group")
    for month in (12.0, 24.0):
        gap = arms[f"survival_{month:g}"]["mutant"] - arms[f"survival_{month:g}"]["wild type"]
        row = table.loc[("mutant", month)]
        assert row.difference == pytest.approx(gap, rel=1e-12)
        assert row.difference_lower < gap < row.difference_upper and 0 <= row.p_value <= 1


def test_three_numbers_are_flagged_where_they_disagree_about_one() -> None:
    result = compare_survival(rows(), ORDER, title="GENE")
    found = three_numbers(result)
    assert found.table.method.tolist() == ["Cox, Efron", "profile likelihood", "O/E"]
    assert not found.disagreement
    moved = found.table.copy()
    moved.loc[2, ["ci_lower", "ci_upper"]] = [0.5, 1.2]
    from core.analysis.three_numbers import _disagreement

    assert "disagree" in _disagreement(moved) and "holds it by O/E" in _disagreement(moved)


def test_three_numbers_of_a_small_arm_are_cox_firth_and_observed_over_expected() -> None:
    data = rows()
    mutants = data.index[data.group == "mutant"]
    result = compare_survival(data.drop(mutants[5:]), ORDER, title="GENE")
    table = three_numbers(result).table.set_index("method")
    assert table.index.tolist() == ["Cox, Efron", "Cox, Firth", "O/E"]
    kept = result.rows
    strata = kept.cohort_id if result.stratified else None
    fit = cox(kept.group == "mutant", kept.time_months, kept.event, strata=strata)
    plain = fit.table().iloc[0]
    assert table.hazard_ratio["Cox, Efron"] == pytest.approx(plain.hazard_ratio, rel=1e-9)
    assert table.ci_upper["Cox, Efron"] == pytest.approx(plain.ci_upper, rel=1e-9)
    assert table.p_value.isna().all(), "a small arm gets no p-value by any method"


def test_an_arm_without_an_event_has_no_plain_cox_estimate() -> None:
    data = rows()
    data.loc[data.group == "mutant", "event"] = 0.0
    table = three_numbers(compare_survival(data, ORDER, title="GENE")).table.set_index("method")
    assert np.isnan(table.hazard_ratio["Cox, Efron"])
    assert np.isfinite(table.hazard_ratio["Cox, Firth"])


def test_panels_part_the_pooled_patients_by_role(simulated: Store) -> None:
    panels = survival_panels(simulated, Filters(), Stratifier())
    pooled = survival_question(simulated, Filters(), Stratifier())
    assert [p.name for p in panels.all] == ["Discovery", "Validation", "Pooled"]
    assert panels.pooled.p_value == pooled.p_value and panels.pooled.sentence == pooled.sentence
    parts = [p.result.rows.patient_key for p in panels.roles if p.result]
    assert sorted(np.concatenate(parts)) == sorted(pooled.rows.patient_key)
    one = survival_panels(simulated, Filters(roles=("validation",)), Stratifier())
    assert one.roles == ()


def test_chosen_cut_is_one_value_in_every_panel_and_its_p_the_pooled_ones(
    simulated: Store,
) -> None:
    split = Stratifier(Split.NUMBER, feature="tmb_z", cut="optimal")
    panels = survival_panels(simulated, Filters(), split)
    results = [p.result for p in panels.all if p.result]
    low = max(r.rows.tmb_z[r.rows.group == "low"].max() for r in results)
    high = min(r.rows.tmb_z[r.rows.group == "high"].min() for r in results)
    assert low < high
    assert all(np.isnan(r.p_value) for r in results[:-1]) and results[-1].p_value > 0


def test_response_counts_not_evaluable_as_none_and_unknown_not_at_all() -> None:
    data = rows()
    found = response_by_group(data, ORDER)
    assert found is not None
    known = data[data.response.notna()]
    assert found.arms.n.sum() == len(known) and found.n_unknown == len(data) - len(known)
    assert found.arms.responders.sum() == known.response.isin(["CR", "PR"]).sum()
    assert found.ci_lower < found.odds_ratio < found.ci_upper
    other = response_by_group(data, ORDER[::-1])
    assert other is not None and other.odds_ratio == pytest.approx(1 / found.odds_ratio, rel=1e-9)
    assert response_by_group(data.assign(response=None), ORDER) is None
    crude = response_by_group(data, ORDER, stratified=False)
    assert crude is not None and "Fisher" in crude.method
    assert (crude.odds_ratio > 1) == (crude.arms.rate[1] > crude.arms.rate[0])
