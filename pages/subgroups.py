"""In whom? The gene's hazard ratio in every subgroup, and whether subgroups differ."""

from __future__ import annotations

import streamlit as st

from core.analysis.subgroups import Subgroups
from core.charts import subgroups as shown
from core.charts.forest import SELECTION
from core.ui import blocks, cached, state
from core.ui.exhibit import Exhibit

store, asked = state.store(), state.question()
title = f"In which patients does {asked.subject} matter?"
st.title(title, anchor=False)


def ask(of: state.Question) -> Subgroups:
    return cached.subgroups(store, of.filters, of.stratifier, of.endpoint, of.stratified)


result = ask(asked)
blocks.answer(shown.answer(result))
blocks.sentence(result.sentence)
blocks.sentence(shown.looked_at(result, state.count_looked_at(result.looked_at)))
blocks.warnings(result.warnings)

show = Exhibit.of_result(store, title, result, again=ask)
st.caption("Click a row to look at that subgroup alone, on every page.")
figure_key = state.figure_key("subgroups")
show.figure(
    shown.subgroups_figure,
    lambda r: r.table,
    key=figure_key,
    on_screen={"selectable": True},
    on_select=lambda: state.choose_subgroup(figure_key, SELECTION),
)
st.header("Do the subgroups differ?", anchor=False)
blocks.table(shown.tests(result))
st.header("Each subgroup", anchor=False)
blocks.table(shown.counts(result), text=["Method"])
st.header("Where patients were lost", anchor=False)
blocks.flow(result.flow)
blocks.methods(result.methods)
