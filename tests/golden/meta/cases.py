"""Meta-analysis, leave-one-out, Egger's test and shrunken estimates beside metafor's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.stats.meta import MetaAnalysis, egger_test, leave_one_out, meta_analysis
from core.stats.shrinkage import shrink
from tests.golden import Comparison

HERE = Path(__file__).parent
MODELS = (("REML", "knha"), ("REML", "z"), ("DL", "knha"), ("DL", "z"), ("fixed", "z"))
Found = Iterator[tuple[str, npt.ArrayLike]]


def reference() -> dict[str, npt.NDArray[np.float64]]:
    """metafor's results: quantity -> number or vector."""
    table = pd.read_csv(HERE / "results.csv", na_values=["NA"])
    name = table["quantity"].str.replace(r"\[\d+\]$", "", regex=True)
    return {str(k): v.to_numpy(dtype=float) for k, v in table["value"].groupby(name)}


def compare() -> list[Comparison]:
    expected = reference()
    out = []
    for name in ("bcg", "agree", "three", "two"):
        data = pd.read_csv(HERE / f"{name}.csv")
        y, s = data["yi"].to_numpy(), np.sqrt(data["vi"].to_numpy())
        for quantity, ours in _found(name, y, s):
            exact = ".DL." in quantity or ".FE." in quantity or "egger" in quantity
            values = np.atleast_1d(np.asarray(ours, dtype=float))
            tolerance = 1e-8 if exact else 1e-6
            out.append(Comparison("meta", quantity, values, expected[quantity], tolerance, 1e-10))
    missing = sorted(set(expected) - {c.quantity for c in out})
    if missing:
        raise AssertionError(f"metafor gave what is compared with nothing: {missing}")
    return out


def _found(name: str, y: npt.NDArray[np.float64], s: npt.NDArray[np.float64]) -> Found:
    for method, test in MODELS:
        fit = meta_analysis(y, s, method=method, test=test)
        key = f"{name}.{'FE' if method == 'fixed' else method}.{test}"
        yield from _model(key, fit)
    shrunken = shrink(y, s).frame
    yield f"{name}.blup", shrunken["shrunken"]
    yield f"{name}.blup_se", shrunken["shrunken_std_error"]
    if y.size > 2:
        without = leave_one_out(y, s)[["estimate", "ci_lower", "ci_upper", "tau2"]]
        for i, row in enumerate(without.to_numpy()):
            yield f"{name}.without{i}", row
        egger = egger_test(y, s)
        yield f"{name}.egger", [egger.t, egger.p_value, egger.intercept, egger.slope]


def _model(key: str, fit: MetaAnalysis) -> Found:
    summary = [fit.estimate, fit.std_error, fit.ci_lower, fit.ci_upper, fit.p_value]
    yield f"{key}.summary", summary
    yield f"{key}.heterogeneity", [fit.q, fit.q_p_value, fit.i2]
    yield f"{key}.weights", fit.weights
    if fit.method != "fixed":
        yield f"{key}.tau2", fit.tau2
        yield f"{key}.prediction", [fit.prediction_lower, fit.prediction_upper]
        yield f"{key}.tau2_ci", [fit.tau2_ci_lower, fit.tau2_ci_upper]
