"""Is it the gene, or the burden? One gene's hazard ratio with and without cancer type and TMB.

A tumour with many mutations has one in any given gene more often, and high TMB goes with longer
survival under an ICI: a gene may look protective by its frequency alone. Every model here is fitted
to the same patients, so that only the adjustment differs. :func:`adjust` works on any frame of
patients; :func:`burden_question` asks the store. The null of matched permutations stands in
:mod:`core.analysis.burden_null`, all other genes in :mod:`core.analysis.gene_scan`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from core.analysis.demands import demand_known
from core.analysis.result import Result
from core.analysis.survival import MIN_EVENTS, MIN_PATIENTS, patient_flow, patients_sentence
from core.groups import assign, two_groups
from core.model import ENDPOINT_LABEL, Filters, NotEnoughData, Stratifier
from core.stats.cox import cox
from core.stats.profile import profile_interval
from core.stats.spline import default_knots, restricted_cubic
from core.store import Store, sentence

Floats = npt.NDArray[np.float64]

KNOTS = 4
QUINTILES = ("lowest fifth", "second", "third", "fourth", "highest fifth")
FEW_ALONE = 0.05
"""Share of mutant patients without a wild-type match up to which there is no warning."""
NAN = float("nan")


@dataclass(frozen=True)
class Burden(Result):
    """models: one row per model, all on the same patients: adjusted_for, coding, hazard_ratio,
        ci_lower, ci_upper, p_value (NaN: withheld), n, events, note (why there is no estimate)
    frequency: one row per fifth of TMB within cohort: fifth, n, n_mutant, fraction, ci_lower,
        ci_upper (Wilson), tmb_median (per Mb)
    rows: the patients analysed: patient_key, cohort_id, tumor_type, time_months, event,
        tmb_per_mb, tmb_z, mutant (0/1), stratum (cohort x cancer type)
    flow: step, n, lost
    """

    title: str
    endpoint: str
    models: pd.DataFrame
    frequency: pd.DataFrame
    rows: pd.DataFrame
    flow: pd.DataFrame
    sentence: str
    methods: str
    warnings: tuple[str, ...]
    small: bool
    """An arm has too few patients or events for a p-value."""

    @property
    def raw(self) -> pd.Series[float]:
        return self.models.iloc[0]

    @property
    def adjusted(self) -> pd.DataFrame:
        """The estimates that account for cancer type and TMB, one per coding of TMB."""
        at = (self.models.adjusted_for == FOR_BURDEN) & self.models.hazard_ratio.notna()
        return self.models[at]


FOR_NOTHING, FOR_TYPE, FOR_BURDEN = "cohort only", "cancer type", "cancer type and TMB"


def burden_question(
    store: Store, filters: Filters, stratifier: Stratifier, *, endpoint: str = "OS"
) -> Burden:
    """The patients that ``filters`` keep, with the endpoint, both states known and TMB known.

    Raises NotEnoughData where not both mutant and wild-type patients are left.
    """
    frame = store.patients(filters, endpoint)
    grouping = two_groups(assign(store, frame, stratifier))
    names = store.cohort_names()
    flow, kept = patient_flow(store.attrition(filters), frame, grouping, endpoint)
    known = kept & frame.tmb_per_mb.notna() & frame.tmb_z.notna()
    n, lost = int(known.sum()), int((kept & ~known).sum())
    step = pd.DataFrame({"step": ["TMB not known"], "n": [n], "lost": [lost]})
    words = patients_sentence(sentence(filters, cohort_names=names), frame, grouping)
    demand_known(frame, grouping, endpoint, words)
    mutant = (grouping.labels == grouping.order[-1]).astype(float)
    rows = frame.loc[known].assign(mutant=mutant[known])
    if rows.mutant.nunique() < 2 or not rows.event.any():
        raise NotEnoughData(
            "Mutant and wild type cannot be compared.",
            expected=f"mutant and wild-type patients with {ENDPOINT_LABEL[endpoint].lower()} and "
            "TMB known, and an event",
            found=f"{int(rows.mutant.sum())} mutant, {int((1 - rows.mutant).sum())} wild type, "
            f"{int(rows.event.sum())} events; {words}",
            remedy="Widen a filter, choose another gene, or include more mutation classes.",
        )
    return adjust(
        rows,
        title=grouping.title,
        endpoint=endpoint,
        flow=pd.concat([flow, step], ignore_index=True),
        words=words,
    )


def adjust(
    rows: pd.DataFrame,
    *,
    title: str,
    endpoint: str = "OS",
    flow: pd.DataFrame | None = None,
    words: str = "",
) -> Burden:
    """Fit every model to ``rows``: cohort_id, tumor_type, time_months, event, mutant (0/1),
    tmb_per_mb, tmb_z; none missing."""
    rows = rows.assign(stratum=rows.cohort_id + " / " + rows.tumor_type)
    small = _is_small(rows)
    nothing = np.empty((len(rows), 0))
    found = [
        _model(rows, FOR_NOTHING, "", rows.cohort_id, lambda _: nothing, small),
        _model(rows, FOR_TYPE, "", rows.stratum, lambda _: nothing, small),
    ]
    for coding, columns in CODINGS.items():
        found.append(_model(rows, FOR_BURDEN, coding, rows.stratum, columns, small))
    said = _warnings(rows, small) + [w for _, words in found for w in words]
    empty = pd.DataFrame({"step": ["analysed"], "n": [len(rows)], "lost": [0]})
    return Burden(
        title=title,
        endpoint=endpoint,
        models=pd.DataFrame([row for row, _ in found]),
        frequency=_frequency(rows),
        rows=rows,
        flow=empty if flow is None else flow,
        sentence=words,
        methods=_methods(endpoint),
        warnings=tuple(dict.fromkeys(said)),
        small=small,
    )


# -- codings of TMB ----------------------------------------------------------------------


def share_below(rows: pd.DataFrame) -> Floats:
    """Place of each patient's TMB within the cohort, above 0 and at most 1; ties share theirs."""
    ranks = rows.groupby("cohort_id").tmb_per_mb.rank(method="average", pct=True)
    return ranks.to_numpy(float)


def _linear(rows: pd.DataFrame) -> Floats:
    return rows[["tmb_per_mb"]].to_numpy(float) / 10


def _log2(rows: pd.DataFrame) -> Floats:
    return np.log2(rows[["tmb_per_mb"]].to_numpy(float) + 1)


def _within(rows: pd.DataFrame) -> Floats:
    return rows[["tmb_z"]].to_numpy(float)


def _tertiles(rows: pd.DataFrame) -> Floats:
    place = share_below(rows)
    return np.column_stack([(place > 1 / 3) & (place <= 2 / 3), place > 2 / 3]).astype(float)


def _spline(rows: pd.DataFrame) -> Floats:
    z = rows.tmb_z.to_numpy(float)
    knots = default_knots(z, KNOTS)
    if np.min(np.diff(knots)) <= 0:
        raise NotEnoughData("TMB has too few distinct values for a spline.")
    return restricted_cubic(z, knots)


def _top_fifth(rows: pd.DataFrame) -> Floats:
    return (share_below(rows) > 0.8).astype(float)[:, None]


CODINGS: dict[str, Callable[[pd.DataFrame], Floats]] = {
    "linear, per Mb": _linear,
    "log2(TMB + 1)": _log2,
    "z within cohort": _within,
    "thirds within cohort": _tertiles,
    "spline of z": _spline,
    "top fifth within cohort": _top_fifth,
}


# -- models ------------------------------------------------------------------------------


def _is_small(rows: pd.DataFrame) -> bool:
    arms = rows.groupby("mutant").event.agg(["size", "sum"])
    return bool((arms["size"] < MIN_PATIENTS).any() or (arms["sum"] < MIN_EVENTS).any())


def _model(
    rows: pd.DataFrame,
    adjusted_for: str,
    coding: str,
    strata: pd.Series[str],
    columns: Callable[[pd.DataFrame], Floats],
    small: bool,
) -> tuple[dict[str, object], tuple[str, ...]]:
    """One row of ``models``, and what there is to say of the fit."""
    out: dict[str, object] = {"adjusted_for": adjusted_for, "coding": coding}
    out |= {"n": len(rows), "events": int(rows.event.sum())}
    none = dict.fromkeys(("hazard_ratio", "ci_lower", "ci_upper", "p_value"), NAN)
    try:
        burden = columns(rows)
    except NotEnoughData:
        return {**out, **none, "note": "too few distinct values"}, ()
    names = ["mutant", *(f"TMB {i + 1}" for i in range(burden.shape[1]))]
    fit = cox(
        np.column_stack([rows.mutant.to_numpy(float), burden]),
        rows.time_months,
        rows.event,
        names=names,
        strata=strata,
        penalty="firth" if small else None,
    )
    row = fit.table().iloc[0]
    if not np.isfinite(row.coefficient):
        return {**out, **none, "note": "not estimable"}, ()
    lower, upper, p = row.ci_lower, row.ci_upper, row.p_value
    if small:
        profile = profile_interval(fit, "mutant")
        lower, upper, p = profile.ci_lower, profile.ci_upper, NAN
    numbers = {"hazard_ratio": row.hazard_ratio, "ci_lower": lower, "ci_upper": upper}
    return {**out, **numbers, "p_value": p, "note": ""}, _about_events(fit.warnings)


def _about_events(warnings: tuple[str, ...]) -> tuple[str, ...]:
    """What concerns the reader: a level of TMB that cannot be estimated is not the gene's."""
    return tuple(w for w in warnings if "mutant" in w or "converge" in w)


def _frequency(rows: pd.DataFrame) -> pd.DataFrame:
    """How often the gene is mutated by fifth of TMB within cohort, with Wilson's interval."""
    fifth = np.clip(np.ceil(5 * share_below(rows)).astype(int) - 1, 0, 4)
    by = rows.groupby(fifth)
    table = by.agg(
        n=("mutant", "size"), n_mutant=("mutant", "sum"), tmb_median=("tmb_per_mb", "median")
    )
    table = table.reset_index(names="fifth")
    table["fifth"] = [QUINTILES[i] for i in table.fifth]
    n, p = table.n.to_numpy(float), (table.n_mutant / table.n).to_numpy(float)
    z = float(ndtri(0.975))
    middle, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    table["fraction"] = p
    table["ci_lower"] = (middle - half) / (1 + z**2 / n)
    table["ci_upper"] = (middle + half) / (1 + z**2 / n)
    return table.astype({"n_mutant": int})


def _warnings(rows: pd.DataFrame, small: bool) -> list[str]:
    words = []
    if small:
        words.append(
            f"An arm has fewer than {MIN_PATIENTS} patients or {MIN_EVENTS} events: no p-value is "
            "given, and the hazard ratios are Firth's."
        )
    states = rows.groupby("stratum").mutant.transform("nunique")
    alone = int(rows.mutant[states < 2].sum())
    if alone > FEW_ALONE * rows.mutant.sum():
        words.append(
            f"{alone} of {int(rows.mutant.sum())} mutant patients have no wild-type patient of "
            "their cohort and cancer type: once cancer type is accounted for they count for "
            "nothing."
        )
    return words


def _methods(endpoint: str) -> str:
    return (
        f"Cox models of {ENDPOINT_LABEL[endpoint].lower()} (Efron's ties, Wald's interval; Firth's "
        f"penalty and profile-likelihood interval where an arm had fewer than {MIN_PATIENTS} "
        f"patients or {MIN_EVENTS} events) were fitted to the same patients throughout: those "
        "profiled for the gene with follow-up and TMB known. The raw model is stratified by "
        "cohort; cancer type is accounted for by stratifying by cohort and cancer type; TMB enters "
        "as covariate: per 10 mutations per Mb; log2(TMB + 1); log2(TMB + 1) standardised within "
        f"cohort (z); thirds within cohort; a restricted cubic spline of z with {KNOTS} knots at "
        "Harrell's quantiles; the highest fifth within cohort. Mutation frequency by fifth of TMB "
        "within cohort has Wilson's interval."
    )
