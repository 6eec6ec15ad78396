"""Specs of the immunity figures: rows, cells, shapes, clicks, and files that hold their texts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.analysis.feature_detail import feature_detail
from core.analysis.immunity import MIN_CELL, PanelComparison
from core.charts.immunity_tables import answer, effects, levels
from core.charts.panel import SELECTION, TESTS, heatmap_figure, panel_figure
from core.charts.theme import Look
from core.charts.violin import LETTERS, violin_figure
from core.report.figures import render
from tests.analysis.test_immunity import compared


@pytest.fixture(scope="module")
def result() -> PanelComparison:
    return compared()


def selections(spec: dict[str, Any]) -> list[str]:
    return [p["name"] for layer in spec["layer"] for p in layer.get("params", [])]


def test_effects_show_every_test_of_every_feature(result: PanelComparison) -> None:
    figure = panel_figure(result, simulated=False, chosen="gene")
    marks = figure.data["marks"]
    assert len(marks) == len(result.table) * len(TESTS)
    drawn = marks[marks.test == TESTS["stratified"]].effect.to_numpy()
    np.testing.assert_allclose(drawn, result.table.stratified_rank_biserial)
    rows = figure.data["rows"]
    assert rows[rows.chosen].key.tolist() == ["gene"]


def test_burden_has_no_mark_at_equal_burden() -> None:
    marks = panel_figure(compared(adjusts_for_tmb=False), simulated=False).data["marks"]
    assert set(marks.test) == {TESTS["naive"], TESTS["stratified"]}


def test_cells_stand_on_enough_patients(result: PanelComparison) -> None:
    cells = heatmap_figure(result, simulated=False).data["cells"]
    own = result.by_type.set_index(["key", "tumor_type"])
    for cell in cells[~cells.column.isin(list(TESTS))].itertuples():
        counts = own.loc[(cell.key, cell.column)]
        assert min(counts.n_mutant, counts.n_wild_type) >= MIN_CELL


@pytest.mark.parametrize("draw", [panel_figure, heatmap_figure])
def test_rows_are_clickable_on_the_screen_alone(result: PanelComparison, draw: Any) -> None:
    assert selections(draw(result, simulated=False, selectable=True).spec) == [SELECTION]
    assert selections(draw(result, simulated=False).spec) == []


def test_violin_sends_no_patient_of_a_large_arm(result: PanelComparison) -> None:
    figure = violin_figure(feature_detail(result, "gene"), simulated=False)
    sent = sum(len(frame) for frame in figure.data.values())
    assert sent < len(result.rows) / 2
    shapes = figure.data["densities"]
    up = shapes[shapes.group == "mutant"]
    assert (up.edge <= up.middle).all()
    assert (shapes[shapes.group == "wild type"].edge >= shapes.middle[shapes.index[0]] - 0.5).all()


def test_tables_print_the_results(result: PanelComparison) -> None:
    printed = effects(result).set_index("Feature")
    assert printed.loc["gene", TESTS["naive"]].startswith(
        f"{result.table.naive_rank_biserial['gene']:+.2f}"
    )
    assert printed.loc["gene", "q, all tumours"] == "< 0.001"
    assert levels(result).Patients[0].endswith(f"/ {result.table.n_wild_type.iloc[0]:,}")


def test_answer_counts_by_each_test(result: PanelComparison) -> None:
    text = answer(result)
    assert text.startswith("GENE-mutant against wild-type tumours")
    assert "at equal TMB 1 of 4 features is higher" in text


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("kind", ["panel", "heatmap", "violin"])
def test_export_holds_its_texts(result: PanelComparison, kind: str, dark: bool) -> None:
    look = Look(dark=dark, medium="print")
    heading = ("Inflamed?", "5,000 patients")
    if kind == "violin":
        figure = violin_figure(
            feature_detail(result, "gene"), look, simulated=True, heading=heading
        )
    else:
        draw = panel_figure if kind == "panel" else heatmap_figure
        figure = draw(result, look, simulated=True, heading=heading)
    text = render(figure.for_export(), "svg").decode()
    for words in ("SIMULATED", "Inflamed?", "5,000 patients"):
        assert words in text
    assert ("nothing" in text) == (kind != "violin")


def test_a_long_title_stands_in_two_lines(result: PanelComparison) -> None:
    detail = feature_detail(result, "gene")
    long = replace(detail.member, name="A feature with a long name", unit="of a long unit")
    titles = [
        violin_figure(d, simulated=False).spec["layer"][0]["encoding"]["x"]["axis"]["title"]
        for d in (detail, replace(detail, member=long))
    ]
    assert isinstance(titles[0], str)
    assert titles[1][0] == long.name and max(map(len, titles[1])) <= LETTERS
