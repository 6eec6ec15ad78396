"""The mutations page: default, a gene without domains, a set, one on no panel, few left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.analysis.comutation import comutation
from core.analysis.mutations import mutation_frequency, protein_map
from core.charts import comutation as together
from core.charts import frequency, lollipop
from core.model import Filters, Stratifier
from core.store import Store, open_store
from tests.app.reading import alt, charts, spec, texts

App = Callable[..., AppTest]


@pytest.fixture(scope="module")
def store(small_folder: Path) -> Store:
    return open_store(small_folder / "simulated")


def test_default_page_draws_what_the_analyses_computed(app: App, store: Store) -> None:
    at = app("mutations")
    assert not at.exception
    counted = mutation_frequency(store, Filters(), Stratifier())
    protein = protein_map(store, Filters(), Stratifier())
    pairs = comutation(store, Filters(), Stratifier())
    told = [alt(c) for c in charts(at)]
    assert told[0] == frequency.describe(counted, "TCGA")
    assert told[1] == frequency.describe(counted, "ICI cohorts")
    assert told[2] == lollipop.describe(protein)
    shown = texts(at)
    for words in (counted.sentence, protein.sentence, together.answer(pairs)):
        assert words in shown
    assert "Filters that apply to TCGA" in shown
    assert all("SIMULATED" in c.spec for c in charts(at)[:3])


def test_gene_without_a_domain_entry_gets_its_axis_from_its_mutations(app: App) -> None:
    at = app("mutations", gene="TP53")
    assert not at.exception
    assert any("no length and domains" in w.value for w in at.warning)
    axis = spec(charts(at)[2])["layer"][0]["encoding"]["x"]
    assert "length unknown" in axis["axis"]["title"]
    assert axis["scale"]["domain"][1] >= 990


def test_gene_on_no_panel_says_so(app: App) -> None:
    at = app("mutations", gene="NOPANEL")
    assert not at.exception
    assert any("Nobody here carries a mutation in NOPANEL" in i.value for i in at.info)
    assert "not profiled for NOPANEL" in texts(at)


def test_tiny_group_is_counted_and_not_tested(app: App) -> None:
    at = app("mutations", tumor="Glioma", age=["60", "61"])
    assert not at.exception
    assert any("nothing to compare" in i.value or "often enough" in i.value for i in at.info)


def test_ici_filters_do_not_touch_tcga_and_the_page_says_which(app: App, store: Store) -> None:
    before = alt(charts(app("mutations"))[0])
    at = app("mutations", drug="CTLA-4", role="discovery")
    assert alt(charts(at)[0]) == before
    assert "set but not used here: drug class, cohorts" in texts(at)


def test_set_of_genes_counts_patients_with_any_or_all(app: App, store: Store) -> None:
    at = app("mutations", by="gene set", set="Two genes")
    assert not at.exception
    both = Stratifier(genes=("TP53", "VSIR"), name="Two genes")
    assert alt(charts(at)[0]) == frequency.describe(
        mutation_frequency(store, Filters(), both), "TCGA"
    )
    members = at.get_by_key("protein").options
    assert len(members) == 2 and f"Where along the protein of {members[0]}" in texts(at)
    at.get_by_key("protein").set_value(members[1]).run()
    assert f"Where along the protein of {members[1]}" in texts(at)
    every = alt(charts(app("mutations", by="gene set", set="Two genes", all="true"))[0])
    assert "all of Two genes" in every


def test_split_by_something_else_shows_the_gene_and_says_so(app: App) -> None:
    at = app("mutations", by="number", number="age_years")
    assert not at.exception
    assert at.title[0].value == "Where is ALK mutated?"
    assert "elsewhere; here by ALK" in texts(at)
    pair = app("mutations", by="two genes", **{"with": "TP53"})
    assert pair.title[0].value == "Where is ALK and TP53 mutated?"


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("sort", "size", "Sort by: 'size'"),
        ("ici_by", "drug", "ICI patients by: 'drug'"),
        ("together", "mice", "Patients of: 'mice'"),
        ("residues_ALK", "x", "Residues: 'x'"),
    ],
)
def test_bad_value_in_the_url_is_told_and_left_out(
    app: App, key: str, value: str, told: str
) -> None:
    at = app("mutations", **{key: value})
    at.run()  # notes on a page's own widgets stand above it from the next run on
    assert not at.exception and len(charts(at)) >= 3
    assert any(told in w.value.replace("\\", "") for w in at.warning)
