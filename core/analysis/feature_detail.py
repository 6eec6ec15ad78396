"""One feature by tumour type and arm, as few numbers as draw it: densities, quartiles, n."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.analysis.immune_panels import Member
from core.analysis.immunity import PanelComparison
from core.model import BadInput

Floats = npt.NDArray[np.float64]

ALL_TYPES = "All types"
MIN_DENSITY = 10
"""Patients from which an arm is drawn as a density; fewer are drawn as points."""

MOST_TYPES = 20
"""Tumour types that a feature is drawn in: those with most mutant patients."""

GRID = 48
LOG_UNITS = ("mutations per Mb", "count", "reads", "reads per million")
"""Units whose values span orders of magnitude: drawn, and smoothed, on a log2(x + 1) axis."""


@dataclass(frozen=True)
class FeatureDetail:
    """A feature's distribution in each tumour type; the first row is all types together.

    boxes: tumor_type, group, n, q05, q25, median, q75, q95 (NaN without a patient)
    densities: tumor_type, group, value, density (1 at the row's peak); arms of MIN_DENSITY or more
    points: tumor_type, group, value; arms with fewer
    types: tumor_type, rank_biserial (NaN where an arm is small), n_mutant, n_wild_type: row order,
        most mutant patients first
    """

    member: Member
    title: str
    order: tuple[str, str]
    log: bool
    boxes: pd.DataFrame
    densities: pd.DataFrame
    points: pd.DataFrame
    types: pd.DataFrame


def feature_detail(result: PanelComparison, key: str, most: int = MOST_TYPES) -> FeatureDetail:
    """The distribution of the member ``key`` in the ``most`` types with most mutant patients.

    Raises BadInput for a member that has no values.
    """
    member = result.member(key)
    if member is None:
        raise BadInput(
            f"The panel has no values of {key!r}.",
            expected="one of " + ", ".join(result.table["name"].head(8)),
            found=key,
            remedy="Choose a feature of the figure.",
        )
    values = result.values_of(key)
    known = np.isfinite(values)
    v, group = values[known], result.rows.group.to_numpy()[known]
    kinds = result.rows.tumor_type.to_numpy()[known]
    types = _types(result, key, most)
    log = member.unit in LOG_UNITS
    boxes: list[dict[str, object]] = []
    densities, points = _Long("value", "density"), _Long("value")
    in_arm = {g: group == g for g in result.order}
    codes, labels = pd.factorize(kinds)
    code = {label: i for i, label in enumerate(labels)}
    for kind in types.tumor_type:
        here = slice(None) if kind == ALL_TYPES else np.flatnonzero(codes == code[kind])
        for arm, inside in in_arm.items():
            sample = v[here][inside[here]]
            boxes.append({"tumor_type": kind, "group": arm, **_quantiles(sample)})
            if sample.size >= MIN_DENSITY:
                densities.add(kind, arm, *smoothed(sample, log=log))
            else:
                points.add(kind, arm, sample)
    return FeatureDetail(
        member, result.title, result.order, log, pd.DataFrame(boxes), densities.frame(),
        points.frame(), types,
    )  # fmt: skip


class _Long:
    """Rows of tumor_type, group and numbers, gathered an arm at a time."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.kinds: list[str] = []
        self.arms: list[str] = []
        self.numbers: list[tuple[Floats, ...]] = []

    def add(self, kind: str, arm: str, *numbers: Floats) -> None:
        if numbers[0].size:
            self.kinds.append(kind)
            self.arms.append(arm)
            self.numbers.append(numbers)

    def frame(self) -> pd.DataFrame:
        if not self.numbers:
            return pd.DataFrame(columns=["tumor_type", "group", *self.names])
        length = [columns[0].size for columns in self.numbers]
        each = zip(self.names, zip(*self.numbers, strict=True), strict=True)
        return pd.DataFrame(
            {
                "tumor_type": np.repeat(np.array(self.kinds, dtype=object), length),
                "group": np.repeat(np.array(self.arms, dtype=object), length),
                **{name: np.concatenate(parts) for name, parts in each},
            }
        )


def smoothed(sample: Floats, *, log: bool) -> tuple[Floats, Floats]:
    """A Gaussian kernel density on a grid, 1 at its peak (Silverman's bandwidth, binned).

    ``log``: smoothed on log2(x + 1); the grid is returned in the sample's own unit. It ends at
    the smallest and the largest value: no density where nothing can be.
    """
    x = np.log2(np.maximum(sample, 0) + 1) if log else sample
    low, high = float(x.min()), float(x.max())
    if high <= low:
        return np.array([sample[0]]), np.ones(1)
    quarter, three = np.quantile(x, (0.25, 0.75))
    spread = min(float(x.std(ddof=1)), (three - quarter) / 1.34 or np.inf)
    width = max(0.9 * spread * x.size**-0.2, (high - low) / (2 * GRID))
    fine = 8 * GRID
    counts, edges = np.histogram(x, bins=fine, range=(low, high))
    middle = (edges[1:] + edges[:-1]) / 2
    grid = np.linspace(low, high, GRID)
    density = np.exp(-0.5 * ((grid[:, None] - middle) / width) ** 2) @ counts
    return (np.exp2(grid) - 1 if log else grid), density / density.max()


def _quantiles(sample: Floats) -> dict[str, float]:
    names = ("q05", "q25", "median", "q75", "q95")
    found = np.quantile(sample, (0.05, 0.25, 0.5, 0.75, 0.95)) if sample.size else [np.nan] * 5
    return {"n": sample.size, **dict(zip(names, found, strict=True))}


def _types(result: PanelComparison, key: str, most: int) -> pd.DataFrame:
    own = result.by_type[result.by_type.key == key]
    own = own.sort_values(["n_mutant", "n_wild_type"], ascending=False).head(most)
    whole = result.table.loc[key]
    first = pd.DataFrame(
        {
            "tumor_type": [ALL_TYPES],
            "n_mutant": [whole.n_mutant],
            "n_wild_type": [whole.n_wild_type],
            "rank_biserial": [whole.naive_rank_biserial],
        }
    )
    return pd.concat([first, own.drop(columns="key")], ignore_index=True)
