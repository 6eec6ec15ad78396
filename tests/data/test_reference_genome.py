"""Contexts from small hand-written genomes in both formats, and the errors of wrong builds."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from core.model import BadFile, BadInput, DashboardError
from core.stats.sbs96 import CHANNELS
from data import reference_genome
from data.reference_genome import Genome, channels_from_genome, contexts, open_genome

SEQUENCES = {
    "chr1": "NNacgtTTGCAACCATGGATCCTTTAAAGGGCCCGATTACAGACTCGAGTGTAGCTAGAATATCGCGTCTTGACA",
    "chr2": "GGCATTCAGGACTCATCAGACTACGGACTTTCAGACTCCGA",
    "chrM": "GATCACAGGTCTATCACCC",
}


def write_fasta(path: Path, prefix: str = "chr") -> Path:
    lines = []
    for name, bases in SEQUENCES.items():
        lines.append(f">{prefix}{name.removeprefix('chr')} written by hand")
        lines += [bases[i : i + 20] for i in range(0, len(bases), 20)]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_2bit(path: Path) -> Path:
    """UCSC's format: header, index, then per sequence its size, N and mask blocks, packed bases."""
    records = []
    for bases in SEQUENCES.values():
        count = len(bases) - len(bases.lstrip("N"))
        blocks = struct.pack("<III", 1, 0, count) if count else struct.pack("<I", 0)
        codes = ["TCAG".index(b) if b in "TCAG" else 0 for b in bases.upper()]
        codes += [0] * (-len(codes) % 4)
        packed = bytes(
            codes[i] << 6 | codes[i + 1] << 4 | codes[i + 2] << 2 | codes[i + 3]
            for i in range(0, len(codes), 4)
        )
        records.append(struct.pack("<I", len(bases)) + blocks + struct.pack("<II", 0, 0) + packed)
    index_size = sum(1 + len(name) + 4 for name in SEQUENCES)
    offset, index = 16 + index_size, b""
    for name, record in zip(SEQUENCES, records, strict=True):
        index += bytes([len(name)]) + name.encode() + struct.pack("<I", offset)
        offset += len(record)
    header = struct.pack("<IIII", 0x1A412743, 0, len(SEQUENCES), 0)
    path.write_bytes(header + index + b"".join(records))
    return path


@pytest.fixture(params=["2bit", "fasta", "fasta without chr"])
def genome(request: pytest.FixtureRequest, tmp_path: Path) -> Genome:
    if request.param == "2bit":
        pytest.importorskip("py2bit")
        return open_genome(write_2bit(tmp_path / "small.2bit"))
    pytest.importorskip("pyfaidx")
    prefix = "" if "without" in request.param else "chr"
    return open_genome(write_fasta(tmp_path / "small.fa", prefix))


def calls(prefix: str = "") -> tuple[list[str], list[int], list[str], list[str]]:
    """Every base of both chromosomes changed to each other one, as 1-based calls."""
    rows = [
        (prefix + name.removeprefix("chr"), place, base, other)
        for name, bases in SEQUENCES.items()
        if name != "chrM"
        for place, base in enumerate(bases.upper(), start=1)
        for other in "ACGT"
        if base != "N" and other != base
    ]
    names, places, reference, alternative = zip(*rows, strict=True)
    return list(names), list(places), list(reference), list(alternative)


def test_contexts_at_ends_and_unknown_places(genome: Genome) -> None:
    got = contexts(genome, ["1", "chr1", "2", "2", "MT", "M", "GL000192.1", "1"],
                   [3, 6, 1, 41, 19, 2, 5, 900])  # fmt: skip
    assert list(got) == ["NNACG", "CGTTT", "NNGGC", "CGANN", "CCCNN", "NGATC", "NNNNN", "NNNNN"]


def test_windows_join(genome: Genome, monkeypatch: pytest.MonkeyPatch) -> None:
    names, places, _, _ = calls()
    whole = contexts(genome, names, places)
    monkeypatch.setattr(reference_genome, "_WINDOW", 7)
    np.testing.assert_array_equal(contexts(genome, names, places), whole)


@pytest.mark.parametrize("prefix", ["", "chr"])
def test_channels_by_position(genome: Genome, prefix: str) -> None:
    names, places, reference, alternative = calls(prefix)
    found = channels_from_genome(genome, names, places, reference, alternative, where="x.maf")
    complement = str.maketrans("ACGT", "TGCA")
    ends = 0
    for i, channel in enumerate(found.channel):
        bases = SEQUENCES["chr" + names[i].removeprefix("chr")].upper()
        around = bases[max(places[i] - 2, 0) : places[i] + 1]
        if len(around) < 3 or "N" in around:
            assert channel == -1
            ends += 1
            continue
        change = reference[i] + alternative[i]
        if reference[i] in "AG":
            around, change = around[::-1].translate(complement), change.translate(complement)
        assert CHANNELS[channel] == f"{around[0]}[{change[0]}>{change[1]}]{around[2]}"
    assert found.n_without_context == ends == 4 * 3
    assert found.n_mismatch == 0


def test_wrong_positions_and_strands_are_told(genome: Genome) -> None:
    names, places, reference, alternative = calls()
    zero_based = [place - 1 for place in places]
    with pytest.raises(BadInput, match="count from 0"):
        channels_from_genome(genome, names, zero_based, reference, alternative, where="x.maf")
    turned = str.maketrans("ACGT", "TGCA")
    with pytest.raises(BadInput, match="on the gene's strand"):
        channels_from_genome(genome, names, places, [b.translate(turned) for b in reference],
                             [b.translate(turned) for b in alternative], where="x.maf")  # fmt: skip


def test_the_likely_build_is_named(genome: Genome) -> None:
    names, places, reference, alternative = calls()
    elsewhere = [(place * 7) % 30 + 5 for place in places]
    hg38 = Genome(genome.path, "hg38", genome.lengths, genome.fetch)
    with pytest.raises(BadInput, match="is hg38 and the calls are most likely of hg19") as told:
        channels_from_genome(hg38, names, elsewhere, reference, alternative, where="x.maf")
    assert "x.maf" in told.value.where and genome.path.name in told.value.where
    with pytest.raises(BadInput, match="most likely of hg19") as told:
        channels_from_genome(hg38, names, elsewhere, reference, alternative, where="x.maf",
                             build="GRCh37")  # fmt: skip
    assert "declare GRCh37" in told.value.found
    with pytest.raises(BadInput, match="most likely of hg19") as told:
        channels_from_genome(hg38, names, [p + 500 for p in places], reference, alternative,
                             where="x.maf")  # fmt: skip
    assert f"{len(places)} lie beyond a chromosome's end" in told.value.found


def test_build_is_recognised_by_chromosome_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyfaidx")
    path = write_fasta(tmp_path / "small.fa")
    assert open_genome(path).build == reference_genome.UNKNOWN_BUILD
    monkeypatch.setitem(reference_genome.BUILD_OF_CHR1, len(SEQUENCES["chr1"]), "hg19")
    assert open_genome(path).build == "hg19"


def test_files_that_are_no_genome(tmp_path: Path) -> None:
    pytest.importorskip("py2bit")
    with pytest.raises(BadFile, match="not there"):
        open_genome(tmp_path / "none.2bit")
    (tmp_path / "bad.2bit").write_bytes(b"this is not a genome" * 10)
    with pytest.raises(BadFile, match="cannot be read"):
        open_genome(tmp_path / "bad.2bit")


def test_a_reader_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    path = write_2bit(tmp_path / "small.2bit")
    monkeypatch.setattr(reference_genome.importlib, "import_module", absent)
    with pytest.raises(DashboardError, match="needs the package py2bit") as told:
        open_genome(path)
    assert "ici-explorer[signatures]" in told.value.remedy
