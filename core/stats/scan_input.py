"""What a scan is given, checked: a binary matrix, follow-up, strata, covariates, profiles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from core.model import BadInput
from core.stats.scan_terms import Floats, Ints, RiskTerms
from core.stats.survival_data import merge_near_ties


@dataclass(frozen=True, eq=False)
class Patients:
    """Complete patients: months, event, stratum number, covariates (n x p), rows of the input."""

    rows: Ints
    time: Floats
    event: npt.NDArray[np.bool_]
    stratum: Ints
    covariates: Floats


def disagree(what: str, found: int, of: str, expected: int) -> BadInput:
    return BadInput(
        f"The number of {what} differs from the {of}.",
        expected=f"{expected}",
        found=f"{found}",
        remedy="Pass arrays of the same patients and genes in the same order.",
    )


def binary_columns(mutated: Any) -> Any:
    """The matrix as CSR of 0/1 floats without stored zeros."""
    matrix = sparse.csr_array(mutated, dtype=float)
    if not np.isin(matrix.data, (0.0, 1.0)).all():
        raise BadInput(
            "The mutation matrix is not binary.",
            expected="1 for mutated, 0 for wild type; who was not profiled goes into `profiled`",
            found=f"{matrix.data[~np.isin(matrix.data, (0.0, 1.0))][0]:g}",
            remedy="Code presence as 1, and pass unprofiled patients through `profiled`.",
        )
    matrix.eliminate_zeros()
    return matrix


def sorted_columns(columns: Any, terms: RiskTerms) -> Any:
    """CSC with rows in the sorted patients' order and sorted row indices."""
    out = sparse.csr_array(columns)[terms.order].tocsc()
    out.sort_indices()
    return out


def complete_patients(
    n: int,
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    strata: npt.ArrayLike | None,
    covariates: pd.DataFrame | None,
) -> tuple[Patients, int]:
    """The complete patients, checked, and how many were dropped."""
    t, d = np.asarray(time, dtype=float), np.asarray(event, dtype=float)
    z = np.empty((n, 0)) if covariates is None else covariates.to_numpy(dtype=float)
    labels = pd.Series(np.zeros(n)) if strata is None else pd.Series(np.asarray(strata))
    for what, length in (("times", t.size), ("events", d.size), ("strata", labels.size)):
        if length != n:
            raise disagree(what, length, "rows of the matrix", n)
    if z.shape[0] != n:
        raise disagree("covariate rows", z.shape[0], "rows of the matrix", n)
    if (t[np.isfinite(t)] < 0).any() or not np.isin(d[~np.isnan(d)], (0, 1)).all():
        raise BadInput(
            "A time is negative or an event is neither 0 nor 1.",
            expected="times in months, 0 or above; events coded 1 for the event, 0 for censored",
            found=f"shortest time {np.nanmin(t):g}, event codes {np.unique(d[~np.isnan(d)])[:5]}",
            remedy="Check the units and the coding of the event.",
        )
    codes = pd.factorize(labels)[0]
    keep = np.isfinite(t) & np.isfinite(d) & (codes >= 0) & np.isfinite(z).all(axis=1)
    whole = take(Patients(np.arange(n), t, d == 1, codes.astype(np.int64), z), keep)
    tied = merge_near_ties(whole.time)[0]
    return replace(whole, time=tied), int(n - keep.sum())


def take(patients: Patients, keep: npt.NDArray[np.bool_]) -> Patients:
    stratum = patients.stratum[keep]
    return replace(
        patients,
        rows=patients.rows[keep],
        time=patients.time[keep],
        event=patients.event[keep],
        stratum=np.unique(stratum, return_inverse=True)[1].reshape(-1),
        covariates=patients.covariates[keep],
    )


def profiles(
    shape: tuple[int, int],
    profiled: npt.NDArray[np.bool_] | None,
    profile_of_gene: npt.ArrayLike | None,
) -> list[tuple[npt.NDArray[np.bool_] | None, Ints]]:
    """Pairs of (patients profiled, genes that they were profiled for)."""
    if profiled is None and profile_of_gene is None:
        return [(None, np.arange(shape[1]))]
    if profiled is None or profile_of_gene is None:
        raise BadInput(
            "Who was profiled is only half told.",
            expected="both `profiled` and `profile_of_gene`, or neither",
            found="one of the two",
            remedy="Pass the other one as well.",
        )
    panels, of_gene = np.asarray(profiled, dtype=bool), np.asarray(profile_of_gene)
    if panels.shape[0] != shape[0]:
        raise disagree("rows of `profiled`", panels.shape[0], "rows of the matrix", shape[0])
    if of_gene.size != shape[1]:
        raise disagree("entries of `profile_of_gene`", of_gene.size, "columns", shape[1])
    if of_gene.size and not 0 <= of_gene.min() <= of_gene.max() < panels.shape[1]:
        raise BadInput(
            "A gene points to a panel that is not there.",
            expected=f"0 to {panels.shape[1] - 1}, a column of `profiled`",
            found=f"{of_gene.min()} to {of_gene.max()}",
            remedy="Give a gene that nobody was profiled for a column of its own, all False.",
        )
    return [(panels[:, k], np.flatnonzero(of_gene == k)) for k in np.unique(of_gene)]
