"""Figures 2A, 2C, 2D, 4D and 5D-F for the ledger: groups by the nomogram's score, sizes of panels.

Each function gives the ways to one printed item: a name, its numbers, a remark.
"""

from __future__ import annotations

from collections.abc import Mapping

from core.analysis.immune_panels import members, panel
from core.analysis.nomogram import NomogramBuild
from core.analysis.nomogram_check import validation_question
from core.analysis.nomogram_cut import ScoreCut, cut_score
from core.analysis.survival import SurvivalComparison
from core.model import Filters, NotEnoughData
from core.store import Store

Way = tuple[str, Mapping[str, float | str], str]

PANEL_OF = {
    "MHC molecules": ("mhc", "MHC"),
    "Co-stimulators": ("mhc", "Co-stimulators"),
    "ssGSEA signatures": ("signatures", ""),
    "Chemokines": ("chemokines", "Chemokines"),
    "Chemokine receptors": ("chemokines", "Chemokine receptors"),
    "Immunostimulators": ("stimulators", ""),
}
"""Printed item -> panel of the immunity pages, and a word of its headings; empty: all of it."""


def horizons(build: NomogramBuild) -> list[Way]:
    """At which months the default nomogram reads survival."""
    months = " and ".join(f"{t:g}" for t in build.model.times)
    why = f"{len(build.rows):,} patients; our own predictors, since the paper lists none"
    return [("our nomogram", {"horizons": f"{months} months"}, why)]


def score_cut(store: Store, filters: Filters, build: NomogramBuild) -> ScoreCut:
    """The default nomogram's score, cut in discovery, taken to validation.

    ``filters`` keep the patients of both.
    """
    checked = validation_question(store, filters, build)
    validation = None if isinstance(checked, str) else checked.rows
    return cut_score(build.rows, validation, draws=0, boots=0)


def score_groups(result: SurvivalComparison | None, where: str) -> list[Way]:
    """Low against high score by Cox and by O/E."""
    if result is None:
        raise NotEnoughData(f"No {where} patient has a score on both sides of the cut.")
    found: list[Way] = []
    for name in ("O/E", "Cox"):
        row = result.hazard_ratios[result.hazard_ratios.method.str.startswith(name)].iloc[0]
        values = {
            "hazard ratio": float(row["hazard_ratio"]),
            "ci_lower": float(row["ci_lower"]),
            "ci_upper": float(row["ci_upper"]),
            "p value": float(row["p_value"] if result.corrected_p is None else result.p_value),
        }
        why = f"{len(result.rows):,} patients; our own model and its maximally selected cut"
        why += "" if result.corrected_p is None else "; p corrected for the search"
        found.append((name, values, why))
    return found


def panel_size(store: Store, item: str) -> list[Way]:
    """How many members our list of a panel has, measured in the loaded data or not."""
    key, word = PANEL_OF[item]
    listed = [m for m in members(store, panel(key)) if word in m.section]
    named = [m for m in listed if m.feature or m.gene]
    if not named:
        raise NotEnoughData(f"The loaded data hold none of it: {listed[0].lacking}.")
    return [("our list", {"n": float(len(named))}, panel(key).note)]
