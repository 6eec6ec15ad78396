"""Survival and response of the simulated patients, with the effects planted in ``plan``.

Time to death is Weibull with hazard h0(t) exp(lp); an effect that starts late multiplies the
hazard from its month on. Death, progression and response share a normal score (a Gaussian
copula), so that responders live longer than their covariates say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import log_ndtr

from data.demo import plan
from data.demo.draw import Bools, Floats, Ints, stream

NEVER = 1e6
"""Month from which no effect starts."""
CODES = ("OS", "PFS", "DSS", "DFI", "PFI")


@dataclass(frozen=True)
class Risk:
    """Log hazard of each patient, and one further log hazard that starts at ``from_month``."""

    lp: Floats
    late: Floats
    from_month: Floats


def risk(
    people: pd.DataFrame, tmb_z: Floats, mutated: dict[str, Bools], clinical: dict[str, Floats]
) -> Risk:
    """The planted log hazards, centred in each cohort and tumour type (whose medians are given).

    ``mutated``: gene -> flags; ``clinical``: variable -> values.
    """
    treated = people["treated_with_ici"].to_numpy(dtype=bool)
    burden = np.nan_to_num(tmb_z)
    inflamed = people["inflamed_"].to_numpy()
    age = np.nan_to_num((people["age_years"].to_numpy(dtype=float) - 60) / 10)
    lp = np.where(treated, np.log(plan.TMB_HAZARD_RATIO_PER_SD) * burden, 0.0)
    lp += inflamed * np.where(treated, np.log(plan.INFLAMED_HAZARD_RATIO_PER_SD),
                              np.log(plan.INFLAMED_HAZARD_RATIO_UNTREATED))  # fmt: skip
    decade = plan.AGE_HAZARD_RATIO_PER_DECADE
    lp += age * np.where(treated, np.log(decade["ici"]), np.log(decade["untreated"]))
    tcga = people["cohort_id"].to_numpy() == "tcga"
    stage = people["stage"].map(plan.STAGE_HAZARD_RATIO).fillna(1.0).to_numpy(dtype=float)
    lp += np.where(tcga, np.log(stage), 0.0)
    lp += np.log(people["drug_class"].map(plan.DRUG_HAZARD_RATIO).to_numpy(dtype=float))
    for variable, ratio in plan.CLINICAL_HAZARD_RATIO.items():
        lp += np.log(ratio) * np.nan_to_num(clinical[variable])
    late, start = np.zeros(len(people)), np.full(len(people), NEVER)
    control = people["arm_"].to_numpy(dtype=bool)
    late[control] = np.log(plan.DOCETAXEL_LATE_HAZARD_RATIO)
    start[control] = plan.DOCETAXEL_LATE_FROM_MONTH
    of_genes = np.zeros(len(people))
    for effect in plan.EFFECTS:
        rows = mutated[effect.gene] & applies(effect, people)
        if effect.from_month:
            late[rows] += np.log(effect.hazard_ratio)
            start[rows] = effect.from_month
        else:
            of_genes[rows] += np.log(effect.hazard_ratio)
    group = (people["cohort_id"] + people["tumor_type_source"]).to_numpy(dtype=object)
    lp += of_genes - _mean_by_burden(of_genes, tmb_z, people["tumor_type"].to_numpy(), treated)
    lp -= pd.Series(lp).groupby(group).transform("mean").to_numpy()
    return Risk(lp, late, start)


def _mean_by_burden(
    of_genes: Floats, tmb_z: Floats, tumor_type: np.ndarray, treated: Bools
) -> Floats:
    """Mean planted gene effect among patients of like tumour type, treatment and burden.

    Taken off, so that genes mutated at high burden do not together bend the planted effect of
    TMB: a gene without an effect of its own then has none at a given burden.
    """
    bins = pd.DataFrame({"type": tumor_type, "treated": treated})
    rank = pd.Series(tmb_z).groupby([bins["type"], bins["treated"]]).rank(pct=True)
    bins["bin"] = np.ceil(rank.fillna(0).to_numpy() * plan.BURDEN_BINS)
    keys = [bins[c] for c in ("type", "treated", "bin")]
    return pd.Series(of_genes).groupby(keys).transform("mean").to_numpy(dtype=float)


def applies(effect: plan.Effect, people: pd.DataFrame) -> Bools:
    """Whom an effect is planted in, mutated or not."""
    treated = people["treated_with_ici"].to_numpy(dtype=bool)
    rows = {"ici": treated, "untreated": ~treated, "any": np.ones(len(people), bool)}[
        effect.setting
    ].copy()
    if effect.tumor_types:
        rows &= people["tumor_type"].isin(effect.tumor_types).to_numpy()
    if effect.cohorts:
        rows &= people["cohort_id"].isin(effect.cohorts).to_numpy()
    return rows & ~people["cohort_id"].isin(effect.except_cohorts).to_numpy()


def times(median: Floats, score: Floats, risk_: Risk) -> Floats:
    """Months until the event whose normal score (survival function value) is given."""
    shape = plan.WEIBULL_SHAPE
    unit = median / np.log(2) ** (1 / shape)
    target = -log_ndtr(score)  # an Exp(1) draw: the cumulative hazard at the event
    at_start = (risk_.from_month / unit) ** shape
    early = target / np.exp(risk_.lp)
    rest = at_start + (early - at_start) / np.exp(risk_.late)
    cumulative = np.where(early <= at_start, early, rest)
    return np.asarray(unit * cumulative ** (1 / shape))


@dataclass(frozen=True)
class Outcome:
    """Endpoint rows, and best responses (None where the study gives none)."""

    endpoint: pd.DataFrame
    response: np.ndarray


def outcome(people: pd.DataFrame, risk_: Risk, seed: int) -> Outcome:
    """Endpoints and responses of every record; a shared person has the same in both studies."""
    rng = stream(seed, "outcome")
    n = len(people)
    z = -rng.standard_normal(n)  # low score: long life
    progression = _correlated(rng, z, plan.CORRELATION_OS_PROGRESSION)
    answer = _correlated(rng, z, plan.CORRELATION_OS_RESPONSE)
    median = people["os_median_"].to_numpy(dtype=float)
    death = times(median, z, risk_)
    frames = [
        _tcga_endpoints(people, rng, death, times(0.75 * median, progression, risk_)),
        *(_ici_endpoints(people, cohort, rng, death, progression, risk_) for cohort in plan.ICI),
    ]
    table = pd.concat(frames, ignore_index=True)
    table = _same_for_shared(table, people["person"].to_numpy())
    order = np.lexsort((table["patient_key"], table["endpoint"].map(CODES.index)))
    return Outcome(table.iloc[order].reset_index(drop=True), _response(people, answer, risk_))


def _correlated(rng: np.random.Generator, score: Floats, r: float) -> Floats:
    return np.asarray(r * score + np.sqrt(1 - r**2) * rng.standard_normal(len(score)))


def _rows(key: Ints, endpoint: str, time: Floats, event: Bools) -> pd.DataFrame:
    return pd.DataFrame(
        {"patient_key": key, "endpoint": endpoint, "time_months": time, "event": event}
    )


def _ici_endpoints(
    people: pd.DataFrame, cohort: plan.CohortPlan, rng: np.random.Generator, death: Floats,
    progression: Floats, risk_: Risk,
) -> pd.DataFrame:  # fmt: skip
    rows = np.flatnonzero(people["cohort_id"] == cohort.cohort_id)
    low, high = cohort.follow_up
    censored = np.minimum(rng.uniform(low, high, len(rows)), rng.exponential(150, len(rows)))
    death = death[rows]
    parts = [_observed(rows, "OS", death, censored, cohort.rounding)]
    if cohort.pfs_median is not None:
        factor = people["os_factor_"].to_numpy(dtype=float)[rows]
        part = Risk(risk_.lp[rows], risk_.late[rows], risk_.from_month[rows])
        progressed = times(cohort.pfs_median * factor, progression[rows], part)
        first = np.minimum(progressed, death)
        parts.append(_observed(rows, "PFS", first, censored, cohort.rounding))
    return pd.concat(parts)


def _observed(
    key: Ints, endpoint: str, time: Floats, censored: Floats, rounding: float | None
) -> pd.DataFrame:
    """What is seen of event times under censoring, to the study's precision (days, if none)."""
    step = rounding or 1 / 30.4375
    seen = np.minimum(time, censored)
    rounded = np.round(np.round(seen / step) * step, 6)
    return _rows(key, endpoint, rounded, time <= censored)


def _tcga_endpoints(
    people: pd.DataFrame, rng: np.random.Generator, death: Floats, progressed: Floats
) -> pd.DataFrame:
    """OS, DSS (deaths of the tumour), PFI and DFI (of patients once free of disease)."""
    rows = np.flatnonzero(people["cohort_id"] == "tcga")
    n = len(rows)
    code = people["tumor_type_source"].to_numpy()[rows]
    censored = rng.gamma(1.3, plan.TCGA_FOLLOW_UP[1] / 3.3, n) + plan.TCGA_FOLLOW_UP[0] * (
        rng.random(n) < 0.95
    )
    censored = np.minimum(censored, 300.0)
    death, progressed = death[rows], progressed[rows]
    of_tumour = rng.random(n) < 0.78
    # A death of another cause ends PFI and DFI without an event.
    alive = np.where(of_tumour, censored, np.minimum(censored, death))
    first = np.where(of_tumour, np.minimum(progressed, death), progressed)
    drawn = {
        "OS": _observed(rows, "OS", death, censored, None),
        "DSS": _observed(rows, "DSS", death, censored, None),
        "PFI": _observed(rows, "PFI", first, alive, None),
        "DFI": _observed(rows, "DFI", 1.6 * progressed, np.minimum(censored, death), None),
    }
    drawn["DSS"]["event"] &= of_tumour
    stage = people["stage"].to_numpy()[rows]
    free = (rng.random(n) < 0.55) & (stage != "IV")
    known = rng.random(n) < 0.985
    kept = []
    for endpoint, frame in drawn.items():
        has = np.isin(code, [c for c, p in plan.TCGA.items() if endpoint in p.endpoints]) & known
        kept.append(frame[has & free if endpoint == "DFI" else has])
    return pd.concat(kept)


def _same_for_shared(table: pd.DataFrame, person: Ints) -> pd.DataFrame:
    """Replace the endpoints of re-reported persons by those of the study that followed them."""
    records = np.flatnonzero(person != np.arange(len(person)))
    own = table[~table["patient_key"].isin(records)]
    copies = own.merge(
        pd.DataFrame({"patient_key": person[records], "record": records}), on="patient_key"
    )
    copies["patient_key"] = copies.pop("record")
    # Snyder 2014 gives no PFS; a copy has what its source has.
    return pd.concat([own, copies[table.columns]], ignore_index=True)


def _response(people: pd.DataFrame, answer: Floats, risk_: Risk) -> np.ndarray:
    """Best response by thresholds of the score; low hazard and a long-living score respond."""
    score = answer + 0.9 * risk_.lp
    cohort = people["cohort_id"].to_numpy()
    labels = np.array([label for label, _ in plan.RESPONSE_SHARES], dtype=object)
    edges = np.cumsum([share for _, share in plan.RESPONSE_SHARES])[:-1]
    response = np.full(len(people), None, dtype=object)
    for plan_ in plan.ICI:
        rows = np.flatnonzero(cohort == plan_.cohort_id)
        if not plan_.has_response or not len(rows):
            continue
        rank = (np.argsort(np.argsort(score[rows], kind="stable"), kind="stable") + 0.5) / len(rows)
        response[rows] = labels[np.searchsorted(edges, rank)]
    return np.asarray(response[people["person"].to_numpy()])
