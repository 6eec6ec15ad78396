"""Two figures of one kind on common axes, so that their marks may be compared by eye."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.charts.figure import Figure

Domains = dict[tuple[str, str], list[float]]


def common_axes(a: Figure, b: Figure) -> tuple[Figure, Figure]:
    """Both figures with each numeric axis spanning the values of both.

    Only axes that carry a measured scale are joined; those that count rows (drawn downwards) stay
    as they are, because the rows of two figures need not be the same.
    """
    spans: Domains = {}
    for figure in (a, b):
        for place, domain in _domains(figure.spec).items():
            low, high = spans.get(place, domain)
            spans[place] = [min(low, domain[0]), max(high, domain[1])]
    one, two = (replace(f, spec=_spanning(f.spec, spans)) for f in (a, b))
    return one, two


def _domains(spec: dict[str, Any]) -> Domains:
    """(channel, title of its axis) -> domain, for every measured position scale of the layers."""
    found: Domains = {}
    for layer in spec.get("layer", []):
        for channel in ("x", "y"):
            encoding = layer.get("encoding", {}).get(channel, {})
            domain = _measured(encoding)
            if domain:
                found[channel, _title(encoding)] = domain
    return found


def _measured(encoding: dict[str, Any]) -> list[float] | None:
    scale = encoding.get("scale") or {}
    domain = scale.get("domain")
    if not isinstance(domain, (list, tuple)) or len(domain) != 2 or scale.get("reverse"):
        return None
    return [float(v) for v in domain] if all(isinstance(v, (int, float)) for v in domain) else None


def _title(encoding: dict[str, Any]) -> str:
    axis = encoding.get("axis") or {}
    return str(axis.get("title") or "")


def _spanning(spec: dict[str, Any], spans: Domains) -> dict[str, Any]:
    layers = []
    for layer in spec.get("layer", []):
        encodings = dict(layer.get("encoding", {}))
        for channel in ("x", "y"):
            encoding = encodings.get(channel, {})
            if _measured(encoding):
                domain = spans[channel, _title(encoding)]
                encodings[channel] = {**encoding, "scale": {**encoding["scale"], "domain": domain}}
        layers.append({**layer, "encoding": encodings} if encodings else layer)
    return {**spec, "layer": layers}
