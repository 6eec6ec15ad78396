"""What would a nomogram say of one patient, and should it be believed? Figure 2."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.analysis.nomogram_file import scales_table
from core.charts import nomogram_tables as tables
from core.charts.nomogram import nomogram_figure
from core.model import Stratifier
from core.ui import blocks, cached, nomogram_inputs, nomogram_view, state
from core.ui.exhibit import Exhibit

store, asked = state.store(), state.question()
split = asked.stratifier
if not split.of_mutations:  # a nomogram asks for the gene itself, whatever the groups are
    split = Stratifier(genes=(asked.gene,), classes=split.classes)
filters = replace(asked.filters, roles=())
facts = cached.facts(store)
title = "What would a nomogram say of one patient?"
st.title(title, anchor=False)
wanted = nomogram_inputs.model_inputs(split.label, facts.cohort_names)
what = (store, filters, split, asked.endpoint, wanted.choice)
build = cached.nomogram(*what)
answer = st.container()  # it rests on the resamples, which come after the nomogram is drawn
blocks.sentence(f"Model of {build.model.n:,} of {build.sentence}; {build.model.events:,} events.")
st.caption(
    "A Cox model, not a cure model (one is offered below); built in discovery cohorts and tested "
    "in validation cohorts, whatever the sidebar's choice of either."
)
blocks.warnings(build.warnings)

st.header("One patient", anchor=False)
patient = nomogram_inputs.patient_inputs(build.model)
predicted = build.model.predict(patient).iloc[0]
blocks.sentence(tables.patient_sentence(build, predicted))
reading = nomogram_inputs.read_off(build.model, patient, predicted)
words = f"{build.model.n:,} of {build.sentence}"
methods = f"{build.methods} {nomogram_view.METHODS}"
exhibit = Exhibit(store, title, build, words, methods, build.warnings)
show = nomogram_view.Shown(exhibit)
show.figure(
    nomogram_figure,
    build.model,
    rows=build.rows,
    key="nomogram",
    numbers=scales_table(build.model),
    reading=reading,
)
nomogram_view.patient_curve(show, build.model, patient)
nomogram_view.cured(show, build, patient, lambda: cached.nomogram_cure(*what))
if len(scale := tables.tmb_scale(build, facts.cohort_names)):
    with st.expander("What a TMB of so many SD is in each study"):
        blocks.table(scale)

st.header("Does it hold?", anchor=False)
own, other = cached.nomogram_checks(*what)
with blocks.progress("Refitting the model to resamples of its patients") as progress:
    corrected = cached.nomogram_corrected(*what, wanted.draws, progress)
with answer:
    blocks.answer(tables.answer(build, corrected, other))
nomogram_view.validation(show, own, corrected, other)
st.header("Low and high score", anchor=False)
cut_at = nomogram_inputs.cut_input(build)
with blocks.progress("Cutting the score of resampled patients") as progress:
    cut = cached.nomogram_cut(*what, cut_at, asked.stratified, progress)
nomogram_view.score_groups(show, build, cut)
st.header("The model in numbers", anchor=False)
blocks.table(tables.coefficients(build))
blocks.table(tables.cohorts(build), text=["Missing in everyone"])
st.header("Keep the model, or apply a kept one", anchor=False)
nomogram_view.keep(replace(build.model, cut=cut.cut), simulated=store.simulated)
nomogram_view.apply_kept(show, store, filters, facts.cohort_names)
st.header("Where patients were lost", anchor=False)
blocks.flow(build.flow)
blocks.methods(methods)
