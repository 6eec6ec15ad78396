"""Fixtures that every part of the suite shares: a small simulated store, the real store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.store import Store, open_store
from data.build import build_store
from data.demo import simulate
from data.publish import publish

REALDATA = Path(__file__).resolve().parents[1].parent / "shared" / "realdata"


@pytest.fixture(scope="session")
def simulated_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store folder with a simulated store of a quarter of the usual size."""
    folder = tmp_path_factory.mktemp("simulated")
    publish(simulate(scale=0.25), folder)
    return folder


@pytest.fixture(scope="session")
def simulated(simulated_folder: Path) -> Iterator[Store]:
    store = open_store(simulated_folder)
    yield store
    store.close()


@pytest.fixture(scope="session")
def real_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the published files; built once per run, skipped where they are not here."""
    if not REALDATA.is_dir():
        pytest.skip(f"the published files are not at {REALDATA}")
    folder = tmp_path_factory.mktemp("real")
    build_store(REALDATA, folder)
    return folder


@pytest.fixture(scope="session")
def real(real_folder: Path) -> Iterator[Store]:
    store = open_store(real_folder)
    yield store
    store.close()
