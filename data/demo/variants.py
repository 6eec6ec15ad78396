"""The mutation and gene tables: what each call looks like in MAF terms.

Residues, coordinates and bases are invented: a gene has one place in a made-up genome and one
made-up sequence, so that the same position always shows the same reference residue.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data.demo.calls import CLASSES, SILENT, Calls, Universe
from data.demo.draw import Bools, Ints, stream
from data.demo.genes import HOTSPOTS, panels
from data.demo.plan import EXOME_MEGABASES, PANEL_NAMES

RESIDUES = tuple("ACDEFGHIKLMNPQRSTVWY")
CHROMOSOMES = (*map(str, range(1, 23)), "X")
PLACES = {"ALK": ("2", 29_415_640)}
ALLELES = ("A", "C", "G", "T", "-", "CTG")
SIMULATED = "simulated"
TAILS = {
    "Nonsense_Mutation": "*", "Frame_Shift_Del": "fs", "Frame_Shift_Ins": "fs",
    "In_Frame_Del": "del", "In_Frame_Ins": "dup", "Silent": "=",
}  # fmt: skip
"""How a protein change ends, where it is no substitution."""


def mutation_table(
    calls: Calls, universe: Universe, context: pa.Array, bases: Ints, seed: int
) -> pa.Table:
    """The mutation table, in the order of ``calls`` (gene, patient, position).

    ``context`` is the 11 reference bases around an SNV (null otherwise); ``bases`` the codes
    (0-3: A, C, G, T) of its reference and alternative base, shape (2, calls).
    """
    chromosome, start = _places(universe)
    at = start[calls.gene] + 40 * calls.position + calls.hotspot.clip(min=0) % 3
    deletion = _of_class(calls, "Frame_Shift_Del", "In_Frame_Del")
    insertion = _of_class(calls, "Frame_Shift_Ins", "In_Frame_Ins")
    frame = _of_class(calls, "In_Frame_Del", "In_Frame_Ins")
    motif = np.where(frame, ALLELES.index("CTG"), ALLELES.index("C"))
    gap = ALLELES.index("-")
    reference = _repeated(ALLELES, np.select([deletion, insertion], [motif, gap], bases[0]))
    alternative = _repeated(ALLELES, np.select([deletion, insertion], [gap, motif], bases[1]))
    end = at + np.select([deletion, insertion], [np.where(frame, 2, 0), 1], 0)
    coding = _text(3 * calls.position - 1)
    hgvsc = pc.binary_join_element_wise("c.", coding, reference, ">", alternative, "")
    indel = pa.array(deletion | insertion)
    return pa.table(
        {
            "hugo_symbol": _repeated(universe.genes, calls.gene),
            "patient_key": pa.array(calls.patient, pa.int32()),
            "variant_classification": _repeated(CLASSES, calls.kind),
            "hgvsp_short": _hgvsp(calls, universe, seed),
            "hgvsc": pc.if_else(indel, pa.scalar(None, pa.string()), hgvsc),
            "protein_position": pa.array(calls.position, pa.int32()),
            "chromosome": _repeated(CHROMOSOMES, chromosome[calls.gene]),
            "start_position": pa.array(at, pa.int32()),
            "end_position": pa.array(end, pa.int32()),
            "reference_allele": reference,
            "tumor_seq_allele2": alternative,
            "variant_type": _repeated(("SNP", "DEL", "INS"), deletion + 2 * insertion),
            "context": context,
            "call_source": _repeated((SIMULATED,), np.zeros_like(calls.gene)),
        }
    )


def is_snv(calls: Calls) -> Bools:
    """Which calls replace a single base."""
    indel = [CLASSES.index(c) for c in CLASSES if c.endswith(("_Del", "_Ins"))]
    return ~np.isin(calls.kind, indel)


def gene_table(calls: Calls, universe: Universe, tcga: np.ndarray) -> pd.DataFrame:
    """Mutant records per gene, in the ICI cohorts and in TCGA (``tcga``: flag of each record)."""
    seen = calls.kind != SILENT
    pairs = np.unique(calls.gene[seen] * len(tcga) + calls.patient[seen])
    gene, patient = pairs // len(tcga), pairs % len(tcga)
    size = len(universe.genes)
    listed = set().union(*panels().values())
    return pd.DataFrame(
        {
            "hugo_symbol": universe.genes,
            "n_mutant_ici": np.bincount(gene[~tcga[patient]], minlength=size).astype(np.int32),
            "n_mutant_tcga": np.bincount(gene[tcga[patient]], minlength=size).astype(np.int32),
            "on_panel": [g in listed for g in universe.genes],
        }
    )


def panel_tables() -> dict[str, pd.DataFrame]:
    """The panel and panel_gene tables."""
    panel = pd.DataFrame(
        {
            "panel_id": list(PANEL_NAMES),
            "name": [name for name, _ in PANEL_NAMES.values()],
            "all_genes": [p == "exome" for p in PANEL_NAMES],
            "megabases": [mb or EXOME_MEGABASES for _, mb in PANEL_NAMES.values()],
        }
    )
    pairs = [(panel_id, gene) for panel_id, genes in panels().items() for gene in genes]
    members = pd.DataFrame(pairs, columns=["panel_id", "hugo_symbol"])
    return {"panel": panel, "panel_gene": members}


def _repeated(labels: tuple[str, ...], index: Ints) -> pa.Array:
    codes = pa.array(index, pa.int32())
    return pa.DictionaryArray.from_arrays(codes, pa.array(labels, pa.string())).dictionary_decode()


def _text(numbers: Ints) -> pa.Array:
    return pc.cast(pa.array(numbers, pa.int32()), pa.string())


def _of_class(calls: Calls, *classes: str) -> Bools:
    return np.isin(calls.kind, [CLASSES.index(c) for c in classes])


def _places(universe: Universe) -> tuple[Ints, Ints]:
    chromosome, start = [], []
    for gene in universe.genes:
        draw = crc32(b"place" + gene.encode())
        label, first = PLACES.get(gene, (CHROMOSOMES[draw % 23], 2_000_000 + draw % 40_000_000))
        chromosome.append(CHROMOSOMES.index(label))
        start.append(first)
    return np.array(chromosome), np.array(start)


def _residues(calls: Calls, universe: Universe, seed: int) -> tuple[Ints, Ints]:
    """Codes of the reference residue (fixed by gene and position) and of the one it becomes."""
    mixed = (calls.gene * 7919 + calls.position * 104_729) % 1_000_003
    reference = mixed % 20
    step = stream(seed, "residues").integers(1, 20, len(mixed))[calls.origin]
    drawn = np.full(len(mixed), -1)
    for symbol, spots in HOTSPOTS.items():
        rows = np.flatnonzero(calls.gene == universe.index(symbol))
        for spot in spots:
            reference[rows[calls.position[rows] == spot.residue]] = RESIDUES.index(spot.reference)
        hot = rows[calls.hotspot[rows] >= 0]
        changed = np.array([RESIDUES.index(s.alternative) for s in spots])
        drawn[hot] = changed[calls.hotspot[hot]]
    return reference, np.where(drawn >= 0, drawn, (reference + step) % 20)


def _hgvsp(calls: Calls, universe: Universe, seed: int) -> pa.Array:
    """Protein changes in short HGVS form."""
    reference, alternative = _residues(calls, universe, seed)
    labels = (*RESIDUES, *dict.fromkeys(TAILS.values()))
    tail = alternative
    for name, text in TAILS.items():
        tail = np.where(_of_class(calls, name), labels.index(text), tail)
    position = _text(calls.position)
    whole = pc.binary_join_element_wise(
        "p.", _repeated(RESIDUES, reference), position, _repeated(labels, tail), ""
    )
    special = {
        "Splice_Site": pc.binary_join_element_wise("p.X", position, "_splice", ""),
        "Translation_Start_Site": pa.scalar("p.M1?"),
        "Nonstop_Mutation": pc.binary_join_element_wise("p.*", position, "Qext*?", ""),
    }
    for name, text in special.items():
        whole = pc.if_else(pa.array(_of_class(calls, name)), text, whole)
    return whole
