"""Rows of a table as plain values, as pandas gives them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.records import records


def test_rows_are_those_of_pandas() -> None:
    table = pd.DataFrame(
        {
            "n": np.array([1, 2]),
            "ratio": [0.5, np.nan],
            "name": ["a", None],
            "known": [True, False],
            "day": pd.to_datetime(["2024-01-31", "2025-01-31"]),
            "level": pd.Categorical(["x", "y"]),
        },
        index=[5, 9],
    )
    found, expected = records(table), table.to_dict("records")
    assert str(found) == str(expected)
    assert [type(v) for r in found for v in r.values()] == [
        type(v) for r in expected for v in r.values()
    ]
    assert records(table.iloc[:0]) == []
