"""The app as Streamlit's own test harness runs it, on a small store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.ui.cached import STORE_VARIABLE
from tests.app.small_store import make

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stores") / "simulated"
    make(folder)
    return folder.parent


@pytest.fixture
def app(small_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Start the app with URL parameters: ``app(gene="TP53", tumor=["Melanoma"])``.

    ``opened``: key of a fold that stands open.
    """
    monkeypatch.setenv(STORE_VARIABLE, str(small_folder))

    def start(page: str = "", *, opened: str = "", **query: str | list[str]) -> AppTest:
        at = AppTest.from_file(str(ROOT / "dashboard" / "Home.py"), default_timeout=180)
        for key, value in query.items():
            at.query_params[key] = value
        if opened:
            at.session_state[opened] = True
        at.run()
        if page:
            at.switch_page(str(ROOT / "pages" / f"{page}.py")).run()
        return at

    return start
