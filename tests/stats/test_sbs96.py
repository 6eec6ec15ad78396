"""The 96 channels, counted against a hand-made genome with every substitution and strand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from core.model import BadInput
from core.stats.sbs96 import (
    CHANNELS,
    NO_CHANNEL,
    TRINUCLEOTIDE_OF_CHANNEL,
    TRINUCLEOTIDES,
    channels_from_context,
    channels_from_flanks,
    count_channels,
    require_matching,
)

GENOME = "AAACAAGAATACCACGACTAGCAGGAGTATCATGATTCCCGCCTCGGCGTCTGCTTGGGTGTTTAA"
"""Holds every one of the 64 trinucleotides once (a de Bruijn sequence)."""
COMPLEMENT = {"A": "T", "C": "G", "G": "C", "T": "A"}


def by_hand(before: str, reference: str, after: str, alternative: str) -> str:
    if reference in "AG":
        before, after = COMPLEMENT[after], COMPLEMENT[before]
        reference, alternative = COMPLEMENT[reference], COMPLEMENT[alternative]
    return f"{before}[{reference}>{alternative}]{after}"


def every_substitution(half: int) -> pd.DataFrame:
    """Every possible SNV of the genome whose context of 2 half + 1 bases lies inside it."""
    rows = [
        (GENOME[i - half : i + half + 1], GENOME[i], base, by_hand(*GENOME[i - 1 : i + 2], base))
        for i in range(half, len(GENOME) - half)
        for base in "ACGT"
        if base != GENOME[i]
    ]
    return pd.DataFrame(rows, columns=["context", "reference", "alternative", "expected"])


def test_the_genome_holds_every_trinucleotide() -> None:
    held = {GENOME[i : i + 3] for i in range(len(GENOME) - 2)}
    assert held == {"".join(t) for t in product("ACGT", repeat=3)}


def test_channels_are_cosmic_s_and_know_their_trinucleotide() -> None:
    assert len(set(CHANNELS)) == 96
    assert CHANNELS[:5] == ("A[C>A]A", "A[C>A]C", "A[C>A]G", "A[C>A]T", "C[C>A]A")
    assert CHANNELS[-1] == "T[T>G]T"
    for channel, at in zip(CHANNELS, TRINUCLEOTIDE_OF_CHANNEL, strict=True):
        assert TRINUCLEOTIDES[at] == channel[0] + channel[2] + channel[6]


@pytest.mark.parametrize("half", [1, 5, 10])
def test_every_substitution_on_both_strands(half: int) -> None:
    calls = every_substitution(half)
    found = channels_from_context(calls["context"], calls["reference"], calls["alternative"])
    assert [CHANNELS[c] for c in found.channel] == list(calls["expected"])
    assert found.n_mismatch == found.n_without_context == 0
    assert found.n_counted == len(calls) and not found.warnings
    if half == 1:
        assert set(calls["expected"]) == set(CHANNELS)


def test_flanks_and_contexts_agree() -> None:
    calls = every_substitution(1)
    found = channels_from_flanks(
        calls["context"].str[0], calls["reference"], calls["context"].str[2], calls["alternative"]
    )
    assert [CHANNELS[c] for c in found.channel] == list(calls["expected"])


def test_strand_does_not_matter() -> None:
    calls = every_substitution(5)
    turned = calls["context"].map(lambda s: "".join(COMPLEMENT[b] for b in reversed(s)))
    found = channels_from_context(
        turned, calls["reference"].map(COMPLEMENT), calls["alternative"].map(COMPLEMENT)
    )
    assert [CHANNELS[c] for c in found.channel] == list(calls["expected"])


def test_what_is_no_snv_or_has_no_context() -> None:
    rows = [
        ("ACA", "C", "T"),  # A[C>T]A
        ("ccaGgtc", "G", "A"),  # soft-masked, a purine: C[C>T]T
        ("ACA", "C", "C"),  # no change
        ("ACA", "-", "T"),  # insertion
        ("ACA", "CA", "TG"),  # double substitution
        ("ACA", "C", None),
        (None, "C", "T"),
        ("", "C", "T"),
        ("ACAT", "C", "T"),  # even: no middle
        ("C", "C", "T"),  # no flanks
        ("NCA", "C", "T"),
        ("AGA", "C", "T"),  # mismatch, other strand
        ("ATA", "C", "T"),  # mismatch
    ]
    context, reference, alternative = (list(column) for column in zip(*rows, strict=True))

    def chunked(column: list[str | None]) -> pa.ChunkedArray:
        return pa.chunked_array([pa.array(column[:4]), pa.array(column[4:])])

    for kind in (list, pd.Series, pa.array, chunked):
        found = channels_from_context(kind(context), kind(reference), kind(alternative))
        assert CHANNELS[found.channel[0]] == "A[C>T]A"
        assert CHANNELS[found.channel[1]] == "C[C>T]T"
        assert (found.channel[2:] == NO_CHANNEL).all()
        assert (found.n_calls, found.n_snv, found.n_without_context) == (13, 9, 5)
        assert (found.n_mismatch, found.n_other_strand, found.n_counted) == (2, 1, 2)
    assert found.warnings == (
        "5 of 9 SNVs have no usable context",
        "2 SNVs disagree with the reference base and are left out",
    )


def test_a_slice_of_an_arrow_array_is_read_at_its_place() -> None:
    calls = every_substitution(3)
    columns = [pa.array(calls[c])[7:40] for c in ("context", "reference", "alternative")]
    found = channels_from_context(*columns)
    assert [CHANNELS[c] for c in found.channel] == list(calls["expected"][7:40])


def test_no_calls() -> None:
    found = channels_from_context([], [], [])
    assert found.n_calls == 0 and np.isnan(found.mismatch_rate)
    require_matching(found, where="nowhere")


def test_wrong_build_and_wrong_strand_are_told_apart() -> None:
    calls = every_substitution(5)
    shifted = calls["context"].str[1:] + "A"
    found = channels_from_context(shifted, calls["reference"], calls["alternative"])
    with pytest.raises(
        BadInput, match="the calls \\(hg19\\) and hg38 are most likely of different"
    ):
        require_matching(found, where="x.maf", calls="the calls (hg19)", genome="hg38")
    found = channels_from_context(
        calls["context"], calls["reference"].map(COMPLEMENT), calls["alternative"].map(COMPLEMENT)
    )
    assert found.mismatch_rate == 1
    with pytest.raises(BadInput, match="on the gene's strand"):
        require_matching(found, where="x.maf")


def test_one_percent_is_allowed() -> None:
    context = ["ACA"] * 99 + ["ATA"]
    require_matching(channels_from_context(context, ["C"] * 100, ["T"] * 100), where="x.maf")
    with pytest.raises(BadInput, match=r"2\.0%"):
        bad = ["ACA"] * 98 + ["ATA"] * 2
        require_matching(channels_from_context(bad, ["C"] * 100, ["T"] * 100), where="x.maf")


def test_counts_by_sample() -> None:
    counts = count_channels([0, 2, 2, 2, 0], [5, 95, 95, 0, NO_CHANNEL], 4)
    assert counts.shape == (4, 96) and counts.sum() == 4
    assert (counts[0, 5], counts[2, 95], counts[2, 0]) == (1, 2, 1)
    with pytest.raises(BadInput, match="samples of the calls"):
        count_channels([4], [0], 4)


def test_columns_of_different_length() -> None:
    with pytest.raises(BadInput, match="differ in length"):
        channels_from_context(["ACA"], ["C", "T"], ["T", "C"])


def test_a_row_that_stands_for_several_calls_counts_as_they_would() -> None:
    rows = [("ACA", "C", "T"), ("ACA", "G", "T"), ("NCA", "C", "A"), ("TTT", "T", "-")]
    calls = np.array([3, 2, 0, 4])
    once = channels_from_context(*zip(*rows, strict=True), calls=calls)
    each = channels_from_context(*zip(*np.repeat(rows, calls, axis=0).tolist(), strict=True))
    assert (np.repeat(once.channel, calls) == each.channel).all()
    assert (once.n_calls, once.n_snv, once.n_mismatch) == (9, 5, 2)
    assert once.warnings == each.warnings and once.n_other_strand == each.n_other_strand
