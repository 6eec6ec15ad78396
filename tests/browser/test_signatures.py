"""The signatures page in a browser: its figures are drawn and nothing leaves the screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.waiting import CHART, WORDS, charts_fit, stays_empty

Visit = Callable[..., Any]


@pytest.mark.parametrize(("width", "dark"), [(420, True), (1440, False)])
def test_figures_are_drawn_and_fit(visit: Visit, width: int, dark: bool) -> None:
    page = visit("/signatures?gene=TP53", width=width, dark=dark)
    page.get_by_role("heading", name="Do TP53-mutant tumours carry").wait_for()
    said = "Tumours with each signature, TP53 mutant against wild type."
    page.locator(f'{CHART}[aria-label="{said}"] svg').wait_for()
    page.locator(WORDS, has_text=f"{said} SBS7a").wait_for(state="attached")
    charts_fit(page, width)
    stays_empty(
        page,
        """width => {
          const boxes = [...document.querySelectorAll('.tablebox')]
            .map(e => e.getBoundingClientRect());
          return boxes.length ? boxes.filter(b => b.left < 0 || b.right > width + 1) : ['none'];
        }""",
        width,
    )
