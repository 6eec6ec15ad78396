"""The subgroups page's forest, table and sentences."""

from __future__ import annotations

import math

import pandas as pd

from core.analysis.subgroups import Subgroups
from core.charts.figure import Figure
from core.charts.forest import ForestText, forest_figure
from core.charts.theme import Look
from core.charts.wording import DASH, capital, contrast, p_text, ratio_text
from core.model import ENDPOINT_LABEL
from core.records import records

FIRTH_NOTE = "Firth's estimate with its profile-likelihood interval: few patients or events"


def answer(result: Subgroups) -> str:
    """Whether any factor's subgroups differ more than chance among so many would make them."""
    overall = result.overall
    whole = (
        f"in everybody the hazard ratio of {contrast(result.title, result.order)} is "
        f"{ratio_text(overall['hazard_ratio'], overall['ci_lower'], overall['ci_upper'])}"
    )
    tested = result.tests[result.tests.p_value.notna()]
    if tested.empty:
        return f"No factor has two subgroups large enough to compare; {whole}."
    least = tested.sort_values("p_value").iloc[0]
    name, p, q = least["factor_name"], float(least["p_value"]), float(least["q_value"])
    told = f"{p_text(p)}, {p_text(q).replace('p', 'q', 1)}"
    if q < 0.05:
        return f"It seems to depend on {_low(name)} (interaction {told}); {whole}."
    k = len(tested)
    return (
        f"No sign that it depends on any of {k} factor{'s' if k != 1 else ''}: the smallest "
        f"interaction p is that of {_low(name)}, {told}; {whole}."
    )


def _low(name: str) -> str:
    return name if name[:2].isupper() else name[:1].lower() + name[1:]


def looked_at(result: Subgroups, in_session: int) -> str:
    """How many subgroups were looked at, here and since the session began."""
    k, factors = len(result.looked_at), len(result.tests)
    expected = 0.05 * in_session
    by_chance = f"about {expected:.0f}" if expected >= 1 else "fewer than one"
    return (
        f"{k} subgroups by {factors} factors are shown; {in_session:,} were looked at in this "
        f"session. Were there no effect, {by_chance} of the {in_session:,} intervals (95%) "
        "would still miss 1."
    )


def subgroups_figure(
    result: Subgroups,
    look: Look | None = None,
    *,
    simulated: bool,
    heading: tuple[str, ...] = (),
    selectable: bool = False,
) -> Figure:
    """Everybody, then each level of each factor: raw and shrunken; p is the interaction's."""
    table = result.table
    rows = table.assign(
        label=table.level_name,
        group=table.factor_name,
        note=table.note.where(table.note != "", table.method.map({"Firth": FIRTH_NOTE}).fillna("")),
    )
    note = FIRTH_NOTE if result.overall["method"] == "Firth" else ""
    everybody = {"label": "All patients", "emphasised": True, "note": note} | {
        c: result.overall[c] for c in ("hazard_ratio", "ci_lower", "ci_upper", "n", "events")
    }
    rows = pd.concat([pd.DataFrame([everybody]), rows.astype(object)], ignore_index=True)
    rows["emphasised"] = rows.emphasised.map(lambda v: v is True)
    interval = ["hazard_ratio", "ci_lower", "ci_upper"]
    numbers = [*interval, *(f"second_{c}" for c in interval), "n", "events"]
    rows = rows.astype(dict.fromkeys(numbers, float))
    tests = result.tests.set_index("factor_name")[["p_value", "q_value"]]
    name = f"subgroups-{result.endpoint.lower()}-{result.title.replace(' ', '-').lower()}"
    return forest_figure(
        rows,
        look,
        simulated=simulated,
        name=name,
        about=f"Hazard ratio of {ENDPOINT_LABEL[result.endpoint].lower()}, {result.title} "
        f"{result.order[-1]} against {result.order[0]}, in subgroups",
        text=ForestText(p="p, int.", q="q", second="shrunken"),
        tests=tests[tests.p_value.notna()],
        heading=heading,
        selectable=selectable,
    )


def counts(result: Subgroups) -> pd.DataFrame:
    """Each subgroup's arms, and how far its estimate is its own."""
    t = result.table
    return pd.DataFrame(
        {
            "Subgroup": [f"{a}: {b}" for a, b in zip(t.factor_name, t.level_name, strict=True)],
            f"{result.title} {result.order[-1]}, events / n": _pairs(t.events_mutant, t.n_mutant),
            f"{capital(result.order[0])}, events / n": _pairs(
                t.events - t.events_mutant, t.n - t.n_mutant
            ),
            "HR (95% CI)": [
                r["note"] or ratio_text(r["hazard_ratio"], r["ci_lower"], r["ci_upper"])
                for r in records(t)
            ],
            "Method": t.method.where(t.method != "", DASH),
            "Own weight when shrunken": [
                DASH if math.isnan(w) else f"{w:.0%}" for w in t.weight_on_own
            ],
        }
    )


def tests(result: Subgroups) -> pd.DataFrame:
    """One row per factor: the interaction test and its q-value."""
    return pd.DataFrame(
        [
            {
                "Factor": r["factor_name"],
                "Levels compared": f"{r['levels']}" if r["levels"] > 1 else "too few patients",
                "Value unknown": f"{r['unknown']:,}",
                "χ² (df)": DASH
                if math.isnan(r["p_value"])
                else f"{r['chi_square']:.2f} ({r['df']})",
                "p, interaction": _p(r["p_value"]),
                "q": _p(r["q_value"]),
            }
            for r in records(result.tests)
        ]
    )


def _p(value: float) -> str:
    return DASH if math.isnan(value) else p_text(value, symbol=False)


def _pairs(events: pd.Series[int], n: pd.Series[int]) -> list[str]:
    return [f"{int(e):,} / {int(m):,}" for e, m in zip(events, n, strict=True)]
