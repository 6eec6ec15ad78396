"""The immunity pages' sentence and tables."""

from __future__ import annotations

import pandas as pd

from core.analysis.immunity import SIGNIFICANT, PanelComparison
from core.charts.panel import TESTS, effect_text, value_text
from core.charts.wording import DASH, p_text
from core.groups import MUTATION_ORDER

IN_WORDS = {
    "naive": "over all tumours together, as the paper tests,",
    "stratified": "within tumour types",
    "adjusted": "at equal TMB",
}


def answer(result: PanelComparison) -> str:
    """How many features differ by each test, and in which direction."""
    table = result.table
    who = _arms(result)
    if len(table) == 1:
        row = table.iloc[0].to_dict()
        parts = [f"{words.rstrip(',')} {effect_text(row, t)}" for t, words in IN_WORDS.items()]
        return f"{who}, rank-biserial correlation of {row['name']}: {'; '.join(parts)}."
    parts = []
    for test, words in IN_WORDS.items():
        tested = table[table[f"{test}_q_value"].notna()]
        if tested.empty:
            continue
        clear = tested[tested[f"{test}_q_value"] < SIGNIFICANT]
        up = int((clear[f"{test}_rank_biserial"] > 0).sum())
        parts.append(f"{words} {_directions(up, len(clear) - up, len(tested))}")
    if not parts:
        return "Too few patients to test any of these features."
    return f"{who}: {'; '.join(parts)} (q < {SIGNIFICANT:g})."


def _arms(result: PanelComparison) -> str:
    """``ALK-mutant against wild-type tumours``; the groups by name where they are others."""
    reference, other = result.order
    if result.order == MUTATION_ORDER:
        return f"{result.title}-{other} against {reference.replace(' ', '-')} tumours"
    return f"{result.title}, {other} against {reference}"


def _directions(up: int, down: int, tested: int) -> str:
    """``3 of 8 features are higher and 1 is lower``; of one feature, ``the one tested is not``."""
    of = f"of {tested} feature{'s' if tested > 1 else ''}"
    sides = [
        f"{n} {f'{of} ' if first else ''}{'is' if n == 1 else 'are'} {way}"
        for n, way, first in ((up, "higher", True), (down, "lower", not up))
        if n
    ]
    return " and ".join(sides) or f"none {of} differs"


def effects(result: PanelComparison) -> pd.DataFrame:
    """A row per feature: each test's rank-biserial correlation and its q; tests that have one."""
    rows = []
    for r in result.records:
        row = {"Feature": r["name"]}
        for test, name in TESTS.items():
            row[name] = effect_text(r, test)
            q = p_text(r[f"{test}_q_value"], symbol=False)
            row[f"q, {name[:1].lower()}{name[1:]}"] = (
                DASH if pd.isna(r[f"{test}_rank_biserial"]) else q
            )
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.loc[:, [c for c in table if not (table[c] == DASH).all()]]


def levels(result: PanelComparison) -> pd.DataFrame:
    """A row per feature: unit, patients, tumour types, medians, shift where levels count."""
    rows = []
    for r in result.records:
        shift = DASH
        if not pd.isna(r["shift"]):
            low, high = value_text(r["shift_ci_lower"]), value_text(r["shift_ci_upper"])
            shift = f"{value_text(r['shift'])} ({low} to {high})"
        row = {
            "Feature": r["name"],
            "Unit": r["unit"],
            "Patients": f"{r['n_mutant']:,} / {r['n_wild_type']:,}",
            "Types": f"{r['n_types']}",
            "Medians": f"{value_text(r['median_mutant'])} / {value_text(r['median_wild_type'])}",
            "Shift (95% CI)": shift,
        }
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.loc[:, [c for c in table if not (table[c] == DASH).all()]]


def sources(result: PanelComparison) -> list[tuple[str, str]]:
    """(names, source and description) of the features, those of one source together."""
    by: dict[str, list[str]] = {}
    for member in result.members:
        by.setdefault(member.source or "expression matrix", []).append(member.name)
    return [(_listed(names), source) for source, names in by.items()]


def _listed(names: list[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
