"""A researcher's clicks: filters move the curve, links and reloads keep it, it fits the screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import choose, figure_words, run_number, wait_for_run

Visit = Callable[..., Any]


def curve(page: Any) -> str:
    """The drawn path of the page's first survival curve, as SVG coordinates."""
    paths = page.locator("[data-testid=stVegaLiteChart] g.mark-line path")
    paths.first.wait_for(state="attached")
    return str(paths.first.get_attribute("d"))


def test_a_filter_moves_the_curve_and_the_address(visit: Visit) -> None:
    page = visit()
    drawn, words = curve(page), figure_words(page)
    choose(page, "Tumour types", "Melanoma")
    page.wait_for_function(
        "d => document.querySelector('[data-testid=stVegaLiteChart] g.mark-line path')"
        ".getAttribute('d') !== d",
        arg=drawn,
    )
    assert figure_words(page) != words
    assert "tumor=Melanoma" in page.url


def test_deep_link_and_reload_give_the_same_figure(visit: Visit) -> None:
    page = visit("/?gene=TP53&tumor=Melanoma&strata=false")
    words, drawn = figure_words(page), curve(page)
    assert "TP53" in words
    page.reload()
    wait_for_run(page, 1)
    assert (figure_words(page), curve(page)) == (words, drawn)
    path = page.url.split("//", 1)[1].split("/", 1)[1]
    other = visit(f"/{path}")
    assert figure_words(other) == words


def test_filters_survive_the_way_to_another_page_and_back(visit: Visit) -> None:
    page = visit("/?gene=TP53&tumor=Melanoma&view=Pooled+only")
    words, before = figure_words(page), run_number(page)
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Cohorts", exact=True).click()
    page.get_by_role("heading", name="Which cohorts can speak about TP53?").wait_for()
    assert "tumor=Melanoma" in page.url and "gene=TP53" in page.url
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Survival", exact=True).click()
    page.get_by_role("heading", name="Does a mutation in TP53").wait_for()
    wait_for_run(page, before + 2)
    page.get_by_text("Pooled only").click()
    page.wait_for_function(
        "w => [...document.querySelectorAll('[data-testid=stVegaLiteChart][aria-label]')]"
        ".some(e => e.getAttribute('aria-label') === w)",
        arg=words,
    )


def test_link_that_names_the_default_page_works(visit: Visit) -> None:
    page = visit("/survival?gene=TP53")
    assert "TP53" in figure_words(page)
    assert page.get_by_text("Page not found").count() == 0


def test_bad_link_is_told_and_answered(visit: Visit) -> None:
    page = visit("/?gene=ALKK&tumor=Atlantis")
    page.get_by_text("'Atlantis' in the address is not in this store").wait_for()
    page.get_by_text("The gene 'ALKK' is not in this store").wait_for(state="attached")
    assert "by ALK." in figure_words(page)


@pytest.mark.parametrize("width", [420, 1440])
@pytest.mark.parametrize("dark", [False, True])
def test_page_fits_the_screen(visit: Visit, width: int, dark: bool) -> None:
    page = visit("/survival?periods_shown=true", width=width, dark=dark)
    figure_words(page)
    page.wait_for_function(
        "n => document.querySelectorAll('[data-testid=stVegaLiteChart] svg').length == n", arg=4
    )
    places = page.evaluate(
        """() => [...document.querySelectorAll('[data-testid=stVegaLiteChart] svg')].map(svg =>
          [svg, ...svg.querySelectorAll('text')].map(e => {
            const b = e.getBoundingClientRect();
            return [b.left, b.right, b.top, b.bottom, e === svg ? '' : e.textContent];
          }))"""
    )
    for (left, right, _, bottom, _), *texts in places:
        assert left >= 0 and right <= width + 1
        for x0, x1, _, y1, words in texts:
            assert left - 1 <= x0 and x1 <= right + 1, words
            assert y1 <= bottom + 1, words


def test_numbers_at_risk_stand_under_their_ticks(visit: Visit) -> None:
    page = visit("/survival?view=Pooled+only")
    figure_words(page)
    places = page.evaluate(
        """() => {
          const chart = document.querySelector('[data-testid=stVegaLiteChart]');
          const texts = [...chart.querySelectorAll('svg text')];
          const middle = e => { const b = e.getBoundingClientRect(); return b.x + b.width / 2; };
          const of = s => texts.filter(e => e.closest(s)).map(middle);
          const axis = [...chart.querySelectorAll('.role-axis')]
            .find(e => e.textContent.includes('Months'));
          return [[...axis.querySelectorAll('.role-axis-label text')].map(middle),
                  texts.filter(e => /^[0-9,]+$/.test(e.textContent) && !e.closest('.role-axis'))
                    .map(middle)];
        }"""
    )
    ticks, numbers = places
    assert ticks and len(numbers) == 2 * len(ticks)
    assert all(min(abs(n - t) for t in ticks) < 1.5 for n in numbers)


def test_download_is_a_marked_file(visit: Visit) -> None:
    page = visit("/survival?view=Pooled+only")
    page.get_by_role("button", name="Download the figure").first.click()
    with page.expect_download(timeout=60_000) as download:
        page.get_by_role("button", name="SVG", exact=True).click()
    assert download.value.suggested_filename == "SIMULATED-km-os-alk.svg"
    content = download.value.path().read_text()
    assert "SIMULATED" in content and "ALK mutant" in content


def test_nothing_is_asked_of_another_host(browser: Any, address: str) -> None:
    context = browser.new_context()
    asked: list[str] = []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    wait_for_run(page, 1)
    figure_words(page)
    context.close()
    strange = [u for u in asked if not u.startswith((address, "data:", "blob:"))]
    assert not strange


def test_build_is_offered_on_the_same_machine(visit: Visit) -> None:
    page = visit("/")
    page.get_by_role("button", name="Use the real cohorts").click()
    page.get_by_text("python -m data fetch").wait_for()
    assert page.get_by_role("button", name="Fetch and build now").is_visible()


def select(page: Any, label: str, option: str) -> None:
    """Choose ``option`` in the sidebar's select box ``label`` and wait for the new run."""
    before = run_number(page)
    sidebar = page.get_by_test_id("stSidebar")
    box = sidebar.get_by_test_id("stSelectbox").filter(has_text=label).get_by_role("combobox")
    box.click()
    page.get_by_role("option", name=option, exact=True).first.click()
    wait_for_run(page, before + 1)


def test_choosing_a_way_to_split_changes_the_groups_and_the_address(visit: Visit) -> None:
    page = visit("/?view=Pooled+only")
    assert "ALK mutant" in figure_words(page)
    select(page, "Split patients by", "two genes")
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stVegaLiteChart][aria-label]')"
        "?.getAttribute('aria-label').includes('neither')"
    )
    assert "by=two" in page.url
    words = figure_words(page)
    other = visit("/" + page.url.split("/", 3)[3])
    assert figure_words(other) == words


def test_link_to_a_number_shows_its_thirds(visit: Visit) -> None:
    page = visit("/?by=number&number=Age&cut=tertiles&view=Pooled+only")
    words = figure_words(page)
    assert all(f"Age {group}" in words for group in ("low", "middle", "high"))
    page.get_by_role("heading", name="Does Age go with longer").wait_for()
