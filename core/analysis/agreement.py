"""Do the cohorts agree? The hazard ratio of each cohort, and what they say together.

Every cohort gives an estimate of its own (Cox, Firth's where an arm is small); the estimates are
combined by random effects (:mod:`core.stats.meta`). :func:`compare_cohorts` works on any frame of
patients; :func:`agreement_question` asks the store.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.analysis.result import Result
from core.analysis.survival import MIN_EVENTS, MIN_PATIENTS, patient_flow, patients_sentence
from core.groups import Grouping, assign, two_groups
from core.model import ENDPOINT_LABEL, Filters, NotEnoughData, Stratifier
from core.stats.cox import cox
from core.stats.meta import EggerTest, MetaAnalysis, egger_test, leave_one_out, meta_analysis
from core.stats.profile import profile_interval
from core.store import Store, sentence

MIN_FOR_EGGER = 10
"""Cohorts from which the funnel's asymmetry is tested: below, the test has little power."""

NAN = float("nan")


@dataclass(frozen=True)
class Agreement(Result):
    """cohorts: one row per cohort that the filters keep: cohort_id, name, n and events (of the
        patients analysed), n_mutant and events_mutant (of the last group), method (Cox, Firth, or
        empty), hazard_ratio, ci_lower, ci_upper, p_value (NaN: withheld), log_hazard_ratio,
        std_error, weight (share of the summary), reason (why there is no estimate)
    summary: on the scale of the log hazard ratio; None with fewer than two estimates
    leave_one_out: left_out (a name), hazard_ratio, ci_lower, ci_upper, i2, tau2
    egger: None below MIN_FOR_EGGER estimates
    pooled: hazard_ratio, ci_lower, ci_upper of one Cox model stratified by cohort
    flow: step, n, lost; rows: the patients analysed
    """

    title: str
    endpoint: str
    order: tuple[str, ...]
    """The reference, then the group that is compared with it."""
    cohorts: pd.DataFrame
    summary: MetaAnalysis | None
    leave_one_out: pd.DataFrame
    egger: EggerTest | None
    pooled: tuple[float, float, float]
    flow: pd.DataFrame
    rows: pd.DataFrame
    sentence: str
    methods: str
    warnings: tuple[str, ...]

    @property
    def estimated(self) -> pd.DataFrame:
        """The cohorts that have an estimate."""
        return self.cohorts[self.cohorts.hazard_ratio.notna()]


def agreement_question(
    store: Store, filters: Filters, stratifier: Stratifier, *, endpoint: str = "OS"
) -> Agreement:
    """Compare the cohorts that ``filters`` keep; two groups, the reference first.

    Raises NotEnoughData where no cohort has patients with the endpoint in both groups.
    """
    frame = store.patients(filters, endpoint)
    grouping = two_groups(assign(store, frame, stratifier))
    names = store.cohort_names()
    flow, _ = patient_flow(store.attrition(filters), frame, grouping, endpoint)
    words = patients_sentence(sentence(filters, cohort_names=names), frame, grouping)
    everyone = frame.assign(group=grouping.labels)
    return compare_cohorts(
        everyone,
        grouping,
        names=names,
        endpoint=endpoint,
        flow=flow,
        words=words,
    )


def compare_cohorts(
    everyone: pd.DataFrame,
    grouping: Grouping,
    *,
    names: dict[str, str],
    endpoint: str = "OS",
    flow: pd.DataFrame | None = None,
    words: str = "",
) -> Agreement:
    """Compare the cohorts of ``everyone``: cohort_id, group (None: outside every group),
    time_months, event (NaN: unknown). ``names``: cohort_id -> name, in display order.

    Raises NotEnoughData where no cohort can be estimated.
    """
    present = [c for c in names if (everyone.cohort_id == c).any()]
    found = [
        {"cohort_id": c, "name": names[c], **_cohort(everyone[everyone.cohort_id == c], grouping)}
        for c in present
    ]
    table = pd.DataFrame(found)
    if not found or table.hazard_ratio.isna().all():
        raise NotEnoughData(
            "No cohort has both groups, with an event while both are at risk.",
            expected="a cohort with patients " + " and ".join(grouping.order),
            found="; ".join(f"{r['name']}: {r['reason']}" for r in found) or f"nobody; {words}",
            remedy="Widen a filter, choose another gene, or include more mutation classes.",
        )
    table["p_value"] = table.p_value.where(table.method == "Cox")
    rows = everyone[everyone.group.notna() & everyone.time_months.notna() & everyone.event.notna()]
    y, s = table.log_hazard_ratio.to_numpy(float), table.std_error.to_numpy(float)
    known = np.isfinite(y)
    summary = meta_analysis(y, s, test="adhoc") if known.sum() > 1 else None
    table["weight"] = summary.weights if summary else np.where(known, 1.0, 0.0)
    empty = pd.DataFrame({"step": ["analysed"], "n": [len(rows)], "lost": [0]})
    return Agreement(
        title=grouping.title,
        endpoint=endpoint,
        order=grouping.order,
        cohorts=table,
        summary=summary,
        leave_one_out=_leave_one_out(table[known]),
        egger=egger_test(y[known], s[known]) if known.sum() >= MIN_FOR_EGGER else None,
        pooled=_pooled(rows, grouping),
        flow=empty if flow is None else flow,
        rows=rows,
        sentence=words,
        methods=_methods(endpoint, int(known.sum())),
        warnings=(*grouping.notes, *_warnings(table, summary)),
    )


def _cohort(frame: pd.DataFrame, grouping: Grouping) -> dict[str, object]:
    """One cohort's estimate of the last group against the first, or the reason for none."""
    reference, other = grouping.order[0], grouping.order[-1]
    followed = frame.time_months.notna() & frame.event.notna()
    rows = frame[followed & frame.group.isin([reference, other])]
    in_other = rows.group == other
    out: dict[str, object] = {
        "n": len(rows),
        "events": int(rows.event.sum()),
        "n_mutant": int(in_other.sum()),
        "events_mutant": int(rows.event[in_other].sum()),
    }
    reason = _reason(frame, rows, followed, grouping)
    return {**out, **(_no_estimate(reason) if reason else _estimate(rows, other))}


def _reason(
    frame: pd.DataFrame, rows: pd.DataFrame, followed: pd.Series[bool], grouping: Grouping
) -> str:
    """Why a cohort has no estimate; empty where it may have one."""
    if frame.group.isna().all():
        return f"{grouping.unassigned} for {grouping.title}"
    if not followed.any():
        return "endpoint not known"
    for group in (grouping.order[-1], grouping.order[0]):
        if not (rows.group == group).any():
            return f"no patient is {group}"
    if not rows.event.any():
        return "no event"
    return ""


def _no_estimate(reason: str) -> dict[str, object]:
    numbers = ("hazard_ratio", "ci_lower", "ci_upper", "p_value", "log_hazard_ratio", "std_error")
    return {"method": "", **dict.fromkeys(numbers, NAN), "reason": reason}


def _estimate(rows: pd.DataFrame, other: str) -> dict[str, object]:
    """Cox with Wald's interval; Firth with the profile's where an arm is small."""
    x = (rows.group == other).to_numpy(float)
    event = rows.event.to_numpy(float)
    small = min(x.sum(), (1 - x).sum()) < MIN_PATIENTS or (
        min((x * event).sum(), ((1 - x) * event).sum()) < MIN_EVENTS
    )
    fit = cox(x, rows.time_months, event, names=[other], penalty="firth" if small else None)
    row = fit.table().iloc[0]
    if not np.isfinite(row.coefficient) or not np.isfinite(row.std_error):
        return _no_estimate("no event while both groups are at risk")
    lower, upper = row.ci_lower, row.ci_upper
    if small:
        profile = profile_interval(fit, other)
        lower, upper = profile.ci_lower, profile.ci_upper
    return {
        "method": "Firth" if small else "Cox",
        "hazard_ratio": row.hazard_ratio,
        "ci_lower": lower,
        "ci_upper": upper,
        "p_value": row.p_value,
        "log_hazard_ratio": row.coefficient,
        "std_error": row.std_error,
        "reason": "",
    }


def _leave_one_out(known: pd.DataFrame) -> pd.DataFrame:
    """The summary without each cohort in turn, as hazard ratios."""
    if len(known) < 3:  # two without one is one cohort, which stands in the forest already
        return pd.DataFrame(
            columns=["left_out", "hazard_ratio", "ci_lower", "ci_upper", "i2", "tau2"]
        )
    without = leave_one_out(
        known.log_hazard_ratio, known.std_error, labels=known.name.tolist(), test="adhoc"
    )
    ratios = {
        to: np.exp(without[of].to_numpy(float))
        for to, of in (("hazard_ratio", "estimate"), ("ci_lower",) * 2, ("ci_upper",) * 2)
    }
    return without[["i2", "tau2"]].assign(**ratios).reset_index()


def _pooled(rows: pd.DataFrame, grouping: Grouping) -> tuple[float, float, float]:
    x = (rows.group == grouping.order[-1]).to_numpy(float)
    row = cox(x, rows.time_months, rows.event, strata=rows.cohort_id).table().iloc[0]
    return float(row.hazard_ratio), float(row.ci_lower), float(row.ci_upper)


def _warnings(table: pd.DataFrame, summary: MetaAnalysis | None) -> tuple[str, ...]:
    words = []
    if summary is None:
        words.append("One cohort has an estimate: whether cohorts agree cannot be told.")
    else:
        words += [f"{w[0].upper()}{w[1:]}." for w in summary.warnings if not w.endswith("left out")]
        share = float(table.weight.max())
        if share > 0.5:
            largest = table["name"].iloc[int(table.weight.argmax())]
            words.append(f"{largest} carries {share:.0%} of the summary's weight.")
    return tuple(words)


def _methods(endpoint: str, k: int) -> str:
    more = (
        f" Asymmetry of the funnel was tested by Egger's regression ({MIN_FOR_EGGER} cohorts or "
        "more)."
        if k >= MIN_FOR_EGGER
        else ""
    )
    return (
        f"The hazard ratio of {ENDPOINT_LABEL[endpoint].lower()} was estimated in each cohort by a "
        "Cox model with Efron's treatment of ties and Wald's interval, or, where an arm had fewer "
        f"than {MIN_PATIENTS} patients or {MIN_EVENTS} events, with Firth's penalty and the "
        "profile-likelihood interval. Log hazard ratios were combined by a random-effects model "
        "(variance between cohorts by restricted maximum likelihood) with the modified interval of "
        "Hartung and Knapp, which is never narrower than the normal one, and a prediction interval "
        "for the hazard ratio of a further cohort."
        f"{more} A patient whom two studies report is counted once."
    )
