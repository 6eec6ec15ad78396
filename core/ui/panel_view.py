"""A panel of features on a page: the choice of panel, its overview, one feature by tumour type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np
import streamlit as st

from core.analysis.feature_detail import MIN_DENSITY, MOST_TYPES, FeatureDetail, feature_detail
from core.analysis.immune_panels import panel
from core.analysis.immunity import MIN_CELL, SIGNIFICANT, PanelComparison, bring
from core.analysis.survival import MIN_PATIENTS
from core.charts import immunity_tables as tables
from core.charts.panel import SELECTION, heatmap_figure, panel_figure
from core.charts.violin import violin_figure
from core.store import Store
from core.ui import blocks, cached, state
from core.ui.exhibit import Exhibit
from core.ui.messages import escaped
from core.ui.state import Question

Made = TypeVar("Made")

VIEWS = {"effects": "Effects", "types": "By tumour type"}


def title(asked: Question, how: str) -> str:
    """``Are ALK-mutant tumours more inflamed?``, or what else the patients are split by."""
    if asked.stratifier.of_mutations:
        return f"Are {asked.subject}-mutant tumours {how}?"
    return f"Are tumours {how} by {asked.subject}?"


def choose(keys: Sequence[str], names: dict[str, str]) -> str:
    """The panel that is shown; ``names``: those that are no panel of features."""
    titles = {k: names.get(k) or panel(k).title for k in keys}
    state.check_many("panel", "Panel", list(titles.values()))
    state.keep_known("panel", list(keys))
    chosen = st.segmented_control(
        "Panel",
        list(keys),
        default=keys[0],
        required=True,
        format_func=lambda k: titles.get(k, k),
        key="panel",
        bind="query-params",
    )
    return chosen or keys[0]


def lacking(result: PanelComparison) -> None:
    """What no patient has a value of, by name, with the command that would bring it."""
    for (_, held), own in result.lacking.groupby(["source", "held"], sort=False):
        names = escaped(", ".join(own.name.tolist()))
        if held:
            words = f"**Known of none of these patients:** {names}. Other filters may show it."
            st.info(words, icon=":material/group_off:")
            continue
        st.info(
            f"**Not in this store:** {names}. {escaped(bring(own), code=True)}",
            icon=":material/cloud_download:",
        )


def show(
    result: PanelComparison,
    store: Store,
    title: str,
    again: Callable[[Question], PanelComparison] | None = None,
) -> None:
    """Everything of a panel, from the answer to the methods; ``again`` asks another question."""
    blocks.answer(made(result, tables.answer))
    blocks.sentence(result.sentence)
    if result.panel.note:
        st.caption(escaped(result.panel.note))
    lacking(result)
    blocks.warnings(result.warnings)
    exhibit = Exhibit.of_result(store, f"{title} {result.panel.title}", result, again=again)
    view, member = _choices(result)
    _overview(exhibit, view, member)
    _feature(exhibit, member)
    st.header("Every feature", anchor=False)
    st.html(made(result, _effects))
    st.header("Levels", anchor=False)
    st.html(made(result, _levels))
    st.header("Where the values come from", anchor=False)
    blocks.points(tables.sources(result))
    if len(result.flow):
        st.header("Where patients were lost", anchor=False)
        blocks.flow(result.flow)
    blocks.methods(result.methods)


def _effects(result: PanelComparison) -> str:
    return blocks.printed(tables.effects(result))


def _levels(result: PanelComparison) -> str:
    return blocks.printed(tables.levels(result), text=["Unit"])


def made(result: PanelComparison, make: Callable[[PanelComparison], Made]) -> Made:
    """What ``make`` makes of a result, remembered with it."""
    return cached.once(result, (make.__qualname__,), partial(make, result))


def opened(result: PanelComparison, member: str) -> FeatureDetail:
    """:func:`core.analysis.feature_detail.feature_detail`, remembered with the panel's result."""
    return cached.once(result, ("detail", member), partial(feature_detail, result, member))


def _choices(result: PanelComparison) -> tuple[str, str]:
    """Which overview, and which feature is opened beneath it."""
    left, right = st.columns([1, 1.4], vertical_alignment="bottom")
    first = "types" if result.panel.key == "mhc" else "effects"
    state.check_many("overview", "Overview", list(VIEWS.values()))
    view = left.segmented_control(
        "Overview",
        list(VIEWS),
        default=first,
        required=True,
        format_func=VIEWS.__getitem__,
        key="overview",
        bind="query-params",
    )
    keys = result.table.index.tolist()
    names = {m.key: m.name for m in result.members}
    state.keep_known("feature", keys)
    smaller = result.table[["n_mutant", "n_wild_type"]].min(axis=1).to_numpy()
    enough = np.asarray(smaller >= MIN_PATIENTS)
    member = right.selectbox(
        "Feature",
        keys,
        index=int(enough.argmax()),
        format_func=lambda k: names.get(k, k),
        key="feature",
        bind="query-params",
        help="Opened by tumour type below; a click in the overview chooses it as well.",
    )
    return view or first, member or keys[0]


def _overview(exhibit: Exhibit, view: str, member: str) -> None:
    key = f"panel-{exhibit.result.panel.key}-{view}"
    exhibit.figure(
        heatmap_figure if view == "types" else panel_figure,
        lambda r: r.export(),
        key=key,
        on_screen={"chosen": member, "selectable": True},
        on_select=partial(state.choose_member, key, SELECTION, "feature"),
    )
    if view == "types":
        st.caption(
            f"Cells: tumour types with at least {MIN_CELL} patients of each arm, most mutant "
            f"patients first. A dot: q below {SIGNIFICANT:g}. A click on a cell opens its feature."
        )
    else:
        st.caption(
            f"Filled: q below {SIGNIFICANT:g}. A click on a row opens its feature by tumour type."
        )


def _feature(exhibit: Exhibit, member: str) -> None:
    detail = opened(exhibit.result, member)
    st.header(f"{escaped(detail.member.name)} by tumour type", anchor=False)
    if detail.member.description:
        st.caption(escaped(detail.member.description))
    again = exhibit.again

    def of_feature(of: Question) -> FeatureDetail:
        assert again is not None
        return opened(again(of), member)

    named = exhibit.of(detail, subtitle=detail.member.name)
    replace(named, again=of_feature if again else None).figure(
        violin_figure, lambda r: r.boxes, key=f"violin-{exhibit.result.panel.key}"
    )
    most = f"The {MOST_TYPES} tumour types with most mutant patients. "
    st.caption(
        (most if exhibit.result.table.n_types[member] > MOST_TYPES else "")
        + f"Densities of arms of {MIN_DENSITY} or more patients, points below; bars span the "
        "quartiles, discs are medians. Effect: rank-biserial correlation."
    )
