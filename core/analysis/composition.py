"""How the arms divide over the labels of a category, such as the immune subtypes C1 to C6."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.analysis.immunity import grouped_patients, panel_flow, two_groups
from core.analysis.result import Result
from core.analysis.survival import MIN_PATIENTS, patients_sentence
from core.groups import MUTATION_ORDER, assign
from core.model import Filters, NotEnoughData, Stratifier
from core.stats.contingency import ChiSquared, chi_squared, mantel_haenszel
from core.stats.multiple import benjamini_hochberg
from core.store import Store, sentence

SUBTYPES = {
    "C1": "C1 wound healing",
    "C2": "C2 IFN-gamma dominant",
    "C3": "C3 inflammatory",
    "C4": "C4 lymphocyte depleted",
    "C5": "C5 immunologically quiet",
    "C6": "C6 TGF-beta dominant",
}
"""Names of the immune subtypes (Thorsson 2018, Immunity 48:812)."""

TMB_PARTS = 10
"""Parts of TMB within a tumour type, equal in size, for the odds ratios at equal burden."""


@dataclass(frozen=True)
class Composition(Result):
    """table: label, name, n_mutant, n_wild_type, share_mutant, share_wild_type; and the odds ratio
    of the label, mutant against wild type: within tumour types (odds_ratio, ci_lower, ci_upper,
    p_value, q_value) and at equal TMB (the same with the prefix adjusted_).
    test: all labels at once over all tumours, as a naive reading has it.
    flow: step, n, lost; empty where only rows were given.
    """

    title: str
    order: tuple[str, str]
    table: pd.DataFrame
    test: ChiSquared
    rows: pd.DataFrame
    sentence: str
    methods: str
    warnings: tuple[str, ...]
    flow: pd.DataFrame = field(default_factory=pd.DataFrame)


def composition_question(
    store: Store, filters: Filters, stratifier: Stratifier, feature: str
) -> Composition:
    """Compare the labels of ``feature`` in the patients that ``filters`` keep.

    Raises NotEnoughData where no patient of one arm has a label.
    """
    frame = store.patients(filters)
    grouping = assign(store, frame, stratifier)
    names = store.cohort_names()
    words = patients_sentence(sentence(filters, cohort_names=names), frame, grouping)
    rows = grouped_patients(frame, grouping, words)
    rows["label"] = store.feature_labels(feature)[rows.patient_key]
    known = rows.label.notna()
    result = compare_composition(
        rows[known], title=grouping.title, order=two_groups(grouping), words=words
    )
    lost = panel_flow(store.attrition(filters), grouping, known.to_numpy(), "no subtype known")
    return replace(result, flow=lost)


def compare_composition(
    rows: pd.DataFrame,
    *,
    title: str,
    order: tuple[str, str] = (MUTATION_ORDER[0], MUTATION_ORDER[-1]),
    words: str = "",
) -> Composition:
    """``rows``: group, label, tumor_type, tmb_per_mb; a row a patient."""
    arm = (rows.group == order[1]).to_numpy()
    if not arm.any() or arm.all():
        raise NotEnoughData(
            "No patient of one arm has a label.",
            expected="mutant and wild-type tumours with an immune subtype",
            found=f"{int(arm.sum())} mutant, {int((~arm).sum())} wild type; {words}",
            remedy="Widen a filter, choose another gene, or include more mutation classes.",
        )
    labels = sorted(rows.label.unique())
    label = rows.label.to_numpy()
    counts = np.array([[(label[side] == x).sum() for x in labels] for side in (arm, ~arm)])
    kinds = pd.factorize(rows.tumor_type)[0]
    burden = tmb_parts(rows)
    found = []
    for i, x in enumerate(labels):
        share = counts[:, i] / counts.sum(axis=1)
        row = {"label": x, "name": SUBTYPES.get(x, x), "n_mutant": counts[0, i],
               "n_wild_type": counts[1, i], "share_mutant": share[0],
               "share_wild_type": share[1]}  # fmt: skip
        found.append({**row, **_odds(arm, label == x, kinds, ""),
                      **_odds(arm, label == x, burden, "adjusted_")})  # fmt: skip
    table = pd.DataFrame(found)
    for lead in ("", "adjusted_"):
        if min(arm.sum(), (~arm).sum()) < MIN_PATIENTS:
            table[f"{lead}p_value"] = np.nan
        table[f"{lead}q_value"] = benjamini_hochberg(table[f"{lead}p_value"].to_numpy(float))
    test = chi_squared(counts)
    small = int(arm.sum()) < MIN_PATIENTS
    notes = (f"Fewer than {MIN_PATIENTS} mutant patients have a label: no p-value.",) * small
    return Composition(
        title=title,
        order=order,
        table=table,
        test=test,
        rows=rows,
        sentence=words,
        methods=(
            "Immune subtypes C1 to C6 are those of Thorsson 2018. The composition was compared by "
            "Pearson's chi-squared test; the odds of each subtype by Mantel-Haenszel odds ratios "
            "stratified by tumour type, and by tumour type and tenth of TMB within it (intervals "
            "of Robins, Breslow and Greenland; Cochran-Mantel-Haenszel tests; q-values of "
            "Benjamini and Hochberg over the subtypes)."
        ),
        warnings=(*notes, *test.warnings),
    )


def tmb_parts(rows: pd.DataFrame) -> npt.NDArray[np.int64]:
    """A stratum per tumour type and tenth of TMB within it; -1 where TMB is not known."""
    place = rows.groupby("tumor_type").tmb_per_mb.rank(pct=True)
    part = np.ceil(place.to_numpy() * TMB_PARTS) - 1
    kinds = pd.factorize(rows.tumor_type)[0]
    return np.where(np.isnan(part), -1, kinds * TMB_PARTS + np.nan_to_num(part)).astype(np.int64)


def _odds(
    arm: npt.NDArray[np.bool_],
    present: npt.NDArray[np.bool_],
    stratum: npt.NDArray[np.int64],
    lead: str,
) -> dict[str, float]:
    kept = stratum >= 0
    cell = stratum[kept] * 4 + 2 * ~arm[kept] + ~present[kept]
    tables = np.bincount(cell, minlength=4 * (stratum.max(initial=0) + 1)).reshape(-1, 2, 2)
    useful = tables.sum(axis=1).all(axis=1) & tables.sum(axis=2).all(axis=1)
    names = ("odds_ratio", "ci_lower", "ci_upper", "p_value")
    if not useful.any():
        return {f"{lead}{n}": float("nan") for n in names}
    result = mantel_haenszel(tables[useful])
    return {f"{lead}{n}": float(getattr(result, n)) for n in names}
