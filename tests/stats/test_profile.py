"""Profile-likelihood intervals: both ends by their definition, however they were found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2

from core.stats import profile
from core.stats.cox import CoxFit, cox
from core.stats.cox_moments import moments
from core.stats.firth import half_log_det
from core.stats.profile import profile_interval


def patients(columns: int) -> dict[str, Any]:
    """200 patients in three strata, times in months; the first column is a rare mutation."""
    rng = np.random.default_rng(11)
    x = rng.normal(size=(200, columns))
    x[:, 0] = rng.random(200) < 0.12
    time = np.ceil(rng.exponential(12 * np.exp(0.6 * x[:, 0] - 0.3 * x[:, -1])))
    return {
        "X": x,
        "time": time,
        "event": (rng.random(200) < 0.6).astype(float),
        "strata": rng.integers(0, 3, 200),
    }


def loglik_at(d: dict[str, Any], value: float) -> float:
    """The likelihood maximised over all columns but the first, which stands at ``value``."""
    rest = {**d, "X": d["X"][:, 1:], "offset": d["X"][:, 0] * value}
    return cox(**rest).loglik[1]


def test_the_likelihood_at_both_ends_falls_by_the_quantile() -> None:
    d = patients(3)
    fit = cox(**d)
    found = profile_interval(fit, 0)
    assert found.lower < fit.coefficients[0] < found.upper
    for end in (found.lower, found.upper):
        assert 2 * (fit.loglik[1] - loglik_at(d, end)) == pytest.approx(chi2.isf(0.05, 1), rel=1e-9)
    assert found.statistic == pytest.approx(2 * (fit.loglik[1] - loglik_at(d, 0.0)), rel=1e-9)


def penalised(fit: CoxFit, value: float) -> float:
    at = moments(fit.sets, np.array([value]) * fit.sets.scale)
    return at.loglik + half_log_det(at.information(), fit.sets.scale)


def test_the_penalised_likelihood_falls_by_the_quantile() -> None:
    fit = cox(**patients(1), penalty="firth")
    found = profile_interval(fit, 0, level=0.9)
    for end in (found.lower, found.upper):
        fall = 2 * (fit.loglik[1] - penalised(fit, end))
        assert fall == pytest.approx(chi2.isf(0.1, 1), rel=1e-9)
    assert found.statistic == pytest.approx(2 * (fit.loglik[1] - penalised(fit, 0.0)), rel=1e-9)


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("penalty", [None, "firth"])
def test_the_search_in_a_bracket_finds_the_same_ends(
    columns: int, penalty: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = cox(**patients(columns), penalty=penalty)
    stepped = profile_interval(fit, 0)
    monkeypatch.setattr(profile._Profile, "end", lambda *_: float("nan"))
    searched = profile_interval(fit, 0)
    assert [stepped.lower, stepped.upper] == pytest.approx(
        [searched.lower, searched.upper], rel=1e-8
    )


def test_an_end_takes_three_evaluations_of_the_likelihood(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = cox(**patients(1))
    calls = []
    monkeypatch.setattr(profile, "moments", lambda *a: calls.append(a) or moments(*a))
    profile_interval(fit, 0)
    assert 0 < len(calls) <= 6
