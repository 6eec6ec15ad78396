"""The difference of two hazard ratios, also where both questions have the same patients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from core.analysis.contrast import contrast
from core.analysis.survival import SurvivalComparison, compare_survival
from tests.analysis.planted import patients


def split(rows: pd.DataFrame, mutant: pd.Series | None = None) -> SurvivalComparison:
    by = rows.mutant if mutant is None else mutant
    group = np.where(by == 1, "mutant", "wild type")
    return compare_survival(rows.assign(group=group), ("wild type", "mutant"), title="gene")


def test_patients_apart_add_their_variances() -> None:
    rows = patients(np.random.default_rng(3), 300)
    first, second = rows[rows.patient_key < 300], rows[rows.patient_key >= 300]
    found = contrast(split(first), split(second))
    assert found.shared == 0
    half = (np.log(found.ci_upper) - np.log(found.ci_lower)) / 2 / 1.959963984540054
    alone = [split(r).fit.std_errors[0] for r in (first, second)]
    assert half == pytest.approx(np.hypot(*alone), rel=0.1)  # robust against model-based errors


def test_the_order_of_the_questions_inverts_the_ratio() -> None:
    rows = patients(np.random.default_rng(4), gene=-0.6)
    a, b = split(rows[rows.tumor_type == "Melanoma"]), split(rows)
    one, two = contrast(a, b), contrast(b, a)
    assert one.ratio == pytest.approx(1 / two.ratio)
    assert one.p_value == pytest.approx(two.p_value)
    assert (one.shared, one.n_a, one.n_b) == (two.shared, two.n_b, two.n_a)
    assert one.shared == one.n_a


def test_p_is_uniform_where_two_genes_of_the_same_patients_do_nothing() -> None:
    draw = np.random.default_rng(11)
    found = []
    for _ in range(200):
        rows = patients(draw, 150)
        # a second gene that is mostly mutated together with the first
        other = np.where(draw.random(len(rows)) < 0.7, rows.mutant, draw.random(len(rows)) < 0.2)
        found.append(contrast(split(rows), split(rows, pd.Series(other, rows.index))).p_value)
    assert kstest(found, "uniform").pvalue > 0.01
    assert 0.01 < np.mean(np.array(found) < 0.05) < 0.1


def test_a_planted_difference_is_found() -> None:
    rows = patients(np.random.default_rng(5), 400, gene=-1.0)
    idle = pd.Series(np.random.default_rng(6).random(len(rows)) < 0.2, rows.index).astype(float)
    found = contrast(split(rows, idle), split(rows))
    assert found.p_value < 0.001 and found.ratio < 0.7


def test_what_cannot_be_tested_is_said() -> None:
    rows = patients(np.random.default_rng(7))
    whole = split(rows)
    assert "same" in contrast(whole, whole).why_not
    assert "endpoints" in contrast(whole, replace(whole, endpoint="PFS")).why_not
    few = split(pd.concat([rows[rows.mutant == 1].head(5), rows[rows.mutant == 0]]))
    assert "too small" in contrast(whole, few).why_not
    searched = replace(whole, corrected_p=0.2)
    told = contrast(whole, searched)
    assert "search" in told.why_not and np.isnan(told.p_value)
