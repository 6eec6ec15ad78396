"""The frame that plain figures share: size, config, the SIMULATED mark behind their layers."""

from __future__ import annotations

from typing import Any

from core.charts.theme import Look


def view(
    look: Look,
    layers: list[dict[str, Any]],
    *,
    simulated: bool,
    height: float = 1.0,
    marked_above: bool = False,
) -> dict[str, Any]:
    """A layered Vega-Lite spec as wide as its container; ``height`` as a share of the theme's.

    ``marked_above``: the SIMULATED mark stands over the layers, for figures that are filled.
    """
    s = look.sizes
    mark = [watermark(look)] if simulated else []
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        **look.frame(height=round(height * s.height)),
        "config": look.config(),
        "layer": [*layers, *mark] if marked_above else [*mark, *layers],
    }


def haloed(layer: dict[str, Any], look: Look) -> list[dict[str, Any]]:
    """A layer of text over the same letters, wider and of the paper's colour: lines end at them.

    Two layers, since the edge of letters is drawn over their inside. Only the text itself is read
    aloud.
    """
    paper = look.palette.paper
    edge = {"color": paper, "stroke": paper, "strokeWidth": 4, "strokeJoin": "round"}
    encoding = {c: e for c, e in layer["encoding"].items() if c != "color"}
    under = {**layer, "mark": {**layer["mark"], **edge, "aria": False}, "encoding": encoding}
    return [under, layer]


def watermark(look: Look) -> dict[str, Any]:
    """SIMULATED across the figure."""
    return {
        "data": {"values": [{}]},
        "mark": {
            "type": "text",
            "text": "SIMULATED",
            "x": {"expr": "width / 2"},
            "y": {"expr": "height / 2"},
            "angle": 342,
            "fontSize": {"expr": f"min(width / 7, {look.sizes.height / 4.5}, height / 2)"},
            "fontWeight": 700,
            "color": look.palette.warning,
            "opacity": 0.14,
        },
    }
