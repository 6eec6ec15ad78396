"""Every read of the store: one function per question, read-only, SQL here and nowhere above.

A :class:`Filters` becomes a where clause, bound parameters and an English sentence. Each query
takes its own cursor on one connection, so that sessions on other threads never share a result.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property, lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast
from weakref import WeakMethod

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from core.model import (
    NON_SYNONYMOUS,
    SCHEMA_VERSION,
    BadInput,
    Filters,
    Range,
    StoreError,
    UnknownGene,
    UnknownValue,
)

P = ParamSpec("P")
R = TypeVar("R")

POINTER = "current.json"
"""The small file in a store folder that names the build in use."""

STORE_VARIABLE = "ICI_EXPLORER_STORE"
"""Environment variable that names a store folder (or one store file)."""

EXPRESSION_MISSING = np.iinfo(np.uint16).max
"""The code of a missing value in the expression matrix."""

MATRIX_ROWS = 2048
"""Genes read at a time with the whole matrix."""

PATIENT_COLUMNS = (
    "patient_key, cohort_id, patient_id, tumor_type, tumor_type_source, tumor_type_detail, drug, "
    "drug_class, arm, treated_with_ici, age_years, sex, response, stage, assay, tmb_per_mb, "
    "tmb_z, n_calls, shared_with"
)


@dataclass(frozen=True)
class Clause:
    """One condition of a where clause: SQL with ``?``, its parameters, and what it leaves out."""

    sql: str
    parameters: tuple[Any, ...]
    drops: str


def clauses(filters: Filters) -> list[Clause]:
    """The conditions of ``filters``, in the order in which an attrition table shows them."""
    found: list[Clause] = []

    def one_of(column: str, chosen: tuple[str, ...], drops: str) -> None:
        if chosen:
            marks = ", ".join("?" * len(chosen))
            found.append(Clause(f"{column} IN ({marks})", chosen, drops))

    def within(column: str, bounds: Range, drops: str) -> None:
        if bounds.low is not None:
            found.append(
                Clause(f"{column} >= ?", (bounds.low,), f"{drops} below the range, or unknown")
            )
        if bounds.high is not None:
            found.append(
                Clause(f"{column} <= ?", (bounds.high,), f"{drops} above the range, or unknown")
            )

    if filters.treated_with_ici is not None:
        drops = "not treated with an ICI" if filters.treated_with_ici else "treated with an ICI"
        found.append(Clause("treated_with_ici = ?", (filters.treated_with_ici,), drops))
    found.append(Clause("included", (), "outside the study's analysis set"))
    cohort = "cohort_id IN (SELECT cohort_id FROM cohort WHERE {} IN ({}))"
    if filters.roles:
        marks = ", ".join("?" * len(filters.roles))
        found.append(Clause(cohort.format("role", marks), filters.roles, "cohorts of another role"))
    one_of("cohort_id", filters.cohorts, "other cohorts")
    one_of("tumor_type", filters.tumor_types, "other tumour types")
    one_of("tumor_type_source", filters.source_tumor_types, "other types of the study")
    if filters.exclude_tumor_types:
        marks = ", ".join("?" * len(filters.exclude_tumor_types))
        found.append(
            Clause(f"tumor_type NOT IN ({marks})", filters.exclude_tumor_types, "excluded types")
        )
    one_of("drug_class", filters.drug_classes, "other drug classes")
    one_of("assay", filters.assays, "other assays")
    one_of("sex", filters.sexes, "other or unknown sex")
    within("age_years", filters.age_years, "age")
    within("tmb_per_mb", filters.tmb_per_mb, "TMB")
    if filters.require_call:
        found.append(Clause("n_calls > 0", (), "no row in the study's mutation file"))
    if filters.count_shared_once:
        found.append(Clause("counted_here", (), "counted in another study that reports them"))
    return found


def sentence(filters: Filters, *, cohort_names: dict[str, str] | None = None) -> str:
    """What ``filters`` ask for, in words: ``melanoma, anti-PD-1/PD-L1, age 18 to 65``."""
    names = cohort_names or {}
    parts: list[str] = []

    def listed(values: Sequence[str], suffix: str = "", many: str = "") -> None:
        if many and len(values) > 3:
            parts.append(f"{len(values)} {many}")
        elif values:
            head = ", ".join(values[:-1])
            parts.append((f"{head} and {values[-1]}" if head else values[-1]) + suffix)

    def span(bounds: Range, name: str, unit: str) -> None:
        if bounds.is_open:
            return
        if bounds.low is None:
            parts.append(f"{name} up to {bounds.high:g}{unit}")
        elif bounds.high is None:
            parts.append(f"{name} from {bounds.low:g}{unit}")
        else:
            parts.append(f"{name} {bounds.low:g} to {bounds.high:g}{unit}")

    parts.append(
        {True: "ICI-treated", False: "not ICI-treated", None: "ICI-treated or not"}[
            filters.treated_with_ici
        ]
    )
    listed(filters.tumor_types, many="tumour types")
    listed(filters.source_tumor_types, many="tumour types of the study")
    listed(filters.exclude_tumor_types, " left out")
    listed(filters.drug_classes)
    listed(filters.roles, " cohorts")
    listed([names.get(c, c) for c in filters.cohorts], many="cohorts")
    listed(filters.assays)
    listed(filters.sexes)
    span(filters.age_years, "age", " years")
    span(filters.tmb_per_mb, "TMB", " per Mb")
    if filters.require_call:
        parts.append("at least one call")
    return ", ".join(parts)


@dataclass(frozen=True, eq=False)
class MutationMatrix:
    """Who carries a mutation in which gene, and who was profiled for it.

    ``mutated``: patients x genes, 1 where the patient carries a call (so also where the panel's
    list lacks the gene). ``profiled``: patients x profiles; ``profile_of_gene`` names each gene's
    column: genes that the same panels cover share one. A patient whose column is False was *not
    profiled* for the gene, which is not *wild type*.
    """

    genes: npt.NDArray[np.object_]
    mutated: sparse.csc_array
    profiled: npt.NDArray[np.bool_]
    profile_of_gene: npt.NDArray[np.intp]


class Store:
    """A read-only store. Open with :func:`open_store`; every method is one question."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._connection = duckdb.connect(str(path), read_only=True)
        except duckdb.Error as error:
            raise _not_opened(path, error) from error
        try:
            self.build = self._build_row()
        except StoreError:
            self._connection.close()
            raise
        self.version = str(self.build.build_id)
        self.simulated = bool(self.build.simulated)
        self.n_patients = int(self.rows("SELECT count(*) AS n FROM patient").n[0])
        self._endpoints: dict[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]] = {}
        # a click changes one filter of several, and the gene stays while filters change
        self._meets = _remembered(self._who_meets, 128)
        self._statuses = _remembered(self._read_statuses, 64)
        self._carriers = _remembered(self._read_carriers, 3)
        # no filter changes these; nobody may change their answers
        for question in (self.signatures, self.signature_samples, self.signature_activities,
                         self.signature_profiles, self.signature_material,
                         self.snv_contexts):  # fmt: skip
            setattr(self, question.__name__, _remembered(question, 8))

    # -- plumbing ----------------------------------------------------------------------

    def _build_row(self) -> pd.Series[Any]:
        """The one row of the build. Raises StoreError where it is of another schema version."""
        build = self.rows("SELECT * FROM build")
        versions = build.schema_version.tolist() if "schema_version" in build else []
        if versions != [SCHEMA_VERSION]:
            raise _of_another_version(self.path, f"version {versions[0]}" if versions else "none")
        return build.iloc[0]

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor of its own for one question, so that no two threads share a result.

        Raises StoreError where DuckDB cannot read what is asked for: a file that is damaged in
        the middle opens, and fails only here.
        """
        try:
            with self._connection.cursor() as cursor:
                yield cursor
        except (duckdb.ParserException, duckdb.InvalidInputException):
            raise  # a fault of the question, not of the store
        except duckdb.Error as error:
            raise _not_read(self.path, error) from error

    def rows(self, sql: str, parameters: Iterable[Any] = ()) -> pd.DataFrame:
        """The result of one read query as a frame. Raises StoreError where it cannot be read."""
        with self._cursor() as cursor:
            frame: pd.DataFrame = cursor.execute(sql, list(parameters)).df()
            return frame

    def close(self) -> None:
        self._connection.close()

    # -- what is in the store ----------------------------------------------------------

    def cohorts(self) -> pd.DataFrame:
        """One row per cohort in display order, with its number of patients."""
        return self._cohorts.copy()

    def cohort_names(self) -> dict[str, str]:
        """cohort_id -> the name that people read, in display order."""
        return dict(zip(self._cohorts.cohort_id, self._cohorts["name"], strict=True))

    @cached_property
    def _cohorts(self) -> pd.DataFrame:
        return self.rows(
            "SELECT c.*, n_patients FROM cohort c JOIN (SELECT cohort_id, count(p.patient_key) "
            "AS n_patients FROM cohort LEFT JOIN patient p USING (cohort_id) GROUP BY 1) "
            "USING (cohort_id) ORDER BY c.position"
        )

    def sources(self) -> pd.DataFrame:
        """One row per source file: status, hash, licence, citation, what it holds or would add."""
        return self._sources.copy()

    @cached_property
    def _sources(self) -> pd.DataFrame:
        return self.rows("SELECT * FROM source ORDER BY group_name, source_id")

    def choices(self, *, treated_with_ici: bool | None = True) -> dict[str, list[str]]:
        """The values that each filter may take, most patients first."""
        where = "" if treated_with_ici is None else "WHERE treated_with_ici = ?"
        parameters = [] if treated_with_ici is None else [treated_with_ici]
        return {
            column: self.rows(
                f"SELECT {column} AS value FROM patient {where} GROUP BY 1 "
                "HAVING value IS NOT NULL ORDER BY count(*) DESC, value",
                parameters,
            ).value.tolist()
            for column in ("tumor_type", "drug_class", "cohort_id", "assay", "sex")
        }

    def endpoints(self, *, treated_with_ici: bool | None = True) -> list[str]:
        """Endpoints that at least one patient has, most patients first."""
        where = "" if treated_with_ici is None else "WHERE treated_with_ici = ?"
        parameters = [] if treated_with_ici is None else [treated_with_ici]
        return self.rows(
            f"SELECT endpoint FROM endpoint JOIN patient USING (patient_key) {where} "
            "GROUP BY 1 ORDER BY count(*) DESC, 1",
            parameters,
        ).endpoint.tolist()

    def genes(self) -> pd.DataFrame:
        """Every gene that may be asked for: symbol, mutant patients (ICI, TCGA), on a panel."""
        return self.rows("SELECT * FROM gene ORDER BY hugo_symbol")

    def resolve_gene(self, text: str) -> str:
        """The current symbol of what a person typed, in either an old or a current form.

        Raises UnknownGene, with the closest known symbols, where neither is known.
        """
        typed = text.strip().upper()
        current, old = self._symbols
        if typed in current or typed in old:
            return current.get(typed) or old[typed]
        near = self.rows(
            "SELECT hugo_symbol FROM gene ORDER BY levenshtein(upper(hugo_symbol), ?), "
            "n_mutant_ici DESC LIMIT 3",
            (typed[:40],),
        ).hugo_symbol.tolist()
        raise UnknownGene(
            f"The gene {text.strip()[:40]!r} is not in this store.",
            expected="an HGNC symbol such as ALK, or an old symbol of a gene in the store",
            found=text.strip()[:40] or "nothing",
            remedy="Closest: " + ", ".join(near) + "." if near else "Choose a gene from the list.",
        )

    def known_genes(self, texts: Sequence[str]) -> dict[str, str]:
        """Current symbols of those of ``texts`` (old or current symbols) that the store knows."""
        current, old = self._symbols
        found = {}
        for text in texts:
            typed = text.strip().upper()
            symbol = current.get(typed) or current.get(old.get(typed, "").upper())
            if symbol:
                found[text] = symbol
        return found

    @cached_property
    def _symbols(self) -> tuple[dict[str, str], dict[str, str]]:
        """In capitals: every gene of the store, and every old symbol -> the current symbol."""
        genes = self.rows("SELECT hugo_symbol FROM gene").hugo_symbol.tolist()
        old = self.rows("SELECT alias, hugo_symbol FROM gene_alias ORDER BY rowid DESC")
        return (
            {g.upper(): g for g in genes},
            dict(zip(old.alias.str.upper(), old.hugo_symbol, strict=True)),
        )

    def aliases(self, symbols: Sequence[str]) -> dict[str, str]:
        """Old symbol (as given) -> current symbol, for those of ``symbols`` that are old ones."""
        found = self.rows(
            "SELECT upper(alias) AS alias, min(hugo_symbol) AS hugo_symbol FROM gene_alias "
            "WHERE upper(alias) IN (SELECT unnest(?)) GROUP BY 1 HAVING count(*) = 1",
            ([s.upper() for s in symbols],),
        )
        current = dict(zip(found.alias, found.hugo_symbol, strict=True))
        return {s: str(current[s.upper()]) for s in symbols if s.upper() in current}

    def reported(self) -> pd.DataFrame:
        """What the paper prints, in its order: figure, item, quantity, value, note (all text)."""
        return self.rows("SELECT figure, item, quantity, value, note FROM reported ORDER BY rowid")

    # -- patients ----------------------------------------------------------------------

    def patients(self, filters: Filters, endpoint: str = "OS") -> pd.DataFrame:
        """One row per patient that ``filters`` keep, in patient_key order.

        Columns: the patient's (PATIENT_COLUMNS) and ``time_months``, ``event`` of ``endpoint``
        (NaN where the patient has none). Raises UnknownValue where nobody is kept because a value
        of ``filters`` is none of this store.
        """
        masks = [self._meets(clause) for clause in clauses(filters)]
        keys = np.flatnonzero(np.logical_and.reduce(masks))
        if not len(keys):
            self._demand_known(filters)
        time, event = self._endpoint(endpoint)
        frame = self._everyone.take(keys)
        frame.index = pd.RangeIndex(len(keys))
        frame["time_months"], frame["event"] = time[keys], event[keys]
        return frame

    def _demand_known(self, filters: Filters) -> None:
        """Raise UnknownValue for a value of ``filters`` that no patient of the store has."""
        asked = {
            "tumor_type": ("tumour type", filters.tumor_types),
            "drug_class": ("drug class", filters.drug_classes),
            "sex": ("sex", filters.sexes),
            "assay": ("assay", filters.assays),
        }
        if filters.treated_with_ici is not False:  # a store may well lack TCGA
            asked["cohort_id"] = ("cohort", filters.cohorts)
        for column, (name, values) in asked.items():
            known = sorted(map(str, self._everyone[column].dropna().unique()))
            for value in values:
                if value in known:
                    continue
                near = [k for k in known if k.lower() == value.lower()]
                near = near or get_close_matches(value, known, 3, 0.5)
                raise UnknownValue(
                    f"No patient of this store has the {name} {value[:40]!r}.",
                    expected=", ".join(known[:12]) + (", ..." if len(known) > 12 else ""),
                    found=value[:40],
                    remedy=f"Closest: {', '.join(near)}." if near else "Choose one of these.",
                )

    @cached_property
    def _everyone(self) -> pd.DataFrame:
        """The patient table, row i being patient_key i: small, and asked for at every filter.

        Only keys come from a filter's query; to make its frame anew of a query took 10 ms.
        """
        return self.rows(f"SELECT {PATIENT_COLUMNS} FROM patient ORDER BY patient_key")

    def _endpoint(self, endpoint: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Time in months and event (0, 1) of every patient by patient_key; NaN where unknown."""
        if endpoint not in self._endpoints:
            columns = np.full((2, self.n_patients), np.nan)
            with self._cursor() as cursor:
                found = cursor.execute(
                    "SELECT patient_key, time_months, event FROM endpoint WHERE endpoint = ?",
                    [endpoint],
                ).fetchnumpy()
            at = np.asarray(found["patient_key"], dtype=np.intp)
            columns[0, at], columns[1, at] = found["time_months"], found["event"]
            self._endpoints[endpoint] = (columns[0], columns[1])
        return self._endpoints[endpoint]

    def attrition(self, filters: Filters) -> pd.DataFrame:
        """How each condition of ``filters`` thins the store: columns ``step``, ``n``, ``lost``."""
        found = clauses(filters)
        left = accumulate((self._meets(clause) for clause in found), np.logical_and)
        n = np.array([self.n_patients, *(np.count_nonzero(mask) for mask in left)])
        steps = ["in the store"] + [c.drops for c in found]
        return pd.DataFrame({"step": steps, "n": n, "lost": -np.diff(n, prepend=n[0])})

    def _who_meets(self, clause: Clause) -> npt.NDArray[np.bool_]:
        """Which patients meet one condition, by patient_key; False where it is not known."""
        with self._cursor() as cursor:
            found = cursor.execute(
                f"SELECT patient_key FROM patient WHERE {clause.sql}", clause.parameters
            ).fetchnumpy()
        mask = np.zeros(self.n_patients, dtype=bool)
        mask[np.asarray(found["patient_key"], dtype=np.intp)] = True
        mask.setflags(write=False)
        return mask

    def clinical_variables(self) -> pd.DataFrame:
        """Further variables of ICI-treated patients: variable, numeric (bool), n, n_cohorts."""
        return self.rows(
            "SELECT variable, count(number) > count(value) AS numeric, count(*)::INTEGER AS n, "
            "count(DISTINCT cohort_id)::INTEGER AS n_cohorts FROM clinical "
            "JOIN patient USING (patient_key) WHERE treated_with_ici AND included "
            "GROUP BY variable ORDER BY n DESC, variable"
        )

    def clinical(self, variable: str) -> pd.DataFrame:
        """One further variable where it is known: patient_key, value (a category), number."""
        return self.rows(
            "SELECT patient_key, value, number FROM clinical WHERE variable = ? "
            "ORDER BY patient_key",
            (variable,),
        )

    # -- features and signatures -------------------------------------------------------

    def features(self, *, treated_with_ici: bool | None = True) -> pd.DataFrame:
        """The features that some patient has: feature, name, category, unit, kind, centred, n."""
        treated = [] if treated_with_ici is None else [treated_with_ici]
        return self.rows(
            "SELECT f.feature, f.name, f.category, f.unit, f.kind, f.centred, v.n FROM feature f "
            "JOIN (SELECT feature, count(*)::INTEGER AS n FROM feature_value JOIN patient "
            f"USING (patient_key) {'WHERE treated_with_ici = ?' if treated else ''} GROUP BY 1) v "
            "USING (feature) ORDER BY f.category, f.name",
            treated,
        )

    def feature(self, feature: str) -> pd.DataFrame:
        """One feature where it is known: patient_key, value (a number), label (a category)."""
        return self.rows(
            "SELECT patient_key, value, label FROM feature_value WHERE feature = ? "
            "ORDER BY patient_key",
            (feature,),
        )

    def signatures(self, *, treated_with_ici: bool | None = True) -> pd.DataFrame:
        """Signatures that some eligible tumour has: source, signature, n_present, n_eligible."""
        treated = [] if treated_with_ici is None else [treated_with_ici]
        return self.rows(
            "WITH sample AS (SELECT s.* FROM signature_sample s JOIN patient USING (patient_key) "
            f"WHERE eligible {'AND treated_with_ici = ?' if treated else ''}) "
            "SELECT s.source, signature, count(*)::INTEGER AS n_present, "
            "(SELECT count(*)::INTEGER FROM sample t WHERE t.source = s.source) AS n_eligible "
            "FROM signature_activity a JOIN sample s USING (source, patient_key) "
            "WHERE weight > 0 "
            "GROUP BY s.source, signature "
            "ORDER BY s.source, "
            "try_cast(regexp_extract(signature, '[0-9]+') AS INTEGER), signature",
            treated,
        )

    def signature_weight(
        self, signature: str, source: str | None = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """A signature's share of each tumour's mutations, and who was decomposed; by patient_key.

        The share is 0 where the signature is absent, and NaN where the tumour was not decomposed or
        has too few mutations to be believed (*not eligible*). ``source`` None: any, where a
        patient has several the largest name.
        """
        share = np.full(self.n_patients, np.nan)
        decomposed = np.zeros(self.n_patients, dtype=bool)
        one = [] if source is None else [source]
        with self._cursor() as cursor:
            found = cursor.execute(
                "SELECT s.patient_key, s.eligible, coalesce(a.weight, 0) AS weight "
                "FROM signature_sample s LEFT JOIN signature_activity a "
                "ON a.source = s.source AND a.patient_key = s.patient_key AND a.signature = ? "
                f"{'WHERE s.source = ?' if one else ''} ORDER BY s.source",
                [signature, *one],
            ).fetchnumpy()
        keys, eligible = found["patient_key"], np.asarray(found["eligible"], dtype=bool)
        decomposed[keys] = True
        share[keys[eligible]] = np.asarray(found["weight"], dtype=float)[eligible]
        return share, decomposed

    def signature_samples(self) -> pd.DataFrame:
        """Every decomposed tumour: source, patient_key, n_snv, cosine_similarity, eligible.

        A tumour without a cosine similarity was sequenced by a panel and not fitted.
        """
        return self.rows(
            "SELECT source, patient_key, n_snv, cosine_similarity, eligible FROM signature_sample "
            "ORDER BY source, patient_key"
        )

    def signature_activities(self, source: str) -> pd.DataFrame:
        """The signatures of each tumour of a source: signature, patient_key, weight (above 0)."""
        return self.rows(
            "SELECT signature, patient_key, weight FROM signature_activity WHERE source = ? "
            "AND weight > 0 ORDER BY signature, patient_key",
            (source,),
        )

    def signature_profiles(self) -> pd.DataFrame:
        """The reference profiles: reference, signature, channel, weight (1 in all over the 96)."""
        return self.rows(
            "SELECT reference, signature, channel, weight FROM signature_reference "
            "ORDER BY reference, signature, channel"
        )

    def signature_aetiologies(self) -> dict[str, str]:
        """What is thought to cause each signature, by its name."""
        found = self.rows("SELECT signature, aetiology FROM signature_aetiology")
        return dict(zip(found.signature, found.aetiology, strict=True))

    def snv_contexts(self) -> tuple[pd.DataFrame, sparse.csr_array]:
        """SNVs with the bases around them: the kinds that occur (context: the base before, the
        changed base, the base after; reference, alternative), and patients (by patient_key) x
        kinds: how many."""
        found = self.rows(
            "SELECT patient_key, upper(substr(context, (length(context) - 1) // 2, 3)) AS context, "
            "reference_allele AS reference, tumor_seq_allele2 AS alternative, "
            "count(*)::INTEGER AS n FROM mutation WHERE context IS NOT NULL "
            "AND length(context) % 2 = 1 AND length(context) >= 3 "
            "AND length(reference_allele) = 1 AND length(tumor_seq_allele2) = 1 GROUP BY ALL"
        )
        kind, names = pd.factorize(found.context + found.reference + found.alternative)
        first = np.unique(kind, return_index=True)[1]
        kinds = found.iloc[first][["context", "reference", "alternative"]].reset_index(drop=True)
        at = (found.patient_key.to_numpy(), kind)
        shape = (self.n_patients, len(names))
        return kinds, sparse.csr_array((found.n.to_numpy(float), at), shape)

    def signature_material(self) -> pd.DataFrame:
        """What each cohort's calls hold for signatures, in display order: cohort_id, name, assay,
        treated_with_ici, patients, calls, snvs (with both alleles), with_context of them, and
        by_transcript: one base for another, but named on the gene's strand alone."""
        return self.rows(
            "SELECT c.cohort_id, c.name, c.assay, c.treated_with_ici, "
            "count(DISTINCT p.patient_key)::INTEGER AS patients, count(m.patient_key) AS calls, "
            "count(*) FILTER (length(reference_allele) = 1 AND length(tumor_seq_allele2) = 1) "
            "AS snvs, count(*) FILTER (length(reference_allele) = 1 "
            "AND length(tumor_seq_allele2) = 1 AND context IS NOT NULL) AS with_context, "
            "count(*) FILTER (reference_allele IS NULL AND "
            "regexp_matches(hgvsc, '(^|[^ACGT])[ACGT]>[ACGT]$')) AS by_transcript "
            "FROM cohort c JOIN patient p USING (cohort_id) "
            "LEFT JOIN mutation m USING (patient_key) GROUP BY ALL ORDER BY any_value(c.position)"
        )

    # -- mutations ---------------------------------------------------------------------

    def mutation_status(
        self, gene: str, classes: Sequence[str] = NON_SYNONYMOUS, position: int | None = None
    ) -> npt.NDArray[np.int8]:
        """The three states of every patient for one gene, indexed by patient_key.

        1: mutant (a call of one of ``classes``, at residue ``position`` if given); 0: wild type
        (profiled for the gene and not mutant); -1: not profiled. ``gene`` is a current symbol.
        """
        return self.mutation_statuses([gene], classes, position)[0]

    def mutation_statuses(
        self,
        genes: Sequence[str],
        classes: Sequence[str] = NON_SYNONYMOUS,
        position: int | None = None,
    ) -> npt.NDArray[np.int8]:
        """:meth:`mutation_status` of several genes (distinct): genes x patients."""
        if not classes:
            raise BadInput(
                "No mutation class is chosen.",
                expected="at least one of missense, truncating, splice, in-frame",
                found="none",
                remedy="Choose a mutation class.",
            )
        return self._statuses(tuple(genes), tuple(classes), position)

    def _read_statuses(
        self, genes: tuple[str, ...], classes: tuple[str, ...], position: int | None
    ) -> npt.NDArray[np.int8]:
        index = pd.Index(genes)
        status = np.full((len(index), self.n_patients), -1, dtype=np.int8)
        keys, whole, names = self._panels
        at = "" if position is None else "AND protein_position = ?"
        marks, of = ", ".join("?" * len(classes)), ", ".join("?" * len(index))
        with self._cursor() as cursor:
            listed = cursor.execute(
                f"SELECT panel_id, hugo_symbol FROM panel_gene WHERE hugo_symbol IN ({of})",
                [*index],
            ).fetchall()
            calls = cursor.execute(
                f"SELECT hugo_symbol, patient_key FROM mutation WHERE hugo_symbol IN ({of}) "
                f"AND variant_classification IN ({marks}) {at}",
                [*index, *classes, *([] if position is None else [position])],
            ).fetchnumpy()
        covers = np.tile(whole[:, None], (1, len(index)))
        panel_of = {name: i for i, name in enumerate(names)}
        for panel, gene in listed:
            covers[panel_of[panel], index.get_loc(gene)] = True
        for of_panel, covered in zip(keys, covers, strict=True):
            if of_panel.size and covered.any():
                status[np.ix_(np.flatnonzero(covered), of_panel)] = 0
        row = index.get_indexer(pd.Index(np.asarray(calls["hugo_symbol"], dtype=object)))
        status[row, np.asarray(calls["patient_key"], dtype=np.intp)] = 1
        status.setflags(write=False)
        return status

    @cached_property
    def _panels(
        self,
    ) -> tuple[list[npt.NDArray[np.intp]], npt.NDArray[np.bool_], npt.NDArray[np.str_]]:
        """Of every panel: the patients profiled with it, whether it covers all genes, its id."""
        panels = self.rows("SELECT panel_id, all_genes FROM panel ORDER BY panel_id")
        links = self.rows("SELECT panel_id, patient_key FROM profiled")
        of = links.groupby("panel_id").patient_key
        found = {str(panel): keys.to_numpy(np.intp) for panel, keys in of}
        nobody = np.empty(0, dtype=np.intp)
        return (
            [found.get(panel, nobody) for panel in panels.panel_id],
            panels.all_genes.to_numpy(bool),
            panels.panel_id.to_numpy(str),
        )

    def mutation_matrix(
        self,
        patient_keys: npt.ArrayLike,
        classes: Sequence[str] = NON_SYNONYMOUS,
        *,
        min_mutant: int = 1,
    ) -> MutationMatrix:
        """Every gene that at least ``min_mutant`` of the patients carry a call of ``classes`` in.

        Rows follow ``patient_keys`` (distinct), columns the genes in alphabetical order.
        """
        keys = np.asarray(patient_keys, dtype=np.intp)
        genes, pointer, carriers, covers = self._carriers(tuple(classes))
        row_of = np.full(self.n_patients, -1, dtype=np.int32)
        row_of[keys] = np.arange(keys.size)
        row = row_of[carriers]
        mutants = np.diff(np.cumsum(np.append(0, row >= 0))[pointer])
        often = mutants >= max(min_mutant, 1)
        rows = row[(row >= 0) & np.repeat(often, np.diff(pointer))]
        ends = np.append(0, np.cumsum(mutants[often]))
        shape = (keys.size, int(often.sum()))
        mutated = sparse.csc_array((np.ones(rows.size), rows, ends), shape)
        mutated.sort_indices()
        return MutationMatrix(genes[often], mutated, *self._profiles(covers[often], keys))

    def _read_carriers(
        self, classes: tuple[str, ...]
    ) -> tuple[
        npt.NDArray[np.object_], npt.NDArray[np.intp], npt.NDArray[np.int32], npt.NDArray[np.bool_]
    ]:
        """Genes with a call of ``classes``, sorted; where each one's carriers begin and the last
        end; the carriers (patient_key, ascending by gene); genes x panels: who covers it."""
        marks = ", ".join("?" * len(classes))
        with self._cursor() as cursor:
            calls = cursor.execute(
                "SELECT hugo_symbol, list_sort(list(DISTINCT patient_key)) AS keys FROM mutation "
                f"WHERE variant_classification IN ({marks}) GROUP BY 1 ORDER BY 1",
                list(classes),
            ).fetchnumpy()
            listed = cursor.execute("SELECT hugo_symbol, panel_id FROM panel_gene").fetchnumpy()
        genes = np.asarray(calls["hugo_symbol"], dtype=object)
        pointer = np.cumsum([0, *(len(keys) for keys in calls["keys"])])
        carriers = np.concatenate([*calls["keys"], np.empty(0)]).astype(np.int32)
        _, whole, names = self._panels
        covers = np.tile(whole, (genes.size, 1))
        gene, panel = (
            pd.Index(of).get_indexer(pd.Index(listed[column]))
            for of, column in ((genes, "hugo_symbol"), (names, "panel_id"))
        )
        covers[gene[gene >= 0], panel[gene >= 0]] = True
        return genes, pointer, carriers, covers

    def _profiles(
        self, covers: npt.NDArray[np.bool_], keys: npt.NDArray[np.intp]
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.intp]]:
        """Patients x profiles, and the profile of each gene, from genes x panels that cover it.

        Genes that the same patients are profiled for share one, whichever panels these have.
        """
        has = np.zeros((self.n_patients, covers.shape[1]), dtype=np.float32)
        for panel, profiled in enumerate(self._panels[0]):
            has[profiled, panel] = 1
        sets, of_gene = _distinct(covers)
        by_set = (has[keys] @ sets.T.astype(np.float32)) > 0
        profiles, of_set = _distinct(by_set.T)
        return profiles.T, of_set[of_gene]

    def mutations(self, gene: str) -> pd.DataFrame:
        """Every call of one gene with its patient's cohort and tumour type."""
        return self.rows(
            "SELECT m.*, p.cohort_id, p.patient_id, p.tumor_type, p.tumor_type_source, "
            "p.treated_with_ici FROM mutation m JOIN patient p USING (patient_key) "
            "WHERE hugo_symbol = ? ORDER BY patient_key, protein_position",
            (gene,),
        )

    def protein_length(self, gene: str) -> int | None:
        """Residues of the gene's protein; None where the store has no entry."""
        found = self.rows("SELECT length FROM protein WHERE hugo_symbol = ?", (gene,))
        return int(found.length[0]) if len(found) else None

    def protein_domains(self, gene: str) -> pd.DataFrame:
        """Domains along the protein: name, start_residue, end_residue, description, source."""
        return self.rows(
            "SELECT name, start_residue, end_residue, description, source FROM protein_domain "
            "WHERE hugo_symbol = ? ORDER BY start_residue, end_residue",
            (gene,),
        )

    def hotspots(self, gene: str) -> pd.DataFrame:
        """Known recurrent residues of the gene: residue, source."""
        return self.rows(
            "SELECT residue, any_value(source) AS source FROM hotspot WHERE hugo_symbol = ? "
            "GROUP BY 1 ORDER BY 1",
            (gene,),
        )

    def gene_facts(self) -> dict[str, pd.DataFrame]:
        """The tables that describe genes, sets and signatures, whoever the patients are."""
        names = ("gene_alias", "gene_set", "hotspot", "protein", "protein_domain",
                 "signature_aetiology", "signature_reference")  # fmt: skip
        return {name: self.rows(f"SELECT * FROM {name}") for name in names}

    def panel_genes(self) -> dict[str, tuple[str, ...]]:
        """The genes of each targeted panel, by its id."""
        found = self.rows("SELECT panel_id, hugo_symbol FROM panel_gene ORDER BY 1, 2")
        by = found.groupby("panel_id").hugo_symbol
        return {str(name): tuple(genes) for name, genes in by}

    def gene_sets(self) -> dict[str, tuple[str, ...]]:
        """Genes of each named set, by name."""
        found = self.rows("SELECT DISTINCT gene_set, hugo_symbol FROM gene_set ORDER BY 1, 2")
        by = found.groupby("gene_set").hugo_symbol
        return {str(name): tuple(genes) for name, genes in by}

    def source_tumor_types(self, cohort_id: str) -> pd.DataFrame:
        """A study's own tumour types: tumor_type_source, tumor_type (main), n patients."""
        return self.rows(
            "SELECT tumor_type_source, any_value(tumor_type) AS tumor_type, count(*) AS n "
            "FROM patient WHERE cohort_id = ? AND tumor_type_source IS NOT NULL "
            "GROUP BY 1 ORDER BY 1",
            (cohort_id,),
        )

    def endpoint_advice(self) -> pd.DataFrame:
        """How far each endpoint may be trusted: tumor_type_source, endpoint, advice, note."""
        return self.rows("SELECT * FROM endpoint_advice ORDER BY tumor_type_source, endpoint")

    # -- expression --------------------------------------------------------------------

    def expression(self, gene: str) -> npt.NDArray[np.float32]:
        """log2(value + 1) of one gene, indexed by patient_key; NaN where not measured."""
        out = np.full(self.n_patients, np.nan, dtype=np.float32)
        with self._cursor() as cursor:
            row = cursor.execute(
                "SELECT values_milli_log2 FROM expression WHERE hugo_symbol = ?", [gene]
            ).fetchnumpy()["values_milli_log2"]
        if not len(row):
            return out
        coded = np.asarray(row[0], dtype=np.uint16)
        values = coded.astype(np.float32) / 1000.0
        values[coded == EXPRESSION_MISSING] = np.nan
        out[self.expression_patients()] = values
        return out

    def expression_table(self, genes: Sequence[str]) -> dict[str, npt.NDArray[np.float32]]:
        """:meth:`expression` of several genes; those that were not measured are absent."""
        marks = ", ".join("?" * len(genes))
        found = self.rows(
            f"SELECT hugo_symbol, values_milli_log2 FROM expression WHERE hugo_symbol IN ({marks})",
            genes,
        )
        keys = self.expression_patients()
        out: dict[str, npt.NDArray[np.float32]] = {}
        for gene, row in zip(found.hugo_symbol, found.values_milli_log2, strict=True):
            coded = np.asarray(row, dtype=np.uint16)
            values = np.full(self.n_patients, np.nan, dtype=np.float32)
            values[keys] = np.where(coded == EXPRESSION_MISSING, np.nan, coded / np.float32(1000))
            out[str(gene)] = values
        return out

    def expression_patients(self) -> npt.NDArray[np.intp]:
        """patient_key of each column of the expression matrix (read-only)."""
        return self._expression_patients

    @cached_property
    def _expression_patients(self) -> npt.NDArray[np.intp]:
        found = self.rows("SELECT patient_key FROM expression_sample ORDER BY position")
        keys = found.patient_key.to_numpy(dtype=np.intp, copy=True)
        keys.flags.writeable = False
        return keys

    def expression_genes(self) -> list[str]:
        """Genes of the expression matrix, sorted."""
        found = self.rows("SELECT hugo_symbol FROM expression ORDER BY hugo_symbol")
        return [str(g) for g in found.hugo_symbol]

    def expression_matrix(self) -> tuple[list[str], npt.NDArray[np.uint16]]:
        """The whole matrix: genes, and genes x samples of round(1000 log2(value + 1)).

        Columns follow :meth:`expression_patients`; EXPRESSION_MISSING marks a missing value. Two
        bytes a cell: 450 MB for 20,500 genes in 11,000 samples.
        """
        genes, samples = self.expression_genes(), self.expression_patients().size
        matrix = np.empty((len(genes), samples), dtype=np.uint16)
        for at in range(0, len(genes), MATRIX_ROWS):
            block = genes[at : at + MATRIX_ROWS]
            with self._cursor() as cursor:
                found = cursor.execute(
                    "SELECT values_milli_log2 AS row FROM expression "
                    "WHERE hugo_symbol BETWEEN ? AND ? ORDER BY hugo_symbol",
                    [block[0], block[-1]],
                ).fetchnumpy()["row"]
            matrix[at : at + len(block)] = np.stack(list(found))
        return genes, matrix

    # -- features of tumours -----------------------------------------------------------

    def feature_catalogue(self) -> pd.DataFrame:
        """The features of tumours that have values, indexed by feature.

        Columns: name, category, unit, kind, centred, source, description, n (patients with a
        value), n_types (source tumour types with a patient that has one).
        """
        return self._feature_catalogue.copy()

    @cached_property
    def _feature_catalogue(self) -> pd.DataFrame:
        return self.rows(
            "SELECT f.*, count(*)::INTEGER AS n, "
            "count(DISTINCT tumor_type_source)::INTEGER AS n_types "
            "FROM feature f JOIN feature_value USING (feature) JOIN patient USING (patient_key) "
            "GROUP BY ALL ORDER BY f.category, f.name, f.feature"
        ).set_index("feature")

    def feature_table(self, features: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
        """Values of several numeric features, each indexed by patient_key; NaN where missing.

        A feature without a value is absent.
        """
        marks = ", ".join("?" * len(features))
        with self._cursor() as cursor:
            found = cursor.execute(
                "SELECT feature, list(patient_key) AS keys, list(value) AS found FROM "
                f"feature_value WHERE feature IN ({marks}) AND value IS NOT NULL GROUP BY 1",
                list(features),
            ).fetchnumpy()
        out: dict[str, npt.NDArray[np.float64]] = {}
        for feature, keys, value in zip(*found.values(), strict=True):
            row = np.full(self.n_patients, np.nan)
            row[np.asarray(keys, dtype=np.intp)] = value
            out[str(feature)] = row
        return out

    def feature_labels(self, feature: str) -> npt.NDArray[np.object_]:
        """Category of each patient, indexed by patient_key; None where missing."""
        found = self.rows(
            "SELECT patient_key, label FROM feature_value WHERE feature = ? AND label IS NOT NULL",
            (feature,),
        )
        out = np.full(self.n_patients, None, dtype=object)
        out[found.patient_key.to_numpy(dtype=np.intp)] = found.label.to_numpy(dtype=object)
        return out


def _remembered(method: Callable[P, R], most: int) -> Callable[P, R]:
    """``method`` with its last ``most`` answers, which does not keep its object alive: a store that
    nobody uses any more closes at once."""
    weak = WeakMethod(method)

    def ask(*asked: P.args, **how: P.kwargs) -> R:
        bound = weak()
        assert bound is not None  # it is asked through its object
        return bound(*asked, **how)

    return cast("Callable[P, R]", lru_cache(maxsize=most)(ask))


def _distinct(rows: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.intp]]:
    """The distinct ones of ``rows`` in the order of their first, and which of them each is."""
    packed = np.ascontiguousarray(np.packbits(rows, axis=1))
    whole = packed.view(np.dtype((np.void, max(packed.shape[1], 1)))).reshape(-1)
    _, first, of = np.unique(whole, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    return rows[np.sort(first)], rank[of.reshape(-1)]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _not_opened(path: Path, error: duckdb.Error) -> StoreError:
    """Why ``path`` does not open, with what to do about it."""
    found = _first_line(error)
    if "lock" in found.lower():
        return StoreError(
            "Another program is writing to the store.",
            where=str(path),
            expected="a store that nobody changes",
            found=found,
            remedy="Close that program, then reload this page. A build does not lock the store in "
            "use: it writes a file of its own.",
        )
    return StoreError(
        "The store cannot be opened.",
        where=str(path),
        expected=f"a DuckDB store of schema version {SCHEMA_VERSION}",
        found=found,
        remedy="Build it again with `python -m data build`, or remove the store folder to "
        "fall back on simulated data.",
    )


def _of_another_version(path: Path, found: str) -> StoreError:
    return StoreError(
        "The store was built by another version of this program.",
        where=str(path),
        expected=f"schema version {SCHEMA_VERSION}",
        found=found,
        remedy="Build it again with `python -m data build`.",
    )


def _not_read(path: Path, error: duckdb.Error) -> StoreError:
    """Why a question to an open store failed, with what to do about it."""
    found = _first_line(error)
    if isinstance(error, (duckdb.CatalogException, duckdb.BinderException)):
        return _of_another_version(path, found)
    if isinstance(error, duckdb.OutOfMemoryException):
        return StoreError(
            "This machine has too little memory left for this question.",
            where=str(path),
            found=found,
            remedy="Ask about fewer genes or patients, or again when fewer people use the server.",
        )
    return StoreError(
        "A part of the store cannot be read.",
        where=str(path),
        expected="every table of the store whole",
        found=found,
        remedy="Questions that need other parts still work. Build the store again with "
        "`python -m data build`; this page then moves to the new one by itself.",
    )


def current_build(folder: Path) -> Path | None:
    """The store file that a store folder's pointer names; None where nothing was ever built.

    Raises StoreError where the pointer is damaged or names a file that is gone.
    """
    pointer = folder / POINTER
    try:
        name = str(json.loads(pointer.read_text(encoding="utf-8"))["file"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise StoreError(
            "The pointer of the store folder cannot be read.",
            where=str(pointer),
            expected='JSON such as {"file": "store-....duckdb"}',
            found=f"{type(error).__name__}: {error}",
            remedy="Build again with `python -m data build`.",
        ) from error
    path = folder / Path(name).name
    if not path.exists():
        raise StoreError(
            "The store that the pointer names is gone.",
            where=str(pointer),
            expected=str(path),
            found="no such file",
            remedy="Build again with `python -m data build`.",
        )
    return path


def open_store(path: Path) -> Store:
    """Open a store file, or the current build of a store folder. Raises StoreError."""
    if path.is_dir():
        current = current_build(path)
        if current is None:
            raise StoreError(
                "There is no store here yet.",
                where=str(path),
                expected=f"a folder with {POINTER}",
                found="an empty folder",
                remedy="Build one with `python -m data build` or `python -m data demo`.",
            )
        path = current
    return Store(path)


def default_path() -> Path | None:
    """The store that the dashboard shows: the current build of the folder (or the file) that
    ``ICI_EXPLORER_STORE`` names, else of ``stores``; else the simulated one beside it.

    ``stores`` is looked for in the working folder, then in the project's own, since a notebook
    works elsewhere. None where neither has been made. Raises StoreError where a pointer is damaged.
    """
    named = os.environ.get(STORE_VARIABLE)
    folder = Path(named or "stores").expanduser().resolve()
    if not named and not folder.is_dir():
        folder = Path(__file__).resolve().parents[1] / "stores"
    if folder.is_file():
        return folder
    return current_build(folder) or current_build(folder / "simulated")


def open_default() -> Store:
    """Open the store of :func:`default_path`. Raises StoreError where there is none."""
    path = default_path()
    if path is None:
        raise StoreError(
            "There is no store here yet.",
            where=os.environ.get(STORE_VARIABLE) or str(Path("stores").resolve()),
            expected=f"a store in the folder stores, or in the one that {STORE_VARIABLE} names",
            found="none",
            remedy="Build one with `python -m data build` (real patients) or `python -m data demo` "
            "(simulated), or start Python in the project's folder. `open_simulated()` of "
            "data.demo_store opens a simulated one that needs no folder.",
        )
    return Store(path)
