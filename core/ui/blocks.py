"""How a result is told: answer, patients, warnings, tables, flow and methods."""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
import streamlit as st

from core.ui.messages import escaped

PATIENCE = 0.15
"""Seconds that work may take before a progress bar shows."""


def answer(text: str) -> None:
    """The answer to the title's question, before everything else."""
    if text:
        st.markdown(f"**{escaped(text)}**")


def sentence(text: str) -> None:
    """Whom the answer is about."""
    st.markdown(escaped(text))


def points(items: Iterable[tuple[str, str]]) -> None:
    """A list of remarks, each led by what it is about."""
    st.markdown("\n".join(f"- **{escaped(about)}**: {escaped(text)}" for about, text in items))


def warnings(texts: Iterable[str]) -> None:
    """What the reader must know before believing the result."""
    for text in texts:
        st.warning(escaped(text), icon=":material/warning:")


def choosable(frame: pd.DataFrame, *, key: str, on_select: Callable[[], None]) -> None:
    """A long table that can be sorted and searched; ``on_select`` is called when a row is chosen.

    Columns whose name starts with ``p`` or ``q`` are p-values, other fractional ones ratios.
    """
    config: dict[str, Any] = {
        c: st.column_config.NumberColumn(format="%.2g" if c[0] in "pq" else "%.2f")
        for c in frame.columns
        if pd.api.types.is_float_dtype(frame[c])
    }
    st.dataframe(
        frame,
        hide_index=True,
        column_config=config,
        key=key,
        on_select=on_select,
        selection_mode="single-row",
    )


@contextmanager
def progress(text: str) -> Iterator[Callable[[float], None]]:
    """A bar for work in steps, given the fraction done; it shows once the work has taken a while
    and is gone at the end."""
    place, start = st.empty(), time.monotonic()

    def show(done: float) -> None:
        if time.monotonic() - start > PATIENCE:
            place.progress(min(done, 1.0), text)

    yield show
    place.empty()


def table(frame: pd.DataFrame, *, text: Iterable[str] = (), total: bool = False) -> None:
    """A finished table as a publication prints it: the first column and ``text`` to the left.

    ``total``: the last row is the sum of the others.
    """
    st.html(printed(frame, text=text, total=total))


def printed(frame: pd.DataFrame, *, text: Iterable[str] = (), total: bool = False) -> str:
    """The HTML of :func:`table`."""
    left = {frame.columns[0], *text}
    side = ["left" if c in left else "right" for c in frame.columns]
    head = "".join(
        f'<th scope="col" class="{s}">{html.escape(str(c))}</th>'
        for c, s in zip(frame.columns, side, strict=True)
    )
    body = []
    columns = (frame.iloc[:, j].tolist() for j in range(frame.shape[1]))
    for i, row in enumerate(zip(*columns, strict=True)):
        cells = [
            f'<{tag} class="{s}">{html.escape(str(v))}</{tag.split()[0]}>'
            for v, s, tag in zip(row, side, ["th scope='row'"] + ["td"] * len(side), strict=False)
        ]
        mark = ' class="total"' if total and i == len(frame) - 1 else ""
        body.append(f"<tr{mark}>{''.join(cells)}</tr>")
    return (
        f'<div class="tablebox" tabindex="0" role="group" aria-label="table"><table class="plain">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def flow(steps: pd.DataFrame) -> None:
    """Where patients were lost, from the store to the analysis: steps that lost none are left out.

    ``steps`` has the columns step, n, lost.
    """
    first, last = int(steps.n.iloc[0]), int(steps.n.iloc[-1])
    items = [f"<li><b>{first:,}</b> in the store</li>"]
    items += [
        f'<li class="lost"><b>−{lost:,}</b> {html.escape(step)}</li>'
        for step, lost in zip(steps.step, steps.lost, strict=True)
        if lost > 0
    ]
    items.append(f"<li><b>= {last:,}</b> analysed</li>")
    st.html(f'<ol class="flow">{"".join(items)}</ol>')


def methods(text: str) -> None:
    """The methods sentence, for a manuscript, behind a fold."""
    with st.expander("Methods"):
        st.markdown(escaped(text))
