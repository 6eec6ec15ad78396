"""Where a gene is mutated: how often by tumour type, and where along the protein (3A, B)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from core.analysis.result import Result
from core.analysis.tcga import TUMOR_TYPE, ici_filters, tcga_filters
from core.groups import mutation_status
from core.model import VARIANT_GROUPS, Filters, NotEnoughData, Split, Stratifier
from core.stats.contingency import binomial_interval
from core.store import Store, sentence

SOURCES = ("TCGA", "ICI cohorts")

GROUP_OF_CLASS = {c: group for group, classes in VARIANT_GROUPS.items() for c in classes}

COUNTS = ["n", "not_profiled", "profiled", "mutant", "frequency", "ci_lower", "ci_upper"]


@dataclass(frozen=True)
class MutationFrequency(Result):
    """table: source, label, name (of a tumour type or study, in full), n, not_profiled, profiled,
    mutant, frequency, ci_lower, ci_upper (of the profiled; NaN where nobody is).
    totals: the same, one row per source.
    """

    title: str
    table: pd.DataFrame
    totals: pd.DataFrame
    sentence: str
    methods: str
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class ProteinMap(Result):
    """The calls of one gene along its protein.

    residues: source, position, group (of classes), n (patients), change (most frequent), changes
        (with counts), hotspot
    variants: change, position, group, variant_classification, tcga, ici (patients), where (tumour
        types), hotspot; every call, also those without a position
    classes: group, and for each source tcga, ici the calls, their share of the source's
    unplaced: source -> calls without a protein position
    calls: the calls themselves
    """

    gene: str
    length: int
    length_known: bool
    domains: pd.DataFrame
    hotspots: tuple[int, ...]
    residues: pd.DataFrame
    variants: pd.DataFrame
    classes: pd.DataFrame
    calls: pd.DataFrame
    unplaced: dict[str, int]
    patients: dict[str, int]
    sentence: str
    methods: str
    warnings: tuple[str, ...]


def mutation_question(stratifier: Stratifier, gene: str) -> Stratifier:
    """The mutations that a page on mutations counts: those of ``stratifier``, or of ``gene``.

    Two genes are asked for together; a stratifier of something else than genes gives way to
    ``gene``.
    """
    if stratifier.kind == Split.MUTATION:
        return stratifier
    if stratifier.kind == Split.PAIR:
        return Stratifier(genes=stratifier.genes, classes=stratifier.classes, combine="all")
    return Stratifier(genes=(gene,), classes=stratifier.classes)


def mutation_frequency(
    store: Store,
    filters: Filters,
    stratifier: Stratifier,
    *,
    ici_by: str = "tumor_type",
) -> MutationFrequency:
    """Frequency by TCGA tumour type, and by tumour type or study (``ici_by``) of the ICI cohorts.

    Raises NotEnoughData where the filters keep nobody.
    """
    status = mutation_status(store, stratifier)
    names = store.cohort_names()
    parts, totals, words = [], [], []
    asked = (tcga_filters(filters), ici_filters(filters))
    for source, question, by in zip(SOURCES, asked, (TUMOR_TYPE, ici_by), strict=True):
        frame = store.patients(question)
        if frame.empty:
            words.append(f"{source}: no patient")
            continue
        frame = frame.assign(status=status[frame.patient_key.to_numpy(int)])
        label = frame[by].fillna("Unknown")
        full = frame.tumor_type if by == TUMOR_TYPE else label
        if by == "cohort_id":
            label = full = label.map(names)
        parts.append(_counted(frame.assign(label=label, name=full)).assign(source=source))
        totals.append(_counted(frame.assign(label="All", name="All")).assign(source=source))
        kept = sentence(question, cohort_names=names)
        words.append(f"{source}: {len(frame):,} patients ({kept})")
    if not parts:
        raise NotEnoughData(
            "No patient is left.",
            expected="at least one patient of TCGA or of an ICI cohort",
            found="; ".join(words),
            remedy="Widen a filter.",
        )
    table, total = (pd.concat(p, ignore_index=True) for p in (parts, totals))
    return MutationFrequency(
        stratifier.label,
        table,
        total,
        "; ".join(words) + ".",
        "The frequency is the share of mutant among profiled patients; patients not profiled for "
        "the gene are no part of it. Intervals are exact (Clopper-Pearson, 95%).",
        _frequency_warnings(total, stratifier.label),
    )


def _counted(frame: pd.DataFrame) -> pd.DataFrame:
    """Counts and exact intervals by ``label``."""
    grouped = frame.groupby("label", sort=True)
    table = pd.DataFrame(
        {
            "name": grouped["name"].first(),
            "n": grouped.size(),
            "not_profiled": grouped.status.agg(lambda s: int((s < 0).sum())),
            "mutant": grouped.status.agg(lambda s: int((s == 1).sum())),
        }
    ).reset_index()
    table["profiled"] = table.n - table.not_profiled
    table["frequency"] = table.mutant / table.profiled.where(table.profiled > 0)
    bounds = binomial_interval(table.mutant, table.profiled)
    for column, values in zip(("ci_lower", "ci_upper"), bounds, strict=True):
        table[column] = np.where(table.profiled > 0, values, np.nan)
    return table[["label", "name", *COUNTS]]


def _frequency_warnings(totals: pd.DataFrame, title: str) -> tuple[str, ...]:
    return tuple(
        f"{row['source']}: {row['not_profiled']:,} of {row['n']:,} patients are not profiled for "
        f"{title} and are in no denominator."
        for row in totals.to_dict("records")
        if row["not_profiled"]
    )


# -- along the protein -----------------------------------------------------------------


def protein_map(store: Store, filters: Filters, stratifier: Stratifier) -> ProteinMap:
    """The calls of the stratifier's first gene along its protein, TCGA's and the ICI cohorts'.

    A gene without an entry in the table of proteins is as long as its last mutated residue.
    Raises NotEnoughData where nobody under the filters carries a call.
    """
    gene = store.resolve_gene(stratifier.genes[0])
    single = replace(stratifier, genes=(gene,))
    frames = [store.patients(q) for q in (tcga_filters(filters), ici_filters(filters))]
    status = mutation_status(store, single)
    profiled = {
        source: int((status[f.patient_key.to_numpy(int)] >= 0).sum())
        for source, f in zip(SOURCES, frames, strict=True)
    }
    calls = _calls(store.mutations(gene), frames, stratifier.classes)
    if calls.empty:
        raise NotEnoughData(
            f"Nobody here carries a mutation in {gene}.",
            expected="at least one call of the chosen classes",
            found=", ".join(f"{n:,} profiled patients of {s}" for s, n in profiled.items()),
            remedy="Widen a filter, choose another gene, or include more mutation classes.",
        )
    placed = calls[calls.protein_position.notna()]
    length, known, notes = _length(store.protein_length(gene), placed)
    hotspots = tuple(int(r) for r in store.hotspots(gene).residue)
    unplaced = {
        s: int((calls.protein_position.isna() & (calls.source == s)).sum()) for s in SOURCES
    }
    patients = {s: calls[calls.source == s].patient_key.nunique() for s in SOURCES}
    return ProteinMap(
        gene=gene,
        length=length,
        length_known=known,
        domains=store.protein_domains(gene),
        hotspots=hotspots,
        residues=_residues(placed, hotspots),
        variants=_variants(calls, hotspots),
        classes=_classes(calls),
        calls=calls,
        unplaced=unplaced,
        patients=patients,
        sentence=_map_sentence(gene, calls, patients, profiled, unplaced),
        methods=_map_methods(store, gene, known),
        warnings=notes,
    )


def _calls(
    calls: pd.DataFrame, frames: list[pd.DataFrame], classes: tuple[str, ...]
) -> pd.DataFrame:
    """The calls of the chosen classes in the filtered patients, with ``source`` and ``group``."""
    source = pd.Series(None, index=calls.index, dtype=object)
    for name, frame in zip(SOURCES, frames, strict=True):
        source[calls.patient_key.isin(frame.patient_key)] = name
    kept = source.notna() & calls.variant_classification.isin(classes)
    out = calls[kept].assign(source=source[kept])
    out["group"] = out.variant_classification.map(GROUP_OF_CLASS).fillna("other")
    out["change"] = out.hgvsp_short.str.removeprefix("p.")
    return distinct_calls(out).reset_index(drop=True)


def distinct_calls(calls: pd.DataFrame) -> pd.DataFrame:
    """``calls`` without those that a patient has twice, from two samples or two sources."""
    return calls.drop_duplicates(
        ["patient_key", "variant_classification", "hgvsp_short", "start_position",
         "tumor_seq_allele2"]
    )  # fmt: skip


def _length(listed: int | None, placed: pd.DataFrame) -> tuple[int, bool, tuple[str, ...]]:
    """Length of the axis, whether the protein's is known, and what is to be said of it."""
    last = int(placed.protein_position.max()) if len(placed) else 0
    if listed is None:
        words = "The store has no length and domains of this protein: the axis ends at the last "
        return max(last, 1), False, (words + "mutated residue.",)
    beyond = int((placed.protein_position > listed).sum())
    if beyond:
        calls = "1 call lies" if beyond == 1 else f"{beyond:,} calls lie"
        words = (
            f"{calls} beyond residue {listed:,}, the end of the protein listed here: named after "
            "another transcript."
        )
        return last, True, (words,)
    return listed, True, ()


def _residues(placed: pd.DataFrame, hotspots: tuple[int, ...]) -> pd.DataFrame:
    """One row per source, residue and group of classes."""
    by = ["source", "protein_position", "group"]
    placed = placed.assign(
        protein_position=placed.protein_position.astype(int),
        change=placed.change.fillna(placed.protein_position.astype(int).astype(str)),
    )
    table = placed.groupby(by).patient_key.nunique().rename("n").to_frame()
    counts = placed.groupby([*by, "change"]).patient_key.nunique().rename("k").reset_index()
    counts = counts.sort_values("k", ascending=False, kind="stable")
    counts["told"] = counts.change + " (" + counts.k.astype(str) + ")"
    table["change"] = counts.groupby(by).change.first()
    table["changes"] = counts.groupby(by).told.agg(lambda told: ", ".join(told.head(6)))
    table = table.reset_index().rename(columns={"protein_position": "position"})
    return table.assign(hotspot=table.position.isin(hotspots))


def _variants(calls: pd.DataFrame, hotspots: tuple[int, ...]) -> pd.DataFrame:
    """One row per protein change and class, most patients first; position 0: none given."""
    by = ["change", "position", "group", "variant_classification"]
    filled = calls.assign(
        change=calls.change.fillna("not given"),
        position=calls.protein_position.astype("Float64").fillna(0).astype(int),
    )
    table = filled.groupby(by).tumor_type.agg(_by_frequency).rename("where").to_frame()
    for name, source in zip(("tcga", "ici"), SOURCES, strict=True):
        n = filled[filled.source == source].groupby(by).patient_key.nunique()
        table[name] = n.reindex(table.index).fillna(0).astype(int)
    table = table.reset_index()
    table["hotspot"] = table.position.isin(hotspots)
    table["position"] = table.position.astype("Int64").where(table.position > 0)
    # most patients first; calls that name no change, hence no one variant, last
    order = np.lexsort((-(table.tcga + table.ici), table.change == "not given"))
    columns = [*by, "tcga", "ici", "where", "hotspot"]
    return table.iloc[order][columns].reset_index(drop=True)


def _by_frequency(types: pd.Series[str]) -> str:
    counts = types.value_counts()
    more = f" and {len(counts) - 3} more" if len(counts) > 3 else ""
    return ", ".join(f"{t} {n}" for t, n in counts.head(3).items()) + more


def _classes(calls: pd.DataFrame) -> pd.DataFrame:
    groups = [*VARIANT_GROUPS, *(["other"] if (calls.group == "other").any() else [])]
    table = pd.DataFrame({"group": groups})
    for name, source in zip(("tcga", "ici"), SOURCES, strict=True):
        counts = calls[calls.source == source].group.value_counts()
        table[name] = [int(counts.get(g, 0)) for g in groups]
        table[f"{name}_share"] = table[name] / table[name].sum() if table[name].sum() else np.nan
    return table


def _map_sentence(
    gene: str,
    calls: pd.DataFrame,
    patients: dict[str, int],
    profiled: dict[str, int],
    unplaced: dict[str, int],
) -> str:
    parts = []
    for source in SOURCES:
        n = int((calls.source == source).sum())
        lost = f", {unplaced[source]:,} of them without a protein position" * bool(unplaced[source])
        parts.append(
            f"{source}: {n:,} calls in {patients[source]:,} of {profiled[source]:,} profiled "
            f"patients{lost}"
        )
    return f"{gene}. " + "; ".join(parts) + "."


def _map_methods(store: Store, gene: str, known: bool) -> str:
    sources = [*store.protein_domains(gene).source.unique(), *store.hotspots(gene).source.unique()]
    told = f" Sources: {'; '.join(dict.fromkeys(sources))}." if known and sources else ""
    return (
        "Each pin counts the patients with a call at a residue, the first that the call touches; "
        "classes at one residue stand upon each other. Calls that carry no protein position are "
        "counted but not drawn." + told
    )
