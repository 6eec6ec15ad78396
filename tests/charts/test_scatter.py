"""The scatter of two features: no more points than can be told apart."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from core.charts.scatter import MOST, not_drawn, points


def result(n: int) -> Any:
    group = np.where(np.arange(n) % 50 == 0, "mutant", "wild type")
    return SimpleNamespace(rows=pd.DataFrame({"group": group, "x": np.arange(n, dtype=float)}))


def test_every_patient_is_drawn_where_there_are_not_too_many() -> None:
    small = result(MOST)
    assert points(small) is small.rows and not_drawn(small) == ""


def test_of_many_each_group_has_its_share_from_first_to_last() -> None:
    many = result(5 * MOST)
    drawn = points(many)
    assert len(drawn) == MOST and drawn.index.is_monotonic_increasing and drawn.index.is_unique
    assert abs((drawn.group == "mutant").sum() - MOST / 50) <= 1
    assert drawn.x.min() < 60 and drawn.x.max() > 5 * MOST - 60
    pd.testing.assert_frame_equal(drawn, many.rows.loc[drawn.index])
    assert not_drawn(many).startswith("20,000 of 100,000 patients are drawn")
