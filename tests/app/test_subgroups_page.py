"""The subgroups page: default, tiny subgroup, no panel, no mutations; looks are counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.analysis.subgroups import subgroups_question
from core.charts.forest import SELECTION
from core.charts.subgroups import answer, subgroups_figure
from core.model import Filters, Stratifier
from core.store import open_store
from tests.app.reading import alt, charts, spec, texts

App = Callable[..., AppTest]


@pytest.fixture(scope="module")
def store(small_folder: Path):
    return open_store(small_folder / "simulated")


def test_default_page_shows_what_the_analysis_computed(app: App, store) -> None:
    at = app("subgroups")
    assert not at.exception
    result = subgroups_question(store, Filters(), Stratifier())
    shown = texts(at)
    assert answer(result) in shown and result.sentence in shown and result.methods in shown
    assert [alt(c) for c in charts(at)] == [subgroups_figure(result, simulated=True).description]
    assert SELECTION in str(spec(charts(at)[0]))


def test_subgroups_looked_at_are_counted_once_each(app: App, store) -> None:
    k = len(subgroups_question(store, Filters(), Stratifier()).looked_at)
    at = app("subgroups")
    assert f"{k} were looked at in this session" in texts(at)
    at.run()
    assert f"{k} were looked at in this session" in texts(at), "the same ones again"
    at.multiselect(key="sex").set_value(["female"]).run()
    women = subgroups_question(store, Filters(sexes=("female",)), Stratifier()).looked_at
    assert f"{k + len(women)} were looked at in this session" in texts(at)


@pytest.mark.parametrize(
    "query",
    [{"cohort": "Tiny 2020"}, {"tumor": "Glioma", "age": ["70", "80"]}, {"gene": "VSIR"}],
)
def test_tiny_subgroup_does_not_break_the_page(app: App, query: dict) -> None:
    at = app("subgroups", **query)
    assert not at.exception
    assert at.info or charts(at)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"gene": "NOPANEL"}, "not two groups"),
        ({"cohort": "Clinical 2021"}, "None of these patients was profiled for ALK"),
        ({"cohort": "Melanoma 2017", "endpoint": "PFS"}, "survival is not known of any"),
        ({"tumor": "Glioma", "role": "discovery"}, "No patient is left"),
    ],
)
def test_nothing_to_compare_is_a_polite_sentence(app: App, query: dict, told: str) -> None:
    at = app("subgroups", **query)
    assert not at.exception and not charts(at)
    assert any(told in i.value for i in at.info)
