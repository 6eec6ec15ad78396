"""Which genes are mutated together with this one, or apart from it, beyond what burden explains?

A tumour with many mutations has mutations in every gene, so that any two genes seem to go
together: without adjustment nearly all of TCGA's testable genes are co-mutated with ALK. Here each
patient is compared with those of the same tumour type and about the same burden
(Mantel-Haenszel), and the inflation of the test statistics, with and without adjustment, is told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.analysis.result import Result
from core.analysis.tcga import TCGA, binned_strata, ici_filters, tcga_filters
from core.groups import mutation_status
from core.model import Filters, NotEnoughData, Stratifier
from core.stats.mantel_haenszel_panel import MANTEL_FLEISS, mantel_haenszel_panel
from core.stats.multiple import benjamini_hochberg
from core.store import MutationMatrix, Store, sentence

BURDEN_STEP = 0.5
"""Width of a burden bin in log2(TMB + 1): patients of a stratum differ by at most a factor 1.41."""

MIN_MUTANT = 10
"""Patients with a mutation in a gene, for it to be tested."""

MEDIAN_CHI2 = 0.45493642311957283
"""Median of the chi-squared distribution on one degree of freedom."""


@dataclass(frozen=True)
class CoMutation(Result):
    """table: a row per tested gene, smallest p first: hugo_symbol, n_both, expected, n_gene (its
    mutants), n_group, n (patients in informative strata profiled for both), odds_ratio, ci_lower,
    ci_upper, p_value, q_value, direction (*together* or *apart*), unadjusted_odds_ratio.

    inflation: median test statistic over its median under no association, adjusted;
    inflation_unadjusted: the same without strata. 1 is what no association gives.
    """

    title: str
    source: str
    table: pd.DataFrame
    n: int
    mutant: int
    n_too_rare: int
    inflation: float
    inflation_unadjusted: float
    sentence: str
    methods: str
    warnings: tuple[str, ...]


def comutation(
    store: Store,
    filters: Filters,
    stratifier: Stratifier,
    *,
    source: str = TCGA,
    min_mutant: int = MIN_MUTANT,
) -> CoMutation:
    """Test every gene against the stratifier's among TCGA's or the ICI cohorts' patients.

    ``source``: ``tcga`` or ``ici``. Raises NotEnoughData where no gene can be tested.
    """
    asked = tcga_filters(filters) if source == TCGA else ici_filters(filters)
    frame = store.patients(asked)
    status = mutation_status(store, stratifier)[frame.patient_key.to_numpy(int)]
    known = (status >= 0) & frame.tmb_per_mb.notna().to_numpy()
    group = status == 1
    names = store.cohort_names()
    words = (
        f"{int(known.sum()):,} patients profiled for {stratifier.label} and with a known TMB: "
        f"{sentence(asked, cohort_names=names)}; {int((known & group).sum()):,} mutant"
    )
    if not (known & group).any() or not (known & ~group).any():
        raise NotEnoughData(
            "There is nothing to compare with other genes.",
            expected=f"patients mutant and patients wild type for {stratifier.label}",
            found=words,
            remedy="Widen a filter or choose another gene.",
        )
    rows = np.flatnonzero(known)
    matrix = store.mutation_matrix(
        frame.patient_key.to_numpy(int)[rows], stratifier.classes, min_mutant=min_mutant
    )
    of = frame.iloc[rows]
    strata = binned_strata(of, source, of.tmb_per_mb.to_numpy(float), BURDEN_STEP)
    genes = [store.resolve_gene(g) for g in stratifier.genes]
    return comutation_of(
        matrix,
        group[rows],
        strata,
        title=stratifier.label,
        source=source,
        without=genes,
        min_mutant=min_mutant,
        words=words,
        unknown=int(((status >= 0) & ~known).sum()),
    )


def comutation_of(
    matrix: MutationMatrix,
    group: npt.NDArray[np.bool_],
    strata: npt.NDArray[np.intp],
    *,
    title: str,
    source: str = TCGA,
    without: list[str] | None = None,
    min_mutant: int = MIN_MUTANT,
    words: str = "",
    unknown: int = 0,
) -> CoMutation:
    """Test the genes of ``matrix`` against ``group``, aligned with its rows, within ``strata``.

    A gene is tested among the patients profiled for it. ``unknown`` patients without a TMB were
    left out before. Raises NotEnoughData where no gene can be tested.
    """
    adjusted = _by_profile(matrix, group, strata)
    crude = _by_profile(matrix, group, np.zeros(group.size, dtype=np.intp))
    named = np.isin(matrix.genes.astype(str), without or [])
    candidates = ~named & (crude["n_gene"] >= min_mutant)
    tested = candidates & (adjusted["room"] >= MANTEL_FLEISS) & ~np.isnan(adjusted["p_value"])
    if not tested.any():
        raise NotEnoughData(
            "No gene is mutated often enough to be tested.",
            expected=f"an expected overlap with {title} of at least {MANTEL_FLEISS:g} patients",
            found=words or f"{int(group.sum())} mutant patients",
            remedy="Widen a filter or choose a gene that is mutated more often.",
        )
    comparable = candidates & (crude["room"] >= MANTEL_FLEISS) & ~np.isnan(crude["p_value"])
    inflation = _inflation(adjusted["statistic"][tested])
    table = _table(matrix.genes, adjusted, crude["odds_ratio"], np.flatnonzero(tested))
    return CoMutation(
        title=title,
        source=source,
        table=table,
        n=int(group.size),
        mutant=int(group.sum()),
        n_too_rare=int(candidates.sum() - tested.sum()),
        inflation=inflation,
        inflation_unadjusted=_inflation(crude["statistic"][comparable]),
        sentence=words,
        methods=_methods(title, source, min_mutant),
        warnings=_warnings(inflation, len(table), unknown),
    )


def _by_profile(
    matrix: MutationMatrix, group: npt.NDArray[np.bool_], strata: npt.NDArray[np.intp]
) -> dict[str, npt.NDArray[np.float64]]:
    """The panel of tests, each gene's among the patients profiled for it: _COLUMNS, a value each
    gene; NaN for one that nobody is profiled for."""
    found = {name: np.full(len(matrix.genes), np.nan) for name in _COLUMNS}
    for profile in range(matrix.profiled.shape[1]):
        genes = np.flatnonzero(matrix.profile_of_gene == profile)
        among = matrix.profiled[:, profile]
        if genes.size and among.any():
            whole = genes.size == len(matrix.genes)
            outcomes = matrix.mutated if whole else matrix.mutated[:, genes]
            panel = mantel_haenszel_panel(group, outcomes, strata, among=among)
            for name, field in _COLUMNS.items():
                found[name][genes] = getattr(panel, field)
    return found


_COLUMNS = {
    "n_both": "n_both",
    "expected": "expected",
    "n_gene": "n_outcome",
    "odds_ratio": "odds_ratio",
    "ci_lower": "ci_lower",
    "ci_upper": "ci_upper",
    "statistic": "statistic",
    "p_value": "p_value",
    "room": "room",
    "n": "n",
    "n_group": "n_group",
}


def _table(
    genes: npt.NDArray[np.object_],
    adjusted: dict[str, npt.NDArray[np.float64]],
    crude: npt.NDArray[np.float64],
    tested: npt.NDArray[np.intp],
) -> pd.DataFrame:
    """A row per tested gene, smallest p first."""
    at = tested[np.argsort(adjusted["p_value"][tested], kind="stable")]
    table = {"hugo_symbol": genes[at], **{name: of[at] for name, of in adjusted.items()}}
    more = adjusted["n_both"][at] > adjusted["expected"][at]
    return pd.DataFrame(
        {
            **table,
            "n": adjusted["n"][at].astype(int),
            "n_group": adjusted["n_group"][at].astype(int),
            "unadjusted_odds_ratio": crude[at],
            "q_value": benjamini_hochberg(adjusted["p_value"][at]),
            "direction": np.where(more, "together", "apart"),
        }
    )


def _inflation(statistic: npt.NDArray[np.float64]) -> float:
    return float(np.median(statistic) / MEDIAN_CHI2) if statistic.size else float("nan")


def _warnings(inflation: float, tests: int, unknown: int) -> tuple[str, ...]:
    notes = []
    if unknown:
        notes.append(f"{unknown:,} patients of unknown TMB are left out of the co-mutation tests.")
    if inflation > 1.2 and tests >= 100:
        notes.append(
            f"The test statistics are {inflation:.1f} times what no association would give: burden "
            "is not fully adjusted for, and small q-values are to be doubted."
        )
    return tuple(notes)


def _methods(title: str, source: str, min_mutant: int) -> str:
    by = "tumour type" if source == TCGA else "study, tumour type"
    return (
        f"Each gene mutated in at least {min_mutant} patients was tested against {title} by a "
        f"Mantel-Haenszel test without continuity correction, stratified by {by} and burden (bins "
        f"of width {BURDEN_STEP:g} in log2(TMB per Mb + 1)), among the patients profiled for both. "
        "Common odds ratios carry 95% intervals by Robins, Breslow and Greenland; one is 0, "
        "without an interval, where no stratum holds a patient mutant in both beside one mutant in "
        "neither. Genes whose "
        f"expected overlap lies within {MANTEL_FLEISS:g} of its possible bounds (Mantel and Fleiss "
        "1980) were not tested; q-values are Benjamini-Hochberg's over the tested genes."
    )
