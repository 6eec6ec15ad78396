"""The ICI pages in the browser: deep links, filters, and a click on a subgroup that sets them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.waiting import (
    CHART,
    charts_fit,
    choose,
    figure_words,
    other_figure_words,
    same_figure_words,
    until,
    wait_for_address,
    wait_for_run,
)

Visit = Callable[..., Any]


def test_deep_link_gives_the_model_and_a_reload_keeps_it(visit: Visit) -> None:
    page = visit("/cox?gene=TP53&covariates=Sex&covariates=TMB&tmb_as=per+10+mutations%2FMb")
    words = figure_words(page, "TP53 mutant", "TMB, per 10 mutations/Mb")
    assert "Age" not in words
    page.reload()
    wait_for_run(page, 1)
    same_figure_words(page, words)


def row_strip(page: Any, label: str) -> Any:
    """The clickable strip of a forest's row, found by the label drawn in it."""
    text = page.locator(CHART).first.locator("text", has_text=label).first
    text.wait_for(state="visible")
    return text.bounding_box()


def click_row(page: Any, label: str) -> None:
    box = row_strip(page, label)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_a_click_on_a_row_sets_the_sidebar_to_that_subgroup(visit: Visit) -> None:
    page = visit("/subgroups")
    words = figure_words(page)
    until(
        page,
        lambda: click_row(page, "Melanoma"),
        "() => location.search.includes('tumor=Melanoma')",
    )
    wait_for_address(page, "tumor=Melanoma")
    other_figure_words(page, words)
    expect(page.get_by_test_id("stSidebar")).to_contain_text("Melanoma")
    expect(page.get_by_test_id("stMain").get_by_text("ICI-treated, Melanoma")).to_have_count(1)


@pytest.mark.parametrize("width", [360, 768, 1440])
@pytest.mark.parametrize("path", ["/cox", "/subgroups"])
def test_forests_fit_the_screen(visit: Visit, path: str, width: int) -> None:
    page = visit(path, width=width)
    charts_fit(page, width)


def test_setting_follows_a_deep_link_and_a_filter(visit: Visit) -> None:
    page = visit("/setting?gene=TP53")
    page.get_by_role("heading", name="Is a mutation in TP53 predictive or prognostic?").wait_for()
    words = figure_words(page, "TP53", "without ICI")
    choose(page, "Tumour types", "Melanoma")
    assert "Melanoma" in other_figure_words(page, words)


def test_cohorts_follow_a_deep_link_and_a_filter(visit: Visit) -> None:
    page = visit("/cohorts?gene=TP53")
    page.get_by_role("heading", name="Which cohorts can speak about TP53?").wait_for()
    words = figure_words(page, "Flow of patients from the store")
    choose(page, "Tumour types", "Melanoma")
    assert "other tumour types" in other_figure_words(page, words)
