"""A click on a feature of a panel opens it by tumour type; the pages fit the screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import figure_words, run_number, wait_for_run

Visit = Callable[..., Any]


def violin_words(page: Any) -> str:
    chart = page.locator("[data-testid=stVegaLiteChart][aria-label*='by ALK and tumour type']")
    chart.wait_for(state="attached", timeout=60_000)
    return str(chart.get_attribute("aria-label"))


def test_click_on_a_feature_opens_its_violin(visit: Visit) -> None:
    page = visit("/extrinsic")
    figure_words(page)
    assert violin_words(page).startswith("Leukocyte fraction")
    before = run_number(page)
    overview = page.locator("[data-testid=stVegaLiteChart]").first
    overview.locator("svg text", has_text="TIL regional fraction").first.click(force=True)
    wait_for_run(page, before + 1)
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-testid=stVegaLiteChart]')]"
        ".some(e => (e.getAttribute('aria-label') || '').startsWith('TIL regional'))"
    )
    assert violin_words(page).startswith("TIL regional fraction")
    assert "feature=TIL" in page.url


@pytest.mark.parametrize("name", ["intrinsic", "extrinsic", "correlate"])
@pytest.mark.parametrize(("width", "dark"), [(420, True), (1440, False)])
def test_page_fits_the_screen(visit: Visit, name: str, width: int, dark: bool) -> None:
    page = visit(f"/{name}", width=width, dark=dark)
    figure_words(page)
    for svg in page.locator("[data-testid=stVegaLiteChart] svg").all():
        box = svg.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width + 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
