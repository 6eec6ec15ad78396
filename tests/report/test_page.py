"""The HTML report: one file, nothing outside it, every text escaped, readable aloud."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from core.model import BadFile, BadInput
from core.report.captions import MARK
from core.report.page import html_report, inline
from core.report.snapshot import Snapshot
from core.store import Store
from tests.report.pinned import ATTACK, attacked

VOID = {"meta", "br", "img", "link", "hr", "input"}


class Parsed(HTMLParser):
    """Tags with attributes, text, and what is not closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page(snapshots: list[Snapshot], small: Store) -> Parsed:
    return Parsed(html_report(snapshots, small, title="Lab meeting").decode())


def outside(page: Parsed) -> list[str]:
    """Attributes that would load, link or run anything outside the file."""
    return [
        f"{tag} {name}={value}"
        for tag, attributes in page.tags
        for name, value in attributes.items()
        if name.startswith("on")
        or name in ("src", "srcset", "action", "formaction", "data")
        or (name.endswith("href") and not (value or "").startswith("#"))
    ]


def test_it_is_whole_and_loads_nothing(page: Parsed) -> None:
    assert not page.wrong and not page.open
    assert not outside(page)
    assert not {t for t, _ in page.tags} & {"script", "link", "img", "iframe", "object", "embed"}
    policy = [a.get("content") for t, a in page.tags if t == "meta" and "http-equiv" in a]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_figures_are_described_and_headings_are_in_order(
    page: Parsed, snapshots: list[Snapshot]
) -> None:
    figures = [a for t, a in page.tags if t == "svg"]
    assert [a.get("aria-label") for a in figures] == [s.description for s in snapshots]
    assert {a.get("role") for a in figures} == {"img"}
    levels = [int(t[1]) for t, _ in page.tags if re.fullmatch("h[1-6]", t)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert dict(page.tags)["html"].get("lang") == "en"


def test_identifiers_are_unique(page: Parsed) -> None:
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    used = {
        m for _, a in page.tags for v in a.values() for m in re.findall(r"url\(#(.+?)\)", v or "")
    }
    assert used <= set(ids)


def test_every_part_of_every_figure_is_told(page: Parsed, snapshots: list[Snapshot]) -> None:
    for one in snapshots:
        for part in (one.title, one.sentence, one.methods, one.provenance, *one.warnings):
            assert part in page.text
    assert page.text.count(MARK) > len(snapshots)
    assert "References" in page.text and "@article{kaplan1958," in page.text


def test_tables_have_headers_and_simulated_rows_say_so(page: Parsed) -> None:
    heads = [a for t, a in page.tags if t == "th"]
    assert heads and all(a.get("scope") == "col" for a in heads)
    assert "SIMULATED" in page.text


def test_hostile_text_is_text(snapshots: list[Snapshot]) -> None:
    page = Parsed(html_report([attacked(snapshots[0])]).decode())
    assert not outside(page) and not page.wrong
    assert not {t for t, _ in page.tags} & {"script", "img"}
    assert ATTACK in page.text


@pytest.mark.parametrize(
    "content",
    ["<script>1</script>", '<image href="x"/>', '<a href="#x"/>', '<g onclick="x"/>',
     "<foreignObject/>"],
)  # fmt: skip
def test_a_drawing_holds_shapes_and_text_alone(content: str) -> None:
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1">{content}</svg>'
    with pytest.raises(BadFile):
        inline(svg, 1, "about")


def test_an_empty_set_is_told() -> None:
    with pytest.raises(BadInput):
        html_report([])
