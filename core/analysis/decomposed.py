"""Tumours that were decomposed into signatures, under the filters: who may be asked, and why not.

A signature is *present* where its source gives it a weight above zero. A tumour that was not
decomposed, was sequenced by a panel, has too few SNVs or is badly reconstructed is neither
*present* nor *absent*: it is left out and counted.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from core.analysis.tcga import TCGA, ici_filters, tcga_filters
from core.model import Filters, NotEnoughData
from core.store import Store

MINIMUM_SNV = 50
"""Below, neither refit is to be believed."""

ICI = "ici"
PLACE = {TCGA: "TCGA", ICI: "ICI cohorts"}

EXOME = "WES"
"""The assay of cohorts.assay that gives enough SNVs for a spectrum."""

BUILD_COMMAND = "python -m data build --genome hg19.2bit"


@dataclass(frozen=True)
class Source:
    """One decomposition of one set of patients: who made it, and of whom (TCGA or ICI)."""

    name: str
    place: str
    n: int
    """Eligible tumours of included patients."""

    @property
    def label(self) -> str:
        return f"{PLACE[self.place]}: {self.name}"

    @property
    def greedy(self) -> bool:
        return self.name.startswith("greedy")


@dataclass(frozen=True)
class Demands:
    """What a tumour must fulfil to be asked."""

    minimum_snv: int = MINIMUM_SNV
    minimum_cosine: float = 0.0


@dataclass(frozen=True)
class Tumours:
    """Decomposed tumours of the patients that the filters keep.

    ``frame``: patients as Store.patients gives them, with n_snv, cosine and ``why`` (empty for
    tumours that fulfil the demands). ``weights``: rows of frame x signatures.
    """

    source: Source
    frame: pd.DataFrame
    weights: sparse.csc_array
    signatures: tuple[str, ...]
    flow: pd.DataFrame
    filters: Filters
    demands: Demands

    @property
    def asked(self) -> npt.NDArray[np.bool_]:
        """The rows that fulfil the demands."""
        return (self.frame.why == "").to_numpy()


def sources(store: Store) -> tuple[Source, ...]:
    """Every decomposition in the store: TCGA's first, published ones and bootstrapped refits
    before greedy ones."""
    samples = store.signature_samples()
    if samples.empty:
        return ()
    patients = store.patients(Filters(treated_with_ici=None, count_shared_once=False))
    treated = patients.set_index("patient_key").treated_with_ici
    place = samples.patient_key.map(treated)
    found = [
        Source(str(name), where, int(rows.eligible.sum()))
        for where, is_treated in ((TCGA, False), (ICI, True))
        for name, rows in samples[place == is_treated].groupby("source")
    ]
    usable = [s for s in found if s.n]
    return tuple(sorted(usable, key=lambda s: (s.place != TCGA, s.greedy, s.name)))


def tumours(
    store: Store,
    filters: Filters,
    source: Source,
    demands: Demands | None = None,
    *,
    endpoint: str = "OS",
) -> Tumours:
    """The tumours of ``source`` under ``filters``, those that fall short of ``demands`` marked.

    Raises NotEnoughData where none is left.
    """
    demands = demands or Demands()
    asked = tcga_filters(filters) if source.place == TCGA else ici_filters(filters)
    patients = store.patients(asked, endpoint)
    samples = store.signature_samples()
    own = samples[samples.source == source.name].drop(columns="source")
    frame = patients.merge(own, on="patient_key", how="inner", validate="one_to_one")
    frame["why"] = _why(frame, demands)
    if not (frame.why == "").any():
        told = frame.why.value_counts()
        raise NotEnoughData(
            "No tumour can be asked for its signatures.",
            expected=f"tumours of {source.label} with at least {demands.minimum_snv} SNVs",
            found=f"{len(patients):,} patients, {len(frame):,} of them decomposed"
            + "".join(f"; {n:,} {why}" for why, n in told.items()),
            remedy="Widen a filter, or lower the demands on a tumour.",
        )
    weights, signatures = _weights(store, source, frame)
    flow = _flow(store.attrition(asked), len(patients), frame)
    return Tumours(source, frame, weights, signatures, flow, asked, demands)


def coverage(store: Store) -> pd.DataFrame:
    """The ICI cohorts and whether their tumours were decomposed: name, assay, patients,
    decomposed, eligible, reason (empty where they were)."""
    samples = store.signature_samples()
    cohort = store.patients(Filters(count_shared_once=False)).set_index("patient_key").cohort_id
    fitted = samples[samples.cosine_similarity.notna() | samples.eligible]
    done = fitted.patient_key.map(cohort)
    eligible = fitted[fitted.eligible]
    rows = []
    for row in store.signature_material().to_dict("records"):
        if row["treated_with_ici"]:
            own = fitted.patient_key[done == row["cohort_id"]].nunique()
            fit = eligible.patient_key[eligible.patient_key.map(cohort) == row["cohort_id"]]
            reason = "" if own else _reason(row)
            rows.append(
                {
                    "name": row["name"],
                    "assay": row["assay"],
                    "patients": row["patients"],
                    "decomposed": own,
                    "eligible": fit.nunique(),
                    "reason": reason,
                }
            )
    columns = ["name", "assay", "patients", "decomposed", "eligible", "reason"]
    return pd.DataFrame(rows, columns=columns)


def _reason(row: Mapping[Hashable, Any]) -> str:
    """Why a cohort has no spectrum, from what its calls hold."""
    if row["assay"] != EXOME:
        return f"sequenced by a panel ({row['assay']}): too few SNVs for a spectrum"
    if not row["calls"]:
        return "its files hold no calls"
    if not row["snvs"] and row["by_transcript"]:
        return (
            "its calls name the change on the gene's strand and lack the bases around it: name a "
            f"genome, {BUILD_COMMAND}"
        )
    if not row["snvs"]:
        return "its calls lack an allele, so that what changed into what is not known"
    if not row["with_context"]:
        return f"its calls lack the bases around them: name a genome, {BUILD_COMMAND}"
    return "not refitted: COSMIC's table of signatures was not there when this store was built"


def _why(frame: pd.DataFrame, demands: Demands) -> npt.NDArray[np.object_]:
    """Why a tumour is not asked; empty where it is."""
    panel = frame.cosine_similarity.isna() & ~frame.eligible
    few = frame.n_snv < demands.minimum_snv
    far = frame.cosine_similarity.fillna(1.0) < demands.minimum_cosine
    return np.select(
        [panel, few, far],
        [
            "sequenced by a panel",
            f"fewer than {demands.minimum_snv} SNVs",
            f"reconstruction cosine below {demands.minimum_cosine:g}",
        ],
        "",
    ).astype(object)


def _weights(
    store: Store, source: Source, frame: pd.DataFrame
) -> tuple[sparse.csc_array, tuple[str, ...]]:
    activity = store.signature_activities(source.name)
    names = sorted(activity.signature.unique(), key=in_order)
    row = pd.Index(frame.patient_key).get_indexer(pd.Index(activity.patient_key))
    column = pd.Index(names).get_indexer(pd.Index(activity.signature))
    here = row >= 0
    weights = sparse.csc_array(
        (activity.weight.to_numpy(float)[here], (row[here], column[here])),
        shape=(len(frame), len(names)),
    )
    return weights, tuple(names)


def in_order(signature: str) -> tuple[int, str]:
    """SBS2 before SBS10a."""
    digits = "".join(c for c in signature if c.isdigit())
    return int(digits or 0), signature


def _flow(attrition: pd.DataFrame, n: int, frame: pd.DataFrame) -> pd.DataFrame:
    steps = [("not decomposed into signatures", n - len(frame))]
    steps += [(str(why), int(k)) for why, k in frame.why[frame.why != ""].value_counts().items()]
    rows = []
    for step, lost in steps:
        n -= lost
        rows.append({"step": step, "n": n, "lost": lost})
    return pd.concat([attrition, pd.DataFrame(rows)], ignore_index=True)
