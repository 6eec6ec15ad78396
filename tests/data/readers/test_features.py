"""Feature tables both ways round, long, and as feather files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from core.model import BadFile
from data.readers.features import read_feather, read_features
from tests.data.readers.conftest import Write

EXPECTED = [("S1", "purity", 0.9), ("S1", "ploidy", 2.0), ("S2", "ploidy", 3.5)]


def rows(frame: pd.DataFrame) -> list[tuple[str, str, float]]:
    assert list(frame.columns) == ["id", "feature", "value"]
    assert frame["value"].dtype == "float64"
    return list(frame.itertuples(index=False, name=None))


def test_samples_in_rows(write: Write) -> None:
    path = write("a.txt", "array\tcall\tpurity\tploidy\nS1\tcalled\t0.9\t2\nS2\tnew\tNA\t3.5\n")
    found = read_features(path, "samples in rows", id_column="array", features=["purity", "ploidy"])
    assert rows(found) == EXPECTED


def test_features_in_rows(write: Write) -> None:
    text = "signature\tS1\tS2\npurity\t0.9\t\nploidy\t2\t3.5\n"
    path = write("a.tsv.gz", text)
    assert rows(read_features(path, "features in rows", id_column="signature")) == EXPECTED
    only = read_features(path, "features in rows", id_column="signature", features=["ploidy"])
    assert rows(only) == [("S1", "ploidy", 2.0), ("S2", "ploidy", 3.5)]
    with pytest.raises(BadFile, match="'HRD' is missing") as error:
        read_features(path, "features in rows", id_column="signature", features=["HRD"])
    assert "'purity', 'ploidy'" in error.value.found


def test_long_without_header(write: Write) -> None:
    path = write("leuk.tsv", "ACC\tS1\t0.25\nACC\tS2\tNA\nBLCA\tS3\t1e-3\n")
    frame = read_features(
        path,
        "long",
        id_column="aliquot",
        value_column="value",
        features=["leukocyte_fraction"],
        header=["type", "aliquot", "value"],
    )
    assert rows(frame) == [("S1", "leukocyte_fraction", 0.25), ("S3", "leukocyte_fraction", 0.001)]


def test_long_with_names(write: Write) -> None:
    path = write("l.csv", "id,what,value\nS1,a,1\nS1,b,2\nS2,a,3\n")
    kwargs = {"id_column": "id", "feature_column": "what", "value_column": "value"}
    assert rows(read_features(path, "long", features=["a"], **kwargs)) == [  # type: ignore[arg-type]
        ("S1", "a", 1.0),
        ("S2", "a", 3.0),
    ]
    with pytest.raises(BadFile, match="repeated") as error:
        read_features(write("m.csv", "id,what,value\nS1,a,1\nS1,a,2\n"), "long", **kwargs)  # type: ignore[arg-type]
    assert "line 3" in error.value.where
    with pytest.raises(ValueError, match="long table needs"):
        read_features(path, "long", id_column="id", value_column="value")


def test_decimal_comma(write: Write) -> None:
    path = write("d.csv", "id;x\nS1;0,5\nS2;2\n")
    frame = read_features(path, "samples in rows", id_column="id", decimal=",")
    assert rows(frame) == [("S1", "x", 0.5), ("S2", "x", 2.0)]
    with pytest.raises(BadFile, match="no number") as error:
        read_features(path, "samples in rows", id_column="id")
    assert "line 2, column 'x'" in error.value.where
    assert error.value.found == "'0,5'"
    assert "decimal mark" in error.value.remedy


def test_text_missing_column_and_repeated_id(write: Write) -> None:
    path = write("t.txt", "id\tx\nS1\thigh\n")
    with pytest.raises(BadFile, match="no number") as error:
        read_features(path, "samples in rows", id_column="id")
    assert error.value.found == "'high'"
    with pytest.raises(BadFile, match="'sample' is missing"):
        read_features(path, "samples in rows", id_column="sample")
    with pytest.raises(BadFile, match="repeated"):
        read_features(write("u.txt", "id\tx\nS1\t1\nS1\t2\n"), "samples in rows", id_column="id")


def test_feather(tmp_path: Path) -> None:
    path = tmp_path / "f.feather"
    frame = pd.DataFrame(
        {"sample": ["S1", "S2"], "subtype": ["C1", None], "n": [1.0, 2.5], "flag": [True, False]}
    )
    frame.to_feather(path)
    table = read_feather(path)
    assert table.frame.to_dict("list") == {
        "sample": ["S1", "S2"],
        "subtype": ["C1", None],
        "n": ["1", "2.5"],
        "flag": ["True", "False"],
    }
    assert list(table.frame.index) == [1, 2]
    found = read_features(path, "samples in rows", id_column="sample", features=["n"])
    assert rows(found) == [("S1", "n", 1.0), ("S2", "n", 2.5)]


def test_no_feather(write: Write) -> None:
    with pytest.raises(BadFile, match="not a feather file"):
        read_feather(write("f.feather", b"ARROW1" + bytes(50)))
    with pytest.raises(BadFile, match="not a feather file") as error:
        read_feather(write("f.feather", "id\tx\n"))
    assert error.value.found.startswith("other data")


def test_numbers_keep_every_digit(write: Write) -> None:
    cells = ["0.0006443298969072165", " 18.685567010309278e-3 ", "-1", "1e-320", "NA"]
    path = write("p.txt", "id\tx\n" + "".join(f"S{i}\t{c}\n" for i, c in enumerate(cells)))
    found = read_features(path, "samples in rows", id_column="id")
    assert found["value"].to_list() == [float(c) for c in cells[:-1]]
    with pytest.raises(BadFile, match="no number") as error:
        read_features(write("q.txt", "id\tx\nA\t1\nB\t1_000\n"), "samples in rows", id_column="id")
    assert error.value.found == "'1_000'"
