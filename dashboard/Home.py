"""The frame of the dashboard: pages, sidebar filters, data banner, run the page.

Start it with ``streamlit run dashboard/Home.py``.
"""

# ruff: noqa: E402
from __future__ import annotations

import os

# Before numpy is imported: with more threads than one, BLAS calls of concurrent sessions wait for
# each other (measured: the slowest tenth of 11,000-row Cox fits 50-80 ms against 5-6 ms).
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import time
from dataclasses import replace
from pathlib import Path

import streamlit as st

from core.model import DashboardError, StoreError
from core.ui import (
    access,
    asking,
    cached,
    code,
    compare,
    pinboard,
    sidebar,
    stage,
    state,
    style,
    toolbar,
)
from core.ui.banner import data_banner
from core.ui.messages import escaped, show_error, show_unexpected
from core.version import code_version

PAGES = Path(__file__).resolve().parent.parent / "pages"
ICON = str(Path(__file__).with_name("icon.png"))
"""A file, because Streamlit would fetch a named symbol from the network."""

GROUPS: dict[str, list[tuple[str, str, str]]] = {
    "Cohorts": [("cohorts", "Cohorts", "groups")],
    "Outcome under ICI": [
        ("survival", "Survival", "show_chart"),
        ("cox", "Beside other variables", "format_list_bulleted"),
        ("subgroups", "In which patients?", "account_tree"),
        ("nomogram", "Nomogram", "straighten"),
    ],
    "Why: TCGA": [
        ("mutations", "Mutations", "location_on"),
        ("signatures", "Signatures", "fingerprint"),
        ("tcga_survival", "Survival without ICI", "stacked_line_chart"),
        ("intrinsic", "Easier to see?", "visibility"),
        ("extrinsic", "More inflamed?", "local_fire_department"),
        ("correlate", "Correlate", "scatter_plot"),
    ],
    "Can I believe it?": [
        ("agreement", "Do the cohorts agree?", "balance"),
        ("burden", "Gene or burden?", "blur_on"),
        ("atlas", "Every gene, everywhere", "grid_on"),
        ("setting", "Predictive or prognostic?", "call_split"),
        ("ledger", "The paper's numbers", "fact_check"),
    ],
    "Present": [("present", "Pinned figures", "keep")],
    "Your data": [("own", "Bring your own", "upload_file")],
}
"""Group of the navigation, a question each -> its pages: file, title, icon. A page is one line."""

DEFAULT_PAGE = "survival"
OWN_PAGE = "own"


def navigation(*, hidden: bool) -> st.Page:
    pages = {
        group: [
            st.Page(
                PAGES / f"{name}.py",
                title=title,
                icon=f":material/{icon}:",
                url_path="start" if name == DEFAULT_PAGE else name,
                default=name == DEFAULT_PAGE,
            )
            for name, title, icon in listed
        ]
        for group, listed in GROUPS.items()
    }
    # The default page's own address is "/"; links that name it work as well.
    alias = st.Page(PAGES / f"{DEFAULT_PAGE}.py", url_path=DEFAULT_PAGE, visibility="hidden")
    position = "hidden" if hidden else "sidebar"
    return st.navigation({**pages, "": [alias]}, position=position, expanded=True)


def prepare() -> cached.OpenStore:
    """The store in use; on a first start the simulated one is made, with a progress bar."""
    if cached.needs_simulation():
        bar = st.progress(0.0, "Making simulated data, once")
        cached.simulate(lambda what, done: bar.progress(done, f"Making simulated data: {what}"))
        bar.empty()
    return own_store() or cached.current_store()


def keep_own(page: st.Page) -> None:
    """Keep the folder of this session's uploads; elsewhere than on their page only what was made
    of them."""
    space = state.peek(state.SPACE)
    if space is None:
        return
    cached.hold(space)
    if page.url_path != OWN_PAGE:
        state.drop_uploads()
        space.discard_incoming()


def own_store() -> cached.OpenStore | None:
    """This session's own store, if any; one that is gone is told of once and given up."""
    own = state.own()
    if own is None:
        return None
    try:
        return cached.session_store(own)
    except StoreError:
        state.use_own(None)
        notice = f"{own.name} is no longer here, so the loaded cohorts are shown. Upload it again."
        return replace(cached.current_store(), notice=notice)


def main() -> None:
    started = time.perf_counter()
    st.set_page_config(page_title="ICI explorer", page_icon=ICON, layout="wide")
    style.apply(state.look())
    visitor = access.visitor()
    page = navigation(hidden=not visitor.admitted)
    access.tell(visitor)
    if visitor.admitted:
        state.visit("" if page.url_path == DEFAULT_PAGE else page.url_path)
        show(page, visitor)
    spent = 1e3 * (time.perf_counter() - started)
    st.html(f'<span class="run" data-run="{state.next_run()}" data-ms="{spent:.1f}"></span>')


def show(page: st.Page, visitor: access.Access) -> None:
    """Banner, filters and the page; or what is presented in their place."""
    try:
        with st.container(key="top"):
            keep_own(page)
            opened = prepare()
            data_banner(opened)
            state.put(opened.store, sidebar.ask(opened.store, cached.facts(opened.store)))
            access.foot(visitor, code_version(), opened.store.version)
            pinboard.recall()
            toolbar.show()
            compare.bar(opened.store)
        try:
            with st.container(key="page"):
                told = st.container()
                with asking.listening() as asked:
                    page.run()
                code.show(page.url_path or DEFAULT_PAGE, opened.store, asked)
        finally:  # a page checks values of its own, too
            with told:
                for note in state.notes():
                    st.warning(escaped(note), icon=":material/link_off:")
            stage.show(simulated=opened.store.simulated, build=opened.store.version)
    except DashboardError as error:  # the one place where an expected error becomes a message
        show_error(error)
    except Exception as error:  # not Streamlit's own stops and reruns
        show_unexpected(error)


main()
