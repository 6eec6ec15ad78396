"""The mixture-cure model beside the same likelihood maximised in R."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from core.stats.cure import mixture_cure
from tests.golden import Comparison

HERE = Path(__file__).parent


def compare() -> list[Comparison]:
    data = pd.read_csv(HERE / "data.csv")
    reference = pd.read_csv(HERE / "results.csv").set_index("quantity")["value"]
    x = np.column_stack([data.age - 62, data.male])
    fit = mixture_cure(x, data.time, data.event, ["age", "male"])
    survival = fit.predict([[8.0, 1.0]], [12.0, 36.0])[0]
    ours = {
        **{f"estimate.{i + 1}": (v, 1e-8) for i, v in enumerate(fit.theta)},
        **{f"error.{i + 1}": (v, 1e-6) for i, v in enumerate(np.sqrt(np.diag(fit.covariance)))},
        "loglik": (fit.loglik, 1e-12),
        "plain.loglik": (fit.uncured_loglik, 1e-9),
        "cured": (fit.cured, 1e-9),
        "follow_up": (fit.p_follow_up, 1e-12),
        "survival.12": (survival[0], 1e-9),
        "survival.36": (survival[1], 1e-9),
    }
    return [Comparison("cure", q, v, reference[q], tol) for q, (v, tol) in ours.items()]
