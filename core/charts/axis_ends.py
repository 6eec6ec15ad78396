"""The ends of a figure's axes moved from its spec to its data.

A browser builds a figure anew when its spec differs, and only moves its marks when its data do.
Other patients change where axes end and little else, so the ends stand among the data there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.charts.figure import Figure

ENDS = "axis_ends"
"""Name of the dataset: one row, a column per end."""


def ends_in_data(figure: Figure) -> Figure:
    """The same picture; a figure of several views, or with a layer that is :func:`_bound`, stays
    as it is."""
    layers = figure.spec.get("layer")
    if layers is None or any(_bound(layer) for layer in layers):
        return figure
    ends: dict[str, float] = {}
    moved = [_moved(layer, ends) for layer in layers]
    if not ends:
        return figure
    # Vega-Lite keeps only datasets that some layer draws.
    carrier = {"data": {"name": ENDS}, "mark": {"type": "point", "opacity": 0, "size": 1}}
    return replace(
        figure,
        spec={**figure.spec, "layer": [*moved, carrier]},
        datasets={**figure.datasets, ENDS: {name: [end] for name, end in ends.items()}},
    )


def _bound(layer: dict[str, Any]) -> bool:
    """Whether the layer is zoomed, or stands right of the axes: Vega then fits the axes' width to
    what it finds there, which it does before it has read data."""
    mark = layer.get("mark")
    x = mark.get("x") if isinstance(mark, dict) else None
    beyond = isinstance(x, dict) and str(x.get("expr", "")).startswith("width +")
    return beyond or any(p.get("bind") == "scales" for p in layer.get("params", []))


def _moved(layer: dict[str, Any], ends: dict[str, float]) -> dict[str, Any]:
    """``layer`` with its ends read from the data; ``ends`` gains them."""
    if "layer" in layer:
        layer = {**layer, "layer": [_moved(inner, ends) for inner in layer["layer"]]}
    encoding = layer.get("encoding", {})
    moved = {c: _read(c, encoding[c], ends) for c in ("x", "y") if c in encoding}
    return {**layer, "encoding": {**encoding, **moved}} if moved else layer


def _read(channel: str, encoded: dict[str, Any], ends: dict[str, float]) -> dict[str, Any]:
    scale = encoded.get("scale") or {}
    domain = scale.get("domain")
    if not isinstance(domain, (list, tuple)) or len(domain) != 2:
        return encoded
    if not all(isinstance(end, (int, float)) for end in domain):
        return encoded
    read = [{"expr": f"data('{ENDS}')[0].{_named(channel, float(e), ends)}"} for e in domain]
    return {**encoded, "scale": {**scale, "domain": read}}


def _named(channel: str, end: float, ends: dict[str, float]) -> str:
    """The column of ``end``: the layers of one scale share it."""
    known = (n for n, value in ends.items() if n.startswith(channel) and value == end)
    name = next(known, f"{channel}{len(ends)}")
    ends[name] = end
    return name
