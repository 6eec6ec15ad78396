"""The nomogram page's sentences and tables, printed as a publication would print them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.analysis.nomogram import NomogramBuild
from core.analysis.nomogram_check import Corrected, Performance
from core.analysis.nomogram_cure import CureModel, CurePrediction
from core.analysis.nomogram_cut import PAPER_CUT, ScoreCut
from core.analysis.nomogram_model import NomogramModel
from core.analysis.survival import SurvivalComparison
from core.charts.wording import DASH, p_text, percent_text, ratio_text
from core.model import ENDPOINT_LABEL
from core.records import records


def answer(build: NomogramBuild, checked: Corrected, found: Performance | str) -> str:
    """How well the model tells patients apart: in its own, corrected, and in other patients."""
    own = f"C {build.c_index.c:.2f} in its own patients"
    if checked.optimism is not None:
        own += f", {checked.optimism.corrected('c'):.2f} corrected for optimism"
    if isinstance(found, str):
        return f"{own}; not tested in other patients."
    c = found.c_index
    other = f"{c.c:.2f} ({c.ci_lower:.2f}{DASH}{c.ci_upper:.2f}) in the validation cohort"
    best = max(c.c, build.c_index.c)
    verdict = "It tells patients apart a little" if best < 0.7 else "It tells patients apart"
    if c.ci_lower <= 0.5:
        verdict = "In other patients it may tell nothing"
    return f"{verdict}: {own}, {other}. 0.5 is chance."


def coefficients(build: NomogramBuild) -> pd.DataFrame:
    """The model's hazard ratios; a spline's coefficients have none of their own."""
    rows: list[dict[str, str]] = []
    axes = build.model.scales.predictors
    points = {a.name: float(a.points.max()) for a in axes}
    for r in records(build.terms):
        label = str(r["label"])
        name = r["predictor"] if label == r["predictor"] else f"{r['predictor']}: {label}"
        if label.startswith(str(r["predictor"])):
            name = label
        rows.append(
            {
                "Predictor": name,
                "HR (95% CI)": ratio_text(r["hazard_ratio"], r["ci_lower"], r["ci_upper"]),
                "p": p_text(r["p_value"], symbol=False),
                "Patients": f"{r['n']:,}",
                "Events": f"{r['events']:,}",
            }
        )
    for p in build.model.predictors:
        if not p.levels and p.width > 1:  # a spline: one row for all its columns
            own = [row for row in rows if row["Predictor"].rstrip("'") == p.label]
            words = f"spline, up to {points[p.label]:.0f} points"
            own[0].update({"HR (95% CI)": words, "p": DASH})
            rows = [row for row in rows if row not in own[1:]]
    return pd.DataFrame(rows)


def cohorts(build: NomogramBuild) -> pd.DataFrame:
    """How many patients of each cohort the model takes, and what the others lack throughout."""
    c = build.cohorts
    return pd.DataFrame(
        {
            "Cohort": c.cohort,
            "Patients": [f"{n:,}" for n in c.n],
            "In the model": [f"{n:,}" if n else "none" for n in c.complete],
            "Events": [f"{e:,}" for e in c.events],
            "Missing in everyone": c.lacks.where(c.lacks != "", DASH),
        }
    )


def measures(own: Performance, checked: Corrected, other: Performance | str) -> pd.DataFrame:
    """C, slope, observed over expected, AUC and Brier scores: apparent, corrected, validation."""
    sides = [own] if isinstance(other, str) else [own, other]
    values = [_measures(side) for side in sides]
    corrected = dict.fromkeys(values[0], DASH)
    if checked.optimism is not None:
        table = checked.optimism.table.set_index("measure").corrected
        corrected["C-index"] = f"{table['c']:.3f}"
        corrected["Calibration slope"] = f"{table['slope']:.2f}"
    names = list(dict.fromkeys(k for v in values for k in v))
    return pd.DataFrame(
        {
            "Measure": names,
            "Discovery, apparent": [values[0].get(k, DASH) for k in names],
            f"Corrected ({checked.draws} resamples)": [corrected.get(k, DASH) for k in names],
            "Validation": [values[1].get(k, DASH) if len(values) > 1 else DASH for k in names],
        }
    )


def applied(found: Performance, model: NomogramModel) -> pd.DataFrame:
    """The measures of a kept model among other patients, and its kept cut where it has one."""
    out = _measures(found)
    if model.cut is not None:
        high = int((found.rows.total_points > model.cut).sum())
        out[f"Low / high score, cut at {model.cut:.0f} points"] = f"{found.n - high:,} / {high:,}"
    return pd.DataFrame({"Measure": list(out), found.name: list(out.values())})


def _measures(side: Performance) -> dict[str, str]:
    out = {"Patients / events": f"{side.n:,} / {side.events:,}"}
    out["C-index"] = _three(side.c_index.c, side.c_index.ci_lower, side.c_index.ci_upper, 3)
    if (large := side.large) is not None:
        out["Calibration slope"] = _three(large.slope, large.slope_lower, large.slope_upper)
        out["Observed / expected deaths"] = _three(
            large.ratio, large.ratio_lower, large.ratio_upper
        )
    for r in records(side.scores):
        at = f"{r['time']:g} months"
        out[f"AUC at {at}"] = _three(r["auc"], r["auc_lower"], r["auc_upper"], 3)
        out[f"Brier score at {at} (Kaplan-Meier alone)"] = (
            f"{_three(r['brier'], r['brier_lower'], r['brier_upper'], 3)}; {r['reference']:.3f}"
        )
    for r in records(side.integrated):
        out[f"Brier score, mean of 0{DASH}{r['end']:g} months (Kaplan-Meier alone)"] = (
            f"{r['integrated']:.3f}; {r['reference']:.3f}"
        )
    for c in side.calibration:
        for r in records(c.errors):
            if r["measure"] == "ICI":
                out[f"Mean calibration error at {c.time:g} months"] = percent_points(r["value"])
    return out


def percent_points(share: float) -> str:
    """``3.9 points``: a difference of two percentages."""
    return DASH if math.isnan(share) else f"{100 * share:.1f} points"


def _three(value: float, lower: float, upper: float, digits: int = 2) -> str:
    if math.isnan(value) or math.isinf(value):
        return "not estimable"
    return f"{value:.{digits}f} ({lower:.{digits}f}{DASH}{upper:.{digits}f})"


def recalibration(found: Performance) -> pd.DataFrame:
    """What remains of the errors once the baseline, or also the slope, is set anew."""
    rows = []
    times = [
        c.removeprefix("brier_") for c in map(str, found.recalibrated) if c.startswith("brier_")
    ]
    for r in records(found.recalibrated):
        row = {
            "Model": f"{r['model'][:1].upper()}{r['model'][1:]}",
            "Hazard times": f"{r['ratio']:.2f}" if r["ratio"] == r["ratio"] else "new",
            "Slope": f"{r['slope']:.2f}",
        }
        for t in times:
            row[f"Brier, {t} months"] = f"{r[f'brier_{t}']:.3f}"
            row[f"Mean error, {t} months"] = percent_points(r[f"ici_{t}"])
        rows.append(row)
    return pd.DataFrame(rows)


# -- the cut ---------------------------------------------------------------------------


def cut_sentence(cut: ScoreCut) -> str:
    """Where the cut is, how it was found, and what its search costs."""
    below = f"{cut.percentile:.0%} of the discovery patients are at or below it"
    if cut.selected is None:
        return f"Your cut: {cut.cut:.0f} points; {below}. It was not searched for."
    s = cut.selected
    moved = ""
    if not math.isnan(cut.interval[0]):
        low, high = cut.interval
        moved = f" Drawn again, the patients put it between {low:.0f} and {high:.0f} points."
    return (
        f"The cut with the largest log-rank statistic of {len(s.cuts):,} is {cut.cut:.0f} points; "
        f"{below}. Naive {p_text(s.p_naive)}; corrected for the search: "
        f"{p_text(s.p_lausen92)} (Lausen-Schumacher 1992), {p_text(s.p_lausen94)} (1994), "
        f"{p_text(s.p_permutation)} ({s.draws:,} permutations).{moved} It is locked before "
        "validation."
    )


def paper_cut_words(build: NomogramBuild) -> str:
    """What the paper's cut would mean here, and why it cannot simply be taken over."""
    share = float((build.rows.total_points <= PAPER_CUT).mean())
    return (
        f"The paper's cut of {PAPER_CUT:.0f} stands on its own scale of points, and the paper does "
        "not say which share of its patients lies below; the number cannot be carried over. On "
        f"this model's scale {share:.0%} of the discovery patients have {PAPER_CUT:.0f} points or "
        "fewer. Choose a share of patients to cut at the same place of both scales."
    )


def cut_ratios(cut: ScoreCut) -> pd.DataFrame:
    """Low against high score in both: the Cox hazard ratio, and O/E as in the paper.

    Where the cut was searched for, the Cox ratio inside the studies stands beside it, without a
    p-value: none there is corrected for the search.
    """
    rows = []
    sides = (
        ("Discovery", cut.discovery, ""),
        ("Discovery", cut.within, " within studies"),
        ("Validation", cut.validation, ""),
    )
    for name, result, where in sides:
        if result is None:
            continue
        shown = records(result.hazard_ratios)
        for r in shown[:1] if where else shown:
            p = r["p_value"] if result.corrected_p is None else result.p_value
            corrected = ", corrected" if result.corrected_p is not None and p == p else ""
            rows.append(
                {
                    "Low against high score": f"{name}, {r['method']}{where}",
                    "HR (95% CI)": ratio_text(r["hazard_ratio"], r["ci_lower"], r["ci_upper"]),
                    "p": p_text(math.nan if where else p, symbol=False) + corrected,
                    "Low, events / n": _arm(result, 1),
                    "High, events / n": _arm(result, 0),
                }
            )
    return pd.DataFrame(rows)


def _arm(result: SurvivalComparison, at: int) -> str:
    arm = result.arms[result.arms.group == result.order[at]].to_dict("records")[0]
    return f"{arm['events']:,} / {arm['n']:,}"


# -- one patient -----------------------------------------------------------------------


def patient_sentence(build: NomogramBuild, predicted: pd.Series) -> str:
    """Total points and survival with its interval."""
    parts = []
    for t in build.model.times:
        at = f"survival_{t:g}"
        shown = percent_text(*(predicted[[at, f"{at}_lower", f"{at}_upper"]]))
        parts.append(f"{shown} at {t:g} months")
    endpoint = ENDPOINT_LABEL[build.model.endpoint].lower()
    return (
        f"{predicted['total_points']:.0f} points in all: predicted {endpoint} (95% CI) "
        f"{', '.join(parts)}."
    )


def cure_sentence(cure: CureModel, found: CurePrediction, months: Sequence[float]) -> str:
    """The cured share of the model's patients and of this one, and this one's survival."""
    at = found.curve.set_index("time")
    alive = ", ".join(
        f"{percent_text(*at.loc[t, ['survival', 'ci_lower', 'ci_upper']])} at {t:g} months"
        for t in months
        if t in at.index
    )
    return (
        f"Of the model's {cure.fit.n:,} patients {percent_text(cure.fit.cured)} are cured to this "
        f"model; this patient with a probability of {percent_text(*found.cured)}, and survival is "
        f"predicted as {alive}. AIC {cure.fit.aic:,.1f}, against {cure.fit.uncured_aic:,.1f} of "
        "the same Weibull model in which nobody is cured."
    )


def cure_ratios(cure: CureModel) -> pd.DataFrame:
    """Both parts of the mixture-cure model, a row per column of the design."""
    rows = records(cure.fit.table())
    return pd.DataFrame(
        [
            {
                "Predictor": r["name"],
                "Odds of not being cured (95% CI)": ratio_text(
                    r["odds_ratio"], r["odds_lower"], r["odds_upper"]
                ),
                "p": p_text(r["odds_p"], symbol=False),
                "Hazard of those not cured (95% CI)": ratio_text(
                    r["hazard_ratio"], r["hazard_lower"], r["hazard_upper"]
                ),
                "p, hazard": p_text(r["hazard_p"], symbol=False),
            }
            for r in rows
        ]
    )


def tmb_scale(build: NomogramBuild, names: dict[str, str]) -> pd.DataFrame:
    """What the standard deviations of the TMB axis are in mutations per Mb, by cohort."""
    rows = []
    known = build.rows.dropna(subset=["tmb_per_mb", "tmb_z"])
    for cohort, own in known.groupby("cohort_id", sort=False):
        z, log = own.tmb_z.to_numpy(float), np.log2(own.tmb_per_mb.to_numpy(float) + 1)
        if np.ptp(z) == 0:
            continue
        slope, mean = np.polyfit(z, log, 1)
        rows.append(
            {"TMB, mutations per Mb": names.get(str(cohort), str(cohort))}
            | {f"{k:+d} SD" if k else "0": f"{max(2 ** (mean + k * slope) - 1, 0):.1f}"
               for k in (-1, 0, 1, 2)}
        )  # fmt: skip
    return pd.DataFrame(rows)
