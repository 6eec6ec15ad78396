"""Residual plot: the curve follows planted time-dependence; the spec is valid; ticks in months."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pytest

from core.charts.residuals import MANY, residual_figure, smooth
from core.charts.theme import Look
from core.stats.cox import cox
from core.stats.zph import cox_zph


def fading(n: int = 3000, seed: int = 3) -> Any:
    """A group whose log hazard ratio is -1 before month 8 and +1 after."""
    draw = np.random.default_rng(seed)
    group = draw.random(n) < 0.5
    early = draw.exponential(np.where(group, 10 * np.e, 10.0))
    late = 8 + draw.exponential(np.where(group, 10 / np.e, 10.0))
    time = np.where(early < 8, early, late)
    return cox(group.astype(float), np.minimum(time, 40), time < 40, names=["gene"])


@pytest.fixture(scope="module")
def fit() -> Any:
    return fading()


@pytest.mark.parametrize("medium", ["screen", "projector", "print"])
def test_spec_follows_the_vega_lite_schema(fit: Any, medium: Any) -> None:
    figure = residual_figure(
        cox_zph(fit), "gene", fit.coefficients[0], Look(medium=medium), simulated=True,
        heading=("Title", "a"),
    )  # fmt: skip
    alt.LayerChart.from_dict(figure.for_export())


def test_the_curve_follows_a_hazard_ratio_that_changes(fit: Any) -> None:
    figure = residual_figure(cox_zph(fit), "gene", fit.coefficients[0], simulated=False)
    curve = figure.data["curve"]
    first, last = curve.head(12), curve.tail(12)
    assert first.fit.mean() == pytest.approx(-1, abs=0.35)
    assert last.fit.mean() == pytest.approx(1, abs=0.5)
    assert (first.upper < 0).all() and (last.lower > 0).all()
    assert "p < 0.001" in figure.description


def test_points_are_thinned_and_the_test_is_printed(fit: Any) -> None:
    figure = residual_figure(cox_zph(fit), "gene", fit.coefficients[0], simulated=False)
    assert len(figure.data["points"]) <= MANY < fit.events
    ticks = figure.data["ticks"]
    assert ticks.month.tolist() == sorted(ticks.month.tolist(), key=int)
    assert ticks.x.is_monotonic_increasing


def test_smooth_is_exact_on_a_line() -> None:
    x = np.linspace(0, 1, 50)
    curve = smooth(x, 2 - 3 * x)
    np.testing.assert_allclose(curve.fit, 2 - 3 * curve.x, atol=1e-9)
    np.testing.assert_allclose(curve.upper - curve.lower, 0, atol=1e-6)


def test_a_handful_of_deaths_gets_no_curve() -> None:
    few = fading(16)
    figure = residual_figure(cox_zph(few), "gene", few.coefficients[0], simulated=False)
    assert figure.data["curve"].empty and len(figure.data["points"]) == few.events
