"""Which studies are here, and whom do the filters keep? Table 1."""

from __future__ import annotations

import streamlit as st

from core.analysis.cohorts import CohortOverview
from core.charts import cohort_tables as tables
from core.charts.consort import consort_figure
from core.ui import blocks, cached, downloads, state
from core.ui.exhibit import Exhibit

store, asked = state.store(), state.question()
simulated = store.simulated
title = f"Which cohorts can speak about {asked.subject}?"
st.title(title, anchor=False)


def ask(of: state.Question) -> CohortOverview:
    return cached.cohorts(store, of.filters, of.stratifier, of.endpoint)


overview = ask(asked)
blocks.sentence(overview.sentence)
blocks.table(tables.counts(overview), text=["Role"], total=True)
downloads.rows_as_csv(overview.table, "cohorts", simulated=simulated, key="cohort-rows")

st.header("From the store to the analysis", anchor=False)
show = Exhibit.of_result(store, title, overview, again=ask)
with st.container(width=640 if state.held() is None else "stretch"):
    show.figure(consort_figure, lambda r: r.flow, key="flow")
st.header("What was treated and how it was sequenced", anchor=False)
described = tables.descriptions(overview)
blocks.table(described, text=described.columns)
st.header("What is missing", anchor=False)
blocks.table(tables.missing(overview))
if caveats := tables.caveats(overview):
    st.header("What to bear in mind", anchor=False)
    blocks.points(caveats)
st.header("Where the data come from", anchor=False)
blocks.points(tables.citations(overview))
if len(files := tables.files(overview)):
    with st.expander(f"All {len(files)} files, with date and hash"):
        blocks.table(files, text=files.columns)
        downloads.rows_as_csv(overview.sources, "sources", simulated=simulated, key="source-rows")
