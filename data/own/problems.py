"""What is wrong with an upload under a mapping: every cell and row, not the first one only.

A finding says what it costs: ``stop`` (nothing can be made), ``cell`` and ``row`` (the cell can be
read as missing, the row left out, if the researcher says so), ``note`` (told, and already so).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from core.model import BadInput, DrugClass
from data import facts
from data.cohort_spec import AGE_UNITS, TIME_UNITS
from data.harmonise import SHORTEST_LONGEST_MONTHS, clean_id
from data.own.mapping import (
    CLASS_COLUMN,
    LABELS,
    LIST_PANEL,
    LONGEST_MONTHS,
    TITLES,
    OwnMapping,
    Place,
    decimal_mark,
)
from data.own.reading import Upload

STOP, CELL, ROW, NOTE = "stop", "cell", "row", "note"
MANY_GENES = 10_000
"""From so many known symbols on, a symbol that is not among them is probably a mistake."""

CLOSEST = 5
"""Unknown symbols whose nearest known one is looked for, which is slow."""


@dataclass(frozen=True)
class Finding:
    """One kind of problem, with every line of the table it stands in."""

    kind: str
    message: str
    table: str
    column: str
    lines: tuple[int, ...]
    found: tuple[str, ...]
    expected: str
    remedy: str


def check(
    upload: Upload, mapping: OwnMapping, known_genes: frozenset[str] = frozenset()
) -> list[Finding]:
    """Everything that is wrong, in the order of the mapping step.

    ``known_genes``: the current symbols that the loaded store and the facts know.
    """
    patients = _ids(upload, mapping)
    findings = [*patients]
    if not mapping.outcomes:
        findings.append(_no_outcome(upload))
    for name, outcome in mapping.outcomes.items():
        findings += _times(upload, name, outcome.time, outcome.unit)
        findings += _coded(
            upload, outcome.event, set(outcome.coding), f"{name} event", ("event", "censored")
        )
        findings += _half(upload, name, outcome.time, outcome.event)
    for term, choice in mapping.terms.items():
        if term in LABELS:
            told = set(choice.coding)
            findings += _coded(upload, choice.place, told, TITLES[term].lower(), LABELS[term])
        elif term == "age_years":
            factor = AGE_UNITS[choice.unit]
            findings += _numbers(upload, choice.place, factor, 120, "years of age")
        elif term == "tmb_per_mb":
            findings += _numbers(
                upload, choice.place, 1 / (choice.megabases or 1), 1500, "mutations per Mb"
            )
        elif term == "tumor_type":
            findings += _tumors(upload, choice.place, choice.coding)
    findings.append(_untreated(upload, mapping))
    if mapping.calls is not None:
        findings += _calls(upload, mapping, known_genes)
        findings.append(_no_panel(mapping))
    return [f for f in findings if f.lines or f.kind == STOP]


def cleaned(upload: Upload, findings: list[Finding]) -> Upload:
    """The upload with the cells of ``findings`` emptied and their rows left out."""
    tables = dict(upload.tables)
    for finding in findings:
        if finding.kind not in (CELL, ROW):
            continue
        table = tables[finding.table]
        frame = table.frame
        if finding.kind == ROW:
            frame = frame.drop(index=frame.index.intersection(list(finding.lines)))
        else:
            frame = frame.copy()
            at = frame.index.intersection(list(finding.lines))
            frame.loc[at, finding.column] = None
        tables[finding.table] = replace(table, frame=frame)
    return replace(upload, tables=tables)


def as_table(upload: Upload, findings: list[Finding], most: int = 0) -> pd.DataFrame:
    """Findings by row: file, row, column, what is wrong, expected, found, what to do."""
    rows = [
        {
            "File": upload.tables[f.table].source if f.table in upload.tables else f.table,
            "Row": line,
            "Column": f.column,
            "What is wrong": f.message,
            "Expected": f.expected,
            "Found": found,
            "What to do": f.remedy,
        }
        for f in findings
        for line, found in zip(f.lines or (0,), f.found or ("",), strict=True)
    ]
    columns = ["File", "Row", "Column", "What is wrong", "Expected", "Found", "What to do"]
    frame = pd.DataFrame(rows[:most] if most else rows, columns=columns)
    return frame.assign(Row=frame.Row.map(lambda n: str(n) if n else ""))


def _finding(
    kind: str, message: str, place: Place, cells: pd.Series[str], expected: str, remedy: str
) -> Finding:
    """The finding of ``cells`` (indexed by line) in the column ``place``."""
    return Finding(
        kind,
        message,
        place.table,
        place.column,
        tuple(int(line) for line in cells.index),
        tuple("an empty cell" if pd.isna(c) else str(c)[:80] for c in cells),
        expected,
        remedy,
    )


def _cells(upload: Upload, place: Place) -> pd.Series[str]:
    """Cells by line, without blanks around them; None where empty."""
    cells = upload.tables[place.table].column(place.column)
    return cells.map(lambda v: (str(v).strip() or None) if pd.notna(v) else None)


def _as_numbers(upload: Upload, place: Place, cells: pd.Series[str]) -> pd.Series[float]:
    """Cells as numbers with the decimal mark of their column; NaN where a cell is none."""
    if decimal_mark(upload, place) == ",":
        cells = cells.str.replace(",", ".")
    return pd.to_numeric(cells, errors="coerce")


def _ids(upload: Upload, mapping: OwnMapping) -> list[Finding]:
    place = Place("patients", mapping.patient)
    cells = _cells(upload, place)
    ids = cells.map(clean_id)
    twice = ids.notna() & ids.duplicated()
    return [
        _finding(
            ROW, "A row has no patient id.", place, cells[ids.isna()], "an id",
            "Give the row its id, or leave it out.",
        ),
        _finding(
            ROW, "A patient stands in two rows.", place, cells[twice], "one row per patient",
            "Remove one of the rows, or leave out all but the first.",
        ),
    ]  # fmt: skip


def _no_outcome(upload: Upload) -> Finding:
    columns = ", ".join(map(str, list(upload.patients.frame.columns)[:20]))
    return Finding(
        STOP, "No survival time is chosen.", "patients", "", (0,), (f"columns {columns}",),
        "a column of times and one of events, for OS or PFS",
        "Choose them above. Without survival there is nothing to compare.",
    )  # fmt: skip


def _times(upload: Upload, name: str, place: Place, unit: str) -> list[Finding]:
    cells = _cells(upload, place)
    months = _as_numbers(upload, place, cells) * TIME_UNITS[unit]
    found = [
        _finding(
            CELL, f"The {name} time is not a number.", place,
            cells[cells.notna() & months.isna()], f"a number of {unit}",
            "Correct the cell, or leave it empty.",
        ),
        _finding(
            CELL, f"The {name} time is negative.", place, cells[months < 0], "0 or more",
            "Correct the cell, or leave it empty.",
        ),
    ]  # fmt: skip
    longest = months.max()
    if pd.isna(longest) or longest < 0:
        found.append(
            Finding(
                STOP, f"No patient has an {name} time.", place.table, place.column, (0,),
                (f"{int(cells.notna().sum())} cells with text",), f"numbers of {unit}",
                "Choose another column.",
            )
        )  # fmt: skip
    elif not SHORTEST_LONGEST_MONTHS <= longest <= LONGEST_MONTHS:
        found.append(
            Finding(
                STOP, f"The {name} times do not look like {unit}.", place.table, place.column,
                (int(months.index[int(months.argmax())]),),
                (f"{longest:,.1f} months when read as {unit}",),
                f"a longest follow-up of {SHORTEST_LONGEST_MONTHS:g} to {LONGEST_MONTHS:g} months",
                "Choose the unit in which the column is written.",
            )
        )  # fmt: skip
    return found


def _coded(
    upload: Upload, place: Place, known: set[str], title: str, meanings: tuple[str, ...]
) -> list[Finding]:
    cells = _cells(upload, place)
    plain = {k.casefold() for k in known}
    unknown = cells[cells.notna() & ~cells.map(lambda v: str(v).casefold() in plain)]
    return [
        _finding(
            CELL, f"The label has no meaning as {title}.", place, unknown,
            "a label that means " + " or ".join(meanings),
            "Say above what it means, or read it as missing.",
        )
    ]  # fmt: skip


def _half(upload: Upload, name: str, time: Place, event: Place) -> list[Finding]:
    """Rows with a time and no event, or the reverse: their outcome is not known."""
    if time.table != event.table:
        return []
    times, events = _cells(upload, time), _cells(upload, event)
    return [
        _finding(
            NOTE, f"The row has an {name} time but no event.", event,
            events[times.notna() & events.isna()], "both or neither",
            f"Without both the patient has no {name}.",
        ),
        _finding(
            NOTE, f"The row has an {name} event but no time.", time,
            times[times.isna() & events.notna()], "both or neither",
            f"Without both the patient has no {name}.",
        ),
    ]  # fmt: skip


def _numbers(upload: Upload, place: Place, factor: float, most: float, what: str) -> list[Finding]:
    cells = _cells(upload, place)
    numbers = _as_numbers(upload, place, cells) * factor
    return [
        _finding(
            CELL, "The cell is not a number.", place, cells[cells.notna() & numbers.isna()],
            f"a number, of {what}", "Correct the cell, or leave it empty.",
        ),
        _finding(
            CELL, f"The value is not possible as {what}.", place,
            cells[numbers.notna() & ~numbers.between(0, most)], f"0 to {most:g} {what}",
            "Correct the cell, or choose the unit in which the column is written.",
        ),
    ]  # fmt: skip


def _tumors(upload: Upload, place: Place, coding: Mapping[str, str]) -> list[Finding]:
    cells = _cells(upload, place)
    plain = {k.casefold() for k in coding}
    found = []
    for label in dict.fromkeys(cells.dropna()):
        if label.casefold() in plain:
            continue
        try:
            facts.tumor_type(label)
        except BadInput as error:
            near = error.expected.partition("nearest are ")[2]
            found.append(
                _finding(
                    CELL, "The tumour type is not in the vocabulary.", place,
                    cells[cells == label],
                    "an OncoTree main type or code" + (f", such as {near}" if near else ""),
                    "Say above what it means, or read it as unknown.",
                )
            )  # fmt: skip
    return found


def _untreated(upload: Upload, mapping: OwnMapping) -> Finding:
    """Nobody given an ICI: allowed, but no page about ICI will show a patient."""
    none, choice = DrugClass.NONE.value, mapping.terms.get("drug_class")
    place = choice.place if choice else Place("patients", "")
    found = pd.Series(mapping.drug_class, index=upload.patients.frame.index)
    if choice is not None:
        plain = {k.casefold(): v for k, v in choice.coding.items()}
        cells = _cells(upload, place)
        found = cells.map(lambda v: plain.get(str(v).casefold()) or mapping.drug_class)
    untreated = bool((found == none).all())
    return Finding(
        NOTE, "No patient counts as treated with an ICI.", place.table, place.column,
        (0,) if untreated else (), (f"all {len(found):,}: {none}",) if untreated else (),
        "patients given an ICI",
        "Pages about ICI will find nobody. If that is wrong, correct what the drugs mean.",
    )  # fmt: skip


def _no_panel(mapping: OwnMapping) -> Finding:
    how = mapping.profiling
    empty = how is not None and how.panel == LIST_PANEL and not how.genes
    return Finding(
        STOP if empty else NOTE, "The panel has no genes.", "mutations", "",
        (0,) if empty else (), ("no list",) if empty else (),
        "the symbols of the genes that were sequenced",
        "Paste or upload the list above: a gene outside it is not profiled, never wild type.",
    )  # fmt: skip


def _calls(upload: Upload, mapping: OwnMapping, known_genes: frozenset[str]) -> list[Finding]:
    calls = mapping.calls
    assert calls is not None
    table = upload.tables["mutations"]
    whose = Place("mutations", calls.patient)
    gene = Place("mutations", calls.columns["hugo_symbol"])
    names = _cells(upload, gene)
    found = [
        _strangers(upload, mapping, whose),
        _finding(
            ROW, "The row names no gene.", gene, names[names.isna()], "a gene symbol",
            "Give the row its gene, or leave it out.",
        ),
        _unknown_genes(names, gene, known_genes),
    ]  # fmt: skip
    if calls.classes == CLASS_COLUMN and "variant_classification" in calls.columns:
        found.append(_unknown_classes(upload, Place("mutations", _class_of(mapping))))
    for term in ("start_position", "end_position"):
        if (column := calls.columns.get(term)) is not None:
            cells = _cells(upload, Place("mutations", column))
            wrong = cells.notna() & pd.to_numeric(cells, errors="coerce").isna()
            found.append(
                _finding(
                    CELL, "The position is not a number.", Place("mutations", column),
                    cells[wrong], "a whole number of base pairs",
                    "Correct the cell, or leave it empty.",
                )
            )  # fmt: skip
    if not len(table):
        found.append(
            Finding(STOP, "There is no mutation.", "mutations", "", (0,), ("no row",), "rows", "")
        )
    return found


def _class_of(mapping: OwnMapping) -> str:
    assert mapping.calls is not None
    return mapping.calls.columns["variant_classification"]


def _strangers(upload: Upload, mapping: OwnMapping, whose: Place) -> Finding:
    """Calls of patients who are not in the table of patients."""
    known = set(_cells(upload, Place("patients", mapping.patient)).dropna())
    if "samples" in upload.tables:
        samples = upload.tables["samples"]
        own = samples.column("PATIENT_ID").isin(known)
        known |= set(samples.column("SAMPLE_ID")[own].dropna())
    cells = _cells(upload, whose)
    return _finding(
        NOTE, "The mutation is of a patient who is not in the table of patients.", whose,
        cells[~cells.isin(known)], "the id of a patient" + (
            " or of a sample" if "samples" in upload.tables else ""
        ),
        "The row is left out. Add the patient, or choose the column that holds these ids.",
    )  # fmt: skip


def _unknown_genes(names: pd.Series[str], place: Place, known: frozenset[str]) -> Finding:
    """Symbols that nobody knows; where few are known, only those that cannot be a symbol."""
    doubtful: dict[str, list[str]] = {}
    for name in dict.fromkeys(names.dropna()):
        symbol = facts.current_symbol(name)
        if symbol in known:
            continue
        plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.\-_@]*", name) is not None
        if not plain or len(known) >= MANY_GENES:
            few = plain and len(doubtful) < CLOSEST
            doubtful[name] = difflib.get_close_matches(symbol, known, 1, 0.75) if few else []
    rows = names[names.isin(list(doubtful))]
    near = [f"{n}: {close[0]}?" for n, close in doubtful.items() if close][:5]
    return _finding(
        NOTE, "The gene symbol is not known.", place, rows,
        "a current or former HGNC symbol" + (f" ({', '.join(near)})" if near else ""),
        "The row stays under this name. If it is a spelling mistake, correct it.",
    )  # fmt: skip


def _unknown_classes(upload: Upload, place: Place) -> Finding:
    cells = _cells(upload, place)
    unknown = set()
    for label in dict.fromkeys(cells.dropna()):
        try:
            facts.variant_classification(label)
        except BadInput:
            unknown.add(label)
    return _finding(
        CELL, "The mutation class is not known.", place, cells[cells.isin(list(unknown))],
        "a MAF Variant_Classification, or a Sequence Ontology term",
        "Correct the class; read as missing, the row does not make its patient mutant.",
    )  # fmt: skip
