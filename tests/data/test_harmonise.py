"""A cohort file and small published tables in, the store's terms out; every refusal by name."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.model import BadFile
from data.calls import (
    chromosome,
    classification_of_change,
    protein_position,
    short_protein_change,
    variant_type,
)
from data.cohort_spec import load_cohort, load_cohorts
from data.harmonise import HarmonisedCohort, standardised_tmb
from data.ici import link_shared, read_cohort
from data.locate import locate, position_index

SPEC = """
cohort_id = "toy"
name = "Toy 2020"
position = 1
role = "discovery"
assay = "WES"
citation = "Nobody"
patients = "clin"

[[read]]
name = "clin"
format = "delimited"
path = "clin.txt"

[[read]]
name = "snv"
format = "maf"
path = "snv.txt.gz"
optional = true

[keys.clin]
key = "id"

[patient]
tumor_type = { column = "tumour" }
drug_class = { value = "PD-1/PD-L1" }
age_years = { column = "age", unit = "years" }
sex = { column = "sex", coding = { M = "male", F = "female" } }
response = { column = "best", coding = { CR = "CR", PD = "PD" }, missing = ["x"] }
tmb_per_mb = { column = "load", unit = "count", megabases = 30 }

[endpoint.OS]
time = { column = "days", unit = "days" }
event = { column = "censored", coding = { "1" = 0, "0" = 1 } }

[mutations]
tables = ["snv"]
patient = "tumor_sample_barcode"

[profiled]
rule = "with_calls"
"""

CLINICAL = """id\ttumour\tage\tsex\tbest\tload\tdays\tcensored
P1\tMelanoma\t60\tM\tCR\t300\t365.25\t1
P2\tmelanoma\t\tF\tx\t60\t730.5\t0
P3\tLung\t50\t\tPD\tNA\t0\t0
"""

CALL_COLUMNS = (
    "Hugo_Symbol", "Tumor_Sample_Barcode", "Chromosome", "Start_Position", "End_Position",
    "Variant_Classification", "Reference_Allele", "Tumor_Seq_Allele2", "HGVSp_Short",
)  # fmt: skip
CALLS = (
    "\t".join(CALL_COLUMNS)
    + """
ALK\tP1\tchr2\t29443695\t29443695\tMissense_Mutation\tC\tT\tp.R1275Q
C10orf54\tP1\t10\t73521000\t73521000\tSilent\tC\tT\tp.A10A
TP53\tstranger\t17\t7577539\t7577539\tMissense_Mutation\tG\tA\tp.R248W
"""
)


def write(
    folder: Path, clinical: str = CLINICAL, spec: str = SPEC, calls: str | None = CALLS
) -> Path:
    (folder / "clin.txt").write_text(clinical)
    if calls is not None:
        with gzip.open(folder / "snv.txt.gz", "wt") as file:
            file.write(calls)
    path = folder / "toy.toml"
    path.write_text(spec)
    return path


def read(folder: Path, **files: str | None) -> HarmonisedCohort:
    return read_cohort(load_cohort(write(folder, **files)), folder)  # type: ignore[arg-type]


def test_terms_units_and_codings(tmp_path: Path) -> None:
    cohort = read(tmp_path)
    patients = cohort.patients.set_index("patient_id")
    assert patients.tumor_type.tolist() == ["Melanoma", "Melanoma", "Non-Small Cell Lung Cancer"]
    assert patients.tumor_type_source.tolist() == ["Melanoma", "melanoma", "Lung"]
    assert patients.sex.tolist()[:2] == ["male", "female"] and patients.sex.isna()["P3"]
    assert patients.response.tolist()[0] == "CR" and patients.response.isna()["P2"]
    np.testing.assert_allclose(patients.age_years, [60, np.nan, 50])
    np.testing.assert_allclose(patients.tmb_per_mb, [10, 2, np.nan])
    z = np.log2([11, 3])
    np.testing.assert_allclose(patients.tmb_z[:2], (z - z.mean()) / z.std(ddof=1))
    os = cohort.endpoints.set_index("patient_id")
    np.testing.assert_allclose(os.time_months, [12, 24, 0])
    assert os.event.tolist() == [False, True, True]
    assert patients.treated_with_ici.all()


def test_calls_find_their_patients_and_current_symbols(tmp_path: Path) -> None:
    cohort = read(tmp_path)
    calls = cohort.mutations
    assert calls.hugo_symbol.tolist() == ["ALK", "VSIR"]
    assert calls.protein_position.tolist() == [1275, 10]
    assert calls.chromosome.tolist() == ["2", "10"]
    assert calls.variant_type.tolist() == ["SNP", "SNP"]
    assert cohort.profiled.patient_id.tolist() == ["P1"]
    assert any("1 calls of 1 samples" in note for note in cohort.notes)


def test_without_the_calls_nobody_is_profiled_and_it_is_said(tmp_path: Path) -> None:
    cohort = read(tmp_path, calls=None)
    assert cohort.profiled.empty and len(cohort.patients) == 3
    assert any("not profiled" in note for note in cohort.notes)


def refusal(tmp_path: Path, **files: str) -> str:
    with pytest.raises(BadFile) as told:
        read(tmp_path, **files)
    assert told.value.remedy
    return str(told.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("\tdays\t", "\tday\t", ["'days' is missing", "'day'"]),
        ("Lung\t50", "Lugn\t50", ["'Lugn'", "line 4", "'tumour'", "tumor_types.toml"]),
        ("P3\tLung", "P2\tLung", ["'P2' stands in two rows", "line 4", "line 3"]),
        ("\t365.25\t", "\t365,25\t", ["line 2", "'days'", "'365,25'", 'decimal = ","']),
        ("\t365.25\t", "\tabout a year\t", ["line 2", "'about a year'", "a number"]),
        ("\t365.25\t", "\t-3\t", ["negative", "line 2", "0 or more"]),
        ("\tM\tCR", "\tman\tCR", ["'man'", "line 2", "'sex'", "coding"]),
        ("Melanoma\t60", "Melanoma\t600", ["years of age", "line 2", "600", "years"]),
        ("\t300\t", "\t3000000\t", ["mutations per Mb", "line 2", "count"]),
        ("P1\t", "\t", ["no patient id", "line 2"]),
    ],
)
def test_a_bad_cell_is_refused_by_file_line_and_column(
    tmp_path: Path, old: str, new: str, words: list[str]
) -> None:
    assert old in CLINICAL
    told = refusal(tmp_path, clinical=CLINICAL.replace(old, new, 1))
    for word in ["clin.txt", *words]:
        assert word in told, told


@pytest.mark.parametrize("unit", ["years", "weeks", "months"])
def test_days_declared_in_another_unit_are_noticed(tmp_path: Path, unit: str) -> None:
    table = CLINICAL.replace("730.5", "2200")
    told = refusal(tmp_path, clinical=table, spec=SPEC.replace('unit = "days"', f'unit = "{unit}"'))
    assert "do not look like the unit" in told and f"read as {unit}" in told and "line 3" in told


def test_months_declared_as_days_are_noticed(tmp_path: Path) -> None:
    table = CLINICAL.replace("365.25", "12").replace("730.5", "24")
    assert "do not look like the unit" in refusal(tmp_path, clinical=table)


def test_a_decimal_comma_is_read_where_it_is_declared(tmp_path: Path) -> None:
    spec = SPEC.replace('unit = "days"', 'unit = "days", decimal = ","')
    cohort = read(tmp_path, spec=spec, clinical=CLINICAL.replace("365.25", "365,25"))
    assert cohort.endpoints.time_months[0] == pytest.approx(12)


def test_a_truncated_file_of_calls_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, calls=CALLS * 200)
    file = tmp_path / "snv.txt.gz"
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(BadFile, match="snv"):
        read_cohort(load_cohort(path), tmp_path)


def test_an_unknown_mutation_class_is_refused(tmp_path: Path) -> None:
    told = refusal(tmp_path, calls=CALLS.replace("Silent", "Mystery"))
    assert "'Mystery'" in told and "line 3" in told and "variant_classes.toml" in told


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ('role = "discovery"', 'role = "discovery"\nrolle = "x"', "rolle"),
        ('name = "Toy 2020"\n', "", "name"),
        ('unit = "days"', 'unit = "fortnights"', "fortnights"),
        ("megabases = 30", "decimal = '.'", "megabases"),
        ("[patient]\n", '[patient]\nshoe_size = { value = "42" }\n', "shoe_size"),
        ("tumor_type = { column", "tumor_type = { unit", "column"),
        ('cohort_id = "toy"', 'cohort_id = "toy', "TOML"),
        ('format = "maf"', 'format = "vcf"', "vcf"),
    ],
)
def test_a_bad_cohort_file_is_refused_by_key(tmp_path: Path, old: str, new: str, word: str) -> None:
    assert old in SPEC
    with pytest.raises(BadFile) as told:
        read(tmp_path, spec=SPEC.replace(old, new, 1))
    assert word in str(told.value) and "toy.toml" in str(told.value)


def test_the_projects_own_cohort_files_are_all_good() -> None:
    specs = load_cohorts()
    assert len(specs) == 10
    assert len({s.cohort_id for s in specs}) == 10
    assert [s.cohort_id for s in specs if not s.treated_with_ici] == ["tcga"]


def test_shared_patients_count_where_they_were_sequenced(tmp_path: Path) -> None:
    first = read(tmp_path)
    shared = """
[[shared]]
cohort = "toy"
pattern = "^P[12]$"
[[shared]]
cohort = "absent"
pattern = "^P3$"
"""
    again = SPEC.replace('cohort_id = "toy"', 'cohort_id = "again"') + shared
    second = read(tmp_path, spec=again)
    linked = link_shared([first, second]).set_index(["cohort_id", "patient_id"])
    assert not linked.loc[("again", "P1"), "counted_here"]
    assert linked.loc[("toy", "P1"), "counted_here"]
    assert linked.loc[("again", "P3"), "counted_here"], "its other study is not loaded"
    assert linked.loc[("again", "P3"), "shared_with"] == "absent:P3"
    assert ("toy", "P3") not in linked.index


def test_constant_tmb_has_no_standardised_value() -> None:
    assert standardised_tmb(pd.Series([5.0, 5.0, np.nan])).isna().all()


def test_protein_changes_are_written_one_way() -> None:
    changes = pd.Series(["p.Arg674Leu", "R674L", "p.R674*", "p.Arg661Ter", None])
    short = short_protein_change(changes)
    assert short.tolist()[:4] == ["p.R674L", "p.R674L", "p.R674*", "p.R661*"]
    assert short.isna()[4]
    assert protein_position(pd.Series(["p.X473_splice", "p.S498fs", "p.V956I"])).tolist() == [
        473, 498, 956,
    ]  # fmt: skip


def test_classes_follow_from_the_protein_change_alone() -> None:
    changes = pd.Series(["p.S336F", "p.R10*", "p.A5A", "p.S498fs", "p.S498fs", "p.L7del", None])
    ref = pd.Series(["C", "C", "C", "CT", "C", "CTTT", "C"])
    alt = pd.Series(["T", "T", "T", "C", "CA", "C", "T"])
    assert classification_of_change(changes, ref, alt).tolist() == [
        "Missense_Mutation", "Nonsense_Mutation", "Silent", "Frame_Shift_Del", "Frame_Shift_Ins",
        "In_Frame_Del", "Unknown",
    ]  # fmt: skip


def test_chromosomes_and_variant_types() -> None:
    names = pd.Series(["chr1", "23", "24", "M", "chrX"])
    assert chromosome(names).tolist() == ["1", "X", "Y", "MT", "X"]
    ref, alt = pd.Series(["A", "AC", "-", "ACG", "A"]), pd.Series(["T", "GT", "A", "A", "ATT"])
    assert variant_type(ref, alt).tolist() == ["SNP", "DNP", "INS", "DEL", "INS"]


def test_genes_are_found_by_position_or_left_open() -> None:
    known = pd.DataFrame(
        {
            "chromosome": ["1"] * 4 + ["2"],
            "start_position": [1000, 1100, 5000, 5000, 1000],
            "hugo_symbol": ["A", "A", "B", "C", "D"],
            "variant_classification": "Missense_Mutation",
        }
    )
    index = position_index(known)
    asked = pd.DataFrame(
        {
            "chromosome": ["1", "1", "1", "1", "2", "3"],
            "start_position": [1050, 900, 3000, 5001, 1000, 1],
        }
    )
    found = locate(asked, index)
    assert found.where(found.notna(), "-").tolist() == ["A", "A", "-", "-", "D", "-"]
