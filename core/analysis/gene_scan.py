"""Every gene by the same two models: is this gene special among those mutated as often?

The scan compares mutant with wild type in every gene that enough patients carry a mutation in,
raw (stratified by cohort) and adjusted (stratified by cohort and cancer type, with the z of TMB as
covariate). A gene is tested among the patients profiled for it alone: genes that the same panels
cover share their patients, and a patient not profiled for a gene is not in its model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.analysis.result import Result
from core.analysis.survival import MIN_EVENTS, MIN_PATIENTS
from core.model import ENDPOINT_LABEL, NON_SYNONYMOUS, Filters, NotEnoughData
from core.stats.multiple import benjamini_hochberg
from core.stats.scan import ScanOptions, scan
from core.store import MutationMatrix, Store

MIN_MUTANT = 10
"""Mutant patients (and wild-type patients) from which a gene is tested."""

SIMILAR = 4 / 3
"""Two genes are mutated in a similar number of patients within this factor."""

SCANNED = ("cohort_id", "tumor_type", "time_months", "event", "tmb_z")
"""Columns of the patients that a scan uses."""

ADJUSTED = "adjusted_"
"""Lead of the columns of the adjusted model."""


@dataclass(frozen=True, eq=False)
class GeneScan(Result):
    """table: one row per gene tested: gene, n (patients profiled for it), n_mutant, events,
    hazard_ratio, ci_lower, ci_upper, p_value, q_value, and the same five with the lead
    ``adjusted_``. NaN where a model cannot be estimated.
    """

    table: pd.DataFrame
    n: int
    n_groups: int
    """Different sets of patients that genes were tested in."""
    endpoint: str
    methods: str


@dataclass(frozen=True)
class Place:
    """A gene's rank by p-value among ``n`` genes of ``fewest`` to ``most`` mutant patients."""

    gene: str
    n: int
    fewest: int
    most: int
    raw: int
    adjusted: int


def gene_scan(
    store: Store,
    filters: Filters,
    classes: Sequence[str] = NON_SYNONYMOUS,
    *,
    endpoint: str = "OS",
) -> GeneScan:
    """Scan every gene in the patients that ``filters`` keep, with the endpoint and TMB known.

    Raises NotEnoughData where no gene has MIN_MUTANT mutant patients.
    """
    return scan_of(scan_input(store, filters, classes, endpoint=endpoint))


@dataclass(frozen=True, eq=False)
class ScanInput:
    """What a scan needs of a store, and no more: it may be done in another process.

    rows: cohort_id, tumor_type, time_months, event, tmb_z of the patients
    """

    rows: pd.DataFrame
    matrix: MutationMatrix
    endpoint: str


def scan_input(
    store: Store,
    filters: Filters,
    classes: Sequence[str] = NON_SYNONYMOUS,
    *,
    endpoint: str = "OS",
) -> ScanInput:
    """The patients that ``filters`` keep, with the endpoint and TMB known, and their calls.

    Raises NotEnoughData where no gene has MIN_MUTANT mutant patients.
    """
    frame = store.patients(filters, endpoint)
    known = frame[["time_months", "event", "tmb_z"]].notna().all(axis=1)
    rows = frame[known].reset_index(drop=True)
    matrix = store.mutation_matrix(rows.patient_key.to_numpy(), classes, min_mutant=MIN_MUTANT)
    if not len(matrix.genes):
        raise NotEnoughData(
            "No gene is mutated often enough to be tested.",
            expected=f"a gene with {MIN_MUTANT} mutant patients",
            found=f"{len(rows):,} patients with {endpoint} and TMB known",
            remedy="Widen a filter.",
        )
    return ScanInput(rows[list(SCANNED)], matrix, endpoint)


def scan_of(given: ScanInput) -> GeneScan:
    """Both scans of what was read."""
    matrix = given.matrix
    return scan_genes(
        given.rows,
        matrix.mutated,
        matrix.genes,
        matrix.profiled,
        matrix.profile_of_gene,
        endpoint=given.endpoint,
    )


def scan_genes(
    rows: pd.DataFrame,
    mutated: object,
    genes: Sequence[str] | np.ndarray[tuple[int], np.dtype[np.object_]],
    profiled: np.ndarray[tuple[int, int], np.dtype[np.bool_]],
    profile_of_gene: np.ndarray[tuple[int], np.dtype[np.intp]],
    *,
    endpoint: str = "OS",
) -> GeneScan:
    """Both scans of ``mutated`` (the rows' patients x genes), as one table.

    ``rows``: cohort_id, tumor_type, time_months, event, tmb_z. ``profiled`` and
    ``profile_of_gene`` as :class:`core.store.MutationMatrix` has them.
    """
    both = []
    for strata, covariates in (
        (rows.cohort_id, None),
        (rows.cohort_id + " / " + rows.tumor_type, rows[["tmb_z"]]),
    ):
        result = scan(
            mutated,
            rows.time_months,
            rows.event,
            genes=genes,
            strata=strata,
            covariates=covariates,
            profiled=profiled,
            profile_of_gene=profile_of_gene,
            options=ScanOptions(min_mutants=MIN_MUTANT),
        )
        both.append(_withheld(result.frame))
    numbers = ["hazard_ratio", "ci_lower", "ci_upper", "p_value", "q_value"]
    raw = both[0][["n", "n_mutant", "events", *numbers]]
    table = pd.concat([raw, both[1][numbers].add_prefix(ADJUSTED)], axis=1)
    tested = table.p_value.notna() | table.adjusted_p_value.notna()
    return GeneScan(
        table=table[tested].reset_index(names="gene").sort_values("p_value", ignore_index=True),
        n=len(rows),
        n_groups=int(np.unique(profile_of_gene).size),
        endpoint=endpoint,
        methods=_methods(endpoint),
    )


def _withheld(frame: pd.DataFrame) -> pd.DataFrame:
    """The scan without p-values for genes with a small arm, and q-values over those that remain.

    The gate is the survival page's: MIN_PATIENTS and MIN_EVENTS in either arm.
    """
    wild, quiet = frame.n - frame.n_mutant, frame.events - frame.events_mutant
    large = (frame.n_mutant >= MIN_PATIENTS) & (wild >= MIN_PATIENTS)
    large &= (frame.events_mutant >= MIN_EVENTS) & (quiet >= MIN_EVENTS)
    p = frame.p_value.where(large)
    return frame.assign(p_value=p, q_value=benjamini_hochberg(p.to_numpy(float)))


def place(result: GeneScan, gene: str) -> Place | None:
    """Rank of ``gene`` among genes mutated in a similar number of patients; None if not tested."""
    table = result.table.set_index("gene")
    if gene not in table.index:
        return None
    n = int(table.n_mutant[gene])
    fewest, most = int(np.ceil(n / SIMILAR)), int(np.floor(n * SIMILAR))
    peers = table[table.n_mutant.between(fewest, most)]
    ranks = [
        int(peers[f"{lead}p_value"].rank(method="min", na_option="bottom")[gene])
        for lead in ("", ADJUSTED)
    ]
    return Place(gene, len(peers), fewest, most, *ranks)


def _methods(endpoint: str) -> str:
    return (
        f"Every gene with at least {MIN_MUTANT} mutant patients was tested for "
        f"{ENDPOINT_LABEL[endpoint].lower()} by a Cox model (Firth's penalty where an arm had "
        "fewer than 5 events) among the patients profiled for it: raw, stratified by cohort; and "
        "adjusted, stratified by cohort and cancer type with log2(TMB + 1) standardised within "
        f"cohort as covariate. Below {MIN_PATIENTS} patients or {MIN_EVENTS} events in an arm no "
        "p-value is given; q-values are Benjamini and Hochberg's over the genes that have one. A "
        "gene is ranked by p-value among the genes mutated in a number of patients within a factor "
        f"of {SIMILAR:.2f} of its own."
    )
