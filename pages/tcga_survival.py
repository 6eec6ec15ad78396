"""Does the gene go with survival without ICI? TCGA's four endpoints, type by type. Figure 3C."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.analysis.survival import SurvivalComparison
from core.analysis.tcga import TCGA, applied_words
from core.analysis.tcga_survival import ENDPOINTS, TcgaSurvival
from core.charts import tcga_tables as tables
from core.charts.km import km_figure
from core.charts.survival_tables import survival_numbers
from core.model import NotEnoughData
from core.ui import blocks, cached, state
from core.ui.exhibit import Exhibit
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


def ask(of: state.Question) -> TcgaSurvival:
    return cached.tcga_survival(store, of.filters, of.stratifier, tuple(types), not naive, advised)


result = ask(asked)
show = Exhibit.of_result(store, title, result, again=ask)
blocks.answer(tables.answer(result))
blocks.sentence(result.sentence)
blocks.warnings(result.warnings)
show.figure(tables.endpoints_figure, lambda r: r.ratios, key="endpoints")
blocks.table(tables.sizes_table(result))

st.header("Four endpoints side by side", anchor=False)
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

        def of_endpoint(of: state.Question, endpoint: str = endpoint) -> SurvivalComparison:
            other = ask(of)
            if endpoint not in other.comparisons:
                raise NotEnoughData(f"No comparison of {endpoint}: {other.missing[endpoint]}")
            return other.comparisons[endpoint]

        named = show.of(found, subtitle=tables.endpoint_name(endpoint), sentence=found.sentence)
        replace(named, again=of_endpoint).figure(
            km_figure, survival_numbers, rows=lambda r: r.rows, key=f"km-{endpoint}"
        )
        if words := tables.left_out(result, endpoint):
            st.caption(words)

st.header("By tumour type", anchor=False)
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
if tables.types_figure(result, endpoint, state.look(), simulated=store.simulated) is None:
    st.info("No tumour type is large enough for an estimate of its own.")
else:
    show.of(result, subtitle=f"By tumour type, {endpoint}").figure(
        lambda r, look, **how: tables.types_figure(r, endpoint, look, **how),
        lambda r: r.by_type[r.by_type.endpoint == endpoint],
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
