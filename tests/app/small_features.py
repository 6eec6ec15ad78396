"""Features and expression of the small store's TCGA patients, with gaps that pages must name.

``leukocyte_fraction`` is higher in ALK-mutant tumours; ``til_regional_fraction`` is known of
melanomas alone; ``lymphocyte_fraction`` is missing; expression holds a few genes of two types.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

GENES = ("CD274", "CD8A", "GZMB", "PRF1", *(f"BACK{i}" for i in range(30)))
EXPRESSED_TYPES = ("SKCM", "LUAD")
KINDS = {
    "nonsilent_rate": ("Non-silent mutation rate", "burden", "mutations per Mb"),
    "silent_rate": ("Silent mutation rate", "burden", "mutations per Mb"),
    "leukocyte_fraction": ("Leukocyte fraction", "infiltrate", "fraction"),
    "til_regional_fraction": ("TIL regional fraction", "infiltrate", "fraction"),
    "purity": ("Tumour purity", "purity", "fraction"),
    "immune_subtype": ("Immune subtype", "subtype", "C1-C6"),
}


def add_features(
    tables: dict[str, pd.DataFrame], people: pd.DataFrame, calls: pd.DataFrame, seed: int
) -> dict[str, pd.DataFrame]:
    """``tables`` with the tables feature, feature_value, expression and expression_sample."""
    draw = np.random.default_rng([seed, 55])
    n = len(people)
    mutant = people.patient_key.isin(calls.patient_key[calls.hugo_symbol == "ALK"]).to_numpy()
    kind = pd.factorize(people.tumor_type_source)[0]
    tmb = people.tmb_per_mb.to_numpy()
    log_odds = -1.5 + 0.3 * kind + 0.9 * mutant + draw.normal(0, 0.6, n)
    leukocytes = 1 / (1 + np.exp(-log_odds))
    numbers = {
        "nonsilent_rate": tmb,
        "silent_rate": tmb * draw.uniform(0.2, 0.5, n),
        "leukocyte_fraction": leukocytes,
        "til_regional_fraction": np.where(kind == 0, leukocytes * draw.uniform(0.5, 1, n), np.nan),
        "purity": 1 - leukocytes * draw.uniform(0.8, 1, n),
    }
    parts = [
        pd.DataFrame({"feature": f, "patient_key": people.patient_key, "value": v, "label": None})
        for f, v in numbers.items()
    ]
    subtype = draw.choice(["C1", "C2", "C3"], n)
    subtype[mutant & (draw.random(n) < 0.5)] = "C2"
    parts.append(
        pd.DataFrame(
            {
                "feature": "immune_subtype",
                "patient_key": people.patient_key,
                "value": np.nan,
                "label": subtype,
            }
        )
    )
    values = pd.concat(parts, ignore_index=True)
    feature = pd.DataFrame(
        [
            {
                "feature": f,
                "name": name,
                "category": category,
                "unit": unit,
                "kind": "category" if f == "immune_subtype" else "number",
                "centred": False,
                "source": "small store",
                "description": "",
            }
            for f, (name, category, unit) in KINDS.items()
        ]
    )
    return {
        **tables,
        **_expression(people, leukocytes, draw),
        "feature": feature,
        "feature_value": values[values.value.notna() | values.label.notna()],
    }


def _expression(
    people: pd.DataFrame, leukocytes: np.ndarray, draw: np.random.Generator
) -> dict[str, pd.DataFrame]:
    here = people.tumor_type_source.isin(EXPRESSED_TYPES).to_numpy()
    keys = people.patient_key[here].to_numpy()
    rows = []
    for gene in GENES:
        pull = 0.0 if gene.startswith("BACK") else 3.0
        level = 6 + pull * leukocytes[here] + draw.normal(0, 1, len(keys))
        rows.append(np.clip(np.rint(1000 * level), 0, 60000).astype(np.uint16))
    return {
        "expression": pd.DataFrame(
            {"hugo_symbol": GENES, "values_milli_log2": rows, "source": "small store"}
        ).sort_values("hugo_symbol"),
        "expression_sample": pd.DataFrame(
            {"position": range(len(keys)), "patient_key": keys, "sample_id": "sample"}
        ),
    }
