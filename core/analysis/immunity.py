"""Do mutant tumours differ in a panel of features? As the paper tests it, and fairly (4A, 4D, 5).

Each feature is compared three ways: over all tumours at once (the paper's Wilcoxon test), within
tumour types (van Elteren), and within tumour types at equal tumour mutational burden (regression
of ranks, :mod:`core.stats.rank_regression`). :func:`compare_panel` works on any arrays;
:func:`immunity_question` asks the store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.analysis.immune_panels import Member, Panel, members, panel, values
from core.analysis.result import Result
from core.analysis.survival import MIN_PATIENTS, patients_sentence
from core.analysis.tcga import TUMOR_TYPE
from core.groups import MUTATION_ORDER, Grouping, assign
from core.model import Filters, NotEnoughData, Stratifier
from core.stats.multiple import benjamini_hochberg
from core.stats.rank_order import RankOrders, ascending_orders, orders_of_some, rank_orders
from core.stats.rank_panel import COLUMNS, STRATIFIED_COLUMNS, StratumCells, rank_panel
from core.stats.rank_regression import rank_regression
from core.stats.spline import restricted_cubic
from core.store import Store, sentence

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Columns = dict[str, Any]
"""Columns of a table by name, an entry per member."""

TMB_KNOTS = (0.05, 0.275, 0.5, 0.725, 0.9, 0.975, 0.995)
"""Quantiles of log2(TMB + 1) at which the spline bends: close in the upper tail, where a gene's
mutations gather. With Harrell's five knots, or with thirds of TMB in the place of a spline, a
feature that follows TMB alone is still found in mutant tumours (tests/analysis)."""

MIN_CELL = 5
"""Patients in each arm of a tumour type from which its own difference is shown."""

SIGNIFICANT = 0.05
"""The q-value below which a sentence counts a feature as different."""


@dataclass(frozen=True, eq=False)
class PanelComparison(Result):
    """What a panel's figures show: ``order[1]`` (*mutant* below) against ``order[0]``.

    table: a row per member with values, indexed by key: name, section, unit, centred, n_mutant,
        n_wild_type, n_types, median_mutant, median_wild_type, shift, shift_ci_lower,
        shift_ci_upper (Hodges-Lehmann, in the unit; NaN where levels mean nothing); and for each
        of naive, stratified, adjusted: X_rank_biserial, X_ci_lower, X_ci_upper, X_p_value,
        X_q_value (NaN: withheld or not to be had), X_n_mutant
    by_type: key, tumor_type, n_mutant, n_wild_type, rank_biserial (NaN below MIN_CELL)
    lacking: name, source (the file that would bring it), adds, held (by the store, of other
        patients); members without any value
    rows: patient_key, patient_id, tumor_type (the study's own; None: not known, and then in no
        comparison within types), tmb_per_mb, group; values: members x rows
    """

    panel: Panel
    title: str
    order: tuple[str, str]
    members: tuple[Member, ...]
    table: pd.DataFrame
    by_type: pd.DataFrame
    lacking: pd.DataFrame
    rows: pd.DataFrame
    values: Floats
    flow: pd.DataFrame
    sentence: str
    methods: str
    warnings: tuple[str, ...]

    def member(self, key: str) -> Member | None:
        """The member with values that is called ``key``."""
        return next((m for m in self.members if m.key == key), None)

    def values_of(self, key: str) -> Floats:
        """A member's values in the order of ``rows``."""
        return self.values[[m.key for m in self.members].index(key)]

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """The rows of ``table`` as plain values, for what is written of them one by one."""
        names = [str(c) for c in self.table]
        columns = [self.table[c].tolist() for c in names]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    def export(self) -> pd.DataFrame:
        """``rows`` with a column per member."""
        named = {m.key: self.values[i] for i, m in enumerate(self.members)}
        return pd.concat([self.rows, pd.DataFrame(named, index=self.rows.index)], axis=1)


@dataclass(frozen=True)
class Question:
    """The words of a comparison that its numbers do not need."""

    title: str
    order: tuple[str, str] = (MUTATION_ORDER[0], MUTATION_ORDER[-1])
    """The reference, and the group that is compared with it."""
    sentence: str = ""
    flow: pd.DataFrame = field(default_factory=lambda: pd.DataFrame())
    lacking: pd.DataFrame = field(default_factory=lambda: _no_lacking())
    missing_sources: frozenset[str] = frozenset()
    """Files that the store was built without."""


def immunity_question(
    store: Store, filters: Filters, stratifier: Stratifier, key: str
) -> PanelComparison:
    """Compare the panel called ``key`` in the patients that ``filters`` keep (TCGA's).

    Raises NotEnoughData without a patient in both arms, or where the store lacks every member.
    """
    return compare_values(store, filters, stratifier, panel_values(store, key))


@dataclass(frozen=True, eq=False)
class PanelValues:
    """A panel's members and their values (members x patients of the store, by patient_key)."""

    panel: Panel
    members: tuple[Member, ...]
    values: Floats

    @cached_property
    def by_value(self) -> list[Ints]:
        """Each member's patients in the order of its values: sorted once, whatever the filters."""
        return ascending_orders(self.values)


def panel_values(store: Store, key: str) -> PanelValues:
    """What the store holds of the panel called ``key``, whatever the filters: read once a build."""
    chosen = panel(key)
    everything = members(store, chosen)
    return PanelValues(chosen, tuple(everything), values(store, everything))


def compare_values(
    store: Store, filters: Filters, stratifier: Stratifier, held: PanelValues
) -> PanelComparison:
    """:func:`immunity_question` of values that have been read, or made, already."""
    chosen, everything = held.panel, held.members
    frame = store.patients(filters)
    grouping = assign(store, frame, stratifier)
    names = store.cohort_names()
    words = patients_sentence(sentence(filters, cohort_names=names), frame, grouping)
    rows = grouped_patients(frame, grouping, words)
    matrix = held.values[:, rows.patient_key]
    known: npt.NDArray[np.bool_] = np.asarray(np.isfinite(matrix).any(axis=1))
    lacking = _lacking(store, [m for m, k in zip(everything, known, strict=True) if not k])
    if not known.any():
        raise NotEnoughData(
            f"Nothing of the panel “{chosen.title}” is known of these patients.",
            expected=f"values of {', '.join(m.name for m in list(everything)[:4])}",
            found=f"none; {words}",
            remedy="Widen a filter: other tumours have values."
            if lacking.held.all()
            else bring(lacking),
        )
    some = np.asarray(np.isfinite(matrix).any(axis=0))
    flow = panel_flow(store.attrition(filters), grouping, some, "no value of the panel")
    return compare_panel(
        [m for m, k in zip(everything, known, strict=True) if k],
        matrix[known],
        rows,
        panel=chosen,
        by_value=orders_of_some(
            [o for o, k in zip(held.by_value, known, strict=True) if k],
            rows.patient_key.to_numpy(np.int64),
            store.n_patients,
        ),
        question=Question(
            grouping.title, two_groups(grouping), words, flow, lacking, _missing(store)
        ),
    )


def compare_panel(
    rows_of: Sequence[Member],
    matrix: Floats,
    rows: pd.DataFrame,
    *,
    panel: Panel,
    question: Question,
    by_value: Sequence[Ints] | None = None,
) -> PanelComparison:
    """Compare members x patients: ``rows`` has group, tumor_type, tmb_per_mb a patient.

    ``by_value``: the order of each member's values, where it is known already.
    """
    keys = [m.key for m in rows_of]
    arm = (rows.group == question.order[1]).to_numpy().astype(np.float64)
    kinds = rows.tumor_type.to_numpy()
    levels = not all(m.centred for m in rows_of)
    orders = rank_orders(matrix, kinds, by_value=by_value)
    ranked = rank_panel(matrix, arm, strata=kinds, features=keys, shift=levels, orders=orders)
    assert ranked.cells is not None
    cells, n_types = _cells(keys, ranked.cells)
    tmb = rows.tmb_per_mb.to_numpy(float)
    held = tmb if panel.adjusts_for_tmb else np.full(tmb.size, np.nan)
    columns = _of_members(rows_of, n_types) | _naive(ranked.frame) | _stratified(ranked.frame)
    columns |= _adjusted(keys, matrix, arm, kinds, held, orders)
    table = pd.DataFrame(_with_q(columns), index=pd.Index(keys, name="key"))
    return PanelComparison(
        panel=panel,
        title=question.title,
        order=question.order,
        members=tuple(rows_of),
        table=table,
        by_type=cells,
        lacking=question.lacking,
        rows=rows,
        values=matrix,
        flow=question.flow,
        sentence=question.sentence,
        methods=_methods(panel),
        warnings=_warnings(table, cells, rows, _more(rows_of, question.missing_sources)),
    )


# -- the three tests -------------------------------------------------------------------


def _of_members(rows_of: Sequence[Member], n_types: npt.NDArray[np.intp]) -> Columns:
    return {
        "name": [m.name for m in rows_of],
        "section": [m.section for m in rows_of],
        "unit": [m.unit for m in rows_of],
        "centred": np.array([m.centred for m in rows_of], dtype=bool),
        "n_types": n_types,
    }


def _naive(frame: pd.DataFrame) -> Columns:
    f = {name: frame[name].to_numpy() for name in COLUMNS if name != "method"}
    return {
        "n_mutant": f["n_group"],
        "n_wild_type": f["n_reference"],
        "median_mutant": f["median_group"],
        "median_wild_type": f["median_reference"],
        "shift": f["shift"],
        "shift_ci_lower": f["shift_ci_lower"],
        "shift_ci_upper": f["shift_ci_upper"],
        "naive_n_mutant": f["n_group"],
        "naive_rank_biserial": f["rank_biserial"],
        "naive_ci_lower": 2 * f["auc_ci_lower"] - 1,
        "naive_ci_upper": 2 * f["auc_ci_upper"] - 1,
        "naive_p_value": f["p_value"],
    }


def _stratified(frame: pd.DataFrame) -> Columns:
    f = {name: frame[name].to_numpy() for name in STRATIFIED_COLUMNS}
    return {
        "stratified_n_mutant": f["stratified_n_group"],
        "stratified_rank_biserial": 2 * f["stratified_auc"] - 1,
        "stratified_ci_lower": 2 * f["stratified_auc_ci_lower"] - 1,
        "stratified_ci_upper": 2 * f["stratified_auc_ci_upper"] - 1,
        "stratified_p_value": f["stratified_p_value"],
    }


def _with_q(columns: Columns) -> Columns:
    """No shift where levels mean nothing, no p-value of a small arm, and each test's q-values."""
    out = dict(columns)
    for name in ("shift", "shift_ci_lower", "shift_ci_upper"):
        out[name] = np.where(columns["centred"], np.nan, columns[name])
    few = columns["n_wild_type"] < MIN_PATIENTS
    for lead in ("naive", "stratified", "adjusted"):
        small = (columns[f"{lead}_n_mutant"] < MIN_PATIENTS) | few
        p = np.where(small, np.nan, columns[f"{lead}_p_value"])
        out |= {f"{lead}_p_value": p, f"{lead}_q_value": benjamini_hochberg(p)}
    return out


def _adjusted(
    keys: list[str],
    matrix: Floats,
    arm: Floats,
    kinds: npt.NDArray[np.object_],
    tmb: Floats,
    orders: RankOrders,
) -> Columns:
    """The regression of places within tumour type on the arm and a spline of TMB."""
    known = np.isfinite(tmb)
    numbers = ("rank_biserial", "ci_lower", "ci_upper", "p_value")
    if not known.any():
        none = {f"adjusted_{c}": np.full(len(keys), np.nan) for c in numbers}
        return {**none, "adjusted_n_mutant": np.zeros(len(keys), dtype=np.int64)}
    basis = tmb_basis(tmb[known])
    x = np.full((tmb.size, basis.shape[1]), np.nan)
    x[known] = basis
    found = rank_regression(matrix, arm, kinds, x, features=keys, orders=orders).frame
    few = found[["n_group", "n_reference"]].to_numpy().min(axis=1) < MIN_PATIENTS
    kept = {f"adjusted_{c}": np.where(few, np.nan, found[c].to_numpy()) for c in numbers}
    return {"adjusted_n_mutant": found["n_group"].to_numpy(), **kept}


def tmb_basis(tmb: Floats) -> Floats:
    """Columns of a restricted cubic spline of log2(TMB + 1); linear where TMB has few values."""
    x = np.log2(tmb + 1)
    knots = np.unique(np.quantile(x, TMB_KNOTS))
    return restricted_cubic(x, knots.tolist()) if knots.size > 2 else x[:, None]


def _cells(keys: list[str], cells: StratumCells) -> tuple[pd.DataFrame, npt.NDArray[np.intp]]:
    """Each member in each tumour type that has a value: n of the arms and rank-biserial; and in
    how many types that is."""
    order = np.argsort(cells.labels)
    mutant, other = cells.n_group[:, order], cells.n_reference[:, order]
    enough = (mutant >= MIN_CELL) & (other >= MIN_CELL)
    effect = np.where(enough, cells.rank_biserial[:, order], np.nan)
    of, kind = np.nonzero(mutant + other)
    frame = pd.DataFrame(
        {
            "key": np.asarray(keys, dtype=object)[of],
            "tumor_type": cells.labels[order][kind],
            "n_mutant": mutant[of, kind].astype(int),
            "n_wild_type": other[of, kind].astype(int),
            "rank_biserial": effect[of, kind],
        }
    )
    return frame, np.bincount(of, minlength=len(keys))


# -- who, and what is missing ----------------------------------------------------------


def two_groups(grouping: Grouping) -> tuple[str, str]:
    """The reference and the last group: the two that a panel compares."""
    return grouping.order[0], grouping.order[-1]


def grouped_patients(frame: pd.DataFrame, grouping: Grouping, words: str) -> pd.DataFrame:
    """The patients of both arms. Raises NotEnoughData where one arm is empty."""
    order = two_groups(grouping)
    labels = grouping.labels.to_numpy(object)
    arms = {g: labels == g for g in order}
    kept = np.flatnonzero(np.logical_or.reduce(list(arms.values())))
    columns = {
        "patient_key": "patient_key",
        "patient_id": "patient_id",
        "tumor_type": TUMOR_TYPE,
        "tmb_per_mb": "tmb_per_mb",
    }
    rows = pd.DataFrame({name: frame[c].to_numpy()[kept] for name, c in columns.items()})
    rows["group"] = labels[kept]
    counts = {g: int(arm.sum()) for g, arm in arms.items()}
    if not all(counts.values()):
        raise NotEnoughData(
            "There are not two groups of tumours to compare.",
            expected="TCGA tumours that are " + " and that are ".join(order),
            found=", ".join(f"{n:,} {g}" for g, n in counts.items()) + f"; {words}",
            remedy="Widen a filter, choose another gene, or include more mutation classes.",
        )
    return rows


def panel_flow(
    attrition: pd.DataFrame, grouping: Grouping, known: npt.NDArray[np.bool_], lacking: str
) -> pd.DataFrame:
    """The store's attrition, patients without a group, those not ``known`` (of the grouped)."""
    grouped, with_values = int(known.size), int(known.sum())
    more = pd.DataFrame(
        {
            "step": [grouping.unassigned, lacking],
            "n": [grouped, with_values],
            "lost": [grouping.n_unassigned, grouped - with_values],
        }
    )
    return pd.concat([attrition, more], ignore_index=True)


def _missing(store: Store) -> frozenset[str]:
    sources = store.sources()
    return frozenset(sources.source_id[sources.status == "missing"])


def _more(rows_of: Sequence[Member], missing: frozenset[str]) -> dict[str, str]:
    """Member -> what would bring its values in more tumours; empty where nothing is known to."""
    out = {}
    for member in rows_of:
        file, _, elsewhere = member.lacking.partition("; ")
        if file in missing:
            out[member.key] = (
                f"For more: python -m data fetch --only {file}, then python -m data build."
            )
        else:
            out[member.key] = f"{elsewhere}." if elsewhere else ""
    return out


def _no_lacking() -> pd.DataFrame:
    return pd.DataFrame({"name": [], "source": [], "adds": [], "held": []}, dtype=object)


def _lacking(store: Store, missing: Sequence[Member]) -> pd.DataFrame:
    """Members without a value, each with the file that would bring it, as the store names it;
    ``held``: the store has it, but of none of these patients."""
    if not missing:
        return _no_lacking()
    sources = store.sources().set_index("source_id")
    adds = [
        str(sources.adds[m.lacking.split(";")[0]])
        if m.lacking.split(";")[0] in sources.index
        else ""
        for m in missing
    ]
    return pd.DataFrame(
        {
            "name": [m.name for m in missing],
            "source": [m.lacking for m in missing],
            "adds": adds,
            "held": [bool(m.feature or m.gene) for m in missing],
        }
    )


def bring(lacking: pd.DataFrame) -> str:
    """How to get what is missing: a command for each file, with what the file holds."""
    parts = []
    for source, own in lacking.groupby("source", sort=False):
        file, _, elsewhere = str(source).partition("; ")
        if "/" not in file:
            parts.append(f"It comes from {file}: build again with `python -m data build`.")
            continue
        adds = f" ({own.adds.iloc[0]})" if own.adds.iloc[0] else ""
        more = f" {elsewhere}." if elsewhere else ""
        parts.append(
            f"`python -m data fetch --only {file}`, then `python -m data build`{adds}.{more}"
        )
    return " ".join(parts)


def _warnings(
    table: pd.DataFrame, cells: pd.DataFrame, rows: pd.DataFrame, more_from: dict[str, str]
) -> tuple[str, ...]:
    """Members that few tumour types have, by name; arms too small for a p-value."""
    return tuple(w.strip() for w in (*_thin(table, cells, rows, more_from), *_small(table)))


def _thin(
    table: pd.DataFrame, cells: pd.DataFrame, rows: pd.DataFrame, more_from: dict[str, str]
) -> list[str]:
    words: list[str] = []
    total = rows.tumor_type.nunique()
    few = table.index[table.n_types <= total / 2]
    if few.empty:
        return words
    thin = cells[cells.key.isin(few)]
    covered = thin.groupby("key", sort=False).tumor_type.agg(lambda t: ", ".join(sorted(t)))
    for types, own in covered.groupby(covered, sort=False):
        part = table.loc[own.index]
        n = (part.n_mutant + part.n_wild_type).astype(int)
        span = f"{n.min():,}" if n.min() == n.max() else f"{n.min():,} to {n.max():,}"
        k = int(part.n_types.iloc[0])
        where = types if k <= 6 else f"{k} types"
        what = part["name"].iloc[0] if len(part) == 1 else f"{len(part)} features"
        listed = (
            ""
            if len(part) == 1 or len(part) == len(table)
            else f" ({', '.join(part['name'].head(8))}{', ...' if len(part) > 8 else ''})"
        )
        what = "Every feature here" if 1 < len(part) == len(table) else what
        words.append(
            f"{what}{listed}: known of {span} patients of {where} only, out of {len(rows):,} "
            f"patients of {total} tumour types; it says nothing of the others. "
            + " ".join(dict.fromkeys(more_from[str(k)] for k in own.index))
        )
    return words


def _small(table: pd.DataFrame) -> list[str]:
    small = table[np.minimum(table.n_mutant, table.n_wild_type) < MIN_PATIENTS]
    if small.empty:
        return []
    which = "any feature" if len(small) == len(table) else ", ".join(small["name"].head(8))
    more = f" and {len(small) - 8} more" if 8 < len(small) < len(table) else ""
    return [
        f"Fewer than {MIN_PATIENTS} patients with a value in an arm: no p-value for {which}{more}."
    ]


def _methods(panel: Panel) -> str:
    tmb = (
        "and, at equal burden, by regression of the place within the tumour type on mutation "
        "status and a restricted cubic spline of log2(TMB + 1) with seven knots (HC3 standard "
        "errors). "
        if panel.adjusts_for_tmb
        else "; TMB is not adjusted for itself. "
    )
    return (
        "Mutant and wild-type tumours were compared by Wilcoxon's rank sum test over all tumours, "
        "as the paper did; by van Elteren's test stratified by tumour type (weights 1/(N + 1)) "
        f"{tmb}Effect sizes are rank-biserial correlations (2 AUC - 1: 1 where every mutant tumour "
        "is higher, 0 without a difference) with 95% confidence intervals (DeLong's variance on "
        "the logit scale; HC3 for the regression). Shifts are Hodges-Lehmann medians of all "
        "differences. q-values are Benjamini and Hochberg's over the panel, each test by itself. "
        f"No p-value is given below {MIN_PATIENTS} patients in an arm."
    ).replace(" ;", ";")
