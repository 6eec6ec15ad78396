"""Which studies are here, and whom do the filters keep? Table 1."""

from __future__ import annotations

import streamlit as st

from core.charts import cohort_tables as tables
from core.charts.consort import consort_figure
from core.ui import blocks, cached, state

store, asked = state.store(), state.question()
simulated = store.simulated
title = f"Which cohorts can speak about {asked.subject}?"
st.title(title, anchor=False)
overview = cached.cohorts(store, asked.filters, asked.stratifier, asked.endpoint)
blocks.sentence(overview.sentence)
blocks.table(tables.counts(overview), text=["Role"], total=True)
blocks.rows_download(overview.table, "cohorts", simulated=simulated, key="cohort-rows")

st.subheader("From the store to the analysis", anchor=False)
source = f"Build {store.version}" + (", SIMULATED DATA" if simulated else "")
heading = (title, *blocks.wrapped(overview.sentence), source)
with st.container(width=640):
    blocks.figure(
        consort_figure(overview, state.look(), simulated=simulated),
        lambda look: consort_figure(overview, look, simulated=simulated, heading=heading),
        overview.flow,
        simulated=simulated,
        key="flow",
    )
st.subheader("What was treated and how it was sequenced", anchor=False)
described = tables.descriptions(overview)
blocks.table(described, text=described.columns)
st.subheader("What is missing", anchor=False)
blocks.table(tables.missing(overview))
if caveats := tables.caveats(overview):
    st.subheader("What to bear in mind", anchor=False)
    blocks.points(caveats)
st.subheader("Where the data come from", anchor=False)
blocks.points(tables.citations(overview))
if len(files := tables.files(overview)):
    with st.expander(f"All {len(files)} files, with date and hash"):
        blocks.table(files, text=files.columns)
        blocks.rows_download(overview.sources, "sources", simulated=simulated, key="source-rows")
