"""The ICI pages in the browser: deep links, filters, and a click on a subgroup that sets them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import (
    choose,
    figure_words,
    run_number,
    wait_for_other_words,
    wait_for_run,
)

Visit = Callable[..., Any]


def test_deep_link_gives_the_model_and_a_reload_keeps_it(visit: Visit) -> None:
    page = visit("/cox?gene=TP53&covariates=Sex&covariates=TMB&tmb_as=per+10+mutations%2FMb")
    words = figure_words(page)
    assert "TP53 mutant" in words and "TMB, per 10 mutations/Mb" in words and "Age" not in words
    page.reload()
    wait_for_run(page, 1)
    assert figure_words(page) == words


def row_strip(page: Any, label: str) -> Any:
    """The clickable strip of a forest's row, found by the label drawn in it."""
    chart = page.locator("[data-testid=stVegaLiteChart]").first
    text = chart.locator("text", has_text=label).first
    text.wait_for(state="visible")
    return text.bounding_box()


def test_a_click_on_a_row_sets_the_sidebar_to_that_subgroup(visit: Visit) -> None:
    page = visit("/subgroups")
    words, before = figure_words(page), run_number(page)
    box = row_strip(page, "Melanoma")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    wait_for_run(page, before + 1)
    page.wait_for_function("() => location.search.includes('tumor=Melanoma')")
    page.wait_for_function(
        "w => document.querySelector('[data-testid=stVegaLiteChart][aria-label]')"
        ".getAttribute('aria-label') !== w",
        arg=words,
    )
    assert "Melanoma" in page.get_by_test_id("stSidebar").inner_text()
    assert page.get_by_test_id("stMain").get_by_text("ICI-treated, Melanoma").count() == 1


@pytest.mark.parametrize("width", [360, 768, 1440])
@pytest.mark.parametrize("path", ["/cox", "/subgroups"])
def test_forests_fit_the_screen(visit: Visit, path: str, width: int) -> None:
    page = visit(path, width=width)
    figure_words(page)
    page.locator("[data-testid=stVegaLiteChart] svg").first.wait_for(state="visible")
    over = page.evaluate(
        "() => [...document.querySelectorAll('[data-testid=stVegaLiteChart] svg')]"
        ".map(s => s.getBoundingClientRect().right - window.innerWidth)"
    )
    assert over and max(over) <= 1


def test_setting_follows_a_deep_link_and_a_filter(visit: Visit) -> None:
    page = visit("/setting?gene=TP53")
    page.get_by_role("heading", name="Is a mutation in TP53 predictive or prognostic?").wait_for()
    words = figure_words(page)
    assert "TP53" in words and "without ICI" in words
    choose(page, "Tumour types", "Melanoma")
    wait_for_other_words(page, words)
    assert "Melanoma" in figure_words(page)


def test_cohorts_follow_a_deep_link_and_a_filter(visit: Visit) -> None:
    page = visit("/cohorts?gene=TP53")
    page.get_by_role("heading", name="Which cohorts can speak about TP53?").wait_for()
    words = figure_words(page)
    assert words.startswith("Flow of patients.")
    choose(page, "Tumour types", "Melanoma")
    wait_for_other_words(page, words)
    assert "other tumour types" in figure_words(page)
