"""TCGA's pages in Chromium: the protein is zoomed, both pages fit, links keep the question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import figure_words, run_number, wait_for_run

Visit = Callable[..., Any]


def lollipop(page: Any) -> Any:
    found = page.locator("[data-testid=stVegaLiteChart][aria-label^='Mutations along']")
    found.locator("svg").wait_for(state="visible")
    return found


def residues(page: Any) -> list[str]:
    """The labels of the residue axis."""
    labels = lollipop(page).locator(".role-axis").filter(has_text="Residue of")
    return list(labels.locator(".role-axis-label text").all_text_contents())


def test_wheel_with_control_zooms_the_protein_and_without_it_scrolls(visit: Visit) -> None:
    page = visit("/mutations")
    chart = lollipop(page)
    chart.scroll_into_view_if_needed()
    before = residues(page)
    box = chart.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -400)
    page.keyboard.up("Control")
    page.wait_for_function(
        "before => { const a = [...document.querySelectorAll('.role-axis')]"
        ".find(e => e.textContent.includes('Residue of'));"
        " return [...a.querySelectorAll('.role-axis-label text')]"
        ".map(e => e.textContent).join() !== before }",
        arg=",".join(before),
    )
    zoomed = residues(page)
    assert zoomed != before
    page.mouse.wheel(0, 120)
    page.wait_for_timeout(300)
    assert residues(page) == zoomed


@pytest.mark.parametrize("name", ["mutations", "tcga_survival"])
@pytest.mark.parametrize(("width", "dark"), [(420, True), (1440, False)])
def test_page_fits_the_screen(visit: Visit, name: str, width: int, dark: bool) -> None:
    page = visit(f"/{name}", width=width, dark=dark)
    figure_words(page)
    for svg in page.locator("[data-testid=stVegaLiteChart] svg").all():
        box = svg.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width + 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_sorting_is_kept_in_the_address(visit: Visit) -> None:
    page = visit("/mutations?gene=TP53")
    before = run_number(page)
    page.get_by_role("radio", name="Name").click()
    wait_for_run(page, before + 1)
    assert "sort=Name" in page.url and "gene=TP53" in page.url


def test_naive_changes_the_answer_of_the_curves(visit: Visit) -> None:
    within = visit("/tcga_survival?gene=TP53")
    naive = visit("/tcga_survival?gene=TP53&naive=true")
    curves = "[data-testid=stVegaLiteChart][aria-label^='Kaplan-Meier curves of overall']"
    words = [
        p.locator(curves).first.get_attribute("aria-label", timeout=60_000) for p in (within, naive)
    ]
    assert all("TP53 mutant" in w for w in words) and words[0] != words[1]
