"""Does an effect differ between subgroups? The likelihood-ratio test of an interaction.

The p-value of a difference between subgroups is this one; a p-value inside one subgroup says
nothing about another. Twice the difference of the log partial likelihoods of nested models is
chi-square with as many degrees of freedom as coefficients were added (as R's ``anova``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from core.model import BadInput
from core.stats.cox import ChiSquare, CoxFit
from core.stats.cox_terms import (
    Categorical,
    Continuous,
    Interaction,
    Table,
    Term,
    TermsFit,
    fit_each,
)


@dataclass(frozen=True, eq=False)
class InteractionTest:
    """The test and the two models."""

    test: ChiSquare
    without: TermsFit
    within: TermsFit
    frame: Table = field(repr=False)
    event: str

    @property
    def warnings(self) -> tuple[str, ...]:
        return self.within.warnings

    @cached_property
    def effects(self) -> pd.DataFrame:
        """The effect within each level of the modifier: level, term, coefficient, std_error,
        hazard_ratio, ci_lower, ci_upper, p_value, n, events; empty where it has no levels."""
        if not isinstance(self.within.design.terms[1], Categorical):
            return pd.DataFrame()
        return _effects(self.frame, self.within, self.event)


def likelihood_ratio(small: CoxFit, large: CoxFit) -> ChiSquare:
    """Likelihood-ratio test of nested models on the same patients.

    Raises BadInput where the patients, the tie method or the penalty differ, or where the larger
    model has a robust variance or the wrong number of columns.
    """
    same = (
        (small.n, small.events, small.ties, small.penalty)
        == (large.n, large.events, large.ties, large.penalty)
    )  # fmt: skip
    null = (small.loglik[0], large.loglik[0])
    if small.penalty is None:
        same &= bool(np.isclose(*null, rtol=1e-9))
    if not same or large.robust or len(small.kept) > len(large.kept):
        raise BadInput(
            "These two models cannot be compared by a likelihood ratio.",
            expected="the same patients, strata and tie method, nested terms, no robust variance",
            found=f"n {small.n} and {large.n}, events {small.events} and {large.events}",
        )
    gain = 2 * (large.loglik[1] - small.loglik[1])
    return ChiSquare.of(gain, len(large.kept) - len(small.kept))


def likelihood_ratio_interaction(
    frame: Table,
    effect: Continuous | Categorical,
    modifier: Term,
    time: str,
    event: str,
    *,
    adjust: Sequence[Term] = (),
    strata: str | Sequence[str] | None = None,
    complete: bool = False,
    level: float = 0.95,
) -> InteractionTest:
    """Test whether ``effect`` differs by ``modifier``; both main effects and ``adjust`` stay in.

    ``strata`` and ``complete`` are those of :func:`core.stats.cox_terms.fit_each`. Raises BadInput,
    and what the fits raise.
    """
    if isinstance(modifier, Interaction):
        raise BadInput("The modifier is itself an interaction.", expected="a single term")
    terms = [effect, modifier, *adjust, Interaction(effect, modifier)]
    by = [strata] if isinstance(strata, str) else strata or ()
    parts = [range(len(terms) - 1), range(len(terms))]
    without, within = fit_each(
        frame, terms, parts, time, event, strata=by, complete=complete, level=level
    )
    return InteractionTest(likelihood_ratio(without.fit, within.fit), without, within, frame, event)


def _effects(frame: Table, within: TermsFit, event: str) -> pd.DataFrame:
    """The effect in each level of the modifier: main column plus the product with that level."""
    effect, modifier = within.design.terms[:2]
    assert isinstance(modifier, Categorical) and not isinstance(effect, Interaction)
    fit = within.fit
    rows = {c: within.design.keep(frame[c]) for c in (effect.column, modifier.column, event)}
    died = np.asarray(rows[event], dtype=float)
    covariance, reach = fit.covariance, float(ndtri(0.5 + fit.level / 2))
    out = []
    for value in modifier.levels:
        here = np.asarray(rows[modifier.column] == value)
        for name, _, _ in effect.columns(rows):
            contrast = np.zeros(len(fit.names))
            contrast[fit.names.index(name)] = 1.0
            if value != modifier.reference:
                contrast[fit.names.index(f"{name} x {modifier.name}: {value}")] = 1.0
            at = np.flatnonzero(contrast)
            b = float(fit.coefficients[at].sum())
            with np.errstate(invalid="ignore"):
                se = float(np.sqrt(covariance[np.ix_(at, at)].sum()))
            out.append(
                (str(value), name, b, se, np.exp(b), np.exp(b - reach * se), np.exp(b + reach * se),
                 2 * float(ndtr(-abs(b / se))) if np.isfinite(se) else np.nan,
                 int(here.sum()), int(died[here].sum()))
            )  # fmt: skip
    names = "level term coefficient std_error hazard_ratio ci_lower ci_upper p_value n events"
    return pd.DataFrame(out, columns=names.split())
