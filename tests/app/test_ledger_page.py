"""The ledger page: every printed item with its verdict, on simulated and on unlabelled data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.analysis.ledger import CANNOT, NOTHING_REAL, ledger
from core.charts import ledger_tables as tables
from core.store import open_store
from core.ui import cached
from tests.app.reading import texts
from tests.app.small_store import make

App = Callable[..., AppTest]


@pytest.fixture(scope="module")
def store(small_folder: Path):
    return open_store(small_folder / "simulated")


def test_every_printed_item_is_on_the_page(app: App, store) -> None:
    at = app("ledger")
    assert not at.exception
    told = texts(at)
    expected = ledger(store)
    assert tables.answer(expected) in told
    for item in expected.lines["item"].unique():
        assert item in told, item
    for sentence in expected.contradictions:
        assert any(sentence in i.value.replace("\\", "") for i in at.info)


def test_simulated_data_are_said_to_compare_nothing_real(app: App) -> None:
    told = texts(app("ledger"))
    assert "SIMULATED" in told and NOTHING_REAL in told
    assert "✓ match" not in told


def test_real_data_get_verdicts(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, simulated=False, build_id="real")
    monkeypatch.setenv(cached.STORE_VARIABLE, str(tmp_path))
    told = texts(app("ledger"))
    assert NOTHING_REAL not in told and "are found again on the loaded data" in told


def test_filters_do_not_change_it_but_its_own_choice_does(app: App) -> None:
    whole = texts(app("ledger"))
    assert "Are the paper" in whole
    filtered = texts(app("ledger", gene="TP53", tumor="Melanoma"))
    assert [t for t in filtered.split("<tr") if "Hugo" in t] == [
        t for t in whole.split("<tr") if "Hugo" in t
    ]
    at = app("ledger", verdict=CANNOT)
    assert not at.exception
    assert f"✗ {NOTHING_REAL}" not in texts(at) and f"∅ {CANNOT}" in texts(at)


def test_unknown_verdict_in_the_url_is_told(app: App) -> None:
    at = app("ledger", verdict="perhaps")
    assert not at.exception
    assert any("'perhaps'" in w.value for w in at.warning)
