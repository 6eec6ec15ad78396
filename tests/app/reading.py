"""What a person reads on a page, taken from the elements that Streamlit sends."""

from __future__ import annotations

import json
from typing import Any

from streamlit.testing.v1 import AppTest


def texts(at: AppTest) -> str:
    """All text of the page: titles, sentences, messages, tables."""
    kinds = ("title", "header", "markdown", "caption", "warning", "error", "info")
    found = [e.value for kind in kinds for e in getattr(at, kind)]
    return "\n".join([*found, *(h.proto.body for h in at.get("html"))]).replace("\\", "")


def charts(at: AppTest) -> list[Any]:
    return [c.proto for c in at.get("vega_lite_chart")]


def spec(chart: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(chart.spec)
    return found


def alt(chart: Any) -> str:
    return str(chart.alt)
