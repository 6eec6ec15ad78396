"""How the page of pinned figures shows them: each with its words, and all of them as files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import streamlit as st

from core.model import DashboardError
from core.report.deck import deck
from core.report.methods import methods
from core.report.page import html_report
from core.report.remark import remark, remark_markdown
from core.report.snapshot import Snapshot, from_json, to_json
from core.report.tables import file_name
from core.store import Store
from core.ui import pinboard, state
from core.ui.messages import escaped, show_error
from core.ui.stage import fluid

DECK_MIME = "application/vnd.openxmlformats-officedocument.presentationml.presentation"


def bring_back() -> None:
    """A file of pinned figures that was saved earlier, here or elsewhere, added to the list."""
    with st.expander("Open a file of pinned figures", icon=":material/upload_file:"):
        given = st.file_uploader("A file saved from this page (JSON)", type="json", key="pins-file")
        if given is None:
            return
        try:
            found = from_json(given.getvalue(), given.name)
        except DashboardError as error:
            show_error(error)
            return
        known = {s.snapshot_id for s in state.pins()}
        new = [s for s in found if s.snapshot_id not in known]
        st.markdown(f"{len(found)} figures in the file, {len(new)} of them not pinned here.")
        if new:
            st.button("Add them", on_click=_add, args=(new,), key="pins-add")


def _add(new: list[Snapshot]) -> None:
    pinboard.keep([*state.pins(), *new][: pinboard.MOST])


def take_away(pinned: list[Snapshot], store: Store) -> None:
    """Present all of them, save them, or take them along as documents."""
    simulated = any(s.simulated for s in pinned)
    stem = f"pinned-{datetime.now(UTC):%Y-%m-%d}"
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Present all",
            on_click=state.present,
            args=(0,),
            type="primary",
            icon=":material/slideshow:",
            key="present-all",
        )
        st.download_button(
            "Save as a file",
            data=lambda: to_json(pinned),
            file_name=file_name(stem, "json", simulated=simulated),
            mime="application/json",
            icon=":material/save:",
            on_click="ignore",
            key="pins-json",
        )
        with st.popover("As a document", icon=":material/description:"):
            _documents(pinned, store, stem, simulated)


def _documents(pinned: list[Snapshot], store: Store, stem: str, simulated: bool) -> None:
    """A deck, a page and what a manuscript needs, each made when it is asked for."""
    offers: list[tuple[str, str, str, Callable[[], bytes | str]]] = [
        ("PowerPoint deck", "pptx", DECK_MIME, lambda: deck(pinned, store)),
        ("HTML report", "html", "text/html", lambda: html_report(pinned, store)),
        (
            "Methods with BibTeX",
            "md",
            "text/markdown",
            lambda: methods(pinned, store).markdown,
        ),
        ("BibTeX", "bib", "text/plain", lambda: methods(pinned, store).bibtex),
        (
            "REMARK checklist",
            "remark.md",
            "text/markdown",
            lambda: remark_markdown(remark(pinned, store), simulated=simulated),
        ),
    ]
    for label, extension, mime, make in offers:
        st.download_button(
            label,
            data=make,
            file_name=file_name(stem, extension, simulated=simulated),
            mime=mime,
            on_click="ignore",
            key=f"pins-{extension}",
            width="stretch",
        )


def one(snapshot: Snapshot, place: int, count: int, store: Store) -> None:
    """A pinned figure with its title and note to edit, and where it came from."""
    name = snapshot.snapshot_id
    with st.container(border=True, key=f"pinned-{name}"):
        title = st.text_input("Title", snapshot.title, key=f"title-{name}", max_chars=200)
        st.markdown(escaped(snapshot.sentence))
        look = "projector-dark" if state.look().dark else "projector"
        st.vega_lite_chart(
            spec=fluid(snapshot.specs[look]),
            theme=None,
            width="stretch",
            alt=snapshot.description,
            key=f"figure-{name}",
        )
        note = st.text_area("Note", snapshot.note, key=f"note-{name}", max_chars=2000, height=68)
        if (title.strip() or snapshot.title, note) != (snapshot.title, snapshot.note):
            snapshot = snapshot.renamed(title.strip() or snapshot.title).noted(note)
            held = [snapshot if s.snapshot_id == name else s for s in state.pins()]
            pinboard.keep(held)
        for text in snapshot.warnings:
            st.caption(f":material/warning: {escaped(text)}")
        _origin(snapshot, store)
        _buttons(snapshot, place, count)


def _origin(snapshot: Snapshot, store: Store) -> None:
    """The build it was pinned on; the way to ask again on the build in use."""
    st.caption(escaped(snapshot.provenance))
    if snapshot.build_id == store.version:
        return
    kinds = {True: "simulated", False: "real"}
    other = (
        f" It is of {kinds[snapshot.simulated]} data, the store in use of {kinds[store.simulated]}."
        if snapshot.simulated != store.simulated
        else ""
    )
    before, now = set(snapshot.cohorts), set(store.cohorts()["name"])
    gone, new = sorted(before - now), sorted(now - before)
    parts = [
        f"The store in use is another build, {store.version} of "
        f"{store.build.created_at:%Y-%m-%d}.{other}",
        f"Studies no longer in it: {', '.join(gone)}." if gone else "",
        f"Studies new in it: {', '.join(new)}." if new else "",
        "Open its question to see which numbers have changed.",
    ]
    st.info(escaped(" ".join(p for p in parts if p)), icon=":material/history:")


def _buttons(snapshot: Snapshot, place: int, count: int) -> None:
    name = snapshot.snapshot_id
    with st.container(horizontal=True, gap="small"):
        # Relative, so that it holds behind a proxy's path; a tab of its own leaves this list be.
        st.link_button("Open its question", f".{snapshot.address}", type="tertiary")
        st.button(
            "Present", on_click=state.present, args=(place,), key=f"show-{name}", type="tertiary"
        )
        for label, by, off in (("Up", -1, place == 0), ("Down", 1, place == count - 1)):
            st.button(
                label,
                on_click=_move,
                args=(name, by),
                key=f"{label.lower()}-{name}",
                disabled=off,
                type="tertiary",
            )
        st.button("Remove", on_click=_remove, args=(name,), key=f"remove-{name}", type="tertiary")


def _move(name: str, by: int) -> None:
    pinned = state.pins()
    at = next(i for i, s in enumerate(pinned) if s.snapshot_id == name)
    pinned.insert(at + by, pinned.pop(at))
    pinboard.keep(pinned)


def _remove(name: str) -> None:
    pinboard.keep([s for s in state.pins() if s.snapshot_id != name])
