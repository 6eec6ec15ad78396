"""Group tests, tables, correlations and the selected cut beside R's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.stats.contingency import binomial_interval, chi_squared, fisher_exact, mantel_haenszel
from core.stats.correlation import Spearman, partial_spearman, spearman
from core.stats.kruskal import kruskal_wallis
from core.stats.maxstat import maximally_selected
from core.stats.multiple import adjust
from core.stats.rank_panel import rank_panel
from core.stats.wilcoxon import rank_sum, van_elteren
from tests.golden import Comparison

HERE = Path(__file__).parent
TABLES = {
    "tea": [[3, 1], [1, 3]],
    "strong": [[10, 2], [3, 15]],
    "large": [[61, 1549], [30, 412]],
    "zero": [[0, 5], [6, 9]],
    "2x3": [[8, 10, 5], [12, 12, 3]],
    "3x4": [[3, 4, 5, 1], [2, 8, 1, 6], [6, 2, 2, 3]],
    "4x4": [[1, 2, 1, 0], [3, 3, 6, 1], [1, 0, 4, 5], [2, 3, 1, 6]],
}


def reference() -> dict[str, npt.NDArray[np.float64]]:
    """R's results: quantity -> number or vector."""
    table = pd.read_csv(HERE / "results.csv", na_values=["NA"])
    name = table["quantity"].str.replace(r"\[\d+\]$", "", regex=True)
    return {str(k): v.to_numpy(dtype=float) for k, v in table["value"].groupby(name)}


def compare() -> list[Comparison]:
    expected = reference()
    found = [*_wilcoxon(), *_van_elteren(), *_tables(), *_others(), *_maxstat()]
    loose = {"maxstat.age.permutation": 0.03}  # two Monte-Carlo estimates
    out = []
    for quantity, ours in found:
        tolerance = loose.get(quantity, 1e-3 if quantity.endswith("by_R") else 1e-8)
        values = np.atleast_1d(np.asarray(ours, dtype=float))
        out.append(Comparison("groups", quantity, values, expected[quantity], tolerance))
    missing = sorted(set(expected) - {quantity for quantity, _ in found})
    if missing:
        raise AssertionError(f"R gave what is compared with nothing: {missing}")
    return out


Found = Iterator[tuple[str, npt.ArrayLike]]


def _samples() -> dict[str, tuple[pd.Series, pd.Series]]:
    lung, large = pd.read_csv(HERE / "lung.csv"), pd.read_csv(HERE / "large.csv")
    small = pd.read_csv(HERE / "small.csv")
    female = (lung["sex"] == 2).astype(float)
    samples = {
        f"lung.{name.replace('_', '.')}": (lung[name], female)
        for name in ("age", "meal_cal", "wt_loss", "ph_karno")
    }
    samples["small"] = (small["value"], small["group"])
    samples["large"] = (large["value"], large["group"])
    return samples


def _wilcoxon() -> Found:
    for name, (value, group) in _samples().items():
        test = rank_sum(value, group)
        row = rank_panel(value.to_numpy()[None, :], group).frame.iloc[0]
        key = f"wilcoxon.{name}"
        yield f"{key}.statistic", test.u_statistic
        yield f"{key}.p", row["p_value"]
        yield f"{key}.shift_ci", [test.shift_ci_lower, row["shift_ci_upper"]]
        yield f"{key}.shift", row["shift"]
        yield f"{key}.auc", [test.auc, row["auc_ci_lower"], test.auc_ci_upper]
        yield f"{key}.n", [test.n_group, row["n_reference"]]
        if name == "large":
            yield f"{key}.shift_by_R", test.shift
        if name == "small":
            yield from _repeated(value, group)
    apart = rank_sum(np.arange(15.0), [0] * 9 + [1] * 6)
    yield "newcombe.separated.lower", apart.auc_ci_lower


def _repeated(value: pd.Series, group: pd.Series) -> Found:
    """The small sample by the normal approximation, which it would not take by itself."""
    from core.stats.rank_pairs import pair_sums, sort_sample
    from core.stats.wilcoxon import _normal_p, _shift

    v, g = value.to_numpy(dtype=float), group.to_numpy(dtype=float)
    pairs = pair_sums(sort_sample(v, g))
    sigma = float(np.sqrt(pairs.null_variance[0]))
    x, y = np.sort(v[g == 1]), np.sort(v[g == 0])
    estimate, lower, upper, _ = _shift(x, y, False, 0.95)
    exact, key = rank_sum(v, g), "wilcoxon.normal"
    yield f"{key}.statistic", pairs.u
    yield f"{key}.p", _normal_p(float(pairs.u[0]) - x.size * y.size / 2, sigma)
    yield f"{key}.shift_ci", [lower, upper]
    yield f"{key}.shift", estimate
    yield f"{key}.auc", [exact.auc, exact.auc_ci_lower, exact.auc_ci_upper]
    yield f"{key}.n", [x.size, y.size]


def _van_elteren() -> Found:
    samples = _samples()
    lung, large = pd.read_csv(HERE / "lung.csv"), pd.read_csv(HERE / "large.csv")
    for name, strata in (
        ("lung.wt.loss", lung["ph_ecog"]),
        ("lung.age", lung["inst"]),
        ("large", large["stratum"]),
    ):
        value, group = samples[name]
        test = van_elteren(value, group, strata)
        row = rank_panel(value.to_numpy()[None, :], group, strata=strata).frame.iloc[0]
        key = f"van_elteren.{name}"
        yield f"{key}.z", test.z
        yield f"{key}.p", row["stratified_p_value"]
        yield f"{key}.auc", [test.auc, row["stratified_auc_ci_lower"], test.auc_ci_upper]


def _tables() -> Found:
    for correct in (True, False):
        test = chi_squared([[12, 5], [7, 9]], correct=correct)
        yield f"chi_squared.2x2.{str(correct).upper()}", [test.statistic, test.p_value]
    test = chi_squared([[10, 10], [11, 10]])
    yield "chi_squared.near", [test.statistic, test.p_value]
    test = chi_squared(np.array([3, 14, 5, 8, 9, 2, 6, 7, 10]).reshape(3, 3).T)
    yield "chi_squared.3x3", [test.statistic, test.p_value]
    for name, table in TABLES.items():
        fisher = fisher_exact(table)
        yield f"fisher.{name}.p", fisher.p_value
        if len(table) == len(table[0]) == 2:
            odds = [fisher.odds_ratio, fisher.ci_lower, fisher.ci_upper]
            yield f"fisher.{name}.odds", odds
            yield f"fisher.{name}.odds_by_R", fisher.odds_ratio
    ucb = pd.read_csv(HERE / "ucb.csv").to_numpy().reshape(-1, 2, 2)
    for correct in (True, False):
        mh = mantel_haenszel(ucb, correct=correct)
        yield (
            f"mantel_haenszel.ucb.{str(correct).upper()}",
            [mh.odds_ratio, mh.ci_lower, mh.ci_upper, mh.statistic, mh.p_value],
        )
    lower, upper = binomial_interval([0, 3, 7, 61, 323], [7, 8, 7, 1610, 10953])
    yield "binomial.lower", lower
    yield "binomial.upper", upper


def _others() -> Found:
    air, lung = pd.read_csv(HERE / "airquality.csv"), pd.read_csv(HERE / "lung.csv")
    test = kruskal_wallis(air["ozone"], air["month"])
    yield "kruskal.ozone", [test.statistic, test.df, test.p_value]
    test = kruskal_wallis(lung["wt_loss"], lung["ph_ecog"])
    yield "kruskal.wt.loss", [test.statistic, test.df, test.p_value]
    p = [0.01, 0.8, np.nan, 0.03, 0.03, 0.5, 0.0004, 1]
    for method in ("BH", "holm", "bonferroni"):
        yield f"adjust.{method}", adjust(p, method)

    def numbers(c: Spearman) -> list[float]:
        return [c.rho, c.ci_lower, c.ci_upper, c.p_value]

    yield "spearman.ozone.wind", numbers(spearman(air["ozone"], air["wind"]))
    yield "spearman.lung", numbers(spearman(lung["wt_loss"], lung["meal_cal"]))
    one = partial_spearman(air["ozone"], air["wind"], air["temp"])
    two = partial_spearman(air["ozone"], air["wind"], air[["temp", "month"]].to_numpy().T)
    yield "partial.temp", numbers(one)
    yield "partial.temp.month", numbers(two)


def _maxstat() -> Found:
    lung = pd.read_csv(HERE / "lung.csv")
    months = np.floor(lung["time"] / 30.4375)
    for name, value, time, bounds in (
        ("age", lung["age"], lung["time"], (0.1, 0.9)),
        ("age.middle", lung["age"], lung["time"], (0.25, 0.75)),
        ("months", lung["meal_cal"], months, (0.1, 0.9)),
    ):
        draws = 100_000 if name == "age" else 0
        found = maximally_selected(
            value, time, lung["event"], minprop=bounds[0], maxprop=bounds[1], draws=draws
        )
        key = f"maxstat.{name}"
        yield f"{key}.Lau92", found.p_lausen92
        yield f"{key}.Lau94", found.p_lausen94
        yield f"{key}.statistic", found.statistic
        yield f"{key}.cut", found.cut
        yield f"{key}.statistics", found.statistics
        if draws:
            yield f"{key}.permutation", found.p_permutation
