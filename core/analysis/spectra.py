"""The spectrum of a group of tumours: the mean share of each of the 96 channels.

Each tumour counts once, so that one with thousands of mutations does not stand for its group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from core.analysis.decomposed import EXOME, ICI, PLACE, Demands
from core.analysis.result import Result
from core.analysis.tcga import TCGA, ici_filters, tcga_filters
from core.groups import assign, two_groups
from core.model import Filters, NotEnoughData, Stratifier
from core.stats.sbs96 import CHANNELS, channels_from_context
from core.store import Store


@dataclass(frozen=True)
class GroupSpectra(Result):
    """table: group, channel (in the order of CHANNELS), share (mean over the group's tumours).
    tumours: group, n, n_snv (all that were counted). cosine: similarity of the two spectra.
    """

    title: str
    place: str
    order: tuple[str, ...]
    table: pd.DataFrame
    tumours: pd.DataFrame
    cosine: float
    sentence: str
    warnings: tuple[str, ...]


def group_spectra(
    store: Store,
    filters: Filters,
    stratifier: Stratifier,
    place: str,
    demands: Demands | None = None,
) -> GroupSpectra:
    """Spectra of the exomes under ``filters`` whose calls carry the bases around them.

    ``place``: TCGA's or the ICI cohorts' patients. Raises NotEnoughData, naming the cohorts whose
    calls lack them, where a group has no such tumour with enough SNVs.
    """
    demands = demands or Demands()
    asked = {TCGA: tcga_filters, ICI: ici_filters}[place](filters)
    frame = store.patients(asked)
    grouping = two_groups(assign(store, frame, stratifier))
    counts, warnings = channel_counts(store, frame)
    enough = (counts.sum(axis=1) >= demands.minimum_snv) & (frame.assay == EXOME).to_numpy()
    spectra, tumours = [], []
    for group in grouping.order:
        inside = enough & (grouping.labels == group).to_numpy()
        own = counts[inside]
        mean = (own / own.sum(axis=1, keepdims=True)).mean(axis=0) if len(own) else np.zeros(96)
        spectra.append(mean)
        tumours.append({"group": group, "n": len(own), "n_snv": int(own.sum())})
    told = pd.DataFrame(tumours)
    if (told.n == 0).any():
        raise NotEnoughData(
            f"{PLACE[place]}: no spectrum of both groups can be drawn.",
            expected=f"exomes of both groups with at least {demands.minimum_snv} SNVs whose calls "
            "carry the bases around them",
            found=", ".join(f"{r['n']} {r['group']}" for r in tumours) + _lacking(store, place),
            remedy="Widen a filter, or build the store with a genome: "
            "`python -m data build --genome hg19.2bit`.",
        )
    norms = float(np.prod([np.linalg.norm(s) for s in spectra]))
    return GroupSpectra(
        title=grouping.title,
        place=place,
        order=grouping.order,
        table=pd.concat(
            [
                pd.DataFrame({"group": g, "channel": CHANNELS, "share": s})
                for g, s in zip(grouping.order, spectra, strict=True)
            ],
            ignore_index=True,
        ),
        tumours=told,
        cosine=float(spectra[0] @ spectra[-1]) / norms,
        sentence=f"{PLACE[place]}, exomes with at least {demands.minimum_snv} SNVs and known "
        "neighbouring bases: "
        + ", ".join(f"{r['n']:,} {r['group']} ({r['n_snv']:,} SNVs)" for r in tumours[::-1]),
        warnings=warnings,
    )


def channel_counts(store: Store, frame: pd.DataFrame) -> tuple[np.ndarray, tuple[str, ...]]:
    """SNVs by channel of each row of ``frame``; what could not be counted, in words."""
    kinds, counted = store.snv_contexts()
    own = counted[frame.patient_key.to_numpy()]
    held = np.bincount(own.indices, minlength=len(kinds))
    found = channels_from_context(kinds.context, kinds.reference, kinds.alternative, calls=held)
    known = np.flatnonzero(found.channel >= 0)
    folded = sparse.csr_array(
        (np.ones(known.size), (known, found.channel[known])), (len(kinds), len(CHANNELS))
    )
    return (own @ folded).toarray(), found.warnings


def _lacking(store: Store, place: str) -> str:
    material = store.signature_material()
    own = material[(material.treated_with_ici == (place == ICI)) & (material.with_context == 0)]
    names = ", ".join(own["name"])
    return f"; calls without neighbouring bases: {names}" if names else ""
