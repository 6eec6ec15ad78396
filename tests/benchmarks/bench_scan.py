"""The batch scan: 20,000 genes x 3,000 patients, beside a loop of ``coxph`` and of lifelines.

The loops are timed on a few genes and extrapolated: 200 for R, 3 for lifelines.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from scipy import sparse

from core.stats.scan import scan, score_scan
from tests.benchmarks import Row, median_ms

PATIENTS, GENES = 3_000, 20_000
R_GENES, LIFELINES_GENES = 200, 3
R_LOOP = """
suppressPackageStartupMessages(library(survival))
p <- read.csv("patients.csv"); x <- as.matrix(read.csv("genes.csv"))
invisible(coxph(Surv(time, event) ~ x[, 1], p))
cat(system.time(for (g in seq_len(ncol(x))) coxph(Surv(time, event) ~ x[, g], p))[["elapsed"]])
"""


def cohort() -> tuple[sparse.csr_array, pd.DataFrame]:
    """Simulated exomes: mutation frequencies spread as in tumours, burden varying by patient."""
    rng = np.random.default_rng(20240601)
    frequency = np.clip(rng.lognormal(np.log(0.008), 0.9, GENES), 5e-4, 0.35)
    burden = rng.lognormal(0, 0.8, PATIENTS)
    burden /= burden.mean()
    rows = [
        sparse.csr_array((rng.random(GENES) < np.minimum(frequency * b, 0.9)).astype(float)[None])
        for b in burden
    ]
    survival, censoring = rng.exponential(20, PATIENTS), rng.uniform(2, 40, PATIENTS)
    patients = pd.DataFrame(
        {
            "time": np.minimum(survival, censoring),
            "event": (survival < censoring).astype(int),
            "stratum": rng.integers(0, 9, PATIENTS),
            "age": rng.normal(62, 11, PATIENTS),
            "log_tmb": np.log(burden),
        }
    )
    return sparse.csr_array(sparse.vstack(rows)), patients


def r_loop_ms(mutated: sparse.csr_array, patients: pd.DataFrame) -> float:
    """Milliseconds that coxph would take for all genes; NaN without R."""
    if shutil.which("Rscript") is None:
        return float("nan")
    chosen = np.linspace(0, GENES - 1, R_GENES).astype(int)
    with tempfile.TemporaryDirectory() as folder:
        patients.to_csv(Path(folder, "patients.csv"), index=False)
        genes = pd.DataFrame(mutated[:, chosen].toarray().astype(int))
        genes.to_csv(Path(folder, "genes.csv"), index=False)
        Path(folder, "loop.R").write_text(R_LOOP)
        run = subprocess.run(
            ["Rscript", "loop.R"], cwd=folder, capture_output=True, text=True, check=True
        )
    return float(run.stdout) * 1e3 * GENES / R_GENES


def lifelines_loop_ms(mutated: sparse.csr_array, patients: pd.DataFrame) -> float:
    """Milliseconds that lifelines would take for all genes."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for gene in range(LIFELINES_GENES):
            frame = patients[["time", "event"]].assign(g=mutated[:, [gene]].toarray().ravel())
            CoxPHFitter().fit(frame, "time", "event")
    return (time.perf_counter() - start) * 1e3 * GENES / LIFELINES_GENES


def run() -> Iterator[Row]:
    mutated, patients = cohort()
    event = patients["event"]
    r, lifelines = r_loop_ms(mutated, patients), lifelines_loop_ms(mutated, patients)
    by_r = f"coxph, from {R_GENES} genes" if np.isfinite(r) else ""
    size = f"{GENES:,} genes x {PATIENTS:,}"
    goal = "2,000 ms; 0.005 of R"
    for name, follow_up in (
        ("continuous times", patients["time"]),
        ("whole months", np.floor(patients["time"])),
    ):
        ours = median_ms(lambda t=follow_up: scan(mutated, t, event), repeats=3)
        yield Row(f"scan {size}, {name}", ours, by_r, r, goal)
    yield Row(f"scan {size}, continuous times", ours, "lifelines, from 3", lifelines, "")
    ours = median_ms(
        lambda: scan(mutated, patients["time"], event, strata=patients["stratum"]), repeats=3
    )
    yield Row(f"scan {size}, 9 strata", ours, by_r, r, "")
    ours = median_ms(lambda: score_scan(mutated, patients["time"], event), repeats=3)
    yield Row(f"score tests only, {size}", ours, by_r, r, "")
    few = mutated[:, :2000]
    covariates = patients[["age", "log_tmb"]]
    ours = median_ms(
        lambda: scan(few, patients["time"], event, covariates=covariates), repeats=1, warm=0
    )
    yield Row("scan 2,000 genes, 2 covariates, jointly fitted", ours, by_r, r / 10, "")
