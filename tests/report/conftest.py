"""A small simulated store, and figures pinned on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.report.snapshot import Snapshot
from core.store import Store, open_store
from tests.app.small_store import make
from tests.report.pinned import pinned


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = open_store(make(tmp_path_factory.mktemp("small")).parent)
    yield store
    store.close()


@pytest.fixture(scope="session")
def snapshots(small: Store) -> list[Snapshot]:
    return pinned(small, "km", "multivariable", "agreement", "lollipop")
