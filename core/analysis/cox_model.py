"""The gene beside other variables: univariable and multivariable Cox models (figures 1D, E).

:func:`cox_question` asks the store; :func:`fit_cox_model` works on any frame of patients. The
rows of the forests are made in :mod:`core.analysis.cox_rows`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.analysis.covariates import (
    CLINICAL,
    DEFAULT_COVARIATES,
    GENE,
    Covariate,
    ModelTerm,
    covariate_columns,
    model_terms,
)
from core.analysis.cox_fits import Mask, Patients, discrimination, unpenalised
from core.analysis.cox_rows import FewPatients, forest_rows, forest_table
from core.analysis.cox_warnings import (
    STRATA_LABEL,
    loss,
    loss_warnings,
    model_warnings,
    pooling_warnings,
    proportional_warnings,
)
from core.analysis.demands import demand_known, groups_in_words
from core.analysis.result import Result
from core.analysis.survival import MIN_EVENTS, MIN_PATIENTS, patient_flow, patients_sentence
from core.groups import Grouping, assign, without_outcome
from core.model import ENDPOINT_LABEL, Filters, NotEnoughData, Split, Stratifier
from core.stats.collinearity import variance_inflation
from core.stats.concordance import Concordance
from core.stats.cox import ChiSquare
from core.stats.cox_terms import Categorical, TermsFit
from core.stats.zph import ZphTest, cox_zph
from core.store import Store, sentence

FEW = FewPatients(MIN_PATIENTS, MIN_EVENTS)


@dataclass(frozen=True)
class CoxModel(Result):
    """Tidy tables of both forests, and what speaks for and against the multivariable model.

    univariable, multivariable: variable, group, label, n, events, hazard_ratio, ci_lower,
        ci_upper, p_value (NaN: withheld or reference), note, emphasised (the gene)
    terms: variable, chi_square, df, p_value (Wald test of the whole term), gvif, se_inflation
    loss: variable, missing, only_this (patients who lack nothing else), whole_cohorts (names)
    proportional: the proportional-hazards test; None where nothing could be estimated
    coefficient: log hazard ratio of each term in the model tested so; 1 for a term of several
        coefficients, whose residuals are those of its linear predictor
    c_index, c_index_without: of the model, and of the same model without the gene (same patients)
    added_value: likelihood-ratio test of the gene in the multivariable model
    rows: the patients of the multivariable model with their covariates
    """

    title: str
    endpoint: str
    univariable: pd.DataFrame
    multivariable: pd.DataFrame
    terms: pd.DataFrame
    loss: pd.DataFrame
    proportional: ZphTest | None
    coefficient: dict[str, float]
    c_index: Concordance
    c_index_without: Concordance | None
    added_value: ChiSquare
    n: int
    events: int
    coefficients: int
    adjusted_for: tuple[str, ...]
    flow: pd.DataFrame
    rows: pd.DataFrame
    sentence: str
    methods: str
    warnings: tuple[str, ...]

    @property
    def events_per_coefficient(self) -> float:
        return self.events / self.coefficients if self.coefficients else float("nan")


def cox_question(
    store: Store,
    filters: Filters,
    stratifier: Stratifier,
    *,
    endpoint: str = "OS",
    covariates: Sequence[Covariate] = DEFAULT_COVARIATES,
    strata: Sequence[str] = ("cohort_id",),
    same_patients: bool = False,
) -> CoxModel:
    """Models of the patients that ``filters`` keep, with the groups of ``stratifier`` first.

    A covariate that the stratifier says already (its own genes, the number or category that it
    splits by) or that is one of ``strata`` (columns of a patient) is left out.
    ``same_patients``: the univariable models take the multivariable one's patients.
    Raises NotEnoughData where fewer than two groups have complete patients, and BadInput.
    """
    frame = store.patients(filters, endpoint)
    grouping = without_outcome(assign(store, frame, stratifier))
    names = store.cohort_names()
    filtered = sentence(filters, cohort_names=names)
    demand_known(frame, grouping, endpoint, patients_sentence(filtered, frame, grouping))
    flow, kept = patient_flow(store.attrition(filters), frame, grouping, endpoint)
    rows = frame[kept].assign(group=grouping.labels.to_numpy()[kept])
    chosen = _chosen(store, covariates, stratifier, strata)
    columns = covariate_columns(store, rows, chosen, stratifier.classes)
    return fit_cox_model(
        rows,
        columns,
        chosen,
        grouping.order,
        title=grouping.title,
        endpoint=endpoint,
        strata=strata,
        same_patients=same_patients,
        cohort_names=names,
        flow=flow,
        words=_words(filtered, rows, grouping),
        notes=(*grouping.notes, *_left_out(covariates, chosen, grouping.title, strata)),
    )


def fit_cox_model(
    rows: pd.DataFrame,
    columns: pd.DataFrame,
    covariates: Sequence[Covariate],
    order: Sequence[str],
    *,
    title: str,
    endpoint: str = "OS",
    strata: Sequence[str] = (),
    same_patients: bool = False,
    cohort_names: dict[str, str] | None = None,
    flow: pd.DataFrame | None = None,
    words: str = "",
    notes: Sequence[str] = (),
) -> CoxModel:
    """Fit the models to ``rows`` (group, time_months, event, cohort_id and the ``strata``).

    ``columns`` holds the covariates' values, one column named by each covariate's label; ``notes``
    come before the warnings.
    """
    by = [s for s in strata if rows[s].nunique() > 1]
    lacking = {str(c): values.isna().to_numpy() for c, values in columns.items()}
    lacking |= {s: rows[s].isna().to_numpy() for s in by}
    complete = ~np.logical_or.reduce([np.zeros(len(rows), dtype=bool), *lacking.values()])
    n = int(complete.sum())
    missing = loss(lacking, rows, cohort_names or {})
    groups = rows.group.to_numpy(object)
    order = tuple(g for g in order if g in set(groups[complete]))
    _demand_two_groups(rows, complete, order, missing, words)
    gene = Categorical(title, order[0], order)
    ready, terms = model_terms(columns, covariates, complete)
    needed = dict.fromkeys(["patient_key", "cohort_id", "time_months", "event", *by])
    data = {c: rows[c].to_numpy() for c in needed if c in rows}
    data |= {c: values.to_numpy() for c, values in ready.items()}
    data[title] = groups
    terms = [ModelTerm(Covariate(title), gene, f"{title}, against {order[0]}"), *terms]
    patients = Patients(data, terms, by, title)
    model, beside = patients.whole(terms, complete)
    multivariable = forest_table(forest_rows(model, terms, title, FEW))
    whom = complete if same_patients else np.ones(len(rows), dtype=bool)
    alone = zip(patients.each(terms, whom), terms, strict=True)
    univariable = forest_table([r for m, t in alone for r in forest_rows(m, [t], title, FEW)])
    c_index, without, added = discrimination(model, beside)
    plain = unpenalised(model, terms, by)
    tests, inflation = plain.term_tests(), variance_inflation(plain.fit)
    proportional = _proportional(plain)
    told = [
        *notes,
        *loss_warnings(missing, len(rows), n),
        *pooling_warnings(terms),
        *model_warnings(model, inflation),
        *proportional_warnings(proportional, title),
    ]
    if flow is None:
        flow = pd.DataFrame({"step": ["in the store"], "n": [len(rows)], "lost": [0]})
    return CoxModel(
        title=title,
        endpoint=endpoint,
        univariable=univariable,
        multivariable=multivariable,
        terms=_terms(tests, inflation),
        loss=missing,
        proportional=proportional,
        coefficient=_coefficients(plain),
        c_index=c_index,
        c_index_without=without,
        added_value=added,
        n=n,
        events=model.made.fit.events,
        coefficients=len(model.made.fit.kept),
        adjusted_for=tuple(c.label for c in covariates),
        flow=_with_last(flow, ("a covariate is missing", n, len(rows) - n)),
        rows=pd.DataFrame(
            {c: values[complete] for c, values in data.items()}, index=rows.index[complete]
        ),
        sentence=words,
        methods=_methods(endpoint, title, covariates, by, same_patients),
        warnings=tuple(dict.fromkeys(told)),
    )


def _terms(tests: pd.DataFrame, inflation: pd.DataFrame) -> pd.DataFrame:
    """A row per term: its Wald test, and its inflation where it was estimated."""
    columns = {"variable": tests.term} | {c: tests[c] for c in ("chi_square", "df", "p_value")}
    place = pd.Index(inflation.term).get_indexer(pd.Index(tests.term))
    for name in ("gvif", "se_inflation"):
        values = np.append(inflation[name].to_numpy(float), np.nan)
        columns[name] = values[place]
    return pd.DataFrame(columns)


def _with_last(flow: pd.DataFrame, last: tuple[str, int, int]) -> pd.DataFrame:
    names = ("step", "n", "lost")
    return pd.DataFrame({c: [*flow[c], v] for c, v in zip(names, last, strict=True)})


def _coefficients(model: TermsFit) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for j in model.fit.kept:
        found.setdefault(model.fit.groups[j], []).append(float(model.fit.coefficients[j]))
    return {term: values[0] if len(values) == 1 else 1.0 for term, values in found.items()}


def _proportional(model: TermsFit) -> ZphTest | None:
    try:
        return cox_zph(model.fit)
    except NotEnoughData:
        return None


# -- who is left out -------------------------------------------------------------------


OWN_VARIABLE = {"tmb_per_mb": "tmb", "tmb_z": "tmb"}
"""Numbers that patients may be split by -> the covariate that says the same."""


def _chosen(
    store: Store, covariates: Sequence[Covariate], stratifier: Stratifier, strata: Sequence[str]
) -> list[Covariate]:
    """Without what the stratifier or the strata already say; genes under their current symbol."""
    own = set(strata)
    if stratifier.of_mutations or stratifier.kind == Split.PAIR:
        own |= {GENE + g for g in store.known_genes(stratifier.genes).values()}
    elif stratifier.kind in (Split.NUMBER, Split.CATEGORY):
        feature = OWN_VARIABLE.get(stratifier.feature, stratifier.feature)
        own |= {feature, CLINICAL + feature}
    out: dict[str, Covariate] = {}
    for c in covariates:
        if c.variable.startswith(GENE):
            gene = store.resolve_gene(c.variable.removeprefix(GENE))
            c = Covariate(GENE + gene, c.coding, c.reference, c.cut)
        if c.variable not in own:
            out.setdefault(c.label, c)
    return list(out.values())


def _left_out(
    asked: Sequence[Covariate], kept: Sequence[Covariate], title: str, strata: Sequence[str]
) -> list[str]:
    """Covariates that are no covariate because the patients are split by them."""
    labels = {c.label for c in kept}
    gone = [c.label for c in asked if c.label not in labels and c.variable not in strata]
    gone = [label for label in dict.fromkeys(gone) if label != title]
    if not gone:
        return []
    are = "is no covariate" if len(gone) == 1 else "are no covariates"
    return [f"{' and '.join(gone)} {are} here: the patients are split by {title}."]


def _demand_two_groups(
    rows: pd.DataFrame,
    complete: Mask,
    order: Sequence[str],
    loss: pd.DataFrame,
    words: str,
) -> None:
    if len(order) > 1 and rows.event[complete].sum() > 0:
        return
    counts = rows.group.value_counts()
    had = ", ".join(f"{n} {g}" for g, n in counts.items()) or "no patient with a group"
    left = ", ".join(f"{n} {g}" for g, n in rows.group[complete].value_counts().items()) or "nobody"
    worst = loss.sort_values("missing", ascending=False).head(1).to_dict("records")
    remedy = "Widen a filter or choose another gene."
    if counts.size > 1 and worst and worst[0]["missing"]:
        remedy = f"Leave out {worst[0]['variable']}, which {worst[0]['missing']} patients lack."
    raise NotEnoughData(
        "There are not two groups with an event and all covariates to compare.",
        expected="patients of both groups with every covariate known",
        found=f"{had} before covariates are asked for, {left} with all of them; {words}",
        remedy=remedy,
    )


def _words(filtered: str, rows: pd.DataFrame, grouping: Grouping) -> str:
    groups = groups_in_words(rows.group.value_counts(), grouping)
    n = rows.cohort_id.nunique()
    return (
        f"{len(rows):,} patients with follow-up and a known group: {filtered}, "
        f"{n} cohort{'s' if n != 1 else ''}; {groups}"
    )


def _methods(
    endpoint: str,
    title: str,
    covariates: Sequence[Covariate],
    by: Sequence[str],
    same_patients: bool,
) -> str:
    named = ", ".join(c.label for c in covariates) or "nothing else"
    strata = f", stratified by {' and '.join(STRATA_LABEL[s] for s in by)}" if by else ""
    whom = "the same patients" if same_patients else "every patient with that variable known"
    return (
        f"{ENDPOINT_LABEL[endpoint]} was modelled by Cox regression{strata}, with Efron's "
        f"treatment of ties and Wald 95% confidence intervals. The multivariable model held "
        f"{title} and {named}, on patients with all of them known (complete cases); "
        f"univariable models used {whom}. A model with an arm of {title} below {MIN_PATIENTS} "
        f"patients or {MIN_EVENTS} events was fitted with Firth's penalty, the interval of {title} "
        "being that of the profile likelihood. Terms of several "
        "coefficients were tested by Wald's test; proportional hazards by Grambsch and Therneau's "
        "test (Kaplan-Meier time scale); discrimination is Harrell's C of the fitted model on the "
        "same patients, hence optimistic. Splines are restricted cubic with four knots at "
        "Harrell's quantiles."
    )
