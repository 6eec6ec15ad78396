"""Where does the gene matter? Its hazard ratio in each subgroup, and whether subgroups differ.

The p-value of a factor is that of the interaction, by likelihood ratio; inside a subgroup there is
none. Estimates are shown raw and shrunken towards their factor's common mean (empirical Bayes),
since the most extreme of many raw estimates is too extreme.
:func:`compare_subgroups` works on any frame; :func:`subgroups_question` asks the store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from core.analysis.arms import Arms
from core.analysis.demands import demand_known, groups_in_words
from core.analysis.result import Result
from core.analysis.survival import MIN_EVENTS, MIN_PATIENTS, patient_flow, patients_sentence
from core.groups import Grouping, assign, without_outcome
from core.model import ENDPOINT_LABEL, DashboardError, Filters, NotEnoughData, Stratifier
from core.stats.cox import CoxFit
from core.stats.cox_terms import Categorical
from core.stats.interaction import likelihood_ratio_interaction
from core.stats.multiple import benjamini_hochberg
from core.stats.profile import profile_interval
from core.stats.shrinkage import shrink
from core.store import Store, sentence

AGE_CUTS = (50, 65, 75)
"""Years at which age groups begin; ages are in whole years."""

TMB_CUTS = (5, 10, 20)
"""Mutations per Mb at which TMB strata begin."""

BELOW = 1e-4
"""A TMB filter is a closed interval: the upper end of a stratum stops this far below the next."""

FACTORS: dict[str, str] = {
    "tumor_type": "Tumour type",
    "drug_class": "Drug class",
    "cohort_id": "Study",
    "sex": "Sex",
    "age": "Age (years)",
    "tmb": "TMB (mutations per Mb)",
    "assay": "Assay",
}
"""Factors by which patients are split, in order."""


@dataclass(frozen=True)
class Subgroups(Result):
    """Tidy tables of the figure.

    table: factor, factor_name, level, level_name, key, n, events, n_mutant, events_mutant,
        hazard_ratio, ci_lower, ci_upper, method (Cox, Firth, or empty), note (why there is no
        estimate), log_hazard_ratio, std_error, second_hazard_ratio, second_ci_lower,
        second_ci_upper (shrunken), weight_on_own, tested (part of the interaction test)
    tests: factor, factor_name, levels (compared), unknown (patients), chi_square, df, p_value,
        q_value (Benjamini-Hochberg over the factors tested)
    overall: hazard_ratio, ci_lower, ci_upper, p_value, n, events, method of everybody
    """

    title: str
    endpoint: str
    order: tuple[str, ...]
    table: pd.DataFrame
    tests: pd.DataFrame
    overall: dict[str, Any]
    flow: pd.DataFrame
    rows: pd.DataFrame
    sentence: str
    methods: str
    warnings: tuple[str, ...]

    @property
    def looked_at(self) -> tuple[str, ...]:
        """Keys of the subgroups with an estimate."""
        return tuple(self.table.key[self.table.hazard_ratio.notna()])


def subgroups_question(
    store: Store,
    filters: Filters,
    stratifier: Stratifier,
    *,
    endpoint: str = "OS",
    stratified: bool = True,
) -> Subgroups:
    """Subgroups of the patients that ``filters`` keep; the last group against the first.

    ``stratified``: every model is stratified by cohort. Raises NotEnoughData where fewer than two
    groups have patients with the endpoint.
    """
    frame = store.patients(filters, endpoint)
    grouping = without_outcome(assign(store, frame, stratifier))
    names = store.cohort_names()
    flow, kept = patient_flow(store.attrition(filters), frame, grouping, endpoint)
    rows = frame[kept].assign(group=grouping.labels.to_numpy()[kept])
    filtered = sentence(filters, cohort_names=names)
    demand_known(frame, grouping, endpoint, patients_sentence(filtered, frame, grouping))
    words = _words(filtered, rows, grouping)
    _demand_two_groups(rows, grouping, words)
    return compare_subgroups(
        rows,
        grouping.order,
        title=grouping.title,
        endpoint=endpoint,
        strata="cohort_id" if stratified else None,
        cohort_names=names,
        flow=flow,
        words=words,
        notes=grouping.notes,
    )


def compare_subgroups(
    rows: pd.DataFrame,
    order: Sequence[str],
    *,
    title: str,
    endpoint: str = "OS",
    strata: str | None = "cohort_id",
    factors: Sequence[str] = tuple(FACTORS),
    cohort_names: dict[str, str] | None = None,
    flow: pd.DataFrame | None = None,
    words: str = "",
    notes: Sequence[str] = (),
) -> Subgroups:
    """Compare ``order[-1]`` with ``order[0]`` in each level of each factor.

    ``rows``: group, time_months, event, ``strata`` and what the factors need (tumor_type,
    drug_class, cohort_id, sex, age_years, tmb_per_mb, assay); other groups are left out, which a
    warning tells. ``notes`` come before the warnings.
    """
    told = [*notes, *_not_compared(rows, order)]
    rows = rows[rows.group.isin([order[0], order[-1]])]
    data = levels(rows)
    arms = Arms.of(rows, order[-1], strata)
    names = (order[0], order[-1])
    parts, tests = [], []
    for factor in factors:
        part = _factor(data[factor], arms, names, cohort_names or {})
        if len(part) < 2:
            continue
        test, unsure = _interaction(data[factor], arms, part)
        told += unsure
        parts.append(part)
        tests.append({**test, "unknown": int(data[factor].isna().sum())})
    columns = list(TABLE_COLUMNS)
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    found = pd.DataFrame(tests, columns=TEST_COLUMNS)
    found["q_value"] = benjamini_hochberg(found.p_value.to_numpy(float))
    everybody, method, note = _estimate(arms, names)
    if note:
        told.append(f"All patients: {note}.")
    steps = pd.DataFrame({"step": ["analysed"], "n": [len(rows)], "lost": [0]})
    return Subgroups(
        title=title,
        endpoint=endpoint,
        order=tuple(order),
        table=table,
        tests=found,
        overall={**everybody, "n": len(data), "events": arms.events, "method": method},
        flow=steps if flow is None else flow,
        rows=rows,
        sentence=words,
        methods=_methods(endpoint, title, strata),
        warnings=tuple(dict.fromkeys(told)),
    )


TABLE_COLUMNS = (
    "factor", "factor_name", "level", "level_name", "key", "n", "events", "n_mutant",
    "events_mutant", "hazard_ratio", "ci_lower", "ci_upper", "log_hazard_ratio", "std_error",
    "method", "note", "tested", "second_hazard_ratio", "second_ci_lower", "second_ci_upper",
    "weight_on_own",
)  # fmt: skip
TEST_COLUMNS = ["factor", "factor_name", "levels", "unknown", "chi_square", "df", "p_value"]


def levels(rows: pd.DataFrame) -> pd.DataFrame:
    """The level of every factor for each patient, one column a factor; missing where unknown."""
    out = pd.DataFrame(index=rows.index)
    for factor in ("tumor_type", "drug_class", "cohort_id", "sex", "assay"):
        if factor in rows:
            out[factor] = rows[factor]
    if "age_years" in rows:
        out["age"] = _binned(rows.age_years, AGE_CUTS, lambda low, high: f"{low} to {high - 1}")
    if "tmb_per_mb" in rows:
        out["tmb"] = _binned(rows.tmb_per_mb, TMB_CUTS, lambda low, high: f"{low} to under {high}")
    return out


def _binned(values: pd.Series[float], cuts: Sequence[int], between: Any) -> pd.Series[Any]:
    """Intervals closed on the left, named in order."""
    names: list[str] = [f"under {cuts[0]}", *(between(a, b) for a, b in pairwise(cuts))]
    names.append(f"{cuts[-1]} or more")
    known = values.notna().to_numpy()
    place = np.searchsorted(np.asarray(cuts, dtype=float), values.to_numpy(float), side="right")
    codes = np.where(known, place, -1).astype(np.int64)
    return pd.Series(
        pd.Categorical.from_codes(codes, categories=pd.Index(names)), index=values.index
    )


def bounds(factor: str, level: str) -> tuple[float | None, float | None]:
    """The closed interval of the filter that keeps a level of age or TMB."""
    cuts = AGE_CUTS if factor == "age" else TMB_CUTS
    step = 1.0 if factor == "age" else BELOW
    if level.startswith("under"):
        return None, cuts[0] - step
    low = float(level.split()[0])
    above = [c for c in cuts if c > low]
    return low, (above[0] - step if above else None)


def _factor(
    column: pd.Series[Any], arms: Arms, names: tuple[str, str], cohort_names: dict[str, str]
) -> pd.DataFrame:
    """One row per level that has patients: numbers, raw and shrunken estimates."""
    factor = str(column.name)
    if isinstance(column.dtype, pd.CategoricalDtype):
        found = [c for c in column.cat.categories if (column == c).any()]
    else:
        found = column.value_counts().index.tolist()
    codes = pd.Index(found).get_indexer(pd.Index(column))
    rows = []
    for code, level in enumerate(found):
        part = arms.part(codes == code)
        estimate, method, note = _estimate(part, names)
        name = cohort_names.get(level, level) if factor == "cohort_id" else level
        rows.append(
            {
                "factor": factor, "factor_name": FACTORS[factor], "level": level,
                "level_name": name, "key": f"{factor}={level}", "n": part.n,
                "events": part.events, "n_mutant": part.n_mutant,
                "events_mutant": part.events_mutant, **estimate,
                "method": method, "note": note, "tested": part.large_enough,
            }
        )  # fmt: skip
    # Inside a subgroup no p-value is given; the interaction has one.
    return _with_shrunken(pd.DataFrame(rows).drop(columns="p_value", errors="ignore"))


_UNKNOWN = dict.fromkeys(
    ("hazard_ratio", "ci_lower", "ci_upper", "log_hazard_ratio", "std_error", "p_value"),
    float("nan"),
)


def _estimate(part: Arms, names: tuple[str, str]) -> tuple[dict[str, float], str, str]:
    """Hazard ratio of a subgroup, how it was made, and why there is none."""
    reference, other = names
    for n, arm in ((part.n_mutant, other), (part.n - part.n_mutant, reference)):
        if n == 0:
            return _UNKNOWN, "", f"no {arm}"
    if not part.events:
        return _UNKNOWN, "", "no event"
    fit = part.cox()
    small = fit.penalty is not None
    log, error = float(fit.coefficients[0]), float(fit.std_errors[0])
    if not np.isfinite(log) or not np.isfinite(error):
        return _UNKNOWN, "", "no study compares both arms"
    low, high = _interval(fit, small, log, error)
    found = {
        "hazard_ratio": float(np.exp(log)),
        "ci_lower": low,
        "ci_upper": high,
        "log_hazard_ratio": log,
        "std_error": error,
        "p_value": float("nan") if small else float(fit.columns()["p_value"][0]),
    }
    return found, "Firth" if small else "Cox", ""


def _interval(fit: CoxFit, small: bool, log: float, error: float) -> tuple[float, float]:
    """Profile-likelihood limits of Firth's estimate, Wald's of Cox's."""
    if small:
        found = profile_interval(fit, 0)
        return found.ci_lower, found.ci_upper
    row = fit.columns()
    return float(row["ci_lower"][0]), float(row["ci_upper"][0])


def _with_shrunken(table: pd.DataFrame) -> pd.DataFrame:
    new = ["second_hazard_ratio", "second_ci_lower", "second_ci_upper", "weight_on_own"]
    table[new] = np.nan
    if not len(table) or table.log_hazard_ratio.notna().sum() < 2:
        return table
    try:
        found = shrink(table.log_hazard_ratio, table.std_error).frame
    except DashboardError:
        return table
    columns = ["shrunken", "shrunken_ci_lower", "shrunken_ci_upper"]
    table[new[:3]] = np.exp(found[columns].to_numpy(float))
    table["weight_on_own"] = found.weight_on_own.to_numpy(float)
    return table


def _interaction(
    column: pd.Series[Any], arms: Arms, part: pd.DataFrame
) -> tuple[dict[str, Any], list[str]]:
    """The likelihood-ratio test over the levels that are large enough for one."""
    factor, compared = str(column.name), part.level[part.tested].tolist()
    none = {"chi_square": np.nan, "df": 0, "p_value": np.nan}
    test: dict[str, Any] = {
        "factor": factor, "factor_name": FACTORS[factor], "levels": len(compared), **none
    }  # fmt: skip
    if len(compared) < 2:
        return test, []
    at = column.isin(compared).to_numpy()
    some = arms.part(at)
    rows = {
        factor: pd.Categorical(column.to_numpy(object)[at], categories=compared),
        "mutant": some.mutant,
        "time_months": some.time,
        "event": some.event,
        "stratum": some.stratum,
    }
    found = likelihood_ratio_interaction(
        rows,
        Categorical("mutant", 0.0, (0.0, 1.0)),
        Categorical(factor, compared[0], tuple(compared)),
        "time_months",
        "event",
        strata="stratum",
        complete=True,
    )
    result = found.test
    told = []
    if not (found.without.fit.converged and found.within.fit.converged):
        told = [f"{FACTORS[factor]}: the interaction model did not converge; its p is withheld."]
        return test, told
    return test | {
        "chi_square": result.statistic, "df": result.df, "p_value": result.p_value
    }, told  # fmt: skip


def _demand_two_groups(rows: pd.DataFrame, grouping: Grouping, words: str) -> None:
    if rows.group.nunique() > 1:
        return
    raise NotEnoughData(
        "There are not two groups to compare.",
        expected="patients with follow-up in " + " and in ".join(grouping.order),
        found=", ".join(f"{int((rows.group == g).sum())} {g}" for g in grouping.order)
        + f"; {words}",
        remedy="Widen a filter, choose another gene, or include more mutation classes.",
    )


def _not_compared(rows: pd.DataFrame, order: Sequence[str]) -> list[str]:
    """Who is in none of the two groups that this page compares."""
    counts = rows.group.value_counts()
    others = [f"{counts[g]:,} {g}" for g in order[1:-1] if g in counts]
    if not others:
        return []
    compared = f"This page compares {order[-1]} with {order[0]}"
    return [f"{compared}; left out: {', '.join(others)}."]


def _words(filtered: str, rows: pd.DataFrame, grouping: Grouping) -> str:
    groups = groups_in_words(rows.group.value_counts(), grouping)
    n = rows.cohort_id.nunique()
    return (
        f"{len(rows):,} patients with follow-up and a known group: {filtered}, "
        f"{n} cohort{'s' if n != 1 else ''}; {groups}"
    )


def _methods(endpoint: str, title: str, strata: str | None) -> str:
    by = ", stratified by study" if strata else ""
    return (
        f"The hazard ratio of {title} for {ENDPOINT_LABEL[endpoint].lower()} was estimated in each "
        f"subgroup by a Cox model{by} (Efron's ties, Wald interval); with fewer than "
        f"{MIN_PATIENTS} patients or {MIN_EVENTS} events in an arm by Firth's penalised likelihood "
        "with its profile interval. Whether the hazard ratio differs between the levels of a "
        "factor was tested by the likelihood ratio of the interaction, both main effects in the "
        f"model, over levels with at least {MIN_PATIENTS} patients and {MIN_EVENTS} events in "
        "each arm; q-values adjust for the number of factors (Benjamini-Hochberg). TMB strata are "
        "cut at the same values in every study, though exomes and panels do not compare. Shrunken "
        "estimates are empirical Bayes under a normal random effect by REML within each factor."
    )
