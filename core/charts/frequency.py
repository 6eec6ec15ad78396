"""Mutation frequency by tumour type or study: a point with its exact interval, and the counts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.analysis.mutations import MutationFrequency
from core.charts.figure import Figure
from core.charts.theme import Look
from core.charts.wording import DASH
from core.records import records

Row = dict[Any, Any]

SORTS = {"frequency": "Frequency", "mutant": "Mutant patients", "label": "Name"}
"""Orders of the rows: column -> as shown."""

TELLING = 20
"""Profiled patients from which on a row's interval may stretch the axis."""


def frequency_figure(
    result: MutationFrequency,
    source: str,
    look: Look | None = None,
    *,
    simulated: bool,
    sort: str = "frequency",
    heading: tuple[str, ...] = (),
) -> Figure:
    """Draw the rows of ``source``; the axis is the same for every source of ``result``."""
    look = look or Look()
    rows = _records(result, source, sort)
    high = axis_end(result.table)
    data = {"rows": _drawn(rows, high)}
    spec = dict(_template(look, simulated))
    spec["height"] = 1.12 * look.sizes.row * len(rows)
    spec["layer"] = [_axes(result.title, data["rows"]["label"], high), *spec["layer"]]
    if heading:
        spec["title"] = {"text": heading[0], "subtitle": list(heading[1:])}
    name = f"frequency-{source.split()[0].lower()}-{result.title.replace(' ', '-').lower()}"
    return Figure(name, spec, data, describe(result, source))


def ordered(result: MutationFrequency, source: str, sort: str = "frequency") -> pd.DataFrame:
    """The rows of ``source`` in display order: all of it first, those not profiled last.

    By frequency, rows of fewer than TELLING patients follow the others: 1 of 1 is not most often.
    """
    total = result.totals[(result.totals.source == source).to_numpy()]
    return pd.concat([total, result.table.take(_order(result, source, sort))], ignore_index=True)


def _order(result: MutationFrequency, source: str, sort: str) -> npt.NDArray[np.intp]:
    """Which rows of the table are those of ``source``, in display order."""
    at = np.flatnonzero(result.table.source.to_numpy() == source)
    profiled = result.table.profiled.to_numpy()[at]
    behind = (profiled == 0).astype(int) + (profiled < TELLING) * (sort == "frequency")
    label = result.table.label.to_numpy(dtype=str)[at]
    by = label if sort == "label" else -result.table[sort].to_numpy()[at]
    return at[np.lexsort((label, -profiled, by, behind))]


def _records(result: MutationFrequency, source: str, sort: str = "frequency") -> list[Row]:
    """The rows of :func:`ordered`."""
    total = result.totals[(result.totals.source == source).to_numpy()]
    return [*records(total), *records(result.table.take(_order(result, source, sort)))]


def axis_end(table: pd.DataFrame) -> float:
    """The end of the frequency axis: the highest upper bound of rows of some size, at most 1."""
    upper, telling = table.ci_upper.to_numpy(), table.profiled.to_numpy() >= TELLING
    highest = np.fmax.reduce(upper[telling] if telling.any() else upper)
    return 1.0 if not np.isfinite(highest) else float(min(1.0, max(0.01, 1.05 * highest)))


def printed(row: Mapping[Any, Any]) -> str:
    """``14.4% (67/465)``, or a word where nobody is profiled."""
    if not row["profiled"]:
        return "not profiled"
    return f"{100 * row['frequency']:.1f}% ({row['mutant']:,}/{row['profiled']:,})"


def describe(result: MutationFrequency, source: str) -> str:
    """The figure in words, with its numbers."""
    rows = _records(result, source)
    told = "; ".join(f"{r['label']} {printed(r)}" for r in rows[:40])
    return f"Frequency of {result.title} mutations, {source}, mutant of profiled patients. {told}."


def frequency_table(result: MutationFrequency, source: str, sort: str) -> pd.DataFrame:
    """The rows as a publication prints them."""
    rows = _records(result, source, sort)
    return pd.DataFrame(
        {
            "Type or study": [r["label"] for r in rows],
            "Patients": [f"{r['n']:,}" for r in rows],
            "Not profiled": [f"{r['not_profiled']:,}" for r in rows],
            "Profiled": [f"{r['profiled']:,}" for r in rows],
            "Mutant": [f"{r['mutant']:,}" for r in rows],
            "Frequency (95% CI)": [_interval(r) for r in rows],
        }
    )


def _interval(row: Mapping[Any, Any]) -> str:
    if not row["profiled"]:
        return DASH
    bounds = f"{100 * row['ci_lower']:.1f}{DASH}{100 * row['ci_upper']:.1f}"
    return f"{100 * row['frequency']:.1f}% ({bounds})"


def _drawn(rows: list[Row], high: float) -> dict[str, Any]:
    at, lower, upper = (
        np.array([r[c] for r in rows], dtype=float) for c in ("frequency", "ci_lower", "ci_upper")
    )
    known = np.array([r["profiled"] > 0 for r in rows])
    return {
        "label": [r["label"] for r in rows],
        "name": [r["name"] for r in rows],
        "at": np.where(at <= high, at, np.nan),
        "start": np.where(lower <= high, lower, np.nan),
        "end": np.minimum(upper, high),
        "beyond": np.where(known & (upper > high), high, np.nan),
        "text": [printed(r) for r in rows],
        "interval": [_interval(r) for r in rows],
        "left_out": [f"{r['not_profiled']:,}" for r in rows],
        "whole": [r["label"] == "All" for r in rows],
    }


def _axes(title: str, labels: list[str], high: float) -> dict[str, Any]:
    return {
        "data": {"name": "rows"},
        "mark": {"type": "point", "opacity": 0, "size": 1},
        "encoding": {
            "x": {
                "field": "at",
                "type": "quantitative",
                "scale": {"domain": [0, high], "nice": False},
                "axis": {
                    "format": ".1~%" if high < 0.05 else ".0%",
                    "tickCount": 4,
                    "title": f"{title} mutant, of profiled patients",
                    "grid": True,
                },
            },
            "y": {
                "field": "label",
                "type": "nominal",
                "scale": {"domain": labels, "paddingInner": 0.1},
                "axis": {
                    "title": None,
                    "ticks": False,
                    "domain": False,
                    "labelPadding": 9,  # clear of a mark at 0
                    "labelLimit": {"expr": "width < 180 ? 104 : 190"},
                },
            },
        },
    }


@lru_cache(maxsize=16)
def _template(look: Look, simulated: bool) -> dict[str, Any]:
    """Everything that does not depend on the numbers; never changed by those who use it."""
    s, p = look.sizes, look.palette
    y = {"field": "label", "type": "nominal"}
    color = {"condition": {"test": "datum.whole", "value": p.ink}, "value": p.mutant}

    def x(field: str) -> dict[str, Any]:
        return {"field": field, "type": "quantitative"}

    tooltip = [
        {"field": f, "type": "nominal", "title": t}
        for f, t in (
            ("name", "Patients of"),
            ("text", "Mutant of profiled"),
            ("interval", "95% CI"),
            ("left_out", "Not profiled"),
        )
    ]
    layers: list[dict[str, Any]] = [
        {
            "data": {"name": "rows"},
            "mark": {"type": "rule", "strokeWidth": 0.75 * s.line},
            "encoding": {"x": x("start"), "x2": {"field": "end"}, "y": y, "color": color},
        },
        {
            "data": {"name": "rows"},
            "mark": {"type": "point", "filled": True, "opacity": 1, "size": 1.3 * s.mark**2},
            "encoding": {"x": x("at"), "y": y, "color": color},
        },
        {
            "data": {"name": "rows"},
            "transform": [{"filter": "isValid(datum.beyond)"}],
            "mark": {
                "type": "point",
                "filled": True,
                "opacity": 1,
                "shape": "triangle-right",
                "size": s.mark**2,
            },
            "encoding": {"x": x("beyond"), "y": y, "color": color},
        },
        {
            "data": {"name": "rows"},
            "mark": {
                "type": "text",
                "align": "left",
                "x": {"expr": "width + 10"},
                "fontSize": s.small,
                "fontWeight": {"expr": "datum.whole ? 600 : 400"},
            },
            "encoding": {"y": y, "text": {"field": "text"}, "color": {"value": p.ink}},
        },
        {
            "data": {"name": "rows"},
            "mark": {"type": "rect", "x": 0, "x2": {"expr": "width"}, "color": p.muted},
            "encoding": {"y": y, "opacity": {"value": 0}, "tooltip": tooltip},
        },
    ]
    if simulated:
        layers.insert(0, _watermark(look))
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        **look.frame(0.6),
        "config": look.config(),
        "layer": layers,
    }


def _watermark(look: Look) -> dict[str, Any]:
    return {
        "data": {"values": [{}]},
        "mark": {
            "type": "text",
            "text": "SIMULATED",
            "x": {"expr": "width / 2"},
            "y": {"expr": "height / 2"},
            "angle": 342,
            "fontSize": {"expr": f"min(width / 6, {look.sizes.height / 4.5})"},
            "fontWeight": 700,
            "color": look.palette.warning,
            "opacity": 0.14,
        },
    }
