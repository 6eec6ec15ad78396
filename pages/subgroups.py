"""In whom? The gene's hazard ratio in every subgroup, and whether subgroups differ."""

from __future__ import annotations

import streamlit as st

from core.charts import subgroups as shown
from core.charts.forest import SELECTION
from core.ui import blocks, cached, state

store, asked = state.store(), state.question()
title = f"In which patients does {asked.subject} matter?"
st.title(title, anchor=False)
result = cached.subgroups(store, asked.filters, asked.stratifier, asked.endpoint, asked.stratified)
blocks.answer(shown.answer(result))
blocks.sentence(result.sentence)
blocks.sentence(shown.looked_at(result, state.count_looked_at(result.looked_at)))
blocks.warnings(result.warnings)

look, simulated = state.look(), store.simulated
source = f"Build {store.version}" + (", SIMULATED DATA" if simulated else "")
heading = (title, *blocks.wrapped(result.sentence), source)
st.caption("Click a row to look at that subgroup alone, on every page.")
figure_key = state.figure_key("subgroups")
blocks.figure(
    shown.subgroups_figure(result, look, simulated=simulated, selectable=True),
    lambda look: shown.subgroups_figure(result, look, simulated=simulated, heading=heading),
    result.table,
    simulated=simulated,
    key=figure_key,
    on_select=lambda: state.choose_subgroup(figure_key, SELECTION),
)
st.subheader("Do the subgroups differ?", anchor=False)
blocks.table(shown.tests(result), text=["Levels compared"])
st.subheader("Each subgroup", anchor=False)
blocks.table(shown.counts(result), text=["Method"])
st.subheader("Where patients were lost", anchor=False)
blocks.flow(result.flow)
blocks.methods(result.methods)
