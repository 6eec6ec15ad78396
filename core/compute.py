"""The executor of long work: a list of independent tasks, run here, in processes or on a cluster.

A task is a call ``function(task, *shared)`` of an importable function. What it draws at random it
draws from a seed that stands in the task, so that a result is the same to the bit wherever and in
whatever order tasks run. Scheduling is left to ``concurrent.futures`` and to Dask:

* here: one after the other, in the calling thread; for work shorter than the start of a process;
* processes: on this machine, fresh interpreters (never a fork of a threaded server) with one BLAS
  thread each, which end when the work ends, is cancelled, or the parent is gone;
* cluster: the Dask scheduler that ``ICI_EXPLORER_CLUSTER`` names; its workers need this project
  installed in the same version, and no store.

A worker that is killed costs the tasks it was at, which are run again. To cancel, raise from
``progress``: it is called in the caller's thread, at least every TICK seconds.
"""

from __future__ import annotations

import importlib
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection, parent_process, spawn
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, Protocol, TypeVar

from core.model import ComputeError

Task = TypeVar("Task")
Result = TypeVar("Result")
Progress = Callable[[float], None]

CLUSTER_VARIABLE = "ICI_EXPLORER_CLUSTER"
"""Environment variable with the address of a Dask scheduler, such as tcp://10.0.0.5:8786."""
WORKERS_VARIABLE = "ICI_EXPLORER_WORKERS"
"""Environment variable with the number of local processes; by default the number of cores."""
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

PAYS_FROM = 5.0
"""Seconds of work from which on processes are started for it: their start takes 1 to 2."""
TICK = 0.5
"""Seconds between two calls of ``progress`` at most."""
LOSSES = 3
"""Losses of workers in a row, without a result between them, after which the work is given up."""
AHEAD = 4
"""Tasks handed over for each worker at a time, so that tasks may be made as they are needed."""
GATHER = 5.0
"""Seconds to fetch one result from the cluster, after which it is asked for again."""
PATIENCE = 60.0
"""Seconds for which a cluster may be without a scheduler (at the start) or a worker."""


@dataclass(frozen=True)
class Place:
    """Where tasks run: ``workers`` local processes (0: in the calling thread), or a cluster."""

    workers: int = 0
    cluster: str = ""
    patience: float = PATIENCE


HERE = Place()


def elsewhere() -> Place:
    """The cluster that the environment names, else as many processes as it names (or cores)."""
    if address := os.environ.get(CLUSTER_VARIABLE, "").strip():
        return Place(cluster=address)
    named = os.environ.get(WORKERS_VARIABLE, "").strip() or str(os.cpu_count() or 1)
    if not named.isdigit() or int(named) < 1:
        raise ComputeError(
            "The number of processes cannot be read.",
            where=f"environment variable {WORKERS_VARIABLE}",
            expected="a whole number of 1 or more",
            found=named[:40],
        )
    return HERE if named == "1" else Place(workers=int(named))


def place_for(seconds: float) -> Place:
    """Where work of about ``seconds`` on one core should run: short work stays here."""
    return HERE if seconds < PAYS_FROM else elsewhere()


def run(
    function: Callable[..., Result],
    tasks: Sequence[Task],
    *,
    shared: tuple[Any, ...] = (),
    place: Place | None = None,
    progress: Progress | None = None,
    keep: Callable[[int, Result], None] | None = None,
) -> list[Result]:
    """``[function(task, *shared) for task in tasks]``, at ``place`` (by default elsewhere()).

    ``tasks`` may make its items when asked, and may be asked again for one that was lost.
    ``progress`` is told the share done; ``keep`` is given each result (its number first) as soon
    as there is one; both are called in the calling thread. An error of a task is raised as it is,
    and the remaining tasks are dropped. Raises ComputeError where workers are lost again and
    again, or the cluster cannot be used.
    """
    chosen = elsewhere() if place is None else place
    local = not chosen.cluster and min(chosen.workers, len(tasks)) < 2
    found: dict[int, Result] = {}

    def told() -> None:
        if progress is not None:
            progress(len(found) / max(1, len(tasks)))

    def got(number: int, result: Result) -> None:
        found[number] = result
        if keep is not None:
            keep(number, result)
        told()

    if local:
        for number, task in enumerate(tasks):
            got(number, function(task, *shared))
    elif chosen.cluster:
        with _cluster(chosen, shared) as workers:
            _drain(workers, function, tasks, list(range(len(tasks))), got, told)
    else:
        _in_processes(chosen, function, tasks, shared, found, got, told)
    return [found[number] for number in range(len(tasks))]


class _Lost(Exception):
    """The workers are gone; what they had not finished must be run again."""


class _Workers(Protocol):
    ahead: int

    def submit(self, function: Callable[..., Any], task: Any) -> Any:
        """A future. Raises _Lost."""

    def result(self, future: Any) -> Any:
        """What the task returned; raises what it raised, or _Lost."""

    def check(self) -> None:
        """Called while nothing finishes. Raises ComputeError where nothing ever will."""


def _drain(
    workers: _Workers,
    function: Callable[..., Any],
    tasks: Sequence[Any],
    numbers: list[int],
    got: Callable[[int, Any], None],
    told: Callable[[], None],
) -> None:
    """Run the tasks of these numbers; ``got`` is given results as they come. Raises _Lost."""
    done: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
    waiting, running = iter(numbers), 0
    for _ in numbers:
        while running < workers.ahead and (number := next(waiting, None)) is not None:
            future = workers.submit(function, tasks[number])
            future.add_done_callback(lambda f, number=number: done.put((number, f)))
            running += 1
            told()
        number, future = _next(done, workers, told)
        running -= 1
        got(number, workers.result(future))


def _next(
    done: queue.SimpleQueue[tuple[int, Any]], workers: _Workers, told: Callable[[], None]
) -> tuple[int, Any]:
    while True:
        try:
            return done.get(timeout=TICK)
        except queue.Empty:
            told()
            workers.check()


# -- processes of this machine ---------------------------------------------------------


_one_pool = threading.Lock()
"""Sessions of one server take turns: two pools on the same cores would be no faster."""
_launching = threading.Lock()
_shared: tuple[Any, ...] = ()
"""In a worker: what all its tasks share."""


def _in_processes(
    place: Place,
    function: Callable[..., Any],
    tasks: Sequence[Any],
    shared: tuple[Any, ...],
    found: dict[int, Any],
    got: Callable[[int, Any], None],
    told: Callable[[], None],
) -> None:
    while not _one_pool.acquire(timeout=TICK):
        told()
    try:
        losses, before = 0, len(found)
        while missing := [n for n in range(len(tasks)) if n not in found]:
            try:
                with _pool(min(place.workers, len(missing)), shared) as workers:
                    _drain(workers, function, tasks, missing, got, told)
            except _Lost:
                losses = 1 if len(found) > before else losses + 1
                before = len(found)
                if losses >= LOSSES:
                    raise _given_up(f"{len(missing):,} of {len(tasks):,} tasks not done") from None
    finally:
        _one_pool.release()


class _Pool:
    """A pool of processes as _Workers."""

    def __init__(self, workers: int, pool: ProcessPoolExecutor) -> None:
        self.ahead = AHEAD * workers
        self._pool = pool

    def submit(self, function: Callable[..., Any], task: Any) -> Any:
        try:
            return self._pool.submit(_call, function, task)
        except BrokenProcessPool:
            raise _Lost from None

    def result(self, future: Any) -> Any:
        try:
            return future.result()
        except BrokenProcessPool:
            raise _Lost from None

    def check(self) -> None:
        """A pool notices by itself that a worker is gone."""


@contextmanager
def _pool(workers: int, shared: tuple[Any, ...]) -> Iterator[_Pool]:
    """Processes that are gone when the block is left: at once where it is left by an error."""
    for variable in ONE_THREAD:  # inherited; numpy of this process has read its own long ago
        os.environ.setdefault(variable, "1")
    context = _Context()
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(shared,))
    try:
        yield _Pool(workers, pool)
    except BaseException:
        for process in context.started:
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _Process(SpawnProcess):
    """A fresh interpreter that does not run the parent's main module.

    Under Streamlit that module is the app itself, which has no place in a worker.
    """

    @staticmethod
    def _Popen(process_obj: Any) -> Any:
        with _launching:
            whole = spawn.get_preparation_data
            spawn.get_preparation_data = lambda name: {
                k: v for k, v in whole(name).items() if not k.startswith("init_main")
            }
            try:
                return SpawnProcess._Popen(process_obj)
            finally:
                spawn.get_preparation_data = whole


class _Context(SpawnContext):
    """Makes _Process, and remembers what it made."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[SpawnProcess] = []

    def Process(self, *args: Any, **options: Any) -> SpawnProcess:  # type: ignore[override]
        self.started.append(_Process(*args, **options))
        return self.started[-1]


def _begin(shared: tuple[Any, ...]) -> None:
    """In a worker, before its first task; numpy is not imported yet unless ``shared`` needs it."""
    global _shared
    _shared = shared
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted, and ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _call(function: Callable[..., Any], task: Any) -> Any:
    return function(task, *_shared)


# -- a Dask cluster --------------------------------------------------------------------


class _Cluster:
    """A Dask client as _Workers. The scheduler itself runs again what a lost worker was at."""

    def __init__(self, client: Any, place: Place, shared: tuple[Any, ...]) -> None:
        self._client, self._place = client, place
        self._seen = time.monotonic()
        self.ahead = max(32, AHEAD * sum(client.nthreads().values()))
        # tasks of their own, so that the scheduler makes them again where a worker is lost
        self._shared = [client.submit(_same, value, pure=False) for value in shared]
        self.futures: list[Any] = []

    def submit(self, function: Callable[..., Any], task: Any) -> Any:
        future = self._client.submit(function, task, *self._shared, pure=False)
        self.futures.append(future)
        return future

    def result(self, future: Any) -> Any:
        distributed = importlib.import_module("distributed")
        self._seen = time.monotonic()
        while True:
            try:
                value = future.result(timeout=GATHER)
                break
            except distributed.KilledWorker:
                raise _given_up("a task whose workers ended each time it ran") from None
            except distributed.CancelledError:
                raise _no_cluster(self._place.cluster, "the scheduler is gone") from None
            except TimeoutError:
                if future.status == "error":  # the task's own
                    raise
                self.check()  # its worker was lost before the result was fetched
        self.futures.remove(future)
        return value

    def check(self) -> None:
        if self._client.status != "running":
            raise _no_cluster(self._place.cluster, "the scheduler is gone")
        if self._client.nthreads():
            self._seen = time.monotonic()
        elif time.monotonic() - self._seen > self._place.patience:
            raise _no_cluster(self._place.cluster, "a scheduler without workers")


@contextmanager
def _cluster(place: Place, shared: tuple[Any, ...]) -> Iterator[_Cluster]:
    try:
        distributed, dask = (importlib.import_module(m) for m in ("distributed", "dask"))
    except ImportError as error:
        raise ComputeError(
            "A cluster is named, but the program cannot speak to it.",
            where=f"environment variable {CLUSTER_VARIABLE}",
            expected="the package distributed",
            found=str(error),
            remedy="Install the extra: `pip install -e '.[cluster]'`, or unset the variable.",
        ) from error
    # blocks of an expression matrix are 10 MB each, which Dask would warn of
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 GB"}):
        try:
            client = distributed.Client(place.cluster, timeout=place.patience, set_as_default=False)
        except (OSError, ValueError) as error:
            raise _no_cluster(place.cluster, str(error) or type(error).__name__) from error
        try:
            workers = _Cluster(client, place, shared)
            try:
                yield workers
            finally:
                if workers.futures and client.status == "running":
                    client.cancel(workers.futures, force=True)
        finally:
            client.close()


def _same(value: Any) -> Any:
    return value


def _no_cluster(address: str, found: str) -> ComputeError:
    return ComputeError(
        "The cluster cannot be used.",
        where=f"{address} ({CLUSTER_VARIABLE})",
        expected="a Dask scheduler with workers that have this project installed",
        found=found,
        remedy=f"Start it, or unset {CLUSTER_VARIABLE} to compute on this machine.",
    )


def _given_up(found: str) -> ComputeError:
    return ComputeError(
        "The workers of a computation ended again and again, so it was given up.",
        expected=f"a result after at most {LOSSES} losses of workers in a row",
        found=found,
        remedy=f"Most often memory ran out: set {WORKERS_VARIABLE} to fewer processes.",
    )
