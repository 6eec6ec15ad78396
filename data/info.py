"""``python -m data info``: cohorts, sources with their provenance, and the states of a gene."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.store import Store, open_store
from core.version import code_version


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gene", help="add mutant / wild type / not profiled of this gene")
    parser.add_argument("--json", action="store_true", help="print for machines")


def describe(store: Store, gene: str | None = None) -> dict[str, Any]:
    """Everything that ``info`` tells, as plain values.

    Keys: store, version (of this program), build, cohorts, sources, and with a gene ``gene``
    (symbol) and ``states`` (rows of cohort, tumor_type, mutant, wild type, not profiled;
    tumor_type 'all' sums a cohort).
    """
    out: dict[str, Any] = {
        "store": str(store.path),
        "version": code_version(),
        "build": {k: _plain(v) for k, v in store.build.items()},
        "cohorts": _rows(store.cohorts()),
        "sources": _rows(store.sources()),
    }
    if gene is not None:
        symbol = store.resolve_gene(gene)
        out["gene"], out["states"] = symbol, _rows(gene_states(store, symbol))
    return out


def gene_states(store: Store, gene: str) -> pd.DataFrame:
    """Patients in each of the three states, per cohort and tumour type ('all' sums a cohort)."""
    patients = store.rows(
        "SELECT patient_key, name AS cohort, tumor_type FROM patient JOIN cohort USING (cohort_id) "
        "ORDER BY patient_key"
    )
    status = store.mutation_status(gene)[patients.patient_key.to_numpy()]
    patients["state"] = np.array(["not profiled", "wild type", "mutant"])[status + 1]
    both = pd.concat([patients, patients.assign(tumor_type="all")])
    counts = both.groupby(["cohort", "tumor_type", "state"], sort=False).size().unstack("state")
    columns = ["mutant", "wild type", "not profiled"]
    return counts.reindex(columns=columns).fillna(0).astype(int).reset_index()


def show(path: Path, args: argparse.Namespace) -> int:
    """Print what the store at ``path`` holds."""
    store = open_store(path)
    try:
        found = describe(store, args.gene)
    finally:
        store.close()
    if args.json:
        print(json.dumps(found, indent=1))
    else:
        _print(found)
    return 0


def _print(found: dict[str, Any]) -> None:
    build = found["build"]
    kind = "SIMULATED data" if build["simulated"] else "published data"
    print(f"{found['store']}\nbuild {build['build_id']} of {build['created_at']}, {kind}, ")
    print(f"made by version {build['code_version']}, read by version {code_version()}\n")
    print(f"{'cohort':<18}{'role':<12}{'assay':<14}{'patients':>9}  endpoints")
    for c in found["cohorts"]:
        print(
            f"{c['name']:<18}{c['role']:<12}{c['assay']:<14}{c['n_patients']:>9}  {c['endpoints']}"
        )
    print("\nsources")
    for s in found["sources"]:
        print(f"  {s['status']:<8}{s['source_id']}")
        detail = s["adds"] if s["status"] == "missing" else s["citation"]
        print(f"          {'would add ' if s['status'] == 'missing' else ''}{detail}")
        print(f"          licence: {s['licence']}; sha256: {(s['sha256'] or 'none')[:16]}")
    if "gene" in found:
        print(
            f"\n{found['gene']:<18}{'tumour type':<32}{'mutant':>8}{'wild type':>11}"
            f"{'not profiled':>14}"
        )
        for r in found["states"]:
            print(
                f"{r['cohort']:<18}{r['tumor_type']:<32}{r['mutant']:>8}{r['wild type']:>11}"
                f"{r['not profiled']:>14}"
            )


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): _plain(v) for k, v in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    """JSON's own types."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, (str, int, float, bool)) else str(value)
