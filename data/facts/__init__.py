"""Published facts that the store is built from, one TOML file each, with their sources.

Every loader is cached and returns plain dictionaries, frozen dataclasses or a pandas frame
whose columns are those of the table of ``schema.sql`` that it fills. A frame is a copy: the
caller may change it.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from core.model import VARIANT_CLASSIFICATIONS, BadInput


@cache
def _read(name: str) -> dict[str, Any]:
    """The parsed ``<name>.toml`` of this folder; shared, so never change what it returns."""
    with (files(__package__) / f"{name}.toml").open("rb") as handle:
        return tomllib.load(handle)


def _key(label: str) -> str:
    """What labels are compared by: case and runs of white space or underscores do not count."""
    return " ".join(label.replace("_", " ").split()).casefold()


# --------------------------------------------------------------------------------------
# Tumour types
# --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TcgaType:
    """One of TCGA's 33 types: its abbreviation, its name and its main type."""

    abbreviation: str
    name: str
    tumor_type: str


@cache
def tumor_type_labels() -> dict[str, str]:
    """Main type -> short label for figures, in the vocabulary's order."""
    return {entry["name"]: entry["short"] for entry in _read("tumor_types")["tumor_type"]}


@cache
def _tumor_type_index() -> dict[str, tuple[str, str]]:
    """Comparison key -> (label as written, main type)."""
    index: dict[str, tuple[str, str]] = {}
    for entry in _read("tumor_types")["tumor_type"]:
        for label in (entry["name"], *entry["codes"], *entry["labels"]):
            index[_key(label)] = (label, entry["name"])
    return index


def tumor_type(label: str | None) -> str:
    """The main tumour type of a study's own label: a name, an OncoTree code, a TCGA abbreviation.

    Case and spacing do not count. A missing label (None or blank) is ``Unknown``.
    Raises BadInput, with the nearest known labels, for a label that is not in the vocabulary.
    """
    if label is None or not _key(label):
        return "Unknown"
    index = _tumor_type_index()
    if (found := index.get(_key(label))) is not None:
        return found[1]
    near = [index[k][0] for k in difflib.get_close_matches(_key(label), index, n=3, cutoff=0.5)]
    raise BadInput(
        f"The tumour type {label!r} is not in the vocabulary.",
        expected="an OncoTree main type or code, a TCGA abbreviation, or a label listed in "
        "data/facts/tumor_types.toml" + (f"; the nearest are {', '.join(near)}" if near else ""),
        found=repr(label),
        remedy="Correct the label in the study's file, or add it to the labels of its main type "
        "in data/facts/tumor_types.toml.",
    )


@cache
def tcga_types() -> tuple[TcgaType, ...]:
    """TCGA's 33 types, ordered by abbreviation."""
    return tuple(TcgaType(**entry) for entry in _read("tumor_types")["tcga"]["type"])


# --------------------------------------------------------------------------------------
# Gene symbols
# --------------------------------------------------------------------------------------

_OPEN_READING_FRAME = re.compile(r"C(\d+|X|Y)ORF(\d+\w*)")


@cache
def _former_symbols() -> dict[str, str]:
    """Upper-case former symbol, common name or date -> current symbol."""
    read = _read("gene_aliases")
    pairs = {**read["former"], **read["date"], **read["common_name"]}
    return {alias.upper(): symbol for alias, symbol in pairs.items()}


@cache
def current_symbol(symbol: str, chromosome: str | None = None) -> str:
    """The current HGNC symbol of a symbol old or new, whatever its case.

    ``chromosome`` (1 .. 22, X, Y; a leading ``chr`` is dropped) settles the few symbols that
    stand for two genes. A symbol that is not known to be an old one is returned as HGNC writes
    symbols: upper case but for the ``orf`` of open reading frames.
    """
    upper = symbol.strip().upper()
    if chromosome is not None:
        places = _read("gene_aliases")["by_chromosome"]
        place = chromosome.strip().removeprefix("chr").upper()
        for alias, by_place in places.items():
            if alias.upper() == upper and place in by_place:
                return str(by_place[place])
    if (found := _former_symbols().get(upper)) is not None:
        return found
    if (frame := _OPEN_READING_FRAME.fullmatch(upper)) is not None:
        return f"C{frame[1]}orf{frame[2]}"
    return upper


def panel_symbol(symbol: str) -> str:
    """The current symbol of a gene listed on an MSK-IMPACT panel, where MLL4 is KMT2B."""
    meant = _read("gene_aliases")["panel"].get(symbol.strip().upper())
    return str(meant) if meant else current_symbol(symbol)


def ambiguous_symbols() -> dict[str, tuple[str, ...]]:
    """Old symbol -> the current genes it may stand for, for the symbols that need a position."""
    places = _read("gene_aliases")["by_chromosome"]
    many = {alias: tuple(dict.fromkeys(by.values())) for alias, by in places.items()}
    return {alias: genes for alias, genes in many.items() if len(genes) > 1}


def gene_aliases() -> pd.DataFrame:
    """Table ``gene_alias``: alias, hugo_symbol; sorted by alias."""
    read = _read("gene_aliases")
    pairs = {**read["former"], **read["common_name"]}
    frame = pd.DataFrame(sorted(pairs.items()), columns=["alias", "hugo_symbol"])
    return frame.astype("str")


# --------------------------------------------------------------------------------------
# Variant classes
# --------------------------------------------------------------------------------------


@cache
def _variant_class_index() -> dict[str, tuple[int, str | dict[str, str]]]:
    """Comparison key -> (severity rank, 0 the most severe; class or classes by variant type)."""
    read = _read("variant_classes")
    index: dict[str, tuple[int, str | dict[str, str]]] = {}
    for rank, (term, meant) in enumerate(read["consequence"]["order"]):
        index[_key(term)] = (rank, meant)
    for group in ("foundation_medicine", "oncotator"):
        for label, meant in read[group].items():
            if label != "source":
                index[_key(label)] = (0, meant)
    for name in VARIANT_CLASSIFICATIONS:
        index.setdefault(_key(name), (0, name))
    return index


@cache
def variant_classification(label: str, variant_type: str = "") -> str:
    """The MAF class (``core.model.VARIANT_CLASSIFICATIONS``) of a source's word for an effect.

    ``label`` is a MAF class, an Oncotator extra, a Foundation Medicine effect, or one or more
    Sequence Ontology terms joined by ``&`` or ``,``, of which the most severe counts (VEP's
    order). ``variant_type`` (INS, DEL; else anything) tells the two frameshifts apart.
    Raises BadInput, with the label, when one of its terms is not known.
    """
    index = _variant_class_index()
    terms = [term for term in re.split(r"[&,]", label) if term.strip()]
    unknown = [term.strip() for term in terms if _key(term) not in index]
    if unknown or not terms:
        raise BadInput(
            f"The variant class {label!r} is not known.",
            expected="a MAF variant classification, or Sequence Ontology terms joined by & or ,",
            found=", ".join(map(repr, unknown)) or "an empty value",
            remedy="Add the label, with the MAF class it stands for, to "
            "data/facts/variant_classes.toml.",
        )
    _, meant = min((index[_key(term)] for term in terms), key=lambda found: found[0])
    if isinstance(meant, str):
        return meant
    return meant.get(variant_type.strip().upper(), meant["other"])


# --------------------------------------------------------------------------------------
# Gene sets
# --------------------------------------------------------------------------------------


def gene_sets() -> pd.DataFrame:
    """Table ``gene_set``: gene_set, category, hugo_symbol, source; in the file's order."""
    read = _read("gene_sets")
    rows = [
        (entry["name"], entry["category"], symbol, read["sources"][entry["source"]])
        for entry in read["gene_set"]
        for symbol in entry["genes"]
    ]
    return pd.DataFrame(rows, columns=["gene_set", "category", "hugo_symbol", "source"])


def gene_set_members(category: str) -> dict[str, tuple[str, ...]]:
    """Set name -> symbols, of one category; raises BadInput for a category that is not there."""
    entries = _read("gene_sets")["gene_set"]
    members = {e["name"]: tuple(e["genes"]) for e in entries if e["category"] == category}
    if not members:
        raise BadInput(
            f"There is no gene set of category {category!r}.",
            expected=", ".join(sorted({e["category"] for e in entries})),
            found=repr(category),
            remedy="Use one of the categories in data/facts/gene_sets.toml.",
        )
    return members


# --------------------------------------------------------------------------------------
# Proteins and mutational signatures
# --------------------------------------------------------------------------------------


def proteins() -> pd.DataFrame:
    """Table ``protein`` for the hand-kept proteins: hugo_symbol, length (residues), transcript."""
    entries = _read("proteins")["protein"]
    columns = ["hugo_symbol", "length", "transcript"]
    return pd.DataFrame([[e[c] for c in columns] for e in entries], columns=columns)


def protein_domains() -> pd.DataFrame:
    """Table ``protein_domain`` for the hand-kept proteins; residues from 1, both ends included.

    Columns hugo_symbol, name, start_residue, end_residue, description, source.
    """
    rows = [
        (e["hugo_symbol"], d["name"], d["start"], d["end"], d["description"], e["source"])
        for e in _read("proteins")["protein"]
        for d in e["domains"]
    ]
    columns = ["hugo_symbol", "name", "start_residue", "end_residue", "description", "source"]
    return pd.DataFrame(rows, columns=columns)


def signature_aetiologies() -> pd.DataFrame:
    """Table ``signature_aetiology``: signature (SBS1, SBS2 ...), aetiology, source."""
    read = _read("signature_aetiologies")
    earlier = {"SBS22", "SBS40"}
    rows = [
        (name, text, read["source_of_earlier_names" if name in earlier else "source"])
        for name, text in read["aetiology"].items()
    ]
    return pd.DataFrame(rows, columns=["signature", "aetiology", "source"])


# --------------------------------------------------------------------------------------
# TCGA-CDR's advice and the paper's printed numbers
# --------------------------------------------------------------------------------------


def _advice(kind: str, endpoint: str, n: int, events: int, rule: dict[str, Any]) -> tuple[str, str]:
    """(advice, the source it rests on) of one endpoint of one TCGA type."""
    if endpoint == "DFI" and kind in rule["dfi_absent"]:
        return "not available", "notes"
    if n == 0:
        return "not available", "counts"
    if events < rule["few_events"]:
        return "not recommended", "counts"
    if endpoint == "DSS" and kind not in rule["dss_accurate"]:
        return "caution", "notes"
    if events < rule["caution_events"]:
        return "caution", "counts"
    return "recommended", "notes"


def endpoint_advice() -> pd.DataFrame:
    """Table ``endpoint_advice``: how far a TCGA endpoint may be trusted.

    Columns tumor_type_source (TCGA abbreviation), endpoint (OS, DSS, DFI, PFI), advice
    (recommended, caution, not recommended, not available), note (the counts, then the source).
    The rules stand in ``cdr_advice.toml``; they are derived, and not the cells of Table 3 of
    the TCGA-CDR paper.
    """
    read = _read("cdr_advice")
    rows = []
    for kind, by_endpoint in read["counts"].items():
        for endpoint, (n, events) in by_endpoint.items():
            advice, basis = _advice(kind, endpoint, n, events, read["rule"])
            note = f"{events} events in {n} patients" if n else "no patient has this endpoint"
            if endpoint == "DSS" and n and kind not in read["rule"]["dss_accurate"]:
                note += "; cause of death is approximated"
            rows.append((kind, endpoint, advice, f"{note}. {read['sources'][basis]}"))
    columns = ["tumor_type_source", "endpoint", "advice", "note"]
    return pd.DataFrame(rows, columns=columns)


def reported() -> pd.DataFrame:
    """Table ``reported``: figure, item, quantity, value (as printed, a text), note.

    The paper's own numbers, for showing beside this project's; never to compute with.
    """
    columns = ["figure", "item", "quantity", "value", "note"]
    return pd.DataFrame(_read("reported")["reported"], columns=columns)


# --------------------------------------------------------------------------------------
# Features of TCGA tumours
# --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FeatureFile:
    """A published table of features: where it stands and how it is laid out.

    ``orientation`` is ``columns`` (a row a sample, a column a feature) or ``rows`` (the other way
    round; ``sample`` then names the column of feature names, and the header holds the barcodes).
    ``separator`` is a tab, a comma or ``feather``. ``barcode`` says how long barcodes are:
    participant, sample or aliquot. ``columns`` names the columns of a file without a header.
    """

    id: str
    orientation: str
    separator: str
    sample: str
    barcode: str
    barcode_separator: str
    source: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Feature:
    """One feature: what it is, in which file, and the file's columns (or rows) it is made of.

    Several ``columns`` are summed (a missing one makes the sum missing); ``scale`` brings the
    file's values into ``unit``; ``s1_column`` is its name in Table S1 of Thorsson 2018.
    """

    id: str
    name: str
    category: str
    unit: str
    file: FeatureFile
    columns: tuple[str, ...]
    kind: str = "number"
    centred: bool = False
    scale: float = 1.0
    combine: str = ""
    s1_column: str = ""
    description: str = ""


@cache
def feature_files() -> dict[str, FeatureFile]:
    """File id (path below the raw folder) -> its layout, in the catalogue's order."""
    entries = _read("features")["file"]
    return {e["id"]: FeatureFile(**{**e, "columns": tuple(e.get("columns", ()))}) for e in entries}


@cache
def feature_catalogue() -> tuple[Feature, ...]:
    """Every feature that a build may find, in the catalogue's order."""
    found = feature_files()
    return tuple(
        Feature(**{**entry, "columns": tuple(entry["columns"]), "file": found[entry["file"]]})
        for entry in _read("features")["feature"]
    )


def features() -> pd.DataFrame:
    """Table ``feature``: feature, name, category, unit, kind, centred, source, description."""
    plain = ("name", "category", "unit", "kind", "centred")
    rows = [
        (f.id, *(getattr(f, c) for c in plain), f.file.source, f.description)
        for f in feature_catalogue()
    ]
    return pd.DataFrame(rows, columns=["feature", *plain, "source", "description"])


# --------------------------------------------------------------------------------------
# Publications of methods
# --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reference:
    """A publication; ``matches`` finds the words of a text that call for it."""

    key: str
    cited: str
    matches: str
    type: str
    author: str
    title: str
    journal: str
    year: int
    volume: str
    number: str
    pages: str
    doi: str


@cache
def references() -> tuple[Reference, ...]:
    """Every publication of a method, in the order of their file."""
    return tuple(Reference(**entry) for entry in _read("references")["reference"])
