"""Do the cohorts agree? Each cohort's hazard ratio, and what they say together."""

from __future__ import annotations

import streamlit as st

from core.charts import agreement as shown
from core.charts.funnel import MIN_COHORTS, funnel_figure
from core.ui import blocks, cached, state

store, asked = state.store(), state.question()
title = f"Do the cohorts agree about {asked.subject}?"
st.title(title, anchor=False)
result = cached.agreement(store, asked.filters, asked.stratifier, asked.endpoint)
blocks.answer(shown.answer(result))
blocks.sentence(result.sentence)
blocks.warnings(result.warnings)

look, simulated = state.look(), store.simulated
source = f"Build {store.version}" + (", SIMULATED DATA" if simulated else "")
heading = (title, *blocks.wrapped(result.sentence), source)
blocks.figure(
    shown.cohorts_figure(result, look, simulated=simulated),
    lambda look: shown.cohorts_figure(result, look, simulated=simulated, heading=heading),
    result.cohorts,
    simulated=simulated,
    key="agreement",
)
st.subheader("Each cohort", anchor=False)
blocks.table(shown.counts(result), text=["Method"])
if result.summary is not None:
    st.subheader("How far apart they are", anchor=False)
    blocks.table(shown.heterogeneity(result))
if len(result.leave_one_out):
    st.subheader("Without each cohort in turn", anchor=False)
    blocks.figure(
        shown.leave_one_out_figure(result, look, simulated=simulated),
        lambda look: shown.leave_one_out_figure(result, look, simulated=simulated, heading=heading),
        result.leave_one_out,
        simulated=simulated,
        key="leave-one-out",
    )
if result.summary is not None and len(result.estimated) >= MIN_COHORTS:
    st.subheader("Do small cohorts say something else?", anchor=False)
    st.markdown(shown.funnel_words(result))
    blocks.figure(
        funnel_figure(result, look, simulated=simulated),
        lambda look: funnel_figure(result, look, simulated=simulated, heading=heading),
        result.estimated,
        simulated=simulated,
        key="funnel",
    )
st.subheader("Where patients were lost", anchor=False)
blocks.flow(result.flow)
blocks.methods(result.methods)
