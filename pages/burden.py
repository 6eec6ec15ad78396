"""Is it the gene, or the burden? Adjusted estimates, matched permutations, every other gene."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.analysis import burden_null
from core.analysis.burden import Burden
from core.analysis.gene_scan import MIN_MUTANT, place
from core.charts import burden as shown
from core.charts.volcano import SELECTION, gene_table, volcano_figure
from core.ui import blocks, cached, state
from core.ui.exhibit import Exhibit

store, asked = state.store(), state.question()
split = state.of_mutations(asked)  # burden is no rival of itself, nor of a clinical variable
if split is not asked.stratifier:
    blocks.sentence(f"This page is about mutations: shown for {asked.gene}.")
what = (store, asked.filters, split, asked.endpoint)
title = f"Is it {split.label}, or the burden?"
st.title(title, anchor=False)


def ask(of: state.Question) -> Burden:
    return cached.burden(store, of.filters, state.of_mutations(of), of.endpoint)


result = ask(asked)
with blocks.progress(f"Permuting {split.label} among patients of equal burden") as progress:
    null = cached.burden_null(*what, progress)
blocks.answer(shown.answer(result, null))
blocks.sentence(result.sentence)
blocks.warnings([*result.warnings, *null.warnings])
if not asked.stratified:
    st.caption("Patients are compared within their study here, whatever the switch says.")

show = Exhibit.of_result(store, title, result, again=ask, more_methods=burden_null.methods())
show.figure(shown.models_figure, lambda r: r.models, key="models")
st.header("What a gene mutated as often would show", anchor=False)
show.of(null).figure(partial(shown.null_figure, result), lambda n: n.table(), key="null")
st.header("How often it is mutated, by burden", anchor=False)
show.figure(shown.frequency_figure, lambda r: r.frequency, key="frequency")
st.header("Where patients were lost", anchor=False)
blocks.flow(result.flow)
blocks.methods(f"{result.methods} {burden_null.methods()}")

st.header("All genes", anchor=False)
scanned = cached.genes_scanned(store, asked.filters, split.classes, asked.endpoint)
blocks.sentence(shown.ranked(place(scanned, asked.gene), asked.gene, MIN_MUTANT))
adjusted = st.toggle("Adjusted for cancer type and TMB", True, key="adjusted", bind="query-params")
show.of(scanned, subtitle="All genes", methods=scanned.methods).figure(
    lambda found, look, **how: volcano_figure(found, asked.gene, look, adjusted=adjusted, **how),
    lambda found: found.table,
    key="volcano",
    on_select=partial(state.choose_gene, "volcano", SELECTION),
)
st.caption("A click on a gene, here or in the table, puts it in the sidebar.")
table = gene_table(scanned)
blocks.choosable(
    table, key="genes", on_select=partial(state.choose_row_gene, "genes", table.Gene.tolist())
)
blocks.methods(scanned.methods)
