"""The cohorts page's tables and lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from core.analysis.cohorts import VARIABLES, CohortOverview
from core.charts.wording import DASH, capital, group_name, months_text
from core.records import records

HASH_DIGITS = 12


def counts(overview: CohortOverview) -> pd.DataFrame:
    """Patients of each cohort by group and follow-up, with their sum; median follow-up."""
    table = overview.table
    numbers = [
        "n", "sequenced", *overview.groups, "not_profiled", "with_endpoint", "events",
    ]  # fmt: skip
    total = table[numbers].sum()
    rows = pd.concat(
        [table[["name", "role", *numbers]], pd.DataFrame([{"name": "All", "role": "", **total}])],
        ignore_index=True,
    )
    rows[numbers] = rows[numbers].map(lambda v: f"{int(v):,}")
    rows["follow_up"] = [
        *(_follow_up(r) for r in records(table)),
        "",
    ]
    first = {c: capital(group_name(overview.title, g)) for c, g in overview.groups.items()}
    return rows.rename(
        columns={
            "name": "Cohort",
            "role": "Role",
            "n": "Patients",
            "sequenced": "Sequenced",
            **first,
            "not_profiled": capital(overview.unassigned),
            "with_endpoint": f"With {overview.endpoint}",
            "events": "Events",
            "follow_up": "Median follow-up, months (95% CI)",
        }
    )


def _follow_up(row: Mapping[str, Any]) -> str:
    if not row["with_endpoint"]:
        return DASH
    return months_text(row["follow_up"], row["follow_up_lower"], row["follow_up_upper"])


def descriptions(overview: CohortOverview) -> pd.DataFrame:
    """Tumour types, drugs and assay of each cohort."""
    return overview.table[["name", "tumor_types", "drugs", "drug_classes", "assay"]].rename(
        columns={
            "name": "Cohort",
            "tumor_types": "Tumour types",
            "drugs": "Drugs, as the study names them",
            "drug_classes": "Drug classes",
            "assay": "Assay",
        }
    )


def missing(overview: CohortOverview) -> pd.DataFrame:
    """Patients of each cohort without a variable: ``12 (5%)``, ``all``, or a dash for nobody."""
    rows = overview.missing
    shown = {"Cohort": rows["name"], "Patients": [f"{n:,}" for n in rows.n]}
    for column, label in VARIABLES.items():
        name = f"No {overview.endpoint}" if column == "time_months" else label
        shown[name] = [_share(k, n) for k, n in zip(rows[column], rows.n, strict=True)]
    return pd.DataFrame(shown)


def _share(k: int, n: int) -> str:
    if k == 0:
        return DASH
    return "all" if k == n else f"{k:,} ({max(1, round(100 * k / n))}%)"


def caveats(overview: CohortOverview) -> list[tuple[str, str]]:
    """(cohort, caveat) for each sentence that a reader of its results must know."""
    return [
        (row["name"], line.strip())
        for row in records(overview.table)
        for line in str(row["caveats"]).splitlines()
        if line.strip()
    ]


def citations(overview: CohortOverview) -> list[tuple[str, str]]:
    """(cohort, citation with identifier, licences and dates of its files)."""
    found = []
    for row in records(overview.table):
        files = overview.sources[overview.sources.cohort == row["name"]]
        licences = [v for v in dict.fromkeys([row["licence"], *files.licence]) if v]
        parts = [str(row["citation"]).rstrip(".")]
        parts += [f"doi {row['doi']}"] if row["doi"] else []
        parts += [f"licence {' / '.join(licences)}"] if licences else []
        parts += [f"{len(files)} file{'s' if len(files) != 1 else ''}"] if len(files) else []
        found.append((row["name"], ", ".join(parts)))
    return found


def files(overview: CohortOverview) -> pd.DataFrame:
    """Every file that these cohorts were read from, with the hash of its bytes."""
    rows = overview.sources
    return pd.DataFrame(
        {
            "File": rows.source_id,
            "Cohort": rows.cohort,
            "Holds": rows.holds,
            "Status": rows.status,
            "Date": rows.retrieved.where(rows.retrieved != "", DASH),
            "Licence": rows.licence.where(rows.licence != "", DASH),
            "SHA-256": [str(h)[:HASH_DIGITS] if pd.notna(h) and h else DASH for h in rows.sha256],
        }
    )
