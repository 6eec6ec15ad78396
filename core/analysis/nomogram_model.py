"""A nomogram's model as a value: it predicts for any table, and can be written down and read.

Nothing here knows a store: :mod:`core.analysis.nomogram` builds a model from patients,
:mod:`core.analysis.nomogram_file` writes and reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.analysis.covariates import OTHER
from core.model import BadInput
from core.stats.cox_portable import PortableCox
from core.stats.cox_terms import Categorical, Continuous, Spline
from core.stats.nomogram import Nomogram, effects, nomogram, tick_label

MARKS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Survival probabilities printed on the lowest axes."""

UNSEEN = ("leave out", "reference")
"""What becomes of a patient with a level that no patient of the model had."""


@dataclass(frozen=True)
class Predictor:
    """A predictor: the variable of the store that it is, its term with levels and knots found.

    Of a number, ``ticks`` are the values on its axis and ``observed`` the lowest, the median and
    the highest among the model's patients.
    """

    variable: str
    term: Continuous | Categorical | Spline
    ticks: tuple[float, ...] = ()
    observed: tuple[float, ...] = ()
    unit: str = ""
    pooled: tuple[str, ...] = ()
    """Levels that stand under OTHER."""

    @property
    def label(self) -> str:
        return self.term.column

    @property
    def levels(self) -> tuple[str, ...]:
        """Levels of a category, the reference first; empty for a number."""
        return tuple(map(str, self.term.levels)) if isinstance(self.term, Categorical) else ()

    @property
    def width(self) -> int:
        """How many coefficients the predictor has."""
        if isinstance(self.term, Categorical):
            return len(self.term.levels) - 1
        if isinstance(self.term, Spline):
            return (
                len(self.term.knots) - 1
                if isinstance(self.term.knots, tuple)
                else self.term.knots - 1
            )
        return 1


@dataclass(frozen=True, eq=False)
class NomogramModel:
    """A fitted model with where it comes from. Times in months."""

    predictors: tuple[Predictor, ...]
    cox: PortableCox
    lp_range: tuple[float, float]
    """Lowest and highest centred linear predictor among its patients: the span of the axes."""
    times: tuple[float, ...]
    stratum: str
    """Study whose baseline gives absolute survival; "" where all share one."""
    endpoint: str
    build_id: str
    code_version: str
    simulated: bool
    n: int
    events: int
    sentence: str
    classes: tuple[str, ...] = ()
    """Mutation classes that made a patient mutant."""
    cut: float | None = None
    """Total points above which the score is high, once one was locked."""
    scales: Nomogram = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scales", self._scales())

    def _scales(self) -> Nomogram:
        made = [
            effects(p.term, b, pd.Series(p.ticks, dtype=float), ticks=p.ticks)
            for p, b in zip(self.predictors, self.coefficients, strict=True)
        ]
        center = float(self.cox.center @ self.cox.coefficients)
        hazard = self.cox.hazard(self.times, self.stratum)
        return nomogram(made, self.lp_range, center, self.times, hazard, marks=MARKS)

    @property
    def coefficients(self) -> list[npt.NDArray[np.float64]]:
        """Coefficients of each predictor."""
        ends = np.cumsum([p.width for p in self.predictors])
        return np.split(self.cox.coefficients, ends[:-1])

    def at(self, times: Sequence[float]) -> NomogramModel:
        """The same model read at other times."""
        values = {k: v for k, v in self.__dict__.items() if k != "scales"}
        return NomogramModel(**{**values, "times": tuple(times)})

    def ready(self, table: pd.DataFrame, unseen: str = UNSEEN[0]) -> tuple[pd.DataFrame, Unseen]:
        """The predictors' columns as the model takes them, and what it never saw.

        A level the model does not know becomes missing, or the reference level where ``unseen`` is
        "reference". Raises BadInput for a missing column, or text where numbers are due.
        """
        lacking = [p.label for p in self.predictors if p.label not in table.columns]
        if lacking:
            raise BadInput(
                "The table lacks columns that the model needs.",
                expected=", ".join(p.label for p in self.predictors),
                found="no " + ", ".join(lacking),
                remedy="Name the columns as the model's predictors are named.",
            )
        out, strange = {}, {}
        for p in self.predictors:
            values = table[p.label]
            if not p.levels:
                out[p.label] = _numbers(p.label, values)
                continue
            words = values.where(values.isna(), values.astype(str))
            if p.pooled:
                words = words.where(~words.isin(p.pooled), OTHER)
            unknown = words.notna() & ~words.isin(p.levels)
            if unknown.any():
                found = words[unknown].value_counts()
                strange[p.label] = {str(v): int(n) for v, n in found.items()}
            words = words.where(~unknown, p.levels[0] if unseen == "reference" else None)
            out[p.label] = words
        return pd.DataFrame(out, index=table.index), Unseen(strange)

    def design(self, ready: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Columns of the Cox model for complete rows of ``ready``."""
        return np.column_stack([c[2] for p in self.predictors for c in p.term.columns(ready)])

    def points(self, ready: pd.DataFrame) -> pd.DataFrame:
        """Points of each predictor, and ``total``, for complete rows."""
        out = {}
        for j, (p, beta) in enumerate(zip(self.predictors, self.coefficients, strict=True)):
            x = np.column_stack([c[2] for c in p.term.columns(ready)])
            out[p.label] = self.scales.points_of(x @ beta, j)
        frame = pd.DataFrame(out, index=ready.index)
        return frame.assign(total=frame.sum(axis=1))

    def predict(self, table: pd.DataFrame, unseen: str = UNSEEN[0]) -> pd.DataFrame:
        """For each row: linear_predictor (centred), total_points, and for each time survival_12,
        survival_12_lower, survival_12_upper; NaN where a value is missing or unknown."""
        ready, _ = self.ready(table, unseen)
        known = ready.notna().all(axis=1)
        out = pd.DataFrame(index=table.index)
        x = self.design(ready[known])
        lp = self.cox.linear_predictor(x)
        columns = {"linear_predictor": lp, "total_points": self.scales.total_points(lp)}
        for t, found in zip(self.times, zip(*self._survival(x), strict=True), strict=True):
            for name, values in zip(("", "_lower", "_upper"), found, strict=True):
                columns[f"survival_{t:g}{name}"] = values
        for name, values in columns.items():
            out.loc[known, name] = values
        return out

    def _survival(self, x: npt.NDArray[np.float64]) -> list[npt.NDArray[np.float64]]:
        return [a.T for a in self.cox.survival(x, self.times, self.stratum)]


@dataclass(frozen=True)
class Unseen:
    """Levels the model never saw: by predictor, level -> patients."""

    levels: Mapping[str, Mapping[str, int]]

    def words(self, unseen: str, names: Mapping[str, str] | None = None) -> list[str]:
        """One sentence for each predictor."""
        fate = {
            "leave out": "left out, as the model cannot know their risk",
            "reference": "read as the reference level, which is a guess",
        }[unseen]
        return [
            f"{label}: {sum(found.values()):,} patients have a level that no discovery patient of "
            f"the model had ({', '.join(f'{v} {n:,}' for v, n in found.items())}); they are {fate}."
            for label, found in self.levels.items()
        ]


def _numbers(label: str, values: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce")
    bad = numbers.isna() & values.notna() & (values.astype(str).str.strip() != "")
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise BadInput(
            f"{label} is not a number in {int(bad.sum())} rows.",
            expected="numbers, or nothing where unknown",
            found=f"{str(values.iloc[row])[:40]!r}",
            where=f"row {row + 1}",
            remedy="Correct the rows, or leave them empty.",
        )
    return numbers.astype(float)


def level_words(predictor: Predictor) -> str:
    """What a predictor may be: its levels, or its range."""
    if predictor.levels:
        return ", ".join(predictor.levels)
    low, high = predictor.observed[0], predictor.observed[-1]
    return f"{tick_label(round(low, 2))} to {tick_label(round(high, 2))}{predictor.unit}"
