"""Sessions at the same time, each with its own question: each gets its own answer and no other's.

A variable of a module, a shared result that a page changes, or a cache whose key lacks part of the
question would show here as another session's gene, age or number of patients.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.analysis.survival import survival_question
from core.model import Filters, Range, Stratifier
from core.store import Store, open_store
from dashboard.server import Departures
from tests.app.small_store import make
from tests.concurrently import finished
from tests.deploy.serving import Process, replica
from tests.deploy.visitor import Run, Visitor

GENES = ("ALK", "TP53", "TTN")
AGES = ((30.0, 100.0), (45.0, 100.0), (0.0, 70.0))
SESSIONS, CHANGES = 6, 8
OF_ALL = re.compile(r"([\d,]+) analysed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sessions")
    make(folder / "stores", simulated=False)
    return folder


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Process]:
    with replica(folder / "stores", folder) as process:
        yield process.wait()


@pytest.fixture(scope="module")
def store(folder: Path) -> Iterator[Store]:
    store = open_store(folder / "stores")
    yield store
    store.close()


def expected(store: Store, gene: str, ages: tuple[float, float]) -> int:
    """Patients whom the page must count, computed apart from the app."""
    low, high = ages
    bounds = Range(low if low > 0 else None, high if high < 100 else None)
    filters = Filters(age_years=bounds)
    return len(survival_question(store, filters, Stratifier(genes=(gene,))).rows)


def analysed(run: Run) -> set[int]:
    found = re.sub(r"<[^>]+>", "", run.text)
    return {int(n.replace(",", "")) for n in OF_ALL.findall(found)}


def test_every_session_gets_its_own_answer(served: Process, store: Store) -> None:
    truth = {(g, a): expected(store, g, a) for g in GENES for a in AGES}
    assert len(set(truth.values())) == len(AGES), "the ages tell the answers apart"

    async def one(number: int) -> int:
        draw = random.Random(number)
        visitor = Visitor(served.address)
        await visitor.open()
        checked = 0
        for _ in range(CHANGES):
            gene, ages = draw.choice(GENES), draw.choice(AGES)
            run = await visitor.change(gene=gene, age=ages)
            titles = {g for g in GENES if any(g in chart.alt for chart in run.charts)}
            assert titles == {gene}, f"session {number} asked for {gene} and saw {titles}"
            assert analysed(run) == {truth[gene, ages]}, f"session {number}: {gene}, {ages}"
            checked += 1
        await visitor.close()
        return checked

    async def all_at_once() -> list[int]:
        return await asyncio.gather(*(one(n) for n in range(SESSIONS)))

    assert finished(all_at_once()) == [CHANGES] * SESSIONS


def test_a_visitor_who_leaves_in_the_middle_disturbs_nobody(served: Process) -> None:
    async def story() -> None:
        stays = Visitor(served.address, gene="TP53")
        await stays.open()
        for _ in range(3):
            leaves = Visitor(served.address, gene="TTN")
            await leaves.open()
            running = asyncio.create_task(leaves.change(age=(33.0, 77.0)))
            await asyncio.sleep(0)
            running.cancel()
            await leaves.close()
            run = await stays.change(age=(30.0, 90.0))
            assert all("TP53" in chart.alt for chart in run.charts)
        await stays.close()

    finished(story())
    assert "Traceback" not in served.log()


@pytest.mark.parametrize("leaves", [True, False])
def test_an_error_of_a_connection_is_silent_only_where_the_visitor_has_left(leaves: bool) -> None:
    async def closes_twice(scope: Any, receive: Any, send: Any) -> None:
        with contextlib.suppress(OSError):
            await send({"type": "websocket.send"})
        raise RuntimeError("closed already")

    async def send(message: Any) -> None:
        if leaves:
            raise OSError("gone")

    async def receive() -> Any:
        return {"type": "websocket.receive"}

    async def serve() -> None:
        await Departures(closes_twice)({"type": "websocket"}, receive, send)

    if leaves:
        finished(serve())
    else:
        with pytest.raises(RuntimeError, match="closed already"):
            finished(serve())


def test_memory_does_not_grow_with_reruns(served: Process) -> None:
    """200 reruns of four sessions after 60 that fill what is kept. 1,000 are a benchmark:
    ``python -m tests.benchmarks load``."""

    async def reruns(each: int) -> None:
        async def one(number: int) -> None:
            visitor = Visitor(served.address, view="Pooled only", gene=GENES[number % 3])
            await visitor.open()
            for n in range(each):
                await visitor.change(age=(20.0 + n % 20, 100.0))
            await visitor.close()

        await asyncio.gather(*(one(n) for n in range(4)))

    finished(reruns(15))
    before = psutil.Process(served.process.pid).memory_info().rss
    finished(reruns(50))
    grown = psutil.Process(served.process.pid).memory_info().rss - before
    assert grown < 0.05 * before, f"{grown / 1e6:.0f} MB on {before / 1e6:.0f} MB"
