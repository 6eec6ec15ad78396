"""The ledger in Chromium: verdicts can be chosen, links keep the choice, it fits the screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.waiting import (
    address_path,
    charts_fit,
    does_not_scroll_sideways,
    stays_empty,
    wait_for_address,
)

Visit = Callable[..., Any]


ROWS = "table.plain tbody tr"
VERDICT = "cannot be computed here"
SHOWN = f"""() => {{ const rows = [...document.querySelectorAll('{ROWS}')];
  return rows.length && rows.every(r => r.innerText.includes('{VERDICT}')) && rows.length }}"""
"""JavaScript: the number of rows once each has the verdict."""


def test_a_verdict_is_chosen_and_kept_in_the_link(visit: Visit) -> None:
    page = visit("/ledger")
    page.get_by_role("heading", name="Are the paper's numbers found again?").wait_for()
    expect(page.locator(ROWS).filter(has_text="simulated: compares nothing")).not_to_have_count(0)
    page.get_by_role("button", name=VERDICT).click()
    chosen = page.wait_for_function(SHOWN).json_value()
    wait_for_address(page, "verdict=")
    other = visit(address_path(page))
    assert other.wait_for_function(SHOWN).json_value() == chosen


def test_from_the_navigation_with_filters_kept(visit: Visit) -> None:
    page = visit("/?gene=TP53")
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="The paper's numbers").click()
    page.get_by_role("heading", name="Are the paper's numbers found again?").wait_for()
    wait_for_address(page, "/ledger", "gene=TP53")
    page.wait_for_function(
        "() => document.body.innerText.split('simulated: compares nothing real').length > 21"
    )


@pytest.mark.parametrize("width", [420, 1440])
@pytest.mark.parametrize("path", ["/ledger", "/setting", "/cohorts"])
def test_page_does_not_scroll_sideways(visit: Visit, width: int, path: str) -> None:
    page = visit(path, width=width)
    page.locator("table.plain").first.wait_for()
    charts_fit(page, width, at_least=0)
    does_not_scroll_sideways(page, width)


def test_flow_of_patients_is_drawn_inside_its_boxes(visit: Visit) -> None:
    page = visit("/cohorts", width=420)
    page.locator("[data-testid=stVegaLiteChart] svg text").first.wait_for()
    stays_empty(
        page,
        """() => {
          const svg = document.querySelector('[data-testid=stVegaLiteChart] svg');
          const boxes = [...svg.querySelectorAll('g.mark-rect path')]
            .map(e => e.getBoundingClientRect());
          return [...svg.querySelectorAll('text')].filter(e => e.textContent !== 'SIMULATED')
            .filter(e => { const t = e.getBoundingClientRect(); return !boxes.some(b =>
              t.left >= b.left - 1 && t.right <= b.right + 1 &&
              t.top >= b.top - 1 && t.bottom <= b.bottom + 1); })
            .map(e => e.textContent);
        }""",
    )
