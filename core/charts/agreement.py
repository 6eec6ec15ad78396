"""The agreement page's figures, tables and sentence."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from core.analysis.agreement import MIN_FOR_EGGER, Agreement
from core.charts.figure import Figure
from core.charts.forest import ForestText, forest_figure
from core.charts.theme import Look
from core.charts.wording import DASH, capital, p_text, ratio_text
from core.model import ENDPOINT_LABEL
from core.records import records

FIRTH_NOTE = "Firth's estimate with its profile-likelihood interval: few patients or events"
MUCH = 0.5
"""I2 from which the cohorts are said to differ, or a p-value of Q below 0.1 (Higgins 2003)."""


def answer(result: Agreement) -> str:
    """The page's question answered from the numbers, in two sentences."""
    if result.summary is None:
        one = result.estimated.iloc[0]
        ratio = ratio_text(one["hazard_ratio"], one["ci_lower"], one["ci_upper"])
        return f"One cohort alone can speak about {result.title}: {one['name']}, HR {ratio}."
    s = result.summary
    differ = s.i2 >= MUCH or s.q_p_value < 0.1
    verdict = "The cohorts differ" if differ else "No disagreement is visible"
    longer = s.estimate < 0
    same = int(((result.estimated.hazard_ratio < 1) == longer).sum())
    way = "longer" if longer else "shorter"
    points = f"{same} of {s.k} point to {way} survival with {result.title} {result.order[-1]}"
    summary = ratio_text(*np.exp([s.estimate, s.ci_lower, s.ci_upper]))
    text = f"{verdict}: {points}, together HR {summary}, I² {_percent(s.i2)}."
    return " ".join([text, *_next(result), *_decider(result)])


def _next(result: Agreement) -> list[str]:
    s = result.summary
    if s is None or math.isnan(s.prediction_lower):
        return []
    low, high = np.exp([s.prediction_lower, s.prediction_upper])
    return [f"In a further cohort it may lie anywhere from {low:.2f} to {high:.2f}."]


def _decider(result: Agreement) -> list[str]:
    """The one cohort without which the summary moves most, where it changes what is concluded."""
    table, s = result.leave_one_out, result.summary
    if s is None or table.empty:
        return []
    moved = np.abs(np.log(table.hazard_ratio.to_numpy(float)) - s.estimate)
    row = table.iloc[int(moved.argmax())]
    without = ratio_text(row["hazard_ratio"], row["ci_lower"], row["ci_upper"])
    moves = f"it moves most without {row['left_out']}: {without}."
    clear = s.ci_upper < 0 or s.ci_lower > 0
    unclear = int(((table.ci_lower <= 1) & (table.ci_upper >= 1)).sum())
    if clear and unclear:
        which = "one cohort" if unclear == 1 else f"any one of {unclear} cohorts"
        return [f"Leaving out {which} would let the interval hold 1; {moves}"]
    return [f"I{moves[1:]}"]


def cohorts_figure(
    result: Agreement, look: Look | None = None, *, simulated: bool, heading: tuple[str, ...] = ()
) -> Figure:
    """One row per cohort, or why it has no estimate; then what they say together."""
    table = result.cohorts.assign(
        label=result.cohorts["name"],
        group="Each cohort",
        n=result.cohorts.n.where(result.cohorts.n > 0),
        events=result.cohorts.events.where(result.cohorts.n > 0),
        note=result.cohorts.reason.where(
            result.cohorts.reason != "", np.where(result.cohorts.method == "Firth", FIRTH_NOTE, "")
        ),
    )
    return forest_figure(
        pd.concat([table, pd.DataFrame(_together(result))], ignore_index=True),
        look,
        simulated=simulated,
        name=f"agreement-{_stem(result)}",
        about=f"Hazard ratio of {_endpoint(result)}, {_groups(result)}, by cohort",
        text=ForestText(),
        heading=heading,
    )


def _together(result: Agreement) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    if (s := result.summary) is not None:
        rows.append(
            {
                "label": "Random effects",
                "hazard_ratio": math.exp(s.estimate),
                "ci_lower": math.exp(s.ci_lower),
                "ci_upper": math.exp(s.ci_upper),
                "p_value": s.p_value,
                "n": result.estimated.n.sum(),
                "events": result.estimated.events.sum(),
                "summary": True,
                "emphasised": True,
            }
        )
        if not math.isnan(s.prediction_lower):
            low, high = math.exp(s.prediction_lower), math.exp(s.prediction_upper)
            rows.append({"label": "A further cohort", "ci_lower": low, "ci_upper": high})
    ratio, lower, upper = result.pooled
    rows.append(
        {
            "label": "One model, stratified",
            "hazard_ratio": ratio,
            "ci_lower": lower,
            "ci_upper": upper,
            "n": len(result.rows),
            "events": result.rows.event.sum(),
            "summary": True,
        }
    )
    return [{**r, "group": "Together"} for r in rows]


def leave_one_out_figure(
    result: Agreement, look: Look | None = None, *, simulated: bool, heading: tuple[str, ...] = ()
) -> Figure:
    """The summary without each cohort in turn."""
    table = result.leave_one_out.assign(label="without " + result.leave_one_out.left_out)
    return forest_figure(
        table,
        look,
        simulated=simulated,
        name=f"leave-one-out-{_stem(result)}",
        about=f"Random-effects hazard ratio of {_endpoint(result)} without each cohort in turn",
        heading=heading,
    )


def heterogeneity(result: Agreement) -> pd.DataFrame:
    """What the summary rests on, in plain rows."""
    s = result.summary
    if s is None:
        return pd.DataFrame(columns=["How far apart", "Value"])
    tau2 = f"{s.tau2:.3f}"
    if not math.isnan(s.tau2_ci_upper):
        tau2 += f" ({s.tau2_ci_lower:.3f}{DASH}{s.tau2_ci_upper:.3f})"
    rows = [
        ("Share of the variation that is between cohorts, I²", _percent(s.i2)),
        ("Variance between cohorts of the log hazard ratio, τ² (95% CI)", tau2),
        (f"Cochran's Q on {s.k - 1} df", f"{s.q:.2f}, {p_text(s.q_p_value)}"),
    ]
    if not math.isnan(s.prediction_lower):
        low, high = math.exp(s.prediction_lower), math.exp(s.prediction_upper)
        rows.append(("95% prediction interval of a further cohort", f"{low:.2f}{DASH}{high:.2f}"))
    if result.egger is not None:
        rows.append(("Asymmetry of the funnel, Egger's test", p_text(result.egger.p_value)))
    return pd.DataFrame(rows, columns=["How far apart", "Value"])


def funnel_words(result: Agreement) -> str:
    """How the funnel is read, and the test of its asymmetry where there are cohorts enough."""
    read = "Without bias nineteen in twenty cohorts stand between the dashed lines, on both sides."
    if result.egger is None:
        k = len(result.estimated)
        return f"{read} With {k} cohorts asymmetry is not tested; that takes {MIN_FOR_EGGER}."
    return f"{read} Asymmetry, Egger's test: {p_text(result.egger.p_value)}."


def counts(result: Agreement) -> pd.DataFrame:
    """Patients and events of each cohort by arm, method and weight; or why there is none."""
    c = result.cohorts
    return pd.DataFrame(
        {
            "Cohort": c["name"],
            f"{result.title} {result.order[-1]}, events / n": _pairs(c.events_mutant, c.n_mutant),
            f"{capital(result.order[0])}, events / n": _pairs(
                c.events - c.events_mutant, c.n - c.n_mutant
            ),
            "HR (95% CI)": [
                r["reason"] or ratio_text(r["hazard_ratio"], r["ci_lower"], r["ci_upper"])
                for r in records(c)
            ],
            "Method": c.method.where(c.method != "", DASH),
            "Weight": [f"{w:.0%}" if w > 0 else DASH for w in c.weight],
        }
    )


def _pairs(events: pd.Series[int], n: pd.Series[int]) -> list[str]:
    return [f"{e:,} / {m:,}" if m else DASH for e, m in zip(events, n, strict=True)]


def _percent(share: float) -> str:
    return DASH if math.isnan(share) else f"{share:.0%}"


def _groups(result: Agreement) -> str:
    return f"{result.title} {result.order[-1]} against {result.order[0]}"


def _endpoint(result: Agreement) -> str:
    return ENDPOINT_LABEL[result.endpoint].lower()


def _stem(result: Agreement) -> str:
    return f"{result.endpoint.lower()}-{result.title.replace(' ', '-').lower()}"
