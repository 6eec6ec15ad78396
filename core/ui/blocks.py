"""How a result is shown: its figure with downloads, its warnings, tables, flow and methods."""

from __future__ import annotations

import html
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
import streamlit as st

from core.charts.figure import Figure
from core.charts.theme import Look
from core.report.figures import FORMATS, MIME, Format, render
from core.report.tables import csv_bytes, file_name
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


def wrapped(text: str, width: int = 110) -> list[str]:
    """``text`` in lines that fit under the title of a printed figure."""
    return textwrap.wrap(text, width)


def points(items: Iterable[tuple[str, str]]) -> None:
    """A list of remarks, each led by what it is about."""
    st.markdown("\n".join(f"- **{escaped(about)}**: {escaped(text)}" for about, text in items))


def figure(
    shown: Figure,
    for_print: Callable[[Look], Figure],
    rows: pd.DataFrame,
    *,
    simulated: bool,
    key: str,
    on_select: Callable[[], None] | None = None,
) -> None:
    """Draw ``shown``; offer it as SVG, PDF and PNG, and its rows as CSV, made when asked for.

    ``on_select`` is called when a mark of the figure's selection is clicked.
    """
    st.vega_lite_chart(
        spec=shown.for_screen(),
        theme=None,
        width="stretch",
        alt=shown.description,
        key=key,
        on_select=on_select or "ignore",
    )
    _downloads(shown.name, for_print, rows, simulated=simulated, key=key)


def explored(
    shown: dict[str, Any],
    for_print: Callable[[Look], Figure],
    rows: pd.DataFrame,
    *,
    name: str,
    description: str,
    simulated: bool,
    key: str,
) -> None:
    """Draw a Plotly figure of many points; offer its printed twin and its rows.

    ``description`` is for those who do not see it: Plotly's figures take none themselves.
    """
    st.html(f'<p class="unseen">{html.escape(description)}</p>')
    st.plotly_chart(shown, width="stretch", theme=None, key=key, config={"displaylogo": False})
    _downloads(name, for_print, rows, simulated=simulated, key=key)


def _downloads(
    name: str,
    for_print: Callable[[Look], Figure],
    rows: pd.DataFrame,
    *,
    simulated: bool,
    key: str,
) -> None:
    with st.container(horizontal=True, gap="small"):
        with st.popover("Download the figure", icon=":material/download:", type="tertiary"):
            st.caption("For print: white paper, with title, patients and source.")
            for kind in FORMATS:
                st.download_button(
                    kind.upper(),
                    data=_later(for_print, kind),
                    file_name=file_name(name, kind, simulated=simulated),
                    mime=MIME[kind],
                    key=f"{key}-{kind}",
                    on_click="ignore",
                    width="stretch",
                )
        rows_download(rows, f"{name}-rows", simulated=simulated, key=f"{key}-rows")


def _later(for_print: Callable[[Look], Figure], kind: Format) -> Callable[[], bytes]:
    def make() -> bytes:
        return render(for_print(Look(medium="print")).for_export(), kind)

    return make


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


def rows_download(rows: pd.DataFrame, stem: str, *, simulated: bool, key: str) -> None:
    """The underlying rows as CSV, made when asked for."""
    st.download_button(
        f"Rows as CSV ({len(rows):,})",
        data=lambda: csv_bytes(rows, simulated=simulated),
        file_name=file_name(stem, "csv", simulated=simulated),
        mime="text/csv",
        icon=":material/table:",
        type="tertiary",
        key=key,
        on_click="ignore",
    )


def table(frame: pd.DataFrame, *, text: Iterable[str] = (), total: bool = False) -> None:
    """A finished table as a publication prints it: the first column and ``text`` to the left.

    ``total``: the last row is the sum of the others.
    """
    left = {frame.columns[0], *text}
    side = ["left" if c in left else "right" for c in frame.columns]
    head = "".join(
        f'<th scope="col" class="{s}">{html.escape(str(c))}</th>'
        for c, s in zip(frame.columns, side, strict=True)
    )
    body = []
    for i, row in enumerate(frame.itertuples(index=False)):
        cells = [
            f'<{tag} class="{s}">{html.escape(str(v))}</{tag.split()[0]}>'
            for v, s, tag in zip(row, side, ["th scope='row'"] + ["td"] * len(side), strict=False)
        ]
        mark = ' class="total"' if total and i == len(frame) - 1 else ""
        body.append(f"<tr{mark}>{''.join(cells)}</tr>")
    st.html(
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
        f'<li class="lost"><b>−{s["lost"]:,}</b> {html.escape(s["step"])}</li>'
        for s in steps[steps.lost > 0].to_dict("records")
    ]
    items.append(f"<li><b>= {last:,}</b> analysed</li>")
    st.html(f'<ol class="flow">{"".join(items)}</ol>')


def methods(text: str) -> None:
    """The methods sentence, for a manuscript, behind a fold."""
    with st.expander("Methods"):
        st.markdown(escaped(text))
