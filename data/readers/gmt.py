"""Gene sets: GMT files (one set a line) and JSON objects of lists."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from core.model import BadFile
from data.readers.content import read_text

_REMEDY = "Fetch the file again: python -m data fetch"


@dataclass(frozen=True)
class GeneSet:
    """A named set of gene symbols, as published, each once and in the file's order."""

    name: str
    description: str
    genes: tuple[str, ...]


def read_gmt(path: str | Path) -> tuple[GeneSet, ...]:
    """Read a GMT file: name, description and genes, separated by tabs, a set a line.

    Names and symbols stay as published (a misspelt name is the harmoniser's to mend). Raises
    BadFile for a line without genes, a set that is there twice, and a file without sets.
    """
    path = Path(path)
    sets: dict[str, GeneSet] = {}
    for line, text in enumerate(read_text(path).splitlines(), start=1):
        cells = [cell.strip() for cell in text.split("\t")]
        if not any(cells):
            continue
        genes = tuple(dict.fromkeys(cell for cell in cells[2:] if cell))
        if not cells[0] or not genes:
            raise _error(path, line, "A gene set is not complete.",
                         "name, description and at least one gene, separated by tabs",
                         repr(text[:80]))  # fmt: skip
        if cells[0] in sets:
            raise _error(path, line, "A gene set is there twice.", "names that differ",
                         repr(cells[0]))  # fmt: skip
        sets[cells[0]] = GeneSet(cells[0], cells[1], genes)
    if not sets:
        raise _error(path, 1, "The file has no gene sets.", "one set a line", "blank lines")
    return tuple(sets.values())


def read_json_lists(path: str | Path) -> tuple[GeneSet, ...]:
    """Read a JSON object whose values are lists of gene symbols: one set per key.

    Raises BadFile for text that is no JSON (naming the line), another shape, or an empty list.
    """
    path = Path(path)
    repeated: list[str] = []

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        keys = [key for key, _ in pairs]
        repeated.extend(key for key in keys if keys.count(key) > 1)
        return dict(pairs)

    try:
        content = json.loads(read_text(path), object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise _error(path, error.lineno, "This is not JSON.", "a JSON object",
                     error.msg) from error  # fmt: skip
    if repeated:
        raise _error(path, 1, "A gene set is there twice.", "keys that differ", repr(repeated[0]))
    if not isinstance(content, dict) or not content:
        raise _error(path, 1, "The file has no gene sets.", "an object of lists", type(content))
    for name, genes in content.items():
        if not (isinstance(genes, list) and genes and all(isinstance(g, str) for g in genes)):
            raise _error(path, 1, f"The set {name!r} is no list of symbols.",
                         "a list of gene symbols", repr(genes)[:80])  # fmt: skip
    return tuple(GeneSet(k, "", tuple(dict.fromkeys(v))) for k, v in content.items())


def _error(path: Path, line: int, message: str, expected: str, found: object) -> BadFile:
    where = f"{path}, line {line}"
    return BadFile(message, where=where, expected=expected, found=str(found), remedy=_REMEDY)
