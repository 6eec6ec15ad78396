"""Tables over time: what has no interval is printed without one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from core.charts import time_tables

NAN = float("nan")


def asked() -> Any:
    return SimpleNamespace(title="ALK", order=("wild type", "mutant"), endpoint="OS")


@pytest.mark.parametrize(
    ("low", "high", "printed"),
    [(-0.83, 0.56, "−48 (−83 to +56)"), (NAN, NAN, "−48")],
)
def test_landmark_where_nobody_is_left_has_no_interval(
    low: float, high: float, printed: str
) -> None:
    row = {
        "group": "mutant", "month": 24.0, "survival": 0.0, "ci_lower": NAN, "ci_upper": NAN,
        "difference": -0.48, "difference_lower": low, "difference_upper": high, "p_value": NAN,
    }  # fmt: skip
    found: Any = SimpleNamespace(landmarks=pd.DataFrame([row]))
    table = time_tables.landmarks(found, asked())
    assert table["Difference, points (95% CI)"].tolist() == [printed]
    assert table["Alive (95% CI)"].tolist() == ["0%"]
