"""What every survival estimator accepts, checked once: follow-up times, events, entry, weights.

The rules, so that each estimator answers bad input in the same way:

* a missing time, event, entry, weight (or group, stratum, score) leaves the patient out, and the
  result's warnings say how many;
* an infinite or negative time, an event other than 0/1, a negative or infinite weight, or columns
  of unequal length are errors;
* a patient whose entry is not before the end of follow-up was never at risk and is left out with
  a warning (R's ``Surv`` makes the same rows missing). Without entry times, time 0 stays in: that
  patient counts as at risk at 0;
* times that differ only by rounding are made equal, with the rule of R's ``aeqSurv``
  (differences up to ``sqrt(machine epsilon)``, absolute or relative to the mean distinct time).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.model import BadInput, NotEnoughData

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

NEAR_TIE = float(np.sqrt(np.finfo(float).eps))


@dataclass(frozen=True)
class SurvivalData:
    """Checked columns of one length; ``kept`` marks which of the given rows they hold.

    ``order`` sorts the patients by time (ties in no particular order).
    """

    time: FloatArray
    event: BoolArray
    entry: FloatArray | None
    weights: FloatArray | None
    order: IntArray
    kept: BoolArray
    warnings: tuple[str, ...]

    @property
    def n(self) -> int:
        return len(self.time)

    def part(self, rows: BoolArray) -> SurvivalData:
        """The same data for some of the patients."""
        renumbered = np.cumsum(rows) - 1
        kept = self.kept.copy()
        kept[self.kept] = rows
        return SurvivalData(
            self.time[rows],
            self.event[rows],
            None if self.entry is None else self.entry[rows],
            None if self.weights is None else self.weights[rows],
            renumbered[self.order[rows[self.order]]],
            kept,
            self.warnings,
        )

    @property
    def events(self) -> int:
        return int(np.count_nonzero(self.event))


def survival_data(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    *,
    entry: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    others: Sequence[npt.ArrayLike] = (),
    codes: Sequence[IntArray] = (),
) -> SurvivalData:
    """Checks the columns and leaves out the rows where any of them is missing.

    ``others`` are further columns of numbers (scores), ``codes`` those that :func:`coded` makes of
    labels (groups, strata), whose missing values also leave a patient out. Raises
    :class:`BadInput` for values that make no sense and :class:`NotEnoughData` when no patient
    remains.
    """
    t = _numeric(time, "time")
    d = _numeric(event, "event")
    start = None if entry is None else _numeric(entry, "entry")
    w = None if weights is None else _numeric(weights, "weights")
    _same_length(t, event=d, entry=start, weights=w)
    _refuse(t, (t < 0) | np.isinf(t), "time", "finite times, 0 or more")
    _refuse(d, ~((d == 0) | (d == 1) | np.isnan(d)), "event", "1 (event) or 0 (censored)")
    if start is not None:
        _refuse(start, np.isinf(start), "entry", "finite entry times")
    if w is not None:
        _refuse(w, (w < 0) | np.isinf(w), "weights", "finite weights, 0 or more")
    kept = np.ones(len(t), dtype=bool)
    for column in (t, d, start, w, *(np.asarray(other, dtype=float) for other in others)):
        if column is not None:
            _same_length(t, column=column)
            kept &= ~np.isnan(column)
    for column in codes:
        _same_length(t, column=column)
        kept &= column >= 0
    notes = []
    if lost := int(len(t) - np.count_nonzero(kept)):
        notes.append(f"{lost} of {len(t)} patients left out: a value is missing.")
    if start is not None and (never := int(np.count_nonzero(kept & (start >= t)))):
        kept &= ~(start >= t)
        notes.append(f"{never} patients left out: they enter at or after their last follow-up.")
    if not kept.any():
        raise NotEnoughData(
            "No patient has the values that this estimate needs.",
            expected="at least one patient with a time and an event status",
            found=f"{len(t)} rows, none complete",
            remedy="Widen the filters or choose another endpoint.",
        )
    if not kept.all():
        t, d = t[kept], d[kept]
        start = None if start is None else start[kept]
        w = None if w is None else w[kept]
    order = np.argsort(t)
    t, start = merge_near_ties(t, start, order)
    return SurvivalData(t, d.astype(bool), start, w, order, kept, tuple(notes))


def _numeric(values: npt.ArrayLike, name: str) -> FloatArray:
    if isinstance(values, pd.Series) and values.dtype != np.float64:
        values = values.to_numpy(dtype=float, na_value=np.nan)
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"The column {name!r} is not numeric.", expected="numbers", found=str(error)
        ) from error
    if array.ndim != 1:
        raise BadInput(
            f"The column {name!r} has {array.ndim} dimensions.", expected="one value per patient"
        )
    return array


def _same_length(time: FloatArray, **columns: npt.NDArray[Any] | None) -> None:
    for name, column in columns.items():
        if column is not None and len(column) != len(time):
            raise BadInput(
                f"The column {name!r} is not as long as the times.",
                expected=f"{len(time)} values, one per patient",
                found=f"{len(column)} values",
            )


def _refuse(values: FloatArray, wrong: BoolArray, name: str, expected: str) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise BadInput(
            f"{int(np.count_nonzero(wrong))} values of {name!r} make no sense.",
            expected=expected,
            found=f"{values[row]:g} in row {row} (counted from 0)",
            remedy="Correct the rows, or leave them out before the analysis.",
        )


def merge_near_ties(
    time: FloatArray, entry: FloatArray | None = None, order: IntArray | None = None
) -> tuple[FloatArray, FloatArray | None]:
    """Replaces each run of nearly equal times by its smallest (see the module).

    ``order``, where known, sorts ``time``. Missing values stay.
    """
    n = len(time)
    if n == 0:
        return time, entry
    values = time if entry is None else np.concatenate([time, entry])
    if order is None or entry is not None:
        order, ascending = None, np.sort(values)
    else:
        ascending = values[order]
    apart = ascending[1:] - ascending[:-1]
    largest = max(1.0, ascending[-1], -ascending[0])
    if apart[apart > 0].min(initial=np.inf) > NEAR_TIE * largest:
        return time, entry
    step = np.append(np.inf, apart)
    distinct = ascending[step > 0]
    near = step <= NEAR_TIE * max(1.0, float(np.mean(np.abs(distinct))))
    if not (near & (step > 0)).any():
        return time, entry
    snapped = np.empty(len(values))
    order = np.argsort(values) if order is None else order
    snapped[order] = ascending[~near][np.cumsum(~near) - 1]
    return snapped[:n], None if entry is None else snapped[n:]


def coded(
    labels: npt.ArrayLike | pd.Series, order: Sequence[Any] | None = None
) -> tuple[IntArray, list[Any]]:
    """Codes 0..k-1 of the labels, -1 where one is missing, and the k labels.

    The order is ``order`` if given, else that of a categorical column, else sorted; it never
    depends on a locale. Raises :class:`BadInput` for a label that ``order`` does not name.
    """
    if isinstance(labels, pd.Series) and isinstance(labels.dtype, pd.CategoricalDtype):
        raw, found = labels.cat.codes.to_numpy(dtype=np.int64), list(labels.cat.categories)
        order = found if order is None else list(order)
    else:
        if not isinstance(labels, np.ndarray | pd.Series):
            labels = pd.Series(labels)  # a list of text and NaN stays what it is
        raw, distinct = pd.factorize(np.asarray(labels))
        found = list(distinct)
        order = list(pd.factorize(distinct, sort=True)[1]) if order is None else list(order)
    place = {label: code for code, label in enumerate(order)}
    to_code = np.array([*(place.get(label, -2) for label in found), -1])
    codes = to_code[raw]
    if codes.min(initial=0) == -2:
        unknown = [label for label, code in zip(found, to_code, strict=False) if code == -2]
        raise BadInput(
            "A group label is not among the groups to compare.",
            expected=", ".join(map(str, order)),
            found=", ".join(map(str, unknown)),
        )
    return codes, order


def occurring(codes: IntArray, labels: list[Any], kept: BoolArray) -> tuple[IntArray, list[Any]]:
    """Codes of the rows that are ``kept``, and the labels among them, numbered without gaps."""
    codes = codes if kept.all() else codes[kept]
    present = np.bincount(codes, minlength=len(labels)) > 0
    if present.all():
        return codes, labels
    return (np.cumsum(present) - 1)[codes], [labels[i] for i in np.flatnonzero(present)]
