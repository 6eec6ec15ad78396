"""Are mutant tumours more visible: burden, MHC, co-stimulators? Figures 4A and 4D."""

from __future__ import annotations

import streamlit as st

from core.analysis.immune_panels import INTRINSIC
from core.analysis.immunity import PanelComparison
from core.analysis.tcga import applied_words, tcga_filters
from core.ui import cached, panel_view, state

store, asked = state.store(), state.question()
title = panel_view.title(asked, "easier to see")
st.title(title, anchor=False)
st.caption(applied_words(asked.filters))
key = panel_view.choose(INTRINSIC, {})


def ask(of: state.Question) -> PanelComparison:
    return cached.immunity(store, tcga_filters(of.filters), of.stratifier, key)


panel_view.show(ask(asked), store, title, ask)
