"""MAF dialects, line numbers, streaming, and broken files."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from core.model import BadFile
from data.readers.maf import canonical_names, iter_maf, read_header, read_maf
from tests.data.readers.conftest import Write

HEAD = "Hugo_Symbol\tStart_Position\tVariant_Classification\tTumor_Sample_Barcode\tHGVSp_Short\n"
ROWS = 'ALK\t29443600\tMissense_Mutation\tS1\tp.R1275Q\nTP53\t7577120\t"odd\tS2\t.\n'


def test_rows_have_canonical_names_and_true_lines(write: Write) -> None:
    path = write("m.maf", "#version 2.4\n#sequenced_samples: S1 S2 S3\t\t\n" + HEAD + ROWS)
    table = read_maf(path)
    assert table.to_pydict() == {
        "line": [4, 5],
        "hugo_symbol": ["ALK", "TP53"],
        "start_position": ["29443600", "7577120"],
        "variant_classification": ["Missense_Mutation", '"odd'],
        "tumor_sample_barcode": ["S1", "S2"],
        "hgvsp_short": ["p.R1275Q", None],
    }
    header = read_header(path)
    assert header.sequenced_samples == ("S1", "S2", "S3")
    assert header.line == 3


def test_blank_lines_do_not_shift_line_numbers(write: Write) -> None:
    first, second = ROWS.splitlines(keepends=True)
    table = read_maf(write("m.maf", HEAD + first + "\n\n" + second + "\n"))
    assert table["line"].to_pylist() == [2, 5]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(write: Write, end: str) -> None:
    table = read_maf(write("m.maf", ("#v\n" + HEAD + ROWS).replace("\n", end)))
    assert table["tumor_sample_barcode"].to_pylist() == ["S1", "S2"]
    assert table["line"].to_pylist() == [3, 4]


@pytest.mark.parametrize(
    ("names", "canonical"),
    [
        ("Start_Position Start_position", "start_position"),
        ("Start", "start_position"),
        ("Protein_Change", "hgvsp_short"),
        ("Amino_Acid_Change", "hgvsp_short"),
        ("ref_context", "context"),
        ("CONTEXT", "context"),
        ("FILTER", "filter"),
        ("HGVS_p", "hgvsp"),
        ("cDNA_Change", "hgvsc"),
    ],
)
def test_dialects(names: str, canonical: str) -> None:
    assert canonical_names(names.split())[canonical] == names.split()[0]


def test_the_specification_s_name_wins_over_an_older_one() -> None:
    own = canonical_names(["Amino_Acid_Change", "HGVSp_Short", "Hugo Symbol"])
    assert own == {"hugo_symbol": "Hugo Symbol", "hgvsp_short": "HGVSp_Short"}


def test_batches_hold_all_rows_once(write: Write) -> None:
    body = "".join(f"G{i}\t{i}\tSilent\tS{i % 7}\t\n" for i in range(1000))
    path = write("m.maf.gz", HEAD + body)
    batches = list(iter_maf(path, ["hugo_symbol", "tumor_sample_barcode"], batch_rows=300))
    assert [batch.num_rows for batch in batches] == [300, 300, 300, 100]
    joined = pa.concat_tables(batches)
    assert joined["hugo_symbol"].to_pylist() == [f"G{i}" for i in range(1000)]
    assert joined["line"].to_pylist() == list(range(2, 1002))
    assert joined.column_names == ["line", "hugo_symbol", "tumor_sample_barcode"]


def test_windows_1252_cells(write: Write) -> None:
    data = (HEAD + "ALK\t1\tSilent\tSé\t\n").encode("cp1252")
    assert read_maf(write("m.maf", data))["tumor_sample_barcode"].to_pylist() == ["Sé"]


def test_trailing_tab_of_header_and_rows(write: Write) -> None:
    text = HEAD.replace("\n", "\t\n") + ROWS.replace("\n", "\t\n")
    assert read_maf(write("m.maf", text)).num_rows == 2


def test_missing_column(write: Write) -> None:
    path = write("m.maf", "#v\nHugo_Symbol\tEffect\nALK\tx\n")
    with pytest.raises(BadFile, match="no column for tumor_sample_barcode") as error:
        read_maf(path)
    assert error.value.where.endswith("m.maf, line 2")
    assert "sample" in error.value.expected
    assert "Effect" in error.value.found
    with pytest.raises(BadFile, match="no column for context"):
        read_maf(write("n.maf", HEAD + ROWS), ["hugo_symbol", "context"])


def test_ragged_row(write: Write) -> None:
    path = write("m.maf.gz", "#v\n" + HEAD + ROWS + "\nEGFR\t1\tSilent\n")
    with pytest.raises(BadFile, match="number of cells") as error:
        read_maf(path)
    assert error.value.where.endswith("line 6")
    assert error.value.expected == "5 cells"
    assert error.value.found.startswith("3 cells")


@pytest.mark.parametrize("text", [HEAD, HEAD.strip(), HEAD + "\n\n", "#v\n" + HEAD])
def test_header_only(write: Write, text: str) -> None:
    with pytest.raises(BadFile, match="no rows") as error:
        read_maf(write("m.maf", text))
    assert "line" in error.value.where


def test_no_header(write: Write) -> None:
    with pytest.raises(BadFile, match="no header"):
        read_maf(write("m.maf", "#v\n#w\n"))


def test_duplicate_column(write: Write) -> None:
    text = (HEAD + ROWS).replace("HGVSp_Short", "Hugo_Symbol")
    with pytest.raises(BadFile, match="Two columns"):
        read_maf(write("m.maf", text))


def test_truncated_gzip_names_the_row_reached(
    write: Write, cut: Callable[[Path, float], Path]
) -> None:
    rng = random.Random(2)
    body = "".join(f"G{rng.random()}\t{i}\tSilent\tS{rng.random()}\t\n" for i in range(400_000))
    path = cut(write("m.maf.gz", HEAD + body), 0.9)
    reached = 0
    with pytest.raises(BadFile, match="cut short") as error:
        for batch in iter_maf(path, batch_rows=10_000):
            reached += batch.num_rows
    assert reached > 100_000
    assert "after line" in error.value.found


def test_binary_and_damaged(write: Write, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="not a MAF"):
        read_maf(write("m.maf", b"PK\x03\x04" + bytes(100)))
    path = tmp_path / "d.maf.gz"
    data = bytearray(gzip.compress((HEAD + ROWS * 5000).encode()))
    data[60:100] = b"\xff" * 40
    path.write_bytes(bytes(data))
    with pytest.raises(BadFile, match=r"damaged|cut short"):
        read_maf(path)
