"""What a chart hands over: one Vega-Lite description, drawn on the screen and exported alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Figure:
    """A Vega-Lite spec whose data stand apart, by name, so that a new cohort changes only them.

    ``name`` is the stem of an exported file; ``description`` says in words what the figure shows,
    for those who do not see it.
    """

    name: str
    spec: dict[str, Any]
    data: Mapping[str, pd.DataFrame]
    description: str

    def for_screen(self) -> dict[str, Any]:
        """The spec with its data as frames, as ``st.vega_lite_chart`` takes it."""
        return {**self.spec, "datasets": dict(self.data)}

    def for_export(self) -> dict[str, Any]:
        """The spec as plain JSON values with its data inside; missing values are null."""
        datasets = {
            name: frame.astype(object).where(frame.notna(), None).to_dict("records")
            for name, frame in self.data.items()
        }
        return {**self.spec, "description": self.description, "datasets": datasets}
