"""Expression matrices: blocks, odd genes, missing values, broken files."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.model import BadFile
from data.readers.expression import header, iter_expression, read_sample_rows
from tests.data.readers.conftest import Write

HEAD = "gene_id\tTCGA-AA-0001-01A-11R\tTCGA-AA-0002-01A-11R\n"


def matrix(genes: int) -> str:
    return HEAD + "".join(f"G{i}|{i}\t{i}.5\t-{i}\n" for i in range(genes))


@pytest.mark.parametrize("name", ["e.tsv", "e.tsv.gz"])
@pytest.mark.parametrize("block_genes", [1, 3, 7, 100])
def test_blocks_hold_every_gene_once(write: Write, name: str, block_genes: int) -> None:
    path = write(name, matrix(7))
    blocks = list(iter_expression(path, block_genes=block_genes))
    assert [len(block.symbols) for block in blocks[:-1]] == [block_genes] * (len(blocks) - 1)
    assert [s for block in blocks for s in block.symbols] == [f"G{i}" for i in range(7)]
    assert [e for block in blocks for e in block.entrez] == list(range(7))
    values = np.concatenate([block.values for block in blocks])
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, [[i + 0.5, -i] for i in range(7)])
    assert header(path) == ("TCGA-AA-0001-01A-11R", "TCGA-AA-0002-01A-11R")


def test_odd_genes_and_missing_values(write: Write) -> None:
    path = write(
        "e.tsv", HEAD + "?|100130426\tNA\t0\nSLC35E2|728661\t1\t\nSLC35E2|9906\t2\t3\nX\t1\t1\n"
    )
    (block,) = iter_expression(path)
    assert block.symbols == ("?", "SLC35E2", "SLC35E2", "X")
    assert block.entrez == (100130426, 728661, 9906, None)
    np.testing.assert_array_equal(block.values[:2], [[np.nan, 0], [1, np.nan]])


def test_a_matrix_larger_than_arrow_s_buffer(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.readers.expression._BLOCK_BYTES", 256)
    blocks = list(iter_expression(write("e.tsv", matrix(100)), block_genes=30))
    assert [len(block.symbols) for block in blocks] == [30, 30, 30, 10]
    np.testing.assert_array_equal(blocks[-1].values[-1], [99.5, -99])


@pytest.mark.parametrize(
    ("text", "message", "where"),
    [
        (HEAD + "A|1\t1\t2\nB|2\t1\n", "number of cells", "line 3"),
        (HEAD + "A|1\t1\t2\nB|2\t1\tx\n", "TCGA-AA-0002-01A-11R is no number", "line 3"),
        (HEAD + "A|1\t1,5\t2\n", "no number", "line 2"),
        (HEAD + "A|1\t1\t2\n\t1\t2\n", "no name", "line 3"),
        (HEAD, "no genes", "line 1"),
        ("gene,S1,S2\nA,1,2\n", "no samples", "line 1"),
        (HEAD.replace("0002", "0001") + "A|1\t1\t2\n", "twice", "line 1"),
    ],
)
def test_bad_matrices(write: Write, text: str, message: str, where: str) -> None:
    path = write("e.tsv", text)
    with pytest.raises(BadFile, match=message) as error:
        list(iter_expression(path))
    assert error.value.where == f"{path}, {where}"
    assert error.value.expected and error.value.found and error.value.remedy


def test_truncated_and_binary(write: Write, cut: Callable[[Path, float], Path]) -> None:
    rng = random.Random(3)
    text = HEAD + "".join(f"G{i}|{i}\t{rng.random()}\t{rng.random()}\n" for i in range(20_000))
    with pytest.raises(BadFile, match="cut short") as error:
        list(iter_expression(cut(write("e.tsv.gz", text), 0.8)))
    assert "after line" in error.value.found
    with pytest.raises(BadFile, match="not an expression matrix"):
        header(write("e.tsv", b"PK\x03\x04\n"))


def test_samples_in_rows(write: Write) -> None:
    text = "project,sample,CD274,HLA_A\nTCGA-X,S1,1.5,2\nTCGA-X,S2,NA,4\n"
    samples, block = read_sample_rows(write("t.csv", text), "sample", ["CD274", "HLA_A"])
    assert samples == ("S1", "S2")
    assert block.symbols == ("CD274", "HLA_A")
    np.testing.assert_array_equal(block.values, np.float32([[1.5, np.nan], [2, 4]]))
    with pytest.raises(BadFile, match="no number"):
        read_sample_rows(write("t.csv", text), "sample", ["project"])
    with pytest.raises(BadFile, match="repeated"):
        read_sample_rows(write("u.csv", text.replace("S2", "S1")), "sample", ["CD274"])
