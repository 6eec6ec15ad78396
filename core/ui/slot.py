"""One long result that many sessions may ask for at once, made by the first of them.

Nothing can be drawn inside a cached function, a bar least of all, so the cache keeps an empty slot,
and the result is made outside. A session that is told to stop, since its researcher has chosen
something else, leaves the slot empty; one that waits for it then makes the result itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

TICK = 0.2
"""Seconds between two looks of a session that waits."""


class Slot(Generic[T]):
    """At most one result."""

    def __init__(self) -> None:
        self._held: list[T] = []
        self._making = threading.Lock()

    def get(self, make: Callable[[], T], waiting: Callable[[float], None]) -> T:
        """The result, by ``make()`` where there is none yet.

        ``waiting(0)`` is called while another session makes it; it may raise to stop waiting.
        """
        while not self._held:
            if not self._making.acquire(timeout=TICK):
                waiting(0.0)
                continue
            try:
                if not self._held:
                    self._held.append(make())
            finally:
                self._making.release()
        return self._held[0]
