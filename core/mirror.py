"""A store that stands elsewhere, copied to this machine: an object store, a web server, a share.

The address names a store folder as :mod:`data.publish` leaves it: ``current.json`` and store files
that never change. The file that the pointer names is copied to a folder of this machine under a
temporary name, its hash compared with the pointer's, and only then named; so the local folder is a
store folder like any other, and replicas that watch one address move to a new build by themselves.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.model import StoreError
from core.store import POINTER, current_build

CACHE_VARIABLE = "ICI_EXPLORER_CACHE"
"""Environment variable that names the folder for copies of a store that stands elsewhere."""

CHECK_SECONDS = 30.0
"""How often a running server asks the address for a new build."""

TIMEOUT_SECONDS = (10, 60)
"""Of a web server: to connect, and between two pieces of an answer."""

POINTER_BYTES = 65_536
CHUNK = 1 << 20
KEEP = 2
"""Copies kept: the one in use and the one before it."""

ARRIVING = ".arriving-"
NAME = re.compile(r"store-[\w.-]+\.duckdb")
UNCHANGED = "The build in use is untouched."


def is_elsewhere(address: str) -> bool:
    """True for an address such as ``s3://bucket/stores``; False for a path of this machine."""
    return "://" in address


def copy_folder(address: str) -> Path:
    """The folder of this machine where copies of ``address`` stand: one for each address."""
    caches = Path(os.environ.get(CACHE_VARIABLE) or "~/.cache/ici-explorer").expanduser()
    return caches.resolve() / hashlib.sha256(address.encode()).hexdigest()[:16]


def brought_here(address: str) -> Path:
    """``address`` as a path of this machine: itself, or the newest build of a store elsewhere,
    copied now. Raises StoreError."""
    if not is_elsewhere(address):
        return Path(address).expanduser()
    return Mirror(address, copy_folder(address)).refresh()


@dataclass(frozen=True)
class Pointer:
    """What ``current.json`` names: a file beside it, and the hash of its bytes (hexadecimal)."""

    file: str
    sha256: str


class Mirror:
    """The copies of one address. Safe to share between threads; processes may share ``folder``."""

    def __init__(self, address: str, folder: Path, *, every: float = CHECK_SECONDS) -> None:
        self.address = address.rstrip("/")
        self.folder = folder
        self.problem: StoreError | None = None
        """Why the last look at the address failed; None where it did not."""
        self._every = every
        self._asked = -float("inf")
        self._one_at_a_time = threading.Lock()
        self._background: threading.Thread | None = None

    def current(self) -> Path:
        """The newest build that has arrived.

        Nobody waits for a copy but whoever asks first, where none has arrived yet: a new build is
        looked for in the background, at most every ``every`` seconds. Raises StoreError where
        nothing has ever arrived and nothing can be had.
        """
        try:
            here = current_build(self.folder)
        except StoreError:  # the copies were removed: fetch again
            here = None
        if here is None:
            return self._first()
        if time.monotonic() - self._asked >= self._every:
            self._look_in_background()
        return here

    def refresh(self) -> Path:
        """Ask the address now; copy what its pointer names unless it is here. Raises StoreError."""
        with self._one_at_a_time:
            self._asked = time.monotonic()
            try:
                path = self._take_up(read_pointer(self.address))
            except StoreError as error:
                self.problem = error
                raise
            self.problem = None
            return path

    def _first(self) -> Path:
        if self.problem is not None and time.monotonic() - self._asked < self._every:
            raise self.problem  # visitors do not queue for an address that has just failed
        return self.refresh()

    def _look_in_background(self) -> None:
        running = self._background
        if running is not None and running.is_alive():
            return
        self._asked = time.monotonic()
        self._background = threading.Thread(target=self._look, name="store-mirror", daemon=True)
        self._background.start()

    def _look(self) -> None:
        with contextlib.suppress(StoreError):  # kept in ``problem``, which the page tells
            self.refresh()

    def _take_up(self, pointer: Pointer) -> Path:
        path = self.folder / pointer.file
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                self._copy(pointer, path)
            self._point(pointer)
        except OSError as error:
            raise StoreError(
                "A store could not be copied to this machine.",
                where=str(self.folder),
                expected="a folder that can be written to, with room for the store",
                found=f"{type(error).__name__}: {error}",
                remedy=f"Free some space or set {CACHE_VARIABLE} to another folder. {UNCHANGED}",
            ) from error
        self._forget_old(path)
        return path

    def _copy(self, pointer: Pointer, path: Path) -> None:
        source = f"{self.address}/{pointer.file}"
        temporary = self.folder / f"{ARRIVING}{os.getpid()}-{uuid.uuid4().hex[:8]}"
        digest = hashlib.sha256()
        try:
            with temporary.open("wb") as out:
                for piece in pieces(source):
                    digest.update(piece)
                    out.write(piece)
                out.flush()
                os.fsync(out.fileno())
            if digest.hexdigest() != pointer.sha256:
                raise StoreError(
                    "The store that arrived is not the one that the pointer names.",
                    where=source,
                    expected=f"sha256 {pointer.sha256}",
                    found=f"sha256 {digest.hexdigest()}",
                    remedy=f"Put it there again with `python -m data push`. {UNCHANGED}",
                )
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)

    def _point(self, pointer: Pointer) -> None:
        text = json.dumps({"file": pointer.file, "sha256": pointer.sha256})
        target = self.folder / POINTER
        if target.exists() and target.read_text(encoding="utf-8") == text:
            return
        temporary = self.folder / f"{ARRIVING}{os.getpid()}-{uuid.uuid4().hex[:8]}"
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, target)

    def _forget_old(self, current: Path) -> None:
        """Remove older copies; a process that has one open keeps reading it."""
        copies = sorted(self.folder.glob("store-*.duckdb"), key=lambda p: p.stat().st_mtime)
        for old in [c for c in copies if c != current][: -(KEEP - 1) or None]:
            with contextlib.suppress(OSError):
                old.unlink()


def read_pointer(address: str) -> Pointer:
    """What the pointer at ``address`` names. Raises StoreError: not there, or not as expected."""
    where = f"{address}/{POINTER}"
    text = b""
    for piece in pieces(where):
        text += piece
        if len(text) > POINTER_BYTES:
            break
    try:
        found = json.loads(text)
        pointer = Pointer(str(found["file"]), str(found["sha256"]))
        if not NAME.fullmatch(pointer.file):
            raise ValueError(f"the file name {pointer.file[:80]!r}")
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            "The pointer of the shared store cannot be read.",
            where=where,
            expected='JSON such as {"file": "store-....duckdb", "sha256": "..."}',
            found=f"{type(error).__name__}: {error}",
            remedy=f"Put the store there with `python -m data push {address}`.",
        ) from error
    return pointer


def pieces(where: str) -> Iterator[bytes]:
    """The bytes of one file elsewhere, in pieces. Raises StoreError where they cannot be had."""
    web = where.startswith(("http://", "https://"))
    try:
        yield from _from_web(where) if web else _through_fsspec(where)
    except Exception as error:  # each kind of address brings errors of its own package
        raise StoreError(
            "The shared store cannot be reached.",
            where=where,
            expected="a file that can be read from here",
            found=f"{type(error).__name__}: {error}",
            remedy="Check the address, its credentials and the network. An object store needs its "
            "package beside fsspec, such as s3fs for s3:// or gcsfs for gs://.",
        ) from error


def _from_web(where: str) -> Iterator[bytes]:
    """Through requests, which every installation has; fsspec would need aiohttp."""
    import requests  # here and below: most installations read a folder and need neither

    with requests.get(where, stream=True, timeout=TIMEOUT_SECONDS) as answer:
        answer.raise_for_status()
        yield from answer.iter_content(CHUNK)


def _through_fsspec(where: str) -> Iterator[bytes]:
    import fsspec  # type: ignore[import-untyped]

    with fsspec.open(where, "rb", use_listings_cache=False) as source:
        while piece := source.read(CHUNK):
            yield piece
