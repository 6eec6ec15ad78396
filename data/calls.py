"""Mutation calls and profiling: from published columns to MAF terms, patients and panels."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from core.model import BadFile, BadInput
from data.cohort_spec import CohortSpec, MutationSpec
from data.facts import (
    ambiguous_symbols,
    current_symbol,
    panel_symbol,
    variant_classification,
)
from data.harmonise import Columns, clean_id
from data.readers.table import Table

CALL_COLUMNS = (
    "hugo_symbol", "patient_id", "variant_classification", "hgvsp_short", "hgvsc",
    "protein_position", "chromosome", "start_position", "end_position", "reference_allele",
    "tumor_seq_allele2", "variant_type", "context", "call_source",
)  # fmt: skip

EXOME = "exome"
"""The panel that profiles every gene."""

SUBSTITUTION = r"(?:^|[^ACGT])[ACGT]>[ACGT]$"
"""A coding change of one base for another, such as ``c.1841C>T``."""

THREE_TO_ONE = {
    "Ala": "A", "Arg": "R", "Asn": "N", "Asp": "D", "Cys": "C", "Gln": "Q", "Glu": "E",
    "Gly": "G", "His": "H", "Ile": "I", "Leu": "L", "Lys": "K", "Met": "M", "Phe": "F",
    "Pro": "P", "Ser": "S", "Thr": "T", "Trp": "W", "Tyr": "Y", "Val": "V", "Ter": "*",
    "Sec": "U",
}  # fmt: skip
_THREE = re.compile("|".join(THREE_TO_ONE))


def short_protein_change(changes: pd.Series) -> pd.Series:
    """``p.Arg674Leu`` and ``R674L`` as ``p.R674L``; None where there is none."""
    distinct = changes.dropna().unique()
    short = {c: _THREE.sub(lambda m: THREE_TO_ONE[m.group()], c) for c in distinct}
    short = {c: s if s.startswith("p.") else f"p.{s}" for c, s in short.items()}
    return changes.map(short)


def protein_position(changes: pd.Series) -> pd.Series:
    """The first residue that ``p.R1275Q``, ``p.S498fs`` or ``p.X473_splice`` touches."""
    return pd.to_numeric(changes.str.extract(r"^p\.\D*(\d+)", expand=False)).astype("Int32")


def classification_of_change(changes: pd.Series, ref: pd.Series, alt: pd.Series) -> pd.Series:
    """MAF classes for files that give only the protein change; Unknown where there is none."""
    text = changes.fillna("")
    shift = np.where(
        ref.fillna("").str.len() > alt.fillna("").str.len(), "Frame_Shift_Del", "Frame_Shift_Ins"
    )
    parts = text.str.extract(r"^p\.([A-Z*]+)\d+([A-Z*=]+)$")
    rules = [
        text.eq(""),
        text.str.contains("fs"),
        text.str.contains(r"\*$|Ter$|X$"),
        parts[1].eq("=") | parts[0].eq(parts[1]),
        text.str.contains("del"),
        text.str.contains("ins|dup"),
    ]
    named = ("Nonsense_Mutation", "Silent", "In_Frame_Del", "In_Frame_Ins")
    classes = [np.full(len(text), "Unknown"), shift, *(np.full(len(text), n) for n in named)]
    found = np.select([r.to_numpy(bool) for r in rules], classes, "Missense_Mutation")
    return pd.Series(found.astype(object), index=changes.index)


def chromosome(names: pd.Series) -> pd.Series:
    """``chr1``, ``1``, ``23``, ``M`` as 1 .. 22, X, Y, MT."""
    plain = names.str.removeprefix("chr").str.upper()
    return plain.replace({"23": "X", "24": "Y", "M": "MT"})


def variant_type(ref: pd.Series, alt: pd.Series) -> pd.Series:
    """SNP, DNP, TNP, ONP, INS or DEL from the alleles (``-`` is an empty one)."""
    r, a = (s.fillna("").str.replace("-", "").str.len() for s in (ref, alt))
    same = {1: "SNP", 2: "DNP", 3: "TNP"}
    named = pd.Series(np.where(r == a, r.map(same).fillna("ONP"), np.where(r < a, "INS", "DEL")))
    named.index = ref.index
    return named.where((r > 0) | (a > 0), None)


def call_frame(columns: Columns, notes: list[str]) -> pd.DataFrame:
    """Rows of the table ``mutation`` with ``patient_id``; what was left out goes to ``notes``."""
    spec = columns.spec.mutations
    if spec is None:
        return pd.DataFrame(columns=list(CALL_COLUMNS))
    found = [
        _one_table(columns.table(name), columns, spec, notes)
        for name in spec.tables
        if name in columns.tables
    ]
    if not found:
        notes.append("the file of mutations is not here: every patient is not profiled")
        return pd.DataFrame(columns=list(CALL_COLUMNS))
    calls = pd.concat(found, ignore_index=True)
    return calls.drop_duplicates([c for c in CALL_COLUMNS if c != "call_source"])


def without_excluded(calls: pd.DataFrame, spec: MutationSpec, notes: list[str]) -> pd.DataFrame:
    """The calls that no ``exclude`` rule of the cohort's file names."""
    for rule in spec.exclude:
        terms = {k: v for k, v in rule.items() if k != "why"}
        hit = np.logical_and.reduce([calls[k].eq(v).to_numpy() for k, v in terms.items()])
        notes.append(f"{int(hit.sum())} calls left out: {rule['why']}")
        calls = calls[~hit]
    return calls.reset_index(drop=True)


def maf_terms(
    table: Table,
    columns: Mapping[str, str] | None = None,
    *,
    class_from: str = "column",
) -> pd.DataFrame:
    """The calls of a table in the store's terms, row by row: what the file gives of CALL_COLUMNS.

    Where a file leaves the second allele empty and its first one differs from the reference, as in
    Hugo 2016, the first is what the base changed into.

    ``columns`` maps a term to the file's column; a column that has a term's own name is taken
    without. ``class_from`` is ``column`` or ``protein_change``.
    """
    raw = table.frame
    own = (*CALL_COLUMNS, "tumor_seq_allele1")
    names = {t: t for t in own if t in raw.columns} | dict(columns or {})

    def cells(term: str) -> pd.Series:
        if term not in names:
            return pd.Series(None, index=raw.index, dtype=object)
        return table.column(names[term]).astype(object).where(raw[names[term]].notna(), None)

    ref, alt = cells("reference_allele"), cells("tumor_seq_allele2")
    first = cells("tumor_seq_allele1")
    alt = alt.where(alt.notna(), first.where(first.ne(ref), None))
    change = short_protein_change(cells("hgvsp_short"))
    kind = cells("variant_type").fillna(variant_type(ref, alt))
    kind = kind.mask(kind.isna() & cells("hgvsc").str.contains(SUBSTITUTION).eq(True), "SNP")
    out = pd.DataFrame(
        {
            "hugo_symbol": symbols(cells("hugo_symbol"), cells("chromosome")),
            "hgvsp_short": change,
            "hgvsc": cells("hgvsc"),
            "protein_position": protein_position(change.astype("string")),
            "chromosome": chromosome(cells("chromosome").astype("string")).astype(object),
            "reference_allele": ref,
            "tumor_seq_allele2": alt,
            "variant_type": kind,
            "context": cells("context"),
        }
    )
    for term in ("start_position", "end_position"):
        out[term] = _positions(table, names.get(term), cells(term))
    if class_from == "protein_change":
        out["variant_classification"] = classification_of_change(change, ref, alt)
    else:
        labels = cells("variant_classification")
        out["variant_classification"] = _classes(table, names, labels, kind)
    return out


def _one_table(
    table: Table, columns: Columns, spec: MutationSpec, notes: list[str]
) -> pd.DataFrame:
    ids = table.column(spec.patient).map(lambda v: clean_id(v, spec.strip_zeros))
    ids = _via(ids, columns, spec)
    known = ids.isin(columns.ids)
    if (~known).any():
        strangers = ids[~known].nunique()
        notes.append(
            f"{table.path.name}: {int((~known).sum()):,} calls of {strangers} samples that are "
            "not in the table of patients were left out"
        )
    out = maf_terms(table, spec.columns, class_from=spec.class_from)
    out["patient_id"] = ids
    out["call_source"] = spec.call_source or columns.spec.cohort_id
    return out.loc[known, list(CALL_COLUMNS)]


def _via(ids: pd.Series, columns: Columns, spec: MutationSpec) -> pd.Series:
    """Patients of samples, where calls name samples."""
    if not spec.via:
        return ids
    rows = columns.table(spec.via)
    patient = rows.column(columns.spec.keys[spec.via].key)
    samples = rows.column(spec.via_sample).map(lambda v: clean_id(v, spec.strip_zeros))
    sample = dict(zip(samples, patient, strict=True))
    return ids.map(lambda v: sample.get(v, v))


def symbols(names: pd.Series, chromosomes: pd.Series | None = None) -> pd.Series:
    """Current HGNC symbols of the names in a file; a chromosome settles the ambiguous ones."""
    current = {n: current_symbol(str(n)) for n in names.dropna().unique()}
    found = names.map(current)
    if chromosomes is not None:
        for alias in ambiguous_symbols():
            for row in names.index[names.str.upper() == alias.upper()]:
                place = chromosomes[row]
                found[row] = current_symbol(alias, None if place is None else str(place))
    return found


def _positions(table: Table, column: str | None, cells: pd.Series) -> pd.Series:
    values = pd.to_numeric(cells, errors="coerce")
    wrong = cells.notna() & values.isna()
    if wrong.any():
        raise table.error(
            "A position is not a number.",
            line=int(cells.index[wrong][0]),
            column=column or "",
            expected="a whole number of base pairs",
            found=repr(cells[wrong].iloc[0]),
            remedy="Fetch the file again, or correct the line.",
        )
    return values.astype("Int64")


def _classes(
    table: Table, names: Mapping[str, str], labels: pd.Series, kinds: pd.Series
) -> pd.Series:
    """MAF classes of the file's labels; the kind of variant tells the two frameshifts apart."""
    pairs = pd.MultiIndex.from_arrays([labels.fillna(""), kinds.fillna("")])
    known = {}
    for label, kind in pairs.unique():
        try:
            known[label, kind] = variant_classification(label, kind) if label else "Unknown"
        except BadInput as error:
            raise table.error(
                f"The mutation class {label!r} is not known.",
                line=int(labels.index[labels == label][0]),
                column=names.get("variant_classification", ""),
                expected="a MAF Variant_Classification or a Sequence Ontology term",
                found=repr(label),
                remedy="Add it to data/facts/variant_classes.toml.",
            ) from error
    codes, distinct = pairs.factorize()
    classes = np.array([known[pair] for pair in distinct], dtype=object)
    return pd.Series(classes[codes], index=labels.index)


def profiled_frame(
    columns: Columns,
    calls: pd.DataFrame,
    panels: Mapping[str, tuple[str, ...]],
) -> tuple[pd.DataFrame, dict[str, tuple[str, ...] | None]]:
    """Who was profiled on which panel, and the panels used (None: every gene)."""
    spec = columns.spec.profiled
    if spec is None or (columns.spec.mutations is not None and calls.empty):
        return pd.DataFrame(columns=["patient_id", "panel_id"]), {}
    if spec.rule == "everyone":
        ids = columns.ids
    elif spec.rule == "with_calls":
        ids = pd.Index(calls.patient_id.unique())
    else:
        assert spec.column is not None
        cells = columns.text(spec.column)
        ids = cells.index[cells.isin(spec.values)]
    ids = ids.union(pd.Index(calls.patient_id.unique()), sort=False)
    frame = pd.DataFrame({"patient_id": ids.astype(str)})
    if spec.panel_column is not None:
        own = columns.text(spec.panel_column)
        frame["panel_id"] = frame.patient_id.map(own).astype(object)
        _known_panels(frame.panel_id, panels, columns.spec)
        used = frame.panel_id.unique()
        return frame, {p: tuple(dict.fromkeys(map(panel_symbol, panels[p]))) for p in used}
    frame["panel_id"] = EXOME if spec.panel == EXOME else spec.panel_name
    if spec.panel == EXOME:
        return frame, {EXOME: None}
    genes = spec.panel_genes or tuple(sorted(calls.hugo_symbol.dropna().unique()))
    return frame, {spec.panel_name: tuple(dict.fromkeys(map(current_symbol, genes)))}


def _known_panels(used: pd.Series, panels: Mapping[str, tuple[str, ...]], spec: CohortSpec) -> None:
    unknown = sorted(set(used.dropna()) - set(panels))
    if unknown or used.isna().any():
        raise BadFile(
            "A patient's gene panel has no list of genes.",
            where=str(spec.path),
            expected="a data_gene_panel file for each panel",
            found=", ".join(unknown) or "a patient without a panel",
            remedy="Put the panel's gene list into the panels folder that the cohort file names.",
        )
