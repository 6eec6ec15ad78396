"""The immunity pages and the correlation page: default, nobody mutant, gaps, tiny groups."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.analysis.immunity import PanelComparison, immunity_question
from core.analysis.tcga import tcga_filters
from core.charts import immunity_tables as words
from core.charts.panel import describe
from core.model import Filters, Stratifier
from core.store import open_store
from core.ui.cached import STORE_VARIABLE
from data.publish import publish
from tests.app.reading import alt, charts, texts
from tests.app.small_store import tables

App = Callable[..., AppTest]


@pytest.fixture(scope="module")
def leukocytes(small_folder: Path) -> PanelComparison:
    store = open_store(small_folder / "simulated")
    return immunity_question(store, tcga_filters(Filters()), Stratifier(), "infiltrate")


def button(at: AppTest, label: str) -> object:
    return next(b for b in at.button if b.label == label)


def test_default_page_shows_what_the_analysis_computed(
    app: App, leukocytes: PanelComparison
) -> None:
    at = app("extrinsic")
    assert not at.exception
    shown = texts(at)
    assert words.answer(leukocytes) in shown and leukocytes.sentence in shown
    overview, violin = charts(at)
    assert alt(overview) == describe(leukocytes)
    assert alt(violin).startswith("Leukocyte fraction (fraction) by ALK and tumour type")


def test_what_is_missing_is_named_with_its_command(app: App) -> None:
    at = app("extrinsic")
    told = [i.value.replace("\\", "") for i in at.info]
    assert any("Lymphocyte fraction" in t and "data fetch --only" in t for t in told)
    warned = [w.value.replace("\\", "") for w in at.warning]
    assert any("TIL regional fraction: known of" in w and "SKCM only" in w for w in warned)


def test_panel_without_a_value_is_a_message_not_an_empty_figure(app: App) -> None:
    at = app("extrinsic", panel="29 immune signatures")
    assert not at.exception and not charts(at)
    assert any("29 immune signatures" in i.value and "data fetch" in i.value for i in at.info)


def test_the_chosen_feature_is_opened(app: App) -> None:
    at = app("extrinsic", feature="TIL regional fraction")
    assert alt(charts(at)[1]).startswith("TIL regional fraction")


def test_gene_that_nobody_carries_is_told(app: App) -> None:
    for page in ("intrinsic", "extrinsic"):
        at = app(page, gene="NOPANEL")
        assert not at.exception and not charts(at)
        assert any("two groups" in i.value for i in at.info)


def test_tiny_group_has_no_p_value(app: App) -> None:
    at = app("extrinsic", tumor="Melanoma", gene="VSIR", age="70")
    assert not at.exception
    assert any("no p-value" in w.value or "two groups" in w.value for w in [*at.warning, *at.info])


def test_burden_is_not_adjusted_for_itself(app: App) -> None:
    at = app("intrinsic")
    assert not at.exception
    shown = texts(at)
    assert "TMB is not adjusted for itself" in shown and "q, at equal tmb" not in shown


def test_heatmap_and_effects_are_two_views_of_one_panel(app: App) -> None:
    effects = app("extrinsic", panel="Leukocytes")
    heat = app("extrinsic", panel="Leukocytes", overview="By tumour type")
    assert not heat.exception
    assert alt(charts(effects)[0]) == alt(charts(heat)[0])
    assert charts(effects)[0].spec != charts(heat)[0].spec


def test_subtypes_have_their_own_panel(app: App) -> None:
    at = app("extrinsic", panel="Immune subtypes")
    assert not at.exception
    assert "C2 IFN-gamma dominant" in texts(at)
    flow = texts(at).split('<ol class="flow">')[1]
    first, *lost, last = (int(n.replace(",", "")) for n in re.findall(r"<b>[−= ]*([\d,]+)", flow))
    assert lost and first - sum(lost) == last, "nobody is lost without a word"


def test_pasted_set_is_scored_and_compared(app: App) -> None:
    at = app("extrinsic", panel="A gene set of yours")
    at.text_area(key="pasted_sets").input("CD8A, GZMB PRF1; NOSUCH")
    button(at, "Score by ssGSEA").click().run()
    assert not at.exception and not [e for e in at.error if "SIMULATED" not in e.value]
    assert "not measured: NOSUCH" in texts(at) and len(charts(at)) == 2
    assert any("SKCM" in w.value and "LUAD" in w.value for w in at.warning)
    first = alt(charts(at)[0])
    at.run()  # the remembered scores must not replay the bar
    assert not at.exception and alt(charts(at)[0]) == first


@pytest.mark.parametrize("text", ["CD8A, <script>", "name\tabout"])
def test_pasted_nonsense_is_told(app: App, text: str) -> None:
    at = app("extrinsic", panel="A gene set of yours")
    at.text_area(key="pasted_sets").input(text)
    button(at, "Score by ssGSEA").click().run()
    assert not at.exception
    assert any("line 1" in e.value for e in at.error)


def test_correlation_follows_the_switch_for_purity(app: App) -> None:
    plain, held = (app("correlate", purity=v) for v in ("false", "true"))
    assert not plain.exception and not held.exception
    assert len(plain.get("plotly_chart")) == 1
    first, second = (alt(charts(at)[0]) for at in (plain, held))
    assert "Leukocyte fraction and CD274" in first and "purity held fixed" in second
    assert first.split(". ", 1)[1] != second.split(". ", 1)[1]


@pytest.mark.parametrize(
    ("lost", "first"),
    [
        ("CD274", "Leukocyte fraction and Non-silent mutation rate"),
        ("leukocyte_fraction", "Non-silent mutation rate and CD274"),
    ],
)
def test_correlation_starts_with_what_the_store_has(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str, first: str
) -> None:
    held = tables()
    matrix, values = held["expression"], held["feature_value"]
    held["expression"] = matrix[matrix.hugo_symbol != lost]
    held["feature_value"] = values[values.feature != lost]
    publish(held, tmp_path / "simulated")
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path))
    at = app("correlate")
    assert not at.exception and not [e for e in at.error if "SIMULATED" not in e.value]
    assert first in alt(charts(at)[0])
    told = [i.value for i in at.info if "CD274" in i.value]
    assert bool(told) == (lost == "CD274") and all(
        "`python -m data fetch --only" in t for t in told
    )


def test_correlation_without_anything_to_correlate_says_what_brings_it(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = tables()
    values = held["feature_value"]
    held["feature_value"] = values[values.feature == "purity"]
    held["expression"] = held["expression"].head(0)
    publish(held, tmp_path / "simulated")
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path))
    at = app("correlate")
    assert not at.exception and not charts(at)
    told = [i.value.replace("\\", "") for i in [*at.info, *at.error]]
    assert any("too little" in t and "data fetch --only" in t for t in told)


def test_what_other_tumours_have_is_not_called_missing_from_the_store(app: App) -> None:
    at = app("extrinsic", tumor="Non-Small Cell Lung Cancer")
    assert not at.exception
    told = [i.value for i in at.info]
    held = next(t for t in told if "TIL regional fraction" in t)
    assert held.startswith("**Known of none of these patients:**") and "fetch" not in held
    lacking = next(t for t in told if "Not in this store" in t)
    assert "TIL regional" not in lacking and "Lymphocyte fraction" in lacking
    command = lacking.split("`")[1]
    assert command.startswith("python -m data fetch --only tcga/") and "\\" not in command
