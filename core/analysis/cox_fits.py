"""The fits behind the Cox page: one multivariable model, one of each term alone, one without the
gene, all of the same patients' columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.analysis.covariates import ModelTerm
from core.analysis.cox_rows import FittedModel
from core.analysis.survival import MIN_EVENTS, MIN_PATIENTS
from core.stats.concordance import Concordance, concordance_of
from core.stats.cox import ChiSquare
from core.stats.cox_terms import Categorical, TermsFit, fit_each, fit_terms
from core.stats.interaction import likelihood_ratio

Mask = npt.NDArray[np.bool_]


class _Who(NamedTuple):
    """The patients of a model; see :class:`FittedModel`."""

    kept: Mask
    without_event: dict[tuple[str, str], int]
    small: bool


class Patients:
    """Columns of the patients of a question, looked at once for all of its models.

    ``data``: time_months, event, the columns of ``terms`` and ``strata``; ``gene`` names the term
    whose arms must be large enough.
    """

    def __init__(
        self,
        data: Mapping[str, npt.NDArray[Any]],
        terms: Sequence[ModelTerm],
        strata: Sequence[str],
        gene: str,
    ) -> None:
        self.strata, self.gene = list(strata), gene
        used = {self._column(t): t.term for t in terms}
        self._values: dict[str, Any] = {
            c: np.asarray(data[c], dtype=float) for c in ("time_months", "event")
        }
        for column in dict.fromkeys([*used, *strata]):
            self._values[column] = values = data[column]
            term = used.get(column)
            if isinstance(term, Categorical):
                levels = pd.Index(term.levels, dtype=object)
                codes = levels.get_indexer(pd.Index(values, dtype=object))  # other levels: missing
                self._values[column] = pd.Categorical.from_codes(codes, categories=levels)
            elif column in strata:
                self._values[column] = pd.Categorical(values)
        self._known = {c: pd.notna(values) for c, values in self._values.items()}

    def whole(self, terms: Sequence[ModelTerm], among: Mask) -> tuple[FittedModel, TermsFit | None]:
        """The model of all ``terms``, and the same without the first, on the same patients; None
        where there is no other."""
        who = self._who(terms, among)
        rest = list(range(1, len(terms)))
        if not who.small:
            found = self._fit(terms, who, [range(len(terms)), rest] if rest else [[0]])
            return found[0], found[1].made if rest else None
        return self._firth(terms, who), self._firth(terms[1:], who).made if rest else None

    def each(self, terms: Sequence[ModelTerm], among: Mask) -> list[FittedModel]:
        """The model of each of ``terms`` alone, of those of ``among`` in whom it is known."""
        who = [self._who([term], among) for term in terms]
        out: dict[int, FittedModel] = {}
        alike: dict[bytes, list[int]] = {}
        for i, own in enumerate(who):
            if own.small:
                out[i] = self._firth([terms[i]], own)
            else:
                alike.setdefault(own.kept.tobytes(), []).append(i)
        for at in alike.values():
            found = self._fit([terms[i] for i in at], who[at[0]], [[k] for k in range(len(at))])
            for i, model in zip(at, found, strict=True):
                out[i] = replace(model, without_event=who[i].without_event)
        return [out[i] for i in range(len(terms))]

    def _who(self, terms: Sequence[ModelTerm], among: Mask) -> _Who:
        """Those of ``among`` whose columns are known.

        A level without an event has an infinite estimate, at which its patients leave every risk
        set: the other estimates are those of the model without these patients, so they are left
        out. An arm of the first term, if it is the gene, may be small.
        """
        used = [self._column(t) for t in terms]
        columns = dict.fromkeys([*used, *self.strata, "time_months", "event"])
        kept = np.logical_and.reduce([among, *(self._known[c] for c in columns)])
        without_event = {}
        known = kept.copy()
        for term, column in zip(terms, used, strict=True):
            if column == self.gene or not isinstance(term.term, Categorical):
                continue
            n, events = self._counts(column, known)
            for i in np.flatnonzero((n > 0) & (events == 0)):
                level = term.term.levels[i]
                if level != term.term.reference:
                    without_event[column, str(level)] = int(n[i])
                    kept &= self._values[column].codes != i
        small = False
        if used[0] == self.gene:
            n, events = self._counts(self.gene, kept)
            small = bool((n < MIN_PATIENTS).any() or (events < MIN_EVENTS).any())
        return _Who(kept, without_event, small)

    def _fit(
        self, terms: Sequence[ModelTerm], who: _Who, parts: Sequence[Sequence[int]]
    ) -> list[FittedModel]:
        data, own = self._data(terms, who), [t.term for t in terms]
        models = fit_each(
            data, own, parts, "time_months", "event", strata=self.strata, complete=True
        )
        return [FittedModel(made, data, False, who.without_event) for made in models]

    def _firth(self, terms: Sequence[ModelTerm], who: _Who) -> FittedModel:
        data = self._data(terms, who)
        made = fit_terms(
            data, [t.term for t in terms], "time_months", "event", strata=self.strata,
            penalty="firth", complete=True,
        )  # fmt: skip
        return FittedModel(made, data, True, who.without_event)

    def _data(self, terms: Sequence[ModelTerm], who: _Who) -> dict[str, Any]:
        used = [self._column(t) for t in terms]
        columns = dict.fromkeys([*used, *self.strata, "time_months", "event"])
        return {c: self._values[c][who.kept] for c in columns}

    def _column(self, term: ModelTerm) -> str:
        """The gene's column bears the term's name, a covariate's its label."""
        return term.term.name if term.term.name == self.gene else term.covariate.label

    def _counts(self, column: str, among: Mask) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Patients and events of each level of ``column``."""
        values = self._values[column]
        here, k = values.codes[among], len(values.categories)
        died = self._values["event"][among]
        return np.bincount(here, minlength=k), np.bincount(here, weights=died, minlength=k)


def unpenalised(model: FittedModel, terms: Sequence[ModelTerm], strata: Sequence[str]) -> TermsFit:
    """The model whose terms are tested."""
    if not model.firth:
        return model.made
    own = [t.term for t in terms]
    return fit_terms(model.data, own, "time_months", "event", strata=strata, complete=True)


def discrimination(
    model: FittedModel, without: TermsFit | None
) -> tuple[Concordance, Concordance | None, ChiSquare]:
    """C of the model and of the model without the gene, and the gene's likelihood ratio."""
    made, unknown = model.made, ChiSquare(float("nan"), 0, float("nan"))
    whole = concordance_of(made.fit)
    if without is None:
        return whole, None, unknown
    if not model.firth and len(without.fit.kept):
        unknown = likelihood_ratio(without.fit, made.fit)
    return whole, concordance_of(without.fit), unknown
