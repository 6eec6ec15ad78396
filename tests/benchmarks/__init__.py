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


def median_ms(
    call: Callable[[], Any],
    *,
    repeats: int = 7,
    warm: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Median time of ``call`` by ``clock`` in milliseconds, after ``warm`` calls that do not count.

    ``time.process_time`` counts processor time, which other work on the machine disturbs least.
    """
    for _ in range(warm):
        call()
    times = []
    for _ in range(repeats):
        start = clock()
        call()
        times.append(clock() - start)
    return float(np.median(times)) * 1e3
