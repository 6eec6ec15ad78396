"""The pinned figures: order, words, files, and the way to present them."""

from __future__ import annotations

import streamlit as st

from core.ui import pinned_view, state

st.title("Pinned figures", anchor=False)
pinned = state.pins()
pinned_view.bring_back()
if not pinned:
    st.info(
        "Nothing is pinned yet. Under each figure, Pin keeps it here with its numbers, its "
        "question and its source; P or Present shows a figure large.",
        icon=":material/keep:",
    )
else:
    pinned_view.take_away(pinned, state.store())
    for place, snapshot in enumerate(pinned):
        pinned_view.one(snapshot, place, len(pinned), state.store())
