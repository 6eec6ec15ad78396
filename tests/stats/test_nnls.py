"""Batched non-negative least squares beside scipy's, one target at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from core.model import DashboardError
from core.stats import nnls as batched
from core.stats.nnls import nnls_rows


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 40),
    rows=st.integers(1, 30),
    concentration=st.sampled_from([0.05, 0.3, 2.0]),
    guessed=st.booleans(),
)
def test_equals_scipy(
    seed: int, count: int, rows: int, concentration: float, guessed: bool
) -> None:
    rng = np.random.default_rng(seed)
    profiles = rng.dirichlet(np.full(96, concentration), count)
    snv = rng.integers(1, 600, rows)
    planted = rng.dirichlet(np.full(count, 0.2), rows) @ profiles
    planted /= planted.sum(axis=1, keepdims=True)
    spectra = np.array([rng.multinomial(n, p) / n for n, p in zip(snv, planted, strict=True)])
    guess = rng.random((rows, count)) < 0.5 if guessed else None
    ours = nnls_rows(profiles, spectra, guess)
    theirs = np.array([nnls(profiles.T, y)[0] for y in spectra])
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8)


def test_optimality_and_the_targets_that_have_no_weight() -> None:
    rng = np.random.default_rng(8)
    profiles = rng.dirichlet(np.ones(96), 20)
    targets = np.vstack([rng.normal(size=(50, 96)), np.zeros((1, 96)), -np.ones((1, 96))])
    weights = nnls_rows(profiles, targets)
    gradient = (targets - weights @ profiles) @ profiles.T
    assert (weights >= 0).all() and (gradient <= 1e-10).all()
    assert np.abs(weights * gradient).max() < 1e-10
    assert (weights[-2:] == 0).all()


def test_more_rows_than_one_call_solves() -> None:
    rng = np.random.default_rng(9)
    profiles, targets = rng.dirichlet(np.ones(96), 5), rng.random((1300, 96))
    weights = nnls_rows(profiles, targets)
    np.testing.assert_allclose(weights[700], nnls(profiles.T, targets[700])[0], rtol=1e-8)


def test_not_ending_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batched, "_ROUNDS", 1)
    with pytest.raises(DashboardError, match="did not end"):
        nnls_rows(np.eye(3), np.ones((2, 3)))
