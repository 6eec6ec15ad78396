"""Filters as clauses, parameters and sentences; the three states; errors of a store."""

from __future__ import annotations

import gc
import json
import threading
import weakref
from contextlib import closing
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from core.model import (
    NON_SYNONYMOUS,
    BadInput,
    Filters,
    NotEnoughData,
    Range,
    StoreError,
    Stratifier,
    UnknownGene,
    UnknownValue,
)
from core.store import (
    POINTER,
    STORE_VARIABLE,
    Store,
    clauses,
    current_build,
    default_path,
    open_default,
    open_store,
    sentence,
)

CASES = [
    (
        Filters(treated_with_ici=None, count_shared_once=False),
        ["included"],
        (),
        "ICI-treated or not",
    ),
    (Filters(), ["treated_with_ici = ?", "included", "counted_here"], (True,), "ICI-treated"),
    (
        Filters(tumor_types=("Melanoma", "Glioma"), treated_with_ici=None, count_shared_once=False),
        ["included", "tumor_type IN (?, ?)"],
        ("Melanoma", "Glioma"),
        "ICI-treated or not, Melanoma and Glioma",
    ),
    (
        Filters(tumor_types=("a", "b", "c", "d"), treated_with_ici=None, count_shared_once=False),
        ["included", "tumor_type IN (?, ?, ?, ?)"],
        ("a", "b", "c", "d"),
        "ICI-treated or not, 4 tumour types",
    ),
    (
        Filters(age_years=Range(18, 65), treated_with_ici=None, count_shared_once=False),
        ["included", "age_years >= ?", "age_years <= ?"],
        (18, 65),
        "ICI-treated or not, age 18 to 65 years",
    ),
    (
        Filters(tmb_per_mb=Range(low=10), treated_with_ici=None, count_shared_once=False),
        ["included", "tmb_per_mb >= ?"],
        (10,),
        "ICI-treated or not, TMB from 10 per Mb",
    ),
    (
        Filters(
            cohorts=("liu_2019",), sexes=("female",), require_call=True, treated_with_ici=None,
            count_shared_once=False,
        ),
        ["included", "cohort_id IN (?)", "sex IN (?)", "n_calls > 0"],
        ("liu_2019", "female"),
        "ICI-treated or not, Liu 2019, female, at least one call",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("filters", "sql", "parameters", "words"), CASES)
def test_filters_become_clauses_parameters_and_words(
    filters: Filters, sql: list[str], parameters: tuple[object, ...], words: str
) -> None:
    found = clauses(filters)
    assert [c.sql for c in found] == sql
    assert tuple(v for c in found for v in c.parameters) == parameters
    assert sentence(filters, cohort_names={"liu_2019": "Liu 2019"}) == words


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(BadInput, match="empty"):
        Range(5, 1)


def test_filters_keep_what_they_say(simulated: Store) -> None:
    everyone = simulated.rows("SELECT * FROM patient")
    kept = simulated.patients(Filters(tumor_types=("Melanoma",), sexes=("female",)))
    expected = everyone[
        everyone.treated_with_ici
        & everyone.included
        & everyone.counted_here
        & (everyone.tumor_type == "Melanoma")
        & (everyone.sex == "female")
    ]
    assert 0 < len(kept) == len(expected)
    assert kept.patient_key.tolist() == sorted(expected.patient_key)


def test_attrition_ends_at_what_the_filters_keep_and_loses_nobody_unseen(simulated: Store) -> None:
    filters = Filters(tumor_types=("Melanoma",), age_years=Range(50, None), require_call=True)
    flow = simulated.attrition(filters)
    assert flow.n.iloc[0] == simulated.n_patients
    assert flow.n.iloc[-1] == len(simulated.patients(filters))
    assert (flow.n.shift(1).iloc[1:] - flow.lost.iloc[1:] == flow.n.iloc[1:]).all()


def test_three_states_are_exclusive_and_panels_decide_them(simulated: Store) -> None:
    status = simulated.mutation_status("ALK")
    assert len(status) == simulated.n_patients
    profiled = simulated.rows(
        "SELECT DISTINCT patient_key FROM profiled JOIN panel USING (panel_id) "
        "LEFT JOIN panel_gene USING (panel_id) WHERE all_genes OR hugo_symbol = 'ALK'"
    ).patient_key
    mutant = simulated.rows(
        "SELECT DISTINCT patient_key FROM mutation WHERE hugo_symbol = 'ALK' AND "
        f"variant_classification IN {NON_SYNONYMOUS}"
    ).patient_key
    assert set(np.flatnonzero(status >= 0)) == set(profiled)
    assert set(np.flatnonzero(status == 1)) == set(mutant)
    assert (status == -1).any() and (status == 0).any()


def test_a_gene_on_no_panel_is_not_profiled_rather_than_wild_type(simulated: Store) -> None:
    targeted = simulated.rows(
        "SELECT patient_key FROM profiled JOIN panel USING (panel_id) WHERE NOT all_genes"
    ).patient_key
    status = simulated.mutation_status("NOT_A_GENE_ON_ANY_PANEL")
    assert (status[targeted] == -1).all()


def test_status_by_class_and_position_is_a_subset(simulated: Store) -> None:
    every = simulated.mutation_status("BRAF") == 1
    missense = simulated.mutation_status("BRAF", ("Missense_Mutation",)) == 1
    v600 = simulated.mutation_status("BRAF", NON_SYNONYMOUS, position=600) == 1
    assert v600.any() and missense.any()
    assert not (missense & ~every).any() and not (v600 & ~every).any()


def test_no_class_chosen_is_refused(simulated: Store) -> None:
    with pytest.raises(BadInput, match="class"):
        simulated.mutation_status("ALK", ())


@pytest.mark.parametrize("typed", ["ALK", "alk", "  Alk "])
def test_genes_are_found_however_they_are_typed(simulated: Store, typed: str) -> None:
    assert simulated.resolve_gene(typed) == "ALK"


def test_old_symbols_are_found(simulated: Store) -> None:
    aliases = simulated.rows(
        "SELECT alias, hugo_symbol FROM gene_alias JOIN gene USING (hugo_symbol) "
        "WHERE alias NOT IN (SELECT hugo_symbol FROM gene) LIMIT 5"
    )
    assert len(aliases)
    for alias, symbol in aliases.itertuples(index=False):
        assert simulated.resolve_gene(alias) == symbol


@pytest.mark.parametrize("typed", ["ALKK", "", "x'; DROP TABLE patient; --", "<script>", "A" * 500])
def test_unknown_genes_get_the_nearest_symbols_and_do_no_harm(simulated: Store, typed: str) -> None:
    with pytest.raises(UnknownGene) as told:
        simulated.resolve_gene(typed)
    assert "Closest" in told.value.remedy
    assert simulated.rows("SELECT count(*) AS n FROM patient").n[0] == simulated.n_patients


def test_hostile_filter_values_are_parameters(simulated: Store) -> None:
    nasty = "Melanoma' OR 1=1 --"
    with pytest.raises(UnknownValue) as told:
        simulated.patients(Filters(tumor_types=(nasty,)))
    assert told.value.found == nasty


@pytest.mark.parametrize(
    ("filters", "closest"),
    [
        (Filters(tumor_types=("melanoma",)), "Closest: Melanoma."),
        (Filters(tumor_types=("Bladder",)), "Bladder Cancer"),
        (Filters(drug_classes=("PD-1",)), "PD-1/PD-L1"),
        (Filters(cohorts=("nobody_1999",)), ""),
    ],
)
def test_a_misspelt_value_is_told_with_the_closest(simulated: Store, filters, closest) -> None:
    with pytest.raises(UnknownValue) as told:
        simulated.patients(filters)
    assert isinstance(told.value, NotEnoughData), "pages show it as too little data"
    assert closest in told.value.remedy


def test_known_values_that_keep_nobody_together_are_no_error(simulated: Store) -> None:
    both = Filters(tumor_types=("Melanoma",), age_years=Range(120, 130))
    assert len(simulated.patients(both)) == 0


def test_one_value_or_a_list_is_taken_as_a_tuple() -> None:
    assert Filters(tumor_types="Melanoma", sexes=["male"]) == Filters(  # type: ignore[arg-type]
        tumor_types=("Melanoma",), sexes=("male",)
    )
    assert Stratifier(genes="ALK") == Stratifier(genes=("ALK",))  # type: ignore[arg-type]
    assert Stratifier(genes=["A", "B"]).label == "A or B"  # type: ignore[arg-type]


def test_the_default_store_is_the_one_that_the_app_shows(
    simulated_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STORE_VARIABLE, str(simulated_folder))
    with closing(open_default()) as found:
        assert found.path == current_build(simulated_folder)
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path))
    assert default_path() is None
    with pytest.raises(StoreError, match="python -m data demo"):
        open_default()
    (tmp_path / "simulated").symlink_to(simulated_folder)
    assert default_path() == current_build(tmp_path / "simulated")


def test_queries_on_many_threads_do_not_mix(simulated: Store) -> None:
    expected = {g: simulated.mutation_status(g).sum() for g in ("ALK", "TP53", "BRAF", "KRAS")}
    wrong: list[str] = []

    def ask(gene: str) -> None:
        for _ in range(20):
            if simulated.mutation_status(gene).sum() != expected[gene]:
                wrong.append(gene)

    threads = [threading.Thread(target=ask, args=(g,)) for g in expected for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_store_cannot_be_written_through_the_reader(simulated: Store) -> None:
    with pytest.raises(duckdb.Error):
        simulated.rows("DELETE FROM patient")


def test_expression_is_decoded_and_missing_is_nan(simulated: Store) -> None:
    values = simulated.expression("CD274")
    assert len(values) == simulated.n_patients
    known = values[~np.isnan(values)]
    assert len(known) and known.min() >= 0 and known.max() < 25
    assert np.isnan(simulated.expression("NO_SUCH_GENE")).all()


@pytest.mark.parametrize(
    ("pointer", "message"),
    [("not json", "cannot be read"), ('{"other": 1}', "cannot be read"), ("[]", "cannot be read"),
     ('{"file": "gone.duckdb"}', "is gone")],
)  # fmt: skip
def test_a_damaged_pointer_is_told(tmp_path: Path, pointer: str, message: str) -> None:
    (tmp_path / POINTER).write_text(pointer)
    with pytest.raises(StoreError, match=message) as told:
        open_store(tmp_path)
    assert "python -m data build" in told.value.remedy


def test_an_empty_folder_a_wrong_file_and_another_version_are_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store here"):
        open_store(tmp_path)
    (tmp_path / "x.duckdb").write_bytes(b"this is no database" * 500)
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(tmp_path / "x.duckdb")
    with duckdb.connect(str(tmp_path / "old.duckdb")) as connection:
        connection.execute("CREATE TABLE build AS SELECT 'a' AS build_id, 0 AS schema_version")
    with pytest.raises(StoreError, match="another version"):
        open_store(tmp_path / "old.duckdb")


def test_a_pointer_cannot_lead_out_of_its_folder(tmp_path: Path, simulated: Store) -> None:
    (tmp_path / POINTER).write_text(json.dumps({"file": f"../../{simulated.path.name}"}))
    with pytest.raises(StoreError, match="is gone"):
        open_store(tmp_path)


def test_choices_are_ordered_by_patients(simulated: Store) -> None:
    choices = simulated.choices()
    counts = simulated.rows(
        "SELECT tumor_type, count(*) AS n FROM patient WHERE treated_with_ici GROUP BY 1"
    ).set_index("tumor_type")
    n = counts.n[choices["tumor_type"]].to_numpy()
    assert (np.diff(n) <= 0).all()
    assert isinstance(simulated.cohorts(), pd.DataFrame)


def test_a_store_that_nobody_uses_is_gone_at_once(simulated: Store) -> None:
    store = open_store(simulated.path)
    store.patients(Filters())
    store.mutation_status("ALK")
    gone = weakref.ref(store)
    gc.disable()
    try:
        del store
        assert gone() is None, "what it remembers keeps it alive until the collector comes"
    finally:
        gc.enable()
