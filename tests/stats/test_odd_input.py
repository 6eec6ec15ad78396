"""Every estimator on every odd input: an answer, or an error in words; never anything else.

The suite turns numpy's warnings into errors, so a silent division by zero fails here. What each
answer is stands in the estimators' own tests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from core.model import DashboardError
from core.stats.brier import brier_score, integrated_brier
from core.stats.concordance import concordance, uno_c
from core.stats.contingency import chi_squared
from core.stats.cox import cox
from core.stats.cuminc import cumulative_incidence
from core.stats.discrimination import time_dependent_auc
from core.stats.km import kaplan_meier, median_follow_up
from core.stats.kruskal import kruskal_wallis
from core.stats.landmark import landmark_analysis
from core.stats.logrank import logrank
from core.stats.meta import meta_analysis
from core.stats.profile import profile_interval
from core.stats.rmst import rmst, rmst_difference
from core.stats.wilcoxon import rank_sum, van_elteren
from core.stats.zph import cox_zph

TIME, EVENT = np.arange(1.0, 9), np.array([1.0, 0, 1, 1, 0, 1, 1, 1])
GROUP = np.array([0.0, 1, 0, 1, 0, 1, 0, 1])
Odd = tuple[np.ndarray, np.ndarray, np.ndarray]


def first(value: float, of: np.ndarray) -> np.ndarray:
    return np.concatenate([[value], of[1:]])


INPUTS: dict[str, Odd] = {
    "a missing time": (first(np.nan, TIME), EVENT, GROUP),
    "an infinite time": (first(np.inf, TIME), EVENT, GROUP),
    "a negative time": (first(-1, TIME), EVENT, GROUP),
    "a missing event": (TIME, first(np.nan, EVENT), GROUP),
    "an event that is 2": (TIME, first(2, EVENT), GROUP),
    "a missing group": (TIME, EVENT, first(np.nan, GROUP)),
    "an infinite group": (TIME, EVENT, first(np.inf, GROUP)),
    "an all-censored arm": (TIME, EVENT * GROUP, GROUP),
    "no event": (TIME, 0 * EVENT, GROUP),
    "one group": (TIME, EVENT, 0 * GROUP),
    "everything tied": (0 * TIME + 5, EVENT, GROUP),
    "time zero": (0 * TIME, EVENT, GROUP),
    "one patient": (TIME[:1], EVENT[:1], GROUP[:1]),
    "nobody": (TIME[:0], EVENT[:0], GROUP[:0]),
}


def one_column(t: np.ndarray, e: np.ndarray, g: np.ndarray, **how: Any) -> Any:
    return cox(g[:, None], t, e, **how)


def half(t: np.ndarray) -> np.ndarray:
    return np.full((len(t), 2), 0.5)


ESTIMATORS: dict[str, Callable[..., Any]] = {
    "Kaplan-Meier": lambda t, e, g: kaplan_meier(t, e),
    "median follow-up": lambda t, e, g: median_follow_up(t, e),
    "log-rank": logrank,
    "stratified log-rank": lambda t, e, g: logrank(t, e, g, strata=np.arange(len(t)) % 2),
    "Fleming-Harrington": lambda t, e, g: logrank(t, e, g, rho=1),
    "Cox": one_column,
    "Cox, Breslow": lambda t, e, g: one_column(t, e, g, ties="breslow"),
    "Cox, Firth": lambda t, e, g: one_column(t, e, g, penalty="firth"),
    "Cox, duplicate columns": lambda t, e, g: cox(np.column_stack([g, g]), t, e),
    "proportional hazards": lambda t, e, g: cox_zph(one_column(t, e, g)),
    "profile interval": lambda t, e, g: profile_interval(one_column(t, e, g), 0),
    "Harrell's C": concordance,
    "Uno's C": uno_c,
    "restricted mean": lambda t, e, g: rmst(t, e, 4),
    "difference of means": lambda t, e, g: rmst_difference(t, e, g, 4, reference=0.0),
    "landmark": lambda t, e, g: landmark_analysis(t, e, 2),
    "cumulative incidence": lambda t, e, g: cumulative_incidence(t, e, cause=1),
    "AUC": lambda t, e, g: time_dependent_auc(t, e, g, [3, 5]),
    "Brier": lambda t, e, g: brier_score(t, e, half(t), [3, 5]),
    "integrated Brier": lambda t, e, g: integrated_brier(t, e, half(t), [3, 5]),
    "Wilcoxon": lambda t, e, g: rank_sum(t, g),
    "van Elteren": lambda t, e, g: van_elteren(t, g, np.arange(len(t)) % 2),
    "Kruskal-Wallis": lambda t, e, g: kruskal_wallis(t, g),
    "chi-squared": lambda t, e, g: chi_squared([[np.sum(e == i), np.sum(g == i)] for i in (0, 1)]),
    "meta-analysis": lambda t, e, g: meta_analysis(t, e + 0.5),
}


@pytest.mark.parametrize("odd", INPUTS)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_an_answer_or_an_error_in_words(estimator: str, odd: str) -> None:
    try:
        answer = ESTIMATORS[estimator](*INPUTS[odd])
    except DashboardError as error:
        assert error.message.endswith((".", ":")) and len(error.message) > 10
    else:
        assert answer is not None
