"""The CLIN / CLIN_sample / SNV layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.model import BadFile
from data.readers.bhklab import read_study
from tests.data.readers.conftest import Write

SNV = "Patient\tHugo Symbol\tTaf\rPt1\tALK\t0,43\rPt2\tTP53\tNA\r"


def test_whichever_files_are_there(write: Write, tmp_path: Path) -> None:
    write("s/CLIN.txt", 'Patient\t"Dead\n(True)"\r\nPt1\tVRAI\r\nPt2\tFAUX\r\n')
    write("s/SNV.txt.gz", SNV)
    study = read_study(tmp_path / "s")
    assert set(study.tables) == {"clin", "snv"}
    assert study.table("clin").column("Dead\n(True)").to_list() == ["VRAI", "FAUX"]
    assert list(study.table("clin").frame.index) == [3, 4]
    assert study.table("snv").column("Taf").to_list() == ["0,43", None]
    assert study.notes == ("The study has no CLIN_sample.txt.",)


def test_columns_of_the_mutation_table(write: Write, tmp_path: Path) -> None:
    write("s/SNV.txt", SNV)
    study = read_study(tmp_path / "s", snv_columns=["Patient", "Hugo Symbol"])
    assert list(study.table("snv").frame.columns) == ["Patient", "Hugo Symbol"]
    with pytest.raises(BadFile, match="'Gene' is missing"):
        read_study(tmp_path / "s", snv_columns=["Gene"])


def test_bad_folders(write: Write, tmp_path: Path) -> None:
    write("s/OTHER.txt", "a\n1\n")
    with pytest.raises(BadFile, match="No study") as error:
        read_study(tmp_path / "s")
    assert error.value.found == "OTHER.txt"
    write("s/SNV.txt", SNV)
    write("s/SNV.txt.gz", SNV)
    with pytest.raises(BadFile, match="twice"):
        read_study(tmp_path / "s")
