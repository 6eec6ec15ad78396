"""Does the gene go with survival without ICI? TCGA's four endpoints, type by type. Figure 3C."""

from __future__ import annotations

import streamlit as st

from core.analysis.tcga import TCGA, applied_words
from core.analysis.tcga_survival import ENDPOINTS
from core.charts import tcga_tables as tables
from core.charts.km import km_figure
from core.charts.theme import Look
from core.ui import blocks, cached, state
from core.ui.messages import escaped

store, asked = state.store(), state.question()
subject = f"a mutation in {asked.subject}" if asked.stratifier.of_mutations else asked.subject
title = f"Does {subject} go with survival without ICI?"
st.title(title, anchor=False)
st.caption(applied_words(asked.filters))

options = store.source_tumor_types(TCGA).tumor_type_source.tolist()
state.check_many("tcga_type", "TCGA types", options)
state.keep_known("tcga_type", options)
types = st.multiselect(
    "TCGA types",
    options,
    key="tcga_type",
    bind="query-params",
    placeholder=f"all {len(options)}",
    help="TCGA's own abbreviations; the sidebar's tumour types are broader and apply as well.",
)
left, right = st.columns(2)
state.check_switch("naive", "Naive")
state.check_switch("advised", "Only advised endpoints")
naive = left.toggle(
    "Naive: all tumour types as one",
    False,
    key="naive",
    bind="query-params",
    help="Off: each patient is compared with patients of the same TCGA tumour type.",
)
advised = right.toggle(
    "Leave out types where an endpoint is not advised",
    False,
    key="advised",
    bind="query-params",
)
result = cached.tcga_survival(
    store, asked.filters, asked.stratifier, tuple(types), not naive, advised
)
blocks.answer(tables.answer(result))
blocks.sentence(result.sentence)
blocks.warnings(result.warnings)


def ratios(look: Look, heading: tuple[str, ...] = ()) -> blocks.Figure:
    return tables.endpoints_figure(result, look, simulated=store.simulated, heading=heading)


blocks.figure(
    ratios(state.look()),
    lambda look: ratios(look, (title, *blocks.wrapped(result.sentence))),
    result.ratios,
    simulated=store.simulated,
    key="endpoints",
)
blocks.table(tables.sizes_table(result))

st.subheader("Four endpoints side by side", anchor=False)
places = [*st.columns(2, gap="large"), *st.columns(2, gap="large")]
for place, endpoint in zip(places, ENDPOINTS, strict=True):
    with place:
        st.markdown(f"**{escaped(tables.endpoint_name(endpoint))}**")
        if endpoint not in result.comparisons:
            st.info(escaped(f"No comparison: {result.missing[endpoint]}"))
            continue
        found = result.comparisons[endpoint]
        st.markdown(
            " ".join(
                f":{'gray' if a.startswith('not') else 'blue'}-badge[{tables.SIGNS[a]} {a} in {n}]"
                for a, n in tables.badge(result, endpoint)
            )
        )

        def drawn(look: Look, heading: tuple[str, ...] = (), found=found) -> blocks.Figure:
            return km_figure(found, look, simulated=store.simulated, heading=heading)

        blocks.figure(
            drawn(state.look()),
            lambda look, drawn=drawn, found=found: drawn(
                look, (title, *blocks.wrapped(found.sentence))
            ),
            found.rows,
            simulated=store.simulated,
            key=f"km-{endpoint}",
        )
        if words := tables.left_out(result, endpoint):
            st.caption(words)

st.subheader("By tumour type", anchor=False)
state.check_many("by_endpoint", "Endpoint by type", list(result.comparisons))
state.keep_known("by_endpoint", list(result.comparisons))
chosen = st.segmented_control(
    "Endpoint by type",
    list(result.comparisons),
    default=list(result.comparisons)[-1],
    required=True,
    key="by_endpoint",
    bind="query-params",
)
endpoint = chosen or list(result.comparisons)[-1]
forest = tables.types_figure(result, endpoint, state.look(), simulated=store.simulated)
if forest is None:
    st.info("No tumour type is large enough for an estimate of its own.")
else:
    blocks.figure(
        forest,
        lambda look: tables.types_figure(
            result, endpoint, look, simulated=store.simulated, heading=(f"{title} {endpoint}",)
        ),
        result.by_type[result.by_type.endpoint == endpoint],
        simulated=store.simulated,
        key="types",
    )
    blocks.sentence(tables.heterogeneity(result, endpoint))
st.caption(escaped(tables.too_small(result, endpoint)))
with st.expander("Which endpoint for which tumour type"):
    st.markdown(
        "Derived by rule from the notes and event counts of TCGA-CDR's workbook (Liu 2018), not "
        "copied from its table of recommendations: no event, not available; under 10 events, not "
        "recommended; 10 to 29, caution; disease-specific survival is approximated in most types."
    )
    advice = tables.advice_table(result)
    blocks.table(advice, text=advice.columns)
blocks.methods(result.methods)
