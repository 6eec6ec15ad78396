"""Are mutant tumours more inflamed? Figure 5, immune subtypes, and gene sets of one's own."""

from __future__ import annotations

import streamlit as st

from core.analysis.immune_panels import EXTRINSIC, SUBTYPE
from core.analysis.tcga import applied_words, tcga_filters
from core.charts import composition as shown
from core.ui import blocks, cached, panel_view, pasted_sets, state

OTHERS = {"subtypes": "Immune subtypes", "pasted": "A gene set of yours"}

store, asked = state.store(), state.question()
filters = tcga_filters(asked.filters)
title = panel_view.title(asked, "more inflamed")
st.title(title, anchor=False)
st.caption(applied_words(asked.filters))
key = panel_view.choose((*EXTRINSIC, *OTHERS), OTHERS)
if key == "subtypes":
    result = cached.composition(store, filters, asked.stratifier, SUBTYPE)
    blocks.answer(shown.answer(result))
    blocks.sentence(result.sentence)
    blocks.warnings(result.warnings)
    source = f"Build {store.version}" + (", SIMULATED DATA" if store.simulated else "")
    heading = (f"{title} Immune subtypes", *blocks.wrapped(result.sentence), source)
    blocks.figure(
        shown.composition_figure(result, state.look(), simulated=store.simulated),
        lambda look: shown.composition_figure(
            result, look, simulated=store.simulated, heading=heading
        ),
        result.rows,
        simulated=store.simulated,
        key="subtypes",
    )
    blocks.table(shown.odds_table(result))
    blocks.methods(result.methods)
elif key == "pasted":
    pasted_sets.ask_and_show(store, filters, asked.stratifier, title)
else:
    panel_view.show(cached.immunity(store, filters, asked.stratifier, key), store, title)
