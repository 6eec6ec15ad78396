"""Terms become columns with named references; missing values are counted, not guessed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.model import BadInput, NotEnoughData
from core.stats.cox import cox
from core.stats.cox_terms import (
    Categorical,
    Continuous,
    Interaction,
    Spline,
    design,
    fit_each,
    fit_terms,
)
from core.stats.interaction import likelihood_ratio, likelihood_ratio_interaction
from core.stats.spline import default_knots, restricted_cubic


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    n = 240
    table = pd.DataFrame(
        {
            "age": rng.normal(60, 9, n),
            "tmb": rng.exponential(6, n),
            "sex": rng.choice(["F", "M"], n),
            "drug": rng.choice(["Combo", "CTLA4", "PD1"], n),
            "cohort": rng.choice(["one", "two"], n),
            "months": rng.exponential(15, n),
            "dead": (rng.random(n) < 0.7).astype(int),
        }
    )
    return table


def test_a_categorical_term_has_a_named_reference_and_counts(frame: pd.DataFrame) -> None:
    made = fit_terms(frame, [Categorical("drug", "PD1")], "months", "dead")
    table = made.table()
    assert table["term"].tolist() == ["drug: CTLA4", "drug: Combo"]
    assert table["reference"].tolist() == ["PD1", "PD1"]
    for _, row in table.iterrows():
        rows = frame[frame["drug"] == row["level"]]
        assert (row["n"], row["events"]) == (len(rows), rows["dead"].sum())
    by_hand = cox(
        np.column_stack([frame["drug"] == "CTLA4", frame["drug"] == "Combo"]),
        frame["months"],
        frame["dead"],
    )
    assert table["coefficient"].tolist() == pytest.approx(by_hand.coefficients.tolist())
    test = made.term_tests()
    assert test.loc[0, "df"] == 2
    assert test.loc[0, "chi_square"] == pytest.approx(by_hand.wald_test.statistic)


def test_changing_the_reference_inverts_the_hazard_ratio(frame: pd.DataFrame) -> None:
    one = fit_terms(frame, [Categorical("sex", "M")], "months", "dead").table()
    two = fit_terms(frame, [Categorical("sex", "F")], "months", "dead").table()
    assert one["hazard_ratio"][0] == pytest.approx(1 / two["hazard_ratio"][0])
    assert one["term"][0] == "sex: F" and two["term"][0] == "sex: M"


def test_levels_keep_the_order_given_or_of_the_categorical(frame: pd.DataFrame) -> None:
    order = ("PD1", "Combo", "CTLA4")
    given = design(frame, [Categorical("drug", "PD1", order)], "dead")
    frame["drug"] = pd.Categorical(frame["drug"], order)
    kept = design(frame, [Categorical("drug", "PD1")], "dead")
    assert given.columns["level"].tolist() == kept.columns["level"].tolist() == ["Combo", "CTLA4"]
    with pytest.raises(BadInput, match="levels that are not listed"):
        design(frame, [Categorical("drug", "PD1", ("PD1", "Combo"))], "dead")


def test_continuous_terms_are_scaled_and_logged(frame: pd.DataFrame) -> None:
    terms = [Continuous("age", scale=10, center=60), Continuous("tmb", log2=True, plus=1)]
    made = design(frame, terms, "dead")
    assert made.columns["term"].tolist() == ["age (per 10)", "log2(tmb)"]
    assert made.matrix[:, 0] == pytest.approx((frame["age"] - 60) / 10)
    assert made.matrix[:, 1] == pytest.approx(np.log2(frame["tmb"] + 1))
    frame.loc[0, "tmb"] = 0
    with pytest.raises(BadInput, match="no logarithm in 1 patients"):
        design(frame, [Continuous("tmb", log2=True)], "dead")
    with pytest.raises(BadInput, match="not numeric"):
        design(frame, [Continuous("sex")], "dead")


def test_incomplete_patients_are_left_out_and_counted(frame: pd.DataFrame) -> None:
    frame.loc[:4, "age"] = np.nan
    frame.loc[3:9, "drug"] = None
    frame.loc[20, "months"] = np.nan
    terms = [Continuous("age"), Categorical("drug", "PD1")]
    made = fit_terms(frame, terms, "months", "dead", strata="cohort")
    assert made.fit.n == 240 - 11 and made.design.n_dropped == 11
    missing = made.design.missing.set_index("variable")["missing"]
    assert (missing["age"], missing["drug"], missing["months"], missing["cohort"]) == (5, 7, 1, 0)
    assert made.warnings[0] == (
        "11 of 240 patients left out for missing values: age 5, drug 7, months 1."
    )
    frame["age"] = np.nan
    with pytest.raises(NotEnoughData, match="No patient has all values"):
        fit_terms(frame, terms, "months", "dead")


def test_a_variable_with_one_level_is_left_out_and_said(frame: pd.DataFrame) -> None:
    women = frame[frame["sex"] == "F"]
    made = fit_terms(women, [Categorical("sex", "F"), Continuous("age")], "months", "dead")
    assert made.table()["term"].tolist() == ["age"]
    assert made.warnings == ("sex has one level only; it is not in the model.",)
    with pytest.raises(BadInput, match="reference level 'M'"):
        fit_terms(women, [Categorical("sex", "M")], "months", "dead")
    with pytest.raises(BadInput, match="No column weight"):
        fit_terms(women, [Continuous("weight")], "months", "dead")


def test_strata_of_two_columns_are_crossed(frame: pd.DataFrame) -> None:
    made = fit_terms(frame, [Continuous("age")], "months", "dead", strata=["cohort", "sex"])
    assert made.fit.strata_labels == ("one / F", "one / M", "two / F", "two / M")
    direct = cox(
        frame["age"], frame["months"], frame["dead"], strata=frame["cohort"] + frame["sex"]
    )
    assert made.fit.coefficients == pytest.approx(direct.coefficients)


def test_spline_by_hand() -> None:
    """Knots 0, 1, 2, 3; at 4, beyond the last, the basis is linear."""
    basis = restricted_cubic(np.array([-1.0, 0.5, 4.0, 5.0, 6.0]), (0, 1, 2, 3))
    assert basis[:, 0].tolist() == [-1, 0.5, 4, 5, 6]
    assert basis[0, 1:].tolist() == [0, 0]
    assert basis[1, 1:] == pytest.approx([0.5**3 / 9, 0])
    # (4^3 - 2^3 * 3 + 1^3 * 2) / 9 and (3^3 - 2^3 * 2 + 1^3 * 1) / 9
    assert basis[2, 1:] == pytest.approx([(64 - 24 + 2) / 9, (27 - 16 + 1) / 9])
    assert np.diff(basis[2:], n=2, axis=0) == pytest.approx(0, abs=1e-12)


def test_spline_keeps_its_knots_for_new_patients(frame: pd.DataFrame) -> None:
    made = design(frame, [Spline("age", 4), Categorical("sex", "M")], "dead")
    some = frame.iloc[[5, 9]]
    assert made.of(some) == pytest.approx(made.matrix[[5, 9]])
    assert made.columns["variable"].tolist() == ["age", "age", "age", "sex"]
    with pytest.raises(BadInput, match="3 to 7 knots"):
        default_knots(frame["age"].to_numpy(), 9)
    with pytest.raises(NotEnoughData):
        default_knots(np.arange(5.0), 4)
    frame["age"] = 50
    with pytest.raises(BadInput, match="too few distinct values"):
        design(frame, [Spline("age")], "dead")


def test_interaction_effects_are_those_of_separate_slopes(frame: pd.DataFrame) -> None:
    found = likelihood_ratio_interaction(
        frame, Categorical("sex", "F"), Categorical("drug", "PD1"), "months", "dead",
        adjust=[Continuous("age")], strata="cohort",
    )  # fmt: skip
    male = (frame["sex"] == "M").to_numpy(dtype=float)
    drugs = [(frame["drug"] == d).to_numpy(dtype=float) for d in ("PD1", "CTLA4", "Combo")]
    nested = np.column_stack([*(male * d for d in drugs), *drugs[1:], frame["age"]])
    direct = cox(nested, frame["months"], frame["dead"], strata=frame["cohort"])
    effects = found.effects.set_index("level").loc[["PD1", "CTLA4", "Combo"]]
    assert effects["coefficient"].tolist() == pytest.approx(direct.coefficients[:3].tolist())
    assert effects["std_error"].tolist() == pytest.approx(direct.std_errors[:3].tolist())
    assert effects["n"].sum() == 240 and found.test.df == 2
    gain = 2 * (direct.loglik[1] - found.without.fit.loglik[1])
    assert found.test.statistic == pytest.approx(gain)


def test_likelihood_ratio_refuses_what_is_not_nested(frame: pd.DataFrame) -> None:
    age = fit_terms(frame, [Continuous("age")], "months", "dead").fit
    part = fit_terms(frame.iloc[:200], [Continuous("age"), Continuous("tmb")], "months", "dead").fit
    with pytest.raises(BadInput, match="cannot be compared"):
        likelihood_ratio(age, part)
    both = [Continuous("age"), Continuous("tmb")]
    robust = fit_terms(frame, both, "months", "dead", cluster="cohort").fit
    with pytest.raises(BadInput, match="cannot be compared"):
        likelihood_ratio(age, robust)


def test_interaction_columns_multiply(frame: pd.DataFrame) -> None:
    both = Interaction(Continuous("age"), Categorical("sex", "F"))
    made = design(frame, [both], "dead")
    assert made.columns["term"].tolist() == ["age x sex: M"]
    assert made.matrix[:, 0] == pytest.approx(frame["age"] * (frame["sex"] == "M"))


def test_models_of_the_same_patients_equal_each_of_its_own(frame: pd.DataFrame) -> None:
    frame.loc[:4, "age"] = np.nan
    frame["one"] = "same"
    terms = [
        Categorical("drug", "PD1"), Continuous("age"), Categorical("sex", "M"),
        Categorical("one", "same"),
    ]  # fmt: skip
    parts = [[0, 1, 2], [1, 2], [2], [3]]
    known = frame.dropna(subset=["age"])
    made = fit_each(frame, terms, parts, "months", "dead", strata=["cohort"])
    for part, fit in zip(parts, made, strict=True):
        own = fit_terms(known, [terms[i] for i in part], "months", "dead", strata="cohort")
        pd.testing.assert_frame_equal(fit.table(), own.table(), rtol=1e-10)
        assert fit.fit.loglik == pytest.approx(own.fit.loglik, rel=1e-12)
        assert fit.fit.score_test.statistic == pytest.approx(
            own.fit.score_test.statistic, rel=1e-9, nan_ok=True
        )
        lost = "5 of 240 patients left out for missing values: age 5."
        assert fit.warnings == (lost, *own.warnings)
