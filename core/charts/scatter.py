"""Two features against each other: points to explore, the same for print, correlations by type."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from core.analysis.correlation import Correlation
from core.charts.figure import Figure
from core.charts.panel import label_layer, row_axis, row_places
from core.charts.theme import FONT, Look
from core.charts.view import view
from core.charts.wording import DASH, p_text

RHO = "Spearman's correlation"
SIZE = 5
MOST = 20_000
"""Patients drawn at most; of more, every group has its share, evenly in the patients' order."""


def scatter_points(result: Correlation, look: Look, *, simulated: bool) -> dict[str, Any]:
    """A Plotly figure (WebGL) of every patient, a trace per group, the small group on top."""
    p = look.palette
    drawn, traces = points(result), []
    for group, color in _groups(result, look):
        rows = drawn[drawn.group == group]
        n = int((result.rows.group == group).sum())
        traces.append(
            {
                "type": "scattergl",
                "mode": "markers",
                "name": f"{group} ({n:,})",
                "x": rows.x.to_numpy(),
                "y": rows.y.to_numpy(),
                "text": (rows.patient_id + ", " + rows.tumor_type.fillna("type unknown")).tolist(),
                "hovertemplate": "%{text}<br>%{x:.3g}, %{y:.3g}<extra></extra>",
                "marker": {"color": color, "size": SIZE, "opacity": _opacity(len(rows))},
            }
        )
    axis = {"gridcolor": p.rule, "zeroline": False, "linecolor": p.muted, "ticks": "outside",
            "tickcolor": p.muted, "automargin": True}  # fmt: skip
    return {"data": traces, "layout": {
        "height": look.sizes.height + 60,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": look.sizes.small, "color": p.ink},
        "margin": {"l": 10, "r": 10, "t": 30, "b": 10},
        "legend": {"orientation": "h", "y": 1.08, "x": 0, "itemsizing": "constant"},
        "xaxis": {**axis, "title": {"text": _axis_title(result.x)}},
        "yaxis": {**axis, "title": {"text": _axis_title(result.y)}},
        "annotations": [_watermark(look)] if simulated else [],
    }}  # fmt: skip


def points(result: Correlation) -> pd.DataFrame:
    """The patients that are drawn: all of them, or MOST."""
    rows = result.rows
    if len(rows) <= MOST:
        return rows
    order = rows.group.argsort(kind="stable").to_numpy()
    return rows.iloc[np.sort(order[np.linspace(0, len(rows) - 1, MOST).astype(np.intp)])]


def not_drawn(result: Correlation) -> str:
    """What is to be said of patients that are not drawn; empty where there are none."""
    if len(result.rows) <= MOST:
        return ""
    return (
        f"{MOST:,} of {len(result.rows):,} patients are drawn, each group in its share; all are in "
        "the correlations and in the file of rows."
    )


def scatter_figure(
    result: Correlation,
    look: Look | None = None,
    *,
    simulated: bool,
    heading: tuple[str, ...] = (),
) -> Figure:
    """The same points as a figure that can be printed."""
    look = look or Look()
    groups = _groups(result, look)
    order = {g: i for i, (g, _) in enumerate(groups)}
    rows = points(result).sort_values("group", key=lambda g: g.map(order), kind="stable")
    scale = {"domain": [g for g, _ in groups], "range": [c for _, c in groups]}
    layer = {
        "data": {"name": "points"},
        "mark": {"type": "point", "filled": True, "size": 9},
        "encoding": {
            "x": _channel(result.x, "x"),
            "y": _channel(result.y, "y"),
            "opacity": {"field": "shade", "type": "quantitative", "scale": None},
            "color": {"field": "group", "type": "nominal", "scale": scale,
                      "legend": {"orient": "top", "title": None, "symbolOpacity": 1}},
        },
    }  # fmt: skip
    spec = view(look, [layer], simulated=simulated)
    if heading:
        spec["title"] = {"text": heading[0], "subtitle": list(heading[1:])}
    shade = rows.groupby("group").x.transform("size").map(_opacity)
    data = {"points": rows[["x", "y", "group"]].assign(shade=shade)}
    return Figure(name(result), spec, data, describe(result))


def by_type_figure(
    result: Correlation,
    look: Look | None = None,
    *,
    simulated: bool,
    heading: tuple[str, ...] = (),
) -> Figure:
    """The correlation with its interval: together, then each tumour type, strongest first."""
    look = look or Look()
    rows = _rows(result)
    spec = dict(_intervals(look, simulated))
    spec["height"] = float(np.ceil(1.6 * look.sizes.small * len(rows)))
    spec["params"] = row_places(look, rows, look.sizes.small * 20)
    spec["layer"] = [row_axis(look, len(rows), 1.0, title=RHO), *spec["layer"]]
    if heading:
        spec["title"] = {"text": heading[0], "subtitle": list(heading[1:])}
    marks = rows[~rows.heading]
    return Figure(f"{name(result)}-types", spec, {"rows": rows, "marks": marks}, describe(result))


def name(result: Correlation) -> str:
    return f"correlation-{result.x.key}-{result.y.key}".replace(":", "-").lower()


def describe(result: Correlation) -> str:
    parts = [
        f"{r['label']} {r['rho']:+.2f} ({r['ci_lower']:+.2f} to {r['ci_upper']:+.2f}), n {r['n']:,}"
        for r in result.overall.to_dict("records")
    ]
    held = ", purity held fixed" if result.partial else ""
    return f"{RHO} of {result.x.name} and {result.y.name}{held}. {'; '.join(parts)}."


def answer(result: Correlation) -> str:
    """The correlation within tumour types in words, beside that over all tumours."""
    naive, inside = (result.overall.iloc[i].to_dict() for i in (0, 1))
    if np.isnan(inside["rho"]):
        return "Too few patients to tell."
    clear = not np.isnan(inside["p_value"]) and inside["p_value"] < 0.05
    way = "go together" if inside["rho"] > 0 else "go against each other"
    verdict = f"They {way} within tumour types" if clear else "No clear correlation within types"
    held = " at equal purity" if result.partial else ""
    return (
        f"{verdict}{held}: ρ {inside['rho']:+.2f} ({inside['ci_lower']:+.2f} to "
        f"{inside['ci_upper']:+.2f}), {p_text(inside['p_value'])}; over all tumours "
        f"{naive['rho']:+.2f}."
    )


# -- parts -----------------------------------------------------------------------------


def _groups(result: Correlation, look: Look) -> list[tuple[str, str]]:
    """Groups that have patients with their colours, the group of interest last (on top)."""
    reference, other = result.order
    others = sorted(set(result.rows.group) - {reference, other})
    colors = dict(zip(result.order, look.colors(result.order), strict=True))
    drawn = [*((g, look.palette.not_profiled) for g in others),
             *((g, colors[g]) for g in (reference, other))]  # fmt: skip
    present = set(result.rows.group)
    return [(g, c) for g, c in drawn if g in present]


def _opacity(n: int) -> float:
    return 0.85 if n <= 500 else 0.5 if n <= 3000 else 0.25


def _axis_title(member: Any) -> str:
    return f"{member.name} ({member.unit})"


def _channel(member: Any, field: str) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "title": _axis_title(member),
            "scale": {"zero": False}}  # fmt: skip


def _watermark(look: Look) -> dict[str, Any]:
    return {"text": "SIMULATED", "xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5,
            "showarrow": False, "textangle": -18, "opacity": 0.14,
            "font": {"size": 80, "color": look.palette.warning}}  # fmt: skip


def _rows(result: Correlation) -> pd.DataFrame:
    together = result.overall.assign(heading=False, indent=True, q_value=result.overall.p_value)
    types = result.by_type.sort_values("rho", ascending=False).assign(
        label=lambda t: t.tumor_type, heading=False, indent=True
    )
    head = {"heading": True, "indent": False}
    rows = pd.concat(
        [
            pd.DataFrame([{"label": "Together", **head}]),
            together,
            pd.DataFrame([{"label": "Each tumour type", **head}]),
            types,
        ],
        ignore_index=True,
    )
    place = np.arange(len(rows), dtype=float)
    text = [
        ""
        if r["heading"]
        else (DASH if np.isnan(r["rho"]) else f"{r['rho']:+.2f} ({r['ci_lower']:+.2f} to "
              f"{r['ci_upper']:+.2f})")
        for r in rows.to_dict("records")
    ]  # fmt: skip
    q = [p_text(v, symbol=False) if v == v else "" for v in rows.q_value]
    n = [f"{v:,.0f}" if v == v else "" for v in rows.n]
    return rows.assign(
        middle=place + 0.5, chosen=False, text=text, q=q, count=n, effect=rows.rho,
        low=rows.ci_lower, high=rows.ci_upper,
    )[["label", "heading", "indent", "chosen", "middle", "effect", "low", "high", "text", "q",
       "count"]]  # fmt: skip


@lru_cache(maxsize=8)
def _intervals(look: Look, simulated: bool) -> dict[str, Any]:
    s, p = look.sizes, look.palette
    y = {"field": "middle", "type": "quantitative"}

    def column(field: str, at: float, title: str) -> list[dict[str, Any]]:
        place = {"expr": f"width - {at:.0f}"}
        shared = {"type": "text", "align": "right", "baseline": "middle", "x": place,
                  "opacity": {"expr": "narrow ? 0 : 1"}}  # fmt: skip
        return [
            {
                "data": {"name": "rows"},
                "mark": {**shared, "fontSize": s.small},
                "encoding": {"y": y, "text": {"field": field}, "color": {"value": p.ink}},
            },
            {
                "data": {"values": [{}]},
                "mark": {**shared, "text": title, "y": -0.8 * s.small, "color": p.muted,
                         "fontSize": 0.92 * s.small},
            },
        ]  # fmt: skip

    layers: list[dict[str, Any]] = [
        label_layer(look),
        {
            "data": {"values": [{"effect": 0}]},
            "mark": {"type": "rule", "color": p.muted, "strokeWidth": 1},
            "encoding": {"x": {"field": "effect", "type": "quantitative"}},
        },
        {
            "data": {"name": "marks"},
            "transform": [{"filter": "isValid(datum.low)"}],
            "mark": {"type": "rule", "strokeWidth": 0.8 * s.line, "color": p.further[0]},
            "encoding": {
                "x": {"field": "low", "type": "quantitative"},
                "x2": {"field": "high"},
                "y": y,
            },
        },
        {
            "data": {"name": "marks"},
            "mark": {"type": "point", "filled": True, "opacity": 1, "size": s.mark**2,
                     "color": p.further[0]},
            "encoding": {
                "x": {"field": "effect", "type": "quantitative"},
                "y": y,
                "tooltip": [{"field": "label", "title": "Where"}, {"field": "text", "title": "ρ"},
                            {"field": "count", "title": "Patients"}, {"field": "q", "title": "q"}],
            },
        },
        *column("text", 8.2 * s.small, "ρ (95% CI)"),
        *column("count", 4.4 * s.small, "n"),
        *column("q", 2, "p or q"),
    ]  # fmt: skip
    return view(look, layers, simulated=simulated)
