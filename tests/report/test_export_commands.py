"""``python -m core.report deck | html | figures | methods``: files of a snapshot file."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from pptx import Presentation

from core.report.__main__ import main
from core.report.snapshot import Snapshot, to_json
from core.store import Store


@pytest.fixture(scope="module")
def saved(snapshots: list[Snapshot], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "pins.json"
    path.write_text(to_json(snapshots[:2]), encoding="utf-8")
    return path


def run(*arguments: object) -> int:
    return main([str(a) for a in arguments])


def test_deck_and_page(saved: Path, small: Store, tmp_path: Path) -> None:
    for command, name in (("deck", "a.pptx"), ("html", "a.html")):
        out = tmp_path / "new" / name
        assert run(command, saved, "--out", out, "--store", small.path, "--title", "Mine") == 0
        assert out.stat().st_size > 10_000
    deck = Presentation(io.BytesIO((tmp_path / "new" / "a.pptx").read_bytes()))
    assert deck.slides[0].shapes.title.text == "Mine"
    assert "<h1>Mine</h1>" in (tmp_path / "new" / "a.html").read_text(encoding="utf-8")


def test_figures_in_each_format_with_their_numbers(
    saved: Path, small: Store, tmp_path: Path, snapshots: list[Snapshot]
) -> None:
    assert run("figures", saved, "--out", tmp_path, "--width", 88, "--format", "svg", "pdf") == 0
    names = sorted(p.name for p in tmp_path.iterdir())
    assert len(names) == 6 and all(n.startswith("SIMULATED-0") for n in names)
    assert {Path(n).suffix for n in names} == {".svg", ".pdf", ".xlsx"}
    first = (tmp_path / f"SIMULATED-01-{snapshots[0].name}.svg").read_text(encoding="utf-8")
    assert 'width="88.000mm"' in first


def test_methods_bibtex_and_remark(
    saved: Path, small: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("methods", saved, "--store", small.path) == 0
    assert capsys.readouterr().out.startswith("# Methods (SIMULATED DATA)")
    assert run("methods", saved, "--bibtex", "--store", small.path) == 0
    assert "@article{cox1972," in capsys.readouterr().out
    out = tmp_path / "remark.md"
    assert run("methods", saved, "--remark", "--out", out, "--store", small.path) == 0
    assert "| 20 |" in out.read_text(encoding="utf-8")


def test_without_a_store_the_snapshots_suffice(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("methods", saved, "--store", tmp_path / "none") == 0
    told = capsys.readouterr()
    assert "Kaplan and Meier 1958" in told.out and "Without a store" in told.err


@pytest.mark.parametrize("content", [None, "{}", "not json"])
def test_a_file_that_holds_no_snapshots_is_told(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pins.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    assert run("deck", path, "--out", tmp_path / "a.pptx") == 1
    told = capsys.readouterr().err
    assert told.startswith("BadFile") and "what to do" in told
    assert not (tmp_path / "a.pptx").exists()
