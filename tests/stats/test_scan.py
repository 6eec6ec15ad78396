"""core.stats.scan: hand-derived cases, agreement with cox(), symmetry, degenerate input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats

from core.model import BadInput
from core.stats.cox import cox
from core.stats.scan import COLUMNS, ScanOptions, scan, score_scan
from core.stats.scan_moments import ORDER, Head
from tests.golden.scan.cases import PLAIN, cohort, run

# Therneau and Grambsch (2000), appendix E: the second patient's status is missing.
TIME = np.array([9.0, 3, 1, 1, 6, 6, 8])
EVENT = np.array([1, np.nan, 1, 0, 1, 1, 0])
X = np.array([[0.0], [1], [1], [1], [1], [0], [0]])


def small(seed: int, n: int = 60, genes: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    time = np.floor(rng.exponential(8, n))
    event = (rng.random(n) < 0.7).astype(float)
    return (rng.random((n, genes)) < 0.4).astype(float), time, event


def test_textbook_efron_and_breslow() -> None:
    efron = scan(X, TIME, EVENT, options=PLAIN)
    assert efron.n == 6 and efron.events == 4 and efron.dropped == 1
    assert "1 patients left out" in efron.warnings[0]
    row = efron.frame.loc[0]
    assert row["n_mutant"] == 3 and row["events_mutant"] == 2
    assert row["log_hazard_ratio"] == pytest.approx(1.676857, abs=5e-7)
    chi2 = (52 / 48) ** 2 / (83 / 144)
    assert row["p_score"] == pytest.approx(stats.chi2.sf(chi2, 1), rel=1e-12)
    assert score_scan(X, TIME, EVENT)[0] ** 2 == pytest.approx(chi2, rel=1e-12)
    breslow = scan(X, TIME, EVENT, options=ScanOptions("breslow", 1, 0)).frame.loc[0]
    assert breslow["log_hazard_ratio"] == pytest.approx(np.log(1.5 + np.sqrt(33) / 2), rel=1e-12)


@pytest.mark.parametrize("model", ["months", "strata", "adjusted", "adjusted_strata"])
def test_agrees_with_cox_gene_by_gene(model: str) -> None:
    mutated, patients = cohort()
    frame = run(model).frame
    for gene in (20, 35, 47):
        columns = mutated[:, [gene]].toarray()
        if "adjusted" in model:
            columns = np.column_stack([patients[["age", "log_tmb"]], columns])
        strata = patients["stratum"].to_numpy() if "strata" in model else None
        fit = cox(columns, patients["months"], patients["event"], strata=strata)
        row = frame.loc[gene]
        assert row["log_hazard_ratio"] == pytest.approx(fit.coefficients[-1], rel=1e-9)
        assert row["standard_error"] == pytest.approx(fit.std_errors[-1], rel=1e-8)


def test_times_that_differ_by_rounding_are_tied() -> None:
    mutated, time, event = small(3)
    apart = np.nextafter(time + 1, np.inf, where=event > 0, out=time + 1)
    exact, rounded = (scan(mutated, t, event, options=PLAIN).frame for t in (time + 1, apart))
    assert (apart != time + 1).any()
    pd.testing.assert_frame_equal(exact, rounded, rtol=1e-12)


def test_firth_agrees_with_cox_firth() -> None:
    mutated, patients = cohort()
    frame = run("months", ScanOptions(min_mutants=1, firth_below=10_000)).frame
    for gene in (0, 1, 5, 30):
        fit = cox(
            mutated[:, [gene]].toarray(), patients["months"], patients["event"], penalty="firth"
        )
        row = frame.loc[gene]
        assert row["method"] == "firth"
        assert row["log_hazard_ratio"] == pytest.approx(fit.coefficients[0], abs=1e-7)


def test_separation_and_few_events_take_firth() -> None:
    result = run("months", ScanOptions(min_mutants=1, firth_below=0))
    assert result.frame.loc[0, "events_mutant"] == 0
    assert result.frame.loc[0, "method"] == "firth"  # Newton ran to minus infinity
    assert np.isfinite(
        result.frame.loc[0, ["hazard_ratio", "ci_lower", "ci_upper"]].astype(float)
    ).all()
    gated = run("months", ScanOptions(firth_below=5)).frame
    few = (gated["events_mutant"] < 5) & (gated["n_mutant"] >= 5)
    assert few.any() and (gated.loc[few, "method"] == "firth").all()
    assert any("Firth" in w for w in run("months", ScanOptions(firth_below=5)).warnings)


def test_adjusted_firth_holds_covariates() -> None:
    mutated, patients = cohort()
    frame = run("adjusted", ScanOptions(min_mutants=1, firth_below=10_000)).frame
    z = patients[["age", "log_tmb"]].to_numpy()
    offset = z @ cox(z, patients["months"], patients["event"]).coefficients
    fit = cox(
        mutated[:, [5]].toarray(),
        patients["months"],
        patients["event"],
        offset=offset,
        penalty="firth",
    )
    assert frame.loc[5, "log_hazard_ratio"] == pytest.approx(fit.coefficients[0], abs=1e-7)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100))
def test_scale_order_and_swap(seed: int, scale: float) -> None:
    x, time, event = small(seed)
    base = scan(x, time, event, options=PLAIN).frame
    scaled = scan(x, time * scale, event, options=PLAIN).frame
    order = np.random.default_rng(seed).permutation(time.size)
    shuffled = scan(x[order], time[order], event[order], options=PLAIN).frame
    swapped = scan(1 - x, time, event, options=PLAIN).frame
    for other in (scaled, shuffled):
        np.testing.assert_allclose(
            other["log_hazard_ratio"], base["log_hazard_ratio"], rtol=1e-8, atol=1e-9
        )
    both = (base["method"] == "cox") & (swapped["method"] == "cox")
    np.testing.assert_allclose(
        swapped["log_hazard_ratio"][both], -base["log_hazard_ratio"][both], rtol=1e-8, atol=1e-9
    )


def test_profiled_patients_only() -> None:
    mutated, patients = cohort()
    rng = np.random.default_rng(5)
    profiled = np.column_stack([np.ones(len(patients), bool), rng.random(len(patients)) < 0.6])
    panel = np.arange(mutated.shape[1]) % 2
    frame = scan(
        mutated,
        patients["months"],
        patients["event"],
        profiled=profiled,
        profile_of_gene=panel,
        options=PLAIN,
    ).frame
    part = scan(
        mutated[profiled[:, 1]],
        patients["months"][profiled[:, 1]],
        patients["event"][profiled[:, 1]],
        options=PLAIN,
    ).frame
    assert frame.loc[35, "n"] == profiled[:, 1].sum() < frame.loc[34, "n"] == len(patients)
    for column in ("n_mutant", "log_hazard_ratio", "p_value"):
        assert frame.loc[35, column] == pytest.approx(part.loc[35, column], rel=1e-10)
    with pytest.raises(BadInput, match="half told"):
        scan(mutated, patients["months"], patients["event"], profiled=profiled)
    with pytest.raises(BadInput, match="panel"):
        scan(
            mutated,
            patients["months"],
            patients["event"],
            profiled=profiled,
            profile_of_gene=panel - 1,
        )


def test_screening_leaves_the_rest_to_the_score_test() -> None:
    mutated, patients = cohort()
    everything = scan(mutated, patients["months"], patients["event"]).frame
    screened = scan(
        mutated, patients["months"], patients["event"], options=ScanOptions(fit_below=0.1)
    ).frame
    fitted = screened["method"].isin(["cox", "firth"])
    assert (screened.loc[fitted, "p_score"] <= 0.1).all() and fitted.any()
    unfitted = screened["method"] == "score"
    assert unfitted.any() and screened.loc[unfitted, "hazard_ratio"].isna().all()
    np.testing.assert_array_equal(
        screened.loc[unfitted, "p_value"], screened.loc[unfitted, "p_score"]
    )
    np.testing.assert_allclose(
        screened.loc[fitted, "hazard_ratio"], everything.loc[fitted, "hazard_ratio"]
    )


def test_planted_effect_is_found_and_null_is_uniform() -> None:
    rng = np.random.default_rng(8)
    n, genes = 600, 400
    x = (rng.random((n, genes)) < 0.15).astype(float)
    time = rng.exponential(10 * np.exp(0.9 * x[:, 7]))
    result = scan(sparse.csc_array(x), time, np.ones(n), genes=[f"G{k}" for k in range(genes)])
    frame = result.frame
    assert frame["q_value"].idxmin() == "G7"
    row = frame.loc["G7"]
    assert row["ci_lower"] < np.exp(-0.9) < row["ci_upper"] < 1
    null = frame.drop("G7")["p_value"].to_numpy(dtype=float)
    assert stats.kstest(null, "uniform").pvalue > 1e-3


def test_genes_that_act_through_burden_alone_are_cleared_by_adjustment() -> None:
    rng = np.random.default_rng(3)
    n, genes = 800, 150
    burden = rng.normal(size=n)
    x = (rng.random((n, genes)) < 1 / (1 + np.exp(2 - 1.5 * burden[:, None]))).astype(float)
    time = rng.exponential(10 * np.exp(0.6 * burden))
    raw = scan(x, time, np.ones(n)).frame
    adjusted = scan(x, time, np.ones(n), covariates=pd.DataFrame({"tmb": burden})).frame
    assert raw["hazard_ratio"].median() < 0.8 and raw["p_value"].median() < 0.01
    assert adjusted["hazard_ratio"].median() == pytest.approx(1, abs=0.03)
    for column in ("p_value", "p_score"):
        assert stats.kstest(adjusted[column].to_numpy(dtype=float), "uniform").pvalue > 1e-3


def test_degenerate_input_has_an_answer() -> None:
    x = np.column_stack([np.ones(8), np.zeros(8), [1, 0] * 4]).astype(float)
    time, event = np.arange(8.0), np.ones(8)
    frame = scan(x, time, event, options=ScanOptions(min_mutants=1)).frame
    assert list(frame["method"]) == ["too few", "too few", "firth"]
    none = scan(x, time, np.zeros(8), options=ScanOptions(min_mutants=1))
    assert list(none.frame["method"]) == ["too few", "too few", "not estimable"]
    assert none.frame["p_value"].isna().all() and none.frame["q_value"].isna().all()
    tied = scan(x, np.full(8, 3.0), event, options=PLAIN).frame.loc[2]
    assert tied["p_score"] == pytest.approx(1) and tied["hazard_ratio"] == pytest.approx(1)
    empty = scan(np.empty((0, 3)), [], [])
    assert empty.n == 0 and list(empty.frame["method"]) == ["too few"] * 3
    no_genes = scan(np.empty((8, 0)), time, event)
    assert no_genes.frame.empty and list(no_genes.frame.columns) == list(COLUMNS)
    one = scan(np.ones((1, 1)), [0.0], [1.0], options=PLAIN).frame.loc[0]
    assert one["method"] == "too few" and np.isnan(one["hazard_ratio"])
    lost = scan(x, np.full(8, np.nan), event)
    assert lost.n == 0 and lost.dropped == 8


def test_gene_equal_to_a_covariate_or_to_a_stratum_is_not_estimable() -> None:
    x, time, event = small(1, n=120)
    covariates = pd.DataFrame({"copy": x[:, 0], "other": np.arange(120.0) % 7})
    frame = scan(x, time, event, covariates=covariates).frame
    assert frame.loc[0, "method"] == "not estimable" and np.isnan(frame.loc[0, "p_value"])
    assert frame.loc[1, "method"] == "cox"
    frame = scan(x, time, event, strata=x[:, 0]).frame
    assert frame.loc[0, "method"] == "not estimable" and frame.loc[1, "method"] == "cox"


def test_bad_input_is_refused() -> None:
    x, time, event = small(2)
    with pytest.raises(BadInput, match="not binary"):
        scan(x * 2, time, event)
    with pytest.raises(BadInput, match="negative"):
        scan(x, time - 100, event)
    with pytest.raises(BadInput, match="neither 0 nor 1"):
        scan(x, time, event + 1)
    with pytest.raises(BadInput, match="times differs"):
        scan(x, time[:-1], event)
    with pytest.raises(BadInput, match="gene names"):
        scan(x, time, event, genes=["a"])
    with pytest.raises(BadInput, match="ties"):
        scan(x, time, event, options=ScanOptions(ties="exact"))


def test_score_scan_is_the_scan_screen() -> None:
    mutated, patients = cohort()
    z = score_scan(mutated, patients["months"], patients["event"], strata=patients["stratum"])
    p = run("strata").frame["p_score"].to_numpy()
    np.testing.assert_allclose(2 * stats.norm.sf(np.abs(z)), p, rtol=1e-12)


@pytest.mark.parametrize("kind", ["continuous", "months", "strata", "heavy ties"])
def test_series_changes_nothing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(12)
    n = 2000
    share = np.r_[np.full(40, 0.004), np.full(40, 0.02), np.full(20, 0.2), 0.6, 0.95]
    x = (rng.random((n, share.size)) < share).astype(float)
    time = np.minimum(rng.exponential(20 * np.exp(-x[:, 45] + 0.8 * x[:, 85])), 40)
    event = (time < 40) & (rng.random(n) < 0.8)
    time = {"months": np.floor(time), "heavy ties": np.floor(time / 12)}.get(kind, time)
    strata = rng.integers(0, 5, n) if kind == "strata" else None
    options = ScanOptions(min_mutants=1)
    head = scan(x, time, event, strata=strata, options=options).frame
    monkeypatch.setattr("core.stats.scan_moments.WORTH_IT", 10**9)
    plain = scan(x, time, event, strata=strata, options=options).frame
    assert head["method"].tolist() == plain["method"].tolist()
    assert {"cox", "firth"} <= set(head["method"])
    for column in ("log_hazard_ratio", "standard_error", "ci_lower", "ci_upper", "p_value"):
        np.testing.assert_allclose(head[column], plain[column], rtol=1e-9, atol=1e-11)


def test_series_is_used_and_its_bound_is_honest() -> None:
    rng = np.random.default_rng(3)
    q = np.sort(rng.uniform(0, 0.06, (5, 300)), axis=1)
    moments = np.array([(q**r).sum(axis=1) for r in range(1, ORDER + 1)])
    head = Head(moments)
    for x in (-0.9, -0.2, 0.0, 0.4, 1.5, 4.0, 20.0):
        at = np.full(5, x)
        exact = head.exact(at, 4)
        assert exact.all() or abs(x) > 0.4
        assert not exact.any() or abs(x) < 4
        if exact.all():
            for s, found in enumerate(head.sums(at, 4), start=1):
                direct = ((q / (1 + x * q)) ** s).sum(axis=1)
                np.testing.assert_allclose(found, direct, rtol=1e-12)
            np.testing.assert_allclose(head.log_sum(at), np.log1p(x * q).sum(axis=1), rtol=1e-12)
