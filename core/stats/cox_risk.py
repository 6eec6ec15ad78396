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

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

_DENSE = 0.05
"""Share of rows that are event times from which cumulative sums beat sums of segments."""
_LONG = 4096
"""Rows of a stratum from which cumulative sums in blocks beat ``np.cumsum``."""
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
    labels: tuple[object, ...] = field(repr=False, default=())
    """Labels of the strata, by code; empty without strata."""

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
        """The same patients with some of the covariates; keeps what is laid out."""
        x, mean, scale = self.x[columns], self.mean[columns], self.scale[columns]
        some = replace(self, x=x, mean=mean, scale=scale)
        some.__dict__.update({k: v for k, v in self.__dict__.items() if k not in some.__dict__})
        return some

    # ---------------------------------------------------------------- laid out once, used often

    @cached_property
    def runs(self) -> list[tuple[slice, slice]]:
        """Rows and groups of each stratum with an event, rows up to the end of its last group."""
        groups = self.group_bounds.tolist()
        ends = self.group_end[self.group_bounds[1:] - 1].tolist() if self.n_groups else []
        rows = self.row_bounds.tolist()
        return [
            (slice(rows[s], ends[s]), slice(groups[s], groups[s + 1]))
            for s in range(len(rows) - 1)
            if groups[s] < groups[s + 1]
        ]

    @cached_property
    def _pieces(self) -> tuple[Index, Index, Index, Array]:
        """Rows cut where a group's rows, its deaths, or the rows of no group begin: the cuts; the
        piece of each group's deaths; its first piece, and 1 where that is another one."""
        first, deaths = np.append(0, self.group_end[:-1]), self.group_end - self.deaths
        first[[groups.start for _, groups in self.runs]] = [rows.start for rows, _ in self.runs]
        cuts = np.unique(np.concatenate([first, deaths, self.group_end]))
        cuts = cuts[: np.searchsorted(cuts, self.n)]
        first, deaths = np.searchsorted(cuts, first), np.searchsorted(cuts, deaths)
        return cuts, deaths, first, (first < deaths).astype(float)

    @cached_property
    def event_weight(self) -> Array:
        """Case weight of each row with an event, 0 of the others."""
        return self.event.astype(float) if self.weights is None else self.event * self.weights

    @cached_property
    def denominator_start(self) -> Index:
        """The first denominator of each group, of which Efron has one per death."""
        return np.cumsum(self.deaths) - self.deaths

    @cached_property
    def fraction(self) -> Array:
        """j / m of each denominator; empty where no group needs Efron's correction."""
        if not len(self.tied):
            return np.zeros(0)
        index = np.arange(len(self.death_rows)) - self.denominator_start[self.death_group]
        return np.asarray(index / self.deaths[self.death_group])

    @cached_property
    def denominator_weight(self) -> Array:
        """omega of each denominator."""
        return self.omega[self.death_group] if len(self.tied) else self.omega

    @cached_property
    def tied_place(self) -> Index:
        """Where among the tied groups each death's group stands; one past them if not tied."""
        place = np.full(self.n_groups, len(self.tied), dtype=np.intp)
        place[self.tied] = np.arange(len(self.tied))
        return place[self.death_group]

    @cached_property
    def _tied_bounds(self) -> Index:
        """First row of the deaths of each tied group and the row after them, by turns."""
        ends = self.group_end[self.tied]
        bounds = np.stack([ends - self.deaths[self.tied], ends], axis=1).ravel()
        return bounds[:-1] if bounds.size and bounds[-1] == self.n else bounds

    # ---------------------------------------------------------------- sums over risk sets

    def sums(self, v: Array) -> tuple[Array, Array]:
        """Sums of ``v`` (..., rows) over each group's risk set, and over each tied group's deaths:
        (..., groups) and (..., tied groups)."""
        if self.n_groups > _DENSE * self.n:
            running = np.empty_like(v)
            for rows, _ in self.runs:
                _prefix_sums(v[..., rows], running[..., rows])
            at_risk = running.take(self.group_end - 1, axis=-1)
            of_deaths = self._tied_sums(v)
        else:
            cuts, deaths, first, other = self._pieces
            pieces = np.add.reduceat(v, cuts, axis=-1) if len(cuts) else v[..., :0]
            of_deaths = pieces.take(deaths, axis=-1)
            added = of_deaths + pieces.take(first, axis=-1) * other
            at_risk = np.empty_like(added)
            for _, own in self.runs:
                added[..., own].cumsum(axis=-1, out=at_risk[..., own])
            of_deaths = of_deaths.take(self.tied, axis=-1)
        if self.entered is not None:
            at_risk -= self._not_entered_sums(v)
        return at_risk, of_deaths

    def _tied_sums(self, v: Array) -> Array:
        if not len(self.tied):
            return v[..., :0]
        return np.asarray(np.add.reduceat(v, self._tied_bounds, axis=-1)[..., ::2])

    def _not_entered_sums(self, v: Array) -> Array:
        assert self.entered is not None
        by_entry, count, _ = self.entered
        out = np.zeros((*v.shape[:-1], self.n_groups))
        for s in range(self.n_strata):
            a, b = self.row_bounds[s], self.row_bounds[s + 1]
            g = slice(self.group_bounds[s], self.group_bounds[s + 1])
            part = v[..., by_entry[a:b]]
            sums = _prefix_sums(part, np.empty_like(part))
            late = np.flatnonzero(count[g] > 0)
            out[..., g.start + late] = sums[..., count[g][late] - 1]
        return out

    def accumulate(self, per_group: Array, spared: Array | None = None) -> Array:
        """Sum of ``per_group`` (..., groups) over the groups at which each row is at risk.

        ``spared`` is the part of a group's value that its own deaths do not meet.
        """
        k = self.n_groups
        total = np.zeros((*per_group.shape[:-1], k + 1 if spared is None else 2 * k + 1))
        for _, g in self.runs:
            per_group[..., g][..., ::-1].cumsum(axis=-1, out=total[..., g][..., ::-1])
        if spared is not None:
            np.subtract(total[..., :k], spared, out=total[..., k + 1 :])
        out = total.take(self.block if spared is None else self._block_or_own, axis=-1)
        if self.entered is not None:
            out -= total[..., self.entered[2]]
        return out

    @cached_property
    def _block_or_own(self) -> Index:
        """``block``, moved on by the number of groups and one for the deaths."""
        return self.block + self.event * (self.n_groups + 1)


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
    labels: tuple[object, ...] = (),
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
    death_group = np.cumsum(new) - 1
    deaths = np.bincount(death_group)
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

    xs = np.ascontiguousarray(x.take(order, axis=0).T)
    mean = xs.mean(axis=1) if n else np.zeros(len(xs))
    xs -= mean[:, None]
    scale = np.sqrt(np.einsum("ij,ij->i", xs, xs) / max(n, 1))
    scale[scale <= 1e-13 * np.abs(mean)] = 0.0
    if not scale.all():
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
        labels=labels,
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


def _prefix_sums(v: Array, out: Array) -> Array:
    """Cumulative sums along the last axis: a triangular product in blocks, then the blocks.

    ``np.cumsum`` waits for each addition; where rows are many this is twice as fast, and rounds
    less.
    """
    n = v.shape[-1]
    if n < _LONG:
        return v.cumsum(axis=-1, out=out)
    whole = n // _BLOCK * _BLOCK
    blocks = v[..., :whole].reshape(*v.shape[:-1], -1, _BLOCK) @ _TRIANGLE
    blocks[..., 1:, :] += np.cumsum(blocks[..., -1], axis=-1)[..., :-1, None]
    out[..., :whole] = blocks.reshape(*v.shape[:-1], whole)
    if whole < n:
        np.cumsum(v[..., whole:], axis=-1, out=out[..., whole:])
        out[..., whole:] += out[..., whole - 1, None]
    return out


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
