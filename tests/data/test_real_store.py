"""The store built from the published files, against counts that stand in their README.

Skipped, saying so, where the published files are not beside the project.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.analysis.survival import survival_question
from core.model import NON_SYNONYMOUS, Filters, Stratifier
from core.store import Store
from data.check import problems
from data.info import describe, gene_states
from data.locate import locate, position_index

pytestmark = pytest.mark.realdata

README_COUNTS = {
    # cohort: patients, ALK-mutant, profiled and not mutant
    "Samstein 2019": (1661, 97, 1564),  # 1,513 of them among the 1,610 with a call
    "Liu 2019": (144, 11, 133),
    "Miao 2018": (249, 0, 0),
    "Riaz 2017": (73, 6, 62),
    "Van Allen 2015": (112, 10, 100),
    "Ravi 2023": (309, 0, 0),
    "Hugo 2016": (38, 3, 35),
    "Snyder 2014": (64, 5, 59),
}


def test_every_rule_holds(real: Store) -> None:
    assert problems(real.path) == ()


@pytest.mark.parametrize("cohort", README_COUNTS)
def test_cohorts_have_the_counts_of_the_files(real: Store, cohort: str) -> None:
    states = gene_states(real, "ALK").query("cohort == @cohort and tumor_type == 'all'").iloc[0]
    n, mutant, other = README_COUNTS[cohort]
    assert states[["mutant", "wild type", "not profiled"]].sum() == n
    assert states["mutant"] == mutant and states["wild type"] == other


def test_samstein_counted_as_the_paper_did(real: Store) -> None:
    filters = Filters(cohorts=("samstein_2019",), require_call=True)
    frame = real.patients(filters)
    status = real.mutation_status("ALK")[frame.patient_key]
    assert (len(frame), (status == 1).sum(), (status == 0).sum()) == (1610, 97, 1513)


def test_gandara_keeps_both_arms_and_the_evaluable_denominator(real: Store) -> None:
    both = real.patients(Filters(cohorts=("gandara_2018",), treated_with_ici=None))
    assert len(both) == 1137
    treated = real.patients(Filters(cohorts=("gandara_2018",)))
    assert set(treated.arm) == {"atezolizumab"}
    status = real.mutation_status("ALK")[treated.patient_key]
    assert ((status == 1).sum(), (status == 0).sum()) == (15, 414)
    control = both[both.arm == "docetaxel"]
    assert not control.treated_with_ici.any() and len(control) == 568


def test_tcga_has_the_papers_patients_and_denominators(real: Store) -> None:
    n = real.rows(
        "SELECT count(*) AS n FROM patient WHERE cohort_id = 'tcga' AND patient_key IN "
        "(SELECT patient_key FROM endpoint UNION SELECT patient_key FROM patient "
        "WHERE age_years IS NOT NULL OR sex IS NOT NULL)"
    )
    assert n.n[0] == 11_160
    tcga = real.patients(
        Filters(cohorts=("tcga",), treated_with_ici=False, count_shared_once=False)
    )
    status = real.mutation_status("ALK")
    everyone = real.rows("SELECT patient_key FROM patient WHERE cohort_id = 'tcga'").patient_key
    assert (status[everyone] == 1).sum() == 323
    listed = real.rows(
        "SELECT value, count(*) AS n FROM clinical WHERE variable = 'case_list' GROUP BY 1"
    )
    assert listed.n.sum() == 10_953
    assert listed.set_index("value").n["sequenced"] == 10_433
    assert tcga.tumor_type_source.nunique() == 33


def test_the_validation_recipe_gives_the_printed_cohort(real: Store) -> None:
    filters = Filters(
        cohorts=("samstein_2019",),
        require_call=True,
        exclude_tumor_types=("Cancer of Unknown Primary", "Skin Cancer, Non-Melanoma"),
    )
    result = survival_question(real, filters, Stratifier(genes=("ALK",)))
    assert (result.arms.n.sum(), result.arms.set_index("group").n["mutant"]) == (1524, 91)
    types = result.rows.tumor_type.value_counts().to_dict()
    assert types == {
        "Non-Small Cell Lung Cancer": 344, "Melanoma": 313, "Bladder Cancer": 211,
        "Renal Cell Carcinoma": 143, "Head and Neck Cancer": 129, "Esophagogastric Cancer": 118,
        "Glioma": 116, "Colorectal Cancer": 109, "Breast Cancer": 41,
    }  # fmt: skip
    shown = result.hazard_ratios.set_index("method")[["hazard_ratio", "ci_lower", "ci_upper"]]
    assert shown.round(2).loc["O/E"].tolist() == [0.62, 0.47, 0.83]
    assert shown.round(2).loc["Cox, Efron"].tolist() == [0.62, 0.43, 0.88]


def test_the_honest_denominator_of_the_recipe(real: Store) -> None:
    filters = Filters(
        cohorts=("samstein_2019",),
        exclude_tumor_types=("Cancer of Unknown Primary", "Skin Cancer, Non-Melanoma"),
    )
    assert len(real.patients(filters)) == 1572


def test_units_were_converted_at_the_door(real: Store) -> None:
    longest = real.rows(
        "SELECT cohort_id, endpoint, max(time_months) AS months, median(time_months) AS middle "
        "FROM endpoint JOIN patient USING (patient_key) WHERE endpoint = 'OS' GROUP BY ALL"
    ).set_index("cohort_id")
    assert longest.months.drop("tcga").between(20, 110).all(), longest
    assert longest.middle.between(5, 40).all(), longest
    recipe = Filters(
        cohorts=("samstein_2019",),
        require_call=True,
        exclude_tumor_types=("Cancer of Unknown Primary", "Skin Cancer, Non-Melanoma"),
    )
    assert (real.patients(recipe).time_months == 0).sum() == 27, "time 0 is real and stays in"


def test_one_study_given_twice_agrees(real: Store) -> None:
    """Van Allen's survival as Miao re-uses it: the same days for the patients of both."""
    pairs = real.rows(
        "SELECT e.time_months AS one, f.time_months AS other, e.event AS d, f.event AS g "
        "FROM patient a JOIN patient b ON a.shared_with = b.cohort_id || ':' || b.patient_id "
        "JOIN endpoint e ON e.patient_key = a.patient_key AND e.endpoint = 'OS' "
        "JOIN endpoint f ON f.patient_key = b.patient_key AND f.endpoint = 'OS' "
        "WHERE a.cohort_id = 'van_allen_2015'"
    )
    assert len(pairs) == 91
    same = np.isclose(pairs.one, pairs.other, atol=0.05) & (pairs.d == pairs.g)
    assert same.mean() > 0.9


def test_shared_patients_are_linked_and_counted_once(real: Store) -> None:
    linked = real.rows(
        "SELECT cohort_id, split_part(shared_with, ':', 1) AS other, counted_here, count(*) AS n "
        "FROM patient WHERE shared_with IS NOT NULL GROUP BY ALL"
    ).set_index(["cohort_id", "other"])
    assert linked.n["miao_2018", "van_allen_2015"] == 91
    assert linked.n["miao_2018", "snyder_2014"] == 46
    assert not linked.counted_here["miao_2018", "snyder_2014"]
    assert linked.counted_here["snyder_2014", "miao_2018"]
    pooled = real.patients(Filters())
    assert len(pooled) == len(real.patients(Filters(count_shared_once=False))) - 137


def test_genes_found_by_position_are_the_right_ones(real: Store) -> None:
    """Van Allen's calls carry symbols: find them by position from the other sources alone."""
    calls = real.rows(
        "SELECT hugo_symbol, chromosome, start_position, variant_classification, cohort_id "
        "FROM mutation JOIN patient USING (patient_key) WHERE start_position IS NOT NULL "
        "AND cohort_id NOT IN ('gandara_2018', 'snyder_2014')"
    )
    own = calls.cohort_id == "van_allen_2015"
    coding = calls.variant_classification.isin(NON_SYNONYMOUS)
    asked = calls[own & coding].reset_index(drop=True)
    found = locate(asked, position_index(calls[~own]))
    located = found.notna()
    assert located.mean() > 0.9
    right = found[located] == asked.hugo_symbol[located]
    assert right.mean() > 0.98
    alk = asked.hugo_symbol == "ALK"
    assert (found[alk] == "ALK").all()


def test_every_call_knows_its_source_and_the_38_genes_have_one_pipeline(real: Store) -> None:
    sources = real.rows(
        "SELECT DISTINCT call_source FROM mutation m JOIN patient USING (patient_key) "
        "JOIN panel_gene g ON g.hugo_symbol = m.hugo_symbol AND g.panel_id = 'mc3_rtk_ras_38' "
        f"WHERE cohort_id = 'tcga' AND variant_classification IN {NON_SYNONYMOUS}"
    ).call_source
    assert len(sources) and all(s.startswith("MC3") for s in sources)


def test_old_and_new_symbols_meet(real: Store) -> None:
    assert real.resolve_gene("C10orf54") == "VSIR"
    assert real.resolve_gene("MLL2") == "KMT2D"
    assert (real.mutation_status("KMT2D") == 1).sum() > 500


def test_features_reach_their_patients(real: Store) -> None:
    counts = (
        real.rows("SELECT feature, count(*) AS n FROM feature_value GROUP BY 1")
        .set_index("feature")
        .n
    )
    assert counts["leukocyte_fraction"] > 10_000
    assert counts["nonsilent_rate"] > 10_000
    fractions = real.rows(
        "SELECT min(value) AS low, max(value) AS high FROM feature_value "
        "JOIN feature USING (feature) WHERE unit = 'fraction'"
    )
    # fractions estimated from methylation may fall a hair below 0
    assert fractions.low[0] > -0.001 and fractions.high[0] <= 1.0001
    expression = real.expression("CD274")
    assert (
        np.isfinite(expression).sum()
        == real.rows("SELECT count(*) AS n FROM expression_sample").n[0]
    )


def test_provenance_is_complete(real: Store) -> None:
    found = describe(real, "ALK")
    read = [s for s in found["sources"] if s["status"] == "read"]
    assert len(read) > 60
    assert not any(s["source_id"].startswith("cbioportal/") for s in found["sources"]), (
        "examples of the importer are no source of the store"
    )
    assert all(s["sha256"] and s["citation"] and s["licence"] for s in read)
    assert found["build"]["simulated"] is False
    assert isinstance(pd.DataFrame(found["states"]), pd.DataFrame) and found["gene"] == "ALK"
