"""Wilcoxon and van Elteren tests of a whole panel of features at once.

For tens of features over thousands of patients, such as 30 immune scores over TCGA: each row is
sorted once, and both tests read the sorted row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.stats.multiple import benjamini_hochberg
from core.stats.rank_order import RankOrders, rank_orders
from core.stats.rank_pairs import (
    Floats,
    Pairs,
    Sample,
    check_group,
    check_values,
    lengths_differ,
    pair_sums,
)
from core.stats.wilcoxon import RankSumTest, VanElterenTest, compare_pairs, compare_sorted

Ints = npt.NDArray[np.int64]

COLUMNS = (
    "n_group",
    "n_reference",
    "median_group",
    "median_reference",
    "u_statistic",
    "p_value",
    "q_value",
    "method",
    "shift",
    "shift_ci_lower",
    "shift_ci_upper",
    "auc",
    "auc_ci_lower",
    "auc_ci_upper",
    "rank_biserial",
)
STRATIFIED_COLUMNS = (
    "stratified_n_group",
    "stratified_n_reference",
    "strata",
    "stratified_z",
    "stratified_p_value",
    "stratified_q_value",
    "stratified_auc",
    "stratified_auc_ci_lower",
    "stratified_auc_ci_upper",
)


@dataclass(frozen=True, eq=False)
class RankPanel:
    """One row per feature, in the order given; indexed by ``feature``.

    ``frame`` has :data:`COLUMNS`, with strata also :data:`STRATIFIED_COLUMNS`. The q-values are
    Benjamini-Hochberg's over the features of the panel that could be tested. ``cells``: what each
    stratum says, None without strata.
    """

    frame: pd.DataFrame
    confidence: float
    warnings: tuple[str, ...] = ()
    cells: StratumCells | None = None


@dataclass(frozen=True, eq=False)
class StratumCells:
    """Features x strata, in the order of ``labels``."""

    labels: npt.NDArray[np.generic]
    """Strata in order of appearance."""
    n_group: Floats
    n_reference: Floats
    u: Floats
    """Pairs of a patient of each arm in which the group's value is higher; ties count one half."""

    @property
    def rank_biserial(self) -> Floats:
        """2 AUC - 1 in each stratum; NaN where an arm is empty."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return 2 * self.u / (self.n_group * self.n_reference) - 1


def rank_panel(
    values: npt.ArrayLike,
    group: npt.ArrayLike,
    *,
    strata: npt.ArrayLike | None = None,
    features: Sequence[str] | None = None,
    confidence: float = 0.95,
    shift: bool = True,
    orders: RankOrders | None = None,
) -> RankPanel:
    """Compare ``group`` 1/True with 0/False in every row of ``values`` (features x patients).

    NaN in ``values`` leaves the patient out of that feature only; a missing group leaves the
    patient out of all, a missing stratum out of the stratified test. ``shift`` False saves the
    Hodges-Lehmann estimates. ``orders``: those of these values and strata, where they are had
    already. Raises BadInput as ``rank_sum`` does.
    """
    matrix, arm = np.atleast_2d(np.asarray(values, dtype=float)), np.asarray(group, dtype=float)
    if matrix.shape[1] != arm.size:
        raise lengths_differ(arm.size, matrix.shape[1])
    check_values(matrix)
    check_group(arm)
    names = [str(k) for k in range(matrix.shape[0])] if features is None else list(features)
    if len(names) != matrix.shape[0]:
        raise lengths_differ(len(names), matrix.shape[0])
    labels = None if strata is None else np.asarray(strata)
    if labels is not None and labels.size != arm.size:
        raise lengths_differ(labels.size, arm.size)
    ranked = orders or rank_orders(matrix, labels)
    plain = [
        compare_sorted(_sample(row, arm, order), confidence=confidence, shift=shift)
        for row, order in zip(matrix, ranked.by_value, strict=True)
    ]
    sums: list[Pairs] = []
    if labels is not None:
        sums = [
            pair_sums(_sample(row, arm, order, ranked.stratum))
            for row, order in zip(matrix, ranked.by_stratum, strict=True)
        ]
    within = [compare_pairs(pairs, confidence=confidence) for pairs in sums]
    every: list[VanElterenTest | None] = [*within] if labels is not None else [None] * len(plain)
    rows = [_record(p, s) for p, s in zip(plain, every, strict=True)]
    words = [
        f"{name}: {note}"
        for name, p, s in zip(names, plain, every, strict=True)
        for note in p.warnings + (s.warnings if s else ())
    ]
    columns = COLUMNS + (STRATIFIED_COLUMNS if labels is not None else ())
    frame = pd.DataFrame(rows, index=pd.Index(names, name="feature"), columns=list(columns))
    frame["q_value"] = benjamini_hochberg(frame["p_value"].to_numpy(dtype=float))
    if labels is not None:
        p = frame["stratified_p_value"].to_numpy(dtype=float)
        frame["stratified_q_value"] = benjamini_hochberg(p)
    cells = None if labels is None else _cells(sums, labels, ranked.stratum)
    return RankPanel(frame, confidence, tuple(words), cells)


def _sample(row: Floats, arm: Floats, order: Ints, stratum: Ints | None = None) -> Sample:
    """The patients of ``order`` whose arm is known."""
    own = arm[order]
    if (unknown := np.isnan(own)).any():
        order, own = order[~unknown], own[~unknown]
    of = np.zeros(order.size, dtype=np.int64) if stratum is None else stratum[order]
    return Sample(row[order], own == 1, of)


def _cells(sums: list[Pairs], labels: npt.NDArray[np.generic], stratum: Ints) -> StratumCells:
    present = np.flatnonzero(stratum >= 0)
    first = present[np.unique(stratum[present], return_index=True)[1]]
    found = np.zeros((3, len(sums), first.size))
    for i, pairs in enumerate(sums):
        found[:, i, : pairs.u.size] = pairs.group, pairs.reference, pairs.u
    return StratumCells(labels[first], *found)


def _record(plain: RankSumTest, stratified: VanElterenTest | None) -> dict[str, object]:
    """One row of the frame."""
    record: dict[str, object] = {**vars(plain), "rank_biserial": plain.rank_biserial}
    if stratified is not None:
        found = dict(vars(stratified))
        record["strata"] = found.pop("strata")
        record |= {f"stratified_{name}": value for name, value in found.items()}
    return record
