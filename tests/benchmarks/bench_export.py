"""Time of each export, as the researcher waits for it; the goal is 3 s.

Figures of a store of the usual size (``ICI_EXPLORER_STORE``, else a simulated one), at one column
of print; a deck and a page of eight of them. The converter is warm, as it is in a running app.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from core.charts.theme import Look
from core.charts.volcano import volcano_figure
from core.report.deck import deck
from core.report.figures import FORMATS, render
from core.report.methods import methods
from core.report.page import html_report
from core.report.remark import remark
from core.report.tables import About, excel_bytes, snapshot_excel
from core.store import Store, open_store
from tests.benchmarks import Row, median_ms
from tests.report.pinned import drawings, pinned

GOAL = "< 3000"
NAMES = ("km", "multivariable", "agreement", "lollipop", "volcano", "panel", "heatmap", "nomogram")


def run() -> Iterator[Row]:
    store = opened()
    made = drawings(store)
    render(made["km"][0](Look(medium="print")).for_export(), "png")
    column = Look(medium="print", width_mm=88)
    for name in NAMES:
        spec = made[name][0](column).for_export()
        for kind in FORMATS:
            yield Row(
                f"{name} as {kind}",
                median_ms(lambda s=spec, k=kind: render(s, k), repeats=3),
                goal=GOAL,
            )
    spec = crowded(made["volcano"][1]).for_export()
    for kind in FORMATS:
        what = f"volcano of 20,000 genes as {kind}"
        yield Row(what, median_ms(lambda k=kind: render(spec, k), repeats=3), goal=GOAL)
    snapshots = pinned(store, *NAMES)
    exports: dict[str, Callable[[], Any]] = {
        "numbers as a workbook": lambda: snapshot_excel(snapshots[1]),
        "20,000 rows as a workbook": lambda: excel_bytes(
            pd.DataFrame(np.random.default_rng(1).normal(size=(20_000, 8))),
            About("Rows"), simulated=True,
        ),
        "methods and BibTeX": lambda: methods(snapshots, store).markdown,
        "REMARK checklist": lambda: remark(snapshots, store),
        "page of eight figures": lambda: html_report(snapshots, store),
        "deck of eight figures": lambda: deck(snapshots, store),
    }  # fmt: skip
    for what, make in exports.items():
        yield Row(what, median_ms(make, repeats=3), goal=GOAL)
    store.close()


def opened() -> Store:
    if folder := os.environ.get("ICI_EXPLORER_STORE"):
        return open_store(Path(folder))
    from data.demo import simulate
    from data.publish import publish

    made = Path(tempfile.mkdtemp())
    publish(simulate(), made)
    return open_store(made)


def crowded(scan: Any) -> Any:
    """The volcano of a scan of 20,000 genes, of which the figure draws what the eye can tell."""
    draw = np.random.default_rng(1)
    z = draw.normal(size=20_000) * 1.2
    rows = scan.table.sample(20_000, replace=True, random_state=1).reset_index(drop=True)
    rows["gene"] = [f"G{i}" for i in range(len(rows))]
    ratio = np.exp(z * draw.uniform(0.1, 0.4, len(z)))
    p = 2 * ndtr(-np.abs(z))
    rows = rows.assign(hazard_ratio=ratio, p_value=np.maximum(p, 1e-12))
    return volcano_figure(
        replace(scan, table=rows), "G7", Look(medium="print", width_mm=88), adjusted=False,
        simulated=True,
    )  # fmt: skip
