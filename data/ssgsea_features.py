"""ssGSEA scores of the immune signatures as features, made of the expression matrix at build time.

Every sample of the matrix is scored at once, since normalised scores depend on the set of samples
(core.stats.ssgsea): filters come afterwards. The description says how many samples there were.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.stats.gaps import fill_few
from core.stats.ssgsea import ssgsea
from data.facts import gene_set_members
from data.publish import Progress

CATEGORY = "immune signature"
PREFIX = "ssgsea_"
SOURCE = (
    "ssGSEA (Barbie 2009, Nature 462:108) as GSVA defines it, of the 29 sets of He 2018 (J Exp "
    "Clin Cancer Res 37:327)"
)


def feature_id(gene_set: str) -> str:
    """``CD8+ T cells`` -> ``ssgsea_cd8+_t_cells``."""
    return PREFIX + gene_set.lower().replace(" ", "_")


def score(
    matrix: npt.NDArray[np.uint16],
    genes: list[str],
    samples: pd.DataFrame,
    missing_code: int,
    notes: list[str],
    progress: Progress,
) -> dict[str, pd.DataFrame]:
    """Tables ``feature`` and ``feature_value`` of the immune signatures.

    ``matrix``: genes x samples in the store's coding; ``samples``: patient_key and tumor_type in
    the order of its columns. What was filled or left out goes to ``notes``.
    """
    sets = gene_set_members(CATEGORY)
    whole, filled = fill_few(matrix, missing_code)
    scores = ssgsea(
        whole,
        genes,
        sets,
        missing_code=missing_code,
        progress=lambda what, done: progress(f"scoring immune signatures, {what}", 0.58),
    )
    notes += [f"ssGSEA: {w}" for w in (*filled, *scores.warnings)]
    known: npt.NDArray[np.bool_] = np.asarray(np.isfinite(scores.values).any(axis=1))
    names = [n for n, k in zip(scores.gene_sets, known, strict=True) if k]
    notes.append(f"ssGSEA: {len(names)} immune signatures of {len(samples):,} patients")
    matched = dict(zip(scores.gene_sets, scores.n_matched, strict=True))
    base = _base(samples)
    feature = pd.DataFrame(
        {
            "feature": [feature_id(n) for n in names],
            "name": names,
            "category": "ssgsea",
            "unit": "enrichment score",
            "kind": "number",
            "centred": True,
            "source": SOURCE,
            "description": [
                f"{matched[n]} of {len(sets[n])} genes were found. {base}" for n in names
            ],
        }
    )
    parts = [
        pd.DataFrame(
            {
                "feature": feature_id(name),
                "patient_key": samples.patient_key.to_numpy(),
                "value": scores.values[i],
                "label": None,
            }
        )
        for i, name in enumerate(scores.gene_sets)
        if known[i]
    ]
    return {"feature": feature, "feature_value": pd.concat(parts, ignore_index=True)}


def _base(samples: pd.DataFrame) -> str:
    """What the scores are normalised over, and what they therefore cannot be compared with."""
    types = sorted(samples.tumor_type.unique())
    few = f" ({', '.join(types)})" if len(types) <= 8 else ""
    words = f"Normalised over the {len(samples):,} samples of the matrix, {len(types)} types{few}"
    if len(types) <= 8:
        words += ": not comparable with scores over all of TCGA"
    return words + "."
