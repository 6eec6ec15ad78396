"""The survival page: default, filtered, too little data, and what a URL may bring."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.analysis.survival import survival_question
from core.analysis.survival_panels import survival_panels
from core.charts.km import describe
from core.model import Filters, Split, Stratifier
from core.store import open_store
from tests.app.reading import alt, charts, texts

App = Callable[..., AppTest]


@pytest.fixture(scope="module")
def store(small_folder: Path):
    return open_store(small_folder / "simulated")


def test_default_page_draws_what_the_analysis_computed(app: App, store) -> None:
    at = app()
    expected = survival_question(store, Filters(), Stratifier())
    assert not at.exception
    assert at.title[0].value == "Does a mutation in ALK go with longer overall survival?"
    shown = texts(at)
    panels = survival_panels(store, Filters(), Stratifier())
    drawn = [describe(p.result) for p in panels.all if p.result]
    assert [alt(c) for c in charts(at)][:3] == drawn and drawn[-1] == describe(expected)
    assert [p.name for p in panels.all] == ["Discovery", "Validation", "Pooled"]
    assert expected.sentence in shown
    assert f"{len(expected.rows):,}</b> analysed" in shown
    assert expected.methods in shown


def test_simulated_data_say_so_on_every_page(app: App) -> None:
    for page in ("", "cohorts"):
        assert any("SIMULATED" in e.value for e in app(page).error), page


def test_a_filter_changes_the_patients_and_the_figure(app: App) -> None:
    at = app()
    before = alt(charts(at)[0])
    at.multiselect(key="tumor").set_value(["Melanoma"]).run()
    assert "ICI-treated, Melanoma" in texts(at)
    assert alt(charts(at)[0]) != before


def test_url_gives_the_filters_and_they_survive_a_page_switch(app: App) -> None:
    at = app(
        gene="TP53", tumor=["Melanoma", "Glioma"], role="validation", tmb_min="2", age=["40", "80"]
    )
    assert not at.warning
    wanted = (
        "ICI-treated, Melanoma and Glioma, validation cohorts, age 40 to 80 years, "
        "TMB from 2 per Mb"
    )
    assert wanted in texts(at)
    assert "TP53" in at.title[0].value
    at.switch_page(str(Path(__file__).resolve().parents[2] / "pages" / "cohorts.py")).run()
    assert wanted in texts(at)
    assert at.title[0].value == "Which cohorts can speak about TP53?"


def test_old_symbol_in_the_url_is_the_current_gene(app: App) -> None:
    at = app(gene="C10orf54")
    assert "VSIR" in at.title[0].value
    assert "C10orf54 is now called VSIR" in texts(at)


def test_gene_is_found_in_any_case(app: App) -> None:
    at = app(gene="tp53")
    assert "TP53" in at.title[0].value
    assert "now called" not in texts(at)


def test_unknown_gene_in_the_url_names_the_nearest_and_falls_back(app: App) -> None:
    at = app(gene="ALKK")
    assert not at.exception
    told = [w.value.replace("\\", "") for w in at.warning]
    assert any("'ALKK'" in t and "Closest: ALK" in t for t in told)
    assert "ALK" in at.title[0].value and charts(at)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("tumor", "Atlantis", "Tumour types: 'Atlantis'"),
        ("drug", "aspirin", "Drug classes: 'aspirin'"),
        ("cohort", "Nobody 1999", "Studies: 'Nobody 1999'"),
        ("role", "control", "Cohorts: 'control'"),
        ("class", "nonsense", "Mutation classes: 'nonsense'"),
        ("endpoint", "EFS", "Endpoint: 'EFS'"),
        ("tmb_min", "many", "TMB from: 'many'"),
        ("tmb_max", "-4", "TMB up to: '-4'"),
        ("age", "old", "Age: 'old'"),
        ("by", "magic", "Split patients by: 'magic'"),
        ("view", "cube", "View: 'cube'"),
        ("tau", "never", "Horizon: 'never'"),
        ("strata", "perhaps", "Stratify by cohort: 'perhaps'"),
        ("tumor", "<script>alert(1)</script>", "'<script>alert(1)</script>'"),
        ("tumor", "'; DROP TABLE patient; --", "DROP TABLE"),
    ],
)
def test_bad_value_in_the_url_is_told_and_left_out(app: App, store, key, value, told) -> None:
    at = app(**{key: value})
    assert not at.exception
    assert any(told in w.value.replace("\\", "") for w in at.warning)
    assert survival_question(store, Filters(), Stratifier()).sentence in texts(at)


def test_note_on_a_bad_value_goes_once_the_question_changes(app: App) -> None:
    at = app(tumor="Atlantis")
    at.toggle(key="medians").set_value(False).run()
    assert any("Atlantis" in w.value for w in at.warning), "no new question"
    at.multiselect(key="tumor").set_value(["Melanoma"]).run()
    assert not at.warning


def test_tmb_bounds_that_leave_nothing_are_told(app: App) -> None:
    at = app(tmb_min="20", tmb_max="3")
    assert any("20 to 3 is empty" in w.value for w in at.warning)
    assert "TMB" not in texts(at).split("patients:")[1].split("\n")[0]


def test_no_patient_left_is_a_polite_sentence(app: App) -> None:
    at = app(tumor="Glioma", role="discovery")
    assert not at.exception and not charts(at)
    assert any("No patient is left" in i.value for i in at.info)


def test_tiny_cohort_is_a_polite_sentence_or_a_warning(app: App) -> None:
    at = app(cohort="Tiny 2020")
    assert not at.exception
    assert at.info or any("no p-value is given" in w.value for w in at.warning)


def test_cohort_without_mutations_is_a_polite_sentence(app: App) -> None:
    at = app(cohort="Clinical 2021")
    assert not at.exception and not charts(at)
    assert any("None of these patients was profiled for ALK" in i.value for i in at.info)
    assert any("40 not profiled" in i.value for i in at.info)


def test_gene_on_no_panel_leaves_nobody_mutant(app: App) -> None:
    at = app(gene="NOPANEL")
    assert not at.exception and not charts(at)
    assert any("0 mutant" in i.value for i in at.info)


def test_small_arm_withholds_p(app: App) -> None:
    at = app(cohort="Many 2019", tumor="Glioma", gene="VSIR")
    assert not at.exception
    assert any("no p-value is given" in w.value for w in at.warning)
    assert "withheld" in texts(at) and "Too few patients to tell" in texts(at)


def test_reset_brings_back_all_patients(app: App, store) -> None:
    at = app(tumor="Melanoma", tmb_min="3", called="true", age=["50", "60"])
    next(b for b in at.button if b.label == "Reset filters").click().run()
    assert survival_question(store, Filters(), Stratifier()).sentence in texts(at)


def test_unstratified_is_another_result(app: App, store) -> None:
    at = app(strata="false", view="Pooled only")
    pooled = survival_question(store, Filters(), Stratifier(), stratified=False)
    assert alt(charts(at)[0]) == describe(pooled)
    assert "stratified by cohort" not in texts(at)


def test_endpoint_in_the_url(app: App) -> None:
    at = app(endpoint="PFS")
    assert "progression-free survival" in at.title[0].value
    assert "Event-free at 12 months" in texts(at)


KINDS = [
    ({"by": "gene set", "genes": "ALK,TP53"}, "Does a mutation in ALK or TP53 go"),
    ({"by": "gene set", "genes": "alk tp53", "all": "true"}, "Does a mutation in ALK and TP53 go"),
    ({"by": "gene set", "set": "Two genes"}, "Does a mutation in Two genes go"),
    ({"by": "two genes", "with": "TTN"}, "Does the pair ALK and TTN go"),
    ({"by": "number"}, "Does TMB go"),
    ({"by": "number", "number": "TMB within cohort", "cut": "tertiles"}, "Does TMB within cohort"),
    ({"by": "number", "number": "Age", "cut": "65"}, "Does Age go"),
    ({"by": "number", "cut": "optimal"}, "Does TMB go"),
    ({"by": "signature", "signature": "SBS7a"}, "Does SBS7a go"),
    ({"by": "signature", "signature": "SBS7a", "share": "0.2"}, "Does SBS7a go"),
    ({"by": "clinical variable"}, "Does Sex go"),
    ({"by": "clinical variable", "variable": "Drug class"}, "Does Drug class go"),
    ({"by": "clinical variable", "variable": "Smoking"}, "Does Smoking go"),
]


@pytest.mark.parametrize(("query", "title"), KINDS, ids=lambda v: str(v)[:50])
def test_every_way_to_split_works_from_the_url(app: App, query: dict[str, str], title: str) -> None:
    at = app(view="Pooled only", **query)
    assert not at.exception and not at.info, [i.value for i in at.info]
    assert at.title[0].value.startswith(title)
    assert charts(at)
    assert not any("left out" in w.value for w in at.warning)


def test_groups_in_the_url_are_the_groups_of_the_analysis(app: App, store) -> None:
    at = app(by="two genes", **{"with": "TTN"}, view="Pooled only")
    pair = survival_question(store, Filters(), Stratifier(Split.PAIR, ("ALK", "TTN")))
    assert alt(charts(at)[0]) == describe(pair)
    assert pair.order == ("neither", "ALK only", "TTN only", "ALK and TTN")
    assert pair.sentence in texts(at)


def test_chosen_cut_shows_its_corrected_p_and_no_other(app: App, store) -> None:
    at = app(by="number", cut="optimal")
    split = Stratifier(Split.NUMBER, feature="tmb_per_mb", cut="optimal", name="TMB")
    found = survival_question(store, Filters(), split)
    assert found.corrected_p is not None and found.hazard_ratios.p_value.isna().all()
    assert found.p_value == found.corrected_p != found.logrank.p_value
    shown = texts(at)
    assert "Corrected for that search" in shown and "log-rank p =" not in shown
    assert all("log-rank p =" not in alt(c) for c in charts(at))


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"by": "gene set", "genes": "NOBODY1"}, "No gene of a set is chosen yet"),
        ({"by": "protein position", "position": "here"}, "no protein position"),
        ({"by": "protein position", "position": "NOBODY:12"}, "The gene 'NOBODY'"),
        ({"by": "two genes", "with": "NOBODY"}, "The gene 'NOBODY'"),
        ({"by": "two genes", "with": "ALK"}, "The second gene is ALK itself"),
        ({"by": "number", "number": "Luck"}, "Number: 'Luck'"),
        ({"by": "number", "cut": "somewhere"}, "'somewhere' is neither a rule nor a number"),
        ({"by": "number", "cut": "nan"}, "'nan' is neither a rule nor a number"),
        ({"by": "signature", "signature": "SBS999"}, "Signature: 'SBS999'"),
        ({"by": "signature", "share": "7"}, "Least share: '7'"),
        ({"by": "clinical variable", "variable": "Luck"}, "Clinical variable: 'Luck'"),
        ({"by": "clinical variable", "variable": "<script>"}, "'<script>'"),
    ],
    ids=lambda v: str(v)[:50],
)
def test_bad_way_to_split_is_told_and_answered(app: App, query: dict[str, str], told: str) -> None:
    at = app(**query)
    assert not at.exception and charts(at)
    assert any(told in w.value.replace("\\", "") for w in at.warning)


def test_unknown_genes_of_a_set_are_named(app: App) -> None:
    at = app(by="gene set", genes="ALK NOBODY1 C10orf54")
    assert "1 not in this store and left out: NOBODY1" in texts(at)
    assert at.title[0].value.startswith("Does a mutation in ALK or VSIR")


def test_cut_beyond_all_values_is_a_polite_sentence(app: App) -> None:
    at = app(by="number", number="Age", cut="300")
    assert not at.exception and not charts(at)
    assert any("There are not two groups" in i.value for i in at.info)


def test_gene_stays_for_pages_about_one_gene(app: App) -> None:
    at = app("mutations", gene="TP53", by="number")
    assert not at.exception and "TP53" in at.title[0].value
