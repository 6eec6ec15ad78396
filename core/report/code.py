"""The code that reproduces a page: a short script of the same calls that the page made.

The page's questions are told as they were asked (:class:`core.report.asked.Asked`), so that the
script cannot differ from the page in whom it is about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.model import StoreError
from core.report.asked import Asked, Questions
from core.report.code_ici import ICI_WRITERS
from core.report.code_nomogram import NOMOGRAM_WRITERS
from core.report.code_tcga import TCGA_WRITERS
from core.report.script import Script
from core.store import Store, default_path, open_default, open_store

WRITERS = {**ICI_WRITERS, **NOMOGRAM_WRITERS, **TCGA_WRITERS}
"""Name of a page's file -> what writes its code."""


def page_code(
    page: str, store: Store, asked: Sequence[Asked], options: Mapping[str, Any] | None = None
) -> str:
    """The script of ``page`` on ``store``; empty where the page had no answer to show.

    ``options``: the page's choices that are no part of a question, by the names of its writer.
    """
    script = Script()
    if _is_default(store):
        script.add(f"store = {script.use(open_default)}()")
    else:
        path = script.use_name("pathlib", "Path")
        script.add(f"store = {script.use(open_store)}({path}({script.value(str(store.path))}))")
    opened = script.length
    if page in WRITERS:
        WRITERS[page](script, Questions(asked), options or {})
    return script.text(_head(store)) if script.length > opened else ""


def _is_default(store: Store) -> bool:
    """False also where a newer build is damaged, so that an older one stays in use."""
    try:
        return store.path == default_path()
    except StoreError:
        return False


def _head(store: Store) -> str:
    data = "SIMULATED data, no real patient: " if store.simulated else ""
    return (
        f"# {data}build {store.version}, file {store.path.name}\n"
        '# In Jupyter a figure shows itself; its .save("figure.pdf") writes PDF, SVG or PNG.'
    )
