"""A session's own folder: what it uploads and the stores made of it, read by nobody else.

The folder lies in the system's temporary folder and only this user may enter it. It goes when its
session has gone, when the process ends, and at the latest when the next process starts.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import threading
import weakref
from pathlib import Path, PurePosixPath

from data.publish import alive

PREFIX = "ici-explorer-own-"
GRACE_SECONDS = 180.0
"""A browser that lost its connection may come back to its session within two minutes."""

INCOMING = "incoming"


class Workspace:
    """One session's folder. ``path`` is private (0700) and its name cannot be guessed."""

    def __init__(self, parent: Path | None = None) -> None:
        parent = parent or Path(tempfile.gettempdir())
        sweep(parent)
        self.token = secrets.token_hex(16)
        self.path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
        self._remove = weakref.finalize(self, shutil.rmtree, str(self.path), ignore_errors=True)
        self._timer: threading.Timer | None = None

    @property
    def gone(self) -> bool:
        return not self._remove.alive

    def receive(self, content: bytes, name: str, slot: str = "file") -> Path:
        """Write an uploaded file under the last part of its name; return where it stands.

        The file that was received for ``slot`` before is removed.
        """
        folder = self.path / INCOMING / slot
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        path = folder / plain_name(name)
        path.write_bytes(content)
        return path

    def discard_incoming(self) -> None:
        """Remove every uploaded file; what was made of them stays."""
        shutil.rmtree(self.path / INCOMING, ignore_errors=True)

    def folder(self) -> Path:
        """A new folder of this session."""
        return Path(tempfile.mkdtemp(dir=self.path))

    def remove(self) -> None:
        """Delete the folder now."""
        self.keep()
        self._remove()

    def let_go(self, seconds: float = GRACE_SECONDS) -> None:
        """Delete the folder in ``seconds``, unless :meth:`keep` is called before."""
        self.keep()
        self._timer = threading.Timer(seconds, self._remove)
        self._timer.daemon = True
        self._timer.start()

    def keep(self) -> None:
        """The session is there (again): nothing is deleted."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def plain_name(name: str) -> str:
    """The last part of a file's name, without what no file system takes; never empty."""
    last = PurePosixPath(name.replace("\\", "/")).name
    kept = "".join(c for c in last if c.isprintable() and c not in '<>:"|?*')[-120:].strip(". ")
    return kept or "upload"


def sweep(parent: Path) -> None:
    """Remove the folders that killed processes left behind; those of living ones stay."""
    for leftover in parent.glob(f"{PREFIX}*"):
        owner = leftover.name.removeprefix(PREFIX).split("-")[0]
        if owner.isdigit() and int(owner) != os.getpid() and not alive(int(owner)):
            shutil.rmtree(leftover, ignore_errors=True)
