"""Which version of this program runs."""

from __future__ import annotations

import importlib.metadata
from functools import cache


@cache
def code_version() -> str:
    """The version of the installed project."""
    try:
        return importlib.metadata.version("ici-explorer")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
