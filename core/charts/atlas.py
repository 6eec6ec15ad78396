"""Every gene, everywhere: the heat map of genes by tumour types, its tables and sentences."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from core.analysis.atlas import EVERY_TYPE, FOUND, SETTINGS, TCGA_SETTING, AtlasView
from core.analysis.gene_scan import ADJUSTED
from core.charts.figure import Figure
from core.charts.theme import Look
from core.charts.view import view
from core.charts.wording import DASH, p_text, ratio_text
from core.model import ENDPOINT_LABEL

SELECTION = "atlas_gene"
"""The selection of a clicked cell; its value holds the gene."""

STRONG = 2.0
"""Hazard ratios at and beyond this (and its inverse) have the full colour."""
LISTED = 1000
"""Rows of the page's table, most convincing first; the download holds all."""


def atlas_figure(
    result: AtlasView,
    gene: str,
    look: Look | None = None,
    *,
    simulated: bool,
    heading: tuple[str, ...] = (),
) -> Figure:
    """Hazard ratios of the first genes (rows, ``gene`` on top) in each tumour type (columns)."""
    look = look or Look()
    cells = _cells(result)
    held = set(cells.gene)
    order = [gene, *(g for g in result.ranked.gene if g in held and g != gene)]
    types = [t for t in result.types if t in set(cells.tumor_type)]
    spec = dict(_template(look, simulated, tuple(order), tuple(types)))
    if heading:
        spec["title"] = {"text": heading[0], "subtitle": list(heading[1:])}
    stem = f"atlas-{result.setting}-{result.endpoint.lower()}{'-adjusted' * result.adjusted}"
    return Figure(stem, spec, {"cells": cells}, _describe(result, cells))


def _cells(result: AtlasView) -> pd.DataFrame:
    rows = result.cells
    numbers = rows[["hazard_ratio", "ci_lower", "ci_upper"]].to_numpy(float)
    with np.errstate(divide="ignore"):
        at = np.clip(np.log2(numbers[:, 0]), -np.log2(STRONG), np.log2(STRONG))
    return pd.DataFrame(
        {
            "gene": rows.gene.to_numpy(),
            "tumor_type": rows.tumor_type.to_numpy(),
            "at": at,
            "clear": (rows.q_value < FOUND).to_numpy(),
            "ratio": [ratio_text(*r) for r in numbers],
            "p": [p_text(v) for v in rows.p_value],
            "q": [p_text(v, symbol=False) for v in rows.q_value],
            "patients": [f"{m:,} of {n:,}" for m, n in zip(rows.n_mutant, rows.n, strict=True)],
        }
    )


def _describe(result: AtlasView, cells: pd.DataFrame) -> str:
    first = "; ".join(_told(r) for r in result.ranked.head(5).to_dict("records"))
    return (
        f"Heat map of {cells.gene.nunique()} genes in {cells.tumor_type.nunique()} tumour types: "
        f"hazard ratio of {ENDPOINT_LABEL[result.endpoint].lower()}, "
        f"{'adjusted for cancer type and TMB' if result.adjusted else 'raw'}, "
        f"{SETTINGS[result.setting]}. Smallest p: {first}."
    )


def _told(row: dict[Any, Any]) -> str:
    ratio = ratio_text(row["hazard_ratio"], row["ci_lower"], row["ci_upper"])
    return f"{row['gene']} in {row['tumor_type']}, HR {ratio}, {p_text(row['p_value'])}"


def answer(result: AtlasView) -> str:
    """How much is left once every look is counted."""
    endpoint = ENDPOINT_LABEL[result.endpoint].lower()
    tests = f"{result.n_tests:,} tests over all genes, tumour types and endpoints"
    found = result.ranked[result.ranked.q_value < FOUND]
    if found.empty:
        return f"No gene goes with {endpoint} in any tumour type once {tests} are counted."
    named = "; ".join(_told(r) for r in found.head(3).to_dict("records"))
    genes = "1 gene goes" if len(found) == 1 else f"{len(found):,} genes go"
    return f"{genes} with {endpoint} in some tumour type (q < {FOUND:g}, {tests}): {named}."


def about_gene(result: AtlasView, gene: str) -> str:
    """Where ``gene`` was tested for this endpoint, and its best look."""
    row = result.ranked[result.ranked.gene == gene]
    if row.empty:
        return f"{gene} has too few mutant patients to be tested in any tumour type here."
    first = row.iloc[0]
    where = "1 tumour type" if first.n_types == 1 else f"{first.n_types or 'no'} tumour types"
    if EVERY_TYPE in set(result.cells.tumor_type[result.cells.gene == gene]):
        where += " and in all types together"
    q = p_text(float(first.q_value), symbol=False)
    return f"{gene} was tested in {where}; smallest p: {_told(first.to_dict())}, q {q}."


def ranked_table(result: AtlasView) -> pd.DataFrame:
    """The first LISTED genes as the page's table shows them; numbers stay numbers."""
    t = result.ranked.head(LISTED)
    return pd.DataFrame(
        {
            "Gene": t.gene,
            "Tumour type": t.tumor_type,
            "Mutant": t.n_mutant,
            "Profiled": t.n,
            "HR": t.hazard_ratio,
            "p": t.p_value,
            "q": t.q_value,
            "Types tested": t.n_types,
            f"Types with q < {FOUND:g}": t.n_found,
        }
    )


def gene_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Every look at one gene (Atlas.genes), as text."""

    def ratio(lead: str) -> list[str]:
        columns = [f"{lead}{c}" for c in ("hazard_ratio", "ci_lower", "ci_upper")]
        numbers = rows[columns].to_numpy(float)
        return [DASH if np.isnan(r[0]) else ratio_text(*r) for r in numbers]

    def value(column: str) -> list[str]:
        return [DASH if np.isnan(v) else p_text(v, symbol=False) for v in rows[column]]

    return pd.DataFrame(
        {
            "Tumour type": rows.tumor_type,
            "Patients": ["TCGA" if s == TCGA_SETTING else "ICI" for s in rows.setting],
            "Endpoint": rows.endpoint,
            "Mutant": [f"{m:,} of {n:,}" for m, n in zip(rows.n_mutant, rows.n, strict=True)],
            "Events": rows.events,
            "HR (95% CI)": ratio(""),
            "p": value("p_value"),
            "q": value("q_value"),
            "HR, adjusted": ratio(ADJUSTED),
            "p, adjusted": value(f"{ADJUSTED}p_value"),
            "q, adjusted": value(f"{ADJUSTED}q_value"),
        }
    )


@lru_cache(maxsize=16)
def _template(
    look: Look, simulated: bool, genes: tuple[str, ...], types: tuple[str, ...]
) -> dict[str, Any]:
    s, p = look.sizes, look.palette
    reach = float(np.log2(STRONG))
    axis = {"title": None, "domain": False, "ticks": False, "grid": False}
    x = {
        "field": "tumor_type",
        "type": "nominal",
        "scale": {"domain": list(types), "padding": 0.04},
        "axis": {**axis, "orient": "top", "labelAngle": -60, "labelLimit": 200},
    }
    y = {
        "field": "gene",
        "type": "nominal",
        "scale": {"domain": list(genes), "padding": 0.04},
        "axis": {
            **axis,
            "labelFontWeight": {"expr": f"datum.value == {genes[0]!r} ? 700 : 400"},
        },
    }
    color = {
        "field": "at",
        "type": "quantitative",
        "scale": {
            "domain": [-reach, 0, reach],
            "range": [p.wild_type, p.rule, p.mutant],
            "clamp": True,
            "interpolate": "rgb",
        },
        "legend": {
            "orient": "bottom",
            "direction": "horizontal",
            "gradientLength": 240,
            "title": f"Hazard ratio (mutant longer / shorter survival); dot: q < {FOUND:g}",
            "titleLimit": 500,
            "titleFontWeight": "normal",
            "values": [-reach, 0, reach],
            "labelExpr": "format(pow(2, datum.value), '.2~f')",
        },
    }
    tooltip = [
        {"field": "gene", "title": "Gene"},
        {"field": "tumor_type", "title": "Tumour type"},
        {"field": "patients", "title": "Mutant"},
        {"field": "ratio", "title": "HR (95% CI)"},
        {"field": "p", "title": "p"},
        {"field": "q", "title": "q"},
    ]
    layers: list[dict[str, Any]] = [
        {
            "name": "looks",
            "data": {"name": "cells"},
            "mark": {"type": "rect", "cursor": "pointer"},
            "encoding": {"x": x, "y": y, "color": color, "tooltip": tooltip},
        },
        {
            "data": {"name": "cells"},
            "transform": [{"filter": "datum.clear"}],
            "mark": {"type": "text", "text": "•", "fontSize": s.text, "color": p.ink},
            "encoding": {"x": x, "y": y},
        },
    ]
    spec = view(look, layers, simulated=simulated)
    spec["height"] = round(1.6 * s.small * max(len(genes), 3))
    spec["params"] = [
        {
            "name": SELECTION,
            "select": {"type": "point", "fields": ["gene"], "toggle": False},
            "views": ["looks"],
        }
    ]
    return spec
