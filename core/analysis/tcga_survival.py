"""Survival in TCGA by mutation: four endpoints side by side, and tumour type by tumour type (3C).

TCGA's patients had no ICI: what differs here is prognosis, not the effect of a drug.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import ndtri

from core.analysis.arms import Arms
from core.analysis.result import Result
from core.analysis.survival import (
    MIN_EVENTS,
    MIN_PATIENTS,
    SurvivalComparison,
    survival_question,
)
from core.analysis.tcga import TUMOR_TYPE, tcga_filters
from core.groups import MUTATION_ORDER, Grouping, assign, two_groups
from core.model import ENDPOINT_LABEL, Filters, NotEnoughData, Stratifier
from core.stats.cox import CoxFit
from core.stats.meta import meta_analysis
from core.stats.profile import ratio_limits
from core.store import Store, sentence

ENDPOINTS = ("DFI", "DSS", "PFI", "OS")

PAPER_NAME = {"DFI": "DFS", "PFI": "PFS"}
"""What the paper calls TCGA-CDR's endpoints, where the names differ."""

ADVICE = ("recommended", "caution", "not recommended", "not available")
"""Most trusted first."""

ADVISED = ("recommended", "caution")


@dataclass(frozen=True)
class TcgaSurvival(Result):
    """order: the reference group and the group compared with it (*mutant* below).
    comparisons: endpoint -> the comparison of its patients, stratified by tumour type or naive.

    ratios: endpoint, n, mutant, events, and for each of the two models hazard_ratio, ci_lower,
        ci_upper, p_value (stratified) and naive_hazard_ratio, ... (NaN where not to be estimated)
    by_type: endpoint, tumor_type_source, advice, note, n, mutant, events, mutant_events,
        hazard_ratio, ci_lower, ci_upper, p_value; too small a type has NaN
    heterogeneity: endpoint -> (p of Cochran's Q, I2, number of types) over the estimated types
    left_out: endpoint -> tumour types whose advice kept them out of the comparison
    missing: endpoint -> why it has no comparison
    """

    title: str
    order: tuple[str, str]
    comparisons: dict[str, SurvivalComparison]
    ratios: pd.DataFrame
    by_type: pd.DataFrame
    advice: pd.DataFrame
    heterogeneity: dict[str, tuple[float, float, int]]
    left_out: dict[str, tuple[str, ...]]
    missing: dict[str, str]
    sentence: str
    methods: str
    warnings: tuple[str, ...]


def tcga_survival(
    store: Store,
    filters: Filters,
    stratifier: Stratifier,
    *,
    types: tuple[str, ...] = (),
    stratified: bool = True,
    advised_only: bool = False,
) -> TcgaSurvival:
    """Compare mutant with wild-type patients of TCGA (or two other groups) for each endpoint.

    ``types``: TCGA abbreviations, by default all. ``advised_only`` leaves out, endpoint by
    endpoint, tumour types in which the endpoint is not recommended or not available.
    Raises NotEnoughData where no endpoint can be compared, or where there are not two groups.
    """
    asked = tcga_filters(filters, types)
    frame = store.patients(asked)
    whole = assign(store, frame, stratifier)
    order = two_groups(whole).order if len(frame) else MUTATION_ORDER
    advice = store.endpoint_advice()
    comparisons: dict[str, SurvivalComparison] = {}
    missing: dict[str, str] = {}
    left_out: dict[str, tuple[str, ...]] = {}
    ratios, by_type = [], []
    for endpoint in ENDPOINTS:
        unfit = advice[(advice.endpoint == endpoint) & ~advice.advice.isin(ADVISED)]
        out = tuple(unfit.tumor_type_source) if advised_only else ()
        question = _without(store, asked, out)
        try:
            found = _compared(store, question, stratifier, endpoint, stratified)
        except NotEnoughData as error:
            missing[endpoint] = error.found or error.message
            continue
        comparisons[endpoint] = found
        left_out[endpoint] = tuple(sorted(set(out)))
        ratios.append(_both_models(found))
        by_type.append(_by_type(found, advice[advice.endpoint == endpoint]))
    if not comparisons:
        raise NotEnoughData(
            "No endpoint of TCGA can be compared.",
            expected="mutant and wild-type patients with at least one of " + ", ".join(ENDPOINTS),
            found="; ".join(f"{e}: {why}" for e, why in missing.items()),
            remedy="Widen a filter, choose another gene, or include more mutation classes.",
        )
    return TcgaSurvival(
        title=stratifier.label,
        order=(order[0], order[-1]),
        comparisons=comparisons,
        ratios=pd.DataFrame(ratios),
        by_type=pd.concat(by_type, ignore_index=True),
        advice=advice,
        heterogeneity={str(t.endpoint.iloc[0]): q for t in by_type if (q := _differ(t))},
        left_out=left_out,
        missing=missing,
        sentence=_sentence(asked, frame, whole),
        methods=_methods(stratified),
        warnings=_warnings(comparisons),
    )


def _without(store: Store, asked: Filters, out: tuple[str, ...]) -> Filters:
    """``asked`` without the TCGA types of ``out``."""
    if not out:
        return asked
    types = asked.source_tumor_types or tuple(
        store.source_tumor_types(asked.cohorts[0]).tumor_type_source
    )
    return replace(asked, source_tumor_types=tuple(t for t in types if t not in out) or ("none",))


def _compared(
    store: Store, question: Filters, stratifier: Stratifier, endpoint: str, stratified: bool
) -> SurvivalComparison:
    return survival_question(
        store,
        question,
        stratifier,
        endpoint=endpoint,
        stratified=stratified,
        strata=TUMOR_TYPE,
    )


def _both_models(found: SurvivalComparison) -> dict[str, object]:
    """The Cox hazard ratio within tumour types, and as if all were one disease."""
    arms, small = Arms.of(found.rows, found.order[-1], TUMOR_TYPE), not found.large_enough
    out: dict[str, object] = {
        "endpoint": found.endpoint,
        "n": arms.n,
        "mutant": arms.n_mutant,
        "events": arms.events,
    }
    for lead, stratified in (("", True), ("naive_", False)):
        fit = found.fit
        if fit is None or found.stratified != stratified:
            fit = arms.cox(stratified=stratified, small=small)
        out |= {f"{lead}{k}": v for k, v in _ratio(fit, small).items()}
    return out


def _ratio(fit: CoxFit, small: bool) -> dict[str, float]:
    row = fit.columns()
    lower, upper = ratio_limits(fit, 0)
    p = float("nan") if small else float(row["p_value"][0])
    ratio = float(row["hazard_ratio"][0])
    return {"hazard_ratio": ratio, "ci_lower": lower, "ci_upper": upper, "p_value": p}


def _by_type(found: SurvivalComparison, advice: pd.DataFrame) -> pd.DataFrame:
    """One row per tumour type: counts, advice, and a hazard ratio where both arms are large."""
    told = advice.set_index("tumor_type_source")
    everyone = Arms.of(found.rows, found.order[-1], TUMOR_TYPE)
    types = sorted(set(found.rows[TUMOR_TYPE]))
    out = []
    for code, kind in enumerate(types):
        arms = everyone.part(everyone.stratum == code)
        row: dict[str, object] = {
            "endpoint": found.endpoint,
            "tumor_type_source": kind,
            "advice": told.advice.get(kind, "not stated"),
            "note": told.note.get(kind, ""),
            "n": arms.n,
            "mutant": arms.n_mutant,
            "events": arms.events,
            "mutant_events": arms.events_mutant,
        }
        if arms.large_enough:
            row |= _ratio(arms.cox(), False)
        else:
            row |= dict.fromkeys(("hazard_ratio", "ci_lower", "ci_upper", "p_value"), np.nan)
        out.append(row)
    return pd.DataFrame(out)


def _differ(types: pd.DataFrame) -> tuple[float, float, int] | None:
    """Cochran's Q over the types with an estimate; None for fewer than two."""
    rows = types[types.hazard_ratio.notna()]
    if len(rows) < 2:
        return None
    error = np.log(rows.ci_upper / rows.ci_lower) / (2 * ndtri(0.975))
    found = meta_analysis(np.log(rows.hazard_ratio), error)
    return found.q_p_value, found.i2, len(rows)


def _sentence(asked: Filters, frame: pd.DataFrame, grouping: Grouping) -> str:
    counts = [
        f"{int((grouping.labels == g).sum()):,} {grouping.title} {g}"
        if g != MUTATION_ORDER[0]
        else f"{int((grouping.labels == g).sum()):,} {g}"
        for g in reversed(grouping.order)
    ]
    types = frame[TUMOR_TYPE].nunique()
    kept = sentence(replace(asked, cohorts=()))
    return (
        f"{len(frame):,} TCGA patients ({kept}) of {types} tumour types; "
        + ", ".join(counts)
        + f", {grouping.n_unassigned:,} {grouping.unassigned}."
    )


def _warnings(comparisons: dict[str, SurvivalComparison]) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(f"{e}: {text}" for e, c in comparisons.items() for text in c.warnings)
    )


def _methods(stratified: bool) -> str:
    by = " stratified by TCGA tumour type" if stratified else ""
    names = ", ".join(f"{ENDPOINT_LABEL[e].lower()} ({e})" for e in ENDPOINTS)
    return (
        f"Endpoints are those of TCGA-CDR (Liu 2018): {names}. The two groups were "
        f"compared by a log-rank test{by} and a Cox model{by} with Efron's treatment of ties. "
        "Within a tumour type a Cox model was fitted where each arm had at least "
        f"{MIN_PATIENTS} patients and {MIN_EVENTS} events; these types were compared by Cochran's "
        "Q. The advice on endpoints is derived by rule from the notes and event counts of the "
        "TCGA-CDR workbook."
    )
