"""Tasks that the tests of the executor run; importable, as every task must be."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np

from core.model import NotEnoughData


def draw(seed: int, scale: float = 1.0) -> np.ndarray:
    """A seeded draw through BLAS and LAPACK, as the estimators use them."""
    rng = np.random.default_rng([20240601, seed])
    x = rng.normal(size=(200, 12))
    return scale * np.linalg.solve(x.T @ x, x.T @ rng.normal(size=200))


def slow_draw(seed: int, scale: float = 1.0) -> np.ndarray:
    time.sleep(0.1)
    return draw(seed, scale)


def draw_but_die_once(seed: int, folder: str) -> np.ndarray:
    """As ``draw``; the process that first comes to seed 5 is killed at it."""
    if seed == 5:
        try:
            (Path(folder) / "died").touch(exist_ok=False)
        except FileExistsError:
            pass
        else:
            os.kill(os.getpid(), signal.SIGKILL)
    return draw(seed)


def die(seed: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(seed: int) -> int:
    if seed == 3:
        raise NotEnoughData("Too few.", expected="10", found="3", where="here", remedy="Widen.")
    return seed


def process(seed: int) -> tuple[int, str]:
    """The process that runs the task, and how many threads its BLAS may use."""
    time.sleep(0.05)
    return os.getpid(), os.environ.get("OPENBLAS_NUM_THREADS", "")


def wait(seed: int, folder: str) -> int:
    """Tell which process this is, and be at it for a minute."""
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(60)
    return seed
