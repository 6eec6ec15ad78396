"""The atlas: numbers of the scan, q-values over all looks, runs that stop and go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.analysis import atlas as module
from core.analysis.atlas import (
    EVERY_TYPE,
    ICI_SETTING,
    TCGA_SETTING,
    Look,
    LookResult,
    assemble,
    atlas_view,
    looks,
    of_gene,
)
from core.analysis.atlas_file import atlas_made, atlas_path, make_atlas, open_atlas
from core.analysis.gene_scan import ADJUSTED, gene_scan
from core.analysis.tcga import tcga_filters
from core.charts.atlas import answer, atlas_figure, gene_table, ranked_table
from core.compute import HERE, Place
from core.model import Filters, NotEnoughData, StoreError
from core.report.__main__ import main
from core.report.figures import render
from core.stats.multiple import benjamini_hochberg
from core.store import Store, open_store
from tests.app.small_store import make


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("atlas")
    make(folder)
    return folder


@pytest.fixture(scope="module")
def store(folder: Path) -> Iterator[Store]:
    opened = open_store(folder)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def made(store: Store) -> module.Atlas:
    before = store.path.read_bytes()
    assert open_atlas(store) is None and atlas_made(store) == 0
    path, resumed = make_atlas(store, place=Place(workers=2))
    assert path == atlas_path(store) and resumed == 0 and atlas_made(store) > 0
    assert store.path.read_bytes() == before, "the file that readers have open stays as it is"
    assert sorted(p.suffix for p in store.path.parent.iterdir()) == [".duckdb", ".json", ".parquet"]
    found = open_atlas(store)
    assert found is not None
    return found


def test_looks_are_every_type_and_endpoint_of_both_settings(store: Store) -> None:
    asked = looks(store)
    assert len(asked) == len(set(asked))
    tcga = {(a.tumor_type, a.endpoint) for a in asked if a.setting == TCGA_SETTING}
    types = store.source_tumor_types("tcga").tumor_type_source
    assert tcga == {(t, e) for t in types for e in ("OS", "DSS", "PFI")}, "the store has no DFI"
    assert {a.endpoint for a in asked if a.setting == ICI_SETTING} == {"OS", "PFS"}
    assert Look(ICI_SETTING, EVERY_TYPE, "OS") in asked


@pytest.mark.parametrize(
    ("look", "filters"),
    [
        (Look(TCGA_SETTING, "SKCM", "DSS"), tcga_filters(Filters(), ("SKCM",))),
        (Look(ICI_SETTING, "Melanoma", "OS"), Filters(tumor_types=("Melanoma",))),
        (Look(ICI_SETTING, EVERY_TYPE, "OS"), Filters()),
    ],
    ids=lambda v: getattr(v, "tumor_type", ""),
)
def test_numbers_are_those_of_the_scan(
    store: Store, made: module.Atlas, look: Look, filters: Filters
) -> None:
    expected = gene_scan(store, filters, endpoint=look.endpoint)
    g = made.genes
    mine = (g.setting == look.setting) & (g.tumor_type == look.tumor_type)
    rows = g[mine & (g.endpoint == look.endpoint)].set_index("gene")
    table = expected.table.set_index("gene")
    assert len(rows) == len(table) > 1
    same = [c for c in table if not c.endswith("q_value")]
    pd.testing.assert_frame_equal(rows.loc[table.index, same], table[same], check_exact=True)
    told = made.looks[
        (made.looks.setting == look.setting)
        & (made.looks.tumor_type == look.tumor_type)
        & (made.looks.endpoint == look.endpoint)
    ]
    assert told.n.tolist() == [expected.n] and told.n_genes.tolist() == [len(table)]


@pytest.mark.parametrize("lead", ["", ADJUSTED], ids=["raw", "adjusted"])
def test_q_values_count_every_look_of_the_setting(made: module.Atlas, lead: str) -> None:
    for _, rows in made.genes.groupby("setting"):
        expected = benjamini_hochberg(rows[f"{lead}p_value"].to_numpy(float))
        np.testing.assert_array_equal(rows[f"{lead}q_value"], expected)
        known = rows[f"{lead}p_value"].notna()
        assert rows[known].groupby(["tumor_type", "endpoint"]).ngroups > 1


def test_what_cannot_be_tested_says_why(made: module.Atlas) -> None:
    silent = made.looks[made.looks.n_genes == 0]
    assert "ACC" in set(silent.tumor_type), "eight patients"
    assert silent.why.str.len().min() > 10
    view = atlas_view(made, TCGA_SETTING, "OS", "ALK", adjusted=True)
    assert "ACC" in set(view.silent.tumor_type) and "ACC" not in view.types


def test_view_ranks_genes_by_their_smallest_p_and_bounds_what_is_drawn(made: module.Atlas) -> None:
    view = atlas_view(made, ICI_SETTING, "OS", "VSIR", adjusted=False, shown=1)
    p = view.ranked.p_value.dropna()
    assert p.is_monotonic_increasing and view.ranked.gene.is_unique
    first = view.ranked.gene[view.ranked.gene != "VSIR"].iloc[0]
    assert set(view.cells.gene) <= {"VSIR", first}
    rows = made.genes[(made.genes.setting == ICI_SETTING) & (made.genes.endpoint == "OS")]
    own = rows[rows.gene == first]
    top = view.ranked[view.ranked.gene == first].iloc[0]
    assert top.p_value == own.p_value.min() and top.n_types == (own.tumor_type != EVERY_TYPE).sum()
    assert view.n_tests == made.genes.p_value[made.genes.setting == ICI_SETTING].notna().sum()


def test_figure_and_tables_show_the_view(made: module.Atlas) -> None:
    view = atlas_view(made, ICI_SETTING, "OS", "ALK", adjusted=True)
    figure = atlas_figure(view, "ALK", simulated=True)
    assert len(figure.data["cells"]) == len(view.cells)
    assert "SIMULATED" in str(figure.spec) and "Heat map of" in figure.description
    assert b"Hazard ratio" in render(figure.for_export(), "svg")
    assert ranked_table(view).Gene.tolist() == view.ranked.gene.tolist()
    rows = of_gene(made, "ALK")
    assert len(gene_table(rows)) == len(rows) > 3
    assert "tests over all genes" in answer(view)


def test_a_stopped_run_goes_on_where_it_was_with_the_same_bits(
    made: module.Atlas, tmp_path: Path
) -> None:
    make(tmp_path)
    store = open_store(tmp_path)

    class Stopped(Exception):
        pass

    def stop(done: float) -> None:
        if done > 0.3:
            raise Stopped

    with pytest.raises(Stopped):
        make_atlas(store, place=HERE, progress=stop)
    assert open_atlas(store) is None, "nothing is published before it is whole"
    parts = sorted(atlas_path(store).with_suffix(".parts").iterdir())
    assert 0 < len(parts) < len(looks(store))
    parts[0].write_bytes(b"damaged")
    told: list[float] = []
    _, resumed = make_atlas(store, place=HERE, progress=told.append)
    assert resumed == len(parts) - 1 and told == sorted(told) and told[-1] == 1.0
    assert not atlas_path(store).with_suffix(".parts").exists()
    again = open_atlas(store)
    assert again is not None
    pd.testing.assert_frame_equal(again.genes, made.genes, check_exact=True)
    pd.testing.assert_frame_equal(again.looks, made.looks)
    store.close()


def test_an_atlas_belongs_to_its_build_and_goes_with_it(tmp_path: Path) -> None:
    make(tmp_path)
    orphan = tmp_path / "atlas-gone-00000000.parquet"
    orphan.touch()
    store = open_store(tmp_path)
    make_atlas(store, place=HERE)
    assert not orphan.exists()
    atlas_path(store).write_bytes(b"PAR1 damaged")
    with pytest.raises(StoreError, match="cannot be read") as caught:
        open_atlas(store)
    assert "core.report atlas" in caught.value.remedy
    store.close()


def test_a_folder_that_cannot_be_written_to_is_told(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.analysis.atlas_file.pq.write_table", full)
    with pytest.raises(StoreError, match="could not be written") as caught:
        make_atlas(store, place=HERE)
    assert "goes on where it stopped" in caught.value.remedy


def test_no_gene_anywhere_is_an_answer() -> None:
    with pytest.raises(NotEnoughData, match="any tumour type"):
        assemble([Look(TCGA_SETTING, "ACC", "OS")], [LookResult(None, why="Too few.")])


def test_the_command_makes_it_and_says_where(
    made: module.Atlas, folder: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("ICI_EXPLORER_WORKERS", "1")
    assert main(["atlas", "--store", str(folder), "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert "SIMULATED" in printed and ".parquet" in printed
    assert f"{len(made.looks)} scans" in printed
    assert main(["atlas", "--store", str(folder / "nowhere"), "--quiet"]) == 1
