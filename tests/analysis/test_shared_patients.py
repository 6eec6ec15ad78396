"""A patient whom two studies report is one person in every pooled figure of the ICI pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.analysis.agreement import agreement_question
from core.analysis.burden import burden_question
from core.analysis.cohorts import cohort_overview
from core.analysis.cox_model import cox_question
from core.analysis.gene_scan import gene_scan
from core.analysis.nomogram import build_question
from core.analysis.setting import setting_question
from core.analysis.subgroups import subgroups_question
from core.analysis.survival import survival_question
from core.analysis.survival_panels import survival_panels
from core.model import Filters, Split, Stratifier
from core.store import Store

TP53 = Stratifier(genes=("TP53",))
BY_TMB = Stratifier(Split.NUMBER, feature="tmb_z", cut="median", name="TMB within cohort")

Rows = Callable[[Store, Filters, Stratifier], pd.DataFrame]

POOLED: dict[str, Rows] = {
    "survival": lambda s, f, by: survival_question(s, f, by).rows,
    "panels": lambda s, f, by: survival_panels(s, f, by).pooled.rows,
    "cox": lambda s, f, by: cox_question(s, f, by, covariates=()).rows,
    "subgroups": lambda s, f, by: subgroups_question(s, f, by).rows,
    "agreement": lambda s, f, by: agreement_question(s, f, by).rows,
    "burden": lambda s, f, by: burden_question(s, f, by).rows,
    "setting": lambda s, f, by: setting_question(s, f, by, min_mutant=1).rows,
}
"""Page -> the rows that its pooled figure counts."""


def persons(store: Store, keys: pd.Series) -> pd.Series:
    """One name for each person: the smaller of the two ids of a patient whom two studies report."""
    people = store.rows(
        "SELECT patient_key, cohort_id || ':' || patient_id AS own, shared_with FROM patient"
    ).set_index("patient_key")
    found = people.loc[keys]
    return found.own.where(found.shared_with.isna() | (found.own < found.shared_with),
                           found.shared_with)  # fmt: skip


@pytest.mark.parametrize("by", [TP53, BY_TMB], ids=["gene", "number"])
@pytest.mark.parametrize("page", POOLED)
def test_nobody_is_counted_twice(simulated: Store, page: str, by: Stratifier) -> None:
    rows = POOLED[page](simulated, Filters(), by)
    assert len(rows) > 100
    assert persons(simulated, rows.patient_key).is_unique


def test_the_check_sees_a_person_counted_twice(simulated: Store) -> None:
    """Both records of a shared patient can be in a figure, and then the check above fails."""
    both = replace(Filters(), count_shared_once=False)
    for by in (TP53, BY_TMB):
        rows = survival_question(simulated, both, by).rows
        assert not persons(simulated, rows.patient_key).is_unique


def test_counts_of_cohorts_are_of_persons(simulated: Store) -> None:
    table = cohort_overview(simulated, Filters(), TP53).table
    frame = simulated.patients(Filters())
    assert table.n.sum() == len(frame) == persons(simulated, frame.patient_key).nunique()


def test_the_nomogram_and_the_scan_count_persons(
    simulated: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = build_question(simulated, Filters(), TP53)
    assert persons(simulated, built.rows.patient_key).is_unique
    seen: list[pd.Series] = []

    def remember(keys: np.ndarray, *args: object, **more: object) -> object:
        seen.append(pd.Series(keys))
        return whole(keys, *args, **more)  # type: ignore[arg-type]

    whole = simulated.mutation_matrix
    monkeypatch.setattr(simulated, "mutation_matrix", remember)
    found = gene_scan(simulated, Filters())
    assert persons(simulated, seen[0]).is_unique and len(seen[0]) == found.n
