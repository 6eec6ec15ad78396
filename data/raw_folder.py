"""The raw folder: what stands in it, and how a checked file takes its place in it."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from core.model import FetchError
from data.download import discard_part, part_path
from data.sources import Source

RECEIPTS = "fetched.json"
WORK_FOLDER = ".fetch"
ROOM_TO_SPARE = 64 << 20
"""Bytes that a fetch leaves free on the disk."""
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Found:
    """A file that stands in the raw folder."""

    bytes: int
    sha256: str


def find(path: Path) -> Found | None:
    """Size and hash of a file, or None where there is none."""
    return Found(path.stat().st_size, sha256(path)) if path.is_file() else None


def sha256(path: Path) -> str:
    """Hash of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_receipts(raw: Path) -> dict[str, dict[str, Any]]:
    """What earlier fetches placed: id -> sha256, bytes, address, retrieved (UTC).

    A raw folder that was filled by hand or is a mirror has none.
    """
    try:
        known = json.loads((raw / RECEIPTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def place(raw: Path, source: Source, address: str) -> Found:
    """Check the source's part file, let it take its name, and write its receipt.

    Raises
    ------
    FetchError
        The bytes are not the ones due. The part file is gone; a file that stood under the
        name stands there still.
    """
    target = raw / source.id
    part = part_path(target)
    found = Found(part.stat().st_size, sha256(part))
    if error := _wrong(source, part, found, address, target.exists()):
        discard_part(target)
        raise error
    with part.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(part, target)
    discard_part(target)
    _sync_folder(target.parent)
    _write_receipt(raw, source, found, address)
    return found


def _write_receipt(raw: Path, source: Source, found: Found, address: str) -> None:
    receipts = read_receipts(raw)
    receipts[source.id] = {
        "sha256": found.sha256,
        "bytes": found.bytes,
        "address": address,
        "retrieved": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    part = part_path(raw / RECEIPTS)
    part.write_text(json.dumps(dict(sorted(receipts.items())), indent=1), encoding="utf-8")
    os.replace(part, raw / RECEIPTS)


def _sync_folder(folder: Path) -> None:
    # A rename is only safe from a power cut once the folder is on the disk. Windows cannot.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# --------------------------------------------------------------------------------------
# What is wrong with a file
# --------------------------------------------------------------------------------------


def _wrong(
    source: Source, part: Path, found: Found, address: str, old_stands: bool
) -> FetchError | None:
    cause = _foreign(part)
    matches = not source.pinned or found.sha256 == source.sha256
    if matches and not cause:
        return None
    if not cause:
        cause = (
            "the bytes were changed on the way or at the host"
            if found.bytes == source.bytes
            else "the file was replaced by its publisher, or cut short on the way"
        )
    kept = "the file that was there before is kept" if old_stands else "nothing was put in place"
    expected = f"sha256 {source.sha256 or 'unknown'}, {source.bytes:,} bytes"
    return FetchError(
        f"{source.id} is not the file that is due; what came was thrown away, {kept}.",
        where=address,
        expected=expected if source.pinned else f"about {source.bytes:,} bytes of data",
        found=f"sha256 {found.sha256}, {found.bytes:,} bytes; likely cause: {cause}",
        remedy="Run fetch again. If it comes again, take the file from a mirror (--mirror) or "
        "tell the project that the address has gone bad.",
    )


def _foreign(part: Path) -> str:
    """What came in the file's place, if its beginning shows it."""
    with part.open("rb") as file:
        start = file.read(512).lstrip().lower()
    if not start:
        return "the file is empty"
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page came instead, such as a network's login page"
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer came instead of the file it points to"
    return ""


# --------------------------------------------------------------------------------------
# Disk and lock
# --------------------------------------------------------------------------------------


def require_room(folder: Path, needed: int) -> None:
    """Raise FetchError if the disk has not ``needed`` bytes and some to spare."""
    free = shutil.disk_usage(folder).free
    if free < needed + ROOM_TO_SPARE:
        raise FetchError(
            "The disk has too little room.",
            where=str(folder),
            expected=f"{needed + ROOM_TO_SPARE:,} bytes free",
            found=f"{free:,} bytes free",
            remedy="Free some space, or name a folder on another disk (--raw), and fetch again.",
        )


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn what the operating system says of the disk into a FetchError with a remedy."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise FetchError(
            "The disk is full." if full else "A file could not be read or written.",
            where=error.filename or str(folder),
            found=error.strerror or str(error),
            remedy="Free some space, or name a folder on another disk (--raw), and fetch again: "
            "it goes on where it broke off."
            if full
            else "Check that the folder is yours to write, or name another one (--raw).",
        ) from error


@contextmanager
def fetch_lock(
    raw: Path, waiting: Callable[[str], None], longest_wait: float = 600.0
) -> Iterator[None]:
    """Hold the raw folder alone; the system lets go when the process ends, however it ends.

    Raises
    ------
    FetchError
        Another fetch did not let go within ``longest_wait`` seconds.
    """
    path = raw / WORK_FOLDER / "lock"
    with disk_errors(raw):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b")
    with file:
        give_up = time.monotonic() + longest_wait
        while not _try_lock(file):
            if time.monotonic() > give_up:
                raise FetchError(
                    "Another fetch is filling this folder.",
                    where=str(raw),
                    remedy="Wait until it has ended, or name another folder (--raw).",
                )
            waiting("waiting for another fetch to end")
            time.sleep(0.1)
        yield


def _try_lock(file: IO[bytes]) -> bool:
    """Whether this open file got the lock; closing the file gives it back."""
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            return False
        raise
    return True
