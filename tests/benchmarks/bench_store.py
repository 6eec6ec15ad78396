"""The store: how long one question takes, on the real store if one is named, else simulated.

Set ICI_EXPLORER_STORE to a store folder to measure that one.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from core.analysis.survival import survival_question
from core.model import Filters, Stratifier
from core.store import Store, open_store
from data.demo import simulate
from data.publish import publish
from tests.benchmarks import Row, median_ms


def _store() -> Store:
    named = os.environ.get("ICI_EXPLORER_STORE")
    if named:
        return open_store(Path(named))
    folder = Path(tempfile.mkdtemp())
    publish(simulate(), folder)
    return open_store(folder)


def _worst(store: Store, genes: list[str]) -> float:
    """The slowest of several genes, each asked once, in milliseconds."""
    times = []
    for gene in genes:
        start = time.perf_counter()
        store.mutation_status(gene)
        times.append(time.perf_counter() - start)
    return max(times) * 1e3


def run() -> Iterator[Row]:
    store = _store()
    kind = "simulated" if store.simulated else "real"
    genes = store.genes().hugo_symbol.tolist()
    some = list(np.random.default_rng(1).choice(genes, 50, replace=False))
    yield Row(f"three states of TP53, every patient ({kind})",
              median_ms(lambda: store.mutation_status("TP53")), goal="< 10 ms")  # fmt: skip
    yield Row("three states, slowest of 50 genes drawn", _worst(store, some), goal="< 10 ms")
    yield Row("expression of CD274, every sample",
              median_ms(lambda: store.expression("CD274")), goal="< 10 ms")  # fmt: skip
    yield Row("patients under a filter",
              median_ms(lambda: store.patients(Filters(tumor_types=("Melanoma",)))))  # fmt: skip
    yield Row("survival question, all ICI patients",
              median_ms(lambda: survival_question(store, Filters(), Stratifier())))  # fmt: skip
    yield Row(f"size of the store: {store.path.stat().st_size / 1e6:.0f} MB", float("nan"),
              goal="< 500 MB")  # fmt: skip
    store.close()
