"""Every gene: planted effects, only profiled patients, ranks among genes mutated as often."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.analysis.gene_scan import MIN_MUTANT, gene_scan, place, scan_genes
from core.model import Filters, NotEnoughData, Range, Stratifier
from core.stats.cox import cox
from core.store import Store
from tests.analysis.planted import patients

N_GENES = 60


@pytest.fixture(scope="module")
def cohort() -> tuple[pd.DataFrame, np.ndarray]:
    """Patients in whom gene 0 acts on its own; the others follow burden, which acts."""
    draw = np.random.default_rng(20)
    rows = patients(draw, 700, gene=-0.8, burden=-0.5, pull=0.8)
    z = rows.tmb_z.to_numpy()
    shares = 1 / (1 + np.exp(-(draw.uniform(-2.2, -0.8, N_GENES - 1) + 0.9 * z[:, None])))
    others = draw.random((len(rows), N_GENES - 1)) < shares
    return rows, np.column_stack([rows.mutant, others]).astype(float)


def run(rows: pd.DataFrame, mutated: np.ndarray, profiled: np.ndarray | None = None):
    genes = np.array([f"G{i}" for i in range(mutated.shape[1])], dtype=object)
    known = np.ones((len(rows), 1), dtype=bool) if profiled is None else profiled
    profile = np.zeros(len(genes), dtype=np.intp)
    profile[: known.shape[1]] = np.arange(known.shape[1])
    return scan_genes(rows, mutated, genes, known, profile)


def test_burden_makes_every_gene_look_protective_and_adjustment_leaves_the_true_one(
    cohort: tuple[pd.DataFrame, np.ndarray],
) -> None:
    result = run(*cohort)
    others = result.table[result.table.gene != "G0"]
    assert (others.hazard_ratio < 1).mean() > 0.9
    assert (others.q_value < 0.05).mean() > 0.5 > 0.1 > (others.adjusted_q_value < 0.05).mean()
    found = place(result, "G0")
    assert found is not None and found.adjusted == 1 and found.n > 5
    true = result.table.set_index("gene").loc["G0"]
    assert np.log(true.adjusted_hazard_ratio) == pytest.approx(-0.8, abs=0.2)


def test_who_was_not_profiled_is_not_wild_type(cohort: tuple[pd.DataFrame, np.ndarray]) -> None:
    rows, mutated = cohort
    profiled = np.ones((len(rows), 2), dtype=bool)
    profiled[500:, 1] = False
    mutated = mutated.copy()
    mutated[500:, 1] = 0
    genes = run(rows, mutated, profiled).table.set_index("gene")
    assert genes.n["G1"] == 500 and genes.n["G0"] == len(rows)
    part = rows[:500]
    alone = cox(mutated[:500, 1], part.time_months, part.event, strata=part.cohort_id).table()
    assert genes.hazard_ratio["G1"] == pytest.approx(alone.hazard_ratio[0], rel=1e-6)


def test_both_models_are_the_ones_stated(cohort: tuple[pd.DataFrame, np.ndarray]) -> None:
    rows, mutated = cohort
    table = run(rows, mutated).table.set_index("gene")
    adjusted = cox(
        np.column_stack([mutated[:, 5], rows.tmb_z]),
        rows.time_months,
        rows.event,
        strata=rows.cohort_id + rows.tumor_type,
    ).table()
    assert table.adjusted_hazard_ratio["G5"] == pytest.approx(adjusted.hazard_ratio[0], rel=1e-6)
    assert table.adjusted_p_value["G5"] == pytest.approx(adjusted.p_value[0], rel=1e-5)


def test_rank_is_among_genes_mutated_as_often(cohort: tuple[pd.DataFrame, np.ndarray]) -> None:
    result = run(*cohort)
    found = place(result, "G7")
    assert found is not None
    n = result.table.set_index("gene").n_mutant
    peers = result.table[result.table.n_mutant.between(n["G7"] * 0.75, n["G7"] / 0.75)]
    assert found.n == len(peers)
    own = float(peers.p_value[peers.gene == "G7"].iloc[0])
    assert found.raw == int((peers.p_value < own).sum()) + 1
    assert place(result, "NONE") is None


def test_store_scan_agrees_with_the_single_gene(simulated: Store) -> None:
    result = gene_scan(simulated, Filters())
    assert (result.table.n_mutant >= MIN_MUTANT).all() and result.n_groups > 1
    rows = simulated.patients(Filters())
    rows = rows[rows[["time_months", "event", "tmb_z"]].notna().all(axis=1)]
    row = result.table.iloc[len(result.table) // 2]
    status = simulated.mutation_status(row.gene, Stratifier().classes)[rows.patient_key]
    assert (row.n_mutant, row.n) == ((status == 1).sum(), (status >= 0).sum())
    part = rows[status >= 0]
    alone = cox(
        status[status >= 0] == 1, part.time_months, part.event, strata=part.cohort_id
    ).table()
    assert row.hazard_ratio == pytest.approx(alone.hazard_ratio[0], rel=1e-6)


def test_no_gene_often_enough_is_an_answer(simulated: Store) -> None:
    with pytest.raises(NotEnoughData, match="often enough"):
        gene_scan(simulated, Filters(age_years=Range(199, 200)))
