"""Build the store: read what is there, harmonise, assemble the tables, publish.

Says what is missing and what each missing source would add; a source that is missing makes a
poorer store, one that is wrong makes none.
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from core.model import NON_SYNONYMOUS, SCHEMA_VERSION, BuildError
from core.version import code_version
from data import fact_tables, ici, signatures_build, tcga, tcga_features
from data.calls import EXOME, without_excluded
from data.cohort_spec import CohortSpec, load_cohorts
from data.harmonise import HarmonisedCohort, standardised_tmb
from data.locate import locate, position_index
from data.publish import Progress, publish, silent
from data.sources import Source, load_sources

PACKAGE = Path(__file__).parent
TCGA = "tcga"
EXAMPLES = "examples"
"""Group of the manifest that no build reads: studies to try the importer with."""
BY_POSITION = "exome_by_position"


@dataclass(frozen=True)
class Built:
    """A finished build: the store's path, what was left out or noticed, what is missing."""

    path: Path
    notes: tuple[str, ...]
    missing: tuple[Source, ...]


@dataclass
class Assembly:
    """What the parts of a build share: patients with their keys, and the raw folder."""

    raw: Path
    patients: pd.DataFrame
    notes: list[str]

    def keys(self, cohort_id: str, patient_ids: pd.Series) -> pd.Series:
        """patient_key of each id of one cohort; <NA> where the id is unknown."""
        own = self.patients[self.patients.cohort_id == cohort_id]
        known = pd.Series(own.patient_key.to_numpy(), index=own.patient_id.to_numpy())
        return patient_ids.map(known).astype("Int64")


def build_store(
    raw: Path,
    folder: Path,
    progress: Progress = silent,
    *,
    genome: Path | None = None,
    signatures: Path | None = None,
) -> Built:
    """Build a store in ``folder`` from the published files below ``raw``.

    ``genome`` is the reference genome (2bit or FASTA) that the bases around SNVs are read from,
    where their file does not carry them; mutational signatures need them. ``signatures`` is a
    table of a user's own reference signatures, fitted beside COSMIC's.
    Raises BadFile where a file is not what it should be, BuildError where nothing is there to
    build from or the result fails its checks. The store in use stays untouched until the new one
    has passed.
    """
    sources = [s for s in _of_store() if not s.optional or (raw / s.id).exists()]
    read, missing = _split(sources, raw)
    specs = load_cohorts()
    here = [s for s in specs if ici.present(s, raw)]
    if not here:
        raise BuildError(
            "There is nothing to build from.",
            where=str(raw),
            expected="the published files of at least one cohort",
            found="none of " + ", ".join(s.cohort_id for s in specs),
            remedy="Fetch them with `python -m data fetch`, or name their folder with --raw.",
        )
    cohorts, notes = _read_cohorts(here, raw, progress)
    assembly = Assembly(raw, patient_table(cohorts), notes)
    tables = core_tables(assembly, cohorts, progress)
    tables |= fact_tables.read(raw)
    tables |= tcga_features.read(raw, assembly.patients, assembly.notes, progress)
    tables |= signatures_build.read(
        tables,
        genome=genome,
        cache=folder / "cache",
        notes=notes,
        progress=progress,
        own=signatures,
    )
    _burden_of_tcga(tables)
    tables["gene"] = gene_table(tables)
    tables["source"] = _sources(read, missing + _optional(raw), raw)
    tables["build"] = _build_row(tables["source"], notes, genome, signatures)
    path = publish(tables, folder, progress=lambda what, done: progress(what, 0.6 + 0.4 * done))
    return Built(path, tuple(notes), tuple(missing))


def _of_store() -> list[Source]:
    """The sources that a build may read: the examples of a format are none of them."""
    return [s for s in load_sources() if s.group != EXAMPLES]


def _optional(raw: Path) -> list[Source]:
    """Large originals that are not here: no build needs them, and the app names what they add."""
    return [s for s in _of_store() if s.optional and not (raw / s.id).exists()]


def _split(sources: list[Source], raw: Path) -> tuple[list[Source], list[Source]]:
    here = [s for s in sources if (raw / s.id).exists()]
    gone = [s for s in sources if not (raw / s.id).exists()]
    return here, gone


def _read_cohorts(
    specs: list[CohortSpec], raw: Path, progress: Progress
) -> tuple[list[HarmonisedCohort], list[str]]:
    cohorts: list[HarmonisedCohort] = []
    notes: list[str] = []
    for i, spec in enumerate(specs):
        progress(f"reading {spec.name}", 0.15 * i / len(specs))
        cohort = ici.read_cohort(spec, raw)
        if spec.cohort_id == TCGA:
            cohort = tcga.with_case_list_patients(cohort, raw)
        cohorts.append(cohort)
        notes += [f"{spec.name}: {n}" for n in cohort.notes]
    return cohorts, notes


def patient_table(cohorts: list[HarmonisedCohort]) -> pd.DataFrame:
    """The table ``patient`` but for assay and n_calls, which need the calls."""
    frame = pd.concat(
        [c.patients.assign(cohort_id=c.spec.cohort_id) for c in cohorts], ignore_index=True
    )
    frame.insert(0, "patient_key", np.arange(len(frame), dtype=np.int32))
    linked = ici.link_shared(cohorts)
    frame = frame.merge(linked, how="left", on=["cohort_id", "patient_id"])
    frame["counted_here"] = frame.counted_here.ne(False)
    redacted = pd.Series(False, index=frame.index)
    for cohort in cohorts:
        gone = cohort.clinical[cohort.clinical.variable == "redacted"].patient_id
        redacted |= (frame.cohort_id == cohort.spec.cohort_id) & frame.patient_id.isin(gone)
    frame["included"] = ~redacted
    frame["excluded_why"] = pd.Series("withdrawn (redacted in TCGA-CDR)", frame.index).where(
        redacted
    )
    return frame.astype({"counted_here": bool})


def core_tables(
    assembly: Assembly, cohorts: list[HarmonisedCohort], progress: Progress
) -> dict[str, Any]:
    """The tables of patients, calls and panels; completes ``assembly.patients`` in place."""
    progress("reading calls", 0.2)
    by_cohort: dict[str, pa.Table] = {}
    profiled: dict[str, pd.DataFrame] = {}
    panels: dict[str, tuple[str, ...] | None] = {}
    for cohort in cohorts:
        own = cohort.spec.cohort_id
        if own == TCGA:
            calls = tcga.read_calls(assembly.raw, pd.Index(cohort.patients.patient_id))
            by_cohort[own], profiled[own] = calls.calls, calls.profiled
            panels |= calls.panels
            assembly.notes += [f"TCGA: {n}" for n in calls.notes]
        else:
            by_cohort[own] = tcga.arrow_calls(cohort.mutations)
            profiled[own] = cohort.profiled
            panels |= {k: v for k, v in cohort.panels.items() if k != BY_POSITION}
    progress("finding genes by position", 0.5)
    for cohort in cohorts:
        spec = cohort.spec.mutations
        own = cohort.spec.cohort_id
        if spec is None:
            continue
        if spec.genes_from == "position" and by_cohort[own].num_rows:
            by_cohort[own], panels[BY_POSITION] = _by_position(cohort, by_cohort)
        by_cohort[own] = (
            tcga.arrow_calls(without_excluded(by_cohort[own].to_pandas(), spec, assembly.notes))
            if spec.exclude
            else by_cohort[own]
        )
    mutation = pa.concat_tables(
        [_keyed_calls(assembly, own, calls) for own, calls in by_cohort.items()]
    )
    nobody = pd.DataFrame(columns=["patient_id", "panel_id", "patient_key", "cohort_id"])
    found = [
        f.assign(patient_key=assembly.keys(own, f.patient_id), cohort_id=own)
        for own, f in profiled.items()
        if len(f)
    ]
    keyed = pd.concat(found) if found else nobody
    _finish_patients(assembly, cohorts, by_cohort, keyed)
    progress("assembling tables", 0.55)
    return {
        "cohort": _cohorts(cohorts, by_cohort),
        "patient": assembly.patients,
        "endpoint": _stack(assembly, {c.spec.cohort_id: c.endpoints for c in cohorts}),
        "clinical": _stack(assembly, {c.spec.cohort_id: c.clinical for c in cohorts}),
        "mutation": mutation,
        "profiled": keyed[["patient_key", "panel_id"]],
        "panel": _panel_table(panels, cohorts),
        "panel_gene": pd.DataFrame(
            [(p, g) for p, genes in panels.items() for g in genes or ()],
            columns=["panel_id", "hugo_symbol"],
        ),
    }


def _by_position(
    cohort: HarmonisedCohort, by_cohort: dict[str, pa.Table]
) -> tuple[pa.Table, tuple[str, ...]]:
    """Calls of a file without symbols with their genes, and the genes that can be found so."""
    columns = ["chromosome", "start_position", "hugo_symbol", "variant_classification"]
    others = pd.concat(
        [t.select(columns).to_pandas() for k, t in by_cohort.items() if k != cohort.spec.cohort_id]
    )
    index = position_index(others)
    calls = cohort.mutations.astype({"hugo_symbol": object})
    coding = calls.hgvsp_short.notna()
    calls.loc[coding, "hugo_symbol"] = locate(calls[coding], index)
    return tcga.arrow_calls(calls[calls.hugo_symbol.notna()]), index.well_covered


def _keyed_calls(assembly: Assembly, cohort_id: str, calls: pa.Table) -> pa.Table:
    """Calls with patient_key in place of patient_id; calls without a gene are left out."""
    keys = assembly.keys(cohort_id, calls["patient_id"].to_pandas())
    keyed = calls.drop_columns(["patient_id"]).append_column(
        "patient_key", pa.array(keys.to_numpy(dtype=np.int32, na_value=-1))
    )
    gene = keyed["hugo_symbol"]
    known = pc.and_(pc.is_valid(gene), pc.not_equal(gene, "UNKNOWN"))
    return keyed.filter(pc.and_(known, pc.greater_equal(keyed["patient_key"], 0)))


def _finish_patients(
    assembly: Assembly,
    cohorts: list[HarmonisedCohort],
    by_cohort: dict[str, pa.Table],
    keyed: pd.DataFrame,
) -> None:
    """Add assay and n_calls: NULL where not profiled, 0 where profiled and without a call."""
    patients = assembly.patients
    assays = {c.spec.cohort_id: c.spec.assay for c in cohorts}
    is_profiled = patients.patient_key.isin(keyed.patient_key)
    patients["assay"] = patients.cohort_id.map(assays).where(is_profiled, "not sequenced")
    counts = pd.Series(0, index=patients.patient_key)
    for cohort in cohorts:
        own = cohort.spec.cohort_id
        # a file without symbols still counts its rows
        ids = (
            by_cohort[own]["patient_id"].to_pandas() if own == TCGA else cohort.mutations.patient_id
        )
        found = assembly.keys(own, ids).dropna().value_counts()
        counts.loc[found.index] = found.to_numpy()
    patients["n_calls"] = counts.to_numpy()
    patients["n_calls"] = patients.n_calls.astype("Int64").where(is_profiled)


def _stack(assembly: Assembly, frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    parts = []
    for cohort_id, frame in frames.items():
        keys = assembly.keys(cohort_id, frame.patient_id)
        parts.append(frame.drop(columns="patient_id").assign(patient_key=keys))
    filled = [p for p in parts if len(p)] or parts[:1]
    stacked = pd.concat(filled, ignore_index=True)
    return stacked[stacked.patient_key.notna()]


def _cohorts(cohorts: list[HarmonisedCohort], by_cohort: dict[str, pa.Table]) -> pd.DataFrame:
    rows = []
    for cohort in cohorts:
        spec = cohort.spec
        rows.append(
            {
                "cohort_id": spec.cohort_id,
                "name": spec.name,
                "position": spec.position,
                "role": spec.role,
                "assay": spec.assay,
                "genome_build": spec.genome_build or None,
                "treated_with_ici": spec.treated_with_ici,
                "has_mutations": by_cohort[spec.cohort_id].num_rows > 0,
                "endpoints": ",".join(sorted(cohort.endpoints.endpoint.unique())),
                "citation": spec.citation,
                "doi": spec.doi,
                "licence": spec.licence,
                "description": spec.description,
                "caveats": "\n".join(spec.caveats),
            }
        )
    return pd.DataFrame(rows)


def _panel_table(
    panels: dict[str, tuple[str, ...] | None], cohorts: list[HarmonisedCohort]
) -> pd.DataFrame:
    sizes = {
        c.spec.profiled.panel_name: c.spec.profiled.megabases
        for c in cohorts
        if c.spec.profiled is not None and c.spec.profiled.panel_name
    }
    rows = [
        {
            "panel_id": name,
            "name": "whole exome" if name == EXOME else name,
            "all_genes": genes is None,
            "megabases": sizes.get(name),
        }
        for name, genes in panels.items()
    ]
    return pd.DataFrame(rows, columns=["panel_id", "name", "all_genes", "megabases"])


def gene_table(tables: dict[str, Any]) -> pd.DataFrame:
    """Every gene with a call or on a panel, with the numbers of mutant patients."""
    mutation: pa.Table = tables["mutation"]
    wanted = pc.is_in(mutation["variant_classification"], pa.array(NON_SYNONYMOUS))
    pairs = mutation.filter(wanted).select(["hugo_symbol", "patient_key"]).to_pandas()
    pairs = pairs.drop_duplicates()
    patients = tables["patient"].set_index("patient_key")
    treated = pairs.patient_key.map(patients.cohort_id != TCGA).to_numpy(bool)
    n_ici = pairs[treated].hugo_symbol.value_counts()
    n_tcga = pairs[~treated].hugo_symbol.value_counts()
    targeted = set(
        tables["panel_gene"].loc[tables["panel_gene"].panel_id != BY_POSITION, "hugo_symbol"]
    )
    every = set(pc.unique(mutation["hugo_symbol"]).to_pylist()) | targeted
    frame = pd.DataFrame({"hugo_symbol": sorted(every)})
    frame["n_mutant_ici"] = frame.hugo_symbol.map(n_ici).fillna(0).astype(int)
    frame["n_mutant_tcga"] = frame.hugo_symbol.map(n_tcga).fillna(0).astype(int)
    frame["on_panel"] = frame.hugo_symbol.isin(targeted)
    return frame


def _burden_of_tcga(tables: dict[str, Any]) -> None:
    """TCGA's TMB is its feature of non-silent mutations per Mb."""
    values = tables.get("feature_value")
    if values is None:
        return
    rate = values[values.feature == "nonsilent_rate"].set_index("patient_key").value
    patients = tables["patient"]
    own = patients.cohort_id == TCGA
    # the published table has a rate of 0 for patients who were never sequenced: no rate at all
    sequenced = own & patients.n_calls.notna()
    patients.loc[sequenced, "tmb_per_mb"] = patients.patient_key[sequenced].map(rate)
    patients.loc[own & patients.tmb_per_mb.notna(), "tmb_source"] = "non-silent mutations per Mb"
    patients.loc[own, "tmb_z"] = standardised_tmb(patients.tmb_per_mb[own])


def _sources(read: list[Source], missing: list[Source], raw: Path) -> pd.DataFrame:
    rows = []
    for source in [*read, *missing]:
        path = raw / source.id
        here = path.exists()
        rows.append(
            {
                "source_id": source.id,
                "group_name": source.group,
                "status": "read" if here else "missing",
                "sha256": sha256(path) if here and path.is_file() else None,
                "bytes": path.stat().st_size if here else source.bytes,
                "address": source.address,
                "licence": source.licence,
                "citation": source.citation,
                "retrieved": source.date,
                "holds": source.holds,
                "adds": source.adds,
            }
        )
    return pd.DataFrame(rows)


def sha256(path: Path) -> str:
    """Hash of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _build_row(
    sources: pd.DataFrame, notes: list[str], genome: Path | None, signatures: Path | None
) -> pd.DataFrame:
    """The build's id hashes what went into it: source files, the name and size of the genome, a
    user's own signatures, and this package with its facts."""
    version = code_version()
    digest = hashlib.sha256(f"{SCHEMA_VERSION} {version}".encode())
    for row in sources.sort_values("source_id").itertuples():
        digest.update(f"{row.source_id} {row.sha256}".encode())
    if genome is not None:
        digest.update(f"{genome.name} {genome.stat().st_size}".encode())
    if signatures is not None:
        digest.update(signatures.name.encode() + signatures.read_bytes())
    for path in sorted(PACKAGE.rglob("*")):
        if path.suffix in (".py", ".toml", ".sql"):
            digest.update(path.relative_to(PACKAGE).as_posix().encode() + path.read_bytes())
    return pd.DataFrame(
        [
            {
                "build_id": digest.hexdigest()[:12],
                "schema_version": SCHEMA_VERSION,
                "created_at": datetime.now(UTC).replace(tzinfo=None),
                "code_version": version,
                "simulated": False,
                "seed": None,
                "notes": "\n".join(notes),
            }
        ]
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.add_argument(
        "--genome",
        type=Path,
        help="reference genome of the calls' build (.2bit or FASTA), such as hg19.2bit: the bases "
        "around SNVs, which signatures need, are read from it where the files do not carry them",
    )
    parser.add_argument(
        "--signatures",
        type=Path,
        help="a table of your own reference signatures, 96 channels in COSMIC's or SigProfiler's "
        "layout and as exomes show them: exomes are refitted to it as well as to COSMIC v3.4",
    )


def show(built: Built) -> None:
    """Print what a build noticed and what each missing source would add."""
    for note in built.notes:
        print(f"  note     {note}")
    for source in built.missing:
        print(f"  missing  {source.id}: would add {source.adds}")
    size = built.path.stat().st_size / 1e6
    print(f"\n{built.path} ({size:.0f} MB) is in use.")
