"""How well a risk score ranks survival: Harrell's C and Uno's C, with standard errors.

A pair of patients is comparable when the earlier time is an event (a patient censored at the time
of an event lived longer; two events at one time are not comparable). It is concordant when the
patient with the event has the higher score; tied scores count half:
C = (concordant + tied/2) / comparable. Weights w_i of patients multiply, and each pair may carry
a weight of its event time: 1 for Harrell, 1/G(t)^2 for Uno, with G the Kaplan-Meier estimate of
being uncensored just before t, which takes the censoring out of the limit of C.

The standard error is the infinitesimal jackknife, sqrt(sum w_i^2 (dC/dw_i)^2), as R's
``survival::concordance`` gives it (the censoring weights held fixed).

Harrell et al. 1982; Uno et al. 2011; Therneau and Watson, The concordance statistic (2015).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from core.model import BadInput
from core.stats.censoring import censoring_survival
from core.stats.cox import CoxFit
from core.stats.pair_counts import pair_counts
from core.stats.survival_data import (
    FloatArray,
    IntArray,
    SurvivalData,
    coded,
    occurring,
    survival_data,
)


@dataclass(frozen=True)
class Concordance:
    """C with its standard error and plain interval, and the (weighted) pairs it rests on.

    NaN, with a warning, where no pair of patients is comparable.
    """

    c: float
    std_error: float
    ci_lower: float
    ci_upper: float
    concordant: float
    discordant: float
    tied_score: float
    n: int
    events: int
    warnings: tuple[str, ...] = ()


def concordance(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    score: npt.ArrayLike,
    *,
    strata: npt.ArrayLike | pd.Series | None = None,
    weights: npt.ArrayLike | None = None,
    level: float = 0.95,
) -> Concordance:
    """Harrell's C of a risk ``score``: above 1/2 when higher scores go with earlier events.

    With ``strata`` only pairs within a stratum count. The score may have ties; it must be finite
    (:class:`BadInput` otherwise), missing rows are left out with a warning.
    """
    risk = np.asarray(score, dtype=float)
    codes, labels = (None, []) if strata is None else coded(strata)
    by = [] if codes is None else [codes]
    data = survival_data(time, event, weights=weights, others=[risk], codes=by)
    stratum = None if codes is None else occurring(codes, labels, data.kept)[0]
    return _concordance(data, _finite(risk[data.kept]), stratum, None, level)


def concordance_of(fit: CoxFit, *, level: float = 0.95) -> Concordance:
    """Harrell's C of a Cox model among the patients it was fitted to, within its strata.

    What R's ``concordance(fit)`` gives for a model without entry times (BadInput with them). The
    patients need no sorting anew; a coefficient that is not finite counts as zero.
    """
    sets = fit.sets
    if sets.entry is not None:
        raise BadInput(
            "Harrell's C of a model with entry times is not defined here.",
            expected="a model whose patients are all at risk from time 0",
        )
    beta = fit.coefficients[fit.kept] * sets.scale
    known = np.where(np.isfinite(beta), beta, 0.0)
    score = (known[:, None] * sets.x).sum(axis=0)  # a product of matrices may break ties
    if sets.offset is not None:
        score += sets.offset
    data = SurvivalData(
        time=sets.time[::-1],
        event=sets.event[::-1],
        entry=None,
        weights=None if sets.weights is None else sets.weights[::-1],
        order=np.arange(sets.n),
        kept=np.ones(sets.n, dtype=bool),
        warnings=(),
    )
    stratum = sets.stratum[::-1] if sets.n_strata > 1 else None
    return _concordance(data, score[::-1], stratum, None, level)


def uno_c(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    score: npt.ArrayLike,
    *,
    tau: float | None = None,
    level: float = 0.95,
) -> Concordance:
    """Uno's C of a risk ``score``, over pairs whose event is at or before ``tau`` (months).

    Equals R's ``concordance(..., timewt = "n/G2", ymax = tau)``. Without ``tau`` all events
    count, and late ones may weigh heavily. Censorings at the time of an event come after it.
    """
    risk = np.asarray(score, dtype=float)
    data = survival_data(time, event, others=[risk])
    before = censoring_survival(data, data.time)
    pair = np.divide(1.0, before**2, out=np.zeros(data.n), where=data.event)
    if tau is not None:
        pair[data.time > tau] = 0.0
    return _concordance(data, _finite(risk[data.kept]), None, pair, level)


def _finite(score: FloatArray) -> FloatArray:
    if np.isinf(score).any():
        raise BadInput("A risk score is infinite.", expected="finite scores")
    return score


def _concordance(
    data: SurvivalData,
    score: FloatArray,
    stratum: IntArray | None,
    pair_weight: FloatArray | None,
    level: float,
) -> Concordance:
    concordant, discordant, tied = pair_counts(data, score, stratum, pair_weight)
    w = np.ones(data.n) if data.weights is None else data.weights
    pairs = [float(w @ x) / 2 for x in (concordant, discordant, tied)]
    total, notes = sum(pairs), data.warnings
    c = se = float("nan")
    if total > 0:
        c = (pairs[0] + pairs[2] / 2) / total
        influence = w * (concordant + tied / 2 - c * (concordant + discordant + tied)) / total
        se = float(np.sqrt(influence @ influence))
    else:
        notes = (*notes, "No pair of patients is comparable: C is not defined.")
    margin = float(ndtri(0.5 + level / 2)) * se
    return Concordance(
        c=c,
        std_error=se,
        ci_lower=c - margin,
        ci_upper=c + margin,
        concordant=pairs[0],
        discordant=pairs[1],
        tied_score=pairs[2],
        n=data.n,
        events=data.events,
        warnings=notes,
    )
