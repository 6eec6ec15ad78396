"""ssGSEA scores beside GSVA's on matrices without ties, with zeros and with ties everywhere."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from core.stats.ssgsea import ssgsea
from tests.golden import Comparison

HERE = Path(__file__).parent
TOPIC = "ssgsea"
ONE_SAMPLE_OF = {"one_sample": "zeros"}
"""A matrix of GSVA's that is the first column of another."""


def gene_sets() -> dict[str, list[str]]:
    frame = pd.read_csv(HERE / "sets.csv")
    return {str(name): list(rows["gene"]) for name, rows in frame.groupby("gene_set", sort=False)}


def compare() -> list[Comparison]:
    scores = pd.read_csv(HERE / "scores.csv", float_precision="round_trip")
    out = []
    for (name, normalised, tau), rows in scores.groupby(["matrix", "normalised", "tau"]):
        source = ONE_SAMPLE_OF.get(str(name), str(name))
        matrix = pd.read_csv(HERE / f"{source}.csv", index_col="gene", float_precision="round_trip")
        if str(name) in ONE_SAMPLE_OF:
            matrix = matrix.iloc[:, :1]
        ours = ssgsea(
            matrix.to_numpy(),
            list(matrix.index),
            gene_sets(),
            tau=float(tau),
            normalise_scores=bool(normalised),
            block_samples=4,
        )
        wanted = rows.pivot(index="gene_set", columns="sample", values="score")
        out.append(
            Comparison(
                TOPIC,
                f"{name}, tau {tau:g}, {'normalised' if normalised else 'raw'}",
                ours.values,
                wanted.loc[list(ours.gene_sets), list(matrix.columns)].to_numpy(),
                tolerance=1e-12,
                reference_name="GSVA",
            )
        )
    return out
