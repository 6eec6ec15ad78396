"""The scan of all genes beside one ``coxph`` per gene; Firth beside a direct maximisation."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from core.stats.scan import ScanOptions, ScanResult, scan
from tests.golden import Comparison

HERE = Path(__file__).parent
GENES = 48
PLAIN = ScanOptions(min_mutants=1, firth_below=0)
"""Every gene by maximum likelihood, as R does."""


@cache
def cohort() -> tuple[sparse.csr_array, pd.DataFrame]:
    """The mutation matrix and the patients of the golden cohort."""
    patients, calls = pd.read_csv(HERE / "patients.csv"), pd.read_csv(HERE / "mutated.csv")
    shape = (len(patients), GENES)
    ones = np.ones(len(calls))
    return sparse.csr_array((ones, (calls["patient"], calls["gene"])), shape=shape), patients


def run(model: str, options: ScanOptions = PLAIN) -> ScanResult:
    """The scan that make.R calls ``model``."""
    mutated, patients = cohort()
    ties = "breslow" if model == "breslow" else "efron"
    return scan(
        mutated,
        patients["time" if model == "plain" else "months"],
        patients["event"],
        strata=patients["stratum"] if "strata" in model else None,
        covariates=patients[["age", "log_tmb"]] if "adjusted" in model else None,
        options=ScanOptions(ties, options.min_mutants, options.firth_below),
    )


def compare() -> list[Comparison]:
    out = []
    for model, rows in pd.read_csv(HERE / "results.csv").groupby("model", sort=False):
        frame = run(str(model)).frame
        cox = frame["method"] == "cox"
        for ours, theirs in (
            ("log_hazard_ratio", "coef"),
            ("standard_error", "se"),
            ("p_score", "p_score"),
        ):
            values = frame[ours] if ours == "p_score" else frame[ours].where(cox)
            out.append(Comparison("scan", f"{model} {ours}", values, rows[theirs].to_numpy(), 1e-8))
    return out + _firth()


def _firth() -> list[Comparison]:
    expected = pd.read_csv(HERE / "firth.csv")
    out = []
    for strata, rows in expected.groupby("strata"):
        model = "strata" if strata else "months"
        frame = run(model, ScanOptions(firth_below=10_000)).frame.loc[rows["gene"]]
        for ours, theirs, tolerance in (
            (frame["log_hazard_ratio"], rows["coef"], 1e-7),
            (frame["standard_error"], rows["se"], 1e-7),
            (np.log(frame["ci_lower"]), rows["lower"], 1e-8),
            (np.log(frame["ci_upper"]), rows["upper"], 1e-8),
            (frame["p_value"], rows["p"], 1e-8),
        ):
            name = f"firth {model} {theirs.name}"
            out.append(
                Comparison("scan", name, ours.to_numpy(), theirs.to_numpy(), tolerance, 1e-9)
            )
    return out
