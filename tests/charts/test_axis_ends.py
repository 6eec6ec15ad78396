"""Ends of axes in the data instead of the spec: the same picture, and the same spec for others."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pytest

from core.charts.axis_ends import ENDS, ends_in_data
from core.charts.figure import Figure
from core.charts.theme import Look
from core.charts.view import view
from core.report.figures import render

LOOK = Look(medium="print")


def figure(*ends: float, **layer: Any) -> Figure:
    """Two layers on one scale, whose axis goes from one of ``ends`` to the other."""
    across = {"field": "x", "type": "quantitative", "scale": {"domain": list(ends), "nice": False}}
    down = {"field": "y", "type": "quantitative"}
    layers = [
        {"data": {"name": "rows"}, "mark": mark, "encoding": {"x": across, "y": down}}
        for mark in ("point", "line")
    ]
    layers[0] |= layer
    rows = pd.DataFrame({"x": [1.0, 2.0, 5.0], "y": [3.0, 1.0, 2.0]})
    return Figure("f", view(LOOK, layers, simulated=False), {"rows": rows}, "A figure.")


def marks(drawn: Figure) -> list[str]:
    """Everything that is seen of the figure."""
    svg = render(drawn.for_export(), "svg").decode()
    parts = re.findall(r"<(?:path|line|text)[^>]*>[^<]*", svg)
    return sorted(p for p in parts if ' opacity="0"' not in p)


def test_the_picture_is_the_same() -> None:
    plain = figure(-0.25, 7.3)
    assert ends_in_data(plain).spec != plain.spec
    assert marks(ends_in_data(plain)) == marks(plain) != marks(figure(-0.25, 7.4))


def test_other_ends_leave_the_spec_as_it_is() -> None:
    one, other = ends_in_data(figure(0.5, 7.3)), ends_in_data(figure(0.25, 9.1))
    assert one.spec == other.spec
    assert one.data[ENDS].to_numpy().tolist() == [[0.5, 7.3]], "one pair for both layers"
    assert other.data[ENDS].to_numpy().tolist() == [[0.25, 9.1]]
    assert list(figure(0.5, 7.3).datasets) == ["rows"]


@pytest.mark.parametrize(
    "layer",
    [
        {"params": [{"name": "zoom", "select": "interval", "bind": "scales"}]},
        {"mark": {"type": "text", "x": {"expr": "width + 8"}, "text": "beyond"}},
        {"encoding": {"x": {"field": "x", "type": "quantitative"}}},
    ],
    ids=["zoomed", "beyond the axes", "no ends"],
)
def test_figures_that_cannot_stay_as_they_are(layer: dict[str, Any]) -> None:
    plain = figure(0.0, 6.0, **layer)
    if "encoding" in layer:
        plain.spec["layer"][1]["encoding"]["x"].pop("scale")
    assert ends_in_data(plain) is plain


def test_ends_that_are_no_numbers_stay() -> None:
    dates = figure(0.0, 6.0)
    for layer in dates.spec["layer"]:
        layer["encoding"]["x"]["scale"]["domain"] = ["early", "late"]
    assert ends_in_data(dates) is dates
