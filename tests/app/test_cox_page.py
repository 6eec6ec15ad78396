"""The Cox page: default, choices in the URL, tiny subgroup, gene on no panel, missing data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.analysis.cox_model import cox_question
from core.charts.cox import answer, multivariable_figure, univariable_figure
from core.model import Filters, Stratifier
from core.store import open_store
from tests.app.reading import alt, charts, texts

App = Callable[..., AppTest]


@pytest.fixture(scope="module")
def store(small_folder: Path):
    return open_store(small_folder / "simulated")


def test_default_page_shows_what_the_analysis_computed(app: App, store) -> None:
    at = app("cox")
    assert not at.exception
    result = cox_question(store, Filters(), Stratifier())
    shown = texts(at)
    assert answer(result) in shown and result.sentence in shown and result.methods in shown
    words = [alt(c) for c in charts(at)]
    assert words[0] == multivariable_figure(result, simulated=True).description
    assert words[1] == univariable_figure(result, simulated=True).description
    assert words[2].startswith("Scaled Schoenfeld residuals of ALK")
    assert f"{result.n:,}</b> analysed" in shown
    for warning in result.warnings:
        assert warning in shown


def test_url_chooses_covariates_codings_reference_and_strata(app: App) -> None:
    at = app("cox", **{"covariates": ["Sex", "TMB"], "with_genes": ["TTN"], "tmb_as": "two groups",
                       "ref_sex": "male", "strata_by": "Drug class"})  # fmt: skip
    assert not at.exception
    shown = "\n".join([texts(at), *(alt(c) for c in charts(at))])
    assert "Sex: female, against male" in shown
    assert "TMB: 10 per Mb or more, against under 10 per Mb" in shown
    assert "TTN mutant" in shown and "TP53" not in alt(charts(at)[0])
    assert "stratified by study and drug class" in shown


def test_no_covariates_is_the_gene_alone(app: App) -> None:
    at = app("cox")
    at.multiselect(key="covariates").set_value([])
    at.multiselect(key="with_genes").set_value([]).run()
    assert not at.exception
    assert "without adjustment" in texts(at)


def test_bad_values_in_the_url_are_told_and_left_out(app: App) -> None:
    at = app(
        "cox",
        **{"covariates": ["Shoe size", "Sex", "TMB"], "tmb_as": "cubed", "with_genes": "NOTAGENE"},
    )
    assert not at.exception
    told = "\n".join(w.value.replace("\\", "") for w in at.warning)
    assert "'Shoe size'" in told
    assert "'cubed'" in told and "NOTAGENE" in told
    assert "Sex" in alt(charts(at)[0]) and "Age" not in alt(charts(at)[0])


@pytest.mark.parametrize(
    "query", [{"cohort": "Tiny 2020"}, {"tumor": "Glioma", "age": ["70", "80"]}]
)
def test_tiny_subgroup_is_a_polite_sentence_or_a_warning(app: App, query: dict) -> None:
    at = app("cox", **query)
    assert not at.exception
    assert at.info or at.warning


def test_gene_on_no_panel_is_a_polite_sentence(app: App) -> None:
    at = app("cox", gene="NOPANEL")
    assert not at.exception and not charts(at)
    assert any("not two groups" in i.value for i in at.info)


def test_cohort_without_mutations_is_a_polite_sentence(app: App) -> None:
    at = app("cox", cohort="Clinical 2021")
    assert not at.exception and not charts(at)
    assert any("None of these patients was profiled for ALK" in i.value for i in at.info)


def test_endpoint_that_a_cohort_lacks_is_a_polite_sentence(app: App) -> None:
    at = app("cox", cohort="Melanoma 2017", endpoint="PFS")
    assert not at.exception and not charts(at)
    assert any("Progression-free survival is not known" in i.value for i in at.info)


def test_patients_split_by_a_covariate_are_not_adjusted_for_it(app: App) -> None:
    at = app("cox", by="number", number="TMB", cut="median")
    assert not at.exception and len(charts(at)) >= 2
    assert any("TMB is no covariate here" in w.value or "TMB of" in w.value for w in at.warning)


def test_residuals_of_another_term(app: App) -> None:
    at = app("cox")
    at.selectbox(key="residuals").set_value("Sex").run()
    assert not at.exception
    assert alt(charts(at)[2]).startswith("Scaled Schoenfeld residuals of Sex")
