"""From a frame and a list of terms to the columns of a Cox model, without formulas.

A term says what becomes of a column: :class:`Continuous`, :class:`Categorical` (the reference
level is always named), :class:`Spline` (restricted cubic, Harrell's knots), or the
:class:`Interaction` of two of them. Patients with a missing value in any column used are left
out, and the design says how many lacked which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from core.model import BadInput, NotEnoughData
from core.stats.cox import ChiSquare, CoxFit, cox, cox_each
from core.stats.cox_newton import solve
from core.stats.cox_risk import Array
from core.stats.spline import default_knots, restricted_cubic

Table = Mapping[str, Any] | pd.DataFrame
"""A frame, or its columns by name: series, arrays or pandas categoricals of one length."""


@dataclass(frozen=True)
class Continuous:
    """(x - center) / scale, of log2(x + plus) where ``log2``; the hazard ratio is per ``scale``."""

    column: str
    log2: bool = False
    plus: float = 0.0
    scale: float = 1.0
    center: float = 0.0
    label: str = ""

    @property
    def name(self) -> str:
        base = f"log2({self.column})" if self.log2 else self.column
        return self.label or (base if self.scale == 1 else f"{base} (per {self.scale:g})")

    def resolve(self, frame: Table) -> Continuous:
        if self.log2 and (bad := int((_numbers(frame, self.column) + self.plus <= 0).sum())):
            raise BadInput(
                f"{self.column} has no logarithm in {bad} patients.",
                expected=f"values above {-self.plus:g}",
                remedy="Set `plus` to a small amount, or leave the logarithm off.",
            )
        return self

    def columns(self, frame: Table) -> list[tuple[str, str, Array]]:
        x = _numbers(frame, self.column)
        x = np.log2(x + self.plus) if self.log2 else x
        return [(self.name, "", (x - self.center) / self.scale)]


@dataclass(frozen=True)
class Categorical:
    """One 0/1 column for every level but ``reference``; ``levels`` fixes their order.

    Without ``levels`` they stand in sorted order, or in that of a pandas categorical. A level
    without patients gets no column.
    """

    column: str
    reference: object
    levels: tuple[object, ...] = ()
    label: str = ""

    @property
    def name(self) -> str:
        return self.label or self.column

    def resolve(self, frame: Table) -> Categorical:
        codes, known = _coded(frame[self.column])
        found = [known[code] for code in np.flatnonzero(np.bincount(codes[codes >= 0]))]
        if self.levels:
            if extra := [v for v in found if v not in self.levels]:
                raise BadInput(
                    f"{self.column} has levels that are not listed.",
                    expected=", ".join(map(str, self.levels)),
                    found=", ".join(map(str, extra)),
                )
            order = [v for v in self.levels if v in found]
        elif isinstance(frame[self.column].dtype, pd.CategoricalDtype):
            order = found
        else:
            order = sorted(found, key=lambda v: (str(type(v)), v))
        if self.reference not in order:
            raise BadInput(
                f"{self.column} has no patient at the reference level {self.reference!r}.",
                expected="one of " + ", ".join(map(repr, order)),
                remedy="Choose a reference level that occurs among the patients.",
            )
        return replace(self, levels=tuple(order))

    def columns(self, frame: Table) -> list[tuple[str, str, Array]]:
        codes, known = _coded(frame[self.column])
        place = {level: code for code, level in enumerate(known)}
        return [
            (f"{self.name}: {v}", str(v), (codes == place.get(v, -2)).astype(float))
            for v in self.levels
            if v != self.reference
        ]


@dataclass(frozen=True)
class Spline:
    """Restricted cubic spline, linear beyond the outer knots.

    With ``knots`` a number from 3 to 7, they stand at Harrell's quantiles (the outer two at the
    fifth smallest and largest value below 100 patients, as rms does); or give their places.
    Columns are x and, for j = 1 .. k - 2, the truncated cubics divided by (t_k - t_1)^2.
    """

    column: str
    knots: int | tuple[float, ...] = 5
    label: str = ""

    @property
    def name(self) -> str:
        return self.label or self.column

    def resolve(self, frame: Table) -> Spline:
        places = self.knots
        if isinstance(places, int):
            places = default_knots(_numbers(frame, self.column), places)
        if len(places) < 3 or (np.diff(places) <= 0).any():
            raise BadInput(
                f"{self.column} has too few distinct values for its knots.",
                expected="3 or more rising places",
                found=", ".join(f"{k:g}" for k in places),
                remedy="Use fewer knots or a straight line.",
            )
        return replace(self, knots=tuple(float(k) for k in places))

    def columns(self, frame: Table) -> list[tuple[str, str, Array]]:
        assert isinstance(self.knots, tuple)
        basis = restricted_cubic(_numbers(frame, self.column), self.knots)
        marks = ["" if j == 0 else "'" * j for j in range(basis.shape[1])]
        return [(self.name + m, "", b) for m, b in zip(marks, basis.T, strict=True)]


@dataclass(frozen=True)
class Interaction:
    """Products of the columns of two terms; the terms themselves are listed separately."""

    first: Continuous | Categorical | Spline
    second: Continuous | Categorical | Spline

    @property
    def name(self) -> str:
        return f"{self.first.name} x {self.second.name}"

    def resolve(self, frame: Table) -> Interaction:
        return Interaction(self.first.resolve(frame), self.second.resolve(frame))

    def columns(self, frame: Table) -> list[tuple[str, str, Array]]:
        pairs = product(self.second.columns(frame), self.first.columns(frame))
        return [
            (f"{a[0]} x {b[0]}", " x ".join(v for v in (a[1], b[1]) if v), a[2] * b[2])
            for b, a in pairs
        ]


Term = Continuous | Categorical | Spline | Interaction


def _coded(values: Any) -> tuple[np.ndarray[Any, Any], list[Any]]:
    """Codes of a column of categories (-1 where missing), and the level of each code."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        own = values.cat if isinstance(values, pd.Series) else values
        return np.asarray(own.codes), list(own.categories)
    codes, levels = pd.factorize(values)
    return codes, list(levels)


def _numbers(frame: Table, column: str) -> Array:
    try:
        return np.asarray(frame[column], dtype=float)
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"{column} is not numeric.", found=str(error), remedy="Use a categorical term."
        ) from error


@dataclass(frozen=True, eq=False)
class Design:
    """The columns that terms make of a frame.

    ``cells``: of each column its term (the column's name), variable (the term it belongs to),
    level, reference, n and events (of the level; of the rows that are not 0 for a product; else of
    all). ``lacking``: variable -> patients in whom it is missing; ``used``: rows of the frame kept.
    """

    terms: tuple[Term, ...]
    matrix: Array = field(repr=False)
    cells: dict[str, Any]
    used: np.ndarray[Any, np.dtype[np.bool_]] = field(repr=False)
    lacking: dict[str, int]
    warnings: tuple[str, ...] = ()

    @property
    def columns(self) -> pd.DataFrame:
        """``cells`` as a frame."""
        return pd.DataFrame(self.cells)

    @property
    def missing(self) -> pd.DataFrame:
        """``lacking`` as a frame: variable, missing."""
        return pd.DataFrame({"variable": list(self.lacking), "missing": self.lacking.values()})

    @property
    def n_dropped(self) -> int:
        """Patients left out because some value was missing."""
        return int((~self.used).sum())

    def keep(self, values: Any) -> Any:
        """The values of the rows that are used."""
        return values if self.used.all() else values[self.used]

    def part(self, terms: Sequence[int]) -> tuple[list[int], Design]:
        """The design of some of the terms, and the columns that are theirs."""
        own = tuple(self.terms[i] for i in terms)
        names = [t.name for t in own]
        at = [j for name in names for j, v in enumerate(self.cells["variable"]) if v == name]
        cells = {
            key: values[at] if isinstance(values, np.ndarray) else [values[j] for j in at]
            for key, values in self.cells.items()
        }
        told = tuple(_one_level(t) for t in own if t.name not in cells["variable"])
        lost = () if self.used.all() else self.warnings[:1]
        matrix = self.matrix[:, at]
        return at, replace(self, terms=own, matrix=matrix, cells=cells, warnings=lost + told)

    def of(self, frame: Table) -> Array:
        """The same columns for new patients, with the levels and knots found here."""
        return np.column_stack([c[2] for t in self.terms for c in t.columns(frame)])


@dataclass(frozen=True, eq=False)
class TermsFit:
    """A Cox model with the design that it was fitted to."""

    fit: CoxFit
    design: Design

    @property
    def warnings(self) -> tuple[str, ...]:
        return self.design.warnings + self.fit.warnings

    def table(self) -> pd.DataFrame:
        """The fit's table with variable, level and reference of each column."""
        return pd.DataFrame(self._columns())

    def rows(self) -> list[dict[str, Any]]:
        """:meth:`table` row by row, as plain values."""
        columns = self._columns()
        values = (v.tolist() if isinstance(v, np.ndarray) else v for v in columns.values())
        return [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]

    def _columns(self) -> dict[str, Any]:
        labels = {name: self.design.cells[name] for name in ("variable", "level", "reference")}
        return self.fit.columns() | labels

    def term_tests(self) -> pd.DataFrame:
        """Wald test of each term (all of its columns): term, chi_square, df, p_value."""
        rows = []
        for term in dict.fromkeys(self.fit.groups):
            at = [j for j in self.fit.kept if self.fit.groups[j] == term]
            beta = self.fit.coefficients[at]
            statistic = float("nan")
            if len(at) and np.isfinite(beta).all():
                statistic = float(beta @ solve(self.fit.covariance[np.ix_(at, at)], beta))
            test = ChiSquare.of(statistic, len(at))
            rows.append((term, test.statistic, test.df, test.p_value))
        return pd.DataFrame(rows, columns=["term", "chi_square", "df", "p_value"])


def _sources(term: Term) -> list[str]:
    if isinstance(term, Interaction):
        return _sources(term.first) + _sources(term.second)
    return [term.column]


def design(
    frame: Table, terms: Sequence[Term], event: str, *also: str, complete: bool = False
) -> Design:
    """Resolve ``terms`` on the complete rows of ``frame``; ``also`` must not be missing either.

    ``complete``: the caller knows that no value is missing, so that none is looked for. Raises
    BadInput for an unknown column and NotEnoughData where no complete patient is left.
    """
    wanted = list(dict.fromkeys([c for t in terms for c in _sources(t)] + [event, *also]))
    if unknown := [c for c in wanted if c not in frame]:
        raise BadInput(f"No column {', '.join(unknown)}.", expected=", ".join(map(str, frame)))
    rows: dict[str, Any] = {c: frame[c] for c in wanted}
    gone = np.zeros((len(wanted), len(rows[event])), dtype=bool)
    if not complete:
        gone = np.array([pd.isna(values) for values in rows.values()])
    used = np.asarray(~gone.any(axis=0))
    lacking = dict(zip(wanted, gone.sum(axis=1).tolist(), strict=True))
    told = [(v, k) for v, k in lacking.items() if k]
    if not used.any():
        raise NotEnoughData(
            "No patient has all values.", found="; ".join(f"{v} missing in {k}" for v, k in told)
        )
    warnings = []
    if dropped := int((~used).sum()):
        parts = ", ".join(f"{v} {k}" for v, k in told)
        warnings.append(f"{dropped} of {len(used)} patients left out for missing values: {parts}.")
        rows = {c: values[used] for c, values in rows.items()}
    resolved = [t.resolve(rows) for t in terms]
    labels: list[tuple[str, str, str, str]] = []
    made: list[Array] = []
    for term in resolved:
        found = term.columns(rows)
        if not found:
            warnings.append(_one_level(term))
        reference = str(term.reference) if isinstance(term, Categorical) else ""
        labels += [(name, term.name, level, reference) for name, level, _ in found]
        made += [x for _, _, x in found]
    matrix = np.column_stack(made) if made else np.empty((len(rows[event]), 0))
    names = ("term", "variable", "level", "reference")
    cells: dict[str, Any] = {n: [label[i] for label in labels] for i, n in enumerate(names)}
    at = (matrix != 0) | (np.array(cells["level"], dtype=object) == "")
    cells["n"] = at.sum(axis=0)
    cells["events"] = (np.asarray(rows[event], dtype=float) @ at).astype(int)
    return Design(tuple(resolved), matrix, cells, used, lacking, tuple(warnings))


def _one_level(term: Term) -> str:
    return f"{term.name} has one level only; it is not in the model."


def crossed(rows: Table, by: Sequence[str]) -> Any:
    """The stratum of each row: one column, or several crossed; None without any."""
    if len(by) < 2:
        return rows[by[0]] if by else None
    return pd.DataFrame({c: rows[c] for c in by}).astype(str).agg(" / ".join, axis=1)


def fit_terms(
    frame: Table,
    terms: Sequence[Term],
    time: str,
    event: str,
    *,
    strata: str | Sequence[str] | None = None,
    entry: str | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    offset: str | None = None,
    complete: bool = False,
    **how: Any,
) -> TermsFit:
    """Fit a Cox model to named columns of a frame.

    All names are columns of ``frame``; several ``strata`` are crossed. ``complete``: the caller
    knows that no value is missing, so that none is looked for. ``how`` goes to
    :func:`core.stats.cox.cox` (ties, robust, penalty, level). Raises what :func:`design` and
    ``cox`` raise.
    """
    by = [strata] if isinstance(strata, str) else list(strata or ())
    named = [c for c in (entry, weights, cluster, offset) if c is not None]
    made = design(frame, terms, event, time, *by, *named, complete=complete)

    def values(column: str | None) -> Any:
        return None if column is None else made.keep(frame[column])

    labels = crossed({c: values(c) for c in by}, by)
    fit = cox(
        made.matrix,
        values(time),
        values(event),
        names=made.cells["term"],
        groups=made.cells["variable"],
        counts={name: made.cells[name] for name in ("n", "events")},
        strata=labels,
        entry=values(entry),
        weights=values(weights),
        cluster=values(cluster),
        offset=values(offset),
        **how,
    )
    return TermsFit(fit, made)


def fit_each(
    frame: Table,
    terms: Sequence[Term],
    parts: Sequence[Sequence[int]],
    time: str,
    event: str,
    *,
    strata: Sequence[str] = (),
    complete: bool = False,
    level: float = 0.95,
) -> list[TermsFit]:
    """Models of some of the terms each, those that ``parts`` number, of the patients in whom no
    term is missing; each equals :func:`fit_terms` of these patients and terms."""
    made = design(frame, terms, event, time, *strata, complete=complete)
    own = [made.part(part) for part in parts]
    fits = cox_each(
        made.matrix,
        made.keep(frame[time]),
        made.keep(frame[event]),
        [at for at, _ in own],
        names=made.cells["term"],
        groups=made.cells["variable"],
        counts={name: made.cells[name] for name in ("n", "events")},
        strata=crossed({c: made.keep(frame[c]) for c in strata}, strata),
        level=level,
    )
    return [TermsFit(fit, part) for fit, (_, part) in zip(fits, own, strict=True)]
