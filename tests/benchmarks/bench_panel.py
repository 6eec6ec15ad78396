"""Group comparison of a panel of features over 11,000 patients, with missing values and ties."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from core.stats.rank_panel import rank_panel
from tests.benchmarks import Row, median_ms

PATIENTS = 11_000
R_LOOP = """
v <- as.matrix(read.csv("values.csv")); g <- read.csv("group.csv")$g
one <- function(x, y) suppressWarnings(wilcox.test(x, y, conf.int = TRUE))
cat(system.time(for (k in seq_len(ncol(v))) one(v[g == 1, k], v[g == 0, k]))[["elapsed"]])
"""


def panel(features: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], object]:
    """Features x patients (skewed, some counts, some zeros, 5% missing), group, tumour type."""
    rng = np.random.default_rng(7)
    values = rng.lognormal(size=(features, PATIENTS))
    values[:5] = np.round(values[:5] * 3)
    values[5:10][values[5:10] < 0.7] = 0
    values[rng.random(values.shape) < 0.05] = np.nan
    group = (rng.random(PATIENTS) < 0.03).astype(float)
    return values, group, rng.integers(0, 33, PATIENTS)


def scipy_loop(values: npt.NDArray[np.float64], group: npt.NDArray[np.float64]) -> None:
    """p-values alone."""
    for row in values:
        keep = ~np.isnan(row)
        stats.mannwhitneyu(row[keep & (group == 1)], row[keep & (group == 0)], method="asymptotic")


def r_loop_ms(values: npt.NDArray[np.float64], group: npt.NDArray[np.float64]) -> float:
    """wilcox.test with interval over all features, from 4 of them; NaN without R."""
    if shutil.which("Rscript") is None:
        return float("nan")
    chosen = np.linspace(0, len(values) - 1, 4).astype(int)
    with tempfile.TemporaryDirectory() as folder:
        pd.DataFrame(values[chosen].T).to_csv(Path(folder, "values.csv"), index=False, na_rep="NA")
        pd.DataFrame({"g": group}).to_csv(Path(folder, "group.csv"), index=False)
        Path(folder, "loop.R").write_text(R_LOOP)
        run = subprocess.run(
            ["Rscript", "loop.R"], cwd=folder, capture_output=True, text=True, check=True
        )
    return float(run.stdout) * 1e3 * len(values) / len(chosen)


def run() -> Iterator[Row]:
    for features in (30, 50):
        values, group, strata = panel(features)
        size = f"{features} features x {PATIENTS:,}"
        ours = median_ms(lambda v=values, g=group, s=strata: rank_panel(v, g, strata=s))
        r = r_loop_ms(values, group)
        name = "wilcox.test, from 4" if np.isfinite(r) else ""
        yield Row(f"Wilcoxon, shift, AUC, van Elteren, {size}", ours, name, r, "300 ms")
        ours = median_ms(lambda v=values, g=group: rank_panel(v, g, shift=False))
        loop = median_ms(lambda v=values, g=group: scipy_loop(v, g), repeats=3)
        yield Row(f"Wilcoxon and AUC, {size}", ours, "scipy, p only", loop, "")
