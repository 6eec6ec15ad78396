"""The executor in local processes: equal to the bit, killed workers, errors, cancellation."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import psutil
import pytest
from streamlit.testing.v1 import AppTest

from core import compute
from core.compute import HERE, Place, elsewhere, place_for, run
from core.model import ComputeError, NotEnoughData
from tests.compute import tasks

ROOT = Path(__file__).resolve().parents[2]
TWO = Place(workers=2)
SEEDS = range(24)


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return len(one) == len(other) and all(
        a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True)
    )


def until(true: Callable[[], bool], seconds: float = 180) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


def no_workers() -> bool:
    """No child of this process runs tasks (the resource tracker of multiprocessing stays)."""
    return not [
        c
        for c in psutil.Process().children(recursive=True)
        if c.status() != psutil.STATUS_ZOMBIE and "spawn_main" in " ".join(c.cmdline())
    ]


def test_results_are_equal_to_the_bit_and_in_order_wherever_they_run() -> None:
    told: list[float] = []
    kept: dict[int, np.ndarray] = {}
    here = run(tasks.draw, SEEDS, shared=(2.5,), place=HERE)
    there = run(
        tasks.draw, SEEDS, shared=(2.5,), place=TWO, progress=told.append, keep=kept.__setitem__
    )
    assert same(here, there) and not same(here, run(tasks.draw, SEEDS, place=HERE))
    assert same(here, [kept[i] for i in SEEDS])
    assert told == sorted(told) and told[-1] == 1.0
    assert no_workers()


def test_a_worker_killed_in_the_middle_costs_no_result(tmp_path: Path) -> None:
    found = run(tasks.draw_but_die_once, SEEDS, shared=(str(tmp_path),), place=TWO)
    assert (tmp_path / "died").exists()
    assert same(found, run(tasks.draw, SEEDS, place=HERE))


def test_a_task_that_always_kills_its_worker_is_given_up() -> None:
    with pytest.raises(ComputeError, match="again and again"):
        run(tasks.die, range(3), place=TWO)
    assert no_workers()


@pytest.mark.parametrize("place", [HERE, TWO], ids=["here", "processes"])
def test_an_error_of_a_task_comes_back_as_it_is(place: Place) -> None:
    with pytest.raises(NotEnoughData) as caught:
        run(tasks.refuse, range(8), place=place)
    error = caught.value
    assert (error.message, error.expected, error.found) == ("Too few.", "10", "3")
    assert (error.where, error.remedy) == ("here", "Widen.")
    assert no_workers()


def test_raising_from_progress_cancels_and_leaves_nothing_behind(tmp_path: Path) -> None:
    class Cancelled(BaseException):
        """As Streamlit's: no Exception."""

    cancelled: list[float] = []

    def stop(done: float) -> None:
        if list(tmp_path.iterdir()):
            cancelled.append(time.monotonic())
            raise Cancelled

    with pytest.raises(Cancelled):
        run(tasks.wait, SEEDS, shared=(str(tmp_path),), place=TWO, progress=stop)
    assert time.monotonic() - cancelled[0] < 50, "tasks of a minute were not waited for"
    assert no_workers()
    assert run(tasks.refuse, range(3), place=TWO) == [0, 1, 2], "the next one is not locked out"


def test_workers_are_other_processes_with_one_blas_thread_each() -> None:
    found = run(tasks.process, range(40), place=TWO)
    assert os.getpid() not in {pid for pid, _ in found} and len({pid for pid, _ in found}) == 2
    assert {threads for _, threads in found} == {"1"}


def test_tasks_are_made_as_they_are_needed() -> None:
    class Made:
        """Sequence that notes how far it was asked."""

        farthest = -1

        def __len__(self) -> int:
            return 100

        def __getitem__(self, i: int) -> int:
            if not 0 <= i < 100:
                raise IndexError(i)
            self.farthest = max(self.farthest, i)
            return i

    made, at = Made(), []
    run(tasks.process, made, place=TWO, keep=lambda i, _: at.append(made.farthest))  # type: ignore[arg-type]
    assert at[0] <= 2 * compute.AHEAD and len(at) == 100


def test_the_main_module_of_a_thread_of_streamlit_is_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streamlit puts the app in the place of __main__; a worker must not start the app."""
    marker, app = tmp_path / "ran", tmp_path / "app.py"
    app.write_text(f"open({str(marker)!r}, 'w').close()\n")
    main = ModuleType("__main__")
    main.__dict__["__file__"] = str(app)
    monkeypatch.setitem(sys.modules, "__main__", main)
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.extend(run(tasks.refuse, range(3), place=TWO)))
    thread.start()
    thread.join(300)
    assert found == [0, 1, 2] and not marker.exists()


def test_a_page_computes_in_processes_and_shows_progress() -> None:
    def page() -> None:
        import streamlit as st

        from core.compute import Place, run
        from tests.compute import tasks

        bar = st.progress(0.0)
        values = run(tasks.draw, range(6), place=Place(workers=2), progress=bar.progress)
        st.write(repr([v.tobytes().hex() for v in values]))

    at = AppTest.from_function(page, default_timeout=300).run()
    assert not at.exception
    expected = repr([tasks.draw(i).tobytes().hex() for i in range(6)])
    assert at.markdown[0].value == expected


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    program = (
        "from core.compute import Place, run\n"
        "from tests.compute import tasks\n"
        f"run(tasks.wait, range(4), shared=({str(tmp_path)!r},), place=Place(workers=2))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
    try:
        assert until(lambda: len(list(tmp_path.iterdir())) == 2)
        workers = [int(p.name) for p in tmp_path.iterdir()]
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert until(lambda: not any(map(psutil.pid_exists, workers)))
    finally:
        parent.kill()
        parent.wait()


def test_where_work_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(compute.CLUSTER_VARIABLE, raising=False)
    monkeypatch.setenv(compute.WORKERS_VARIABLE, "3")
    assert elsewhere() == Place(workers=3)
    assert place_for(0.3) == HERE and place_for(60) == Place(workers=3)
    monkeypatch.setenv(compute.WORKERS_VARIABLE, "1")
    assert elsewhere() == HERE
    for wrong in ("0", "-2", "many"):
        monkeypatch.setenv(compute.WORKERS_VARIABLE, wrong)
        with pytest.raises(ComputeError, match="number of processes"):
            elsewhere()
    monkeypatch.setenv(compute.CLUSTER_VARIABLE, "tcp://127.0.0.1:8786")
    assert elsewhere() == Place(cluster="tcp://127.0.0.1:8786")
    assert place_for(0.3) == HERE, "short work pays for no journey"


def test_no_task_gives_no_result() -> None:
    assert run(tasks.draw, [], place=TWO) == []
