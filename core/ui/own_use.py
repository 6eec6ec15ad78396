"""The own cohorts of a session: use one alone or pooled, keep it on this machine, remove it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from core.model import DashboardError, Role
from core.store import Store
from core.ui import cached, state
from core.ui.messages import escaped, show_error
from core.ui.state import Own
from data.own import kept
from data.own.workspace import Workspace
from data.publish import pool, shared_ids

SAME_SHARE = 0.05
"""From this share of ids that also stand in a loaded cohort on, they are probably the same
people."""


@dataclass(frozen=True)
class Offered:
    """A row of the list: the cohort, what is known of it, and whether it is kept."""

    own: Own
    n_patients: int
    simulated: bool
    kept: bool


def space() -> Workspace:
    """This session's folder; a new one where none was made yet or the old one has been deleted."""
    found: Workspace = state.kept(state.SPACE, "", Workspace)
    if found.gone:
        state.drop(state.SPACE)
        found = state.kept(state.SPACE, "", Workspace)
    cached.hold(found)
    return found


def add(own: Own) -> None:
    """Take a cohort that was just made into the list, in place of one of its name, and use it."""
    state.put_made([*(o for o in state.made() if o.name != own.name), own])
    state.use_own(own)


def stores() -> Path:
    """The folder beside whose stores own cohorts are kept."""
    folder = cached.store_folder()
    return folder.parent if folder.is_file() else folder


def show() -> None:
    """The list with its buttons; nothing where there is no own cohort yet."""
    offered = _offered()
    if not offered:
        return
    st.header("Your cohorts", anchor=False)
    for i, row in enumerate(offered):
        with st.container(border=True, key=f"own-row-{i}"):
            _row(row, i)
    if not state.is_local():
        st.caption(
            "A cohort can be kept for later only where the browser and the app run on one machine."
        )


def _offered() -> list[Offered]:
    found = []
    for own in state.made():
        if not own.alone.exists():  # the folder went while the browser was away
            continue
        store = cached.session_store(own_alone(own)).store
        found.append(Offered(own_alone(own), store.n_patients, store.simulated, False))
    if state.is_local():
        found += [
            Offered(Own(k.name, k.path, k.path), k.n_patients, k.simulated, True)
            for k in kept.kept(stores())
        ]
    return found


def own_alone(own: Own) -> Own:
    """The same cohort, used alone."""
    return Own(own.name, own.alone, own.alone)


def _row(row: Offered, i: int) -> None:
    used = state.own()
    current = used is not None and used.alone == row.own.alone
    how = ("pooled with the loaded cohorts" if used and used.base else "alone") if current else ""
    kind = "simulated patients" if row.simulated else "patients"
    st.markdown(
        f"**{escaped(row.own.name)}**: {row.n_patients:,} {kind}, "
        + ("kept on this machine" if row.kept else "in this session only")
        + (f". **In use, {how}.**" if current else ".")
    )
    loaded = cached.current_store().store
    role, same = _role(i), _same_people(row.own, loaded, i)
    with st.container(horizontal=True, gap="small"):
        if st.button("Use it alone", key=f"own-alone-{i}", disabled=how == "alone"):
            state.use_own(row.own)
            st.rerun()
        pooled = st.button("Pool with the loaded cohorts", key=f"own-pool-{i}")
        keeping = (
            not row.kept
            and state.is_local()
            and st.button("Keep on this machine", key=f"own-keep-{i}", icon=":material/save:")
        )
        removed = st.button("Remove", key=f"own-remove-{i}", icon=":material/delete:")
    try:
        if pooled:
            _pool(row.own, loaded, role, same)
        if keeping:
            kept.keep(row.own.alone, row.own.name, stores())
            st.rerun()
        if removed:
            _remove(row, current)
    except DashboardError as error:  # the list stays; so does the mapping below it
        show_error(error)


def _role(i: int) -> str:
    return st.segmented_control(
        "When pooled, it is a cohort for",
        [Role.VALIDATION.value, Role.DISCOVERY.value],
        default=Role.VALIDATION.value,
        required=True,
        key=f"own-role-{i}",
    )


def _same_people(own: Own, loaded: Store, i: int) -> bool:
    """Whether ids that also stand in a loaded cohort are the same people; asked where there are
    any."""
    if loaded.simulated != store_of(own).simulated:
        return False
    key = (str(own.alone), str(loaded.path))
    found = state.kept(f"own-shared-{i}", key, lambda: shared_ids(loaded.path, own.alone))
    if not found:
        return False
    n = sum(found.values())
    listed = ", ".join(f"{count:,} in {name}" for name, count in list(found.items())[:3])
    return st.toggle(
        f"Patient ids that also stand in loaded cohorts ({listed}) are the same people: count "
        "them once, there",
        value=n >= SAME_SHARE * store_of(own).n_patients,
        key=f"own-same-{i}",
    )


def store_of(own: Own) -> Store:
    """The store of an own cohort alone."""
    return cached.session_store(own_alone(own)).store


def _pool(own: Own, loaded: Store, role: str, same: bool) -> None:
    bar = st.progress(0.0, "Pooling")

    def told(what: str, done: float) -> None:
        bar.progress(done, what.capitalize())

    try:
        path = pool(
            loaded.path,
            own.alone,
            space().path,
            role=role,
            same_people=same,
            progress=told,
        )
    finally:
        bar.empty()
    _discard_pool()
    state.use_own(Own(own.name, path, own.alone, base=loaded.version))
    st.rerun()


def _discard_pool() -> None:
    """Delete the pooled file that was in use: it can be made again in seconds."""
    used = state.own()
    if used is not None and used.base:
        with suppress(OSError):  # a system that locks open files: it goes with the session
            used.path.unlink(missing_ok=True)


def _remove(row: Offered, current: bool) -> None:
    if current:
        _discard_pool()
        state.use_own(None)
    if row.kept:
        kept.remove(row.own.alone, stores())
    else:
        state.put_made([o for o in state.made() if o.alone != row.own.alone])
        with suppress(OSError):
            row.own.alone.unlink(missing_ok=True)
    st.rerun()
