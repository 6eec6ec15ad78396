"""Citations of a set of snapshots: the studies whose patients they count, and their methods."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.report.snapshot import Snapshot
from core.store import Store
from data.cohort_spec import load_cohorts
from data.facts import Reference, references


@dataclass(frozen=True)
class Study:
    """A study whose patients are counted: its name in the app, its citation and DOI."""

    name: str
    citation: str
    doi: str

    @property
    def key(self) -> str:
        """``samstein2019``: the BibTeX key."""
        return re.sub(r"\W|_", "", self.name).lower()

    @property
    def printed(self) -> str:
        return f"{self.citation}{_doi(self.doi)}"


def studies(snapshots: Sequence[Snapshot], store: Store | None = None) -> list[Study]:
    """Each study once, in the order of its first figure.

    The DOI is the store's, or, without a store, that of the study's file in data/cohorts.
    """
    known = _dois(store)
    named = {name: c for one in snapshots for name, c in one.cohorts.items()}
    return [Study(n, c or n, known.get(n) or known.get(c, "")) for n, c in named.items()]


def _dois(store: Store | None) -> Mapping[str, str]:
    """Name, identifier and citation of a study -> its DOI."""
    out: dict[str, str] = {}
    for spec in load_cohorts():
        out |= dict.fromkeys((spec.name, spec.cohort_id, spec.citation), spec.doi)
    if store is not None:
        for row in store.cohorts().to_dict("records"):
            names = (row["name"], row["cohort_id"], row["citation"])
            out |= {n: str(row["doi"]) for n in names if row["doi"]}
    return out


def called_for(text: str) -> list[Reference]:
    """The publications of methods that ``text`` names, in the order of their first words."""
    found = []
    for one in references():
        if match := re.search(one.matches, text):
            found.append((match.start(), one))
    return [one for _, one in sorted(found, key=lambda f: f[0])]


def with_citations(text: str) -> str:
    """``text``, each sentence followed by the publications it is the first to call for."""
    cited: set[str] = set()
    out = []
    for sentence in sentences(text):
        new = [r for r in called_for(sentence) if r.key not in cited]
        cited |= {r.key for r in new}
        marks = "; ".join(r.cited for r in new)
        body = sentence.rstrip(".")
        out.append(f"{body} ({marks})." if marks else sentence)
    return " ".join(out)


def sentences(text: str) -> list[str]:
    """The sentences of ``text``; ``et al.`` and numbers do not end one."""
    return [s for s in re.split(r"(?<=[.!?])(?<!al\.)\s+(?=[A-Z\"“])", text.strip()) if s]


def printed(reference: Reference) -> str:
    """A reference as a list prints it."""
    names = reference.author.split(" and ")
    authors = "; ".join(n for n in names if n != "others") + " et al" * (names[-1] == "others")
    where = f" {reference.journal} {reference.year}" if reference.journal else f" {reference.year}"
    volume = f";{reference.volume}" if reference.volume else ""
    number = f"({reference.number})" if reference.number else ""
    pages = f":{reference.pages.replace('--', '–')}" if reference.pages else ""
    lead = f"{authors.rstrip('.')}. {reference.title}."
    return f"{lead}{where}{volume}{number}{pages}.{_doi(reference.doi)}"


def _doi(doi: str) -> str:
    return f" doi:{doi}" if doi else ""


def bibtex(found: Sequence[Study], methods: Sequence[Reference]) -> str:
    """BibTeX of studies and methods, every work once; a work of both is the study's."""
    entries, seen = [], set()
    for study in found:
        if (study.doi or study.key) not in seen:
            entries.append(_study_entry(study))
            seen.add(study.doi or study.key)
    for one in methods:
        if (one.doi or one.key) not in seen:
            entries.append(_entry(one))
            seen.add(one.doi or one.key)
    return "\n".join(entries)


_CITED = re.compile(
    r"^(?P<author>[^.]+?)(?P<others> et al)?\. (?P<title>.+)\. (?P<journal>[^.]+?) "
    r"(?P<year>\d{4});(?P<volume>\w+)(?:\((?P<number>[^)]*)\))?:(?P<pages>[\w-]+)\.?$"
)


def _study_entry(study: Study) -> str:
    """The parts of ``Hugo W et al. Title. Cell 2016;165:35-44.``; else the citation as a note."""
    match = _CITED.match(study.citation)
    if match is None:
        return _fields("misc", study.key, {"note": study.citation, "doi": study.doi})
    name = match["author"].split()
    author = f"{' '.join(name[:-1])}, {name[-1]}" if len(name) > 1 else match["author"]
    parts = {
        "author": author + (" and others" if match["others"] else ""),
        "title": match["title"],
        "journal": match["journal"],
        "year": match["year"],
        "volume": match["volume"],
        "number": match["number"] or "",
        "pages": match["pages"].replace("-", "--"),
        "doi": study.doi,
    }
    return _fields("article", study.key, parts)


def _entry(one: Reference) -> str:
    parts = {
        name: str(getattr(one, name))
        for name in ("author", "title", "journal", "year", "volume", "number", "pages", "doi")
    }
    return _fields(one.type, one.key, parts)


def _fields(kind: str, key: str, parts: Mapping[str, str]) -> str:
    lines = [f"  {n} = {{{_plain(v, n)}}}," for n, v in parts.items() if v]
    return "\n".join([f"@{kind}{{{key},", *lines, "}", ""])


_SPECIAL = {"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "$": r"\$"}


def _plain(value: str, name: str) -> str:
    """A value without braces or backslashes that would end it; a DOI keeps its signs."""
    kept = re.sub(r"[{}\\]", "", value)
    if name == "doi":
        return kept
    return "".join(_SPECIAL.get(c, c) for c in kept)
