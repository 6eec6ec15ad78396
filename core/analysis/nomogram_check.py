"""How good is the nomogram: in the patients it was made of, corrected, and in other patients.

Apparent figures flatter a model; the corrected ones are what its 200 refits to resamples leave of
them; the validation cohort is the only test. The model is frozen before validation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from core.analysis.covariates import Covariate, covariate_columns
from core.analysis.nomogram import NomogramBuild
from core.analysis.nomogram_model import NomogramModel
from core.analysis.result import Result
from core.compute import Place, place_for
from core.model import BadInput, Filters, Role
from core.stats.brier import brier_score, integrated_brier
from core.stats.calibration import (
    Calibration,
    InTheLarge,
    calibration,
    calibration_error,
    in_the_large,
    resampled,
)
from core.stats.concordance import Concordance, concordance
from core.stats.cox import cox
from core.stats.cox_bootstrap import Optimism, resamples
from core.stats.cox_portable import portable
from core.stats.decision_curve import DecisionCurve, decision_curve
from core.stats.discrimination import time_dependent_auc
from core.store import Store, sentence

Progress = Callable[[str, float], None]

DRAWS = 200
FEWEST_DRAWS, DRAWN_PATIENTS = 20, 1_000_000
"""Above so many patients in all resamples fewer of these are drawn, but never fewer than that."""
DRAW_SECONDS = 7e-6
"""Of one resample, for each patient, on one core."""
EVENTS_TO_VALIDATE = 100
"""Below this many events a validation is imprecise (Collins, Ogundimu and Altman 2016)."""
EVENTS_FOR_CURVES = 20
"""Below this many events no calibration curve, Brier score or decision curve is drawn."""
PER_GROUP = 150
LEAST_GROUPS = 4


@dataclass(frozen=True, eq=False)
class Performance(Result):
    """What the frozen model achieves among some patients; empty tables where they are too few.

    scores: time, auc, auc_lower, auc_upper, brier, brier_lower, brier_upper, reference (Brier
        score of the patients' own Kaplan-Meier curve), scaled
    integrated: start, end, integrated, reference (Brier scores), or empty
    recalibrated: model (words), ratio, slope, then brier_12, ici_12 for each time
    """

    name: str
    n: int
    events: int
    c_index: Concordance
    scores: pd.DataFrame
    integrated: pd.DataFrame
    calibration: tuple[Calibration, ...]
    decision: tuple[DecisionCurve, ...]
    large: InTheLarge | None
    recalibrated: pd.DataFrame
    rows: pd.DataFrame
    flow: pd.DataFrame
    sentence: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Corrected:
    """Optimism of the model in its own patients; ``optimism`` is None where ``why`` says why, and
    ``draws`` are fewer than were asked for where it says so."""

    optimism: Optimism | None
    calibration: tuple[Calibration, ...]
    draws: int
    why: str = ""


def correct(
    build: NomogramBuild,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    place: Place | None = None,
    progress: Progress | None = None,
) -> Corrected:
    """Refit the model to resamples of its patients; within cohorts where it is stratified.

    Long work runs where ``core.compute`` puts it, unless ``place`` says.
    """
    if build.firth:
        return Corrected(
            None, (), 0, "Not corrected for optimism: the model needs the penalty of Firth."
        )
    sample, model = build.sample, build.model
    made = affordable(draws, len(sample.x))
    drawn = resamples(len(sample.x), made, seed, sample.stratum)
    where = place or place_for(drawn.size * DRAW_SECONDS)

    optimism, calibrated = resampled(
        sample,
        drawn,
        model.times,
        per_group=_per_group(len(sample.x)),
        place=where,
        progress=None if progress is None else lambda done: progress("Resamples", done),
    )
    why = (
        f"{made} resamples were drawn in place of {draws}: among {len(sample.x):,} patients a "
        "model is hardly too optimistic, and each resample takes long."
    )
    return Corrected(optimism, tuple(calibrated), made, "" if made == draws else why)


def affordable(draws: int, n: int) -> int:
    """Resamples of ``n`` patients that are drawn where ``draws`` are asked for."""
    return min(draws, max(FEWEST_DRAWS, DRAWN_PATIENTS // max(1, n)))


def apparent(build: NomogramBuild) -> Performance:
    """The model among the patients it was fitted to."""
    return performance(
        build.model, build.rows, name="discovery", sentence=build.sentence, flow=build.flow,
        stratified=build.sample.stratum is not None,
    )  # fmt: skip


def validation_question(
    store: Store, filters: Filters, build: NomogramBuild, *, unseen: str = "leave out"
) -> Performance | str:
    """The frozen model among the validation patients that ``filters`` keep (their roles aside).

    A sentence in place of the result where there is nobody to validate it in.
    """
    filters = replace(filters, roles=(Role.VALIDATION.value,))
    model = build.model
    frame = store.patients(filters, model.endpoint)
    if frame.empty:
        return "No patient of a validation cohort is left under the filters: not validated."
    names = store.cohort_names()
    covariates = [Covariate(p.variable) for p in model.predictors]
    columns = covariate_columns(store, frame, covariates, model.classes)
    words = f"{len(frame):,} patients: {sentence(filters, cohort_names=names)}"
    return validate_in(
        model, frame, columns, unseen=unseen, words=words, flow=store.attrition(filters)
    )


FOLLOW_UP = ("time_months", "event")
"""Columns of a table by which a model can be tested; of event 1 is a death, 0 none."""


def followed(table: pd.DataFrame) -> pd.DataFrame:
    """Follow-up of an uploaded table, with the cohort that a model asks for.

    Raises BadInput where a time is no number from 0 on, or an event neither 0 nor 1; a missing one
    is no follow-up.
    """
    out = pd.DataFrame(index=table.index)
    for column, allowed in zip(FOLLOW_UP, ("a number from 0 on", "0 or 1"), strict=True):
        values = pd.to_numeric(table[column], errors="coerce")
        fits = values.isin([0, 1]) if column == "event" else np.isfinite(values) & (values >= 0)
        if (wrong := table[column].notna() & ~fits).any():
            raise BadInput(
                f"The column {column} cannot be read.",
                expected=allowed,
                found=repr(table[column][wrong].iloc[0]),
                remedy="Correct the value, or leave it empty.",
            )
        out[column] = values.astype(float)
    return out.assign(cohort_id="the table")


def validate_in(
    model: NomogramModel,
    frame: pd.DataFrame,
    columns: pd.DataFrame,
    *,
    unseen: str = "leave out",
    words: str = "",
    flow: pd.DataFrame | None = None,
    name: str = "validation",
) -> Performance | str:
    """The frozen model among the patients of ``frame`` (time_months, event) with ``columns``."""
    followed = frame.time_months.notna() & frame.event.notna()
    ready, strange = model.ready(columns, unseen)
    notes = strange.words(unseen)
    absent = [str(c) for c in columns if columns[c].isna().all()]
    if absent:
        return (
            f"Not validated: {', '.join(absent)} is missing in every patient of the validation "
            "cohort. Leave it out of the model to validate the rest."
        )
    known = ready.notna().all(axis=1)
    never = columns.notna().all(axis=1) & ~known
    kept = followed & known
    if not kept.any() or not frame.event[kept].any():
        return " ".join(
            ["No validation patient with an event has every predictor: not validated.", *notes]
        )
    rows = pd.concat(
        [frame.loc[kept].drop(columns=ready.columns, errors="ignore"), ready[kept]], axis=1
    )
    lp = model.cox.linear_predictor(model.design(ready[kept]))
    rows = rows.assign(linear_predictor=lp, total_points=model.scales.total_points(lp))
    steps = pd.DataFrame({"step": ["in the store"], "n": [len(frame)], "lost": [0]})
    counts = [
        ("no follow-up known", int((~followed).sum())),
        ("a level the model never saw", int((followed & never).sum())),
        ("a predictor is missing", int((followed & ~known & ~never).sum())),
    ]
    left = np.cumsum([len(frame), *(-n for _, n in counts)])[1:]
    more = pd.DataFrame({"step": [s for s, _ in counts], "n": left, "lost": [n for _, n in counts]})
    return performance(
        model, rows, name=name, sentence=words, notes=tuple(notes),
        flow=pd.concat([steps if flow is None else flow, more], ignore_index=True),
        stratified=bool(model.stratum) and rows.cohort_id.nunique() > 1,
    )  # fmt: skip


def performance(
    model: NomogramModel,
    rows: pd.DataFrame,
    *,
    name: str,
    sentence: str = "",
    notes: tuple[str, ...] = (),
    flow: pd.DataFrame | None = None,
    stratified: bool = False,
) -> Performance:
    """Measures of ``model`` among ``rows`` (linear_predictor, time_months, event)."""
    time, event = rows.time_months.to_numpy(float), rows.event.to_numpy(float)
    lp, events = rows.linear_predictor.to_numpy(float), int(rows.event.sum())
    words = [*notes, *_size_words(name, events, len(rows))]
    strata = rows.cohort_id.to_numpy() if stratified else None
    times = [t for t in model.times if t <= time.max()]
    if late := [f"{t:g}" for t in model.times if t > time.max()]:
        words.append(f"Nobody of {name} is followed for {', '.join(late)} months.")
    enough = events >= EVENTS_FOR_CURVES and bool(times)
    at = model.at(times) if enough else model
    survival = np.exp(-np.exp(lp)[:, None] * at.cox.hazard(at.times, at.stratum))
    large = in_the_large(lp, time, event, _expected(model, lp, time))
    return Performance(
        name=name,
        n=len(rows),
        events=events,
        c_index=concordance(time, event, lp, strata=strata),
        scores=_scores(time, event, lp, survival, times) if enough else pd.DataFrame(),
        integrated=_integrated(model, lp, time, event) if enough else pd.DataFrame(),
        calibration=_curves(survival, time, event, times) if enough else (),
        decision=_decisions(survival, time, event, times) if enough else (),
        large=large,
        recalibrated=_recalibrated(at, lp, time, event, large) if enough else pd.DataFrame(),
        rows=rows,
        flow=pd.DataFrame({"step": ["analysed"], "n": [len(rows)], "lost": [0]})
        if flow is None
        else flow,
        sentence=sentence,
        warnings=tuple(
            dict.fromkeys([*words, *(w for w in large.warnings if "below ten" not in w)])
        ),
    )  # fmt: skip


def _size_words(name: str, events: int, n: int) -> list[str]:
    if events < EVENTS_FOR_CURVES:
        return [
            f"{n:,} patients of {name} with {events} events: too few for a calibration curve, a "
            f"Brier score or a decision curve, which need {EVENTS_FOR_CURVES} events at the very "
            "least. C and the slope are given with their wide intervals; read them as unknown."
        ]
    if events < EVENTS_TO_VALIDATE:
        return [
            f"{events} events in {name}: below {EVENTS_TO_VALIDATE} a validation is imprecise, "
            "and a good or bad result may be chance."
        ]
    return []


def _per_group(n: int) -> int:
    return max(20, min(PER_GROUP, n // LEAST_GROUPS))


def _expected(model: NomogramModel, lp: np.ndarray, time: np.ndarray) -> np.ndarray:
    return np.asarray(model.cox.hazard(time, model.stratum) * np.exp(lp))


def _scores(
    time: np.ndarray, event: np.ndarray, lp: np.ndarray, survival: np.ndarray, times: list[float]
) -> pd.DataFrame:
    auc = time_dependent_auc(time, event, lp, times).table
    brier = brier_score(time, event, survival, times).table
    return pd.DataFrame(
        {
            "time": auc.time,
            "auc": auc.auc,
            "auc_lower": auc.ci_lower,
            "auc_upper": auc.ci_upper,
            "brier": brier.brier,
            "brier_lower": brier.ci_lower,
            "brier_upper": brier.ci_upper,
            "reference": brier.reference,
            "scaled": brier.scaled,
        }
    )


def _integrated(
    model: NomogramModel, lp: np.ndarray, time: np.ndarray, event: np.ndarray
) -> pd.DataFrame:
    """Integrated Brier score from 0 to the last of the model's times that has follow-up."""
    end = min(max(model.times), float(time.max()), model.cox.baseline(model.stratum).last)
    inside = np.unique(time[(time > 0) & (time < end)])
    grid = np.concatenate([[0.0], inside[:: max(1, len(inside) // 100)], [end]])
    survival = np.exp(-np.exp(lp)[:, None] * model.cox.hazard(grid, model.stratum))
    found = integrated_brier(time, event, survival, grid)
    return pd.DataFrame(
        {
            "start": [found.start],
            "end": [found.end],
            "integrated": [found.integrated],
            "reference": [found.reference],
        }
    )


def _curves(
    survival: np.ndarray, time: np.ndarray, event: np.ndarray, times: list[float]
) -> tuple[Calibration, ...]:
    size = _per_group(len(time))
    return tuple(
        calibration(s, time, event, t, per_group=size)
        for s, t in zip(survival.T, times, strict=True)
    )


def _decisions(
    survival: np.ndarray, time: np.ndarray, event: np.ndarray, times: list[float]
) -> tuple[DecisionCurve, ...]:
    return tuple(
        decision_curve(1 - s, time, event, t) for s, t in zip(survival.T, times, strict=True)
    )


def _recalibrated(
    model: NomogramModel, lp: np.ndarray, time: np.ndarray, event: np.ndarray, large: InTheLarge
) -> pd.DataFrame:
    """The model as it is, its hazard times O/E, and with a new baseline and slope.

    The last two are fitted to the same patients, and so flatter the model there.
    """
    hazard = model.cox.hazard(model.times, model.stratum)
    new = portable(cox(lp[:, None], time, event, names=["linear predictor"]))
    refitted = new.survival(lp[:, None], model.times)[0]
    versions = {
        "as it was built": (1.0, 1.0, np.exp(-np.exp(lp)[:, None] * hazard)),
        "hazard times observed / expected": (
            large.ratio,
            1.0,
            np.exp(-np.exp(lp)[:, None] * hazard * large.ratio),
        ),
        "new baseline and slope": (np.nan, large.slope, refitted),
    }
    out = []
    for words, (ratio, slope, survival) in versions.items():
        row: dict[str, object] = {"model": words, "ratio": ratio, "slope": slope}
        brier = brier_score(time, event, survival, model.times).table.brier
        for j, t in enumerate(model.times):
            row[f"brier_{t:g}"] = float(brier[j])
            row[f"ici_{t:g}"] = calibration_error(survival[:, j], time, event, t)
        out.append(row)
    return pd.DataFrame(out)
