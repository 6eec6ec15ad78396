"""Do the cohorts agree? Each cohort's hazard ratio, and what they say together."""

from __future__ import annotations

import streamlit as st

from core.analysis.agreement import Agreement
from core.charts import agreement as shown
from core.charts.funnel import MIN_COHORTS, funnel_figure
from core.ui import blocks, cached, state
from core.ui.exhibit import Exhibit

store, asked = state.store(), state.question()
title = f"Do the cohorts agree about {asked.subject}?"
st.title(title, anchor=False)


def ask(of: state.Question) -> Agreement:
    return cached.agreement(store, of.filters, of.stratifier, of.endpoint)


result = ask(asked)
blocks.answer(shown.answer(result))
blocks.sentence(result.sentence)
blocks.warnings(result.warnings)

show = Exhibit.of_result(store, title, result, again=ask)
show.figure(shown.cohorts_figure, lambda r: r.cohorts, key="agreement")
st.header("Each cohort", anchor=False)
blocks.table(shown.counts(result), text=["Method"])
if result.summary is not None:
    st.header("How far apart they are", anchor=False)
    blocks.table(shown.heterogeneity(result))
if len(result.leave_one_out):
    st.header("Without each cohort in turn", anchor=False)
    show.figure(shown.leave_one_out_figure, lambda r: r.leave_one_out, key="leave-one-out")
if result.summary is not None and len(result.estimated) >= MIN_COHORTS:
    st.header("Do small cohorts say something else?", anchor=False)
    st.markdown(shown.funnel_words(result))
    show.figure(funnel_figure, lambda r: r.estimated, key="funnel")
st.header("Where patients were lost", anchor=False)
blocks.flow(result.flow)
blocks.methods(result.methods)
