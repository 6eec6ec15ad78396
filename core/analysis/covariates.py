"""The covariates that a Cox model may adjust for: their columns, codings and reference levels.

A :class:`Covariate` is a choice (which variable, coded how, against which level);
:func:`covariate_columns` fetches its values and :func:`model_terms` makes the model's terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.groups import MUTATION_ORDER, mutation_status
from core.model import BadInput, Stratifier
from core.stats.cox_terms import Categorical, Continuous, Spline, Term
from core.store import Store

CATEGORIES: dict[str, tuple[str, str]] = {
    "sex": ("Sex", "female"),
    "tumor_type": ("Cancer type", ""),
    "drug_class": ("Drug class", "PD-1/PD-L1"),
    "stage": ("Stage", ""),
    "assay": ("Assay", ""),
    "cohort_id": ("Study", ""),
}
"""Columns of a patient that are categories: name, usual reference (empty: the largest level)."""

CODINGS: dict[str, dict[str, str]] = {
    "age_years": {
        "linear": "per 10 years",
        "spline": "spline, 4 knots",
        "cut": "two groups",
    },
    "tmb": {
        "z": "within cohort, per SD of log2(TMB + 1)",
        "linear": "per 10 mutations/Mb",
        "log2": "per doubling of TMB + 1",
        "spline": "spline of log2(TMB + 1), 4 knots",
        "cut": "two groups",
    },
    "number": {"linear": "per SD", "spline": "spline, 4 knots", "cut": "two groups"},
}
"""Codings of numeric variables; the first is the default."""

USUAL_CUT = {"age_years": 65.0, "tmb": 10.0}
"""Of two groups, in years and in mutations per Mb; the upper group holds the cut itself."""

GENE, CLINICAL = "gene:", "clinical:"
"""What leads the name of a covariate that is a gene's mutation or a further clinical variable."""

CLINICAL_LABEL = {
    "ecog": "ECOG status",
    "ldh_elevated": "LDH elevated",
    "pdl1_tps": "PD-L1 TPS",
    "prior_ctla4": "Prior anti-CTLA-4",
    "m_stage": "M stage",
}

AFTER_BASELINE = (
    "responder",
    "long_term_benefit",
    "cause_of_death",
    "biopsy_time",
    "tumor_status",
    "redacted",
    "case_list",
    "age_group",
)
"""Clinical variables not offered as covariates: known only after treatment began (adjusting for
them would hide the effect), or no property of the patient, or a coarser form of another one."""

UNEXPOSED = ("0", "no", "never", "False", "FALSE", "M0")
"""Levels that are the usual reference of a clinical variable."""

SPARSE = 10
"""Levels with fewer complete patients are pooled as OTHER, and the result says which."""

OTHER = "other"

SPLINE_KNOTS = 4


@dataclass(frozen=True)
class Covariate:
    """A variable of the patient, ``gene:SYMBOL`` or ``clinical:NAME``, and how it is coded.

    Empty ``coding`` and ``reference`` and a ``cut`` of None mean the usual ones.
    """

    variable: str
    coding: str = ""
    reference: str = ""
    cut: float | None = None

    @property
    def label(self) -> str:
        """What tables call it; also its column's name."""
        if self.variable in CATEGORIES:
            return CATEGORIES[self.variable][0]
        if self.variable.startswith(GENE):
            return self.variable.removeprefix(GENE)
        if self.variable.startswith(CLINICAL):
            name = self.variable.removeprefix(CLINICAL)
            words = name.replace("_", " ")
            return CLINICAL_LABEL.get(name, words[:1].upper() + words[1:])
        return {"age_years": "Age", "tmb": "TMB"}.get(self.variable, self.variable)


DEFAULT_COVARIATES: tuple[Covariate, ...] = (
    Covariate("age_years"),
    Covariate("sex"),
    Covariate("tumor_type"),
    Covariate("drug_class"),
    Covariate("tmb"),
    Covariate("gene:TP53"),
)
"""Those of the paper's figures 1D and 1E."""


def covariate_columns(
    store: Store, frame: pd.DataFrame, covariates: Sequence[Covariate], classes: tuple[str, ...]
) -> pd.DataFrame:
    """The values of each covariate, one column named by its label, aligned with ``frame``.

    Genes are ``mutant`` or ``wild type`` by calls of ``classes``; missing where not profiled.
    Raises UnknownGene, and BadInput for a variable or a coding that does not exist.
    """
    return pd.DataFrame(
        {c.label: _values(store, frame, c, classes) for c in covariates}, index=frame.index
    )


def _values(
    store: Store, frame: pd.DataFrame, covariate: Covariate, classes: tuple[str, ...]
) -> pd.Series:
    name = covariate.variable
    if name.startswith(GENE):
        gene = Stratifier(genes=(name.removeprefix(GENE),), classes=classes)
        status = mutation_status(store, gene)[frame.patient_key.to_numpy()]
        words = np.array([None, *MUTATION_ORDER], dtype=object)[status + 1]
        return pd.Series(words, index=frame.index, dtype=object)
    if name.startswith(CLINICAL):
        found = store.clinical(name.removeprefix(CLINICAL)).set_index("patient_key")
        by_key = found.reindex(frame.patient_key)
        column = by_key.number if by_key.number.notna().any() else by_key.value
        return pd.Series(column.to_numpy(), index=frame.index)
    if name == "tmb":
        return frame["tmb_z" if _coding(covariate) == "z" else "tmb_per_mb"]
    if name not in ("age_years", *CATEGORIES):
        raise BadInput(
            f"There is no covariate {name!r}.",
            expected=", ".join(["age_years", "tmb", *CATEGORIES, "gene:SYMBOL", "clinical:NAME"]),
            found=name,
            remedy="Choose one of these.",
        )
    return frame[name]


def _coding(covariate: Covariate) -> str:
    known = CODINGS.get(covariate.variable, CODINGS["number"])
    coding = covariate.coding or next(iter(known))
    if coding not in known:
        raise BadInput(
            f"{covariate.label} cannot be coded as {coding!r}.",
            expected=", ".join(known),
            found=coding,
            remedy="Choose one of these.",
        )
    return coding


@dataclass(frozen=True)
class ModelTerm:
    """A term of the model, what it is called and, of categories, its levels by size."""

    covariate: Covariate
    term: Term
    title: str
    pooled: tuple[str, ...] = ()
    """Levels that stand under OTHER."""


def model_terms(
    columns: pd.DataFrame, covariates: Sequence[Covariate], complete: npt.NDArray[np.bool_]
) -> tuple[dict[str, pd.Series], list[ModelTerm]]:
    """Columns ready for the model, by label, and a term for each covariate.

    ``complete`` marks the patients of the multivariable model, by whom levels are counted, so
    that a level means the same in every model. Raises BadInput for a reference that is no level.
    """
    ready, terms = {}, []
    for covariate in covariates:
        name = covariate.label
        values = columns[name]
        if pd.api.types.is_numeric_dtype(values):
            made, ready[name] = _numeric(covariate, values, complete)
        else:
            made, ready[name] = _category(covariate, values, complete)
        terms.append(made)
    return ready, terms


def _category(
    covariate: Covariate, values: pd.Series, complete: npt.NDArray[np.bool_]
) -> tuple[ModelTerm, pd.Series]:
    codes, found = pd.factorize(values)
    counted = codes[complete & (codes >= 0)]
    size = dict(zip(found, np.bincount(counted, minlength=len(found)).tolist(), strict=True))
    # Levels of equal size stand in the order of their names.
    levels = sorted(size, key=lambda v: (-size[v], v))
    sparse = sorted(v for v in levels if size[v] < SPARSE)
    if len(sparse) > 1 and len(levels) > len(sparse) and not covariate.variable.startswith(GENE):
        names = np.array([OTHER if v in sparse else v for v in found] + [None], dtype=object)
        values = pd.Series(names[codes], index=values.index, dtype=object)
        size[OTHER] = sum(size[v] for v in {*sparse, OTHER} & set(size))
        levels = [v for v in levels if v not in sparse and v != OTHER] + [OTHER]
    else:
        sparse = []
    reference = _reference(covariate, [v for v in levels if size[v]])
    term = Categorical(
        covariate.label, reference, (reference, *[v for v in levels if v != reference])
    )
    title = f"{covariate.label}, against {reference}"
    return ModelTerm(covariate, term, title, tuple(sparse)), values


def _reference(covariate: Covariate, levels: Sequence[str]) -> str:
    usual = CATEGORIES.get(covariate.variable, ("", ""))[1]
    if covariate.variable.startswith(GENE):
        usual = MUTATION_ORDER[0]
    if covariate.variable.startswith(CLINICAL):
        usual = next((v for v in UNEXPOSED if v in levels), "")
    if covariate.reference in levels:
        return covariate.reference
    return usual if usual in levels else (levels[0] if levels else "")


def _numeric(
    covariate: Covariate, values: pd.Series, complete: npt.NDArray[np.bool_]
) -> tuple[ModelTerm, pd.Series]:
    coding, name = _coding(covariate), covariate.label
    known = CODINGS.get(covariate.variable, CODINGS["number"])
    title = f"{name}, {known[coding]}"
    if coding == "cut":
        return _two_groups(covariate, values, complete)
    if coding == "spline":
        if covariate.variable == "tmb":
            values = np.log2(values + 1)
        return ModelTerm(covariate, Spline(name, SPLINE_KNOTS), title), values
    if coding == "log2":
        return ModelTerm(
            covariate, Continuous(name, log2=True, plus=1.0, label=title), title
        ), values
    scale = {"age_years": 10.0, "tmb": 10.0 if coding == "linear" else 1.0}.get(covariate.variable)
    if scale is None:
        spread = float(values[complete].std())
        scale = spread if spread > 0 else 1.0
        title = f"{name}, per {scale:.3g} (1 SD)"
    return ModelTerm(covariate, Continuous(name, scale=scale, label=title), title), values


def _two_groups(
    covariate: Covariate, values: pd.Series, complete: npt.NDArray[np.bool_]
) -> tuple[ModelTerm, pd.Series]:
    cut = covariate.cut
    if cut is None:
        cut = USUAL_CUT.get(covariate.variable, float(values[complete].median()))
    unit = {"age_years": " years", "tmb": " per Mb"}.get(covariate.variable, "")
    below, above = f"under {cut:g}{unit}", f"{cut:g}{unit} or more"
    words = pd.Series(np.where(values >= cut, above, below), index=values.index, dtype=object)
    levels = (below, above)
    reference = covariate.reference if covariate.reference in levels else below
    term = Categorical(covariate.label, reference, levels)
    title = f"{covariate.label}, against {reference}"
    return ModelTerm(covariate, term, title), words.where(values.notna(), None)
