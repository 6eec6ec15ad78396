"""What every kind of stratifier makes: labels, their order, and who is outside every group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.model import MutationStatus, NotEnoughData

MUTATION_ORDER = (MutationStatus.WILD_TYPE.value, MutationStatus.MUTANT.value)
"""Reference first."""


@dataclass(frozen=True)
class Grouping:
    """Labels of each patient, the order of the groups (reference first), what is left out.

    ``labels`` is aligned with the frame it was made for; None marks a patient outside every
    group, and ``unassigned`` names why (such as *not profiled*); where there are several whys,
    ``reasons`` counts the patients of each.
    """

    labels: pd.Series[str]
    order: tuple[str, ...]
    title: str
    unassigned: str
    reasons: tuple[tuple[str, int], ...] = ()
    definition: str = ""
    """What the labels stand for where they do not say it: ``high: TMB above 5.9 per Mb``."""
    notes: tuple[str, ...] = ()
    """What a reader must know of the groups before comparing them."""
    corrected_p: float | None = None
    """Set where the groups were chosen by looking at the outcome: no other p-value is valid."""

    @property
    def n_unassigned(self) -> int:
        return int(self.labels.isna().sum())

    @property
    def left_out(self) -> tuple[tuple[str, int], ...]:
        """Why patients are outside every group, and how many."""
        return self.reasons or ((self.unassigned, self.n_unassigned),)


def from_codes(
    frame: pd.DataFrame, codes: npt.NDArray[np.integer], order: Sequence[str]
) -> pd.Series[str]:
    """Labels of the rows of ``frame``; code i is ``order[i]``, a negative code is None."""
    names = np.array([*order, None], dtype=object)
    return pd.Series(names[np.where(codes < 0, len(order), codes)], index=frame.index, dtype=object)


REMEDY = "Choose in the sidebar a gene, a set of genes, or a number cut in two at its median or at "
REMEDY += "a typed value."


def two_groups(grouping: Grouping) -> Grouping:
    """``grouping``, if it makes two groups whose comparison can be tested; for pages that need it.

    Raises NotEnoughData, with the way out, for more groups, and as :func:`without_outcome`.
    """
    if len(grouping.order) != 2:
        raise NotEnoughData(
            "This page compares two groups.",
            expected="two groups, the first of them the reference",
            found=f"{len(grouping.order)} groups by {grouping.title}: {', '.join(grouping.order)} "
            f"(reference: {grouping.order[0] if grouping.order else 'none'})",
            remedy=REMEDY,
        )
    return without_outcome(grouping)


def without_outcome(grouping: Grouping) -> Grouping:
    """``grouping``, if its groups were not chosen by looking at survival.

    Raises NotEnoughData, with the way out, for a cut that was: only the survival page corrects its
    p-value, and nothing corrects a model or an interaction that rests on it.
    """
    if grouping.corrected_p is not None:
        raise NotEnoughData(
            "This page cannot test a cut that was chosen by looking at survival.",
            expected="a cut chosen without the outcome",
            found=f"{grouping.title} at its maximally selected cut: {grouping.definition}",
            remedy="Cut at the median or at a typed value. The survival page shows the corrected "
            "p-value of the chosen cut.",
        )
    return grouping
