"""The spectrum figure: 96 channels as bars, one group upwards and the other downwards.

Both groups stand on one axis, so that a channel is compared with itself. The blocks of the six
substitutions are named above the bars; a bar's trinucleotide is told when it is pointed at.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from core.analysis.spectra import GroupSpectra
from core.charts.figure import Figure, Table
from core.charts.theme import Look
from core.charts.view import view
from core.stats.sbs96 import CHANNELS, SUBSTITUTIONS

HEIGHT = 0.95
BLOCK = len(CHANNELS) // len(SUBSTITUTIONS)
PLACE_OF = {channel: i for i, channel in enumerate(CHANNELS)}
GAP = 0.12
"""Space on each side of a bar, of the width of a channel."""


def spectrum_figure(
    result: GroupSpectra,
    look: Look | None = None,
    *,
    simulated: bool,
    heading: tuple[str, ...] = (),
) -> Figure:
    """Mean shares of the last group upwards, of the reference downwards."""
    look = look or Look()
    reference, other = result.order[0], result.order[-1]
    data: dict[str, Table] = {"bars": _bars(result), "blocks": _blocks(), "groups": _groups(result)}
    high = float(result.table.share.max()) * 1.12
    spec = dict(_template(look, simulated))
    spec["layer"] = [_axes(high), *spec["layer"]]
    if heading:
        spec["title"] = {"text": heading[0], "subtitle": list(heading[1:])}
    name = f"spectrum-{result.place}-{result.title.replace(' ', '-').lower()}"
    about = f"Mean share of the 96 channels, {result.title} {other} upwards, {reference} downwards"
    return Figure(name, spec, data, f"{about}. {_told(result)}")


def _told(result: GroupSpectra) -> str:
    parts = []
    of, channel, share = (result.table[c].to_numpy() for c in ("group", "channel", "share"))
    for group in reversed(result.order):
        own = np.flatnonzero(of == group)
        top = own[np.argsort(-share[own], kind="stable")[:5]]
        listed = ", ".join(f"{channel[i]} {share[i]:.1%}" for i in top)
        parts.append(f"{group}: {listed}")
    return f"Cosine similarity {result.cosine:.3f}. {'; '.join(parts)}."


def _bars(result: GroupSpectra) -> dict[str, Any]:
    group, channel, share = (result.table[c].to_numpy() for c in ("group", "channel", "share"))
    index = np.array([PLACE_OF[c] for c in channel])
    return {
        "group": group,
        "channel": channel,
        "share": share,
        "start": index + GAP,
        "end": index + 1 - GAP,
        "signed": np.where(group == result.order[-1], share, -share),
        "substitution": [c[2:5] for c in channel],
        "text": [f"{s:.2%}" for s in share],
    }


def _blocks() -> dict[str, Any]:
    start = np.arange(len(SUBSTITUTIONS)) * float(BLOCK)
    return {
        "substitution": SUBSTITUTIONS,
        "start": start + GAP,
        "end": start + BLOCK - GAP,
        "middle": start + BLOCK / 2,
    }


def _groups(result: GroupSpectra) -> dict[str, Any]:
    n = dict(zip(result.tumours.group, result.tumours.n, strict=True))
    of = {g: "1 tumour" if n[g] == 1 else f"{n[g]:,} tumours" for g in result.order}
    words = [f"{result.title} {result.order[-1]}, {of[result.order[-1]]}"]
    words.append(f"{result.order[0]}, {of[result.order[0]]}")
    return {"text": words, "place": [0, 1]}


def _axes(high: float) -> dict[str, Any]:
    return {
        "data": {"name": "bars"},
        "mark": {"type": "point", "opacity": 0, "size": 1},
        "encoding": {
            "x": {
                "field": "start",
                "type": "quantitative",
                "scale": {"domain": [0, len(CHANNELS)], "nice": False},
                "axis": None,
            },
            "y": {
                "field": "signed",
                "type": "quantitative",
                "scale": {"domain": [-high, high], "nice": False},
                "axis": {
                    "title": "Mean share of a tumour's SNVs",
                    "labelExpr": "format(abs(datum.value), '~%')",
                    "tickCount": 7,
                    "grid": True,
                },
            },
        },
    }


def colors(look: Look) -> list[str]:
    """One colour for each substitution."""
    p = look.palette
    return [p.further[3], p.ink, p.warning, p.not_profiled, p.further[0], p.further[1]]


@lru_cache(maxsize=16)
def _template(look: Look, simulated: bool) -> dict[str, Any]:
    """Everything that does not depend on the numbers; never changed by those who use it."""
    s, p = look.sizes, look.palette
    color = {
        "field": "substitution",
        "type": "nominal",
        "scale": {"domain": list(SUBSTITUTIONS), "range": colors(look)},
        "legend": None,
    }
    span = {"x": {"field": "start", "type": "quantitative"}, "x2": {"field": "end"}}
    tooltip = [
        {"field": f, "type": "nominal", "title": t}
        for f, t in (("channel", "Channel"), ("group", "Group"), ("text", "Mean share"))
    ]
    layers: list[dict[str, Any]] = [
        {
            "data": {"name": "bars"},
            "mark": {"type": "rect"},
            "encoding": {
                **span,
                "y": {"field": "signed", "type": "quantitative"},
                "y2": {"datum": 0},
                "color": color,
                "tooltip": tooltip,
            },
        },
        {
            "data": {"values": [{}]},
            "mark": {"type": "rule", "color": p.muted, "strokeWidth": 1},
            "encoding": {"y": {"datum": 0, "type": "quantitative"}},
        },
        {
            "data": {"name": "blocks"},
            "mark": {"type": "rect", "y": -0.35 * s.small, "y2": 0},
            "encoding": {**span, "color": color},
        },
        {
            "data": {"name": "blocks"},
            "mark": {
                "type": "text", "y": -0.65 * s.small, "baseline": "bottom", "fontSize": s.small,
                "fontWeight": 600, "color": p.ink,
            },
            "encoding": {
                "x": {"field": "middle", "type": "quantitative"},
                "text": {"field": "substitution"},
            },
        },
        {
            "data": {"name": "groups"},
            "mark": {
                "type": "text", "align": "right", "baseline": "middle",
                "x": {"expr": "width - 6"},
                "y": {"expr": f"datum.place == 0 ? {s.small} : height - {s.small}"},
                "fontSize": s.text, "fontWeight": 600,
                "color": {"expr": f"datum.place == 0 ? '{p.mutant}' : '{p.wild_type}'"},
                "limit": {"expr": "width - 12"},
            },
            "encoding": {"text": {"field": "text"}},
        },
    ]  # fmt: skip
    return view(look, layers, simulated=simulated, height=HEIGHT)
