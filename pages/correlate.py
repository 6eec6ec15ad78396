"""How do two features or genes go together, in which tumour types, in which arm?"""

from __future__ import annotations

import streamlit as st

from core.analysis.tcga import applied_words, tcga_filters
from core.charts import scatter
from core.ui import blocks, cached, state, variable_choice

store, asked = state.store(), state.question()
st.title("How do two features go together?", anchor=False)
st.caption(applied_words(asked.filters))
x, y, partial = variable_choice.ask(store)
result = cached.correlation(store, tcga_filters(asked.filters), asked.stratifier, x, y, partial)
title = f"{result.x.name} and {result.y.name}"
blocks.answer(scatter.answer(result))
blocks.sentence(result.sentence)
blocks.warnings(result.warnings)

look, simulated = state.look(), store.simulated
source = f"Build {store.version}" + (", SIMULATED DATA" if simulated else "")
heading = (title, *blocks.wrapped(result.sentence), source)
blocks.explored(
    scatter.scatter_points(result, look, simulated=simulated),
    lambda look: scatter.scatter_figure(result, look, simulated=simulated, heading=heading),
    result.rows,
    name=scatter.name(result),
    description=f"{title}, one point per patient. {scatter.answer(result)}",
    simulated=simulated,
    key="scatter",
)
st.subheader("In each tumour type", anchor=False)
blocks.figure(
    scatter.by_type_figure(result, look, simulated=simulated),
    lambda look: scatter.by_type_figure(result, look, simulated=simulated, heading=heading),
    result.by_type,
    simulated=simulated,
    key="correlations",
)
blocks.methods(result.methods)
