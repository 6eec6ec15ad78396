"""What differs over time: restricted means, landmarks, hazard ratios in periods; and response."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from core.analysis.proportionality import Proportionality, violated
from core.analysis.response import Response
from core.analysis.survival import SurvivalComparison
from core.charts.figure import Figure
from core.charts.theme import Look
from core.charts.view import view
from core.charts.wording import DASH, group_name, p_text, percent_text, ratio_text
from core.records import records


def verdict(p_value: float) -> str:
    """What the test of proportional hazards says, and what to read first."""
    if math.isnan(p_value):
        return "Whether the hazard ratio is constant in time could not be tested."
    p = p_text(p_value)
    if violated(p_value):
        return (
            f"The hazard ratio is not constant in time (proportional-hazards test, {p}): one "
            "number averages over times at which it differs. Read the mean survival time and the "
            "survival at landmarks first."
        )
    return f"No sign that the hazard ratio changes in time (proportional-hazards test, {p})."


def restricted_means(found: Proportionality, result: SurvivalComparison) -> pd.DataFrame:
    """Mean months lived up to the horizon, and the difference to the reference group."""
    contrasts = {c["group"]: c for c in records(found.rmst.contrasts)}
    rows = []
    for arm in reversed(records(found.rmst.table)):
        row = {
            "Group": group_name(result.title, arm["group"]),
            f"Mean months up to {found.rmst.tau:.1f} (95% CI)": _months(
                arm["rmst"], arm["ci_lower"], arm["ci_upper"]
            ),
            "Difference, months (95% CI)": "reference",
            "p": DASH,
        }
        if c := contrasts.get(arm["group"]):
            row["Difference, months (95% CI)"] = _months(
                c["difference"], c["difference_ci_lower"], c["difference_ci_upper"], sign=True
            )
            withheld = not result.large_enough or result.corrected_p is not None
            p = math.nan if withheld else c["difference_p_value"]
            row["p"] = p_text(p, symbol=False)
        rows.append(row)
    return pd.DataFrame(rows)


def landmarks(found: Proportionality, result: SurvivalComparison) -> pd.DataFrame:
    """The difference in survival to the reference group at each landmark."""
    alive = "Alive" if result.endpoint == "OS" else "Event-free"
    named = {g: group_name(result.title, g) for g in result.order}
    rows = [
        {
            "Group": f"{named[r['group']]} at {r['month']:g} months",
            f"{alive} (95% CI)": percent_text(r["survival"], r["ci_lower"], r["ci_upper"]),
            "Difference, points (95% CI)": _points(r),
            "p": p_text(r["p_value"], symbol=False),
        }
        for r in records(found.landmarks)
        if r["group"] != result.order[0]
    ]
    return pd.DataFrame(rows)


def periods(table: pd.DataFrame, result: SurvivalComparison) -> pd.DataFrame:
    """The hazard ratio in each period; a dash where a group has too few events in it."""
    several = table.comparison.nunique() > 1
    return pd.DataFrame(
        {
            "Months": [
                (f"{r['comparison']}: " if several else "") + f"{r['start']:g} to {r['end']:.0f}"
                for r in records(table)
            ],
            "Events": [f"{n:,}" for n in table.events],
            "HR (95% CI)": [
                DASH
                if math.isnan(r["hazard_ratio"])
                else ratio_text(r["hazard_ratio"], r["ci_lower"], r["ci_upper"])
                for r in records(table)
            ],
        }
    )


def periods_figure(
    table: pd.DataFrame,
    result: SurvivalComparison,
    look: Look,
    *,
    simulated: bool,
    heading: tuple[str, ...] = (),
) -> Figure:
    """The hazard ratio of the first comparison in each period, with its interval, on a log axis."""
    rows = table[(table.comparison == table.comparison.iloc[0]) & table.hazard_ratio.notna()]
    reference = result.order[0]
    data = rows.assign(
        middle=(rows.start + rows.end) / 2,
        text=[ratio_text(r["hazard_ratio"], r["ci_lower"], r["ci_upper"]) for r in records(rows)],
    )
    color = look.colors((reference, result.order[1]))[1]
    ratio: dict[str, Any] = {
        "type": "quantitative",
        "scale": {"type": "log", "nice": False, "padding": 12},
        "axis": {
            "title": "Hazard ratio",
            "minExtent": 44,
            "values": [0.1, 0.2, 0.33, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10],
            "format": "~g",
            "grid": True,
        },
    }
    ends = sorted({*rows.start, *rows.end})
    axis = {"title": "Months", "grid": False, "values": ends, "format": "d"}
    months = {"type": "quantitative", "axis": axis}
    rows_of = {"data": {"name": "periods"}}
    layers = [
        {
            "data": {"values": [{"one": 1}]},
            "mark": {"type": "rule", "color": look.palette.muted, "strokeDash": [4, 4]},
            "encoding": {"y": {"field": "one", **ratio}},
        },
        {
            **rows_of,
            "mark": {"type": "rect", "opacity": 0.18, "color": color},
            "encoding": {
                "x": {"field": "start", **months},
                "x2": {"field": "end"},
                "y": {"field": "ci_lower", **ratio},
                "y2": {"field": "ci_upper"},
            },
        },
        {
            **rows_of,
            "mark": {"type": "rule", "strokeWidth": 1.5 * look.sizes.line, "color": color},
            "encoding": {
                "x": {"field": "start", **months},
                "x2": {"field": "end"},
                "y": {"field": "hazard_ratio", **ratio},
            },
        },
        {
            **rows_of,
            "mark": {"type": "text", "dy": -0.8 * look.sizes.small, "color": look.palette.ink},
            "encoding": {
                "x": {"field": "middle", **months},
                "y": {"field": "hazard_ratio", **ratio},
                "text": {"field": "hazard_ratio", "type": "quantitative", "format": ".2f"},
                "tooltip": {"field": "text", "type": "nominal", "title": "HR (95% CI)"},
            },
        },
    ]
    spec = view(look, layers, simulated=simulated, height=0.55)
    spec["padding"] = {"left": 12, "right": 4, "top": 6, "bottom": 4}
    if heading:
        spec["title"] = {"text": heading[0], "subtitle": list(heading[1:])}
    words = "; ".join(
        f"{r['start']:g} to {r['end']:.0f} months: {r['text']}" for r in records(data)
    )
    about = f"Hazard ratio by period of {result.title}, {result.order[1]} against {reference}"
    kept = data[["start", "end", "middle", "hazard_ratio", "ci_lower", "ci_upper", "text"]]
    return Figure("hazard-ratio-over-time", spec, {"periods": kept}, f"{about}. {words}.")


def responses(found: Response, result: SurvivalComparison) -> pd.DataFrame:
    """Patients with a response, of those whose response is known, the reference last."""
    return pd.DataFrame(
        [
            {
                "Group": group_name(result.title, a["group"]),
                "Complete or partial": f"{a['responders']:,} of {a['n']:,}",
                "Response rate (95% CI)": percent_text(a["rate"], a["ci_lower"], a["ci_upper"]),
            }
            for a in reversed(records(found.arms))
        ]
    )


def response_words(found: Response) -> str:
    """The test of response in one sentence, and of whom nothing is known."""
    told = ""
    if not math.isnan(found.odds_ratio):
        ratio = ratio_text(found.odds_ratio, found.ci_lower, found.ci_upper)
        told = f"{found.method[:1].upper()}{found.method[1:]}: {ratio}, {p_text(found.p_value)}. "
    elif found.method:
        told = f"{found.method}: {p_text(found.p_value)}. "
    unknown = f"Of {found.n_unknown:,} patients no response is told." if found.n_unknown else ""
    return told + unknown


def _months(value: float, lower: float, upper: float, *, sign: bool = False) -> str:
    if math.isnan(value):
        return DASH
    if math.isnan(lower) or math.isnan(upper):
        return _signed(value) if sign else f"{value:.1f}"
    if not sign:
        return f"{value:.1f} ({lower:.1f}{DASH}{upper:.1f})"
    return f"{_signed(value)} ({_signed(lower)} to {_signed(upper)})"


def _points(row: dict[Any, Any]) -> str:
    if math.isnan(row["difference"]):
        return DASH
    value, low, high = (100 * row[f"difference{end}"] for end in ("", "_lower", "_upper"))
    if math.isnan(low) or math.isnan(high):  # nobody is left in a group
        return _signed(value, 0)
    return f"{_signed(value, 0)} ({_signed(low, 0)} to {_signed(high, 0)})"


def _signed(value: float, digits: int = 1) -> str:
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text.lstrip("+−") if float(f"{value:.{digits}f}") == 0 else text
