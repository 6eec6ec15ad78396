"""The bases around SNVs, from a reference genome that the user names (FASTA or 2bit).

Files are read by maintained readers, the optional extra ``signatures``: py2bit for ``.2bit``,
pyfaidx for FASTA (plain or bgzip; it writes an index ``.fai`` beside the file the first time).
Coordinates are never lifted over: calls and genome must be of one build, which is checked.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.model import BadFile, BadInput, DashboardError
from core.stats.sbs96 import MAX_MISMATCH, Channels, channels_from_context

Ints = npt.NDArray[np.int64]
Progress = Callable[[str, float], None]

BUILD_OF_CHR1 = {
    247_249_719: "hg18",
    249_250_621: "hg19",
    248_956_422: "hg38",
    248_387_328: "T2T-CHM13",
    195_471_971: "mm10",
}
"""Length of chromosome 1 -> assembly, as the assemblies' own reports give it."""
SAME_BUILD = {"grch37": "hg19", "grch38": "hg38", "b37": "hg19", "hs37d5": "hg19", "ncbi36": "hg18"}
UNKNOWN_BUILD = "a genome of unknown build"

FLANK = 2
"""Bases fetched on each side: one for the channel, one to see positions that are off by one."""
_WINDOW = 1 << 22


@dataclass(frozen=True)
class Genome:
    """An open reference genome; ``fetch(name, start, end)`` is 0-based and half open."""

    path: Path
    build: str
    lengths: dict[str, int]
    fetch: Callable[[str, int, int], str]

    def name_of(self, chromosome: str) -> str | None:
        """The genome's own name of ``1`` or ``chr1``, ``MT`` or ``chrM``; None if it has none."""
        bare = chromosome.removeprefix("chr")
        mitochondrion = {"M": "MT", "MT": "M"}.get(bare, bare)
        names = (f"{prefix}{n}" for n in (bare, mitochondrion) for prefix in ("chr", ""))
        return next((name for name in names if name in self.lengths), None)


def open_genome(path: str | Path) -> Genome:
    """Open a ``.2bit`` or FASTA file and recognise its build by the length of chromosome 1.

    Raises BadFile for a file that is missing or not readable as what its name says, and
    DashboardError when the reader is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise BadFile(
            "The reference genome is not there.",
            where=str(path),
            expected="a .2bit or FASTA file, such as hg19.2bit",
            found="no file",
            remedy="Download the build that the calls were made on, or correct the path.",
        )
    opener = _open_2bit if path.suffix == ".2bit" else _open_fasta
    try:
        lengths, fetch = opener(path)
    except DashboardError:
        raise
    except Exception as error:  # each reader has errors of its own, down to bare Exception
        raise BadFile(
            "The reference genome cannot be read.",
            where=str(path),
            expected=".2bit, or FASTA that is plain or compressed by bgzip",
            found=f"{type(error).__name__}: {error}",
            remedy="Fetch the file again; FASTA compressed by gzip must be compressed by bgzip.",
        ) from error
    first = lengths.get("chr1", lengths.get("1", 0))
    return Genome(path, BUILD_OF_CHR1.get(first, UNKNOWN_BUILD), lengths, fetch)


def contexts(
    genome: Genome,
    chromosome: npt.ArrayLike,
    position: npt.ArrayLike,
    *,
    flank: int = FLANK,
    progress: Progress | None = None,
) -> npt.NDArray[np.str_]:
    """Reference bases around 1-based positions, ``2 flank + 1`` letters in upper case.

    ``N`` stands for bases beyond the chromosome's ends and on chromosomes the genome lacks. The
    genome is read in windows of 4 million bases that hold a call, so memory stays small.
    """
    names, place = np.asarray(chromosome, dtype=str), np.asarray(position, dtype=np.int64)
    letters = np.full((place.size, 2 * flank + 1), ord("N"), dtype=np.uint8)
    unique, code = np.unique(names, return_inverse=True)
    for done, name in enumerate(unique, start=1):
        known = genome.name_of(str(name))
        if known is not None:
            rows = np.flatnonzero(code == done - 1)
            _fill(letters, rows, place[rows] - 1, genome, known, flank)
        if progress:
            progress(f"chromosome {name}", done / unique.size)
    return letters.view(f"S{2 * flank + 1}").ravel().astype(str)


def channels_from_genome(
    genome: Genome,
    chromosome: npt.ArrayLike,
    position: npt.ArrayLike,
    reference: npt.NDArray[np.object_] | list[str],
    alternative: npt.NDArray[np.object_] | list[str],
    *,
    where: str,
    build: str = "",
    progress: Progress | None = None,
) -> Channels:
    """Channels of calls by their positions (1-based) in ``genome``.

    ``where`` names the file of the calls and ``build`` the one they declare. Raises BadInput when
    more than 1% of the SNVs disagree with the genome, or lie beyond its chromosomes' ends, naming
    the likely cause: another build, positions that count from 0, or alleles of the other strand.
    """
    around = contexts(genome, chromosome, position, progress=progress)
    found = channels_from_context(list(around), reference, alternative)
    beyond = _beyond(genome, np.asarray(chromosome, dtype=str), np.asarray(position))
    allowed = MAX_MISMATCH * max(found.n_snv, 1)
    if found.mismatch_rate > MAX_MISMATCH or beyond > allowed:
        shifted = channels_from_context(
            [text[2:] for text in around], reference, alternative
        )  # the base after each position is now in the middle
        raise _wrong_build(genome, found, shifted, beyond, where, build)
    return found


def _fill(
    letters: npt.NDArray[np.uint8], rows: Ints, at: Ints, genome: Genome, name: str, flank: int
) -> None:
    """Copy the bases around the 0-based positions ``at`` of one chromosome."""
    length = genome.lengths[name]
    offsets = np.arange(-flank, flank + 1)
    window = np.where((at >= 0) & (at < length), at // _WINDOW, -1)
    for number in np.unique(window[window >= 0]):
        inside = np.flatnonzero(window == number)
        start = max(int(number) * _WINDOW - flank, 0)
        end = min((int(number) + 1) * _WINDOW + flank, length)
        bases = np.frombuffer(genome.fetch(name, start, end).upper().encode(), dtype=np.uint8)
        wanted = at[inside, None] + offsets
        exists = (wanted >= 0) & (wanted < length)
        taken = bases[np.clip(wanted - start, 0, bases.size - 1)]
        letters[rows[inside]] = np.where(exists, taken, ord("N"))


def _beyond(genome: Genome, chromosome: npt.NDArray[np.str_], position: Ints) -> int:
    """Calls that lie after the end of their chromosome."""
    unique, code = np.unique(chromosome, return_inverse=True)
    ends = np.array([genome.lengths.get(genome.name_of(str(n)) or "", 2**62) for n in unique])
    return int((position > ends[code]).sum()) if position.size else 0


def _wrong_build(
    genome: Genome, found: Channels, shifted: Channels, beyond: int, where: str, build: str
) -> BadInput:
    declared = SAME_BUILD.get(build.lower(), build)
    if shifted.mismatch_rate <= MAX_MISMATCH:
        cause, remedy = "the positions count from 0", "Add 1 to the positions."
    elif found.n_other_strand > 0.8 * found.n_mismatch and not beyond:
        cause = "the alleles are written on the gene's strand and not the forward one"
        remedy = "Use alleles on the forward strand, as the MAF format asks."
    else:
        other = {"hg19": "hg38", "hg38": "hg19"}.get(genome.build, "another build")
        likely = declared if declared and declared != genome.build else other
        cause = f"the genome is {genome.build} and the calls are most likely of {likely}"
        remedy = "Name the genome of the calls' build; coordinates are not lifted over."
    known = found.n_snv - found.n_without_context
    rate = found.n_mismatch / known if known else 1.0
    return BadInput(
        f"{rate:.1%} of the SNVs disagree with the reference genome: {cause}.",
        where=f"{where}, with {genome.path.name}",
        expected=f"the reference allele at the position of at least {1 - MAX_MISMATCH:.0%} of SNVs",
        found=f"{found.n_mismatch} of {known} SNVs disagree, {beyond} lie beyond a chromosome's end"
        + (f"; the calls declare {build}" if build else ""),
        remedy=remedy,
    )


def _open_2bit(path: Path) -> tuple[dict[str, int], Callable[[str, int, int], str]]:
    handle = _reader("py2bit").open(str(path))
    return dict(handle.chroms()), lambda name, start, end: str(handle.sequence(name, start, end))


def _open_fasta(path: Path) -> tuple[dict[str, int], Callable[[str, int, int], str]]:
    fasta = _reader("pyfaidx").Fasta(str(path), as_raw=True, sequence_always_upper=True)
    lengths = {name: len(fasta[name]) for name in fasta.keys()}  # noqa: SIM118 (no mapping)
    return lengths, lambda name, start, end: str(fasta[name][start:end])


def _reader(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise DashboardError(
            f"Reading this reference genome needs the package {module}.",
            expected=f"{module}, of the optional extra 'signatures'",
            found="not installed",
            remedy="pip install 'ici-explorer[signatures]'",
        ) from error
