"""A simulated store: the studies' published sizes, invented patients, planted effects.

``plan`` holds every size and every effect; nothing drawn here says anything about patients.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from data.demo import expression, features, genes, plan, published, signatures
from data.demo.calls import SILENT, Calls, Universe, draw_calls
from data.demo.clinic import clinical, cohort_table, patient_table
from data.demo.draw import Floats, Ints, standardised
from data.demo.genes import panels
from data.demo.outcome import outcome, risk
from data.demo.people import people as draw_people
from data.demo.variants import gene_table, is_snv, mutation_table, panel_tables

Tables = dict[str, pd.DataFrame | pa.Table]
SCHEMA_VERSION = 1
SEED = 20240


def simulate(seed: int = SEED, scale: float = 1.0) -> Tables:
    """Every table of data/schema.sql, drawn from ``seed``; bit-identical for the same arguments.

    ``scale`` multiplies the numbers of patients (1: the published sizes). Times are months, TMB
    is per Mb. ``build.created_at`` is a fixed date: whoever writes the store sets the true one.
    Raises ValueError where ``scale`` is not above 0.
    """
    if not scale > 0:
        raise ValueError(f"scale must be above 0, not {scale}")
    known = published.tables()
    immune = set(genes.IMMUNE) | published.immune_genes(known["gene_set"])
    universe = Universe.of(genes.cancer() | set(genes.IMMUNE))
    people = draw_people(seed, scale)
    calls = draw_calls(people, universe, seed, scale)
    _add_burden(people, calls)
    variables, acting = clinical(people, seed)
    acting_genes = sorted({effect.gene for effect in plan.EFFECTS})
    mutated = {g: calls.mutated(universe.index(g), len(people)) for g in acting_genes}
    planted = risk(people, people["tmb_z"].to_numpy(dtype=float), mutated, acting)
    result = outcome(people, planted, seed)
    people["response"] = result.response
    drawn = {
        "build": _build(seed, scale),
        "source": _source(),
        "cohort": cohort_table(people, result.endpoint),
        "patient": patient_table(people),
        "clinical": variables,
        "endpoint": result.endpoint,
        "profiled": _profiled(people),
        "gene": gene_table(calls, universe, (people["cohort_id"] == "tcga").to_numpy()),
        **panel_tables(),
        **_signatures_and_calls(people, calls, universe, seed),
        **_tumour_tables(people, genes.cancer(), immune, known, seed),
    }
    return {**known, **drawn}


def _signatures_and_calls(
    people: pd.DataFrame, calls: Calls, universe: Universe, seed: int
) -> Tables:
    weight = signatures.exposures(people, seed)
    carried = (people["panel_"] == "exome").to_numpy()[calls.patient]
    context, bases = signatures.snv_bases(calls, is_snv(calls), carried, weight, seed)
    return {
        "mutation": mutation_table(calls, universe, context, bases, seed),
        **signatures.tables(people, calls.exome_calls, weight, seed),
    }


def _tumour_tables(
    people: pd.DataFrame, cancer: set[str], immune: set[str], known: Tables, seed: int
) -> Tables:
    """Expression of immune and panel genes, and the features that are partly made of it."""
    rows = expression.sampled(people, seed)
    loading = expression.loadings(immune, cancer & set(panels()["IMPACT341"]))
    values = expression.matrix(people, rows, loading, seed)
    sets = published.scored_sets(known["gene_set"])
    measured = expression.scores(values, loading, {f: s.genes for f, s in sets.items()})
    table = features.feature_table(known["feature"], {f: sets[f].name for f in measured})
    measured |= expression.by_gene(values, loading, table["feature"].tolist())
    whole = {f: _spread(score, rows, people) for f, score in measured.items()}
    return {
        **expression.tables(people, rows, loading, values),
        "feature": table,
        "feature_value": features.value_table(people, table, whole, seed),
    }


def _spread(score: Floats, rows: Ints, people: pd.DataFrame) -> Floats:
    """Values of some rows as values of all TCGA patients, NaN for the others."""
    whole = np.full(len(people), np.nan)
    whole[rows] = score
    return whole[(people["cohort_id"] == "tcga").to_numpy()]


def _profiled(people: pd.DataFrame) -> pd.DataFrame:
    rows = np.flatnonzero(people["profiled"])
    return pd.DataFrame(
        {"patient_key": rows.astype(np.int32), "panel_id": people["panel_"].to_numpy()[rows]}
    )


def _add_burden(people: pd.DataFrame, calls: Calls) -> None:
    """TMB as each assay counts it, and standardised log2(TMB + 1) within each cohort."""
    n = len(people)
    counted = np.bincount(calls.patient[calls.kind != SILENT], minlength=n)
    panel = people["panel_"]
    megabases = panel.map(
        {p: mb or plan.EXOME_MEGABASES for p, (_, mb) in plan.PANEL_NAMES.items()}
    )
    seen = np.where(panel == "exome", np.maximum(calls.exome_calls, counted), counted)
    tmb: Floats = np.round(seen / megabases.to_numpy(dtype=float), 4)
    people["tmb_per_mb"] = tmb
    people["tmb_z"] = np.nan
    for rows in people.groupby("cohort_id", sort=False).indices.values():
        people.loc[rows, "tmb_z"] = standardised(np.log2(tmb[rows] + 1))
    calls_of = np.bincount(calls.patient, minlength=n)
    people["n_calls"] = pd.array(np.where(people["profiled"], calls_of, -1), dtype="Int32")
    people.loc[~people["profiled"], "n_calls"] = pd.NA


def _build(seed: int, scale: float) -> pd.DataFrame:
    row: dict[str, Any] = {
        "build_id": f"simulated-{seed}" + (f"-x{scale:g}" if scale != 1 else ""),
        "schema_version": SCHEMA_VERSION,
        "created_at": pd.Timestamp("2000-01-01"),
        "code_version": "0.1.0",
        "simulated": True,
        "seed": seed,
        "notes": "SIMULATED: drawn from a seeded generator with planted effects; no real patient.",
    }
    return pd.DataFrame([row])


def _source() -> pd.DataFrame:
    names = [c.cohort_id for c in plan.ICI]
    groups = [f"ici/{name}" for name in names] + ["tcga"]
    return pd.DataFrame(
        {
            "source_id": [f"simulated/{group}" for group in groups],
            "group_name": groups,
            "status": "simulated",
            "sha256": None,
            "bytes": None,
            "address": "",
            "licence": "",
            "citation": "Simulated by this project",
            "retrieved": "",
            "holds": "simulated patients, outcomes and calls",
            "adds": "",
        }
    )
