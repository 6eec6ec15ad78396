"""Who is in the simulated studies: one row per patient record, with the latent factors.

Columns that end in ``_`` are latent: they drive the draws and never reach the store. ``person``
is the row whose person a record describes: itself, unless another study reported them first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from data import facts
from data.demo import plan
from data.demo.draw import (
    choices,
    choose_exactly,
    exact_counts,
    numbered,
    pick,
    scaled,
    stream,
    unless,
)
from data.demo.plan import CohortPlan

PERSONAL = (
    "age_years", "sex", "stage", "tumor_type", "tumor_type_detail", "drug", "drug_class",
    "burden_", "inflamed_", "profile_", "arm_", "panel_",
)  # fmt: skip
"""What two records of one person have in common."""


def people(seed: int, scale: float) -> pd.DataFrame:
    """Every record of every cohort, in cohort order; ``patient_key`` is the index."""
    parts = [_ici_people(cohort, seed, scale) for cohort in plan.ICI]
    frame = pd.concat([*parts, _tcga_people(seed, scale)], ignore_index=True)
    frame["person"] = np.arange(len(frame))
    for cohort in plan.ICI:
        _link_shared(frame, cohort, seed, scale)
    person = frame["person"].to_numpy()
    for column in PERSONAL:
        frame[column] = frame[column].to_numpy()[person]
    return frame


def _latent(
    rng: np.random.Generator, n: int, median: Any, log_sd: Any, hypermutated: Any, mean: Any
) -> dict[str, npt.NDArray[np.float64]]:
    """Expected mutations per Mb (log-normal, a hypermutated share) and the inflamed factor."""
    z = rng.standard_normal(n)
    jump = rng.random(n) < hypermutated
    burden = median * np.exp(log_sd * z) * np.where(jump, plan.HYPERMUTATED_FACTOR, 1.0)
    r = plan.INFLAMED_CORRELATION_WITH_TMB
    inflamed = mean + r * z + np.sqrt(1 - r**2) * rng.standard_normal(n)
    return {"burden_": np.minimum(burden, 400.0), "inflamed_": inflamed}


def _ici_people(cohort: CohortPlan, seed: int, scale: float) -> pd.DataFrame:
    rng = stream(seed, cohort.cohort_id, "people")
    parts = (cohort.profiled, cohort.not_profiled, cohort.control, cohort.control_not_profiled)
    sizes = [scaled(n, scale) for n in parts]
    n = sum(sizes)
    part = np.repeat(np.arange(4), sizes)
    rng.shuffle(part)
    labels = list(cohort.types)
    kind = np.repeat(np.arange(len(labels)), exact_counts(cohort.types, n))
    rng.shuffle(kind)
    tumors = [plan.TUMORS[label] for label in labels]

    def of(name: str) -> npt.NDArray[np.float64]:
        return np.array([getattr(t, name) for t in tumors], dtype=float)[kind]

    drug = choices(rng, [d[2] for d in cohort.drugs], n)
    control = part >= 2
    profiled = (part == 0) | (part == 2)
    panel = choices(rng, [share for _, share in cohort.panels], n)
    frame = pd.DataFrame(
        {
            "cohort_id": cohort.cohort_id,
            "patient_id": numbered(f"SIM-{cohort.cohort_id.split('_')[0].upper()}-", n),
            "tumor_type": pick(labels, kind),
            "tumor_type_source": pick([label.lower() for label in labels], kind),
            "tumor_type_detail": None,
            "profile_": pick(labels, kind),
            "os_factor_": of("os_factor"),
            "os_median_": cohort.os_median * of("os_factor"),
            "drug": np.where(control, "docetaxel", pick([d[0] for d in cohort.drugs], drug)),
            "drug_class": np.where(control, plan.NO_ICI, pick([d[1] for d in cohort.drugs], drug)),
            "arm_": control,
            "treated_with_ici": ~control,
            "age_years": np.round(np.clip(rng.normal(of("age"), of("age_sd")), 18, 92)),
            "sex": np.where(rng.random(n) < of("male"), "male", "female").astype(object),
            "stage": np.where(rng.random(n) < 0.93, "IV", "III").astype(object),
            "profiled": profiled,
            "panel_": unless(~profiled, pick([p for p, _ in cohort.panels], panel)),
            **_latent(rng, n, of("tmb_median"), of("tmb_log_sd"), of("hypermutated"),
                      of("inflamed")),
        }
    )  # fmt: skip
    if not cohort.has_age:
        frame["age_years"] = np.nan
    if not cohort.has_sex:
        frame["sex"] = None
    return frame


def _tcga_people(seed: int, scale: float) -> pd.DataFrame:
    rng = stream(seed, "tcga", "people")
    codes = list(plan.TCGA)
    sizes = {code: p.n for code, p in plan.TCGA.items()}
    extra = exact_counts(sizes, scaled(plan.TCGA_NOT_PROFILED, scale))
    counts = exact_counts(sizes, scaled(sum(sizes.values()), scale))
    kind = np.repeat(np.arange(len(codes)), counts + extra)
    profiled = np.concatenate([np.arange(c + e) < c for c, e in zip(counts, extra, strict=True)])
    n = len(kind)

    def of(name: str) -> npt.NDArray[np.float64]:
        return np.array([getattr(p, name) for p in plan.TCGA.values()], dtype=float)[kind]

    stage = pick(["I", "II", "III", "IV"], choices(rng, [0.28, 0.30, 0.27, 0.15], n))
    staged = np.array([code not in plan.NO_STAGE for code in codes])[kind] & (rng.random(n) < 0.95)
    return pd.DataFrame(
        {
            "cohort_id": "tcga",
            "patient_id": numbered("SIM-TCGA-", n, 5),
            "tumor_type": pick([facts.tumor_type(code) for code in codes], kind),
            "tumor_type_source": pick(codes, kind),
            "tumor_type_detail": None,
            "profile_": pick([p.profile for p in plan.TCGA.values()], kind),
            "os_factor_": 1.0,
            "os_median_": of("os_median"),
            "drug": None,
            "drug_class": plan.NO_ICI,
            "arm_": False,
            "treated_with_ici": False,
            "age_years": np.where(
                rng.random(n) < 0.985, np.round(np.clip(rng.normal(of("age"), 12), 15, 90)), np.nan
            ),
            "sex": np.where(rng.random(n) < of("male"), "male", "female").astype(object),
            "stage": unless(~staged, stage),
            "profiled": profiled,
            "panel_": unless(~profiled, "exome"),
            **_latent(rng, n, of("tmb_median"), of("tmb_log_sd"), of("hypermutated"),
                      of("inflamed")),
        }
    )  # fmt: skip


def _link_shared(frame: pd.DataFrame, cohort: CohortPlan, seed: int, scale: float) -> None:
    """Point records of ``cohort`` at the same persons in the studies that sequenced them."""
    rng = stream(seed, cohort.cohort_id, "shared")
    own = np.flatnonzero(
        (frame["cohort_id"] == cohort.cohort_id)
        & (frame["tumor_type"] == plan.MELANOMA)
        & frame["profiled"]
    )
    person = frame["person"].to_numpy().copy()
    start = 0
    for study, count in cohort.shared_from:
        theirs = np.flatnonzero((frame["cohort_id"] == study) & frame["profiled"])
        count = min(scaled(count, scale), len(own) - start, len(theirs))
        chosen = theirs[choose_exactly(rng, np.zeros(len(theirs)), count)]
        person[own[start : start + count]] = chosen
        start += count
    frame["person"] = person
