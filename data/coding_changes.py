"""Alleles of calls that name a change on the gene's strand alone, such as ``c.1841C>T``.

Liu 2019 and Riaz 2017 give positions and coding changes but no alleles. The base of a reference
genome at the position tells the strand: where it is the change's first base the gene lies on the
forward strand, where it is its complement on the other one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data.calls import SUBSTITUTION
from data.publish import Progress
from data.reference_genome import FLANK, Genome, channels_from_genome, contexts

Texts = npt.NDArray[np.object_]

_COMPLEMENT = str.maketrans("ACGT", "TGCA")
ALLELES = ("reference_allele", "tumor_seq_allele2")


def with_alleles(
    mutation: pa.Table,
    cohort: Texts,
    names: pd.DataFrame,
    genome: Genome,
    progress: Progress,
) -> pa.Table:
    """``mutation`` with both alleles, on the forward strand, of substitutions that lack them.

    ``cohort``: cohort_id of each call; ``names``: name and genome_build by cohort_id. A call whose
    position holds another base on both strands keeps none. Raises BadInput where these are more
    than 1% of a cohort's, naming the likely wrong build.
    """
    lacking = pc.and_(*(pc.is_null(mutation[a]) for a in ALLELES))
    placed = pc.and_(pc.is_valid(mutation["start_position"]), pc.is_valid(mutation["hgvsc"]))
    rows = np.flatnonzero(pc.and_(lacking, placed).to_numpy(zero_copy_only=False))
    change = mutation["hgvsc"].take(rows).to_pandas().str.extract(_BOTH)
    rows, change = rows[change[0].notna()], change[change[0].notna()].to_numpy(object)
    if not rows.size:
        return mutation
    found: dict[str, Any] = {a: mutation[a].to_pandas().astype(object).to_numpy() for a in ALLELES}
    of = cohort[rows]
    for cohort_id in pd.unique(of):
        own = of == cohort_id
        at = mutation.take(rows[own])
        place = (
            at["chromosome"].to_pandas().fillna("").to_numpy(),
            at["start_position"].to_numpy(),
        )
        base = np.array([c[FLANK] for c in contexts(genome, *place)], dtype=object)
        forward, fits = _forward(change[own], base)
        channels_from_genome(
            genome, *place, *forward.T,
            where=f"the calls of {names['name'][cohort_id]}",
            build=str(names.genome_build[cohort_id] or ""),
        )  # fmt: skip
        for allele, values in zip(ALLELES, forward.T, strict=True):
            found[allele][rows[own]] = np.where(fits, values, None)
        progress(f"alleles of {names['name'][cohort_id]} by the genome's strand", 0.56)
    for allele, values in found.items():
        column = pa.array(values, mutation.schema.field(allele).type, from_pandas=True)
        mutation = mutation.set_column(mutation.column_names.index(allele), allele, column)
    return mutation


_BOTH = SUBSTITUTION.replace("[ACGT]>[ACGT]", "([ACGT])>([ACGT])")


def _forward(change: Texts, base: Texts) -> tuple[Texts, npt.NDArray[np.bool_]]:
    """Reference and alternative on the forward strand, n x 2, and where ``base`` allows it."""
    other = np.array([[a.translate(_COMPLEMENT) for a in pair] for pair in change], dtype=object)
    plus, minus = change[:, 0] == base, other[:, 0] == base
    return np.where(minus[:, None], other, change), plus | minus
