"""The fits behind the Cox page: one multivariable model, one of each term alone, one without the
gene, all of the same patients' columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.analysis.covariates import ModelTerm
from core.analysis.cox_rows import FittedModel
from core.analysis.survival import MIN_EVENTS, MIN_PATIENTS
from core.stats.concordance import Concordance, concordance_of
from core.stats.cox import ChiSquare, cox
from core.stats.cox_terms import Categorical, TermsFit, crossed, fit_terms
from core.stats.interaction import likelihood_ratio
from core.stats.survival_data import merge_near_ties

Mask = npt.NDArray[np.bool_]


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
        time = merge_near_ties(np.asarray(data["time_months"], dtype=float))[0]
        event = np.asarray(data["event"], dtype=float)
        self._values: dict[str, Any] = {"time_months": time, "event": event}
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

    def fit(self, terms: Sequence[ModelTerm], among: Mask) -> FittedModel:
        """The model of those of ``among`` whose columns are known, by Firth's penalty where an arm
        of the first term, if it is the gene, is small.

        A level without an event has an infinite estimate, at which its patients leave every risk
        set: the other estimates are those of the model without these patients, so they are left
        out.
        """
        used = [self._column(t) for t in terms]
        columns = dict.fromkeys([*used, *self.strata, "time_months", "event"])
        keep = np.logical_and.reduce([among, *(self._known[c] for c in columns)])
        without_event = {}
        known = keep.copy()
        for term, column in zip(terms, used, strict=True):
            if column == self.gene or not isinstance(term.term, Categorical):
                continue
            n, events = self._counts(column, known)
            for i in np.flatnonzero((n > 0) & (events == 0)):
                level = term.term.levels[i]
                if level != term.term.reference:
                    without_event[column, str(level)] = int(n[i])
                    keep &= self._values[column].codes != i
        small = False
        if used[0] == self.gene:
            n, events = self._counts(self.gene, keep)
            small = bool((n < MIN_PATIENTS).any() or (events < MIN_EVENTS).any())
        data = {c: self._values[c][keep] for c in columns}
        made = fit_terms(
            data, [t.term for t in terms], "time_months", "event", strata=self.strata,
            penalty="firth" if small else None, complete=True,
        )  # fmt: skip
        return FittedModel(made, data, small, without_event)

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
    model: FittedModel, gene: str, by: Sequence[str]
) -> tuple[Concordance, Concordance | None, ChiSquare]:
    """C of the model and of the model without the gene, and the gene's likelihood ratio."""
    made, data = model.made, model.data
    time, event, strata = data["time_months"], data["event"], crossed(data, by)
    unknown = ChiSquare(float("nan"), 0, float("nan"))
    whole = concordance_of(made.fit)
    others = [j for j, term in enumerate(made.fit.groups) if term != gene]
    if not others:
        return whole, None, unknown
    x, penalty = made.design.matrix[:, others], made.fit.penalty
    without = cox(
        x, time, event, names=[made.fit.names[j] for j in others], strata=strata,
        penalty=penalty,
    )  # fmt: skip
    if penalty is None and len(without.kept):
        unknown = likelihood_ratio(without, made.fit)
    return whole, concordance_of(without), unknown
