"""The local workspace: pinned figures in one file, kept from one visit to the next.

Only for an app that runs on the researcher's own machine: on a shared server everyone would read
and write the same file.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from core.model import BadFile, DashboardError
from core.report.snapshot import Snapshot, from_json, to_json

FILE = "pinned.json"


def load(folder: Path) -> list[Snapshot]:
    """The pinned figures of ``folder``, none where it has none. Raises BadFile."""
    path = folder / FILE
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreadable(path, error) from error
    return from_json(text, str(path))


def save(folder: Path, pinned: list[Snapshot]) -> None:
    """Write all of them, whole or not at all. Raises DashboardError, such as on a full disk."""
    path = folder / FILE
    text = to_json(pinned).encode("utf-8")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{FILE}-")
    except OSError as error:
        raise _unwritten(path, error) from error
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        os.replace(name, path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise _unwritten(path, error) from error


def set_aside(folder: Path) -> Path:
    """Rename a file that cannot be read, so that nothing is lost; returns its new name."""
    path = folder / FILE
    kept = path.with_name(f"{path.stem}-unreadable.json")
    number = 1
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.stem}-unreadable-{number}.json")
    os.replace(path, kept)
    return kept


def _unwritten(path: Path, error: OSError) -> DashboardError:
    return DashboardError(
        "The pinned figures could not be kept on this machine; they last as long as this visit.",
        where=str(path),
        found=error.strerror or str(error),
        remedy="Save them as a file from the page Present.",
    )


def _unreadable(path: Path, error: OSError) -> BadFile:
    return BadFile(
        "The pinned figures of this machine cannot be read.",
        where=str(path),
        found=error.strerror or str(error),
        remedy="Check the permissions of the file.",
    )
