"""What goes wrong while the app runs is told in words, costs one question, and leaves the rest."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from streamlit.runtime.scriptrunner_utils.exceptions import RerunException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData
from streamlit.testing.v1 import AppTest

import core.ui.cached as cached
from core.model import StoreError
from core.store import POINTER, Store, current_build, open_store
from core.ui import blocks, sidebar
from tests.app.reading import charts, texts
from tests.app.small_store import make

App = Callable[..., AppTest]


@pytest.fixture
def folder(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cached.STORE_VARIABLE, str(tmp_path))
    return tmp_path


@pytest.fixture
def start(app: App, folder: Path) -> App:
    """The app on ``folder``, which is named after ``app`` has named its own."""
    return app


def told(at: AppTest) -> str:
    assert not at.exception
    return "\n".join(e.value for e in at.error).replace("\\", "")


# -- the store ---------------------------------------------------------------------------


def point_to(folder: Path, path: Path) -> None:
    (folder / POINTER).write_text(json.dumps({"file": path.name}), encoding="utf-8")


def older(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE build AS SELECT 'a' AS build_id, 0 AS schema_version")


def much_older(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE build AS SELECT 'a' AS id")


def of_something_else(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE sheep AS SELECT 1 AS legs")


@pytest.mark.parametrize("made", [older, much_older, of_something_else])
def test_store_of_another_version_is_told_with_a_remedy(
    start: App, folder: Path, made: Callable[[Path], None]
) -> None:
    made(folder / "other.duckdb")
    point_to(folder, folder / "other.duckdb")
    words = told(start())
    assert "built by another version of this program" in words
    assert "schema version 1" in words and "python -m data build" in words


def test_older_build_put_in_place_of_the_one_in_use_is_not_taken(start: App, folder: Path) -> None:
    make(folder, simulated=False, build_id="good")
    at = start()
    older(folder / "old.duckdb")
    point_to(folder, folder / "old.duckdb")
    at.run()
    assert not at.exception and charts(at) and "build good" in texts(at)
    assert any("another version" in w.value for w in at.warning)


LOCKER = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('locked', flush=True); input()"


@pytest.fixture
def locked(folder: Path) -> Iterator[Path]:
    """A store that another process holds open for writing."""
    path = make(folder, simulated=False, build_id="locked")
    with subprocess.Popen(
        [sys.executable, "-c", LOCKER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None and writer.stdout.readline().strip() == "locked"
        yield path
        writer.communicate("\n", timeout=60)


def test_store_that_is_being_written_to_is_told(start: App, locked: Path) -> None:
    words = told(start())
    assert "Another program is writing to the store" in words and "Close that program" in words


def test_store_that_vanished_while_the_app_runs_is_made_again(
    start: App, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import data.demo
    from tests.app.small_store import tables

    monkeypatch.setattr(data.demo, "simulate", lambda: tables(build_id="made"))
    at = start()
    assert charts(at) and current_build(folder / "simulated") is not None
    shutil.rmtree(folder / "simulated")
    at.run()
    assert not at.exception and charts(at)
    assert current_build(folder / "simulated") is not None


def damage(path: Path, table: str) -> None:
    """Overwrite a block that ``table`` needs and the build, the cohorts and the genes do not."""
    whole, size, header = path.read_bytes(), 262_144, 12_288
    for at in range(header, len(whole) - size, size):
        path.write_bytes(
            whole[:at] + bytes(b ^ 0x5A for b in whole[at : at + size]) + whole[at + size :]
        )
        try:
            with duckdb.connect(str(path), read_only=True) as connection:
                for needed in ("build", "cohort", "gene", "patient", "endpoint"):
                    connection.execute(f"SELECT * FROM {needed}").fetchall()
        except duckdb.Error:
            continue
        try:
            with duckdb.connect(str(path), read_only=True) as connection:
                connection.execute(f"SELECT * FROM {table}").fetchall()
        except duckdb.Error:
            return
    raise AssertionError(f"no block of {table} alone")


def test_store_damaged_in_the_middle_costs_the_questions_that_need_that_part(
    start: App, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = make(folder, simulated=False, build_id="torn")
    damage(path, "expression")
    at = start("correlate")
    words = told(at)
    assert "A part of the store cannot be read" in words and "python -m data build" in words
    assert "checksum" in caplog.text, "the cause stands in the log"
    at = start()
    assert not at.exception and not at.error and charts(at)
    repaired = make(folder, simulated=False, build_id="whole")
    at = start("correlate")
    assert not at.error and f"build {open_store(repaired).version}" in texts(at)


def test_every_question_of_a_store_tells_of_damage_in_the_same_way(tmp_path: Path) -> None:
    path = make(tmp_path)
    store = open_store(path)
    store.close()  # DuckDB then fails at every query, as it does where a disk goes away
    for ask in (store.genes, store.sources, lambda: store.expression("ALK"), store.endpoints):
        with pytest.raises(StoreError, match="cannot be read"):
            ask()


# -- a new build -------------------------------------------------------------------------


def test_one_run_never_mixes_two_builds(
    start: App, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(folder, simulated=False, build_id="first")
    asked: list[str] = []
    ask, rows, pending = sidebar.ask, Store.rows, [True]

    def build_meanwhile(*args: Any) -> Any:
        if pending:
            pending.clear()
            make(folder, simulated=False, build_id="second", seed=2)
        return ask(*args)

    def counted(self: Store, *args: Any) -> Any:
        asked.append(self.path.name)
        return rows(self, *args)

    monkeypatch.setattr(sidebar, "ask", build_meanwhile)
    at = start()
    monkeypatch.setattr(Store, "rows", counted)
    assert "build first" in texts(at) and "build second" not in texts(at)
    assert all("second" not in c.spec for c in charts(at))
    at.run()
    assert "build second" in texts(at) and "build first" not in texts(at)
    assert asked and all(name.startswith("store-second-") for name in asked)


# -- a page that fails -------------------------------------------------------------------


def test_page_that_raises_says_so_plainly_and_only_the_log_says_why(
    start: App, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make(folder / "simulated")

    def broken(*args: Any) -> None:
        raise ZeroDivisionError("the secret reason")

    monkeypatch.setattr(cached, "cohorts", broken)
    at = start("cohorts")
    words = told(at)
    assert "through a fault of this program" in words
    assert "secret" not in words + texts(at) and "Traceback" not in texts(at)
    record = next(r for r in caplog.records if "unexpected failure" in r.message)
    assert record.exc_info and "secret" in str(record.exc_info[1])
    assert record.levelno == logging.ERROR and record.message.split()[-1] in words
    assert any("data-run" in h.proto.body for h in at.get("html")), "the run still ends"
    at = start("survival")
    assert not at.exception and charts(at), "other pages go on"


# -- a computation that is cancelled -----------------------------------------------------


def cancelled_at(step: int) -> Callable[[float], None]:
    """A progress bar at whose ``step`` call the researcher clicks elsewhere."""
    calls = iter(range(step + 1))

    def show(done: float) -> None:
        if next(calls) == step:
            raise RerunException(RerunData())

    return show


def test_cancelled_permutations_leave_no_broken_result(small_folder: Path) -> None:
    from core.model import Filters, Stratifier

    store = open_store(small_folder / "simulated")
    what = (store, Filters(), Stratifier(genes=("TP53",)), "OS")
    with pytest.raises(RerunException):
        cached.burden_null(*what, cancelled_at(1))
    null = cached.burden_null(*what, lambda done: None)
    cached._drawn_null.clear()  # type: ignore[attr-defined]
    again = cached.burden_null(*what, lambda done: None)
    assert null.draws.size == 1000 and (null.draws == again.draws).all()


def test_cancelled_bootstrap_leaves_no_broken_result(small_folder: Path) -> None:
    from core.analysis.nomogram import Choice
    from core.model import Filters, Stratifier

    store = open_store(small_folder / "simulated")
    what = (store, Filters(), Stratifier(genes=("TP53",)), "OS", Choice(), 20)
    with pytest.raises(RerunException):
        cached.nomogram_corrected(*what, cancelled_at(0))
    found = cached.nomogram_corrected(*what, lambda done: None)
    assert found is cached.nomogram_corrected(*what, cancelled_at(0)), "remembered whole"


def test_result_that_was_computed_behind_a_bar_is_shown_again(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streamlit replays what a remembered function drew: a bar drawn in one cannot be replayed."""
    monkeypatch.setattr(blocks, "PATIENCE", -1.0)
    for _ in range(2):
        at = app("extrinsic", panel="A gene set of yours")
        assert not at.exception, at.exception
        at.text_area(key="pasted_sets").set_value("CD8A CD274 GZMB")
        next(b for b in at.button if b.label == "Score by ssGSEA").click().run()
        assert charts(at) and "through a fault" not in texts(at), texts(at)[:400]


# -- a full disk -------------------------------------------------------------------------

FULL = """
import resource, sys
from pathlib import Path
from core.model import BuildError
from tests.app.small_store import tables
from data.publish import publish
made = tables(build_id="second")
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    publish(made, Path(sys.argv[1]))
except BuildError as error:
    print(error)
else:
    print("no error")
"""


def test_build_that_cannot_write_leaves_the_store_in_use(folder: Path, start: App) -> None:
    """The operating system refuses to write more than a megabyte to a file of the build."""
    make(folder, simulated=False, build_id="first")
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(folder)], capture_output=True, text=True, check=False,
        cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    assert "thrown away" in done.stdout and "what to do" in done.stdout, done.stdout + done.stderr
    assert not list(folder.glob(".building-*"))
    at = start()
    assert not at.error and "build first" in texts(at)
