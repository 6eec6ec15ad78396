"""The calculator in Chromium: another patient moves the dots and the survival that is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.browser.waiting import (
    charts_fit,
    figure_words,
    other_figure_words,
    pick,
    run_number,
    wait_for_run,
)


def test_another_patient_is_read_off_elsewhere(visit: Callable[..., Any]) -> None:
    page = visit("/nomogram")
    words = figure_words(page, "This patient")
    box = page.get_by_test_id("stSelectbox").filter(has_text="TP53").last
    pick(page, box.get_by_role("combobox"), "mutant", exact=True)
    other_figure_words(page, words)
    wait_for_run(page, run_number(page))  # the address is written by then
    assert "patient" not in page.url


def test_nomogram_fits_a_narrow_screen(visit: Callable[..., Any]) -> None:
    page = visit("/nomogram", width=420)
    charts_fit(page, 420, texts=True)
