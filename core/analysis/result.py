"""How a result shows itself in a notebook: whom it is about, what is weak about it, its tables."""

from __future__ import annotations

import html
from dataclasses import fields
from typing import Any

import pandas as pd

MOST_ROWS = 12
"""Rows of a table that are shown; the field itself holds them all."""

NOT_SHOWN = ("rows",)
"""Fields with a row for each patient."""


class Result:
    """What the frozen results of core.analysis have in common: a ``_repr_html_`` for Jupyter."""

    def _repr_html_(self) -> str:
        """Sentence, warnings, each table under its field's name, and the methods."""
        held: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        parts = [f"<p><b>{html.escape(type(self).__name__)}</b> {_text(held.get('sentence'))}</p>"]
        parts += [f"<p>\u26a0 {_text(w)}</p>" for w in held.get("warnings", ())]
        for name, value in held.items():
            if isinstance(value, pd.DataFrame) and name not in NOT_SHOWN:
                parts.append(_table(name, value))
        parts += [f"<p><small>{_text(m)}</small></p>" for m in [held.get("methods")] if m]
        return "".join(parts)


def _table(name: str, frame: pd.DataFrame) -> str:
    shown = frame.head(MOST_ROWS).to_html(index=not isinstance(frame.index, pd.RangeIndex))
    more = len(frame) - MOST_ROWS
    rest = f"<p><small>and {more:,} more rows</small></p>" if more > 0 else ""
    return f"<p><code>.{html.escape(name)}</code></p>{shown}{rest}"


def _text(value: object) -> str:
    return html.escape(str(value or ""))
