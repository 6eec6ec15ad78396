"""A figure as a file: SVG, PDF or PNG, made without a network and without a browser."""

from __future__ import annotations

from typing import Any, Literal

import vl_convert

Format = Literal["svg", "pdf", "png"]

VEGA_LITE = "6.4"
"""The Vega-Lite version that reads the specs of core.charts."""

PNG_SCALE = 3.0
"""Pixels of the file for each pixel of the figure: 300 dots an inch at print size."""

FORMATS: tuple[Format, ...] = ("svg", "pdf", "png")

MIME = {"svg": "image/svg+xml", "pdf": "application/pdf", "png": "image/png"}


def render(spec: dict[str, Any], kind: Format) -> bytes:
    """``spec`` (plain JSON values, data inside) drawn as a file of ``kind``."""
    if kind == "svg":
        text: str = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE)
        return text.encode("utf-8")
    if kind == "pdf":
        document: bytes = vl_convert.vegalite_to_pdf(spec, vl_version=VEGA_LITE)
        return document
    image: bytes = vl_convert.vegalite_to_png(spec, scale=PNG_SCALE, vl_version=VEGA_LITE)
    return image
