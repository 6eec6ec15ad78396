"""The nomogram's predictors in a mixture-cure model: who is cured, and how fast the others die.

The paper calls its nomogram cure-model-based, but draws it with a package that fits Cox models
alone. The page's nomogram is the Cox model; this one stands beside it where it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.analysis.nomogram import NomogramBuild
from core.model import ENDPOINT_LABEL, NotEnoughData
from core.stats.cure import LEAST_EVENTS, CureFit, mixture_cure

END = 60.0
"""Months to which a patient's curve is drawn at most."""


@dataclass(frozen=True, eq=False)
class CureModel:
    """The fit, with the methods and the warnings that belong to it."""

    fit: CureFit
    methods: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class CurePrediction:
    """One patient. curve: time, survival, ci_lower, ci_upper; ``cured`` with its interval."""

    curve: pd.DataFrame
    cured: tuple[float, float, float]


def cure_model(build: NomogramBuild) -> CureModel:
    """Fit the mixture-cure model to the nomogram's patients and columns.

    Raises NotEnoughData for too few deaths, or where there is no single best fit.
    """
    sample, model = build.sample, build.model
    if build.firth:
        raise NotEnoughData(
            "A predictor separates the patients who die from the others: no mixture-cure model.",
            expected="predictors with deaths and survivors on either side",
            found="the Cox model needs Firth's penalty",
            remedy="Leave out the predictor.",
        )
    fit = mixture_cure(sample.x, sample.time, sample.event, model.cox.names)
    words = list(fit.warnings)
    if fit.aic >= fit.uncured_aic:
        words.append(
            "The model is no better than one in which nobody is cured (AIC "
            f"{fit.aic:,.1f} against {fit.uncured_aic:,.1f})."
        )
    if build.model.stratum:
        words.append("The mixture-cure model is not stratified: all studies share one baseline.")
    return CureModel(fit, _methods(model.endpoint), tuple(words))


def cure_prediction(build: NomogramBuild, cure: CureModel, patient: pd.DataFrame) -> CurePrediction:
    """Predict for ``patient``, a table of one row with the predictors' columns."""
    model = build.model
    ready, _ = model.ready(patient)
    x = model.design(ready)
    end = min(model.cox.baseline(model.stratum).last, max(END, *model.times))
    at = np.unique(np.concatenate([np.linspace(0.0, end, 121), model.times]))
    low, high, cured = cure.fit.intervals(x[0], at)
    survival = cure.fit.predict(x, at)[0]
    curve = pd.DataFrame({"time": at, "survival": survival, "ci_lower": low, "ci_upper": high})
    return CurePrediction(curve, (float(cure.fit.cured_share(x)[0]), *cured))


def _methods(endpoint: str) -> str:
    return (
        f"{ENDPOINT_LABEL[endpoint]} was also modelled by a mixture-cure model: the probability of "
        "being cured by logistic regression and the hazard of the others by a Weibull proportional "
        "hazards model, on the same predictors, by maximum likelihood with intervals from the "
        "observed information (Farewell 1982); it is fitted only with "
        f"{LEAST_EVENTS} deaths per parameter or more, and whether follow-up is long enough for a "
        "cured share is judged after Maller and Zhou (1996). A cured patient, to this model, is "
        "one who never dies."
    )
