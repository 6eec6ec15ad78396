"""Does the gene matter beside age, sex, cancer type, drug, burden and TP53? Figures 1D, E."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.analysis.cox_model import CoxModel
from core.charts import cox as shown
from core.charts.residuals import residual_figure
from core.model import ENDPOINT_LABEL
from core.ui import blocks, cached, cox_inputs, state
from core.ui.exhibit import Exhibit

store, asked = state.store(), state.question()
title = f"Does {asked.subject} matter beside the other variables?"
st.title(title, anchor=False)
facts = cached.facts(store)
choices = cox_inputs.ask(facts, cox_inputs.clinical_variables(), by_cohort=asked.stratified)


def ask(of: state.Question) -> CoxModel:
    how = (choices.covariates, choices.strata, choices.same_patients)
    return cached.cox(store, of.filters, of.stratifier, of.endpoint, *how)


result = ask(asked)
blocks.answer(shown.answer(result))
blocks.sentence(result.sentence)
blocks.warnings(result.warnings)

show = Exhibit.of_result(store, title, result, again=ask)
endpoint = ENDPOINT_LABEL[result.endpoint]
st.header(f"All together: {endpoint.lower()}, {result.n:,} patients", anchor=False)
show.figure(shown.multivariable_figure, lambda r: r.multivariable, key="multivariable")
st.header("Each alone", anchor=False)
show.figure(shown.univariable_figure, lambda r: r.univariable, key="univariable")
st.header("How far to trust the model", anchor=False)
blocks.table(shown.summary(result))
blocks.table(shown.checks(result))
if result.proportional is not None and result.proportional.residual_terms:
    st.header("Does the hazard ratio hold over time?", anchor=False)
    terms = list(result.proportional.residual_terms)
    state.keep_known("residuals", terms)
    term = st.selectbox("Term", terms, key="residuals", width=420) or terms[0]
    test, constant = result.proportional, float(result.coefficient.get(term, np.nan))
    show.of(test, subtitle=term).figure(
        lambda t, look, **how: residual_figure(t, term, constant, look, **how),
        lambda t: t.residuals[["time", "stratum", term]],
        key="schoenfeld",
    )
st.header("Who is left out", anchor=False)
blocks.table(shown.losses(result), text=["Studies without it"])
blocks.flow(result.flow)
blocks.methods(result.methods)
