"""The ledger in Chromium: verdicts can be chosen, links keep the choice, it fits the screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import run_number, wait_for_run

Visit = Callable[..., Any]


def rows(page: Any) -> int:
    page.locator("table.plain tbody tr").first.wait_for()
    return int(page.locator("table.plain tbody tr").count())


def test_a_verdict_is_chosen_and_kept_in_the_link(visit: Visit) -> None:
    page = visit("/ledger")
    page.get_by_role("heading", name="Are the paper's numbers found again?").wait_for()
    whole, before = rows(page), run_number(page)
    page.get_by_role("button", name="cannot be computed here").click()
    wait_for_run(page, before + 1)
    page.wait_for_function(
        "n => document.querySelectorAll('table.plain tbody tr').length < n", arg=whole
    )
    chosen = rows(page)
    assert "verdict=" in page.url
    path = page.url.split("//", 1)[1].split("/", 1)[1]
    other = visit(f"/{path}")
    assert rows(other) == chosen


def test_from_the_navigation_with_filters_kept(visit: Visit) -> None:
    page = visit("/?gene=TP53")
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="The paper's numbers").click()
    page.get_by_role("heading", name="Are the paper's numbers found again?").wait_for()
    assert "gene=TP53" in page.url
    assert page.get_by_text("simulated: compares nothing real").count() > 20


@pytest.mark.parametrize("width", [420, 1440])
@pytest.mark.parametrize("path", ["/ledger", "/setting", "/cohorts"])
def test_page_does_not_scroll_sideways(visit: Visit, width: int, path: str) -> None:
    page = visit(path, width=width)
    page.locator("table.plain").first.wait_for()
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width + 1
    for figure in page.locator("[data-testid=stVegaLiteChart] svg").all():
        box = figure.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width + 1


def test_flow_of_patients_is_drawn_inside_its_boxes(visit: Visit) -> None:
    page = visit("/cohorts", width=420)
    page.locator("[data-testid=stVegaLiteChart] svg text").first.wait_for()
    outside = page.evaluate(
        """() => {
          const svg = document.querySelector('[data-testid=stVegaLiteChart] svg');
          const boxes = [...svg.querySelectorAll('g.mark-rect path')]
            .map(e => e.getBoundingClientRect());
          return [...svg.querySelectorAll('text')].filter(e => e.textContent !== 'SIMULATED')
            .filter(e => { const t = e.getBoundingClientRect(); return !boxes.some(b =>
              t.left >= b.left - 1 && t.right <= b.right + 1 &&
              t.top >= b.top - 1 && t.bottom <= b.bottom + 1); })
            .map(e => e.textContent);
        }"""
    )
    assert outside == []
