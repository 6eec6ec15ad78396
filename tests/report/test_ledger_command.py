"""``python -m core.report ledger``: the ledger as JSON and as text, and its errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.analysis.ledger import ledger
from core.report.__main__ import STORE_VARIABLE, as_json, main
from core.store import Store
from core.ui import cached

ROOT = Path(__file__).resolve().parents[2]


def test_json_holds_every_row_and_is_labelled(
    simulated: Store, simulated_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ledger", "--json", "--store", str(simulated_folder)]) == 0
    told = json.loads(capsys.readouterr().out)
    expected = ledger(simulated)
    assert told == as_json(expected)
    assert told["simulated"] is True and told["build_id"] == simulated.version
    assert len(told["lines"]) == len(expected.lines)
    assert {n["item"] for n in told["numbers"]} == set(simulated.reported()["item"])
    assert "NaN" not in json.dumps(told)


def test_text_names_each_item_and_verdict(
    simulated: Store, simulated_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ledger", "--store", str(simulated_folder)]) == 0
    told = capsys.readouterr().out
    assert told.startswith("SIMULATED data")
    for item in simulated.reported()["item"].unique():
        assert item in told


def test_the_command_runs_on_the_store_that_the_environment_names(simulated_folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "core.report", "ledger", "--json"],
        cwd=ROOT,
        env={STORE_VARIABLE: str(simulated_folder), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["simulated"] is True


def test_simulated_store_beside_no_real_one_is_taken(
    simulated_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "simulated").symlink_to(simulated_folder)
    assert main(["ledger", "--json", "--store", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)["simulated"] is True


def test_no_store_is_a_message_and_an_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for missing in (tmp_path, tmp_path / "nowhere"):
        assert main(["ledger", "--store", str(missing)]) == 1
        assert "StoreError" in capsys.readouterr().err


def test_command_and_dashboard_read_the_same_variable() -> None:
    assert STORE_VARIABLE == cached.STORE_VARIABLE
