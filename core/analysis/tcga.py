"""TCGA beside the ICI cohorts: which filters of the sidebar apply to it, and strata of both.

TCGA's patients had no ICI, so that filters of drug, cohort, role and assay cannot speak of them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.model import Filters

TCGA = "tcga"
"""The cohort_id of TCGA."""

TUMOR_TYPE = "tumor_type_source"
"""The column that holds TCGA's 33 abbreviations; ``tumor_type`` holds OncoTree's main types."""


def tcga_filters(filters: Filters, types: tuple[str, ...] = ()) -> Filters:
    """``filters`` as far as they apply to TCGA: tumour types, age, sex, TMB.

    ``types`` are TCGA abbreviations, kept besides the main types of ``filters``.
    """
    return Filters(
        tumor_types=filters.tumor_types,
        exclude_tumor_types=filters.exclude_tumor_types,
        source_tumor_types=types,
        sexes=filters.sexes,
        age_years=filters.age_years,
        tmb_per_mb=filters.tmb_per_mb,
        cohorts=(TCGA,),
        treated_with_ici=False,
    )


def ici_filters(filters: Filters) -> Filters:
    """``filters`` for the ICI-treated patients beside TCGA's."""
    return replace(filters, treated_with_ici=True)


def ignored(filters: Filters) -> tuple[str, ...]:
    """Names of the filters that are set and that do not apply to TCGA."""
    held = {
        "drug class": filters.drug_classes,
        "cohorts": filters.roles,
        "studies": filters.cohorts,
        "assay": filters.assays,
        "only patients with a call": filters.require_call,
    }
    return tuple(name for name, value in held.items() if value)


def applied_words(filters: Filters) -> str:
    """Which filters apply to TCGA, and which of those that are set do not."""
    words = (
        "Filters that apply to TCGA: gene, mutation classes, tumour types, age, sex and TMB. "
        "Its patients had no ICI, so endpoint, drug class, cohorts, studies and assay at the left "
        "do not apply"
    )
    unused = ignored(filters)
    return f"{words}; set but not used here: {', '.join(unused)}." if unused else f"{words}."


def binned_strata(
    frame: pd.DataFrame, place: str, burden: npt.NDArray[np.float64], step: float
) -> npt.NDArray[np.intp]:
    """Study, tumour type and burden of each patient as one number: the type is TCGA's own where
    ``place`` is TCGA, the burden in bins of width ``step`` in log2(burden + 1)."""
    columns = ("cohort_id", TUMOR_TYPE if place == TCGA else "tumor_type")
    study, kind = (pd.factorize(frame[c].fillna("Unknown").to_numpy())[0] for c in columns)
    bins = np.floor(np.log2(burden + 1) / step).astype(int)
    return (study * (kind.max() + 1) + kind) * (bins.max() + 1) + bins
