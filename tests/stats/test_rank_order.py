"""One order for all rank tests: the same answers as where each test sorts for itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.stats.rank_order import ascending_orders, orders_of_some, rank_orders
from core.stats.rank_panel import rank_panel
from core.stats.rank_regression import rank_regression, stratum_places
from core.stats.wilcoxon import rank_sum

PATIENTS = 120


@pytest.fixture
def panel() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values (continuous, tied, with gaps), arms of whom some are unknown, strata likewise."""
    rng = np.random.default_rng(11)
    values = rng.normal(size=(4, PATIENTS))
    values[1] = np.round(values[1])
    values[2:][rng.random((2, PATIENTS)) < 0.3] = np.nan
    arm = rng.integers(0, 2, PATIENTS).astype(float)
    arm[:5] = np.nan
    strata = rng.choice(["a", "b", "c"], PATIENTS).astype(object)
    strata[5:9] = None
    return values, arm, strata


def test_orders_are_ascending_within_strata_and_leave_out_gaps(
    panel: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    values, _, strata = panel
    found = rank_orders(values, strata)
    for row, by_value, by_stratum in zip(values, found.by_value, found.by_stratum, strict=True):
        assert sorted(by_value) == np.flatnonzero(~np.isnan(row)).tolist()
        assert (np.diff(row[by_value]) >= 0).all()
        assert not pd.isna(strata[by_stratum]).any()
        codes = found.stratum[by_stratum]
        assert (np.diff(codes) >= 0).all()
        assert (np.diff(row[by_stratum])[np.diff(codes) == 0] >= 0).all()


def test_orders_of_some_are_those_of_their_values(
    panel: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    values = panel[0]
    chosen = np.flatnonzero(np.arange(PATIENTS) % 3 > 0)
    some = orders_of_some(ascending_orders(values), chosen, PATIENTS)
    for row, order in zip(values[:, chosen], some, strict=True):
        assert row[order].tolist() == np.sort(row[~np.isnan(row)]).tolist()


def test_tests_given_orders_answer_as_those_that_sort(
    panel: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    values, arm, strata = panel
    x = np.linspace(-1, 1, PATIENTS) ** 2
    x[20:25] = np.nan
    orders = rank_orders(values, strata)
    given = rank_panel(values, arm, strata=strata, orders=orders)
    pd.testing.assert_frame_equal(given.frame, rank_panel(values, arm, strata=strata).frame)
    known = ~np.isnan(x)
    whole = rank_regression(values, arm, strata, x, orders=orders).frame
    part = rank_regression(values[:, known], arm[known], strata[known], x[known]).frame
    pd.testing.assert_frame_equal(whole, part)


def test_cells_are_the_tests_of_each_stratum(
    panel: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    values, arm, strata = panel
    cells = rank_panel(values, arm, strata=strata).cells
    assert cells is not None and sorted(cells.labels) == ["a", "b", "c"]
    codes = pd.factorize(strata)[0].astype(np.int64)
    for row, effects in zip(values, cells.rank_biserial, strict=True):
        for k, label in enumerate(cells.labels):
            here = strata == label
            alone = rank_sum(row[here], arm[here])
            assert effects[k] == pytest.approx(alone.rank_biserial, abs=1e-14)
        place = stratum_places(np.where(np.isnan(arm), np.nan, row), codes)
        means = [np.nanmean(place[(codes == codes[9]) & (arm == g)]) for g in (1, 0)]
        own = effects[list(cells.labels).index(strata[9])]
        assert own == pytest.approx(2 * (means[0] - means[1]), abs=1e-14)
