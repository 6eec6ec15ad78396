"""Do ICI-treated patients whose tumour has a signature live longer? Figure 4C.

Each signature is compared on its own: present against absent, or by its share of the tumour's
mutations, in a Cox model that compares patients of the same study. The gene plays no part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.analysis.decomposed import Demands, Source, Tumours, tumours
from core.analysis.result import Result
from core.model import ENDPOINT_LABEL, Filters, NotEnoughData
from core.stats.cox import cox
from core.stats.multiple import benjamini_hochberg
from core.stats.scan import ScanOptions, scan
from core.store import Store, sentence

MIN_PRESENT, FIRTH_BELOW = 5, 5
PER_SHARE = 0.1
"""The exposure's unit: a tenth of the tumour's mutations."""
MIN_EVENTS = 10
"""Below, a model of an exposure is Firth's."""

Exposure = Literal["presence", "share"]


@dataclass(frozen=True)
class SignatureSurvival(Result):
    """table: a row per tested signature, smallest p first: signature, aetiology, n, events,
    n_present, events_present, hazard_ratio, ci_lower, ci_upper, p_value, q_value, method (cox or
    firth); hazard_ratio of present against absent, or for each tenth of the mutations more."""

    source: Source
    endpoint: str
    exposure: Exposure
    table: pd.DataFrame
    n: int
    events: int
    n_too_rare: int
    rows: pd.DataFrame
    flow: pd.DataFrame
    sentence: str
    methods: str
    warnings: tuple[str, ...]


def signature_survival(
    store: Store,
    filters: Filters,
    source: Source,
    demands: Demands | None = None,
    *,
    endpoint: str = "OS",
    exposure: Exposure = "presence",
    stratified: bool = True,
) -> SignatureSurvival:
    """Test every signature of the tumours that ``filters`` keep.

    Raises NotEnoughData where nobody has the endpoint or no signature can be tested.
    """
    found = tumours(store, filters, source, demands, endpoint=endpoint)
    names = store.cohort_names()
    return compare_exposures(
        found,
        store.signature_aetiologies(),
        endpoint=endpoint,
        exposure=exposure,
        stratified=stratified,
        kept=sentence(found.filters, cohort_names=names),
    )


def compare_exposures(
    found: Tumours,
    aetiologies: dict[str, str],
    *,
    endpoint: str = "OS",
    exposure: Exposure = "presence",
    stratified: bool = True,
    kept: str = "",
) -> SignatureSurvival:
    """Test every signature of ``found``; its frame carries time_months, event and cohort_id."""
    followed = (found.frame.time_months.notna() & found.frame.event.notna()).to_numpy()
    rows = np.flatnonzero(found.asked & followed)
    frame = found.frame.iloc[rows]
    weights = found.weights[rows].toarray()
    n_present = (weights > 0).sum(axis=0)
    testable = (n_present >= MIN_PRESENT) & (
        (len(frame) - n_present >= MIN_PRESENT) | (exposure == "share")
    )
    told = f"{len(frame):,} patients with {ENDPOINT_LABEL[endpoint].lower()}, "
    told += f"{int(frame.event.sum()):,} events ({found.source.label}): {kept}"
    if not testable.any() or not frame.event.any():
        raise NotEnoughData(
            "No signature can be set against survival.",
            expected=f"a signature present in at least {MIN_PRESENT} followed patients, and events",
            found=told,
            remedy="Widen a filter, or lower the demands on a tumour.",
        )
    within = stratified and frame.cohort_id.nunique() > 1
    by = frame.cohort_id if within else None
    columns = np.flatnonzero(testable)
    fit = _presence if exposure == "presence" else _shares
    estimates, notes = fit(weights[:, columns], frame, by)
    table = pd.DataFrame({"signature": np.array(found.signatures, dtype=object)[columns]})
    table["aetiology"] = [aetiologies.get(s, "Unknown") for s in table.signature]
    table["n"], table["events"] = len(frame), int(frame.event.sum())
    table["n_present"] = n_present[columns]
    died = frame.event.to_numpy(float) @ (weights[:, columns] > 0)
    table["events_present"] = died.astype(int)
    table = pd.concat([table, estimates], axis=1)
    table["q_value"] = benjamini_hochberg(table.p_value)
    lost = int((found.asked & ~followed).sum())
    step = {"step": [f"no {endpoint} known"], "n": [len(frame)], "lost": [lost]}
    return SignatureSurvival(
        source=found.source,
        endpoint=endpoint,
        exposure=exposure,
        table=table.sort_values("p_value", kind="stable").reset_index(drop=True),
        n=len(frame),
        events=int(frame.event.sum()),
        n_too_rare=int(((n_present > 0) & ~testable).sum()),
        rows=frame,
        flow=pd.concat([found.flow, pd.DataFrame(step)], ignore_index=True),
        sentence=told,
        methods=_methods(endpoint, exposure, within, found.demands),
        warnings=(*_warnings(frame), *notes),
    )


COLUMNS = ["hazard_ratio", "ci_lower", "ci_upper", "p_value", "method"]
Fitted = tuple[pd.DataFrame, tuple[str, ...]]


def _presence(
    weights: npt.NDArray[np.float64], frame: pd.DataFrame, by: pd.Series[str] | None
) -> Fitted:
    """Present against absent: Cox, Firth's where an arm has few events."""
    result = scan(
        (weights > 0).astype(float),
        frame.time_months,
        frame.event,
        strata=by,
        options=ScanOptions(min_mutants=MIN_PRESENT, firth_below=FIRTH_BELOW),
    )
    return result.frame[COLUMNS].reset_index(drop=True), result.warnings


def _shares(
    weights: npt.NDArray[np.float64], frame: pd.DataFrame, by: pd.Series[str] | None
) -> Fitted:
    """For each tenth of the mutations more: Cox, Firth's where there are few events."""
    few = frame.event.sum() < MIN_EVENTS
    rows, notes = [], []
    for column in weights.T:
        fit = cox(
            column / PER_SHARE,
            frame.time_months,
            frame.event,
            names=["share"],
            strata=by,
            penalty="firth" if few else None,
        )
        row = fit.table().iloc[0]
        rows.append({**row[COLUMNS[:4]].to_dict(), "method": "firth" if few else "cox"})
        notes += list(fit.warnings)
    return pd.DataFrame(rows), tuple(dict.fromkeys(notes))


def _warnings(frame: pd.DataFrame) -> tuple[str, ...]:
    words = []
    if frame.cohort_id.nunique() == 1:
        words.append(
            "One study alone: whether a signature goes with survival elsewhere cannot be told."
        )
    if frame.event.sum() < MIN_EVENTS:
        words.append(f"{int(frame.event.sum())} events in all: estimates are Firth's.")
    return tuple(words)


def _methods(endpoint: str, exposure: Exposure, within: bool, demands: Demands) -> str:
    by = ", stratified by study" if within else ""
    unit = (
        "for presence against absence"
        if exposure == "presence"
        else f"for each {PER_SHARE:.0%} more of a tumour's mutations"
    )
    return (
        f"Hazard ratios of {ENDPOINT_LABEL[endpoint].lower()} {unit} were estimated signature by "
        f"signature by Cox models with Efron's treatment of ties{by}, in tumours with at least "
        f"{demands.minimum_snv} SNVs; with Firth's penalty and profile-likelihood intervals where "
        f"an arm had fewer than {FIRTH_BELOW} events"
        + (f" (Firth's and Wald's below {MIN_EVENTS} events in all)" * (exposure == "share"))
        + f". Signatures present in fewer than {MIN_PRESENT} patients were not tested; q-values "
        "are Benjamini-Hochberg's over those tested. Nothing is adjusted for tumour type or burden."
    )
