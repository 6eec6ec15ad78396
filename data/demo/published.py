"""The tables that hold facts rather than draws: gene sets, domains, advice, what the paper prints.

They are the same in a simulated store as in a real one, and come from data.facts.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from data import facts
from data.demo.genes import HOTSPOTS

NOT_IMMUNE = ("oncogenic pathway", "DNA damage repair")


@dataclass(frozen=True)
class ScoredSet:
    """A gene set that gets a score per sample."""

    name: str
    genes: list[str]


def tables() -> dict[str, pd.DataFrame]:
    """Every table of facts."""
    return {
        "gene_alias": facts.gene_aliases(),
        "gene_set": facts.gene_sets(),
        "protein": facts.proteins(),
        "protein_domain": facts.protein_domains(),
        "hotspot": _hotspots(),
        "signature_aetiology": facts.signature_aetiologies(),
        "endpoint_advice": _advice(),
        "reported": facts.reported(),
        "feature": facts.features(),
    }


def _advice() -> pd.DataFrame:
    """TCGA-CDR's advice; its counts are the published data's, and say so."""
    table = facts.endpoint_advice()[["tumor_type_source", "endpoint", "advice", "note"]]
    return table.assign(note="In the published TCGA-CDR: " + table["note"])


def _hotspots() -> pd.DataFrame:
    """Residues where the generator plants recurrent substitutions."""
    pairs = sorted({(g, spot.residue) for g, spots in HOTSPOTS.items() for spot in spots})
    table = pd.DataFrame(pairs, columns=["hugo_symbol", "residue"])
    table["source"] = "simulated: residues the generator repeats"
    return table


def immune_genes(gene_set: pd.DataFrame) -> set[str]:
    """Members of the immune gene sets (not of oncogenic pathways or DNA repair)."""
    other = gene_set["category"].isin(NOT_IMMUNE)
    return set(gene_set.loc[~other, "hugo_symbol"])


def scored_sets(gene_set: pd.DataFrame) -> dict[str, ScoredSet]:
    """Feature id -> immune signature, for the gene sets that are scored by sample."""
    chosen = gene_set[gene_set["category"].str.contains("immune signature", case=False)]
    return {
        "ssgsea_" + str(name).lower().replace(" ", "_"): ScoredSet(
            str(name), rows["hugo_symbol"].tolist()
        )
        for name, rows in chosen.groupby("gene_set", sort=True)
    }
