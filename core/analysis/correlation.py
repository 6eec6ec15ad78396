"""How two features or genes go together: over all tumours, within types, with purity held fixed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.analysis.immune_panels import Member, Section, of_gene, values
from core.analysis.immunity import two_groups
from core.analysis.result import Result
from core.analysis.survival import patients_sentence
from core.analysis.tcga import TUMOR_TYPE
from core.groups import assign
from core.model import BadInput, Filters, NotEnoughData, Stratifier
from core.stats.correlation import Spearman, partial_spearman, spearman_by
from core.stats.rank_regression import stratum_places
from core.store import Store, sentence

Floats = npt.NDArray[np.float64]

GENE = "gene:"
"""What leads the key of a variable that is a gene's expression."""

PURITY = "purity"
MIN_TYPE = 10
"""Patients with both values from which a tumour type has a correlation."""


@dataclass(frozen=True, eq=False)
class Correlation(Result):
    """rows: patient_id, tumor_type, group, x, y, purity of the patients with both values
    overall: label, n, rho, ci_lower, ci_upper, p_value: all tumours, within types (correlation of
        the places within tumour types), and each group within types; with purity held fixed if
        ``partial``
    by_type: tumor_type, n, rho, ci_lower, ci_upper, p_value, q_value; types of MIN_TYPE or more
    """

    x: Member
    y: Member
    title: str
    order: tuple[str, str]
    partial: bool
    rows: pd.DataFrame
    overall: pd.DataFrame
    by_type: pd.DataFrame
    sentence: str
    methods: str
    warnings: tuple[str, ...]


def variable(store: Store, key: str) -> Member:
    """The member that ``key`` names: a numeric feature, or ``gene:SYMBOL``.

    Raises UnknownGene or BadInput where the store has no such gene or no values of it.
    """
    catalogue = store.feature_catalogue()
    if key in catalogue.index and catalogue.kind[key] == "number":
        row = catalogue.loc[key]
        return Member(key, str(row["name"]), str(row["category"]), feature=key,
                      unit=str(row["unit"]), centred=bool(row["centred"]),
                      source=str(row["source"]))  # fmt: skip
    measured = set(store.expression_genes())
    typed = key.removeprefix(GENE).strip().upper()
    symbol = typed if typed in measured else store.resolve_gene(typed)
    found = of_gene(store, symbol, Section(symbol), catalogue, measured)
    if not found.gene and not found.feature:
        raise BadInput(
            f"The expression of {symbol} is not in this store.",
            expected="a gene of the expression matrix, or a feature",
            found=symbol,
            remedy=f"`python -m data fetch --only {found.lacking}`, then `python -m data build`.",
        )
    return found


def correlation_question(
    store: Store,
    filters: Filters,
    stratifier: Stratifier,
    x: str,
    y: str,
    *,
    partial: bool = False,
) -> Correlation:
    """Correlate the variables ``x`` and ``y`` in the patients that ``filters`` keep.

    ``partial`` holds tumour purity fixed. Raises NotEnoughData below three complete patients.
    """
    frame = store.patients(filters)
    grouping = assign(store, frame, stratifier)
    names = store.cohort_names()
    words = patients_sentence(sentence(filters, cohort_names=names), frame, grouping)
    both = [variable(store, x), variable(store, y)]
    keys = frame.patient_key.to_numpy()
    matrix = values(store, both)[:, keys]
    purity = store.feature_table([PURITY]).get(PURITY)
    order = two_groups(grouping)
    rows = pd.DataFrame(
        {
            "patient_id": frame.patient_id,
            "tumor_type": frame[TUMOR_TYPE],
            "group": grouping.labels.where(grouping.labels.isin(order), grouping.unassigned),
            "x": matrix[0],
            "y": matrix[1],
            "purity": np.nan if purity is None else purity[keys],
        }
    )
    needed = ["x", "y", "purity"] if partial else ["x", "y"]
    rows = rows.dropna(subset=needed).reset_index(drop=True)
    if len(rows) < 3:
        raise NotEnoughData(
            f"Too few patients have both {both[0].name} and {both[1].name}.",
            expected="at least 3 patients" + (" with both and purity" if partial else " with both"),
            found=f"{len(rows)}; {words}",
            remedy="Widen a filter, or choose other features"
            + (", or do not hold purity fixed." if partial else "."),
        )
    return correlate(both[0], both[1], rows, order, grouping.title, partial=partial, words=words)


def correlate(
    x: Member,
    y: Member,
    rows: pd.DataFrame,
    order: tuple[str, str],
    title: str,
    *,
    partial: bool,
    words: str = "",
) -> Correlation:
    """Correlate ``rows`` (tumor_type, group, x, y, purity), all of them complete."""
    a, b = rows.x.to_numpy(float), rows.y.to_numpy(float)
    fixed = rows.purity.to_numpy(float)[None, :] if partial else np.empty((0, len(rows)))
    found = [("All tumours", partial_spearman(a, b, fixed))]
    kinds = pd.factorize(rows.tumor_type)[0].astype(np.int64)
    inside = [stratum_places(v, kinds) for v in (a, b, *fixed)]
    found.append(("Within tumour types", partial_spearman(inside[0], inside[1], inside[2:])))
    for group in order[::-1]:
        own = (rows.group == group).to_numpy()
        if own.sum() >= MIN_TYPE:
            places = [stratum_places(v[own], kinds[own]) for v in (a, b, *fixed)]
            result = partial_spearman(places[0], places[1], places[2:])
            found.append((f"{title} {group}, within types", result))
    large = rows.tumor_type.map(rows.tumor_type.value_counts()).fillna(0) >= MIN_TYPE
    part = large.to_numpy()
    by_type = spearman_by(a[part], b[part], rows.tumor_type[part], fixed=fixed[:, part])
    return Correlation(
        x=x,
        y=y,
        title=title,
        order=order,
        partial=partial,
        rows=rows,
        overall=pd.DataFrame([_record(label, result) for label, result in found]),
        by_type=by_type.rename_axis("tumor_type").reset_index(),
        sentence=words,
        methods=_methods(partial),
        warnings=_warnings(rows, large),
    )


def _record(label: str, found: Spearman) -> dict[str, object]:
    return {"label": label, "n": found.n, "rho": found.rho, "ci_lower": found.ci_lower,
            "ci_upper": found.ci_upper, "p_value": found.p_value}  # fmt: skip


def _warnings(rows: pd.DataFrame, large: pd.Series[bool]) -> tuple[str, ...]:
    left = rows.tumor_type[~large].nunique()
    words = []
    if left:
        words.append(
            f"{left} tumour type{'s have' if left > 1 else ' has'} fewer than {MIN_TYPE} patients "
            "with both values and no correlation of its own."
        )
    types = sorted(rows.tumor_type.dropna().unique())
    if len(types) <= 6:
        words.append(f"Both are known of {len(rows):,} patients of {', '.join(types)} only.")
    return tuple(words)


def _methods(partial: bool) -> str:
    held = ", with tumour purity (ABSOLUTE) held fixed by regression of ranks," if partial else ""
    return (
        f"Spearman's rank correlation{held} with intervals by Fisher's z (standard error of Bonett "
        "and Wright 2000). Within tumour types: the correlation of each patient's places within "
        "their type. q-values over the tumour types are Benjamini and Hochberg's."
    )
