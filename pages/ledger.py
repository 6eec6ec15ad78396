"""Every number that the paper prints, beside the same number on the loaded data."""

from __future__ import annotations

import streamlit as st

from core.charts import ledger_tables as tables
from core.ui import blocks, cached, downloads, state
from core.ui.messages import escaped

st.title("Are the paper's numbers found again?", anchor=False)
store = state.store()
if state.own() is not None:
    store = cached.current_store().store
    st.info("The paper's numbers stand beside the loaded cohorts; your own cohort has no part.")
result = cached.ledger(store)
blocks.answer(tables.answer(result))
st.caption(
    "Each row takes the patients and the gene that the paper names; the filters at the left do "
    "not change it."
)
if result.contradictions:
    st.info(escaped(" ".join(result.contradictions)), icon=":material/calculate:")

options = tables.verdicts(result)
state.check_many("verdict", "Verdict", options)
state.keep_known("verdict", options)
chosen = st.pills(
    "Show only",
    options,
    selection_mode="multi",
    key="verdict",
    bind="query-params",
)
for title, table in tables.sections(result, tuple(chosen or ())):
    st.header(title, anchor=False)
    blocks.table(table, text=table.columns)
downloads.rows_as_csv(result.numbers, "ledger", simulated=store.simulated, key="ledger-rows")
with st.expander("What counts as a match"):
    st.markdown(escaped(result.rule))
    st.code("python -m core.report ledger --json", language="bash")
