"""How do two features or genes go together, in which tumour types, in which arm?"""

from __future__ import annotations

import streamlit as st

from core.analysis.correlation import Correlation
from core.analysis.tcga import applied_words, tcga_filters
from core.charts import scatter
from core.ui import blocks, cached, state, variable_choice
from core.ui.exhibit import Exhibit

store, asked = state.store(), state.question()
st.title("How do two features go together?", anchor=False)
st.caption(applied_words(asked.filters))
x, y, partial = variable_choice.ask(store)


def ask(of: state.Question) -> Correlation:
    return cached.correlation(store, tcga_filters(of.filters), of.stratifier, x, y, partial)


result = ask(asked)
title = f"{result.x.name} and {result.y.name}"
blocks.answer(scatter.answer(result))
blocks.sentence(result.sentence)
blocks.warnings(result.warnings)

show = Exhibit.of_result(store, title, result, again=ask)
show.explored(
    scatter.scatter_points,
    scatter.scatter_figure,
    lambda r: r.rows,
    name=scatter.name(result),
    description=f"{title}, one point per patient. {scatter.answer(result)}",
    key="scatter",
)
if words := scatter.not_drawn(result):
    st.caption(words)
st.header("In each tumour type", anchor=False)
show.figure(scatter.by_type_figure, lambda r: r.by_type, key="correlations")
blocks.methods(result.methods)
