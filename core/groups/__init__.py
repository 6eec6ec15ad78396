"""From a frame of patients and a stratifier to group labels; missing is a group of its own.

One kind of stratifier a file; :func:`assign` is the door for all of them.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from core.groups.category import by_category, category_choices
from core.groups.grouping import MUTATION_ORDER, Grouping, two_groups, without_outcome
from core.groups.mutation import by_mutation, by_pair, by_position, combine_status, mutation_status
from core.groups.number import by_number, number_choices
from core.groups.signature import by_signature
from core.model import BadInput, Split, Stratifier
from core.store import Store

__all__ = [
    "MUTATION_ORDER",
    "Grouping",
    "assign",
    "category_choices",
    "combine_status",
    "mutation_status",
    "number_choices",
    "two_groups",
    "without_outcome",
]

KINDS: dict[str, Callable[[Store, pd.DataFrame, Stratifier], Grouping]] = {
    Split.MUTATION: by_mutation,
    Split.POSITION: by_position,
    Split.PAIR: by_pair,
    Split.NUMBER: by_number,
    Split.SIGNATURE: by_signature,
    Split.CATEGORY: by_category,
}


def assign(store: Store, frame: pd.DataFrame, stratifier: Stratifier) -> Grouping:
    """Group labels for the rows of ``frame``, as :meth:`core.store.Store.patients` gives them.

    Raises BadInput (UnknownGene) for a stratifier that makes no sense in this store, and
    NotEnoughData where a cut cannot be made.
    """
    if stratifier.kind not in KINDS:
        raise BadInput(
            f"Patients cannot be split by {stratifier.kind!r}.",
            expected=", ".join(KINDS),
            found=repr(stratifier.kind),
            remedy="Choose one of the rules in the sidebar.",
        )
    return KINDS[stratifier.kind](store, frame, stratifier)
