"""The app with faults put in its way by the environment variable FAULT; run by test_faults.py."""

from __future__ import annotations

import errno
import os
import runpy
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from core.ui import cached, downloads  # noqa: E402

FAULT = os.environ["FAULT"]


def full(*args: Any) -> bytes:
    raise OSError(errno.ENOSPC, "No space left on device")


def broken(*args: Any) -> Any:
    raise ZeroDivisionError("the secret reason")


def slow(rows: Any, *, progress: Any) -> Any:
    def told(done: float) -> None:
        time.sleep(1.0)  # between two steps of the bar, where a click is noticed
        progress(done)

    return _draw(rows, progress=told)


_draw = getattr(cached.draw_nulls, "__wrapped__", cached.draw_nulls)

if FAULT == "disk":
    downloads.render = full  # type: ignore[assignment]
elif FAULT == "page":
    cached.cohorts = broken  # type: ignore[assignment]
elif FAULT == "slow":
    slow.__wrapped__ = _draw  # type: ignore[attr-defined]
    cached.draw_nulls = slow

runpy.run_path(str(ROOT / "dashboard" / "Home.py"), run_name="__main__")
