"""The gene universe of the simulated store (genes.toml): panels, lengths, roles, hotspots, drivers.

A gene without a known length gets one drawn from its name, the same in every store.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from zlib import crc32

import numpy as np

from data import facts

_TEXT = tomllib.loads((files(__package__) / "genes.toml").read_text(encoding="utf-8"))


def _numbers(text: str) -> dict[str, float]:
    """``NAME:number`` words as a dictionary."""
    pairs = (word.split(":") for word in text.split())
    return {name: float(number) for name, number in pairs}


@dataclass(frozen=True)
class Hotspot:
    """A recurrent substitution and how often it is drawn, relative to the gene's others."""

    residue: int
    reference: str
    alternative: str
    weight: float


def _hotspots(text: str) -> tuple[Hotspot, ...]:
    found = []
    for change, weight in _numbers(text).items():
        parts = re.fullmatch(r"([A-Z])(\d+)([A-Z])", change)
        if parts is None:
            raise ValueError(f"genes.toml: {change!r} is not a substitution such as V600E")
        found.append(Hotspot(int(parts[2]), parts[1], parts[3], weight))
    return tuple(found)


LENGTHS: dict[str, int] = {
    gene: int(n) for part in _TEXT["lengths"].values() for gene, n in _numbers(part).items()
}
_PROTEINS = facts.proteins()
LENGTHS |= dict(zip(_PROTEINS["hugo_symbol"], _PROTEINS["length"], strict=True))
LONG_GENES: tuple[str, ...] = tuple(_numbers(_TEXT["lengths"]["long"]))
PASSENGER_RATE: dict[str, float] = _numbers(_TEXT["passengers"]["rate"])
"""Rate of passenger mutations relative to a gene's length alone; 1 where not listed."""
TUMOUR_SUPPRESSORS: frozenset[str] = frozenset(_TEXT["suppressors"]["genes"].split())
IMMUNE: tuple[str, ...] = tuple(dict.fromkeys(_TEXT["immune"]["genes"].split()))
"""Genes that follow the inflamed factor, beside the members of data.facts' gene sets."""
DRIVERS: dict[str, dict[str, float]] = {k: _numbers(v) for k, v in _TEXT["drivers"].items()}
"""Driver profile -> gene -> share of patients with a driver call, beyond passengers."""
HOTSPOTS: dict[str, tuple[Hotspot, ...]] = {k: _hotspots(v) for k, v in _TEXT["hotspots"].items()}


def panels() -> dict[str, tuple[str, ...]]:
    """Targeted panels and their genes (sorted); each IMPACT version contains the one before."""
    parts = {name: set(text.split()) for name, text in _TEXT["panels"].items()}
    second = parts["first"] | parts["second_adds"]
    lists = {
        "IMPACT341": parts["first"],
        "IMPACT410": second,
        "IMPACT468": second | parts["third_adds"],
        "bTMB": parts["first"] | parts["blood_adds"],
    }
    return {panel: tuple(sorted(genes)) for panel, genes in lists.items()}


def cancer() -> set[str]:
    """Genes of the panels, long genes and drivers."""
    listed = {g for members in panels().values() for g in members}
    return listed | set(LONG_GENES) | {g for rates in DRIVERS.values() for g in rates}


def protein_length(symbol: str) -> int:
    """Residues of a gene's protein: known, or drawn from the name (log-normal, median 480)."""
    if symbol in LENGTHS:
        return LENGTHS[symbol]
    draw = np.random.default_rng(crc32(symbol.encode())).standard_normal()
    return int(np.clip(480 * np.exp(0.6 * draw), 90, 3000))
