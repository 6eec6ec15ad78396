"""Signature activities and reference profiles."""

from __future__ import annotations

import itertools

import pytest

from core.model import BadFile
from data.readers.signatures import CHANNELS, read_activities, read_reference
from tests.data.readers.conftest import Write

WEIGHT = {channel: (i + 1) / (96 * 97 / 2) for i, channel in enumerate(CHANNELS)}


def cosmic(rows: list[str] | None = None) -> str:
    rows = [f'"{c}",{WEIGHT[c]!r},{1 / 96!r}' for c in reversed(CHANNELS)] if rows is None else rows
    return "\n".join(['"","SBS1","SBS7a"', *rows]) + "\n"


def sigprofiler() -> str:
    rows = [f"{c[2:5]},{c[0]}{c[2]}{c[6]},{WEIGHT[c]!r},{1 / 96!r}" for c in CHANNELS]
    return "\n".join(["Type,SubType,SBS1,SBS7a", *rows]) + "\n"


def test_channels() -> None:
    assert len(set(CHANNELS)) == 96
    assert CHANNELS[0] == "A[C>A]A" and CHANNELS[-1] == "T[T>G]T"


def test_both_layouts_give_the_same_profiles(write: Write) -> None:
    first = read_reference(write("c.csv", cosmic()))
    second = read_reference(write("s.csv", sigprofiler()))
    assert first.equals(second)
    assert list(first.columns) == ["signature", "channel", "weight"]
    one = first[first["signature"] == "SBS1"].set_index("channel")["weight"]
    assert one.to_dict() == WEIGHT
    assert tuple(one.index) == CHANNELS


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"A[C>A]A"', '"A[C>A]N"', "not one of the 96"),
        ('"A[C>A]A"', '"A[C>A]C"', "twice"),
        ("SBS7a", "Signature.7", "not named as a signature"),
        (repr(WEIGHT["A[C>A]A"]), "-0.1", "missing or negative"),
        (repr(WEIGHT["A[C>A]A"]), "", "missing or negative"),
        (repr(WEIGHT["A[C>A]A"]), "0.5", "does not sum to 1"),
        (repr(WEIGHT["A[C>A]A"]), "high", "no number"),
    ],
)
def test_bad_references(write: Write, old: str, new: str, message: str) -> None:
    path = write("c.csv", cosmic().replace(old, new))
    with pytest.raises(BadFile, match=message) as error:
        read_reference(path)
    assert str(path) in error.value.where
    assert error.value.expected and error.value.found and error.value.remedy


def test_missing_channels_and_wrong_triplets(write: Write) -> None:
    rows = list(itertools.islice(cosmic().splitlines(), 1, 95))
    with pytest.raises(BadFile, match="Channels are missing") as error:
        read_reference(write("c.csv", cosmic(rows)))
    assert error.value.found.startswith("94 channels")
    with pytest.raises(BadFile, match="not one of the 96") as error:
        read_reference(write("s.csv", sigprofiler().replace("C>A,ACA", "C>A,ATA")))
    assert "C>A in ATA" in error.value.found


ACTIVITIES = "Cancer Types,Sample Names,Accuracy,SBS1,SBS86\nAML,S1,0.8,3,0\nUCS,S2,0.9,0,12\n"


def test_activities(write: Write) -> None:
    frame = read_activities(write("a.csv", ACTIVITIES))
    assert frame.to_dict("list") == {
        "sample": ["S1", "S1", "S2", "S2"],
        "cancer_type": ["AML", "AML", "UCS", "UCS"],
        "accuracy": [0.8, 0.8, 0.9, 0.9],
        "signature": ["SBS1", "SBS86", "SBS1", "SBS86"],
        "activity": [3.0, 0.0, 0.0, 12.0],
    }


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Accuracy", "Fit", "'Accuracy' is missing"),
        ("SBS86", "Total", "not named as a signature"),
        ("S2", "S1", "repeated"),
        (",12", ",-12", "negative"),
        (",12", ",", "missing or negative"),
        (",12", ",many", "no number"),
    ],
)
def test_bad_activities(write: Write, old: str, new: str, message: str) -> None:
    with pytest.raises(BadFile, match=message):
        read_activities(write("a.csv", ACTIVITIES.replace(old, new)))
