"""What a figure of a given width may have to break or shorten: titles, axis titles, legends, names.

On the screen Vega lays a figure out again whenever its container changes; a file is laid out once,
so the room of every text is computed here, from the mean width of a letter.
"""

from __future__ import annotations

import textwrap
from typing import Any

LETTER, BOLD_LETTER = 0.5, 0.56
"""Mean width of a letter, in its size."""

SUBTITLE_LINE = 110
"""Letters in which the pages break the lines under a title."""

SOURCE = "Build "
"""How the line on a figure's source begins, which stands by itself."""

NAMES = 0.42
"""Share of the figure's width that the names beside an axis may take."""

AXIS, INNER_AXIS = 0.74, 0.56
"""Share of the figure's width that an axis may count on: one from edge to edge, and one that has
columns of text beside it."""

LEGEND = 0.82
"""Share of the figure's width that the legends above it may count on."""

SYMBOL = 2.6
"""Room of a legend's symbol and gap, in letter sizes."""


def still(spec: dict[str, Any]) -> dict[str, Any]:
    """``spec`` without what only a pointer reaches: tooltips, selections, strips to point at.

    A mark's own words for a screen reader go as well: a file has one description as a whole.
    """
    layers = [_still_layer(one) for one in spec.get("layer", []) if not _unseen(one)]
    if (ends := _moved(spec)) is not None:
        layers = [_unclipped(one, ends, spec.get("datasets") or {}) for one in layers]
    named = {(one.get("data") or {}).get("name") for one in layers}
    data = {k: v for k, v in (spec.get("datasets") or {}).items() if k in named}
    params = [p for p in spec.get("params", []) if "select" not in p]
    config = {**spec.get("config", {}), "aria": False}
    out = {**spec, "layer": layers, "params": params, "config": config}
    return {**out, "datasets": data} if "datasets" in spec else out


def _moved(spec: dict[str, Any]) -> list[float] | None:
    """The ends of the horizontal scale where a pointer could move it, else None."""
    for layer in spec.get("layer", []):
        if any(p.get("bind") == "scales" for p in layer.get("params", [])):
            scale = ((layer.get("encoding") or {}).get("x") or {}).get("scale") or {}
            ends = scale.get("domain")
            return ends if isinstance(ends, list) else None
    return None


def _unclipped(
    layer: dict[str, Any], ends: list[float], datasets: dict[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    """``layer`` without the clip that only moving needs, which is slow to draw: where all that it
    draws stands between the ends."""
    mark, encoding = layer.get("mark"), layer["encoding"]
    if not isinstance(mark, dict) or not mark.get("clip"):
        return layer
    fields = [encoding[c].get("field") for c in ("x", "x2") if c in encoding]
    rows = datasets.get((layer.get("data") or {}).get("name", ""), [])
    places = [row.get(field) for row in rows for field in fields]
    if not all(isinstance(v, (int, float)) and ends[0] <= v <= ends[-1] for v in places):
        return layer
    return {**layer, "mark": {k: v for k, v in mark.items() if k != "clip"}}


def _unseen(layer: dict[str, Any]) -> bool:
    """True for an invisible strip; the invisible points that carry the axes stay."""
    mark, encoding = layer.get("mark"), layer.get("encoding") or {}
    if not isinstance(mark, dict) or mark.get("type") not in ("rule", "rect"):
        return False
    return mark.get("opacity") == 0 or encoding.get("opacity") == {"value": 0}


def _still_layer(layer: dict[str, Any]) -> dict[str, Any]:
    encoding = {k: v for k, v in (layer.get("encoding") or {}).items() if k != "tooltip"}
    return {**{k: v for k, v in layer.items() if k != "params"}, "encoding": encoding}


def fitted(spec: dict[str, Any]) -> dict[str, Any]:
    """``spec`` with its texts broken to fit its width; unchanged where its width is not fixed."""
    width = spec.get("width")
    fit = (spec.get("autosize") or {}).get("type") == "fit-x"
    if not fit or not isinstance(width, (int, float)):
        return spec
    layers = spec.get("layer", [])
    columns = _legend_columns(layers, spec["config"], LEGEND * width)
    spec = {**spec, "layer": [_layer(one, spec, float(width), columns) for one in layers]}
    if isinstance(spec.get("title"), dict):
        spec["title"] = _title(spec["title"], spec["config"]["title"], float(width))
    return spec


def _title(title: dict[str, Any], sizes: dict[str, Any], width: float) -> dict[str, Any]:
    room = width - 8
    text = _lines(_listed(title.get("text")), room / (BOLD_LETTER * sizes["fontSize"]))
    told = unwrapped(_listed(title.get("subtitle")))
    subtitle = _lines(told, room / (LETTER * sizes["subtitleFontSize"]))
    return {**title, "text": text, "subtitle": subtitle, "frame": "bounds"}


def _layer(
    layer: dict[str, Any], spec: dict[str, Any], width: float, columns: dict[str, int]
) -> dict[str, Any]:
    encoding = layer.get("encoding")
    if not isinstance(encoding, dict):
        return layer
    changed = dict(encoding)
    for name, one in encoding.items():
        if not isinstance(one, dict):
            continue
        if isinstance(axis := one.get("axis"), dict):
            changed[name] = {**one, "axis": _axis(name, axis, one, spec, width)}
        if isinstance(legend := one.get("legend"), dict) and one.get("field") in columns:
            changed[name] = {**one, "legend": {**legend, "columns": columns[one["field"]]}}
    return {**layer, "encoding": changed}


def _legend_columns(
    layers: list[dict[str, Any]], config: dict[str, Any], room: float
) -> dict[str, int]:
    """Field -> entries side by side, of the legends above a figure; they share one line.

    Where two legends do not fit beside each other, each is one column.
    """
    found: dict[str, tuple[list[str], float]] = {}
    for channel in (c for one in layers for c in (one.get("encoding") or {}).values()):
        legend = channel.get("legend") if isinstance(channel, dict) else None
        if not isinstance(legend, dict) or legend.get("orient") != "top":
            continue
        domain = (channel.get("scale") or {}).get("domain")
        if isinstance(domain, list):
            letters = float(legend.get("labelFontSize", config["legend"]["labelFontSize"]))
            found[str(channel.get("field"))] = ([str(d) for d in domain], letters)
    together = sum(
        LETTER * size * len(t) + SYMBOL * size for texts, size in found.values() for t in texts
    )
    if len(found) > 1 and together > room:
        return dict.fromkeys(found, 1)
    return {field: _columns(texts, size, room) for field, (texts, size) in found.items()}


def _axis(
    name: str, axis: dict[str, Any], channel: dict[str, Any], spec: dict[str, Any], width: float
) -> dict[str, Any]:
    out = dict(axis)
    if isinstance(axis.get("labelLimit"), dict):
        out["labelLimit"] = round(NAMES * width)
    title = axis.get("title")
    if isinstance(title, str) and title:
        inner = "range" in (channel.get("scale") or {})
        height = float(spec.get("height") or width)
        room = 1.1 * height if name == "y" else (INNER_AXIS if inner else AXIS) * width
        letters = room / (LETTER * spec["config"]["axis"]["titleFontSize"])
        # a title such as "Correlation: ← lower, higher →" breaks at its colon
        parts = title.replace(": ", ":\n").split("\n") if len(title) > letters else [title]
        lines = _lines(parts, letters)
        out["title"] = lines if len(lines) > 1 else title
    return out


def _columns(labels: list[str], letters: float, room: float) -> int:
    """How many entries of a legend stand side by side, in columns of equal width."""
    widest = max((LETTER * letters * len(t) for t in labels), default=0.0) + SYMBOL * letters
    if sum(LETTER * letters * len(t) + SYMBOL * letters for t in labels) <= room:
        return len(labels)
    return max(1, min(len(labels), int(room / widest)))


def _listed(text: Any) -> list[str]:
    return [str(t) for t in text] if isinstance(text, list) else [str(text)] if text else []


def _lines(texts: list[str], letters: float) -> list[str]:
    most = max(8, int(letters))
    return [line for t in texts for line in textwrap.wrap(t, most, break_on_hyphens=False)]


def unwrapped(lines: list[str]) -> list[str]:
    """Lines joined where only their length had broken them."""
    out: list[str] = []
    last = ""
    for line in lines:
        first = line.split(" ", 1)[0]
        full = len(last) + 1 + len(first) > SUBTITLE_LINE
        if out and full and not line.startswith(SOURCE):
            out[-1] += f" {line}"
        else:
            out.append(line)
        last = line
    return out
