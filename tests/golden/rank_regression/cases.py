"""Regression of places within strata beside R's ``lm`` with HC3 errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from core.stats.rank_regression import rank_regression
from core.stats.spline import restricted_cubic
from tests.golden import Comparison

HERE = Path(__file__).parent
KNOTS = (0.05, 0.275, 0.5, 0.725, 0.9, 0.975, 0.995)


def compare() -> list[Comparison]:
    data = pd.read_csv(HERE / "data.csv")
    results = pd.read_csv(HERE / "results.csv")
    x = np.log2(data.burden.to_numpy() + 1)
    knots = np.quantile(x[~np.isnan(x)], KNOTS)
    complete = data[~np.isnan(x)]
    basis = restricted_cubic(x[~np.isnan(x)], knots)
    names = ["smooth", "tied"]
    out = []
    for adjusted in (1, 0):
        found = rank_regression(
            complete[names].to_numpy().T,
            complete.group,
            complete.stratum,
            basis if adjusted else np.empty((len(complete), 0)),
            features=names,
        ).frame
        for row in results[results.adjusted == adjusted].to_dict("records"):
            ours = found.loc[row["feature"], row["quantity"]]
            name = f"{row['feature']}.{'adjusted' if adjusted else 'plain'}.{row['quantity']}"
            out.append(Comparison("rank_regression", name, ours, row["value"], 1e-9))
    return out
