"""10,000 tumours refitted: least squares with 100 draws each on two processes, and greedy.

The reference signatures are COSMIC's where the published table is at ../shared/realdata, else
invented ones of the same number.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from core.stats.nnls import nnls_rows
from core.stats.sbs96 import BASES, channels_from_context, count_channels
from core.stats.signature_reference import SignatureReference
from core.stats.signature_refit import refit
from data.readers.signatures import read_reference
from tests.benchmarks import Row, median_ms

COSMIC = Path(__file__).parents[3] / "shared/realdata/tcga/signatures/COSMIC_SBS_v3.4.csv"
TUMOURS, DRAWS, WORKERS = 10_000, 100, 2
CALLS = 1_000_000


def reference() -> SignatureReference:
    if COSMIC.exists():
        return SignatureReference.from_frame(read_reference(COSMIC), "COSMIC v3.4")
    rng = np.random.default_rng(0)
    profiles = np.array([rng.dirichlet(np.full(96, a)) for a in np.geomspace(0.05, 2, 86)])
    return SignatureReference("invented", tuple(f"SBS{i}" for i in range(86)), profiles)


def spectra(known: SignatureReference, tumours: int) -> np.ndarray:
    """Exomes of 20 to 2,000 SNVs, most below 200, of two to six signatures each."""
    rng = np.random.default_rng(1)
    weights = np.zeros((tumours, len(known.signatures)))
    for row in weights:
        some = rng.choice(row.size, rng.integers(2, 7), replace=False)
        row[some] = rng.dirichlet(np.ones(some.size))
    n = np.clip(rng.lognormal(4.6, 0.9, tumours), 20, 2000).astype(int)
    shares = weights @ known.profiles
    return np.array([rng.multinomial(m, p / p.sum()) for m, p in zip(n, shares, strict=True)])


def _task(part: np.ndarray) -> float:
    """CPU seconds of one share of the tumours."""
    start = time.process_time()
    refit(part, reference(), draws=DRAWS)
    return time.process_time() - start


def run() -> Iterator[Row]:
    known = reference()
    counts = spectra(known, TUMOURS)
    fractions = counts[:2000] / counts[:2000].sum(axis=1, keepdims=True)
    one_by_one = median_ms(lambda: [nnls(known.profiles.T, y) for y in fractions], repeats=3)
    together = median_ms(lambda: nnls_rows(known.profiles, fractions), repeats=3)
    yield Row("2,000 spectra, no guess", together, "scipy, one by one", one_by_one)
    solution = nnls_rows(known.profiles, fractions) > 0
    rng = np.random.default_rng(2)
    again = np.array([rng.multinomial(100, p) / 100 for p in fractions])
    one_by_one = median_ms(lambda: [nnls(known.profiles.T, y) for y in again], repeats=3)
    together = median_ms(lambda: nnls_rows(known.profiles, again, solution), repeats=3)
    yield Row("2,000 resampled, guess of the original", together, "scipy, one by one", one_by_one)
    greedy = median_ms(lambda: refit(counts, known, method="greedy"), repeats=1, warm=0)
    yield Row(f"{TUMOURS:,} tumours x {len(known.signatures)} signatures, greedy", greedy)
    start = time.perf_counter()
    with ProcessPoolExecutor(WORKERS) as pool:
        busy = sum(pool.map(_task, np.array_split(counts, 20)))
    seconds = time.perf_counter() - start
    yield Row(f"the same, nnls, {DRAWS} draws; {busy:.0f} CPU s", seconds * 1e3, goal="180,000 ms")
    letters = np.array(list(BASES))[rng.integers(0, 4, (CALLS, 11))]
    context = ["".join(row) for row in letters]
    alternative = list(np.array(list(BASES))[rng.integers(0, 4, CALLS)])
    sample = rng.integers(0, TUMOURS, CALLS)
    middle = [text[5] for text in context]
    count = median_ms(
        lambda: count_channels(
            sample, channels_from_context(context, middle, alternative).channel, TUMOURS
        ),
        repeats=3,
    )
    yield Row("1,000,000 calls to 96 channels (Python strings)", count)
