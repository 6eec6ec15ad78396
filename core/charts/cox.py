"""The Cox page's forests, tables and sentence."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from core.analysis.cox_model import CoxModel
from core.analysis.cox_warnings import INFLATED
from core.charts.figure import Figure
from core.charts.forest import ForestText, forest_figure
from core.charts.theme import Look
from core.charts.wording import DASH, group_name, p_text, ratio_text
from core.model import ENDPOINT_LABEL
from core.records import records


def answer(result: CoxModel) -> str:
    """What is left of the gene's hazard ratio beside the covariates, in one sentence."""
    adjusted = _gene(result.multivariable, result.title)
    alone = _gene(result.univariable, result.title)
    if adjusted is None or alone is None:
        return f"The hazard ratio of {result.title} cannot be estimated beside these covariates."
    beside, whose = _ratio(adjusted), _whose(result, adjusted)
    raw = f"alone {_ratio(alone)} in {alone['of']:,} patients"
    if not result.adjusted_for:
        return f"{whose}: hazard ratio {beside}, without adjustment."
    named = ", ".join(result.adjusted_for[:-1])
    named = f"{named} and {result.adjusted_for[-1]}" if named else result.adjusted_for[-1]
    are, known = ("is", "it") if len(result.adjusted_for) == 1 else ("are", "all of them")
    lead = "No clear association is left"
    if math.isnan(adjusted["p_value"]):
        lead = "Too few patients to tell"
    elif adjusted["ci_upper"] < 1:
        lead = "Longer survival remains"
    elif adjusted["ci_lower"] > 1:
        lead = "Shorter survival remains"
    return (
        f"{lead} once {named} {are} taken into account: hazard ratio of {whose} {beside} in "
        f"{result.n:,} patients with {known} known; {raw}."
    )


def _whose(result: CoxModel, row: dict[str, float]) -> str:
    """``ALK``; of several groups the last one in the forest: ``TMB high against low``."""
    own = result.multivariable[result.multivariable.variable == result.title]
    if len(own) < 3:
        return result.title
    return f"{group_name(result.title, str(row['label']))} against {own.label.iloc[0]}"


def _gene(table: pd.DataFrame, title: str) -> dict[str, float] | None:
    known = table.hazard_ratio.notna().to_numpy()
    own = np.flatnonzero((table.variable.to_numpy(object) == title) & known)
    if len(own) == 0:
        return None
    row = {str(k): v for k, v in table.iloc[own[-1]].items()}
    return {**row, "of": int(row["of"])}


def _ratio(row: dict[str, float]) -> str:
    return f"{ratio_text(row['hazard_ratio'], row['ci_lower'], row['ci_upper'])}, " + p_text(
        row["p_value"]
    )


def multivariable_figure(
    result: CoxModel, look: Look | None = None, *, simulated: bool, heading: tuple[str, ...] = ()
) -> Figure:
    """Every covariate beside the others (figure 1E); groups carry Wald's test of the whole term."""
    about = f"Hazard ratios of {_endpoint(result).lower()} in one multivariable Cox model"
    about += f". {result.n:,} patients"
    tests = result.terms.set_index("variable")[["p_value"]]
    return _forest(result, result.multivariable, about, "multivariable", tests, look, simulated,
                   heading)  # fmt: skip


def univariable_figure(
    result: CoxModel, look: Look | None = None, *, simulated: bool, heading: tuple[str, ...] = ()
) -> Figure:
    """Each covariate alone (figure 1D)."""
    about = f"Hazard ratios of {_endpoint(result).lower()}, each of a Cox model of its own"
    return _forest(result, result.univariable, about, "univariable", None, look, simulated, heading)


def _forest(
    result: CoxModel,
    table: pd.DataFrame,
    about: str,
    kind: str,
    tests: pd.DataFrame | None,
    look: Look | None,
    simulated: bool,
    heading: tuple[str, ...],
) -> Figure:
    if tests is not None:
        # A term of one row prints its p-value there.
        several = table.loc[table.group != "", "group"].unique()
        tests = tests[tests.index.isin(several)]
    return forest_figure(
        table,
        look,
        simulated=simulated,
        name=f"cox-{kind}-{result.endpoint.lower()}-{result.title.replace(' ', '-').lower()}",
        about=about,
        text=ForestText(),
        tests=tests,
        heading=heading,
    )


def summary(result: CoxModel) -> pd.DataFrame:
    """What the multivariable model rests on and how well it ranks patients, in plain rows."""
    rows = [
        ("Patients, events", f"{result.n:,}, {result.events:,}"),
        (
            "Events for each coefficient",
            f"{result.events_per_coefficient:.1f} ({result.coefficients} coefficients)",
        ),
        ("Harrell's C (standard error)", _c(result.c_index.c, result.c_index.std_error)),
    ]
    if (without := result.c_index_without) is not None:
        rows.append((f"Harrell's C without {result.title}", _c(without.c, without.std_error)))
        added = result.added_value
        test = f"χ² {added.statistic:.2f} on {added.df} df, " if added.df else ""
        rows.append((f"What {result.title} adds, likelihood ratio", test + p_text(added.p_value)))
    return pd.DataFrame(rows, columns=["The multivariable model", "Value"])


def _c(value: float, error: float) -> str:
    return DASH if math.isnan(value) else f"{value:.3f} ({error:.3f})"


def checks(result: CoxModel) -> pd.DataFrame:
    """One row per term: Wald's test, proportional hazards, inflation of its standard errors."""
    test = result.proportional
    zph = {} if test is None else dict(zip(test.terms, test.p_value, strict=True))
    rows = [
        {
            "Term": r["variable"],
            "Coefficients": f"{r['df']}",
            "p, whole term": p_text(r["p_value"], symbol=False)
            if r["p_value"] == r["p_value"]
            else DASH,
            "p, proportional hazards": _p(zph.get(r["variable"], float("nan"))),
            "Standard error inflated by": _inflated(r["se_inflation"]),
        }
        for r in records(result.terms)
    ]
    if "GLOBAL" in zph:
        blank = {"Coefficients": "", "p, whole term": "", "Standard error inflated by": ""}
        whole = {"Term": "Whole model", "p, proportional hazards": _p(zph["GLOBAL"])}
        rows.append({**blank, **whole})
    return pd.DataFrame(rows)


def _p(value: float) -> str:
    return DASH if math.isnan(value) else p_text(value, symbol=False)


def _inflated(value: float) -> str:
    if math.isnan(value):
        return DASH
    return f"{value:.2f}" + (" (collinear)" if value > INFLATED else "")


def losses(result: CoxModel) -> pd.DataFrame:
    """Patients whom complete-case analysis leaves out, by covariate."""
    rows = [
        {
            "Covariate": r["variable"][:1].upper() + r["variable"][1:],
            "Missing in": f"{r['missing']:,}",
            "Lost for this alone": f"{r['only_this']:,}",
            "Studies without it": ", ".join(r["whole_cohorts"]) or DASH,
        }
        for r in records(result.loss)
    ]
    return pd.DataFrame(rows)


def _endpoint(result: CoxModel) -> str:
    return ENDPOINT_LABEL[result.endpoint]
