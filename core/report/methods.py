"""A methods paragraph of what was really run, with the citations that it calls for.

Its sentences are the methods of the pinned figures, as each analysis wrote them from its own
options (tests, ties, strata, complete cases, corrections), each once; nothing is added that the
snapshots do not hold, but for the data, the software and what the program says of itself.
"""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Sequence
from dataclasses import dataclass

from core.report.citations import (
    Study,
    bibtex,
    called_for,
    printed,
    sentences,
    studies,
    with_citations,
)
from core.report.snapshot import Snapshot
from core.store import Store
from data.facts import Reference

PACKAGES = ("numpy", "scipy", "pandas", "duckdb", "vl-convert-python")
"""Of this program, those that a number or a figure passes through."""

PROFILED = (
    "A patient whose assay did not cover the gene is not profiled: counted as such and left out, "
    "not taken for wild type."
)


@dataclass(frozen=True)
class Methods:
    """What a manuscript prints: paragraphs by heading, and the works that they cite.

    sources: files of the studies in the store, where a store was at hand.
    """

    paragraphs: dict[str, str]
    studies: list[Study]
    references: list[Reference]
    sources: list[str]
    simulated: bool

    @property
    def text(self) -> str:
        """All paragraphs, each led by its heading."""
        return "\n\n".join(f"{head}. {text}" for head, text in self.paragraphs.items() if text)

    @property
    def listed(self) -> list[str]:
        """Every cited work as a list prints it, a work once."""
        doi = {s.doi for s in self.studies if s.doi}
        rest = [printed(r) for r in self.references if not r.doi or r.doi not in doi]
        return [*(s.printed for s in self.studies), *rest]

    @property
    def bibtex(self) -> str:
        return bibtex(self.studies, self.references)

    @property
    def markdown(self) -> str:
        """Text, references and BibTeX as one document."""
        head = "# Methods" + (" (SIMULATED DATA)" if self.simulated else "")
        parts = [head, *(f"## {h}\n\n{t}" for h, t in self.paragraphs.items() if t)]
        parts.append("## References\n\n" + "\n".join(f"1. {line}" for line in self.listed))
        if self.sources:
            parts.append("## Files\n\n" + "\n".join(f"- {line}" for line in self.sources))
        parts.append(f"## BibTeX\n\n```bibtex\n{self.bibtex}```")
        return "\n\n".join(parts) + "\n"


def methods(snapshots: Sequence[Snapshot], store: Store | None = None) -> Methods:
    """The methods of ``snapshots``; with a ``store``, its DOIs and its source files as well."""
    simulated = any(s.simulated for s in snapshots)
    told = " ".join(dict.fromkeys(line for s in snapshots for line in sentences(s.methods)))
    paragraphs = {
        "Data": _data(snapshots, simulated),
        "Patients": _patients(snapshots),
        "Statistical analysis": told,
        "Limitations": " ".join(dict.fromkeys(w for s in snapshots for w in s.warnings)),
        "Software": _software(snapshots),
    }
    cited = ("Statistical analysis", "Software")
    text = "\n".join(paragraphs[name] for name in cited)
    found = studies(snapshots, store)
    return Methods(
        {h: with_citations(t) if h in cited else t for h, t in paragraphs.items()},
        found,
        called_for(text),
        _sources(snapshots, store),
        simulated,
    )


def _data(snapshots: Sequence[Snapshot], simulated: bool) -> str:
    names = list(dict.fromkeys(n for s in snapshots for n in s.cohorts))
    builds = dict.fromkeys(f"build {s.build_id} of {s.built_on}" for s in snapshots)
    lead = ""
    if simulated:
        lead = (
            "SIMULATED DATA: rows were drawn by a generator, no patient stands behind them, and "
            "the studies are named for their design only. "
        )
    by = f"Patients came from {_and(names)}" if names else "No study is recorded"
    return (
        f"{lead}{by}, harmonised into one store ({_and(list(builds))}). {PROFILED}"
        if snapshots
        else ""
    )


def _patients(snapshots: Sequence[Snapshot]) -> str:
    """Whom each figure counts; figures of the same patients together."""
    of: dict[str, list[str]] = {}
    for i, one in enumerate(snapshots, 1):
        if one.sentence.strip():
            of.setdefault(one.sentence.rstrip("."), []).append(str(i))
    return " ".join(
        f"Figure{'s' if len(n) > 1 else ''} {_and(n)}: {sentence}." for sentence, n in of.items()
    )


def _software(snapshots: Sequence[Snapshot]) -> str:
    versions = _and(list(dict.fromkeys(s.code_version for s in snapshots)))
    used = [f"{name} {v}" for name in PACKAGES if (v := _version(name))]
    return (
        f"Estimates were made with ICI Explorer {versions}, whose estimators are its own and are "
        f"tested against R at full precision. This text and its files were made with Python "
        f"{platform.python_version()}, {_and(used)}. Figures are Vega-Lite specifications."
    )


def _sources(snapshots: Sequence[Snapshot], store: Store | None) -> list[str]:
    """The store's files of the studies that are counted, with licence and hash."""
    if store is None or store.version not in {s.build_id for s in snapshots}:
        return []
    names = {n for s in snapshots for n in s.cohorts}
    cohorts = store.cohorts()
    ids = set(cohorts.cohort_id[cohorts.name.isin(names)])
    lines = []
    for row in store.sources().to_dict("records"):
        if row["status"] == "missing" or row["group_name"].rsplit("/", 1)[-1] not in ids:
            continue
        told = (row["citation"], row["licence"] and f"licence: {row['licence']}", row["address"])
        hashed = f"SHA-256 {row['sha256']}" if isinstance(row.get("sha256"), str) else ""
        lines.append("; ".join([row["source_id"], *(t for t in (*told, hashed) if t)]))
    return lines


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _and(items: list[str]) -> str:
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)
