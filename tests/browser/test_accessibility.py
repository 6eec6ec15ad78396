"""Every page, light and dark: axe finds nothing serious, figures have words, keys reach all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.waiting import charts_fit, stays_empty
from tests.house.pages import PAGES

Visit = Callable[..., Any]

STREAMLITS_OWN: dict[str, tuple[str, str]] = {
    "list": (
        "[data-testid=stSidebarNavItems]",
        "the groups of the navigation are div elements in Streamlit's list; the links in them are "
        "read and reached all the same",
    ),
    "listitem": (
        "[data-testid=stSidebarNavItems] li",
        "its links stand in those div elements",
    ),
}
"""Rule of axe -> (what the element matches, why the app cannot mend it)."""

MATCHES = "([found, own]) => document.querySelector(found).matches(own)"

WANTED = ("heading-order",)
"""Rules of less weight that are kept as well."""


def violations(page: Any) -> list[str]:
    """Serious and critical violations as ``rule: element``, without those listed above."""
    found = Axe().run(page).response["violations"]
    return [
        f"{v['id']}: {node['html'][:300]}"
        for v in found
        if v["impact"] in ("serious", "critical") or v["id"] in WANTED
        for node in v["nodes"]
        if not _streamlits(page, v["id"], node["target"][0])
    ]


def _streamlits(page: Any, rule: str, target: str) -> bool:
    """Whether the element that axe names by ``target`` is one of STREAMLITS_OWN."""
    return rule in STREAMLITS_OWN and page.evaluate(MATCHES, [target, STREAMLITS_OWN[rule][0]])


def test_a_list_item_of_the_apps_own_is_not_excused(browser: Any) -> None:
    page = browser.new_page()
    page.set_content(
        "<html lang='en'><title>a</title><main><h1>a</h1><div><li>lost</li></div>"
        "<ul data-testid='stSidebarNavItems'><div><li>a page</li></div></ul><h3>b</h3></main>"
    )
    told = violations(page)
    page.close()
    assert [v.split(":")[0] for v in told] == ["heading-order", "listitem"]
    assert "lost" in told[1]


WITHOUT_WORDS = """() => {
  const vega = [...document.querySelectorAll('[data-testid=stVegaLiteChart]')]
    .map(e => e.getAttribute('aria-label') || '');
  const plotly = document.querySelectorAll('[data-testid=stPlotlyChart]').length;
  const told = [...document.querySelectorAll('p.unseen')].filter(e => e.innerText.length > 20);
  const untold = plotly + vega.filter(label => label.length < 100).length - told.length;
  return [...vega.filter(label => label.length < 20), ...Array(Math.max(0, untold))
    .fill('a figure whose numbers no words tell')];
}"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious_and_figures_have_words(
    visit: Visit, name: str, dark: bool
) -> None:
    page = visit(f"/{name}", dark=dark)
    charts_fit(page, 1440, at_least=0)
    stays_empty(page, WITHOUT_WORDS)
    assert violations(page) == []
    assert page.locator("h1").count() == 1


FOCUSED = """() => {
  const e = document.activeElement;
  const name = e.getAttribute('aria-label') || e.innerText || e.getAttribute('data-testid') || '';
  const last = window.focusedBefore;
  window.focusedBefore = e;
  return {
    name: name.trim().replace(/\\s+/g, ' ').slice(0, 60),
    inside: ['stSidebar', 'stMain'].find(t => e.closest(`[data-testid=${t}]`)) || '',
    back: !!last && !!(last.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_PRECEDING),
  };
}"""


def test_keyboard_reaches_everything_in_the_order_of_the_page(visit: Visit) -> None:
    page = visit("/?view=Pooled+only")
    charts_fit(page, 1440)
    walked: list[dict[str, Any]] = []
    for _ in range(150):
        page.keyboard.press("Tab")
        walked.append(page.evaluate(FOCUSED))
        if "Methods" in walked[-1]["name"]:
            break
    names = " | ".join(w["name"] for w in walked)
    for wanted in ("Cohorts", "Gene", "Tumour types", "Reset filters", "Files",
                   "Pin", "Methods"):  # fmt: skip
        assert wanted in names, f"{wanted} was not reached: {names}"
    for place in ("stSidebar", "stMain"):
        own = [w for w in walked if w["inside"] == place]
        assert own and not [w["name"] for w in own[1:] if w["back"]], names
    positive = page.evaluate("() => [...document.querySelectorAll('[tabindex]')]"
                             ".filter(e => e.tabIndex > 0).map(e => e.outerHTML)")  # fmt: skip
    assert positive == []


def test_nothing_moves_for_those_who_ask_for_stillness(visit: Visit) -> None:
    page = visit("/cohorts")
    page.emulate_media(reduced_motion="reduce")
    stays_empty(
        page,
        """() => [...document.querySelectorAll('*')].filter(e => {
          const s = getComputedStyle(e);
          return [s.transitionDuration, s.animationDuration].some(d => parseFloat(d) > 0.001);
        }).map(e => e.outerHTML.slice(0, 120)).slice(0, 5)""",
    )
