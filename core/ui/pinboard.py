"""The pinned figures of a session, and the local workspace that keeps them between visits."""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from core.model import BadFile, DashboardError
from core.report import workspace
from core.report.snapshot import Snapshot
from core.ui import state
from core.ui.messages import escaped

FOLDER_VARIABLE = "ICI_EXPLORER_WORKSPACE"
"""Environment variable that names the workspace's folder, by default ``workspace``."""

MOST = 60
"""Pinned figures of one session: a talk has fewer, and a server holds them in memory."""


def folder() -> Path | None:
    """Where this machine keeps pinned figures; None where the app serves other machines."""
    if not state.is_local():
        return None
    return Path(os.environ.get(FOLDER_VARIABLE) or "workspace").expanduser().resolve()


def recall() -> None:
    """Once a session: the figures that were pinned on this machine before."""
    if state.pins_loaded():
        return
    place, found = folder(), []
    if place is not None:
        try:
            found = workspace.load(place)
        except BadFile as error:
            kept = workspace.set_aside(place)
            st.warning(escaped(f"{error.message} The file is kept as {kept.name}."))
    state.set_pins(found[:MOST])


def add(snapshot: Snapshot) -> None:
    """Pin a figure, and say so."""
    pinned = state.pins()
    if len(pinned) >= MOST:
        st.toast(f"{MOST} figures are pinned already. Remove one on the page Present.")
        return
    keep([*pinned, snapshot])
    st.toast("Pinned: the page Present has it.", icon=":material/keep:")


def keep(pinned: list[Snapshot]) -> None:
    """The pinned figures of this session from now on, written to the workspace where there is one.

    What cannot be written is told; the session has it all the same.
    """
    state.set_pins(pinned)
    place = folder()
    if place is None:
        return
    try:
        workspace.save(place, pinned)
    except DashboardError as error:
        st.warning(escaped(f"{error.message} {error.remedy}"), icon=":material/save:")
