"""Predictive or prognostic: the page on ordinary and on poor data, and what a URL may bring."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.analysis.setting import setting_question
from core.charts import setting as shown
from core.model import Filters, Stratifier
from core.store import open_store
from tests.app.reading import alt, charts, texts

App = Callable[..., AppTest]


@pytest.fixture(scope="module")
def store(small_folder: Path):
    return open_store(small_folder / "simulated")


def test_page_draws_what_the_analysis_computed(app: App, store) -> None:
    at = app("setting")
    expected = setting_question(store, Filters(), Stratifier())
    assert not at.exception
    assert at.title[0].value == "Is a mutation in ALK predictive or prognostic?"
    told = texts(at)
    assert shown.answer(expected) in told and expected.sentence in told
    figures = [alt(c) for c in charts(at)]
    assert figures[0] == shown.forest(expected, simulated=True).description
    assert len(figures) == 4, "forest, two Kaplan-Meier figures, the randomised arms"
    assert expected.randomised is not None
    assert shown.randomised_answer(expected.randomised) in told


def test_page_says_what_cannot_be_concluded(app: App) -> None:
    told = texts(app("setting"))
    for words in ("Not randomised", "Another time zero", "Another assay", "plasma"):
        assert words in told


def test_more_mutants_asked_for_leave_fewer_types(app: App, store) -> None:
    usual = setting_question(store, Filters(), Stratifier())
    mutants = usual.by_type.groupby("tumor_type").mutant.min()
    least = int(mutants.min()) + 1
    expected = setting_question(store, Filters(), Stratifier(), min_mutant=least)
    assert set(expected.matched) < set(usual.matched)
    assert expected.sentence in texts(app("setting", least=str(least)))


def test_bad_number_in_the_url_is_told(app: App) -> None:
    at = app("setting", least="many")
    assert not at.exception and charts(at)


def test_filters_of_treatment_are_told_to_narrow_one_side(app: App) -> None:
    at = app("setting", role="discovery")
    assert not at.exception
    assert any("narrow the treated patients only" in w.value for w in at.warning)


def test_progression_takes_tcgas_nearest_endpoint_and_says_so(app: App) -> None:
    at = app("setting", endpoint="PFS")
    assert not at.exception
    assert any("TCGA has no progression-free survival" in w.value for w in at.warning)


@pytest.mark.parametrize(
    "query",
    [
        {"gene": "NOPANEL"},
        {"cohort": "Tiny 2020"},
        {"cohort": "Clinical 2021"},
        {"tumor": "Glioma"},
        {"tumor": "Anal Cancer"},
    ],
)
def test_nothing_to_match_is_a_polite_sentence(app: App, query: dict[str, str]) -> None:
    at = app("setting", **query)
    assert not at.exception and not charts(at)
    told = "was profiled for ALK" if "Clinical 2021" in query.values() else "No tumour type can be"
    assert any(told in i.value for i in at.info)


def test_filters_without_the_trial_say_so(app: App) -> None:
    told = texts(app("setting", tumor="Melanoma"))
    assert "no trial that randomised" in told
