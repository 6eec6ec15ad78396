"""What is handed to the executor is the same to the bit here, in processes and on Dask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.analysis import burden_null
from core.analysis.burden_null import BLOCK, draw_null, draw_nulls
from core.compute import HERE, Place, run
from core.stats.calibration import corrected_calibration
from core.stats.cox_bootstrap import Sample, resamples, validate
from core.stats.ssgsea import ssgsea
from data.signatures_build import _fit_task
from tests.analysis.planted import patients
from tests.compute.test_cluster import Running, cluster
from tests.golden.signatures.cases import reference

Arrays = list[np.ndarray]


def null(place: Place) -> Arrays:
    rows = patients(np.random.default_rng(3), 300, gene=-0.5, burden=-0.3, pull=0.5)
    return [draw_nulls(rows, 2 * BLOCK, place=place)]


def sample() -> tuple[Sample, Any]:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(150, 3))
    time = rng.exponential(np.exp(-x[:, 0]) * 20)
    stratum = rng.integers(0, 2, 150)
    own = Sample.of(x, np.minimum(time, 40.0), (time < 40).astype(float), strata=stratum)
    return own, resamples(150, 50, 0, own.stratum)


def bootstrap(place: Place) -> Arrays:
    own, drawn = sample()
    curves = corrected_calibration(own, drawn, (6.0, 12.0), per_group=40, place=place)
    found = [validate(own, drawn, place=place).table.drop(columns="measure").to_numpy(float)]
    return found + [c.groups.corrected.to_numpy() for c in curves]


def scores(place: Place) -> Arrays:
    rng = np.random.default_rng(5)
    matrix = rng.integers(0, 900, (80, 60)).astype(np.uint16)
    matrix[3, 7] = 65535
    genes = [f"g{i}" for i in range(80)]
    sets = {"a": genes[:20], "b": genes[30:50]}
    found = ssgsea(matrix, genes, sets, missing_code=65535, block_samples=16, place=place)
    return [found.values]


def refits(place: Place) -> Arrays:
    counts = np.random.default_rng(6).multinomial(120, np.full(96, 1 / 96), size=12)
    tasks = [counts[i : i + 4] for i in range(0, 12, 4)]
    return run(_fit_task, tasks, shared=(reference(),), place=place)


WORK = [null, bootstrap, scores, refits]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    pytest.importorskip("distributed")
    with cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.mark.parametrize("work", WORK, ids=lambda w: w.__name__)
def test_the_same_bits_wherever_it_runs(work: Callable[[Place], Arrays], two: Running) -> None:
    here = [a.tobytes() for a in work(HERE)]
    assert [a.tobytes() for a in work(Place(workers=2))] == here
    assert [a.tobytes() for a in work(two.place)] == here


def test_a_null_is_its_seeded_blocks_one_after_the_other() -> None:
    rows = patients(np.random.default_rng(3), 200, gene=-0.5, burden=-0.3, pull=0.5)
    expected = np.concatenate([draw_null(rows, 0), draw_null(rows, 1)])
    np.testing.assert_array_equal(draw_nulls(rows, BLOCK + 50, place=HERE), expected[: BLOCK + 50])


def test_a_null_of_a_second_stays_in_the_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The live page pays no start of processes; a cohort of 100,000 does."""
    asked: list[Place] = []

    def spy(*_: Any, place: Place, **__: Any) -> list[np.ndarray]:
        asked.append(place)
        return [np.zeros(BLOCK)] * 4

    monkeypatch.setattr(burden_null, "run", spy)
    monkeypatch.setenv("ICI_EXPLORER_WORKERS", "2")
    rows = patients(np.random.default_rng(3), 2500, gene=-0.5, burden=-0.3, pull=0.5)
    draw_nulls(rows)
    draw_nulls(rows.loc[np.tile(rows.index, 40)])
    assert asked == [HERE, Place(workers=2)]
