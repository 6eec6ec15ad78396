"""How the nomogram page shows its parts: figures, validation, score groups, kept models."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.analysis.covariates import Covariate, covariate_columns
from core.analysis.nomogram import NomogramBuild
from core.analysis.nomogram_check import (
    FOLLOW_UP,
    Corrected,
    Performance,
    followed,
    validate_in,
)
from core.analysis.nomogram_cure import CureModel, cure_prediction
from core.analysis.nomogram_cut import ScoreCut
from core.analysis.nomogram_file import from_json, scales_table, to_json
from core.analysis.nomogram_model import NomogramModel, level_words
from core.charts import nomogram_tables as tables
from core.charts.figure import Figure
from core.charts.km import km_figure
from core.charts.nomogram_checks import calibration_figure, curve_figure, decision_figure
from core.charts.survival_tables import survival_numbers
from core.charts.wording import DASH
from core.model import BadFile, DashboardError, Filters, NotEnoughData
from core.report.nomogram_code import python_code, r_code
from core.report.tables import csv_bytes, file_name
from core.store import Store
from core.ui import blocks, downloads, state
from core.ui.exhibit import Exhibit
from core.ui.messages import escaped, show_error

METHODS = (
    "Optimism was estimated by refitting the model to resamples of its patients (Harrell). "
    "Calibration compares predicted survival with Kaplan-Meier in groups of equal size, and with "
    "a Cox model on a restricted cubic spline of log(-log predicted survival). Validation used the "
    "model, its baseline and its cut as they were fixed in discovery: Harrell's C, calibration "
    "slope, observed over expected deaths, time-dependent AUC and Brier score with inverse "
    "probability of censoring weights, and net benefit after Vickers with Kaplan-Meier. The cut "
    "of the score has the largest log-rank statistic; its p-values are corrected for the search "
    "by Lausen and Schumacher (1992, 1994) and by permutation."
)
LARGEST_TABLE = 50_000


@dataclass(frozen=True)
class Shown:
    """What every figure of the page shares."""

    exhibit: Exhibit

    def figure(
        self,
        draw: Callable[..., Figure],
        what: Any,
        *,
        rows: pd.DataFrame,
        key: str,
        subtitle: str = "",
        numbers: pd.DataFrame | None = None,
        **options: Any,
    ) -> None:
        """``draw(what, look, ...)`` with its downloads; ``subtitle`` for a figure on its own;
        ``numbers``: its results where ``rows`` are patients."""
        self.exhibit.of(what, subtitle=subtitle).figure(
            draw,
            lambda _: rows if numbers is None else numbers,
            rows=lambda _: rows,
            key=key,
            **options,
        )


def patient_curve(show: Shown, model: NomogramModel, patient: pd.DataFrame) -> None:
    """Predicted survival of the patient over time, with its interval."""
    base = model.cox.baseline(model.stratum)
    end = min(base.last, max(1.5 * max(model.times), 36.0))
    at = np.unique(np.concatenate([[0.0], base.times[base.times <= end], [end], model.times]))
    ready, _ = model.ready(patient)
    survival, low, high = model.cox.survival(model.design(ready), at, model.stratum)
    curve = pd.DataFrame(
        {"time": at, "survival": survival[0], "ci_lower": low[0], "ci_upper": high[0]}
    )
    show.figure(curve_figure, curve, rows=curve, key="patient-curve", marks=model.times)


def cured(
    show: Shown, build: NomogramBuild, patient: pd.DataFrame, fit: Callable[[], CureModel]
) -> None:
    """The same predictors in a mixture-cure model, fitted by ``fit`` once it is asked for."""
    state.check_switch("cure", "Mixture-cure model")
    asked = str(state.chosen("cure", False)).lower() == "true"
    with st.expander("As a mixture-cure model", asked, icon=":material/healing:"):
        wanted = st.toggle(
            "Fit one to the same patients",
            False,
            key="cure",
            bind="query-params",
            help="The paper calls its nomogram cure-model-based; the one above is a Cox model.",
        )
        if not wanted:
            return
        try:
            cure = fit()
        except NotEnoughData as error:
            show_error(error)
            return
        found = cure_prediction(build, cure, patient)
        blocks.sentence(tables.cure_sentence(cure, found, build.model.times))
        blocks.warnings(cure.warnings)
        show.figure(
            curve_figure, found.curve, rows=found.curve, key="cure-curve",
            marks=build.model.times, subtitle="Mixture-cure model", name="nomogram-cure-patient",
        )  # fmt: skip
        blocks.table(tables.cure_ratios(cure))
        blocks.methods(cure.methods)


def validation(show: Shown, own: Performance, checked: Corrected, other: Performance | str) -> None:
    """Measures, calibration and decision curves: in discovery, corrected, and in validation."""
    if isinstance(other, str):
        st.warning(escaped(other), icon=":material/warning:")
    else:
        blocks.sentence(f"Validation: {other.n:,} of {other.sentence}; {other.events:,} events.")
        blocks.warnings(other.warnings)
    blocks.warnings([*own.warnings, *([checked.why] if checked.why else [])])
    if checked.optimism is not None:
        blocks.warnings(checked.optimism.warnings)
    blocks.table(tables.measures(own, checked, other))
    sides = [("Discovery", own, checked.calibration or own.calibration)]
    if not isinstance(other, str):
        sides.append(("Validation", other, other.calibration))
    st.markdown("**Calibration**: does predicted survival come true?")
    for column, (name, side, curves) in zip(st.columns(2), sides, strict=False):
        with column:
            st.markdown(name)
            if not curves:
                st.caption("Too few events for a curve.")
                continue
            show.figure(
                calibration_figure, curves, rows=pd.concat([c.groups.assign(time=c.time)
                                                            for c in curves]),
                key=f"calibration-{side.name}", subtitle=name, name=side.name,
            )  # fmt: skip
    st.caption(
        "Points: Kaplan-Meier in groups with 95% intervals; crosses: corrected for optimism; line: "
        "smooth curve, which takes hazards to be proportional. Where points and line part, believe "
        "the points."
    )
    if not isinstance(other, str) and len(other.recalibrated):
        st.markdown(
            "**Recalibration**: what remains of the errors in the validation cohort once the "
            "baseline, or also the slope, is set anew there. Fitted and judged in the same "
            "patients, so flattering."
        )
        blocks.table(tables.recalibration(other))
    _decisions(show, [(n, s) for n, s, _ in sides])


def _decisions(show: Shown, sides: list[tuple[str, Performance]]) -> None:
    times = [d.time for d in sides[0][1].decision]
    if not times:
        return
    st.markdown("**Decision curves**: would acting on it do more good than treating all, or none?")
    at = times[0]
    if len(times) > 1:
        at = st.segmented_control(
            "Death by (months)", times, default=at, required=True, key="decision_at",
            format_func=lambda t: f"{t:g}",
        )  # fmt: skip
    for column, (name, side) in zip(st.columns(2), sides, strict=False):
        with column:
            st.markdown(name)
            found = [d for d in side.decision if d.time == at]
            if not found:
                st.caption("Too few events, or too short a follow-up, for a curve.")
                continue
            show.figure(
                decision_figure, found[0], rows=found[0].table, key=f"decision-{side.name}",
                subtitle=name, name=side.name,
            )  # fmt: skip


def score_groups(show: Shown, build: NomogramBuild, cut: ScoreCut) -> None:
    """Where the score is cut, and survival of both groups in discovery and validation."""
    blocks.sentence(tables.cut_sentence(cut))
    st.caption(escaped(tables.paper_cut_words(build)))
    blocks.warnings([*cut.warnings, *([cut.why_not] if cut.why_not else [])])
    blocks.table(tables.cut_ratios(cut))
    for name, result in (("Discovery", cut.discovery), ("Validation", cut.validation)):
        if result is None:
            continue
        st.markdown(f"**{name}**")
        blocks.warnings(result.warnings)
        chosen = name == "Discovery" and cut.selected is not None
        show.figure(
            km_figure, result, rows=result.rows, key=f"score-{name.lower()}", subtitle=name,
            numbers=survival_numbers(result),
        )  # fmt: skip
        if chosen:
            st.caption(
                "The log-rank p-value in the figure does not know that the cut was searched for in "
                "these patients; the corrected ones stand above."
            )


def keep(model: NomogramModel, *, simulated: bool) -> None:
    """The model as JSON, as a table, and as programs that reproduce its predictions."""
    offers: list[tuple[str, str, str, Callable[[], str | bytes]]] = [
        ("Keep the model (JSON)", "json", "application/json", lambda: to_json(model)),
        ("Table of points (CSV)", "csv", "text/csv",
         lambda: csv_bytes(scales_table(model), simulated=simulated)),
        ("R program", "R", "text/plain", lambda: r_code(model)),
        ("Python program", "py", "text/x-python", lambda: python_code(model)),
    ]  # fmt: skip
    with st.container(horizontal=True, gap="small"):
        for label, extension, mime, make in offers:
            st.download_button(
                label,
                data=make,
                file_name=file_name("nomogram", extension, simulated=simulated),
                mime=mime,
                key=f"keep-{extension}",
                on_click="ignore",
            )


def apply_kept(show: Shown, store: Store, filters: Filters, cohort_names: dict[str, str]) -> None:
    """A kept model on a cohort of this store, or on an uploaded table."""
    with st.expander("Apply a kept model", icon=":material/upload_file:"):
        given = st.file_uploader("A kept model (JSON)", type="json", key="kept-model")
        if given is None:
            return
        try:
            model = from_json(_text(given), given.name)
            blocks.sentence(_origin(model, store))
            _apply(model, store, filters, cohort_names, store.simulated)
        except DashboardError as error:
            show_error(error)


def _text(given: Any) -> str:
    try:
        return str(given.getvalue().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadFile(
            f"{given.name} is not text.", expected="UTF-8", found=str(error)[:120],
            remedy="Save it as UTF-8.",
        ) from error  # fmt: skip


def _origin(model: NomogramModel, store: Store) -> str:
    here = "this build" if model.build_id == store.version else "another build than this one"
    data = "SIMULATED data" if model.simulated else "real data"
    wanted = "; ".join(f"{p.label} ({level_words(p)})" for p in model.predictors)
    return (
        f"Model of {model.n:,} patients and {model.events:,} events, {data}, build "
        f"{model.build_id} ({here}), code {model.code_version}. It takes {wanted}."
    )


def _apply(
    model: NomogramModel,
    store: Store,
    filters: Filters,
    cohort_names: dict[str, str],
    simulated: bool,
) -> None:
    table = st.file_uploader("A table of patients (CSV)", type="csv", key="kept-table")
    if table is not None:
        rows = _table(table)
        predicted = model.predict(rows)
        known = int(predicted.total_points.notna().sum())
        blocks.sentence(
            f"{known:,} of {len(rows):,} patients predicted; the others lack a value or have a "
            "level the model never saw."
        )
        both = pd.concat([rows, predicted], axis=1)
        downloads.rows_as_csv(
            both, "nomogram-predictions", simulated=model.simulated, key="kept-predictions"
        )
        if set(FOLLOW_UP) <= set(rows):
            columns = rows[[p.label for p in model.predictors]]
            _told(model, validate_in(model, followed(rows), columns, name=str(table.name)))
        else:
            st.caption("With columns time_months and event (1: died) the model is tested, too.")
        return
    cohort = st.selectbox(
        "or a cohort", list(cohort_names), format_func=cohort_names.__getitem__, key="kept-cohort"
    )
    if model.simulated != simulated:
        st.warning("Simulated and real data are not mixed: give a table, or another store.")
        return
    frame = store.patients(
        Filters(cohorts=(cohort,), treated_with_ici=filters.treated_with_ici), model.endpoint
    )
    covariates = [Covariate(p.variable) for p in model.predictors]
    columns = covariate_columns(store, frame, covariates, model.classes)
    _told(model, validate_in(model, frame, columns, name=cohort_names[cohort]))


def _told(model: NomogramModel, found: Performance | str) -> None:
    """How a kept model does among other patients, with low and high score at its kept cut."""
    if isinstance(found, str):
        st.info(escaped(found))
        return
    c = found.c_index
    blocks.sentence(
        f"{found.name}: {found.n:,} patients, {found.events:,} events, C {c.c:.3f} "
        f"({c.ci_lower:.3f}{DASH}{c.ci_upper:.3f})."
    )
    blocks.warnings(found.warnings)
    blocks.table(tables.applied(found, model))


def _table(given: Any) -> pd.DataFrame:
    try:
        rows = pd.read_csv(io.StringIO(_text(given)))
    except (ValueError, pd.errors.ParserError) as error:
        raise BadFile(
            f"{given.name} is not a table.",
            expected="comma-separated values with a line of column names",
            found=str(error)[:120],
            remedy="Save the table as CSV.",
        ) from error
    if len(rows) > LARGEST_TABLE:
        raise BadFile(
            f"{given.name} has {len(rows):,} rows.", expected=f"at most {LARGEST_TABLE:,}",
            remedy="Apply the R or Python program to it.",
        )  # fmt: skip
    return rows
