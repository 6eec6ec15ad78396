"""A small store with every edge case that a page must survive, drawn from a fixed seed.

Three cohorts of ordinary size, one with four patients (``tiny_2020``), one without gene-level
mutations (``clinical_2021``), one control arm, patients without age, TMB or survival; TCGA.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.model import SCHEMA_VERSION
from data import facts
from data.publish import publish
from tests.app.small_tcga import extend

COHORTS: tuple[tuple[str, str, str, str, int], ...] = (
    ("melanoma_2017", "Melanoma 2017", "discovery", "WES", 260),
    ("lung_2018", "Lung 2018", "discovery", "blood panel", 300),
    ("many_2019", "Many 2019", "validation", "MSK-IMPACT", 420),
    ("tiny_2020", "Tiny 2020", "discovery", "WES", 4),
    ("clinical_2021", "Clinical 2021", "discovery", "WES", 40),
)
TUMORS = {
    "melanoma_2017": ("Melanoma",),
    "lung_2018": ("Non-Small Cell Lung Cancer",),
    "many_2019": ("Melanoma", "Non-Small Cell Lung Cancer", "Bladder Cancer", "Glioma"),
    "tiny_2020": ("Anal Cancer",),
    "clinical_2021": ("Non-Small Cell Lung Cancer",),
}
FREQUENCY = {"ALK": 0.12, "TP53": 0.4, "VSIR": 0.03, "TTN": 0.5}


def tables(
    *, simulated: bool = True, seed: int = 1, build_id: str = "small"
) -> dict[str, pd.DataFrame]:
    """Every table that the pages read, ready for data.publish.publish."""
    draw = np.random.default_rng(seed)
    people = _people(draw)
    calls = _calls(draw, people)
    mutant = calls.groupby("hugo_symbol").patient_key.nunique()
    genes = [*FREQUENCY, "NOPANEL"]
    sequenced = people[people.assay != "not sequenced"]
    panel = np.where(sequenced.assay == "WES", "exome", "impact")
    ici = {
        "build": pd.DataFrame(
            {
                "build_id": [build_id],
                "schema_version": [SCHEMA_VERSION],
                "created_at": [datetime(2024, 5, 6, 7, 8)],
                "code_version": ["0.1.0"],
                "simulated": [simulated],
                "seed": [seed],
                "notes": [""],
            }
        ),
        "cohort": _cohorts(),
        "patient": people.drop(columns=["time_months", "event"]),
        "endpoint": _endpoints(people),
        "panel": pd.DataFrame(
            {
                "panel_id": ["exome", "impact"],
                "name": ["Exome", "MSK-IMPACT468"],
                "all_genes": [True, False],
                "megabases": [38.0, 1.2],
            }
        ),
        "panel_gene": pd.DataFrame(
            {"panel_id": "impact", "hugo_symbol": ["ALK", "TP53", "VSIR", "TTN"]}
        ),
        "profiled": pd.DataFrame({"patient_key": sequenced.patient_key, "panel_id": panel}),
        "mutation": calls,
        "gene": pd.DataFrame(
            {
                "hugo_symbol": genes,
                "n_mutant_ici": [int(mutant.get(g, 0)) for g in genes],
                "n_mutant_tcga": 0,
                "on_panel": [g != "NOPANEL" for g in genes],
            }
        ),
        "reported": facts.reported(),
        "gene_alias": pd.DataFrame({"alias": ["C10orf54"], "hugo_symbol": ["VSIR"]}),
        "clinical": pd.DataFrame(
            {
                "patient_key": people.patient_key[people.patient_key % 3 != 0],
                "variable": "smoking",
                "value": np.where(people.patient_key % 3 == 1, "never", "former")[
                    people.patient_key % 3 != 0
                ],
            }
        ),
        **_signatures(sequenced),
        "source": pd.DataFrame(
            {
                "source_id": [f"ici/{c[0]}" for c in COHORTS],
                "group_name": [c[0] for c in COHORTS],
                "status": "simulated" if simulated else "read",
                "citation": [f"{c[1]}, Journal" for c in COHORTS],
                "licence": "none",
                "holds": "patients and calls",
            }
        ),
    }
    return extend(ici, seed)


def _signatures(sequenced: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Every third exome has SBS7a, every ninth too few mutations to tell."""
    key = sequenced.patient_key[sequenced.assay == "WES"]
    present = key[key % 3 == 0]
    return {
        "signature_sample": pd.DataFrame(
            {"patient_key": key, "source": "small", "n_snv": 100, "eligible": key % 9 != 1}
        ),
        "signature_activity": pd.DataFrame(
            {
                "source": "small",
                "signature": "SBS7a",
                "patient_key": present,
                "n_mutations": 30.0,
                "weight": 0.1 + 0.05 * (present % 5),
            }
        ),
    }


def make(folder: Path, **options: Any) -> Path:
    """Publish the small store in ``folder``; the options are those of :func:`tables`."""
    return publish(tables(**options), folder)


def _cohorts() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "cohort_id": cohort_id,
                "name": name,
                "position": position,
                "role": role,
                "assay": assay,
                "genome_build": "GRCh37",
                "treated_with_ici": True,
                "has_mutations": cohort_id != "clinical_2021",
                "endpoints": "OS,PFS" if cohort_id == "lung_2018" else "OS",
                "citation": f"{name}, Journal 1:1",
                "caveats": "Clinical data only." if cohort_id == "clinical_2021" else "",
            }
            for position, (cohort_id, name, role, assay, _) in enumerate(COHORTS)
        ]
    )


def _people(draw: np.random.Generator) -> pd.DataFrame:
    parts = []
    for cohort_id, _, _, assay, n in COHORTS:
        drugs = ("PD-1/PD-L1", "CTLA-4", "PD-1/PD-L1 + CTLA-4")
        part = pd.DataFrame(
            {
                "cohort_id": cohort_id,
                "patient_id": [f"P{i:03d}" for i in range(n)],
                "tumor_type": draw.choice(TUMORS[cohort_id], n),
                "drug_class": draw.choice(drugs, n, p=(0.7, 0.2, 0.1)),
                "treated_with_ici": True,
                "age_years": np.round(draw.normal(62, 11, n).clip(20, 95)),
                "sex": draw.choice(["male", "female"], n),
                "assay": "not sequenced" if cohort_id == "clinical_2021" else assay,
                "tmb_per_mb": np.round(draw.lognormal(1.8, 0.9, n), 2),
                "response": draw.choice(["CR", "PR", "SD", "PD"], n),
            }
        )
        if cohort_id == "lung_2018":
            control = draw.random(n) < 0.4
            part.loc[control, ["drug_class", "treated_with_ici"]] = ["no ICI", False]
            part["arm"] = np.where(control, "chemotherapy", "antibody")
        parts.append(part)
    people = pd.concat(parts, ignore_index=True)
    people.insert(0, "patient_key", np.arange(len(people)))
    people["tumor_type_source"] = people.tumor_type
    people.loc[people.patient_key % 17 == 0, "age_years"] = np.nan
    people.loc[people.patient_key % 23 == 0, "tmb_per_mb"] = np.nan
    log_tmb = np.log2(people.tmb_per_mb + 1)
    by = log_tmb.groupby(people.cohort_id)
    people["tmb_z"] = (log_tmb - by.transform("mean")) / by.transform("std")
    people["included"], people["counted_here"] = True, True
    return people


def _calls(draw: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Calls, and with them (in place) the patients' n_calls and survival."""
    sequenced = (people.assay != "not sequenced").to_numpy()
    rows, hazard = [], np.full(len(people), 1 / 18.0)
    for gene, frequency in FREQUENCY.items():
        mutant = np.flatnonzero(sequenced & (draw.random(len(people)) < frequency))
        if gene == "ALK":
            hazard[mutant] *= 0.6
        classes = draw.choice(
            ["Missense_Mutation", "Nonsense_Mutation", "Splice_Site", "In_Frame_Del"],
            len(mutant),
            p=(0.8, 0.1, 0.06, 0.04),
        )
        rows.append(
            pd.DataFrame(
                {
                    "hugo_symbol": gene,
                    "patient_key": mutant,
                    "variant_classification": classes,
                    "protein_position": draw.integers(1, 1000, len(mutant)),
                    "call_source": "small store",
                }
            )
        )
    calls = pd.concat(rows, ignore_index=True)
    counted = calls.patient_key.value_counts().reindex(people.patient_key, fill_value=0)
    people["n_calls"] = pd.Series(counted.to_numpy(), index=people.index, dtype="Int64").where(
        sequenced
    )
    event, censor = draw.exponential(1 / hazard), draw.uniform(3, 60, len(people))
    people["time_months"] = np.round(np.minimum(event, censor), 2)
    people["event"] = event <= censor
    return calls


def _endpoints(people: pd.DataFrame) -> pd.DataFrame:
    known = people[people.patient_key % 29 != 0]
    overall = known[["patient_key", "time_months", "event"]].assign(endpoint="OS")
    lung = overall[known.cohort_id == "lung_2018"]
    progression = lung.assign(endpoint="PFS", time_months=lung.time_months * 0.6, event=True)
    return pd.concat([overall, progression], ignore_index=True)
