"""Single-sample gene set enrichment (ssGSEA) as GSVA defines it: ``gsva(method = "ssgsea")``.

Barbie et al., Nature 2009;462:108-112, in the form of Hanzelmann et al., BMC Bioinformatics
2013;14:7 (R package GSVA 1.46). In one sample of n genes, with R_g the rank of gene g (1 is the
lowest; ties get their average rank, **truncated to an integer**) and p_g its place when genes are
ordered by decreasing rank (**ties in the order of the matrix's rows**), a set G of k genes scores

    sum_G R_g^tau (n - p_g + 1) / sum_G R_g^tau  -  (n (n + 1) / 2 - sum_G (n - p_g + 1)) / (n - k)

with tau = 0.25: the sum over all places of the weighted distribution function inside the set
minus the one outside it. Normalised scores are divided by the range (largest minus smallest) over
**all sets and samples**: leaving out samples or sets changes every normalised score, so a matrix
is scored once, whole, and filtered afterwards; a set that comes later can be divided by the range
of the first scoring (``Scores.score_range``).

Where a gene of a set shares its value with others (zeros, rounded values), the score depends on
the order of rows. gseapy 1.3.1 breaks such ties otherwise: it equals GSVA without ties and differs
by up to 1.6% of the range with zeros. The published scores of the field are GSVA's, hence this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.compute import Place, place_for, run
from core.model import BadInput, NotEnoughData

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.number]
Progress = Callable[[str, float], None]

TAU = 0.25
BLOCK_SAMPLES = 256
CELL_SECONDS = 3e-8
"""Of one gene in one sample, on one core."""


@dataclass(frozen=True)
class Membership:
    """Gene sets as rows of a matrix; made once, used for every block of samples."""

    names: tuple[str, ...]
    n_genes: int
    rows: Ints
    """Rows that belong to at least one set, ascending."""
    indicator: Floats
    """Sets x ``rows``: 1 where the gene is in the set."""
    missing: dict[str, tuple[str, ...]]
    """Genes of each set that the matrix does not hold."""
    warnings: tuple[str, ...] = ()

    @property
    def sizes(self) -> Ints:
        """Genes of each set that are in the matrix."""
        return self.indicator.sum(axis=1).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Scores:
    """ssGSEA scores, sets x samples; NaN for a set that cannot be scored."""

    values: Floats
    gene_sets: tuple[str, ...]
    n_matched: Ints
    """Genes of each set that were found and ranked."""
    missing: dict[str, tuple[str, ...]]
    n_genes: int
    """Genes that were ranked."""
    score_range: tuple[float, float]
    """Smallest and largest score before normalisation."""
    normalised: bool
    warnings: tuple[str, ...] = ()


def ssgsea(
    matrix: Matrix,
    genes: Sequence[str],
    gene_sets: Mapping[str, Iterable[str]],
    *,
    tau: float = TAU,
    normalise_scores: bool = True,
    score_range: tuple[float, float] | None = None,
    missing_code: int | None = None,
    block_samples: int = BLOCK_SAMPLES,
    place: Place | None = None,
    progress: Progress | None = None,
) -> Scores:
    """Score every gene set in every sample of ``matrix`` (genes x samples, any unit).

    The unit is free because only ranks count; a memory-mapped or integer matrix works and is
    fastest as 16-bit integers. Beyond the matrix, memory is that of ``block_samples`` samples.
    A gene that is missing in any sample (NaN, or ``missing_code`` in a matrix of integers) is left
    out of all of them, so that all are ranked over the same genes. ``score_range`` normalises by
    the range of an earlier scoring. Blocks of samples are scored where ``core.compute`` puts
    work of this size, unless ``place`` says. ``progress`` is called with a word and the share done.

    Raises BadInput for a matrix that does not fit its genes, an infinite value, or a symbol list
    without any known gene; NotEnoughData when fewer than two genes or no sample are left.
    """
    _check_shape(matrix, genes, block_samples)
    spans = [
        slice(start, min(start + block_samples, matrix.shape[1]))
        for start in range(0, matrix.shape[1], block_samples)
    ]
    measured, words = _measured(matrix, genes, spans, gene_sets, missing_code)
    kept = np.flatnonzero(measured)
    members = membership([genes[int(i)] for i in kept], gene_sets)
    n = matrix.shape[1]

    def told(done: float) -> None:
        if progress:
            progress(f"{min(round(done * len(spans)) * block_samples, n)} of {n} samples", done)

    scored = run(
        _score,
        _Blocks(matrix, spans, None if measured.all() else kept),
        shared=(members, tau),
        place=place or place_for(matrix.size * CELL_SECONDS),
        progress=told,
    )
    raw = np.concatenate(scored, axis=1)
    found = raw_range(raw)
    return Scores(
        values=normalise(raw, score_range or found) if normalise_scores else raw,
        gene_sets=members.names,
        n_matched=members.sizes,
        missing=members.missing,
        n_genes=kept.size,
        score_range=found,
        normalised=normalise_scores,
        warnings=(*words, *members.warnings),
    )


class _Blocks(Sequence[Matrix]):
    """Blocks of samples, copied out of the matrix when they are asked for."""

    def __init__(self, matrix: Matrix, spans: list[slice], kept: Ints | None) -> None:
        self._matrix, self._spans, self._kept = matrix, spans, kept

    def __len__(self) -> int:
        return len(self._spans)

    def __getitem__(self, number: Any) -> Any:
        span = self._spans[number]
        return self._matrix[:, span] if self._kept is None else self._matrix[self._kept, span]


def _score(block: Matrix, members: Membership, tau: float) -> Floats:
    return score_block(block, members, tau=tau)


def membership(genes: Sequence[str], gene_sets: Mapping[str, Iterable[str]]) -> Membership:
    """Find the genes of each set among the matrix's rows.

    A gene named twice in a set counts once. Where the matrix has a symbol twice, its first row
    is used (as GSVA does) and a warning names it. Raises BadInput when no set has a gene here.
    """
    first: dict[str, int] = {}
    twice: set[str] = set()
    for row, gene in enumerate(genes):
        if gene in first:
            twice.add(gene)
        else:
            first[gene] = row
    wanted = {name: tuple(dict.fromkeys(members)) for name, members in gene_sets.items()}
    found = {name: [first[g] for g in members if g in first] for name, members in wanted.items()}
    rows = np.array(sorted({row for some in found.values() for row in some}), dtype=np.int64)
    if not rows.size:
        raise _no_gene_known(wanted)
    indicator = np.zeros((len(wanted), rows.size))
    for at, some in enumerate(found.values()):
        indicator[at, np.searchsorted(rows, some)] = 1
    words = [
        f"{name}: none of its {len(members)} genes is in the matrix, so it has no score"
        for name, members in wanted.items()
        if not found[name]
    ]
    words += [
        f"{name}: holds every gene of the matrix, so it has no score"
        for name, some in found.items()
        if len(some) == len(genes)
    ]
    if doubled := sorted(twice.intersection(g for some in wanted.values() for g in some)):
        words.append(f"rows that share a symbol: the first is used for {', '.join(doubled)}")
    missing = {name: tuple(g for g in some if g not in first) for name, some in wanted.items()}
    return Membership(tuple(wanted), len(genes), rows, indicator, missing, tuple(words))


def score_block(block: Matrix, members: Membership, *, tau: float = TAU) -> Floats:
    """Scores before normalisation, sets x samples, of some samples (genes x samples).

    ``block`` holds the rows that ``members`` was made for, without NaN.
    """
    n, k = members.n_genes, members.sizes[:, None]
    height = np.empty((members.rows.size, block.shape[1]))
    weight = np.empty_like(height)
    for sample, values in enumerate(np.ascontiguousarray(block.T)):
        height[:, sample], weight[:, sample] = _places(values, members.rows)
    weight **= tau
    with np.errstate(invalid="ignore", divide="ignore"):
        inside = (members.indicator @ (weight * height)) / (members.indicator @ weight)
        outside = (n * (n + 1) / 2 - members.indicator @ height) / (n - k)
        score: Floats = inside - outside
    score[~np.isfinite(score)] = np.nan
    return score


def _places(values: Matrix, rows: Ints) -> tuple[Ints, Ints]:
    """n - p + 1 and the truncated average rank of the genes in ``rows``, in one sample.

    In the stable ascending order, a tie group fills places first+1 .. last (1-based); a gene with
    e earlier rows in its group has descending place p = n - last + e + 1.
    """
    order = np.argsort(values, kind="stable")
    place = np.empty(order.size, dtype=np.int64)
    place[order] = np.arange(order.size)
    ordered, asked = values[order], values[rows]
    first = np.searchsorted(ordered, asked, side="left")
    last = np.searchsorted(ordered, asked, side="right")
    return last - (place[rows] - first), (first + 1 + last) // 2


def raw_range(raw: Floats) -> tuple[float, float]:
    """Smallest and largest score that there is; NaN when there is none."""
    known = raw[np.isfinite(raw)]
    return (float(known.min()), float(known.max())) if known.size else (np.nan, np.nan)


def normalise(raw: Floats, score_range: tuple[float, float] | None = None) -> Floats:
    """Divide by the range over all sets and samples (or over an earlier scoring's).

    Raises NotEnoughData when all scores are equal: there is no range to divide by.
    """
    low, high = raw_range(raw) if score_range is None else score_range
    if not high > low:
        raise NotEnoughData(
            "The scores cannot be normalised: they have no range.",
            expected="at least two different scores over all sets and samples",
            found=f"smallest {low:g}, largest {high:g}",
            remedy="Score more samples or sets, or ask for scores without normalisation.",
        )
    return raw / (high - low)


def _measured(
    matrix: Matrix,
    genes: Sequence[str],
    spans: list[slice],
    gene_sets: Mapping[str, Iterable[str]],
    missing_code: int | None,
) -> tuple[npt.NDArray[np.bool_], list[str]]:
    """Genes that are known in every sample, and a word on the others."""
    measured = np.ones(matrix.shape[0], dtype=bool)
    for span in spans:
        block = matrix[:, span]
        if missing_code is not None:
            measured &= ~(block == missing_code).any(axis=1)
        if np.issubdtype(block.dtype, np.floating):
            if np.isinf(block).any():
                raise _infinite(genes[int(np.isinf(block).any(axis=1).argmax())])
            measured &= ~np.isnan(block).any(axis=1)
    if measured.all():
        return measured, []
    if measured.sum() < 2:
        raise NotEnoughData(
            "Too few genes are measured in every sample.",
            expected="at least two genes without a missing value",
            found=f"{measured.sum()} of {measured.size}",
            remedy="Leave out the samples in which most genes are missing.",
        )
    in_sets = {gene for some in gene_sets.values() for gene in some}
    lost = sorted({genes[int(i)] for i in np.flatnonzero(~measured)} & in_sets)
    words = f"{(~measured).sum()} genes are not measured in every sample and are not ranked"
    return measured, [words + (f"; of the gene sets: {', '.join(lost)}" if lost else "")]


def _infinite(gene: str) -> BadInput:
    return BadInput(
        f"An expression value of {gene} is infinite.",
        expected="finite numbers, NaN where a gene was not measured",
        found="an infinite value",
        remedy="A logarithm of zero makes such values: add 1 before taking it.",
    )


def _check_shape(matrix: Matrix, genes: Sequence[str], block_samples: int) -> None:
    if matrix.ndim != 2 or matrix.shape[0] != len(genes) or block_samples < 1:
        raise BadInput(
            "The expression matrix does not fit its genes.",
            expected=f"{len(genes)} rows, one a gene, and blocks of at least 1 sample",
            found=f"shape {matrix.shape}, blocks of {block_samples}",
            remedy="Genes are rows and samples are columns; transpose the matrix if need be.",
        )
    if matrix.shape[0] < 2 or matrix.shape[1] < 1:
        raise NotEnoughData(
            "There is nothing to score.",
            expected="at least two genes and one sample",
            found=f"{matrix.shape[0]} genes, {matrix.shape[1]} samples",
            remedy="Widen the filters.",
        )


def _no_gene_known(wanted: dict[str, tuple[str, ...]]) -> BadInput:
    named = [gene for some in wanted.values() for gene in some]
    return BadInput(
        "None of the genes of the sets is in the expression matrix.",
        expected="gene symbols as the matrix names them, such as CD8A",
        found=f"{len(wanted)} sets with {', '.join(named[:5]) or 'no genes'}",
        remedy="Check the spelling; Ensembl or Entrez identifiers must be turned into symbols.",
    )
