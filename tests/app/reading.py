"""What a person reads on a page, taken from the elements that Streamlit sends."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Any

from streamlit.testing.v1 import AppTest

UNSEEN = re.compile(r'<p class="unseen">(.*?)</p>', re.S)
"""The words of a figure, for those who do not see it."""


def texts(at: AppTest) -> str:
    """All text of the page: titles, sentences, messages, tables."""
    kinds = ("title", "header", "markdown", "caption", "warning", "error", "info")
    found = [e.value for kind in kinds for e in getattr(at, kind)]
    return "\n".join([*found, *(h.proto.body for h in at.get("html"))]).replace("\\", "")


@dataclass(frozen=True)
class Chart:
    """A figure as it is sent, and its words: those before it, or its own where there are none."""

    proto: Any
    words: str

    @property
    def spec(self) -> str:
        return str(self.proto.spec)


def charts(at: AppTest) -> list[Chart]:
    found, words = [], ""
    for element in at.main:
        if element.type == "html" and (said := UNSEEN.search(element.proto.body)):
            words = html.unescape(said[1])
        elif element.type == "vega_lite_chart":
            found.append(Chart(element.proto, words or element.proto.alt))
            words = ""
        elif element.type == "plotly_chart":
            words = ""
    return found


def spec(chart: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(chart.spec)
    return found


def alt(chart: Chart) -> str:
    return chart.words
