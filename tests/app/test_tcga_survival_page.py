"""The TCGA survival page: four endpoints, naive or within types, advice, too little data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.analysis.tcga_survival import tcga_survival
from core.charts import tcga_tables as tables
from core.charts.km import describe
from core.model import Filters, Stratifier
from core.store import Store, open_store
from tests.app.reading import alt, charts, texts

App = Callable[..., AppTest]


@pytest.fixture(scope="module")
def store(small_folder: Path) -> Store:
    return open_store(small_folder / "simulated")


def test_default_page_draws_what_the_analysis_computed(app: App, store: Store) -> None:
    at = app("tcga_survival")
    assert not at.exception
    expected = tcga_survival(store, Filters(), Stratifier())
    told = [alt(c) for c in charts(at)]
    assert all(describe(c) in told for c in expected.comparisons.values())
    shown = texts(at)
    assert tables.answer(expected) in shown and expected.sentence in shown
    assert "Progression-free interval (PFI; the paper's PFS)" in shown
    assert any("DFI" not in expected.comparisons and "No comparison" in i.value for i in at.info)
    assert "Derived by rule" in shown and "ACC (" in shown


def test_naive_is_another_result(app: App) -> None:
    within, naive = (texts(app("tcga_survival", naive=v)) for v in ("false", "true"))
    assert "stratified by TCGA tumour type" in within
    assert "stratified by TCGA tumour type" not in naive


def test_types_where_an_endpoint_is_not_advised_are_named(app: App) -> None:
    at = app("tcga_survival", advised="true")
    assert "Left out, since OS is not advised there: ACC." in texts(at)


def test_tcga_types_and_main_types_both_apply(app: App) -> None:
    assert "260 TCGA patients" in texts(app("tcga_survival", tcga_type="SKCM"))
    assert "320 TCGA patients" in texts(app("tcga_survival", tumor="Melanoma"))


def test_filters_of_ici_treatment_do_not_apply(app: App) -> None:
    shown = texts(app("tcga_survival", drug="CTLA-4", cohort="Lung 2018"))
    assert "768 TCGA patients" in shown
    assert "set but not used here: drug class, studies" in shown


@pytest.mark.parametrize("query", [{"gene": "NOPANEL"}, {"tcga_type": "UVM"}, {"tumor": "Glioma"}])
def test_nothing_to_compare_is_a_polite_sentence(app: App, query: dict[str, str]) -> None:
    at = app("tcga_survival", **query)
    assert not at.exception and not charts(at)
    assert any("No endpoint of TCGA can be compared" in i.value for i in at.info)


def test_tiny_subgroup_withholds_p(app: App) -> None:
    at = app("tcga_survival", tcga_type="ACC", gene="TP53")
    assert not at.exception
    assert "Too few patients to tell" in texts(at)


def test_other_splits_are_compared_or_politely_refused(app: App) -> None:
    age = app("tcga_survival", by="number", number="age_years", cut="median")
    assert not age.exception and len(charts(age)) >= 4
    assert "high of" in texts(age)
    pair = app("tcga_survival", by="two genes", **{"with": "TP53"})
    assert not pair.exception and not charts(pair)
    assert any("compares two groups" in i.value for i in pair.info)
