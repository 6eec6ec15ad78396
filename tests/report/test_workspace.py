"""The local workspace: kept whole or not at all, and never thrown away."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.model import BadFile, DashboardError
from core.report import workspace
from tests.report.test_snapshot import snapshot


def test_an_empty_place_has_none_and_keeps_some(tmp_path: Path) -> None:
    place = tmp_path / "new" / "workspace"
    assert workspace.load(place) == []
    workspace.save(place, [snapshot()])
    assert [s.title for s in workspace.load(place)] == ["Does ALK matter?"]
    assert [p.name for p in place.iterdir()] == [workspace.FILE]


def test_a_full_disk_leaves_what_was_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.save(tmp_path, [snapshot()])

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DashboardError, match="could not be kept"):
        workspace.save(tmp_path, [])
    assert len(workspace.load(tmp_path)) == 1
    assert [p.name for p in tmp_path.iterdir()] == [workspace.FILE]


def test_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / workspace.FILE).write_text("{", encoding="utf-8")
    with pytest.raises(BadFile):
        workspace.load(tmp_path)
    first = workspace.set_aside(tmp_path)
    assert first.read_text(encoding="utf-8") == "{" and workspace.load(tmp_path) == []
    (tmp_path / workspace.FILE).write_text("[", encoding="utf-8")
    assert workspace.set_aside(tmp_path) != first
