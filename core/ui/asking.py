"""What the page of this run asks of core.ui.cached, told to whoever listens."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

from core.report.asked import Asked

P = ParamSpec("P")
R = TypeVar("R")

_HEARD: ContextVar[list[Asked] | None] = ContextVar("asked", default=None)


@contextmanager
def listening() -> Iterator[list[Asked]]:
    """A list that fills with the questions that are answered meanwhile, in this run alone."""
    heard: list[Asked] = []
    token = _HEARD.set(heard)
    try:
        yield heard
    finally:
        _HEARD.reset(token)


def told(question: Callable[P, R]) -> Callable[P, R]:
    """A decorator: note each answer of ``question`` with its arguments, where anyone listens."""
    signature = inspect.signature(question)

    @wraps(question)
    def asked(*args: P.args, **kwargs: P.kwargs) -> R:
        answer = question(*args, **kwargs)
        heard = _HEARD.get()
        if heard is not None:
            arguments = signature.bind(*args, **kwargs).arguments
            heard.append(Asked(question.__name__, dict(arguments), answer))
        return answer

    return asked
