"""The cohorts page: every cohort with its three mutation states, under the filters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from core.analysis.cohorts import cohort_overview
from core.charts import cohort_tables as tables
from core.charts.consort import consort_figure, describe
from core.model import Filters, Stratifier
from core.store import open_store
from tests.app.reading import alt, charts, texts

App = Callable[..., AppTest]


def test_states_add_up_and_stand_on_the_page(app: App, small_folder: Path) -> None:
    store = open_store(small_folder / "simulated")
    table = cohort_overview(store, Filters(), Stratifier()).table
    assert (table.mutant + table.wild_type + table.not_profiled == table.n).all()
    clinical = table.set_index("cohort_id").loc["clinical_2021"]
    assert clinical.not_profiled == clinical.n == 40
    shown = texts(app("cohorts"))
    for name, n in zip(table["name"], table.n, strict=True):
        assert name in shown and f">{n:,}<" in shown
    assert "Clinical data only." in shown


def test_missing_follow_up_and_sources_are_shown(app: App, small_folder: Path) -> None:
    overview = cohort_overview(open_store(small_folder / "simulated"), Filters(), Stratifier())
    shown = texts(app("cohorts"))
    for row in (
        *tables.counts(overview).to_dict("records"),
        *tables.missing(overview).to_dict("records"),
    ):
        assert all(f">{v}<" in shown for v in row.values() if v)
    assert (overview.missing.age_years > 0).any()
    assert "All 5 files, with date and hash" in [e.label for e in app("cohorts").expander]


def test_flow_leads_from_the_store_to_the_arms(app: App, small_folder: Path) -> None:
    overview = cohort_overview(open_store(small_folder / "simulated"), Filters(), Stratifier())
    assert alt(charts(app("cohorts"))[0]) == describe(overview)
    assert overview.arms.n.sum() == overview.flow.n.iloc[-1]
    assert (overview.flow.n.shift(1).iloc[1:] - overview.flow.lost.iloc[1:]
            == overview.flow.n.iloc[1:]).all()  # fmt: skip


def test_another_split_gets_columns_of_its_own(small_folder: Path) -> None:
    store = open_store(small_folder / "simulated")
    split = Stratifier(kind="number", feature="tmb_per_mb", cut="10")
    overview = cohort_overview(store, Filters(), split)
    columns = [*overview.groups, "not_profiled"]
    assert "mutant" not in overview.groups and len(overview.groups) == 2
    assert (overview.table[columns].sum(axis=1) == overview.table.n).all()
    assert len(tables.counts(overview)) == len(overview.table) + 1


def test_a_patient_with_another_mutation_is_not_called_unprofiled(small_folder: Path) -> None:
    store = open_store(small_folder / "simulated")
    residue = store.mutations("ALK").protein_position.mode().iloc[0]
    split = Stratifier(kind="position", genes=("ALK",), position=str(residue))
    overview = cohort_overview(store, Filters(), split)
    headings = tables.counts(overview).columns
    assert "In no group" in headings and "Not profiled" not in headings
    whole = cohort_overview(store, Filters(), Stratifier())
    assert "Not profiled" in tables.counts(whole).columns


def test_symbols_keep_their_capitals_in_headings_and_boxes(small_folder: Path) -> None:
    store = open_store(small_folder / "simulated")
    overview = cohort_overview(store, Filters(), Stratifier(kind="pair", genes=("ALK", "TP53")))
    headings = list(tables.counts(overview).columns)
    assert {"ALK and TP53", "TP53 only", "ALK only", "Neither"} <= set(headings)
    texts_drawn = consort_figure(overview, simulated=True).data["texts"].text.tolist()
    assert texts_drawn.count("ALK and TP53") == 1


def test_filters_that_keep_nobody_give_a_sentence(app: App) -> None:
    at = app("cohorts", tumor="Glioma", role="discovery")
    assert not at.exception
    assert any("No patient is left" in i.value for i in at.info)
