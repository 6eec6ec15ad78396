"""A nomogram's model as a program that needs nothing but R, or nothing but Python.

Both programs read a CSV with one column for each predictor and write linear_predictor,
total_points and survival at the model's times for each row; NA (R) or empty (Python) where a value
is missing or was never seen by the model.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from core.analysis.nomogram_model import NomogramModel
from core.stats.cox_terms import Categorical, Continuous, Spline


def _head(model: NomogramModel) -> list[str]:
    data = "SIMULATED data" if model.simulated else "real data"
    wanted = ", ".join(p.label for p in model.predictors)
    return [
        f"Nomogram of {model.endpoint}: Cox model of {model.n} patients, {model.events} events.",
        f"Fitted to {data}, build {model.build_id}, code version {model.code_version}.",
        f"Columns of the table: {wanted}. Times in months.",
    ]


def python_code(model: NomogramModel) -> str:
    """A Python 3 program without third-party packages: ``python nomogram.py table.csv``."""
    head = "\n".join(_head(model))
    return _PYTHON.replace("@HEAD@", head.replace('"', "'")).replace("@MODEL@", repr(_plain(model)))


def r_code(model: NomogramModel) -> str:
    """An R program without packages: ``Rscript nomogram.R table.csv``."""
    head = "\n".join(f"# {line}" for line in _head(model))
    return _R.replace("@HEAD@", head).replace("@MODEL@", _r_value(_plain(model)))


def _plain(model: NomogramModel) -> dict[str, Any]:
    """The model as plain values: what both programs hold."""
    base = model.cox.baseline(model.stratum)
    predictors = []
    for p, beta in zip(model.predictors, model.coefficients, strict=True):
        term = p.term
        entry: dict[str, Any] = {"label": p.label, "beta": beta.tolist()}
        entry["kind"] = {Categorical: "levels", Spline: "spline", Continuous: "line"}[type(term)]
        entry["levels"] = list(p.levels)
        entry["pooled"] = list(p.pooled)
        entry["knots"] = np.asarray(term.knots).tolist() if isinstance(term, Spline) else []
        entry["scale"] = float(term.scale) if isinstance(term, Continuous) else 1.0
        predictors.append(entry)
    return {
        "predictors": predictors,
        "center": float(model.cox.center @ model.cox.coefficients),
        "points_per_unit": float(model.scales.scale),
        "lp_at_zero_points": float(model.scales.offset),
        "times": list(model.times),
        "baseline_time": base.times.tolist(),
        "baseline_hazard": base.hazard.tolist(),
        "last_follow_up": base.last,
    }


def _r_value(value: Any) -> str:
    if isinstance(value, dict):
        return "list(" + ",\n  ".join(f"{k} = {_r_value(v)}" for k, v in value.items()) + ")"
    if isinstance(value, list):
        if value and isinstance(value[0], dict):
            return "list(" + ",\n  ".join(map(_r_value, value)) + ")"
        if not value:
            return "NULL"
        return "c(" + ", ".join(map(_r_value, value)) + ")"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return np.format_float_scientific(float(value), unique=True)


_PYTHON = '''"""@HEAD@"""

import csv
import math
import sys

MODEL = @MODEL@


def contribution(p, text):
    """What one predictor adds to the linear predictor; None where it is missing or unknown."""
    text = (text or "").strip()
    if text in ("", "NA"):
        return None
    if p["kind"] == "levels":
        text = "other" if text in p["pooled"] else text
        if text not in p["levels"]:
            return None
        at = p["levels"].index(text)
        return p["beta"][at - 1] if at else 0.0
    x = float(text)
    if p["kind"] == "line":
        return p["beta"][0] * x / p["scale"]
    t = p["knots"]
    last, before = t[-1], t[-2]
    total = p["beta"][0] * x
    for b, knot in zip(p["beta"][1:], t[:-2]):
        cube = max(x - knot, 0) ** 3
        cube -= max(x - before, 0) ** 3 * (last - knot) / (last - before)
        cube += max(x - last, 0) ** 3 * (before - knot) / (last - before)
        total += b * cube / (last - t[0]) ** 2
    return total


def hazard(time):
    """Cumulative baseline hazard; None beyond the last follow-up."""
    if time > MODEL["last_follow_up"]:
        return None
    steps = zip(MODEL["baseline_time"], MODEL["baseline_hazard"])
    return max((h for t, h in steps if t <= time), default=0.0)


def predict(row):
    """linear_predictor, total_points and survival at each time of one patient (a dict)."""
    parts = [contribution(p, row[p["label"]]) for p in MODEL["predictors"]]
    if None in parts:
        return [None] * (2 + len(MODEL["times"]))
    lp = sum(parts) - MODEL["center"]
    points = (lp - MODEL["lp_at_zero_points"]) * MODEL["points_per_unit"]
    base = [hazard(t) for t in MODEL["times"]]
    return [lp, points] + [None if h is None else math.exp(-h * math.exp(lp)) for h in base]


if __name__ == "__main__":
    with open(sys.argv[1], newline="", encoding="utf-8") as table:
        out = csv.writer(sys.stdout)
        out.writerow(
            ["linear_predictor", "total_points"] + [f"survival_{t:g}" for t in MODEL["times"]]
        )
        for row in csv.DictReader(table):
            out.writerow(["" if v is None else repr(v) for v in predict(row)])
'''

_R = """@HEAD@
model <- @MODEL@

# what one predictor adds to the linear predictor; NA where it is missing or unknown
contribution <- function(p, values) {
  if (p$kind == "levels") {
    values <- ifelse(values %in% p$pooled, "other", as.character(values))
    return(c(0, p$beta)[match(values, p$levels)])
  }
  x <- as.numeric(values)
  if (p$kind == "line") return(p$beta * x / p$scale)
  t <- p$knots; k <- length(t); total <- p$beta[1] * x
  for (j in seq_len(k - 2)) {
    cube <- pmax(x - t[j], 0)^3 - pmax(x - t[k - 1], 0)^3 * (t[k] - t[j]) / (t[k] - t[k - 1]) +
      pmax(x - t[k], 0)^3 * (t[k - 1] - t[j]) / (t[k] - t[k - 1])
    total <- total + p$beta[j + 1] * cube / (t[k] - t[1])^2
  }
  total
}

# one row for each patient: linear_predictor, total_points, survival at each time
predict_nomogram <- function(table) {
  lp <- -model$center
  for (p in model$predictors) lp <- lp + contribution(p, table[[p$label]])
  out <- data.frame(linear_predictor = lp,
    total_points = (lp - model$lp_at_zero_points) * model$points_per_unit)
  for (t in model$times) {
    h <- c(0, model$baseline_hazard)[findInterval(t, model$baseline_time) + 1]
    if (t > model$last_follow_up) h <- NA
    out[[paste0("survival_", format(t))]] <- exp(-h * exp(lp))
  }
  out
}

if (!interactive()) {
  table <- read.csv(commandArgs(TRUE)[1], check.names = FALSE)
  out <- predict_nomogram(table)
  out[] <- lapply(out, function(v) ifelse(is.na(v), "NA", sprintf("%.17g", v)))
  write.csv(out, row.names = FALSE, quote = FALSE)
}
"""
