"""A click on a feature of a panel opens it by tumour type; the pages fit the screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.waiting import (
    CHART,
    charts_fit,
    does_not_scroll_sideways,
    figure_words,
    until,
    wait_for_address,
)

Visit = Callable[..., Any]


VIOLIN = (
    "feature => [...document.querySelectorAll('[data-testid=stVegaLiteChart]')]"
    ".map(e => e.getAttribute('aria-label') || '')"
    ".some(w => w.startsWith(feature) && w.includes('by ALK and tumour type'))"
)
"""JavaScript: is ``feature`` the one that is opened by tumour type?"""


def test_click_on_a_feature_opens_its_violin(visit: Visit) -> None:
    page = visit("/extrinsic")
    figure_words(page)
    page.wait_for_function(VIOLIN, arg="Leukocyte fraction")
    row = page.locator(CHART).first.locator("svg text", has_text="TIL regional fraction").first
    until(page, lambda: row.click(force=True), VIOLIN, "TIL regional fraction")
    wait_for_address(page, "feature=TIL")


@pytest.mark.parametrize("name", ["intrinsic", "extrinsic", "correlate"])
@pytest.mark.parametrize(("width", "dark"), [(420, True), (1440, False)])
def test_page_fits_the_screen(visit: Visit, name: str, width: int, dark: bool) -> None:
    page = visit(f"/{name}", width=width, dark=dark)
    charts_fit(page, width)
    does_not_scroll_sideways(page, width)
