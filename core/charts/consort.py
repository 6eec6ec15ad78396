"""The flow of patients from the store to the analysis, drawn as CONSORT asks (Schulz 2010)."""

from __future__ import annotations

import textwrap
from typing import Any

import pandas as pd

from core.analysis.cohorts import CohortOverview
from core.charts.figure import Figure
from core.charts.theme import Look
from core.charts.view import view
from core.charts.wording import group_name
from core.records import records

WRAP = 30
"""Characters of a line in a box of patients left out; with it the box fits a narrow screen."""

MAIN = (0.0, 0.29)
SIDE = (0.37, 1.0)
"""Ends of the boxes of those who stay and of those who leave, as shares of the width."""


def consort_figure(
    overview: CohortOverview,
    look: Look | None = None,
    *,
    simulated: bool,
    heading: tuple[str, ...] = (),
) -> Figure:
    """Boxes from top to bottom: in the store, each loss to the right, analysed, then the groups.

    Steps that lost nobody are left out.
    """
    look = look or Look()
    line = 1.32 * look.sizes.small
    boxes, arrows, bottom = _layout(overview, line)
    spec = view(look, _layers(look, bottom), simulated=simulated)
    spec["height"] = round(bottom)
    if heading:
        spec["title"] = {"text": heading[0], "subtitle": list(heading[1:])}
    data = {"boxes": boxes, "texts": _texts(boxes, line), "arrows": arrows}
    stem = f"flow-{overview.endpoint.lower()}-{overview.title.replace(' ', '-').lower()}"
    return Figure(stem, spec, data, describe(overview))


def describe(overview: CohortOverview) -> str:
    """The flow in words."""
    flow = overview.flow
    lost = "; ".join(f"{r['lost']:,} left out: {r['step']}" for r in records(flow[flow.lost > 0]))
    arms = ", ".join(
        f"{a['n']:,} {a['group']} with {a['events']:,} events" for a in records(overview.arms)
    )
    return (
        f"Flow of patients from the store to the analysis. {int(flow.n.iloc[0]):,} in the store; "
        f"{lost or 'none left out'}; "
        f"{int(flow.n.iloc[-1]):,} analysed for {overview.endpoint}: {arms}."
    )


def _layout(overview: CohortOverview, line: float) -> tuple[pd.DataFrame, pd.DataFrame, float]:
    """Boxes and arrows; places across in shares of the width, down in pixels."""
    flow, pad, gap = overview.flow, 0.55 * line, 0.6 * line
    middle = sum(MAIN) / 2
    boxes, arrows = [], []

    def box(x: tuple[float, float], y: float, number: str, text: list[str]) -> float:
        bottom = y + 2 * pad + line * (1 + len(text))
        boxes.append(
            {"x1": x[0], "x2": x[1], "y1": y, "y2": bottom, "number": number, "lines": text}
        )  # fmt: skip
        return bottom

    def arrow(x1: float, y1: float, x2: float, y2: float, shape: str) -> None:
        arrows.append({"x1": x1, "x2": x2, "y1": y1, "y2": y2, "shape": shape})

    at = box(MAIN, 1.0, f"{int(flow.n.iloc[0]):,}", ["in the store"])
    top = at
    for step in records(flow[flow.lost > 0]):
        start = at + gap
        at = box(SIDE, start, f"−{step['lost']:,}", textwrap.wrap(step["step"], WRAP))
        height = (start + at) / 2
        arrow(middle, height, SIDE[0], height, "triangle-right")
    start = at + gap
    arrow(middle, top, middle, start, "triangle-down")
    at = box(MAIN, start, f"{int(flow.n.iloc[-1]):,}", ["analysed"])
    arms = records(overview.arms)
    each, start = 1 / max(len(arms), 1), at + 2 * gap
    bottom = at
    for i, arm in enumerate(arms):
        name = group_name(overview.title, arm["group"])
        text = [*textwrap.wrap(name, max(12, 44 // len(arms)))]
        text.append(f"{arm['events']:,} events")
        sides = (i * each + (0.01 if i else 0), (i + 1) * each - (0.01 if i < len(arms) - 1 else 0))
        bottom = max(bottom, box(sides, start, f"{arm['n']:,}", text))
        across = sum(sides) / 2
        arrow(across, at + gap, across, start, "triangle-down")
    if arms:
        ends = [each / 2, 1 - each / 2]
        arrow(middle, at, middle, at + gap, "")
        arrow(min(middle, ends[0]), at + gap, max(middle, ends[1]), at + gap, "")
    return pd.DataFrame(boxes), pd.DataFrame(arrows), bottom + 2


def _texts(boxes: pd.DataFrame, line: float) -> pd.DataFrame:
    """A row per line of text, the number first, centred in its box."""
    rows = []
    for b in records(boxes):
        texts = [b["number"], *b["lines"]]
        first = (b["y1"] + b["y2"]) / 2 - line * (len(texts) - 1) / 2
        rows += [
            {"x": (b["x1"] + b["x2"]) / 2, "y": first + i * line, "text": t, "number": i == 0}
            for i, t in enumerate(texts)
        ]
    return pd.DataFrame(rows)


def _layers(look: Look, bottom: float) -> list[dict[str, Any]]:
    p, s = look.palette, look.sizes
    across = {"type": "quantitative", "axis": None, "scale": {"domain": [0, 1], "nice": False}}
    down = {
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [0, bottom], "reverse": True, "nice": False},
    }
    x, y = {"field": "x1", **across}, {"field": "y1", **down}
    ends = {"x": x, "x2": {"field": "x2"}, "y": y, "y2": {"field": "y2"}}
    return [
        {
            "data": {"name": "arrows"},
            "mark": {"type": "rule", "color": p.muted, "strokeWidth": 0.6 * s.line},
            "encoding": ends,
        },
        {
            "data": {"name": "boxes"},
            "mark": {"type": "rect", "stroke": p.muted, "strokeWidth": 0.5 * s.line,
                     "cornerRadius": 4, "fill": p.paper},
            "encoding": ends,
        },
        *(
            {
                "data": {"name": "arrows"},
                "transform": [{"filter": f"datum.shape == '{shape}'"}],
                "mark": {"type": "point", "filled": True, "color": p.muted, "opacity": 1,
                         "shape": shape, "size": 1.2 * s.mark**2, offset: -0.55 * s.mark},
                "encoding": {"x": {"field": "x2", **across}, "y": {"field": "y2", **down}},
            }
            for shape, offset in (("triangle-right", "xOffset"), ("triangle-down", "yOffset"))
        ),
        *(
            {
                "data": {"name": "texts"},
                "transform": [{"filter": f"datum.number == {str(number).lower()}"}],
                "mark": {"type": "text", "baseline": "middle", "fontSize": s.small,
                         "color": p.ink, "fontWeight": 600 if number else 400},
                "encoding": {
                    "x": {"field": "x", **across},
                    "y": {"field": "y", **down},
                    "text": {"field": "text"},
                },
            }
            for number in (True, False)
        ),
    ]  # fmt: skip
