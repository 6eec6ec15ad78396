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

from pathlib import Path

import streamlit as st

from core.model import DashboardError
from core.ui import access, cached, sidebar, state, style
from core.ui.banner import data_banner
from core.ui.messages import escaped, show_error
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
        ("setting", "Predictive or prognostic?", "call_split"),
        ("ledger", "The paper's numbers", "fact_check"),
    ],
}
"""Group of the navigation, a question each -> its pages: file, title, icon. A page is one line."""

DEFAULT_PAGE = "survival"


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
    return cached.current_store()


def main() -> None:
    st.set_page_config(page_title="ICI explorer", page_icon=ICON, layout="wide")
    style.apply(state.look())
    visitor = access.visitor()
    page = navigation(hidden=not visitor.admitted)
    access.tell(visitor)
    if visitor.admitted:
        show(page, visitor)
    st.html(f'<span class="run" data-run="{state.next_run()}"></span>')


def show(page: st.Page, visitor: access.Access) -> None:
    """Banner, filters and the page."""
    try:
        opened = prepare()
        data_banner(opened)
        state.put(opened.store, sidebar.ask(opened.store, cached.facts(opened.store)))
        access.foot(visitor, code_version(), opened.store.version)
        told = st.container()
        try:
            page.run()
        finally:  # a page checks values of its own, too
            with told:
                for note in state.notes():
                    st.warning(escaped(note), icon=":material/link_off:")
    except DashboardError as error:  # the one place where an expected error becomes a message
        show_error(error)


main()
