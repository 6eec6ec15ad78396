"""A slot is filled once, whoever asks, and can be left by a session that no longer wants it."""

from __future__ import annotations

import threading

import pytest

from core.ui.slot import Slot


class Left(Exception):
    """What Streamlit raises in a session that must run again."""


def no_wait(share: float) -> None:
    raise AssertionError("nobody else makes it")


def test_it_is_made_once() -> None:
    slot: Slot[object] = Slot()
    first = slot.get(object, no_wait)
    assert slot.get(lambda: pytest.fail("made again"), no_wait) is first


def test_a_session_that_leaves_makes_room_for_the_next() -> None:
    slot: Slot[int] = Slot()

    def leave() -> int:
        raise Left

    with pytest.raises(Left):
        slot.get(leave, no_wait)
    assert slot.get(lambda: 2, no_wait) == 2


def test_others_wait_for_the_one_who_makes_it_and_may_stop_waiting() -> None:
    slot: Slot[int] = Slot()
    begun, finish = threading.Event(), threading.Event()

    def slow() -> int:
        begun.set()
        assert finish.wait(30)
        return 1

    maker = threading.Thread(target=slot.get, args=(slow, no_wait))
    maker.start()
    assert begun.wait(30)

    def stop(share: float) -> None:
        raise Left

    with pytest.raises(Left):
        slot.get(lambda: 2, stop)
    waited: list[float] = []

    def wait(share: float) -> None:
        waited.append(share)
        finish.set()

    assert slot.get(lambda: 3, wait) == 1 and waited
    maker.join(30)
    assert not maker.is_alive()
