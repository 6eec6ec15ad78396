"""An expected failure as a message: what happened, what was expected and found, what to do."""

from __future__ import annotations

import streamlit as st

from core.model import DashboardError, NotEnoughData


def show_error(error: DashboardError) -> None:
    """Lay out ``error``; too little data is an answer, not an alarm."""
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


def escaped(text: str, *, code: bool = False) -> str:
    """``text`` so that Markdown shows it as it is; ``code`` keeps what stands between backticks,
    for commands, where a backslash would be shown."""
    if code and text.count("`") % 2 == 0:
        parts = text.split("`")
        return "".join(f"`{p}`" if i % 2 else escaped(p) for i, p in enumerate(parts))
    return "".join(f"\\{c}" if c in "\\*_[]<>#$~|:`" else c for c in text)
