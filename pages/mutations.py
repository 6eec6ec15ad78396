"""Where is the gene mutated: in which tumours, where along the protein, with which genes? 3A, B."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from core.analysis.comutation import CoMutation
from core.analysis.mutations import SOURCES, MutationFrequency, ProteinMap, mutation_question
from core.analysis.tcga import applied_words
from core.charts import comutation as together
from core.charts import frequency as often
from core.charts import lollipop as along
from core.charts.figure import Figure
from core.charts.theme import Look
from core.model import NotEnoughData, Split, Stratifier
from core.ui import blocks, cached, downloads, state
from core.ui.exhibit import Exhibit
from core.ui.messages import escaped, show_error

store, asked = state.store(), state.question()
stratifier = mutation_question(asked.stratifier, asked.gene)
name = stratifier.label
st.title(f"Where is {name} mutated?", anchor=False)
st.caption(applied_words(asked.filters))
if asked.stratifier.kind not in (Split.MUTATION, Split.PAIR):
    st.caption(escaped(f"Patients are split by {asked.subject} elsewhere; here by {asked.gene}."))

st.header("How often, by tumour type", anchor=False)
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


def split_of(of: state.Question) -> Stratifier:
    return mutation_question(of.stratifier, of.gene)


def ask_frequency(of: state.Question) -> MutationFrequency:
    return cached.mutation_frequency(store, of.filters, split_of(of), by or "tumor_type")


counted = ask_frequency(asked)
show = Exhibit.of_result(store, f"Where is {name} mutated?", counted, again=ask_frequency)
blocks.sentence(counted.sentence)
for note in counted.warnings:
    st.caption(note)
for place, source in zip(st.columns(2, gap="large"), SOURCES, strict=True):
    if source not in set(counted.table.source):
        continue

    def drawn(found: MutationFrequency, look: Look, source: str = source, **how: Any) -> Figure:
        return often.frequency_figure(found, source, look, sort=sort or "frequency", **how)

    with place:
        st.markdown(f"**{source}**")
        replace(show, subtitle=source).figure(
            drawn,
            lambda r, source=source: r.table[r.table.source == source],
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
st.header(f"Where along the protein of {gene}", anchor=False)


def ask_map(of: state.Question) -> ProteinMap:
    """Of the protein that is shown, or, of another question, of its gene."""
    split = split_of(of)
    one = gene if gene in split.genes else split.genes[0]
    return cached.protein_map(store, of.filters, replace(split, genes=(one,), name=""))


try:
    protein = ask_map(asked)
except NotEnoughData as error:
    show_error(error)
else:
    blocks.sentence(protein.sentence)
    blocks.warnings(protein.warnings)
    end = max(protein.length, 2)
    bound = state.check_number(f"residues_{protein.gene}", "Residues", 1, end)
    window = st.slider("Residues", 1, end, (1, end), key=f"residues_{protein.gene}", bind=bound)

    def along_protein(found: ProteinMap, look: Look, **how: Any) -> Figure:
        """The window is of this gene's residues; another gene is shown whole."""
        shown = window if found.gene == protein.gene else (1, max(found.length, 2))
        return along.lollipop_figure(found, look, window=shown, **how)

    where_hit = f"Where along the protein is {protein.gene} mutated?"
    Exhibit.of_result(store, where_hit, protein, again=ask_map).figure(
        along_protein, lambda r: r.calls, key="lollipop"
    )
    st.caption(
        "Red ticks under the protein: known hotspots. Drag to move, Ctrl and wheel (or pinch) to "
        "zoom, double click for the whole protein."
    )
    blocks.table(along.class_table(protein))
    listed = along.variant_table(protein)
    st.dataframe(listed, hide_index=True, height=320, width="stretch")
    downloads.rows_as_csv(
        listed, f"variants-{protein.gene}", simulated=store.simulated, key="variants"
    )
    blocks.methods(protein.methods)

st.header(f"Which genes are mutated together with {name}, or apart from it", anchor=False)
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


def ask_pairs(of: state.Question) -> CoMutation:
    return cached.comutation(store, of.filters, split_of(of), where or "tcga")


try:
    pairs = ask_pairs(asked)
except NotEnoughData as error:
    show_error(error)
else:
    blocks.answer(together.answer(pairs))
    blocks.sentence(pairs.sentence + ". " + together.inflation_words(pairs))
    blocks.warnings(pairs.warnings)

    with_which = f"Which genes are mutated together with {name}, or apart from it?"
    Exhibit.of_result(store, with_which, pairs, again=ask_pairs).figure(
        together.comutation_figure, lambda r: r.table, key="co-mutation"
    )
    st.dataframe(
        together.comutation_table(pairs),
        hide_index=True,
        height=320,
        width="stretch",
        column_config={c: st.column_config.NumberColumn(format="%.2e") for c in ("p", "q")},
    )
    blocks.methods(pairs.methods)
