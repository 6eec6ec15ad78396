"""The mapping of mutations: which column is what, who was sequenced, and for which genes."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import streamlit as st

from core.ui.messages import escaped
from data.own import guess
from data.own.mapping import (
    ALL_MISSENSE,
    CLASS_COLUMN,
    CLASS_OF_CHANGE,
    EVERYONE,
    EXOME_PANEL,
    LIST_PANEL,
    MATRIX_PANEL,
    SEQUENCED,
    WITH_CALLS,
    Calls,
    OwnMapping,
    Profiling,
)
from data.own.reading import Upload
from data.readers.content import decode

FROM_CHANGE = "told by the protein change"
NO_CLASS = "none: every row counts as a missense mutation"
PANEL_WORDS = {
    EXOME_PANEL: "All genes (exome or genome)",
    LIST_PANEL: "The genes of this list",
    MATRIX_PANEL: "The panels that the study names",
}
WHO_WORDS = {
    EVERYONE: "Every patient",
    WITH_CALLS: "Only patients with a mutation in the table",
    SEQUENCED: "The samples that the study lists as sequenced",
}


def ask(upload: Upload, proposed: OwnMapping, at: str) -> tuple[Calls | None, Profiling | None]:
    """Draw the controls; without a table of mutations nobody is profiled."""
    if proposed.calls is None:
        st.caption(
            "Without a table of mutations every patient is *not profiled*: clinical variables and "
            "TMB still work."
        )
        return None, None
    st.header("Mutations", anchor=False)
    calls = _calls(upload, proposed.calls, at)
    return calls, _profiling(upload, proposed, calls, at)


def _calls(upload: Upload, usual: Calls, at: str) -> Calls:
    columns = [str(c) for c in upload.tables["mutations"].frame.columns]
    one, two, three = st.columns(3)
    gene = usual.columns.get("hugo_symbol", columns[0])
    with one:
        patient = st.selectbox(
            "Patient or sample", columns, columns.index(usual.patient), key=f"{at}-call-patient"
        )
    with two:
        gene = st.selectbox("Gene", columns, columns.index(gene), key=f"{at}-call-gene")
    change = usual.columns.get("hgvsp_short")
    with three:
        options = [*columns, *([FROM_CHANGE] if change else []), NO_CLASS]
        likely = {
            CLASS_COLUMN: usual.columns.get("variant_classification"),
            CLASS_OF_CHANGE: FROM_CHANGE,
            ALL_MISSENSE: NO_CLASS,
        }[usual.classes]
        by = st.selectbox(
            "Mutation class", options, options.index(likely or NO_CLASS), key=f"{at}-call-class"
        )
    found = {k: v for k, v in usual.columns.items() if k != "variant_classification"}
    found["hugo_symbol"] = gene
    if by == FROM_CHANGE:
        return Calls(patient, found, CLASS_OF_CHANGE)
    if by == NO_CLASS:
        return Calls(patient, found, ALL_MISSENSE)
    return Calls(patient, {**found, "variant_classification": by}, CLASS_COLUMN)


def _profiling(upload: Upload, proposed: OwnMapping, calls: Calls, at: str) -> Profiling:
    """Which genes were looked at, and in whom: one outside is *not profiled*, never wild type."""
    usual = proposed.profiling or Profiling(WITH_CALLS, EXOME_PANEL)
    matrix = guess.panel_column(upload)
    panels = [EXOME_PANEL, LIST_PANEL, *([MATRIX_PANEL] if matrix else [])]
    one, two = st.columns(2)
    with one:
        panel = st.radio(
            "Which genes were sequenced?",
            panels,
            panels.index(usual.panel),
            key=f"{at}-panel",
            format_func=PANEL_WORDS.__getitem__,
            help="A gene outside is not profiled: such patients are not wild type.",
        )
    if panel == MATRIX_PANEL:
        assert matrix is not None
        with two:
            st.caption(
                f"From {escaped(matrix.column)}; gene lists in the archive: "
                f"{escaped(', '.join(upload.panels)) or 'none'}. A panel that the loaded cohorts "
                "have is taken from there."
            )
        return Profiling(EVERYONE, MATRIX_PANEL, matrix=matrix)
    who = [EVERYONE, WITH_CALLS, *([SEQUENCED] if upload.sequenced else [])]
    with two:
        chosen = st.radio(
            "Who was sequenced?",
            who,
            who.index(usual.who if usual.panel != MATRIX_PANEL else WITH_CALLS),
            key=f"{at}-who",
            format_func=WHO_WORDS.__getitem__,
            help="The others are not profiled.",
        )
    found = Profiling(chosen, panel)
    return replace(found, genes=_listed(at)) if panel == LIST_PANEL else found


def _listed(at: str) -> tuple[str, ...]:
    """The genes of the panel, pasted or uploaded."""
    text = st.text_area(
        "Genes of the panel", key=f"{at}-panel-genes", placeholder="ALK BRAF TP53", height=90
    )
    file = st.file_uploader("or a file of them", type=["txt", "csv", "tsv"], key=f"{at}-panel-file")
    if file is not None:
        uploaded = decode(file.getvalue(), Path(file.name))
        text = f"{text}\n{uploaded}"
    words = [w for w in re.split(r"[\s,;|\"']+", text or "") if w]
    genes = tuple(
        dict.fromkeys(
            w for w in words if re.fullmatch(r"[A-Za-z0-9][\w.\-@]*", w) and w != "gene_list:"
        )
    )
    left_out = len(dict.fromkeys(words)) - len(genes)
    note = f" {left_out} words that are no symbols were left out." if left_out else ""
    st.caption(f"{len(genes):,} genes.{note}")
    return genes
