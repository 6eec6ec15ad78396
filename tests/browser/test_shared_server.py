"""The shared server in a browser: its policy lets every part of a page work, and blocks nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.app.small_store import make
from tests.browser.conftest import figure_words, run_number, wait_for_run
from tests.deploy.serving import Process, replica

LISTEN = """
window.blocked = [];
document.addEventListener('securitypolicyviolation',
  e => window.blocked.push(e.violatedDirective + ' ' + e.blockedURI));
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("shared")
    make(folder / "stores")
    with replica(folder / "stores", folder) as process:
        yield process.wait()


@pytest.fixture
def page(browser: Any, shared: Process) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(90_000)
    page.add_init_script(LISTEN)
    yield page
    assert page.evaluate("window.blocked") == []
    context.close()


def test_figure_filters_and_download_work(page: Any, shared: Process, tmp_path: Path) -> None:
    page.goto(shared.address)
    wait_for_run(page, 1)
    assert "ALK" in figure_words(page)
    page.locator(
        "[data-testid=stVegaLiteChart] svg.marks, .marks canvas, canvas.marks"
    ).first.wait_for()
    before = run_number(page)
    page.get_by_text("Stratify by cohort").click()
    wait_for_run(page, before + 1)
    page.get_by_role("button", name="Files", exact=True).first.click()
    with page.expect_download() as asked:
        page.get_by_role("button", name="Rows as CSV").first.click()
    asked.value.save_as(tmp_path / "rows.csv")
    assert "SIMULATED" in (tmp_path / "rows.csv").read_text(encoding="utf-8")


def test_points_that_plotly_draws_with_webgl_are_painted(page: Any, shared: Process) -> None:
    page.goto(f"{shared.address}/correlate")
    wait_for_run(page, 1)
    page.locator("[data-testid=stPlotlyChart] .gl-canvas").first.wait_for(state="attached")
    page.locator("[data-testid=stPlotlyChart] .main-svg .xtick").first.wait_for(state="attached")


def test_tables_that_are_drawn_on_a_canvas_are_painted(page: Any, shared: Process) -> None:
    page.goto(f"{shared.address}/mutations")
    wait_for_run(page, 1)
    page.locator("[data-testid=stDataFrame] canvas").first.wait_for(state="attached")
