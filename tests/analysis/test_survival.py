"""The survival question: numbers equal the estimators', small groups are handled, flow adds up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.analysis.survival import (
    MIN_EVENTS,
    MIN_PATIENTS,
    compare_survival,
    survival_question,
    ticks,
)
from core.model import Filters, NotEnoughData, Range, Stratifier
from core.stats.cox import cox
from core.stats.logrank import logrank
from core.stats.profile import profile_interval
from core.store import Store


def rows(n: int, seed: int = 1, effect: float = 0.5, cohorts: int = 1) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    group = np.where(draw.random(n) < 0.4, "mutant", "wild type")
    cohort = draw.integers(0, cohorts, n)
    hazard = 0.05 * np.where(group == "mutant", effect, 1.0) * (1 + cohort)
    time = np.ceil(draw.exponential(1 / hazard))
    censor = draw.uniform(5, 40, n)
    return pd.DataFrame(
        {
            "group": group,
            "time_months": np.minimum(time, censor),
            "event": (time <= censor).astype(float),
            "cohort_id": [f"c{c}" for c in cohort],
        }
    )


ORDER = ("wild type", "mutant")


def test_numbers_are_those_of_the_estimators() -> None:
    data = rows(300)
    result = compare_survival(data, ORDER, title="GENE")
    fit = cox(data[["group"]].eq("mutant").to_numpy(float), data.time_months, data.event)
    shown = result.hazard_ratios.set_index("method").loc["Cox, Efron"]
    assert shown.hazard_ratio == pytest.approx(np.exp(fit.coefficients[0]), rel=1e-12)
    test = logrank(data.time_months, data.event, data.group, order=ORDER)
    assert result.p_value == pytest.approx(test.p_value, rel=1e-12)
    assert result.arms.n.sum() == len(data) and result.arms.events.sum() == data.event.sum()
    at_zero = result.risk_table[result.risk_table.time == 0]
    assert at_zero.at_risk.sum() == len(data)
    assert result.order == ORDER


def test_pooled_cohorts_are_stratified_by_default() -> None:
    data = rows(600, cohorts=3)
    pooled = compare_survival(data, ORDER, title="GENE", strata=None)
    stratified = compare_survival(data, ORDER, title="GENE")
    assert "stratified by cohort" in stratified.methods
    assert "stratified by cohort" not in pooled.methods
    expected = logrank(data.time_months, data.event, data.group, strata=data.cohort_id)
    assert stratified.p_value == pytest.approx(expected.p_value, rel=1e-12)
    assert pooled.p_value != stratified.p_value


def test_swapping_the_reference_inverts_the_hazard_ratio() -> None:
    data = rows(300)
    one = compare_survival(data, ORDER, title="GENE").hazard_ratios
    other = compare_survival(data, ORDER[::-1], title="GENE").hazard_ratios
    np.testing.assert_allclose(one.hazard_ratio, 1 / other.hazard_ratio, rtol=1e-9)
    np.testing.assert_allclose(one.ci_lower, 1 / other.ci_upper, rtol=1e-9)


@pytest.mark.parametrize("n_mutant", [1, MIN_PATIENTS - 1])
def test_a_small_arm_gets_a_word_and_no_p_value(n_mutant: int) -> None:
    data = rows(200)
    mutants = data[data.group == "mutant"].head(n_mutant)
    small = pd.concat([data[data.group == "wild type"], mutants])
    result = compare_survival(small, ORDER, title="GENE")
    assert np.isnan(result.p_value)
    assert result.hazard_ratios.p_value.isna().all()
    assert "Cox, Firth" in set(result.hazard_ratios.method)
    assert np.isfinite(result.hazard_ratios.set_index("method").hazard_ratio["Cox, Firth"])
    many = "1 patient and" if n_mutant == 1 else f"{n_mutant} patients and"
    assert any(many in w for w in result.warnings)
    assert result.fit is not None and result.fit.penalty == "firth"
    shown = result.hazard_ratios.set_index("method").loc["Cox, Firth"]
    expected = profile_interval(result.fit, "mutant")
    assert (shown.ci_lower, shown.ci_upper) == (expected.ci_lower, expected.ci_upper)


def test_few_events_count_as_small() -> None:
    data = rows(200)
    mutant = data.index[data.group == "mutant"]
    data.loc[mutant, "event"] = 0.0
    data.loc[mutant[: MIN_EVENTS - 1], "event"] = 1.0
    assert np.isnan(compare_survival(data, ORDER, title="GENE").p_value)


def test_an_arm_without_an_event_has_an_answer() -> None:
    data = rows(200)
    data.loc[data.group == "mutant", "event"] = 0.0
    result = compare_survival(data, ORDER, title="GENE")
    firth = result.hazard_ratios.set_index("method").loc["Cox, Firth"]
    assert 0 < firth.hazard_ratio < 1 and np.isfinite(firth.ci_upper)
    assert result.warnings


def test_the_question_counts_everyone_once(simulated: Store) -> None:
    result = survival_question(simulated, Filters(), Stratifier(genes=("ALK",)))
    assert not result.rows.patient_key.duplicated().any()
    shared = simulated.rows(
        "SELECT a.patient_key AS a, b.patient_key AS b FROM patient a JOIN patient b "
        "ON a.shared_with = b.cohort_id || ':' || b.patient_id"
    )
    counted = set(result.rows.patient_key)
    assert len(shared)
    assert not any(a in counted and b in counted for a, b in shared.itertuples(index=False))


def test_the_flow_leads_from_the_store_to_the_analysis(simulated: Store) -> None:
    result = survival_question(
        simulated, Filters(age_years=Range(40, None)), Stratifier(genes=("ALK",))
    )
    flow = result.flow
    assert flow.n.iloc[0] == simulated.n_patients
    assert flow.n.iloc[-1] == len(result.rows) == result.arms.n.sum()
    assert (flow.n.shift(1).iloc[1:] - flow.lost.iloc[1:] == flow.n.iloc[1:]).all()
    assert result.sentence.startswith(f"{flow.n.iloc[-3]:,} patients: ICI-treated, age from 40")
    assert "ALK-mutant" in result.sentence and "not profiled" in result.sentence


@pytest.mark.parametrize(
    ("filters", "endpoint"),
    [
        (Filters(age_years=Range(199, 200)), "OS"),
        (Filters(tmb_per_mb=Range(low=1e6)), "OS"),
        (Filters(), "DSS"),
    ],
)
def test_nothing_to_compare_is_told_with_a_remedy(
    simulated: Store, filters: Filters, endpoint: str
) -> None:
    with pytest.raises(NotEnoughData) as told:
        survival_question(simulated, filters, Stratifier(genes=("ALK",)), endpoint=endpoint)
    assert told.value.remedy and "mutant" in told.value.found


@pytest.mark.parametrize("longest", [0.5, 5.0, 26.0, 76.0, 370.0, 2000.0])
def test_ticks_are_few_and_start_at_zero(longest: float) -> None:
    at = ticks(longest)
    assert at[0] == 0 and len(at) <= 18 and at[-1] <= longest + 1e-9
