"""Refits of seeded mixtures of invented profiles, beside R's least squares and greedy search."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from core.stats.nnls import nnls_rows
from core.stats.signature_reference import SignatureReference
from core.stats.signature_refit import Refit, refit
from tests.golden import Comparison

HERE = Path(__file__).parent
TOPIC = "signatures"
SEARCHED = 1e-6
"""R searches each change of the greedy regression numerically; here it has a closed form."""


@cache
def table(name: str) -> pd.DataFrame:
    return pd.read_csv(HERE / f"{name}.csv", float_precision="round_trip")


def reference() -> SignatureReference:
    profiles = table("profiles")
    return SignatureReference("invented", tuple(profiles.columns), profiles.to_numpy().T)


def fitted(method: str) -> Refit:
    return refit(table("counts").to_numpy(), reference(), method=method, draws=0)


def compare() -> list[Comparison]:
    counts = table("counts").to_numpy()
    fractions = counts / counts.sum(axis=1, keepdims=True)
    nnls = table("nnls").to_numpy()
    exact = nnls_rows(reference().profiles, fractions)
    guessed = nnls_rows(reference().profiles, fractions, np.roll(nnls, 1, axis=0) > 0)
    shares = nnls / nnls.sum(axis=1, keepdims=True)
    greedy, fit = fitted("greedy"), table("fit")
    named = "R, Lawson-Hanson"
    return [
        Comparison(TOPIC, "non-negative least squares", exact, nnls, 1e-8, 1e-10, named),
        Comparison(TOPIC, "the same from a wrong guess", guessed, nnls, 1e-8, 1e-10, named),
        Comparison(TOPIC, "shares", fitted("nnls").weights, shares, 1e-8, 1e-10, named),
        Comparison(TOPIC, "cosine, least squares", fitted("nnls").cosine, fit["nnls"], 1e-10),
        Comparison(TOPIC, "greedy weights", greedy.weights, table("greedy"), SEARCHED, 1e-7),
        Comparison(TOPIC, "cosine, greedy", greedy.cosine, fit["greedy"], SEARCHED),
    ]
