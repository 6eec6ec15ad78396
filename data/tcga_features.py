"""TCGA's optional tables: features per patient, expression, signature activities.

Everything is one value per patient: where a patient has several tumour samples, the primary one
counts (``data.readers.tcga.one_sample_per_patient``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from data import features, ssgsea_features
from data.facts import current_symbol
from data.publish import Progress
from data.readers import expression, signatures
from data.readers.tcga import one_sample_per_patient

EXPRESSION_FILES = (
    "tcga/expression/EBPlusPlusAdjustPANCAN_IlluminaHiSeq_RNASeqV2.geneExp.tsv",
    "tcga/expression/EBPlusPlus_style_5types_289samples.geneExp.tsv.gz",
)
"""The first that is there is read."""

ACTIVITIES = "tcga/signatures/TCGA_WES_sigProfiler_SBS_signatures_in_samples.csv"
ACTIVITY_SOURCE = "Alexandrov 2020"
MISSING_CODE = np.iinfo(np.uint16).max


def read(raw: Path, patients: pd.DataFrame, notes: list[str], progress: Progress) -> dict[str, Any]:
    """The optional tables, as far as their files are below ``raw``.

    ``patients`` has cohort_id, patient_id, patient_key and tumor_type_source; what was left out
    goes to ``notes``.
    """
    own = patients[patients.cohort_id == "tcga"]
    key = pd.Series(own.patient_key.to_numpy(), index=own.patient_id.to_numpy())
    tables: dict[str, Any] = {}
    if key.empty:
        return tables
    progress("reading features", 0.56)
    tables |= features.read(raw, key, notes)
    progress("reading expression", 0.58)
    tables |= read_expression(raw, key, notes)
    _add_signatures(tables, own, notes, progress)
    tables |= read_activities(raw, key, notes)
    return tables


def _add_signatures(
    tables: dict[str, Any], own: pd.DataFrame, notes: list[str], progress: Progress
) -> None:
    """Add the immune signatures' scores to the features, where there is expression."""
    if "expression" not in tables:
        return
    table = tables["expression"]
    flat = table["values_milli_log2"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    samples = tables["expression_sample"].merge(
        own[["patient_key", "tumor_type_source"]].rename(
            columns={"tumor_type_source": "tumor_type"}
        ),
        on="patient_key",
        how="left",
    )
    scored = ssgsea_features.score(
        flat.reshape(table.num_rows, len(samples)),
        table["hugo_symbol"].to_pylist(),
        samples.sort_values("position"),
        MISSING_CODE,
        notes,
        progress,
    )
    for name, frame in scored.items():
        tables[name] = pd.concat([tables[name], frame], ignore_index=True)


def chosen_samples(barcodes: tuple[str, ...], key: pd.Series) -> pd.DataFrame:
    """One sample of each known patient: columns barcode, patient_key, column (its place)."""
    chosen = one_sample_per_patient(barcodes)
    place = {b: i for i, b in enumerate(barcodes)}
    chosen["patient_key"] = chosen.patient.map(key)
    chosen["column"] = chosen.barcode.map(place)
    return chosen.dropna(subset=["patient_key"]).astype({"patient_key": int})


def encode(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    """round(1000 log2(x + 1)) as uint16; missing and negative values become 65535."""
    with np.errstate(invalid="ignore", divide="ignore"):
        coded = np.rint(1000 * np.log2(values.astype(np.float64) + 1))
    known = np.isfinite(coded) & (values >= 0)
    return np.where(known, np.minimum(coded, MISSING_CODE - 1), MISSING_CODE).astype(np.uint16)


def read_expression(raw: Path, key: pd.Series, notes: list[str]) -> dict[str, Any]:
    """Tables expression and expression_sample from the first matrix that is there."""
    path = next((raw / f for f in EXPRESSION_FILES if (raw / f).exists()), None)
    if path is None:
        return {}
    samples = chosen_samples(expression.header(path), key)
    columns = samples.column.to_numpy()
    symbols: list[str] = []
    rows: list[npt.NDArray[np.uint16]] = []
    seen: set[str] = set()
    for block in expression.iter_expression(path):
        for i, name in enumerate(block.symbols):
            symbol = current_symbol(name)
            if name == "?" or symbol in seen:
                continue
            seen.add(symbol)
            symbols.append(symbol)
            rows.append(encode(block.values[i, columns]))
    notes.append(f"{path.name}: {len(symbols):,} genes in {len(samples):,} patients")
    flat = pa.array(np.concatenate(rows))
    lists = pa.FixedSizeListArray.from_arrays(flat, len(columns)).cast(pa.list_(pa.uint16()))
    return {
        "expression": pa.table(
            {
                "hugo_symbol": symbols,
                "values_milli_log2": lists,
                "source": [path.name] * len(symbols),
            }
        ),
        "expression_sample": pd.DataFrame(
            {
                "position": np.arange(len(samples)),
                "patient_key": samples.patient_key.to_numpy(),
                "sample_id": samples.barcode.to_numpy(),
            }
        ),
    }


def read_activities(raw: Path, key: pd.Series, notes: list[str]) -> dict[str, Any]:
    """Tables signature_sample and signature_activity from the published decomposition."""
    if not (raw / ACTIVITIES).exists():
        return {}
    long = signatures.read_activities(raw / ACTIVITIES)
    samples = chosen_samples(tuple(long["sample"].unique()), key)
    long = long.merge(samples, left_on="sample", right_on="barcode")
    total = long.groupby("patient_key")["activity"].sum()
    first = long.drop_duplicates("patient_key").set_index("patient_key")
    sample = pd.DataFrame(
        {
            "patient_key": total.index,
            "source": ACTIVITY_SOURCE,
            "sample_id": first["sample"].reindex(total.index).to_numpy(),
            "n_snv": total.round().astype(int).to_numpy(),
            "cosine_similarity": first["accuracy"].reindex(total.index).to_numpy(),
            "eligible": True,
        }
    )
    active = long[long.activity > 0]
    activity = pd.DataFrame(
        {
            "source": ACTIVITY_SOURCE,
            "signature": active["signature"].to_numpy(),
            "patient_key": active.patient_key.to_numpy(),
            "n_mutations": active.activity.to_numpy(),
            "weight": (active.activity / active.patient_key.map(total)).to_numpy(),
        }
    )
    notes.append(f"{ACTIVITY_SOURCE}: activities of {len(sample):,} patients")
    return {"signature_sample": sample, "signature_activity": activity}
