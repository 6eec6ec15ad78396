"""Predictive or prognostic? The same contrast with and without ICI, and in randomised arms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from core.analysis.setting import MIN_MUTANT, TREATED, UNTREATED, SettingComparison
from core.analysis.survival import SurvivalComparison
from core.charts import setting as shown
from core.charts.figure import Figure
from core.charts.km import km_figure
from core.charts.survival_tables import survival_numbers
from core.charts.theme import Look
from core.ui import blocks, cached, state
from core.ui.exhibit import Exhibit

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


def ask(of: state.Question) -> SettingComparison:
    return cached.setting(store, of.filters, of.stratifier, of.endpoint, least)


result = ask(asked)
blocks.answer(shown.answer(result))
blocks.sentence(result.sentence)
blocks.warnings(result.warnings)

show = Exhibit.of_result(store, title, result, again=ask)
show.figure(shown.forest, lambda r: r.by_type, key="setting")
st.caption("int. p: likelihood-ratio test of mutation x setting, the p-value of a difference.")

st.header("Two settings, each with its own time zero", anchor=False)
for column, setting in zip(st.columns(2), (TREATED, UNTREATED), strict=True):

    def drawn(curve: SurvivalComparison, look: Look, setting: str = setting, **how: Any) -> Figure:
        figure = km_figure(curve, look, **how)
        return replace(figure, name=f"{figure.name}-{setting.replace(' ', '-')}")

    with column:
        st.markdown(f"**{setting[0].upper()}{setting[1:]}**")
        show.of(result.curves[setting], subtitle=setting).figure(
            drawn, survival_numbers, rows=lambda r: r.rows, key=f"km-{setting}"
        )

st.header("In a randomised trial", anchor=False)
if (arms := result.randomised) is None:
    blocks.sentence(result.no_randomised)
else:
    blocks.answer(shown.randomised_answer(arms))
    blocks.warnings(arms.warnings)
    show.of(arms, subtitle=arms.cohort).figure(
        lambda found, look, **how: shown.arms_forest(found, result.title, look, **how),
        lambda found: found.effects,
        key="arms",
    )
st.header("How far the two differ", anchor=False)
blocks.table(shown.differences(result))
st.header("What can and cannot be concluded", anchor=False)
blocks.points(shown.cautions(result))
if len(others := shown.left_out(result)):
    st.header("Tumour types left out", anchor=False)
    blocks.table(others, text=["Why"])
blocks.methods(result.methods)
