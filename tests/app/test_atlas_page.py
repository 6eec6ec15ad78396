"""The page of every gene: with an atlas, without one, and for a gene that is in none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.analysis.atlas import ICI_SETTING, TCGA_SETTING, atlas_view
from core.analysis.atlas_file import atlas_path, make_atlas, open_atlas
from core.charts.atlas import about_gene, answer
from core.compute import HERE
from core.store import open_store
from core.ui.cached import STORE_VARIABLE
from tests.app.reading import alt, charts, texts
from tests.app.small_store import make

App = Callable[..., AppTest]
HOME = Path(__file__).resolve().parents[2] / "dashboard" / "Home.py"


@pytest.fixture
def with_atlas(tmp_path: Path) -> Path:
    make(tmp_path / "simulated")
    store = open_store(tmp_path / "simulated")
    make_atlas(store, place=HERE)
    store.close()
    return tmp_path


def test_without_an_atlas_the_command_is_told(app: App) -> None:
    at = app("atlas")
    assert not at.exception
    assert "python -m core.report atlas" in at.info[0].value


def test_page_draws_what_the_atlas_holds(monkeypatch: pytest.MonkeyPatch, with_atlas: Path) -> None:
    monkeypatch.setenv(STORE_VARIABLE, str(with_atlas))

    def restart(**query: str) -> AppTest:
        at = AppTest.from_file(str(HOME), default_timeout=120)
        for key, value in query.items():
            at.query_params[key] = value
        return at.run().switch_page(str(HOME.parents[1] / "pages" / "atlas.py")).run()

    store = open_store(with_atlas / "simulated")
    atlas = open_atlas(store)
    assert atlas is not None
    at = restart()
    assert not at.exception and at.title[0].value == "Every gene, everywhere"
    view = atlas_view(atlas, ICI_SETTING, "OS", "ALK", adjusted=True)
    shown = texts(at)
    assert answer(view) in shown and about_gene(view, "ALK") in shown
    assert alt(charts(at)[0]).startswith("Heat map of")
    assert "SIMULATED" in charts(at)[0].spec
    assert at.dataframe[0].value.Gene.tolist() == view.ranked.gene.tolist()

    at = restart(setting="TCGA, without ICI", look_endpoint="PFI", adjusted="false", gene="TP53")
    assert not at.exception
    view = atlas_view(atlas, TCGA_SETTING, "PFI", "TP53", adjusted=False)
    assert answer(view) in texts(at) and about_gene(view, "TP53") in texts(at)

    at = restart(gene="NOPANEL")
    assert not at.exception
    assert "Too few mutant patients in every tumour type." in texts(at)
    at = restart(setting="nonsense", look_endpoint="XYZ")
    assert not at.exception and "nonsense" in texts(at)

    atlas_path(store).write_bytes(b"damaged")
    at = restart()
    assert not at.exception
    assert any("cannot be read" in e.value for e in at.error)
    store.close()
