"""Agreement, funnel, null, frequency and volcano: valid specs that hold the results' numbers."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import pytest

from core.analysis.agreement import Agreement
from core.analysis.burden import Burden, adjust
from core.analysis.burden_null import MatchedNull, draw_null, matched_null
from core.analysis.gene_scan import GeneScan, Place
from core.charts import agreement as agreement_shown
from core.charts import burden as burden_shown
from core.charts.figure import Figure
from core.charts.funnel import funnel_figure
from core.charts.theme import Look
from core.charts.volcano import ALWAYS_BELOW, FARTHEST, SELECTION, drawn, volcano_figure
from core.report.figures import render
from tests.analysis.planted import patients
from tests.analysis.test_agreement import compare


@pytest.fixture(scope="module")
def agreed() -> Agreement:
    return compare([-0.6, -0.4, -0.5, 0.2], n=150)


@pytest.fixture(scope="module")
def burden() -> Burden:
    rows = patients(np.random.default_rng(30), 300, gene=-0.4, burden=-0.4, pull=0.8)
    return adjust(rows, title="GENE")


@pytest.fixture(scope="module")
def null(burden: Burden) -> MatchedNull:
    return matched_null(burden.rows, draw_null(burden.rows, 0, 200))


@pytest.fixture(scope="module")
def scanned() -> GeneScan:
    """Twenty thousand genes of no effect, and one with a strong one."""
    draw = np.random.default_rng(31)
    n = 20_000
    log_ratio = draw.normal(0, 0.3, n)
    p = draw.uniform(0, 1, n)
    log_ratio[0], p[0] = -3.5, 1e-30
    table = pd.DataFrame(
        {
            "gene": [f"G{i}" for i in range(n)],
            "n": 500,
            "n_mutant": 50,
            "events": 300,
            "hazard_ratio": np.exp(log_ratio),
            "ci_lower": np.exp(log_ratio - 0.6),
            "ci_upper": np.exp(log_ratio + 0.6),
            "p_value": p,
            "q_value": np.minimum(1, p * 10),
        }
    )
    adjusted = table[["hazard_ratio", "ci_lower", "ci_upper", "p_value", "q_value"]]
    return GeneScan(pd.concat([table, adjusted.add_prefix("adjusted_")], axis=1), 500, 1, "OS", "")


def figures(
    agreed: Agreement, burden: Burden, null: MatchedNull, scanned: GeneScan, look: Look
) -> list[Figure]:
    how: dict[str, Any] = {"simulated": True, "heading": ("Title", "one", "two")}
    return [
        agreement_shown.cohorts_figure(agreed, look, **how),
        agreement_shown.leave_one_out_figure(agreed, look, **how),
        funnel_figure(agreed, look, **how),
        burden_shown.models_figure(burden, look, **how),
        burden_shown.null_figure(burden, null, look, **how),
        burden_shown.frequency_figure(burden, look, **how),
        volcano_figure(scanned, "G7", look, adjusted=True, **how),
    ]


@pytest.mark.parametrize("medium", ["screen", "projector", "print"])
@pytest.mark.parametrize("dark", [False, True])
def test_specs_follow_the_schema(agreed, burden, null, scanned, dark: bool, medium: Any) -> None:
    for figure in figures(agreed, burden, null, scanned, Look(dark, medium)):
        alt.LayerChart.from_dict(figure.for_export())  # raises where the schema is not met


def test_figures_export_with_their_words(agreed, burden, null, scanned) -> None:
    wanted = ("Random effects", "without Cohort c0", "Cohort c3", "spline of z", "matched genes",
              "highest fifth", "G7")  # fmt: skip
    drawn_figures = figures(agreed, burden, null, scanned, Look(medium="print"))
    for figure, word in zip(drawn_figures, wanted, strict=True):
        svg = render(figure.for_export(), "svg").decode()
        assert word in svg and "SIMULATED" in svg and "Title" in svg, figure.name
        assert "NaN" not in svg


def test_real_data_carry_no_mark(burden: Burden, null: MatchedNull) -> None:
    figure = burden_shown.null_figure(burden, null, simulated=False)
    assert "SIMULATED" not in render(figure.for_export(), "svg").decode()


def test_funnel_points_are_the_cohorts_and_its_sides_are_95_percent(agreed: Agreement) -> None:
    data = funnel_figure(agreed, simulated=False).data
    assert np.allclose(data["points"].hazard_ratio, agreed.estimated.hazard_ratio)
    sides = data["sides"]
    wide = sides[sides.std_error > 0]
    reach = np.abs(np.log(wide.hazard_ratio) - agreed.summary.estimate)
    assert np.allclose(reach, 1.959964 * wide.std_error, rtol=1e-6)


def test_null_bars_count_every_draw(burden: Burden, null: MatchedNull) -> None:
    data = burden_shown.null_figure(burden, null, simulated=False).data
    assert data["bars"].draws.sum() == len(null.draws)
    assert data["lines"]["at"].tolist() == [null.observed, null.centre]


def test_volcano_thins_but_keeps_what_matters(scanned: GeneScan) -> None:
    points = drawn(scanned.table, "G777", "adjusted_")
    assert len(points) < 3000
    small = scanned.table.gene[scanned.table.adjusted_p_value < ALWAYS_BELOW]
    assert {*small, "G777"} <= set(points.gene)
    assert points[points.chosen].gene.tolist() == ["G777"]
    assert points.gene.is_unique
    edge = points.set_index("gene").loc["G0"]
    assert edge["at"] == FARTHEST[0] and np.isfinite(edge.height)
    # the outline of the cloud survives the thinning
    table = scanned.table[scanned.table.adjusted_p_value >= ALWAYS_BELOW]
    kept = points[points.gene.isin(table.gene)]
    assert np.log(kept["at"]).max() > np.log(table.adjusted_hazard_ratio).quantile(0.999)


def test_volcano_names_fewer_genes_where_it_is_narrow(scanned: GeneScan) -> None:
    points = drawn(scanned.table, "G777", "adjusted_")
    named, spacious = (points[m] for m in (points.label != "", points.spacious))
    assert {"G777"} <= set(spacious.gene) < set(named.gene)


def test_volcano_selection_names_genes(scanned: GeneScan) -> None:
    spec = volcano_figure(scanned, "G7", adjusted=False, simulated=False).spec
    assert [p["name"] for p in spec["params"]] == [SELECTION]
    views = spec["params"][0]["views"]
    assert views == [layer["name"] for layer in spec["layer"] if "name" in layer]


def burden_of(raw: tuple[float, float, float], adjusted: list[tuple[float, float, float]]):
    rows = [("cohort only", "", *raw), ("cancer type", "", *raw)]
    rows += [("cancer type and TMB", f"c{i}", *a) for i, a in enumerate(adjusted)]
    columns = ["adjusted_for", "coding", "hazard_ratio", "ci_lower", "ci_upper"]
    empty = pd.DataFrame()
    models = pd.DataFrame(rows, columns=columns)
    return Burden("GENE", "OS", models, empty, empty, empty, "", "", (), False)


def matched(p: float) -> MatchedNull:
    return MatchedNull(0.6, np.array([0.8]), p, 0.8, 20, 20, 5, ())


@pytest.mark.parametrize(
    ("raw", "adjusted", "p", "said"),
    [
        ((0.6, 0.4, 0.9), [(0.6, 0.4, 0.9), (0.7, 0.5, 0.95)], 0.01, "More than the burden"),
        ((1.6, 1.2, 2.1), [(1.6, 1.2, 2.1)], 0.01, "More than the burden"),
        ((0.6, 0.4, 0.9), [(0.9, 0.6, 1.3), (1.0, 0.7, 1.4)], 0.4, "Burden and cancer type can"),
        ((0.6, 0.4, 0.9), [(0.9, 0.6, 1.3), (0.7, 0.5, 0.95)], 0.04, "It depends on how burden"),
        ((0.6, 0.4, 0.9), [(1.5, 1.1, 2.0)], 0.4, "Burden and cancer type can"),
        ((0.9, 0.6, 1.3), [(0.9, 0.6, 1.3)], 0.4, "There is no clear effect to explain"),
        ((0.9, 0.6, 1.3), [(1.5, 1.1, 2.0)], 0.01, "Burden may hide an effect"),
        ((0.6, 0.4, 0.9), [], 0.4, "It cannot be told"),
    ],
)
def test_sentence_follows_the_numbers(raw, adjusted, p: float, said: str) -> None:
    text = burden_shown.answer(burden_of(raw, adjusted), matched(p))
    assert text.startswith(said) and f"{raw[0]:.2f}" in text and "0.80" in text


def test_rank_is_put_in_words() -> None:
    assert "not ranked" in burden_shown.ranked(None, "GENE", 10)
    assert "No other gene" in burden_shown.ranked(Place("GENE", 1, 5, 9, 1, 1), "GENE", 10)
    text = burden_shown.ranked(Place("GENE", 65, 111, 196, 23, 32), "GENE", 10)
    assert "65 genes" in text and "number 23" in text and "number 32" in text
