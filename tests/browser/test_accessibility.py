"""Every page, light and dark: axe finds nothing serious, figures have words, keys reach all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.waiting import charts_fit
from tests.house.pages import PAGES

Visit = Callable[..., Any]

STREAMLITS_OWN: dict[str, tuple[str, str]] = {}
"""Rule of axe -> (a text of the element's HTML, why the app cannot mend it)."""


def violations(page: Any) -> list[str]:
    """Serious and critical violations as ``rule: element``, without those listed above."""
    found = Axe().run(page).response["violations"]
    return [
        f"{v['id']}: {node['html'][:300]}"
        for v in found
        if v["impact"] in ("serious", "critical")
        for node in v["nodes"]
        if not (v["id"] in STREAMLITS_OWN and STREAMLITS_OWN[v["id"]][0] in node["html"])
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(visit: Visit, name: str, dark: bool) -> None:
    page = visit(f"/{name}", dark=dark)
    charts_fit(page, 1440, at_least=0)
    assert violations(page) == []
