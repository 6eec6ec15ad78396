"""The executor on a real Dask scheduler with two workers, as plain processes on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest

from core import compute
from core.compute import HERE, Place, run
from core.model import ComputeError, NotEnoughData
from tests.compute import tasks
from tests.compute.test_processes import SEEDS, same, until

distributed = pytest.importorskip("distributed")

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), **dict.fromkeys(compute.ONE_THREAD, "1")}


@dataclass
class Running:
    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]

    @property
    def place(self) -> Place:
        return Place(cluster=self.address, patience=60)

    def tasks_held(self) -> int:
        """Tasks that the scheduler still knows."""
        with distributed.Client(self.address, set_as_default=False) as client:
            return int(client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)))


@contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[Running]:
    """A scheduler and its workers, each a process of its own, without a nanny to restart it."""
    folder.mkdir(parents=True, exist_ok=True)
    contact = folder / "scheduler.json"
    started: list[subprocess.Popen[bytes]] = []

    def start(*command: str) -> None:
        log = (folder / f"{len(started)}.log").open("wb")
        call = [sys.executable, "-m", *command, "--scheduler-file", str(contact), "--no-dashboard"]
        started.append(subprocess.Popen(call, cwd=folder, env=ENVIRONMENT, stdout=log, stderr=log))
        log.close()

    try:
        start("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0")
        for _ in range(workers):
            start(
                "distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny",
                "--host", "127.0.0.1", "--local-directory", str(folder),
            )  # fmt: skip
        assert until(lambda: contact.exists() and contact.read_text().endswith("}"))
        with distributed.Client(
            scheduler_file=str(contact), set_as_default=False, timeout=180
        ) as client:
            client.wait_for_workers(workers, timeout=180)
            address = client.scheduler.address
        yield Running(address, started[0], started[1:])
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


def test_results_on_a_cluster_are_equal_to_the_bit(two: Running) -> None:
    told: list[float] = []
    here = run(tasks.draw, SEEDS, shared=(2.5,), place=HERE)
    there = run(tasks.draw, SEEDS, shared=(2.5,), place=two.place, progress=told.append)
    assert same(here, there)
    assert told == sorted(told) and told[-1] == 1.0


def test_tasks_run_in_the_workers(two: Running) -> None:
    found = run(tasks.process, range(20), place=two.place)
    assert {pid for pid, _ in found} == {w.pid for w in two.workers}


def test_an_error_of_a_task_comes_back_as_it_is(two: Running) -> None:
    with pytest.raises(NotEnoughData) as caught:
        run(tasks.refuse, range(8), place=two.place)
    error = caught.value
    assert (error.message, error.expected, error.found) == ("Too few.", "10", "3")
    assert (error.where, error.remedy) == ("here", "Widen.")


def test_the_environment_names_the_cluster(two: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(compute.CLUSTER_VARIABLE, two.address)
    found = run(tasks.process, range(8))
    assert {pid for pid, _ in found} <= {w.pid for w in two.workers}


def test_cancelling_leaves_no_task_on_the_scheduler(two: Running) -> None:
    class Cancelled(BaseException):
        pass

    def stop(done: float) -> None:
        if done:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(tasks.slow_draw, range(200), place=two.place, progress=stop)
    assert until(lambda: two.tasks_held() == 0)


def test_a_worker_killed_in_the_middle_costs_no_result(tmp_path: Path) -> None:
    """The killed worker also holds one of the values that all tasks share."""
    with cluster(tmp_path / "dask") as running:

        def kill(number: int, value: np.ndarray) -> None:
            kept.append(number)
            if len(kept) == 5:
                running.workers[0].kill()
                died.append(time.monotonic())

        kept: list[int] = []
        died: list[float] = []
        found = run(tasks.slow_draw, range(40), shared=(2.5,), place=running.place, keep=kill)
        assert running.workers[0].wait(10) != 0, "it was killed, and did not end by itself"
        assert time.monotonic() - died[0] < 120, "40 tasks of a tenth of a second"
    assert same(found, run(tasks.draw, range(40), shared=(2.5,), place=HERE))
    assert sorted(kept) == list(range(40))


def test_a_cluster_that_loses_every_worker_is_told_and_not_waited_for(tmp_path: Path) -> None:
    with cluster(tmp_path / "dask", workers=1) as running:

        def kill(number: int, value: np.ndarray) -> None:
            running.workers[0].kill()

        with pytest.raises(ComputeError, match="cluster cannot be used") as caught:
            run(
                tasks.slow_draw,
                range(40),
                place=Place(cluster=running.address, patience=2),
                keep=kill,
            )
        assert "without workers" in caught.value.found


def test_no_scheduler_at_the_address_is_told() -> None:
    with pytest.raises(ComputeError, match="cluster cannot be used") as caught:
        run(tasks.draw, SEEDS, place=Place(cluster="tcp://127.0.0.1:9", patience=1))
    assert compute.CLUSTER_VARIABLE in caught.value.remedy
    with pytest.raises(ComputeError, match="cluster cannot be used"):
        run(tasks.draw, SEEDS, place=Place(cluster="no://address", patience=1))


def test_without_the_extra_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ComputeError, match="cannot speak") as caught:
        run(tasks.draw, SEEDS, place=Place(cluster="tcp://127.0.0.1:9", patience=1))
    assert "[cluster]" in caught.value.remedy


def test_nothing_of_a_client_stays(two: Running) -> None:
    threads = psutil.Process().num_threads()
    for _ in range(3):
        run(tasks.draw, range(4), place=two.place)
    assert until(lambda: psutil.Process().num_threads() <= threads + 4)
