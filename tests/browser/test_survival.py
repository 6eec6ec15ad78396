"""A researcher's clicks: filters move the curve, links and reloads keep it, it fits the screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.waiting import (
    LONG,
    address_path,
    charts_fit,
    choose,
    figure_words,
    other_figure_words,
    pick,
    run_number,
    same_figure_words,
    stays_empty,
    wait_for_address,
    wait_for_run,
)

Visit = Callable[..., Any]


def curve(page: Any) -> str:
    """The drawn path of the page's first survival curve, as SVG coordinates."""
    paths = page.locator("[data-testid=stVegaLiteChart] g.mark-line path")
    paths.first.wait_for(state="attached")
    return str(paths.first.get_attribute("d"))


def curve_is(page: Any, drawn: str, *, still: bool) -> None:
    """Until the first survival curve is ``drawn``, or no longer is."""
    page.wait_for_function(
        "([drawn, still]) => { const d = document.querySelector("
        "'[data-testid=stVegaLiteChart] g.mark-line path')?.getAttribute('d');"
        " return d && (d === drawn) === still }",
        arg=[drawn, still],
    )


def test_a_filter_moves_the_curve_and_the_address(visit: Visit) -> None:
    page = visit()
    drawn, words = curve(page), figure_words(page)
    choose(page, "Tumour types", "Melanoma")
    curve_is(page, drawn, still=False)
    other_figure_words(page, words)
    wait_for_address(page, "tumor=Melanoma")


def test_deep_link_and_reload_give_the_same_figure(visit: Visit) -> None:
    page = visit("/?gene=TP53&tumor=Melanoma&strata=false")
    words = figure_words(page, "TP53")
    charts_fit(page, 1440)  # drawn at its last width
    drawn = curve(page)
    page.reload()
    wait_for_run(page, 1)
    same_figure_words(page, words)
    curve_is(page, drawn, still=True)
    wait_for_address(page, "tumor=Melanoma")
    other = visit(address_path(page))
    same_figure_words(other, words)


def test_filters_survive_the_way_to_another_page_and_back(visit: Visit) -> None:
    page = visit("/?gene=TP53&tumor=Melanoma&view=Pooled+only")
    words, before = figure_words(page, "TP53"), run_number(page)
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Cohorts", exact=True).click()
    page.get_by_role("heading", name="Which cohorts can speak about TP53?").wait_for()
    wait_for_address(page, "/cohorts", "tumor=Melanoma", "gene=TP53")
    wait_for_run(page, before + 1)  # a click during a run ends it uncounted
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Survival", exact=True).click()
    page.get_by_role("heading", name="Does a mutation in TP53").wait_for()
    wait_for_run(page, before + 2)
    page.get_by_text("Pooled only").click()
    page.wait_for_function(
        "w => [...document.querySelectorAll('p.unseen')].some(e => e.textContent === w)",
        arg=words,
    )


def test_link_that_names_the_default_page_works(visit: Visit) -> None:
    page = visit("/survival?gene=TP53")
    figure_words(page, "TP53")
    expect(page.get_by_text("Page not found")).to_have_count(0)


def test_bad_link_is_told_and_answered(visit: Visit) -> None:
    page = visit("/?gene=ALKK&tumor=Atlantis")
    page.get_by_text("'Atlantis' in the address is not in this store").wait_for()
    page.get_by_text("The gene 'ALKK' is not in this store").wait_for(state="attached")
    figure_words(page, "by ALK.")


@pytest.mark.parametrize("width", [420, 1440])
@pytest.mark.parametrize("dark", [False, True])
def test_page_fits_the_screen(visit: Visit, width: int, dark: bool) -> None:
    page = visit("/survival?periods_shown=true", width=width, dark=dark)
    charts_fit(page, width, at_least=4, texts=True)


def test_numbers_at_risk_stand_under_their_ticks(visit: Visit) -> None:
    page = visit("/survival?view=Pooled+only")
    figure_words(page)
    stays_empty(
        page,
        """() => {
          const chart = document.querySelector('[data-testid=stVegaLiteChart]');
          if (!chart) return ['not drawn'];
          const texts = [...chart.querySelectorAll('svg text')];
          const middle = e => { const b = e.getBoundingClientRect(); return b.x + b.width / 2; };
          const axis = [...chart.querySelectorAll('.role-axis')]
            .find(e => e.textContent.includes('Months'));
          if (!axis) return ['not drawn'];
          const ticks = [...axis.querySelectorAll('.role-axis-label text')].map(middle);
          const numbers = texts
            .filter(e => /^[0-9,]+$/.test(e.textContent) && !e.closest('.role-axis')).map(middle);
          if (!ticks.length || numbers.length !== 2 * ticks.length)
            return [`${ticks.length} ticks, ${numbers.length} numbers`];
          return numbers.filter(n => Math.min(...ticks.map(t => Math.abs(n - t))) >= 1.5);
        }""",
    )


def test_download_is_a_marked_file(visit: Visit) -> None:
    page = visit("/survival?view=Pooled+only")
    figure_words(page)
    page.get_by_role("button", name="Files", exact=True).first.click()
    with page.expect_download(timeout=LONG) as download:
        page.get_by_role("button", name="SVG", exact=True).click()
    assert download.value.suggested_filename == "SIMULATED-km-os-alk.svg"
    content = download.value.path().read_text()
    assert "SIMULATED" in content and "ALK mutant" in content


def test_nothing_is_asked_of_another_host(browser: Any, address: str) -> None:
    context = browser.new_context()
    asked: list[str] = []
    page = context.new_page()
    page.set_default_timeout(LONG)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address, timeout=LONG)
    wait_for_run(page, 1)
    figure_words(page)
    context.close()
    strange = [u for u in asked if not u.startswith((address, "data:", "blob:"))]
    assert not strange


def test_build_is_offered_on_the_same_machine(visit: Visit) -> None:
    page = visit("/")
    page.get_by_role("button", name="Use the real cohorts").click()
    page.get_by_text("python -m data fetch").wait_for()
    expect(page.get_by_role("button", name="Fetch and build now")).to_be_visible()


def select(page: Any, label: str, option: str) -> None:
    """Choose ``option`` in the sidebar's select box ``label`` and wait for the new run."""
    before = run_number(page)
    sidebar = page.get_by_test_id("stSidebar")
    box = sidebar.get_by_test_id("stSelectbox").filter(has_text=label).get_by_role("combobox")
    pick(page, box, option, exact=True)
    wait_for_run(page, before + 1)


def test_choosing_a_way_to_split_changes_the_groups_and_the_address(visit: Visit) -> None:
    page = visit("/?view=Pooled+only")
    figure_words(page, "ALK mutant")
    select(page, "Split patients by", "two genes")
    words = figure_words(page, "neither")
    wait_for_address(page, "by=two")
    other = visit(address_path(page))
    same_figure_words(other, words)


def test_link_to_a_number_shows_its_thirds(visit: Visit) -> None:
    page = visit("/?by=number&number=Age&cut=tertiles&view=Pooled+only")
    figure_words(page, *(f"Age {group}" for group in ("low", "middle", "high")))
    page.get_by_role("heading", name="Does Age go with longer").wait_for()
