"""Question A beside question B: the bar that says what they are, and figures side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.contrast import METHODS, Contrast, contrast
from core.charts.common_axes import common_axes
from core.charts.figure import Figure
from core.charts.wording import p_text, ratio_text
from core.model import DashboardError
from core.store import Store
from core.ui import cached, state
from core.ui.messages import escaped
from core.ui.state import Question


def bar(store: Store) -> None:
    """Where a question is held as A: what A and B are, and whether their hazard ratios differ."""
    a = state.held()
    if a is None:
        return
    b = state.question()
    with st.container(border=True, key="comparison"):
        told, way = st.columns([5, 1], vertical_alignment="top")
        with way:
            st.button(
                "End comparison",
                on_click=state.release,
                key="release",
                icon=":material/close:",
                type="tertiary",
            )
        with told:
            if a == b:
                st.markdown(
                    "**A** is this question. Change a filter or the gene: the new question is "
                    "**B**, and every figure shows both."
                )
                return
            try:
                one, two = (cached.survival(store, *_asked(q)) for q in (a, b))
            except DashboardError as error:
                st.markdown(escaped(f"A and B: {error.message}"))
                return
            st.markdown(f"**A** {escaped(one.title)}: {escaped(one.sentence)}")
            st.markdown(f"**B** {escaped(two.title)}: {escaped(two.sentence)}")
            st.markdown(f"**{escaped(words(contrast(one, two), a.endpoint))}**", help=METHODS)


def words(found: Contrast, endpoint: str) -> str:
    """The test of the two hazard ratios in one sentence, with how many patients they share."""
    shared = f"{found.shared:,} patients stand in both"
    if found.why_not:
        return f"{found.why_not} {shared[0].upper()}{shared[1:]}."
    differ = "differ" if found.p_value < 0.05 else "do not clearly differ"
    return (
        f"The hazard ratios of {endpoint} {differ}: A {found.hazard_ratio_a:.2f}, B "
        f"{found.hazard_ratio_b:.2f}, ratio B over A "
        f"{ratio_text(found.ratio, found.ci_lower, found.ci_upper)}, {p_text(found.p_value)}; "
        f"{shared}, which the test takes into account."
    )


def beside(
    draw: Callable[[Any], Figure],
    result: Any,
    again: Callable[[Question], Any] | None,
    numbers: Callable[[Any], pd.DataFrame],
    *,
    key: str,
) -> bool:
    """Draw A's figure and B's on common axes; False where no comparison is on or can be."""
    a = state.held()
    if a is None or again is None or a == state.question():
        return False
    try:
        other = again(a)
        figures = common_axes(draw(other), draw(result))
    except DashboardError as error:
        st.info(escaped(f"A has no such figure: {error.message}"), icon=":material/compare:")
        return False
    sides = zip(st.columns(2), ("A", "B"), (other, result), figures, strict=True)
    for column, name, found, figure in sides:
        with column:
            st.markdown(f"**{name}** {escaped(str(getattr(found, 'sentence', '')))}")
            st.vega_lite_chart(
                spec=figure.for_screen(),
                theme=None,
                width="stretch",
                alt=f"{name}: {figure.description}",
                key=f"{key}-{name.lower()}",
            )
    with st.expander("A and B in numbers"):
        table = pd.concat([numbers(f).assign(question=n) for n, f in (("A", other), ("B", result))])
        first = [c for c in table.columns if c != "question"]
        st.dataframe(table[["question", *first]], hide_index=True)
    return True


def _asked(question: Question) -> tuple[Any, ...]:
    q = question
    return (q.filters, q.stratifier, q.endpoint, q.stratified)
