"""A gene set that a researcher pastes: the form, the scoring with a bar, the comparison."""

from __future__ import annotations

import streamlit as st

from core.analysis.gene_set_scores import parse_gene_sets
from core.model import Filters, Stratifier
from core.store import Store
from core.ui import blocks, cached, panel_view

EXAMPLE = "CD8A, CD8B, GZMA, GZMB, PRF1"


def ask_and_show(store: Store, filters: Filters, stratifier: Stratifier, title: str) -> None:
    """Ask for a list or a GMT, score it by ssGSEA over the whole matrix, compare the arms.

    Raises BadInput for a text that is no gene set, NotEnoughData without expression.
    """
    with st.form("gene_sets", border=False):
        text = st.text_area(
            "Gene symbols, or the lines of a GMT file",
            key="pasted_sets",
            placeholder=EXAMPLE,
            help="Symbols separated by commas, spaces or lines; or GMT: name, description, genes, "
            "separated by tabs.",
        )
        st.form_submit_button("Score by ssGSEA", icon=":material/calculate:", type="primary")
    if not text.strip():
        st.caption("Every sample of the expression matrix is scored; the filters come afterwards.")
        return
    sets = parse_gene_sets(text)
    with blocks.progress("Scoring every sample") as told:
        scores, result = cached.pasted_sets(
            store, filters, stratifier, sets, lambda _, done: told(done)
        )
    blocks.warnings(scores.warnings)
    panel_view.show(result, store, title)
