"""Does the gene matter beside age, sex, cancer type, drug, burden and TP53? Figures 1D, E."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.charts import cox as shown
from core.charts.residuals import residual_figure
from core.model import ENDPOINT_LABEL
from core.ui import blocks, cached, cox_inputs, state

store, asked = state.store(), state.question()
title = f"Does {asked.subject} matter beside the other variables?"
st.title(title, anchor=False)
facts = cached.facts(store)
choices = cox_inputs.ask(facts, cox_inputs.clinical_variables(), by_cohort=asked.stratified)
result = cached.cox(
    store,
    asked.filters,
    asked.stratifier,
    asked.endpoint,
    choices.covariates,
    choices.strata,
    choices.same_patients,
)
blocks.answer(shown.answer(result))
blocks.sentence(result.sentence)
blocks.warnings(result.warnings)

look, simulated = state.look(), store.simulated
source = f"Build {store.version}" + (", SIMULATED DATA" if simulated else "")
heading = (title, *blocks.wrapped(result.sentence), source)
endpoint = ENDPOINT_LABEL[result.endpoint]
st.subheader(f"All together: {endpoint.lower()}, {result.n:,} patients", anchor=False)
blocks.figure(
    shown.multivariable_figure(result, look, simulated=simulated),
    lambda look: shown.multivariable_figure(result, look, simulated=simulated, heading=heading),
    result.multivariable,
    simulated=simulated,
    key="multivariable",
)
st.subheader("Each alone", anchor=False)
blocks.figure(
    shown.univariable_figure(result, look, simulated=simulated),
    lambda look: shown.univariable_figure(result, look, simulated=simulated, heading=heading),
    result.univariable,
    simulated=simulated,
    key="univariable",
)
st.subheader("How far to trust the model", anchor=False)
blocks.table(shown.summary(result))
blocks.table(shown.checks(result))
if result.proportional is not None and result.proportional.residual_terms:
    st.subheader("Does the hazard ratio hold over time?", anchor=False)
    terms = list(result.proportional.residual_terms)
    state.keep_known("residuals", terms)
    term = st.selectbox("Term", terms, key="residuals", width=420) or terms[0]
    test, constant = result.proportional, float(result.coefficient.get(term, np.nan))
    blocks.figure(
        residual_figure(test, term, constant, look, simulated=simulated),
        lambda look: residual_figure(
            test, term, constant, look, simulated=simulated, heading=heading
        ),
        result.proportional.residuals[["time", "stratum", term]],
        simulated=simulated,
        key="schoenfeld",
    )
st.subheader("Who is left out", anchor=False)
blocks.table(shown.losses(result), text=["Studies without it"])
blocks.flow(result.flow)
blocks.methods(result.methods)
