"""Protein domains, lengths, hotspots, pathways."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import rdata

from core.model import BadFile
from data.readers.genes import (
    read_hotspots,
    read_pathways,
    read_protein_domains,
    read_protein_lengths,
    read_rds,
)
from tests.data.readers.conftest import Write

DOMAINS = pd.DataFrame(
    {
        "HGNC": ["ALK", "ALK"],
        "refseq.ID": ["NM_1", "NM_1"],
        "protein.ID": ["NP_1", "NP_1"],
        "aa.length": [1620.0, 1620.0],
        "Start": [285.0, 1117.5],
        "End": [426.0, 1382.0],
        "Label": ["MAM", None],
    }
)


def rds(path: Path, content: object) -> Path:
    rdata.write_rds(path, content)
    return path


def test_protein_domains(tmp_path: Path) -> None:
    table = read_protein_domains(rds(tmp_path / "d.RDs", DOMAINS))
    assert table.frame.iloc[0].to_list() == ["ALK", "NM_1", "NP_1", "1620", "285", "426", "MAM"]
    assert table.frame.iloc[1].to_list()[4:] == ["1117.5", "1382", None]
    assert list(table.frame.index) == [1, 2]
    with pytest.raises(BadFile, match="'Label' is missing"):
        read_protein_domains(rds(tmp_path / "e.RDs", DOMAINS.drop(columns="Label")))


def test_a_list_of_frames(tmp_path: Path) -> None:
    path = rds(tmp_path / "l.rds", {"db": DOMAINS.set_index(pd.Index(["r1", "r2"]))})
    assert read_rds(path, "db").column("").to_list() == ["r1", "r2"]
    with pytest.raises(BadFile, match="no element 'other'") as error:
        read_rds(path, "other")
    assert error.value.found == "'db'"
    with pytest.raises(BadFile, match="no data frame"):
        read_rds(path)


def test_no_r_data(write: Write, tmp_path: Path) -> None:
    for content in ("id\tx\n1\t2\n", b"X\n\x00\x00"):
        with pytest.raises(BadFile, match="not R data"):
            read_rds(write("d.rds", content))
    whole = rds(tmp_path / "w.rds", DOMAINS)
    whole.write_bytes(whole.read_bytes()[:100])
    with pytest.raises(BadFile, match="not R data"):
        read_rds(whole)


def test_text_tables(write: Write) -> None:
    spots = read_hotspots(write("h.tsv", '1\t249\tG\tA\tALK\tNonsense_Mutation\tC1*\t""\n'))
    assert spots.frame.iloc[0][["hugo_symbol", "amino_acid_change", "sift"]].to_list() == [
        "ALK",
        "C1*",
        None,
    ]
    lengths = read_protein_lengths(write("p.txt.gz", "Hugo_Symbol\taa.length\nALK\t1620\n"))
    assert lengths.column("aa.length").to_list() == ["1620"]
    ways = read_pathways(write("w.tsv", "Pathway\tGene\tOG_TSG\nMYC\tMGA\tNA\n"))
    assert ways.column("OG_TSG").to_list() == [None]
    with pytest.raises(BadFile, match="'OG_TSG' is missing"):
        read_pathways(write("w.tsv", "Pathway\tGene\nMYC\tMGA\n"))
    with pytest.raises(BadFile, match="number of cells"):
        read_hotspots(write("h.tsv", "1\t249\tG\tA\tALK\tNonsense_Mutation\n"))
