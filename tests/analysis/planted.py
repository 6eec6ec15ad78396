"""Simulated cohorts in which the truth about a gene, burden and cohorts is known."""

from __future__ import annotations

import numpy as np
import pandas as pd

MONTHS = 18.0
"""Mean survival of a wild-type patient of average burden, in months."""


def patients(
    draw: np.random.Generator,
    n: int = 400,
    *,
    gene: float = 0.0,
    burden: float = 0.0,
    pull: float = 0.0,
    share: float = 0.2,
    cohorts: int = 2,
) -> pd.DataFrame:
    """``n`` patients of each of ``cohorts``, two cancer types each.

    ``gene`` and ``burden`` are log hazard ratios of the mutation and of one standard deviation of
    log TMB; ``pull`` is the log odds ratio of the mutation for the latter; ``share`` about how many
    are mutant.
    """
    size = n * cohorts
    z = draw.standard_normal(size)
    kind = draw.integers(0, 2, size)
    odds = np.log(share / (1 - share)) - pull**2 / 4 + pull * z
    mutant = draw.random(size) < 1 / (1 + np.exp(-odds))
    hazard = np.exp(gene * mutant + burden * z + 0.3 * kind) / MONTHS
    event, censored = draw.exponential(1 / hazard), draw.uniform(6, 60, size)
    frame = pd.DataFrame(
        {
            "patient_key": np.arange(size),
            "cohort_id": [f"cohort_{i}" for i in np.repeat(np.arange(cohorts), n)],
            "tumor_type": np.where(kind == 1, "Melanoma", "Glioma"),
            "tmb_per_mb": np.exp(1.5 + z),
            "mutant": mutant.astype(float),
            "time_months": np.minimum(event, censored),
            "event": (event <= censored).astype(float),
        }
    )
    log_tmb = np.log2(frame.tmb_per_mb + 1)
    by = log_tmb.groupby(frame.cohort_id)
    frame["tmb_z"] = (log_tmb - by.transform("mean")) / by.transform("std")
    return frame
