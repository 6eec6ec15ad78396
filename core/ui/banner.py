"""What the data are, told on every page, and the way from simulated data to the real cohorts."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

import streamlit as st

from core.model import BuildError, DashboardError
from core.store import Store
from core.ui import cached, state
from core.ui.cached import OpenStore
from core.ui.messages import escaped, show_error
from core.ui.state import Own

RAW_VARIABLE = "ICI_EXPLORER_RAW"
"""Environment variable that names the folder of published files; by default ``raw``."""

FETCH_SHARE = 0.6
"""Of the progress bar; the rest is the build's."""


def data_banner(opened: OpenStore) -> None:
    """SIMULATED, loudly, with the way to the real cohorts; or the date and id of a real build."""
    if opened.notice:
        st.warning(escaped(opened.notice, code=True), icon=":material/warning:")
    if opened.own is not None:
        _own_banner(opened, opened.own)
        return
    if not opened.store.simulated:
        st.caption(f"Real data, build of {cached.built_on(opened.store)}")
        return
    told, way = st.columns([5, 1.3], vertical_alignment="center")
    with told:
        st.error(
            "**SIMULATED data.** Every patient here is invented; nothing on this page says "
            "anything about a real gene, drug or tumour.",
            icon=":material/science:",
        )
    with way, st.popover("Use the real cohorts", width="stretch"):
        st.markdown(
            "Two commands fetch the published files and build a store from them; "
            "this page then moves to it by itself."
        )
        st.code("python -m data fetch\npython -m data build", language="bash")
        if state.is_local() and not cached.is_shared():
            st.button(
                "Fetch and build now",
                key="build_now",
                icon=":material/download:",
                on_click=state.request_build,
            )
            st.caption(
                "Fetches the public files to this machine and takes several minutes; "
                "offered because the browser and the server are on the same machine."
            )
    if state.build_requested():
        _build_with_bar()


def _own_banner(opened: OpenStore, own: Own) -> None:
    """Whose patients this session sees: an own cohort alone, or with the loaded ones."""
    kind = "**SIMULATED data.** " if opened.store.simulated else ""
    told, back = st.columns([4.1, 1.7], vertical_alignment="center")
    with told:
        show = st.error if opened.store.simulated else st.info
        show(
            f"{kind}{own_words(own, opened.store)}"
            " Nobody but its owner has checked it; it reaches no other session.",
            icon=":material/science:" if opened.store.simulated else ":material/person:",
        )
        if own.base and own.base != cached.current_store().store.version:
            st.caption(
                "The loaded cohorts have been built anew since: pool again on the page Bring your "
                "own."
            )
    with back:
        st.button(
            "Back to the loaded cohorts",
            key="leave_own",
            icon=":material/undo:",
            width="stretch",
            on_click=state.use_own,
            args=(None,),
        )


def own_words(own: Own, store: Store) -> str:
    """``**Toy** alone: 40 patients.`` or what it is pooled with."""
    n = store.n_patients
    if not own.base:
        return f"**{escaped(own.name)}** alone: {n:,} patients."
    return (
        f"**{escaped(own.name)}** pooled with the loaded cohorts (build {own.base[:12]}): "
        f"{n:,} patients in all."
    )


def _build_with_bar() -> None:
    bar = st.progress(0.0, "Starting")

    def show(what: str, done: float) -> None:
        bar.progress(min(max(done, 0.0), 1.0), what)

    try:
        fetch_and_build(show)
    except DashboardError as error:
        bar.empty()
        show_error(error)
    else:
        st.rerun()


def fetch_and_build(progress: cached.Progress) -> None:
    """Fetch every source and build the store that the app reads.

    A source that cannot be fetched does not stop the build, which says what it lacks.
    Raises DashboardError where nothing could be fetched or the build fails.
    """
    fetching, sources = _module("data.fetch"), _module("data.sources")
    building = _module("data.build")
    raw = Path(os.environ.get(RAW_VARIABLE) or fetching.DEFAULT_RAW)
    folder = cached.store_folder()
    if folder.is_file():
        folder = folder.parent

    def fetched(step: Any) -> None:
        progress(f"Fetching {step.source_id}", FETCH_SHARE * step.fraction)

    report = fetching.fetch(sources.load_sources(), raw, progress=fetched)
    if not report.having("fetched", "kept"):
        errors = report.distinct_errors()
        raise errors[0] if errors else BuildError("No source has a public address.")
    progress("Building", FETCH_SHARE)
    building.build_store(
        raw,
        folder,
        lambda what, done: progress(f"Building: {what}", FETCH_SHARE + (1 - FETCH_SHARE) * done),
    )


def _module(name: str) -> Any:
    """A part of ``data``, imported when it is needed: viewing takes none of its time."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise BuildError(
            "This installation cannot build a store.",
            expected=f"the module {name}",
            found=str(error),
            remedy="Install the project with its dependencies, then run `python -m data build`.",
        ) from error
