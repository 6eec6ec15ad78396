"""TCGA's endpoints: stratified and naive are the estimators', small types wait, advice is kept."""

from __future__ import annotations

import numpy as np
import pytest

from core.analysis.survival import MIN_EVENTS, MIN_PATIENTS
from core.analysis.tcga import TCGA, ignored, tcga_filters
from core.analysis.tcga_survival import ENDPOINTS, TcgaSurvival, tcga_survival
from core.model import Filters, NotEnoughData, Range, Stratifier
from core.stats.cox import cox
from core.stats.meta import meta_analysis
from core.store import Store


@pytest.fixture(scope="module")
def result(simulated: Store) -> TcgaSurvival:
    return tcga_survival(simulated, Filters(), Stratifier(genes=("TP53",)))


def test_ratios_are_the_cox_models_within_types_and_naive(result: TcgaSurvival) -> None:
    for row in result.ratios.to_dict("records"):
        rows = result.comparisons[row["endpoint"]].rows
        mutant = (rows.group == "mutant").to_numpy(float)[:, None]
        for lead, strata in (("", rows.tumor_type_source), ("naive_", None)):
            fit = cox(mutant, rows.time_months, rows.event, strata=strata)
            assert row[f"{lead}hazard_ratio"] == pytest.approx(np.exp(fit.coefficients[0]))
        assert row["hazard_ratio"] != row["naive_hazard_ratio"]


def test_curves_carry_the_same_model_as_the_forest(simulated: Store, result: TcgaSurvival) -> None:
    naive = tcga_survival(simulated, Filters(), Stratifier(genes=("TP53",)), stratified=False)
    for found, column in ((result, "hazard_ratio"), (naive, "naive_hazard_ratio")):
        ratios = found.ratios.set_index("endpoint")[column]
        for endpoint, comparison in found.comparisons.items():
            shown = comparison.hazard_ratios.set_index("method").hazard_ratio["Cox, Efron"]
            assert shown == pytest.approx(ratios[endpoint])
    assert all(c.logrank.n_strata > 1 for c in result.comparisons.values())
    assert all(c.logrank.n_strata == 1 for c in naive.comparisons.values())


def test_types_add_up_and_only_large_ones_are_estimated(result: TcgaSurvival) -> None:
    by_type = result.by_type
    totals = by_type.groupby("endpoint")[["n", "mutant", "events"]].sum()
    whole = result.ratios.set_index("endpoint")[["n", "mutant", "events"]]
    assert totals.sort_index().equals(whole.sort_index().astype(int))
    large = by_type.hazard_ratio.notna()
    assert large.any() and (~large).any()
    assert (by_type[large].mutant >= MIN_PATIENTS).all()
    assert (by_type[large].mutant_events >= MIN_EVENTS).all()


def test_heterogeneity_is_cochrans_q_of_the_estimated_types(result: TcgaSurvival) -> None:
    rows = result.by_type[(result.by_type.endpoint == "OS") & result.by_type.hazard_ratio.notna()]
    error = np.log(rows.ci_upper / rows.ci_lower) / (2 * 1.959963984540054)
    expected = meta_analysis(np.log(rows.hazard_ratio), error)
    assert result.heterogeneity["OS"] == pytest.approx((expected.q_p_value, expected.i2, len(rows)))


def test_advice_keeps_types_out_where_asked(simulated: Store, result: TcgaSurvival) -> None:
    advised = tcga_survival(simulated, Filters(), Stratifier(genes=("TP53",)), advised_only=True)
    kept = advised.by_type
    assert set(kept.advice) <= {"recommended", "caution"}
    for endpoint in ENDPOINTS:
        out = set(advised.left_out[endpoint])
        assert out and not out & set(kept[kept.endpoint == endpoint].tumor_type_source)


def test_only_filters_that_speak_of_tcga_apply() -> None:
    asked = Filters(
        drug_classes=("CTLA-4",), roles=("discovery",), require_call=True,
        sexes=("female",), age_years=Range(40, None), tumor_types=("Melanoma",),
    )  # fmt: skip
    found = tcga_filters(asked, ("SKCM",))
    assert found == Filters(
        treated_with_ici=False, cohorts=(TCGA,), sexes=("female",), age_years=Range(40, None),
        tumor_types=("Melanoma",), source_tumor_types=("SKCM",),
    )  # fmt: skip
    assert ignored(asked) == ("drug class", "cohorts", "only patients with a call")
    assert ignored(Filters()) == ()


def test_nobody_left_is_told(simulated: Store) -> None:
    with pytest.raises(NotEnoughData, match="No endpoint of TCGA"):
        tcga_survival(simulated, Filters(tumor_types=("Cancer of Unknown Primary",)), Stratifier())


@pytest.mark.realdata
def test_real_alk_says_little_about_survival_without_ici(real: Store) -> None:
    found = tcga_survival(real, Filters(), Stratifier())
    row = found.ratios.set_index("endpoint").loc["OS"]
    assert 0.85 < row.hazard_ratio < 1.15 and row.ci_lower < 1 < row.ci_upper
    assert 0.85 < row.naive_hazard_ratio < 1.2
    assert set(found.comparisons) == set(ENDPOINTS)
    assert found.by_type.tumor_type_source.nunique() == 33
    small = found.by_type[found.by_type.mutant < MIN_PATIENTS]
    assert small.hazard_ratio.isna().all()
