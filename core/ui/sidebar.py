"""The filters that stand on every page, drawn once a run before the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.model import (
    ENDPOINT_LABEL,
    NON_SYNONYMOUS,
    VARIANT_GROUPS,
    BadInput,
    Filters,
    Range,
    Role,
    UnknownGene,
)
from core.store import Store
from core.ui import split, state
from core.ui.cached import Facts
from core.ui.messages import escaped
from core.ui.state import Question

GENES_LISTED = 2000
"""Genes offered by name, most often mutated first; any other may be typed."""

TMB_HIGHEST = 3000.0


def ask(store: Store, facts: Facts) -> Question:
    """Draw the filters; return the question they make."""
    with st.sidebar:
        gene = _gene(store, facts)
        by = st.container()
        groups = _many("class", "Mutation classes", list(VARIANT_GROUPS), "all non-synonymous")
        endpoint = _endpoint(facts)
        tumors = _many("tumor", "Tumour types", facts.choices["tumor_type"])
        drugs = _many("drug", "Drug classes", facts.choices["drug_class"])
        roles = _roles(facts)
        cohorts = _cohorts(facts)
        stratified = _switch(
            "strata",
            "Stratify by cohort",
            True,
            "Compare each patient with patients of the same study. Off: pool all studies as one.",
        )
        more = _more(facts)
        st.button(
            "Reset filters",
            on_click=state.reset,
            type="tertiary",
            icon=":material/restart_alt:",
            help="All patients again; gene and endpoint stay.",
        )
    classes = tuple(c for g in groups for c in VARIANT_GROUPS[g]) or NON_SYNONYMOUS
    with by:
        stratifier = split.ask(store, facts, gene, classes)
    return Question(
        Filters(tumor_types=tumors, drug_classes=drugs, roles=roles, cohorts=cohorts, **more),
        stratifier,
        endpoint,
        stratified,
        gene,
    )


def _gene(store: Store, facts: Facts) -> str:
    """The chosen gene as a current symbol; a symbol that nobody knows gives the default."""
    listed = facts.genes[:GENES_LISTED]
    default = state.DEFAULT_GENE if state.DEFAULT_GENE in facts.symbols else listed[0]
    options = listed if default in listed else [default, *listed]
    typed = st.selectbox(
        "Gene",
        options,
        index=options.index(default),
        key="gene",
        bind="query-params",
        accept_new_options=True,
        help=f"Any of {len(facts.genes):,} genes; type its symbol, current or old.",
    )
    try:
        gene = store.resolve_gene(typed or default)
    except UnknownGene as error:
        state.tell(f"{error.message} {error.remedy} Showing {default}.")
        return default
    if typed and gene.upper() != typed.strip().upper():
        st.caption(escaped(f"{typed.strip()} is now called {gene}."))
    return gene


def _endpoint(facts: Facts) -> str:
    options = facts.endpoints or ["OS"]
    state.check_many("endpoint", "Endpoint", options)
    state.keep_known("endpoint", options)
    chosen = st.segmented_control(
        "Endpoint",
        options,
        default=options[0],
        required=True,
        key="endpoint",
        bind="query-params",
        help="; ".join(f"{o}: {ENDPOINT_LABEL[o].lower()}" for o in options),
    )
    return chosen or options[0]


def _roles(facts: Facts) -> tuple[str, ...]:
    treated = facts.cohorts[facts.cohorts.treated_with_ici]
    options = [r.value for r in Role if r.value in set(treated.role)]
    state.check_many("role", "Cohorts", options)
    state.keep_known("role", options)
    return tuple(
        st.pills("Cohorts", options, selection_mode="multi", key="role", bind="query-params") or ()
    )


def _cohorts(facts: Facts) -> tuple[str, ...]:
    names = facts.cohort_names
    return _many(
        "cohort",
        "Studies",
        facts.choices["cohort_id"],
        names=names,
        label_visibility="collapsed",
        placeholder="all studies",
    )


def _many(
    key: str,
    label: str,
    options: Sequence[str],
    placeholder: str = "all",
    *,
    names: Mapping[str, str] | None = None,
    **widget: Any,
) -> tuple[str, ...]:
    shown = names or {o: o for o in options}
    state.check_many(key, label, [shown[o] for o in options])
    state.keep_known(key, options)
    return tuple(
        st.multiselect(
            label,
            options,
            key=key,
            bind="query-params",
            placeholder=placeholder,
            format_func=lambda o: shown.get(o, o),
            **widget,
        )
    )


def _switch(key: str, label: str, default: bool, explained: str) -> bool:
    state.check_switch(key, label)
    return st.toggle(label, default, key=key, bind="query-params", help=explained)


def _more(facts: Facts) -> dict[str, Any]:
    """Filters that are needed seldom, as arguments of Filters."""
    with st.expander("More filters"):
        ages = _ages()
        sexes = _many("sex", "Sex", facts.choices["sex"])
        tmb = _tmb()
        assays = _many("assay", "Assay", facts.choices["assay"])
        called = _switch(
            "called",
            "Only patients with a call",
            False,
            "As the paper counted. It drops profiled patients in whom no mutation was found.",
        )
    return {
        "age_years": ages,
        "sexes": sexes,
        "tmb_per_mb": tmb,
        "assays": assays,
        "require_call": called,
    }


def _ages() -> Range:
    lowest, highest = state.AGES
    bound = state.check_number("age", "Age", lowest, highest)
    low, high = st.slider(
        "Age (years)",
        lowest,
        highest,
        state.AGES,
        key="age",
        bind=bound,
        help="Patients of unknown age are left out once a bound is set.",
    )
    return Range(low if low > lowest else None, high if high < highest else None)


def _tmb() -> Range:
    """TMB between two typed bounds; bounds that leave nothing are told and not used."""
    bounds = []
    explained = "Mutations per Mb. WES and panel TMB do not compare."
    for column, key, label in zip(
        st.columns(2), state.NUMBERS, ("TMB from", "TMB up to"), strict=True
    ):
        bound = state.check_number(key, label, 0, TMB_HIGHEST)
        with column:
            bounds.append(
                st.number_input(
                    label,
                    0.0,
                    TMB_HIGHEST,
                    None,
                    step=1.0,
                    format="%g",
                    key=key,
                    bind=bound,
                    placeholder="any",
                    help=explained,
                )
            )
    try:
        return Range(*bounds)
    except BadInput as error:
        st.warning(f"TMB: {error.message} {error.remedy} The TMB filter is off.")
        return Range()
