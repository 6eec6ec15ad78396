"""Every gene, everywhere: which genes go with survival in which tumours, all looks counted."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.analysis.atlas import ENDPOINTS, SETTINGS, methods, of_gene
from core.analysis.atlas_file import COMMAND
from core.charts import atlas as shown
from core.model import NotEnoughData
from core.ui import blocks, cached, downloads, state
from core.ui.exhibit import Exhibit

store, asked = state.store(), state.question()
title = "Every gene, everywhere"
st.title(title, anchor=False)
st.caption(
    "Each gene in each tumour type, for all patients of the store: of what stands at the left only "
    "the gene applies here."
)
atlas = cached.atlas(store)
if atlas is None:
    raise NotEnoughData(
        "The atlas of this build has not been made yet.",
        expected="scans of every gene in every tumour type, made once for each build",
        found="none",
        remedy=f"Run `{COMMAND}` on the server: it uses all cores, or a Dask cluster, and takes "
        "minutes. This page then shows it by itself.",
    )

left, middle, right = st.columns([2, 2, 2], vertical_alignment="bottom")
known = [s for s in SETTINGS if s in set(atlas.genes.setting)]
state.check_many("setting", "Patients", [SETTINGS[s] for s in known])
setting = left.segmented_control(
    "Patients",
    known,
    default=known[0],
    required=True,
    key="setting",
    bind="query-params",
    format_func=SETTINGS.__getitem__,
)
setting = setting or known[0]
held = set(atlas.genes.endpoint[atlas.genes.setting == setting])
options = [str(e) for e in ENDPOINTS[setting] if e in held]
state.check_many("look_endpoint", "Endpoint of the scans", options)
state.keep_known("look_endpoint", options)
endpoint = middle.segmented_control(
    "Endpoint of the scans",
    options,
    default=options[0],
    required=True,
    key="look_endpoint",
    bind="query-params",
)
state.check_switch("adjusted", "Adjusted")
adjusted = right.toggle(
    "Adjusted for cancer type and TMB", True, key="adjusted", bind="query-params"
)
view = cached.atlas_view(store, setting, endpoint or options[0], asked.gene, adjusted)
blocks.answer(shown.answer(view))
blocks.sentence(shown.about_gene(view, asked.gene))

show = Exhibit(store, title, view, shown.answer(view), methods(setting, adjusted))
show.figure(
    lambda found, look, **how: shown.atlas_figure(found, asked.gene, look, **how),
    lambda found: found.cells,
    key="atlas",
    on_select=partial(state.choose_gene, "atlas", shown.SELECTION),
)
st.caption(
    "Empty: too few mutant patients for a test. A click on a cell, or on a row of the table, puts "
    "the gene in the sidebar."
)
table = shown.ranked_table(view)
blocks.choosable(
    table, key="ranked", on_select=partial(state.choose_row_gene, "ranked", table.Gene.tolist())
)
if len(view.ranked) > len(table):
    st.caption(f"The first {len(table):,} of {len(view.ranked):,} genes; the file has all.")
downloads.rows_as_csv(
    view.ranked, f"atlas-{setting}-{endpoint}", simulated=store.simulated, key="all"
)

st.header(f"Every look at {asked.gene}", anchor=False)
rows = of_gene(atlas, asked.gene)
if len(rows):
    blocks.table(shown.gene_table(rows), text=("Patients", "Endpoint"))
else:
    st.info("Too few mutant patients in every tumour type.", icon=":material/group_off:")
with st.expander(f"Where nothing could be tested ({len(view.silent)})"):
    blocks.points((str(r["tumor_type"]), str(r["why"])) for r in view.silent.to_dict("records"))
blocks.methods(methods(setting, adjusted))
