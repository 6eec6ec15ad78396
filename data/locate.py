"""Gene symbols by position, for files of calls without symbols.

A call takes the gene of the nearest annotated coding call of the other sources on the same genome
build, if one stands within :data:`REACH` base pairs and no other gene's does equally near. Exomes
of thousands of tumours leave few coding bases without a call nearby, so this follows exons, not
whole genes; what it gets right is measured in tests on a study whose symbols are known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.model import NON_SYNONYMOUS

REACH = 120
"""Base pairs; about an exon's length."""

ENOUGH = 10
"""Distinct annotated coding positions that a gene needs to count as profiled by position."""


@dataclass(frozen=True)
class PositionIndex:
    """Annotated coding positions, sorted, per chromosome, with the gene of each."""

    positions: dict[str, npt.NDArray[np.int64]]
    genes: dict[str, npt.NDArray[np.object_]]

    @property
    def well_covered(self) -> tuple[str, ...]:
        """Genes with enough annotated positions for their mutations to be found."""
        every = np.concatenate([*self.genes.values(), np.array([], dtype=object)])
        names, counts = np.unique(every.astype(str), return_counts=True)
        return tuple(names[counts >= ENOUGH].tolist())


def position_index(calls: pd.DataFrame) -> PositionIndex:
    """From calls with chromosome, start_position, hugo_symbol and variant_classification."""
    coding = calls.variant_classification.isin([*NON_SYNONYMOUS, "Silent"])
    known = calls.loc[coding, ["chromosome", "start_position", "hugo_symbol"]].dropna()
    known = known.drop_duplicates().sort_values(["chromosome", "start_position"])
    groups = known.groupby("chromosome")
    return PositionIndex(
        {str(c): g.start_position.to_numpy(np.int64) for c, g in groups},
        {str(c): g.hugo_symbol.to_numpy(object) for c, g in groups},
    )


def locate(calls: pd.DataFrame, index: PositionIndex, reach: int = REACH) -> pd.Series:
    """The gene of each call (columns chromosome, start_position); None where none is near."""
    found = pd.Series(None, index=calls.index, dtype=object)
    for name, group in calls.groupby("chromosome"):
        positions = index.positions.get(str(name))
        if positions is None or not len(positions):
            continue
        genes = index.genes[str(name)]
        at = group.start_position.to_numpy(np.int64)
        right = np.searchsorted(positions, at)
        left = np.clip(right - 1, 0, len(positions) - 1)
        right = np.clip(right, 0, len(positions) - 1)
        to_left, to_right = np.abs(at - positions[left]), np.abs(positions[right] - at)
        nearest = np.where(to_left <= to_right, left, right)
        distance = np.minimum(to_left, to_right)
        tied = (to_left == to_right) & (genes[left] != genes[right])
        # two genes annotated at one position stand side by side after sorting
        following = np.clip(nearest + 1, 0, len(positions) - 1)
        preceding = np.clip(nearest - 1, 0, len(positions) - 1)
        for other in (following, preceding):
            tied |= (positions[other] == positions[nearest]) & (genes[other] != genes[nearest])
        named = genes[nearest].copy()
        named[(distance > reach) | tied] = None
        found.loc[group.index] = named
    return found
