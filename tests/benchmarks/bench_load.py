"""Sessions at once on a real server: 1, 10 and 50 visitors that change filters, and a soak.

On the store that the environment names (``ICI_EXPLORER_STORE``), else on a simulated one. Each
visitor is a real websocket that speaks Streamlit's messages, without a browser, from one process
beside the server's. A change is a question that nobody asked before, so that nothing comes from a
cache; its time runs from the click's message to the last message of the answer. The server's
processor time of a change hardly depends on what else the machine does.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
import psutil

from core.ui.cached import STORE_VARIABLE
from tests.benchmarks import Row
from tests.deploy.serving import Process, replica
from tests.deploy.visitor import Visitor

GENES = ("ALK", "TP53", "KRAS", "BRAF", "POLE", "TTN")
PAGES = ("", "cohorts", "cox", "subgroups", "agreement")
THINKING_SECONDS = 5.0
CHANGES = 12
SOAK, SOAK_SESSIONS, SOAK_WARM = 1000, 4, 400
CASES = ((1, 1.0, ("",)), (10, THINKING_SECONDS, ("",)), (50, THINKING_SECONDS, ("",)))
GOALS = {50: ("<= 80", "<= 250")}


@dataclass
class Load:
    """What visitors saw: milliseconds of each change, errors, and the server's memory in MB."""

    milliseconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    def quantile(self, q: float) -> float:
        return float(np.quantile(self.milliseconds, q))


def questions() -> Iterator[dict[str, object]]:
    """Gene and ages, each pair once, in an order that does not repeat a gene."""
    ages = list(product(range(15, 55), range(60, 100)))
    random.Random(1).shuffle(ages)
    for n, (low, high) in enumerate(ages):
        yield {"gene": GENES[n % len(GENES)], "age": (float(low), float(high))}


async def visit(
    server: Process, page: str, asked: Iterator[dict[str, object]], changes: int, thinking: float,
    load: Load, seed: int,
) -> None:  # fmt: skip
    """One visitor: opens a page, then changes filters with pauses of ``thinking`` s at the mean."""
    draw, visitor = random.Random(seed), Visitor(server.address, page)
    try:
        await asyncio.sleep(draw.uniform(0, thinking))
        await visitor.open()
        for _ in range(changes):
            await asyncio.sleep(draw.uniform(0.5, 1.5) * thinking)
            run = await visitor.change(**next(asked))
            load.milliseconds.append(1e3 * run.seconds)
            if not run.drawn or "rror" in run.text.replace("standard error", ""):
                load.errors.append(run.text[:300])
    except Exception as error:  # counted, and told at the end
        load.errors.append(f"{type(error).__name__}: {error}")
    load.megabytes.append(_megabytes(server))
    await visitor.close()


def together(
    server: Process, asked: Iterator[dict[str, object]], sessions: int, thinking: float,
    pages: tuple[str, ...] = ("",), changes: int = CHANGES,
) -> tuple[Load, float]:  # fmt: skip
    """All visitors at once; also the MB by which the server grew for each of them."""
    load, before = Load(), _megabytes(server)

    async def everyone() -> None:
        visits = (
            visit(server, pages[n % len(pages)], asked, changes, thinking, load, n)
            for n in range(sessions)
        )
        await asyncio.gather(*visits)

    asyncio.run(everyone())
    return load, (max(load.megabytes) - before) / sessions


def run() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with replica(_store(folder), folder) as server:
            server.wait()
            asked = questions()
            together(server, asked, 2, 0.0)  # what every first visitor pays, paid
            for sessions, thinking, pages in (*CASES, (50, THINKING_SECONDS, PAGES)):
                yield from _case(server, asked, sessions, thinking, pages)
            yield _soak(server)


def _case(
    server: Process, asked: Iterator[dict[str, object]], sessions: int, thinking: float,
    pages: tuple[str, ...],
) -> Iterator[Row]:  # fmt: skip
    spent = _processor_seconds(server)
    load, each = together(server, asked, sessions, thinking, pages)
    spent = 1e3 * (_processor_seconds(server) - spent) / max(len(load.milliseconds), 1)
    what = f"{sessions} sessions, {'survival page' if pages == ('',) else f'{len(pages)} pages'}"
    goals = GOALS.get(sessions, ("", "")) if pages == ("",) else ("", "")
    counted = f"{len(load.milliseconds)} changes, {len(load.errors)} errors"
    yield Row(f"{what}: median", load.quantile(0.5), goal=f"{goals[0]} ({counted})".strip())
    yield Row(f"{what}: p95", load.quantile(0.95), goal=f"{goals[1]} ({each:.1f} MB each)".strip())
    yield Row(f"{what}: server's processor time of a change", spent)
    for error in load.errors[:3]:
        print(f"    error: {error}")


def _soak(server: Process) -> Row:
    """Reruns without a pause, once every cache is full."""
    each = SOAK_WARM // SOAK_SESSIONS
    first, _ = together(server, questions(), SOAK_SESSIONS, 0.0, changes=each)
    before = _megabytes(server)
    later, _ = together(server, questions(), SOAK_SESSIONS, 0.0, changes=SOAK // SOAK_SESSIONS)
    grown = _megabytes(server) - before
    errors = len(first.errors) + len(later.errors)
    return Row(
        f"{SOAK:,} reruns, {SOAK_SESSIONS} sessions without pause: median",
        later.quantile(0.5),
        f"the {SOAK_WARM} before",
        first.quantile(0.5),
        goal=f"memory {before:.0f} MB {grown:+.0f} MB, {errors} errors",
    )


def _processor_seconds(server: Process) -> float:
    times = psutil.Process(server.process.pid).cpu_times()
    return float(times.user + times.system)


def _megabytes(server: Process) -> float:
    return psutil.Process(server.process.pid).memory_info().rss / 1e6


def _store(folder: Path) -> str:
    if named := os.environ.get(STORE_VARIABLE):
        return named
    from data.demo import simulate
    from data.publish import publish

    publish(simulate(), folder / "stores")
    return str(folder / "stores")
