"""Does a mutation in this gene, or any other split, go with longer survival? Figures 1A-C."""

from __future__ import annotations

import streamlit as st

from core.analysis.proportionality import (
    hazard_over_time,
    proportional_p,
    proportionality,
    violated,
)
from core.analysis.response import AFTER_START, response_by_group
from core.analysis.survival import SurvivalComparison
from core.analysis.three_numbers import three_numbers
from core.charts import survival_tables as tables
from core.charts import time_tables
from core.charts.km import km_figure
from core.charts.theme import Look
from core.ui import blocks, cached, state

PANELS, POOLED = "Discovery, validation, pooled", "Pooled only"

store, asked = state.store(), state.question()
simulated, look = store.simulated, state.look()
title = tables.question(asked.subject, asked.endpoint, mutations=asked.stratifier.of_mutations)
st.title(title, anchor=False)
question = (store, asked.filters, asked.stratifier, asked.endpoint, asked.stratified)
state.check_many("view", "View", (PANELS, POOLED))
panelled = state.chosen("view", PANELS) != POOLED
found = cached.panels(*question) if panelled else None
result = found.pooled if found else cached.survival(*question)
blocks.answer(tables.answer(result))
blocks.sentence(result.sentence)
blocks.warnings(result.warnings)

with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    st.segmented_control(
        "View",
        (PANELS, POOLED),
        default=PANELS,
        required=True,
        key="view",
        bind="query-params",
        label_visibility="collapsed",
    )
    medians = st.toggle("Median lines", True, key="medians", bind="query-params")
    bands = st.toggle("Confidence bands", True, key="bands", bind="query-params")

source = f"Build {store.version}" + (", SIMULATED DATA" if simulated else "")


def curves(shown: SurvivalComparison, name: str, key: str) -> None:
    """One Kaplan-Meier figure with its downloads."""

    def drawn(look: Look, heading: tuple[str, ...] = ()) -> blocks.Figure:
        options = {"median_lines": medians, "bands": bands, "heading": heading}
        return km_figure(shown, look, simulated=simulated, **options)

    heading = (title, *blocks.wrapped(f"{name}. {result.sentence}"), source)
    blocks.figure(
        drawn(look), lambda look: drawn(look, heading), shown.rows, simulated=simulated, key=key
    )


if found and found.roles:
    with st.container(horizontal=True, key="panels", gap="medium"):
        for panel in found.all:
            with st.container(key=f"panel-{panel.name.lower()}"):
                st.markdown(f"**{panel.name}**")
                if panel.result is None:
                    st.info(panel.reason)
                else:
                    curves(panel.result, panel.name, f"km-{panel.name.lower()}")
else:
    curves(result, "All patients", "km")
if tables.pooling(result):
    st.caption(tables.pooling(result))


def how_strong() -> None:
    st.subheader("How strong", anchor=False)
    three = three_numbers(result)
    blocks.table(tables.ratios(result, three.table))
    blocks.warnings([three.disagreement] if three.disagreement else [])
    blocks.warnings(three.warnings)


def over_time() -> None:
    st.subheader("Over time", anchor=False)
    bound = state.check_number("tau", "Horizon", 1, 600)
    horizon = st.number_input(
        "Horizon of the mean (months)",
        1.0,
        600.0,
        None,
        format="%g",
        key="tau",
        bind=bound,
        placeholder="while 10 of each group are at risk",
        width=320,
    )
    test = proportionality(result, horizon)
    blocks.table(time_tables.restricted_means(test, result))
    blocks.table(time_tables.landmarks(test, result))
    blocks.warnings(test.warnings)
    if violated(constant) or st.toggle(
        "Hazard ratio over time", False, key="periods_shown", bind="query-params"
    ):
        periods()
    blocks.methods(test.methods)


def periods() -> None:
    parts = hazard_over_time(result)
    if len(result.order) > 2 or parts.hazard_ratio.isna().all():
        blocks.table(time_tables.periods(parts, result))
    else:

        def drawn(look: Look, heading: tuple[str, ...] = ()) -> blocks.Figure:
            return time_tables.periods_figure(
                parts, result, look, simulated=simulated, heading=heading
            )

        heading = (f"Hazard ratio over time: {title}", *blocks.wrapped(result.sentence), source)
        blocks.figure(
            drawn(look),
            lambda look: drawn(look, heading),
            parts,
            simulated=simulated,
            key="periods",
        )


constant = proportional_p(result)
blocks.sentence(time_tables.verdict(constant))
for section in (over_time, how_strong) if violated(constant) else (how_strong, over_time):
    section()
st.subheader("Each arm", anchor=False)
blocks.table(tables.arms(result))
withhold = not result.large_enough or result.corrected_p is not None
answered = response_by_group(
    result.rows, result.order, stratified=asked.stratified, withhold=withhold
)
if answered is not None and asked.stratifier.feature not in AFTER_START:
    st.subheader("Response to treatment", anchor=False)
    blocks.table(time_tables.responses(answered, result))
    blocks.sentence(time_tables.response_words(answered))
    blocks.warnings(answered.warnings)
st.subheader("Where patients were lost", anchor=False)
blocks.flow(result.flow)
blocks.methods(result.methods)
