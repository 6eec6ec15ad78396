"""The simulated store, ready to be asked: for a notebook on a machine without a store."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from core.store import Store, current_build, open_store
from data.demo import simulate
from data.publish import publish


def open_simulated(folder: str | Path | None = None, *, scale: float = 1.0) -> Store:
    """Open the simulated store of ``folder``; it is made first (seconds) where there is none.

    Without ``folder`` it stands in a temporary one that goes when Python ends. ``scale``
    multiplies the numbers of patients of a store that is made. Raises StoreError.
    """
    if folder is None:
        place = Path(tempfile.mkdtemp(prefix="ici-explorer-"))
        atexit.register(shutil.rmtree, place, ignore_errors=True)
    else:
        place = Path(folder).expanduser()
    if current_build(place) is None:
        tables = simulate(scale=scale)
        now = datetime.now(UTC).replace(tzinfo=None)
        publish({**tables, "build": tables["build"].assign(created_at=now)}, place)
    return open_store(place)
