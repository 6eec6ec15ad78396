"""Whatever goes wrong before the pointer moves, the store in use stays in use."""

from __future__ import annotations

import errno
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from core.model import BuildError
from core.store import POINTER, current_build, open_store
from data import publish as module
from data.demo import simulate
from data.publish import publish

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tables() -> dict[str, Any]:
    return simulate(scale=0.02)


@pytest.fixture
def folder(tmp_path: Path, tables: dict[str, Any]) -> Path:
    publish(tables, tmp_path)
    return tmp_path


def assert_untouched(folder: Path, before: str) -> None:
    assert (folder / POINTER).read_text() == before
    store = open_store(folder)
    assert store.n_patients > 0
    store.close()
    assert not list(folder.glob(".building-*"))


def test_a_store_is_sorted_checked_and_current(folder: Path) -> None:
    path = current_build(folder)
    assert path is not None
    with duckdb.connect(str(path), read_only=True) as connection:
        genes = connection.execute("SELECT hugo_symbol FROM mutation").df().hugo_symbol
    assert genes.is_monotonic_increasing and genes.nunique() > 10


def test_a_build_that_fails_its_checks_is_thrown_away(folder: Path, tables: dict[str, Any]) -> None:
    before = (folder / POINTER).read_text()
    bad = dict(tables)
    bad["patient"] = tables["patient"].assign(age_years=400.0)
    with pytest.raises(BuildError, match="failed its checks") as told:
        publish(bad, folder)
    assert "ages lie between" in told.value.found
    assert_untouched(folder, before)


def test_rows_that_do_not_fit_the_schema_are_told(folder: Path, tables: dict[str, Any]) -> None:
    before = (folder / POINTER).read_text()
    bad = dict(tables)
    bad["cohort"] = tables["cohort"].assign(role="guesswork")
    with pytest.raises(BuildError, match="'cohort'"):
        publish(bad, folder)
    with pytest.raises(BuildError, match="does not have"):
        publish({**tables, "no_such_table": pd.DataFrame({"a": [1]})}, folder)
    assert_untouched(folder, before)


@pytest.mark.parametrize("where", ["_write", "_flush"])
def test_a_full_disk_leaves_the_store_in_use(
    folder: Path, tables: dict[str, Any], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    before = (folder / POINTER).read_text()

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, where, full)
    with pytest.raises(BuildError, match="disk is full") as told:
        publish(tables, folder)
    assert "--store" in told.value.remedy
    monkeypatch.undo()
    assert_untouched(folder, before)


SLOWLY = """
import sys, time
from pathlib import Path
from data.demo import simulate
from data.publish import publish

def progress(what, fraction):
    if what.startswith("writing m"):
        print("started", flush=True)
        time.sleep(30)

publish(simulate(scale=0.02), Path(sys.argv[1]), progress=progress)
"""

ONCE = """
import sys
from pathlib import Path
from data.demo import simulate
from data.publish import publish

publish(simulate(seed=int(sys.argv[2]), scale=0.02), Path(sys.argv[1]))
"""


def build_in_a_process(program: str, *arguments: object) -> subprocess.Popen[str]:
    """Run *program* in a process of its own, which shares nothing with this one but the disk."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_a_killed_build_leaves_the_store_in_use_and_is_swept_up(
    folder: Path, tables: dict[str, Any]
) -> None:
    before = (folder / POINTER).read_text()
    with build_in_a_process(SLOWLY, folder) as build:
        assert build.stdout is not None
        assert build.stdout.readline() == "started\n"
        build.kill()
    assert (folder / POINTER).read_text() == before
    assert list(folder.glob(".building-*")), "the killed build left its temporary file"
    publish(tables, folder)
    assert not list(folder.glob(".building-*"))


def test_two_builds_at_once_both_finish_and_one_is_current(folder: Path) -> None:
    both = [build_in_a_process(ONCE, folder, seed) for seed in (1, 2)]
    for build in both:
        build.communicate()
    assert [build.returncode for build in both] == [0, 0]
    store = open_store(folder)
    assert json.loads((folder / POINTER).read_text())["build_id"] == store.version
    store.close()
    assert not list(folder.glob(".building-*"))


def test_an_open_store_goes_on_while_a_new_one_takes_its_place(
    folder: Path, tables: dict[str, Any]
) -> None:
    old = open_store(folder)
    n = len(old.rows("SELECT * FROM mutation"))
    publish(tables, folder)
    publish(tables, folder)
    assert len(old.rows("SELECT * FROM mutation")) == n
    new = open_store(folder)
    assert new.path != old.path
    old.close()
    new.close()
    assert len(list(folder.glob("store-*.duckdb"))) <= module.KEEP


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, tables: dict[str, Any]) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BuildError, match="could not be written"):
        publish(tables, tmp_path / "file" / "stores")


def test_the_pointer_tells_the_hash_of_the_store(folder: Path) -> None:
    named = json.loads((folder / POINTER).read_text())
    content = (folder / named["file"]).read_bytes()
    assert named["sha256"] == hashlib.sha256(content).hexdigest()
