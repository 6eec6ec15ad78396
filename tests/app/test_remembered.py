"""What is made of a result is remembered with it, and with nothing else."""

from __future__ import annotations

import gc
from dataclasses import dataclass

from core.charts.km import km_figure
from core.ui import cached
from core.ui.exhibit import _name


@dataclass(frozen=True)
class Found:
    """A result whose contents cannot be hashed, as tables cannot."""

    table: list[int]


def test_the_same_result_and_question_are_answered_once() -> None:
    one, asked = Found([1]), []
    for _ in range(2):
        assert cached.once(one, ("sum",), lambda: asked.append(1) or sum(one.table)) == 1
    assert len(asked) == 1
    assert cached.once(one, ("sum", "twice"), lambda: 2) == 2


def test_an_equal_result_is_another_one() -> None:
    one, other = Found([1]), Found([1])
    assert cached.once(one, ("who",), lambda: "one") == "one"
    assert cached.once(other, ("who",), lambda: "other") == "other"


def test_nothing_is_kept_of_a_result_that_is_gone() -> None:
    one = Found([1])
    cached.once(one, ("who",), lambda: "one")
    key = id(one)
    assert key in cached._memo()
    del one
    gc.collect()
    assert key not in cached._memo()


def test_only_charts_that_see_what_they_are_given_are_remembered() -> None:
    assert _name(km_figure) == "core.charts.km.km_figure"
    assert _name(lambda result, look: None) == ""
    assert _name(test_an_equal_result_is_another_one) == ""
