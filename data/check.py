"""What must hold of every store: row counts, joins, ranges, orphans."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import duckdb

from core.model import VARIANT_CLASSIFICATIONS

RULES: tuple[tuple[str, str], ...] = (
    ("exactly one build row", "SELECT count(*) != 1 FROM build"),
    ("at least one cohort and one patient", "SELECT count(*) = 0 FROM patient"),
    (
        "patient keys run from 0 without a gap",
        "SELECT min(patient_key) != 0 OR max(patient_key) != count(*) - 1 FROM patient",
    ),
    (
        "every tumour type has a name",
        "SELECT count(*) FROM patient WHERE trim(tumor_type) = ''",
    ),
    (
        "ages lie between 0 and 120 years",
        "SELECT count(*) FROM patient WHERE age_years NOT BETWEEN 0 AND 120",
    ),
    (
        "TMB lies between 0 and 3000 per Mb",
        "SELECT count(*) FROM patient WHERE tmb_per_mb NOT BETWEEN 0 AND 3000",
    ),
    (
        "standardised TMB has mean 0 and SD 1 in each cohort",
        "SELECT count(*) FROM (SELECT abs(avg(tmb_z)) > 1e-6 OR abs(stddev_samp(tmb_z) - 1) > 1e-6 "
        "AS bad FROM patient WHERE tmb_z IS NOT NULL GROUP BY cohort_id HAVING count(*) > 2) "
        "WHERE bad",
    ),
    ("follow-up is shorter than 60 years", "SELECT count(*) FROM endpoint WHERE time_months > 720"),
    (
        "a mutated patient has been profiled",
        "SELECT count(DISTINCT patient_key) FROM mutation "
        "WHERE patient_key NOT IN (SELECT patient_key FROM profiled)",
    ),
    (
        "a patient without a count of calls has no call",
        "SELECT count(DISTINCT patient_key) FROM mutation m JOIN patient p USING (patient_key) "
        "WHERE p.n_calls IS NULL",
    ),
    (
        "every shared patient is counted exactly once",
        "SELECT count(*) FROM patient a JOIN patient b "
        "ON a.shared_with = b.cohort_id || ':' || b.patient_id "
        "WHERE a.counted_here = b.counted_here",
    ),
    (
        "shared patients exist in the other study, if that study is here",
        "SELECT count(*) FROM patient a WHERE shared_with IS NOT NULL "
        "AND split_part(shared_with, ':', 1) IN (SELECT cohort_id FROM cohort) "
        "AND NOT EXISTS (SELECT 1 FROM patient b "
        "WHERE a.shared_with = b.cohort_id || ':' || b.patient_id)",
    ),
    (
        "every panel in use is defined",
        "SELECT count(*) FROM profiled WHERE panel_id NOT IN (SELECT panel_id FROM panel)",
    ),
    (
        "a simulated store has only simulated sources",
        "SELECT count(*) FROM source, build WHERE build.simulated != (source.status = 'simulated')",
    ),
    (
        "every mutated gene can be asked for",
        "SELECT count(DISTINCT hugo_symbol) FROM mutation "
        "WHERE hugo_symbol NOT IN (SELECT hugo_symbol FROM gene)",
    ),
    (
        "expression arrays are as long as the list of samples",
        "SELECT count(*) FROM expression WHERE len(values_milli_log2) != "
        "(SELECT count(*) FROM expression_sample)",
    ),
    (
        "every feature value has its feature",
        "SELECT count(*) FROM feature_value WHERE feature NOT IN (SELECT feature FROM feature)",
    ),
    (
        "signature weights lie between 0 and 1",
        "SELECT count(*) FROM signature_activity WHERE weight NOT BETWEEN 0 AND 1.000001",
    ),
)
"""A rule's query gives the number of rows that break it, or a truth value."""

KEYED = (
    "clinical",
    "endpoint",
    "profiled",
    "mutation",
    "feature_value",
    "expression_sample",
    "signature_sample",
    "signature_activity",
)


@dataclass(frozen=True)
class Report:
    """The outcome of ``check``: rows per table, and the rules that do not hold."""

    rows: dict[str, int]
    problems: tuple[str, ...]


def report(path: Path) -> Report:
    """Check the store file at ``path``. Raises duckdb.Error where it cannot be read at all."""
    broken = []
    with duckdb.connect(str(path), read_only=True) as connection:

        def number(sql: str) -> int:
            row = connection.execute(sql).fetchone()
            return int(row[0] or 0) if row else 0

        tables = [r[0] for r in connection.execute("SHOW TABLES").fetchall()]
        rows = {t: number(f'SELECT count(*) FROM "{t}"') for t in tables}
        for rule, sql in RULES:
            if found := number(sql):
                broken.append(f"{rule}: broken by {found}")
        for table in KEYED:
            orphans = number(
                f"SELECT count(*) FROM {table} WHERE patient_key NOT IN "
                "(SELECT patient_key FROM patient)"
            )
            if orphans:
                broken.append(f"every row of {table} belongs to a patient: broken by {orphans}")
        known = ", ".join("'" + c.replace("'", "''") + "'" for c in VARIANT_CLASSIFICATIONS)
        unknown = connection.execute(
            "SELECT DISTINCT variant_classification FROM mutation "
            f"WHERE variant_classification NOT IN ({known})"
        ).fetchall()
        if unknown:
            broken.append("variant classes are MAF terms: " + ", ".join(str(u[0]) for u in unknown))
    return Report(rows, tuple(broken))


def problems(path: Path) -> tuple[str, ...]:
    """The rules that the store at ``path`` breaks; empty where all hold."""
    return report(path).problems


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the outcome for machines")


def show(path: Path, *, as_json: bool) -> int:
    """Print the check of one store; 1 where a rule is broken."""
    found = report(path)
    if as_json:
        print(json.dumps({"store": str(path), "rows": found.rows, "problems": found.problems}))
    else:
        print(f"{path}\n")
        for table, n in found.rows.items():
            print(f"  {table:<22}{n:>12,}")
        print(f"\n{len(RULES) + len(KEYED) + 1} rules, {len(found.problems)} broken")
        for problem in found.problems:
            print(f"  BROKEN  {problem}")
    return 1 if found.problems else 0
