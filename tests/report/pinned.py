"""Snapshots of real results on the small simulated store, made as the pages make them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd

from core.analysis.agreement import agreement_question
from core.analysis.cox_model import cox_question
from core.analysis.gene_scan import gene_scan
from core.analysis.mutations import protein_map
from core.analysis.survival import survival_question
from core.charts.agreement import cohorts_figure
from core.charts.cox import multivariable_figure
from core.charts.figure import Figure
from core.charts.km import km_figure
from core.charts.lollipop import lollipop_figure
from core.charts.nomogram import nomogram_figure
from core.charts.panel import heatmap_figure, panel_figure
from core.charts.theme import Look
from core.charts.volcano import volcano_figure
from core.model import Filters, Stratifier
from core.report.snapshot import Snapshot
from core.store import Store
from tests.analysis.test_immunity import compared
from tests.report.test_nomogram_code import built

Draw = Callable[..., Figure]

ATTACK = '<script>alert("x")</script><img src=x onerror=alert(1)> & "quoted" =1+1'
"""What a researcher's note or a study's name may hold by malice or by accident."""


def drawings(store: Store) -> dict[str, tuple[Callable[[Look], Figure], Any, pd.DataFrame]]:
    """Figure -> how it is drawn with a heading, its result, and the numbers behind it."""
    filters, gene = Filters(), Stratifier()
    survival = survival_question(store, filters, gene)
    cox = cox_question(store, filters, gene)
    agreed = agreement_question(store, filters, gene)
    protein = protein_map(store, filters, gene)
    scan = gene_scan(store, filters)
    panel = compared()
    build = built()
    heading = ("Does a mutation in ALK go with longer survival?", "Whom it is about.", "Build x")

    def drawn(draw: Draw, result: Any, *args: Any, **more: Any) -> Callable[[Look], Figure]:
        return lambda look: draw(result, *args, look, simulated=True, heading=heading, **more)

    return {
        "km": (drawn(km_figure, survival), survival, survival.hazard_ratios),
        "multivariable": (drawn(multivariable_figure, cox), cox, cox.multivariable),
        "agreement": (drawn(cohorts_figure, agreed), agreed, agreed.cohorts),
        "lollipop": (drawn(lollipop_figure, protein), protein, protein.variants),
        "volcano": (drawn(volcano_figure, scan, "ALK", adjusted=False), scan, scan.table),
        "panel": (drawn(panel_figure, panel), panel, panel.table),
        "heatmap": (drawn(heatmap_figure, panel), panel, panel.table),
        "nomogram": (drawn(nomogram_figure, build.model), build, pd.DataFrame()),
    }


def pinned(store: Store, *names: str) -> list[Snapshot]:
    """Snapshots of the figures called ``names``, in order."""
    made = drawings(store)
    cohorts = store.cohorts()
    return [_pin(store, name, *made[name], cohorts) for name in names]


def _pin(
    store: Store,
    name: str,
    draw: Callable[[Look], Figure],
    result: Any,
    numbers: pd.DataFrame,
    cohorts: pd.DataFrame,
) -> Snapshot:
    figure = draw(Look(medium="print"))
    looks = {"projector": Look(medium="projector"), "projector-dark": Look(True, "projector")}
    specs = {look: draw(how).for_export() for look, how in looks.items()}
    return Snapshot(
        snapshot_id=name,
        title=f"Figure of {name}",
        sentence=getattr(result, "sentence", "Patients of the model"),
        address=f"/{'cox' if name == 'multivariable' else name}?gene=ALK",
        figure=name,
        name=figure.name,
        description=figure.description,
        specs={"print": figure.for_export(), **specs},
        numbers=numbers,
        methods=getattr(result, "methods", ""),
        warnings=tuple(getattr(result, "warnings", ())),
        simulated=store.simulated,
        build_id=store.version,
        built_on=f"{store.build.created_at:%Y-%m-%d}",
        code_version=store.build.code_version,
        cohorts=dict(zip(cohorts.name, cohorts.citation, strict=True)),
        pinned_at="2026-01-02T03:04:05+00:00",
    )


def attacked(snapshot: Snapshot) -> Snapshot:
    """The snapshot with an attack in every text that a person or a file may bring."""
    return replace(
        snapshot,
        title=ATTACK,
        sentence=ATTACK,
        note=f"{ATTACK}\nsecond line \x0b",
        description=ATTACK,
        methods=ATTACK,
        warnings=(ATTACK,),
        cohorts={ATTACK: ATTACK},
        numbers=pd.DataFrame({"=cmd": [ATTACK, "@x"], "n": [1, 2.5]}),
    )
