"""A failure as a message: what happened, what was expected and found, what to do."""

from __future__ import annotations

import logging
import uuid

import streamlit as st

from core.model import DashboardError, NotEnoughData

LOG = logging.getLogger("ici_explorer")


def show_error(error: DashboardError) -> None:
    """Lay out ``error``; too little data is an answer, not an alarm.

    One that another exception caused is logged with it.
    """
    if error.__cause__ is not None:
        LOG.error("%s", error, exc_info=error)
    parts = [f"**{escaped(error.message)}**"]
    for name in ("expected", "found", "where"):
        if value := getattr(error, name):
            parts.append(f"{name.capitalize()}: {escaped(value)}")
    if error.remedy:
        parts.append(escaped(error.remedy, code=True))
    text = "\n\n".join(parts)
    if isinstance(error, NotEnoughData):
        st.info(text, icon=":material/group_off:")
    else:
        st.error(text, icon=":material/error:")


def show_unexpected(error: Exception) -> None:
    """Say plainly that this program failed; what happened goes to the log, under a number."""
    number = uuid.uuid4().hex[:8]
    LOG.error("unexpected failure %s", number, exc_info=error)
    st.error(
        "**This page could not be shown, through a fault of this program.** The other pages go "
        "on. Try other filters, or reload the page. Whoever runs this server finds the details "
        f"in its log under the number {number}.",
        icon=":material/error:",
    )


def escaped(text: str, *, code: bool = False) -> str:
    """``text`` so that Markdown shows it as it is; ``code`` keeps backticks, for commands."""
    signs = "\\*_[]<>#$~|:" if code else "\\*_[]<>#$~|:`"
    return "".join(f"\\{c}" if c in signs else c for c in text)
