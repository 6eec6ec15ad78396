"""Are mutant tumours more inflamed? Figure 5, immune subtypes, and gene sets of one's own."""

from __future__ import annotations

import streamlit as st

from core.analysis.composition import Composition
from core.analysis.immune_panels import EXTRINSIC, SUBTYPE
from core.analysis.immunity import PanelComparison
from core.analysis.tcga import applied_words, tcga_filters
from core.charts import composition as shown
from core.ui import blocks, cached, panel_view, pasted_sets, state
from core.ui.exhibit import Exhibit

OTHERS = {"subtypes": "Immune subtypes", "pasted": "A gene set of yours"}

store, asked = state.store(), state.question()
filters = tcga_filters(asked.filters)
title = panel_view.title(asked, "more inflamed")
st.title(title, anchor=False)
st.caption(applied_words(asked.filters))
key = panel_view.choose((*EXTRINSIC, *OTHERS), OTHERS)
if key == "subtypes":

    def ask_types(of: state.Question) -> Composition:
        return cached.composition(store, tcga_filters(of.filters), of.stratifier, SUBTYPE)

    result = ask_types(asked)
    blocks.answer(shown.answer(result))
    blocks.sentence(result.sentence)
    blocks.warnings(result.warnings)
    show = Exhibit.of_result(store, f"{title} Immune subtypes", result, again=ask_types)
    show.figure(shown.composition_figure, lambda r: r.rows, key="subtypes")
    blocks.table(shown.odds_table(result))
    st.header("Where patients were lost", anchor=False)
    blocks.flow(result.flow)
    blocks.methods(result.methods)
elif key == "pasted":
    pasted_sets.ask_and_show(store, filters, asked.stratifier, title)
else:

    def ask(of: state.Question) -> PanelComparison:
        return cached.immunity(store, tcga_filters(of.filters), of.stratifier, key)

    panel_view.show(ask(asked), store, title, ask)
