"""Coroutines in a test, also while a browser of the same run keeps an event loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def finished(story: Coroutine[Any, Any, T]) -> T:
    """What ``story`` returns, or raises: run to its end in a thread with a loop of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, story).result()
