"""Bootstrap of the default nomogram: refits, validation and calibration of 200 resamples.

On the discovery cohorts of the store that ICI_EXPLORER_STORE names, where there is one; else on
simulated patients of the same number.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from core.stats.calibration import resampled
from core.stats.cox_bootstrap import Sample, refits, resamples, validate, whole_fit
from tests.benchmarks import Row, median_ms
from tests.benchmarks.bench_cox import simulate

DRAWS = 200


def _sample() -> tuple[str, Sample]:
    folder = os.environ.get("ICI_EXPLORER_STORE")
    if not folder:
        frame = simulate(724, tied=True)
        x = frame.filter(regex=r"^x[0-7]$").to_numpy()
        return "simulated", Sample.of(x, frame["time"], frame["event"])
    from core.analysis.nomogram import build_question
    from core.model import Filters, Stratifier
    from core.store import open_store

    store = open_store(Path(folder))
    return "discovery cohorts", build_question(store, Filters(), Stratifier()).sample


def run() -> Iterator[Row]:
    name, sample = _sample()
    n, p = sample.x.shape
    drawn = resamples(n, DRAWS)
    start = whole_fit(sample).coefficients
    what = f"{name}, n = {n}, {p} columns"
    ms = median_ms(lambda: list(refits(sample, drawn, start)), repeats=3)
    yield Row(f"{DRAWS} refits, {what}", ms, goal="<= 2,000 ms")
    yield Row(
        "  with all indexes (validate)", median_ms(lambda: validate(sample, drawn), repeats=3)
    )
    times = (12.0, 24.0)
    whole = median_ms(lambda: resampled(sample, drawn, times), repeats=3)
    yield Row("  and with calibration at two times", whole)
    assert np.isfinite(start).all()
