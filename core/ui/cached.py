"""Everything that outlives a rerun: the open store and the results asked of it.

The only file with ``st.cache_*``. Rows and heavy results are keyed on the store's path (a build
never changes its file, so the path is a version), the question, and nothing else; results are
frozen and shared between sessions, so no page may change one.
"""

from __future__ import annotations

import gc
import os
import threading
import weakref
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from core.analysis.agreement import Agreement, agreement_question
from core.analysis.atlas import Atlas, AtlasView
from core.analysis.atlas import atlas_view as view_atlas
from core.analysis.atlas_file import atlas_made, open_atlas
from core.analysis.burden import Burden, burden_question
from core.analysis.burden_null import MatchedNull, draw_nulls, matched_null
from core.analysis.cohorts import CohortOverview, cohort_overview
from core.analysis.composition import Composition, composition_question
from core.analysis.comutation import CoMutation
from core.analysis.comutation import comutation as test_comutation
from core.analysis.correlation import Correlation, correlation_question
from core.analysis.covariates import AFTER_BASELINE, Covariate
from core.analysis.cox_model import CoxModel, cox_question
from core.analysis.decomposed import Demands, Source, coverage, sources
from core.analysis.gene_scan import GeneScan, gene_scan
from core.analysis.gene_set_scores import compare_scores, score_sets
from core.analysis.immunity import PanelComparison, PanelValues, compare_values, panel_values
from core.analysis.ledger import Ledger
from core.analysis.ledger import ledger as compare_with_paper
from core.analysis.mutations import MutationFrequency, ProteinMap
from core.analysis.mutations import mutation_frequency as count_mutations
from core.analysis.mutations import protein_map as map_protein
from core.analysis.nomogram import Choice, NomogramBuild, build_question
from core.analysis.nomogram_check import (
    Corrected,
    Performance,
    apparent,
    correct,
    validation_question,
)
from core.analysis.nomogram_cure import CureModel, cure_model
from core.analysis.nomogram_cut import ScoreCut, cut_score
from core.analysis.reconstruction import Reconstructions, reconstructions
from core.analysis.setting import SettingComparison, setting_question
from core.analysis.signature_survival import Exposure, SignatureSurvival
from core.analysis.signature_survival import signature_survival as set_against_survival
from core.analysis.signatures import SignatureFrequency
from core.analysis.signatures import signature_frequency as compare_signatures
from core.analysis.spectra import GroupSpectra, group_spectra
from core.analysis.subgroups import Subgroups, subgroups_question
from core.analysis.survival import SurvivalComparison, survival_question
from core.analysis.survival_panels import Panels, survival_panels
from core.analysis.tcga_survival import TcgaSurvival
from core.analysis.tcga_survival import tcga_survival as compare_tcga
from core.groups import category_choices, number_choices
from core.mirror import CHECK_SECONDS, Mirror, copy_folder, is_elsewhere
from core.model import Filters, StoreError, Stratifier
from core.stats.ssgsea import Scores
from core.store import STORE_VARIABLE, Store, current_build, open_store
from core.ui.asking import told
from core.ui.slot import Slot
from core.ui.state import Own

if TYPE_CHECKING:
    from data.own.workspace import Workspace

T = TypeVar("T")

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class OpenStore:
    """The store in use, and what the researcher must know of how it came to be used."""

    store: Store
    notice: str = ""
    own: Own | None = None
    """The own cohort of this session, where its store stands in place of the loaded one."""


@dataclass(frozen=True)
class Facts:
    """What the sidebar offers, read once per build."""

    choices: dict[str, list[str]]
    endpoints: list[str]
    genes: list[str]
    cohorts: pd.DataFrame
    gene_sets: dict[str, tuple[str, ...]]
    numbers: dict[str, str]
    categories: dict[str, str]
    """Variables that patients may be split by: id -> name."""
    signatures: list[str]

    @cached_property
    def symbols(self) -> dict[str, str]:
        """Every gene in capitals -> its symbol."""
        return {g.upper(): g for g in self.genes}

    @property
    def cohort_names(self) -> dict[str, str]:
        return dict(zip(self.cohorts.cohort_id, self.cohorts["name"], strict=True))


def store_address() -> str:
    """What the environment names, as it stands there; by default ``stores`` of the project."""
    return os.environ.get(STORE_VARIABLE) or "stores"


def is_shared() -> bool:
    """True where the store stands elsewhere: it is copied from there, and never made here."""
    return is_elsewhere(store_address())


def store_folder() -> Path:
    """The folder (or file) of this machine that is read; of a store elsewhere, its copies'."""
    if is_shared():
        return copy_folder(store_address())
    return Path(store_address()).expanduser().resolve()


def simulated_folder() -> Path:
    """Where the embedded simulated store stands: apart from any real one."""
    folder = store_folder()
    return (folder if not folder.is_file() else folder.parent) / "simulated"


def needs_simulation() -> bool:
    """True where neither a real store nor a simulated one has been made yet.

    False where a pointer is damaged: :func:`current_store` then says so, and nothing is made in
    the place of a store that exists. False where the store stands elsewhere.
    """
    if is_shared():
        return False
    folder = store_folder()
    try:
        if folder.is_file() or current_build(folder):
            return False
        return current_build(simulated_folder()) is None
    except StoreError:
        return False


def current_store() -> OpenStore:
    """The current build, opened once per process; a new build is taken up at the next rerun.

    Where the pointer or the new build is damaged, or one elsewhere cannot be had, the build that
    was open stays in use, and the notice says so. Raises StoreError where there is no such build.
    """
    remembered = _last_good(str(store_folder()))
    try:
        path = _current_path()
        store = _open(str(path))
    except StoreError as error:
        if not remembered:
            raise
        notice = (
            f"A newer build could not be opened, so the one of {built_on(remembered[0])} stays in "
            f"use. {error.message} {error.remedy}"
        )
        return OpenStore(remembered[0], notice)
    remembered[:] = [store]
    return OpenStore(store, _unreachable(store))


def session_store(own: Own) -> OpenStore:
    """The store that this session uses in place of the loaded one; no other session can ask for
    it, since nobody else knows its path. Raises StoreError where it is gone."""
    return OpenStore(_open_own(str(own.path)), own=own)


def hold(space: Workspace) -> None:
    """Keep this session's folder while the session is there; it is deleted soon afterwards."""
    _held_space(space.token, space)


def simulate(progress: Progress) -> None:
    """Make the embedded simulated store where there is none; one process-wide run at a time."""
    with _simulating():
        if current_build(simulated_folder()):
            return
        from data.demo import simulate as draw
        from data.publish import publish

        progress("drawing patients", 0.02)
        tables = draw()
        tables["build"] = tables["build"].assign(created_at=datetime.now(UTC).replace(tzinfo=None))
        publish(tables, simulated_folder(), progress=progress)


def built_on(store: Store) -> str:
    """The build's date and id, as the banner prints them."""
    return f"{pd.Timestamp(store.build.created_at):%d %B %Y} (build {store.version[:12]})"


def once(result: object, what: tuple[Hashable, ...], make: Callable[[], T]) -> T:
    """``make()``, remembered under ``what`` for as long as ``result``, which it is made of, lives.

    For what is cheap beside the result itself yet too dear for every rerun: figures, tests of
    assumptions. ``what`` must name all that ``make`` depends on beside the result.
    """
    memo = _memo()
    held = memo.get(id(result))
    if held is None:
        held = memo.setdefault(id(result), {})
        weakref.finalize(result, memo.pop, id(result), None)
    if what not in held:
        held[what] = make()
    found: T = held[what]
    return found


def facts(store: Store) -> Facts:
    """The values that the sidebar's filters may take."""
    return _facts(str(store.path), store)


@told
def survival(
    store: Store, filters: Filters, stratifier: Stratifier, endpoint: str, stratified: bool
) -> SurvivalComparison:
    """:func:`core.analysis.survival.survival_question`, remembered. Raises NotEnoughData."""
    return _survival(str(store.path), filters, stratifier, endpoint, stratified, store)


@told
def panels(
    store: Store, filters: Filters, stratifier: Stratifier, endpoint: str, stratified: bool
) -> Panels:
    """:func:`core.analysis.survival_panels.survival_panels`, remembered. Raises NotEnoughData."""
    return _panels(str(store.path), filters, stratifier, endpoint, stratified, store)


@told
def cohorts(
    store: Store, filters: Filters, stratifier: Stratifier, endpoint: str
) -> CohortOverview:
    """:func:`core.analysis.cohorts.cohort_overview`, remembered. Raises NotEnoughData."""
    return _cohorts(str(store.path), filters, stratifier, endpoint, store)


@told
def agreement(store: Store, filters: Filters, stratifier: Stratifier, endpoint: str) -> Agreement:
    """:func:`core.analysis.agreement.agreement_question`, remembered. Raises NotEnoughData."""
    return _agreement(str(store.path), filters, stratifier, endpoint, store)


@told
def ledger(store: Store) -> Ledger:
    """:func:`core.analysis.ledger.ledger`, remembered. Raises NotEnoughData."""
    return _ledger(str(store.path), store)


@told
def cox(
    store: Store,
    filters: Filters,
    stratifier: Stratifier,
    endpoint: str,
    covariates: tuple[Covariate, ...],
    strata: tuple[str, ...],
    same_patients: bool,
) -> CoxModel:
    """:func:`core.analysis.cox_model.cox_question`, remembered. Raises NotEnoughData, BadInput."""
    how = (covariates, strata, same_patients)
    return _cox(str(store.path), filters, stratifier, endpoint, how, store)


@told
def subgroups(
    store: Store, filters: Filters, stratifier: Stratifier, endpoint: str, stratified: bool
) -> Subgroups:
    """:func:`core.analysis.subgroups.subgroups_question`, remembered. Raises NotEnoughData."""
    return _subgroups(str(store.path), filters, stratifier, endpoint, stratified, store)


def signature_sources(store: Store) -> tuple[tuple[Source, ...], pd.DataFrame]:
    """The decompositions of this store, and what each ICI cohort has for one."""
    return _signature_sources(str(store.path), store)


@told
def signature_frequency(
    store: Store, filters: Filters, stratifier: Stratifier, source: Source, demands: Demands
) -> SignatureFrequency:
    """:func:`core.analysis.signatures.signature_frequency`, remembered. Raises NotEnoughData."""
    return _signature_frequency(str(store.path), filters, stratifier, source, demands, store)


@told
def signature_survival(
    store: Store,
    filters: Filters,
    source: Source,
    demands: Demands,
    endpoint: str,
    exposure: Exposure,
    stratified: bool,
) -> SignatureSurvival:
    """:func:`core.analysis.signature_survival.signature_survival`, remembered. Raises
    NotEnoughData."""
    how = (endpoint, exposure, stratified)
    return _signature_survival(str(store.path), filters, source, demands, how, store)


@told
def spectra(
    store: Store, filters: Filters, stratifier: Stratifier, place: str, demands: Demands
) -> GroupSpectra:
    """:func:`core.analysis.spectra.group_spectra`, remembered. Raises NotEnoughData."""
    return _spectra(str(store.path), filters, stratifier, place, demands, store)


def reconstructed(
    store: Store, filters: Filters, stratifier: Stratifier, source: Source, demands: Demands
) -> Reconstructions:
    """:func:`core.analysis.reconstruction.reconstructions`, remembered. Raises NotEnoughData."""
    return _reconstructed(str(store.path), filters, stratifier, source, demands, store)


def clinical_variables(store: Store) -> tuple[str, ...]:
    """Further variables of ICI patients that are known before treatment."""
    return _clinical_variables(str(store.path), store)


@told
def burden(store: Store, filters: Filters, stratifier: Stratifier, endpoint: str) -> Burden:
    """:func:`core.analysis.burden.burden_question`, remembered. Raises NotEnoughData."""
    return _burden(str(store.path), filters, stratifier, endpoint, store)


@told
def burden_null(
    store: Store,
    filters: Filters,
    stratifier: Stratifier,
    endpoint: str,
    progress: Callable[[float], None],
) -> MatchedNull:
    """:func:`core.analysis.burden_null.matched_null`; its draws are remembered.

    ``progress`` is told of the first run only. Raises NotEnoughData.
    """
    result = burden(store, filters, stratifier, endpoint)
    kept = _drawn_null(str(store.path), filters, stratifier, endpoint)
    if not kept:  # outside the cached function, which could not draw a bar
        kept.append(draw_nulls(result.rows, progress=progress))
    return matched_null(result.rows, kept[0], small=result.small)


@told
def genes_scanned(
    store: Store, filters: Filters, classes: tuple[str, ...], endpoint: str
) -> GeneScan:
    """:func:`core.analysis.gene_scan.gene_scan`, remembered. Raises NotEnoughData."""
    return _genes_scanned(str(store.path), filters, classes, endpoint, store)


def atlas(store: Store) -> Atlas | None:
    """:func:`core.analysis.atlas_file.open_atlas`, read once for each time it was made."""
    return _atlas(str(store.path), atlas_made(store), store)


def atlas_view(store: Store, setting: str, endpoint: str, gene: str, adjusted: bool) -> AtlasView:
    """:func:`core.analysis.atlas.atlas_view` of this build's atlas, which has been made."""
    return _atlas_view(str(store.path), atlas_made(store), setting, endpoint, gene, adjusted, store)


@told
def mutation_frequency(
    store: Store, filters: Filters, stratifier: Stratifier, ici_by: str
) -> MutationFrequency:
    """:func:`core.analysis.mutations.mutation_frequency`, remembered. Raises NotEnoughData."""
    return _mutation_frequency(str(store.path), filters, stratifier, ici_by, store)


@told
def protein_map(store: Store, filters: Filters, stratifier: Stratifier) -> ProteinMap:
    """:func:`core.analysis.mutations.protein_map`, remembered. Raises NotEnoughData."""
    return _protein_map(str(store.path), filters, stratifier, store)


@told
def comutation(store: Store, filters: Filters, stratifier: Stratifier, source: str) -> CoMutation:
    """:func:`core.analysis.comutation.comutation`, remembered. Raises NotEnoughData."""
    return _comutation(str(store.path), filters, stratifier, source, store)


@told
def tcga_survival(
    store: Store,
    filters: Filters,
    stratifier: Stratifier,
    types: tuple[str, ...],
    stratified: bool,
    advised_only: bool,
) -> TcgaSurvival:
    """:func:`core.analysis.tcga_survival.tcga_survival`, remembered. Raises NotEnoughData."""
    return _tcga_survival(
        str(store.path), filters, stratifier, types, stratified, advised_only, store
    )


@told
def setting(
    store: Store, filters: Filters, stratifier: Stratifier, endpoint: str, min_mutant: int
) -> SettingComparison:
    """:func:`core.analysis.setting.setting_question`, remembered. Raises NotEnoughData."""
    return _setting(str(store.path), filters, stratifier, endpoint, min_mutant, store)


@told
def immunity(store: Store, filters: Filters, stratifier: Stratifier, panel: str) -> PanelComparison:
    """:func:`core.analysis.immunity.immunity_question`, remembered. Raises NotEnoughData."""
    return _immunity(str(store.path), filters, stratifier, panel, store)


@told
def composition(
    store: Store, filters: Filters, stratifier: Stratifier, feature: str
) -> Composition:
    """:func:`core.analysis.composition.composition_question`, remembered. Raises NotEnoughData."""
    return _composition(str(store.path), filters, stratifier, feature, store)


@told
def correlation(
    store: Store, filters: Filters, stratifier: Stratifier, x: str, y: str, partial: bool
) -> Correlation:
    """:func:`core.analysis.correlation.correlation_question`, remembered. Raises NotEnoughData."""
    return _correlation(str(store.path), filters, stratifier, x, y, partial, store)


@told
def pasted_sets(
    store: Store,
    filters: Filters,
    stratifier: Stratifier,
    sets: Mapping[str, tuple[str, ...]],
    progress: Progress,
) -> tuple[Scores, PanelComparison]:
    """ssGSEA of ``sets`` and their comparison; scores are remembered by set, whoever asks.

    ``progress`` is told of the scoring. Raises BadInput, NotEnoughData.
    """
    named = tuple(sets.items())
    kept = _scores(str(store.path), named)
    if not kept:  # outside the cached function, which could not draw a bar
        kept.append(score_sets(store, sets, progress))
    return kept[0], _scores_compared(str(store.path), filters, stratifier, named, kept[0], store)


def numeric_features(store: Store) -> dict[str, str]:
    """Numeric features of tumours: id -> name with its category."""
    return _numeric_features(str(store.path), store)


@told
def nomogram(
    store: Store, filters: Filters, stratifier: Stratifier, endpoint: str, choice: Choice
) -> NomogramBuild:
    """:func:`core.analysis.nomogram.build_question`, remembered. Raises NotEnoughData."""
    return _nomogram(str(store.path), filters, stratifier, endpoint, choice, store)


@told
def nomogram_checks(
    store: Store, filters: Filters, stratifier: Stratifier, endpoint: str, choice: Choice
) -> tuple[Performance, Performance | str]:
    """The nomogram in its own patients and in validation, or why not there; remembered."""
    return _nomogram_checks(str(store.path), filters, stratifier, endpoint, choice, store)


@told
def nomogram_corrected(
    store: Store,
    filters: Filters,
    stratifier: Stratifier,
    endpoint: str,
    choice: Choice,
    draws: int,
    progress: Callable[[float], None],
) -> Corrected:
    """:func:`core.analysis.nomogram_check.correct`, remembered; ``progress`` is told of the first
    run only."""
    kept = _corrected_nomogram(str(store.path), filters, stratifier, endpoint, choice, draws)

    def make() -> Corrected:
        build = nomogram(store, filters, stratifier, endpoint, choice)
        return correct(build, draws=draws, progress=lambda _, done: progress(done))

    return kept.get(make, progress)


@told
def nomogram_cure(
    store: Store, filters: Filters, stratifier: Stratifier, endpoint: str, choice: Choice
) -> CureModel:
    """:func:`core.analysis.nomogram_cure.cure_model`, remembered. Raises NotEnoughData."""
    return _cure_nomogram(str(store.path), filters, stratifier, endpoint, choice, store)


@told
def nomogram_cut(
    store: Store,
    filters: Filters,
    stratifier: Stratifier,
    endpoint: str,
    choice: Choice,
    own: float | None,
    stratified: bool,
    progress: Callable[[float], None],
) -> ScoreCut:
    """:func:`core.analysis.nomogram_cut.cut_score`, remembered. Raises NotEnoughData."""
    kept = _cut_nomogram(str(store.path), filters, stratifier, endpoint, choice, own, stratified)

    def make() -> ScoreCut:
        build = nomogram(store, filters, stratifier, endpoint, choice)
        _, found = nomogram_checks(store, filters, stratifier, endpoint, choice)
        return cut_score(
            build.rows,
            None if isinstance(found, str) else found.rows,
            own=own,
            endpoint=endpoint,
            strata="cohort_id" if stratified else None,
            progress=lambda _, done: progress(done),
        )

    return kept.get(make, progress)


# -- caches ----------------------------------------------------------------------------


def _unreachable(store: Store) -> str:
    """That the address of a store elsewhere could not be asked for a newer build; else empty."""
    problem = _mirror(store_address(), str(store_folder())).problem if is_shared() else None
    if problem is None:
        return ""
    return (
        f"Whether there is a newer build than the one of {built_on(store)} is not known. "
        f"{problem.message} {problem.remedy}"
    )


def _current_path() -> Path:
    folder = store_folder()
    if is_shared():
        return _mirror(store_address(), str(folder)).current()
    if folder.is_file():
        return folder
    path = current_build(folder) or current_build(simulated_folder())
    if path is None:
        raise StoreError(
            "There is no store here yet.",
            where=str(folder),
            expected="a store that `python -m data build` or `python -m data demo` made",
            found="none",
            remedy="Run `python -m data demo`, or reload this page to make a simulated store.",
        )
    return path


@st.cache_resource(show_spinner=False)
def _last_good(folder: str) -> list[Store]:
    """At most one store: the last of ``folder`` that opened. A list, so that it can be replaced."""
    return []


@st.cache_resource(max_entries=1, show_spinner=False)
def _mirror(address: str, folder: str) -> Mirror:
    return Mirror(address, Path(folder), every=CHECK_SECONDS)


@st.cache_resource(show_spinner=False)
def _memo() -> dict[int, dict[tuple[Hashable, ...], Any]]:
    """Identity of a result -> what was made of it."""
    return {}


@st.cache_resource(max_entries=3, show_spinner=False)
def _open(path: str) -> Store:
    store = open_store(Path(path))
    # What is loaded now stays: without this a click now and then waits 200 ms for the collector to
    # look through all of it. What an earlier build froze is looked through once more.
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    return store


@st.cache_resource(scope="session", max_entries=6, show_spinner=False)
def _open_own(path: str) -> Store:
    return open_store(Path(path))


@st.cache_resource(scope="session", show_spinner=False, on_release=lambda space: space.let_go())
def _held_space(token: str, _space: Workspace) -> Workspace:
    _space.keep()
    return _space


@st.cache_resource(show_spinner=False)
def _simulating() -> threading.Lock:
    """Held by the one session that makes the simulated store."""
    return threading.Lock()


@st.cache_resource(max_entries=3, show_spinner=False)
def _facts(path: str, _store: Store) -> Facts:
    genes = _store.genes()
    ranked = genes.sort_values("n_mutant_ici", ascending=False, kind="stable")
    return Facts(
        choices=_store.choices(),
        endpoints=_store.endpoints(),
        genes=ranked.hugo_symbol.tolist(),
        cohorts=_store.cohorts(),
        gene_sets=_store.gene_sets(),
        numbers=number_choices(_store),
        categories=category_choices(_store),
        signatures=list(dict.fromkeys(_store.signatures().signature)),
    )


@st.cache_resource(max_entries=48, show_spinner=False)
def _survival(
    path: str,
    filters: Filters,
    stratifier: Stratifier,
    endpoint: str,
    stratified: bool,
    _store: Store,
) -> SurvivalComparison:
    return survival_question(_store, filters, stratifier, endpoint=endpoint, stratified=stratified)


@st.cache_resource(max_entries=32, show_spinner=False)
def _panels(
    path: str,
    filters: Filters,
    stratifier: Stratifier,
    endpoint: str,
    stratified: bool,
    _store: Store,
) -> Panels:
    return survival_panels(_store, filters, stratifier, endpoint=endpoint, stratified=stratified)


@st.cache_resource(max_entries=16, show_spinner=False)
def _cohorts(
    path: str, filters: Filters, stratifier: Stratifier, endpoint: str, _store: Store
) -> CohortOverview:
    return cohort_overview(_store, filters, stratifier, endpoint=endpoint)


@st.cache_resource(max_entries=32, show_spinner=False)
def _agreement(
    path: str, filters: Filters, stratifier: Stratifier, endpoint: str, _store: Store
) -> Agreement:
    return agreement_question(_store, filters, stratifier, endpoint=endpoint)


@st.cache_resource(max_entries=3, show_spinner="Computing what the paper prints")
def _ledger(path: str, _store: Store) -> Ledger:
    return compare_with_paper(_store)


@st.cache_resource(max_entries=32, show_spinner=False)
def _cox(
    path: str,
    filters: Filters,
    stratifier: Stratifier,
    endpoint: str,
    how: tuple[tuple[Covariate, ...], tuple[str, ...], bool],
    _store: Store,
) -> CoxModel:
    covariates, strata, same_patients = how
    return cox_question(
        _store,
        filters,
        stratifier,
        endpoint=endpoint,
        covariates=covariates,
        strata=strata,
        same_patients=same_patients,
    )


@st.cache_resource(max_entries=32, show_spinner=False)
def _subgroups(
    path: str,
    filters: Filters,
    stratifier: Stratifier,
    endpoint: str,
    stratified: bool,
    _store: Store,
) -> Subgroups:
    return subgroups_question(_store, filters, stratifier, endpoint=endpoint, stratified=stratified)


@st.cache_resource(max_entries=3, show_spinner=False)
def _signature_sources(path: str, _store: Store) -> tuple[tuple[Source, ...], pd.DataFrame]:
    return sources(_store), coverage(_store)


@st.cache_resource(max_entries=24, show_spinner=False)
def _signature_frequency(
    path: str,
    filters: Filters,
    stratifier: Stratifier,
    source: Source,
    demands: Demands,
    _store: Store,
) -> SignatureFrequency:
    return compare_signatures(_store, filters, stratifier, source, demands)


@st.cache_resource(max_entries=24, show_spinner=False)
def _signature_survival(
    path: str,
    filters: Filters,
    source: Source,
    demands: Demands,
    how: tuple[str, Exposure, bool],
    _store: Store,
) -> SignatureSurvival:
    endpoint, exposure, stratified = how
    return set_against_survival(
        _store,
        filters,
        source,
        demands,
        endpoint=endpoint,
        exposure=exposure,
        stratified=stratified,
    )


@st.cache_resource(max_entries=24, show_spinner=False)
def _spectra(
    path: str,
    filters: Filters,
    stratifier: Stratifier,
    place: str,
    demands: Demands,
    _store: Store,
) -> GroupSpectra:
    return group_spectra(_store, filters, stratifier, place, demands)


@st.cache_resource(max_entries=6, show_spinner=False)
def _reconstructed(
    path: str,
    filters: Filters,
    stratifier: Stratifier,
    source: Source,
    demands: Demands,
    _store: Store,
) -> Reconstructions:
    return reconstructions(_store, filters, stratifier, source, demands)


@st.cache_resource(max_entries=3, show_spinner=False)
def _clinical_variables(path: str, _store: Store) -> tuple[str, ...]:
    return tuple(v for v in _store.clinical_variables().variable if v not in AFTER_BASELINE)


@st.cache_resource(max_entries=32, show_spinner=False)
def _burden(
    path: str, filters: Filters, stratifier: Stratifier, endpoint: str, _store: Store
) -> Burden:
    return burden_question(_store, filters, stratifier, endpoint=endpoint)


@st.cache_resource(max_entries=48, show_spinner=False)
def _drawn_null(
    path: str, filters: Filters, stratifier: Stratifier, endpoint: str
) -> list[npt.NDArray[np.float64]]:
    """At most one null: empty until it has been drawn, with a bar, for the first time."""
    return []


@st.cache_resource(max_entries=8, show_spinner="Testing every gene, with and without the burden")
def _genes_scanned(
    path: str, filters: Filters, classes: tuple[str, ...], endpoint: str, _store: Store
) -> GeneScan:
    return gene_scan(_store, filters, classes, endpoint=endpoint)


@st.cache_resource(max_entries=2, show_spinner=False)
def _atlas(path: str, made: int, _store: Store) -> Atlas | None:
    return open_atlas(_store)


@st.cache_resource(max_entries=24, show_spinner=False)
def _atlas_view(
    path: str, made: int, setting: str, endpoint: str, gene: str, adjusted: bool, _store: Store
) -> AtlasView:
    found = atlas(_store)
    if found is None:
        raise StoreError(
            "The atlas of this build was removed while the page was open.",
            remedy="Reload the page.",
        )
    return view_atlas(found, setting, endpoint, gene, adjusted=adjusted)


@st.cache_resource(max_entries=16, show_spinner=False)
def _mutation_frequency(
    path: str, filters: Filters, stratifier: Stratifier, ici_by: str, _store: Store
) -> MutationFrequency:
    return count_mutations(_store, filters, stratifier, ici_by=ici_by)


@st.cache_resource(max_entries=16, show_spinner=False)
def _protein_map(path: str, filters: Filters, stratifier: Stratifier, _store: Store) -> ProteinMap:
    return map_protein(_store, filters, stratifier)


@st.cache_resource(max_entries=16, show_spinner="Testing every gene within tumour type and burden")
def _comutation(
    path: str, filters: Filters, stratifier: Stratifier, source: str, _store: Store
) -> CoMutation:
    return test_comutation(_store, filters, stratifier, source=source)


@st.cache_resource(max_entries=16, show_spinner=False)
def _tcga_survival(
    path: str,
    filters: Filters,
    stratifier: Stratifier,
    types: tuple[str, ...],
    stratified: bool,
    advised_only: bool,
    _store: Store,
) -> TcgaSurvival:
    return compare_tcga(
        _store,
        filters,
        stratifier,
        types=types,
        stratified=stratified,
        advised_only=advised_only,
    )


@st.cache_resource(max_entries=24, show_spinner=False)
def _setting(
    path: str,
    filters: Filters,
    stratifier: Stratifier,
    endpoint: str,
    min_mutant: int,
    _store: Store,
) -> SettingComparison:
    return setting_question(_store, filters, stratifier, endpoint=endpoint, min_mutant=min_mutant)


@st.cache_resource(max_entries=32, show_spinner=False)
def _immunity(
    path: str, filters: Filters, stratifier: Stratifier, panel: str, _store: Store
) -> PanelComparison:
    return compare_values(_store, filters, stratifier, _panel_values(path, panel, _store))


@st.cache_resource(max_entries=24, show_spinner=False)
def _panel_values(path: str, panel: str, _store: Store) -> PanelValues:
    return panel_values(_store, panel)


@st.cache_resource(max_entries=16, show_spinner=False)
def _composition(
    path: str, filters: Filters, stratifier: Stratifier, feature: str, _store: Store
) -> Composition:
    return composition_question(_store, filters, stratifier, feature)


@st.cache_resource(max_entries=16, show_spinner=False)
def _correlation(
    path: str,
    filters: Filters,
    stratifier: Stratifier,
    x: str,
    y: str,
    partial: bool,
    _store: Store,
) -> Correlation:
    return correlation_question(_store, filters, stratifier, x, y, partial=partial)


@st.cache_resource(max_entries=16, show_spinner=False)
def _scores(path: str, sets: tuple[tuple[str, tuple[str, ...]], ...]) -> list[Scores]:
    """At most one result: empty until it has been computed, with a bar, for the first time."""
    return []


@st.cache_resource(max_entries=16, show_spinner=False)
def _scores_compared(
    path: str,
    filters: Filters,
    stratifier: Stratifier,
    sets: tuple[tuple[str, tuple[str, ...]], ...],
    _found: Scores,
    _store: Store,
) -> PanelComparison:
    return compare_scores(_store, filters, stratifier, _found)


@st.cache_resource(max_entries=3, show_spinner=False)
def _numeric_features(path: str, _store: Store) -> dict[str, str]:
    known = _store.feature_catalogue()
    known = known[known.kind == "number"]
    return {
        str(f): f"{name} ({category})"
        for f, name, category in zip(known.index, known["name"], known.category, strict=True)
    }


@st.cache_resource(max_entries=24, show_spinner=False)
def _nomogram(
    path: str,
    filters: Filters,
    stratifier: Stratifier,
    endpoint: str,
    choice: Choice,
    _store: Store,
) -> NomogramBuild:
    return build_question(_store, filters, stratifier, endpoint=endpoint, choice=choice)


@st.cache_resource(max_entries=24, show_spinner=False)
def _cure_nomogram(
    path: str,
    filters: Filters,
    stratifier: Stratifier,
    endpoint: str,
    choice: Choice,
    _store: Store,
) -> CureModel:
    return cure_model(nomogram(_store, filters, stratifier, endpoint, choice))


@st.cache_resource(max_entries=24, show_spinner=False)
def _nomogram_checks(
    path: str,
    filters: Filters,
    stratifier: Stratifier,
    endpoint: str,
    choice: Choice,
    _store: Store,
) -> tuple[Performance, Performance | str]:
    build = nomogram(_store, filters, stratifier, endpoint, choice)
    found = validation_question(_store, filters, build, unseen=choice.unseen)
    return apparent(build), found


@st.cache_resource(max_entries=24, show_spinner=False)
def _corrected_nomogram(
    path: str,
    filters: Filters,
    stratifier: Stratifier,
    endpoint: str,
    choice: Choice,
    draws: int,
) -> Slot[Corrected]:
    return Slot()


@st.cache_resource(max_entries=48, show_spinner=False)
def _cut_nomogram(
    path: str,
    filters: Filters,
    stratifier: Stratifier,
    endpoint: str,
    choice: Choice,
    own: float | None,
    stratified: bool,
) -> Slot[ScoreCut]:
    return Slot()
