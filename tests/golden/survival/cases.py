"""Each R output of ``make.R`` beside the same quantity computed here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.stats.brier import brier_score, integrated_brier
from core.stats.concordance import Concordance, concordance, uno_c
from core.stats.cuminc import cumulative_incidence
from core.stats.discrimination import time_dependent_auc
from core.stats.km import KaplanMeier, kaplan_meier, median_follow_up
from core.stats.landmark import landmark_analysis
from core.stats.logrank import LogRank, logrank
from core.stats.rmst import rmst_difference
from tests.golden import Comparison

HERE = Path(__file__).parent
GROUPS = ["CTLA4", "Combo", "PD-1"]


@cache
def read(name: str) -> pd.DataFrame:
    return pd.read_csv(HERE / "inputs" / f"{name}.csv")


@cache
def outputs() -> dict[tuple[str, str], np.ndarray]:
    table = pd.read_csv(HERE / "outputs.csv")
    groups = table.groupby(["case", "quantity"], sort=False)["value"]
    return {key: values.to_numpy(float) for key, values in groups}


def check(case: str, reference_name: str = "R survival", **ours: Any) -> Iterator[Comparison]:
    for quantity, value in ours.items():
        reference = outputs()[case, quantity]
        value = np.atleast_1d(np.asarray(value, dtype=float))
        yield Comparison(
            "survival", f"{case}: {quantity}", value, reference, reference_name=reference_name
        )


def compare() -> list[Comparison]:
    parts = (curves, logranks, means, incidences, concordances, accuracies)
    return [comparison for part in parts for comparison in part()]


def curves() -> Iterator[Comparison]:
    lung, cohort, aml, continuous = (read(n) for n in ("lung1", "cohort", "aml1", "continuous"))
    long, short = [0, 6, 12, 24, 36], [0, 0.5, 6, 12, 24.2, 36]
    for ci in ("log-log", "log", "plain"):
        km = kaplan_meier(lung["time"], lung["event"], ci=ci)
        yield from curve(f"lung {ci}", km, [0, 100, 365, 500.5, 1022])
        km = kaplan_meier(cohort["time"], cohort["event"], ci=ci)
        yield from curve(f"cohort {ci}", km, short)
    t, d = cohort["time"], cohort["event"]
    yield from curve("cohort level 0.9", kaplan_meier(t, d, level=0.9), [0, 12])
    yield from curve("aml", kaplan_meier(aml["time"], aml["event"]), [0, 12, 45, 161])
    yield from curve("cohort weighted", kaplan_meier(t, d, weights=cohort["weight"]), long)
    yield from curve("cohort fractions", kaplan_meier(t, d, weights=cohort["fraction"]), long)
    km = kaplan_meier(t, d, entry=cohort["entry"])
    yield from curve("cohort entry", km, km.time[[4, 19, 49]])
    km = kaplan_meier(continuous["time"], continuous["event"])
    yield from curve("continuous", km, [0, 6, 12, 24])
    yield from check("follow-up", median=median_follow_up(t, d))


def curve(case: str, km: KaplanMeier, times: Any) -> Iterator[Comparison]:
    quantiles = [km.quantile(p) for p in (0.1, 0.25, 0.5, 0.75)]
    at, table = km.at(times, extend=True), km.risk_table(times)
    columns = ("time", "survival", "std_error", "ci_lower", "ci_upper")
    yield from check(
        case,
        **{name: getattr(km, name) for name in (*columns, "at_risk", "n_events", "n_censored")},
        quantile=[q.estimate for q in quantiles],
        quantile_lower=[q.lower for q in quantiles],
        quantile_upper=[q.upper for q in quantiles],
        median_printed=km.median,
        at_survival=at["survival"],
        at_lower=at["ci_lower"],
        at_upper=at["ci_upper"],
        at_at_risk=table["at_risk"],
        at_events=table["n_events"],
        at_censored=table["n_censored"],
    )


def logranks() -> Iterator[Comparison]:
    lung, cohort, aml, continuous = (read(n) for n in ("lung1", "cohort", "aml1", "continuous"))
    yield from test("logrank aml", logrank(aml["time"], aml["event"], aml["group"]))
    own = lung["time"], lung["event"], lung["sex"]
    yield from test("logrank lung sex", logrank(*own))
    yield from test("logrank lung sex strata", logrank(*own, strata=lung["inst"]))
    own, strata = (cohort["time"], cohort["event"], cohort["group"]), cohort["stratum"]
    yield from test("logrank cohort", logrank(*own, order=GROUPS))
    yield from test("logrank cohort strata", logrank(*own, order=GROUPS, strata=strata))
    yield from test("logrank cohort rho 1", logrank(*own, order=GROUPS, rho=1))
    weighted = logrank(*own, order=GROUPS, rho=0.5, strata=strata)
    yield from test("logrank cohort rho 0.5 strata", weighted)
    trend = {"order": GROUPS, "trend_scores": [1, 2, 3]}
    yield from check("logrank trend", chi2=logrank(*own, **trend).chi2)
    yield from check("logrank trend strata", chi2=logrank(*own, **trend, strata=strata).chi2)
    own = continuous["time"], continuous["event"], continuous["group"]
    late = {"entry": continuous["entry"], "order": GROUPS}
    yield from check("logrank entry", chi2=logrank(*own, **late).chi2)
    stratified = logrank(*own, **late, strata=continuous["stratum"])
    yield from check("logrank entry strata", chi2=stratified.chi2)
    after = landmark_analysis(cohort["time"], cohort["event"], 6)
    kept = cohort["group"][after.kept]
    yield from test("landmark", logrank(after.time, after.event, kept, order=GROUPS))


def test(case: str, result: LogRank) -> Iterator[Comparison]:
    columns = {name: result.table[name] for name in ("n", "observed", "expected")}
    variance = result.variance.ravel()
    yield from check(case, chi2=result.chi2, p_value=result.p_value, variance=variance, **columns)


def means() -> Iterator[Comparison]:
    lung, cohort, aml = (read(n) for n in ("lung1", "cohort", "aml1"))
    two = cohort[cohort["group"] != "Combo"]
    for case, data, group, (one, zero), tau in (
        ("rmst lung", lung, "sex", (2, 1), 365),
        ("rmst cohort", two, "group", ("PD-1", "CTLA4"), 24),
        ("rmst aml beyond", aml, "group", ("Maintained", "Nonmaintained"), 60),
    ):
        result = rmst_difference(data["time"], data["event"], data[group], tau, reference=zero)
        rows = result.table.set_index("group").loc[[one, zero]]
        contrast = result.contrasts.iloc[0]
        ends = ("_ci_lower", "_ci_upper", "_p_value")
        yield from check(
            case,
            rmst=rows["rmst"],
            std_error=rows["std_error"],
            difference=contrast[
                ["difference", "difference_std_error", *(f"difference{e}" for e in ends)]
            ],
            ratio=contrast[["ratio", "log_ratio_std_error", *(f"ratio{e}" for e in ends)]],
        )


def incidences() -> Iterator[Comparison]:
    for name, ci in (
        ("mgus", "log-log"),
        ("cohort", "log-log"),
        ("cohort", "log"),
        ("cohort", "plain"),
    ):
        data = read(name)
        for cause in (1, 2):
            case = f"cuminc {name} {ci} {cause}"
            ours = cumulative_incidence(data["time"], data["status"], cause=cause, ci=ci)
            columns = ("time", "incidence", "std_error", "ci_lower", "ci_upper", "at_risk")
            yield from check(case, **{c: getattr(ours, c) for c in columns}, free=ours.event_free)
            yield from check(case, "R cmprsk", cmprsk=ours.at([6, 12, 24])["incidence"])


def concordances() -> Iterator[Comparison]:
    lung, cohort, continuous = (read(n) for n in ("lung1", "cohort", "continuous"))
    own = lung["time"], lung["event"], lung["age"]
    yield from ranking("c lung age", concordance(*own))
    yield from ranking("c lung age strata", concordance(*own, strata=lung["inst"]))
    own, w, s = (cohort["time"], cohort["event"], cohort["score"]), cohort["fraction"], "stratum"
    yield from ranking("c cohort", concordance(*own))
    yield from ranking("c cohort weighted", concordance(*own, weights=w))
    yield from ranking("c cohort strata", concordance(*own, strata=cohort[s]))
    both = concordance(*own, strata=cohort[s], weights=w)
    yield from ranking("c cohort strata weighted", both)
    yield from ranking("uno cohort", uno_c(*own))
    yield from ranking("uno cohort 12", uno_c(*own, tau=12))
    own = continuous["time"], continuous["event"], continuous["score"]
    yield from ranking("c continuous", concordance(*own))
    yield from ranking("uno continuous", uno_c(*own))
    yield from ranking("uno continuous 12", uno_c(*own, tau=12))


def ranking(case: str, result: Concordance) -> Iterator[Comparison]:
    pairs = [result.concordant, result.discordant, result.tied_score]
    yield from check(case, c=result.c, std_error=result.std_error, count=pairs)


def accuracies() -> Iterator[Comparison]:
    horizons = np.array([3.0, 6, 12, 24])
    for name in ("continuous", "cohort"):
        data = read(name)
        t, d = data["time"], data["event"]
        risk = np.exp(0.5 * data["score"].to_numpy())
        survival = np.exp(-0.05 * horizons * risk[:, None])
        auc = time_dependent_auc(t, d, data["score"], horizons).table
        brier = brier_score(t, d, survival, horizons).table
        case, package = f"accuracy {name}", "R riskRegression"
        yield from check(case, package, auc=auc["auc"], brier=brier["brier"])
        # Where times are tied, riskRegression's influence functions are approximate: the delete-one
        # jackknife (tests/stats/test_accuracy.py) sides with the standard errors computed here.
        tied = name == "cohort"
        for quantity, ours, apart in (
            ("auc_std_error", auc["std_error"], 1e-4),
            ("brier_std_error", brier["std_error"], 0.02),
        ):
            for one in check(case, package, **{quantity: ours}):
                yield replace(one, tolerance=apart) if tied else one
        yield from check(case, package, reference=brier["reference"])
        if name == "cohort":
            continue  # riskRegression takes the score at 0 to be 0, although events stand there
        grid = np.append(0.0, horizons)
        survival = np.column_stack([np.ones(len(data)), survival])
        integrated = [
            integrated_brier(t, d, survival[:, :k], grid[:k]).integrated for k in range(2, 6)
        ]
        yield from check(case, package, ibs=integrated)
