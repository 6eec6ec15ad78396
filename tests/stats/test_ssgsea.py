"""ssGSEA against the walk it is defined by, and the rules around it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.model import BadInput, NotEnoughData
from core.stats.ssgsea import Scores, normalise, ssgsea

Floats = npt.NDArray[np.float64]


def walk(values: Floats, inside: npt.NDArray[np.bool_], tau: float = 0.25) -> float:
    """The definition, one gene at a time: the sum of the two distributions' differences."""
    n = values.size
    ranks = np.array([np.mean(np.flatnonzero(np.sort(values) == v)) + 1 for v in values]) // 1
    order = sorted(range(n), key=lambda row: (-ranks[row], row))
    weights = [ranks[row] ** tau if inside[row] else 0.0 for row in order]
    outside = [0.0 if inside[row] else 1.0 for row in order]
    return float(
        np.sum(np.cumsum(weights) / np.sum(weights) - np.cumsum(outside) / np.sum(outside))
    )


def scored(matrix: npt.ArrayLike, sets: dict[str, list[str]], **options: object) -> Scores:
    values = np.asarray(matrix)
    return ssgsea(values, [f"g{i}" for i in range(len(values))], sets, **options)  # type: ignore[arg-type]


@pytest.fixture
def matrix() -> Floats:
    rng = np.random.default_rng(5)
    values = rng.gamma(0.7, 5, (80, 23))
    values[values < 0.8] = 0
    return values


SINGLE = {"first": ["g0"], "second": ["g1"]}
SETS = {"a": ["g3", "g70", "g12", "g40"], "b": ["g0", "g1", "g2"], "c": ["g79"]}


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.integers(0, 6), min_size=3, max_size=25),
    chosen=st.lists(st.booleans(), min_size=25, max_size=25),
    tau=st.sampled_from([0.0, 0.25, 1.0]),
)
def test_equals_the_walk_with_any_ties(values: list[int], chosen: list[bool], tau: float) -> None:
    inside = np.array(chosen[: len(values)])
    if inside.all() or not inside.any():
        inside = np.arange(len(values)) == 1
    column = np.array(values, dtype=float)
    names = [f"g{i}" for i in np.flatnonzero(inside)]
    ours = scored(column[:, None], {"set": names}, tau=tau, normalise_scores=False)
    assert ours.values[0, 0] == pytest.approx(walk(column, inside, tau), abs=1e-10)


def test_blocks_and_unit_do_not_matter(matrix: Floats) -> None:
    whole = scored(matrix, SETS)
    np.testing.assert_allclose(scored(matrix, SETS, block_samples=5).values, whole.values, 1e-12)
    np.testing.assert_allclose(scored(np.log2(matrix + 1), SETS).values, whole.values, 1e-12)
    milli = np.round(1000 * np.log2(np.floor(matrix) + 1)).astype(np.uint16)
    np.testing.assert_allclose(
        scored(milli, SETS).values, scored(np.floor(matrix), SETS).values, rtol=1e-12
    )


def test_row_order_decides_between_ties() -> None:
    tied = scored(
        [[1.0], [1.0], [0.0]], {"first": ["g0"], "second": ["g1"]}, normalise_scores=False
    )
    # places 3 and 2 from the bottom; outside, the other two genes
    np.testing.assert_allclose(tied.values[:, 0], [3 - (6 - 3) / 2, 2 - (6 - 2) / 2])


def test_normalisation_is_over_all_sets_and_samples(matrix: Floats) -> None:
    raw = scored(matrix, SETS, normalise_scores=False)
    whole = scored(matrix, SETS)
    assert np.ptp(whole.values) == pytest.approx(1)
    assert whole.score_range == (raw.values.min(), raw.values.max())
    few = scored(matrix[:, [1, 3]], SETS)
    assert np.ptp(few.values) == pytest.approx(1)
    assert not np.allclose(few.values, whole.values[:, [1, 3]])
    again = scored(matrix[:, [1, 3]], SETS, score_range=whole.score_range)
    np.testing.assert_allclose(again.values, whole.values[:, [1, 3]], rtol=1e-12)


def test_a_gene_missing_in_one_sample_is_ranked_in_none(matrix: Floats) -> None:
    holed = matrix.copy()
    holed[[12, 20], [3, 22]] = np.nan
    ours = scored(holed, SETS, block_samples=4)
    rest = np.delete(np.arange(80), [12, 20])
    genes = [f"g{i}" for i in rest]
    np.testing.assert_array_equal(ours.values, ssgsea(matrix[rest], genes, SETS).values)
    assert ours.n_genes == 78
    assert ours.missing["a"] == ("g12",)
    assert ours.warnings == (
        "2 genes are not measured in every sample and are not ranked; of the gene sets: g12",
    )
    coded = np.where(np.isnan(holed), 65535, np.round(holed * 1000)).astype(np.uint16)
    by_code = scored(coded, SETS, missing_code=65535)
    assert by_code.n_genes == 78 and by_code.missing == ours.missing


def test_sets_that_cannot_be_scored_are_named(matrix: Floats) -> None:
    sets = SETS | {"unknown": ["XYZ"], "all": [f"g{i}" for i in range(80)]}
    ours = scored(matrix, sets)
    assert np.isnan(ours.values[3:]).all()
    np.testing.assert_array_equal(ours.values[:3], scored(matrix, SETS).values)
    assert ours.warnings == (
        "unknown: none of its 1 genes is in the matrix, so it has no score",
        "all: holds every gene of the matrix, so it has no score",
    )
    assert list(ours.n_matched) == [4, 3, 1, 0, 80]


def test_a_symbol_twice() -> None:
    values = np.array([[3.0, 1], [2, 2], [5, 9], [0, 4]])
    ours = ssgsea(values, ["A", "B", "A", "C"], {"s": ["A", "A"]}, normalise_scores=False)
    expected = [walk(values[:, j], np.array([True, False, False, False])) for j in (0, 1)]
    np.testing.assert_allclose(ours.values[0], expected)
    assert ours.warnings == ("rows that share a symbol: the first is used for A",)


def test_progress_reaches_one(matrix: Floats) -> None:
    seen: list[tuple[str, float]] = []
    scored(matrix, SETS, block_samples=10, progress=lambda what, done: seen.append((what, done)))
    assert [done for _, done in seen] == pytest.approx([1 / 3, 2 / 3, 1])
    assert seen[-1][0] == "23 of 23 samples"


def test_bad_input_is_told(matrix: Floats) -> None:
    with pytest.raises(BadInput, match="None of the genes"):
        scored(matrix, {"s": ["ENSG00000171094"]})
    with pytest.raises(BadInput, match="does not fit"):
        ssgsea(matrix.T, [f"g{i}" for i in range(80)], SETS)
    matrix[4, 2] = -np.inf
    with pytest.raises(BadInput, match="value of g4 is infinite"):
        scored(matrix, SETS)
    with pytest.raises(NotEnoughData, match="measured in every sample"):
        scored(np.full((3, 2), np.nan), SETS)
    with pytest.raises(NotEnoughData, match="nothing to score"):
        scored(np.empty((80, 0)), SETS)


def test_no_range_to_divide_by() -> None:
    with pytest.raises(NotEnoughData, match="no range"):
        normalise(np.array([[2.0, 2.0]]))
