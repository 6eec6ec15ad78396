"""What a page asked in one run: what its code is written from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.report.script import Code, Script

RESULT = Code("result")


@dataclass(frozen=True)
class Asked:
    """One question that a page asked: function of core.ui.cached, its arguments, its answer."""

    question: str
    arguments: Mapping[str, Any]
    answer: Any


class Questions:
    """The questions that were answered, in order."""

    def __init__(self, asked: Sequence[Asked]) -> None:
        self._asked = asked

    def all(self, question: str) -> list[Asked]:
        return [a for a in self._asked if a.question == question]

    def first(self, question: str) -> Asked | None:
        """None where it was not asked, or could not be answered."""
        return next(iter(self.all(question)), None)


Writer = Callable[[Script, Questions, Mapping[str, Any]], None]
"""Writes a page's script; the mapping holds choices that change a figure and no question."""


def answer_lines(script: Script, answer: Callable[..., str], *more: str) -> None:
    """Print what the page says first: the answer, and whom it is about."""
    script.add(f"print({script.use(answer)}({', '.join((RESULT, *more))}))")
    script.add("print(result.sentence)")
