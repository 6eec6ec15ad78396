"""The ledger: every number that the paper prints beside the same number on the loaded data.

What is printed stands in the store's table ``reported``; what stands beside it is computed by
:mod:`core.analysis.ledger_entries` from the analyses of the pages, and nothing is typed in.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.analysis.ledger_entries import (
    PAPER,
    Estimate,
    Material,
    Recipe,
    Value,
    entry_of,
    printed_sums,
)
from core.analysis.result import Result
from core.model import DashboardError, NotEnoughData
from core.store import Store

MATCH, DIFFERS, CANNOT = "match", "differs", "cannot be computed here"
NOTHING_THERE = "nothing to compare"
NOTHING_REAL = "simulated: compares nothing real"
BEST_FIRST = (MATCH, DIFFERS, NOTHING_REAL, NOTHING_THERE, CANNOT)
"""Of several ways to one number, the best verdict counts; of the numbers of a row, see RULE."""

NOT_YET = "not computed yet by this version"

RULE = (
    "A number matches if it equals the printed one when rounded to the printed digits; a printed "
    "bound such as < 0.001 matches if the number obeys it; a printed word matches if every word "
    "of it occurs in ours. A row matches if all of its numbers do."
)

WORDS = ("role", "drug", "tumour type", "assay")
"""Printed words; the numbers of a row stand before them."""

INTERVAL = ("hazard ratio", "ci_lower", "ci_upper")


@dataclass(frozen=True)
class Ledger(Result):
    """numbers: figure, item, quantity, reported, note, method, value (NaN for words), text,
        verdict, why; a row per printed number and way of computing it
    lines: figure, item, method, reported, here, verdict, why; a row per printed item and way
    counts: verdict -> how many printed numbers, each by the best of its ways
    contradictions: where the paper's own numbers do not agree, in sentences
    """

    numbers: pd.DataFrame
    lines: pd.DataFrame
    counts: dict[str, int]
    contradictions: tuple[str, ...]
    simulated: bool
    build_id: str
    rule: str = RULE


def ledger(store: Store, recipe: Recipe = PAPER) -> Ledger:
    """Compare all that the paper prints. Raises NotEnoughData where the store has none of it."""
    reported = store.reported()
    if reported.empty:
        raise NotEnoughData(
            "This store holds none of the paper's numbers.",
            expected="rows in the table `reported`",
            found="none",
            remedy="Build the store again with `python -m data build`.",
        )
    material = Material(store, recipe, reported)
    numbers, lines = [], []
    for (figure, item), rows in reported.groupby(["figure", "item"], sort=False):
        for estimate in _estimates(material, str(figure), str(item)):
            compared = _compare(rows, estimate, store.simulated)
            numbers.append(compared)
            lines.append(_line(str(figure), str(item), compared, estimate))
    table = pd.concat(numbers, ignore_index=True)
    return Ledger(
        numbers=table,
        lines=pd.DataFrame(lines),
        counts=_counts(table),
        contradictions=_contradictions(reported),
        simulated=store.simulated,
        build_id=store.version,
    )


def agrees(printed: str, value: Value) -> bool:
    """True where ``value`` is what is printed, by RULE. A fraction meets its percentage."""
    text = printed.strip()
    if isinstance(value, str):
        wanted = [w.casefold() for w in re.split(r"[,/+\s]+", text) if w]
        return all(w in value.casefold() for w in wanted)
    number = _number(text)
    if number is None or math.isnan(value):
        return False
    bound, target, digits = number
    value = 100 * value if text.endswith("%") else value
    if bound:
        return value < target if bound == "<" else value > target
    # half a unit of the last printed digit, and what binary fractions lose
    return abs(value - target) <= 0.5 * 10.0**-digits + 1e-9


def printed_like(printed: str, value: Value) -> str:
    """``value`` with as many digits as ``printed`` has."""
    if isinstance(value, str):
        return value
    number = _number(printed.strip())
    if math.isnan(value):
        return "not estimable"
    if math.isinf(value):
        return "infinite"
    if number is None:
        return f"{value:g}"
    bound, target, digits = number
    if printed.strip().endswith("%"):
        return f"{100 * value:.{digits}f}%"
    if bound == "<" and value < target:
        return f"< {target:g}"
    if 0 < value < 0.5 * 10.0**-digits:  # never "0.000" for what is not 0
        return f"< {10.0**-digits:g}"
    return f"{value:,.{digits}f}"


def _number(text: str) -> tuple[str, float, int] | None:
    """Bound (or empty), value and decimals of a printed number; None for words."""
    found = re.fullmatch(r"([<>]?)\s*(\d[\d,]*(?:\.(\d+))?)\s*%?", text)
    if not found:
        return None
    return found[1], float(found[2].replace(",", "")), len(found[3] or "")


def _estimates(material: Material, figure: str, item: str) -> list[Estimate]:
    entry = entry_of(figure, item)
    if entry is None:
        return [Estimate("", {}, NOT_YET)]
    try:
        return entry(material, item)
    except DashboardError as error:
        return [Estimate("", {}, error.message.rstrip("."))]


def _compare(rows: pd.DataFrame, estimate: Estimate, simulated: bool) -> pd.DataFrame:
    out = []
    for row in rows.to_dict("records"):
        value = estimate.values.get(row["quantity"])
        known = value is not None and not (isinstance(value, float) and math.isnan(value))
        verdict = CANNOT
        if value is not None and known:
            verdict = MATCH if agrees(row["value"], value) else DIFFERS
            verdict = verdict if estimate.comparable else NOTHING_THERE
            verdict = NOTHING_REAL if simulated else verdict
        out.append(
            {
                "figure": row["figure"],
                "item": row["item"],
                "quantity": row["quantity"],
                "reported": row["value"],
                "note": row["note"],
                "method": estimate.method,
                "value": np.nan if value is None or isinstance(value, str) else float(value),
                "text": "" if value is None else printed_like(row["value"], value),
                "verdict": verdict,
                "why": estimate.why,
            }
        )
    return pd.DataFrame(out)


def _line(figure: str, item: str, compared: pd.DataFrame, estimate: Estimate) -> dict[str, str]:
    told = dict(zip(compared.quantity, compared.reported, strict=True))
    told = {q: f"{int(v):,}" if v.isdigit() and len(v) > 3 else v for q, v in told.items()}
    here = {q: t for q, t in zip(compared.quantity, compared.text, strict=True) if t}
    order = (NOTHING_REAL, DIFFERS, CANNOT, NOTHING_THERE, MATCH)
    verdict = next(v for v in order if v in set(compared.verdict))
    return {
        "figure": figure,
        "item": item,
        "method": estimate.method,
        "reported": in_words(told),
        "here": in_words(here),
        "verdict": verdict,
        "why": _why(compared, estimate),
    }


def in_words(values: dict[str, str]) -> str:
    """``1,524 patients, 91 mutant, HR 0.62 (0.47–0.83), p 0.01``."""
    parts = []
    for quantity, text in sorted(values.items(), key=lambda v: v[0] in WORDS):
        if quantity == "hazard ratio":
            bounds = [values[b] for b in INTERVAL[1:] if b in values]
            parts.append(f"HR {text}" + (f" ({'–'.join(bounds)})" if bounds else ""))
        elif quantity == "p value":
            parts.append(f"p {text}")
        elif quantity == "n" or quantity.startswith("n "):
            parts.append(f"{text} {quantity[2:]}".strip() if quantity != "n" else f"n {text}")
        elif quantity not in INTERVAL:
            parts.append(f"{quantity} {text}")
    return ", ".join(parts)


def _why(compared: pd.DataFrame, estimate: Estimate) -> str:
    """What differs, then the entry's remark: one line."""
    differing = compared[compared.verdict == DIFFERS]
    names = [{"ci_lower": "CI", "ci_upper": "CI"}.get(q, q) for q in differing.quantity]
    parts = ["differs in " + ", ".join(dict.fromkeys(names))] if names else []
    lacking = compared[(compared.verdict == CANNOT)].quantity.tolist() if estimate.values else []
    parts += ["not here: " + ", ".join(lacking)] if lacking else []
    parts += [estimate.why] if estimate.why else []
    return "; ".join(parts)


def _counts(numbers: pd.DataFrame) -> dict[str, int]:
    """Each printed number by the best verdict of its ways."""
    rank = numbers.verdict.map({v: i for i, v in enumerate(BEST_FIRST)})
    best = rank.groupby([numbers.figure, numbers.item, numbers.quantity], sort=False).min()
    return {v: int((best == i).sum()) for i, v in enumerate(BEST_FIRST) if (best == i).any()}


def _contradictions(reported: pd.DataFrame) -> tuple[str, ...]:
    """Where Table 1's printed rows do not add up to what the text prints of the same patients."""
    found = []
    for role in ("discovery", "validation"):
        text = reported[(reported.figure == "Text") & (reported.item == role.capitalize())]
        said = dict(zip(text.quantity, text.value, strict=True))
        try:
            sums = printed_sums(reported, role).values
        except NotEnoughData:
            continue
        if all(agrees(v, sums[q]) for q, v in said.items() if q in sums) or not said:
            continue
        rows = f"{sums['n mutant']:,.0f} mutant of {sums['n']:,.0f}"
        printed = f"{int(said['n mutant']):,} of {int(said['n']):,}"
        found.append(
            f"The paper's Table 1 does not add up to its text: the {role} rows give {rows}, the "
            f"text says {printed}."
        )
    return tuple(found)
