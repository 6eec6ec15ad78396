"""Presenting in Chromium: keys, links, pins that outlast a reload."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.browser.conftest import figure_words, run_number, wait_for_run

Visit = Callable[..., Any]


def press(page: Any, key: str) -> None:
    before = run_number(page)
    page.keyboard.press(key)
    wait_for_run(page, before + 1)


def click(page: Any, key: str) -> None:
    before = run_number(page)
    page.locator(f".st-key-{key} button").first.click()
    wait_for_run(page, before + 1)


def staged(page: Any) -> str:
    chart = page.locator(".st-key-stage [data-testid=stVegaLiteChart][aria-label]")
    chart.wait_for()
    return str(chart.get_attribute("aria-label"))


def test_presenter_mode_by_keyboard(visit: Visit) -> None:
    page = visit("/?gene=TP53&view=Pooled+only")
    shown = figure_words(page)
    click(page, "pin-km")
    press(page, "p")
    assert staged(page) == shown
    page.get_by_test_id("stSidebar").wait_for(state="hidden")
    figure = page.locator(".st-key-stage svg.marks").bounding_box()
    assert figure["width"] > 1200
    press(page, "ArrowRight")
    page.get_by_text("1 of ").wait_for()
    press(page, "Escape")
    page.locator(".st-key-stage").wait_for(state="detached")
    page.get_by_test_id("stSidebar").wait_for(state="visible")
    assert figure_words(page) == shown


def test_pins_outlast_a_reload(visit: Visit) -> None:
    page = visit("/subgroups?gene=TP53")
    before = run_number(page)
    page.locator("[class*=st-key-pin-subgroups] button").click()
    wait_for_run(page, before + 1)
    page.get_by_text("the page Present has it").wait_for()
    other = visit("/present")
    other.reload()
    wait_for_run(other, 1)
    title = other.locator("[class*=st-key-title-] input").last
    title.wait_for()
    assert "TP53" in title.input_value()
    link = other.get_by_role("link", name="Open its question").last
    assert link.get_attribute("href").endswith("subgroups?gene=TP53")


def test_the_copied_link_gives_the_same_figure_elsewhere(visit: Visit) -> None:
    page = visit("/?gene=TP53&view=Pooled+only&tumor=Melanoma")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.wait_for_function("() => location.search.includes('tumor=Melanoma')")
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Link copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    elsewhere = visit("/" + link.split("/", 3)[3])
    assert figure_words(elsewhere) == figure_words(page)


def test_a_and_b_stand_side_by_side(visit: Visit) -> None:
    page = visit("/?view=Pooled+only")
    first = figure_words(page)
    click(page, "hold")
    page.get_by_text("is this question").wait_for()
    before = run_number(page)
    page.get_by_test_id("stSidebar").get_by_role("button", name="validation").click()
    wait_for_run(page, before + 1)
    page.wait_for_function(
        "() => document.querySelectorAll('[data-testid=stVegaLiteChart][aria-label]').length >= 2"
    )
    charts = page.locator("[data-testid=stVegaLiteChart][aria-label]")
    words = [charts.nth(i).get_attribute("aria-label") for i in range(2)]
    assert words[0] == f"A: {first}" and words[1].startswith("B: ")
    left, right = (charts.nth(i).bounding_box() for i in range(2))
    assert left["x"] + left["width"] <= right["x"] + 1 and abs(left["y"] - right["y"]) < 40
