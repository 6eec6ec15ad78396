"""The ledger page's sentence and tables."""

from __future__ import annotations

import pandas as pd

from core.analysis.ledger import CANNOT, DIFFERS, MATCH, NOTHING_REAL, NOTHING_THERE, Ledger
from core.charts.wording import DASH

SIGNS = {MATCH: "✓", DIFFERS: "≠", CANNOT: "∅", NOTHING_THERE: DASH, NOTHING_REAL: "✗"}
"""Before the verdict's words, so that a column is read at a glance and without colour."""

TITLES = {
    "Table 1": "Table 1: the cohorts",
    "Text": "Text: patients and tumour types",
    "Figure 1": "Figure 1: survival under ICI",
    "Figure 2": "Figure 2: nomogram",
    "Figure 3": "Figure 3: the gene in TCGA",
    "Figure 4": "Figure 4: burden, signatures, antigen presentation",
    "Figure 5": "Figure 5: the tumour's surroundings",
}
"""Sections of the page, in order; a figure's panels stand in one."""


def answer(result: Ledger) -> str:
    """How many of the printed numbers are found again, in one sentence."""
    total = sum(result.counts.values())
    if result.simulated:
        return (
            f"Nothing can be said: the loaded patients are SIMULATED, so none of the {total} "
            "printed numbers is compared with anything real."
        )
    match, differs, cannot = (result.counts.get(v, 0) for v in (MATCH, DIFFERS, CANNOT))
    return (
        f"Of {total} printed numbers and words, {match} are found again on the loaded data, "
        f"{differs} differ, and {cannot} cannot be computed here."
    )


def verdicts(result: Ledger) -> list[str]:
    """The verdicts that occur, with their signs: what the rows may be narrowed to."""
    return [v for v in SIGNS if (result.lines.verdict == v).any()]


def sections(result: Ledger, chosen: tuple[str, ...] = ()) -> list[tuple[str, pd.DataFrame]]:
    """(title, table) of each part of the paper; only rows of the ``chosen`` verdicts if any."""
    lines = result.lines
    if chosen:
        lines = lines[lines.verdict.isin(chosen)]
    place = lines.figure.str.replace(r"(?<=\d)[A-Z]$", "", regex=True)
    titles = {**TITLES, **{p: p for p in place.unique() if p not in TITLES}}
    return [(t, _printed(lines[place == p])) for p, t in titles.items() if (place == p).any()]


def _printed(lines: pd.DataFrame) -> pd.DataFrame:
    panel = lines.figure.where(lines.figure.str.startswith("Figure"), "")
    panel = panel.str.replace("Figure ", "", regex=False)
    again = lines.duplicated(["figure", "item"])
    table = pd.DataFrame(
        {
            "What": (panel + " " + lines["item"]).str.strip().where(~again, ""),
            "Verdict": [f"{SIGNS[v]} {v}" for v in lines.verdict],
            "Printed": lines.reported.where(~again, ""),
            "Here": lines.here.where(lines.here != "", DASH),
            "By": lines.method,
            "Why": lines.why,
        }
    )
    return table if lines.method.nunique() > 1 else table.drop(columns="By")
