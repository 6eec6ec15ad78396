"""A pinned figure: all that is needed to show it again, and to say what has changed since.

A snapshot holds what its figure shows (specs with their data inside), the numbers behind it, the
question as an address of the app, and where all of it came from. It holds no patient-level table
beyond what the figure itself draws. The file is plain JSON, so that it outlives this program.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields, replace
from typing import Any

import pandas as pd

from core.model import BadFile
from core.report.figures import check_closed

FORMAT = "ici-explorer snapshots"
VERSION = 1

LOOKS = ("print", "projector", "projector-dark")
"""The looks a snapshot is drawn in when it is pinned."""


@dataclass(frozen=True)
class Snapshot:
    """A figure as it was when it was pinned.

    snapshot_id: unique within a set of snapshots
    title: the page's question; sentence: the patients it is about, in words
    address: the page and its question, relative to the app: ``/cox?gene=TP53``
    figure: the figure's key on its page; name: stem of an exported file
    description: what the figure shows, in words
    specs: look of LOOKS -> Vega-Lite spec with its data inside
    numbers: the tidy table of results that the figure draws
    build_id, built_on (ISO date), code_version: of the store; cohorts: name -> citation of each
        study whose patients are counted
    pinned_at: ISO time, UTC; note: the researcher's own words
    """

    snapshot_id: str
    title: str
    sentence: str
    address: str
    figure: str
    name: str
    description: str
    specs: dict[str, dict[str, Any]]
    numbers: pd.DataFrame
    methods: str
    warnings: tuple[str, ...]
    simulated: bool
    build_id: str
    built_on: str
    code_version: str
    cohorts: dict[str, str]
    pinned_at: str
    note: str = ""

    @property
    def provenance(self) -> str:
        """One line on where the figure came from, for footers."""
        lead = "SIMULATED DATA. " if self.simulated else ""
        return (
            f"{lead}ICI Explorer {self.code_version}, store build {self.build_id} of "
            f"{self.built_on}, pinned {self.pinned_at[:10]}."
        )

    def noted(self, note: str) -> Snapshot:
        return replace(self, note=note)

    def renamed(self, title: str) -> Snapshot:
        return replace(self, title=title)


def to_json(snapshots: list[Snapshot]) -> str:
    """The snapshots, in order, as the text of a file that :func:`from_json` reads."""
    listed = []
    for one in snapshots:
        entry = {f.name: getattr(one, f.name) for f in fields(one) if f.name != "numbers"}
        entry["warnings"] = list(one.warnings)
        entry["numbers"] = table_to_json(one.numbers)
        listed.append(entry)
    return json.dumps({"format": FORMAT, "version": VERSION, "snapshots": listed}, indent=1)


def from_json(text: str | bytes, where: str = "the file") -> list[Snapshot]:
    """The snapshots of a file's text, in order. Raises BadFile on anything else."""
    try:
        held = json.loads(text)
    except (ValueError, UnicodeDecodeError) as error:
        raise _bad(where, "JSON text", str(error)[:200]) from error
    if not isinstance(held, dict) or held.get("format") != FORMAT:
        raise _bad(where, f'a file whose "format" is "{FORMAT}"', "something else")
    if held.get("version") != VERSION:
        raise _bad(where, f"version {VERSION}", f"version {str(held.get('version'))[:20]}")
    listed = held.get("snapshots")
    if not isinstance(listed, list):
        raise _bad(where, "a list of snapshots", type(listed).__name__)
    return [_one(entry, f"{where}, snapshot {i + 1}") for i, entry in enumerate(listed)]


def table_to_json(table: pd.DataFrame) -> dict[str, Any]:
    """A table as plain JSON values: columns and rows; numbers that do not exist are null."""

    def plain(value: Any) -> Any:
        if hasattr(value, "item"):
            value = value.item()
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        return value if value is None or isinstance(value, (str, int, bool)) else str(value)

    return {
        "columns": [str(c) for c in table.columns],
        "rows": [[plain(v) for v in row] for row in table.itertuples(index=False)],
    }


def differences(old: pd.DataFrame, new: pd.DataFrame, *, relative: float = 1e-9) -> pd.DataFrame:
    """Cells in which two tables of results differ: row, column, old, new.

    Rows are matched by their texts (all text columns together), so that their order is free; a row
    that only one table has is one line with the other side missing.
    """
    olds, news = _keyed(old), _keyed(new)
    found: list[dict[str, Any]] = []
    for key in dict.fromkeys([*olds, *news]):
        if key not in news or key not in olds:
            side = ("present", None) if key in olds else (None, "present")
            found.append({"row": key, "column": "", "old": side[0], "new": side[1]})
            continue
        for column in dict.fromkeys([*olds[key], *news[key]]):
            before, after = olds[key].get(column), news[key].get(column)
            if not _same(before, after, relative):
                found.append({"row": key, "column": column, "old": before, "new": after})
    return pd.DataFrame(found, columns=["row", "column", "old", "new"])


def _keyed(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    held = table_to_json(table)
    rows: dict[str, dict[str, Any]] = {}
    for values in held["rows"]:
        row = dict(zip(held["columns"], values, strict=True))
        base = ", ".join(str(v) for v in row.values() if isinstance(v, str)) or "row"
        key, n = base, 1
        while key in rows:
            n += 1
            key = f"{base} ({n})"
        rows[key] = {str(c): v for c, v in row.items() if not isinstance(v, str)}
    return rows


def _same(before: Any, after: Any, relative: float) -> bool:
    if isinstance(before, (int, float)) and isinstance(after, (int, float)):
        return math.isclose(before, after, rel_tol=relative, abs_tol=1e-12)
    return bool(before == after)


KINDS: dict[str, type] = {
    **dict.fromkeys(
        ("snapshot_id", "title", "sentence", "address", "figure", "name", "description"), str
    ),
    **dict.fromkeys(("methods", "build_id", "built_on", "code_version", "pinned_at", "note"), str),
    **dict.fromkeys(("specs", "numbers", "cohorts"), dict),
    "warnings": list,
    "simulated": bool,
}


def _one(entry: Any, where: str) -> Snapshot:
    if not isinstance(entry, dict):
        raise _bad(where, "an object", type(entry).__name__)
    for name, kind in KINDS.items():
        if not isinstance(entry.get(name), kind):
            raise _bad(where, f'"{name}" as {kind.__name__}', type(entry.get(name)).__name__)
    if not entry["address"].startswith("/") or entry["address"].startswith("//"):
        raise _bad(where, "an address within the app, such as /cox?gene=TP53", entry["address"])
    if missing := [k for k in LOOKS if not isinstance(entry["specs"].get(k), dict)]:
        raise _bad(where, f"specs of {', '.join(LOOKS)}", f"no {', '.join(missing)}")
    for spec in entry["specs"].values():
        check_closed(spec)
    table = entry["numbers"]
    try:
        numbers = pd.DataFrame(table["rows"], columns=table["columns"])
    except (KeyError, ValueError, TypeError) as error:
        raise _bad(where, "numbers as columns and rows", str(error)[:100]) from error
    known = {name: entry[name] for name in KINDS if name not in ("numbers", "warnings")}
    return Snapshot(**known, numbers=numbers, warnings=tuple(str(w) for w in entry["warnings"]))


def _bad(where: str, expected: str, found: str) -> BadFile:
    return BadFile(
        "These are not snapshots that this program can read.",
        where=where,
        expected=expected,
        found=found,
        remedy="Choose a file that was saved from the Present page.",
    )
