"""The gene or the burden: planted truths, invariants of the permutations, too little data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest, norm

from core.analysis.burden import CODINGS, FOR_BURDEN, adjust, burden_question
from core.analysis.burden_null import (
    BIN,
    draw_null,
    matched_null,
    permuted_labels,
    tmb_bins,
)
from core.charts.burden import answer
from core.model import Filters, NotEnoughData, Range, Stratifier
from core.stats.cox import cox
from core.store import Store
from tests.analysis.planted import patients


def null_of(rows: pd.DataFrame, blocks: int = 2):
    return matched_null(rows, np.concatenate([draw_null(rows, i) for i in range(blocks)]))


def test_gene_that_acts_only_through_burden_is_called_so() -> None:
    rows = patients(np.random.default_rng(1), 1500, burden=-0.6, pull=1.2)
    result, null = adjust(rows, title="GENE"), null_of(rows)
    assert result.raw["ci_upper"] < 1, "it looks protective"
    smooth = result.models.set_index("coding").loc[["log2(TMB + 1)", "z within cohort"]]
    assert (np.abs(np.log(smooth.hazard_ratio)) < 0.1).all()
    assert null.centre < 0.9 and null.p_value > 0.05
    assert answer(result, null).startswith(("Burden and cancer type", "It depends"))
    assert "would show about" in answer(result, null)


def test_gene_that_acts_on_its_own_is_found() -> None:
    rows = patients(np.random.default_rng(2), 1500, gene=-0.7, burden=-0.3, pull=0.6)
    result, null = adjust(rows, title="GENE"), null_of(rows)
    assert np.allclose(np.log(result.adjusted.hazard_ratio), -0.7, atol=0.2)
    assert null.p_value == 1 / 501
    assert answer(result, null).startswith("More than the burden")


def test_permutation_p_is_uniform_where_the_gene_acts_through_burden_alone() -> None:
    p, naive = [], []
    for seed in range(200):
        rows = patients(np.random.default_rng([7, seed]), 200, burden=-0.6, pull=1.0)
        p.append(matched_null(rows, draw_null(rows, seed, 199)).p_value)
        row = cox(
            rows.mutant, rows.time_months, rows.event, strata=rows.cohort_id
        ).table().iloc[0]  # fmt: skip
        naive.append(2 * norm.sf(abs(row["z"])))
    assert kstest(p, "uniform").pvalue > 0.05
    assert np.mean(np.array(p) <= 0.05) < 0.1
    assert kstest(naive, "uniform").pvalue < 1e-6, "without matching burden passes for the gene"


def test_permutations_keep_every_bin_and_move_within_it() -> None:
    rows = patients(np.random.default_rng(3), 150, pull=1.0)
    bins, mutant = tmb_bins(rows), rows.mutant.to_numpy()
    drawn = permuted_labels(mutant, bins, 200, np.random.default_rng(0))
    assert set(np.unique(drawn)) == {0.0, 1.0}
    held = np.bincount(bins, weights=mutant)
    for column in drawn.T:
        assert (np.bincount(bins, weights=column) == held).all()
    expected = (held / np.bincount(bins))[bins]
    assert np.abs(drawn.mean(axis=1) - expected).max() < 0.15
    assert np.unique(drawn, axis=1).shape[1] > 190


def test_bins_hold_one_cohort_one_type_and_neighbours_in_burden() -> None:
    rows = patients(np.random.default_rng(4), 151)
    rows.loc[:40, "tmb_per_mb"] = 3.0  # ties share a bin
    bins = tmb_bins(rows)
    by = rows.groupby(bins)
    assert (by[["cohort_id", "tumor_type"]].nunique() == 1).all().all()
    tied = rows.tmb_per_mb == 3.0
    per_type = pd.Series(bins[tied]).groupby(rows.tumor_type[tied].to_numpy()).nunique()
    assert (per_type == 1).all()
    for _, part in rows.assign(bin=bins).groupby(["cohort_id", "tumor_type"]):
        spans = part.groupby("bin").tmb_per_mb.agg(["min", "max"]).sort_values("min")
        assert (spans["max"].to_numpy()[:-1] < spans["min"].to_numpy()[1:]).all()
    untied = rows[~tied & (rows.cohort_id == "cohort_1")]
    sizes = np.bincount(bins[untied.index])
    assert sizes[sizes > 0].max() <= BIN + 3 and sizes[sizes > 0].min() >= BIN - 3


def test_blocks_are_seeded_and_differ() -> None:
    rows = patients(np.random.default_rng(5), 100)
    assert (draw_null(rows, 0, 50) == draw_null(rows, 0, 50)).all()
    assert (draw_null(rows, 0, 50) != draw_null(rows, 1, 50)).any()


def test_null_without_matches_gives_no_p_and_says_so() -> None:
    rows = patients(np.random.default_rng(6), 60, cohorts=2)
    rows["mutant"] = (rows.cohort_id == "cohort_0").astype(float)
    null = null_of(rows, 1)
    assert np.isnan(null.p_value) and null.movable == 0
    assert any("wild-type match" in w for w in null.warnings)


def test_p_is_one_plus_the_far_draws_over_one_plus_all() -> None:
    rows = patients(np.random.default_rng(8), 200, gene=-0.3)
    observed = np.log(matched_null(rows, np.zeros(1)).observed)
    draws = np.array([0.0, 0.01, -0.01, observed * 1.5, np.nan])
    null = matched_null(rows, draws)
    # the centre is the median of the finite draws and the observed one
    far = np.abs(draws[:4] - np.log(null.centre)) >= abs(observed - np.log(null.centre))
    assert null.p_value == pytest.approx((1 + far.sum() + 1) / 6)
    assert any("1 of 5 permutations" in w for w in null.warnings)


def test_every_model_has_the_same_patients_and_codings_agree_with_a_plain_fit() -> None:
    rows = patients(np.random.default_rng(9), 300, gene=-0.3, burden=-0.3, pull=0.5)
    result = adjust(rows, title="GENE")
    assert (result.models.n == len(rows)).all()
    assert result.adjusted.coding.tolist() == list(CODINGS)
    plain = cox(
        rows[["mutant", "tmb_z"]].to_numpy(float),
        rows.time_months,
        rows.event,
        strata=rows.cohort_id + rows.tumor_type,
    ).table()
    ours = result.models[result.models.coding == "z within cohort"].iloc[0]
    assert ours.adjusted_for == FOR_BURDEN
    assert ours.hazard_ratio == pytest.approx(plain.hazard_ratio[0], rel=1e-9)


def test_frequency_counts_every_patient_once() -> None:
    rows = patients(np.random.default_rng(10), 500, pull=1.0)
    table = adjust(rows, title="GENE").frequency
    assert table.n.sum() == len(rows) and table.n_mutant.sum() == rows.mutant.sum()
    assert (table.n == 200).all()
    assert table.fraction.is_monotonic_increasing
    assert ((table.ci_lower < table.fraction) & (table.fraction < table.ci_upper)).all()


def test_small_arm_withholds_every_p_and_uses_firth() -> None:
    rows = patients(np.random.default_rng(11), 100)
    rows["mutant"] = 0.0
    rows.loc[[3, 50, 120], "mutant"] = 1.0
    result, null = adjust(rows, title="GENE"), None
    assert result.small and result.models.p_value.isna().all()
    assert np.isfinite(result.models.hazard_ratio).all()
    null = matched_null(rows, draw_null(rows, 0, 50), small=True)
    assert np.isnan(null.p_value)
    assert answer(result, null).startswith("Too few patients to tell")


def test_equal_burden_everywhere_leaves_codings_without_an_estimate_of_burden() -> None:
    rows = patients(np.random.default_rng(12), 100).assign(tmb_per_mb=4.0, tmb_z=0.0)
    result = adjust(rows, title="GENE")
    models = result.models.set_index("coding")
    assert models.note["spline of z"] == "too few distinct values"
    kept = result.adjusted.hazard_ratio
    assert np.allclose(kept, models.hazard_ratio.iloc[1])


def test_store_counts_a_shared_patient_once(real: Store) -> None:
    once = burden_question(real, Filters(), Stratifier())
    people = real.patients(Filters(count_shared_once=False))
    shared = people.set_index("patient_key").shared_with
    listed = set(people.cohort_id + ":" + people.patient_id)
    rows = once.rows.assign(own=once.rows.cohort_id + ":" + once.rows.patient_id)
    other = shared.reindex(rows.patient_key).dropna()
    assert len(other) and set(other) <= listed
    assert not set(other) & set(rows.own)
    assert once.flow.n.iloc[-1] == len(rows)


def test_nobody_left_is_an_answer(simulated: Store) -> None:
    with pytest.raises(NotEnoughData, match="No patient is left"):
        burden_question(simulated, Filters(age_years=Range(199, 200)), Stratifier())
