"""What a question needs of its patients, told by the plainest reason where it is not there."""

from __future__ import annotations

import pandas as pd

from core.groups import MUTATION_ORDER, Grouping
from core.model import ENDPOINT_LABEL, NotEnoughData


def demand_known(frame: pd.DataFrame, grouping: Grouping, endpoint: str, words: str = "") -> None:
    """Raise NotEnoughData where nobody is left, has a group, or has the endpoint known.

    ``frame``: the patients that the filters keep, with ``time_months``; ``words`` describes them.
    """
    people = words or f"{len(frame):,} patients"
    if frame.empty:
        raise NotEnoughData(
            "No patient is left.",
            expected=f"patients with {' and '.join(grouping.order)}",
            found=people,
            remedy="Widen a filter.",
        )
    if grouping.labels.isna().all():
        gene = grouping.order == MUTATION_ORDER
        raise NotEnoughData(
            f"None of these patients was profiled for {grouping.title}."
            if gene
            else f"None of these patients has a known group by {grouping.title}.",
            expected="patients who are " + " and ".join(grouping.order),
            found=people if words else ", ".join([people, *_reasons(grouping)]),
            remedy="Choose studies that were profiled for it (the Cohorts page lists them), or "
            "another gene."
            if gene
            else "Widen a filter, or split the patients by something else.",
        )
    if frame.time_months.isna().all():
        raise NotEnoughData(
            f"{ENDPOINT_LABEL[endpoint]} is not known of any of these patients.",
            expected=f"patients with {ENDPOINT_LABEL[endpoint].lower()}",
            found=people,
            remedy="Choose another endpoint, or studies that report this one (the Cohorts page "
            "counts them).",
        )


def _reasons(grouping: Grouping) -> list[str]:
    return [f"{n:,} {reason}" for reason, n in grouping.left_out if n]


def groups_in_words(counts: pd.Series[int], grouping: Grouping) -> str:
    """``147 ALK-mutant, 2,366 wild type``; ``TMB: 1,442 high, 1,460 low``: the reference last."""
    groups = [f"{int(counts.get(g, 0)):,} {g}" for g in reversed(grouping.order)]
    if grouping.order == MUTATION_ORDER:
        number, group = groups[0].split(" ", 1)
        groups[0] = f"{number} {grouping.title}-{group}"
    elif groups:
        groups[0] = f"{grouping.title}: {groups[0]}"
    return ", ".join(groups)
