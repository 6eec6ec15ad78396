"""How numbers are printed."""

from __future__ import annotations

import math

import pytest

from core.charts.wording import months_text, p_text, percent_text, ratio_text

NAN = math.nan


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0004, "p < 0.001"),
        (0.0, "p < 0.001"),
        (0.001, "p = 0.001"),
        (0.0314, "p = 0.031"),
        (0.0996, "p = 0.100"),
        (0.25, "p = 0.25"),
        (1.0, "p = 1.00"),
        (NAN, "p withheld"),
    ],
)
def test_p(p: float, text: str) -> None:
    assert p_text(p) == text
    assert p_text(p, symbol=False) == text.removeprefix("p = ").removeprefix("p ")


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((0.6249, 0.4301, 0.8799), "0.62 (0.43–0.88)"),
        ((2.0, 0.5, math.inf), "2.00 (0.50–∞)"),
        ((1.5, NAN, NAN), "1.50 (–)"),
        ((1.5, NAN, 3.0), "1.50 (––3.00)"),
        ((0.01, 0.001, 250.0), "0.01 (0.00–250)"),
    ],
)
def test_ratio(values: tuple[float, float, float], text: str) -> None:
    assert ratio_text(*values) == text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((12.34, 10.0, 20.06), "12.3 (10.0–20.1)"),
        ((12.34, 10.0, NAN), "12.3 (10.0–NR)"),
        ((12.34,), "12.3"),
        ((NAN, NAN, NAN), "not reached"),
        ((NAN, 14.2, NAN), "not reached (14.2–NR)"),
    ],
)
def test_months(values: tuple[float, ...], text: str) -> None:
    assert months_text(*values) == text


@pytest.mark.parametrize(
    ("values", "text"),
    [((0.428, 0.319, 0.532), "43% (32–53)"), ((0.5, NAN, NAN), "50%"), ((NAN, NAN, NAN), "–")],
)
def test_percent(values: tuple[float, float, float], text: str) -> None:
    assert percent_text(*values) == text
