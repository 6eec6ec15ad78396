"""The Kaplan-Meier figure: a valid spec that holds the result's numbers and nothing else."""

from __future__ import annotations

import math
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import pytest

from core.analysis.survival import SurvivalComparison, compare_survival
from core.charts.km import MANY, facts, km_figure
from core.charts.km_data import PLACES, SCREEN_PLACES, _apart, thinned
from core.charts.survival_tables import answer, arms, ratios
from core.charts.theme import Look
from core.report.figures import render


def compared(
    n: int = 120, *, ratio: float = 0.5, seed: int = 3, **options: Any
) -> SurvivalComparison:
    """Two groups of exponential survival, mutants with ``ratio`` times the hazard."""
    draw = np.random.default_rng(seed)
    mutant = np.arange(n) < n // 3
    death = draw.exponential(np.where(mutant, 15 / ratio, 15.0))
    censor = draw.uniform(5, 50, n)
    rows = pd.DataFrame(
        {
            "group": np.where(mutant, "mutant", "wild type"),
            "time_months": np.minimum(death, censor).round(1),
            "event": (death <= censor).astype(float),
            "cohort_id": draw.choice(["a", "b"], n),
        }
    )
    return compare_survival(rows, ("wild type", "mutant"), title="ALK", **options)


@pytest.fixture(scope="module")
def result() -> SurvivalComparison:
    return compared()


@pytest.mark.parametrize("medium", ["screen", "projector", "print"])
@pytest.mark.parametrize("dark", [False, True])
def test_spec_follows_the_vega_lite_schema(
    result: SurvivalComparison, dark: bool, medium: Any
) -> None:
    figure = km_figure(result, Look(dark, medium), simulated=True, heading=("Title", "a", "b"))
    alt.LayerChart.from_dict(figure.for_export())  # raises where the schema is not met


def test_curve_holds_the_results_numbers(result: SurvivalComparison) -> None:
    data = km_figure(result, simulated=False).data
    for group, name in (("mutant", "ALK mutant"), ("wild type", "wild type")):
        drawn = data["curves"][data["curves"].group == name]
        whole = result.curves[result.curves.group == group]
        at = np.searchsorted(drawn.time.to_numpy(), whole.time.to_numpy(), side="right") - 1
        for column in ("survival", "ci_lower", "ci_upper"):
            known = whole[column].notna().to_numpy()
            np.testing.assert_array_equal(
                drawn[column].to_numpy()[at][known], whole[column].to_numpy()[known]
            )


def test_numbers_at_risk_are_the_results(result: SurvivalComparison) -> None:
    risk = km_figure(result, simulated=False).data["risk"]
    assert risk.text.tolist() == [f"{n:,.0f}" for n in result.risk_table.at_risk]
    axis = km_figure(result, simulated=False).spec["layer"][0]["encoding"]["x"]["axis"]
    assert axis["values"] == sorted(set(risk.time)), "the table stands under the axis's own ticks"


def test_numbers_at_risk_are_of_one_size_and_stand_apart(result: SurvivalComparison) -> None:
    look = Look()
    figure = km_figure(result, look, simulated=False)
    risk = figure.data["risk"]
    marks = [x["mark"] for x in figure.spec["layer"] if x.get("data") == {"name": "risk"}]
    assert {m["fontSize"] for m in marks} == {look.sizes.small}
    for _, row in risk.groupby("group"):
        apart = row.room * row.time.diff()  # where a month has just that room
        wide = 0.46 * look.sizes.small * row.text.str.len()
        assert (apart - (wide + wide.shift()) / 2).min() > 2


def test_band_reaches_to_where_a_curve_falls_to_zero() -> None:
    rows = pd.DataFrame(
        {
            "group": ["mutant"] * 4 + ["wild type"] * 4,
            "time_months": [1.0, 2, 3, 9, 1, 2, 3, 10],
            "event": [1.0, 0, 1, 1, 1, 1, 0, 0],
            "cohort_id": "a",
        }
    )
    small = compare_survival(rows, ("wild type", "mutant"), title="ALK")
    curves = km_figure(small, simulated=False).data["curves"]
    last = curves[curves.group == "ALK mutant"].iloc[-1]
    assert (last.time, last.survival) == (9, 0)
    assert not math.isnan(last.ci_lower) and not math.isnan(last.ci_upper)


def test_simulated_is_written_across_the_figure_and_only_then(result: SurvivalComparison) -> None:
    assert "SIMULATED" in str(km_figure(result, simulated=True).spec)
    assert "SIMULATED" not in str(km_figure(result, simulated=False).spec)


def test_template_is_not_changed_by_those_who_use_it(result: SurvivalComparison) -> None:
    first = km_figure(result, simulated=True).for_export()
    km_figure(compared(90, seed=9, endpoint="PFS"), simulated=True, heading=("Other",))
    assert km_figure(result, simulated=True).for_export() == first


def test_options_leave_out_their_layers(result: SurvivalComparison) -> None:
    def marks(**options: bool) -> list[str]:
        layers = km_figure(result, simulated=False, **options).spec["layer"]
        return [layer["mark"]["type"] for layer in layers]

    assert "area" in marks() and "area" not in marks(bands=False)
    assert marks().count("rule") == marks(median_lines=False).count("rule") + 2


@pytest.mark.parametrize(
    ("at", "gap"), [([0.02, 0.03], 0.1), ([0.97, 0.98, 0.99], 0.1), ([0.1, 0.9], 0.1)]
)
def test_labels_stand_apart_inside_the_figure(at: list[float], gap: float) -> None:
    placed = _apart(np.array(at), gap)
    assert (np.diff(placed) >= gap - 1e-12).all()
    assert placed.min() >= 0 and placed.max() <= 1


def test_p_is_withheld_where_an_arm_is_small() -> None:
    small = compared(20)
    assert facts(small)[-1] == "log-rank p withheld"
    assert set(ratios(small).p) == {"withheld"}
    assert answer(small).startswith("Too few patients to tell")


@pytest.mark.parametrize(
    ("ratio", "start"),
    [(0.25, "In these patients, yes"), (4.0, "In these patients, no, with shorter"), (1, "No cl")],
)
def test_answer_says_what_the_interval_says(ratio: float, start: str) -> None:
    found = compared(400, ratio=ratio, seed=5)
    assert answer(found).startswith(start)


def test_arm_table_prints_the_results(result: SurvivalComparison) -> None:
    table = arms(result).set_index("Group")
    arm = result.arms.set_index("group").loc["mutant"]
    assert table.loc["ALK mutant", "Patients"] == f"{arm.n:,.0f}"
    assert table.loc["ALK mutant", "Alive at 12 months (95% CI)"].startswith(
        f"{100 * arm.survival_12:.0f}%"
    )


@pytest.mark.parametrize(
    ("kind", "start"), [("svg", b"<svg"), ("pdf", b"%PDF"), ("png", b"\x89PNG")]
)
def test_figure_exports_with_its_texts(result: SurvivalComparison, kind: Any, start: bytes) -> None:
    figure = km_figure(
        result, Look(medium="print"), simulated=True, heading=("Longer?", "120 patients")
    )
    content = render(figure.for_export(), kind)
    assert content.startswith(start)
    if kind == "svg":
        text = content.decode()
        for words in ("SIMULATED", "Longer?", "120 patients", "At risk", "ALK mutant", "log-rank"):
            assert words in text


def test_png_shows_its_text(result: SurvivalComparison) -> None:
    """A font family that the exporter cannot parse would leave every text out, silently."""
    figure = km_figure(result, Look(medium="print"), simulated=False)
    spec = figure.for_export()
    blank = {**spec, "config": {**spec["config"], "font": "No Such Family"}}
    assert len(render(spec, "png")) > 1.3 * len(render(blank, "png"))


def test_a_curve_of_many_steps_is_thinned_and_stays_right_where_it_is_drawn() -> None:
    time = np.linspace(0, 60, 9001)
    whole = pd.DataFrame(
        {
            "group": np.repeat(["wild type", "mutant"], [9001, 4]),
            "time": np.concatenate([time, [0.0, 7.0, 7.001, 60.0]]),
            "survival": np.concatenate([np.exp(-time / 30), [1.0, 0.9, 0.8, 0.5]]),
        }
    )
    drawn = whole.iloc[thinned(whole.group.to_numpy(), whole.time.to_numpy())]
    wild = drawn[drawn.group == "wild type"]
    assert PLACES <= len(wild) <= PLACES + 1
    assert wild.time.iloc[-1] == 60 and np.diff(wild.time).max() < 2 * 60 / PLACES
    pd.testing.assert_frame_equal(wild, whole.loc[wild.index])
    assert (drawn.group == "mutant").sum() == 4, "a small group keeps every step"
    few = whole[whole.group == "mutant"]
    assert thinned(few.group.to_numpy(), few.time.to_numpy()).tolist() == [0, 1, 2, 3]


def test_a_dense_figure_is_painted_at_once_on_a_page_only(result: SurvivalComparison) -> None:
    dense = compared(12_000)
    page, paper = (km_figure(dense, Look(medium=m), simulated=False) for m in ("screen", "print"))
    few = km_figure(result, simulated=False).spec["usermeta"]
    assert page.spec["usermeta"] == {**few, "embedOptions": {"renderer": "canvas"}}
    assert "embedOptions" not in {**few, **paper.spec["usermeta"]}
    ticks = page.data["censored"].groupby("group").size()
    assert ticks.sum() > MANY and ticks.max() <= SCREEN_PLACES + 1
