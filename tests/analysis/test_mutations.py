"""Mutations: exact intervals over the profiled, residues that add up, co-mutation as planted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from core.analysis.comutation import BURDEN_STEP, comutation, comutation_of
from core.analysis.mutations import SOURCES, mutation_frequency, protein_map
from core.groups import mutation_status
from core.model import VARIANT_GROUPS, Filters, NotEnoughData, Range, Stratifier
from core.stats.contingency import binomial_interval
from core.store import MutationMatrix, Store

ALK = Stratifier()


# -- frequency -------------------------------------------------------------------------


@pytest.mark.parametrize("ici_by", ["tumor_type", "cohort_id"])
def test_counts_add_up_over_types_and_states(simulated: Store, ici_by: str) -> None:
    found = mutation_frequency(simulated, Filters(), ALK, ici_by=ici_by)
    columns = ["n", "not_profiled", "profiled", "mutant"]
    sums = found.table.groupby("source")[columns].sum()
    totals = found.totals.set_index("source")[columns]
    assert sums.loc[list(SOURCES)].equals(totals.loc[list(SOURCES)])
    assert (totals.not_profiled + totals.profiled == totals.n).all()
    tcga = simulated.patients(Filters(treated_with_ici=False, cohorts=("tcga",)))
    status = mutation_status(simulated, ALK)[tcga.patient_key]
    assert totals.loc["TCGA", "mutant"] == (status == 1).sum()
    assert totals.loc["TCGA", "profiled"] == (status >= 0).sum()
    assert (found.table.source == "TCGA").sum() == 33


def test_intervals_are_exact_and_of_the_profiled(simulated: Store) -> None:
    table = mutation_frequency(simulated, Filters(), ALK).table
    rows = table[table.profiled > 0]
    lower, upper = binomial_interval(rows.mutant, rows.profiled)
    np.testing.assert_array_equal(rows.ci_lower, lower)
    np.testing.assert_array_equal(rows.ci_upper, upper)
    np.testing.assert_allclose(rows.frequency, rows.mutant / rows.profiled)
    unknown = table[table.profiled == 0]
    assert unknown[["frequency", "ci_lower", "ci_upper"]].isna().all().all()


def test_any_of_a_set_is_at_least_as_often_as_one_and_all_at_most(simulated: Store) -> None:
    def mutants(**how: object) -> int:
        found = mutation_frequency(simulated, Filters(), Stratifier(**how))  # type: ignore[arg-type]
        return int(found.totals.mutant.sum())

    either, both = (mutants(genes=("ALK", "TP53"), combine=c) for c in ("any", "all"))
    assert both < mutants(genes=("ALK",)) < mutants(genes=("TP53",)) < either


def test_filters_that_keep_nobody_are_told(simulated: Store) -> None:
    with pytest.raises(NotEnoughData, match="No patient is left"):
        mutation_frequency(simulated, Filters(age_years=Range(199, 200)), ALK)


# -- along the protein -----------------------------------------------------------------


def test_residues_variants_and_classes_count_the_same_calls(simulated: Store) -> None:
    found = protein_map(simulated, Filters(), ALK)
    assert found.length == 1620 and found.length_known
    assert found.domains.start_residue.tolist() == [285, 480, 733, 1117]
    for key, source in zip(("tcga", "ici"), SOURCES, strict=True):
        calls = found.calls[found.calls.source == source]
        assert found.classes[key].sum() == len(calls)
        placed = calls[calls.protein_position.notna()]
        assert found.unplaced[source] == len(calls) - len(placed)
        pins = found.residues[found.residues.source == source]
        people = placed.groupby(["protein_position", "group"]).patient_key.nunique()
        assert pins.n.sum() == people.sum()
        assert found.variants[key].sum() == sum(
            calls.assign(change=calls.change.fillna("?"))
            .groupby(["change", "protein_position", "variant_classification"], dropna=False)
            .patient_key.nunique()
        )


def test_recurrent_hotspot_is_marked(simulated: Store) -> None:
    found = protein_map(simulated, Filters(), ALK)
    assert set(found.hotspots) == set(simulated.hotspots("ALK").residue)
    marked = found.residues[found.residues.hotspot]
    assert set(marked.position) <= set(found.hotspots) and len(marked)
    assert not set(found.residues[~found.residues.hotspot].position) & set(found.hotspots)


def test_gene_without_an_entry_ends_at_its_last_residue(simulated: Store) -> None:
    known = set(simulated.rows("SELECT hugo_symbol FROM protein").hugo_symbol)
    genes = simulated.genes()
    gene = genes[~genes.hugo_symbol.isin(known)].sort_values("n_mutant_tcga").hugo_symbol.iloc[-1]
    found = protein_map(simulated, Filters(), Stratifier(genes=(gene,)))
    assert not found.length_known and found.domains.empty
    assert found.length == found.residues.position.max()
    assert any("no length and domains" in w for w in found.warnings)


def test_only_the_chosen_classes_are_drawn(simulated: Store) -> None:
    chosen = Stratifier(classes=VARIANT_GROUPS["missense"])
    found = protein_map(simulated, Filters(), chosen)
    assert set(found.residues.group) == {"missense"}
    assert found.classes.set_index("group").tcga.drop("missense").sum() == 0


# -- co-mutation -----------------------------------------------------------------------


def planted(seed: int = 5, n: int = 4000, genes: int = 400) -> tuple[MutationMatrix, np.ndarray]:
    """Strata of rising burden; the group avoids gene EXCLUSIVE and seeks gene TOGETHER."""
    draw = np.random.default_rng(seed)
    strata = draw.integers(0, 6, n)
    rate = 0.03 * 1.7**strata
    group = draw.random(n) < rate
    mutated = draw.random((n, genes)) < np.minimum(0.8, rate[:, None])
    mutated[:, 0] &= ~(group & (draw.random(n) < 0.75))
    mutated[:, 1] |= group & (draw.random(n) < 0.25)
    names = np.array(["EXCLUSIVE", "TOGETHER", *(f"G{i}" for i in range(genes - 2))], dtype=object)
    matrix = MutationMatrix(
        names,
        sparse.csc_array(mutated.astype(float)),
        np.ones((n, 1), dtype=bool),
        np.zeros(genes, dtype=np.intp),
    )
    return matrix, np.column_stack([group, strata])


def test_planted_pairs_are_found_and_burden_is_not() -> None:
    matrix, people = planted()
    group, strata = people[:, 0].astype(bool), people[:, 1].astype(str)
    found = comutation_of(matrix, group, strata, title="X")
    hits = found.table[found.table.q_value < 0.05].set_index("hugo_symbol")
    assert hits.direction["EXCLUSIVE"] == "apart" and hits.direction["TOGETHER"] == "together"
    assert hits.ci_upper["EXCLUSIVE"] < 1 < hits.ci_lower["TOGETHER"]
    assert len(hits) <= 4
    assert 0.7 < found.inflation < 1.4 < 5 < found.inflation_unadjusted
    assert not found.warnings


def test_burden_left_in_is_warned_of() -> None:
    matrix, people = planted()
    group = people[:, 0].astype(bool)
    found = comutation_of(matrix, group, np.zeros(len(group), dtype=str), title="X")
    assert found.inflation > 5
    assert any("burden is not fully adjusted for" in w for w in found.warnings)


def test_patients_not_profiled_for_a_gene_are_not_its_wild_type() -> None:
    matrix, people = planted()
    group, strata = people[:, 0].astype(bool), people[:, 1].astype(str)
    whole = comutation_of(matrix, group, strata, title="X").table.set_index("hugo_symbol")
    half = np.arange(len(group)) % 2 == 0
    partly = MutationMatrix(
        matrix.genes,
        matrix.mutated,
        np.column_stack([np.ones(len(group), dtype=bool), half]),
        (matrix.genes == "TOGETHER").astype(np.intp),
    )
    found = comutation_of(partly, group, strata, title="X").table.set_index("hugo_symbol")
    assert found.n["TOGETHER"] == half.sum() and found.n["G0"] == len(group)
    assert found.p_value["G0"] == whole.p_value["G0"]
    halved = MutationMatrix(
        matrix.genes, matrix.mutated[np.flatnonzero(half)], np.ones((half.sum(), 1), dtype=bool),
        np.zeros(len(matrix.genes), dtype=np.intp),
    )  # fmt: skip
    alone = comutation_of(halved, group[half], strata[half], title="X")
    expected = alone.table.set_index("hugo_symbol")
    assert found.p_value["TOGETHER"] == pytest.approx(expected.p_value["TOGETHER"])


def test_the_gene_itself_and_rare_genes_are_not_tested() -> None:
    matrix, people = planted()
    group, strata = people[:, 0].astype(bool), people[:, 1].astype(str)
    found = comutation_of(matrix, group, strata, title="X", without=["TOGETHER"])
    assert "TOGETHER" not in set(found.table.hugo_symbol)
    with pytest.raises(NotEnoughData, match="No gene is mutated often enough"):
        comutation_of(matrix, group, strata, title="X", min_mutant=10**6)


@pytest.mark.parametrize("source", ["tcga", "ici"])
def test_store_question_leaves_out_unknown_burden(simulated: Store, source: str) -> None:
    found = comutation(simulated, Filters(), Stratifier(genes=("TP53",)), source=source)
    assert "TP53" not in set(found.table.hugo_symbol)
    assert (found.table.n <= found.n).all() and f"{BURDEN_STEP:g}" in found.methods
    assert ("study" in found.methods) == (source == "ici")


# -- real data -------------------------------------------------------------------------


@pytest.mark.realdata
def test_real_alk_in_tcga(real: Store) -> None:
    totals = mutation_frequency(real, Filters(), ALK).totals.set_index("source")
    assert totals.mutant["TCGA"] == 323
    assert 10_400 < totals.profiled["TCGA"] < 10_700
    assert 0.027 < totals.frequency["TCGA"] < 0.033
    found = protein_map(real, Filters(), ALK)
    shares = found.classes.set_index("group").tcga_share
    assert found.patients["TCGA"] == 323 and shares["missense"] > 0.8
    assert found.unplaced["TCGA"] < 10, "Firehose calls of ALK are superseded by MC3's table"


@pytest.mark.realdata
def test_real_burden_explains_what_seems_to_go_with_alk(real: Store) -> None:
    found = comutation(real, Filters(), ALK)
    assert found.inflation_unadjusted > 50
    assert 0.8 < found.inflation < 1.3


@pytest.mark.realdata
def test_real_kras_avoids_braf_and_nras(real: Store) -> None:
    table = comutation(real, Filters(), Stratifier(genes=("KRAS",))).table.set_index("hugo_symbol")
    for gene in ("BRAF", "NRAS"):
        assert table.direction[gene] == "apart" and table.q_value[gene] < 0.05
