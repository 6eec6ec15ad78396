"""Figures 4B and 4C for the ledger: frequencies of signatures in TCGA, and survival under ICI.

Each function gives the ways to one printed item: a name, its numbers, a remark.
"""

from __future__ import annotations

from collections.abc import Mapping

from core.analysis.decomposed import ICI, Demands, Source, sources
from core.analysis.signature_survival import SignatureSurvival, signature_survival
from core.analysis.signatures import SignatureFrequency, signature_frequency
from core.analysis.tcga import TCGA
from core.model import Filters, NotEnoughData, Stratifier
from core.store import Store

Way = tuple[str, Mapping[str, float | str], str]

PAPERS_OWN = "the paper refitted TCGA by deconstructSigs and does not state a minimum of mutations"


def compared(
    store: Store, filters: Filters, stratifier: Stratifier
) -> tuple[frozenset[str], dict[str, SignatureFrequency]]:
    """The signatures that TCGA's decomposition knows, and the comparison of all: of every
    decomposed tumour, as the paper seems to count, and of those with 50 SNVs or more.

    Raises NotEnoughData where TCGA is not decomposed.
    """
    source = _first(store, TCGA)
    known = frozenset(store.signature_activities(source.name).signature)
    asked = {"every tumour": Demands(0), "50 SNVs or more": Demands()}
    return known, {
        name: signature_frequency(store, filters, stratifier, source, demands)
        for name, demands in asked.items()
    }


def shares(
    found: tuple[frozenset[str], dict[str, SignatureFrequency]], signature: str
) -> list[Way]:
    """Share of mutant and of wild-type TCGA tumours with a signature, and chi-squared p.

    Raises NotEnoughData where the decomposition does not know the signature.
    """
    known, results = found
    ways: list[Way] = []
    for name, result in results.items():
        source = result.source
        if signature not in known:
            raise NotEnoughData(
                f"{signature} is not among the {len(known)} signatures of {source.name}."
            )
        row = result.table[result.table.signature == signature]
        n = {g: int((result.rows.group == g).sum()) for g in result.order}
        values: dict[str, float | str] = {"share of mutant": 0.0, "share of wild type": 0.0}
        if len(row):
            values = {
                "share of mutant": float(row.mutant_share.iloc[0]),
                "share of wild type": float(row.wild_type_share.iloc[0]),
                "p value": float(row.p_value.iloc[0]),
            }
        told = f"{n[result.order[1]]:,} mutant, {n[result.order[0]]:,} wild type"
        ways.append((f"{source.name}, {name}", values, f"{told}; {PAPERS_OWN}"))
    return ways


def under_ici(store: Store) -> SignatureSurvival:
    """Presence of each signature against OS in the ICI exomes that are decomposed.

    Raises NotEnoughData where none is.
    """
    return signature_survival(store, Filters(), _first(store, ICI))


def hazards(result: SignatureSurvival, signature: str) -> list[Way]:
    """Hazard ratio of OS by presence of a signature.

    Raises NotEnoughData where too few tumours have the signature.
    """
    row = result.table[result.table.signature == signature]
    studies = result.rows.cohort_id.nunique()
    if row.empty:
        raise NotEnoughData(
            f"{signature} is present in too few of the {result.n} decomposed ICI exomes."
        )
    values = {
        "hazard ratio": float(row.hazard_ratio.iloc[0]),
        "ci_lower": float(row.ci_lower.iloc[0]),
        "ci_upper": float(row.ci_upper.iloc[0]),
        "p value": float(row.p_value.iloc[0]),
    }
    within = "stratified by study" if studies > 1 else "unstratified"
    of = "1 study" if studies == 1 else f"{studies} studies"
    why = f"{result.n:,} exomes of {of} ({result.source.name})"
    return [(f"Cox, {within}", values, why)]


def _first(store: Store, place: str) -> Source:
    found = [s for s in sources(store) if s.place == place]
    if not found:
        raise NotEnoughData(
            "No tumour of TCGA is decomposed into signatures in the loaded data."
            if place == TCGA
            else "No ICI exome is decomposed into signatures in the loaded data."
        )
    return found[0]
