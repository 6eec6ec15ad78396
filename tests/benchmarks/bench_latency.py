"""A person's clicks in Chromium: 40 filter changes and page switches over all pages.

On the store that the environment names (``ICI_EXPLORER_STORE``), else on a simulated one. For each
click two times: of the server (the script's run, which the page publishes) and from the click to
the frame that shows the last change of the page that follows it (click-to-painted; the first visit
until its page stands, figures not counted). A second table says where the server's time goes.
Every state is new to the caches unless its row says *again*.

A filter changes by one step of the age slider by keyboard, which Streamlit sends at once: 20 to 80
ms after the key on a busy machine, and nothing of it is taken off.
"""

from __future__ import annotations

import ast
import logging
import os
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

from core.store import STORE_VARIABLE
from tests.benchmarks import Row
from tests.browser.conftest import CHROMIUM, FLAGS, serving

ROOT = Path(__file__).resolve().parents[2]
PANELS = {"intrinsic", "extrinsic", "agreement", "correlate", "atlas"}
"""Pages of panels and of meta-analysis, whose goal is wider."""
QUIET_MS = 350
"""Without a change of the page for so long, a click has been answered."""

ROOMS = {
    "serialisation": (
        "core/charts/figure.py",
        "streamlit/elements",
        "streamlit/delta_generator",
        "streamlit/runtime/state",
        "google/protobuf",
    ),
    "caches": ("streamlit/runtime/caching",),
    "query": ("core/store.py", "duckdb"),
    "statistics": ("core/stats", "core/analysis", "core/groups"),
    "figures": ("core/charts", "core/report"),
    "widgets and pages": ("core/ui", "pages/", "dashboard/"),
}
"""Room of the server's code -> parts of the paths of its files."""
REST = "the rest"
SCRIPT_THREAD = "ScriptRunner.scriptThread"
LOOK_SECONDS = 0.001
ABOUT_THREADS = "streamlit.runtime.scriptrunner_utils.script_run_context"
"""The logger that warns of each call outside a session, of which AppTest makes many."""

WATCH = """
() => {
  if (window.__last) return;
  window.__last = performance.now();
  window.__click = 0;
  const now = () => { window.__last = performance.now(); };
  const painted = new MessageChannel();  // its message comes once the frame is made
  painted.port1.onmessage = now;
  const mark = () => { now(); requestAnimationFrame(() => painted.port2.postMessage(0)); };
  new MutationObserver(mark).observe(document.body,
    {childList: true, subtree: true, attributes: true, characterData: true});
  for (const kind of ["pointerdown", "keydown"])
    document.addEventListener(kind, () => { window.__click = performance.now(); }, true);
}
"""
ANSWERED = """
([run, quiet]) => {
  const e = document.querySelector("span.run");
  return e && Number(e.dataset.run) > run && performance.now() - window.__last > quiet
    && !document.querySelector("[data-stale=true]");
}
"""


@dataclass(frozen=True)
class Click:
    """One answered click: milliseconds of the server's run, and until the page stood still."""

    page: str
    what: str
    server: float
    painted: float


def pages() -> list[tuple[str, str]]:
    """Page and its title in the navigation, as the app lists them, without those of a session."""
    tree = ast.parse((ROOT / "dashboard" / "Home.py").read_text(encoding="utf-8"))
    groups = next(
        n.value
        for n in tree.body
        if isinstance(n, ast.AnnAssign) and getattr(n.target, "id", "") == "GROUPS"
    )
    assert groups is not None
    listed = [page for pages in ast.literal_eval(groups).values() for page in pages]
    return [(name, title) for name, title, _ in listed if name not in ("own", "present", "atlas")]


def run() -> Iterator[Row]:
    store = os.environ.get(STORE_VARIABLE) or _simulated()
    with serving(Path(store), Path(tempfile.mkdtemp()) / "log.txt") as address:
        clicks = list(drive(address))
    for page in dict.fromkeys(c.page for c in clicks):
        own = [c for c in clicks if c.page == page]
        goal = "< 250" if page in PANELS else "< 100"
        yield Row(f"{page}: server, slowest of {len(own)}", max(c.server for c in own), goal=goal)
        yield Row(f"{page}: click to painted, median", _quantile(own, 0.5, "painted"))
    filters = [c for c in clicks if c.what == "filter"]
    for share, goal in ((0.5, "< 250"), (0.95, "< 500")):
        name = f"filter changes: click to painted, p{100 * share:.0f}"
        yield Row(name, _quantile(filters, share, "painted"), goal=goal)
    switches = [c for c in clicks if c.what == "switch"]
    yield Row("page switches: p50", _quantile(switches, 0.5, "painted"), goal="< 600")
    yield Row("page switches: p95", _quantile(switches, 0.95, "painted"), goal="< 600")
    again = [c for c in clicks if c.what == "again"]
    first = _quantile(filters, 0.5, "server")
    yield Row(
        "a state seen before: server, p50",
        _quantile(again, 0.5, "server"),
        "the first time",
        first,
        goal="ratio < 0.5",
    )
    yield from shares(store)


def drive(address: str) -> Iterator[Click]:
    """Each page: the switch to it, a tumour type, another gene, and back to what was seen."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.set_default_timeout(120_000)
        start = time.perf_counter()
        page.goto(f"{address}/?age=17&age=100")
        page.wait_for_selector("span.run", state="attached")
        yield Click("first visit", "first", _published(page), (time.perf_counter() - start) * 1e3)
        page.evaluate(WATCH)
        page.wait_for_timeout(2000)
        ages = iter(range(18, 60))
        for name, title in pages():
            link = page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True)
            yield _answer(page, name, "switch", link.click)
            for what in ("filter", "filter"):
                low = next(ages)
                yield _answer(page, name, what, lambda low=low: _age(page, low))
            yield _answer(page, name, "again", lambda low=low: _age(page, low - 1))
        browser.close()


def _age(page: Any, low: int) -> None:
    """Move the lower bound of the age filter by the keyboard, one year up or down to ``low``."""
    thumb = page.locator(".st-key-age input[type=range]").first
    if not thumb.is_visible():
        page.get_by_test_id("stSidebar").get_by_text("More filters").click()
        thumb.wait_for(state="attached")
        page.wait_for_function("() => performance.now() - window.__last > 600")
    thumb.focus()
    page.keyboard.press("ArrowRight" if int(thumb.input_value()) < low else "ArrowLeft")


def _answer(page: Any, name: str, what: str, act: Any) -> Click:
    before = int(page.locator("span.run").get_attribute("data-run"))
    act()
    page.wait_for_function(ANSWERED, arg=[before, QUIET_MS], polling=50)
    painted = page.evaluate("() => window.__last - window.__click")
    return Click(name, what, _published(page), float(painted))


def _published(page: Any) -> float:
    return float(page.locator("span.run").get_attribute("data-ms"))


def _quantile(clicks: list[Click], share: float, what: str) -> float:
    return float(np.quantile([getattr(c, what) for c in clicks], share)) if clicks else float("nan")


def shares(store: str) -> Iterator[Row]:
    """Where the server's time of a filter change goes, by the room whose code runs, in percent.

    The script runs in a thread of its own, which is looked at a thousand times a second; a look
    counts for the innermost room on the stack. The milliseconds are those that the page publishes,
    with the looking in them.
    """
    os.environ[STORE_VARIABLE] = store
    logging.getLogger(ABOUT_THREADS).disabled = True
    for name, _ in pages():
        at = AppTest.from_file(str(ROOT / "dashboard" / "Home.py"), default_timeout=240)
        at.run()
        at.switch_page(str(ROOT / "pages" / f"{name}.py")).run()
        spent: Counter[str] = Counter()
        milliseconds = []
        for low in (31, 32, 33):
            at.slider(key="age").set_value((low, 100))
            spent += looked_at(at.run)
            marker = next(h.proto.body for h in at.get("html") if "data-ms" in h.proto.body)
            milliseconds.append(float(re.search(r'data-ms="([\d.]+)"', marker)[1]))
        told = ", ".join(f"{r} {100 * spent[r] / spent.total():.0f}%" for r in (*ROOMS, REST))
        yield Row(f"{name}: {told}", float(np.median(milliseconds)))


def looked_at(call: Callable[[], Any]) -> Counter[str]:
    """How often the script's thread was met in each room while ``call`` ran."""
    found: Counter[str] = Counter()
    done = threading.Event()

    def look() -> None:
        while not done.wait(LOOK_SECONDS):
            frames = sys._current_frames()
            scripts = [t.ident for t in threading.enumerate() if t.name == SCRIPT_THREAD]
            found.update(_room(frames[i]) for i in scripts if i in frames)

    before = sys.getswitchinterval()
    sys.setswitchinterval(LOOK_SECONDS / 2)  # or a busy script would be met every 5 ms only
    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        call()
    finally:
        done.set()
        watcher.join()
        sys.setswitchinterval(before)
    return found


def _room(frame: FrameType | None) -> str:
    """The room of the innermost frame that has one."""
    while frame is not None:
        file = frame.f_code.co_filename
        for room, parts in ROOMS.items():
            if any(part in file for part in parts):
                return room
        frame = frame.f_back
    return REST


def _simulated() -> str:
    from data.demo import simulate
    from data.publish import publish

    folder = tempfile.mkdtemp()
    publish(simulate(), Path(folder))
    return folder
