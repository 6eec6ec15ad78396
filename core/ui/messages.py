"""A failure as a message: what happened, what was expected and found, what to do."""

from __future__ import annotations

import logging
import re
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


LINKED = re.compile(r"(?i)(://|\bwww(?=\.)|@)")
"""What Markdown makes a link of, escaped or not, unless something stands behind it."""

LISTED = re.compile(r"^(\d{1,9}(?=[.)](?:\s|$))|(?=[-+=]))")
"""The start of a line that would make it a list or a heading."""

UNSEEN = {
    code: "\ufffd"
    for low, high in ((0, 9), (10, 32), (127, 160), (0x202A, 0x202F), (0x2066, 0x206A))
    for code in range(low, high)
}
"""Control characters, among them those that turn the direction of the text behind them."""


def escaped(text: str, *, code: bool = False) -> str:
    """``text`` so that Markdown shows it as it is; ``code`` keeps what stands between backticks
    a command.

    Lines stay lines, without indentation; control characters show as U+FFFD.
    """
    lines = (line.translate(UNSEEN).strip() for line in text.splitlines())
    return "  \n".join(_line(line, code) for line in lines if line)


def _line(line: str, code: bool) -> str:
    parts = line.split("`")
    if not code or len(parts) % 2 == 0:
        return LISTED.sub(r"\1\\", _plain(line))
    shown = [part if i % 2 else _plain(part) for i, part in enumerate(parts)]
    return LISTED.sub(r"\1\\", "`".join(shown))


def _plain(text: str) -> str:
    text = LINKED.sub("\\1\u2060", text)
    return "".join(f"\\{c}" if c in "\\`*_[]<>#$~|:&" else c for c in text)
