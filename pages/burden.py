"""Is it the gene, or the burden? Adjusted estimates, matched permutations, every other gene."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.analysis import burden_null
from core.analysis.gene_scan import MIN_MUTANT, place
from core.charts import burden as shown
from core.charts.volcano import SELECTION, gene_table, volcano_figure
from core.model import Stratifier
from core.ui import blocks, cached, state

store, asked = state.store(), state.question()
split = asked.stratifier
if not split.of_mutations:  # burden is no rival of itself, nor of a clinical variable
    split = Stratifier(genes=(asked.gene,), classes=split.classes)
    blocks.sentence(f"This page is about mutations: shown for {asked.gene}.")
what = (store, asked.filters, split, asked.endpoint)
title = f"Is it {split.label}, or the burden?"
st.title(title, anchor=False)
result = cached.burden(*what)
with blocks.progress(f"Permuting {split.label} among patients of equal burden") as progress:
    null = cached.burden_null(*what, progress)
blocks.answer(shown.answer(result, null))
blocks.sentence(result.sentence)
blocks.warnings([*result.warnings, *null.warnings])
if not asked.stratified:
    st.caption("Patients are compared within their study here, whatever the switch says.")

look, simulated = state.look(), store.simulated
source = f"Build {store.version}" + (", SIMULATED DATA" if simulated else "")
heading = (title, *blocks.wrapped(result.sentence), source)
blocks.figure(
    shown.models_figure(result, look, simulated=simulated),
    lambda look: shown.models_figure(result, look, simulated=simulated, heading=heading),
    result.models,
    simulated=simulated,
    key="models",
)
st.subheader("What a gene mutated as often would show", anchor=False)
blocks.figure(
    shown.null_figure(result, null, look, simulated=simulated),
    lambda look: shown.null_figure(result, null, look, simulated=simulated, heading=heading),
    null.table(),
    simulated=simulated,
    key="null",
)
st.subheader("How often it is mutated, by burden", anchor=False)
blocks.figure(
    shown.frequency_figure(result, look, simulated=simulated),
    lambda look: shown.frequency_figure(result, look, simulated=simulated, heading=heading),
    result.frequency,
    simulated=simulated,
    key="frequency",
)
st.subheader("Where patients were lost", anchor=False)
blocks.flow(result.flow)
blocks.methods(f"{result.methods} {burden_null.methods()}")

st.subheader("All genes", anchor=False)
scanned = cached.genes_scanned(store, asked.filters, split.classes, asked.endpoint)
blocks.sentence(shown.ranked(place(scanned, asked.gene), asked.gene, MIN_MUTANT))
adjusted = st.toggle("Adjusted for cancer type and TMB", True, key="adjusted", bind="query-params")
blocks.figure(
    volcano_figure(scanned, asked.gene, look, adjusted=adjusted, simulated=simulated),
    lambda look: volcano_figure(
        scanned, asked.gene, look, adjusted=adjusted, simulated=simulated, heading=heading
    ),
    scanned.table,
    simulated=simulated,
    key="volcano",
    on_select=partial(state.choose_gene, "volcano", SELECTION),
)
st.caption("A click on a gene, here or in the table, puts it in the sidebar.")
table = gene_table(scanned)
blocks.choosable(
    table, key="genes", on_select=partial(state.choose_row_gene, "genes", table.Gene.tolist())
)
blocks.methods(scanned.methods)
