"""What a researcher chooses on the Cox page: covariates, their codings and reference, strata."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.analysis.covariates import (
    CATEGORIES,
    CLINICAL,
    CODINGS,
    DEFAULT_COVARIATES,
    GENE,
    USUAL_CUT,
    Covariate,
)
from core.analysis.cox_warnings import STRATA_LABEL
from core.ui import cached, state
from core.ui.cached import Facts
from core.ui.messages import escaped

USUAL = "usual"


@dataclass(frozen=True)
class ModelChoices:
    """The covariates in the order chosen, what the model is stratified by, and on whom."""

    covariates: tuple[Covariate, ...]
    strata: tuple[str, ...]
    same_patients: bool


def ask(facts: Facts, clinical: tuple[str, ...], *, by_cohort: bool) -> ModelChoices:
    """Draw the inputs; ``clinical`` names the further variables, ``by_cohort`` is the sidebar's."""
    told = state.notes()
    named = _covariates(clinical)
    genes = _genes(facts)
    with st.expander("Codings, reference levels and strata"):
        left, right = st.columns(2)
        with left:
            chosen = [_coded(c) for c in named]
        with right:
            chosen = [_against(c, facts) for c in chosen]
            strata = _strata(by_cohort)
            state.check_switch("same", "Same patients")
            same = st.toggle(
                "Univariable models on the same patients",
                False,
                key="same",
                bind="query-params",
                help="Off: each univariable model takes every patient whose variable is known.",
            )
    for note in state.notes():
        if note not in told:  # those told before stand above the page already
            st.warning(escaped(note), icon=":material/link_off:")
    return ModelChoices((*chosen, *(Covariate(GENE + g) for g in genes)), strata, same)


def _covariates(clinical: tuple[str, ...]) -> list[Covariate]:
    offered = [Covariate(v) for v in ("age_years", "sex", "tumor_type", "drug_class", "tmb")]
    offered += [Covariate(v) for v in CATEGORIES if v not in {c.variable for c in offered}]
    offered += [Covariate(CLINICAL + v) for v in clinical]
    by_label = {c.label: c for c in offered}
    usual = [c.label for c in DEFAULT_COVARIATES if c.label in by_label]
    state.check_many("covariates", "Covariates", list(by_label))
    state.keep_known("covariates", list(by_label))
    labels = st.multiselect(
        "Covariates", list(by_label), usual, key="covariates", bind="query-params",
        placeholder="none: the gene alone",
    )  # fmt: skip
    return [by_label[label] for label in labels]


def _genes(facts: Facts) -> list[str]:
    usual = [c.label for c in DEFAULT_COVARIATES if c.variable.startswith(GENE)]
    options = [*usual, *(g for g in facts.genes[:2000] if g not in usual)]
    genes = st.multiselect(
        "Other genes", options, [g for g in usual if g in facts.symbols], key="with_genes",
        bind="query-params", accept_new_options=True, placeholder="none",
        help="Mutated against wild type, by the mutation classes of the sidebar.",
    )  # fmt: skip
    symbol = facts.symbols
    unknown = [g for g in genes if g.strip().upper() not in symbol]
    if unknown:
        told = f"Not in this store and left out: {', '.join(g[:40] for g in unknown)}."
        st.warning(escaped(told), icon=":material/search:")
    return list(dict.fromkeys(symbol[g.strip().upper()] for g in genes if g not in unknown))


def _coded(covariate: Covariate) -> Covariate:
    """The coding of a numeric covariate, and the cut of two groups."""
    codings = CODINGS.get(covariate.variable)
    if codings is None:
        return covariate
    key = {"age_years": "age_as", "tmb": "tmb_as"}[covariate.variable]
    state.check_many(key, f"{covariate.label} as", list(codings.values()))
    state.keep_known(key, list(codings))
    coding = st.selectbox(
        f"{covariate.label} as", list(codings), format_func=lambda c: codings[c], key=key,
        bind="query-params",
    )  # fmt: skip
    cut = None
    if coding == "cut":
        label = f"{covariate.label}: upper group from"
        bound = state.check_number(f"{key}_cut", label, 0, 3000)
        cut = st.number_input(
            label, 0.0, 3000.0, USUAL_CUT[covariate.variable],
            key=f"{key}_cut", bind=bound, format="%g",
        )  # fmt: skip
    return Covariate(covariate.variable, str(coding), cut=cut)


def _against(covariate: Covariate, facts: Facts) -> Covariate:
    """The reference level of a category whose levels the store lists."""
    levels = facts.choices.get(covariate.variable, [])
    if len(levels) < 2 or covariate.variable == "cohort_id":
        return covariate
    key = f"ref_{covariate.variable}"
    options = [USUAL, *levels]
    state.check_many(key, f"{covariate.label} against", options)
    state.keep_known(key, options)
    level = st.selectbox(
        f"{covariate.label} against", options, key=key, bind="query-params",
        help="Usual: the largest level; of sex, female; of drug class, PD-1/PD-L1.",
    )  # fmt: skip
    reference = "" if level == USUAL else str(level)
    return Covariate(covariate.variable, covariate.coding, reference, covariate.cut)


def _strata(by_cohort: bool) -> tuple[str, ...]:
    """The sidebar's stratification by study, and further strata."""
    more = {v.capitalize(): k for k, v in STRATA_LABEL.items() if k != "cohort_id"}
    state.check_many("strata_by", "Stratify also by", list(more))
    labels = st.multiselect(
        "Stratify also by", list(more), key="strata_by", bind="query-params",
        placeholder="nothing else",
        help="Each stratum has a baseline hazard of its own, and no coefficient. "
        "Stratification by study is in the sidebar.",
    )  # fmt: skip
    return (("cohort_id",) if by_cohort else ()) + tuple(more[label] for label in labels)


def clinical_variables() -> tuple[str, ...]:
    """Names of the further variables that may be adjusted for, in this run's store."""
    return cached.clinical_variables(state.store())
