"""One Cox model for every gene of a patients x genes matrix, in seconds.

Each gene gets the hazard ratio of mutant against wild type, optionally stratified (by cohort,
tumour type) and adjusted for covariates, Efron ties by default:

1. the score test of every gene (``scan_terms``), which exists for every gene and costs little;
2. Newton's method for all genes together (``scan_fit`` on the sums of ``scan_moments``;
   ``scan_adjusted`` with covariates);
3. Firth's penalised likelihood (``scan_firth``) where an arm has few events or Newton runs to
   infinity;
4. Benjamini-Hochberg q-values over the genes that were tested.

A gene that some patients were not profiled for is compared among the profiled ones only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from core.model import BadInput
from core.stats import scan_adjusted
from core.stats.multiple import benjamini_hochberg
from core.stats.scan_firth import firth
from core.stats.scan_fit import Fits, blocks, newton, shares
from core.stats.scan_input import (
    Patients,
    binary_columns,
    complete_patients,
    disagree,
    profiles,
    sorted_columns,
    take,
)
from core.stats.scan_moments import Head, head_moments, no_head, only, split
from core.stats.scan_terms import Floats, Ints, RiskTerms, ScoreTests, risk_terms, score_tests

COLUMNS = (
    "n",
    "n_mutant",
    "events",
    "events_mutant",
    "hazard_ratio",
    "ci_lower",
    "ci_upper",
    "log_hazard_ratio",
    "standard_error",
    "p_value",
    "p_score",
    "q_value",
    "method",
)


@dataclass(frozen=True)
class ScanOptions:
    """How a scan is done.

    ``min_mutants``: a gene with fewer mutated (or fewer wild-type) patients is counted but not
    tested. ``firth_below``: with fewer events than this in either arm the estimate is Firth's.
    ``fit_below``: only genes whose score test has a p-value at most this are fitted (1: all);
    the others keep their score test and have no hazard ratio, and their p-value is the score
    test's.
    """

    ties: str = "efron"
    min_mutants: int = 5
    firth_below: int = 5
    fit_below: float = 1.0


@dataclass(frozen=True, eq=False)
class ScanResult:
    """One row per gene, in the order of the matrix's columns.

    ``frame`` is indexed by ``gene`` and has :data:`COLUMNS`. ``method`` is ``cox`` (maximum
    partial likelihood, Wald interval and p), ``firth`` (profile interval, penalised
    likelihood-ratio p), ``score`` (not fitted, see ScanOptions), ``too few`` or ``not estimable``.
    ``p_score`` is the score test of the plain Cox model, for every gene alike.
    """

    frame: pd.DataFrame
    n: int
    events: int
    dropped: int
    """Patients left out for a missing time, event, stratum or covariate."""
    strata: int
    covariates: tuple[str, ...]
    options: ScanOptions
    warnings: tuple[str, ...] = field(default=())


def scan(
    mutated: Any,
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    *,
    genes: npt.ArrayLike | None = None,
    strata: npt.ArrayLike | None = None,
    covariates: pd.DataFrame | None = None,
    profiled: npt.NDArray[np.bool_] | None = None,
    profile_of_gene: npt.ArrayLike | None = None,
    options: ScanOptions | None = None,
) -> ScanResult:
    """Cox model of every column of ``mutated`` (n patients x G genes, scipy.sparse or array).

    ``mutated`` is binary, ``time`` in months, ``event`` 0/1. ``strata``: one label per patient.
    ``covariates``: numeric columns (indicators already coded), entered beside each gene.
    ``profiled`` (n x panels) says who was profiled by which panel and ``profile_of_gene`` (G)
    which of its columns applies to each gene; without them everyone counts as profiled.
    Missing times, events, strata or covariates drop the patient, and are counted.

    Raises BadInput for lengths that disagree, a negative time, an event that is not 0 or 1 or
    a matrix that is not binary.
    """
    how = options or ScanOptions()
    columns = binary_columns(mutated)
    patients, dropped = complete_patients(columns.shape[0], time, event, strata, covariates)
    names = pd.Index(np.arange(columns.shape[1]) if genes is None else np.asarray(genes))
    if len(names) != columns.shape[1]:
        raise disagree("gene names", len(names), "columns of the matrix", columns.shape[1])
    tables, notes = [], []
    for mask, chosen in profiles(columns.shape, profiled, profile_of_gene):
        use = np.ones(patients.rows.size, dtype=bool) if mask is None else mask[patients.rows]
        subset = take(patients, use)
        table, words = _scan_profile(columns[subset.rows][:, chosen].tocsc(), subset, how)
        tables.append(table.set_axis(chosen, axis=0))
        notes += words
    frame = pd.concat(tables).sort_index() if tables else pd.DataFrame(columns=list(COLUMNS))
    frame["q_value"] = benjamini_hochberg(frame["p_value"].to_numpy(dtype=float))
    frame = frame[list(COLUMNS)].set_axis(pd.Index(names, name="gene"), axis=0)
    if dropped:
        notes.insert(0, f"{dropped} patients left out: time, event, stratum or covariate missing")
    return ScanResult(
        frame=frame,
        n=patients.rows.size,
        events=int(patients.event.sum()),
        dropped=dropped,
        strata=int(np.unique(patients.stratum).size),
        covariates=() if covariates is None else tuple(map(str, covariates.columns)),
        options=how,
        warnings=(*dict.fromkeys(notes), *_method_words(frame)),
    )


def score_scan(
    mutated: Any,
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    *,
    strata: npt.ArrayLike | None = None,
    ties: str = "efron",
) -> Floats:
    """z of every gene's (stratified) score test, NaN without information; for permutation nulls.

    The square of z is R's ``coxph`` score test. Arguments as in :func:`scan`.
    """
    columns = binary_columns(mutated)
    patients, _ = complete_patients(columns.shape[0], time, event, strata, None)
    terms = risk_terms(patients.time, patients.event, patients.stratum, ties)
    return score_tests(terms, sorted_columns(columns[patients.rows], terms)).z


def _scan_profile(
    columns: Any, patients: Patients, how: ScanOptions
) -> tuple[pd.DataFrame, list[str]]:
    """The table of the genes that share one profiled population, and what there is to say."""
    if how.ties not in ("efron", "breslow"):
        raise BadInput(
            "Unknown handling of ties.",
            expected="efron or breslow",
            found=how.ties,
            remedy="Choose one of the two.",
        )
    terms = risk_terms(patients.time, patients.event, patients.stratum, how.ties)
    columns = sorted_columns(columns, terms)
    mutants = np.diff(columns.indptr)
    died = columns.T @ terms.event.astype(float)
    n, events = terms.n, int(terms.event.sum())
    testable = (np.minimum(mutants, n - mutants) >= max(1, how.min_mutants)) & (events > 0)
    notes: list[str] = []
    if patients.covariates.shape[1] and events:
        null = scan_adjusted.fit_null(terms, patients.covariates[terms.order])
        notes += list(null.warnings)
        tests = scan_adjusted.score_tests(terms, columns, null)
    else:
        null, tests = None, score_tests(terms, columns)
    p_score = np.where(testable, 2 * stats.norm.sf(np.abs(tests.z)), np.nan)
    fits, method = _fit(terms, columns, null, tests, p_score, mutants, died, how)
    table = pd.DataFrame(
        {
            "n": n,
            "n_mutant": mutants,
            "events": events,
            "events_mutant": died.astype(int),
            "hazard_ratio": np.exp(fits.beta),
            "ci_lower": np.exp(fits.lower),
            "ci_upper": np.exp(fits.upper),
            "log_hazard_ratio": fits.beta,
            "standard_error": fits.standard_error,
            "p_value": np.where(method == "score", p_score, fits.p_value),
            "p_score": p_score,
            "method": method,
        }
    )
    return table, notes


def _fit(
    terms: RiskTerms,
    columns: Any,
    null: scan_adjusted.NullModel | None,
    tests: ScoreTests,
    p_score: Floats,
    mutants: Ints,
    died: Floats,
    how: ScanOptions,
) -> tuple[Fits, npt.NDArray[np.object_]]:
    """Newton where both arms have events enough, Firth for the rest; and which was used."""
    genes = mutants.size
    method = np.where(np.isnan(p_score), "not estimable", "score").astype(object)
    method[np.minimum(mutants, terms.n - mutants) < max(1, how.min_mutants)] = "too few"
    wanted = p_score <= how.fit_below
    rare = np.minimum(died, terms.event.sum() - died) < how.firth_below
    fits = _nothing(genes)
    with np.errstate(divide="ignore", invalid="ignore"):
        start = np.nan_to_num(tests.score / tests.information, posinf=0.0, neginf=0.0)
    if null is None:
        engine: Any = _Plain(terms, columns)
    else:
        engine = scan_adjusted.Engine(terms, columns, null)
    plain = np.flatnonzero(wanted & ~rare)
    plain = plain[np.argsort(np.abs(start[plain]))]  # genes that need as many steps stay together
    for block in engine.blocks(plain):
        _put(fits, block, engine.newton(block, died[block], start[block]))
    method[plain] = "cox"
    penalised = np.flatnonzero(wanted & (rare | ~fits.converged))
    for block in engine.blocks(penalised):
        _put(fits, block, engine.firth(block, died[block]))
    method[penalised] = "firth"
    method[wanted & ~fits.converged] = "not estimable"
    return fits, method


class _Plain:
    """The fits without covariates: with the series where it is precise, else without."""

    def __init__(self, terms: RiskTerms, columns: Any) -> None:
        denominator = terms.denominators() if terms.size else np.empty(0)
        head = split(terms, denominator)
        self.whole, self.columns = (terms, denominator), columns
        self.tail = (only(terms, ~head), denominator[~head])
        self.head = None
        if head.any():
            self.head = head_moments(only(terms, head), denominator[head], columns)

    def blocks(self, genes: Ints) -> list[Ints]:
        return blocks(self.tail[0], genes)

    def newton(self, genes: Ints, observed: Floats, start: Floats) -> Fits:
        def fit(q: Floats, head: Head, chosen: Any) -> Fits:
            return newton(q, head, observed[chosen], start[chosen])

        return self._twice(genes, fit)

    def firth(self, genes: Ints, observed: Floats) -> Fits:
        return self._twice(genes, lambda q, head, chosen: firth(q, head, observed[chosen]))

    def _twice(self, genes: Ints, fit: Callable[[Floats, Head, Any], Fits]) -> Fits:
        """``fit`` with the series; then, block by block, without it where that failed."""
        fits, again = _nothing(genes.size), np.arange(genes.size)
        if self.head is not None:
            q = shares(*self.tail, self.columns[:, genes])
            _put(fits, again, fit(q, self.head.take(genes), slice(None)))
            again = np.flatnonzero(~fits.converged)
        for block in blocks(self.whole[0], again):
            q = shares(*self.whole, self.columns[:, genes[block]])
            _put(fits, block, fit(q, no_head(block.size), block))
        return fits


def _nothing(genes: int) -> Fits:
    nan = [np.full(genes, np.nan) for _ in range(5)]
    return Fits(nan[0], nan[1], nan[2], nan[3], nan[4], np.zeros(genes, dtype=bool))


def _put(into: Fits, where: Ints, block: Fits) -> None:
    """Write a block's estimates into the arrays of all genes."""
    for name in ("beta", "standard_error", "lower", "upper", "p_value", "converged"):
        getattr(into, name)[where] = getattr(block, name)


def _method_words(frame: pd.DataFrame) -> list[str]:
    """What a reader must know of how the genes were handled, with counts."""
    count = frame["method"].value_counts()
    words = {
        "firth": "genes have few events in an arm or are separated: Firth's estimate",
        "too few": "genes have too few mutated or wild-type patients: not tested",
        "not estimable": "genes cannot be estimated: no events while mutant and wild type were "
        "both at risk, or collinear with the covariates",
    }
    return [f"{count[name]} {text}" for name, text in words.items() if count.get(name, 0)]
