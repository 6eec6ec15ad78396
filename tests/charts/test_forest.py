"""The forest figure: a valid spec with the table's numbers, clipped, marked, clickable."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import pytest

from core.charts.forest import SELECTION, ForestText, forest_figure
from core.charts.forest_rows import WIDEST, axis_range
from core.charts.theme import Look
from core.report.figures import render

NAN = float("nan")


def table(**more: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "label": ["gene", "Melanoma", "Glioma", "none", "far"],
            "group": ["", "Type", "Type", "Type", "Type"],
            "n": [300, 200, 100, 5, 8],
            "events": [100, 70, 30, 0, 3],
            "hazard_ratio": [0.5, 0.8, 1.6, NAN, 900.0],
            "ci_lower": [0.4, 0.5, 0.01, NAN, 2.0],
            "ci_upper": [0.625, 1.28, 256.0, NAN, np.inf],
            "p_value": [0.0001, 0.4, NAN, NAN, NAN],
            "note": ["", "", "Firth", "no event", ""],
            "emphasised": [True, False, False, False, False],
            "key": ["", "t=Melanoma", "t=Glioma", "t=none", "t=far"],
            **more,
        }
    )


SECOND: dict[str, Any] = {
    "second_hazard_ratio": [0.6, 0.9, 1.1, NAN, NAN],
    "second_ci_lower": [0.5, 0.7, 0.8, NAN, NAN],
    "second_ci_upper": [0.7, 1.2, 1.5, NAN, NAN],
}


def drawn(data: pd.DataFrame | None = None, look: Look | None = None, **options: Any) -> Any:
    how: dict[str, Any] = {"simulated": False, "name": "f", "about": "Forest", **options}
    return forest_figure(table() if data is None else data, look, **how)


@pytest.mark.parametrize("medium", ["screen", "projector", "print"])
@pytest.mark.parametrize("dark", [False, True])
def test_spec_follows_the_vega_lite_schema(dark: bool, medium: Any) -> None:
    text = ForestText(second="shrunken", q="q")
    tests = pd.DataFrame({"p_value": [0.02], "q_value": [0.04]}, index=["Type"])
    figure = drawn(
        table(**SECOND, q_value=0.5), Look(dark, medium), simulated=True, text=text, tests=tests,
        heading=("Title", "a"), selectable=True,
    )  # fmt: skip
    alt.LayerChart.from_dict(figure.for_export())


def test_rows_hold_the_tables_numbers_in_order() -> None:
    rows = drawn().data["rows"]
    assert rows.label.tolist() == ["gene", "Type", "Melanoma", "Glioma †", "none", "far"]
    assert rows.heading.tolist() == [False, True, False, False, False, False]
    assert rows.counts.tolist()[2] == "70 / 200"
    assert rows.ratio.tolist()[0] == "0.50 (0.40–0.62)"
    assert rows.ratio.tolist()[4] == "no event"
    assert rows.p.tolist()[:3] == ["< 0.001", "", "0.40"]
    assert rows.middle.tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]


def test_a_note_on_an_estimate_is_a_footnote_and_a_lack_of_one_is_a_word() -> None:
    figure = drawn()
    notes = figure.data["notes"]
    assert notes.text[~notes.narrow.astype(bool)].tolist() == ["† Firth"]


def test_intervals_beyond_the_axis_end_in_arrows() -> None:
    data = table()
    low, high = axis_range(data)
    rows = drawn().data["rows"]
    glioma, far = rows.iloc[3], rows.iloc[5]
    assert glioma.low_arrow == glioma.start == low and glioma.high_arrow == glioma.end == high
    assert np.isnan(far["at"]) and far.high_arrow == high and np.isnan(far.low_arrow)
    gene = rows.iloc[0]
    assert np.isnan(gene.low_arrow) and np.isnan(gene.high_arrow)
    assert (gene.start, gene["at"], gene.end) == (0.4, 0.5, 0.625)


@pytest.mark.parametrize(
    ("ratio", "lower", "upper"),
    [(1.0, 0.9, 1.1), (1e-9, 0.0, np.inf), (1e9, 1e-9, 1e12), (NAN, NAN, NAN), (0.0, NAN, NAN)],
)
def test_axis_holds_1_and_never_runs_away(ratio: float, lower: float, upper: float) -> None:
    data = pd.DataFrame({"hazard_ratio": [ratio], "ci_lower": [lower], "ci_upper": [upper]})
    low, high = axis_range(data)
    assert WIDEST[0] / 1.1 <= low < 1 < high <= WIDEST[1] * 1.1


def test_squares_have_areas_in_proportion_to_the_inverse_variance() -> None:
    share = drawn().data["rows"].share.tolist()
    width = [np.log(0.625 / 0.4), np.log(1.28 / 0.5)]
    assert share[0] == 1.0
    assert share[2] == pytest.approx((width[0] / width[1]) ** 2, rel=1e-12)
    assert share[4] == 0.0


def test_an_interval_without_an_estimate_is_dashed() -> None:
    data = pd.DataFrame(
        {"label": ["a further cohort"], "hazard_ratio": [NAN], "ci_lower": [0.5], "ci_upper": [2.0]}
    )
    row = drawn(data).data["rows"].iloc[0]
    assert row.dashed and (row.start, row.end) == (0.5, 2.0)
    assert row.ratio == "– (0.50–2.00)"


def test_group_tests_stand_beside_the_groups_name() -> None:
    tests = pd.DataFrame({"p_value": [0.02], "q_value": [0.04]}, index=["Type"])
    heading = drawn(tests=tests, text=ForestText(q="q")).data["rows"].iloc[1]
    assert (heading.p, heading.q) == ("0.020", "0.040")


def test_only_a_selectable_figure_has_a_selection() -> None:
    def names(figure: Any) -> list[str]:
        return [p["name"] for layer in figure.spec["layer"] for p in layer.get("params", [])]

    assert names(drawn(selectable=True)) == [SELECTION]
    assert names(drawn()) == []


def test_simulated_figures_say_so() -> None:
    assert "SIMULATED" in str(drawn(simulated=True).spec)
    assert "SIMULATED" not in str(drawn().spec)


def test_description_tells_the_numbers() -> None:
    words = drawn().description
    assert "gene 0.50 (0.40–0.62)" in words and "Type: Melanoma 0.80 (0.50–1.28)" in words


@pytest.mark.parametrize("kind", ["svg", "pdf", "png"])
def test_exports_without_a_browser(kind: Any) -> None:
    assert len(render(drawn(table(**SECOND), Look(medium="print")).for_export(), kind)) > 2000


def test_a_new_table_does_not_change_the_kept_template() -> None:
    first = drawn().for_export()
    drawn(table().iloc[:2])
    assert drawn().for_export() == first


def offsets(spec: Any, kind: str, key: str) -> list[float]:
    """What an expression gives in a narrow figure, for every mark of a kind that has it."""
    found = [m for m in (x["mark"] for x in spec["layer"]) if m["type"] == kind and key in m]
    told = [m[key]["expr"] for m in found if "narrow ?" in str(m[key])]
    return sorted({float(re.match(r"narrow \? (-?[\d.]+) :", t).group(1)) for t in told})


def largest_square(spec: Any) -> float:
    """The side of a square of the most precise row, in a narrow figure."""
    told = str([x["transform"] for x in spec["layer"] if "transform" in x])
    smallest, part, more = re.search(
        r": ([\d.]+) \+ \(narrow \? ([\d.]+) : 1\) \* ([\d.]+)", told
    ).groups()
    return (float(smallest) + float(part) * float(more)) ** 0.5


@pytest.mark.parametrize("more", [{}, SECOND], ids=["one", "two"])
@pytest.mark.parametrize("medium", ["screen", "projector", "print"])
def test_where_it_is_narrow_no_mark_reaches_the_numbers(more: Any, medium: Any) -> None:
    look = Look(medium=medium)
    figure = drawn(table(**more), look)
    pitch = figure.spec["height"] / len(figure.data["rows"])
    (text,) = offsets(figure.spec, "text", "dy")
    lanes = offsets(figure.spec, "rule", "yOffset")
    assert len(lanes) == 1 + bool(more)
    tall, side = 0.41 * look.sizes.small, largest_square(figure.spec) / 2
    assert text + tall <= lanes[0] - side, "the row's own numbers"
    assert lanes[-1] + side <= pitch + text - tall, "the numbers of the next row"
    assert all(b - a >= side for a, b in pairwise(lanes))


def test_a_row_tells_only_what_rows_have() -> None:
    tests = pd.DataFrame({"p_value": [0.02]}, index=["Type"])
    told = [
        [t["field"] for t in drawn(data, tests=tests).spec["layer"][-1]["encoding"]["tooltip"]]
        for data in (table(), table(p_value=NAN))
    ]
    assert told == [["hint", "ratio", "p"], ["hint", "ratio"]], "p of groups stands at their names"
