"""Every gene, everywhere: the scan of all genes in each tumour type for each endpoint, kept.

A *look* is one scan (:func:`core.analysis.gene_scan.scan_genes`): TCGA by its 33 tumour types and
four endpoints; patients under ICI by tumour type, and all together, for OS and PFS, always
stratified by cohort. A gene that looks good in one of a hundred looks is what chance gives, so
q-values count every p-value of a setting: all genes in all tumour types for all endpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.analysis.gene_scan import ADJUSTED, MIN_MUTANT, ScanInput, scan_input, scan_of
from core.analysis.tcga import TCGA, tcga_filters
from core.compute import Place, run
from core.model import ENDPOINT_LABEL, Endpoint, Filters, NotEnoughData
from core.stats.multiple import benjamini_hochberg
from core.store import Store

ICI_SETTING, TCGA_SETTING = "ici", "tcga"
SETTINGS = {ICI_SETTING: "Under ICI", TCGA_SETTING: "TCGA, without ICI"}
EVERY_TYPE = "All types"
"""The ICI patients of all tumour types, stratified by cohort (adjusted: and by type)."""

ENDPOINTS = {
    ICI_SETTING: (Endpoint.OS, Endpoint.PFS),
    TCGA_SETTING: (Endpoint.OS, Endpoint.DSS, Endpoint.DFI, Endpoint.PFI),
}
FOUND = 0.05
"""q-value below which a gene counts as found."""


@dataclass(frozen=True)
class Look:
    """One scan: a setting, a tumour type of it (TCGA's abbreviation there) and an endpoint."""

    setting: str
    tumor_type: str
    endpoint: str

    @property
    def filters(self) -> Filters:
        """The patients, as the page of one gene would ask for them."""
        if self.setting == TCGA_SETTING:
            return tcga_filters(Filters(), (self.tumor_type,))
        return Filters(tumor_types=() if self.tumor_type == EVERY_TYPE else (self.tumor_type,))


@dataclass(frozen=True, eq=False)
class LookResult:
    """``table`` as GeneScan has it (q-values are this look's own), or ``why`` there is none."""

    table: pd.DataFrame | None
    n: int = 0
    why: str = ""


@dataclass(frozen=True, eq=False)
class Atlas:
    """genes: setting, tumor_type, endpoint, gene, n, n_mutant, events, hazard_ratio, ci_lower,
        ci_upper, p_value, q_value (over the setting) and the last five led by ``adjusted_``;
        sorted by gene
    looks: setting, tumor_type, endpoint, n (patients), n_genes (tested), why (nothing was tested)
    """

    genes: pd.DataFrame
    looks: pd.DataFrame


def looks(store: Store) -> list[Look]:
    """Every look that the store's patients allow to ask for."""
    types = {
        ICI_SETTING: [EVERY_TYPE, *store.choices()["tumor_type"]],
        TCGA_SETTING: store.source_tumor_types(TCGA).tumor_type_source.tolist(),
    }
    known = {
        ICI_SETTING: store.endpoints(treated_with_ici=True),
        TCGA_SETTING: store.endpoints(treated_with_ici=False),
    }
    return [
        Look(setting, str(kind), str(endpoint))
        for setting in SETTINGS
        for kind in types[setting]
        for endpoint in ENDPOINTS[setting]
        if endpoint in known[setting]
    ]


class _Inputs(Sequence[Any]):
    """The patients and calls of each look, read from the store when they are asked for."""

    def __init__(self, store: Store, asked: Sequence[Look]) -> None:
        self._store, self._asked = store, asked

    def __len__(self) -> int:
        return len(self._asked)

    def __getitem__(self, number: Any) -> Any:  # a ScanInput, or why there is none
        look = self._asked[number]
        try:
            return scan_input(self._store, look.filters, endpoint=look.endpoint)
        except NotEnoughData as error:
            return f"{error.message} {error.found}."


def _scan(given: ScanInput | str) -> LookResult:
    if isinstance(given, str):
        return LookResult(None, why=given)
    result = scan_of(given)
    why = "" if len(result.table) else "No gene could be estimated."
    return LookResult(result.table, result.n, why)


def scan_looks(
    store: Store,
    asked: Sequence[Look],
    *,
    place: Place | None = None,
    progress: Callable[[float], None] | None = None,
    keep: Callable[[int, LookResult], None] | None = None,
) -> list[LookResult]:
    """The results of ``asked``, in that order; each look is a task of ``core.compute``."""
    return run(_scan, _Inputs(store, asked), place=place, progress=progress, keep=keep)


def assemble(asked: Sequence[Look], results: Sequence[LookResult]) -> Atlas:
    """One table of all looks, with q-values over each setting."""
    parts, told = [], []
    for look, result in zip(asked, results, strict=True):
        name = {
            "setting": look.setting,
            "tumor_type": look.tumor_type,
            "endpoint": look.endpoint,
        }
        tested = 0 if result.table is None else len(result.table)
        told.append({**name, "n": result.n, "n_genes": tested, "why": result.why})
        if result.table is not None and tested:
            parts.append(result.table.assign(**name))
    lead = ["setting", "tumor_type", "endpoint", "gene"]
    if not parts:
        raise NotEnoughData(
            "No gene can be tested in any tumour type.",
            expected=f"a tumour type with a gene of {MIN_MUTANT} mutant patients",
            found=f"{len(asked)} scans without one",
        )
    genes = pd.concat(parts, ignore_index=True)
    genes = genes[[*lead, *(c for c in genes if c not in lead)]]
    for model in ("", ADJUSTED):
        for rows in genes.groupby("setting").indices.values():
            p = genes[f"{model}p_value"].to_numpy(float)[rows]
            genes.loc[genes.index[rows], f"{model}q_value"] = benjamini_hochberg(p)
    genes = genes.sort_values(["gene", "setting"], kind="stable", ignore_index=True)
    return Atlas(genes, pd.DataFrame(told))


# -- what the page asks ----------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class AtlasView:
    """One setting, endpoint and model of an atlas.

    ranked: one row per gene, most convincing first: gene, tumor_type (of its smallest p), n_mutant,
        n, hazard_ratio, ci_lower, ci_upper, p_value, q_value, n_types (tested in; EVERY_TYPE
        is none), n_found
    cells: gene, tumor_type, n_mutant, n, hazard_ratio, ci_lower, ci_upper, p_value, q_value of the
        genes that are shown
    types: tumour types with a gene tested, most genes first
    silent: tumor_type, n, why of the looks without a gene tested
    """

    setting: str
    endpoint: str
    adjusted: bool
    ranked: pd.DataFrame
    cells: pd.DataFrame
    types: tuple[str, ...]
    silent: pd.DataFrame
    n_tests: int
    n_found: int
    methods: str


VALUES = ("hazard_ratio", "ci_lower", "ci_upper", "p_value", "q_value")


def atlas_view(
    atlas: Atlas, setting: str, endpoint: str, gene: str, *, adjusted: bool, shown: int = 40
) -> AtlasView:
    """The genes of one setting and endpoint; ``gene`` and the ``shown`` first are in ``cells``."""
    lead = ADJUSTED if adjusted else ""
    whole = atlas.genes[atlas.genes.setting == setting]
    rows = whole[whole.endpoint == endpoint]
    keep = ["gene", "tumor_type", "n_mutant", "n"]
    rows = rows[[*keep, *(lead + v for v in VALUES)]].set_axis([*keep, *VALUES], axis=1)
    rows = rows[rows.hazard_ratio.notna()]
    ranked = _ranked(rows)
    chosen = [gene, *ranked.gene[ranked.gene != gene].head(shown)]
    looked = atlas.looks[(atlas.looks.setting == setting) & (atlas.looks.endpoint == endpoint)]
    spoken = looked[looked.n_genes > 0].sort_values("n_genes", ascending=False, kind="stable")
    return AtlasView(
        setting=setting,
        endpoint=endpoint,
        adjusted=adjusted,
        ranked=ranked,
        cells=rows[rows.gene.isin(chosen)].reset_index(drop=True),
        types=tuple(spoken.tumor_type),
        silent=looked.loc[looked.n_genes == 0, ["tumor_type", "n", "why"]],
        n_tests=int(whole[f"{lead}p_value"].notna().sum()),
        n_found=int((rows.q_value < FOUND).sum()),
        methods=methods(setting, adjusted),
    )


def _ranked(rows: pd.DataFrame) -> pd.DataFrame:
    """The row with each gene's smallest p-value, and in how many types it was tested and found."""
    typed = rows[rows.tumor_type != EVERY_TYPE]
    by = typed.assign(found=typed.q_value < FOUND).groupby("gene")
    counts = by.agg(n_types=("tumor_type", "size"), n_found=("found", "sum"))
    first = rows.sort_values(["p_value", "gene"], kind="stable").drop_duplicates("gene")
    whole = {"n_types": 0, "n_found": 0}
    found = first.join(counts, on="gene").fillna(whole).astype(dict.fromkeys(whole, int))
    return found.reset_index(drop=True)


def of_gene(atlas: Atlas, gene: str) -> pd.DataFrame:
    """Every look at one gene, ICI first: the columns of ``Atlas.genes``."""
    rows = atlas.genes[atlas.genes.gene == gene]
    return rows.sort_values(["setting", "tumor_type", "endpoint"], ignore_index=True)


def methods(setting: str, adjusted: bool) -> str:
    """The methods sentence of one setting."""
    names = ", ".join(f"{ENDPOINT_LABEL[e].lower()} ({e})" for e in ENDPOINTS[setting])
    who = (
        "In each tumour type of TCGA"
        if setting == TCGA_SETTING
        else "In patients under ICI, of each tumour type and of all together,"
    )
    model = (
        "stratified by cohort and tumour type, with log2(TMB + 1) standardised within cohort as "
        "covariate"
        if adjusted
        else "stratified by cohort"
    )
    return (
        f"{who} every gene with at least {MIN_MUTANT} mutant patients was tested for {names} by a "
        f"Cox model {model}, among the patients profiled for it, with follow-up and TMB known. "
        "q-values are Benjamini and Hochberg's over all genes, tumour types and endpoints "
        "together; endpoints of the same patients are no independent evidence."
    )
