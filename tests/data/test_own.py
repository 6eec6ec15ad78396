"""An upload becomes a store: read, guessed, checked by row, harmonised, pooled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from core.model import BadFile, BadInput, BuildError, Filters, NotEnoughData
from core.store import open_store
from data.check import problems as broken_rules
from data.own import guess, problems
from data.own.build import make_store
from data.own.mapping import (
    ALL_MISSENSE,
    CLASS_OF_CHANGE,
    EVERYONE,
    LIST_PANEL,
    MATRIX_PANEL,
    WITH_CALLS,
    Outcome,
    OwnMapping,
    Place,
    Profiling,
)
from data.own.propose import propose
from data.own.reading import Upload, read_study_archive, read_two_tables
from data.own.workspace import Workspace
from data.publish import pool, shared_ids
from tests.app.small_store import make
from tests.data.own_toy import N, mutations_csv, patients_csv, study_files, zipped


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(tmp_path)
    yield made
    made.remove()


def study(space: Workspace, files: dict[str, str] | None = None) -> Upload:
    return read_study_archive(space.receive(zipped(files), "toy.zip"), space.path)


def tables(space: Workspace, patients: str, mutations: str | None = None) -> Upload:
    one = space.receive(patients.encode(), "patients.csv", "one")
    two = space.receive(mutations.encode(), "mutations.csv", "two") if mutations else None
    return read_two_tables(one, two, space.path)


def found(upload: Upload, mapping: OwnMapping) -> dict[str, problems.Finding]:
    return {f.message: f for f in problems.check(upload, mapping)}


# -- guesses ---------------------------------------------------------------------------


def test_a_study_is_understood_without_a_question(space: Workspace) -> None:
    mapping = propose(study(space), "Toy cohort")
    assert mapping.outcomes == {
        "OS": Outcome(
            Place("patients", "OS_MONTHS"),
            "months",
            Place("patients", "OS_STATUS"),
            {"1:DECEASED": 1, "0:LIVING": 0},
        )
    }
    assert {t: c.place.column for t, c in mapping.terms.items()} == {
        "tumor_type": "CANCER_TYPE",
        "drug": "DRUG",
        "drug_class": "DRUG",
        "age_years": "AGE",
        "sex": "SEX",
        "tmb_per_mb": "TMB_NONSYNONYMOUS",
    }
    assert mapping.terms["drug_class"].coding == {"nivolumab": "PD-1/PD-L1"}
    assert mapping.terms["tumor_type"].coding == {
        "Melanoma": "Melanoma",
        "BLCA": "Bladder Cancer",
    }
    assert mapping.terms["tmb_per_mb"].unit == "per_mb"
    assert mapping.profiling is not None and mapping.profiling.panel == MATRIX_PANEL
    assert mapping.citation == "Toy, 2026"


def test_two_tables_are_understood_by_names_and_values(space: Workspace) -> None:
    mapping = propose(tables(space, patients_csv(), mutations_csv()), "Toy")
    outcome = mapping.outcomes["OS"]
    assert (mapping.patient, outcome.time.column, outcome.unit) == ("Patient", "OS days", "days")
    assert (outcome.event.column, dict(outcome.coding)) == ("dead", {"0": 0, "1": 1})
    tmb = mapping.terms["tmb_per_mb"]
    assert (tmb.place.column, tmb.unit, tmb.megabases) == ("TMB count", "count", 30)
    assert mapping.calls is not None
    assert mapping.calls.patient == "Patient"
    assert mapping.calls.columns["hugo_symbol"] == "Gene"
    assert mapping.calls.columns["variant_classification"] == "Effect"
    # nothing says which genes were looked at: a list is asked for, and only patients with a call
    # count as sequenced
    assert mapping.profiling == Profiling(WITH_CALLS, LIST_PANEL)


@pytest.mark.parametrize(
    ("column", "numbers", "unit", "sure"),
    [
        ("OS_MONTHS", [3, 900], "months", True),
        ("PFS(days)", [3, 20], "days", True),
        ("os weeks", [3, 20], "weeks", True),
        ("Time (yrs)", [3, 20], "years", True),
        ("OS", [12, 48.5, 90], "months", False),
        ("OS", [30, 2034], "days", False),
        ("OS", [10, 400], "weeks", False),
        ("OS", [0.5, 4.25], "years", False),
        ("OS", [2, 14], "months", False),
    ],
)
def test_units_of_time(column: str, numbers: list[float], unit: str, sure: bool) -> None:
    got, reason, certain = guess.time_unit(column, pd.Series(numbers, dtype=float))
    assert (got, certain) == (unit, sure)
    assert unit in reason


@pytest.mark.parametrize(
    ("column", "coding"),
    [
        ("OS_STATUS", {"0:LIVING": 0, "1:DECEASED": 1}),
        ("dead", {"0": 0, "1": 1}),
        ("OS.CNSR", {"0": 1, "1": 0}),
        ("censored", {"1": 0, "0": 1}),
        ("status", {"1": 0, "2": 1}),
        ("Vital status", {"Alive": 0, "Dead": 1, "lost": 0}),
        ("censored", {"yes": 0, "no": 1}),
        ("death", {"TRUE": 1, "FALSE": 0}),
        ("status", {"AWD": 0, "DOD": 1, "unclear": None}),
    ],
)
def test_codings_of_events(space: Workspace, column: str, coding: dict[str, int | None]) -> None:
    cells = "\n".join(f"P{i},{label}" for i, label in enumerate(coding))
    upload = tables(space, f"id,{column}\n{cells}\n")
    assert guess.event_coding(upload, Place("patients", column)) == coding


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("nivolumab", "PD-1/PD-L1"),
        ("ipilimumab", "CTLA-4"),
        ("nivolumab + ipilimumab", "PD-1/PD-L1 + CTLA-4"),
        ("combo", "PD-1/PD-L1 + CTLA-4"),
        ("anti-pd-l1", "PD-1/PD-L1"),
        ("docetaxel", "no ICI"),
        ("imatinib", None),
    ],
)
def test_classes_of_drugs(word: str, kind: str | None) -> None:
    assert guess.drug_class(word) == kind


# -- harmonising -----------------------------------------------------------------------


def test_a_study_becomes_a_store_in_which_missing_is_not_wild_type(
    space: Workspace, tmp_path: Path
) -> None:
    upload = study(space)
    path = make_store(upload, propose(upload, "Toy cohort"), tmp_path / "own")
    store = open_store(path)
    assert broken_rules(path) == ()
    assert not store.simulated and store.n_patients == N
    frame = store.patients(Filters())
    assert frame.tumor_type.value_counts().to_dict() == {"Melanoma": 40, "Bladder Cancer": 20}
    assert set(frame.drug_class) == {"PD-1/PD-L1"} and set(frame.sex) == {"male", "female"}
    assert frame.tmb_per_mb.iloc[3] == 4.5 and frame.time_months.notna().all()
    status = store.mutation_status("ALK")
    assert (int((status == 1).sum()), int((status == -1).sum())) == (19, 5)
    assert (store.mutation_status("BRAF") == 0).sum() == N - 5  # on the panel, no call
    assert (store.mutation_status("KRAS") == -1).all()  # not on the panel
    assert store.clinical_variables().empty  # none was asked to be kept
    store.close()


def test_days_counts_and_a_panel_list(space: Workspace, tmp_path: Path) -> None:
    upload = tables(space, patients_csv(), mutations_csv())
    mapping = replace(
        propose(upload, "Toy"),
        profiling=Profiling(EVERYONE, LIST_PANEL, genes=("ALK", "TP53", "c10orf54")),
        further=(Place("patients", "Best response"),),
    )
    store = open_store(make_store(upload, mapping, tmp_path / "own"))
    frame = store.patients(Filters())
    first = patients_csv().splitlines()[1].split(",")
    assert frame.time_months.iloc[0] == pytest.approx(int(first[3]) / (365.25 / 12))
    assert frame.tmb_per_mb.iloc[0] == pytest.approx(1.0)
    assert list(frame.response[:4]) == ["CR", "PR", "SD", "PD"]
    assert (store.mutation_status("VSIR") == 0).all()  # the panel names it by its old symbol
    assert list(store.clinical_variables().variable) == ["best_response"]
    store.close()


def test_without_a_class_the_protein_change_tells_or_every_row_counts(
    space: Workspace, tmp_path: Path
) -> None:
    upload = tables(space, patients_csv(), mutations_csv())
    mapping = replace(propose(upload, "Toy"), profiling=Profiling(EVERYONE, "exome"))
    assert mapping.calls is not None
    columns = {k: v for k, v in mapping.calls.columns.items() if k != "variant_classification"}
    for classes, expected in (
        (CLASS_OF_CHANGE, "Nonsense_Mutation"),
        (ALL_MISSENSE, "Missense_Mutation"),
    ):
        calls = replace(mapping.calls, columns=columns, classes=classes)
        path = make_store(upload, replace(mapping, calls=calls), tmp_path / classes)
        store = open_store(path)
        assert set(store.mutations("TP53").variant_classification) == {expected}
        said = store.cohorts().caveats.iloc[0]
        assert ("every row counts as a missense" in said) == (classes == ALL_MISSENSE)
        store.close()


def test_decimal_commas_and_semicolons(space: Workspace, tmp_path: Path) -> None:
    text = patients_csv().replace(",", ";").splitlines()
    cells = [row.split(";") for row in text[1:]]
    rows = [";".join([*c[:3], f"{int(c[3]) / 30.4:.1f}".replace(".", ","), *c[4:]]) for c in cells]
    upload = tables(space, "\n".join([text[0].replace("OS days", "OS months"), *rows]))
    mapping = propose(upload, "Toy")
    assert not problems.check(upload, mapping)
    store = open_store(make_store(upload, mapping, tmp_path / "own"))
    times = store.patients(Filters()).time_months
    assert times.iloc[0] == pytest.approx(int(cells[0][3]) / 30.4, abs=0.06)
    assert (store.mutation_status("ALK") == -1).all()  # no table of mutations: nobody is profiled
    store.close()


def test_without_an_outcome_nothing_is_made(space: Workspace, tmp_path: Path) -> None:
    files = study_files()
    lines = files["data_clinical_patient.txt"].replace("OS_MONTHS", "NOTE")
    upload = study(space, {**files, "data_clinical_patient.txt": lines})
    mapping = propose(upload, "Toy")
    finding = found(upload, mapping)["No survival time is chosen."]
    assert finding.kind == problems.STOP and "NOTE" in finding.found[0]
    with pytest.raises(BadInput, match="No survival time"):
        make_store(upload, mapping, tmp_path / "own")
    coded = {"1:DECEASED": None, "0:LIVING": None}
    mapping = propose(study(space), "Toy")
    blind = replace(mapping, outcomes={"OS": replace(mapping.outcomes["OS"], coding=coded)})
    with pytest.raises(NotEnoughData, match="time together with an event"):
        make_store(study(space), blind, tmp_path / "own")
    assert not (tmp_path / "own").exists()


# -- pooling ---------------------------------------------------------------------------


def own_store(space: Workspace, *, simulated: bool = False, name: str = "Toy cohort") -> Path:
    upload = study(space)
    return make_store(upload, replace(propose(upload, name), simulated=simulated), space.folder())


def test_pooled_with_real_cohorts(space: Workspace, tmp_path: Path) -> None:
    base = make(tmp_path / "real", simulated=False)
    before = open_store(base)
    own = own_store(space)
    path = pool(base, own, space.path, role="discovery")
    assert broken_rules(path) == ()
    store = open_store(path)
    assert store.n_patients == before.n_patients + N
    assert store.version.startswith("small+own-")
    cohort = store.cohorts().set_index("cohort_id").loc["own_toy_cohort"]
    assert cohort.role == "discovery" and cohort.n_patients == N
    only = Filters(cohorts=("own_toy_cohort",))
    keys = store.patients(only).patient_key
    status = store.mutation_status("ALK")
    assert [(status[keys] == k).sum() for k in (1, 0, -1)] == [19, 36, 5]
    others = before.mutation_status("ALK")
    assert (status[: before.n_patients] == others).all()
    n_ici = store.genes().set_index("hugo_symbol").n_mutant_ici
    assert n_ici["ALK"] == before.genes().set_index("hugo_symbol").n_mutant_ici["ALK"] + 19
    before.close()
    store.close()


@pytest.mark.parametrize("loaded", [True, False])
def test_simulated_and_real_are_never_pooled(
    space: Workspace, tmp_path: Path, loaded: bool
) -> None:
    base = make(tmp_path / "base", simulated=loaded)
    own = own_store(space, simulated=not loaded)
    with pytest.raises(BuildError, match="never pooled") as error:
        pool(base, own, space.path)
    assert "alone" in error.value.remedy
    assert not list(space.path.glob("pooled-*"))
    path = pool(base, own_store(space, simulated=loaded), space.path)
    assert broken_rules(path) == ()


def test_the_same_people_are_counted_once(space: Workspace, tmp_path: Path) -> None:
    base = make(tmp_path / "real", simulated=False)
    files = study_files()
    renamed = {k: v.replace("T0", "P00") for k, v in files.items()}
    upload = study(space, renamed)
    own = make_store(upload, propose(upload, "Toy"), space.folder())
    shared = shared_ids(base, own)
    assert shared["Melanoma 2017"] == 10  # P000 to P009
    apart, linked = (
        open_store(pool(base, own, space.path, same_people=same)) for same in (False, True)
    )
    everybody = [len(s.patients(Filters())) for s in (apart, linked)]
    assert everybody[0] - everybody[1] == 10
    alone = Filters(cohorts=("own_toy",), count_shared_once=False)
    assert len(linked.patients(alone)) == N
    assert broken_rules(linked.path) == ()


def test_a_panel_of_the_same_name_with_other_genes_keeps_its_own(
    space: Workspace, tmp_path: Path
) -> None:
    base = make(tmp_path / "real", simulated=False)  # its panel "impact" has ALK, TP53, VSIR, TTN
    files = {k: v.replace("TOY", "impact") for k, v in study_files().items()}
    upload = study(space, files)
    own = make_store(upload, propose(upload, "Toy"), space.folder())
    store = open_store(pool(base, own, space.path))
    keys = store.patients(Filters(cohorts=("own_toy",))).patient_key
    assert (store.mutation_status("TTN")[keys] == -1).all()
    assert (store.mutation_status("BRAF")[keys] == 0).sum() == N - 5
    store.close()


def test_one_cohort_is_not_pooled_twice(space: Workspace, tmp_path: Path) -> None:
    base = make(tmp_path / "real", simulated=False)
    once = pool(base, own_store(space), space.path)
    with pytest.raises(BuildError, match="already"):
        pool(once, own_store(space), space.path)


def test_a_panel_that_only_the_loaded_cohorts_list(space: Workspace, tmp_path: Path) -> None:
    files = study_files()
    del files["data_gene_panel_toy.txt"]
    upload = study(space, files)
    mapping = propose(upload, "Toy")
    with pytest.raises(BadFile, match="no list of genes") as error:
        make_store(upload, mapping, tmp_path / "own")
    assert "data_gene_panel_matrix.txt, line 2" in error.value.where
    known = {"TOY": ("ALK", "TP53", "EGFR")}
    store = open_store(make_store(upload, mapping, tmp_path / "own", known_panels=known))
    assert (store.mutation_status("EGFR") == 0).sum() == N - 5
    store.close()
