"""Reference signatures: profiles over the 96 channels, and what an exome makes of them.

A profile says how often a process causes each channel in the sequence it was measured on. In an
exome a trinucleotide is more or less frequent than in the genome, so a genome's profile is
weighted by the ratio of frequencies and scaled to sum to 1 again:

    exome_c  =  genome_c f_t(c)  /  sum over channels of genome f,      t(c) the trinucleotide of c

The ratio f can be given, or read from signatures that are published for both (`exome_ratio`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.model import BadInput
from core.stats.sbs96 import CHANNELS, TRINUCLEOTIDE_OF_CHANNEL, TRINUCLEOTIDES

Floats = npt.NDArray[np.float64]

SUM_TOLERANCE = 0.01
"""How far a profile's sum may be from 1 (rounding of the published table)."""
MAX_CONDITION = 1e7
"""Of the matrix of profiles; COSMIC v3.4 has 810."""
SMALL_WEIGHT = 2e-3
"""Weights below this are too coarsely rounded to take ratios of."""


@dataclass(frozen=True, eq=False)
class SignatureReference:
    """Profiles, signatures x 96 in the order of CHANNELS; each sums to 1."""

    name: str
    signatures: tuple[str, ...]
    profiles: Floats

    def __post_init__(self) -> None:
        _check(self.name, self.signatures, self.profiles)
        scaled = self.profiles / self.profiles.sum(axis=1, keepdims=True)
        object.__setattr__(self, "profiles", scaled)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, name: str) -> SignatureReference:
        """From rows of ``signature``, ``channel``, ``weight``: each signature has 96 rows.

        Raises BadInput for missing or unknown channels and for weights that are no profile.
        """
        order = list(dict.fromkeys(frame["signature"].astype(str)))
        table = frame.pivot_table(
            index="signature", columns="channel", values="weight", aggfunc="sum", dropna=False
        )
        if set(table.columns) != set(CHANNELS) or len(frame) != len(order) * len(CHANNELS):
            raise BadInput(
                f"The signatures of {name} do not have the 96 channels.",
                expected="each of the 96 channels, such as A[C>A]A, once for each signature",
                found=f"{len(frame)} rows for {len(order)} signatures",
                remedy="Use a table of single-base substitutions (SBS96).",
            )
        return cls(name, tuple(order), table.loc[order, list(CHANNELS)].to_numpy(dtype=float))

    def only(self, signatures: Sequence[str]) -> SignatureReference:
        """The chosen signatures, in this reference's order; BadInput for an unknown one."""
        if unknown := [s for s in signatures if s not in self.signatures]:
            raise BadInput(
                f"{self.name} has no signature {', '.join(unknown)}.",
                expected=", ".join(self.signatures[:8]) + " ...",
                found=", ".join(unknown),
                remedy="Choose among the signatures of this reference.",
            )
        keep = [i for i, name in enumerate(self.signatures) if name in set(signatures)]
        names = tuple(self.signatures[i] for i in keep)
        return replace(self, signatures=names, profiles=self.profiles[keep])

    def for_exome(self, ratio: Floats) -> SignatureReference:
        """Weighted by how much more frequent each of TRINUCLEOTIDES is in the exome."""
        weighted = self.profiles * np.asarray(ratio, dtype=float)[TRINUCLEOTIDE_OF_CHANNEL]
        scaled = weighted / weighted.sum(axis=1, keepdims=True)
        return replace(self, name=f"{self.name}, exome", profiles=scaled)


def exome_ratio(genome: SignatureReference, exome: SignatureReference) -> Floats:
    """Frequency of each of TRINUCLEOTIDES in the exome over that in the genome, mean 1.

    From the signatures that both references hold: log(exome_c / genome_c) is the trinucleotide's
    log ratio plus a constant of the signature; both are found by alternating medians (Tukey's
    median polish), so that signatures that were revised between the releases do not bend it.
    Raises BadInput when fewer than five signatures are shared or a trinucleotide has no weight.
    """
    shared = [name for name in genome.signatures if name in exome.signatures]
    if len(shared) < 5:
        raise _too_few(genome, exome, f"{len(shared)} shared signatures")
    before = genome.profiles[[genome.signatures.index(name) for name in shared]]
    after = exome.profiles[[exome.signatures.index(name) for name in shared]]
    use = (before >= SMALL_WEIGHT) & (after >= SMALL_WEIGHT)
    signature, channel = np.nonzero(use)
    rows = pd.DataFrame(
        {
            "signature": signature,
            "trinucleotide": TRINUCLEOTIDE_OF_CHANNEL[channel],
            "log": np.log(after[use] / before[use]),
        }
    )
    if rows["trinucleotide"].nunique() < len(TRINUCLEOTIDES):
        raise _too_few(genome, exome, "trinucleotides without weight")
    log_ratio = np.zeros(len(TRINUCLEOTIDES))
    for _ in range(50):
        rest = rows["log"] - log_ratio[rows["trinucleotide"]]
        constant = rest.groupby(rows["signature"]).transform("median")
        found = (rows["log"] - constant).groupby(rows["trinucleotide"]).median().to_numpy()
        moved = float(np.abs(found - log_ratio).max())
        log_ratio = found
        if moved < 1e-9:
            break
    ratio = np.exp(log_ratio)
    return np.asarray(ratio / ratio.mean())


def _check(name: str, signatures: tuple[str, ...], profiles: Floats) -> None:
    if profiles.shape != (len(signatures), len(CHANNELS)) or not signatures:
        raise BadInput(
            f"The profiles of {name} have the wrong shape.",
            expected=f"{len(signatures)} signatures x 96 channels",
            found=f"{profiles.shape}",
            remedy="Signatures are rows and channels are columns.",
        )
    sums = profiles.sum(axis=1)
    if not ((profiles >= 0).all() and (np.abs(sums - 1) <= SUM_TOLERANCE).all()):
        worst = signatures[int(np.nan_to_num(np.abs(sums - 1), nan=np.inf).argmax())]
        raise BadInput(
            f"A signature of {name} is no distribution over the channels.",
            expected="weights of 0 or more that sum to 1",
            found=f"{worst}: smallest {profiles.min():g}, sum {sums[signatures.index(worst)]:g}",
            remedy="Divide counts or percentages by their sum first.",
        )
    condition = np.linalg.cond(profiles) if len(signatures) <= len(CHANNELS) else np.inf
    if not condition < MAX_CONDITION:
        raise BadInput(
            f"The signatures of {name} cannot be told apart.",
            expected=f"at most 96 signatures, none a mixture of others "
            f"(condition number below {MAX_CONDITION:g})",
            found=f"{len(signatures)} signatures, condition number {condition:.3g}",
            remedy="Leave out signatures that repeat or mix others.",
        )


def _too_few(genome: SignatureReference, exome: SignatureReference, found: str) -> BadInput:
    return BadInput(
        f"{exome.name} and {genome.name} do not give the exome's trinucleotide frequencies.",
        expected="at least five signatures in both, that together use all trinucleotides",
        found=found,
        remedy="Use COSMIC's genome table and SigProfiler's exome table of the same signatures.",
    )
