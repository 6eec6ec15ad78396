"""Where is the gene mutated: in which tumours, where along the protein, with which genes? 3A, B."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.analysis.mutations import SOURCES, mutation_question
from core.analysis.tcga import applied_words
from core.charts import comutation as together
from core.charts import frequency as often
from core.charts import lollipop as along
from core.charts.theme import Look
from core.model import NotEnoughData, Split
from core.ui import blocks, cached, state
from core.ui.messages import escaped, show_error

store, asked = state.store(), state.question()
stratifier = mutation_question(asked.stratifier, asked.gene)
name = stratifier.label
st.title(f"Where is {name} mutated?", anchor=False)
st.caption(applied_words(asked.filters))
if asked.stratifier.kind not in (Split.MUTATION, Split.PAIR):
    st.caption(escaped(f"Patients are split by {asked.subject} elsewhere; here by {asked.gene}."))

st.subheader("How often, by tumour type", anchor=False)
left, right = st.columns(2)
ICI_BY = {"tumor_type": "tumour type", "cohort_id": "study"}
state.check_many("sort", "Sort by", list(often.SORTS.values()))
state.check_many("ici_by", "ICI patients by", list(ICI_BY.values()))
sort = left.segmented_control(
    "Sort by",
    list(often.SORTS),
    default="frequency",
    required=True,
    key="sort",
    bind="query-params",
    format_func=often.SORTS.__getitem__,
)
by = right.segmented_control(
    "ICI patients by",
    list(ICI_BY),
    default="tumor_type",
    required=True,
    key="ici_by",
    bind="query-params",
    format_func=ICI_BY.__getitem__,
)
counted = cached.mutation_frequency(store, asked.filters, stratifier, by or "tumor_type")
blocks.sentence(counted.sentence)
for note in counted.warnings:
    st.caption(note)
for place, source in zip(st.columns(2, gap="large"), SOURCES, strict=True):
    if source not in set(counted.table.source):
        continue

    def drawn(look: Look, heading: tuple[str, ...] = (), source: str = source) -> blocks.Figure:
        return often.frequency_figure(
            counted,
            source,
            look,
            simulated=store.simulated,
            sort=sort or "frequency",
            heading=heading,
        )

    with place:
        st.markdown(f"**{source}**")
        blocks.figure(
            drawn(state.look()),
            lambda look, drawn=drawn, source=source: drawn(look, (f"{name} mutations, {source}",)),
            counted.table[counted.table.source == source],
            simulated=store.simulated,
            key=f"frequency-{source.split()[0].lower()}",
        )
with st.expander("As tables"):
    for source in counted.table.source.unique():
        st.markdown(f"**{source}**")
        blocks.table(often.frequency_table(counted, source, sort or "frequency"))
blocks.methods(counted.methods)

gene = stratifier.genes[0]
if len(stratifier.genes) > 1:
    state.check_many("protein", "Protein", stratifier.genes)
    state.keep_known("protein", stratifier.genes)
    gene = st.selectbox("Protein", stratifier.genes, key="protein", bind="query-params") or gene
st.subheader(f"Where along the protein of {gene}", anchor=False)
try:
    single = replace(stratifier, genes=(gene,), name="")
    protein = cached.protein_map(store, asked.filters, single)
except NotEnoughData as error:
    show_error(error)
else:
    blocks.sentence(protein.sentence)
    blocks.warnings(protein.warnings)
    end = max(protein.length, 2)
    state.check_number(f"residues_{protein.gene}", "Residues", 1, end)
    window = st.slider(
        "Residues", 1, end, (1, end), key=f"residues_{protein.gene}", bind="query-params"
    )

    def pinned(look: Look, heading: tuple[str, ...] = ()) -> blocks.Figure:
        return along.lollipop_figure(
            protein, look, simulated=store.simulated, window=window, heading=heading
        )

    blocks.figure(
        pinned(state.look()),
        lambda look: pinned(look, (protein.gene, *blocks.wrapped(protein.sentence))),
        protein.calls,
        simulated=store.simulated,
        key="lollipop",
    )
    st.caption(
        "Red ticks under the protein: known hotspots. Drag to move, Ctrl and wheel (or pinch) to "
        "zoom, double click for the whole protein."
    )
    blocks.table(along.class_table(protein))
    listed = along.variant_table(protein)
    st.dataframe(listed, hide_index=True, height=320, width="stretch")
    blocks.rows_download(
        listed, f"variants-{protein.gene}", simulated=store.simulated, key="variants"
    )
    blocks.methods(protein.methods)

st.subheader(f"Which genes are mutated together with {name}, or apart from it", anchor=False)
WHOSE = dict(zip(("tcga", "ici"), SOURCES, strict=True))
state.check_many("together", "Patients of", list(WHOSE.values()))
where = st.segmented_control(
    "Patients of",
    list(WHOSE),
    default="tcga",
    required=True,
    key="together",
    bind="query-params",
    format_func=WHOSE.__getitem__,
)
try:
    pairs = cached.comutation(store, asked.filters, stratifier, where or "tcga")
except NotEnoughData as error:
    show_error(error)
else:
    blocks.answer(together.answer(pairs))
    blocks.sentence(pairs.sentence + ". " + together.inflation_words(pairs))
    blocks.warnings(pairs.warnings)

    def forest(look: Look, heading: tuple[str, ...] = ()) -> blocks.Figure:
        return together.comutation_figure(pairs, look, simulated=store.simulated, heading=heading)

    blocks.figure(
        forest(state.look()),
        lambda look: forest(look, (together.answer(pairs), *blocks.wrapped(pairs.sentence))),
        pairs.table,
        simulated=store.simulated,
        key="co-mutation",
    )
    st.dataframe(
        together.comutation_table(pairs),
        hide_index=True,
        height=320,
        width="stretch",
        column_config={c: st.column_config.NumberColumn(format="%.2e") for c in ("p", "q")},
    )
    blocks.methods(pairs.methods)
