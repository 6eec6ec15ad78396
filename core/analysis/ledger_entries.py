"""How each printed number of the paper is computed on the loaded data: the ledger's registry.

An entry is one function: it takes the :class:`Material` and a printed item, asks the analyses that
the pages ask, and returns one :class:`Estimate` for each way of arriving at the number. Adding one
is one function and one line in REGISTRY. Printed numbers are read by one entry only, which adds up
the paper's own rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from core.analysis import ledger_panels, ledger_signatures
from core.analysis.cox_model import cox_question
from core.analysis.mutations import distinct_calls
from core.analysis.nomogram import NomogramBuild, build_question
from core.analysis.survival import SurvivalComparison, compare_survival, survival_question
from core.analysis.tcga import TCGA, TUMOR_TYPE
from core.groups import MUTATION_ORDER, assign
from core.model import NON_SYNONYMOUS, VARIANT_GROUPS, Filters, NotEnoughData, Stratifier
from core.stats.wilcoxon import rank_sum
from core.store import Store

Value = float | str
T = TypeVar("T")

PAPER_FORM = "the form that gives the paper's figure 1B: (O1/E1)/(O0/E0), SE √(1/E1 + 1/E0)"


@dataclass(frozen=True)
class Recipe:
    """Whose numbers the paper prints, in the words of the filters."""

    stratifier: Stratifier
    discovery: Filters
    validation: Filters
    tcga: Filters


PAPER = Recipe(
    stratifier=Stratifier(genes=("ALK",)),
    discovery=Filters(roles=("discovery",)),
    validation=Filters(
        cohorts=("samstein_2019",),
        require_call=True,
        exclude_tumor_types=("Cancer of Unknown Primary", "Skin Cancer, Non-Melanoma"),
    ),
    tcga=Filters(cohorts=(TCGA,), treated_with_ici=False),
)


@dataclass(frozen=True)
class Estimate:
    """One way to a printed item: quantity -> own value (fractions of 1), and a remark.

    ``comparable``: False where the paper prints no number of it, or the numbers are its own.
    """

    method: str
    values: Mapping[str, Value]
    why: str = ""
    comparable: bool = True


@dataclass
class Material:
    """The store, the recipe, and results that several entries share, made when first asked for."""

    store: Store
    recipe: Recipe
    reported: pd.DataFrame = field(repr=False)
    _kept: dict[tuple[object, ...], Any] = field(default_factory=dict, repr=False)

    def once(self, make: Callable[..., T], *what: Any) -> T:
        """``make(store, *what)``, which several printed items ask for."""
        key = (make, *what)
        if key not in self._kept:
            self._kept[key] = make(self.store, *what)
        found: T = self._kept[key]
        return found

    def patients(self, filters: Filters) -> pd.DataFrame:
        return self.once(Store.patients, filters)

    @cached_property
    def cohorts(self) -> pd.DataFrame:
        return self.store.cohorts()

    def survival(self, filters: Filters, endpoint: str = "OS") -> SurvivalComparison:
        """All studies as one, as the paper pooled them."""
        return survival_question(
            self.store, filters, self.recipe.stratifier, endpoint=endpoint, stratified=False
        )

    @cached_property
    def discovery(self) -> SurvivalComparison:
        return self.survival(self.recipe.discovery)

    @cached_property
    def validation(self) -> SurvivalComparison:
        return self.survival(self.recipe.validation)

    def grouped(self, filters: Filters) -> pd.DataFrame:
        """The patients of ``filters`` with their ``group``; None: not profiled."""
        frame = self.patients(filters)
        return frame.assign(group=self.once(_labels, filters, self.recipe.stratifier))

    @cached_property
    def nomogram(self) -> NomogramBuild:
        """The default nomogram, of the discovery cohorts."""
        return build_question(self.store, Filters(), self.recipe.stratifier)

    @cached_property
    def score(self) -> ledger_panels.ScoreCut:
        return ledger_panels.score_cut(self.store, Filters(), self.nomogram)

    @cached_property
    def tcga(self) -> pd.DataFrame:
        frame = self.grouped(self.recipe.tcga)
        if frame.empty:
            raise NotEnoughData("The loaded data hold no TCGA patient.")
        return frame


def _labels(store: Store, filters: Filters, stratifier: Stratifier) -> pd.Series[str]:
    return assign(store, store.patients(filters), stratifier).labels


Entry = Callable[[Material, str], list[Estimate]]


# -- Table 1 and the text --------------------------------------------------------------


def table_one(m: Material, item: str) -> list[Estimate]:
    """One study: what it is, and its patients by mutation state, whoever else reports them."""
    found = m.cohorts[m.cohorts["name"] == item]
    if found.empty:
        raise NotEnoughData(f"The loaded data hold no cohort {item}.")
    row = found.iloc[0]
    everyone = m.grouped(Filters(count_shared_once=False))
    frame = everyone[everyone.cohort_id == row["cohort_id"]]
    if frame.empty:
        raise NotEnoughData("No patient is left.")
    counts = {f"n {g}": float((frame.group == g).sum()) for g in MUTATION_ORDER}
    drugs = ", ".join(sorted({*frame.drug.dropna(), *frame.drug_class}))
    types = frame.tumor_type.unique()
    what: dict[str, Value] = {
        "role": row["role"],
        "assay": row["assay"],
        "drug": drugs,
        "tumour type": types[0] if len(types) == 1 else f"multiple ({len(types)})",
    }
    if not any(counts.values()):
        gene = m.recipe.stratifier.label
        return [Estimate("this study", what, f"no gene-level calls here: {gene} is not profiled")]
    return [Estimate("this study", {**what, **counts}, _states(frame))]


def _states(frame: pd.DataFrame) -> str:
    lacking = int(frame.group.isna().sum())
    if not lacking:
        return "non-synonymous calls in the study's file; every patient profiled"
    return f"non-synonymous calls; {lacking} of {len(frame)} patients not profiled"


def added_up(m: Material, item: str) -> list[Estimate]:
    """The paper's own rows of the discovery cohorts, added up."""
    return [printed_sums(m.reported)]


def printed_sums(reported: pd.DataFrame, role: str = "discovery") -> Estimate:
    """The sum of Table 1's printed rows of one role. Raises NotEnoughData where there is none."""
    table = reported[reported.figure == "Table 1"].pivot(
        index="item", columns="quantity", values="value"
    )
    rows = table[table.role == role] if "role" in table else table.iloc[:0]
    if rows.empty:
        raise NotEnoughData(f"No printed row of Table 1 is a {role} cohort.")
    mutant, wild = (float(rows[c].astype(float).sum()) for c in ("n mutant", "n wild type"))
    return Estimate(
        "Table 1's printed rows added up",
        {"n mutant": mutant, "n": mutant + wild},
        f"the paper against itself, {len(rows)} row{'s' if len(rows) != 1 else ''}",
        comparable=False,
    )


def text_total(m: Material, item: str) -> list[Estimate]:
    """Patients of a role: on the loaded data, and as Table 1's printed rows add up."""
    role = item.lower()
    frame = m.grouped(_of_role(m, role))
    return [
        Estimate(
            "patients, each counted once",
            {"n": float(len(frame)), "n mutant": float((frame.group == "mutant").sum())},
            _unprofiled(m, frame),
        ),
        printed_sums(m.reported, role),
    ]


def text_tumor_type(m: Material, item: str) -> list[Estimate]:
    """Patients of one tumour type, profiled or not."""
    role, name = item.split(": ", 1)
    filters = _of_role(m, role.lower())
    frame = m.patients(filters)
    n = float((frame.tumor_type == name).sum())
    shared = Filters(**{**vars(filters), "count_shared_once": False})
    twice = int((m.patients(shared).tumor_type == name).sum() - n)
    lacking = int((m.grouped(filters).group.isna() & (frame.tumor_type == name)).sum())
    why = [f"{lacking:,} of them not profiled"] if lacking else []
    why += [f"{twice} more records are of patients whom another study reports"] if twice else []
    return [Estimate("patients, each counted once", {"n": n}, "; ".join(why))]


def _of_role(m: Material, role: str) -> Filters:
    return m.recipe.discovery if role == "discovery" else m.recipe.validation


def _unprofiled(m: Material, frame: pd.DataFrame) -> str:
    """How many are not profiled, and which studies have no calls at all; empty for none."""
    lacking = frame[frame.group.isna()]
    if lacking.empty:
        return ""
    profiled = set(frame.cohort_id[frame.group.notna()])
    silent = m.cohorts[m.cohorts.cohort_id.isin(set(lacking.cohort_id) - profiled)]
    none = f"; no calls of {' and '.join(silent['name'])}" if len(silent) else ""
    return f"{len(lacking):,} of {len(frame):,} patients not profiled{none}"


# -- Figure 1 --------------------------------------------------------------------------


def os_discovery(m: Material, item: str) -> list[Estimate]:
    return _by_methods(m.discovery, _unprofiled(m, m.grouped(m.recipe.discovery)))


def os_validation(m: Material, item: str) -> list[Estimate]:
    return _by_methods(m.validation, _unprofiled(m, m.grouped(m.recipe.validation)))


def os_pooled(m: Material, item: str) -> list[Estimate]:
    """Discovery and validation together; whoever is counted in one is not in the other."""
    rows = pd.concat([m.discovery.rows, m.validation.rows], ignore_index=True)
    both = compare_survival(rows, m.discovery.order, title=m.discovery.title, strata=None)
    frame = pd.concat([m.grouped(m.recipe.discovery), m.grouped(m.recipe.validation)])
    return _by_methods(both, _unprofiled(m, frame))


def _by_methods(result: SurvivalComparison, why: str, strata: str = "cohort_id") -> list[Estimate]:
    """O/E as the paper, Cox, and Cox stratified where there is more than one stratum."""
    more = result.rows[strata].nunique() > 1
    pooled = ", unstratified" if more else ""
    oe = "; ".join(w for w in (PAPER_FORM, why) if w)
    found = [
        _estimate(result, f"O/E{pooled}", "O/E", oe),
        _estimate(result, f"Cox{pooled}", "Cox", "partial likelihood with Wald interval"),
    ]
    if more:
        within = compare_survival(
            result.rows, result.order, title=result.title, endpoint=result.endpoint, strata=strata
        )
        by = {"cohort_id": "cohort", TUMOR_TYPE: "tumour type"}[strata]
        why = f"compares patients of the same {by} only"
        found.append(_estimate(within, f"Cox, stratified by {by}", "Cox", why))
    return found


def _estimate(result: SurvivalComparison, name: str, method: str, why: str) -> Estimate:
    row = result.hazard_ratios[result.hazard_ratios.method.str.startswith(method)].iloc[0]
    mutant = result.arms.n[result.arms.group == result.order[-1]]
    return Estimate(
        name + (", Firth" if row["method"].endswith("Firth") else ""),
        {
            "n": float(len(result.rows)),
            "n mutant": float(mutant.iloc[0]),
            "hazard ratio": float(row["hazard_ratio"]),
            "ci_lower": float(row["ci_lower"]),
            "ci_upper": float(row["ci_upper"]),
            "p value": float(row["p_value"]),
        },
        why,
    )


def multivariable(m: Material, item: str) -> list[Estimate]:
    """The covariates of the Cox page's default, which are the paper's, on all ICI patients."""
    found = []
    for name, strata in (("Cox", ()), ("Cox, stratified by cohort", ("cohort_id",))):
        model = cox_question(m.store, Filters(), m.recipe.stratifier, strata=strata)
        row = model.multivariable[model.multivariable.emphasised].iloc[0]
        names = ("hazard_ratio", "ci_lower", "ci_upper", "p_value")
        value = dict(
            zip(
                ("hazard ratio", "ci_lower", "ci_upper", "p value"),
                (float(row[c]) for c in names),
                strict=True,
            )
        )
        why = f"{model.n:,} patients with every covariate; the paper does not state TMB's coding"
        found.append(Estimate(name, value, why))
    return found


# -- Figures 3 and 4: TCGA -------------------------------------------------------------


def tcga_frequency(m: Material, item: str) -> list[Estimate]:
    frame = m.tcga
    mutant, profiled = int((frame.group == "mutant").sum()), int(frame.group.notna().sum())
    types = float(frame[TUMOR_TYPE].nunique())

    def of(total: int) -> dict[str, Value]:
        share = mutant / total if total else np.nan
        return {"n mutant": float(mutant), "n": total, "frequency": share, "tumour types": types}

    return [
        Estimate("of the profiled patients", of(profiled), _unprofiled(m, frame)),
        Estimate("of all patients", of(len(frame)), "counts patients not profiled as wild type"),
    ]


def tcga_calls(m: Material, item: str) -> list[Estimate]:
    """Non-synonymous calls of the gene in TCGA, of one group of classes where the item names it."""
    calls = m.store.mutations(m.recipe.stratifier.genes[0])
    calls = distinct_calls(
        calls[
            calls.patient_key.isin(m.tcga.patient_key)
            & calls.variant_classification.isin(NON_SYNONYMOUS)
        ]
    )
    group = item.split(": ", 1)[1] if ": " in item else ""
    classes = VARIANT_GROUPS[group] if group else NON_SYNONYMOUS
    n = int(calls.variant_classification.isin(classes).sum())
    share = n / len(calls) if len(calls) else np.nan
    sources = "; ".join(sorted(calls.call_source.unique()))
    return [Estimate("calls", {"n": float(n), "share": share}, f"calls of {sources}")]


def protein_length(m: Material, item: str) -> list[Estimate]:
    length = m.store.protein_length(m.recipe.stratifier.genes[0])
    if length is None:
        raise NotEnoughData("The loaded data do not hold the protein's length.")
    return [Estimate("residues", {"length": float(length)})]


def protein_domain(m: Material, item: str) -> list[Estimate]:
    """``ALK domain MAM, second``: the domain of that name, in order along the protein."""
    name, _, place = item.split(" domain ", 1)[1].partition(", ")
    domains = m.store.protein_domains(m.recipe.stratifier.genes[0])
    named = domains[domains["name"].str.casefold() == name.casefold()].sort_values("start_residue")
    at = {"": 0, "first": 0, "second": 1}[place]
    if len(named) <= at:
        known = ", ".join(domains["name"].unique()) or "none"
        raise NotEnoughData(f"No such domain in the domain table, which names {known}.")
    row = named.iloc[at]
    return [Estimate("domain table", {"residues": f"{row['start_residue']}-{row['end_residue']}"})]


def tcga_survival(m: Material, item: str) -> list[Estimate]:
    """``DFI by ALK, TCGA``: unstratified as the paper, and within tumour types."""
    result = m.survival(m.recipe.tcga, endpoint=item.split()[0])
    why = f"{len(result.rows):,} profiled patients with the endpoint, all tumour types"
    return _by_methods(result, why, strata=TUMOR_TYPE)


def tcga_burden(m: Material, item: str) -> list[Estimate]:
    rows = m.tcga[m.tcga.group.notna()]
    test = rank_sum(rows.tmb_per_mb, rows.group == "mutant")
    if np.isnan(test.p_value):
        raise NotEnoughData("No TMB in both groups of TCGA.")
    told = (
        f"median TMB {test.median_group:.1f} against {test.median_reference:.1f} per Mb, "
        f"p {'< 0.001' if test.p_value < 0.001 else f'{test.p_value:.3f}'}"
    )
    why = "unstratified, as in the paper, which prints no number"
    return [Estimate("Wilcoxon", {"test": told}, why, comparable=False)]


# -- Figures 4B and 4C: signatures -----------------------------------------------------


def signature_present(m: Material, item: str) -> list[Estimate]:
    """``SBS7a present``: in mutant and wild-type tumours of TCGA."""
    own = (m.recipe.tcga, m.recipe.stratifier)
    compared = m.once(ledger_signatures.compared, *own)
    return [Estimate(*way) for way in ledger_signatures.shares(compared, item.split()[0])]


def signature_survival(m: Material, item: str) -> list[Estimate]:
    """``OS under ICI by SBS7a``: present against absent."""
    result = m.once(ledger_signatures.under_ici)
    return [Estimate(*way) for way in ledger_signatures.hazards(result, item.split()[-1])]


# -- Figure 2, and sizes of panels -----------------------------------------------------


def score_discovery(m: Material, item: str) -> list[Estimate]:
    ways = ledger_panels.score_groups(m.score.discovery, "discovery")
    return [Estimate(*way) for way in ways]


def score_validation(m: Material, item: str) -> list[Estimate]:
    ways = ledger_panels.score_groups(m.score.validation, "validation")
    return [Estimate(*way) for way in ways]


def nomogram_horizons(m: Material, item: str) -> list[Estimate]:
    return [Estimate(*way) for way in ledger_panels.horizons(m.nomogram)]


def score_points(m: Material, item: str) -> list[Estimate]:
    why = "points of another scale, which depends on the predictors; the paper lists none"
    return [Estimate("maximally selected", {"cut": m.score.cut}, why, comparable=False)]


def panel_size(m: Material, item: str) -> list[Estimate]:
    return [Estimate(*way) for way in ledger_panels.panel_size(m.store, item)]


REGISTRY: tuple[tuple[str, str, Entry], ...] = (
    ("Table 1", "Discovery, rows added up", added_up),
    ("Table 1", "*", table_one),
    ("Text", "Discovery", text_total),
    ("Text", "Validation", text_total),
    ("Text", "*: *", text_tumor_type),
    ("Figure 1A", "*", os_discovery),
    ("Figure 1B", "*", os_validation),
    ("Figure 1C", "*", os_pooled),
    ("Figure 1E", "*", multivariable),
    ("Figure 2A", "Nomogram", nomogram_horizons),
    ("Figure 2C", "Total points", score_points),
    ("Figure 2C", "OS by total points, discovery", score_discovery),
    ("Figure 2D", "OS by total points, validation", score_validation),
    ("Figure 3A", "*", tcga_frequency),
    ("Figure 3B", "ALK mutations in TCGA*", tcga_calls),
    ("Figure 3B", "ALK protein", protein_length),
    ("Figure 3B", "ALK domain *", protein_domain),
    ("Figure 3C", "*", tcga_survival),
    ("Figure 4A", "*", tcga_burden),
    ("Figure 4B", "* present", signature_present),
    ("Figure 4C", "OS under ICI by *", signature_survival),
    ("Figure 4D", "*", panel_size),
    ("Figure 5[DEF]", "*", panel_size),
)
"""Patterns of figure and item, entry; the first that fits is asked."""


def entry_of(figure: str, item: str) -> Entry | None:
    """The entry of a printed item; None where this version computes nothing for it."""
    for where, pattern, entry in REGISTRY:
        if fnmatchcase(figure, where) and fnmatchcase(item, pattern):
            return entry
    return None
