"""Every gene's hazard ratio against its p-value, and the table of genes beside it.

Thousands of genes lie on top of each other around 1: of those that share a small cell of the
figure one is drawn. Genes with a small p-value, the chosen gene and all those with a label are
always drawn.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from core.analysis.gene_scan import ADJUSTED, GeneScan
from core.charts.figure import Figure
from core.charts.theme import SIZES, Look
from core.charts.view import haloed, view
from core.charts.wording import p_text, ratio_text
from core.model import ENDPOINT_LABEL

SELECTION = "gene"
"""The selection of a clicked point; its value holds the gene."""

ALWAYS_BELOW = 1e-3
"""p-value below which every gene is drawn."""
CELLS = (120, 60)
"""Of the grid in which one gene a cell is drawn: across, up."""
LABELLED = 10
"""Genes with the smallest p-values that get a label, if there is room."""
ROOM = (0.09, 0.05)
"""Of a label, as shares of the figure: across, up."""
NARROW = 560
"""Pixels of the axis below which only labels with room in a narrow figure are drawn."""
IN_NARROW = 2.8
"""What ``crowded`` is on a telephone."""
FARTHEST = (0.1, 10.0)
"""Hazard ratios beyond these stand at the edge."""
SMALLEST = 1e-12


def volcano_figure(
    result: GeneScan,
    gene: str,
    look: Look | None = None,
    *,
    adjusted: bool,
    simulated: bool,
    heading: tuple[str, ...] = (),
) -> Figure:
    """Draw the raw or the adjusted scan; ``gene`` is marked."""
    look = look or Look()
    points = drawn(result.table, gene, ADJUSTED if adjusted else "", crowding(look))
    spread = float(np.abs(np.log(points["at"].to_numpy(float))).max()) if len(points) else 0.0
    reach = float(np.exp(max(spread * 1.22, np.log(1.5))))
    top = max(3.2, float(points.height.max()) * 1.08) if len(points) else 3.2
    spec = dict(_template(look, simulated, round(reach, 3), round(top, 2)))
    if heading:
        spec["title"] = {"text": heading[0], "subtitle": list(heading[1:])}
    model = "adjusted for cancer type and TMB" if adjusted else "raw"
    first = points.nlargest(5, "height")
    words = "; ".join(f"{r.gene} {r.ratio}, {r.p}" for r in first.itertuples())
    about = (
        f"Volcano of genes, hazard ratio of {ENDPOINT_LABEL[result.endpoint].lower()} ({model}) "
        f"against p-value. {len(result.table):,} genes, {len(points):,} of them drawn. Smallest p: "
        f"{words}."
    )
    stem = f"genes-{'adjusted' if adjusted else 'raw'}-{result.endpoint.lower()}"
    return Figure(stem, spec, {"genes": points}, about)


def crowding(look: Look) -> float:
    """How much more of the figure's width a label takes than on a desk's screen."""
    screen = SIZES["screen"]
    letters = look.sizes.width / look.sizes.small
    return max(1.0, screen.width / screen.small / letters)


def drawn(table: pd.DataFrame, gene: str, lead: str = "", crowded: float = 1.0) -> pd.DataFrame:
    """The points of the figure: gene, at, height, label, chosen, and the numbers as text.

    spacious: the label has room in a narrow figure as well.

    ``crowded``: of :func:`crowding`.
    """
    known = table[table[f"{lead}p_value"].notna() & table[f"{lead}hazard_ratio"].notna()]
    p = known[f"{lead}p_value"].to_numpy(float)
    at = np.clip(known[f"{lead}hazard_ratio"].to_numpy(float), *FARTHEST)
    height = -np.log10(np.maximum(p, SMALLEST))
    chosen = (known.gene == gene).to_numpy()
    labelled = _labelled(np.log(at), height, chosen, crowded)
    narrow = _labelled(np.log(at), height, chosen, max(crowded, IN_NARROW)) & labelled
    keep = labelled | (p < ALWAYS_BELOW) | _first_of_cell(np.log(at), height)
    rows = known[keep]
    return pd.DataFrame(
        {
            "gene": rows.gene,
            "at": at[keep],
            "height": height[keep],
            "chosen": chosen[keep],
            "label": rows.gene.where(labelled[keep], ""),
            "spacious": narrow[keep],
            "ratio": [
                ratio_text(*r) for r in rows[[f"{lead}{c}" for c in _INTERVAL]].to_numpy(float)
            ],
            "p": [p_text(v) for v in rows[f"{lead}p_value"]],
            "q": [p_text(v, symbol=False) for v in rows[f"{lead}q_value"]],
            "patients": [f"{r.n_mutant:,} of {r.n:,}" for r in rows.itertuples()],
        }
    ).sort_values("chosen", ignore_index=True)


_INTERVAL = ("hazard_ratio", "ci_lower", "ci_upper")


def _labelled(
    x: np.ndarray[Any, Any],
    y: np.ndarray[Any, Any],
    chosen: np.ndarray[Any, Any],
    crowded: float,
) -> np.ndarray[Any, Any]:
    """True for the chosen gene and the LABELLED highest, but for those whose labels would meet."""
    label = chosen.copy()
    spans = [max(float(np.ptp(v)), 1e-12) if v.size else 1.0 for v in (x, y)]
    for i in np.argsort(-y, kind="stable")[:LABELLED]:
        near = np.abs(x[label] - x[i]) / spans[0] < ROOM[0] * crowded
        label[i] |= not (near & (np.abs(y[label] - y[i]) / spans[1] < ROOM[1] * crowded**0.5)).any()
    return label


def _first_of_cell(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """True for one point of every occupied cell."""
    keep = np.zeros(x.size, dtype=bool)
    if x.size:
        cells = [
            np.floor((v - v.min()) / max(float(np.ptp(v)), 1e-12) * (n - 1e-9)).astype(int)
            for v, n in zip((x, y), CELLS, strict=True)
        ]
        keep[np.unique(cells[0] * CELLS[1] + cells[1], return_index=True)[1]] = True
    return keep


def gene_table(result: GeneScan) -> pd.DataFrame:
    """All genes tested as the page's table shows them; numbers stay numbers, for sorting."""
    t = result.table
    return pd.DataFrame(
        {
            "Gene": t.gene,
            "Mutant": t.n_mutant,
            "Profiled": t.n,
            "HR": t.hazard_ratio,
            "p": t.p_value,
            "q": t.q_value,
            "HR, adjusted": t.adjusted_hazard_ratio,
            "p, adjusted": t.adjusted_p_value,
            "q, adjusted": t.adjusted_q_value,
        }
    )


@lru_cache(maxsize=32)
def _template(look: Look, simulated: bool, reach: float, top: float) -> dict[str, Any]:
    s, p = look.sizes, look.palette
    x = {
        "field": "at",
        "type": "quantitative",
        "scale": {"type": "log", "domain": [1 / reach, reach], "nice": False},
        "axis": {
            "title": "Hazard ratio, log scale",
            "titlePadding": 2.1 * s.small,
            "values": [0.1, 0.2, 0.33, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10],
            "format": "~g",
            "labelOverlap": "greedy",
            "grid": False,
        },
    }
    y = {
        "field": "height",
        "type": "quantitative",
        "scale": {"domain": [0, top], "nice": False},
        "axis": {
            "title": "p",
            "values": [0, 1, 2, 3, 4, 6, 8, 10, 12],
            "labelExpr": "datum.value == 0 ? '1' : datum.value < 4 ? "
            "format(pow(10, -datum.value), '~g') : '1e-' + datum.value",
        },
    }
    hue = {"condition": {"test": "datum.chosen", "value": p.mutant}, "value": p.wild_type}
    text = {"type": "text", "fontSize": s.small, "dy": -0.95 * s.small}
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": [{}]},
            "mark": {"type": "rule", "color": p.muted, "strokeDash": [4, 4]},
            "encoding": {"y": {"datum": -float(np.log10(0.05)), "type": "quantitative"}},
        },
        {
            "name": "points",
            "data": {"name": "genes"},
            "mark": {"type": "point", "filled": True, "cursor": "pointer", "aria": True},
            "encoding": {
                "x": x,
                "y": y,
                "color": hue,
                "opacity": {"condition": {"test": "datum.chosen", "value": 1}, "value": 0.5},
                "size": {
                    "condition": {"test": "datum.chosen", "value": 3.2 * s.mark**2},
                    "value": 0.75 * s.mark**2,
                },
                "tooltip": [
                    {"field": "gene", "title": "Gene"},
                    {"field": "patients", "title": "Mutant"},
                    {"field": "ratio", "title": "HR (95% CI)"},
                    {"field": "p", "title": "p"},
                    {"field": "q", "title": "q"},
                ],
            },
        },
    ]
    label = {
        "data": {"name": "genes"},
        "transform": [{"filter": "datum.label != ''"}],
        "mark": {
            **text,
            "fontWeight": {"expr": "datum.chosen ? 700 : 400"},
            "opacity": {"expr": f"width >= {NARROW * look.unit:.0f} || datum.spacious ? 1 : 0"},
        },
        "encoding": {
            "x": x,
            "y": y,
            "text": {"field": "label"},
            "color": {"condition": {"test": "datum.chosen", "value": p.mutant}, "value": p.ink},
        },
    }
    layers += haloed(label, look)
    for align, place, words in (
        ("left", 0, "← longer survival"),
        ("right", 1, "shorter survival →"),
    ):
        layers.append(
            {
                "data": {"values": [{}]},
                "mark": {
                    **text,
                    "text": words,
                    "align": align,
                    "baseline": "middle",
                    "dy": 0,
                    "x": {"expr": f"{place} * width"},
                    "y": {"expr": f"height + {2.75 * s.small:.1f}"},
                    "color": p.muted,
                },
            }
        )
    return {
        **view(look, layers, simulated=simulated, height=1.1),
        "params": [
            {
                "name": SELECTION,
                "select": {"type": "point", "fields": ["gene"], "toggle": False},
                "views": ["points"],
            }
        ],
    }
