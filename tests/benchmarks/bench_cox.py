"""Cox fit and proportional-hazards test with ten covariates, beside R's survival and lifelines.

Each case is simulated once and given to both sides; R reads it from a temporary file and times
``coxph`` and ``cox.zph`` itself. Times are floored to months (ties, zero times) or continuous.
``coxph`` works out the concordance as well, so that the fit with it has its own row; ``cox.zph``
works out the scaled residuals. The two sides are measured by turns, since a machine's speed
changes; of each side the quickest turn counts, and of a turn the lower quartile of processor time.
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

from core.stats.concordance import concordance_of
from core.stats.cox import cox
from core.stats.cox_risk import Array
from core.stats.zph import cox_zph
from tests.benchmarks import Row, cpu_ms

SIZES = (300, 3_000, 11_000, 100_000)
COVARIATES = 10
TURNS = 3
GOALS = {"coxph": "<= 0.20", "coxph with C": "<= 0.25", "cox.zph": "<= 0.25"}

R_SCRIPT = """
suppressMessages(library(survival))
path <- commandArgs(TRUE)[1]; repeats <- as.integer(commandArgs(TRUE)[2])
d <- read.csv(path)
clock <- function(call) {
  call()
  cpu <- function(times) sum(system.time(for (i in seq_len(times)) call())[1:2])
  inner <- max(1, round(0.1 / max(cpu(1), 0.001)))
  quantile(replicate(repeats, cpu(inner) / inner), 0.25) * 1e3
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


def in_python(x: Array, months: Array, event: Array) -> dict[str, float]:
    """Milliseconds of our calls."""
    fit = cox(x, months, event)
    calls = {
        "coxph": lambda: cox(x, months, event),
        "coxph with C": lambda: concordance_of(cox(x, months, event)),
        "cox.zph": lambda: cox_zph(fit).scaled,
    }
    return {what: cpu_ms(call, seconds=0.5) for what, call in calls.items()}


def run() -> Iterator[Row]:
    for n in SIZES:
        for tied in (True, False):
            frame = simulate(n, tied)
            x = frame.iloc[:, :COVARIATES].to_numpy()
            ours, theirs = by_turns(frame, x)
            label = f"n = {n:,}, {'months' if tied else 'continuous'}"
            for what, ms in ours.items():
                goal = GOALS[what] if n >= 3_000 else ""
                if theirs:
                    other = what.removesuffix(" with C")
                    yield Row(f"{what}, {label}", ms, f"R {other}", theirs[other], goal)
                else:
                    yield Row(f"{what}, {label} (R is not installed)", ms)
            if n == 3_000:
                yield Row(f"fit, {label}", ours["coxph"], "lifelines", _lifelines(frame))


def by_turns(frame: pd.DataFrame, x: Array) -> tuple[dict[str, float], dict[str, float]]:
    """The quickest of several turns of each side."""
    months, event = frame["time"].to_numpy(), frame["event"].to_numpy()
    turns = [(in_python(x, months, event), in_r(frame, repeats=5)) for _ in range(TURNS)]

    def quickest(side: int) -> dict[str, float]:
        return {what: min(turn[side][what] for turn in turns) for what in turns[0][side]}

    return quickest(0), quickest(1)


def _lifelines(frame: pd.DataFrame) -> float:
    from lifelines import CoxPHFitter

    return cpu_ms(lambda: CoxPHFitter().fit(frame, "time", "event"), least=3)
