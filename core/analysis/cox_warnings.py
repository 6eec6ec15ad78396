"""What must be known before a Cox model is believed: who was lost, and what is shaky."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.analysis.covariates import OTHER, SPARSE, ModelTerm
from core.analysis.cox_rows import FittedModel
from core.analysis.survival import MIN_EVENTS, MIN_PATIENTS
from core.stats.zph import ZphTest

EVENTS_PER_COEFFICIENT = 10
"""Below this many events for each coefficient the model is said to be too large."""

INFLATED = 5**0.5
"""A term whose standard errors grow by more than this (a VIF of 5) is said to be collinear."""

NOT_PROPORTIONAL = 0.05
"""Below this p-value the gene's hazard ratio is said to change over time."""

STRATA_LABEL = {
    "cohort_id": "study",
    "tumor_type": "cancer type",
    "drug_class": "drug class",
    "sex": "sex",
}
"""Columns that a model may be stratified by."""


def loss(
    lacking: Mapping[str, npt.NDArray[np.bool_]], rows: pd.DataFrame, names: dict[str, str]
) -> pd.DataFrame:
    """Patients who lack each covariate, those who lack nothing else, studies without it at all.

    ``lacking``: covariate -> who of ``rows`` lacks it.
    """
    alone = sum(gone.astype(int) for gone in lacking.values()) == 1
    codes, cohorts = pd.factorize(rows.cohort_id)
    out = []
    for column, gone in lacking.items():
        known = np.bincount(codes[~gone], minlength=len(cohorts))
        out.append(
            (
                STRATA_LABEL.get(column, column),
                int(gone.sum()),
                int((gone & alone).sum()),
                tuple(names.get(c, c) for c in cohorts[known == 0]),
            )
        )
    return pd.DataFrame(out, columns=["variable", "missing", "only_this", "whole_cohorts"])


def loss_warnings(missing: pd.DataFrame, n: int, complete: int) -> list[str]:
    """Studies that are lost entirely first, then how many patients lack what."""
    out = []
    gone: dict[str, list[str]] = {}
    for variable, cohorts in zip(missing.variable, missing.whole_cohorts, strict=True):
        for cohort in cohorts:
            gone.setdefault(cohort, []).append(variable)
    if gone:
        whole = "; ".join(f"{c} (no {', no '.join(v)})" for c, v in gone.items())
        out.append(
            f"Whole studies are lost to the multivariable model: {whole}. It speaks only of the "
            "others. Leave those covariates out to keep every study."
        )
    if complete < n:
        counted = zip(missing.variable, missing.missing, strict=True)
        parts = ", ".join(f"{variable} {k}" for variable, k in counted if k)
        out.append(
            f"{n - complete:,} of {n:,} patients ({(n - complete) / n:.0%}) lack a covariate and "
            f"are left out of the multivariable model. Missing: {parts}."
        )
    return out


def pooling_warnings(terms: Sequence[ModelTerm]) -> list[str]:
    """Which levels stand under OTHER."""
    return [
        f"{t.covariate.label}: levels with fewer than {SPARSE} patients stand together as "
        f"“{OTHER}” ({', '.join(t.pooled)})."
        for t in terms
        if t.pooled
    ]


def model_warnings(model: FittedModel, inflation: pd.DataFrame) -> list[str]:
    """Small arms, too few events, collinear terms, and what the fit itself says."""
    fit = model.made.fit
    told = ("left out for missing", "below ten", "is infinite")
    out = [w for w in model.made.warnings if not any(t in w for t in told)]
    if model.firth:
        out.append(
            f"An arm has fewer than {MIN_PATIENTS} patients or {MIN_EVENTS} events: the "
            "multivariable model carries Firth's penalty, and no p-value is given for the arm."
        )
    size = len(fit.kept)
    if size and fit.events < EVENTS_PER_COEFFICIENT * size:
        out.append(
            f"{fit.events} events for {size} coefficients, {fit.events / size:.1f} each: below "
            f"{EVENTS_PER_COEFFICIENT} per coefficient the estimates are unstable. "
            "Choose fewer covariates."
        )
    out += [
        f"{term} is nearly determined by the other covariates: its standard errors are "
        f"{times:.1f} times what they would be alone (collinearity)."
        for term, times in zip(inflation.term, inflation.se_inflation, strict=True)
        if times > INFLATED
    ]
    return out


def proportional_warnings(test: ZphTest | None, title: str) -> list[str]:
    """Where the gene's hazard ratio changes over time."""
    if test is None:
        return []
    p = dict(zip(test.terms, test.p_value, strict=True))
    if not p.get(title, float("nan")) < NOT_PROPORTIONAL:
        return []
    return [
        f"The hazard ratio of {title} changes over time (proportional hazards, p = "
        f"{p[title]:.2g}): the one printed is an average over the follow-up."
    ]
