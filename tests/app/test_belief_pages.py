"""Do the cohorts agree, and is it the gene or the burden: pages on ordinary and on poor data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.analysis.agreement import agreement_question
from core.analysis.burden import burden_question
from core.charts import agreement as agreement_shown
from core.charts.burden import models_figure
from core.model import Filters, Stratifier
from core.store import open_store
from tests.app.reading import alt, charts, texts

App = Callable[..., AppTest]
PAGES = ("agreement", "burden")


@pytest.fixture(scope="module")
def store(small_folder: Path):
    return open_store(small_folder / "simulated")


def test_agreement_page_draws_what_the_analysis_computed(app: App, store) -> None:
    at = app("agreement")
    expected = agreement_question(store, Filters(), Stratifier())
    assert not at.exception
    assert at.title[0].value == "Do the cohorts agree about ALK?"
    shown = texts(at)
    assert agreement_shown.answer(expected) in shown and expected.sentence in shown
    figure = agreement_shown.cohorts_figure(expected, simulated=True)
    assert alt(charts(at)[0]) == figure.description
    assert "not profiled for ALK" in shown, "the cohort without mutations, with its reason"
    assert len(charts(at)) == (3 if expected.summary and expected.summary.k > 2 else 1)


def test_burden_page_draws_what_the_analysis_computed(app: App, store) -> None:
    at = app("burden")
    expected = burden_question(store, Filters(), Stratifier())
    assert not at.exception
    assert at.title[0].value == "Is it ALK, or the burden?"
    drawn = [alt(c) for c in charts(at)]
    assert drawn[0] == models_figure(expected, simulated=True).description
    assert "Histogram of the hazard ratios" in drawn[1] and "1,000 permutations" in drawn[1]
    assert "by fifth of TMB" in drawn[2] and drawn[3].startswith("Volcano of genes")
    shown = texts(at)
    assert "ALK's raw hazard ratio is" in shown and expected.sentence in shown
    assert f"{len(expected.rows):,}</b> analysed" in shown
    assert all("SIMULATED" in c.spec for c in charts(at))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "asked",
    [
        {"cohort": "Tiny 2020"},
        {"cohort": "Clinical 2021"},
        {"gene": "NOPANEL"},
        {"tumor": "Glioma", "role": "discovery"},
        {"cohort": "Melanoma 2017", "endpoint": "PFS"},
    ],
    ids=["tiny", "no mutations", "on no panel", "nobody", "no endpoint"],
)
def test_too_little_data_is_a_sentence_or_a_warning(app: App, page: str, asked: dict) -> None:
    at = app(page, **asked)
    assert not at.exception and not at.error[1:], "but for the banner of simulated data"
    assert at.info or at.warning


@pytest.mark.parametrize("page", PAGES)
def test_small_arm_withholds_p(app: App, page: str) -> None:
    at = app(page, cohort="Many 2019", tumor="Glioma", gene="VSIR")
    assert not at.exception
    said = texts(at)
    assert "Too few patients to tell" in said or "One cohort alone" in said or at.info


def test_filters_change_both_pages(app: App) -> None:
    for page in PAGES:
        before = alt(charts(app(page))[0])
        assert alt(charts(app(page, drug="CTLA-4"))[0]) != before


def test_raw_volcano_is_a_switch_in_the_address(app: App) -> None:
    assert "(adjusted for cancer type and TMB)" in alt(charts(app("burden"))[3])
    assert "(raw)" in alt(charts(app("burden", adjusted="false"))[3])


def test_unstratified_question_is_told_that_the_switch_does_not_apply(app: App) -> None:
    assert "whatever the switch says" in texts(app("burden", strata="false"))


def test_other_splits_are_compared_or_told(app: App) -> None:
    at = app("agreement", by="number", feature="age_years", cut="median")
    assert not at.exception and (charts(at) or at.info)
    at = app("burden", by="two genes")
    assert not at.exception
    assert "This page is about mutations: shown for ALK." in texts(at)
    assert "Is it ALK, or the burden?" in texts(at)
