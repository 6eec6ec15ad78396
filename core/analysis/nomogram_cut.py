"""Where to cut the score, found in discovery and locked before validation (figures 2C and D).

The cut is the one with the largest log-rank statistic of all; its naive p-value is the smallest
of many and is shown only beside the corrected ones. The bootstrap interval tells how far the cut
moves when the patients are drawn again with the model held fixed. Validation takes it as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.analysis.survival import SurvivalComparison, compare_survival
from core.model import BadInput
from core.stats.cox_batch import at_a_time, counts_of
from core.stats.cox_bootstrap import resamples
from core.stats.maxstat import MaximallySelected, cuts_of_resamples, maximally_selected

HIGH, LOW = "high score", "low score"
"""Patients above the cut, whom the model gives the higher hazard; the others."""

PAPER_CUT = 120.0
"""What the paper prints; on its own scale of points, never used to find or test a cut."""

DRAWS, RESAMPLES = 9_999, 200


@dataclass(frozen=True, eq=False)
class ScoreCut:
    """The cut with its evidence, and survival of both groups in discovery and in validation.

    ``selected`` is None where a person gave the cut. ``percentile``: share of discovery patients
    at or below the cut. ``interval``: 95% bootstrap interval of a selected cut. ``discovery`` of a
    selected cut compares the patients as they were searched, all together, with the p-value
    corrected for the search; ``within`` is then the same comparison inside the studies, where it
    was asked for (None elsewhere, and for a cut that was given).
    """

    cut: float
    selected: MaximallySelected | None
    interval: tuple[float, float]
    percentile: float
    discovery: SurvivalComparison
    validation: SurvivalComparison | None
    why_not: str
    warnings: tuple[str, ...]
    within: SurvivalComparison | None = None


def cut_score(
    discovery: pd.DataFrame,
    validation: pd.DataFrame | None,
    *,
    own: float | None = None,
    endpoint: str = "OS",
    strata: str | None = None,
    draws: int = DRAWS,
    boots: int = RESAMPLES,
    seed: int = 0,
    progress: Callable[[str, float], None] | None = None,
) -> ScoreCut:
    """Cut ``total_points`` of both frames (time_months, event, cohort_id).

    ``own``: a person's own cut, in points; then nothing is selected. Raises NotEnoughData where no
    cut leaves a tenth of the discovery patients on either side, BadInput for a cut outside them.
    """
    points = discovery.total_points.to_numpy(float)
    selected, interval, words = None, (np.nan, np.nan), []
    if own is None:
        selected = maximally_selected(
            points, discovery.time_months, discovery.event, draws=draws, seed=seed,
            progress=None if progress is None else lambda done: progress("Permutations", done / 2),
        )  # fmt: skip
        interval = _interval(discovery, boots, seed, progress)
        words = [*selected.warnings, *_selection_words(selected)]
        cut = selected.cut
    else:
        cut = own
        if not points.min() <= own < points.max():
            raise BadInput(
                f"A cut of {own:g} points leaves all discovery patients on one side.",
                expected=f"{points.min():.0f} to {points.max():.0f} points",
                found=f"{own:g}",
                remedy="Choose a cut between these.",
            )
    found, why = _compared(validation, cut, endpoint, strata)
    shown, _ = _compared(discovery, cut, endpoint, strata)
    assert shown is not None
    within = None
    if selected is not None:
        within = shown if shown.stratified else None
        shown, _ = _compared(discovery, cut, endpoint, None, corrected_p(selected))
        assert shown is not None
    return ScoreCut(
        cut=float(cut),
        selected=selected,
        interval=interval,
        percentile=float((points <= cut).mean()),
        discovery=shown,
        validation=found,
        why_not=why,
        warnings=tuple(words),
        within=within,
    )


def corrected_p(selected: MaximallySelected) -> float:
    """The p-value of a selected cut: by permutation, by Lausen and Schumacher 1992 without."""
    by_permutation = selected.p_permutation
    return selected.p_lausen92 if np.isnan(by_permutation) else by_permutation


def at_percentile(discovery: pd.DataFrame, share: float) -> float:
    """The points at or below which ``share`` (0 to 1) of the discovery patients stand."""
    return float(np.quantile(discovery.total_points, share, method="inverted_cdf"))


def _compared(
    rows: pd.DataFrame | None,
    cut: float,
    endpoint: str,
    strata: str | None,
    corrected: float | None = None,
) -> tuple[SurvivalComparison | None, str]:
    if rows is None:
        return None, ""
    group = np.where(rows.total_points > cut, HIGH, LOW)
    if len(set(group)) < 2:
        return None, f"All validation patients have a {group[0]} at this cut."
    grouped = rows.assign(group=group)
    result = compare_survival(
        grouped, (HIGH, LOW), title="Nomogram score", endpoint=endpoint, strata=strata,
        corrected_p=corrected,
    )  # fmt: skip
    return result, ""


def _interval(
    rows: pd.DataFrame, boots: int, seed: int, progress: Callable[[str, float], None] | None
) -> tuple[float, float]:
    x, t, d = (rows[c].to_numpy(float) for c in ("total_points", "time_months", "event"))
    found, some = [], at_a_time(len(x), 1)
    drawn = resamples(len(x), boots, seed)
    for at in range(0, boots, some):
        counts = counts_of(drawn[at : at + some], len(x))
        found.append(cuts_of_resamples(x, t, d == 1, counts))
        if progress is not None:
            progress("Cuts of resamples", 0.5 + min(0.5, (at + some) / boots / 2))
    cuts = np.concatenate([*found, np.empty(0)])
    cuts = cuts[np.isfinite(cuts)]
    if not len(cuts):
        return (np.nan, np.nan)
    low, high = np.quantile(cuts, [0.025, 0.975])
    return float(low), float(high)


def _selection_words(selected: MaximallySelected) -> list[str]:
    corrected = max(p for p in (selected.p_lausen92, selected.p_permutation) if not np.isnan(p))
    if corrected < 0.05:
        return []
    return [
        "No cut of this score separates survival better than chance would after looking at "
        f"{len(selected.cuts):,} cuts: the two groups below are the most favourable picture."
    ]
