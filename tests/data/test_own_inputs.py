"""What a person may upload by mistake or in malice: each has its message, by row where it can."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from core.model import BadFile, BadInput
from core.store import open_store
from data.own import kept, problems, reading
from data.own.build import make_store
from data.own.mapping import EXOME_PANEL, WITH_CALLS, Place, Profiling
from data.own.propose import propose
from data.own.reading import Upload, read_study_archive, read_two_tables, sheets
from data.own.workspace import PREFIX, Workspace, plain_name, sweep
from data.readers import archive
from tests.data.own_toy import N, mutations_csv, patients_csv, study_files, zipped


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(tmp_path)
    yield made
    made.remove()


def study(space: Workspace, content: bytes, name: str = "toy.zip") -> Upload:
    return read_study_archive(space.receive(content, name), space.path)


def tables(
    space: Workspace, patients: bytes, name: str = "patients.csv", mutations: bytes | None = None
) -> Upload:
    one = space.receive(patients, name, "one")
    two = space.receive(mutations, "mutations.csv", "two") if mutations is not None else None
    return read_two_tables(one, two, space.path)


def refused(space: Workspace, content: bytes, name: str = "toy.zip") -> BadFile:
    """The refusal of an archive; no word of it names this machine or the project's own files."""
    with pytest.raises(BadFile) as error:
        study(space, content, name)
    told = str(error.value)
    assert str(space.path) not in told
    assert not any(word in told for word in ("python -m data", "data/cohorts", "manifest"))
    assert error.value.remedy
    return error.value


# -- archives --------------------------------------------------------------------------


def test_a_zip_bomb(space: Workspace) -> None:
    bomb = zipped({"data_clinical_patient.txt": "0" * (60 * 1024**2)})
    assert len(bomb) < 100_000
    error = refused(space, bomb)
    assert "zip bomb" in error.message and error.where == "toy.zip"


def test_an_archive_that_claims_two_gigabytes(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = zipped()
    claim = bytearray(plain)
    at = claim.index(b"PK\x01\x02")  # the first entry of the directory: its unpacked size
    claim[at + 24 : at + 28] = struct.pack("<I", 2 * 1024**3)
    assert "zip bomb" in refused(space, bytes(claim)).message
    # even where the archive is heavy enough for its ratio to be let through
    monkeypatch.setattr(archive, "MAX_RATIO", 10**9)
    error = refused(space, bytes(claim))
    assert f"{reading.STUDY_BYTES:,} bytes" in error.expected


@pytest.mark.parametrize("name", ["../../evil.txt", "/etc/evil.txt", "C:\\evil.txt", "..\\e.txt"])
def test_a_path_that_leaves_the_folder(space: Workspace, tmp_path: Path, name: str) -> None:
    files = {**study_files(), name: "x"}
    error = refused(space, zipped(files, folder=""))
    assert "leaves its folder" in error.message and error.found == repr(name)
    assert not list(tmp_path.rglob("evil.txt"))


def test_a_link_in_a_tar(space: Workspace) -> None:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as bundle:
        link = tarfile.TarInfo("toy/data_clinical_patient.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        bundle.addfile(link)
    assert "link" in refused(space, held.getvalue(), "toy.tar.gz").message


def test_a_tar_of_a_study_reads_as_its_zip(space: Workspace) -> None:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as bundle:
        for name, text in study_files().items():
            info = tarfile.TarInfo(f"toy/{name}")
            info.size = len(text.encode())
            bundle.addfile(info, io.BytesIO(text.encode()))
    assert len(study(space, held.getvalue(), "toy.tar.gz").patients) == N


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"not an archive at all", "neither a study folder nor an archive"),
        (zipped()[:400], "neither a study folder nor an archive"),
        (zipped({"readme.txt": "hello"}), "No cBioPortal study"),
        (zipped({"data_mutations.txt": study_files()["data_mutations.txt"]}), "no table of pat"),
    ],
    ids=["empty", "text", "cut short", "no study", "no patients"],
)
def test_what_is_no_study(space: Workspace, content: bytes, words: str) -> None:
    assert words in refused(space, content).message


def test_a_bad_row_of_a_study_names_the_file_in_the_archive(space: Workspace) -> None:
    files = study_files()
    lines = files["data_clinical_patient.txt"].splitlines()
    files["data_clinical_patient.txt"] = "\n".join([*lines[:9], "T99\tMale", *lines[9:]])
    error = refused(space, zipped(files))
    assert error.where == "toy.zip/toy/data_clinical_patient.txt, line 10"
    assert "7 cells" in error.expected


# -- text ------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-8-sig"])
def test_other_encodings_are_recognised(space: Workspace, encoding: str) -> None:
    text = patients_csv().replace("Melanoma", "Uvea é", 1)
    upload = tables(space, text.encode(encoding))
    assert upload.patients.frame["Cancer type"].iloc[0] == "Uvea é"
    assert "Patient" in upload.patients.frame.columns


def test_utf16_without_a_mark_is_told(space: Workspace) -> None:
    with pytest.raises(BadFile, match="not a text table") as error:
        tables(space, patients_csv().encode("utf-16-le"))
    assert error.value.where == "patients.csv" and "binary" in error.value.found


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"Patient,OS\n", "no rows"),
        (b"Patient,OS,OS\nP1,1,2\n", "Two columns"),
        (b"Patient,OS\nP1,1\nP2,1,3\n", "another number of cells"),
        (b"%PDF-1.7 x", "not a text table"),
    ],
)
def test_broken_tables(space: Workspace, content: bytes, words: str) -> None:
    with pytest.raises(BadFile) as error:
        tables(space, content)
    assert words in error.value.message
    assert error.value.where.startswith("patients.csv") and error.value.remedy
    assert "python -m" not in str(error.value)


def test_a_gzip_bomb(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "STUDY_BYTES", 10**6)
    with pytest.raises(BadFile, match="far more than a table"):
        tables(space, gzip.compress(b"0" * 5 * 10**6), "patients.csv.gz")


# -- workbooks -------------------------------------------------------------------------


def workbook(cells: list[list[object]], title: str = "patients") -> bytes:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in cells:
        book.active.append(row)
    book.create_sheet("mutations").append(["Patient", "Gene"])
    book["mutations"].append(["P1", "ALK"])
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def test_a_workbook_with_two_sheets(space: Workspace) -> None:
    rows = [["Patient", "OS months", "dead"], ["P1", 12.5, 1], ["P2", 30, 0]]
    path = space.receive(workbook(rows), "cohort.xlsx")
    assert sheets(path, space.path) == ("patients", "mutations")
    upload = read_two_tables(path, path, space.path, ("patients", "mutations"))
    assert upload.patients.frame["OS months"].to_list() == ["12.5", "30"]
    assert upload.tables["mutations"].frame["Gene"].to_list() == ["ALK"]
    assert upload.tables["mutations"].source == "cohort.xlsx, sheet 'mutations'"


def test_a_formula_counts_by_its_value_and_is_told_where_it_has_none(space: Workspace) -> None:
    rows = [["Patient", "OS months", "dead"], ["P1", "=12*2", 1]]
    content = workbook(rows)
    with pytest.raises(BadFile, match="formula has no value") as error:
        tables(space, content, "cohort.xlsx")
    assert "line 2, column 'OS months'" in error.value.where and "=12*2" in error.value.found
    assert "save it" in error.value.remedy
    calculated = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(calculated, "w") as target,
    ):
        for name in source.namelist():
            text = source.read(name).replace(b"<f>12*2</f><v />", b"<f>12*2</f><v>24</v>")
            target.writestr(name, text.replace(b"<f>12*2</f><v></v>", b"<f>12*2</f><v>24</v>"))
    upload = tables(space, calculated.getvalue(), "cohort.xlsx")
    assert upload.patients.frame["OS months"].to_list() == ["24"]


def test_what_is_no_workbook(space: Workspace) -> None:
    with pytest.raises(BadFile, match="not an Excel workbook"):
        tables(space, b"Patient,OS\nP1,2\n", "cohort.xlsx")


# -- rows ------------------------------------------------------------------------------


def test_every_bad_row_is_listed_with_its_remedy(space: Workspace, tmp_path: Path) -> None:
    lines = patients_csv().splitlines()
    lines[3] = lines[3].replace(lines[3].split(",")[3], "-30", 1)  # a negative time
    lines[5] = "T03," + lines[5].split(",", 1)[1]  # the id of the row above
    lines[6] = lines[6].replace(",F,", ",x,").replace(",M,", ",x,")  # a sex that means nothing
    lines[7] = lines[7].replace("Melanoma", "Melanomma")
    cells = lines[8].split(",")
    lines[8] = ",".join([*cells[:2], "430", "soon", "maybe", *cells[5:]])
    lines[9] = "," + lines[9].split(",", 1)[1]  # no id
    upload = tables(space, "\n".join(lines).encode(), mutations=mutations_csv().encode())
    mapping = replace(
        propose(upload, "Toy"), profiling=Profiling(WITH_CALLS, EXOME_PANEL), patient="Patient"
    )
    age = replace(mapping.terms["age_years"], unit="years")
    mapping = replace(mapping, terms={**mapping.terms, "age_years": age})
    listed = problems.check(upload, mapping)
    by_line = {
        (line, f.column): (f.kind, f.message) for f in listed for line in f.lines
    }  # fmt: skip
    assert by_line[4, "OS days"] == ("cell", "The OS time is negative.")
    assert by_line[6, "Patient"] == ("row", "A patient stands in two rows.")
    assert by_line[7, "Gender"] == ("cell", "The label has no meaning as sex.")
    assert by_line[8, "Cancer type"] == ("cell", "The tumour type is not in the vocabulary.")
    assert by_line[9, "OS days"] == ("cell", "The OS time is not a number.")
    assert by_line[9, "dead"] == ("cell", "The label has no meaning as OS event.")
    assert by_line[9, "Age"] == ("cell", "The value is not possible as years of age.")
    assert by_line[10, "Patient"] == ("row", "A row has no patient id.")
    near = next(f for f in listed if f.column == "Cancer type")
    assert "Melanoma" in near.expected
    shown = problems.as_table(upload, listed)
    assert set(shown.columns) >= {"File", "Row", "Column", "Expected", "Found", "What to do"}
    assert (shown["What to do"] != "").all() and set(shown.File) == {"patients.csv"}, shown
    # as it stands nothing is made; left out, the rest is
    with pytest.raises(BadFile, match="no patient id"):
        make_store(upload, mapping, tmp_path / "own")
    rest = problems.cleaned(upload, listed)
    assert not [f for f in problems.check(rest, mapping) if f.kind in ("cell", "row", "stop")]
    store = open_store(make_store(rest, mapping, tmp_path / "own"))
    assert store.n_patients == N - 2
    store.close()


def test_mutations_of_unknown_patients_genes_and_classes(space: Workspace) -> None:
    calls = mutations_csv() + "T77,ALK,Missense_Mutation,p.A1B\nT01,ALKK,Missense_Mutation,p.A1B\n"
    calls += "T01,#REF!,Missense_Mutation,p.A1B\nT01,BRAF,Mystery,p.V600E\nT01,,Silent,\n"
    upload = tables(space, patients_csv().encode(), mutations=calls.encode())
    mapping = propose(upload, "Toy")
    last = len(calls.splitlines())
    many = frozenset({"ALK", "TP53", "BRAF"} | {f"GENE{i}" for i in range(problems.MANY_GENES)})
    found = {f.message: f for f in problems.check(upload, mapping, many)}
    stranger = found["The mutation is of a patient who is not in the table of patients."]
    assert (stranger.kind, stranger.lines, stranger.found) == ("note", (last - 4,), ("T77",))
    genes = found["The gene symbol is not known."]
    assert genes.found == ("ALKK", "#REF!") and "ALKK: ALK?" in genes.expected
    assert found["The mutation class is not known."].lines == (last - 1,)
    assert found["The row names no gene."].kind == "row"
    # a store that knows few genes can only tell what cannot be a symbol
    few = {f.message: f for f in problems.check(upload, mapping, frozenset({"ALK", "TP53"}))}
    assert few["The gene symbol is not known."].found == ("#REF!",)


def test_times_in_another_unit_than_chosen(space: Workspace) -> None:
    upload = tables(space, patients_csv().encode())
    mapping = propose(upload, "Toy")
    outcome = replace(mapping.outcomes["OS"], unit="years")
    found = problems.check(upload, replace(mapping, outcomes={"OS": outcome}))
    unit = next(f for f in found if "do not look like years" in f.message)
    assert unit.kind == problems.STOP and "months when read as years" in unit.found[0]
    outcome = replace(outcome, time=Place("patients", "Best response"))
    found = problems.check(upload, replace(mapping, outcomes={"OS": outcome}))
    assert any("No patient has an OS time" in f.message for f in found)


def test_a_cohort_without_ici_and_a_panel_without_genes_are_told(space: Workspace) -> None:
    files = {k: v.replace("nivolumab", "docetaxel") for k, v in study_files().items()}
    upload = study(space, zipped(files))
    mapping = propose(upload, "Toy")
    [told] = problems.check(upload, mapping)
    assert (told.kind, told.column) == ("note", "DRUG") and "all 60: no ICI" in told.found
    bare = replace(mapping, profiling=Profiling(WITH_CALLS, "list"))
    assert [f.message for f in problems.check(upload, bare) if f.kind == problems.STOP] == [
        "The panel has no genes."
    ]


def test_html_in_names_stays_text(space: Workspace, tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)>"
    upload = tables(space, patients_csv().replace("T00", evil).encode())
    mapping = propose(upload, evil)
    store = open_store(make_store(upload, mapping, tmp_path / "own"))
    assert store.cohorts()["name"].iloc[0] == evil
    assert store.cohorts().cohort_id.iloc[0] == "own_img_src_x_onerror_alert_1"
    store.close()


# -- the session's folder --------------------------------------------------------------


def test_the_folder_is_private_and_goes(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    assert space.path.stat().st_mode & 0o777 == 0o700
    path = space.receive(b"x", "../../evil\\..\\name<b>.zip")
    assert path.is_relative_to(space.path) and path.name == "nameb.zip"
    second = space.receive(b"y", "b.zip")
    assert second.exists() and not path.exists()  # one file at a time
    space.let_go(30)
    space.keep()  # the browser came back
    assert space.path.exists() and not space.gone
    space.let_go(0.01)
    assert space._timer is not None
    space._timer.join(10)
    assert space.gone and not space.path.exists()


def test_a_folder_of_a_killed_process_is_swept(tmp_path: Path) -> None:
    dead = tmp_path / f"{PREFIX}{2**22 + 1}-x"  # above the largest process number
    mine = Workspace(tmp_path)
    dead.mkdir()
    sweep(tmp_path)
    assert not dead.exists() and mine.path.exists()
    mine.remove()


@pytest.mark.parametrize("name", ["", "..", "a/", " . ", "\x00"])
def test_a_file_always_has_a_name(name: str) -> None:
    assert plain_name(name) in ("upload", "a")


# -- kept on this machine --------------------------------------------------------------


def test_a_cohort_is_kept_listed_and_removed(space: Workspace, tmp_path: Path) -> None:
    upload = study(space, zipped())
    path = make_store(upload, propose(upload, "Toy cohort"), space.folder())
    stores = tmp_path / "stores"
    there = kept.keep(path, "Toy cohort", stores)
    assert there.parent == stores / "own" / "own_toy_cohort"
    assert [(k.name, k.path, k.n_patients) for k in kept.kept(stores)] == [("Toy cohort", there, N)]
    with pytest.raises(BadInput, match="kept already"):
        kept.keep(path, "Toy cohort", stores)
    with pytest.raises(BadInput, match="not a kept cohort"):
        kept.remove(path, stores)
    kept.remove(there, stores)
    assert kept.kept(stores) == [] and path.exists()
