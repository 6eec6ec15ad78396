"""Agreement with R, as data: every topic is a folder with its R script, R's output and cases.

A topic is a folder ``tests/golden/<topic>/`` with ``make.R`` (writes its outputs beside itself,
17 significant digits, with the versions in ``versions.csv``) and ``cases.py``, whose ``compare()``
returns a list of :class:`Comparison`. The test suite asserts each of them; ``python -m
tests.golden`` prints them as a table. R is needed only to make the outputs anew.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

GOLDEN = Path(__file__).parent


@dataclass(frozen=True)
class Comparison:
    """One quantity computed here and by R on the same input.

    ``ours`` and ``reference`` are numbers or arrays of one shape; NaN equals NaN.
    ``tolerance`` bounds the relative error, ``absolute`` the absolute one near zero.
    """

    topic: str
    quantity: str
    ours: npt.ArrayLike
    reference: npt.ArrayLike
    tolerance: float = 1e-8
    absolute: float = 1e-12
    reference_name: str = "R"

    @property
    def error(self) -> float:
        """Largest error relative to the reference; inf where shapes or missing values differ."""
        ours = np.asarray(self.ours, dtype=float)
        reference = np.asarray(self.reference, dtype=float)
        if ours.shape != reference.shape or (np.isnan(ours) != np.isnan(reference)).any():
            return float("inf")
        same = (ours == reference) | np.isnan(ours)
        with np.errstate(invalid="ignore"):
            gap = np.where(same, 0.0, np.abs(ours - reference))
            gap = np.where(gap <= self.absolute, 0.0, gap)
            relative = np.where(same, 0.0, gap / np.maximum(np.abs(reference), 1e-300))
        return float(relative.max(initial=0.0))

    @property
    def agrees(self) -> bool:
        return self.error <= self.tolerance


def topics() -> list[str]:
    """Names of the folders that hold golden cases."""
    return sorted(m.name for m in pkgutil.iter_modules([str(GOLDEN)]) if m.ispkg)


def comparisons(topic: str) -> list[Comparison]:
    """All comparisons of one topic, computed now."""
    cases = importlib.import_module(f"tests.golden.{topic}.cases")
    result: list[Comparison] = cases.compare()
    return result
