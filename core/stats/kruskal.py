"""Kruskal-Wallis test of k groups, with mean ranks and an effect size.

    H = (12 / (N (N + 1)) * sum R_j^2 / n_j - 3 (N + 1)) / (1 - sum(t^3 - t) / (N^3 - N)),

chi-squared with k - 1 degrees of freedom (R's ``kruskal.test``). Effect size: epsilon squared
= H / (N - 1), from 0 to 1 (Tomczak and Tomczak, Trends Sport Sci 2014;21:19-25).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from core.stats.rank_pairs import check_values, lengths_differ


@dataclass(frozen=True, eq=False)
class KruskalWallis:
    """``groups``: one row per group (index) with ``n``, ``median`` and ``mean_rank``."""

    statistic: float
    df: int
    p_value: float
    epsilon_squared: float
    groups: pd.DataFrame
    warnings: tuple[str, ...] = ()


def kruskal_wallis(values: npt.ArrayLike, groups: npt.ArrayLike) -> KruskalWallis:
    """Test whether ``values`` differ between the labels of ``groups``.

    Missing values or labels leave the patient out. With fewer than two groups, or all values
    equal, the statistic and p-value are NaN and ``warnings`` says why. Raises BadInput when the
    lengths differ or a value is infinite.
    """
    v, labels = np.asarray(values, dtype=float), pd.Series(np.asarray(groups))
    if v.shape != (labels.size,):
        raise lengths_differ(labels.size, v.size)
    check_values(v)
    codes, names = pd.factorize(labels, sort=True)
    keep = ~np.isnan(v) & (codes >= 0)
    frame = pd.DataFrame({"value": v[keep], "group": codes[keep]})
    ranks = stats.rankdata(frame["value"])
    table = (
        frame.assign(rank=ranks)
        .groupby("group")
        .agg(n=("value", "size"), median=("value", "median"), mean_rank=("rank", "mean"))
    )
    table.index = pd.Index(np.asarray(names)[table.index.to_numpy(dtype=int)], name="group")
    total, k = len(frame), len(table)
    if k < 2 or frame["value"].nunique() < 2:
        words = "fewer than two groups" if k < 2 else "all values are equal"
        return KruskalWallis(
            float("nan"), max(k - 1, 0), float("nan"), float("nan"), table, (f"{words}: no test",)
        )
    n, mean_rank = table["n"].to_numpy(dtype=float), table["mean_rank"].to_numpy(dtype=float)
    ties = frame["value"].value_counts().to_numpy(dtype=float)
    h = 12 / (total * (total + 1)) * float(n @ (mean_rank - (total + 1) / 2) ** 2)
    h /= 1 - float((ties**3 - ties).sum()) / (float(total) ** 3 - total)
    small = int((n < 5).sum())
    words = f"{small} groups have fewer than 5 patients: the chi-squared p-value is approximate"
    return KruskalWallis(
        h, k - 1, float(stats.chi2.sf(h, k - 1)), h / (total - 1), table, (words,) if small else ()
    )
