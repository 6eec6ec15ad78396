"""Kaplan-Meier, log-rank and concordance beside R's survival and lifelines, on the same data.

R reads the simulated cohort from a temporary file and times its own calls. Times are floored to
months (ties, zero times) or continuous; 20 strata; about half the patients have an event. All are
the lower quartile of processor time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lifelines import KaplanMeierFitter
from lifelines.statistics import logrank_test
from lifelines.utils import concordance_index

from core.stats.concordance import concordance
from core.stats.km import kaplan_meier
from core.stats.logrank import logrank
from tests.benchmarks import Row, cpu_ms

SIZES = (300, 3_000, 11_000, 100_000)
GOALS = {
    "Kaplan-Meier": "<= 0.10",
    "log-rank": "<= 0.20",
    "log-rank, stratified": "<= 0.30",
    "concordance": "",
}
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
cat(clock(function() survfit(Surv(time, event) ~ 1, d, conf.type = "log-log")),
    clock(function() survdiff(Surv(time, event) ~ group, d)),
    clock(function() survdiff(Surv(time, event) ~ group + strata(stratum), d)),
    clock(function() concordance(Surv(time, event) ~ score, d, reverse = TRUE)))
"""


def simulate(n: int, tied: bool, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    score = rng.normal(size=n)
    death, censor = rng.exponential(20 * np.exp(-score / 2)), rng.uniform(0, 60, n)
    time = np.minimum(death, censor)
    return pd.DataFrame(
        {
            "time": np.floor(time) if tied else time,
            "event": (death <= censor).astype(int),
            "group": rng.integers(0, 2, n),
            "stratum": rng.integers(0, 20, n),
            "score": score,
        }
    )


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
    return dict(zip(GOALS, map(float, run.stdout.split()), strict=True))


def calls(frame: pd.DataFrame) -> dict[str, tuple[Callable[[], Any], Callable[[], Any] | None]]:
    """For each method our call and lifelines' (None where it has none)."""
    t, d, g, s, x = (frame[c].to_numpy() for c in ("time", "event", "group", "stratum", "score"))
    one = g == 1
    return {
        "Kaplan-Meier": (lambda: kaplan_meier(t, d), lambda: KaplanMeierFitter().fit(t, d)),
        "log-rank": (
            lambda: logrank(t, d, g),
            lambda: logrank_test(t[one], t[~one], d[one], d[~one]),
        ),
        "log-rank, stratified": (lambda: logrank(t, d, g, strata=s), None),
        "concordance": (lambda: concordance(t, d, x), lambda: concordance_index(t, -x, d)),
    }


def run() -> Iterator[Row]:
    for n in SIZES:
        repeats = 5 if n > 20_000 else 15
        for tied in (True, False):
            frame = simulate(n, tied)
            theirs = in_r(frame, repeats)
            for what, (ours, lifelines) in calls(frame).items():
                label = f"{what}, n = {n:,}, {'months' if tied else 'continuous'}"
                ms = cpu_ms(ours)
                goal = GOALS[what] if n >= 3_000 else ""
                if what in theirs:
                    yield Row(label, ms, "R survival", theirs[what], goal)
                if lifelines is not None:
                    slow = cpu_ms(lifelines, least=3)
                    yield Row(label, ms, "lifelines", slow)
                elif what not in theirs:
                    yield Row(label, ms)
