"""Two features or genes to correlate, chosen by name or typed as a symbol."""

from __future__ import annotations

import streamlit as st

from core.analysis.correlation import GENE, variable
from core.analysis.immune_panels import MATRIX
from core.model import DashboardError, NotEnoughData, StoreError
from core.store import Store
from core.ui import cached, state
from core.ui.messages import escaped

USUAL = ("leukocyte_fraction", "gene:CD274")
GENES = ("CD274", "PDCD1", "CTLA4", "CD8A", "IFNG", "GZMB", "PRF1", "LAG3", "TIGIT", "CXCL9")
"""Genes offered by name; any other may be typed."""

EXPRESSION = " (expression)"
BRING = f"`python -m data fetch --only {MATRIX}`, then `python -m data build`."


def ask(store: Store) -> tuple[str, str, bool]:
    """Draw the two choices and the switch for purity; a symbol nobody knows gives the usual one.

    Raises NotEnoughData where the store holds fewer than two numbers of tumours.
    """
    names = cached.once(store, ("variables",), lambda: _names(store))
    if len(names) < 2:
        raise NotEnoughData(
            "This store holds too little of tumours to correlate.",
            expected="two features or genes with values",
            found=", ".join(names.values()) or "none",
            remedy=BRING,
        )
    left, right, last = st.columns([2, 2, 1], vertical_alignment="bottom")
    first, second = _usual(names)
    with left:
        x = _variable(store, "x", "Across", first, names)
    with right:
        y = _variable(store, "y", "Up", second, names)
    state.check_switch("purity", "Hold purity fixed")
    with last:
        partial = st.toggle(
            "Hold purity fixed",
            False,
            key="purity",
            bind="query-params",
            help="Partial correlation, given ABSOLUTE's tumour purity.",
        )
    if USUAL[1] not in names:
        gone = f"**Not in this store:** {USUAL[1].removeprefix(GENE)}{EXPRESSION}. "
        st.info(gone + escaped(BRING, code=True), icon=":material/cloud_download:")
    return x, y, partial


def _names(store: Store) -> dict[str, str]:
    """What is offered by name, of which the store has values: genes, then features."""
    return {
        **{GENE + g: g + EXPRESSION for g in GENES if _has(store, GENE + g)},
        **cached.numeric_features(store),
    }


def _has(store: Store, key: str) -> bool:
    try:
        variable(store, key)
    except StoreError:
        raise  # that a part cannot be read does not mean that it is not there
    except DashboardError:
        return False
    return True


def _usual(names: dict[str, str]) -> tuple[str, str]:
    """The usual pair; in the place of one that the store lacks, the first feature that it has."""
    spare = [k for k in (*(n for n in names if not n.startswith(GENE)), *names) if k not in USUAL]
    first, second = (u if u in names else spare.pop(0) for u in USUAL)
    return first, second


def _variable(store: Store, key: str, label: str, usual: str, names: dict[str, str]) -> str:
    options = list(names)
    picked = st.selectbox(
        label,
        options,
        index=options.index(usual),
        format_func=lambda k: names.get(k, k),
        key=key,
        bind="query-params",
        accept_new_options=True,
        help="A feature, or any gene: type its symbol.",
    )
    picked = picked or usual
    typed = picked if picked in names else GENE + picked.strip().removesuffix(EXPRESSION)
    try:
        variable(store, typed)
    except StoreError:
        raise
    except DashboardError as error:
        st.warning(escaped(f"{error.message} {error.remedy} Showing {names[usual]}."))
        return usual
    return typed
