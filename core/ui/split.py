"""How patients are split into groups: one control in the sidebar, for every page.

The gene stands above it and stays the default. A value that makes no sense is told where it was
typed, and the nearest sensible question is shown instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import streamlit as st

from core.groups.mutation import resolve_position
from core.groups.number import CUTS
from core.model import BadInput, Split, Stratifier, UnknownGene
from core.store import Store
from core.ui import state
from core.ui.cached import Facts
from core.ui.messages import escaped

GENE, SET, POSITION, PAIR = "one gene", "gene set", "protein position", "two genes"
NUMBER, SIGNATURE, CATEGORY = "number", "signature", "clinical variable"
WAYS = (GENE, SET, POSITION, PAIR, NUMBER, SIGNATURE, CATEGORY)
"""As shown and as they stand in the URL (``by=``)."""

MOST_GENES = 500


def ask(store: Store, facts: Facts, gene: str, classes: tuple[str, ...]) -> Stratifier:
    """Draw the control; return the stratifier. ``gene`` is the one chosen above it."""
    options = [w for w in WAYS if w != SIGNATURE or facts.signatures]
    way = _one_of("by", "Split patients by", options)
    usual = Stratifier(genes=(gene,), classes=classes)
    if way == SET:
        return _gene_set(store, facts, usual)
    if way == POSITION:
        return _position(store, facts, usual)
    if way == PAIR:
        return _pair(store, facts, usual)
    if way == NUMBER:
        return _number(facts, usual)
    if way == SIGNATURE:
        return _signature(facts, usual)
    if way == CATEGORY:
        return _category(facts, usual)
    return usual


def _one_of(key: str, label: str, options: Sequence[str], **widget: object) -> str:
    """A choice bound to the URL; a value that is no option is told and the first is taken."""
    state.check_many(key, label, options)
    state.keep_known(key, options)
    chosen = st.selectbox(label, options, key=key, bind="query-params", **widget)  # type: ignore[call-overload]
    return str(chosen or options[0])


def _gene_set(store: Store, facts: Facts, usual: Stratifier) -> Stratifier:
    """Any or all of a named set, or of typed or pasted symbols."""
    sets = {**state.own_sets(), **facts.gene_sets}
    chosen = _one_of("set", "Gene set", ["typed below", *sets])
    members: tuple[str, ...] = sets.get(chosen, ())
    if not members:
        text = st.text_area(
            "Genes",
            key="genes",
            bind="query-params",
            height=72,
            placeholder="BRCA1 BRCA2 ATM",
            help="Symbols, current or old, parted by spaces, commas or lines.",
        )
        members = tuple(dict.fromkeys(g for g in re.split(r"[\s,;|]+", text or "") if g))
    known = store.known_genes(members[:MOST_GENES]) if members else {}
    unknown = [g for g in members if g not in known]
    genes = tuple(dict.fromkeys(known[g] for g in members if g in known))
    if unknown:
        shown = ", ".join(g[:20] for g in unknown[:5]) + (", ..." if len(unknown) > 5 else "")
        st.caption(f"{len(unknown)} not in this store and left out: {escaped(shown)}")
    if not genes:
        st.warning(f"No gene of a set is chosen yet: showing {usual.genes[0]}.")
        return usual
    state.check_switch("all", "All of them")
    every = st.toggle(
        "All of them",
        False,
        key="all",
        bind="query-params",
        help="Mutant: every gene of the set is mutated. Off: at least one is.",
    )
    return Stratifier(
        genes=genes,
        classes=usual.classes,
        combine="all" if every else "any",
        name=chosen if chosen in sets else "",
    )


def _position(store: Store, facts: Facts, usual: Stratifier) -> Stratifier:
    """A residue of the gene, or of the gene named before a colon."""
    text = st.text_input(
        "Position",
        key="position",
        bind="query-params",
        placeholder="R1275, or ALK:R1275",
        help="Mutated there, against no mutation of the gene.",
    )
    gene, residue = usual.genes[0], (text or "").strip()
    if ":" in residue:
        gene, residue = (part.strip() for part in residue.split(":", 1))
    if not residue:
        st.caption(f"Type a position; showing any mutation of {usual.genes[0]}.")
        return usual
    try:
        gene = store.resolve_gene(gene)
        resolve_position(store, gene, residue)
    except BadInput as error:
        _told(error, usual.genes[0])
        return usual
    return Stratifier(Split.POSITION, (gene,), classes=usual.classes, position=residue)


def _pair(store: Store, facts: Facts, usual: Stratifier) -> Stratifier:
    """The gene and a second one."""
    options = [g for g in facts.genes[:2000] if g != usual.genes[0]]
    typed = st.selectbox(
        "Second gene",
        options,
        index=options.index("TP53") if "TP53" in options else 0,
        key="with",
        bind="query-params",
        accept_new_options=True,
    )
    try:
        second = store.resolve_gene(typed or options[0])
    except UnknownGene as error:
        _told(error, usual.genes[0])
        return usual
    if second == usual.genes[0]:
        st.warning(f"The second gene is {second} itself: showing {second} alone.")
        return usual
    return Stratifier(Split.PAIR, (usual.genes[0], second), classes=usual.classes)


def _number(facts: Facts, usual: Stratifier) -> Stratifier:
    """TMB, age or a feature, and where it is cut."""
    feature, name = _variable("number", "Number", facts.numbers)
    cut = st.selectbox(
        "Cut at",
        CUTS,
        key="cut",
        bind="query-params",
        accept_new_options=True,
        help="Or type a number: above it is high. Optimal: the cut that separates survival best; "
        "its p-value is corrected for the search.",
    )
    cut = str(cut or CUTS[0]).strip()
    if cut not in CUTS and not _is_number(cut):
        st.warning(
            f"Cut: '{escaped(cut[:40])}' is neither a rule nor a number. Showing the median."
        )
        cut = CUTS[0]
    return Stratifier(
        Split.NUMBER, usual.genes, classes=usual.classes, feature=feature, cut=cut, name=name
    )


def _signature(facts: Facts, usual: Stratifier) -> Stratifier:
    """A signature, and from which share of the mutations on it counts as present."""
    chosen = _one_of("signature", "Signature", facts.signatures)
    bound = state.check_number("share", "Least share", 0, 1)
    least = st.number_input(
        "Least share",
        0.0,
        1.0,
        None,
        step=0.01,
        format="%g",
        key="share",
        bind=bound,
        placeholder="any",
        help="Present: the signature holds at least this share of a tumour's mutations.",
    )
    return Stratifier(
        Split.SIGNATURE,
        usual.genes,
        classes=usual.classes,
        feature=chosen,
        cut="" if least is None else f"{least:g}",
    )


def _category(facts: Facts, usual: Stratifier) -> Stratifier:
    feature, name = _variable("variable", "Clinical variable", facts.categories)
    return Stratifier(
        Split.CATEGORY, usual.genes, classes=usual.classes, feature=feature, name=name
    )


def _variable(key: str, label: str, choices: Mapping[str, str]) -> tuple[str, str]:
    """Id and name of a variable chosen by its name."""
    ids = {name: feature for feature, name in reversed(list(choices.items()))}
    name = _one_of(key, label, list(dict.fromkeys(choices.values())))
    return ids[name], name


def _told(error: BadInput, gene: str) -> None:
    parts = [error.message, error.remedy, f"Showing {gene}."]
    st.warning(escaped(" ".join(parts)), icon=":material/search:")


def _is_number(text: str) -> bool:
    try:
        value = float(text)
    except ValueError:
        return False
    return abs(value) < float("inf")
