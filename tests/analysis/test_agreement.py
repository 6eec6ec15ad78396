"""Do the cohorts agree: planted heterogeneity, reasons, shared patients."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.analysis.agreement import MIN_FOR_EGGER, Agreement, agreement_question, compare_cohorts
from core.charts.agreement import answer
from core.groups import MUTATION_ORDER, Grouping
from core.model import Filters, NotEnoughData, Range, Stratifier
from core.stats.cox import cox
from core.stats.meta import meta_analysis
from core.store import Store
from tests.analysis.planted import patients


def compare(effects: list[float], n: int = 400, seed: int = 1, share: float = 0.3) -> Agreement:
    """Cohorts with these log hazard ratios of the mutation."""
    draw = np.random.default_rng(seed)
    parts = [
        patients(draw, n, gene=b, cohorts=1, share=share).assign(cohort_id=f"c{i}")
        for i, b in enumerate(effects)
    ]
    everyone = pd.concat(parts, ignore_index=True)
    everyone["group"] = np.where(everyone.mutant == 1, "mutant", "wild type")
    return of(everyone)


def of(everyone: pd.DataFrame) -> Agreement:
    grouping = Grouping(everyone.group, MUTATION_ORDER, "GENE", "not profiled")
    names = {c: f"Cohort {c}" for c in everyone.cohort_id.unique()}
    return compare_cohorts(everyone, grouping, names=names)


def test_planted_heterogeneity_is_detected() -> None:
    result = compare([-1.2, -0.8, 0.0, 0.6, 0.9])
    assert result.summary is not None
    assert result.summary.i2 > 0.7 and result.summary.q_p_value < 1e-4
    assert answer(result).startswith("The cohorts differ")
    assert (
        np.exp(result.summary.prediction_lower)
        < 0.5
        < 1.5
        < np.exp(result.summary.prediction_upper)
    )


def test_one_effect_gives_no_heterogeneity_and_its_size() -> None:
    result = compare([-0.6] * 6)
    assert result.summary is not None
    assert result.summary.i2 < 0.5 and result.summary.q_p_value > 0.1
    assert result.summary.estimate == pytest.approx(-0.6, abs=0.15)
    assert answer(result).startswith("No disagreement is visible: 6 of 6")
    assert len(result.leave_one_out) == 6
    assert np.log(result.pooled[0]) == pytest.approx(result.summary.estimate, abs=0.05)


def test_rows_and_summary_are_those_of_the_estimators() -> None:
    result = compare([-0.6, -0.2, 0.1], n=150, seed=3)
    for row in result.cohorts.itertuples():
        part = result.rows[result.rows.cohort_id == row.cohort_id]
        fit = cox(part.mutant, part.time_months, part.event).table().iloc[0]
        assert row.hazard_ratio == pytest.approx(fit.hazard_ratio, rel=1e-12)
    table = result.cohorts
    again = meta_analysis(table.log_hazard_ratio, table.std_error)
    assert result.summary is not None
    assert result.summary.estimate == again.estimate
    assert table.weight.sum() == pytest.approx(1)
    without = meta_analysis(table.log_hazard_ratio[1:], table.std_error[1:])
    assert np.log(result.leave_one_out.hazard_ratio[0]) == pytest.approx(without.estimate)


def test_egger_needs_ten_cohorts() -> None:
    assert compare([0.0] * (MIN_FOR_EGGER - 1), n=80).egger is None
    assert compare([0.0] * MIN_FOR_EGGER, n=80).egger is not None


def test_cohorts_without_both_arms_are_listed_with_the_reason() -> None:
    draw = np.random.default_rng(5)
    parts = [patients(draw, 120, cohorts=1).assign(cohort_id=c) for c in "abcdef"]
    everyone = pd.concat(parts, ignore_index=True)
    everyone["group"] = np.where(everyone.mutant == 1, "mutant", "wild type").astype(object)
    at = everyone.cohort_id
    everyone.loc[at == "b", "group"] = "wild type"
    everyone.loc[at == "c", "group"] = None
    everyone.loc[at == "d", ["time_months", "event"]] = np.nan
    everyone.loc[at == "e", "event"] = 0.0
    few = everyone.index[(at == "f") & (everyone.group == "mutant")][4:]
    everyone.loc[few, "group"] = "wild type"
    result = of(everyone)
    table = result.cohorts.set_index("cohort_id")
    assert table.reason.to_dict() == {
        "a": "",
        "b": "no patient is mutant",
        "c": "not profiled for GENE",
        "d": "endpoint not known",
        "e": "no event",
        "f": "",
    }
    assert table.method.to_dict() == {"a": "Cox", "b": "", "c": "", "d": "", "e": "", "f": "Firth"}
    assert np.isnan(table.p_value["f"]) and np.isfinite(table.hazard_ratio["f"])
    assert result.summary is not None and result.summary.k == 2
    assert (table.weight[["b", "c", "d", "e"]] == 0).all()


def test_one_cohort_speaks_for_itself() -> None:
    result = compare([-0.5])
    assert result.summary is None and result.leave_one_out.empty
    assert any("cannot be told" in w for w in result.warnings)
    assert answer(result).startswith("One cohort alone")


def test_nobody_to_compare_is_an_answer(simulated: Store) -> None:
    with pytest.raises(NotEnoughData, match="No cohort has both groups"):
        agreement_question(simulated, Filters(age_years=Range(199, 200)), Stratifier())


def test_shared_patients_are_counted_once(real: Store) -> None:
    result = agreement_question(real, Filters(), Stratifier())
    rows = result.rows
    own = rows.cohort_id + ":" + rows.patient_id
    assert rows.patient_key.is_unique and own.is_unique
    assert not set(rows.shared_with.dropna()) & set(own)
    assert result.cohorts.n.sum() == len(rows) == result.flow.n.iloc[-1]
    table = result.cohorts.set_index("cohort_id")
    assert table.reason["miao_2018"] == table.reason["ravi_2023"] == "not profiled for ALK"
    assert (table.n_mutant["samstein_2019"], table.n["samstein_2019"]) == (97, 1661)
