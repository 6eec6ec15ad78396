"""A figure and its rows as files, each made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import streamlit as st

from core.charts.figure import Figure
from core.charts.theme import WIDTHS, Look
from core.report.figures import FORMATS, MIME, Format, render
from core.report.tables import EXCEL_MIME, About, csv_bytes, excel_bytes, file_name
from core.ui import state


def offer(
    printed: Callable[[Look], Figure],
    rows_of: Callable[[], pd.DataFrame],
    about: About,
    name: str,
    *,
    simulated: bool,
    key: str,
) -> None:
    """A fold with the figure as SVG, PDF and PNG at a chosen width, its rows as CSV and Excel.

    Nothing in the fold is sent before it is opened, and no file is made before it is asked for.
    """
    fold = st.popover(
        "Files",
        icon=":material/download:",
        type="tertiary",
        key=f"{key}-fold",
        on_change="rerun",
    )
    if not fold.open:
        return
    rows = rows_of()
    with fold:
        st.caption("For print: white paper, with title, patients and source.")
        width = st.selectbox("Width on paper", list(WIDTHS), index=2, key=f"{key}-width")
        for kind in FORMATS:
            st.download_button(
                kind.upper(),
                data=_later(printed, kind, WIDTHS[width]),
                file_name=file_name(name, kind, simulated=simulated),
                mime=MIME[kind],
                key=f"{key}-{kind}",
                on_click="ignore",
                width="stretch",
            )
        st.download_button(
            "Rows as Excel",
            data=lambda: excel_bytes(rows, about, simulated=simulated),
            file_name=file_name(f"{name}-rows", "xlsx", simulated=simulated),
            mime=EXCEL_MIME,
            key=f"{key}-xlsx",
            on_click="ignore",
            width="stretch",
        )
        rows_as_csv(rows, f"{name}-rows", simulated=simulated, key=f"{key}-rows")


def rows_as_csv(rows: pd.DataFrame, stem: str, *, simulated: bool, key: str) -> None:
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


def _later(printed: Callable[[Look], Figure], kind: Format, width: float) -> Callable[[], bytes]:
    look = replace(state.look(), dark=False, medium="print", width_mm=width)

    def make() -> bytes:
        return render(printed(look).for_export(), kind)

    return make
