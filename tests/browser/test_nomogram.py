"""The calculator in Chromium: another patient moves the dots and the survival that is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.browser.conftest import figure_words, run_number, wait_for_run


def test_another_patient_is_read_off_elsewhere(visit: Callable[..., Any]) -> None:
    page = visit("/nomogram")
    words = figure_words(page)
    assert "This patient" in words
    before = run_number(page)
    box = page.get_by_test_id("stSelectbox").filter(has_text="TP53").last
    box.get_by_role("combobox").click()
    page.get_by_role("option", name="mutant", exact=True).click()
    wait_for_run(page, before + 1)
    page.wait_for_function(
        "w => document.querySelector('[data-testid=stVegaLiteChart][aria-label]')"
        ".getAttribute('aria-label') !== w",
        arg=words,
    )
    assert "patient" not in page.url


def test_nomogram_fits_a_narrow_screen(visit: Callable[..., Any]) -> None:
    page = visit("/nomogram", width=420)
    figure_words(page)
    drawn = page.locator("[data-testid=stVegaLiteChart] svg").first
    frame = drawn.bounding_box()
    assert frame["x"] >= 0 and frame["x"] + frame["width"] <= 421
    for text in drawn.locator("text").all():
        box = text.bounding_box()
        if box and text.get_attribute("opacity") != "0":
            assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 1, text.text_content()
