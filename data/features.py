"""Features of TCGA tumours: every entry of the catalogue whose file is here, a value a patient.

The catalogue is data/facts/features.toml; a new feature is an entry there and no code.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data.facts import Feature, FeatureFile, feature_catalogue, feature_files, features
from data.readers.delimited import MISSING, read_delimited
from data.readers.features import numbers, read_feather
from data.readers.table import Table
from data.readers.tcga import BARCODE, one_sample_per_patient


def read(raw: Path, key: pd.Series, notes: list[str]) -> dict[str, Any]:
    """Tables ``feature`` (those that have a value) and ``feature_value``.

    ``key`` maps patient barcodes of 12 characters to patient_key. Files that are not there are
    left to the table of sources to name.
    """
    parts = []
    for file in feature_files().values():
        if not (raw / file.id).exists():
            continue
        wanted = [f for f in feature_catalogue() if f.file == file]
        found, broken = _read_file(raw / file.id, file, wanted, key)
        n = found.patient_key.nunique()
        notes.append(f"{Path(file.id).name}: {len(wanted)} features of {n:,} patients")
        if broken:
            listed = ", ".join(broken[:3])
            notes.append(f"{Path(file.id).name}: no TCGA barcode, left out: {listed}")
        parts.append(found)
    columns = ["feature", "patient_key", "value", "label"]
    values = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    catalogue = features()
    return {
        "feature": catalogue[catalogue.feature.isin(values.feature)],
        "feature_value": values[columns],
    }


def _read_file(
    path: Path, file: FeatureFile, wanted: list[Feature], key: pd.Series
) -> tuple[pd.DataFrame, list[str]]:
    """The values of the wanted features, and the ids that are no barcode."""
    table = _table(path, file)
    if file.orientation == "rows":
        table = _turned(table, file, wanted)
    barcodes = table.column(file.sample).fillna("")
    good = barcodes.str.match(BARCODE)
    chosen = one_sample_per_patient(barcodes[good])
    first = barcodes.reset_index(drop=True).drop_duplicates()
    place = pd.Series(first.index, index=first.to_numpy())
    chosen["patient_key"] = chosen.patient.map(key)
    chosen = chosen.dropna(subset=["patient_key"])
    rows = place[chosen.barcode].to_numpy()
    parts = []
    for feature in wanted:
        value, label = _values(table, feature)
        part = pd.DataFrame(
            {
                "feature": feature.id,
                "patient_key": chosen.patient_key.to_numpy(dtype=int),
                "value": value[rows],
                "label": label[rows],
            }
        )
        parts.append(part[part.value.notna() | part.label.notna()])
    return pd.concat(parts, ignore_index=True), barcodes[~good].tolist()


def _table(path: Path, file: FeatureFile) -> Table:
    if file.separator == "feather":
        return read_feather(path)
    return read_delimited(
        path,
        delimiter=file.separator,
        header=list(file.columns) if file.columns else True,
        missing=(*MISSING, "None", "null"),
    )


def _turned(table: Table, file: FeatureFile, wanted: list[Feature]) -> Table:
    """A table with features in rows, as one with samples in rows (the features asked for)."""
    names = table.column(file.sample)
    rows = [c for f in wanted for c in f.columns]
    frame = table.frame[names.isin(rows)].set_index(file.sample).T
    frame.index.name = file.sample
    turned = frame.reset_index()
    turned.index = pd.RangeIndex(1, len(turned) + 1, name="line")
    return Table(turned, table.path, table.sheet)


def _values(table: Table, feature: Feature) -> tuple[np.ndarray, np.ndarray]:
    """One feature's numbers, or its labels, in the order of the table's rows."""
    none = np.full(len(table), None, dtype=object)
    if feature.kind == "category":
        cells = table.column(feature.columns[0])
        return np.full(len(table), np.nan), cells.where(cells.notna(), None).to_numpy(object)
    wide = numbers(table, feature.columns).to_numpy(float)
    return wide.sum(axis=1) * feature.scale, none
