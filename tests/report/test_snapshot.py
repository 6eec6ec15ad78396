"""Pinned figures as a file: nothing is lost on the way, nothing strange gets in."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.model import BadFile
from core.report.snapshot import LOOKS, Snapshot, differences, from_json, to_json

NUMBERS = pd.DataFrame(
    {
        "group": ["mutant", "wild type"],
        "n": np.array([50, 802]),
        "hazard_ratio": [0.81, np.nan],
        "tested": [True, False],
    }
)


def snapshot(**changed: object) -> Snapshot:
    one = Snapshot(
        snapshot_id="a",
        title="Does ALK matter?",
        sentence="852 patients <b>",
        address="/cox?gene=ALK",
        figure="multivariable",
        name="cox-os-alk",
        description="Forest of ALK",
        specs={look: {"mark": "point", "datasets": {"rows": [{"x": 1}]}} for look in LOOKS},
        numbers=NUMBERS,
        methods="Cox models.",
        warnings=("Few events.",),
        simulated=True,
        build_id="abc",
        built_on="2026-01-02",
        code_version="0.1.0",
        cohorts={"Liu 2019": "Liu et al. 2019"},
        pinned_at="2026-01-03T10:00:00+00:00",
        note="for Monday",
    )
    return replace(one, **changed)


def test_a_file_gives_back_what_was_pinned() -> None:
    pinned = [snapshot(), snapshot(snapshot_id="b", title="Another")]
    again = from_json(to_json(pinned))
    assert [s.snapshot_id for s in again] == ["a", "b"]
    for before, after in zip(pinned, again, strict=True):
        assert replace(after, numbers=NUMBERS) == before
        assert differences(before.numbers, after.numbers).empty


def test_the_file_is_plain_json_without_nan() -> None:
    text = to_json([snapshot()])
    held = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert held["snapshots"][0]["numbers"]["rows"][1][2] is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: "no json", "JSON text"),
        (lambda t: "[]", "format"),
        (lambda t: t.replace('"version": 1', '"version": 9'), "version 9"),
        (lambda t: t.replace('"title": "Does ALK matter?"', '"title": 3'), '"title" as str'),
        (lambda t: t.replace("/cox?gene=ALK", "//elsewhere.example/cox"), "within the app"),
        (lambda t: t.replace('"projector-dark"', '"night"'), "projector-dark"),
        (lambda t: t.replace('"columns": [\n', '"columns": [1,\n'), "columns and rows"),
    ],
)
def test_a_file_that_is_something_else_is_refused(change, words: str) -> None:
    with pytest.raises(BadFile) as error:
        from_json(change(to_json([snapshot()])), "talk.json")
    told = f"{error.value.expected} {error.value.found}"
    assert words in told and "talk.json" in error.value.where


def test_differences_are_told_by_row_and_column() -> None:
    new = NUMBERS.iloc[::-1].assign(n=[900, 50]).reset_index(drop=True)
    found = differences(NUMBERS, new)
    assert found.to_dict("records") == [{"row": "wild type", "column": "n", "old": 802, "new": 900}]


def test_a_row_that_only_one_side_has_is_told() -> None:
    found = differences(NUMBERS, NUMBERS.head(1))
    assert found.row.tolist() == ["wild type"] and found.new.isna().all()


def test_provenance_says_simulated() -> None:
    assert snapshot().provenance.startswith("SIMULATED DATA.")
    assert "SIMULATED" not in snapshot(simulated=False).provenance
