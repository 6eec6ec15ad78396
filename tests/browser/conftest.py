"""The app in headless Chromium: one server and one browser for the whole run."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.ui.cached import STORE_VARIABLE
from core.ui.pinboard import FOLDER_VARIABLE
from tests.app.small_store import make
from tests.browser.waiting import LONG, figure_words, run_number, wait_for_filters, wait_for_run

__all__ = ["figure_words", "run_number", "wait_for_run"]

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
START_SECONDS = 180


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
    with serving(folder, tmp_path_factory.mktemp("server") / "log.txt") as address:
        yield address


@contextmanager
def serving(folder: Path, log: Path, *, home: str = "dashboard/Home.py") -> Iterator[str]:
    """The app on the stores of ``folder``: its address while it runs; what it prints is in ``log``.

    ``home``: the script to run, for a test that puts something in the app's way.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with log.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", home, f"--server.port={port}"],
            cwd=ROOT,
            env={
                **os.environ,
                STORE_VARIABLE: str(folder),
                FOLDER_VARIABLE: str(folder / "workspace"),
                "PYTHONPATH": str(ROOT),
            },
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(f"http://127.0.0.1:{port}/_stcore/health", server, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=5):
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
        page.set_default_timeout(LONG)
        page.goto(address + path, timeout=LONG)
        wait_for_run(page, 1)
        wait_for_filters(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
