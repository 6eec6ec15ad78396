"""Two figures beside each other span the same values, and nothing else of them changes."""

from __future__ import annotations

import pandas as pd

from core.charts.common_axes import common_axes
from core.charts.figure import Figure


def figure(x: list[float], y: list[float], *, reverse: bool = False) -> Figure:
    scale = {"domain": y, "reverse": True} if reverse else {"domain": y}
    axes = {
        "x": {"scale": {"domain": x, "nice": False}, "axis": {"title": "Months"}},
        "y": {"scale": scale, "axis": {"title": "Survival"}},
    }
    plain = {"encoding": {"x": {"field": "time"}, "color": {"scale": {"domain": ["a", "b"]}}}}
    spec = {"layer": [{"mark": "point", "encoding": axes}, plain, {"mark": "rule"}]}
    return Figure("one", spec, {"rows": pd.DataFrame({"time": [1.0]})}, "words")


def domain(drawn: Figure, channel: str) -> list[float]:
    return drawn.spec["layer"][0]["encoding"][channel]["scale"]["domain"]


def test_measured_axes_span_both() -> None:
    a, b = common_axes(figure([0, 40], [0, 1]), figure([-5, 24], [0, 0.5]))
    assert domain(a, "x") == domain(b, "x") == [-5, 40]
    assert domain(a, "y") == domain(b, "y") == [0, 1]
    assert a.spec["layer"][0]["encoding"]["x"]["scale"]["nice"] is False


def test_rows_and_colours_stay_as_they_are() -> None:
    first = figure([0, 40], [0, 3], reverse=True)
    a, b = common_axes(first, figure([0, 40], [0, 9], reverse=True))
    assert (domain(a, "y"), domain(b, "y")) == ([0, 3], [0, 9])
    assert a.spec["layer"][1:] == first.spec["layer"][1:]


def test_the_figures_given_are_not_changed() -> None:
    first = figure([0, 40], [0, 1])
    common_axes(first, figure([0, 60], [0, 1]))
    assert domain(first, "x") == [0, 40]
