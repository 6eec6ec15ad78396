"""Frequency, lollipop, co-mutation and TCGA figures: valid specs that hold the result's numbers."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pytest

from core.analysis.comutation import comutation
from core.analysis.mutations import (
    SOURCES,
    MutationFrequency,
    ProteinMap,
    mutation_frequency,
    protein_map,
)
from core.analysis.tcga_survival import ENDPOINTS, tcga_survival
from core.charts import comutation as together
from core.charts import tcga_tables
from core.charts.frequency import (
    SORTS,
    TELLING,
    axis_end,
    frequency_figure,
    frequency_table,
    ordered,
)
from core.charts.lollipop import GROUPS, _layout, class_colors, class_table, lollipop_figure
from core.charts.theme import DARK, LIGHT, Look, contrast
from core.model import Filters, Stratifier
from core.report.figures import render
from core.store import Store

LOOKS = [Look(dark, medium) for dark in (False, True) for medium in ("screen", "print")]


@pytest.fixture(scope="module")
def counted(simulated: Store) -> MutationFrequency:
    return mutation_frequency(simulated, Filters(), Stratifier())


@pytest.fixture(scope="module")
def protein(simulated: Store) -> ProteinMap:
    return protein_map(simulated, Filters(), Stratifier())


@pytest.mark.parametrize("look", LOOKS)
def test_specs_follow_the_vega_lite_schema(
    simulated: Store, counted: MutationFrequency, protein: ProteinMap, look: Look
) -> None:
    heading: Any = ("Title", "a")
    survival = tcga_survival(simulated, Filters(), Stratifier(genes=("TP53",)))
    pairs = comutation(simulated, Filters(), Stratifier(genes=("TP53",)))
    figures = [
        *(frequency_figure(counted, s, look, simulated=True, heading=heading) for s in SOURCES),
        lollipop_figure(protein, look, simulated=True, heading=heading),
        together.comutation_figure(pairs, look, simulated=True, heading=heading),
        tcga_tables.endpoints_figure(survival, look, simulated=True, heading=heading),
        tcga_tables.types_figure(survival, "OS", look, simulated=True, heading=heading),
    ]
    for figure in figures:
        assert figure is not None and "SIMULATED" in str(figure.spec)
        alt.LayerChart.from_dict(figure.for_export())  # raises where the schema is not met


def test_simulated_is_written_only_where_it_is_true(
    counted: MutationFrequency, protein: ProteinMap
) -> None:
    for figure in (
        frequency_figure(counted, "TCGA", simulated=False),
        lollipop_figure(protein, simulated=False),
    ):
        assert "SIMULATED" not in str(figure.spec)


# -- frequency -------------------------------------------------------------------------


@pytest.mark.parametrize("sort", SORTS)
def test_rows_are_sorted_with_the_total_first(counted: MutationFrequency, sort: str) -> None:
    rows = ordered(counted, "TCGA", sort)
    assert rows.label[0] == "All" and len(rows) == 34
    values = rows[sort][1:][rows.profiled[1:] >= TELLING]
    assert values.is_monotonic_increasing if sort == "label" else values.is_monotonic_decreasing
    assert len(frequency_table(counted, "TCGA", sort)) == 34


def test_both_sources_share_one_axis_and_the_points_are_the_results(
    counted: MutationFrequency,
) -> None:
    ends = []
    for source in SOURCES:
        figure = frequency_figure(counted, source, simulated=False)
        ends.append(figure.spec["layer"][0]["encoding"]["x"]["scale"]["domain"][1])
        drawn, rows = figure.data["rows"], ordered(counted, source)
        shown = drawn["at"].notna().to_numpy()
        np.testing.assert_array_equal(drawn["at"][shown], rows.frequency[shown])
        assert (drawn["end"].dropna() <= ends[-1]).all()
        assert (drawn.text[rows.profiled == 0] == "not profiled").all()
    assert ends[0] == ends[1] == axis_end(counted.table)


# -- lollipop --------------------------------------------------------------------------


def test_pins_stand_on_each_other_and_equal_counts_are_equally_long(protein: ProteinMap) -> None:
    look = Look()
    layout = _layout(protein, look)
    pins = lollipop_figure(protein, look, simulated=False).data["pins"]
    up, down = (pins[pins.source == s] for s in SOURCES)
    assert (up.top < layout.middle).all() and (down.top > layout.middle).all()
    assert pins.top.between(0, layout.height).all()
    ones = []
    for side, source in ((up, SOURCES[0]), (down, SOURCES[1])):
        foot = float(layout.place(0, source))
        ones.append(abs(float(side[side.top_n == 1].top.iloc[0]) - foot))
    assert ones[0] == pytest.approx(ones[1])
    heads = pins[pins.top_n == pins.total]
    assert (heads.n == heads.groupby(["source", "position"]).n.transform("max")).all()
    assert (heads.n.to_numpy() == pins.groupby(["source", "position"]).n.max().to_numpy()).all()
    totals = protein.residues.groupby(["source", "position"]).n.sum()
    assert pins.groupby(["source", "position"]).top_n.max().equals(totals)


def test_labels_do_not_meet(protein: ProteinMap) -> None:
    look = Look()
    labels = lollipop_figure(protein, look, simulated=False).data["labels"]
    assert (labels.n >= 2).all()
    for column, pixels, size in (("wide", 980, 13), ("narrow", 300, 11.18)):
        shown = labels[labels[column]]
        assert len(shown)
        x = shown.position.to_numpy() * pixels / protein.length
        half = 0.3 * size * shown.label.str.len().to_numpy()
        y = shown["at"].to_numpy()
        for i in range(len(shown)):
            for j in range(i):
                assert abs(x[i] - x[j]) >= half[i] + half[j] or abs(y[i] - y[j]) >= size


def test_axis_may_be_zoomed_and_starts_at_the_window(protein: ProteinMap) -> None:
    first = lollipop_figure(protein, simulated=False, window=(1100, 1400)).spec["layer"][0]
    low, high = first["encoding"]["x"]["scale"]["domain"]
    assert 1090 < low < 1100 and 1400 < high < 1410
    (zoom,) = first["params"]
    assert zoom["bind"] == "scales" and zoom["select"]["encodings"] == ["x"]
    ticks = first["encoding"]["y"]["axis"]
    assert len(ticks["values"]) == ticks["labelExpr"].count(":")


def test_hotspots_domains_and_classes_are_the_results(protein: ProteinMap) -> None:
    figure = lollipop_figure(protein, simulated=False)
    assert figure.data["hotspots"].position.tolist() == list(protein.hotspots)
    assert figure.data["domains"]["name"].tolist() == ["MAM", "MAM", "Gly_rich", "Pkinase_Tyr"]
    table = class_table(protein)
    assert table.iloc[-1, 1] == f"{int(protein.classes.tcga.sum()):,}"
    assert figure.data["labels"].position.isin(protein.residues.position).all()


def test_every_class_has_a_colour_of_its_own_that_can_be_seen() -> None:
    for dark, palette in ((False, LIGHT), (True, DARK)):
        colors = class_colors(Look(dark), GROUPS)
        assert len(set(colors)) == len(GROUPS)
        assert not {palette.mutant, palette.wild_type} & set(colors)
        assert all(contrast(c, palette.paper) >= 3 for c in colors)


def test_template_is_not_changed_by_those_who_use_it(
    counted: MutationFrequency, protein: ProteinMap
) -> None:
    first = lollipop_figure(protein, simulated=True).for_export()
    lollipop_figure(protein, simulated=True, window=(5, 50), heading=("Other",))
    assert lollipop_figure(protein, simulated=True).for_export() == first
    bars = frequency_figure(counted, "TCGA", simulated=True).for_export()
    frequency_figure(counted, "ICI cohorts", simulated=True, heading=("Other",))
    assert frequency_figure(counted, "TCGA", simulated=True).for_export() == bars


@pytest.mark.parametrize(("kind", "start"), [("svg", b"<svg"), ("pdf", b"%PDF")])
def test_lollipop_exports_with_its_texts(protein: ProteinMap, kind: Any, start: bytes) -> None:
    figure = lollipop_figure(protein, Look(medium="print"), simulated=True, heading=("ALK",))
    content = render(figure.for_export(), kind)
    assert content.startswith(start)
    if kind == "svg":
        text = content.decode()
        for words in ("SIMULATED", "Pkinase_Tyr", "TCGA: patients", "missense", "Residue of ALK"):
            assert words in text


# -- TCGA survival ---------------------------------------------------------------------


def test_tables_print_every_endpoint_and_its_advice(simulated: Store) -> None:
    found = tcga_survival(simulated, Filters(), Stratifier(genes=("TP53",)))
    assert len(tcga_tables.sizes_table(found)) == len(ENDPOINTS)
    advice = tcga_tables.advice_table(found)
    assert len(advice) == 33 and advice.columns.tolist() == ["Tumour type", *ENDPOINTS]
    for endpoint in ENDPOINTS:
        compared = found.by_type[found.by_type.endpoint == endpoint]
        assert sum(n for _, n in tcga_tables.badge(found, endpoint)) == len(compared)
        small = compared[compared.hazard_ratio.isna()].tumor_type_source
        assert all(f"{t} (" in tcga_tables.too_small(found, endpoint) for t in small)
    assert "the paper's DFS" in tcga_tables.endpoint_name("DFI")
