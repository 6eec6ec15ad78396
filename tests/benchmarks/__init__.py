"""Speed as ratios, measured in one run: ``python -m tests.benchmarks [name ...]``.

A benchmark is a module ``tests/benchmarks/bench_<name>.py`` whose ``run()`` yields :class:`Row`.
Nothing here is a test: figures depend on the machine, ratios within a run much less.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Row:
    """One measured case; ``reference`` is what it is compared with in the same run, if anything."""

    what: str
    milliseconds: float
    reference: str = ""
    reference_milliseconds: float = float("nan")
    goal: str = ""

    @property
    def ratio(self) -> float:
        return self.milliseconds / self.reference_milliseconds


def median_ms(call: Callable[[], Any], *, repeats: int = 7, warm: int = 1) -> float:
    """Median wall time of ``call`` in milliseconds, after ``warm`` calls that do not count."""
    for _ in range(warm):
        call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1e3


def cpu_ms(call: Callable[[], Any], *, seconds: float = 1.0, least: int = 5) -> float:
    """Lower quartile of the processor time of ``call`` in milliseconds, over ``seconds`` of calls.

    It is what the call costs when nothing else runs; for one thread that is also the time waited.
    """
    call()
    times: list[float] = []
    while len(times) < least or sum(times) < seconds:
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return float(np.quantile(times, 0.25)) * 1e3
