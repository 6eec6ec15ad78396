"""The forest figure: one row per estimate, aligned columns of text, a log axis of hazard ratios.

One Vega-Lite view as wide as its container. The hazard-ratio scale takes the middle of it and the
text columns stand to its sides; where the container is narrow, the scale takes the whole width
and each row's text stands above its interval, so that nothing is cut off on a telephone.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.charts.figure import Figure
from core.charts.forest_rows import axis_range, clipped, placed, printed_rows
from core.charts.forest_spec import (
    NARROW,
    SELECTION,
    ForestText,
    axes,
    columns_of,
    margins,
    note_lines,
    pitch,
    template,
)
from core.charts.theme import Look
from core.charts.wording import ratio_text

__all__ = ["SELECTION", "ForestText", "describe", "forest_figure"]

STEP = 8
"""Margins are multiples of so many pixels: the next patients' are mostly the same ones."""


def forest_figure(
    table: pd.DataFrame,
    look: Look | None = None,
    *,
    simulated: bool,
    name: str,
    about: str,
    text: ForestText | None = None,
    tests: pd.DataFrame | None = None,
    heading: tuple[str, ...] = (),
    selectable: bool = False,
) -> Figure:
    """Draw ``table``, a row per estimate in display order.

    Columns: label, hazard_ratio, ci_lower, ci_upper; and where present group (consecutive rows of
    one group stand under its name), n, events, p_value, q_value, emphasised, summary (a diamond),
    note (a word in place of a missing estimate, else a footnote), key (of a clicked row),
    second_hazard_ratio, second_ci_lower, second_ci_upper (such as the shrunken estimate). An
    interval without an estimate is dashed. Squares have areas in proportion to the inverse
    variance of the log ratio.

    ``tests``: p_value and q_value of whole groups, indexed by group, printed beside its name.
    ``about`` says in words what the figure shows; ``selectable`` makes rows with a key clickable.
    """
    look, text = look or Look(), text or ForestText()
    rows, notes = printed_rows(table, tests)
    low, high = axis_range(rows)
    columns = columns_of(rows)
    data = {
        "rows": rows | clipped(rows, low, high) | placed(rows),
        "notes": note_lines(notes),
    }
    spec = dict(template(look, text, columns, simulated, selectable))
    left, right = (STEP * np.ceil(m / STEP) for m in margins(rows, columns, look, text))
    spec["height"] = float(np.ceil(pitch(look, columns) * len(rows["label"])))
    spec["params"] = [
        # Beneath a minimal width the scale takes all of it; see the module.
        {"name": "narrow", "expr": f"width < {NARROW * look.unit:.0f}"},
        {"name": "from", "expr": f"narrow ? 6 : {left:.0f}"},
        {"name": "to", "expr": f"width - (narrow ? 6 : {right:.0f})"},
    ]
    spec["layer"] = [axes(look, text, len(rows["label"]), low, high), *spec["layer"]]
    if heading:
        spec["title"] = {"text": heading[0], "subtitle": list(heading[1:])}
    return Figure(name, spec, data, describe(table, about))


def describe(table: pd.DataFrame, about: str) -> str:
    """The figure in words, with its numbers; the first forty rows of a long one."""
    groups = table["group"] if "group" in table else [""] * len(table)
    columns = (groups, *(table[c] for c in ("label", "hazard_ratio", "ci_lower", "ci_upper")))
    rows = [row for row in zip(*columns, strict=True) if not np.isnan(row[2])]
    parts = [
        (f"{group}: " if group else "") + f"{label} {ratio_text(*interval)}"
        for group, label, *interval in rows[:40]
    ]
    more = f"; and {len(rows) - 40} more" if len(rows) > 40 else ""
    return f"{about}. {'; '.join(parts) or 'No estimate'}{more}."
