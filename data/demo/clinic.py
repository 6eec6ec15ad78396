"""Further clinical variables of the simulated ICI studies, and the tables of patients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from data.demo import plan
from data.demo.draw import Floats, choices, pick, stream, unless

CATEGORIES: dict[str, tuple[tuple[str, float], ...]] = {
    "ldh_elevated": (("no", 0.62), ("yes", 0.38)),
    "ctla4_before": (("no", 0.58), ("yes", 0.42)),
    "mapk_inhibitor_before": (("no", 0.6), ("yes", 0.4)),
    "m_stage": (("M0", 0.08), ("M1a", 0.15), ("M1b", 0.20), ("M1c", 0.57)),
    "pdl1_positive": (("no", 0.42), ("yes", 0.58)),
    "histology": (("non-squamous", 0.73), ("squamous", 0.27)),
    "smoker": (("ever", 0.83), ("never", 0.17)),
}
MISSING_SHARE = 0.04


def clinical(people: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, dict[str, Floats]]:
    """The clinical table, and the numbers that act on survival (NaN where not measured)."""
    n = len(people)
    acting = {variable: np.full(n, np.nan) for variable in plan.CLINICAL_HAZARD_RATIO}
    frames = []
    for cohort in plan.ICI:
        rows = np.flatnonzero(people["cohort_id"] == cohort.cohort_id)
        for variable in cohort.variables:
            rng = stream(seed, cohort.cohort_id, variable)
            seen = rows[rng.random(len(rows)) >= MISSING_SHARE]
            if not len(seen):
                continue
            value, number = _drawn(variable, people["inflamed_"].to_numpy()[seen], rng)
            if variable in acting:
                acting[variable][seen] = number
            columns: dict[str, Any] = {"patient_key": seen, "variable": variable, "value": value}
            frames.append(
                pd.DataFrame({**columns, "number": np.nan if value is not None else number})
            )
    return pd.concat(frames, ignore_index=True), acting


def _drawn(
    variable: str, inflamed: Floats, rng: np.random.Generator
) -> tuple[np.ndarray | None, Floats]:
    """A variable's categories (None for a number) and its numbers (codes of the categories)."""
    n = len(inflamed)
    if variable == "ecog":
        return None, (rng.random(n) < 0.63).astype(float)
    if variable == "pdl1_tps":
        logit = 1.3 * inflamed - 1.2 + rng.normal(0, 1.2, n)
        return None, np.round(100 / (1 + np.exp(-logit)))
    table = CATEGORIES[variable]
    index = choices(rng, [share for _, share in table], n)
    return pick([label for label, _ in table], index), index.astype(float)


def patient_table(people: pd.DataFrame) -> pd.DataFrame:
    """The patient table; ``people`` carries tmb_per_mb, tmb_z, n_calls, response by now."""
    person = people["person"].to_numpy()
    other = person != np.arange(len(people))
    name = (people["cohort_id"] + ":" + people["patient_id"]).to_numpy(dtype=object)
    shared = np.full(len(people), None, dtype=object)
    shared[other] = name[person[other]]
    shared[person[other]] = name[other]
    cohort = people["cohort_id"].to_numpy()
    arm = people["arm_"].to_numpy(dtype=bool)
    trial = cohort == "gandara_2018"
    evaluable = people["profiled"].to_numpy(dtype=bool) | ~trial
    assay = people["cohort_id"].map({c.cohort_id: c.assay for c in plan.ICI} | {"tcga": "WES"})
    panel = people["panel_"].isin([p for p in plan.PANEL_NAMES if p.startswith("IMPACT")])
    version = people["panel_"].where(panel).str.replace("IMPACT", "MSK-IMPACT ", regex=False)
    profiled = people["profiled"].to_numpy(dtype=bool)
    source = np.where(
        people["panel_"] == "exome", "simulated exome count / Mb", "simulated panel count / Mb"
    )
    return pd.DataFrame(
        {
            "patient_key": np.arange(len(people), dtype=np.int32),
            **{c: people[c] for c in ("cohort_id", "patient_id", "tumor_type", "tumor_type_source",
                                      "tumor_type_detail", "drug", "drug_class")},
            "arm": unless(~trial, np.where(arm, "docetaxel", "atezolizumab")),
            **{c: people[c] for c in ("treated_with_ici", "age_years", "sex", "response", "stage")},
            "assay": np.where(profiled, version.fillna(assay), "not sequenced"),
            "tmb_per_mb": people["tmb_per_mb"],
            "tmb_source": unless(~profiled, source),
            "tmb_z": people["tmb_z"],
            "n_calls": people["n_calls"],
            "included": evaluable,
            "excluded_why": unless(evaluable, "no evaluable blood sample"),
            "shared_with": shared,
            "counted_here": ~other,
        }
    )  # fmt: skip


def cohort_table(people: pd.DataFrame, endpoint: pd.DataFrame) -> pd.DataFrame:
    """The cohort table: the nine studies in their order, then TCGA."""
    cohort_of = people["cohort_id"].to_numpy()[endpoint["patient_key"].to_numpy()]
    found = endpoint["endpoint"].groupby(cohort_of).unique().map(",".join)
    rows = [
        {
            "cohort_id": c.cohort_id,
            "name": c.name,
            "role": c.role,
            "assay": c.assay,
            "treated_with_ici": True,
            "citation": f"Simulated; sized after {c.citation}",
            "description": f"Simulated patients. {c.description}".strip(),
            "caveats": "\n".join(("Every patient is simulated.", *c.caveats)),
        }
        for c in plan.ICI
    ]
    rows.append(
        {
            "cohort_id": "tcga",
            "name": "TCGA",
            "role": "reference",
            "assay": "WES",
            "treated_with_ici": False,
            "citation": "Simulated; sized after TCGA PanCanAtlas (Liu et al. 2018, Cell 173:400)",
            "description": "Simulated patients.",
            "caveats": "Every patient is simulated.",
        }
    )
    frame = pd.DataFrame(rows)
    frame.insert(2, "position", np.arange(len(frame), dtype=np.int32))
    frame.insert(5, "genome_build", "GRCh37")
    frame.insert(7, "has_mutations", True)
    frame.insert(8, "endpoints", frame["cohort_id"].map(found))
    frame.insert(10, "doi", "")
    frame.insert(11, "licence", "simulated: no licence needed")
    return frame
