"""No text of a person reaches SQL, Markdown, HTML or a figure's expressions as anything but text.

Every widget that is bound to the address is found on the pages themselves, so that a new input is
attacked without a line here.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from core.model import BadInput, Filters, UnknownValue
from core.store import Store, open_store
from core.ui.cached import STORE_VARIABLE
from core.ui.messages import UNSEEN, escaped
from tests.app.conftest import ROOT
from tests.app.reading import charts, spec
from tests.house.pages import PAGES

App = Callable[..., AppTest]

ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "'; DROP TABLE patient; --",
    "' OR 1=1 --",
    "') UNION SELECT * FROM patient --",
    "%' ESCAPE '",
    "datum['x'] && alert(1)",
    "']) || warn('x') || ([",
    "[a](javascript:alert(1))",
    "![a](https://example.org/x.png)",
    "www.example.org",
    "**bold** _it_ ~~no~~ `code` # head",
    "$\\frac{1}{0}$ $$x$$",
    ":material/delete: :smile: :red[x]",
    "&lt;b&gt; &#60;i&#62;",
    "- list\n# head\n\n    code\n1. one",
    "../../../../etc/passwd",
    "C:\\Windows\\win.ini",
    "file:///etc/passwd",
    "\x00\x01\x1b[31m",
    "\u202eksam\u202c \u2066x\u2069",
    "😀 naïve Ångström 日本語",
    "nan",
    "inf",
    "-1e999",
    "1e308",
    "0x10",
    "true",
    "tp53",
    " ",
    "A" * 20_000,
)

NUMBERS = ("inf", "nan", "-1e999", "1e30")
"""Given to every parameter at once."""

UNSEEN_SIGNS = "[\x00-\x08\u202a-\u202e\u2066-\u2069]"

MARK = "zqx"
"""Put into each attack, so that what became of it can be found in what the app sends."""


def marked(attack: str) -> str:
    return attack[:60].replace("alert", f"alert{MARK}") + MARK + attack[60:]


def bound(at: AppTest) -> dict[str, str]:
    """Key of each widget of the page -> its kind, for those that have a key."""
    kinds = (
        "selectbox", "multiselect", "text_input", "text_area", "number_input", "slider",
        "toggle", "checkbox", "segmented_control", "pills", "radio", "button_group",
    )  # fmt: skip
    found: dict[str, str] = {}
    for kind in kinds:
        for widget in at.get(kind):
            key = getattr(widget, "key", None)
            if key:
                found[key] = kind
    return found


def sent(at: AppTest) -> Iterator[tuple[str, str]]:
    """Every text that the browser reads as Markdown or HTML: (how, text)."""
    for kind in ("title", "header", "subheader", "markdown", "caption", "warning", "error", "info",
                 "success"):  # fmt: skip
        for element in at.get(kind):
            yield "markdown", str(element.value)
    for element in at.get("html"):
        yield "html", element.proto.body


def assert_only_text(at: AppTest) -> None:
    """Nothing failed, and no attack is read as markup, a link or an expression."""
    assert not at.exception, at.exception
    for how, text in sent(at):
        assert "through a fault of this program" not in text, text
        if MARK not in text:
            continue
        assert not re.search(r"(?<!\\)<(script|img|svg|b|i)\b", text), text
        if how == "markdown":
            assert not re.search(r"(?<!\\)(?:[\[$`&]|\]\()", text.split(MARK)[0][-80:]), text
            assert not re.search(r"(?i)(://|\bwww(?=\.)|@)[\w.]", text), text
            assert not re.search(UNSEEN_SIGNS, text), text
    for chart in charts(at):
        assert MARK not in json.dumps(list(expressions(spec(chart)))), "in an expression"


def expressions(node: Any) -> Iterator[str]:
    """Every text of a Vega-Lite specification that is evaluated."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name in {"expr", "calculate", "filter", "test", "labelExpr", "update", "href"}:
                yield json.dumps(value)
            if name not in {"values", "datasets"}:
                yield from expressions(value)
    elif isinstance(node, list):
        for value in node:
            yield from expressions(value)


@pytest.fixture(scope="module")
def store(small_folder: Path) -> Iterator[Store]:
    opened = open_store(small_folder / "simulated")
    yield opened
    opened.close()


WAYS = ("one gene", "gene set", "protein position", "two genes", "number", "signature",
        "clinical variable")  # fmt: skip


@pytest.fixture
def attacked(small_folder: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    """Open a page by an address; only once, for AppTest cannot run again on a typed option."""
    monkeypatch.setenv(STORE_VARIABLE, str(small_folder))

    def open_page(page: str, **query: str | list[str]) -> AppTest:
        at = AppTest.from_file(str(ROOT / "dashboard" / "Home.py"), default_timeout=180)
        for key, value in query.items():
            at.query_params[key] = value
        at.switch_page(str(ROOT / "pages" / f"{page}.py"))
        return at.run()

    return open_page


@pytest.mark.parametrize("page", PAGES)
def test_every_parameter_of_a_page_takes_any_text(attacked: App, page: str) -> None:
    """All parameters at once, one attack each, turned through the list from run to run."""
    keys = sorted(bound(attacked(page)))
    assert {"gene", "tumor", "endpoint", "age"} <= set(keys)
    for turn in range(0, len(ATTACKS), 11):
        query: dict[str, str | list[str]] = {}
        for i, key in enumerate(keys):
            attack = marked(ATTACKS[(turn + i) % len(ATTACKS)])
            query[key] = [attack, ATTACKS[(turn + i + 1) % len(ATTACKS)]] if i % 2 else attack
        assert_only_text(attacked(page, **query))
    for number in NUMBERS:
        assert_only_text(attacked(page, **dict.fromkeys(keys, number)))


@pytest.mark.parametrize("way", WAYS)
def test_every_parameter_of_a_way_to_split_takes_any_text(attacked: App, way: str) -> None:
    own = sorted(bound(attacked("survival", by=way)))
    for turn in range(0, len(ATTACKS), 5):
        query = {
            key: marked(ATTACKS[(turn + i) % len(ATTACKS)]) for i, key in enumerate(sorted(own))
        }
        assert_only_text(attacked("survival", **{**query, "by": way}))


def test_texts_that_are_typed_are_only_text(app: App) -> None:
    at = app(by="gene set")
    for attack in ATTACKS:
        at.text_area(key="genes").input(marked(attack)).run()
        assert_only_text(at)


def test_names_of_pasted_gene_sets_are_only_text(app: App) -> None:
    at = app("extrinsic", panel="A gene set of yours")
    names = [marked(" ".join(a.split())[:200]) for a in ATTACKS if a.strip()]
    lines = [f"{i}{name}\tabout {name}\tCD8A\tGZMB" for i, name in enumerate(names)]
    for half in (lines[::2], lines[1::2]):
        at.text_area(key="pasted_sets").input("\n".join(half))
        next(b for b in at.button if b.label == "Score by ssGSEA").click().run()
        assert charts(at), [e.value for e in at.error]
        assert_only_text(at)


MARKUP = st.text(
    alphabet=st.one_of(st.sampled_from("<>&'\"`*_[]()#$~|:\\!-+=.@/\n\t ab1"), st.characters()),
    max_size=60,
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(MARKUP)
@example("\n# a\n- b\n1. c\n====")
def test_escaped_text_has_no_sign_of_markdown_left(text: str) -> None:
    shown = escaped(text)
    assert not re.search(r"(?<!\\)(?:\\\\)*[*_\[\]<>#$~|:`&]", shown)
    for line in shown.split("  \n"):
        assert not re.match(r"\s|[-+=]|\d{1,9}[.)](\s|$)", line), line
    plain = re.sub(r"\\(.)", r"\1", shown).replace("\u2060", "")
    assert [w for part in plain.split("  \n") for w in part.split()] == [
        w for line in text.splitlines() for w in line.translate(UNSEEN).split()
    ]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(text=MARKUP)
@example("'; DROP TABLE patient; --")
@example("%' OR 1=1")
def test_no_text_is_sql(store: Store, text: str) -> None:
    """Each question that takes text finds nothing, says so, and leaves the store as it was."""
    before = store.n_patients
    if text.strip().upper() in {"ALK", "TP53", "VSIR", "TTN"}:
        return
    with contextlib.suppress(BadInput):
        assert store.resolve_gene(text) in store.genes().hugo_symbol.tolist()
    assert set(store.known_genes([text, "ALK"])) >= {"ALK"}
    filters = Filters(tumor_types=(text,), sexes=(text,), cohorts=(text,), assays=(text,))
    with contextlib.suppress(UnknownValue):
        assert len(store.patients(filters, text)) == 0
    for rows in (store.mutations(text), store.feature(text), store.clinical(text)):
        assert len(rows) == 0
    assert np.isnan(store.expression(text)).all() and store.signature_activities(text).empty
    assert store.rows("SELECT count(*) AS n FROM patient").n[0] == before
