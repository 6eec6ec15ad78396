"""Predictive or prognostic? The same contrast with and without ICI, and in randomised arms."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.analysis.setting import MIN_MUTANT, TREATED, UNTREATED
from core.charts import setting as shown
from core.charts.km import km_figure
from core.charts.theme import Look
from core.ui import blocks, cached, state

MOST = 30

store, asked = state.store(), state.question()
subject = f"a mutation in {asked.subject}" if asked.stratifier.of_mutations else asked.subject
title = f"Is {subject} predictive or prognostic?"
st.title(title, anchor=False)
bound = state.check_number("least", "Mutant patients", 1, MOST)
least = st.slider(
    "Mutant patients that a tumour type needs, on each side",
    1,
    MOST,
    MIN_MUTANT,
    key="least",
    bind=bound,
    width=420,
)
result = cached.setting(store, asked.filters, asked.stratifier, asked.endpoint, least)
blocks.answer(shown.answer(result))
blocks.sentence(result.sentence)
blocks.warnings(result.warnings)

look, simulated = state.look(), store.simulated
source = f"Build {store.version}" + (", SIMULATED DATA" if simulated else "")
heading = (title, *blocks.wrapped(result.sentence), source)
blocks.figure(
    shown.forest(result, look, simulated=simulated),
    lambda look: shown.forest(result, look, simulated=simulated, heading=heading),
    result.by_type,
    simulated=simulated,
    key="setting",
)
st.caption("int. p: likelihood-ratio test of mutation x setting, the p-value of a difference.")

st.subheader("Two settings, each with its own time zero", anchor=False)
for column, setting in zip(st.columns(2), (TREATED, UNTREATED), strict=True):
    curve = result.curves[setting]

    def drawn(look: Look, lines: tuple[str, ...] = (), curve=curve, setting=setting):
        figure = km_figure(curve, look, simulated=simulated, heading=lines)
        return replace(figure, name=f"{figure.name}-{setting.replace(' ', '-')}")

    with column:
        st.markdown(f"**{setting[0].upper()}{setting[1:]}**")
        blocks.figure(
            drawn(look),
            lambda look, d=drawn, s=setting: d(look, (f"{title} {s}", *heading[1:])),
            curve.rows,
            simulated=simulated,
            key=f"km-{setting}",
        )

st.subheader("In a randomised trial", anchor=False)
if (arms := result.randomised) is None:
    blocks.sentence(result.no_randomised)
else:
    blocks.answer(shown.randomised_answer(arms))
    blocks.warnings(arms.warnings)
    blocks.figure(
        shown.arms_forest(arms, result.title, look, simulated=simulated),
        lambda look: shown.arms_forest(
            arms, result.title, look, simulated=simulated, heading=(heading[0], arms.cohort, source)
        ),
        arms.effects,
        simulated=simulated,
        key="arms",
    )
st.subheader("How far the two differ", anchor=False)
blocks.table(shown.differences(result))
st.subheader("What can and cannot be concluded", anchor=False)
blocks.points(shown.cautions(result))
if len(others := shown.left_out(result)):
    st.subheader("Tumour types left out", anchor=False)
    blocks.table(others, text=["Why"])
blocks.methods(result.methods)
