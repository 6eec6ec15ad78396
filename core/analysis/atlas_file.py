"""The atlas of a build as a file beside its store: made in batch, resumed, published at once.

``atlas-<build>-<setting>.parquet`` belongs to one build and one way of scanning; the store file
that readers have open is never touched. Each look is kept in a folder of parts as soon as it is
done, so that a run that was stopped goes on where it was; the finished file takes its name in one
step, and the parts go.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.analysis.atlas import Atlas, Look, LookResult, assemble, looks, scan_looks
from core.analysis.gene_scan import MIN_MUTANT
from core.analysis.survival import MIN_EVENTS, MIN_PATIENTS
from core.compute import Place
from core.model import NON_SYNONYMOUS, StoreError
from core.store import POINTER, Store

FORMAT = 1
"""To be raised whenever a scan would give other numbers: older atlases are then made again."""
COMMAND = "python -m core.report atlas"
ABOUT = b"ici_explorer"
"""Key of the file's own metadata: build, looks, and whether the data are simulated."""


def atlas_path(store: Store) -> Path:
    """Where the atlas of this store's build stands, or would."""
    asked = (FORMAT, store.version, store.n_patients, store.simulated)
    how = (MIN_MUTANT, MIN_PATIENTS, MIN_EVENTS, NON_SYNONYMOUS)
    setting = hashlib.sha256(repr((asked, how)).encode()).hexdigest()[:8]
    return store.path.parent / f"atlas-{store.version}-{setting}.parquet"


def atlas_made(store: Store) -> int:
    """When the atlas of this build was published (nanoseconds); 0 where it has not been."""
    try:
        return atlas_path(store).stat().st_mtime_ns
    except OSError:
        return 0


def open_atlas(store: Store) -> Atlas | None:
    """The atlas of this store's build; None where it has not been made.

    Raises StoreError where the file is damaged.
    """
    path = atlas_path(store)
    try:
        table = pq.read_table(path)
        about = json.loads(table.schema.metadata[ABOUT])
        return Atlas(table.to_pandas(), pd.DataFrame(about["looks"]))
    except FileNotFoundError:
        return None
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise StoreError(
            "The atlas of this build cannot be read.",
            where=str(path),
            found=(str(error).splitlines() or [type(error).__name__])[0],
            remedy=f"Remove the file and make it again with `{COMMAND}`.",
        ) from error


def make_atlas(
    store: Store,
    *,
    place: Place | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[Path, int]:
    """Scan every look that no earlier run has done, and publish the atlas of this build.

    Returns its path and how many looks were taken over from a run that had been stopped. Raises
    StoreError where the folder cannot be written to, NotEnoughData where nothing can be tested.
    """
    asked, path = looks(store), atlas_path(store)
    parts = path.with_suffix(".parts")
    found = {i: r for i, look in enumerate(asked) if (r := _kept(parts, look)) is not None}
    missing = [i for i in range(len(asked)) if i not in found]

    def told(done: float) -> None:
        if progress is not None:
            progress((len(asked) - len(missing) * (1 - done)) / len(asked))

    def keep(number: int, result: LookResult) -> None:
        with _written(store.path.parent):
            _keep(parts, asked[missing[number]], result)

    told(0.0)
    fresh = scan_looks(store, [asked[i] for i in missing], place=place, progress=told, keep=keep)
    results = found | dict(zip(missing, fresh, strict=True))
    atlas = assemble(asked, [results[i] for i in range(len(asked))])
    with _written(store.path.parent):
        about = {"build_id": store.version, "simulated": store.simulated}
        looked = json.loads(atlas.looks.to_json(orient="records"))
        _write(path, atlas.genes, {**about, "looks": looked})
        shutil.rmtree(parts, ignore_errors=True)
        _forget_others(path)
    return path, len(found)


def _part(parts: Path, look: Look) -> Path:
    return parts / f"{hashlib.sha256(repr(look).encode()).hexdigest()[:16]}.parquet"


def _keep(parts: Path, look: Look, result: LookResult) -> None:
    table = pd.DataFrame() if result.table is None else result.table
    about = {"look": repr(look), "n": result.n, "why": result.why, "none": result.table is None}
    _write(_part(parts, look), table, about)


def _kept(parts: Path, look: Look) -> LookResult | None:
    """What an earlier run kept of ``look``; None where that is nothing, or damaged."""
    try:
        table = pq.read_table(_part(parts, look))
        about = json.loads(table.schema.metadata[ABOUT])
        if about["look"] != repr(look):
            return None
        rows = None if about["none"] else table.to_pandas()
        return LookResult(rows, int(about["n"]), str(about["why"]))
    except (OSError, KeyError, ValueError, TypeError):
        return None


def _write(path: Path, rows: pd.DataFrame, about: dict[str, Any]) -> None:
    """Write a file that has its name only when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}-{os.getpid()}-{uuid.uuid4().hex[:8]}")
    table = pa.Table.from_pandas(rows, preserve_index=False)
    metadata = {**(table.schema.metadata or {}), ABOUT: json.dumps(about).encode()}
    try:
        pq.write_table(table.replace_schema_metadata(metadata), temporary, compression="zstd")
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _forget_others(path: Path) -> None:
    """Remove atlases, and parts of them, whose build is gone from this store folder."""
    if not (path.parent / POINTER).exists():
        return
    others: Sequence[Path] = [p for p in path.parent.glob("atlas-*.par*") if p.stem != path.stem]
    for other in others:
        version = other.stem.removeprefix("atlas-").rpartition("-")[0]
        if not any(path.parent.glob(f"store-{version}-*.duckdb")):
            shutil.rmtree(other) if other.is_dir() else other.unlink(missing_ok=True)


@contextmanager
def _written(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            "The atlas could not be written.",
            where=str(folder),
            expected="a store folder that can be written to, with about 100 MB free",
            found=str(error),
            remedy=f"Make room, then run `{COMMAND}` again: it goes on where it stopped.",
        ) from error
