"""Delimited tables: every published variation, and every way in which they break."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from core.model import BadFile
from data.readers.delimited import read_delimited, sniff_delimiter
from tests.data.readers.conftest import Write


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_and_line_numbers(write: Write, end: str) -> None:
    path = write("clin.txt", end.join(["id\tos", "A\t1", "", "B\t2", ""]))
    table = read_delimited(path)
    assert list(table.frame.columns) == ["id", "os"]
    assert list(table.frame["id"]) == ["A", "B"]
    assert list(table.frame.index) == [2, 4]
    assert table.frame.index.name == "line"


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [
        ("a\tb", "\t"),
        ("a,b", ","),
        ("a;b;c", ";"),
        ("a (0;1)\tb, c\td", "\t"),
        ('"x;y;z",b', ","),
        ("a", "\t"),
    ],
)
def test_delimiter_comes_from_the_header(header: str, delimiter: str) -> None:
    assert sniff_delimiter(header + "\n1;;;;2,,,,\t3") == delimiter


def test_decimal_comma_stays_text(write: Write) -> None:
    table = read_delimited(write("t.csv", "id;tmb\nA;3,5\n"))
    assert table.column("tmb").to_list() == ["3,5"]


def test_quoted_header_over_several_lines(write: Write) -> None:
    text = 'Patient\t"Dead/Alive\n(Dead = True)"\t"a ""b"""\r\n'
    text += 'Pt1\tTRUE\t"x\ty"\r\nPt2\tFALSE\tz\r\n'
    table = read_delimited(write("clin.txt", text))
    assert list(table.frame.columns) == ["Patient", "Dead/Alive\n(Dead = True)", 'a "b"']
    assert list(table.frame.index) == [3, 4]
    assert table.frame.iloc[0].to_list() == ["Pt1", "TRUE", "x\ty"]


def test_quotes_can_be_literal(write: Write) -> None:
    table = read_delimited(write("t.txt", 'a\tb\n"1\t2\n'), quoting=False)
    assert table.frame.iloc[0].to_list() == ['"1', "2"]


@pytest.mark.parametrize("header", ["\tos\tdead", "os\tdead"])
def test_row_names_of_r(write: Write, header: str) -> None:
    table = read_delimited(write("clin.txt", f"{header}\nP1\t3\t1\nP2\t4\t0\n"))
    assert list(table.frame.columns) == ["", "os", "dead"]
    assert table.column("").to_list() == ["P1", "P2"]


@pytest.mark.parametrize("text", ["a\tb\t\n1\t2\t\n", "a\tb\n1\t2\t\n", "a\tb\t\n1\t2\n"])
def test_trailing_delimiters_make_no_column(write: Write, text: str) -> None:
    table = read_delimited(write("t.txt", text))
    assert list(table.frame.columns) == ["a", "b"]
    assert table.frame.iloc[0].to_list() == ["1", "2"]


def test_missing_values_become_none(write: Write) -> None:
    path = write("t.txt", "id\tx\ty\nA\tNA\t[Not Available]\nB\t\t#N/A\nC\t N/A \t.\n")
    frame = read_delimited(path).frame
    assert frame["x"].to_list() == [None, None, None]
    assert frame["y"].to_list() == [None, None, "."]
    assert read_delimited(path, missing=("", ".")).frame["y"].to_list() == [
        "[Not Available]",
        "#N/A",
        None,
    ]


def test_comments_only_before_the_header(write: Write) -> None:
    table = read_delimited(write("t.txt", "#one\n#two\nid\tx\n#3\t1\n"))
    assert table.column("id").to_list() == ["#3"]
    assert list(table.frame.index) == [4]


def test_names_for_a_file_without_header(write: Write) -> None:
    path = write("leuk.tsv", "ACC\tT1\t0.5\nACC\tT2\t0.6\n")
    table = read_delimited(path, header=["type", "aliquot", "value"])
    assert table.column("value").to_list() == ["0.5", "0.6"]
    assert list(table.frame.index) == [1, 2]


def test_columns_are_selected_in_order(write: Write) -> None:
    path = write("t.txt", "a\tb\tc\n1\t2\t3\n")
    assert list(read_delimited(path, columns=["c", "a"]).frame.columns) == ["c", "a"]
    with pytest.raises(BadFile, match="Column 'OS' is missing") as error:
        read_delimited(path, columns=["OS"])
    assert "'a', 'b', 'c'" in error.value.found
    assert error.value.remedy


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("sté\t1\n".encode("cp1252"), "sté"),
        ("\ufeffsté\t1\n".encode(), "sté"),
        ("sté\t1\n".encode("utf-16"), "sté"),
        (b"st\x81\xe9\t1\n", "st\x81é"),
    ],
    ids=["cp1252", "BOM", "utf-16", "latin-1"],
)
def test_encodings(write: Write, data: bytes, name: str) -> None:
    table = read_delimited(write("t.txt", data), header=["id", "x"])
    assert table.column("id").to_list() == [name]


def test_gzip_is_known_by_content(write: Write, tmp_path: Path) -> None:
    packed = write("t.txt.gz", "a\tb\n1\t2\n")
    assert read_delimited(packed).column("b").to_list() == ["2"]
    renamed = tmp_path / "t.txt"
    packed.rename(renamed)
    assert read_delimited(renamed).column("b").to_list() == ["2"]


# What is wrong, the file, and what the error must name.
BAD = [
    ("empty file", "t.txt", b"", ["0 bytes"]),
    ("binary", "t.txt", b"a\tb\n\x00\x01\x02\n", ["binary"]),
    ("an Excel file", "t.txt", b"PK\x03\x04rest of it", ["Excel"]),
    ("a web page", "t.txt", b"\n<!DOCTYPE html><html>", ["web page"]),
    ("ragged row", "t.txt", b"#c\na\tb\tc\n1\t2\t3\n4\t5\n", ["line 4", "3 cells", "2 cells"]),
    ("surplus cell", "t.txt", b"a\tb\n1\t2\n3\t4\t5\n6\t7\n", ["line 3", "2 cells", "3 cells"]),
    ("open quote", "t.txt", b'a\tb\tc\n1\t2\t3\n3\t"4\t5\n5\t6\t7\n', ["line 3", "quotation"]),
    ("duplicate column", "t.txt", b"a\tb\ta\n1\t2\t3\n", ["line 1", "'a' as columns 1 and 3"]),
    ("header only", "t.txt", b"#x\na\tb\n\n", ["line 2", "header only"]),
    ("comments only", "t.txt", b"#x\n#y\n", ["only comments"]),
]


@pytest.mark.parametrize(("name", "data", "words"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_bad_files_are_refused(tmp_path: Path, name: str, data: bytes, words: list[str]) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(BadFile) as error:
        read_delimited(path)
    text = str(error.value)
    assert str(path) in error.value.where
    assert error.value.expected and error.value.found and error.value.remedy
    for word in words:
        assert word in text


def test_duplicate_columns_can_be_numbered(write: Write) -> None:
    table = read_delimited(write("t.csv", "a,a,b\n1,2,3\n"), number_duplicates=True)
    assert list(table.frame.columns) == ["a", "a.2", "b"]


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="not there"):
        read_delimited(tmp_path / "absent.txt")
    with pytest.raises(BadFile, match="folder"):
        read_delimited(tmp_path)


def test_truncated_gzip(write: Write, cut: Callable[[Path], Path]) -> None:
    rng = random.Random(1)
    rows = "".join(f"P{i}\t{rng.random()}\n" for i in range(5000))
    path = cut(write("t.txt.gz", "id\tx\n" + rows))
    with pytest.raises(BadFile, match="cut short") as error:
        read_delimited(path)
    assert "unpacked bytes" in error.value.found
    assert "fetch" in error.value.remedy


def test_damaged_and_false_gzip(write: Write, tmp_path: Path) -> None:
    path = write("t.txt.gz", "id\tx\n" + "P\t1\n" * 2000)
    data = bytearray(path.read_bytes())
    data[20:40] = bytes(20)
    path.write_bytes(bytes(data))
    with pytest.raises(BadFile, match=r"damaged|cut short"):
        read_delimited(path)
    false = tmp_path / "false.txt.gz"
    false.write_bytes(b"id\tx\nA\t1\n")
    with pytest.raises(BadFile, match="not gzip-compressed"):
        read_delimited(false)


def test_a_named_encoding_is_enforced(write: Write) -> None:
    path = write("t.txt", b"id\tx\nA\t1\nB\t\xe9\n")
    with pytest.raises(BadFile, match="not written in utf-8") as error:
        read_delimited(path, encoding="utf-8")
    assert "line 3" in error.value.where
    assert "0xe9" in error.value.found
