"""A figure on a page with all that goes with it: heading, downloads, pin, stage, A beside B.

A page makes one :class:`Exhibit` of its result and shows every figure through it, so that no
figure can leave its page without its question, its patients and its source.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from core.charts.axis_ends import ends_in_data
from core.charts.figure import Figure
from core.charts.theme import Look
from core.report.snapshot import LOOKS, Snapshot, differences
from core.report.tables import About
from core.store import Store
from core.ui import cached, compare, downloads, pinboard, state

Draw = Callable[..., Figure]
"""``draw(result, look, *, simulated, heading=(), **options)``."""

LINE = 110
"""Characters of a line under the title of a printed figure."""


@dataclass(frozen=True)
class Exhibit:
    """What the figures of one result share.

    ``result``: what a chart draws. ``again``: the same analysis asked of another question, so that
    two questions can be compared; None where a figure has no such twin.
    """

    store: Store
    title: str
    result: Any
    sentence: str
    methods: str = ""
    warnings: tuple[str, ...] = ()
    again: Callable[[state.Question], Any] | None = None
    subtitle: str = ""

    @classmethod
    def of_result(
        cls,
        store: Store,
        title: str,
        result: Any,
        *,
        again: Callable[[state.Question], Any] | None = None,
        more_methods: str = "",
        more_warnings: tuple[str, ...] = (),
    ) -> Exhibit:
        """The exhibit of a result that tells its patients, and where it has them its methods and
        warnings."""
        return cls(
            store,
            title,
            result,
            result.sentence,
            " ".join(filter(None, (getattr(result, "methods", ""), more_methods))),
            (*getattr(result, "warnings", ()), *more_warnings),
            again,
        )

    @property
    def source(self) -> str:
        """Where the numbers come from, as the last line of a heading."""
        return f"Build {self.store.version}" + (", SIMULATED DATA" if self.store.simulated else "")

    @property
    def heading(self) -> tuple[str, ...]:
        """Title, subtitle, patients and source, for a figure that leaves its page."""
        lines = [self.subtitle] if self.subtitle else []
        return (self.title, *lines, *textwrap.wrap(self.sentence, LINE), self.source)

    @property
    def about(self) -> About:
        """What a table of its rows says of itself."""
        studies = self.store.cohorts()
        return About(
            self.title,
            " ".join(filter(None, (self.subtitle, self.sentence))),
            self.methods,
            self.warnings,
            self.source,
            cohorts=dict(zip(studies["name"], studies.citation, strict=True)),
        )

    def of(self, result: Any, *, subtitle: str = "", **other: Any) -> Exhibit:
        """The same page's figure of something else, which has no twin to compare with."""
        return replace(self, result=result, subtitle=subtitle, again=None, **other)

    def figure(
        self,
        draw: Draw,
        numbers: Callable[[Any], pd.DataFrame],
        *,
        key: str,
        rows: Callable[[Any], pd.DataFrame] | None = None,
        on_select: Callable[[], None] | None = None,
        on_screen: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        """Show a figure.

        ``numbers``: the tidy results it draws; ``rows``: what its CSV holds, by default the same.
        ``options`` go to ``draw``; those of ``on_screen`` only where the figure can be clicked.
        """
        made = partial(draw, simulated=self.store.simulated, **options)

        def on_page(look: Look) -> str:
            figure = self._drawn(draw, look, {**options, **(on_screen or {})})
            chart(figure, key=key, on_select=on_select)
            return figure.name

        self._show(_Shown(self, made, numbers, rows or numbers, key), on_page)

    def explored(
        self,
        points: Callable[..., dict[str, Any]],
        draw: Draw,
        numbers: Callable[[Any], pd.DataFrame],
        *,
        name: str,
        description: str,
        key: str,
    ) -> None:
        """A Plotly figure of many points; on the stage, on paper and in pins its printed twin.

        ``description`` is for those who do not see it: Plotly's figures take none themselves.
        """
        simulated = self.store.simulated

        def on_page(look: Look) -> str:
            words(description)
            st.plotly_chart(
                points(self.result, look, simulated=simulated),
                width="stretch",
                theme=None,
                key=key,
                config={"displaylogo": False},
            )
            return name

        made = partial(draw, simulated=simulated)
        self._show(_Shown(self, made, numbers, numbers, key), on_page)

    def _drawn(self, draw: Draw, look: Look, options: dict[str, Any]) -> Figure:
        """The figure for the page, remembered where it depends on nothing but what is named."""
        make = partial(draw, self.result, look, simulated=self.store.simulated, **options)
        what = (_name(draw), look, *sorted(options.items()))
        if not _name(draw) or not is_dataclass(self.result) or not _is_hashable(what):
            return make()
        return cached.once(self.result, what, make)

    def _show(self, shown: _Shown, on_page: Callable[[Look], str]) -> None:
        """On the stage, beside A's, or on the page with its footer."""
        if state.presented() is not None:
            if state.offer(shown.key):
                state.stage(Staged(self.title, self.subtitle, self.sentence, shown.on_stage()))
            return
        drawn = partial(shown.draw, look=state.look())
        if not compare.beside(drawn, self.result, self.again, shown.numbers, key=shown.key):
            shown.footer(on_page(state.look()))


@dataclass(frozen=True)
class Staged:
    """A figure large and alone: its spec with data inside, and the words above it."""

    title: str
    subtitle: str
    sentence: str
    figure: Figure


@dataclass(frozen=True)
class _Shown:
    """One figure of an exhibit: what its buttons and its twin need."""

    exhibit: Exhibit
    draw: Draw
    numbers: Callable[[Any], pd.DataFrame]
    rows: Callable[[Any], pd.DataFrame]
    key: str

    def on_stage(self) -> Figure:
        return self.draw(self.exhibit.result, replace(state.look(), medium="projector"))

    def printed(self, look: Look) -> Figure:
        return self.draw(self.exhibit.result, look, heading=self.exhibit.heading)

    def footer(self, name: str) -> None:
        """What can be taken from the figure: files, rows, a pin; and what changed since one."""
        exhibit = self.exhibit
        with st.container(horizontal=True, gap="small", key=f"foot-{self.key}"):
            downloads.offer(
                self.printed,
                partial(self.rows, exhibit.result),
                exhibit.about,
                name,
                simulated=exhibit.store.simulated,
                key=self.key,
            )
            st.button(
                "Pin",
                key=f"pin-{self.key}",
                icon=":material/keep:",
                type="tertiary",
                on_click=state.request_pin,
                args=(self.key,),
            )
            st.button(
                "Present",
                key=f"present-{self.key}",
                icon=":material/slideshow:",
                type="tertiary",
                on_click=state.present,
                args=(self.key,),
            )
        if state.pin_requested(self.key):
            pinboard.add(self.snapshot())
        self.since_pinned()

    def snapshot(self) -> Snapshot:
        """This figure as it is now."""
        exhibit, store = self.exhibit, self.exhibit.store
        now = datetime.now(UTC)
        light, dark = (replace(state.look(), medium="projector", dark=d) for d in (False, True))
        specs = {
            "print": self.printed(replace(light, medium="print")),
            "projector": self.draw(exhibit.result, light),
            "projector-dark": self.draw(exhibit.result, dark),
        }
        cohorts = store.cohorts()
        return Snapshot(
            snapshot_id=f"{now:%Y%m%dT%H%M%S%f}",
            title=exhibit.title,
            sentence=" ".join(filter(None, (exhibit.subtitle, exhibit.sentence))),
            address=state.address(),
            figure=self.key,
            name=specs["print"].name,
            description=specs["print"].description,
            specs={name: specs[name].for_export() for name in LOOKS},
            numbers=self.numbers(exhibit.result),
            methods=exhibit.methods,
            warnings=exhibit.warnings,
            simulated=store.simulated,
            build_id=store.version,
            built_on=f"{pd.Timestamp(store.build.created_at):%Y-%m-%d}",
            code_version=str(store.build.code_version),
            cohorts=dict(zip(cohorts["name"], cohorts.citation, strict=True)),
            pinned_at=now.isoformat(timespec="seconds"),
        )

    def since_pinned(self) -> None:
        """Where this figure was pinned on another build: what has changed since."""
        store, here = self.exhibit.store, state.address()
        for old in state.pins():
            if (old.figure, old.address) != (self.key, here) or old.build_id == store.version:
                continue
            changed = differences(old.numbers, self.numbers(self.exhibit.result))
            words = f"Pinned on build {old.build_id} of {old.built_on}"
            if old.simulated != store.simulated:
                words += ", which was of " + ("simulated" if old.simulated else "real") + " data"
            if changed.empty:
                st.info(f"{words}: every number is the same here.", icon=":material/history:")
                continue
            with st.expander(f"{words}: {len(changed)} numbers differ", icon=":material/history:"):
                st.dataframe(changed.astype(str), hide_index=True)


def _name(draw: Draw) -> str:
    """What a chart's function is called; empty for one of a page, which may see more than it is
    given."""
    module, name = getattr(draw, "__module__", ""), getattr(draw, "__qualname__", "<")
    return f"{module}.{name}" if module.startswith("core.charts") and "<" not in name else ""


def _is_hashable(what: tuple[Any, ...]) -> bool:
    try:
        hash(what)
    except TypeError:
        return False
    return True


def chart(figure: Figure, *, key: str, on_select: Callable[[], None] | None = None) -> None:
    """Draw ``figure`` on the page; ``on_select`` is called when a mark of it is clicked.

    The browser builds a figure anew whenever its spec or its label differs, and else only moves
    its marks, so the label names what is drawn and the numbers stand beside it.
    """
    words(figure.description)
    st.vega_lite_chart(
        spec=ends_in_data(figure).for_screen(),
        theme=None,
        width="stretch",
        alt=figure.label,
        key=key,
        on_select=on_select or "ignore",
    )


def words(description: str) -> None:
    """What the next figure shows, for those who do not see it."""
    st.html(f'<p class="unseen">{html.escape(description)}</p>')
