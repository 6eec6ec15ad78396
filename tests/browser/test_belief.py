"""Agreement and burden pages in the browser: figures fit, a click on a gene asks about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.waiting import (
    CHART,
    charts_fit,
    figure_words,
    until,
    wait_for_address,
)

Visit = Callable[..., Any]


def test_agreement_follows_a_deep_link_and_its_filters(visit: Visit) -> None:
    page = visit("/agreement?gene=TP53")
    words = figure_words(page, "TP53 mutant against wild type, by cohort", "Random effects")
    other = visit("/agreement?gene=TP53&drug=CTLA-4")
    assert figure_words(other, "TP53 mutant against wild type, by cohort") != words


def test_a_click_on_a_gene_puts_it_in_the_sidebar(visit: Visit) -> None:
    page = visit("/burden?gene=ALK")
    figure_words(page, "ALK mutant")
    point = page.locator(f'{CHART} path[aria-label*="TTN"]').last
    point.wait_for(state="attached")
    until(
        page,
        lambda: point.click(force=True),
        "() => document.querySelector('h1')?.innerText === 'Is it TTN, or the burden?'",
    )
    wait_for_address(page, "gene=TTN")
    figure_words(page, "TTN mutant")


@pytest.mark.parametrize("page_name", ["agreement", "burden"])
@pytest.mark.parametrize("width", [420, 1440])
def test_figures_fit_the_screen(visit: Visit, page_name: str, width: int) -> None:
    page = visit(f"/{page_name}", width=width)
    charts_fit(page, width, at_least=3, texts=True)
