"""The nomogram page's inputs: what goes into the model, one patient, the cut, a kept model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.covariates import CATEGORIES, GENE
from core.analysis.nomogram import DEFAULT_PREDICTORS, MAY_BEND, Choice, NomogramBuild
from core.analysis.nomogram_cut import at_percentile
from core.analysis.nomogram_model import UNSEEN, NomogramModel
from core.charts.nomogram import Reading
from core.stats.nomogram import tick_label
from core.ui import state

MONTHS = (6, 12, 18, 24, 36, 48, 60)
NAMES = {
    "age_years": "Age",
    **{k: CATEGORIES[k][0] for k in ("sex", "tumor_type", "drug_class")},
    "tmb": "TMB",
    f"{GENE}TP53": "TP53",
    "stage": CATEGORIES["stage"][0],
}
DRAWS = (50, 200, 500, 1000)


@dataclass(frozen=True)
class Asked:
    """The model asked for, and how often it is refitted to resamples."""

    choice: Choice
    draws: int


def model_inputs(gene: str, names: dict[str, str]) -> Asked:
    """What goes into the model; every choice is in the page's address."""
    options, shown = list(NAMES), NAMES
    with st.expander("The model", icon=":material/tune:"):
        state.check_many("predictor", "Predictors", list(NAMES.values()))
        state.keep_known("predictor", options)
        predictors = st.pills(
            f"Predictors beside {gene}",
            options,
            default=list(DEFAULT_PREDICTORS),
            selection_mode="multi",
            format_func=lambda v: shown[v],
            key="predictor",
            bind="query-params",
        )
        left, right = st.columns(2)
        state.check_many("curved", "Curved", [NAMES[v] for v in MAY_BEND])
        state.check_many("months", "Survival at", list(map(str, MONTHS)))
        with left:
            with_gene = _switch("nomogram_gene", f"{gene} as a predictor", True)
            splines = st.pills(
                "Curved (spline with 4 knots)",
                MAY_BEND,
                selection_mode="multi",
                format_func=lambda v: shown[v],
                key="curved",
                bind="query-params",
            )
            stratified = _switch(
                "baseline",
                "A baseline for each study",
                False,
                "Stratified by cohort. Survival is then read from one study's baseline, and what "
                "does not vary within studies drops out.",
            )
            stratum = ""
            if stratified:
                stratum = st.selectbox(
                    "Read survival from the baseline of",
                    ["", *names],
                    format_func=lambda c: names.get(c, "the study with most events"),
                    key="baseline_of",
                )
        with right:
            times = st.pills(
                "Survival at (months)",
                MONTHS,
                default=[12, 24],
                selection_mode="multi",
                key="months",
                bind="query-params",
            )
            unseen = st.radio(
                "Validation patients with a level never seen in discovery",
                UNSEEN,
                format_func={
                    "leave out": "leave out",
                    "reference": "read as the reference level (a guess)",
                }.get,
                key="unseen",
            )
            draws = st.select_slider("Resamples", DRAWS, 200, key="draws")
    chosen = Choice(
        predictors=tuple(p for p in options if p in (predictors or [])),
        with_gene=with_gene,
        splines=tuple(splines or ()),
        stratified=stratified,
        stratum=stratum or "",
        times=tuple(float(t) for t in sorted(times or [12, 24])),
        unseen=unseen or UNSEEN[0],
    )
    return Asked(chosen, int(draws))


def _switch(key: str, label: str, default: bool, explained: str | None = None) -> bool:
    state.check_switch(key, label)
    return st.toggle(label, default, key=key, bind="query-params", help=explained)


def patient_inputs(model: NomogramModel) -> pd.DataFrame:
    """One patient, as a table of one row. A patient's values never go into the address."""
    row: dict[str, object] = {}
    columns: list[Any] = []
    for p in model.predictors:
        key = f"patient-{p.variable}-{'|'.join(p.levels)}"
        columns = columns or list(st.columns(4))  # a row at a time, so that narrow screens keep it
        with columns.pop(0):
            if p.levels:
                row[p.label] = st.selectbox(p.label, p.levels, key=key)
                continue
            low, middle, high = p.observed
            whole = p.variable == "age_years"
            row[p.label] = st.number_input(
                p.label + (f" ({p.unit.strip()})" if p.unit else ""),
                float(low),
                float(high),
                float(round(middle) if whole else round(min(max(middle, low), high), 1)),
                step=1.0 if whole else 0.1,
                format="%.0f" if whole else "%.2f",
                key=f"{key}-{low:g}-{high:g}",
                help=f"Patients of the model: {low:g} to {high:g}.",
            )
    return pd.DataFrame([row])


def read_off(model: NomogramModel, patient: pd.DataFrame, predicted: pd.Series) -> Reading:
    """The patient's places on the nomogram."""
    ready, _ = model.ready(patient)
    points = model.points(ready).iloc[0]
    values = []
    for p in model.predictors:
        v = patient[p.label].iloc[0]
        values.append(str(v) if p.levels else tick_label(round(float(v), 2)))
    return Reading(
        points=tuple(float(points[p.label]) for p in model.predictors),
        values=tuple(values),
        total=float(predicted.total_points),
        survival=tuple(float(predicted[f"survival_{t:g}"]) for t in model.times),
    )


def cut_input(build: NomogramBuild) -> float | None:
    """None for the selected cut; else a person's own, in points of this model."""
    points = build.rows.total_points
    how = st.segmented_control(
        "Cut the score",
        ["best separation", "at points", "at a share of patients"],
        default="best separation",
        required=True,
        key="cut_how",
    )
    if how == "at points":
        low, high = float(points.min()), float(points.max())
        return float(
            st.number_input(
                "Points", low, high, round(float(points.median())) * 1.0, 1.0, "%.0f", key="cut_at"
            )
        )
    if how == "at a share of patients":
        share = st.slider("Discovery patients with a low score (%)", 10, 90, 50, key="cut_share")
        return at_percentile(build.rows, share / 100)
    return None
