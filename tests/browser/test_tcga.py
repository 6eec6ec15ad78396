"""TCGA's pages in Chromium: the protein is zoomed, both pages fit, links keep the question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.waiting import (
    WORDS,
    charts_fit,
    does_not_scroll_sideways,
    steady,
    until,
    wait_for_address,
)

Visit = Callable[..., Any]


def lollipop(page: Any) -> Any:
    found = page.locator("[data-testid=stVegaLiteChart][aria-label^='Mutations along']")
    found.locator("svg").wait_for(state="visible")
    return found


RESIDUES = """() => { const a = [...document.querySelectorAll('.role-axis')]
  .find(e => e.textContent.includes('Residue of'));
  const labels = a ? [...a.querySelectorAll('.role-axis-label text')] : [];
  return labels.map(e => e.textContent).join() }"""
"""JavaScript: the labels of the residue axis."""

SCROLLED = "() => document.querySelector('[data-testid=stMain]').scrollTop"


def wheel(page: Any, *, control: bool, by: int) -> None:
    """Turn the wheel over the middle of the lollipop."""
    chart = lollipop(page)
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    if control:
        page.keyboard.down("Control")
    page.mouse.wheel(0, by)
    if control:
        page.keyboard.up("Control")


def test_wheel_with_control_zooms_the_protein_and_without_it_scrolls(visit: Visit) -> None:
    page = visit("/mutations")
    charts_fit(page, 1440)
    lollipop(page).scroll_into_view_if_needed()
    whole = steady(page, RESIDUES)
    assert whole
    until(
        page,
        lambda: wheel(page, control=True, by=-400),
        f"whole => ({RESIDUES})() !== whole",
        whole,
    )
    zoomed, scrolled = steady(page, RESIDUES), steady(page, SCROLLED)
    assert zoomed and zoomed != whole
    until(page, lambda: wheel(page, control=False, by=120), f"y => ({SCROLLED})() !== y", scrolled)
    assert steady(page, RESIDUES) == zoomed


@pytest.mark.parametrize("name", ["mutations", "tcga_survival"])
@pytest.mark.parametrize(("width", "dark"), [(420, True), (1440, False)])
def test_page_fits_the_screen(visit: Visit, name: str, width: int, dark: bool) -> None:
    page = visit(f"/{name}", width=width, dark=dark)
    charts_fit(page, width)
    does_not_scroll_sideways(page, width)


def test_sorting_is_kept_in_the_address(visit: Visit) -> None:
    page = visit("/mutations?gene=TP53")
    page.get_by_role("radio", name="Name").click()
    wait_for_address(page, "sort=Name", "gene=TP53")


def test_naive_changes_the_answer_of_the_curves(visit: Visit) -> None:
    within = visit("/tcga_survival?gene=TP53")
    naive = visit("/tcga_survival?gene=TP53&naive=true")
    words = [
        p.locator(WORDS, has_text="Kaplan-Meier curves of overall").first.text_content()
        for p in (within, naive)
    ]
    assert all("TP53 mutant" in w for w in words) and words[0] != words[1]
