"""A simulated store of many times the patients, drawn block after block to fit in memory.

Each block is a store of its own seed; its patients come after those of the blocks before. Drawing
ten times the published sizes at once takes 5 GB of memory, a hundred times would take fifty.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data.check import KEYED
from data.demo import Tables, simulate

LARGEST = 10.0
"""The scale up to which a store is drawn at once."""
BLOCK = 5.0
"""The scale of a block, at most."""
GROWING = ("gene", "expression", "patient", *KEYED)
"""Tables to which every block adds; the others are the same in each."""


def drawn_in_blocks(seed: int, scale: float, block: float = BLOCK) -> Iterator[Tables]:
    """The tables of a store of ``scale`` for data.publish.publish_blocks; from ``seed`` alone."""
    n = ceil(scale / block)
    patients = samples = 0
    for number in range(n):
        tables = simulate(seed + number, scale / n)
        if number:
            tables = {name: rows for name, rows in tables.items() if name in GROWING}
        else:
            tables["build"] = tables["build"].assign(
                build_id=f"simulated-{seed}-x{scale:g}-blocks{n}", seed=seed
            )
        size, width = len(tables["patient"]), len(tables["expression_sample"])
        for name in ("patient", *KEYED):
            tables[name] = _after(tables[name], "patient_key", patients)
        tables["expression_sample"] = _after(tables["expression_sample"], "position", samples)
        for name, column in (
            ("patient", "patient_id"),
            ("patient", "shared_with"),
            ("expression_sample", "sample_id"),
        ):
            named: Any = tables[name]
            tables[name] = named.assign(**{column: named[column] + f"-{number + 1}"})
        yield tables
        patients, samples = patients + size, samples + width


def _after(rows: pd.DataFrame | pa.Table, column: str, first: int) -> Any:
    """``rows`` with ``first`` added to the keys of ``column``."""
    if isinstance(rows, pd.DataFrame):
        return rows.assign(**{column: rows[column] + first})
    keys = pc.add(rows[column], pa.scalar(first, pa.int32()))
    return rows.set_column(rows.column_names.index(column), column, keys)
