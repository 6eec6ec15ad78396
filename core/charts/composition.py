"""How the two arms divide over the immune subtypes: bars, and the odds of each as a table."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pandas as pd

from core.analysis.composition import Composition
from core.charts.figure import Figure
from core.charts.theme import Look
from core.charts.view import view
from core.charts.wording import DASH, p_text, ratio_text


def composition_figure(
    result: Composition,
    look: Look | None = None,
    *,
    simulated: bool,
    heading: tuple[str, ...] = (),
) -> Figure:
    """Two stacked bars, shares of each arm; labels from 5% on."""
    look = look or Look()
    bars = _bars(result)
    spec = dict(_template(look, simulated, tuple(result.table["name"])))
    if heading:
        spec["title"] = {"text": heading[0], "subtitle": list(heading[1:])}
    name = f"subtypes-{result.title.replace(' ', '-').lower()}"
    return Figure(name, spec, {"bars": bars}, describe(result))


def describe(result: Composition) -> str:
    parts = [
        f"{r['name']} {r['share_mutant']:.0%} against {r['share_wild_type']:.0%}"
        for r in result.table.to_dict("records")
    ]
    return f"Immune subtypes, {result.title} {' against '.join(result.order[::-1])}: " + "; ".join(
        parts
    )


def answer(result: Composition) -> str:
    """What the odds say: over all tumours, then within types, then at equal TMB."""
    within = result.table[result.table.q_value < 0.05]
    equal = result.table[result.table.adjusted_q_value < 0.05]
    naive = f"Over all tumours the composition {_differs(result)}"
    inside = f"within tumour types {_named(within)}, at equal TMB {_named(equal)}"
    return f"{naive}; {inside}."


def _differs(result: Composition) -> str:
    p = result.test.p_value
    return ("differs" if p < 0.05 else "does not clearly differ") + f" (chi-squared, {p_text(p)})"


def _named(table: pd.DataFrame) -> str:
    if table.empty:
        return "no subtype differs clearly"
    return " and ".join(table.label) + (" differs" if len(table) == 1 else " differ")


def odds_table(result: Composition) -> pd.DataFrame:
    """A row per subtype: n and share of each arm, odds ratio within types and at equal TMB."""
    t = result.table
    columns: dict[str, list[str]] = {"Subtype": t["name"].tolist()}
    for group, side in zip(result.order[::-1], ("mutant", "wild_type"), strict=True):
        columns[group.capitalize()] = [
            f"{n:,} ({s:.1%})" for n, s in zip(t[f"n_{side}"], t[f"share_{side}"], strict=True)
        ]
    for lead, name in (("", "within types"), ("adjusted_", "at equal TMB")):
        columns[f"Odds ratio {name} (95% CI)"] = [
            DASH
            if pd.isna(r[f"{lead}ci_lower"])
            else ratio_text(*(r[f"{lead}{c}"] for c in ("odds_ratio", "ci_lower", "ci_upper")))
            for r in t.to_dict("records")
        ]
        columns[f"q {name}"] = [p_text(q, symbol=False) for q in t[f"{lead}q_value"]]
    return pd.DataFrame(columns)


def _bars(result: Composition) -> pd.DataFrame:
    t = result.table
    parts = []
    for group, side in zip(result.order[::-1], ("mutant", "wild_type"), strict=True):
        share = t[f"share_{side}"]
        parts.append(
            pd.DataFrame(
                {
                    "arm": f"{group}, {int(t[f'n_{side}'].sum()):,}",
                    "name": t["name"],
                    "label": t.label,
                    "start": share.cumsum() - share,
                    "end": share.cumsum(),
                    "middle": share.cumsum() - share / 2,
                    "text": [f"{x} {s:.0%}" if s >= 0.05 else "" for x, s in
                             zip(t.label, share, strict=True)],
                    "told": [f"{n:,} ({s:.1%})" for n, s in
                             zip(t[f"n_{side}"], share, strict=True)],
                }
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


@lru_cache(maxsize=16)
def _template(look: Look, simulated: bool, names: tuple[str, ...]) -> dict[str, Any]:
    s, p = look.sizes, look.palette
    hues = [*p.further[:4], p.muted, p.warning, p.ink, p.rule]
    hue = {
        "field": "name",
        "type": "nominal",
        "scale": {"domain": list(names), "range": [hues[i % 8] for i in range(len(names))]},
        "legend": {"orient": "bottom", "title": None, "columns": 3, "symbolType": "square",
                   "labelFontSize": s.small, "labelLimit": 260},
    }  # fmt: skip
    y = {
        "field": "arm",
        "type": "nominal",
        "sort": None,
        "axis": {"title": None, "domain": False, "ticks": False, "labelLimit": 200},
    }
    layers: list[dict[str, Any]] = [
        {
            "data": {"name": "bars"},
            "mark": {"type": "bar", "height": {"band": 0.72}, "stroke": p.paper},
            "encoding": {
                "x": {
                    "field": "start",
                    "type": "quantitative",
                    "scale": {"domain": [0, 1]},
                    "axis": {"format": "%", "title": None, "grid": False, "tickCount": 5},
                },
                "x2": {"field": "end"},
                "y": y,
                "color": hue,
                "tooltip": [{"field": "name", "title": "Subtype"}, {"field": "arm", "title": "Arm"},
                            {"field": "told", "title": "Patients"}],
            },
        },
        {
            "data": {"name": "bars"},
            "mark": {"type": "text", "color": p.paper, "fontSize": 0.92 * s.small,
                     "fontWeight": 600, "tooltip": None},
            "encoding": {"x": {"field": "middle", "type": "quantitative"}, "y": y,
                         "text": {"field": "text"}},
        },
    ]  # fmt: skip
    return view(look, layers, simulated=simulated, height=0.42, marked_above=True)
