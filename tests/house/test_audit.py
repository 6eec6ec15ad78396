"""Dependencies are audited where that can be asked, and never taken as audited where it cannot."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.house import audit

ROOT = Path(__file__).resolve().parents[2]
VULNERABLE = {
    "dependencies": [
        {
            "name": "jinja2",
            "version": "2.10",
            "vulns": [{"id": "PYSEC-2019-217", "aliases": ["CVE-2019-10906"],
                       "fix_versions": ["2.10.1"]}],
        }
    ]
}  # fmt: skip
CLEAN = {"dependencies": [{"name": "numpy", "version": "2.4.6", "vulns": []}]}
UNKNOWN = {"dependencies": [{"name": "jinja2", "skip_reason": "Dependency not found on the index"}]}


def answering(monkeypatch: pytest.MonkeyPatch, *answers: dict[str, Any] | str) -> None:
    waiting = iter(answers)
    monkeypatch.setattr(audit, "ask", lambda *_, **__: next(waiting))


def test_installed_dependencies_have_no_known_vulnerability() -> None:
    found = audit.audit()
    if not found.asked:
        pytest.skip(found.words)
    assert not found.vulnerable, found.words
    assert found.audited > 30, found.words


def test_index_without_records_is_not_an_audit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, UNKNOWN, UNKNOWN)
    assert audit.main([]) == 0
    assert audit.main(["--release"]) == 2
    assert capsys.readouterr().out.count("NOT AUDITED: the package index") == 2


@pytest.mark.parametrize("answers", [("no network",), (VULNERABLE, "no network")])
def test_service_that_does_not_answer_is_not_an_audit(
    monkeypatch: pytest.MonkeyPatch,
    answers: tuple[dict[str, Any] | str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    answering(monkeypatch, *answers)
    assert audit.main(["--release"]) == 2
    assert "NOT AUDITED: no network" in capsys.readouterr().out


def test_known_vulnerability_fails_and_says_what_mends_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, VULNERABLE, VULNERABLE)
    assert audit.main([]) == 1
    assert "jinja2 2.10: PYSEC-2019-217, mended in 2.10.1" in capsys.readouterr().out


def test_accepted_advisory_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, VULNERABLE, CLEAN)
    assert audit.audit().words.startswith("AUDITED: no known vulnerability in 1 packages")
    monkeypatch.setitem(audit.ACCEPTED, "CVE-2019-10906", "no template of a person is rendered")
    assert audit.read(VULNERABLE) == (1, (), ())


def test_everything_that_is_needed_is_asked_about() -> None:
    asked = {line.split("==")[0] for line in audit.installed()}
    assert {"streamlit", "duckdb", "numpy", "protobuf", "jinja2", "pytest"} <= asked


def test_every_dependency_has_a_least_version_and_the_one_it_was_tested_with() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    exact = {c.split("==")[0] for c in project["tool"]["uv"]["constraint-dependencies"]}
    listed = [*project["project"]["dependencies"]]
    for extra in project["project"]["optional-dependencies"].values():
        listed += extra
    for one in listed:
        assert ">=" in one, one
        assert re.split(r"[><=;\s\[]", one)[0] in exact, one


def test_settings_keep_uploads_small_and_telemetry_off() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert settings["browser"]["gatherUsageStats"] is False
    assert 0 < settings["server"]["maxUploadSize"] <= 200
    assert settings["server"]["address"] == "127.0.0.1"
    assert settings["client"]["showErrorDetails"] == "none"
    assert settings["server"].get("enableXsrfProtection", True) is True
    assert settings["server"].get("enableCORS", True) is True
    assert settings["server"].get("enableStaticServing", False) is False
