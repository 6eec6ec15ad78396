"""A nomogram's model as a small JSON file, and read back from one.

The file holds all that a prediction needs (terms, coefficients, covariance, baseline), and where
the model comes from (build id of the data, code version, number of patients); no patient.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from core.analysis.nomogram_model import NomogramModel, Predictor
from core.model import BadFile
from core.stats.cox_portable import Baseline, PortableCox
from core.stats.cox_terms import Categorical, Continuous, Spline

FORMAT, VERSION = "ici-explorer nomogram", 1
LARGEST = 5_000_000
"""Characters of a file that is read at all."""


def to_json(model: NomogramModel) -> str:
    """``model`` written down; :func:`from_json` gives it back to the last digit."""
    cox = model.cox
    content = {
        "format": FORMAT,
        "version": VERSION,
        "build_id": model.build_id,
        "code_version": model.code_version,
        "simulated": model.simulated,
        "endpoint": model.endpoint,
        "times_months": list(model.times),
        "n": model.n,
        "events": model.events,
        "patients": model.sentence,
        "mutation_classes": list(model.classes),
        "cut_points": model.cut,
        "stratum": model.stratum,
        "linear_predictor_range": list(model.lp_range),
        "predictors": [
            _predictor(p, b) for p, b in zip(model.predictors, model.coefficients, strict=True)
        ],
        "columns": list(cox.names),
        "center": cox.center.tolist(),
        "covariance": cox.covariance.tolist(),
        "baselines": {
            name: {
                "times_months": b.times.tolist(),
                "cumulative_hazard": b.hazard.tolist(),
                "variance": b.variance.tolist(),
                "mean": b.mean.tolist(),
                "last_follow_up": b.last,
            }
            for name, b in cox.baselines.items()
        },
    }
    return json.dumps(content, indent=1, allow_nan=False)


def _predictor(p: Predictor, coefficients: np.ndarray) -> dict[str, Any]:
    common = {
        "label": p.label,
        "variable": p.variable,
        "unit": p.unit,
        "coefficients": coefficients.tolist(),
        "ticks": list(p.ticks),
        "observed": list(p.observed),
    }
    term = p.term
    if isinstance(term, Categorical):
        return {**common, "kind": "levels", "levels": list(p.levels), "pooled": list(p.pooled)}
    if isinstance(term, Spline):
        knots = list(term.knots) if isinstance(term.knots, tuple) else []
        return {**common, "kind": "spline", "knots": knots}
    return {**common, "kind": "line", "scale": term.scale}


def from_json(text: str, name: str = "the file") -> NomogramModel:
    """The model that ``text`` holds. Raises BadFile for anything else, saying what is wrong."""
    try:
        if len(text) > LARGEST:
            raise ValueError(f"{len(text):,} characters; a model has fewer than {LARGEST:,}")
        found = json.loads(text)
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise ValueError("another kind of file")
        if found.get("version") != VERSION:
            raise ValueError(f"version {found.get('version')!r} of the format")
        return _model(found)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise BadFile(
            f"{name} is not a nomogram that was kept here.",
            expected=f'JSON with "format": "{FORMAT}", version {VERSION}',
            found=what[:200],
            remedy="Use a file that the button Keep the model made.",
        ) from error


def _model(found: dict[str, Any]) -> NomogramModel:
    predictors = tuple(_read_predictor(p) for p in found["predictors"])
    beta = np.concatenate([np.asarray(p["coefficients"], float) for p in found["predictors"]])
    p = len(beta)
    cox = PortableCox(
        names=tuple(map(str, found["columns"])),
        coefficients=beta,
        covariance=_shaped(found["covariance"], (p, p), "covariance"),
        center=_shaped(found["center"], (p,), "center"),
        baselines={str(k): _baseline(b, p) for k, b in found["baselines"].items()},
    )
    if sum(q.width for q in predictors) != p or len(cox.names) != p:
        raise ValueError(f"{p} coefficients that do not fit the predictors")
    low, high = map(float, found["linear_predictor_range"])
    cut = found["cut_points"]
    return NomogramModel(
        predictors=predictors,
        cox=cox,
        lp_range=(low, high),
        times=tuple(map(float, found["times_months"])),
        stratum=str(found["stratum"]),
        endpoint=str(found["endpoint"]),
        build_id=str(found["build_id"]),
        code_version=str(found["code_version"]),
        simulated=bool(found["simulated"]),
        n=int(found["n"]),
        events=int(found["events"]),
        sentence=str(found["patients"]),
        classes=tuple(map(str, found["mutation_classes"])),
        cut=None if cut is None else float(cut),
    )


def _read_predictor(p: dict[str, Any]) -> Predictor:
    label, kind = str(p["label"]), p["kind"]
    term: Continuous | Categorical | Spline
    pooled: tuple[str, ...] = ()
    if kind == "levels":
        levels = tuple(map(str, p["levels"]))
        pooled = tuple(map(str, p["pooled"]))
        term = Categorical(label, levels[0], levels)
    elif kind == "spline":
        term = Spline(label, tuple(map(float, p["knots"])))
    elif kind == "line":
        term = Continuous(label, scale=float(p["scale"]))
    else:
        raise ValueError(f"a predictor of kind {kind!r}")
    made = Predictor(
        str(p["variable"]),
        term,
        ticks=tuple(map(float, p["ticks"])),
        observed=tuple(map(float, p["observed"])),
        unit=str(p["unit"]),
        pooled=pooled,
    )
    if not made.levels and not made.observed:
        raise ValueError(f"no observed values of {label}")
    if len(p["coefficients"]) != made.width:
        raise ValueError(f"{len(p['coefficients'])} coefficients of {label}")
    return made


def _baseline(b: dict[str, Any], p: int) -> Baseline:
    times = np.asarray(b["times_months"], dtype=float)
    n = len(times)
    return Baseline(
        times=times,
        hazard=_shaped(b["cumulative_hazard"], (n,), "cumulative_hazard"),
        variance=_shaped(b["variance"], (n,), "variance"),
        mean=_shaped(b["mean"], (p, n), "mean"),
        last=float(b["last_follow_up"]),
    )


def _shaped(values: Any, shape: tuple[int, ...], name: str) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"{name} of shape {array.shape} where {shape} finite numbers are due")
    return array


def scales_table(model: NomogramModel) -> pd.DataFrame:
    """The nomogram as a table: axis, value, points (total points on the lowest axes)."""
    scales = model.scales
    rows = [
        (axis.name, label, float(at))
        for axis in (*scales.predictors, *scales.survival)
        for label, at in zip(axis.labels, axis.points, strict=True)
    ]
    return pd.DataFrame(rows, columns=["axis", "value", "points"])
