"""ssGSEA of 20,000 genes: beside GSVA in the same run where Rscript and GSVA are installed."""

from __future__ import annotations

import multiprocessing
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from core.stats.ssgsea import ssgsea
from tests.benchmarks import Row, median_ms

GENES, SAMPLES, SETS, SET_SIZE = 20_000, 500, 29, 25
GSVA = """
suppressPackageStartupMessages(library(GSVA))
con <- file("matrix.bin", "rb")
m <- matrix(readBin(con, "double", n = {genes} * {samples}), {genes},
  dimnames = list(paste0("g", 0:({genes} - 1)), NULL))
sets <- strsplit(readLines("sets.txt"), " ")
names(sets) <- seq_along(sets)
t <- system.time(invisible(capture.output(suppressWarnings(
  gsva(m, sets, method = "ssgsea", verbose = FALSE)))))
cat(t[["elapsed"]] * 1000)
"""


def matrix(samples: int) -> np.ndarray:
    """log2(x + 1) of skewed values, a third of them zero, genes x samples."""
    rng = np.random.default_rng(1)
    values = rng.standard_gamma(0.5, (GENES, samples), dtype=np.float32) * 30
    values[values < 2.5] = 0
    return np.log2(values + 1)


def gene_sets() -> dict[str, list[str]]:
    rng = np.random.default_rng(2)
    chosen = [rng.choice(GENES, SET_SIZE, replace=False) for _ in range(SETS)]
    return {f"set{i}": [f"g{row}" for row in rows] for i, rows in enumerate(chosen)}


def gsva_ms(values: np.ndarray) -> float:
    """GSVA's own time on the same matrix, NaN where it is not installed."""
    if not shutil.which("Rscript"):
        return float("nan")
    with tempfile.TemporaryDirectory() as folder:
        values.T.astype(float).tofile(Path(folder) / "matrix.bin")
        lines = "\n".join(" ".join(genes) for genes in gene_sets().values())
        (Path(folder) / "sets.txt").write_text(lines + "\n")
        script = GSVA.format(genes=GENES, samples=values.shape[1])
        done = subprocess.run(
            ["Rscript", "-e", script], cwd=folder, capture_output=True, text=True, check=False
        )
    return float(done.stdout) if done.returncode == 0 else float("nan")


def _whole_tcga(queue: multiprocessing.Queue) -> None:
    """Time and peak memory (GiB) of 11,000 samples as the store holds them, in a new process."""
    rng = np.random.default_rng(3)
    values = np.empty((GENES, 11_000), dtype=np.uint16)
    for row in range(0, GENES, 1000):
        values[row : row + 1000] = rng.integers(0, 15_000, (1000, 11_000), dtype=np.uint16)
    start = time.perf_counter()
    ssgsea(values, [f"g{i}" for i in range(GENES)], gene_sets(), missing_code=65535)
    seconds = time.perf_counter() - start
    queue.put((seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2))


def run() -> Iterator[Row]:
    values, genes, sets = matrix(SAMPLES), [f"g{i}" for i in range(GENES)], gene_sets()
    ours = median_ms(lambda: ssgsea(values, genes, sets), repeats=3)
    theirs = gsva_ms(values)
    what = f"{GENES:,} genes x {SAMPLES} samples x {SETS} sets"
    if np.isfinite(theirs):
        yield Row(what, ours, "GSVA", theirs, "at most half of GSVA")
    else:
        yield Row(what, ours, goal="at most half of GSVA, which is not installed")
    milli = np.round(values * 1000).astype(np.uint16)
    yield Row(
        "the same as the store's 16-bit integers",
        median_ms(lambda: ssgsea(milli, genes, sets, missing_code=65535), repeats=3),
    )
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue = context.Queue()
    process = context.Process(target=_whole_tcga, args=(queue,))
    process.start()
    seconds, peak = queue.get()
    process.join()
    yield Row(f"11,000 samples, 16 bit; peak {peak:.2f} GiB", seconds * 1e3, goal="within 4 GiB")
