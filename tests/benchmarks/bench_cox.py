"""Cox fit and proportional-hazards test with ten covariates, beside R's survival and lifelines.

Each case is simulated once and given to both sides; R reads it from a temporary file and times
``coxph`` and ``cox.zph`` itself. Times are floored to months (ties, zero times) or continuous.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from core.stats.cox import cox
from core.stats.zph import cox_zph
from tests.benchmarks import Row, median_ms

SIZES = (300, 3_000, 11_000, 100_000)
COVARIATES = 10
GOALS = {"coxph": "<= 0.20", "cox.zph": "<= 0.25"}

R_SCRIPT = """
suppressMessages(library(survival))
path <- commandArgs(TRUE)[1]; repeats <- as.integer(commandArgs(TRUE)[2])
d <- read.csv(path)
clock <- function(call) {
  call()
  inner <- max(1, round(0.05 / max(system.time(call())[3], 0.001)))
  median(replicate(repeats, system.time(for (i in seq_len(inner)) call())[3] / inner)) * 1e3
}
fit <- coxph(Surv(time, event) ~ ., d)
cat(clock(function() coxph(Surv(time, event) ~ ., d)), clock(function() cox.zph(fit)))
"""


def simulate(n: int, tied: bool, seed: int = 1) -> pd.DataFrame:
    """Ten covariates (three binary), exponential survival, about 60% events."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, COVARIATES))
    x[:, :3] = x[:, :3] > 0
    death = rng.exponential(20 * np.exp(-x @ np.linspace(-0.5, 0.5, COVARIATES)))
    censor = rng.uniform(0, 60, n)
    time = np.minimum(death, censor)
    frame = pd.DataFrame(x, columns=[f"x{j}" for j in range(COVARIATES)])
    frame["time"] = np.floor(time) if tied else time
    frame["event"] = (death <= censor).astype(int)
    return frame


def in_r(frame: pd.DataFrame, repeats: int) -> dict[str, float]:
    """Milliseconds of R's calls on the same data; empty where R is not installed."""
    if not shutil.which("Rscript"):
        return {}
    with tempfile.TemporaryDirectory() as folder:
        data, script = Path(folder) / "data.csv", Path(folder) / "time.R"
        frame.to_csv(data, index=False)
        script.write_text(R_SCRIPT)
        run = subprocess.run(
            ["Rscript", str(script), str(data), str(repeats)],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ,
        )
    return dict(zip(("coxph", "cox.zph"), map(float, run.stdout.split()), strict=True))


def run() -> Iterator[Row]:
    for n in SIZES:
        for tied in (True, False):
            frame = simulate(n, tied)
            x = frame.iloc[:, :COVARIATES].to_numpy()
            time, event = frame["time"].to_numpy(), frame["event"].to_numpy()
            repeats = 5 if n > 20_000 else 9
            theirs = in_r(frame, repeats)
            fit = cox(x, time, event)
            ours = {
                "coxph": median_ms(lambda: cox(x, time, event), repeats=repeats),  # noqa: B023
                "cox.zph": median_ms(lambda: cox_zph(fit), repeats=repeats),  # noqa: B023
            }
            label = f"n = {n:,}, {'months' if tied else 'continuous'}"
            for what, ms in ours.items():
                goal = GOALS[what] if n >= 3_000 else ""
                if theirs:
                    yield Row(f"{what}, {label}", ms, f"R {what}", theirs[what], goal)
                else:
                    yield Row(f"{what}, {label} (R is not installed)", ms)
            if n == 3_000:
                yield Row(f"fit, {label}", ours["coxph"], "lifelines", _lifelines(frame))


def _lifelines(frame: pd.DataFrame) -> float:
    from lifelines import CoxPHFitter

    return median_ms(lambda: CoxPHFitter().fit(frame, "time", "event"), repeats=3)
