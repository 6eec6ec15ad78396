"""Checks of a Cox model's input: what is refused, and the words in which it is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.model import BadInput, NotEnoughData
from core.stats.cox_risk import Array, Index, RiskSets, risk_sets
from core.stats.survival_data import merge_near_ties, occurring


def covariates(X: npt.ArrayLike, names: Sequence[str] | None) -> tuple[Array, tuple[str, ...]]:
    if names is None and isinstance(X, pd.DataFrame):
        names = [str(c) for c in X.columns]
    try:
        x = np.asarray(X, dtype=float)
    except (TypeError, ValueError) as error:
        raise BadInput(
            "The covariates are not numbers.",
            found=str(error),
            remedy="Code text columns as categorical terms.",
        ) from error
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2:
        raise BadInput("X is not a table.", expected="rows x columns", found=f"shape {x.shape}")
    columns = tuple(f"x{j + 1}" for j in range(x.shape[1])) if names is None else tuple(names)
    if len(columns) != x.shape[1] or len(set(columns)) != len(columns):
        raise BadInput(
            "Names and columns do not match.",
            expected=f"{x.shape[1]} distinct names",
            found=", ".join(columns),
        )
    if not np.isfinite(x).all():
        bad = [
            f"{c}: {k}" for c, k in zip(columns, (~np.isfinite(x)).sum(axis=0), strict=True) if k
        ]
        raise BadInput(
            "A covariate is missing or not finite.",
            expected="finite numbers",
            found="rows per column: " + ", ".join(bad),
            remedy="Leave those patients out and report how many, as fit_terms does.",
        )
    return x, columns


def prepare(
    x: Array,
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    columns: Sequence[str],
    ties: str = "efron",
    strata: npt.ArrayLike | None = None,
    entry: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    offset: npt.ArrayLike | None = None,
) -> RiskSets:
    """Check the input of a Cox model and sort it; times that differ only by rounding are tied, as
    in every other estimator. Raises BadInput or NotEnoughData."""
    n = len(x)
    if n == 0:
        raise NotEnoughData("No patients are left to fit a model to.", found="0 rows")
    if ties not in ("efron", "breslow"):
        raise BadInput(f"Unknown tie method {ties!r}.", expected='"efron" or "breslow"')
    t = vector(time, n, "time")
    if (t < 0).any():
        raise BadInput(
            "A survival time is negative.", expected="times of 0 or more",
            found=f"{int((t < 0).sum())} of {n} rows, the smallest {t.min():g}",
        )  # fmt: skip
    d = vector(event, n, "event")
    if not ((d == 0) | (d == 1)).all():
        raise BadInput(
            "An event is neither 0 nor 1.", expected="0 (censored) or 1 (event)",
            found=f"values {', '.join(f'{v:g}' for v in np.unique(d)[:5])}",
        )  # fmt: skip
    start = None if entry is None else vector(entry, n, "entry")
    t, start = merge_near_ties(t, start)
    if start is not None and (start >= t).any():
        raise BadInput(
            "A patient enters at or after the end of follow-up.", expected="entry < time",
            found=f"{int((start >= t).sum())} of {n} rows",
        )  # fmt: skip
    w = None if weights is None else vector(weights, n, "weights")
    if w is not None and (w <= 0).any():
        raise BadInput(
            "A case weight is not positive.", expected="weights above 0",
            found=f"{int((w <= 0).sum())} of {n} rows",
        )  # fmt: skip
    codes, labels = (None, ()) if strata is None else coded(strata, n, "strata")
    return risk_sets(
        x, t, d == 1, ties=ties, stratum=codes, labels=labels, entry=start, weights=w,
        offset=None if offset is None else vector(offset, n, "offset"),
    )  # fmt: skip


def vector(values: npt.ArrayLike, n: int, name: str) -> Array:
    try:
        out = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise BadInput(f"{name} is not numeric.", expected="numbers", found=str(error)) from error
    if out.shape != (n,):
        raise BadInput(f"{name} has the wrong length.", expected=f"{n} rows", found=f"{out.shape}")
    if not np.isfinite(out).all():
        raise BadInput(
            f"{name} is missing or not finite.", expected="finite numbers",
            found=f"{int((~np.isfinite(out)).sum())} of {n} rows",
        )  # fmt: skip
    return out


def coded(labels: npt.ArrayLike, n: int, name: str) -> tuple[Index, tuple[object, ...]]:
    """Codes 0, 1, ... of the labels, and the distinct labels in the order of their codes: sorted,
    or in the order of a pandas categorical.

    Raises BadInput where a label is missing.
    """
    values: Any = labels
    if not isinstance(labels, pd.Series | pd.Categorical):
        values = np.asarray(labels)
    if len(values) != n:
        raise BadInput(
            f"{name} has the wrong length.", expected=f"{n} rows", found=f"{len(values)}"
        )
    if isinstance(values, pd.Categorical):
        codes, levels = np.asarray(values.codes, dtype=np.intp), values.categories
    else:
        codes, levels = pd.factorize(values, sort=True)
    if (codes < 0).any():
        raise BadInput(f"A label of {name} is missing.", found=f"{int((codes < 0).sum())} rows")
    codes, found = occurring(codes, list(levels), np.ones(n, dtype=bool))
    names = tuple(v.item() if isinstance(v, np.generic) else v for v in found)
    return codes.astype(np.intp, copy=False), names
