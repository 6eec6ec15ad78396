"""The question in the sidebar, as the session and the URL hold it. The only file that touches them.

Every filter is a widget with a key bound to the URL (``bind="query-params"``), so that it survives
page switches, reloads and deep links. Values from a URL are checked against what the store holds
before the widgets are made: a bad one is told and left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode

import streamlit as st

from core.analysis.subgroups import bounds
from core.charts.theme import SCHEMES, Look
from core.model import Filters, Split, Stratifier
from core.report.snapshot import Snapshot
from core.store import Store

T = TypeVar("T")

DEFAULT_GENE = "ALK"

MANY = ("class", "tumor", "drug", "role", "cohort", "sex", "assay")
"""Keys of filters that take several values; empty means all."""

NUMBERS = ("tmb_min", "tmb_max")
SWITCHES = ("strata", "called")

SCHEME = "colours"
"""Key of the choice of colours."""

LOOKED = "_looked"
QUESTION, NOTES, RUN, BUILD, STORE = "_question", "_notes", "_run", "_build", "_store"
TOLD = "_told"
PAGE, PINS, PIN, HELD, HELD_STORE = "_page", "_pins", "_pin", "_held", "_held_store"
STAGE, STAGED = "_stage", "_staged"
SPACE = "own-space"
"""What :func:`kept` calls this session's folder of uploads."""
UPLOADS = ("own-received", "own-upload", "own-proposal", "own-findings")
OWN, MADE, OWN_SETS, KEPT = "_own", "_own_made", "_own_sets", "_kept_"


@dataclass(frozen=True)
class Question:
    """What every page answers: which patients, split how, for which endpoint."""

    filters: Filters = field(default_factory=Filters)
    stratifier: Stratifier = field(default_factory=Stratifier)
    endpoint: str = "OS"
    stratified: bool = True
    chosen_gene: str = ""
    """The sidebar's gene, where patients are split by something else."""

    @property
    def gene(self) -> str:
        """The gene that pages about one gene show."""
        return self.chosen_gene or self.stratifier.genes[0]

    @property
    def subject(self) -> str:
        """What patients are split by, in a page's title: ``ALK``, ``TMB``, ``the pair A and B``."""
        pair = self.stratifier.kind == Split.PAIR
        return f"the pair {self.stratifier.label}" if pair else self.stratifier.label


@dataclass(frozen=True)
class Own:
    """The store that this session uses in place of the loaded one, and what is in it.

    ``path``: the file in use. ``alone``: the file that holds the own cohort only. ``base``: the
    version of the loaded store that it was pooled with, "" where it is used alone.
    """

    name: str
    path: Path
    alone: Path
    base: str = ""


def own() -> Own | None:
    """The own cohort in use in this session; None where the loaded store is."""
    found: Own | None = st.session_state.get(OWN)
    return found


def use_own(chosen: Own | None) -> None:
    """From the next run on: an own cohort, or the loaded store (None). Also a callback."""
    st.session_state[OWN] = chosen


def made() -> tuple[Own, ...]:
    """The own cohorts that this session has made of its uploads."""
    found: tuple[Own, ...] = st.session_state.get(MADE, ())
    return found


def put_made(cohorts: Sequence[Own]) -> None:
    """Replace the own cohorts of this session."""
    st.session_state[MADE] = tuple(cohorts)


def own_sets() -> dict[str, tuple[str, ...]]:
    """The gene sets that this session has uploaded: name -> symbols as given."""
    return dict(st.session_state.get(OWN_SETS, {}))


def put_own_sets(sets: Mapping[str, tuple[str, ...]]) -> None:
    """Replace the gene sets of this session. Also a callback."""
    st.session_state[OWN_SETS] = dict(sets)


def kept(name: str, key: Any, make: Callable[[], T]) -> T:
    """What ``make`` gives, remembered in this session under ``name`` as long as ``key`` is the
    same; an error is not remembered."""
    found = st.session_state.get(KEPT + name)
    if found is None or found[0] != key:
        found = (key, make())
        st.session_state[KEPT + name] = found
    kept: T = found[1]
    return kept


def peek(name: str) -> Any:
    """What :func:`kept` remembers under ``name``, else None."""
    found = st.session_state.get(KEPT + name)
    return None if found is None else found[1]


def drop(name: str) -> None:
    """Forget what :func:`kept` remembers under ``name``."""
    st.session_state.pop(KEPT + name, None)


def drop_uploads() -> None:
    """Forget the tables of an upload, which may be large; what was made of them stays."""
    for name in UPLOADS:
        drop(name)


def put(store: Store, question: Question) -> None:
    """Set the store and the question of this run; forget notes on an older question.

    The page reads both from here, so that one run never mixes two builds.
    """
    noted = st.session_state.get(NOTES)
    if noted and noted[0] is None:
        st.session_state[NOTES] = (question, noted[1])
    elif noted and noted[0] != question:
        del st.session_state[NOTES]
    st.session_state[QUESTION] = question
    st.session_state[STORE] = store


def store() -> Store:
    """The store of this run."""
    found: Store = st.session_state[STORE]
    return found


def question() -> Question:
    """The question of this run."""
    found: Question = st.session_state[QUESTION]
    return found


def of_mutations(asked: Question) -> Stratifier:
    """The question's split where it is by mutation, else by the sidebar's gene."""
    split = asked.stratifier
    return split if split.of_mutations else Stratifier(genes=(asked.gene,), classes=split.classes)


def notes() -> list[str]:
    """What was wrong with the values of the URL, told until the question changes; and what was told
    of this run's (:func:`tell`)."""
    noted = st.session_state.get(NOTES)
    return [*(noted[1] if noted else ()), *st.session_state.get(TOLD, ())]


def tell(text: str) -> None:
    """Have ``text`` stand above the page of this run: a value was asked for that cannot be had."""
    st.session_state[TOLD] = [*st.session_state.get(TOLD, ()), text]


def check_many(key: str, label: str, options: Sequence[str]) -> None:
    """Tell of URL values that are no option; drop values of the session that no longer are one.

    To be called before the widget is made.
    """
    unknown = [v for v in st.query_params.get_all(key) if v and v not in options]
    if unknown:
        shown = ", ".join(repr(v[:40]) for v in unknown[:3])
        known = ", ".join(options[:6]) + (", ..." if len(options) > 6 else "")
        _note(
            f"{label}: {shown} in the address is not in this store and was left out. "
            f"Known values: {known or 'none'}."
        )


def keep_known(key: str, options: Sequence[Any]) -> None:
    """Drop values of the session that are no longer an option, such as after a new build."""
    held = st.session_state.get(key)
    if isinstance(held, list):
        known = [v for v in held if v in options]
        if known != held:
            st.session_state[key] = known
    elif held is not None and held not in options:
        del st.session_state[key]


def chosen(key: str, default: Any) -> Any:
    """What a widget bound to the URL will hold, before it is drawn: to compute only what is shown.

    The session's value, else the URL's as text, else ``default``.
    """
    if key in st.session_state:
        return st.session_state[key]
    return st.query_params.get(key, default)


def check_number(key: str, label: str, low: float, high: float) -> Literal["query-params"] | None:
    """Tell of a URL value that is no number between ``low`` and ``high``.

    Returns what the widget is to be bound to: nothing where the value is infinite or NaN, of which
    Streamlit makes an exception or a bound that nobody passes.
    """
    bound: Literal["query-params"] | None = "query-params"
    for text in st.query_params.get_all(key):
        try:
            fits = low <= float(text) <= high
            if not math.isfinite(float(text)):
                bound = None
        except ValueError:
            fits = False
        if text and not fits:
            _note(
                f"{label}: {text[:40]!r} in the address is not a number from {low:g} to "
                f"{high:g} and was left out."
            )
    return bound


def check_switch(key: str, label: str) -> None:
    """Tell of a URL value that is neither true nor false."""
    for text in st.query_params.get_all(key):
        if text.lower() not in ("true", "false"):
            _note(
                f"{label}: {text[:40]!r} in the address is neither true nor false and was left out."
            )


def reset() -> None:
    """Every filter back to its default; a callback, since widgets must not exist yet."""
    for key in MANY:
        st.session_state[key] = []
    for key in NUMBERS:
        st.session_state[key] = None
    st.session_state["age"] = AGES
    st.session_state["called"] = False


def choose_gene(key: str, selection: str) -> None:
    """A callback: the gene of the mark that was clicked in the figure ``key``."""
    for point in st.session_state[key].selection.get(selection, []):
        st.session_state["gene"] = point["gene"]


def choose_row_gene(key: str, genes: Sequence[str]) -> None:
    """A callback: the gene of the row that was chosen in the table ``key``."""
    for row in st.session_state[key].selection.rows:
        st.session_state["gene"] = genes[row]


SUBGROUP_KEYS = {
    "tumor_type": "tumor",
    "drug_class": "drug",
    "cohort_id": "cohort",
    "sex": "sex",
    "assay": "assay",
}
"""Factor of a subgroup -> key of the filter that chooses its levels."""


def choose_subgroup(key: str, selection: str) -> None:
    """A callback: the filters of the subgroup whose row was clicked in the figure ``key``."""
    for point in st.session_state[key].selection.get(selection, []):
        factor, _, level = str(point.get("key") or "").partition("=")
        if factor in SUBGROUP_KEYS:
            st.session_state[SUBGROUP_KEYS[factor]] = [level]
        elif factor in ("age", "tmb"):
            low, high = bounds(factor, level)
            if factor == "age":
                ends = (
                    AGES[0] if low is None else int(low),
                    AGES[1] if high is None else int(high),
                )
                st.session_state["age"] = ends
            else:
                st.session_state["tmb_min"], st.session_state["tmb_max"] = low, high


def choose_member(figure: str, selection: str, widget: str) -> None:
    """A callback: the row or cell that was clicked in ``figure`` becomes ``widget``'s value."""
    for point in st.session_state[figure].selection.get(selection, []):
        if point.get("key"):
            st.session_state[widget] = point["key"]


def figure_key(name: str) -> str:
    """A key of the figure ``name`` for this question: a new question starts with nothing chosen."""
    return f"{name}-{hash(question()) & 0xFFFFFFFF:08x}"


def count_looked_at(subgroups: Sequence[str]) -> int:
    """How many different subgroups this session has looked at, these among them."""
    seen: set[int] = st.session_state.setdefault(LOOKED, set())
    seen.update(hash((question(), key)) for key in subgroups)
    return len(seen)


AGES = (0, 100)
"""The ends of the age filter, in years; an end means no bound on that side."""


def look() -> Look:
    """The paper of the browser's theme, light where the browser has not told yet, and the colours
    that were chosen."""
    scheme = chosen(SCHEME, SCHEMES[0])
    return Look(
        dark=st.context.theme.type == "dark",
        scheme=scheme if scheme in SCHEMES else SCHEMES[0],
    )


def is_local() -> bool:
    """True where the browser asks a server on its own machine, so that a build may be started.

    Both the address that the browser shows and the one that it calls from must be this machine's:
    a proxy on this machine fails the first, a forged address the second.
    """
    address = str(st.context.url or "")
    host = address.split("//", 1)[-1].split("/", 1)[0].rsplit(":", 1)[0]
    caller = st.context.ip_address  # None: the loopback interface
    return host in ("localhost", "127.0.0.1", "[::1]") and caller in (None, "127.0.0.1", "::1")


def request_build() -> None:
    """A callback: the next run fetches and builds."""
    st.session_state[BUILD] = True


def build_requested() -> bool:
    """True once after :func:`request_build`."""
    return bool(st.session_state.pop(BUILD, False))


def next_run() -> int:
    """Count the runs of this session; published in the page so that a test can wait for one."""
    st.session_state[RUN] = st.session_state.get(RUN, 0) + 1
    return int(st.session_state[RUN])


def _note(text: str) -> None:
    noted = st.session_state.get(NOTES)
    texts = list(noted[1]) if noted else []
    st.session_state[NOTES] = (None, texts if text in texts else [*texts, text])


# -- what is kept of the session beside its question ---------------------------------------


def visit(page: str) -> None:
    """The page of this run, as its path in the address; a new run has nothing on the stage yet."""
    if st.session_state.get(PAGE) != page:
        st.session_state.pop(STAGE, None)
    st.session_state[PAGE] = page
    st.session_state[STAGED] = None
    st.session_state[TOLD] = []


def page() -> str:
    """The page of this run, as its path in the address; empty for the first page."""
    return str(st.session_state.get(PAGE, ""))


def address() -> str:
    """Page and question of this run, relative to the app: ``/cox?gene=TP53``."""
    pairs = [(k, v) for k in st.query_params for v in st.query_params.get_all(k)]
    query = urlencode(sorted(pairs))
    return f"/{page()}" + (f"?{query}" if query else "")


def pins() -> list[Snapshot]:
    """The pinned figures of this session, in the order in which they are presented."""
    return list(st.session_state.get(PINS, []))


def set_pins(pinned: Sequence[Snapshot]) -> None:
    st.session_state[PINS] = list(pinned)


def pins_loaded() -> bool:
    """True once this session has looked for figures that were pinned before."""
    return PINS in st.session_state


def request_pin(key: str) -> None:
    """A callback: the next run pins the figure ``key``."""
    st.session_state[PIN] = key


def pin_requested(key: str) -> bool:
    """True once after :func:`request_pin` of this figure."""
    if st.session_state.get(PIN) != key:
        return False
    del st.session_state[PIN]
    return True


def hold() -> None:
    """A callback: the question of the last run becomes A; the one that follows is B."""
    st.session_state[HELD] = st.session_state.get(QUESTION)
    st.session_state[HELD_STORE] = st.session_state[STORE].version


def release() -> None:
    """A callback: no comparison any more."""
    st.session_state.pop(HELD, None)


def held() -> Question | None:
    """Question A of a comparison, where there is one on this run's store."""
    found: Question | None = st.session_state.get(HELD)
    if found is not None and st.session_state.get(HELD_STORE) != store().version:
        release()
        return None
    return found


def present(what: str | int = "") -> None:
    """A callback: show the figure of this key, or the pin of this number, alone and large.

    Empty: the first figure of the page.
    """
    st.session_state[STAGE] = what


def leave_stage() -> None:
    """A callback: back to the page."""
    st.session_state.pop(STAGE, None)


def presented() -> str | int | None:
    """What stands on the stage: a figure's key, a pin's number; None: the page as usual."""
    found: str | int | None = st.session_state.get(STAGE)
    return found


def offer(key: str) -> bool:
    """A figure of the page tells that it could be presented; True where it is the one."""
    if presented() == "":
        st.session_state[STAGE] = key
    return presented() == key and st.session_state[STAGED] is None


def stage(what: Any) -> None:
    """Put a drawn figure on the stage of this run."""
    st.session_state[STAGED] = what


def staged() -> Any:
    """What was put on the stage in this run."""
    return st.session_state.get(STAGED)


def step(by: int) -> None:
    """A callback: the next (1) or the last (-1) of the pinned figures, from wherever one is."""
    at, count = presented(), len(pins())
    if count == 0:
        return
    if not isinstance(at, int):
        st.session_state[STAGE] = 0 if by > 0 else count - 1
    else:
        st.session_state[STAGE] = min(max(at + by, 0), count - 1)
