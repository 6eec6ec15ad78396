"""The panels of features that the immunity pages compare, and where each member's values are.

A member is a feature of the store's catalogue or a gene. A gene is read from the expression matrix,
or from a feature that holds it for more patients (such as the T-cell-inflamed genes, which exist
for all types where the matrix does not).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.model import BadInput
from core.store import Store

MATRIX = "tcga/expression/EBPlusPlusAdjustPANCAN_IlluminaHiSeq_RNASeqV2.geneExp.tsv"
FEATURE_MATRIX = "tcga/features/PanImmune_FMx_BLCA_TCGA2013.tsv"
TABLE_S1 = "Table S1 of Thorsson 2018 (Immunity 48:812) covers all 33 types"

EXPRESSION_UNIT = "log2(x + 1)"
SUBTYPE = "immune_subtype"

MORE = 1.2
"""A feature stands for a gene where it knows this many times the patients of the matrix."""

RANK_FEATURES = {"PDCD1": "ebpp_pd1_data", "CD274": "ebpp_pdl1_data", "CTLA4": "ebpp_ctla4_data"}
"""Genes that a centred feature holds as well: ranks alone mean something."""


@dataclass(frozen=True)
class Section:
    """Members that stand together under a heading: features by id, genes, or a gene set's genes.

    ``source``: the file that would bring what is missing; ``elsewhere``: what else would.
    """

    heading: str
    features: tuple[str, ...] = ()
    gene_sets: tuple[str, ...] = ()
    genes: tuple[str, ...] = ()
    category: str = ""
    """All features of a category whose id starts with ``prefix``."""
    prefix: str = ""
    source: str = MATRIX
    elsewhere: str = ""
    names: tuple[str, ...] = ()
    """Names of ``features``, for those that the store lacks."""


@dataclass(frozen=True)
class Panel:
    """One family of tests: q-values are adjusted over its members."""

    key: str
    title: str
    sections: tuple[Section, ...]
    figure: str = ""
    note: str = ""
    adjusts_for_tmb: bool = True
    """False where the members are TMB themselves."""


@dataclass(frozen=True)
class Member:
    """One row of a panel. ``feature`` and ``gene``: where its values are; both empty: nowhere."""

    key: str
    name: str
    section: str
    feature: str = ""
    gene: str = ""
    unit: str = EXPRESSION_UNIT
    centred: bool = False
    source: str = ""
    description: str = ""
    lacking: str = ""
    """The file, and what else, that would bring it."""


FEATURES = "tcga/features/"
PANELS: tuple[Panel, ...] = (
    Panel(
        "burden",
        "Mutation burden",
        (
            Section(
                "Mutations per Mb",
                ("mutation_rate", "nonsilent_rate", "silent_rate"),
                names=("TMB, silent and non-silent", "Non-silent rate", "Silent rate"),
                source=FEATURES + "mutation-load_updated.txt",
            ),
        ),
        "4A",
        "A tumour with more mutations is more likely to carry one in any gene, so a higher burden "
        "in mutant tumours is expected of every gene.",
        adjusts_for_tmb=False,
    ),
    Panel(
        "mhc",
        "MHC and co-stimulators",
        (
            Section("MHC class I", gene_sets=("MHC class I molecules",)),
            Section("MHC class II", gene_sets=("MHC class II molecules",)),
            Section("Other MHC", gene_sets=("MHC other molecules",)),
            Section("Co-stimulators", gene_sets=("Co-stimulators",)),
        ),
        "4D",
        "The paper shows 16 MHC molecules and 25 co-stimulators and prints no list: these are "
        "TISIDB's 21 and a reconstruction.",
    ),
    Panel(
        "infiltrate",
        "Leukocytes",
        (
            Section(
                "Fractions",
                ("leukocyte_fraction",),
                names=("Leukocyte fraction",),
                source=FEATURES + "TCGA_all_leuk_estimate.masked.20170107.tsv",
            ),
            Section(
                "Fractions",
                ("lymphocyte_fraction",),
                names=("Lymphocyte fraction",),
                source=FEATURES + "ICT_fractions.csv",
            ),
            Section(
                "Fractions",
                ("til_regional_fraction",),
                names=("TIL regional fraction",),
                source=FEATURE_MATRIX,
                elsewhere=TABLE_S1,
            ),
        ),
        "5A",
    ),
    Panel(
        "antigens",
        "Neoantigens and receptors",
        (
            Section(
                "Neoantigens",
                ("snv_neoantigens", "indel_neoantigens"),
                names=("SNV neoantigens", "Indel neoantigens"),
                source=FEATURE_MATRIX,
                elsewhere=TABLE_S1,
            ),
            Section(
                "Neoantigens",
                ("clonal_neoantigens", "subclonal_neoantigens"),
                names=("Clonal neoantigens", "Subclonal neoantigens"),
                source=FEATURES + "TCIA.heterogeneity.txt",
            ),
            Section(
                "T-cell receptor",
                ("tcr_shannon", "tcr_richness"),
                names=("TCR Shannon diversity", "TCR richness"),
                source=FEATURE_MATRIX,
                elsewhere=TABLE_S1,
            ),
            Section(
                "B-cell receptor",
                ("bcr_shannon", "bcr_richness"),
                names=("BCR Shannon diversity", "BCR richness"),
                source=FEATURE_MATRIX,
                elsewhere=TABLE_S1,
            ),
        ),
        "5B",
    ),
    Panel(
        "checkpoints", "Checkpoints", (Section("Expression", genes=("PDCD1", "CD274", "CTLA4")),),
        "5C",
    ),
    Panel(
        "signatures",
        "29 immune signatures",
        (Section("ssGSEA, sets of He 2018", category="ssgsea", prefix="ssgsea_"),),
        "5D",
        "Scored once over every sample of the expression matrix, never per filter.",
    ),
    Panel(
        "cells",
        "Immune cells",
        (
            Section(
                "ssGSEA, sets of Bindea 2013",
                category="ssgsea",
                prefix="bindea_",
                source=FEATURES + "ssgsea_28_bindea_sets.tsv.gz",
            ),
        ),
        note="Published scores of another collection of sets, for all types.",
    ),
    Panel(
        "chemokines",
        "Chemokines and receptors",
        (
            Section("Chemokines", gene_sets=("Chemokines",)),
            Section("Chemokine receptors", gene_sets=("Chemokine receptors",)),
        ),
        "5E",
        "The paper shows 30 chemokines and prints no list: these are the 38 of TISIDB.",
    ),
    Panel(
        "stimulators",
        "Immunostimulators",
        (Section("Immunostimulators", gene_sets=("Immunostimulators",)),),
        "5F",
        "The paper shows 39 and prints no list: these are the 43 of TISIDB.",
    ),
    Panel(
        "context",
        "Purity and aneuploidy",
        (
            Section(
                "Purity and ploidy",
                ("purity", "ploidy", "genome_doublings"),
                names=("Tumour purity", "Ploidy", "Genome doublings"),
                source=FEATURES + "TCGA_mastercalls.abs_tables_JSedit.fixed.txt",
            ),
            Section(
                "Genome",
                ("aneuploidy_score", "fraction_altered", "intratumor_heterogeneity"),
                names=("Aneuploidy score", "Genome altered by copy number",
                       "Intratumour heterogeneity"),
                source=FEATURE_MATRIX,
                elsewhere=TABLE_S1,
            ),
        ),
        note="Context: what an immune difference may come from.",
    ),
)  # fmt: skip

INTRINSIC = ("burden", "mhc")
EXTRINSIC = tuple(p.key for p in PANELS if p.key not in INTRINSIC)


def panel(key: str) -> Panel:
    """The panel called ``key``. Raises BadInput for an unknown one."""
    found = next((p for p in PANELS if p.key == key), None)
    if found is None:
        raise BadInput(
            f"There is no panel called {key!r}.",
            expected=", ".join(p.key for p in PANELS),
            found=key,
            remedy="Choose one of these.",
        )
    return found


def members(store: Store, chosen: Panel) -> list[Member]:
    """The rows of a panel in display order, those that the store lacks among them."""
    catalogue = store.feature_catalogue()
    sets = store.gene_sets()
    measured = set(store.expression_genes())
    out: list[Member] = []
    for section in chosen.sections:
        ids = list(section.features)
        if section.category:
            own = catalogue[catalogue.category == section.category]
            ids += [str(f) for f in own.index if str(f).startswith(section.prefix)]
        names = dict(zip(section.features, section.names, strict=True))
        out += [_of_feature(i, names.get(i, ""), section, catalogue) for i in ids]
        if section.category and not ids:
            out.append(Member(section.prefix, section.heading, section.heading,
                              lacking=_bring(section)))  # fmt: skip
        genes = [*section.genes, *(g for s in section.gene_sets for g in sets.get(s, ()))]
        out += [of_gene(store, g, section, catalogue, measured) for g in dict.fromkeys(genes)]
        for name in section.gene_sets:
            if name not in sets:
                out.append(Member(name, name, section.heading, lacking="the store's gene sets"))
    return list({m.key: m for m in out}.values())


def _of_feature(feature: str, name: str, section: Section, catalogue: pd.DataFrame) -> Member:
    if feature not in catalogue.index:
        return Member(feature, name or feature, section.heading, lacking=_bring(section))
    row = catalogue.loc[feature]
    return Member(
        feature,
        name or str(row["name"]),
        section.heading,
        feature=feature,
        unit=str(row["unit"]),
        centred=bool(row["centred"]),
        source=str(row["source"]),
        description=str(row["description"] or ""),
        lacking=_bring(section),
    )


def of_gene(
    store: Store, gene: str, section: Section, catalogue: pd.DataFrame, measured: set[str]
) -> Member:
    """A gene's member: the matrix, or the feature that holds it for more patients."""
    best = Member(gene, gene, section.heading, lacking=_bring(section))
    n = 0
    if gene in measured:
        n = int(store.expression_patients().size)
        best = Member(gene, gene, section.heading, gene=gene, source="expression matrix",
                      lacking=_bring(section))  # fmt: skip
    named = "expression_" + gene.lower().replace("-", "_")
    for feature in (named, RANK_FEATURES.get(gene, "")):
        if feature in catalogue.index and catalogue.n[feature] > MORE * n:
            row = catalogue.loc[feature]
            n = int(str(row["n"]))
            best = Member(gene, gene, section.heading, feature=feature, unit=str(row["unit"]),
                          centred=bool(row["centred"]), source=str(row["source"]),
                          description=str(row["description"] or ""),
                          lacking=_bring(section))  # fmt: skip
    return best


def _bring(section: Section) -> str:
    return section.source + (f"; {section.elsewhere}" if section.elsewhere else "")


def values(store: Store, rows: list[Member]) -> npt.NDArray[np.float64]:
    """Members x patients of the store (by patient_key); NaN where missing."""
    out = np.full((len(rows), store.n_patients), np.nan)
    features = [m.feature for m in rows if m.feature]
    genes = [m.gene for m in rows if m.gene]
    of_features = store.feature_table(features) if features else {}
    of_genes = store.expression_table(genes) if genes else {}
    for i, member in enumerate(rows):
        if member.feature in of_features:
            out[i] = of_features[member.feature]
        elif member.gene in of_genes:
            out[i] = of_genes[member.gene]
    return out
