"""Where a gene is mutated: how often by tumour type, and where along the protein (3A, B)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
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
        states = status[frame.patient_key.to_numpy(int)]
        label = frame[by].fillna("Unknown") if by != "cohort_id" else frame[by].map(names)
        full = frame.tumor_type if by == TUMOR_TYPE else label
        everyone = np.full(len(frame), "All", dtype=object)
        parts.append(_counted(label.to_numpy(), full.to_numpy(), states, source))
        totals.append(_counted(everyone, everyone, states, source))
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


def _counted(
    label: npt.NDArray[np.object_],
    name: npt.NDArray[np.object_],
    status: npt.NDArray[np.int8],
    source: str,
) -> pd.DataFrame:
    """Counts and exact intervals by ``label``; its name is the first that is known."""
    code, labels = pd.factorize(label, sort=True)
    n, lost, mutant = (np.bincount(code[of]) for of in (slice(None), status < 0, status == 1))
    lost, mutant = (np.pad(of, (0, n.size - of.size)) for of in (lost, mutant))
    profiled = n - lost
    known = np.flatnonzero(pd.notna(name))
    of, first = np.unique(code[known], return_index=True)
    names = np.full(n.size, None, dtype=object)
    names[of] = name[known[first]]
    some = profiled > 0
    lower, upper = binomial_interval(mutant, profiled)
    counts = (n, lost, profiled, mutant, mutant / np.where(some, profiled, np.nan),
              np.where(some, lower, np.nan), np.where(some, upper, np.nan))  # fmt: skip
    table = {"label": labels, "name": names, **dict(zip(COUNTS, counts, strict=True))}
    return pd.DataFrame({**table, "source": source})


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
    spots, domains = store.hotspots(gene), store.protein_domains(gene)
    hotspots = tuple(int(r) for r in spots.residue)
    unplaced = {
        s: int((calls.protein_position.isna() & (calls.source == s)).sum()) for s in SOURCES
    }
    patients = {s: calls[calls.source == s].patient_key.nunique() for s in SOURCES}
    return ProteinMap(
        gene=gene,
        length=length,
        length_known=known,
        domains=domains,
        hotspots=hotspots,
        residues=_residues(placed, hotspots),
        variants=_variants(calls, hotspots),
        classes=_classes(calls),
        calls=calls,
        unplaced=unplaced,
        patients=patients,
        sentence=_map_sentence(gene, calls, patients, profiled, unplaced),
        methods=_map_methods([*domains.source, *spots.source] if known else []),
        warnings=notes,
    )


def _calls(
    calls: pd.DataFrame, frames: list[pd.DataFrame], classes: tuple[str, ...]
) -> pd.DataFrame:
    """The calls of the chosen classes in the filtered patients, with ``source`` and ``group``."""
    source = np.full(len(calls), None, dtype=object)
    for name, frame in zip(SOURCES, frames, strict=True):
        source[np.isin(calls.patient_key.to_numpy(), frame.patient_key.to_numpy())] = name
    kept = np.flatnonzero((source != None) & calls.variant_classification.isin(classes))  # noqa: E711
    out = calls.take(kept)
    group = [GROUP_OF_CLASS.get(c, "other") for c in out.variant_classification]
    out = out.assign(
        source=source[kept], group=group, change=out.hgvsp_short.str.removeprefix("p.")
    )
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
    position = placed.protein_position.to_numpy(int)
    change = placed.change.fillna(pd.Series(position.astype(str), placed.index)).to_numpy()
    source, group = placed.source.to_numpy(), placed.group.to_numpy()
    key, at = _coded(source, position, group)
    named, first = _coded(key, change)
    patients = placed.patient_key.to_numpy()
    n, k = _distinct(key, patients), _distinct(named, patients)
    of = key[first]
    order = np.lexsort((-k, of))  # most frequent first, equal ones in the order of their names
    told: list[list[str]] = [[] for _ in n]
    for row in order:
        told[of[row]].append(f"{change[first[row]]} ({k[row]})")
    most = first[order[np.searchsorted(of[order], np.arange(n.size))]]
    return pd.DataFrame(
        {
            "source": source[at],
            "position": position[at],
            "group": group[at],
            "n": n,
            "change": change[most],
            "changes": [", ".join(words[:6]) for words in told],
            "hotspot": np.isin(position[at], hotspots),
        }
    )


def _variants(calls: pd.DataFrame, hotspots: tuple[int, ...]) -> pd.DataFrame:
    """One row per protein change and class, most patients first; position 0: none given."""
    change = calls.change.fillna("not given").to_numpy()
    position = calls.protein_position.astype("Float64").fillna(0).to_numpy(int)
    group, classified = calls.group.to_numpy(), calls.variant_classification.to_numpy()
    key, at = _coded(change, position, group, classified)
    patients, source = calls.patient_key.to_numpy(), calls.source.to_numpy()
    tcga, ici = (_distinct(key[source == s], patients[source == s], at.size) for s in SOURCES)
    # most patients first; calls that name no change, hence no one variant, last
    order = np.lexsort((-(tcga + ici), change[at] == "not given"))
    where = _by_frequency(key, calls.tumor_type.to_numpy(), at.size)
    at = at[order]
    placed = pd.Series(position[at], dtype="Int64")
    return pd.DataFrame(
        {
            "change": change[at],
            "position": placed.where(placed > 0),
            "group": group[at],
            "variant_classification": classified[at],
            "tcga": tcga[order],
            "ici": ici[order],
            "where": [where[i] for i in order],
            "hotspot": np.isin(position[at], hotspots),
        }
    )


def _coded(*columns: npt.NDArray[Any]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Which combination of ``columns`` each row has, numbered in sorted order, and the first row
    of each."""
    code = np.zeros(len(columns[0]), dtype=np.intp)
    for column in columns:
        values, found = pd.factorize(column, sort=True)
        code = code * (len(found) + 1) + values
    _, first, key = np.unique(code, return_index=True, return_inverse=True)
    return key, first


def _distinct(
    key: npt.NDArray[np.intp], patients: npt.NDArray[Any], n: int = 0
) -> npt.NDArray[np.intp]:
    """Patients of each key, of which there are ``n`` or as many as occur."""
    most = int(patients.max(initial=0)) + 1
    return np.bincount(np.unique(key * most + patients) // most, minlength=n)


def _by_frequency(key: npt.NDArray[np.intp], types: npt.NDArray[np.object_], n: int) -> list[str]:
    """Of each key the three types most frequent in its calls; equal ones as they come."""
    code, names = pd.factorize(types)
    pair, first, counts = np.unique(
        (key * (len(names) + 1) + code)[code >= 0], return_index=True, return_counts=True
    )
    of, which = np.divmod(pair, len(names) + 1)
    found: list[list[str]] = [[] for _ in range(n)]
    for row in np.lexsort((first, -counts, of)):
        found[of[row]].append(f"{names[which[row]]} {counts[row]}")
    return [
        ", ".join(words[:3]) + (f" and {len(words) - 3} more" if len(words) > 3 else "")
        for words in found
    ]


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


def _map_methods(sources: list[str]) -> str:
    told = f" Sources: {'; '.join(dict.fromkeys(sources))}." if sources else ""
    return (
        "Each pin counts the patients with a call at a residue, the first that the call touches; "
        "classes at one residue stand upon each other. Calls that carry no protein position are "
        "counted but not drawn." + told
    )
