"""Two questions compared beside R's Cox model of both stacked, clustered by patient."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from core.analysis.contrast import contrast
from core.analysis.survival import SurvivalComparison, compare_survival
from tests.golden import Comparison

HERE = Path(__file__).parent


def question(rows: pd.DataFrame, by: str, *, stratified: bool) -> SurvivalComparison:
    group = rows[by].map({1: "mutant", 0: "wild type"})
    return compare_survival(
        rows.assign(group=group),
        ("wild type", "mutant"),
        title=by,
        strata="cohort_id" if stratified else None,
    )


def compare() -> list[Comparison]:
    everyone = pd.read_csv(HERE / "patients.csv")
    first, second = everyone[everyone.kind == 1], everyone[everyone.kind == 0]
    sides = {
        "same_patients": ((everyone, "one"), (everyone, "two")),
        "nested": ((first, "one"), (everyone, "one")),
        "apart": ((first, "one"), (second, "one")),
        "overlapping": ((first, "one"), (everyone[everyone.cohort_id != "one"], "two")),
    }
    out = []
    for (case, stratified), rows in pd.read_csv(HERE / "results.csv").groupby(
        ["case", "stratified"]
    ):
        a, b = (question(*side, stratified=bool(stratified)) for side in sides[str(case)])
        found = contrast(a, b)
        for row in rows.to_dict("records"):
            name = f"{case}.{'stratified' if stratified else 'plain'}.{row['quantity']}"
            ours = getattr(found, row["quantity"])
            out.append(Comparison("contrast", name, ours, row["value"], 1e-8))
    return out
