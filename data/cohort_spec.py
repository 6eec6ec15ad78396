"""The declarative file of a cohort (data/cohorts/*.toml) as checked dataclasses.

One file says everything that is particular to a study: which files hold what, which column is
which term, in which unit and coding. A new study in a known format is one such file and no code.
data/cohorts/README.md documents every key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

from core.model import BadFile

COHORT_FOLDER = Path(__file__).with_name("cohorts")

TIME_UNITS: dict[str, float] = {
    "days": 12 / 365.25,
    "weeks": 7 * 12 / 365.25,
    "months": 1.0,
    "years": 12.0,
}
"""Months in one of each unit; a year has 365.25 days."""

AGE_UNITS: dict[str, float] = {"years": 1.0, "days": 1 / 365.25}
"""Years in one of each unit."""

TMB_UNITS = ("per_mb", "count")
"""``count`` needs ``megabases``, the coding territory it is divided by."""

PATIENT_TERMS = (
    "tumor_type", "tumor_type_source", "tumor_type_detail", "drug", "drug_class", "arm",
    "age_years", "sex", "response", "stage", "tmb_per_mb",
)  # fmt: skip


@dataclass(frozen=True)
class Field:
    """Where a term comes from: a ``column`` (of ``table``, else the patients') or a ``value``.

    ``coding`` maps the file's labels to ours, compared without case; a label that it does not
    name is an error. ``missing`` are further cells that mean *no value*.
    """

    column: str = ""
    table: str = ""
    value: str | float | None = None
    unit: str = ""
    megabases: float | None = None
    decimal: str = "."
    coding: Mapping[str, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class Read:
    """A file (or folder) to read: the reader's ``format`` and its options."""

    name: str
    format: str
    path: str
    options: Mapping[str, Any] = field(default_factory=dict)
    optional: bool = False


@dataclass(frozen=True)
class TableKey:
    """How the rows of a table find their patient: the key column, and what is done to it."""

    key: str
    strip_zeros: bool = False
    where: Mapping[str, str] = field(default_factory=dict)
    several: str = "refuse"  # or "first": the first row of a patient is taken
    matches: str = ""  # a column of the patients' table that the key equals, where it is no id


@dataclass(frozen=True)
class EndpointSpec:
    time: Field
    event: Field
    longest_months: float = 300.0


@dataclass(frozen=True)
class MutationSpec:
    """Where the calls are, and which column is which MAF term.

    ``via`` names a table (with a sample column and a patient key) that leads from samples to
    patients. ``class_from`` is ``column`` or ``protein_change`` (files that give only p.S336F).
    ``genes_from`` is ``column`` or ``position`` (files without symbols).
    """

    tables: tuple[str, ...]
    patient: str
    columns: Mapping[str, str] = field(default_factory=dict)
    via: str = ""
    via_sample: str = "SAMPLE_ID"
    strip_zeros: bool = False
    class_from: str = "column"
    genes_from: str = "column"
    call_source: str = ""
    exclude: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class ProfiledSpec:
    """Who was profiled: ``rule`` everyone, with_calls or column; and on which ``panel``.

    ``panel``: exome, or the name of a panel that the reader found (``panel_column``: one per
    patient), or ``observed``: the genes that occur in the calls.
    """

    rule: str
    panel: str = "exome"
    panel_column: Field | None = None
    column: Field | None = None
    values: tuple[str, ...] = ()
    panel_name: str = ""
    panel_genes: tuple[str, ...] = ()
    megabases: float | None = None


@dataclass(frozen=True)
class Shared:
    """Patients whom another study reports as well, matched by id where they exist there."""

    cohort: str
    pattern: str
    where: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CohortSpec:
    cohort_id: str
    name: str
    position: int
    role: str
    assay: str
    citation: str
    reads: tuple[Read, ...]
    patients: str
    keys: Mapping[str, TableKey]
    patient_fields: Mapping[str, Field]
    endpoints: Mapping[str, EndpointSpec]
    path: Path
    genome_build: str = ""
    treated_with_ici: bool = True
    doi: str = ""
    licence: str = ""
    description: str = ""
    caveats: tuple[str, ...] = ()
    mutations: MutationSpec | None = None
    profiled: ProfiledSpec | None = None
    clinical: Mapping[str, Field] = field(default_factory=dict)
    shared: tuple[Shared, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """Paths below the raw folder that this cohort reads."""
        return tuple(r.path for r in self.reads)


def load_cohorts(folder: Path = COHORT_FOLDER) -> tuple[CohortSpec, ...]:
    """Every cohort file of ``folder`` in display order. Raises BadFile naming file and key."""
    specs = sorted((load_cohort(p) for p in folder.glob("*.toml")), key=lambda s: s.position)
    for one, other in pairwise(specs):
        if one.position == other.position:
            raise BadFile(
                f"The cohorts {one.cohort_id} and {other.cohort_id} have one position.",
                where=str(other.path),
                expected="a position of its own",
                found=str(other.position),
                remedy="Give one of them another position.",
            )
    return tuple(specs)


def load_cohort(path: Path) -> CohortSpec:
    """One cohort file. Raises BadFile for TOML errors, unknown or missing keys, unknown units."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadFile(
            "A cohort file is not valid TOML.",
            where=str(path),
            expected="TOML as in data/cohorts/README.md",
            found=str(error),
            remedy="Correct the line that is named.",
        ) from error
    raw["keys"] = {k: _make(TableKey, v, path, f"keys.{k}") for k, v in raw.pop("keys").items()}
    reads = raw.pop("read", [])
    raw["reads"] = tuple(_make(Read, r, path, "read") for r in reads)
    raw["patient_fields"] = {
        k: _field(v, path, f"patient.{k}") for k, v in raw.pop("patient", {}).items()
    }
    raw["clinical"] = {
        k: _field(v, path, f"clinical.{k}") for k, v in raw.pop("clinical", {}).items()
    }
    raw["endpoints"] = {
        k: _endpoint(v, path, f"endpoint.{k}") for k, v in raw.pop("endpoint", {}).items()
    }
    if "mutations" in raw:
        raw["mutations"] = _make(MutationSpec, raw["mutations"], path, "mutations")
    if "profiled" in raw:
        profiled = dict(raw["profiled"])
        for key in ("panel_column", "column"):
            if key in profiled:
                profiled[key] = _field(profiled[key], path, f"profiled.{key}")
        raw["profiled"] = _make(ProfiledSpec, profiled, path, "profiled")
    raw["shared"] = tuple(_make(Shared, s, path, "shared") for s in raw.pop("shared", []))
    spec: CohortSpec = _make(CohortSpec, {**raw, "path": path}, path, "")
    _check(spec)
    return spec


def _make(kind: type[Any], raw: Mapping[str, Any], path: Path, where: str) -> Any:
    names = {f.name for f in fields(kind)}
    if unknown := set(raw) - names:
        raise BadFile(
            f"A cohort file has a key that means nothing: {', '.join(sorted(unknown))}.",
            where=f"{path}{', ' + where if where else ''}",
            expected="one of " + ", ".join(sorted(names)),
            found=", ".join(sorted(unknown)),
            remedy="Correct the key; data/cohorts/README.md lists them all.",
        )
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
    try:
        return kind(**values)
    except TypeError as error:
        raise BadFile(
            "A cohort file lacks a key.",
            where=f"{path}{', ' + where if where else ''}",
            expected="every key that has no default",
            found=str(error).replace("__init__()", "it"),
            remedy="Add it; data/cohorts/README.md says what it means.",
        ) from error


def _field(raw: Mapping[str, Any], path: Path, where: str) -> Field:
    made: Field = _make(Field, raw, path, where)
    if not made.column and made.value is None:
        raise BadFile(
            "A field of a cohort file says neither a column nor a value.",
            where=f"{path}, {where}",
            expected="column = ... or value = ...",
            found=str(dict(raw)),
            remedy="Name the column that holds it, or the one value of all patients.",
        )
    return made


def _endpoint(raw: Mapping[str, Any], path: Path, where: str) -> EndpointSpec:
    parts = {**raw}
    for key in ("time", "event"):
        parts[key] = _field(raw.get(key, {}), path, f"{where}.{key}")
    made: EndpointSpec = _make(EndpointSpec, parts, path, where)
    _unit(made.time, tuple(TIME_UNITS), path, f"{where}.time")
    return made


def _unit(made: Field, known: tuple[str, ...], path: Path, where: str) -> None:
    if made.unit not in known:
        raise BadFile(
            "A field of a cohort file has no known unit.",
            where=f"{path}, {where}",
            expected="unit = one of " + ", ".join(known),
            found=repr(made.unit),
            remedy="Declare the unit that the study's numbers are in.",
        )


def _check(spec: CohortSpec) -> None:
    if unknown := set(spec.patient_fields) - set(PATIENT_TERMS):
        raise BadFile(
            f"A cohort file declares terms that the model does not have: {sorted(unknown)}.",
            where=f"{spec.path}, patient",
            expected="terms among " + ", ".join(PATIENT_TERMS),
            found=", ".join(sorted(unknown)),
            remedy="Put further variables under [clinical].",
        )
    for term, units in (("age_years", tuple(AGE_UNITS)), ("tmb_per_mb", TMB_UNITS)):
        if term in spec.patient_fields:
            _unit(spec.patient_fields[term], units, spec.path, f"patient.{term}")
    tmb = spec.patient_fields.get("tmb_per_mb")
    if tmb is not None and (tmb.unit == "count") != (tmb.megabases is not None):
        raise BadFile(
            "TMB given as a count needs the megabases it is divided by.",
            where=f"{spec.path}, patient.tmb_per_mb",
            expected='unit = "count" together with megabases = ...',
            found=f"unit {tmb.unit!r}, megabases {tmb.megabases}",
            remedy="Give both for a count, or neither for a rate per Mb.",
        )
