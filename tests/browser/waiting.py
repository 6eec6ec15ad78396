"""Waiting for what the browser shows: a state is asserted by waiting for it, never by looking once.

Streamlit publishes in steps: elements arrive one by one during a run, the address is written after
it, figures are drawn in no fixed order and drawn again when their width is known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Error, expect

LONG = 90_000
"""Milliseconds after which a state is taken never to come; a CI machine with two cores is slow."""

QUIET = 500
"""Milliseconds for which a layout must have nothing to complain about."""

TRIES = 12

CHART = "[data-testid=stVegaLiteChart]"

WORDS = "p.unseen"
"""Before a figure of a page: what it shows, in words. Elsewhere they are the figure's label."""

expect.set_options(timeout=LONG)


def wait_for_run(page: Any, at_least: int) -> None:
    """Until the app has published that this session's run number ``at_least`` is done, no run is
    going on and no element of an older run stands in the page."""
    page.wait_for_function(
        "n => { const e = document.querySelector('span.run');"
        " const app = document.querySelector('[data-testid=stApp]');"
        " return e && Number(e.dataset.run) >= n && app.dataset.testScriptState === 'notRunning'"
        " && !document.querySelector('[data-stale=true]') }",
        arg=at_least,
        timeout=LONG,
    )


def wait_for_filters(page: Any) -> None:
    """Until the sidebar's widgets stand and are tied to the address.

    Streamlit loads a widget's code when it is first shown and ties it to the address only then; a
    click on another page before that loses the filters of the address.
    """
    page.wait_for_function(
        "() => { const all = [...document.querySelectorAll('[data-testid=stSidebar] "
        "[role=combobox]')]; return all.length >= 4 && all[0].value }",
        timeout=LONG,
    )


def run_number(page: Any) -> int:
    return int(page.locator("span.run").get_attribute("data-run"))


def figure_words(page: Any, *parts: str) -> str:
    """The description of the page's first figure, once it holds every one of ``parts``."""
    return _words(page, "(w, parts) => parts.every(p => w.includes(p))", list(parts))


def other_figure_words(page: Any, before: str) -> str:
    """The description of the page's first figure, once it is not ``before``."""
    return _words(page, "(w, before) => w !== before", before)


def same_figure_words(page: Any, words: str) -> None:
    """Until the page's first figure is described by exactly ``words``."""
    _words(page, "(w, words) => w === words", words)


def _words(page: Any, test: str, arg: Any) -> str:
    handle = page.wait_for_function(
        f"arg => {{ const e = document.querySelector('{WORDS}, {CHART}[aria-label]');"
        f" const w = e && (e.matches('{WORDS}') ? e.textContent : e.getAttribute('aria-label'));"
        f" return w && ({test})(w, arg) && w }}",
        arg=arg,
        timeout=LONG,
    )
    return str(handle.json_value())


def wait_for_address(page: Any, *parts: str) -> None:
    """Until the address bar holds every one of ``parts``."""
    page.wait_for_function(
        "parts => parts.every(p => location.href.includes(p))", arg=list(parts), timeout=LONG
    )


def address_path(page: Any) -> str:
    """The address without its host, to be visited again."""
    return "/" + str(page.url).split("/", 3)[3]


def stays_empty(page: Any, script: str, arg: Any = None) -> None:
    """Until the list that ``script`` (a function of ``arg``) returns has stayed empty for a while.

    Raises AssertionError with the last list where it never does.
    """
    watch = (
        "([arg, quiet]) => {"
        f" const found = ({script})(arg); window.complaints = found;"
        " if (found.length) { window.emptySince = undefined; return false; }"
        " window.emptySince ??= performance.now();"
        " return performance.now() - window.emptySince >= quiet; }"
    )
    page.evaluate("() => { window.emptySince = undefined }")
    try:
        page.wait_for_function(watch, arg=[arg, QUIET], timeout=LONG)
    except Error as error:
        found = page.evaluate("() => window.complaints")
        raise AssertionError(f"never without complaint: {found}") from error


def steady(page: Any, script: str, arg: Any = None) -> Any:
    """What ``script`` (a function of ``arg``) returns, once it has been the same for a while."""
    watch = (
        "([arg, quiet]) => {"
        f" const found = JSON.stringify([({script})(arg)]);"
        " if (found !== window.lastFound) {"
        " window.lastFound = found; window.sameSince = performance.now(); }"
        " return performance.now() - window.sameSince >= quiet; }"
    )
    page.evaluate("() => { window.lastFound = undefined }")
    page.wait_for_function(watch, arg=[arg, QUIET], timeout=LONG)
    return page.evaluate("() => JSON.parse(window.lastFound)[0]")


def charts_fit(page: Any, width: int, *, at_least: int = 1, texts: bool = False) -> None:
    """Every figure is drawn, inside the screen; with ``texts`` also its texts inside the figure.

    The mark SIMULATED, and a text that is not painted, may reach over. A figure that is painted
    at once (a canvas) has no texts to be looked at.
    """
    stays_empty(
        page,
        """([width, atLeast, texts]) => {
          const shown = [...document.querySelectorAll('[data-testid=stVegaLiteChart]')]
            .filter(e => e.getClientRects().length);
          const found = shown.length < atLeast ? [`${shown.length} figures`] : [];
          for (const chart of shown) {
            const name = (chart.getAttribute('aria-label') || '').slice(0, 60);
            const drawn = chart.querySelector('svg, canvas');
            if (!drawn) { found.push(`${name}: not drawn`); continue; }
            const box = drawn.getBoundingClientRect();
            if (box.left < 0 || box.right > width + 1)
              found.push(`${name}: ${box.left} to ${box.right}`);
            for (const text of texts ? drawn.querySelectorAll('text') : []) {
              const b = text.getBoundingClientRect();
              if (!b.width || !text.textContent.trim()) continue;
              if (getComputedStyle(text).opacity === '0') continue;
              if (b.left < box.left - 3 || b.right > box.right + 1 || b.bottom > box.bottom + 1)
                found.push(`${name}: ${text.textContent}`);
            }
          }
          return found;
        }""",
        [width, at_least, texts],
    )


def does_not_scroll_sideways(page: Any, width: int) -> None:
    stays_empty(
        page,
        "width => { const w = document.documentElement.scrollWidth;"
        " return w <= width + 1 ? [] : [w] }",
        width,
    )


def until(page: Any, act: Callable[[], Any], script: str, arg: Any = None) -> None:
    """Do ``act`` until ``script`` (a function of ``arg``) is true.

    A figure takes clicks only once its listeners stand, which nothing in the page tells; so
    ``act`` may be done again and must be harmless then.
    """
    for last in [*[False] * (TRIES - 1), True]:
        act()
        try:
            page.wait_for_function(script, arg=arg, timeout=LONG if last else LONG / 10)
            return
        except Error:
            if last:
                raise


def pick(page: Any, box: Any, option: str, *, typed: str = "", exact: bool = False) -> None:
    """Open the list of ``box`` and click ``option``; again where a redraw has closed the list."""
    wanted = page.get_by_role("option", name=option, exact=exact).first
    for last in [*[False] * (TRIES - 1), True]:
        box.click()
        if typed:
            box.fill(typed)
        try:
            wanted.click(timeout=LONG if last else LONG / 10)
            return
        except Error:
            if last:
                raise
            page.keyboard.press("Escape")


def choose(page: Any, label: str, option: str) -> None:
    """Choose ``option`` in the sidebar's multiselect ``label`` and wait for the new run."""
    before = run_number(page)
    sidebar = page.get_by_test_id("stSidebar")
    box = sidebar.get_by_test_id("stMultiSelect").filter(has_text=label).get_by_role("combobox")
    pick(page, box, option, typed=option)
    page.keyboard.press("Escape")
    wait_for_run(page, before + 1)
