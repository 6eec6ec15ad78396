"""Imports go down the floors; SQL, caching and session state each live in one place."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

FLOORS = {
    "core.model": 0,
    "core.records": 0,
    "core.version": 0,
    "core.compute": 1,
    "core.stats": 1,
    "core.store": 1,
    "core.mirror": 1,
    "core.groups": 1,
    "core.analysis": 2,
    "core.charts": 3,
    "core.report": 3,
    "data": 3,
    "core.ui": 4,
    "dashboard": 5,
    "pages": 5,
}

FORBIDDEN = {
    "core.compute": {"core.stats", "core.store", "core.groups"},
    "core.stats": {"core.store", "core.groups"},
    "core.store": {"core.stats", "core.groups", "core.mirror"},
    "core.mirror": {"core.stats", "core.groups"},
    "data": {"core.analysis", "core.charts", "core.report", "core.groups", "core.ui"},
}
"""Rooms on one floor, or below, that do not know each other."""

FILES = sorted(
    p for room in ("core", "data", "dashboard", "pages") for p in (ROOT / room).rglob("*.py")
)


def room(module: str) -> str | None:
    """The room of FLOORS that a dotted module stands in."""
    fitting = [r for r in FLOORS if module == r or module.startswith(f"{r}.")]
    return max(fitting, key=len, default=None)


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down(path: Path) -> None:
    own = room(module_name(path))
    if own is None:
        return
    for name in imported(path):
        other = room(name)
        if other is None or other == own:
            continue
        assert FLOORS[other] <= FLOORS[own], f"{own} imports {name}, a floor above"
        assert other not in FORBIDDEN.get(own, set()), f"{own} must not know {name}"


def test_the_vocabulary_needs_the_standard_library_only() -> None:
    third_party = {"numpy", "pandas", "duckdb", "streamlit", "scipy", "altair", "pyarrow"}
    names = {n.split(".")[0] for n in imported(ROOT / "core" / "model.py")}
    assert not names & third_party


SQL = re.compile(r"\b(SELECT\b.+\bFROM|INSERT\s+INTO|DELETE\s+FROM|CREATE\s+TABLE)\b", re.S)


def test_sql_stands_in_the_store_and_where_stores_are_made() -> None:
    allowed = {"core/store.py", "data/publish.py", "data/check.py", "data/info.py"}
    found = {str(p.relative_to(ROOT)) for p in FILES if SQL.search(p.read_text(encoding="utf-8"))}
    assert found <= allowed, found - allowed


@pytest.mark.parametrize(
    ("what", "home"),
    [
        (r"st\.cache_(data|resource)", {"core/ui/cached.py"}),
        (r"st\.(session_state|query_params)", {"core/ui/state.py"}),
        (r"import duckdb|from duckdb", {"core/store.py", "data/publish.py", "data/check.py"}),
    ],
)
def test_one_place_for(what: str, home: set[str]) -> None:
    found = {
        str(p.relative_to(ROOT)) for p in FILES if re.search(what, p.read_text(encoding="utf-8"))
    }
    assert found <= home, found - home


def test_no_room_is_a_drawer() -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
    assert not [p for p in FILES if p.stem in drawers or drawers & set(p.parts)]


def test_simulated_and_real_stores_are_never_one_file() -> None:
    from data.check import RULES

    assert any("simulated store has only simulated sources" in rule for rule, _ in RULES)
