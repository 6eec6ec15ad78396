"""The pages of the app, read from dashboard/Home.py: a test of every page covers a new one."""

from __future__ import annotations

import ast
from pathlib import Path

HOME = Path(__file__).resolve().parents[2] / "dashboard" / "Home.py"


def _groups() -> dict[str, list[tuple[str, str, str]]]:
    for node in ast.parse(HOME.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "GROUPS" and node.value:
            found: dict[str, list[tuple[str, str, str]]] = ast.literal_eval(node.value)
            return found
    raise AssertionError(f"{HOME} has no GROUPS")


PAGES = tuple(name for listed in _groups().values() for name, *_ in listed)
