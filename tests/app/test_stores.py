"""Which store the app reads: a new build, a damaged one, real data, none at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import core.ui.cached as cached
from core.mirror import CACHE_VARIABLE
from core.store import POINTER, current_build
from core.ui import banner
from data.push import push
from tests.app.reading import charts, texts
from tests.app.small_store import make

App = Callable[..., AppTest]


@pytest.fixture
def folder(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cached.STORE_VARIABLE, str(tmp_path))
    return tmp_path


@pytest.fixture
def start(app: App, folder: Path) -> App:
    """The app on ``folder``, which is named after ``app`` has named its own."""
    return app


def test_real_store_comes_first_and_tells_its_build(start: App, folder: Path) -> None:
    make(folder / "simulated")
    make(folder, simulated=False, build_id="abc")
    at = start()
    assert not at.error and not at.exception
    assert "Real data, build of 06 May 2024 (build abc)" in texts(at)
    assert "SIMULATED" not in charts(at)[0].spec


def test_new_build_is_taken_up_without_a_restart(start: App, folder: Path) -> None:
    make(folder, simulated=False, build_id="first")
    at = start()
    first = texts(at)
    make(folder, simulated=False, build_id="second", seed=2)
    at.run()
    assert "build first" in first and "build second" in texts(at)


@pytest.mark.parametrize("damage", ["pointer", "store"])
def test_damaged_new_build_keeps_the_one_in_use_and_says_so(
    start: App, folder: Path, damage: str
) -> None:
    make(folder, simulated=False, build_id="good")
    at = start()
    if damage == "pointer":
        (folder / POINTER).write_text("{", encoding="utf-8")
    else:
        (folder / "broken.duckdb").write_bytes(b"not a store" * 1000)
        (folder / POINTER).write_text(json.dumps({"file": "broken.duckdb"}), encoding="utf-8")
    at.run()
    assert not at.exception and charts(at)
    assert any("newer build could not be opened" in w.value for w in at.warning)
    assert "build good" in texts(at)


def test_damaged_pointer_at_the_start_is_a_message(start: App, folder: Path) -> None:
    (folder / POINTER).write_text("{", encoding="utf-8")
    at = start()
    assert not at.exception
    assert any("pointer" in e.value and "data build" in e.value for e in at.error)


def test_without_a_store_a_simulated_one_is_made(
    start: App, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import data.demo
    from tests.app.small_store import tables

    monkeypatch.setattr(data.demo, "simulate", lambda: tables(build_id="made"))
    at = start()
    assert not at.exception
    assert any("SIMULATED" in e.value for e in at.error)
    assert current_build(folder / "simulated") is not None
    assert current_build(folder) is None, "simulated data never stand where real data would"


def test_build_button_only_on_the_researchers_own_machine(
    start: App, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(folder / "simulated")
    monkeypatch.setattr("core.ui.state.is_local", lambda: True)
    assert any(b.key == "build_now" for b in start().button)
    monkeypatch.setattr("core.ui.state.is_local", lambda: False)
    assert not any(b.key == "build_now" for b in start().button)


def test_build_button_builds_and_the_page_moves_to_real_data(
    start: App, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(folder / "simulated")
    monkeypatch.setattr("core.ui.state.is_local", lambda: True)
    monkeypatch.setattr(
        banner, "fetch_and_build", lambda progress: make(folder, simulated=False, build_id="real")
    )
    at = start()
    at.button(key="build_now").click().run()
    assert not at.error and "build real" in texts(at)


def test_failed_build_is_a_message_and_the_page_stays(
    start: App, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(folder / "simulated")
    monkeypatch.setattr("core.ui.state.is_local", lambda: True)

    def missing(name: str) -> object:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(banner.importlib, "import_module", missing)
    at = start()
    at.button(key="build_now").click().run()
    assert not at.exception and charts(at)
    assert any("cannot build a store" in e.value for e in at.error)


def test_store_elsewhere_is_copied_and_followed_without_a_restart(
    start: App, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = f"file://{tmp_path / 'shared'}"
    monkeypatch.setenv(cached.STORE_VARIABLE, shared)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "copies"))
    monkeypatch.setattr(cached, "CHECK_SECONDS", 0.0)
    at = start()
    assert not at.exception and any("cannot be reached" in e.value for e in at.error)
    push(make(tmp_path / "built", simulated=False, build_id="first"), shared)
    at.run()
    assert not at.error and "build first" in texts(at)
    push(make(tmp_path / "built", simulated=False, build_id="second", seed=2), shared)
    at.run()  # looks in the background, and waits for nothing
    _looked()
    at.run()
    assert "build second" in texts(at)
    (tmp_path / "shared" / POINTER).unlink()
    _looked()
    at.run()
    _looked()
    at.run()
    assert "build second" in texts(at) and charts(at)
    assert any("cannot be reached" in w.value for w in at.warning)


def _looked() -> None:
    """Until the look at the address that is under way, if any, has ended."""
    looking = cached._mirror(cached.store_address(), str(cached.store_folder()))._background
    if looking is not None:
        looking.join(60)


def test_simulated_store_elsewhere_offers_no_build_here(
    start: App, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cached.STORE_VARIABLE, f"file://{tmp_path / 'shared'}")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "copies"))
    monkeypatch.setattr("core.ui.state.is_local", lambda: True)
    make(tmp_path / "shared")
    at = start()
    assert any("SIMULATED" in e.value for e in at.error)
    assert not any(b.key == "build_now" for b in at.button)
