"""Risk sets of the Cox model, laid out so that a likelihood takes no loop over patients.

Rows are sorted by stratum, then by falling time with deaths last among ties, so that the
risk set of an event time is a run of rows that ends with its deaths. One *group* is one
distinct event time of one stratum; groups are numbered in row order. With r = w exp(eta),

* S0, S1 = sums of r and r x over a risk set; D0, D1 = the same over the deaths of a group;
* denominators c_kj = S0_k - (j/m_k) D0_k for j = 0 .. m_k - 1 (Efron; Breslow has j = 0 only);
* A(i) = sum of omega_k / c_kj over the groups at which patient i is at risk, and B_k the
  same sum weighted by j/m_k, which only the deaths of the group subtract;

the score is X'(w d - r (A - d B)) and the information X' diag(r (A - d B)) X minus the sum of
outer products of the risk sets' means (Efron 1977; Therneau and Grambsch 2000, section 3.3).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

_DENSE = 0.05
"""Share of rows that are event times from which cumulative sums beat sums of segments."""
_BLOCK = 16
_TRIANGLE = np.triu(np.ones((_BLOCK, _BLOCK)))


@dataclass(frozen=True, eq=False)
class RiskSets:
    """Sorted data of one Cox model; every array is in sorted order (see the module)."""

    order: Index
    """Position in the caller's arrays of each sorted row."""
    x: Array = field(repr=False)
    """Covariates x rows, centred and scaled: ``(column - mean) / scale``."""
    mean: Array
    scale: Array
    time: Array = field(repr=False)
    event: npt.NDArray[np.bool_] = field(repr=False)
    entry: Array | None = field(repr=False)
    weights: Array | None = field(repr=False)
    offset: Array | None = field(repr=False)
    stratum: Index = field(repr=False)
    """Stratum code of each row, 0 .. number of strata - 1."""
    ties: str
    row_bounds: Index = field(repr=False)
    """Where each stratum's rows begin; one longer than the number of strata."""
    group_bounds: Index = field(repr=False)
    """The same for groups."""
    group_end: Index = field(repr=False)
    """One past the last row of each group's risk set."""
    deaths: Index = field(repr=False)
    """Number of deaths in each group."""
    omega: Array = field(repr=False)
    """Weight of each denominator: mean weight of the deaths (Efron), their sum (Breslow)."""
    block: Index = field(repr=False)
    """First group (in row order) at or before each row's time; number of groups where none."""
    death_rows: Index = field(repr=False)
    death_group: Index = field(repr=False)
    tied: Index = field(repr=False)
    """Groups that need Efron's correction: more than one death and ties = "efron"."""
    entered: tuple[Index, Index, Index] | None = field(repr=False)
    """Rows by falling entry; rows per group not yet entered; first group at or before entry."""

    @property
    def n(self) -> int:
        return len(self.time)

    @property
    def n_groups(self) -> int:
        return len(self.group_end)

    @property
    def group_time(self) -> Array:
        return self.time[self.group_end - 1]

    @property
    def group_stratum(self) -> Index:
        return self.stratum[self.group_end - 1]

    @property
    def n_strata(self) -> int:
        return len(self.row_bounds) - 1

    def unsort(self, rows: Array) -> Array:
        """Rows (first axis) in sorted order -> the caller's order."""
        out = np.empty_like(rows)
        out[self.order] = rows
        return out

    def select(self, columns: Index) -> RiskSets:
        """The same patients with some of the covariates."""
        values = dict(self.__dict__)
        values |= {"x": self.x[columns], "mean": self.mean[columns], "scale": self.scale[columns]}
        return RiskSets(**values)

    # ---------------------------------------------------------------- sums over risk sets

    def at_risk_sums(self, v: Array) -> Array:
        """Sums of ``v`` (..., rows) over each group's risk set: (..., groups)."""
        out = np.empty((*v.shape[:-1], self.n_groups))
        rows, groups = self.row_bounds, self.group_bounds
        dense = self.n_groups > _DENSE * self.n
        for s in range(self.n_strata):
            g = slice(groups[s], groups[s + 1])
            if g.start == g.stop:
                continue
            ends = self.group_end[g]
            part = v[..., rows[s] : ends[-1]]
            if dense:
                out[..., g] = np.take(_prefix_sums(part), ends - 1 - rows[s], axis=-1)
            else:
                starts = np.concatenate(([0], ends[:-1] - rows[s]))
                np.cumsum(np.add.reduceat(part, starts, axis=-1), axis=-1, out=out[..., g])
        if self.entered is not None:
            out -= self._not_entered_sums(v)
        return out

    def _not_entered_sums(self, v: Array) -> Array:
        assert self.entered is not None
        by_entry, count, _ = self.entered
        out = np.zeros((*v.shape[:-1], self.n_groups))
        for s in range(self.n_strata):
            a, b = self.row_bounds[s], self.row_bounds[s + 1]
            g = slice(self.group_bounds[s], self.group_bounds[s + 1])
            sums = _prefix_sums(v[..., by_entry[a:b]])
            late = np.flatnonzero(count[g] > 0)
            out[..., g.start + late] = sums[..., count[g][late] - 1]
        return out

    def tied_sums(self, v: Array) -> Array:
        """Sums of ``v`` (..., rows) over the deaths of each tied group: (..., tied groups)."""
        ends = self.group_end[self.tied]
        bounds = np.stack([ends - self.deaths[self.tied], ends], axis=1).ravel()
        if bounds.size and bounds[-1] == v.shape[-1]:
            bounds = bounds[:-1]
        return (
            np.asarray(np.add.reduceat(v, bounds, axis=-1)[..., ::2]) if bounds.size else v[..., :0]
        )

    def accumulate(self, per_group: Array) -> Array:
        """Sum of ``per_group`` (..., groups) over the groups at which each row is at risk."""
        total = np.zeros((*per_group.shape[:-1], self.n_groups + 1))
        for s in range(self.n_strata):
            g = slice(self.group_bounds[s], self.group_bounds[s + 1])
            total[..., g] = np.cumsum(per_group[..., g][..., ::-1], axis=-1)[..., ::-1]
        out = total[..., self.block]
        if self.entered is not None:
            out -= total[..., self.entered[2]]
        return out


def risk_sets(
    x: Array,
    time: Array,
    event: npt.NDArray[np.bool_],
    *,
    ties: str,
    stratum: Index | None = None,
    entry: Array | None = None,
    weights: Array | None = None,
    offset: Array | None = None,
) -> RiskSets:
    """Sort checked input (``x``: rows x covariates) into :class:`RiskSets`."""
    n = len(time)
    codes = np.zeros(n, dtype=np.intp) if stratum is None else stratum
    order = _order(time, event, stratum)
    t, d, codes = time[order], event[order], codes[order]
    n_strata = int(codes[-1]) + 1 if n else 0
    row_bounds = np.searchsorted(codes, np.arange(n_strata + 1)).astype(np.intp)

    death_rows = np.flatnonzero(d)
    new = np.empty(len(death_rows), dtype=bool)
    new[:1] = True
    td, cd = t[death_rows], codes[death_rows]
    new[1:] = (td[1:] != td[:-1]) | (cd[1:] != cd[:-1])
    starts = np.flatnonzero(new)
    deaths = np.diff(np.append(starts, len(death_rows))).astype(np.intp)
    death_group = np.cumsum(new) - 1
    group_end = (death_rows[starts] + deaths).astype(np.intp)
    group_bounds = np.searchsorted(codes[group_end - 1], np.arange(n_strata + 1)).astype(np.intp)

    w = None if weights is None else weights[order]
    omega = np.bincount(death_group, None if w is None else w[death_rows]).astype(float)
    if ties == "efron":
        omega = omega / deaths
    tied = np.flatnonzero(deaths > 1) if ties == "efron" else np.empty(0, dtype=np.intp)

    at_end = np.zeros(n + 1, dtype=np.intp)
    at_end[group_end] = 1
    block = np.cumsum(at_end[:n])
    for s in range(n_strata):
        last = group_end[group_bounds[s + 1] - 1] if group_bounds[s] < group_bounds[s + 1] else 0
        block[max(last, row_bounds[s]) : row_bounds[s + 1]] = len(group_end)

    xs = np.take(x.T, order, axis=1)
    mean = xs.mean(axis=1) if n else np.zeros(len(xs))
    xs -= mean[:, None]
    scale = np.sqrt(np.einsum("ij,ij->i", xs, xs) / max(n, 1))
    scale[scale <= 1e-13 * np.abs(mean)] = 0.0
    xs[scale == 0.0] = 0.0
    scale[scale == 0.0] = 1.0
    xs /= scale[:, None]
    entered = None
    if entry is not None:
        entered = _entries(entry[order], t[group_end - 1], codes, row_bounds, group_bounds)
    return RiskSets(
        order=order,
        x=xs,
        mean=mean,
        scale=scale,
        time=t,
        event=d,
        entry=None if entry is None else entry[order],
        weights=w,
        offset=None if offset is None else offset[order],
        stratum=codes,
        ties=ties,
        row_bounds=row_bounds,
        group_bounds=group_bounds,
        group_end=group_end,
        deaths=deaths,
        omega=omega,
        block=block,
        death_rows=death_rows,
        death_group=death_group,
        tied=tied,
        entered=entered,
    )


def _order(time: Array, event: npt.NDArray[np.bool_], stratum: Index | None) -> Index:
    """Rows by stratum, falling time, deaths last.

    The bits of a double that is not negative sort as the number does, so that time and event
    make one integer key.
    """
    key = ((time + 0.0).view(np.uint64) << np.uint64(1)) | (~event).astype(np.uint64)
    order = np.argsort(key)[::-1]
    if stratum is not None:
        small = stratum.astype(np.uint16) if stratum.max(initial=0) < 2**16 else stratum
        order = order[np.argsort(small[order], kind="stable")]
    return order


def _prefix_sums(v: Array) -> Array:
    """Cumulative sums along the last axis: a triangular product in blocks, then the blocks.

    ``np.cumsum`` waits for each addition; this is twice as fast and rounds less.
    """
    n = v.shape[-1]
    whole = n // _BLOCK * _BLOCK
    if whole < 2 * _BLOCK:
        return np.asarray(np.cumsum(v, axis=-1))
    blocks = v[..., :whole].reshape(*v.shape[:-1], -1, _BLOCK) @ _TRIANGLE
    blocks[..., 1:, :] += np.cumsum(blocks[..., -1], axis=-1)[..., :-1, None]
    sums = blocks.reshape(*v.shape[:-1], whole)
    if whole == n:
        return np.asarray(sums)
    rest = np.cumsum(v[..., whole:], axis=-1) + sums[..., -1:]
    return np.concatenate((sums, rest), axis=-1)


def _entries(
    entry: Array, group_time: Array, codes: Index, row_bounds: Index, group_bounds: Index
) -> tuple[Index, Index, Index]:
    """Order by falling entry, rows per group still to enter, first group not after entry."""
    by_entry = np.lexsort((-entry, codes))
    count = np.zeros(len(group_time), dtype=np.intp)
    first = np.full(len(entry), len(group_time), dtype=np.intp)
    for s in range(len(row_bounds) - 1):
        rows = slice(row_bounds[s], row_bounds[s + 1])
        groups = slice(group_bounds[s], group_bounds[s + 1])
        falling = -group_time[groups]
        count[groups] = np.searchsorted(np.sort(-entry[rows]), falling, side="right")
        found = groups.start + np.searchsorted(falling, -entry[rows], side="left")
        first[rows] = np.where(found < groups.stop, found, len(group_time))
    return by_entry, count, first
