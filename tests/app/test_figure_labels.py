"""What a screen reader calls a figure: what is drawn, in words; the numbers are told beside it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.reading import alt, charts

PAGES = (
    "survival", "cox", "subgroups", "nomogram", "cohorts", "mutations", "signatures",
    "tcga_survival", "agreement", "burden", "setting", "intrinsic",
)  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_a_figure_is_called_by_what_it_draws(app: Callable[..., AppTest], page: str) -> None:
    drawn = charts(app(page))
    assert drawn
    for chart in drawn:
        label = chart.proto.alt
        assert len(label) >= 20 and label.endswith("."), label
        assert len(alt(chart)) > len(label)
