"""The lollipop figure: mutations along a protein, TCGA above the axis and ICI cohorts below.

Heights are placed in pixels here, one scale for both sides, so that equal counts are equally
long; the horizontal axis is Vega-Lite's and may be dragged and zoomed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.analysis.mutations import SOURCES, ProteinMap
from core.charts.figure import Figure, Table
from core.charts.theme import Look
from core.charts.view import haloed
from core.charts.wording import capital
from core.model import VARIANT_GROUPS

GROUPS = (*VARIANT_GROUPS, "other")

LINEAR_UP_TO = 12
"""Patients at one residue above which heights follow the square root of the count."""

WIDE, NARROW = 980.0, 300.0
"""Pixels of the axis that labels are kept apart for: a desk's screen and a telephone's."""

SHRUNK = 0.88
"""Size of letters where room is scarce, as a share of the small ones."""

EDGE = 26
"""Pixels from either end of the axis within which a label stands to the inner side of its pin."""

BAR = 9.0
"""Half the thickness of the protein, in pixels of a screen."""

TICKS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)


@dataclass(frozen=True)
class _Layout:
    """Where the parts stand, in pixels from the top; ``scale`` pixels per unit of height."""

    height: float
    middle: float
    bar: float
    strip: float
    scale: float
    linear: bool

    def units(self, n: npt.ArrayLike) -> npt.NDArray[np.float64]:
        counts = np.asarray(n, dtype=float)
        return counts if self.linear else np.sqrt(counts)

    def place(self, n: npt.ArrayLike, source: str) -> npt.NDArray[np.float64]:
        """Height of ``n`` patients, measured from the protein's edge."""
        if source == SOURCES[0]:
            return self.middle - self.bar - self.scale * self.units(n)
        return self.middle + self.bar + self.strip + self.scale * self.units(n)


def lollipop_figure(
    result: ProteinMap,
    look: Look | None = None,
    *,
    simulated: bool,
    window: tuple[int, int] | None = None,
    heading: tuple[str, ...] = (),
) -> Figure:
    """Draw ``result``; ``window``: the residues shown at first, by default all."""
    look = look or Look()
    layout = _layout(result, look)
    pins = _pins(result, layout)
    start, end = window or (1, result.length)
    data: dict[str, Table] = {
        "pins": pins,
        "labels": _labels(pins, look, max(1, end - start)),
        "protein": _protein(result, layout),
        "domains": _domains(result, layout),
        "hotspots": _hotspots(result, layout),
        "sides": _sides(result, layout, look),
    }
    groups = tuple(g for g in GROUPS if g in set(pins.group)) or GROUPS[:1]
    spec = dict(_template(look, groups, simulated))
    spec["height"] = layout.height
    spec["layer"] = [_axes(look, result, layout, _ticks(pins, layout), start, end), *spec["layer"]]
    if heading:
        spec["title"] = {"text": heading[0], "subtitle": list(heading[1:])}
    return Figure(f"lollipop-{result.gene.lower()}", spec, data, describe(result))


def describe(result: ProteinMap) -> str:
    """The figure in words, with its numbers."""
    parts = []
    for source in SOURCES:
        rows = result.residues[result.residues.source == source]
        top = rows.sort_values("n", ascending=False, kind="stable").head(5)
        told = ", ".join(f"{r['change']} {r['n']}" for r in top.to_dict("records"))
        parts.append(f"{source}: {told or 'no call with a protein position'}")
    length = f"{result.length:,} residues" if result.length_known else "length unknown"
    domains = ", ".join(
        f"{d['name']} {d['start_residue']} to {d['end_residue']}"
        for d in result.domains.head(12).to_dict("records")
    )
    return (
        f"Mutations along {result.gene}, patients by residue, TCGA above and ICI cohorts below. "
        f"{capital(length)}; domains: {domains or 'none listed'}. {result.sentence} Most frequent: "
        + "; ".join(parts)
        + "."
    )


def class_table(result: ProteinMap) -> pd.DataFrame:
    """Calls of each class, with their share, TCGA's and the ICI cohorts'."""
    rows = result.classes.to_dict("records")
    table: dict[str, list[str]] = {"Class": [str(r["group"]) for r in rows] + ["All"]}
    for key, source in zip(("tcga", "ici"), SOURCES, strict=True):
        counts = [
            f"{r[key]:,}" + (f" ({100 * r[f'{key}_share']:.1f}%)" if r[key] else "") for r in rows
        ]
        table[f"{source}: calls"] = [*counts, f"{int(result.classes[key].sum()):,}"]
    return pd.DataFrame(table)


def variant_table(result: ProteinMap) -> pd.DataFrame:
    """The variants as the page lists them."""
    table = result.variants
    return pd.DataFrame(
        {
            "Change": table.change,
            "Residue": table.position,
            "Class": table.variant_classification.str.replace("_", " "),
            "TCGA patients": table.tcga,
            "ICI patients": table.ici,
            "Known hotspot": table.hotspot,
            "Tumour types": table["where"],
        }
    )


# -- data ------------------------------------------------------------------------------


def _layout(result: ProteinMap, look: Look) -> _Layout:
    s = look.sizes
    counts = result.residues.groupby(["source", "position"]).n.sum()
    highest = [float(counts[x].max()) if x in counts.index else 0.0 for x in SOURCES]
    linear = max(highest) <= LINEAR_UP_TO
    units = [h if linear else math.sqrt(h) for h in highest]
    bar = BAR * s.small / 13
    strip = 8.0 * s.small / 13 if result.hotspots else 0.0
    # room for the words of each side, for the labels above pins, and a short empty side
    margin = 3.4 * s.small
    height = 1.05 * s.height
    free = height - 2 * margin - 2 * bar - strip
    smallest = 0.12 * sum(units) if sum(units) else 1.0
    above, below = (max(u, smallest) for u in units)
    scale = free / (above + below)
    return _Layout(height, margin + above * scale + bar, bar, strip, scale, linear)


def _pins(result: ProteinMap, layout: _Layout) -> pd.DataFrame:
    """A pin per source, residue and class; classes of one residue stand upon each other.

    The most frequent class is the head, so that its colour is the one that is seen.
    """
    rows = result.residues
    rank = {g: -i for i, g in enumerate(GROUPS)}
    source, at, n = (rows[c].to_numpy() for c in ("source", "position", "n"))
    key = np.array([rank[g] for g in rows.group], dtype=int)
    order = np.lexsort((key, n, at, source.astype(str)))
    source, at, n = source[order], at[order], n[order]
    new = np.append(True, (at[1:] != at[:-1]) | (source[1:] != source[:-1]))[: n.size]
    first = np.flatnonzero(new)
    whole = np.add.reduceat(n, first) if n.size else n
    pin = np.cumsum(new) - 1
    top_n = np.cumsum(n) - (np.cumsum(whole) - whole)[pin]
    above = source == SOURCES[0]
    top, foot = (
        np.where(above, layout.place(k, SOURCES[0]), layout.place(k, SOURCES[1]))
        for k in (top_n, top_n - n)
    )
    known = np.where(rows.hotspot.to_numpy()[order], "yes", "no")
    pins = rows.take(order).drop(columns="hotspot").reset_index(drop=True)
    return pins.assign(top_n=top_n, total=whole[pin], top=top, foot=foot, known=known)


def _labels(pins: pd.DataFrame, look: Look, span: int) -> dict[str, list[Any]]:
    """Names of recurrent residues; which of them fit on a wide and on a narrow axis."""
    source, position, n, top = (pins[c].to_numpy() for c in ("source", "position", "n", "top"))
    recurrent = np.flatnonzero(pins.total.to_numpy() >= 2)
    starts = np.append(True, (np.diff(position[recurrent]) != 0)
                       | (source[recurrent][1:] != source[recurrent][:-1]))  # fmt: skip
    changes = pins.changes.to_numpy()
    rows: list[tuple[str, int, int, float, str]] = []
    for part in np.split(recurrent, np.flatnonzero(starts)[1:]) if recurrent.size else ():
        first = part[0]
        at = top[part].min() if source[first] == SOURCES[0] else top[part].max()
        label = _residue_name(changes[part], int(position[first]))
        rows.append((source[first], int(position[first]), int(n[part].sum()), float(at), label))
    rows.sort(key=lambda row: -row[2])
    names = ("source", "position", "n", "top", "label")
    table: dict[str, list[Any]] = {c: [row[i] for row in rows] for i, c in enumerate(names)}
    away = 0.95 * look.sizes.small
    table["at"] = [t - away if s == SOURCES[0] else t + away for s, _, _, t, _ in rows]
    small = look.sizes.small
    # a fixed figure's width includes the names of its vertical axis
    wide = WIDE if look.medium == "screen" else look.sizes.width * (0.9 if look.fixed else 1.2)
    for column, pixels, size in (
        ("wide", wide, small),
        ("narrow", NARROW * look.unit, SHRUNK * small),
    ):
        table[column] = _fitting(table, pins, pixels, span, size, look)
    return table


def _residue_name(told: Iterable[str], position: int) -> str:
    """``R1275Q`` where one change is all there is, else ``R1275``."""
    changes = {re.sub(r" \(\d+\)$", "", c) for words in told for c in words.split(", ")}
    if len(changes) == 1:
        return str(next(iter(changes)))
    # X is what a splice call names, whatever the residue
    letters = {c[0] for c in changes if re.match(rf"[A-WYZ]{position}", c)}
    return f"{next(iter(letters))}{position}" if len(letters) == 1 else str(position)


def _fitting(
    table: dict[str, list[Any]],
    pins: pd.DataFrame,
    pixels: float,
    span: int,
    size: float,
    look: Look,
) -> list[bool]:
    """Which labels collide neither with a more frequent one nor with another residue's pin."""
    radius, pitch = 0.6 * look.sizes.mark, pixels / span
    head_x, head_y = pins.position.to_numpy(float) * pitch, pins.top.to_numpy(float)
    boxes: list[tuple[float, float, float, float]] = []
    fits = []
    for position, at, label in zip(table["position"], table["at"], table["label"], strict=True):
        x, half, tall = position * pitch, 0.3 * size * len(label) + 2, 0.62 * size
        others = np.abs(head_x - x) >= 1e-9
        x = x + half if x < EDGE else x - half if x > pixels - EDGE else x
        near = (np.abs(head_x - x) < half + radius) & (np.abs(head_y - at) < tall + radius)
        fit = not (near & others).any() and not any(
            abs(bx - x) < bh + half and abs(by - at) < bt + tall for bx, by, bh, bt in boxes
        )
        if fit:
            boxes.append((x, at, half, tall))
        fits.append(fit)
    return fits


def _ticks(pins: pd.DataFrame, layout: _Layout) -> pd.DataFrame:
    """Counts on the vertical axis of each side, at least 18 pixels apart."""
    rows = []
    for source in SOURCES:
        highest = pins[pins.source == source].total.max()
        last = float(layout.place(0, source))
        for n in TICKS:
            at = float(layout.place(n, source))
            if n <= highest and abs(at - last) >= 18:
                rows.append((source, n, round(at, 1)))
                last = at
    return pd.DataFrame(rows, columns=["source", "n", "at"]).astype({"at": float})


def _protein(result: ProteinMap, layout: _Layout) -> pd.DataFrame:
    half = 0.45 * layout.bar
    row = {"start": 1, "end": result.length, "top": layout.middle - half}
    return pd.DataFrame([{**row, "bottom": layout.middle + half}])


def _domains(result: ProteinMap, layout: _Layout) -> pd.DataFrame:
    d = result.domains
    return pd.DataFrame(
        {
            "name": d["name"],
            "start": d.start_residue.astype(int),
            "end": d.end_residue.clip(upper=result.length).astype(int),
            "mid": (d.start_residue + d.end_residue.clip(upper=result.length)) / 2,
            "top": layout.middle - layout.bar,
            "middle": layout.middle,
            "bottom": layout.middle + layout.bar,
            "about": d.description.fillna(""),
            "span": d.start_residue.astype(str) + "–" + d.end_residue.astype(str),
        }
    )


def _hotspots(result: ProteinMap, layout: _Layout) -> pd.DataFrame:
    at = [r for r in result.hotspots if r <= result.length]
    top = layout.middle + layout.bar + 1.5
    return pd.DataFrame(
        {
            "position": at,
            "top": top,
            "bottom": top + max(0.0, layout.strip - 1.5),
            "told": [f"known hotspot, residue {r:,}" for r in at],
        }
    ).astype({"position": int})


def _sides(result: ProteinMap, layout: _Layout, look: Look) -> pd.DataFrame:
    """What stands above and below, written in the corners."""
    small = look.sizes.small
    texts = []
    for source in SOURCES:
        placed = int((result.residues.source == source).sum())
        words = "patients at each residue" if placed else "no call with a protein position"
        texts.append(f"{source}: {words}")
    if not layout.linear:
        texts[0] += ", square-root scale"
    return pd.DataFrame({"text": texts, "at": [0.7 * small, layout.height - 0.7 * small]})


# -- spec ------------------------------------------------------------------------------

_Y = {"type": "quantitative"}


def _axes(
    look: Look,
    result: ProteinMap,
    layout: _Layout,
    ticks: pd.DataFrame,
    start: int,
    end: int,
) -> dict[str, Any]:
    """An invisible layer that carries both scales, and the dragging of the horizontal one."""
    ticked = f"width < {420 * look.unit:.0f} ? 5 : 10"
    pad = max(1.0, 0.008 * (end - start))
    words = f"Residue of {result.gene}"
    words += f" ({result.length:,})" if result.length_known else ", length unknown"
    names = {f"{at:.1f}": f"{n:,}" for at, n in zip(ticks["at"], ticks.n, strict=True)}
    return {
        "data": {"name": "pins"},
        "mark": {"type": "point", "opacity": 0, "size": 1},
        "params": [
            {
                "name": "zoom",
                "select": {
                    "type": "interval",
                    "encodings": ["x"],
                    # a plain wheel scrolls the page; with Ctrl, as a pinch sends it, it zooms
                    "zoom": "wheel![event.ctrlKey || event.metaKey]",
                },
                "bind": "scales",
            }
        ],
        "encoding": {
            "x": {
                "field": "position",
                "type": "quantitative",
                "scale": {"domain": [start - pad, end + pad], "nice": False, "zero": False},
                "axis": {"title": words, "grid": False, "format": ",d", "tickMinStep": 1,
                         "labelOverlap": "greedy", "tickCount": {"expr": ticked}},
            },
            "y": {
                **_Y,
                "field": "top",
                "scale": {"domain": [0, layout.height], "reverse": True, "nice": False},
                "axis": {
                    "title": None,
                    "values": ticks["at"].tolist(),
                    "labelExpr": f"({json.dumps(names)})[format(datum.value, '.1f')]",
                    "grid": True,
                    "domain": False,
                    "ticks": False,
                },
            },
        },
    }  # fmt: skip


@lru_cache(maxsize=32)
def _template(look: Look, groups: tuple[str, ...], simulated: bool) -> dict[str, Any]:
    """Everything that does not depend on the numbers; never changed by those who use it."""
    layers = [_watermark(look)] if simulated else []
    layers += [*_protein_layers(look), _hotspot_layer(look)]
    layers += [*_pin_layers(look, groups)]
    layers += [*haloed(_label_layer(look), look), _side_layer(look)]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        **look.frame(1.2),
        "config": look.config(),
        "layer": layers,
    }


def class_colors(look: Look, groups: tuple[str, ...]) -> list[str]:
    """One colour per class, the same in every figure; none of them a mutation state's."""
    hues = dict(zip(GROUPS, look.palette.further, strict=True))
    return [hues[g] for g in groups]


def _protein_layers(look: Look) -> list[dict[str, Any]]:
    s, p = look.sizes, look.palette
    x, x2 = {"field": "start", "type": "quantitative"}, {"field": "end"}
    y, y2 = {**_Y, "field": "top"}, {"field": "bottom"}
    wide = "scale('x', datum.end) - scale('x', datum.start)"
    told = [("name", "Domain"), ("span", "Residues"), ("about", "What it is")]
    return [
        {
            "data": {"name": "protein"},
            "mark": {"type": "rect", "color": p.muted, "opacity": 0.55, "clip": True},
            "encoding": {"x": x, "x2": x2, "y": y, "y2": y2},
        },
        {
            "data": {"name": "domains"},
            "mark": {
                "type": "rect",
                "color": p.rule,
                "stroke": p.muted,
                "strokeWidth": 1,
                "cornerRadius": 3,
                "clip": True,
            },
            "encoding": {
                "x": x, "x2": x2, "y": y, "y2": y2,
                "tooltip": [{"field": f, "type": "nominal", "title": t} for f, t in told],
            },
        },
        {
            "data": {"name": "domains"},
            "mark": {
                "type": "text",
                "clip": True,
                "baseline": "middle",
                "fontSize": SHRUNK * s.small,
                "opacity": {"expr": f"{wide} > {0.52 * s.small:.2f} * length(datum.name) ? 1 : 0"},
            },
            "encoding": {
                "x": {"field": "mid", "type": "quantitative"},
                "y": {**_Y, "field": "middle"},
                "text": {"field": "name"},
                "color": {"value": p.ink},
            },
        },
    ]  # fmt: skip


def _hotspot_layer(look: Look) -> dict[str, Any]:
    return {
        "data": {"name": "hotspots"},
        "mark": {"type": "rule", "color": look.palette.warning, "strokeWidth": 2, "clip": True},
        "encoding": {
            "x": {"field": "position", "type": "quantitative"},
            "y": {**_Y, "field": "top"},
            "y2": {"field": "bottom"},
            "tooltip": {"field": "told", "type": "nominal", "title": "Marked"},
        },
    }


def _pin_layers(look: Look, groups: tuple[str, ...]) -> list[dict[str, Any]]:
    s, p = look.sizes, look.palette
    x = {"field": "position", "type": "quantitative"}
    told = {
        "source": "Patients of",
        "position": "Residue",
        "group": "Class",
        "n": "Patients",
        "changes": "Changes (patients)",
        "known": "Known hotspot",
    }
    color = {
        "field": "group",
        "type": "nominal",
        "scale": {"domain": list(groups), "range": class_colors(look, groups)},
        "legend": {
            "title": None,
            "orient": "top",
            "symbolType": "circle",
            "symbolOpacity": 1,
            "labelFontSize": s.small,
            "columns": {"expr": f"width < {360 * look.unit:.0f} ? 2 : 5"},
        },
    }
    return [
        {
            "data": {"name": "pins"},
            "mark": {"type": "rule", "strokeWidth": 1, "color": p.muted, "clip": True},
            "encoding": {"x": x, "y": {**_Y, "field": "foot"}, "y2": {"field": "top"}},
        },
        {
            "data": {"name": "pins"},
            "mark": {
                "type": "point",
                "filled": True,
                "opacity": 1,
                "size": 1.25 * s.mark**2,
                "stroke": p.paper,
                "strokeWidth": 0.6,
                "clip": True,
            },
            "encoding": {
                "x": x,
                "y": {**_Y, "field": "top"},
                "color": color,
                "tooltip": [{"field": f, "type": "nominal", "title": t} for f, t in told.items()],
            },
        },
    ]


def _label_layer(look: Look) -> dict[str, Any]:
    s = look.sizes
    narrow = f"width < {620 * look.unit if look.medium == 'screen' else 0.75 * s.width:.0f}"
    fits = f"{narrow} ? datum.narrow : datum.wide"
    size = {"expr": f"{narrow} ? {SHRUNK * s.small:.2f} : {s.small}"}
    edge = "scale('x', datum.position)"
    align = f"{edge} < {EDGE} ? 'left' : {edge} > width - {EDGE} ? 'right' : 'center'"
    return {
        "data": {"name": "labels"},
        "mark": {
            "type": "text",
            "baseline": "middle",
            "clip": True,
            "fontSize": size,
            "opacity": {"expr": f"({fits}) ? 1 : 0"},
            "align": {"expr": align},
        },
        "encoding": {
            "x": {"field": "position", "type": "quantitative"},
            "y": {**_Y, "field": "at"},
            "text": {"field": "label"},
            "color": {"value": look.palette.ink},
        },
    }


def _side_layer(look: Look) -> dict[str, Any]:
    return {
        "data": {"name": "sides"},
        "mark": {
            "type": "text",
            "align": "left",
            "baseline": "middle",
            "x": 0,
            "fontSize": look.sizes.small,
            "fontWeight": 600,
        },
        "encoding": {
            "y": {**_Y, "field": "at"},
            "text": {"field": "text"},
            "color": {"value": look.palette.muted},
        },
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
            "fontSize": {"expr": f"min(width / 7, {look.sizes.height / 4.5})"},
            "fontWeight": 700,
            "color": look.palette.warning,
            "opacity": 0.14,
        },
    }
