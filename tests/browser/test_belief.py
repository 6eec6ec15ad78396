"""Agreement and burden pages in the browser: figures fit, a click on a gene asks about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import figure_words, run_number, wait_for_run

Visit = Callable[..., Any]
CHART = "[data-testid=stVegaLiteChart]"


def test_agreement_follows_a_deep_link_and_its_filters(visit: Visit) -> None:
    page = visit("/agreement?gene=TP53")
    words = figure_words(page)
    assert "TP53 mutant against wild type, by cohort" in words and "Random effects" in words
    other = visit("/agreement?gene=TP53&drug=CTLA-4")
    assert figure_words(other) != words


def test_a_click_on_a_gene_puts_it_in_the_sidebar(visit: Visit) -> None:
    page = visit("/burden?gene=ALK")
    assert "ALK mutant" in figure_words(page)
    point = page.locator(f'{CHART} path[aria-label*="TTN"]').last
    point.wait_for(state="attached", timeout=60_000)
    before = run_number(page)
    point.click(force=True)
    wait_for_run(page, before + 1)
    page.get_by_role("heading", name="Is it TTN, or the burden?").wait_for()
    assert "gene=TTN" in page.url
    assert "TTN mutant" in figure_words(page)


@pytest.mark.parametrize("page_name", ["agreement", "burden"])
@pytest.mark.parametrize("width", [420, 1440])
def test_figures_fit_the_screen(visit: Visit, page_name: str, width: int) -> None:
    page = visit(f"/{page_name}", width=width)
    figure_words(page)
    page.locator(f"{CHART} svg").nth(2).wait_for(state="attached", timeout=60_000)
    for svg in page.locator(f"{CHART} svg").all():
        box = svg.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width + 1
        for text in svg.locator("text").all():
            inner = text.bounding_box()
            if inner is None or not inner["width"] or not (text.text_content() or "").strip():
                continue
            if text.evaluate("e => getComputedStyle(e).opacity === '0'"):
                continue
            assert box["x"] - 3 <= inner["x"], text.text_content()
            assert inner["x"] + inner["width"] <= box["x"] + box["width"] + 1, text.text_content()
