"""Faults and attacks in Chromium: a message, the page goes on, no script runs, nothing leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.app.small_store import make
from tests.browser.conftest import serving
from tests.browser.waiting import LONG, figure_words, wait_for_filters, wait_for_run
from tests.house.pages import PAGES

Visit = Callable[..., Any]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stores")
    make(folder / "simulated")
    return folder


@pytest.fixture
def faulty(browser: Any, stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The app with a fault in its way: ``with faulty("disk", "/ledger") as (page, log)``."""

    @contextmanager
    def start(fault: str, path: str) -> Iterator[tuple[Any, Path]]:
        monkeypatch.setenv("FAULT", fault)
        log = tmp_path / "log.txt"
        with serving(stores, log, home="tests/browser/faulty_home.py") as address:
            context = browser.new_context(viewport={"width": 1440, "height": 1000})
            page = context.new_page()
            page.set_default_timeout(LONG)
            page.goto(address + path, timeout=LONG)
            yield page, log
            context.close()

    return start


def to(page: Any, name: str) -> None:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()


def test_figure_that_cannot_be_made_is_told_and_the_page_stays(faulty: Any) -> None:
    with faulty("disk", "/?view=Pooled+only") as (page, log):
        wait_for_run(page, 1)
        words = figure_words(page)
        page.get_by_role("button", name="Files", exact=True).first.click()
        page.get_by_role("button", name="SVG", exact=True).click()
        expect(page.get_by_text("Failed to generate file for download")).to_be_visible()
        assert figure_words(page) == words
        assert "No space left" in log.read_text(errors="replace")


def test_page_that_raises_leaves_the_others_alive(faulty: Any) -> None:
    with faulty("page", "/cohorts") as (page, log):
        told = page.get_by_text("This page could not be shown, through a fault of this program")
        expect(told).to_be_visible()
        expect(page.get_by_text("secret")).to_have_count(0)
        wait_for_run(page, 1)
        wait_for_filters(page)
        to(page, "Survival")
        figure_words(page, "ALK")
        expect(told).to_have_count(0)
        assert "the secret reason" in log.read_text(errors="replace")


def test_click_elsewhere_and_a_closed_browser_end_a_computation_cleanly(
    faulty: Any, browser: Any
) -> None:
    """The permutations take a second a step here: the first visitor clicks away, the second
    closes the browser, the third waits and gets the result."""
    with faulty("slow", "/cohorts") as (page, log):
        wait_for_run(page, 1)
        wait_for_filters(page)
        to(page, "Gene or burden?")
        page.get_by_text("Permuting ALK").wait_for()
        to(page, "Cohorts")
        page.get_by_role("heading", name="Which cohorts can speak about ALK?").wait_for()
        address = page.url.split("/cohorts")[0]
        context = browser.new_context()
        gone = context.new_page()
        gone.goto(f"{address}/burden?gene=TP53", timeout=LONG)
        gone.get_by_text("Permuting TP53").wait_for(timeout=LONG)
        context.close()
        to(page, "Gene or burden?")
        figure_words(page, "ALK mutant")
        page.get_by_role("heading", name="What a gene mutated as often would show").wait_for()
        assert "Traceback" not in log.read_text(errors="replace")


ATTACK = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script>\'"]) || (window.hurt=1)'
WHERE = (
    "/?gene={}&tumor={}&by=gene+set&genes={}",
    "/?by=number&cut={}&view={}",
    "/correlate?x={}&y={}&purity={}",
    "/mutations?sort={}&gene={}",
)


@pytest.mark.parametrize("path", WHERE)
def test_no_script_runs_and_no_markup_of_the_address_is_drawn(visit: Visit, path: str) -> None:
    page = visit(path.replace("{}", quote(ATTACK)))
    expect(page.get_by_test_id("stAlert").filter(has_text="onerror").first).to_be_visible()
    hurt = page.evaluate(
        "() => [window.hurt, document.querySelectorAll('[data-testid=stApp] [onerror], "
        "[data-testid=stApp] script, img[src=x]').length]"
    )
    assert hurt == [None, 0]


def test_text_of_the_address_makes_no_link(visit: Visit) -> None:
    page = visit(f"/?tumor={quote('www.example.org https://example.org [a](//example.org)')}")
    expect(page.get_by_test_id("stAlert").filter(has_text="example").first).to_be_visible()
    assert page.locator("a[href*='example']").count() == 0


def test_nothing_is_asked_of_another_host_on_any_page(browser: Any, address: str) -> None:
    context = browser.new_context()
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.set_default_timeout(LONG)
    page.on("websocket", lambda socket: asked.append(socket.url.replace("ws", "http", 1)))
    for name in PAGES:
        page.goto(f"{address}/{name}", timeout=LONG)
        wait_for_run(page, 1)
    context.close()
    strange = [u for u in asked if not u.startswith((address, "data:", "blob:"))]
    assert len(asked) > 2 * len(PAGES) and not strange
