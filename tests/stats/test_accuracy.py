"""Time-dependent AUC and Brier score by hand, by invariants and on degenerate input."""

from __future__ import annotations

import numpy as np
import pytest

from core.model import BadInput
from core.stats.brier import brier_score, integrated_brier
from core.stats.discrimination import time_dependent_auc


def cohort(n: int, tied: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    score = rng.normal(size=n).round(1)
    latent, lost = rng.exponential(10 * np.exp(-score)), rng.uniform(0, 25, n)
    time = np.minimum(latent, lost)
    return np.ceil(time) if tied else time, latent <= lost, score


def test_auc_by_hand() -> None:
    # Case at 1 (weight 1); censored at 2 (G falls to 3/4 - one of four at risk); case at 3 weighs
    # 4/3; controls at 5 and 6. Case 1 beats both controls, case 3 beats one and ties one.
    row = time_dependent_auc([1, 2, 3, 5, 6], [1, 0, 1, 0, 1], [9, 1, 4, 4, 2], 4).table.iloc[0]
    assert row["auc"] == pytest.approx((1 * 1 + 4 / 3 * 0.75) / (1 + 4 / 3))
    assert row[["cases", "censored", "controls"]].tolist() == [2, 1, 2]


def test_brier_by_hand() -> None:
    predicted = np.array([0.2, 0.5, 0.5, 0.9, 0.6])
    score = brier_score([1, 2, 3, 5, 6], [1, 0, 1, 0, 1], predicted, [4]).table["brier"][0]
    expected = (0.2**2 + 4 / 3 * (0.5**2 + 0.1**2 + 0.4**2)) / 5
    assert score == pytest.approx(expected)


@pytest.mark.parametrize("tied", [True, False])
def test_standard_errors_agree_with_the_delete_one_jackknife(tied: bool) -> None:
    time, event, score = cohort(250, tied)
    survival = np.exp(-0.1 * 8 * np.exp(score))

    def both(keep: np.ndarray) -> list[float]:
        t, d, s, p = time[keep], event[keep], score[keep], survival[keep]
        auc = time_dependent_auc(t, d, s, 8).table["auc"][0]
        return [auc, brier_score(t, d, p, [8]).table["brier"][0]]

    n = len(time)
    left_out = np.array([both(np.arange(n) != i) for i in range(n)])
    jackknife = np.sqrt((n - 1) / n * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    ours = [
        time_dependent_auc(time, event, score, 8).table["std_error"][0],
        brier_score(time, event, survival, [8]).table["std_error"][0],
    ]
    np.testing.assert_allclose(ours, jackknife, rtol=0.01)


def test_a_perfect_and_a_reversed_score() -> None:
    time = np.arange(1, 11.0)
    perfect = time_dependent_auc(time, np.ones(10), -time, [3, 7]).table["auc"]
    assert perfect.tolist() == [1, 1]
    assert time_dependent_auc(time, np.ones(10), time, 5).table["auc"][0] == 0


def test_only_the_order_of_scores_matters_and_reversal_reflects() -> None:
    time, event, score = cohort(120, True)
    one = time_dependent_auc(time, event, score, [4, 9]).table
    other = time_dependent_auc(time * 2, event, np.exp(score), [8, 18]).table
    mirrored = time_dependent_auc(time, event, -score, [4, 9]).table
    np.testing.assert_allclose(other[["auc", "std_error"]], one[["auc", "std_error"]])
    np.testing.assert_allclose(mirrored["auc"], 1 - one["auc"])


def test_kaplan_meier_scores_zero_against_itself() -> None:
    time, event, _ = cohort(120, True)
    reference = brier_score(time, event, np.full((120, 1), 0.5), [6]).table
    assert reference["brier"][0] == pytest.approx(0.25)  # the weights average 1
    assert 0 < reference["reference"][0] < 0.25
    assert reference["scaled"][0] < 0


def test_integrated_is_the_mean_over_time() -> None:
    time, event, _ = cohort(60, False)
    grid = np.array([1.0, 2, 5])
    survival = np.tile([0.9, 0.8, 0.6], (60, 1))
    scores = brier_score(time, event, survival, grid).table["brier"]
    result = integrated_brier(time, event, survival, grid)
    assert result.integrated == pytest.approx((scores[0] * 1 + scores[1] * 3) / 4)


def test_degenerate_input() -> None:
    empty = time_dependent_auc([2, 3], [1, 1], [1, 2], [1, 9])
    assert empty.table["auc"].isna().all() and len(empty.warnings) == 2
    late = brier_score([1, 2], [1, 1], [[0.5, 0.5], [0.5, 0.5]], [1, 9])
    assert np.isnan(late.table["brier"][1]) and "Follow-up ends" in late.warnings[-1]
    assert brier_score([1, 2, 3], [1, 1, 0], [0.5, np.nan, 0.5], [1]).n == 2
    assert np.isnan(brier_score([2], [1], [0.5], [1]).table["std_error"][0])
    for wrong in ([[0.5], [1.5]], [[0.5, 0.1], [0.5, 0.1]]):
        with pytest.raises(BadInput):
            brier_score([1, 2], [1, 1], wrong, [1])
    with pytest.raises(BadInput):
        time_dependent_auc([1, 2], [1, 1], [np.inf, 1], 1)
    with pytest.raises(BadInput):
        integrated_brier([1, 2], [1, 1], [0.5, 0.5], [1])
