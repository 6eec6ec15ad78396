"""The signatures page in a browser: its figures are drawn and nothing leaves the screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Visit = Callable[..., Any]


@pytest.mark.parametrize(("width", "dark"), [(420, True), (1440, False)])
def test_figures_are_drawn_and_fit(visit: Visit, width: int, dark: bool) -> None:
    page = visit("/signatures?gene=TP53", width=width, dark=dark)
    page.get_by_role("heading", name="Do TP53-mutant tumours carry").wait_for()
    figures = page.locator("[data-testid=stVegaLiteChart][aria-label]")
    said = "Tumours with each signature, TP53 mutant against wild type. SBS7a"
    # charts are drawn in no fixed order: wait for the one that is meant
    page.locator(f'[data-testid=stVegaLiteChart][aria-label^="{said}"] svg').wait_for()
    for figure in figures.all():
        figure.scroll_into_view_if_needed()
        figure.locator("svg").wait_for()
        box = figure.locator("svg").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width + 1
    table = page.locator(".tablebox").last.bounding_box()
    assert table["x"] >= 0 and table["x"] + table["width"] <= width + 1
