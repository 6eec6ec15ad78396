"""Groups by mutation: of one gene or several, at one residue, or of a pair of genes."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.groups.grouping import MUTATION_ORDER, Grouping, from_codes
from core.model import BadInput, MutationStatus, Stratifier
from core.store import Store

NOT_PROFILED = MutationStatus.NOT_PROFILED.value
POSITION = re.compile(r"(?:p\.)?([A-Z*])?([1-9]\d{0,4})(?:[A-Z*]|[a-z]{2,5})?", re.ASCII)


def combine_status(statuses: Sequence[npt.NDArray[np.int8]], how: str) -> npt.NDArray[np.int8]:
    """Three-valued *any* or *all* of several genes (arrays of 1 mutant, 0 wild type, -1 unknown).

    Kleene's logic: *any* is mutant if one gene is; wild type only if every gene is known to be
    wild type. *all* is wild type if one gene is; mutant only if every gene is.
    """
    stack = np.stack(list(statuses))
    if how == "any":
        decided, other = (stack == 1).any(axis=0), (stack == 0).all(axis=0)
        return np.where(decided, 1, np.where(other, 0, -1)).astype(np.int8)
    if how == "all":
        decided, other = (stack == 0).any(axis=0), (stack == 1).all(axis=0)
        return np.where(decided, 0, np.where(other, 1, -1)).astype(np.int8)
    raise BadInput(
        f"Genes cannot be combined by {how!r}.",
        expected="'any' or 'all'",
        found=repr(how),
        remedy="Choose any or all.",
    )


def mutation_status(store: Store, stratifier: Stratifier) -> npt.NDArray[np.int8]:
    """Status of every patient of the store for a mutation stratifier, by patient_key."""
    genes = _resolved(store, stratifier.genes)
    return combine_status(
        list(store.mutation_statuses(genes, stratifier.classes)), stratifier.combine
    )


def _resolved(store: Store, texts: Sequence[str]) -> list[str]:
    """Current symbols, each once. Raises UnknownGene for the first that nobody knows."""
    if not texts:
        raise BadInput(
            "No gene is chosen.",
            expected="at least one gene symbol",
            found="none",
            remedy="Choose a gene, such as ALK.",
        )
    known = store.known_genes(texts)
    return list(dict.fromkeys(known.get(t) or store.resolve_gene(t) for t in texts))


def by_mutation(store: Store, frame: pd.DataFrame, stratifier: Stratifier) -> Grouping:
    """Mutant and wild type of one gene, or of any or all of a set.

    A patient of whom some genes of a set are not known is in a group where the known ones decide
    (:func:`combine_status`), else *not profiled*; a note says how many were decided so.
    """
    genes = _resolved(store, stratifier.genes)
    each = store.mutation_statuses(genes, stratifier.classes)[:, _keys(frame)]
    status = combine_status(list(each), stratifier.combine)
    labels = from_codes(frame, status, MUTATION_ORDER)
    partly = (each < 0).any(axis=0) & (each >= 0).any(axis=0)
    return Grouping(
        labels,
        MUTATION_ORDER,
        stratifier.label,
        NOT_PROFILED,
        definition=f"{stratifier.combine} of {', '.join(genes)}" if len(genes) > 1 else "",
        notes=_partly_profiled(status[partly]),
    )


def _partly_profiled(status: npt.NDArray[np.int8]) -> tuple[str, ...]:
    decided, open_ = int((status >= 0).sum()), int((status < 0).sum())
    if not open_:
        return ()
    return (
        f"{decided + open_:,} patients were profiled for a part of these genes only. The known "
        f"ones decide the group of {decided:,}; the other {open_:,} count as not profiled. In "
        "their studies one group is therefore kept more often than the other.",
    )


def by_position(store: Store, frame: pd.DataFrame, stratifier: Stratifier) -> Grouping:
    """Mutated at one residue, against no mutation of the gene at all.

    A patient with another mutation of the gene is neither, and is left out by that name.
    """
    gene = store.resolve_gene(stratifier.genes[0])
    residue = resolve_position(store, gene, stratifier.position)
    anywhere = store.mutation_status(gene, stratifier.classes)[_keys(frame)]
    here = store.mutation_status(gene, stratifier.classes, residue)[_keys(frame)]
    status = np.where(here == 1, 1, np.where(anywhere == 1, -2, anywhere))
    elsewhere = f"another {gene} mutation"
    return Grouping(
        from_codes(frame, status, MUTATION_ORDER),
        MUTATION_ORDER,
        stratifier.label,
        NOT_PROFILED,
        reasons=(
            (NOT_PROFILED, int((status == -1).sum())),
            (elsewhere, int((status == -2).sum())),
        ),
        definition=f"a mutation at residue {residue} of {gene}, against no {gene} mutation",
    )


def resolve_position(store: Store, gene: str, text: str) -> int:
    """The residue that a person named, as 1275, R1275 or p.R1275Q.

    Raises BadInput for text of another form, or where the residue is another one in the store's
    calls or beyond the protein's end.
    """
    found = POSITION.fullmatch(text.strip())
    if not found:
        raise BadInput(
            f"{text.strip()[:40]!r} is no protein position.",
            expected="a residue such as R1275, or its number",
            found=text.strip()[:40] or "nothing",
            remedy=f"Often mutated in {gene}: {_frequent(store, gene)}.",
        )
    residue, length = int(found[2]), store.protein_length(gene)
    if length is not None and residue > length:
        raise BadInput(
            f"{gene} has no residue {residue}.",
            expected=f"1 to {length}",
            found=str(residue),
            remedy=f"Often mutated in {gene}: {_frequent(store, gene)}.",
        )
    calls = store.mutations(gene)
    written = calls.hgvsp_short[calls.protein_position == residue].dropna()
    known = sorted(set(written.str.extract(r"^p\.([A-Z*])\d", expand=False).dropna()))
    if found[1] and known and found[1] not in known:
        raise BadInput(
            f"Residue {residue} of {gene} is not {found[1]}.",
            expected=f"{' or '.join(k + str(residue) for k in known)}",
            found=f"{found[1]}{residue}",
            remedy=f"Ask for {known[0]}{residue}, or for {residue}.",
        )
    return residue


def by_pair(store: Store, frame: pd.DataFrame, stratifier: Stratifier) -> Grouping:
    """Two genes, four groups: neither mutated, each alone, both. Both must be profiled."""
    genes = _resolved(store, stratifier.genes)
    if len(genes) != 2:
        raise BadInput(
            "Co-mutation needs two different genes.",
            expected="two gene symbols, such as ALK and TP53",
            found=", ".join(genes) or "none",
            remedy="Choose the second gene.",
        )
    one, other = store.mutation_statuses(genes, stratifier.classes)[:, _keys(frame)]
    known = (one >= 0) & (other >= 0)
    order = ("neither", f"{genes[0]} only", f"{genes[1]} only", f"{genes[0]} and {genes[1]}")
    labels = from_codes(frame, np.where(known, one + 2 * other, -1), order)
    return Grouping(labels, order, " and ".join(genes), f"{NOT_PROFILED} for both")


def _frequent(store: Store, gene: str) -> str:
    calls = store.mutations(gene).drop_duplicates(["patient_key", "protein_position"])
    counts = calls.protein_position.dropna().astype(int).value_counts(sort=False)
    often = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:3]
    return ", ".join(str(position) for position, _ in often) or "no position is known"


def _keys(frame: pd.DataFrame) -> npt.NDArray[np.intp]:
    return frame.patient_key.to_numpy(np.intp)
