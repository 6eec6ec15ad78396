"""Study folders and their archives: published variations, then broken and hostile ones."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from core.model import BadFile
from data.readers import archive
from data.readers.cbioportal import read_panels, read_study

PATIENT = (
    "#Patient\tStatus\n#Patient\tStatus\n#STRING\tSTRING\n#1\t1\n"
    "PATIENT_ID\tOS_STATUS\tOS_MONTHS\nP1\t0:LIVING\t3.5\nP2\tDECEASED\tNA\n"
)
SAMPLE = "#a\n#a\n#a\n#a\nSAMPLE_ID\tPATIENT_ID\nP1-T\tP1\nP2-T\tP2\n"
MAF = "#seq_samples: P1-T P2-T\t\t\nHugo_Symbol\tTumor_Sample_Barcode\tExtra\nALK\tP1-T\tx\n"
FILES = {
    "meta_study.txt": "cancer_study_identifier: toy\nname: A toy: two patients\n",
    "meta_clinical_patient.txt": "genetic_alteration_type: CLINICAL\n"
    "datatype: PATIENT_ATTRIBUTES\ndata_filename: patients_here.txt",
    "patients_here.txt": PATIENT,
    "data_clinical_sample.txt": SAMPLE.replace("\n", "\r"),
    "data_mutations_extended.txt": MAF,
    "data_gene_matrix.txt": "SAMPLE_ID\tmutations\nP1-T\tPANEL2\nP2-T\tPANEL2\n",
    "data_gene_panel_panel2.txt": "stable_id: PANEL2\ndescription: d\ngene_list:\tALK\tTP53\n",
    "data_CNA.txt": "Hugo_Symbol\tP1-T\nALK\t0\n",
    "case_lists/cases_all.txt": "cancer_study_identifier: toy\nstable_id: toy_all\n"
    "case_list_ids: P1-T\tP2-T\n",
}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    folder = tmp_path / "toy"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, newline="")
    return folder


def test_a_folder_with_every_kind_of_file(study: Path) -> None:
    result = read_study(study)
    assert set(result.tables) == {"patients", "samples", "mutations", "gene_matrix"}
    patients = result.table("patients")
    assert patients.path == study / "patients_here.txt"
    assert patients.frame["OS_MONTHS"].to_list() == ["3.5", None]
    assert list(patients.frame.index) == [6, 7]
    assert result.table("samples").column("SAMPLE_ID").to_list() == ["P1-T", "P2-T"]
    mutations = result.table("mutations").frame
    assert list(mutations.columns) == ["Hugo_Symbol", "Tumor_Sample_Barcode"]
    assert list(mutations.index) == [3]
    assert result.panels == {"PANEL2": ("ALK", "TP53")}
    assert result.case_lists == {
        "all": ("P1-T", "P2-T"),
        "maf_header": ("P1-T", "P2-T"),
        "sequenced": ("P1-T", "P2-T"),
    }
    assert result.meta["name"] == "A toy: two patients"
    assert any("data_CNA.txt" in note for note in result.notes)


@pytest.mark.parametrize("inner", ["", "toy/"])
def test_archives_read_as_the_folder_does(study: Path, tmp_path: Path, inner: str) -> None:
    plain = read_study(study)
    zipped, tarred = tmp_path / "toy.zip", tmp_path / "toy.tar.gz"
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name in FILES:
            bundle.write(study / name, inner + name)
    with tarfile.open(tarred, "w:gz") as bundle:
        for name in FILES:
            bundle.add(study / name, inner + name)
    for path in (zipped, tarred):
        packed = read_study(path)
        assert packed.panels == plain.panels
        assert packed.case_lists == plain.case_lists
        assert packed.meta == plain.meta
        for name, table in plain.tables.items():
            assert packed.table(name).frame.equals(table.frame)
        assert packed.table("patients").path == path / inner / "patients_here.txt"


def test_errors_inside_an_archive_name_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "toy.zip"
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("data_clinical_patient.txt", "PATIENT_ID\tX\nP1\n")
    with pytest.raises(BadFile) as error:
        read_study(path)
    assert error.value.where == f"{path}/data_clinical_patient.txt, line 2"


def test_a_study_may_lack_tables_and_meta(study: Path) -> None:
    for name in FILES:
        if name != "data_clinical_sample.txt":
            (study / name).unlink()
    result = read_study(study)
    assert list(result.tables) == ["samples"]
    assert result.meta == {} and result.panels == {} and result.case_lists == {}
    assert "The study has no mutations file." in result.notes
    with pytest.raises(BadFile, match="no table 'mutations'"):
        result.table("mutations")


def test_one_clinical_file_of_the_old_kind(tmp_path: Path) -> None:
    (tmp_path / "data_clinical.txt").write_text(
        "PATIENT_ID\tSAMPLE_ID\tOS_MONTHS\nP1\tS1\t2\nP1\tS2\t2\nP2\tS3\t4\n"
    )
    result = read_study(tmp_path)
    assert result.table("samples").column("SAMPLE_ID").to_list() == ["S1", "S2", "S3"]
    assert result.table("patients").column("PATIENT_ID").to_list() == ["P1", "P2"]


def test_panels_from_another_folder(study: Path, tmp_path: Path) -> None:
    more = tmp_path / "gene_panels"
    more.mkdir()
    text = "stable_id: PANEL9\ngene_list:\tKRAS\n"
    (more / "data_gene_panel_panel9.txt").write_text(text)
    assert read_panels(more) == {"PANEL9": ("KRAS",)}
    assert set(read_study(study, panels=more).panels) == {"PANEL2", "PANEL9"}


@pytest.mark.parametrize(
    ("name", "text", "message", "words"),
    [
        ("patients_here.txt", PATIENT.replace("P2", "P1"), "repeated", ["line 7", "in line 6"]),
        ("patients_here.txt", PATIENT.replace("P2", "NA"), "missing", ["line 7", "PATIENT_ID"]),
        ("patients_here.txt", PATIENT.replace("PATIENT_ID", "ID"), "'PATIENT_ID' is missing", []),
        ("data_clinical_sample.txt", "SAMPLE_ID\nS1\n", "'PATIENT_ID' is missing", []),
        ("case_lists/cases_all.txt", "stable_id: x\n", "no case_list_ids", ["cases_all.txt"]),
        ("data_gene_panel_panel2.txt", "stable_id: x\n", "panel is incomplete", ["gene_list"]),
        ("meta_study.txt", "nothing here\n", "no 'key: value' line", ["meta_study.txt"]),
        ("data_mutations_extended.txt", "Gene_X\tY\n1\t2\n", "hugo_symbol", ["line 1"]),
        (
            "meta_clinical_patient.txt",
            FILES["meta_clinical_patient.txt"].replace("patients_here.txt", "absent.txt"),
            "not there",
            ["absent.txt"],
        ),
        (
            "meta_clinical_patient.txt",
            FILES["meta_clinical_patient.txt"].replace("patients_here.txt", "../../secret.txt"),
            "leaves its folder",
            ["../../secret.txt"],
        ),
    ],
)
def test_bad_studies(study: Path, name: str, text: str, message: str, words: list[str]) -> None:
    (study / name).write_text(text)
    with pytest.raises(BadFile, match=message) as error:
        read_study(study)
    for word in [*words, str(study)]:
        assert word in str(error.value)
    assert error.value.expected and error.value.found and error.value.remedy


def test_no_study_here(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="No cBioPortal study"):
        read_study(tmp_path)
    with pytest.raises(BadFile, match="not there"):
        read_study(tmp_path / "absent.zip")
    (tmp_path / "no.zip").write_text("not an archive")
    with pytest.raises(BadFile, match="neither a study folder nor an archive"):
        read_study(tmp_path / "no.zip")


def tar_with(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as bundle:
        for info, data in members:
            info.size = len(data)
            bundle.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.parametrize(
    "name",
    ["../escape.txt", "a/../../escape.txt", "/etc/escape.txt", "C:\\escape.txt", "..\\e.txt"],
)
def test_paths_that_escape_are_refused(tmp_path: Path, name: str) -> None:
    zipped = tmp_path / "in" / "toy.zip"
    zipped.parent.mkdir()
    with zipfile.ZipFile(zipped, "w") as bundle:
        bundle.writestr("data_clinical_patient.txt", PATIENT)
        bundle.writestr(name, "x")
    tarred = tar_with(zipped.with_suffix(".tar.gz"), (tarfile.TarInfo(name), b"x"))
    for path in (zipped, tarred):
        with pytest.raises(BadFile, match="leaves its folder") as error:
            archive.unpack(path, tmp_path / "out", lambda _: True)
        assert str(path) in error.value.where
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "escape.txt").exists()


def test_links_are_refused(tmp_path: Path) -> None:
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
        info = tarfile.TarInfo("data_link.txt")
        info.type, info.linkname = kind, "/etc/passwd"
        with pytest.raises(BadFile, match="link or a device"):
            read_study(tar_with(tmp_path / "toy.tar.gz", (info, b"")))
    link = zipfile.ZipInfo("data_link.txt")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "toy.zip", "w") as bundle:
        bundle.writestr(link, "/etc/passwd")
    with pytest.raises(BadFile, match="link or a device"):
        read_study(tmp_path / "toy.zip")


def test_bombs_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    zeros = bytes(40 * 1024**2)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("data_clinical_patient.txt", zeros)
    tar_with(tmp_path / "bomb.tar.gz", (tarfile.TarInfo("data_x.txt"), zeros))
    for name in ("bomb.zip", "bomb.tar.gz"):
        with pytest.raises(BadFile, match="zip bomb") as error:
            archive.unpack(tmp_path / name, tmp_path / "out", lambda _: True)
        assert "41,943,040 bytes" in error.value.found
    assert not (tmp_path / "out").exists()


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as bundle:
        for i in range(5):
            bundle.writestr(f"data_{i}.txt", "x")
    with pytest.raises(BadFile, match="zip bomb"):
        read_study(tmp_path / "many.zip")


def test_a_zip_that_lies_about_its_sizes(tmp_path: Path) -> None:
    path = tmp_path / "lie.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("data_clinical_patient.txt", bytes(200_000))
    data = path.read_bytes().replace((200_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(data)
    with pytest.raises(BadFile):
        read_study(path)


def test_damaged_archives(study: Path, tmp_path: Path, cut: Callable[[Path, float], Path]) -> None:
    tarred = Path(shutil.make_archive(str(tmp_path / "toy"), "gztar", study))
    with pytest.raises(BadFile):
        read_study(cut(tarred, 0.7))
    zipped = tmp_path / "crc.zip"
    with zipfile.ZipFile(zipped, "w") as bundle:
        bundle.writestr("data_clinical_patient.txt", PATIENT)
    zipped.write_bytes(zipped.read_bytes().replace(b"DECEASED", b"DECEASEX"))
    with pytest.raises(BadFile, match="cannot be unpacked"):
        read_study(zipped)
