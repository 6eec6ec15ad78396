"""TCGA's part of the small store: five tumour types, one with eight patients, one without ALK."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.app.small_features import add_features

TYPES = {
    "SKCM": ("Melanoma", 260),
    "LUAD": ("Non-Small Cell Lung Cancer", 240),
    "COAD": ("Colorectal Cancer", 200),
    "UVM": ("Melanoma", 60),
    "ACC": ("Adrenocortical Carcinoma", 8),
}
FREQUENCY = {"ALK": 0.15, "TP53": 0.4, "TTN": 0.5, "VSIR": 0.05}
ENDPOINTS = {"OS": 0.02, "DSS": 0.015, "PFI": 0.03}
UNPLACED = 7
"""One call in so many has no protein position."""


def extend(tables: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """``tables`` with TCGA's patients after the others, who stay as they are."""
    draw = np.random.default_rng([seed, 33])
    people = _people(draw, first=len(tables["patient"]))
    calls = _calls(draw, people)
    sequenced = people[people.assay == "WES"].patient_key
    more = {
        "patient": people,
        "mutation": calls,
        "endpoint": _endpoints(draw, people),
        "profiled": pd.DataFrame({"patient_key": sequenced, "panel_id": "exome"}),
        "cohort": _cohort(len(tables["cohort"])),
    }
    grown = {
        name: pd.concat([table, more[name]], ignore_index=True) if name in more else table
        for name, table in tables.items()
    }
    mutant = calls.groupby("hugo_symbol").patient_key.nunique()
    n_tcga = grown["gene"].hugo_symbol.map(mutant).fillna(0).astype(int)
    grown["gene"] = grown["gene"].assign(n_mutant_tcga=n_tcga)
    return add_features({**grown, **_facts()}, people, calls, seed)


def _people(draw: np.random.Generator, first: int) -> pd.DataFrame:
    kinds = np.repeat(list(TYPES), [n for _, n in TYPES.values()])
    n = len(kinds)
    people = pd.DataFrame(
        {
            "patient_key": first + np.arange(n),
            "cohort_id": "tcga",
            "patient_id": [f"TCGA-{i:04d}" for i in range(n)],
            "tumor_type": [TYPES[k][0] for k in kinds],
            "tumor_type_source": kinds,
            "drug_class": "no ICI",
            "treated_with_ici": False,
            "age_years": np.round(draw.normal(60, 12, n).clip(18, 90)),
            "sex": draw.choice(["male", "female"], n),
            "assay": np.where(draw.random(n) < 0.95, "WES", "not sequenced"),
            "tmb_per_mb": np.round(draw.lognormal(1.2, 0.5, n), 2),
            "included": True,
            "counted_here": True,
        }
    )
    log_tmb = np.log2(people.tmb_per_mb + 1)
    people["tmb_z"] = (log_tmb - log_tmb.mean()) / log_tmb.std()
    people["n_calls"] = pd.Series(1, index=people.index, dtype="Int64").where(people.assay == "WES")
    return people


def _calls(draw: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for gene, frequency in FREQUENCY.items():
        able = (people.assay == "WES") & ~((gene == "ALK") & (people.tumor_type_source == "UVM"))
        keys = people.patient_key[able & (draw.random(len(people)) < frequency)].to_numpy()
        position = draw.choice([1174, *range(100, 1000, 7)], len(keys))
        placed = np.arange(len(keys)) % UNPLACED != 0
        parts.append(
            pd.DataFrame(
                {
                    "hugo_symbol": gene,
                    "patient_key": keys,
                    "variant_classification": draw.choice(
                        ["Missense_Mutation", "Nonsense_Mutation"], len(keys), p=(0.9, 0.1)
                    ),
                    "protein_position": pd.array(np.where(placed, position, -1), "Int64"),
                    "hgvsp_short": np.where(placed, [f"p.R{p}Q" for p in position], None),
                    "call_source": "small store",
                }
            )
        )
    calls = pd.concat(parts, ignore_index=True)
    calls["protein_position"] = calls.protein_position.where(calls.protein_position > 0)
    return calls


def _endpoints(draw: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for endpoint, rate in ENDPOINTS.items():
        event, censor = draw.exponential(1 / rate, len(people)), draw.uniform(5, 90, len(people))
        parts.append(
            pd.DataFrame(
                {
                    "patient_key": people.patient_key,
                    "endpoint": endpoint,
                    "time_months": np.round(np.minimum(event, censor), 2),
                    "event": event <= censor,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _cohort(position: int) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "cohort_id": "tcga",
                "name": "TCGA",
                "position": position,
                "role": "reference",
                "assay": "WES",
                "genome_build": "GRCh37",
                "treated_with_ici": False,
                "has_mutations": True,
                "endpoints": ",".join(ENDPOINTS),
                "citation": "TCGA, Journal 1:1",
                "caveats": "",
            }
        ]
    )


def _facts() -> dict[str, pd.DataFrame]:
    rows = [(t, e, "caution" if e == "DSS" else "recommended") for t in TYPES for e in ENDPOINTS]
    rows = [("ACC", "OS", "not recommended") if r[:2] == ("ACC", "OS") else r for r in rows]
    advice = pd.DataFrame(rows, columns=["tumor_type_source", "endpoint", "advice"])
    domain = {"hugo_symbol": "ALK", "name": "Pkinase_Tyr", "start_residue": 1117}
    domain |= {"end_residue": 1382, "description": "kinase", "source": "small store"}
    hotspot = {"hugo_symbol": "ALK", "residue": 1174, "source": "small store"}
    sets = {"gene_set": "Two genes", "category": "test", "source": "small store"}
    return {
        "endpoint_advice": advice.assign(note="small store"),
        "protein": pd.DataFrame(
            [{"hugo_symbol": "ALK", "length": 1620, "transcript": "NM_004304"}]
        ),
        "protein_domain": pd.DataFrame([domain]),
        "hotspot": pd.DataFrame([hotspot]),
        "gene_set": pd.DataFrame([{**sets, "hugo_symbol": g} for g in ("TP53", "VSIR", "GONE")]),
    }
