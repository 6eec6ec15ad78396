"""Predictive or prognostic? The same contrast among treated and untreated patients.

A mutation that goes with longer survival only under ICI may *predict* benefit; one that does so in
every setting is *prognostic*. Two comparisons, each with its test of interaction:

* ICI cohorts against TCGA, within tumour types that both have enough patients of. Neither
  randomised nor concurrent, so a difference may have other reasons;
* the two arms of a randomised trial (:mod:`core.analysis.randomised`).

:func:`compare_settings` works on any frame of patients; :func:`setting_question` asks the store.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import ndtri

from core.analysis.arms import Arms
from core.analysis.demands import demand_known
from core.analysis.randomised import (
    Interaction,
    RandomisedArms,
    followed,
    patients_grouped,
    trial_question,
)
from core.analysis.result import Result
from core.analysis.survival import MIN_EVENTS, MIN_PATIENTS, SurvivalComparison, compare_survival
from core.analysis.tcga import ignored, tcga_filters
from core.model import ENDPOINT_LABEL, Filters, NotEnoughData, Stratifier
from core.stats.cox import ChiSquare, CoxFit
from core.stats.multiple import adjust
from core.stats.profile import ratio_limits
from core.store import Store, sentence

TREATED, UNTREATED = "under ICI", "without ICI"
SETTINGS = (UNTREATED, TREATED)
"""Reference first."""

COUNTERPART = {"PFS": "PFI"}
"""TCGA's endpoint that stands for one that it does not have."""

ENOUGH = 20
"""Patients of a tumour type, on each side, from which it is matched."""

MIN_MUTANT = 3
"""Mutant patients of a tumour type, on each side, from which it is matched, by default."""


@dataclass(frozen=True)
class SettingComparison(Result):
    """settings: setting, n, mutant, events, events_mutant, hazard_ratio, ci_lower, ci_upper,
        p_value (NaN: withheld), method; the reference setting first. *mutant* counts the second
        group of ``order``, whatever splits the patients
    by_type: the same columns for each matched tumor_type
    type_tests: tumor_type, p_value, q_value of the interaction within the type
    left_out: tumor_type, n and mutant of each setting, reason
    curves: setting -> Kaplan-Meier curves and stratified log-rank test
    """

    title: str
    order: tuple[str, ...]
    endpoints: dict[str, str]
    settings: pd.DataFrame
    interaction: Interaction
    by_type: pd.DataFrame
    type_tests: pd.DataFrame
    left_out: pd.DataFrame
    curves: dict[str, SurvivalComparison]
    randomised: RandomisedArms | None
    no_randomised: str
    rows: pd.DataFrame
    sentence: str
    methods: str
    warnings: tuple[str, ...]

    @property
    def matched(self) -> tuple[str, ...]:
        """The tumour types compared, most patients first."""
        return tuple(self.type_tests.tumor_type)


def setting_question(
    store: Store,
    filters: Filters,
    stratifier: Stratifier,
    *,
    endpoint: str = "OS",
    min_mutant: int = MIN_MUTANT,
) -> SettingComparison:
    """The mutation's hazard ratio with and without ICI in matched tumour types.

    Filters of drug, cohort and assay narrow the treated patients only. Raises NotEnoughData where
    no tumour type has ENOUGH patients, ``min_mutant`` of them mutant, in both settings.
    """
    other = COUNTERPART.get(endpoint, endpoint)
    asked = {TREATED: (replace(filters, treated_with_ici=True), endpoint)}
    asked[UNTREATED] = (tcga_filters(filters), other)
    names = store.cohort_names()
    parts, definitions = [], {}
    for setting, (kept, name) in asked.items():
        frame, grouping = patients_grouped(store, kept, stratifier, name)
        if setting == TREATED:
            demand_known(frame, grouping, name, sentence(kept, cohort_names=names))
        part = followed(frame)
        definitions[setting] = grouping.definition
        parts.append(part.assign(setting=setting))
    rows = pd.concat(parts, ignore_index=True)
    by = ["setting", "cohort_id", "tumor_type", "tumor_type_source"]
    rows["stratum"] = rows.groupby(by, dropna=False).ngroup()
    words = sentence(asked[TREATED][0], cohort_names=names)
    trial, why_not = trial_question(store, filters, stratifier, endpoint)
    result = compare_settings(
        rows,
        grouping.order,
        title=grouping.title,
        endpoints={s: e for s, (_, e) in asked.items()},
        min_mutant=min_mutant,
        words=words,
    )
    return replace(
        result,
        randomised=trial,
        no_randomised=why_not,
        warnings=result.warnings
        + _reach_warnings(filters, endpoint, other)
        + _cut_warnings(definitions),
    )


def compare_settings(
    rows: pd.DataFrame,
    order: tuple[str, ...],
    *,
    title: str,
    endpoints: dict[str, str],
    min_mutant: int = MIN_MUTANT,
    words: str = "",
) -> SettingComparison:
    """Compare ``rows`` (setting, tumor_type, stratum, group, time_months, event) of SETTINGS.

    ``order`` names the two groups, the reference first; ``stratum`` is the study and its own
    tumour type: each is a stratum of every model, so that no patient is compared with one of
    another setting. Raises NotEnoughData without a matched type.
    """
    matched, left_out = match_types(rows, order[1], min_mutant)
    if not matched:
        raise NotEnoughData(
            "No tumour type can be compared with and without ICI.",
            expected=f"at least {ENOUGH} profiled patients, {min_mutant} of them {title} "
            f"{order[1]}, in both settings",
            found=_closest(left_out) + (f"; {words}" if words else ""),
            remedy="Widen a filter, choose another gene, or ask for fewer mutant patients.",
        )
    kept = rows[rows.tumor_type.isin(matched)].reset_index(drop=True)
    settings, interaction = setting_contrast(kept, order)
    curves = {
        s: compare_survival(
            kept[kept.setting == s],
            order,
            title=title,
            endpoint=endpoints[s],
            strata="stratum",
        )
        for s in SETTINGS
    }
    per_type, tests = [], []
    for tumor_type in matched:
        here, test = setting_contrast(kept[kept.tumor_type == tumor_type], order)
        per_type.append(here.assign(tumor_type=tumor_type))
        tests.append({"tumor_type": tumor_type, "p_value": test.p_value})
    type_tests = pd.DataFrame(tests)
    type_tests["q_value"] = adjust(type_tests.p_value)
    counts = ", ".join(
        f"{r['n']:,} {r['setting']} ({r['mutant']:,} {title} {order[1]})"
        for r in reversed(settings.to_dict("records"))
    )
    many = f"{len(matched)} tumour type{'s' if len(matched) != 1 else ''}"
    return SettingComparison(
        title=title,
        order=order,
        endpoints=endpoints,
        settings=settings,
        interaction=interaction,
        by_type=pd.concat(per_type, ignore_index=True),
        type_tests=type_tests,
        left_out=left_out,
        curves=curves,
        randomised=None,
        no_randomised="",
        rows=kept,
        sentence=f"{many} in both settings: {counts}" + (f"; {words}" if words else ""),
        methods=_methods(endpoints, min_mutant),
        warnings=tuple(
            f"{s}: {w}" for s, c in curves.items() for w in c.warnings if "vary" not in w
        ),
    )


def match_types(
    rows: pd.DataFrame, group: str, min_mutant: int
) -> tuple[tuple[str, ...], pd.DataFrame]:
    """Tumour types that both settings have enough patients of, and why the others are left out."""
    table = pd.DataFrame(index=sorted(rows.tumor_type.unique()))
    for setting in SETTINGS:
        here = rows[rows.setting == setting]
        table[f"n {setting}"] = here.groupby("tumor_type").size()
        mutants = here[here.group == group].groupby("tumor_type").size()
        table[f"mutant {setting}"] = mutants
    table = table.fillna(0).astype(int).rename_axis("tumor_type").reset_index()
    reasons = []
    for row in table.to_dict("records"):
        short = [f"{row[f'n {s}']} patients {s}" for s in SETTINGS if row[f"n {s}"] < ENOUGH]
        short += [
            f"{row[f'mutant {s}']} {group} {s}"
            for s in SETTINGS
            if row[f"mutant {s}"] < min_mutant and row[f"n {s}"] >= ENOUGH
        ]
        short += [
            f"everybody is {group} {s}"
            for s in SETTINGS
            if row[f"mutant {s}"] == row[f"n {s}"] >= ENOUGH
        ]
        reasons.append(", ".join(short))
    table["reason"] = reasons
    fitting = table[table.reason == ""]
    order = fitting[f"n {TREATED}"].sort_values(ascending=False, kind="stable").index
    left_out = table[table.reason != ""].sort_values(f"n {TREATED}", ascending=False, kind="stable")
    return tuple(fitting.tumor_type[order]), left_out.reset_index(drop=True)


def setting_contrast(
    rows: pd.DataFrame, order: tuple[str, ...]
) -> tuple[pd.DataFrame, Interaction]:
    """Hazard ratio in each setting, stratified, and the test of mutation x setting.

    No stratum holds patients of both settings, so the model with the product is the settings' own
    two models: its log-likelihood is their sum, its coefficient the difference of theirs.
    """
    everyone, setting = Arms.of(rows, order[1], "stratum"), rows.setting.to_numpy(object)
    arms = {s: everyone.part(setting == s) for s in SETTINGS}
    fits = {s: a.cox() for s, a in arms.items()}
    table = pd.DataFrame([{"setting": s, **_summary(arms[s], f)} for s, f in fits.items()])
    if any(f.penalty for f in fits.values()):
        return table, Interaction(*[np.nan] * 4)
    joint = everyone.cox()
    gain = 2 * (sum(f.loglik[1] for f in fits.values()) - joint.loglik[1])
    untreated, treated = (fits[s] for s in SETTINGS)
    b = float(treated.coefficients[0] - untreated.coefficients[0])
    reach = float(ndtri(0.975) * np.hypot(treated.std_errors[0], untreated.std_errors[0]))
    ratio, lower, upper = (float(v) for v in np.exp([b, b - reach, b + reach]))
    return table, Interaction(ChiSquare.of(gain, 1).p_value, ratio, lower, upper)


def _summary(arms: Arms, fit: CoxFit) -> dict[str, object]:
    row = fit.columns()
    lower, upper = ratio_limits(fit, 0)
    return {
        "n": fit.n,
        "mutant": arms.n_mutant,
        "events": fit.events,
        "events_mutant": arms.events_mutant,
        "hazard_ratio": float(row["hazard_ratio"][0]),
        "ci_lower": lower,
        "ci_upper": upper,
        "p_value": float("nan") if fit.penalty else float(row["p_value"][0]),
        "method": "Cox, Firth" if fit.penalty else "Cox, Efron",
    }


# -- words -----------------------------------------------------------------------------


def _closest(left_out: pd.DataFrame) -> str:
    """The three tumour types that come nearest to being compared."""
    near = left_out.assign(least=left_out[[f"mutant {s}" for s in SETTINGS]].min(axis=1))
    near = near.sort_values("least", ascending=False, kind="stable").head(3)
    texts = [f"{r['tumor_type']}: {r['reason']}" for r in near.to_dict("records")]
    return "; ".join(texts) or "no patient"


def _reach_warnings(filters: Filters, endpoint: str, other: str) -> tuple[str, ...]:
    found = []
    if unused := ignored(filters):
        found.append(
            f"These filters narrow the treated patients only, TCGA has no such thing: "
            f"{', '.join(unused)}."
        )
    if other != endpoint:
        found.append(
            f"TCGA has no {ENDPOINT_LABEL[endpoint].lower()}; its "
            f"{ENDPOINT_LABEL[other].lower()} stands for it, which counts other events."
        )
    return tuple(found)


def _cut_warnings(definitions: dict[str, str]) -> tuple[str, ...]:
    """A quantile of the patients at hand is another value among other patients."""
    if len(set(definitions.values())) < 2:
        return ()
    told = "; ".join(f"{s}, {d}" for s, d in definitions.items())
    return (f"The two settings are cut at different values: {told}. Type a number to cut both "
            "alike.",)  # fmt: skip


def _methods(endpoints: dict[str, str], min_mutant: int) -> str:
    names = [ENDPOINT_LABEL[e].lower() for e in dict.fromkeys(endpoints.values())]
    return (
        f"{' and '.join(names).capitalize()} of ICI-treated patients and of TCGA was compared "
        f"within tumour types of which both have at least {ENOUGH} profiled patients, "
        f"{min_mutant} of them mutant. Hazard ratios are of Cox models (Efron) stratified by "
        "study and the study's own tumour type, so that each setting keeps its own baseline "
        "hazards; the mutation x setting interaction was tested by likelihood ratio. Below "
        f"{MIN_PATIENTS} patients or {MIN_EVENTS} events in an arm the hazard ratio is Firth's "
        "with its profile-likelihood interval and no p-value is given. q-values are Benjamini and "
        "Hochberg's over the tumour types. "
        "The arms of the randomised trial were compared by a Cox model with both main effects "
        "and their product, stratified by trial."
    )
