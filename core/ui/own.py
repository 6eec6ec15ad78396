"""Bring your own: upload a cohort or gene sets, map the columns, see what is wrong, use it.

Imported by its page alone, so that every other page starts without ``data``.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.store import Store
from core.ui import blocks, cached, downloads, own_mapping, own_sets, own_use, state
from core.ui.messages import escaped
from core.ui.state import Own
from data.own import problems
from data.own.build import make_store
from data.own.mapping import OwnMapping
from data.own.problems import CELL, NOTE, ROW, STOP, Finding
from data.own.propose import propose
from data.own.reading import (
    Upload,
    in_own_words,
    preview,
    read_study_archive,
    read_two_tables,
    sheets,
)

STUDY, TABLES, SETS = "cBioPortal study", "Two tables", "Gene sets"
WAYS = (STUDY, TABLES, SETS)
SHOWN_ROWS = 60
"""Problems listed on the page; the file has them all."""


def show() -> None:
    """The whole page."""
    st.title("Bring your own cohort", anchor=False)
    blocks.sentence(
        "Upload patients with their survival and mutations, and every page works on them, alone or "
        "beside the loaded cohorts."
    )
    st.caption(_privacy())
    own_use.show()
    way = st.segmented_control(
        "What do you bring?", WAYS, default=STUDY, required=True, key="own-way"
    )
    if way == SETS:
        own_sets.show()
        return
    upload = _study() if way == STUDY else _tables()
    if upload is not None:
        _prepare(upload)


def _privacy() -> str:
    where = "this computer" if state.is_local() else "the computer that runs this app"
    return (
        f"Files stay on {where}, in a folder that only this session uses; it is deleted when "
        "the session ends. Reloading the page begins a new session."
    )


def _study() -> Upload | None:
    file = st.file_uploader(
        "Study folder as .zip or .tar.gz",
        type=["zip", "gz", "tgz", "tar"],
        key="own-study",
        help="A folder with data_clinical_patient.txt, data_clinical_sample.txt and "
        "data_mutations.txt, as cBioPortal's datahub has them. At most 200 MB.",
    )
    if file is None:
        st.caption(
            "A study as cBioPortal publishes it: clinical files, mutations, gene panels. "
            "Expression and copy number in it are passed over."
        )
        return None
    space = own_use.space()

    def read() -> Upload:
        with st.spinner("Reading the archive"):
            path = space.receive(file.getvalue(), file.name, "study")
            return read_study_archive(path, space.path)

    return state.kept("own-upload", (STUDY, file.file_id), read)


def _tables() -> Upload | None:
    left, right = st.columns(2)
    kinds = ["csv", "tsv", "txt", "xlsx", "xlsm", "gz"]
    with left:
        patients = st.file_uploader("Patients", type=kinds, key="own-patients")
        st.caption("One row a patient: id, time and event of survival, and what else is known.")
    with right:
        mutations = st.file_uploader("Mutations", type=kinds, key="own-mutations")
        st.caption("One row a mutation: patient or sample, gene, class. A MAF will do.")
    if patients is None:
        return None
    space = own_use.space()
    ids = (patients.file_id, mutations.file_id if mutations else "")

    def received() -> tuple[Path, Path | None]:
        one = space.receive(patients.getvalue(), patients.name, "patients")
        if mutations is None:
            return one, None
        return one, space.receive(mutations.getvalue(), mutations.name, "mutations")

    paths = state.kept("own-received", ids, received)
    chosen = _sheets(paths, space.path)
    second = paths[1] or (paths[0] if chosen[1] else None)

    def read() -> Upload:
        with st.spinner("Reading the tables"):
            return read_two_tables(paths[0], second, space.path, chosen)

    return state.kept("own-upload", (TABLES, ids, chosen), read)


def _sheets(paths: tuple[Path, Path | None], folder: Path) -> tuple[str, str]:
    """The sheets of patients and of mutations, asked where a workbook has several; "" for text.

    Without a file of mutations, a second sheet of the patients' workbook may hold them.
    """
    own = sheets(paths[0], folder)
    others = sheets(paths[1], folder) if paths[1] is not None else own[:0]
    one = own[0] if own else ""
    two = others[0] if others else ""
    if len(own) > 1:
        one = st.selectbox("Sheet of patients", own, key="own-sheet-patients")
    options = others if paths[1] is not None else ("none", *own)
    if len(options) > 1:
        likely = next((i for i, s in enumerate(options) if "mut" in s.lower()), 0)
        two = st.selectbox("Sheet of mutations", options, likely, key="own-sheet-mutations")
    return one, "" if two == "none" else two


def _prepare(upload: Upload) -> None:
    """The mapping step, what is wrong under it, and the button that uses the cohort."""
    _look(upload)
    key = tuple((t.source, len(t)) for t in upload.tables.values()), upload.files
    name = own_mapping.usual_name(upload)
    mapping = own_mapping.ask(
        upload, state.kept("own-proposal", key, lambda: propose(upload, name))
    )
    genes = _known_genes(cached.current_store().store)
    with st.spinner("Checking every row"):
        findings = state.kept(
            "own-findings", (key, repr(mapping)), lambda: problems.check(upload, mapping, genes)
        )
    st.header("What is wrong, row by row", anchor=False)
    go_on = _findings(upload, findings)
    if any(f.kind == STOP for f in findings) or not go_on:
        st.caption("Once this is settled the cohort can be used.")
        return
    if st.button("Use this cohort", type="primary", icon=":material/check:", key="own-use"):
        _use(problems.cleaned(upload, findings), mapping)
    used = state.own()
    if used is not None and used.name == mapping.name:
        st.success(
            "In use: every page now shows it. The list at the top of this page pools it with the "
            "loaded cohorts, keeps it, or removes it.",
            icon=":material/check:",
        )


def _look(upload: Upload) -> None:
    """The first rows of each table, as they stand in the file."""
    st.header("What was read", anchor=False)
    for name, table in upload.tables.items():
        rows, columns = table.frame.shape
        with st.expander(f"{escaped(table.source)}: {rows:,} rows, {columns} columns"):
            st.dataframe(preview(table), hide_index=True, key=f"own-preview-{name}")
    for note in upload.notes:
        st.caption(escaped(note))


def _findings(upload: Upload, findings: list[Finding]) -> bool:
    """Show every problem; True where nothing stands in the way, or it is to be left out."""
    if not findings:
        st.success("Every row fits the mapping.", icon=":material/check:")
        return True
    counts = {k: sum(len(f.lines) for f in findings if f.kind == k) for k in (CELL, ROW, NOTE)}
    every = problems.as_table(upload, findings)
    blocks.table(every.head(SHOWN_ROWS), text=every.columns)
    if len(every) > SHOWN_ROWS:
        st.caption(f"The first {SHOWN_ROWS} of {len(every):,}; the file has them all.")
    downloads.rows_as_csv(every, "problems", simulated=False, key="own-problems")
    if not counts[CELL] and not counts[ROW]:
        return True
    return st.toggle(
        f"Go on without them: read {_of(counts[CELL], 'cell')} as missing and leave out "
        f"{_of(counts[ROW], 'row')}",
        key="own-without",
        help="The file itself is not changed.",
    )


def _of(n: int, what: str) -> str:
    return f"{n:,} {what}" + ("" if n == 1 else "s")


def _use(upload: Upload, mapping: OwnMapping) -> None:
    """Make the store of the cohort, with a bar, and use it alone."""
    space, loaded = own_use.space(), cached.current_store().store
    bar = st.progress(0.0, "Harmonising")

    def told(what: str, done: float) -> None:
        bar.progress(done, what.capitalize())

    try:
        with in_own_words(space.path):
            path = make_store(
                upload,
                mapping,
                space.folder(),
                known_genes=_known_genes(loaded),
                known_panels=loaded.panel_genes(),
                reference=None if loaded.simulated else loaded.gene_facts(),
                progress=told,
            )
    finally:
        bar.empty()
    own_use.add(Own(mapping.name, path, path))
    st.rerun()


def _known_genes(store: Store) -> frozenset[str]:
    return frozenset(cached.facts(store).genes)
