"""Single missing values of an expression matrix, before methods that rank genes within a sample.

Ranking needs the same genes in every sample. A gene that is missing in whole batches must be left
out of all; one that is missing here and there takes its median, which moves one rank of a sample.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FEW = 0.01
"""Share of the samples up to which a gene's missing values are filled."""


def fill_few(
    matrix: npt.NDArray[np.uint16], missing_code: int, *, few: float = FEW
) -> tuple[npt.NDArray[np.uint16], tuple[str, ...]]:
    """``matrix`` (genes x samples) with the gaps of genes that have few; what was filled.

    The median is that of the gene's known values, rounded down. The input is not changed; where
    nothing is filled, it is what is returned.
    """
    gaps = np.array([np.count_nonzero(row == missing_code) for row in matrix])
    filled = np.flatnonzero((gaps > 0) & (gaps <= few * matrix.shape[1]))
    if not filled.size:
        return matrix, ()
    out = matrix.copy()
    for gene in filled:
        row = out[gene]
        unknown = row == missing_code
        row[unknown] = int(np.median(row[~unknown]))
    words = (
        f"{int(gaps[filled].sum()):,} missing values of {filled.size:,} genes (at most {few:.0%} "
        "of the samples each) were set to the gene's median"
    )
    return out, (words,)
