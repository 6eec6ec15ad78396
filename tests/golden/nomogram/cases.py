"""Point scales, read-offs, validate, calibrate and net benefit beside rms's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.stats.calibration import calibration, corrected_calibration, in_the_large
from core.stats.cox_bootstrap import Sample, validate
from core.stats.cox_portable import PortableCox, portable
from core.stats.cox_terms import Categorical, Continuous, Spline, Term, TermsFit, fit_terms
from core.stats.decision_curve import decision_curve
from core.stats.nomogram import Nomogram, effects, nomogram, pretty
from tests.golden import Comparison

HERE = Path(__file__).parent
TIMES = (12.0, 24.0)
MARKS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
TUMOR = Categorical("tumor", "Melanoma", ("Melanoma", "Lung", "Bladder"))
SEX = Categorical("sex", "female", ("female", "male"))
MODELS: dict[str, tuple[Any, ...]] = {
    "linear": (Continuous("age"), Continuous("tmb"), Continuous("grade")),
    "factor": (Continuous("age"), TUMOR, SEX),
    "spline": (Spline("age", 4), TUMOR, Continuous("tmb"), SEX),
}
Found = Iterator[tuple[str, npt.ArrayLike]]


def reference() -> dict[str, npt.NDArray[np.float64]]:
    """R's results: quantity -> number or vector."""
    table = pd.read_csv(HERE / "results.csv", na_values=["NA"])
    name = table["quantity"].str.replace(r"\[\d+\]$", "", regex=True)
    return {str(k): v.to_numpy(dtype=float) for k, v in table["value"].groupby(name)}


def compare() -> list[Comparison]:
    expected = reference()
    patients = pd.read_csv(HERE / "patients.csv")
    resamples = np.loadtxt(HERE / "resamples.csv", delimiter=",", dtype=np.intp)
    found = [*_pretty(), *_large(patients)]
    for name, terms in MODELS.items():
        fit = fit_terms(patients, terms, "time", "event")
        found += [*_axes(name, terms, fit, patients), *_resampled(name, fit, patients, resamples)]
    out = []
    for quantity, ours in found:
        values = np.atleast_1d(np.asarray(ours, dtype=float))
        out.append(Comparison("nomogram", quantity, values, expected[quantity], 1e-6, 1e-10))
    missing = sorted(set(expected) - {quantity for quantity, _ in found})
    if missing:
        raise AssertionError(f"rms gave what is compared with nothing: {missing}")
    return out


def _pretty() -> Found:
    for i, row in enumerate(pd.read_csv(HERE / "ranges.csv").itertuples()):
        yield f"pretty.{i}", pretty(row.low, row.high, int(row.n))


def laid_out(
    terms: Sequence[Term], fit: TermsFit, patients: pd.DataFrame, marks: Sequence[float] | None
) -> tuple[Nomogram, PortableCox]:
    model = portable(fit.fit)
    made, at = [], 0
    for term in fit.design.terms:
        width = len(term.columns(patients))
        made.append(effects(term, model.coefficients[at : at + width], patients[term.column]))  # type: ignore[union-attr]
        at += width
    center = float(model.center @ model.coefficients)
    lp = model.linear_predictor(fit.design.matrix)
    return nomogram(made, lp, center, TIMES, model.hazard(TIMES), marks=marks), model


def _axes(name: str, terms: Sequence[Term], fit: TermsFit, patients: pd.DataFrame) -> Found:
    drawn, model = laid_out(terms, fit, patients, None)
    yield f"{name}.coef", fit.fit.coefficients
    for axis in drawn.predictors:
        yield f"{name}.{axis.name}.points", axis.points
        if not isinstance(axis.values[0], str):
            yield f"{name}.{axis.name}.ticks", [float(str(v)) for v in axis.values]
    yield f"{name}.total", drawn.total
    yield f"{name}.lp.ticks", [float(str(v)) for v in drawn.linear_predictor.values]
    yield f"{name}.lp.points", drawn.linear_predictor.points
    yield f"{name}.scale", [drawn.scale, drawn.offset]
    for key, marks in (("pretty", None), ("given", MARKS)):
        drawn, _ = laid_out(terms, fit, patients, marks)
        for t, axis in zip(("s12", "s24"), drawn.survival, strict=True):
            yield f"{name}.{key}.{t}.marks", [float(str(v)) for v in axis.values]
            yield f"{name}.{key}.{t}.points", axis.points
    rows = fit.design.matrix[[2, 76, 400]]
    yield f"{name}.survival", model.survival(rows, TIMES)[0].ravel()


def _resampled(
    name: str, fit: TermsFit, patients: pd.DataFrame, resamples: npt.NDArray[np.intp]
) -> Found:
    sample = Sample.of(fit.design.matrix, patients["time"], patients["event"])
    table = validate(sample, resamples).table.set_index("measure")
    table = table[["original", "training", "test", "optimism", "corrected"]]
    for theirs in ("Dxy", "R2", "Slope", "D", "U", "Q", "g"):
        yield f"{name}.validate.{theirs}", table.loc[theirs.lower()]
    found = corrected_calibration(sample, resamples, (12.0,), per_group=100)[0]
    groups, smooth = found.groups, found.smooth
    columns = [groups.predicted, groups.observed, groups.corrected]
    yield f"{name}.calibrate", np.concatenate(columns)
    survival = np.log(groups.observed)
    # R's standard error of log S, from the log-log limits: log(-log S) -+ z se / log S
    reach = np.log(np.log(groups.ci_lower) / survival) / 1.959963984540054
    yield f"{name}.calibrate.std.err", reach * -survival
    yield f"{name}.smooth.grid", smooth.predicted
    yield f"{name}.smooth.observed", smooth.observed
    yield f"{name}.smooth.corrected", smooth.corrected
    yield f"{name}.errors", found.errors["value"]
    risk = 1 - portable(fit.fit).survival(fit.design.matrix, [12.0])[0][:, 0]
    plain = calibration(1 - risk, patients["time"], patients["event"], 12.0, per_group=100)
    assert np.allclose(plain.groups.observed, groups.observed)
    curve = decision_curve(
        risk, patients["time"], patients["event"], 12.0, thresholds=[0.2, 0.35, 0.5, 0.65]
    ).table
    yield f"{name}.net_benefit", curve.net_benefit
    yield f"{name}.treat_all", curve.treat_all


def _large(patients: pd.DataFrame) -> Found:
    half, other = patients.iloc[:320], patients.iloc[320:]
    fit = fit_terms(half, MODELS["factor"], "time", "event")
    model = portable(fit.fit)
    x = fit.design.of(other)
    lp = model.linear_predictor(x)
    # the last patients outlive the model's follow-up; R holds the hazard there
    base = model.baseline()
    hazard = np.append(0.0, base.hazard)[np.searchsorted(base.times, other["time"], side="right")]
    found = in_the_large(lp, other["time"], other["event"], hazard * np.exp(lp))
    yield "large.expected", found.expected
    yield "large.observed", found.observed
    yield "large.slope", [found.slope, found.slope_lower, found.slope_upper]
