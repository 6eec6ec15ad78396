"""A simulated store drawn in blocks: one sound store, whose patients are all different."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.store import open_store
from data.check import problems
from data.demo import simulate
from data.demo.blocks import drawn_in_blocks
from data.publish import POINTER, publish_blocks

SEED, SCALE, BLOCK = 7, 0.04, 0.02


def test_blocks_make_one_sound_store(tmp_path: Path) -> None:
    parts = [simulate(SEED + i, BLOCK) for i in range(2)]
    path = publish_blocks(drawn_in_blocks(SEED, SCALE, BLOCK), tmp_path)
    assert problems(path) == (), "as publishing has found"
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([path.name, POINTER])
    store = open_store(tmp_path)
    sizes = [len(p["patient"]) for p in parts]
    assert store.n_patients == sum(sizes) and store.simulated
    assert store.version == f"simulated-{SEED}-x{SCALE:g}-blocks2"
    patients = store.rows("SELECT * FROM patient ORDER BY patient_key")
    assert not patients.duplicated(["cohort_id", "patient_id"]).any()
    second = patients[sizes[0] :].reset_index(drop=True)
    np.testing.assert_array_equal(second.tmb_per_mb, parts[1]["patient"].tmb_per_mb)

    genes = store.genes().set_index("hugo_symbol")
    drawn = [p["gene"].set_index("hugo_symbol") for p in parts]
    assert genes.n_mutant_tcga["TP53"] == sum(d.n_mutant_tcga["TP53"] for d in drawn)
    width = [len(p["expression_sample"]) for p in parts]
    gene, matrix = store.expression_genes()[0], store.expression_matrix()[1]
    assert matrix.shape[1] == sum(width)
    own = parts[1]["expression"].to_pandas() if hasattr(parts[1]["expression"], "to_pandas") else (
        parts[1]["expression"]
    )  # fmt: skip
    values = own.set_index("hugo_symbol").values_milli_log2[gene]
    np.testing.assert_array_equal(matrix[0][width[0] :], values)
    store.close()


def test_a_block_that_cannot_be_drawn_leaves_nothing(tmp_path: Path) -> None:
    def broken():
        yield from list(drawn_in_blocks(SEED, BLOCK, BLOCK))
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        publish_blocks(broken(), tmp_path)
    assert not list(tmp_path.iterdir())
