"""A nomogram of survival under ICI, built in the discovery cohorts (figure 2A).

:func:`build_question` asks the store and fits; how good the model is, is asked by
:mod:`core.analysis.nomogram_check`, and where to cut its score by
:mod:`core.analysis.nomogram_cut`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from core.analysis.covariates import (
    CATEGORIES,
    GENE,
    OTHER,
    SPARSE,
    Covariate,
    covariate_columns,
)
from core.analysis.nomogram_model import NomogramModel, Predictor
from core.analysis.result import Result
from core.groups import MUTATION_ORDER
from core.model import ENDPOINT_LABEL, BadInput, Filters, NotEnoughData, Role, Stratifier
from core.stats.concordance import Concordance, concordance
from core.stats.cox_bootstrap import Sample
from core.stats.cox_portable import portable
from core.stats.cox_terms import Categorical, Continuous, Spline, TermsFit, fit_terms
from core.stats.nomogram import INTERVALS, pretty
from core.store import Store, sentence

DEFAULT_PREDICTORS = ("age_years", "sex", "tumor_type", "drug_class", "tmb", f"{GENE}TP53")
"""Those of the paper's figure 1E; the gene asked about is added."""

MAY_BEND = ("age_years", "tmb")
"""Predictors that a spline is offered for."""

SPLINE_KNOTS = 4
EVENTS_PER_COEFFICIENT = 10
UNITS = {"age_years": " years", "tmb": " SD"}


@dataclass(frozen=True)
class Choice:
    """What goes into the model. ``stratum``: cohort_id whose baseline is used where the model is
    stratified by cohort (empty: the largest)."""

    predictors: tuple[str, ...] = DEFAULT_PREDICTORS
    with_gene: bool = True
    splines: tuple[str, ...] = ()
    stratified: bool = False
    stratum: str = ""
    times: tuple[float, ...] = (12.0, 24.0)
    unseen: str = "leave out"


@dataclass(frozen=True, eq=False)
class NomogramBuild(Result):
    """The model with the patients it was fitted to.

    terms: predictor, label, n, events, hazard_ratio, ci_lower, ci_upper, p_value
    loss: predictor, missing, only_this (patients who lack nothing else), whole_cohorts (names)
    cohorts: cohort, n, complete, events, lacks (predictors missing in everyone)
    rows: complete patients: the predictors, cohort_id, time_months, event, total_points
    """

    title: str
    model: NomogramModel
    terms: pd.DataFrame
    loss: pd.DataFrame
    cohorts: pd.DataFrame
    rows: pd.DataFrame
    sample: Sample = field(repr=False)
    c_index: Concordance
    firth: bool
    flow: pd.DataFrame
    sentence: str
    methods: str
    warnings: tuple[str, ...]


def build_question(
    store: Store,
    filters: Filters,
    stratifier: Stratifier,
    *,
    endpoint: str = "OS",
    choice: Choice | None = None,
) -> NomogramBuild:
    """Fit the model to the discovery patients that ``filters`` keep (their roles aside).

    Raises NotEnoughData where no patient has every predictor, and BadInput.
    """
    choice = choice or Choice()
    filters = replace(filters, roles=(Role.DISCOVERY.value,))
    covariates = chosen_covariates(store, stratifier, choice)
    frame = store.patients(filters, endpoint)
    columns = covariate_columns(store, frame, covariates, stratifier.classes)
    names = store.cohort_names()
    words = f"{len(frame):,} patients: {sentence(filters, cohort_names=names)}"
    return build_nomogram(
        frame, columns, covariates, choice,
        title=stratifier.label, endpoint=endpoint, names=names,
        flow=store.attrition(filters), words=words,
        origin=(store.version, str(store.build.code_version), store.simulated),
        classes=stratifier.classes,
    )  # fmt: skip


def chosen_covariates(store: Store, stratifier: Stratifier, choice: Choice) -> list[Covariate]:
    """The predictors, each once; genes under their current symbol. Raises BadInput for none."""
    wanted = list(choice.predictors)
    if choice.with_gene and stratifier.kind == "mutation":
        wanted += [GENE + g for g in stratifier.genes]
    out: dict[str, Covariate] = {}
    for variable in wanted:
        if variable.startswith(GENE):
            variable = GENE + store.resolve_gene(variable.removeprefix(GENE))
        if not (choice.stratified and variable == "cohort_id"):
            out.setdefault(variable, Covariate(variable))
    if not out:
        raise BadInput("No predictor is chosen.", remedy="Choose at least one.")
    return list(out.values())


def build_nomogram(
    frame: pd.DataFrame,
    columns: pd.DataFrame,
    covariates: Sequence[Covariate],
    choice: Choice,
    *,
    title: str,
    endpoint: str = "OS",
    names: dict[str, str] | None = None,
    flow: pd.DataFrame | None = None,
    words: str = "",
    origin: tuple[str, str, bool] = ("", "", False),
    classes: tuple[str, ...] = (),
) -> NomogramBuild:
    """Fit the model to ``frame`` (cohort_id, time_months, event) with predictors ``columns``."""
    names = names or {}
    followed = frame.time_months.notna() & frame.event.notna()
    complete = columns.notna().all(axis=1) & followed
    loss = _loss(columns[followed], frame[followed], names)
    _demand(complete, frame, loss, words)
    ready, pooled, rare = _without_rare(columns, covariates, complete)
    complete &= ready.notna().all(axis=1)
    cohorts = _cohorts(columns, frame, complete, names)
    predictors = _predictors(ready, covariates, complete, choice, pooled)
    kept = [c for c in frame.columns if c not in ready.columns]
    rows = pd.concat([frame.loc[complete, kept], ready[complete]], axis=1)
    strata = ["cohort_id"] if choice.stratified and rows.cohort_id.nunique() > 1 else []
    fit, resolved, firth = _fit(rows, predictors, strata)
    stratum = _stratum(rows, strata, choice.stratum)
    cox = portable(fit.fit)
    lp = cox.linear_predictor(fit.design.matrix)
    model = NomogramModel(
        predictors=tuple(resolved),
        cox=cox,
        lp_range=(float(lp.min()), float(lp.max())),
        times=_times(choice.times, cox.baseline(stratum).last),
        stratum=stratum,
        endpoint=endpoint,
        build_id=origin[0],
        code_version=origin[1],
        simulated=origin[2],
        n=fit.fit.n,
        events=fit.fit.events,
        sentence=words,
        classes=classes,
    )
    rows = rows.assign(linear_predictor=lp, total_points=model.scales.total_points(lp))
    by = rows.cohort_id.to_numpy() if strata else None
    return NomogramBuild(
        title=title,
        model=model,
        terms=_terms(fit),
        loss=loss,
        cohorts=cohorts,
        rows=rows,
        sample=Sample.of(fit.design.matrix, rows.time_months, rows.event, by),
        c_index=concordance(rows.time_months, rows.event, lp, strata=by),
        firth=firth,
        flow=_flow(flow, frame, followed, complete),
        sentence=words,
        methods=_methods(model, choice, bool(strata), firth),
        warnings=tuple(
            dict.fromkeys(
                [
                    *_dropped(cohorts),
                    *rare,
                    *_constant(covariates, predictors, resolved),
                    *_fit_words(fit, firth, model, names),
                ]
            )
        ),
    )


# -- terms -----------------------------------------------------------------------------


def _without_rare(
    columns: pd.DataFrame, covariates: Sequence[Covariate], complete: pd.Series
) -> tuple[pd.DataFrame, dict[str, tuple[str, ...]], list[str]]:
    """Rare levels pooled as OTHER; made missing, and told, where even together they are rare."""
    out, pooled, words = columns.copy(), {}, []
    for c in covariates:
        if pd.api.types.is_numeric_dtype(columns[c.label]) or c.variable.startswith(GENE):
            continue
        counts = columns.loc[complete, c.label].value_counts()
        rare = counts[counts < SPARSE]
        if rare.empty:
            continue
        at = out[c.label].isin(rare.index)
        listed = ", ".join(f"{v} {n}" for v, n in zip(map(str, rare.index), rare, strict=True))
        if rare.sum() < SPARSE:
            out.loc[at, c.label] = None
            words.append(
                f"{c.label}: {int(rare.sum())} patients with a level of fewer than {SPARSE} "
                f"patients are left out: {listed}."
            )
        else:
            out.loc[at, c.label] = OTHER
            pooled[c.label] = tuple(sorted(map(str, rare.index)))
            words.append(f"{c.label}: rare levels stand together as other: {listed}.")
    return out, pooled, words


def _predictors(
    ready: pd.DataFrame,
    covariates: Sequence[Covariate],
    complete: pd.Series,
    choice: Choice,
    pooled: dict[str, tuple[str, ...]],
) -> list[Predictor]:
    """A term for each predictor that varies among the complete patients."""
    out = []
    for c in covariates:
        values = ready.loc[complete, c.label]
        if values.nunique() < 2:
            continue
        term: Continuous | Categorical | Spline
        if pd.api.types.is_numeric_dtype(ready[c.label]):
            bent = c.variable in choice.splines and c.variable in MAY_BEND
            scale = 10.0 if c.variable == "age_years" else 1.0
            term = Spline(c.label, SPLINE_KNOTS) if bent else Continuous(c.label, scale=scale)
            out.append(_number(c, term, values.to_numpy(dtype=float)))
        else:
            levels = _levels(c, values)
            term = Categorical(c.label, levels[0], levels)
            out.append(Predictor(c.variable, term, pooled=pooled.get(c.label, ())))
    return out


def _number(c: Covariate, term: Continuous | Spline, values: np.ndarray) -> Predictor:
    known = np.unique(values)
    ticks = known if len(known) <= INTERVALS else pretty(float(known[0]), float(known[-1]))
    return Predictor(
        c.variable,
        term,
        ticks=tuple(map(float, ticks)),
        observed=(float(known[0]), float(np.median(values)), float(known[-1])),
        unit=UNITS.get(c.variable, ""),
    )


def _levels(c: Covariate, values: pd.Series) -> tuple[str, ...]:
    """The reference first, then by falling number of patients."""
    counts = values.value_counts().sort_index(kind="stable")
    order = [str(v) for v in counts.sort_values(ascending=False, kind="stable").index]
    usual = CATEGORIES.get(c.variable, ("", ""))[1]
    if c.variable.startswith(GENE):
        usual = MUTATION_ORDER[0]
    reference = usual if usual in order else order[0]
    return (reference, *[v for v in order if v != reference])


def _fit(
    rows: pd.DataFrame, predictors: Sequence[Predictor], strata: list[str]
) -> tuple[TermsFit, list[Predictor], bool]:
    """The model, without predictors that nothing can be told of, and whether it is penalised.

    Firth's penalty is taken where a predictor separates those who die.
    """
    fit = fit_terms(rows, [p.term for p in predictors], "time_months", "event", strata=strata)
    lost = set(fit.fit.groups) - {fit.fit.groups[j] for j in fit.fit.kept}
    if lost and len(lost) < len(predictors):
        kept = [p for p in predictors if p.term.name not in lost]
        return _fit(rows, kept, strata)
    firth = bool(np.isinf(fit.fit.coefficients).any())
    if firth:
        terms = [p.term for p in predictors]
        fit = fit_terms(rows, terms, "time_months", "event", strata=strata, penalty="firth")
    found = []
    for p, term in zip(predictors, fit.design.terms, strict=True):
        assert isinstance(term, Continuous | Categorical | Spline)
        found.append(replace(p, term=term))
    return fit, found, firth


def _stratum(rows: pd.DataFrame, strata: list[str], wanted: str) -> str:
    if not strata:
        return ""
    sizes = rows.groupby("cohort_id").event.sum().sort_values(ascending=False)
    return wanted if wanted in sizes.index else str(sizes.index[0])


def _times(times: Sequence[float], last: float) -> tuple[float, ...]:
    within = tuple(sorted({float(t) for t in times if 0 < t <= last}))
    if not within:
        raise NotEnoughData(
            "Nobody is followed as long as survival is to be predicted.",
            expected=f"a time up to {last:.0f} months",
            found=", ".join(f"{t:g}" for t in times) or "no time",
            remedy="Choose an earlier time.",
        )
    return within


def _terms(fit: TermsFit) -> pd.DataFrame:
    table = fit.table()
    label = np.where(table.level != "", table.level + " vs " + table.reference, table.term)
    columns = ["n", "events", "hazard_ratio", "ci_lower", "ci_upper", "p_value"]
    return table.assign(predictor=table.variable, label=label)[["predictor", "label", *columns]]


# -- who is left out -------------------------------------------------------------------


def _loss(columns: pd.DataFrame, frame: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    lacking = columns.isna()
    alone = lacking.sum(axis=1) == 1
    whole = lacking.groupby(frame.cohort_id.to_numpy()).all()
    return pd.DataFrame(
        {
            "predictor": lacking.columns,
            "missing": lacking.sum().to_numpy(),
            "only_this": [int((lacking[c] & alone).sum()) for c in lacking],
            "whole_cohorts": [
                ", ".join(names.get(str(i), str(i)) for i in whole.index[whole[c]]) for c in lacking
            ],
        }
    )


def _cohorts(
    columns: pd.DataFrame, frame: pd.DataFrame, complete: pd.Series, names: dict[str, str]
) -> pd.DataFrame:
    out = []
    for cohort, rows in frame.groupby("cohort_id", sort=False):
        own = columns.loc[rows.index]
        out.append(
            {
                "cohort": names.get(str(cohort), str(cohort)),
                "n": len(rows),
                "complete": int(complete[rows.index].sum()),
                "events": int(rows.event[complete[rows.index]].sum()),
                "lacks": ", ".join(str(c) for c in own if own[c].isna().all()),
            }
        )
    return pd.DataFrame(out, columns=["cohort", "n", "complete", "events", "lacks"])


def _demand(complete: pd.Series, frame: pd.DataFrame, loss: pd.DataFrame, words: str) -> None:
    if complete.any() and frame.event[complete].any():
        return
    missing = "; ".join(f"{r.predictor} missing in {r.missing:,}" for r in loss.itertuples())
    raise NotEnoughData(
        "No discovery patient with every predictor and an event is left.",
        expected="discovery patients with all of: " + ", ".join(loss.predictor),
        found=f"{words}; {missing}",
        remedy="Widen a filter, or leave out a predictor.",
    )


def _dropped(cohorts: pd.DataFrame) -> list[str]:
    gone = cohorts[(cohorts.complete == 0) & (cohorts.n > 0)].to_dict("records")
    if not gone:
        return []
    who = "; ".join(
        f"{r['cohort']} ({r['n']:,} patients" + (f", no {r['lacks']})" if r["lacks"] else ")")
        for r in gone
    )
    return [
        f"Whole cohorts are not in the model, since it takes patients with every predictor: {who}. "
        "Leave those predictors out to bring the cohorts in."
    ]


def _constant(
    covariates: Sequence[Covariate], predictors: Sequence[Predictor], kept: Sequence[Predictor]
) -> list[str]:
    varying, left = {p.label for p in predictors}, {p.label for p in kept}
    out = [
        f"{c.label} is the same in every patient of the model, so it is not in it."
        for c in covariates
        if c.label not in varying
    ]
    if lost := [p.label for p in predictors if p.label not in left]:
        out.append(
            f"{', '.join(lost)} cannot be told from the other predictors, or from the study where "
            "each study has its own baseline: not in the model."
        )
    return out


def _fit_words(
    fit: TermsFit, firth: bool, model: NomogramModel, names: dict[str, str]
) -> list[str]:
    out = [w for w in fit.warnings if "below ten per coefficient" not in w]
    k = len(fit.fit.kept)
    if fit.fit.events < EVENTS_PER_COEFFICIENT * k:
        out.append(
            f"{fit.fit.events} events for {k} coefficients: below {EVENTS_PER_COEFFICIENT} each, "
            "so the model will look better here than anywhere else."
        )
    if firth:
        out.append(
            "A predictor separates the patients who die from the others, so that its estimate "
            "would be infinite: Firth's penalty keeps it finite, and the model is not resampled."
        )
    if model.stratum:
        out.append(
            "The model is stratified by cohort and has a baseline for each; absolute survival is "
            f"read from that of {names.get(model.stratum, model.stratum)}."
        )
    return out


def _flow(
    flow: pd.DataFrame | None, frame: pd.DataFrame, followed: pd.Series, complete: pd.Series
) -> pd.DataFrame:
    start = pd.DataFrame({"step": ["in the store"], "n": [len(frame)], "lost": [0]})
    n, m = int(followed.sum()), int(complete.sum())
    more = pd.DataFrame(
        {
            "step": ["no follow-up known", "a predictor is missing"],
            "n": [n, m],
            "lost": [len(frame) - n, n - m],
        }
    )
    return pd.concat([start if flow is None else flow, more], ignore_index=True)


def _methods(model: NomogramModel, choice: Choice, stratified: bool, firth: bool) -> str:
    bent = [p.label for p in model.predictors if isinstance(p.term, Spline)]
    return (
        f"{ENDPOINT_LABEL[model.endpoint]} in the discovery cohorts was modelled by a Cox model "
        "(not a cure model) with Efron's treatment of ties"
        f"{', stratified by cohort' if stratified else ''}"
        f"{', with the penalty of Firth' if firth else ''}; predictors "
        f"{', '.join(p.label for p in model.predictors)}"
        + (f"; {' and '.join(bent)} by restricted cubic splines with 4 knots" if bent else "")
        + ". TMB is log2(TMB + 1), standardised within cohort and assay. Patients with a missing "
        "predictor are left out. Points, total points and survival axes are those of the "
        "nomogram function of R's rms."
    )
