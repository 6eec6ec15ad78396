"""Two features or genes to correlate, chosen by name or typed as a symbol."""

from __future__ import annotations

import streamlit as st

from core.analysis.correlation import GENE, variable
from core.model import DashboardError
from core.store import Store
from core.ui import cached, state
from core.ui.messages import escaped

USUAL = ("leukocyte_fraction", "gene:CD274")
GENES = ("CD274", "PDCD1", "CTLA4", "CD8A", "IFNG", "GZMB", "PRF1", "LAG3", "TIGIT", "CXCL9")
"""Genes offered by name; any other may be typed."""


def ask(store: Store) -> tuple[str, str, bool]:
    """Draw the two choices and the switch for purity; a symbol nobody knows gives the usual one."""
    names = {**{GENE + g: f"{g} (expression)" for g in GENES}, **cached.numeric_features(store)}
    columns = st.columns([2, 2, 1], vertical_alignment="bottom")
    chosen = []
    for column, key, label, usual in zip(
        columns, ("x", "y"), ("Across", "Up"), USUAL, strict=False
    ):
        with column:
            chosen.append(_variable(store, key, label, usual, names))
    state.check_switch("purity", "Hold purity fixed")
    with columns[2]:
        partial = st.toggle(
            "Hold purity fixed",
            False,
            key="purity",
            bind="query-params",
            help="Partial correlation, given ABSOLUTE's tumour purity.",
        )
    return chosen[0], chosen[1], partial


def _variable(store: Store, key: str, label: str, usual: str, names: dict[str, str]) -> str:
    options = list(names)
    default = usual if usual in names else options[0]
    picked = st.selectbox(
        label,
        options,
        index=options.index(default),
        format_func=lambda k: names.get(k, k),
        key=key,
        bind="query-params",
        accept_new_options=True,
        help="A feature, or any gene: type its symbol.",
    )
    picked = picked or default
    typed = picked if picked in names else GENE + picked.strip()
    try:
        variable(store, typed)
    except DashboardError as error:
        st.warning(escaped(f"{error.message} {error.remedy} Showing {names[default]}."))
        return default
    return typed
