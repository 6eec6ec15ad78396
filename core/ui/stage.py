"""Presenter mode: one figure, large, with its question and patients; keys lead on and back."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.report.snapshot import Snapshot
from core.ui import state
from core.ui.messages import escaped

HIDE = """
<style>
[data-testid="stSidebar"], [data-testid="stSidebarCollapsedControl"], [data-testid="stHeader"],
[data-testid="stExpandSidebarButton"] { display: none !important; }
.st-key-page, .st-key-top { visibility: hidden; height: 0; overflow: hidden; position: absolute;
  width: 100%; pointer-events: none; }
.stMainBlockContainer { max-width: none !important; padding: 1.2rem 3rem 1rem !important; }
.st-key-stage h1 { font-size: 2.4rem; padding: 0; }
.st-key-stage-about p { font-size: 1.35rem; line-height: 1.35; }
.st-key-stage-bar { opacity: 0.6; position: fixed; right: 1.5rem; bottom: 0.4rem; width: auto;
  z-index: 10; }
.st-key-stage-bar:hover, .st-key-stage-bar:focus-within { opacity: 1; }
</style>
"""
"""The page stays in place, so that its choices are as they were when the stage is left."""


def show(*, simulated: bool, build: str) -> None:
    """The stage, where something is presented: after the page has run, in place of it."""
    at = state.presented()
    if at is None:
        return
    st.html(HIDE)
    with st.container(key="stage"):
        pinned = state.pins()
        if isinstance(at, int) and at < len(pinned):
            _pinned(pinned[at])
        elif (live := state.staged()) is not None:
            source = f"Build {build}" + (", SIMULATED DATA" if simulated else "")
            _heading(live.title, live.subtitle, live.sentence, simulated)
            _chart(live.figure.for_screen(), live.figure.description)
            st.caption(source)
        else:
            st.info("This figure is not on the page any more, with these filters.")
        _bar(at, len(pinned))


def _pinned(snapshot: Snapshot) -> None:
    _heading(snapshot.title, snapshot.note, snapshot.sentence, snapshot.simulated)
    look = "projector-dark" if state.look().dark else "projector"
    _chart(fluid(snapshot.specs[look]), snapshot.description)
    st.caption(escaped(snapshot.provenance))


def _heading(title: str, subtitle: str, sentence: str, simulated: bool) -> None:
    st.title(escaped(title), anchor=False)
    with st.container(key="stage-about"):
        if simulated:
            st.markdown(":red-badge[SIMULATED data]")
        st.markdown("  \n".join(escaped(line) for line in (subtitle, sentence) if line))


def _chart(spec: dict[str, Any], description: str) -> None:
    st.vega_lite_chart(spec=fluid(spec), theme=None, width="stretch", alt=description, key="staged")


def fluid(spec: dict[str, Any]) -> dict[str, Any]:
    """A spec of fixed width, as wide as its container; its words stand beside it as ``alt``."""
    kept = {k: v for k, v in spec.items() if k != "description"}
    return {**kept, "width": "container", "autosize": {"type": "fit-x", "contains": "padding"}}


def _bar(at: str | int, count: int) -> None:
    """Where one is, and the keys: arrows walk through the pinned figures, Esc leaves."""
    with st.container(horizontal=True, key="stage-bar", gap="small", vertical_alignment="center"):
        st.button("Back to the page", on_click=state.leave_stage, shortcut="Escape", key="leave")
        if count:
            step: dict[str, Any] = {"on_click": state.step, "type": "tertiary"}
            st.button("Previous", args=(-1,), shortcut="Left", key="previous", **step)
            st.button("Next", args=(1,), shortcut="Right", key="next", **step)
            where = f"{at + 1} of {count} pinned" if isinstance(at, int) else f"{count} pinned"
            st.caption(where)
