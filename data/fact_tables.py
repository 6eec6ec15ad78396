"""Tables that describe genes, sets and signatures: hand-kept facts and, where fetched, whole files.

A hand-kept protein (data/facts/proteins.toml) goes before the fetched table of domains.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from data import facts
from data.calls import symbols
from data.readers import genes, signatures

DOMAINS = "genes/protein_domains.RDs"
HOTSPOTS = "genes/cancerhotspots_v2_GRCh37.tsv"
REFERENCES = {
    "COSMIC v3.4": "tcga/signatures/COSMIC_SBS_v3.4.csv",
    "SigProfiler exome (2018)": "tcga/signatures/sigProfiler_exome_SBS_signatures.csv",
}


def read(raw: Path) -> dict[str, Any]:
    """The tables gene_alias, gene_set, protein, protein_domain, hotspot, endpoint_advice,
    signature_aetiology, signature_reference and reported, as schema.sql has them."""
    protein, domain = _proteins(raw)
    return {
        "gene_alias": facts.gene_aliases(),
        "gene_set": facts.gene_sets(),
        "protein": protein,
        "protein_domain": domain,
        "hotspot": _hotspots(raw),
        "endpoint_advice": facts.endpoint_advice()[
            ["tumor_type_source", "endpoint", "advice", "note"]
        ],
        "signature_aetiology": facts.signature_aetiologies(),
        "signature_reference": _references(raw),
        "reported": facts.reported(),
    }


def _proteins(raw: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    protein, domain = facts.proteins(), facts.protein_domains()
    if not (raw / DOMAINS).exists():
        return protein, domain
    table = genes.read_protein_domains(raw / DOMAINS)
    rows = pd.DataFrame(
        {
            "hugo_symbol": symbols(table.column("HGNC")),
            "name": table.column("Label"),
            "start_residue": pd.to_numeric(table.column("Start")),
            "end_residue": pd.to_numeric(table.column("End")),
            "description": table.column("Description"),
            "transcript": table.column("refseq.ID"),
            "length": pd.to_numeric(table.column("aa.length")),
        }
    ).dropna(subset=["hugo_symbol", "length"])
    rows = rows[~rows.hugo_symbol.isin(protein.hugo_symbol)]
    by = ["hugo_symbol", "length", "transcript"]
    longest = rows.sort_values(by, ascending=[True, False, True])
    lengths = longest.drop_duplicates("hugo_symbol")[by]
    chosen = rows.merge(lengths, on=by)
    chosen = chosen.dropna(subset=["name", "start_residue", "end_residue"])
    chosen = chosen.assign(source="maftools (Pfam, CDD)").drop_duplicates()
    columns = list(domain.columns)
    return (
        pd.concat([protein, lengths.astype({"length": int})], ignore_index=True),
        pd.concat([domain, chosen[columns]], ignore_index=True),
    )


def _hotspots(raw: Path) -> pd.DataFrame:
    columns = ["hugo_symbol", "residue", "source"]
    if not (raw / HOTSPOTS).exists():
        return pd.DataFrame(columns=columns)
    table = genes.read_hotspots(raw / HOTSPOTS)
    change = table.column(genes.HOTSPOT_COLUMNS[6])
    residue = pd.to_numeric(change.str.extract(r"(\d+)", expand=False))
    rows = pd.DataFrame(
        {
            "hugo_symbol": symbols(table.column(genes.HOTSPOT_COLUMNS[4])),
            "residue": residue,
            "source": "cancerhotspots v2, GRCh37",
        }
    )
    return rows.dropna().drop_duplicates().astype({"residue": int})


def _references(raw: Path) -> pd.DataFrame:
    parts = [
        signatures.read_reference(raw / path).assign(reference=name)
        for name, path in REFERENCES.items()
        if (raw / path).exists()
    ]
    columns = ["reference", "signature", "channel", "weight"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
