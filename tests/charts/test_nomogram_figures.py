"""The nomogram's figures: places, read-off lines, room for labels, exports."""

from __future__ import annotations

import numpy as np
import pytest

from core.analysis.nomogram_check import apparent, correct
from core.charts.nomogram import MARGIN, Reading, nomogram_figure
from core.charts.nomogram_checks import calibration_figure, curve_figure, decision_figure
from core.charts.theme import Look
from core.report.figures import render
from tests.report.test_nomogram_code import built


@pytest.fixture(scope="module")
def build():
    return built()


@pytest.fixture(scope="module")
def reading(build) -> Reading:
    row = build.rows.iloc[[3]]
    points, model = build.model.points(row).iloc[0], build.model
    predicted = model.predict(row).iloc[0]
    return Reading(
        tuple(points[p.label] for p in model.predictors),
        tuple(str(row[p.label].iloc[0]) for p in model.predictors),
        float(points.total),
        tuple(predicted[f"survival_{t:g}"] for t in model.times),
    )


def test_everything_stands_within_the_scale(build, reading) -> None:
    figure = nomogram_figure(build.model, reading=reading, simulated=False)
    for name in ("ticks", "labels", "dots", "reads"):
        assert figure.data[name].x.between(-MARGIN, 1 + MARGIN).all(), name
    height = figure.spec["height"]
    assert figure.data["labels"].y.max() < height


def test_patient_is_read_at_the_points_of_the_model(build, reading) -> None:
    figure = nomogram_figure(build.model, reading=reading, simulated=False)
    dots = figure.data["dots"]
    k = len(build.model.predictors)
    np.testing.assert_allclose(dots.x[:k], np.array(reading.points) / 100)
    whole = build.model.scales.total.max()
    np.testing.assert_allclose(dots.x[k:], reading.total / whole)
    # the survival axis is on the same scale: its ticks enclose the read survival
    at12 = build.model.scales.survival[0]
    read = np.interp(reading.total, at12.points[::-1], np.array(at12.values, float)[::-1])
    assert read == pytest.approx(reading.survival[0], abs=0.01)


def test_numbers_leave_room_on_a_narrow_screen(build) -> None:
    labels = nomogram_figure(build.model, simulated=False).data["labels"]
    numbers = labels[labels.y == labels.y.min()]
    shown = numbers[numbers.least_width <= 300].sort_values("x")
    assert {"0", "100"} <= set(shown.text) and len(shown) <= len(numbers)
    gaps = np.diff(shown.x) * 300
    assert (gaps > 14).all()


def test_level_names_never_share_their_place(build) -> None:
    labels = nomogram_figure(build.model, simulated=False).data["labels"]
    named = labels[labels.text.isin(build.model.predictors[2].levels)]
    assert len(named) == 3 and not named.duplicated(["x", "y"]).any()


def test_words_name_each_predictor_and_what_is_read(build, reading) -> None:
    words = nomogram_figure(build.model, reading=reading, simulated=False).description
    for p in build.model.predictors:
        assert p.label in words
    assert f"{reading.total:.0f} points in all" in words
    assert "This patient" not in nomogram_figure(build.model, simulated=False).description


@pytest.mark.parametrize("dark", [False, True])
def test_figures_export_with_the_simulated_mark(build, reading, dark: bool) -> None:
    look = Look(dark=dark, medium="print")
    own = apparent(build)
    checked = correct(build, draws=8)
    curve = own.calibration[0].groups[["predicted", "observed"]].sort_values("predicted")
    survival = curve.set_axis(["time", "survival"], axis=1).assign(
        time=[0.0, 6.0, 12.0, 30.0][: len(curve)], ci_lower=0.2, ci_upper=0.8
    )
    figures = [
        nomogram_figure(build.model, look, reading=reading, simulated=True, heading=("A", "b")),
        calibration_figure(checked.calibration, look, simulated=True, name="discovery"),
        decision_figure(own.decision[0], look, simulated=True, name="discovery"),
        curve_figure(survival, look, simulated=True, marks=[12.0]),
    ]
    for figure in figures:
        drawn = render(figure.for_export(), "svg").decode()
        assert "SIMULATED" in drawn and "NaN" not in drawn and "undefined" not in drawn
        assert figure.description.endswith(".")


def test_corrected_curve_is_drawn_only_where_it_exists(build) -> None:
    plain = calibration_figure(apparent(build).calibration, simulated=False, name="discovery")
    assert set(plain.data["lines"].kind) == {"observed"}
    checked = correct(build, draws=8).calibration
    both = calibration_figure(checked, simulated=False, name="discovery")
    assert set(both.data["lines"].kind) == {"observed", "corrected for optimism"}
    groups = both.data["groups"]
    assert groups.corrected.notna().all() and not np.allclose(groups.corrected, groups.observed)
