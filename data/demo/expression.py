"""Expression of immune and cancer genes in TCGA, driven by the inflamed factor and tumour type."""

from __future__ import annotations

from collections.abc import Mapping
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from data.demo import plan
from data.demo.draw import Floats, Ints, standardised, stream

Matrix = npt.NDArray[np.uint16]
MISSING = 65535
MILLI = 1000
PREFIX = "expression_"
SAMPLED_SHARE = 0.91
"""TCGA patients with expression data."""


def sampled(people: pd.DataFrame, seed: int) -> Ints:
    """Rows of the TCGA patients that have expression, in order."""
    rng = stream(seed, "expression samples")
    tcga = (people["cohort_id"] == "tcga").to_numpy()
    return np.flatnonzero(tcga & (rng.random(len(people)) < SAMPLED_SHARE))


def matrix(people: pd.DataFrame, rows: Ints, genes: dict[str, float], seed: int) -> Matrix:
    """round(1000 log2(x + 1)) of genes (name -> loading on the inflamed factor) x samples."""
    inflamed = standardised(people["inflamed_"].to_numpy()[rows]).astype(np.float32)
    index, types = pd.factorize(people["tumor_type_source"].to_numpy()[rows], sort=True)
    values = np.empty((len(genes), len(rows)), dtype=np.uint16)
    for i, (gene, loading) in enumerate(genes.items()):
        rng = stream(seed, "expression", gene)
        level = 8.0 + 1.6 * stream(crc32(gene.encode()), "level").standard_normal()
        shift = (plan.EXPRESSION_TYPE_SD * rng.standard_normal(len(types))).astype(np.float32)
        noise = plan.EXPRESSION_NOISE_SD * rng.standard_normal(len(rows), dtype=np.float32)
        log2 = np.float32(level) + shift[index] + np.float32(loading) * inflamed + noise
        values[i] = np.clip(np.rint(MILLI * log2), 0, MISSING - 1)
        values[i, rng.random(len(rows), dtype=np.float32) < plan.EXPRESSION_MISSING] = MISSING
    return values


def log2_of(values: Matrix, row: int) -> Floats:
    """log2(x + 1) of one gene by sample; NaN where missing."""
    found = values[row]
    return np.where(found == MISSING, np.nan, found / MILLI)


def scores(
    values: Matrix, genes: dict[str, float], members: Mapping[str, list[str]]
) -> dict[str, Floats]:
    """A score per gene set (name -> samples): the mean of its genes' standardised expression.

    A stand-in for ssGSEA, which needs a whole transcriptome; scaled to a like range. A set none
    of whose genes are expressed here has no score.
    """
    row = {gene: i for i, gene in enumerate(genes)}
    result = {}
    for name, listed in members.items():
        found = [row[g] for g in listed if g in row]
        if found:
            total = sum(np.nan_to_num(standardised(log2_of(values, i))) for i in found)
            result[name] = 0.25 + 0.08 * standardised(np.asarray(total))
    return result


def by_gene(values: Matrix, genes: dict[str, float], features: list[str]) -> dict[str, Floats]:
    """Features named ``expression_<gene>``: log2(x + 1) of the gene, where it is expressed here."""
    row = {gene.lower().replace("-", "_"): i for i, gene in enumerate(genes)}
    named = {feature: feature.removeprefix(PREFIX) for feature in features}
    return {f: log2_of(values, row[g]) for f, g in named.items() if g in row}


def loadings(immune: set[str], others: set[str]) -> dict[str, float]:
    """Loading of each gene (sorted) on the inflamed factor: near 0 unless it is immune."""
    result = {}
    for gene in sorted(immune | others):
        draw = stream(crc32(gene.encode()), "loading")
        loading = draw.uniform(0.15, 0.75) if gene in immune else draw.normal(0, 0.06)
        result[gene] = plan.INFLAMED_LOADING.get(gene, float(loading))
    return result


def tables(people: pd.DataFrame, rows: Ints, genes: dict[str, float], values: Matrix) -> dict[
    str, pd.DataFrame | pa.Table
]:  # fmt: skip
    """The expression_sample and expression tables."""
    n = len(rows)
    offsets = pa.array(np.arange(len(genes) + 1, dtype=np.int64) * n, pa.int64())
    lists = pa.LargeListArray.from_arrays(offsets, pa.array(values.ravel(), pa.uint16()))
    return {
        "expression_sample": pd.DataFrame(
            {
                "position": np.arange(n, dtype=np.int32),
                "patient_key": rows.astype(np.int32),
                "sample_id": people["patient_id"].to_numpy()[rows] + "-01",
            }
        ),
        "expression": pa.table(
            {
                "hugo_symbol": pa.array(list(genes), pa.string()),
                "values_milli_log2": lists,
                "source": pa.array(["simulated"] * len(genes), pa.string()),
            }
        ),
    }
