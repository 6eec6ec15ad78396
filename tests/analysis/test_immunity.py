"""Planted truths: differences by tumour type alone, by TMB alone, and true ones; the real store."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from core.analysis.composition import compare_composition
from core.analysis.correlation import correlate
from core.analysis.feature_detail import MIN_DENSITY, feature_detail, smoothed
from core.analysis.immune_panels import Member, Panel, members, panel
from core.analysis.immunity import (
    PanelComparison,
    Question,
    compare_panel,
    immunity_question,
    tmb_basis,
)
from core.analysis.tcga import tcga_filters
from core.model import BadInput, Filters, NotEnoughData, Range, Stratifier
from core.stats.rank_regression import rank_regression
from core.stats.wilcoxon import van_elteren
from core.store import Store

PANEL = Panel("planted", "Planted", ())
TYPES = 12
N = 5000


def tumours(seed: int, n: int = N) -> tuple[pd.DataFrame, npt.NDArray[np.float64]]:
    """Tumours of TYPES types that differ in TMB; a gene's mutation is as likely as TMB is high."""
    draw = np.random.default_rng(seed)
    kind = draw.integers(0, TYPES, n)
    z = draw.standard_normal(n)
    tmb = np.exp(0.3 + 0.25 * kind / TYPES * 4 + 1.0 * z)
    mutant = draw.random(n) < np.minimum(0.9, tmb * 0.06 / tmb.mean())
    rows = pd.DataFrame(
        {
            "patient_key": np.arange(n),
            "patient_id": [f"P{i}" for i in range(n)],
            "tumor_type": [f"T{k:02d}" for k in kind],
            "tmb_per_mb": tmb,
            "group": np.where(mutant, "mutant", "wild type"),
        }
    )
    noise = draw.standard_normal((4, n))
    return rows, np.stack(
        [
            kind * 0.5 + noise[0],  # by tumour type alone
            np.log2(tmb + 1) - 0.25 * kind / TYPES * 4 / np.log(2) + noise[1],  # by TMB alone
            0.8 * mutant + noise[2],  # by the mutation
            noise[3],  # by nothing
        ]
    )


def compared(seed: int = 1, **options: bool) -> PanelComparison:
    rows, values = tumours(seed)
    rows_of = [Member(k, k, "", unit="") for k in ("type", "burden", "gene", "nothing")]
    panel = Panel("planted", "Planted", (), **options)
    return compare_panel(rows_of, values, rows, panel=panel, question=Question("GENE"))


@cache
def shares_found(feature: int, repeats: int = 40) -> dict[str, float]:
    """In how many planted cohorts each test finds a feature at 5%."""
    hits: dict[str, list[bool]] = {}
    for seed in range(repeats):
        rows, values = tumours(seed, 2500)
        arm = (rows.group == "mutant").to_numpy(float)
        kinds = rows.tumor_type.to_numpy()
        third = rows.groupby("tumor_type").tmb_per_mb.rank(pct=True).mul(3).clip(upper=2.99)
        cells = rows.tumor_type + third.astype(int).astype(str)
        v = values[feature]
        adjusted = rank_regression(v, arm, kinds, tmb_basis(rows.tmb_per_mb.to_numpy()))
        for name, p in (
            ("stratified", van_elteren(v, arm, kinds).p_value),
            ("thirds", van_elteren(v, arm, cells.to_numpy()).p_value),
            ("adjusted", adjusted.frame.p_value.iloc[0]),
        ):
            hits.setdefault(name, []).append(p < 0.05)
    return {name: float(np.mean(found)) for name, found in hits.items()}


def test_feature_of_the_tumour_type_is_found_by_the_naive_test_alone() -> None:
    row = compared().table.loc["type"]
    assert row.naive_p_value < 1e-6
    assert row.stratified_p_value > 0.05 and row.adjusted_p_value > 0.05
    assert abs(row.stratified_rank_biserial) < 0.1


def test_feature_of_the_burden_is_not_found_at_equal_burden() -> None:
    row = compared().table.loc["burden"]
    assert row.naive_p_value < 1e-6 and row.stratified_p_value < 1e-6
    assert row.adjusted_p_value > 0.05 and abs(row.adjusted_rank_biserial) < 0.1


def test_thirds_of_tmb_would_find_what_the_spline_does_not() -> None:
    found = shares_found(1)
    assert found["stratified"] > 0.9
    assert found["thirds"] > 0.5, "thirds leave the burden inside them"
    assert found["adjusted"] <= 0.175  # 5% of 40, with three standard errors


def test_adjusted_test_keeps_its_level_where_there_is_nothing() -> None:
    assert shares_found(3)["adjusted"] <= 0.175


def test_feature_of_the_mutation_is_found_by_all() -> None:
    row = compared().table.loc["gene"]
    assert max(row.naive_p_value, row.stratified_p_value, row.adjusted_p_value) < 1e-6
    assert row.naive_rank_biserial == pytest.approx(row.adjusted_rank_biserial, abs=0.1)
    assert row.shift_ci_lower < 0.8 < row.shift_ci_upper


def test_burden_is_not_adjusted_for_itself() -> None:
    table = compared(adjusts_for_tmb=False).table
    assert table.adjusted_p_value.isna().all() and table.naive_p_value.notna().all()


def test_q_values_are_over_the_panel() -> None:
    table = compared().table
    assert (table.naive_q_value >= table.naive_p_value).all()
    assert table.naive_q_value.max() == table.naive_p_value.max()


def test_small_arm_has_no_p_value_and_says_so() -> None:
    rows, values = tumours(2)
    mutant = rows.index[rows.group == "mutant"]
    rows.loc[mutant[9:], "group"] = "wild type"
    result = compare_panel([Member("a", "A", "")], values[:1], rows, panel=PANEL,
                           question=Question("GENE"))  # fmt: skip
    row = result.table.loc["a"]
    assert np.isnan(row.naive_p_value) and np.isnan(row.adjusted_rank_biserial)
    assert np.isfinite(row.naive_rank_biserial)
    assert any("no p-value" in w for w in result.warnings)


def test_feature_of_few_types_is_named_with_them() -> None:
    rows, values = tumours(2)
    values[0][rows.tumor_type != "T03"] = np.nan
    rows_of = [Member("a", "Alpha", ""), Member("b", "Beta", "")]
    result = compare_panel(rows_of, values[:2], rows, panel=PANEL, question=Question("GENE"))
    n = int((rows.tumor_type == "T03").sum())
    assert any(w.startswith(f"Alpha: known of {n} patients of T03 only") for w in result.warnings)


def test_cells_are_the_effect_within_the_type() -> None:
    result = compared()
    cell = result.by_type[(result.by_type.key == "gene") & (result.by_type.tumor_type == "T04")]
    inside = (result.rows.tumor_type == "T04").to_numpy()
    arm = (result.rows.group[inside] == "mutant").to_numpy(float)
    alone = van_elteren(result.values_of("gene")[inside], arm, np.zeros(inside.sum()))
    assert cell.rank_biserial.iloc[0] == pytest.approx(alone.rank_biserial)


def test_detail_draws_densities_of_large_arms_and_points_of_small_ones() -> None:
    result = compared()
    detail = feature_detail(result, "gene")
    sizes = detail.boxes.set_index(["tumor_type", "group"]).n
    drawn = detail.densities.groupby(["tumor_type", "group"]).density.max()
    assert (sizes[drawn.index] >= MIN_DENSITY).all() and (drawn == 1).all()
    for key, own in detail.points.groupby(["tumor_type", "group"]):
        assert len(own) == sizes[key] < MIN_DENSITY
    whole = result.values_of("gene")[result.rows.group == "mutant"]
    box = detail.boxes.set_index(["tumor_type", "group"]).loc[("All types", "mutant")]
    assert box["median"] == pytest.approx(np.median(whole))
    with pytest.raises(BadInput):
        feature_detail(result, "no such")


def test_density_peaks_where_the_values_are() -> None:
    sample = np.random.default_rng(1).normal(3, 0.5, 4000)
    grid, density = smoothed(sample, log=False)
    assert grid[density.argmax()] == pytest.approx(3, abs=0.15)
    area = float(np.trapezoid(density / np.trapezoid(density, grid), grid))
    half = grid[density > 0.5]
    assert area == pytest.approx(1) and half.max() - half.min() == pytest.approx(1.18, abs=0.15)


def test_composition_by_type_alone_is_no_difference_within_types() -> None:
    rows, _ = tumours(3)
    late = rows.tumor_type > "T05"
    draw = np.random.default_rng(4)
    rows["label"] = np.where(draw.random(N) < np.where(late, 0.7, 0.2), "C2", "C1")
    result = compare_composition(rows, title="GENE")
    assert result.test.p_value < 0.05
    assert result.table.q_value.min() > 0.05
    assert result.table.share_mutant.sum() == pytest.approx(1)


def test_correlation_by_type_alone_vanishes_within_types() -> None:
    rows, values = tumours(5)
    draw = np.random.default_rng(6)
    kind = rows.tumor_type.str[1:].astype(int).to_numpy()
    frame = rows.assign(x=values[0], y=kind + draw.standard_normal(N), purity=draw.random(N))
    member = Member("x", "X", "")
    found = correlate(member, member, frame, ("wild type", "mutant"), "GENE", partial=False)
    overall = found.overall.set_index("label")
    assert overall.rho["All tumours"] > 0.4
    assert abs(overall.rho["Within tumour types"]) < 0.05
    assert len(found.by_type) == TYPES


def test_simulated_store_has_every_panel(simulated: Store) -> None:
    for key in ("signatures", "checkpoints", "antigens"):
        found = members(simulated, panel(key))
        assert all(m.gene or m.feature for m in found)
    assert len(members(simulated, panel("signatures"))) == 29


def test_nobody_mutant_is_told(simulated: Store) -> None:
    nobody = tcga_filters(Filters(age_years=Range(199, 200)))
    with pytest.raises(NotEnoughData, match="two groups"):
        immunity_question(simulated, nobody, Stratifier(), "burden")


@pytest.mark.realdata
def test_alk_mutant_tumours_of_the_real_store(real: Store) -> None:
    """TMB and leukocytes are higher in the naive test; the leukocytes follow type and burden."""
    ask = tcga_filters(Filters())
    burden = immunity_question(real, ask, Stratifier(), "burden").table
    assert (burden.naive_rank_biserial > 0).all() and (burden.naive_q_value < 0.001).all()
    row = immunity_question(real, ask, Stratifier(), "infiltrate").table.loc["leukocyte_fraction"]
    assert row.n_mutant > 300 and row.median_mutant > row.median_wild_type
    assert row.naive_q_value < 0.001
    assert row.naive_rank_biserial > row.stratified_rank_biserial > row.adjusted_rank_biserial


@pytest.mark.realdata
def test_signatures_of_a_small_matrix_say_so(real: Store) -> None:
    catalogue = real.feature_catalogue()
    own = catalogue[catalogue.index.str.startswith("ssgsea_")]
    assert len(own) == 29 and (own.n <= 289).all()
    assert own.description.str.contains("not comparable with scores over all of TCGA").all()
    result = immunity_question(real, tcga_filters(Filters()), Stratifier(), "signatures")
    assert any("data fetch --only tcga/expression" in w for w in result.warnings)
