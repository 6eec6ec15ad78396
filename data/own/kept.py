"""Own cohorts that are kept on this machine: one store folder each, beside the loaded stores.

``stores/own/own_NAME`` is a store folder as every other: its file and the pointer to it.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from core.model import BadInput, StoreError
from core.store import current_build, open_store
from data.own.mapping import cohort_id
from data.publish import adopt

FOLDER = "own"


@dataclass(frozen=True)
class Kept:
    """A kept cohort: its name, its store's file, patients, and whether it is simulated."""

    name: str
    path: Path
    n_patients: int
    simulated: bool


def kept(stores: Path) -> list[Kept]:
    """Every kept cohort below the folder of stores that can be opened, by name."""
    found = []
    for folder in sorted((stores / FOLDER).glob("own_*")):
        try:
            path = current_build(folder)
            if path is None:
                continue
            store = open_store(path)
        except StoreError:
            continue
        found.append(
            Kept(str(store.cohorts()["name"].iloc[0]), path, store.n_patients, store.simulated)
        )
        store.close()
    return found


def keep(source: Path, name: str, stores: Path) -> Path:
    """Copy the own store file ``source`` to the kept ones under ``name``; return its file there.

    The new file is whole before the pointer names it. Raises BadInput where one of this name is
    kept already.
    """
    folder = stores / FOLDER / cohort_id(name)
    if current_build(folder) is not None:
        raise BadInput(
            f"A cohort named {name!r} is kept already.",
            where=str(folder),
            expected="a name of its own",
            found=name,
            remedy="Remove the kept one first, or give this one another name.",
        )
    return adopt(source, folder)


def remove(path: Path, stores: Path) -> None:
    """Delete the kept cohort whose store file is ``path``. Raises BadInput for any other file."""
    folder = path.parent
    if folder.parent != stores / FOLDER or not folder.name.startswith("own_"):
        raise BadInput(
            "This is not a kept cohort.",
            expected=f"a folder in {stores / FOLDER}",
            found=str(folder),
        )
    shutil.rmtree(folder)
