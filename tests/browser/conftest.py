"""The app in headless Chromium: one server and one browser for the whole run."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.ui.cached import STORE_VARIABLE
from tests.app.small_store import make

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
START_SECONDS = 60


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running app on a free port, with the small store of tests/app."""
    folder = tmp_path_factory.mktemp("browser-stores")
    make(folder / "simulated")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "streamlit",
                "run",
                "dashboard/Home.py",
                f"--server.port={port}",
            ],
            cwd=ROOT,
            env={**os.environ, STORE_VARIABLE: str(folder), "PYTHONPATH": str(ROOT)},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(f"http://127.0.0.1:{port}/_stcore/health", server, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            if server.poll() is not None:
                break
            time.sleep(0.1)
    pytest.fail(f"the app did not start:\n{log.read_text(errors='replace')[-2000:]}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium; skipped with a reason where there is none, unless CI asks for it."""
    if not Path(CHROMIUM).exists():
        reason = f"no Chromium at {CHROMIUM}; name one with the variable CHROMIUM"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Open a page of the app in a fresh profile: ``visit("/?gene=TP53", dark=True)``."""
    contexts = []

    def open_page(path: str = "/", *, width: int = 1440, dark: bool = False) -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": 1000},
            color_scheme="dark" if dark else "light",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(90_000)
        page.goto(address + path)
        wait_for_run(page, 1)
        return page

    yield open_page
    for context in contexts:
        context.close()


def wait_for_run(page: Any, at_least: int) -> None:
    """Until the app has published that this session's run number ``at_least`` is done."""
    page.wait_for_function(
        "n => { const e = document.querySelector('span.run');"
        " return e && Number(e.dataset.run) >= n && !document.querySelector('[data-stale=true]') }",
        arg=at_least,
        timeout=60_000,
    )


def run_number(page: Any) -> int:
    return int(page.locator("span.run").get_attribute("data-run"))


def figure_words(page: Any) -> str:
    """The description of the page's figure, with its numbers."""
    chart = page.locator("[data-testid=stVegaLiteChart][aria-label]")
    chart.first.wait_for(state="attached", timeout=60_000)
    return str(chart.first.get_attribute("aria-label"))


def choose(page: Any, label: str, option: str) -> None:
    """Choose ``option`` in the sidebar's multiselect ``label`` and wait for the new run."""
    before = run_number(page)
    sidebar = page.get_by_test_id("stSidebar")
    box = sidebar.get_by_test_id("stMultiSelect").filter(has_text=label).get_by_role("combobox")
    box.click()
    box.fill(option)
    page.get_by_role("option", name=option).first.click()
    page.keyboard.press("Escape")
    wait_for_run(page, before + 1)


def wait_for_other_words(page: Any, words: str) -> None:
    """Until the description of the page's first figure is no longer ``words``."""
    page.wait_for_function(
        "w => { const e = document.querySelector('[data-testid=stVegaLiteChart][aria-label]');"
        " return e && e.getAttribute('aria-label') !== w }",
        arg=words,
        timeout=60_000,
    )
