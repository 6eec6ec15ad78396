"""What the README promises exists: its commands, files, subcommands and settings."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_files_and_folders_that_are_named_exist() -> None:
    named = set(
        re.findall(r"`((?:core|data|dashboard|pages|tests|\.streamlit)/[\w./*-]*)`", README)
    )
    assert named
    assert not [n for n in named if not list(ROOT.glob(n.rstrip("/")))]


@pytest.mark.parametrize("command", ["fetch", "build", "check", "info", "demo", "push"])
def test_every_data_command_is_documented_and_answers(command: str) -> None:
    assert f"python -m data {command}" in README
    done = subprocess.run(
        [sys.executable, "-m", "data", command, "--help"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and "usage" in done.stdout


def test_the_ci_script_finds_the_test_command() -> None:
    block = re.search(r"<!-- test command -->\s*```sh\n(.+?)\n```", README, re.S)
    assert block and "pytest" in block[1]


def test_no_file_names_a_registry_host() -> None:
    hosts = re.compile(
        "|".join(
            map(re.escape, ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org",
                            "deb.debian" + ".org", "conda" + ".anaconda.org"))
        )
    )  # fmt: skip
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    found = []
    for name in tracked:
        path = ROOT / name
        if path.suffix in {".png", ".duckdb", ".gz", ".xlsx"} or not path.is_file():
            continue
        if hosts.search(path.read_text(encoding="utf-8", errors="ignore")):
            found.append(name)
    assert not found


def test_no_published_row_is_in_the_repository() -> None:
    """TCGA barcodes and MSK patient ids stand in tests and docs only as single made-up examples."""
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    ids = re.compile(r"TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}|P-00\d{5}-T0\d")
    many = {}
    for name in tracked:
        path = ROOT / name
        if path.is_file() and path.suffix in {".csv", ".tsv", ".txt", ".toml", ".json", ".py"}:
            distinct = set(ids.findall(path.read_text(encoding="utf-8", errors="ignore")))
            if len(distinct) > 15:
                many[name] = len(distinct)
    assert not many
