"""Gene sets as GMT and JSON."""

from __future__ import annotations

import pytest

from core.model import BadFile
from data.readers.gmt import GeneSet, read_gmt, read_json_lists
from tests.data.readers.conftest import Write


def test_gmt(write: Write) -> None:
    path = write("s.gmt", "aDCs\tna\tCD83\tLAMP3\tCD83\t\r\n\r\nTh1\thttp\tTBX21\r\n")
    assert read_gmt(path) == (
        GeneSet("aDCs", "na", ("CD83", "LAMP3")),
        GeneSet("Th1", "http", ("TBX21",)),
    )


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("a\tna\tX\nb\tna\n", "not complete", 2),
        ("a\tna\tX\n\tna\tX\n", "not complete", 2),
        ("a,na,X\n", "not complete", 1),
        ("a\tna\tX\nb\tna\tX\na\tna\tY\n", "twice", 3),
        ("\n\n", "no gene sets", 1),
    ],
)
def test_bad_gmt(write: Write, text: str, message: str, line: int) -> None:
    path = write("s.gmt", text)
    with pytest.raises(BadFile, match=message) as error:
        read_gmt(path)
    assert error.value.where == f"{path}, line {line}"


def test_json_lists(write: Write) -> None:
    path = write("l.json", '{"receptor": ["CCR1", "CCR2", "CCR1"], "ligand": ["CCL5"]}')
    assert read_json_lists(path) == (
        GeneSet("receptor", "", ("CCR1", "CCR2")),
        GeneSet("ligand", "", ("CCL5",)),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{\n"a": ["X",]}', "not JSON"),
        ('["X"]', "no gene sets"),
        ("{}", "no gene sets"),
        ('{"a": "X"}', "no list of symbols"),
        ('{"a": []}', "no list of symbols"),
        ('{"a": [1]}', "no list of symbols"),
        ('{"a": ["X"], "a": ["Y"]}', "twice"),
    ],
)
def test_bad_json(write: Write, text: str, message: str) -> None:
    with pytest.raises(BadFile, match=message) as error:
        read_json_lists(write("l.json", text))
    assert error.value.remedy
