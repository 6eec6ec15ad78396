"""Adjustment of p-values for many tests, with missing p-values left out of the count.

R's ``p.adjust`` definitions; a NaN stays NaN and does not count as a test (as R does with NA).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.model import BadInput

Floats = npt.NDArray[np.float64]


def adjust(p_values: npt.ArrayLike, method: str = "BH") -> Floats:
    """Adjusted p-values in the order and shape of the input.

    ``method``: ``BH`` (Benjamini and Hochberg 1995, controls the false discovery rate: the
    q-values of this project), ``holm`` (Holm 1979) or ``bonferroni`` (both control the
    family-wise error rate). Raises BadInput for an unknown method or a p-value outside 0-1.
    """
    p = np.asarray(p_values, dtype=float)
    known = np.isfinite(p)
    if (p[known] < 0).any() or (p[known] > 1).any():
        raise BadInput(
            "A p-value lies outside 0 to 1.",
            expected="p-values between 0 and 1, NaN where there is none",
            found=f"{p[known].min():g} to {p[known].max():g}",
            remedy="Pass p-values, not statistics or their logarithms.",
        )
    rules = {"BH": _benjamini_hochberg, "holm": _holm, "bonferroni": _bonferroni}
    if method not in rules:
        raise BadInput(
            f"There is no adjustment called {method!r}.",
            expected=", ".join(rules),
            found=method,
            remedy="Choose one of these.",
        )
    out = np.full(p.shape, np.nan)
    if known.any():
        out[known] = rules[method](p[known])
    return out


def benjamini_hochberg(p_values: npt.ArrayLike) -> Floats:
    """q-values: :func:`adjust` with ``BH``."""
    return adjust(p_values, "BH")


def _benjamini_hochberg(p: Floats) -> Floats:
    """min over j >= i of p_(j) m / j, at most 1."""
    order = np.argsort(p)[::-1]
    scaled = p[order] * p.size / np.arange(p.size, 0, -1)
    out = np.empty_like(p)
    out[order] = np.minimum(np.minimum.accumulate(scaled), 1.0)
    return out


def _holm(p: Floats) -> Floats:
    """max over j <= i of p_(j) (m - j + 1), at most 1."""
    order = np.argsort(p)
    scaled = p[order] * np.arange(p.size, 0, -1)
    out = np.empty_like(p)
    out[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return out


def _bonferroni(p: Floats) -> Floats:
    return np.minimum(p * p.size, 1.0)
