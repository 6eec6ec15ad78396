"""Does a mutation in this gene, or any other split, go with longer survival? Figures 1A-C."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.analysis.proportionality import (
    hazard_over_time,
    proportional_p,
    proportionality,
    violated,
)
from core.analysis.response import AFTER_START, response_by_group
from core.analysis.survival import SurvivalComparison
from core.analysis.survival_panels import Panels
from core.analysis.three_numbers import three_numbers
from core.charts import survival_tables as tables
from core.charts import time_tables
from core.charts.km import km_figure
from core.model import NotEnoughData
from core.ui import blocks, cached, state
from core.ui.exhibit import Exhibit

PANELS, POOLED = "Discovery, validation, pooled", "Pooled only"

store, asked = state.store(), state.question()
title = tables.question(asked.subject, asked.endpoint, mutations=asked.stratifier.of_mutations)
st.title(title, anchor=False)


def ask(of: state.Question) -> tuple[Panels | None, SurvivalComparison]:
    """All panels where they are shown, and the pooled comparison."""
    question = (store, of.filters, of.stratifier, of.endpoint, of.stratified)
    found = cached.panels(*question) if panelled else None
    return found, found.pooled if found else cached.survival(*question)


state.check_many("view", "View", (PANELS, POOLED))
panelled = state.chosen("view", PANELS) != POOLED
found, result = ask(asked)
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

show = Exhibit.of_result(store, title, result)


def curves(shown: SurvivalComparison, name: str, key: str) -> None:
    """One Kaplan-Meier figure; its twin is the same panel of another question."""

    def again(of: state.Question) -> SurvivalComparison:
        panels, pooled = ask(of)
        panel = next((p for p in panels.all if p.name == name), None) if panels else None
        if panel is not None and panel.result is None:
            raise NotEnoughData(f"{name}: {panel.reason}")
        return pooled if panel is None else panel.result

    replace(show.of(shown, subtitle=name), again=again).figure(
        km_figure,
        tables.survival_numbers,
        rows=lambda r: r.rows,
        key=key,
        median_lines=medians,
        bands=bands,
    )


if found and found.roles:
    side_by_side = state.held() is None  # beside another question each panel takes the width
    with st.container(horizontal=side_by_side, key="panels", gap="medium"):
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
    st.header("How strong", anchor=False)
    three = cached.once(result, ("three numbers",), lambda: three_numbers(result))
    blocks.table(tables.ratios(result, three.table))
    blocks.warnings([three.disagreement] if three.disagreement else [])
    blocks.warnings(three.warnings)


def over_time() -> None:
    st.header("Over time", anchor=False)
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
    test = cached.once(
        result, ("proportionality", horizon), lambda: proportionality(result, horizon)
    )
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
        show.of(parts, subtitle="Hazard ratio over time").figure(
            lambda found, look, **how: time_tables.periods_figure(found, result, look, **how),
            lambda found: found,
            key="periods",
        )


constant = cached.once(result, ("proportional p",), lambda: proportional_p(result))
blocks.sentence(time_tables.verdict(constant))
for section in (over_time, how_strong) if violated(constant) else (how_strong, over_time):
    section()
st.header("Each arm", anchor=False)
blocks.table(tables.arms(result))
withhold = not result.large_enough or result.corrected_p is not None
answered = response_by_group(
    result.rows, result.order, stratified=asked.stratified, withhold=withhold
)
if answered is not None and asked.stratifier.feature not in AFTER_START:
    st.header("Response to treatment", anchor=False)
    blocks.table(time_tables.responses(answered, result))
    blocks.sentence(time_tables.response_words(answered))
    blocks.warnings(answered.warnings)
st.header("Where patients were lost", anchor=False)
blocks.flow(result.flow)
blocks.methods(result.methods)
