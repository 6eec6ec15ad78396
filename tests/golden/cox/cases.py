"""Cox fits, residuals, tests, curves, splines, profile and Firth estimates beside R's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.stats.cox import CoxFit, cox
from core.stats.cox_baseline import survival_curve
from core.stats.cox_residuals import deviance, dfbeta, martingale, schoenfeld, score_residuals
from core.stats.cox_terms import (
    Categorical,
    Continuous,
    Spline,
    fit_terms,
)
from core.stats.interaction import likelihood_ratio_interaction
from core.stats.profile import profile_interval
from core.stats.spline import default_knots, restricted_cubic
from core.stats.zph import cox_zph
from tests.golden import Comparison

HERE = Path(__file__).parent
TOPIC = "cox"
FEW = 20
"""Rows of residuals that make.R keeps."""


@cache
def table(name: str) -> pd.DataFrame:
    return pd.read_csv(HERE / "inputs" / f"{name}.csv")


@cache
def reference() -> dict[str, dict[str, np.ndarray[Any, Any]]]:
    """case -> quantity -> values, as R wrote them."""
    frame = pd.read_csv(HERE / "outputs.csv", float_precision="round_trip")
    out: dict[str, dict[str, np.ndarray[Any, Any]]] = {}
    for (case, quantity), rows in frame.groupby(["case", "quantity"], sort=False):
        out.setdefault(str(case), {})[str(quantity)] = rows["value"].to_numpy(dtype=float)
    return out


def _veteran(d: pd.DataFrame) -> pd.DataFrame:
    kinds = ("smallcell", "adeno", "large")
    return pd.DataFrame(
        {"trt": d["trt"], "karno": d["karno"], "age": d["age"]}
        | {k: (d["celltype"] == k).astype(float) for k in kinds}
    )


def _rotterdam(d: pd.DataFrame) -> pd.DataFrame:
    rest = ["grade", "nodes", "pgr", "er", "hormon", "chemo"]
    sizes = {s: (d["size"] == s).astype(float) for s in ("20-50", ">50")}
    return pd.DataFrame({"age": d["age"], "meno": d["meno"]} | sizes | {c: d[c] for c in rest})


VETERAN_TERMS = ["trt", "karno", "age", "celltype", "celltype", "celltype"]
LUNG = ["age", "sex", "ph.ecog"]
TIMES = [0, 12, 100, 250.5, 400, 700]


def models(ties: str) -> Iterator[tuple[str, CoxFit, dict[str, Any]]]:
    """Case name, the fit, and the arguments of the curves that R predicted, if any."""
    d = table("lung")
    lung = {"X": d[LUNG], "time": d["time"], "event": d["dead"], "ties": ties}
    two: dict[str, Any] = {"X_new": [[62, 1, 1], [50, 2, 0]], "times": TIMES}
    yield "lung", cox(**lung), two
    months = table("months")["time"]
    assert months.nunique() > d["time"].nunique()  # until they are tied again
    yield "months", cox(**(lung | {"time": months})), {}
    yield (
        "lung_strata",
        cox(**(lung | {"X": d[["age", "sex"]], "strata": d["ph.ecog"]})),
        {"X_new": [[62, 1], [50, 2]], "times": TIMES, "stratum": 1},
    )
    yield "lung_weights", cox(**lung, weights=d["w"]), two
    yield "lung_weights_robust", cox(**lung, weights=d["v"], robust=True), two
    yield "lung_cluster", cox(**lung, cluster=d["inst"]), {}
    yield "lung_offset", cox(**(lung | {"X": d[LUNG[1:]], "offset": d["age"] / 50})), {}

    d = table("heart")
    heart = {"time": d["stop"], "event": d["event"], "entry": d["start"], "ties": ties}
    yield (
        "heart",
        cox(d[["age", "year", "surgery", "transplant"]], **heart),
        {"X_new": [[0, 2, 0, 0], [5, 4, 1, 1]], "times": [1, 30, 90, 500]},
    )
    columns = d[["age", "year", "surgery"]]
    yield (
        "heart_strata_cluster",
        cox(columns, **heart, strata=d["transplant"], cluster=d["id"]),
        {},
    )

    d = table("pbc")
    pbc = d[["age", "bili", "albumin", "edema", "protime", "alk.phos"]]
    yield "pbc", cox(pbc, d["time"], d["dead"], ties=ties), {}
    d = table("veteran")
    yield "veteran", cox(_veteran(d), d["time"], d["status"], ties=ties, groups=VETERAN_TERMS), {}
    d = table("rotterdam")
    yield "rotterdam", cox(_rotterdam(d), d["dtime"], d["death"], ties=ties), {}
    d = table("colon")
    by = {"strata": d["etype"], "cluster": d["id"]}
    yield "colon", cox(d[["sex", "age", "nodes"]], d["time"], d["status"], ties=ties, **by), {}
    d = table("ovarian")
    yield "ovarian", cox(d[["age", "resid.ds", "rx"]], d["futime"], d["fustat"], ties=ties), {}
    d = table("synthetic")
    yield (
        "synthetic",
        cox(d[["a", "b", "c"]], d["time"], d["dead"], ties=ties),
        {"X_new": [[0, 0, 1], [1, 1, 0]], "times": [0, 1, 5, 20, 45]},
    )
    every = {"entry": d["entry"], "weights": d["w"], "strata": d["site"], "robust": True}
    yield "synthetic_all", cox(d[["a", "b", "c"]], d["time"], d["dead"], ties=ties, **every), {}


def _fitted(case: str, fit: CoxFit, curves: dict[str, Any]) -> list[Comparison]:
    r = reference()[case]

    def flat(values: Any) -> np.ndarray[Any, Any]:
        return np.asarray(values, dtype=float).ravel(order="F")

    t = fit.table()
    tests = {
        "lr": fit.likelihood_ratio_test,
        "wald": fit.wald_test,
        "score": fit.score_test,
    }
    ours: dict[str, Any] = {
        "coefficients": fit.coefficients,
        "std_errors": fit.std_errors,
        "covariance": fit.covariance,
        "naive": fit.naive_covariance,
        "loglik": fit.loglik,
        "n": [fit.n],
        "events": [fit.events],
    }
    ours |= {c: t[c] for c in ("p_value", "ci_lower", "ci_upper")}
    ours |= {k: [v.statistic, v.df, v.p_value] for k, v in tests.items()}
    ours |= {
        "martingale": martingale(fit)[:FEW],
        "deviance": deviance(fit)[:FEW],
        "score_residuals": score_residuals(fit)[:FEW],
        "dfbeta": dfbeta(fit)[:FEW],
        "dfbetas": dfbeta(fit, standardised=True)[:FEW],
        "schoenfeld": schoenfeld(fit).residuals[:FEW],
        "scaled_schoenfeld": schoenfeld(fit, scaled=True).residuals[:FEW],
    }
    for transform in ("km", "rank", "identity", "log"):
        if f"{transform}_df" in r:
            z = cox_zph(fit, transform)
            for ending, column in (("chi_square",) * 2, ("df",) * 2, ("zph_p", "p_value")):
                ours[f"{transform}_{ending}"] = z.table[column]
    z = cox_zph(fit)
    ours |= {"zph_x": z.residuals["x"][:FEW], "zph_time": z.residuals["time"][:FEW]}
    ours["zph_y"] = z.residuals.iloc[:FEW, 3:]
    for ci in ("log", "log-log", "plain") if curves else ():
        c = survival_curve(fit, ci=ci, **curves)
        ours |= {f"curve_survival_{ci}": c.survival.T, "curve_cumhaz": c.cumulative_hazard.T}
        ours |= {f"curve_lower_{ci}": c.ci_lower.T, f"curve_upper_{ci}": c.ci_upper.T}
    missing = set(r) ^ set(ours)
    assert not missing, f"{case}: only one side has {missing}"
    return [
        Comparison(TOPIC, f"{case}: {q}", flat(v), r[q], absolute=_floor(q, r[q]))
        for q, v in ours.items()
    ]


def _floor(quantity: str, values: np.ndarray[Any, Any]) -> float:
    """Residuals and covariances may cancel to near zero: hold them to a share of the largest."""
    if any(
        k in quantity for k in ("martingale", "deviance", "residuals", "dfbeta", "schoen", "_y")
    ):
        return float(1e-10 * np.nanmax(np.abs(values)))
    return 1e-12


def _terms() -> list[Comparison]:
    r = reference()["veteran_terms"]
    cell = Categorical("celltype", "squamous", ("squamous", "smallcell", "adeno", "large"))
    made = fit_terms(table("veteran"), [Continuous("karno"), cell], "time", "status", strata="trt")
    z = cox_zph(made.fit)
    y = z.residuals[["karno", "celltype"]].to_numpy().ravel(order="F")
    wald = made.term_tests().set_index("term").loc["celltype", "chi_square"]
    ours = {
        "chi_square": z.table["chi_square"],
        "df": z.table["df"],
        "p_value": z.table["p_value"],
        "y": y,
        "wald_celltype": [wald],
    }
    return [Comparison(TOPIC, f"terms: {q}", v, r[q], absolute=1e-9) for q, v in ours.items()]


def _splines() -> list[Comparison]:
    r = reference()["splines"]
    age = table("rotterdam")["age"].to_numpy(dtype=float)
    small = table("ovarian")["age"].to_numpy(dtype=float)
    ours: dict[str, Any] = {}
    for k in range(3, 8):
        ours[f"q{k}"] = default_knots(age, k)
        ours[f"last{k}"] = restricted_cubic(age, default_knots(age, k))[::60, -1]
    knots = default_knots(small, 3)
    ours |= {"small_knots": knots, "small_basis": restricted_cubic(small, knots).ravel(order="F")}
    terms = [Spline("age", 4), Continuous("nodes")]
    fit = fit_terms(table("rotterdam"), terms, "dtime", "death").fit
    ours |= {"fit_coefficients": fit.coefficients, "fit_std_errors": fit.std_errors}
    return [
        Comparison(TOPIC, f"spline: {q}", v, r[q], 1e-8, reference_name="rms")
        for q, v in ours.items()
    ]


def _interaction() -> list[Comparison]:
    r, d = reference()["interaction"], table("lung")
    found = likelihood_ratio_interaction(
        d[d["ph.ecog"] < 3], Continuous("sex"), Categorical("ph.ecog", 0), "time", "dead"
    )
    ours = {
        "test": [found.test.statistic, found.test.df, found.test.p_value],
        "effect": found.effects["coefficient"],
        "effect_se": found.effects["std_error"],
    }
    return [Comparison(TOPIC, f"interaction: {q}", v, r[q]) for q, v in ours.items()]


def _profiles() -> list[Comparison]:
    r, lung, ovarian = reference()["profile"], table("lung"), table("ovarian")
    fits = {
        "lung_sex": (cox(lung[LUNG], lung["time"], lung["dead"]), "sex"),
        "ovarian_resid": (
            cox(ovarian[["age", "resid.ds", "rx"]], ovarian["futime"], ovarian["fustat"]),
            "resid.ds",
        ),
    }
    out = []
    for name, (fit, column) in fits.items():
        p = profile_interval(fit, column)
        ours = [p.lower, p.upper, p.statistic]
        out.append(Comparison(TOPIC, f"profile: {name}", ours, r[name]))
    return out


def _firth() -> list[Comparison]:
    data = {
        "few_events": (["group", "x"], "time", "dead"),
        "ovarian": (["age", "resid.ds", "rx"], "futime", "fustat"),
        "lung": (["sex", "age", "ph.ecog"], "time", "dead"),
    }
    out = []
    for name, (columns, time, event) in data.items():
        for ties in ("breslow", "efron"):
            case, d = f"firth_{name}_{ties}", table(name)
            r = reference()[case]
            fit = cox(d[columns], d[time], d[event], ties=ties, penalty="firth")
            p = profile_interval(fit, columns[0])
            ours: dict[str, Any] = {
                "coefficients": fit.coefficients,
                "std_errors": fit.std_errors,
                "loglik": fit.loglik,
                "interval": [p.lower, p.upper],
                "statistic": [p.statistic],
            }
            out += [
                Comparison(TOPIC, f"{case}: {q}", v, r[q], 1e-7, reference_name="R, own script")
                for q, v in ours.items()
            ]
    return out


def compare() -> list[Comparison]:
    """Every quantity of make.R's outputs."""
    out: list[Comparison] = []
    for ties in ("efron", "breslow"):
        for name, fit, curves in models(ties):
            out += _fitted(f"{name}_{ties}", fit, curves)
    return out + _terms() + _splines() + _interaction() + _profiles() + _firth()
