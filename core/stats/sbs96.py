"""From single-base substitutions to the 96 channels of mutational signatures.

A channel is a substitution with the reference base before and after it. As it is not known on
which strand a base changed, a substitution of a purine is read on the other strand, so that the
reference base is always C or T (Alexandrov et al., Nature 2013;500:415-421): G>A in TGC is C>T in
GCA, the channel ``G[C>T]A``. Channels are ordered by substitution, base before, base after.

Contexts are reference bases on the forward strand with the changed base in the middle, as the
``CONTEXT`` column of MC3 (11 bases) and ``ref_context`` of Oncotator (21 bases) hold them. The
middle base must be the call's reference allele: where it often is not, context and calls come
from different genome builds or strands, and no spectrum made of them means anything.

Only calls of one base for another count. Insertions, deletions and double substitutions are no
SNVs; two neighbouring SNVs that a file writes on two rows count as two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from core.model import BadInput

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]
Texts: TypeAlias = pd.Series | pa.Array | pa.ChunkedArray | list[str] | npt.NDArray[np.object_]

SUBSTITUTIONS = ("C>A", "C>G", "C>T", "T>A", "T>C", "T>G")
BASES = "ACGT"
CHANNELS: tuple[str, ...] = tuple(
    f"{before}[{change}]{after}" for change in SUBSTITUTIONS for before in BASES for after in BASES
)
TRINUCLEOTIDES: tuple[str, ...] = tuple(
    f"{before}{middle}{after}" for middle in "CT" for before in BASES for after in BASES
)
TRINUCLEOTIDE_OF_CHANNEL: Ints = np.array(
    [TRINUCLEOTIDES.index(c[0] + c[2] + c[6]) for c in CHANNELS]
)
"""For each channel, the position of its trinucleotide in TRINUCLEOTIDES."""

MAX_MISMATCH = 0.01
"""Share of SNVs whose context may disagree with their reference allele."""
NO_CHANNEL = -1

_UNKNOWN = 4
_CODE = np.full(256, _UNKNOWN, dtype=np.int8)
for _i, _base in enumerate(BASES):
    _CODE[ord(_base)] = _CODE[ord(_base.lower())] = _i
_SUBSTITUTION = np.full((4, 4), NO_CHANNEL, dtype=np.int8)
for _i, _change in enumerate(SUBSTITUTIONS):
    _SUBSTITUTION[BASES.index(_change[0]), BASES.index(_change[2])] = _i


@dataclass(frozen=True, eq=False)
class Channels:
    """The channel of each call, and how many calls have none, by reason."""

    channel: npt.NDArray[np.int8]
    """Position in CHANNELS, or NO_CHANNEL."""
    n_calls: int
    n_snv: int
    n_without_context: int
    """SNVs whose context is missing, of even length, or not A, C, G, T around the base."""
    n_mismatch: int
    """SNVs whose context has another base in the middle than the reference allele."""
    n_other_strand: int
    """Of the mismatches, those that the complement of the reference allele would match."""

    @property
    def n_counted(self) -> int:
        return self.n_snv - self.n_without_context - self.n_mismatch

    @property
    def mismatch_rate(self) -> float:
        """Of the SNVs with a context; NaN without any."""
        known = self.n_snv - self.n_without_context
        return self.n_mismatch / known if known else float("nan")

    @property
    def warnings(self) -> tuple[str, ...]:
        words = []
        if self.n_without_context:
            words.append(f"{self.n_without_context} of {self.n_snv} SNVs have no usable context")
        if self.n_mismatch:
            words.append(
                f"{self.n_mismatch} SNVs disagree with the reference base and are left out"
            )
        return tuple(words)


def channels_from_context(
    context: Texts, reference: Texts, alternative: Texts, *, calls: Ints | None = None
) -> Channels:
    """Channels of calls from a context column of any odd length of at least three.

    Lengths may differ from call to call, and letters may be of either case. ``calls``: how many
    calls each row stands for, by default one. Raises BadInput when the columns differ in length.
    """
    text = _as_strings(context)
    start, length, data = _bytes(text)
    middle = start + length // 2
    usable = (length % 2 == 1) & (length >= 3)
    flanks = [_base_at(data, middle + shift, usable) for shift in (-1, 0, 1)]
    alleles = _alleles(reference), _alleles(alternative)
    return _fold(flanks[0], flanks[1], flanks[2], *alleles, calls)


def channels_from_flanks(
    before: Texts, reference: Texts, after: Texts, alternative: Texts
) -> Channels:
    """Channels of calls whose neighbouring bases are given one by one, on the forward strand."""
    allele = _alleles(reference)
    snv_base = np.where(allele < 0, np.int8(_UNKNOWN), allele)
    sides = [_alleles(side) for side in (before, after)]
    sides = [np.where(side < 0, np.int8(_UNKNOWN), side) for side in sides]
    return _fold(sides[0], snv_base, sides[1], allele, _alleles(alternative))


def require_matching(
    found: Channels, *, where: str, calls: str = "the calls", genome: str = "their contexts"
) -> None:
    """Raise BadInput when more than MAX_MISMATCH of the SNVs disagree with their context.

    ``calls`` and ``genome`` name the two sides in the message, with their builds where known.
    """
    if not found.mismatch_rate > MAX_MISMATCH:
        return
    likely = (
        "the alleles are most likely written on the gene's strand and not the forward one"
        if found.n_other_strand > 0.8 * found.n_mismatch
        else f"{calls} and {genome} are most likely of different builds"
    )
    raise BadInput(
        f"{found.mismatch_rate:.1%} of the SNVs disagree with the reference: {likely}.",
        where=where,
        expected=f"the reference allele in the middle of at least {1 - MAX_MISMATCH:.0%} of SNVs",
        found=f"{found.n_mismatch} of {found.n_snv - found.n_without_context} SNVs disagree",
        remedy="Use the genome build that the calls were made on; coordinates are not lifted over.",
    )


def count_channels(sample: npt.ArrayLike, channel: npt.ArrayLike, n_samples: int) -> Ints:
    """Spectra, samples x 96: how many SNVs each sample (0 .. n_samples - 1) has in each channel.

    Calls of NO_CHANNEL do not count. Raises BadInput for a sample out of bounds.
    """
    row = np.asarray(sample, dtype=np.int64)
    column = np.asarray(channel, dtype=np.int64)
    if row.shape != column.shape or (row.size and not 0 <= row.min() <= row.max() < n_samples):
        raise BadInput(
            "The samples of the calls make no sense.",
            expected=f"one sample of 0 to {n_samples - 1} for each of {column.size} calls",
            found=f"{row.size} samples" + (f", {row.min()} to {row.max()}" if row.size else ""),
            remedy="Pass positions in the list of samples.",
        )
    known = column >= 0
    flat = row[known] * len(CHANNELS) + column[known]
    counts = np.bincount(flat, minlength=n_samples * len(CHANNELS))
    return counts.reshape(n_samples, len(CHANNELS))


def _fold(
    before: Codes,
    middle: Codes,
    after: Codes,
    reference: Codes,
    alternative: Codes,
    calls: Ints | None = None,
) -> Channels:
    """Channels of base codes: 0-3, _UNKNOWN for no base; alleles -1 where not of one base."""
    if not before.size == reference.size == alternative.size:
        raise BadInput(
            "The columns of the calls differ in length.",
            expected="a context, a reference and an alternative allele for each call",
            found=f"{before.size}, {reference.size} and {alternative.size}",
            remedy="Pass three columns of one table.",
        )
    snv = (reference >= 0) & (alternative >= 0) & (reference != alternative)
    known = snv & (before < _UNKNOWN) & (middle < _UNKNOWN) & (after < _UNKNOWN)
    agrees = known & (middle == reference)
    purine = (reference == 0) | (reference == 2)
    use = np.flatnonzero(agrees)
    flip = purine[use]
    five = np.where(flip, 3 - after[use], before[use]).astype(np.int64)
    three = np.where(flip, 3 - before[use], after[use])
    changed = np.where(flip, 3 - reference[use], reference[use])
    into = np.where(flip, 3 - alternative[use], alternative[use])
    channel = np.full(before.size, NO_CHANNEL, dtype=np.int8)
    channel[use] = _SUBSTITUTION[changed, into].astype(np.int64) * 16 + five * 4 + three
    mismatch = known & ~agrees
    each = np.ones(before.size, dtype=np.int64) if calls is None else calls
    return Channels(
        channel=channel,
        n_calls=int(each.sum()),
        n_snv=int(each[snv].sum()),
        n_without_context=int(each[snv & ~known].sum()),
        n_mismatch=int(each[mismatch].sum()),
        n_other_strand=int(each[mismatch & (middle == 3 - reference)].sum()),
    )


def _as_strings(texts: Texts) -> pa.Array:
    array = (
        texts
        if isinstance(texts, pa.Array | pa.ChunkedArray)
        else pa.array(texts, type=pa.large_string(), from_pandas=True)
    )
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return array.cast(pa.large_string())


def _bytes(text: pa.Array) -> tuple[Ints, Ints, npt.NDArray[np.uint8]]:
    """Start and length of each string in the array's bytes; a missing one has length 0."""
    if not len(text):
        return np.empty(0, np.int64), np.empty(0, np.int64), np.zeros(1, np.uint8)
    _, offsets, data = text.buffers()
    edges = np.frombuffer(offsets, dtype=np.int64)[text.offset : text.offset + len(text) + 1]
    valid = text.is_valid().to_numpy(zero_copy_only=False)
    held = np.frombuffer(data, dtype=np.uint8) if data is not None and data.size else None
    return edges[:-1], np.diff(edges) * valid, np.zeros(1, np.uint8) if held is None else held


def _base_at(data: npt.NDArray[np.uint8], at: Ints, usable: npt.NDArray[np.bool_]) -> Codes:
    code = np.full(at.size, _UNKNOWN, dtype=np.int8)
    code[usable] = _CODE[data[at[usable]]]
    return code


def _alleles(texts: Texts) -> Codes:
    """Codes of alleles of one base, -1 for all others (longer, missing, ``-``, ``N``)."""
    start, length, data = _bytes(_as_strings(texts))
    code = _base_at(data, start, length == 1)
    code[code == _UNKNOWN] = -1
    return code
