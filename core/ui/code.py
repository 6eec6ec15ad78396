"""The code that reproduces the page, behind a fold at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.analysis.proportionality import proportional_p, violated
from core.analysis.response import AFTER_START
from core.report.asked import Asked, Questions
from core.report.code import page_code
from core.store import Store
from core.ui import cached, state

FOLD = "page-code"
"""Key of the fold."""

CHOICES: dict[str, tuple[str, ...]] = {
    "survival": ("medians", "bands", "tau"),
    "cox": ("residuals",),
    "burden": ("adjusted",),
    "nomogram": ("decision_at",),
    "mutations": ("sort",),
    "signatures": ("one_signature",),
    "tcga_survival": ("by_endpoint",),
    "intrinsic": ("overview", "feature"),
    "extrinsic": ("overview", "feature"),
    "ledger": ("verdict",),
}
"""Page -> keys of the widgets that change what is shown and no question."""


def show(page: str, store: Store, asked: Sequence[Asked]) -> None:
    """Nothing where the page had no answer, or has no code.

    The code is sent once the fold is open: what colours it is a quarter of all that a browser
    loads for its first page.
    """
    text = page_code(page, store, asked, options(page, Questions(asked)))
    if not text:
        return
    fold = st.expander(
        "Code that reproduces this page",
        icon=":material/code:",
        key=FOLD,
        on_change="rerun",
    )
    if fold.open:
        fold.code(text, language="python")


def options(page: str, questions: Questions) -> Mapping[str, Any]:
    """The page's choices, once its widgets have been drawn."""
    found = {key: state.chosen(key, None) for key in CHOICES.get(page, ())}
    kept: dict[str, Any] = {key: value for key, value in found.items() if value is not None}
    if page == "burden":
        kept["gene"] = state.question().gene
    if page == "signatures":
        named = state.chosen("signatures", ())
        kept["signatures"] = tuple(named) if isinstance(named, list) else ()
    if page == "survival":
        kept |= _of_survival(questions)
    if page == "mutations" and (protein := questions.first("protein_map")):
        kept["window"] = state.chosen(f"residues_{protein.answer.gene}", None)
    return kept


def _of_survival(questions: Questions) -> dict[str, bool]:
    """Whether the page shows hazard ratios in periods, and responses."""
    if asked := questions.first("panels"):
        result = asked.answer.pooled
    elif asked := questions.first("survival"):
        result = asked.answer
    else:
        return {}
    switched = bool(state.chosen("periods_shown", False))
    constant = cached.once(result, ("proportional p",), lambda: proportional_p(result))
    return {
        "periods": switched or violated(constant),
        "responses": state.question().stratifier.feature not in AFTER_START,
    }
