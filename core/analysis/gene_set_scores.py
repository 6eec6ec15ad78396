"""Gene sets that a person pastes, and their ssGSEA scores as a panel to compare."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from core.analysis.immune_panels import MATRIX, Member, Panel
from core.analysis.immunity import PanelComparison, PanelValues, compare_values
from core.model import BadInput, Filters, NotEnoughData, Stratifier
from core.stats.gaps import fill_few
from core.stats.ssgsea import Scores, ssgsea
from core.store import EXPRESSION_MISSING, Store

Progress = Callable[[str, float], None]
PASTED = "Pasted gene set"
MOST_SETS, MOST_GENES = 50, 2000

_SYMBOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-_@]*")


def parse_gene_sets(text: str) -> dict[str, tuple[str, ...]]:
    """Gene sets of a GMT text (name, description, genes, tab-separated) or of one plain list.

    A list is separated by commas, semicolons, spaces or lines. Raises BadInput, with the line, for
    an empty text, a set without genes, something that is no symbol, or too many sets or genes.
    """
    lines = [(i, line) for i, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise _bad("No gene set was given.", "nothing")
    if any("\t" in line for _, line in lines):
        sets: dict[str, tuple[str, ...]] = {}
        for number, line in lines:
            name, *rest = [cell.strip() for cell in line.split("\t")]
            genes = [g for g in rest[1:] if g]
            if not name or not genes:
                raise _bad("A line of the GMT has no genes.", line[:60], f"line {number}")
            if name in sets:
                raise _bad(f"The set {name[:40]!r} stands twice.", line[:60], f"line {number}")
            sets[name] = _symbols(genes, number)
    else:
        words = [(n, w) for n, line in lines for w in re.split(r"[\s,;]+", line) if w]
        checked = [g for n, w in words for g in _symbols([w], n)]
        sets = {PASTED: tuple(dict.fromkeys(checked))}
    if len(sets) > MOST_SETS or max(map(len, sets.values())) > MOST_GENES:
        raise _bad(
            "That is too much for one question.",
            f"{len(sets)} sets, the largest of {max(map(len, sets.values())):,} genes",
        )
    return sets


def _symbols(words: list[str], line: int) -> tuple[str, ...]:
    for word in words:
        if not _SYMBOL.fullmatch(word) or len(word) > 40:
            raise _bad("This is no gene symbol.", repr(word[:40]), f"line {line}")
    return tuple(dict.fromkeys(w.upper() for w in words))


def _bad(message: str, found: str, where: str = "") -> BadInput:
    return BadInput(
        message,
        expected=f"gene symbols such as CD8A, GZMB, or a GMT of up to {MOST_SETS} sets with up to "
        f"{MOST_GENES:,} genes each",
        found=found,
        where=where,
        remedy="Correct the text and score again.",
    )


def current_symbols(
    store: Store, sets: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """The sets with old symbols replaced by current ones; unknown ones stay as they are."""
    genes = store.expression_genes()
    by_upper = {g.upper(): g for g in genes}
    wanted = {g for members in sets.values() for g in members} - set(by_upper)
    aliases = store.aliases(sorted(wanted))
    return {
        name: tuple(dict.fromkeys(by_upper.get(g) or aliases.get(g, g) for g in members))
        for name, members in sets.items()
    }


def score_sets(
    store: Store, sets: Mapping[str, tuple[str, ...]], progress: Progress | None = None
) -> Scores:
    """ssGSEA of ``sets`` over the whole expression matrix, normalised by the sets' own range.

    Raises BadInput where no gene is measured, NotEnoughData where the store has no expression.
    """
    genes, matrix = store.expression_matrix()
    if not genes:
        raise NotEnoughData(
            "There is no expression in this store.",
            expected="an expression matrix",
            found="none",
            remedy=f"`python -m data fetch --only {MATRIX}`, then `python -m data build`.",
        )
    whole, filled = fill_few(matrix, EXPRESSION_MISSING)
    scores = ssgsea(
        whole,
        genes,
        current_symbols(store, sets),
        missing_code=EXPRESSION_MISSING,
        progress=progress,
    )
    return replace(scores, warnings=(*filled, *scores.warnings))


def compare_scores(
    store: Store, filters: Filters, stratifier: Stratifier, scores: Scores
) -> PanelComparison:
    """The panel of ``scores`` (of :func:`score_sets`), mutant against wild type."""
    keys = store.expression_patients()
    values: npt.NDArray[np.float64] = np.full((len(scores.gene_sets), store.n_patients), np.nan)
    values[:, keys] = scores.values
    rows = []
    for name, n in zip(scores.gene_sets, scores.n_matched, strict=True):
        gone = scores.missing[name]
        told = f"; not measured: {', '.join(gone[:8])}{', ...' if len(gone) > 8 else ''}"
        rows.append(
            Member(
                _key(name),
                name,
                "Pasted gene sets",
                unit="enrichment score",
                centred=True,
                source=f"ssGSEA of {n} genes{told if gone else ''}",
                lacking="the pasted list",
            )
        )
    panel = Panel(
        "pasted",
        "Pasted gene sets",
        (),
        note="Scores are normalised by the range of the pasted sets over all samples: they do not "
        "compare with those of other sets.",
    )
    return compare_values(store, filters, stratifier, PanelValues(panel, tuple(rows), values))


def _key(name: str) -> str:
    return "pasted-" + hashlib.sha256(name.encode()).hexdigest()[:12]
