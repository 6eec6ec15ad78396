"""How numbers are printed in figures, tables and sentences: the same everywhere."""

from __future__ import annotations

import math

DASH = "–"
WITHHELD = "withheld"


def p_text(p: float, *, symbol: bool = True) -> str:
    """``p = 0.032``, ``p < 0.001``; ``p withheld`` for NaN. Without ``symbol`` the value alone."""
    if math.isnan(p):
        return f"p {WITHHELD}" if symbol else WITHHELD
    if p < 0.001:
        return "p < 0.001" if symbol else "< 0.001"
    text = f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
    return f"p = {text}" if symbol else text


def ratio_text(estimate: float, lower: float, upper: float) -> str:
    """``0.75 (0.58–0.95)``; a bound that does not exist is a dash, an infinite one says so, and
    without either bound a single dash stands for the interval."""
    if math.isnan(lower) and math.isnan(upper):
        return f"{_number(estimate, 2)} ({DASH})"
    return f"{_number(estimate, 2)} ({_number(lower, 2)}{DASH}{_number(upper, 2)})"


def months_text(estimate: float, lower: float = math.nan, upper: float = math.nan) -> str:
    """``18.2 (15.0–NR)``: months with their interval; NR where the curve did not come so far."""
    if math.isnan(estimate):
        return "not reached" if math.isnan(lower) else f"not reached ({lower:.1f}{DASH}NR)"
    if math.isnan(lower) and math.isnan(upper):
        return f"{estimate:.1f}"
    low, high = (f"{v:.1f}" if not math.isnan(v) else "NR" for v in (lower, upper))
    return f"{estimate:.1f} ({low}{DASH}{high})"


def percent_text(estimate: float, lower: float = math.nan, upper: float = math.nan) -> str:
    """``43% (32–53)``: a fraction of 1 with its interval; a dash where unknown."""
    if math.isnan(estimate):
        return DASH
    if math.isnan(lower) or math.isnan(upper):
        return f"{100 * estimate:.0f}%"
    return f"{100 * estimate:.0f}% ({100 * lower:.0f}{DASH}{100 * upper:.0f})"


OF_TITLE = frozenset({"mutant", "low", "middle", "high", "absent", "present"})
"""Groups whose name needs the title: *ALK mutant*, *TMB high*."""


def group_name(title: str, group: str) -> str:
    """What a legend calls a group: ``ALK mutant``, ``wild type``, ``TMB high``, ``female``."""
    return f"{title} {group}" if group in OF_TITLE else group


PLAIN = (("wild type", "mutant"), ("low", "high"), ("absent", "present"))
"""Pairs of groups, the reference first, of which it need not be said which is compared."""


def contrast(title: str, order: tuple[str, ...]) -> str:
    """Whose hazard ratio it is: ``ALK``, ``Sex (female against male)``."""
    return title if tuple(order) in PLAIN else f"{title} ({order[-1]} against {order[0]})"


def capital(text: str) -> str:
    """``text`` with a capital first letter; the rest, such as a gene's symbol, as it stands."""
    return text[:1].upper() + text[1:]


def _number(value: float, digits: int) -> str:
    if math.isnan(value):
        return DASH
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.{digits}f}"
