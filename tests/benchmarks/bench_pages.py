"""Server time of a page after a filter change: the script's run, without browser and network.

On the store that the environment names (``ICI_EXPLORER_STORE``), else on a simulated one. Each
change is a filter that nobody asked for before, so that nothing comes from a cache.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
from streamlit.testing.v1 import AppTest

from core.ui.cached import STORE_VARIABLE
from tests.benchmarks import Row

ROOT = Path(__file__).resolve().parents[2]
GOALS = {"survival": "< 60", "cox": "< 100"}
QUERIES: tuple[tuple[str, dict[str, str]], ...] = (
    ("survival", {"view": "Pooled only"}),
    ("survival", {"view": "Discovery, validation, pooled"}),
    ("survival", {"view": "Pooled only", "by": "number", "number": "TMB within cohort"}),
    ("cohorts", {}),
    ("agreement", {}),
    ("cox", {}),
)


def run() -> Iterator[Row]:
    if not os.environ.get(STORE_VARIABLE):
        from data.demo import simulate
        from data.publish import publish

        folder = Path(tempfile.mkdtemp())
        publish(simulate(), folder)
        os.environ[STORE_VARIABLE] = str(folder)
    for page, query in QUERIES:
        what = " ".join([page, *(v for k, v in query.items() if k != "number")])
        yield Row(what, change_ms(page, query), goal=GOALS.get(page, ""))


def change_ms(page: str, query: dict[str, str], *, repeats: int = 15) -> float:
    """Median milliseconds of a run after the lower age bound has changed."""
    at = AppTest.from_file(str(ROOT / "dashboard" / "Home.py"), default_timeout=120)
    for key, value in query.items():
        at.query_params[key] = value
    at.run()
    if page != "survival":
        at.switch_page(str(ROOT / "pages" / f"{page}.py")).run()
    times = []
    for _, age in zip(range(repeats + 2), _ages, strict=False):
        at.slider(key="age").set_value((age, 100))
        start = time.perf_counter()
        at.run()
        times.append(time.perf_counter() - start)
    return float(np.median(times[2:])) * 1e3


_ages = (18 + i % 40 for i in count())
