"""Zip and tar archives, checked before anything of them reaches the disk.

Refused: members whose path is absolute or leaves the folder, links and devices, encrypted
members, and archives that unpack to far more than they weigh (zip and tar bombs).
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from core.model import BadFile
from data.readers.content import require_file

MAX_MEMBERS = 10_000
MAX_BYTES = 16 * 1024**3
"""No study or workbook in public use unpacks to more than 16 GiB."""
MAX_RATIO = 200
"""Text tables compress 5 to 50 times; deflate cannot exceed 1,032, which only a bomb reaches."""
RATIO_FROM_BYTES = 10 * 1024**2
"""Below this size a high ratio does no harm (a file of blanks) and is let through."""

_CHUNK = 1024**2
_REFUSED = "Do not unpack this archive by hand. Fetch it from its publisher: python -m data fetch"


def is_archive(path: Path) -> bool:
    """Whether the file is a zip or tar archive (plain or compressed), by its content."""
    return path.is_file() and (zipfile.is_zipfile(path) or tarfile.is_tarfile(path))


def member_name(name: str, archive: Path) -> PurePosixPath:
    """The member's relative path; raises BadFile if it is absolute or leaves the folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or PureWindowsPath(name).drive or "\0" in name:
        raise BadFile(
            "The archive holds a path that leaves its folder.",
            where=str(archive),
            expected="relative paths inside the archive",
            found=repr(name),
            remedy=_REFUSED,
        )
    return path


class _Budget:
    """Adds up members and unpacked bytes; raises BadFile at the first that is too much."""

    def __init__(self, archive: Path, most: int) -> None:
        self.archive = archive
        self.most = most
        self.weight = archive.stat().st_size
        self.bytes = 0
        self.members = 0

    def add(self, size: int) -> None:
        self.members += 1
        self.bytes += size
        limit = max(RATIO_FROM_BYTES, MAX_RATIO * self.weight)
        if self.members > MAX_MEMBERS or self.bytes > min(self.most, limit):
            raise BadFile(
                "The archive unpacks to far more than it weighs, as a zip bomb does.",
                where=str(self.archive),
                expected=f"at most {MAX_MEMBERS:,} members, {self.most:,} bytes, and "
                f"{MAX_RATIO} times the archive's {self.weight:,} bytes",
                found=f"{self.members:,} members and {self.bytes:,} bytes so far",
                remedy=_REFUSED,
            )


def check_zip(
    archive: zipfile.ZipFile, path: Path, most: int = MAX_BYTES
) -> dict[str, zipfile.ZipInfo]:
    """The files of a zip archive by checked name; raises BadFile as this module says."""
    budget = _Budget(path, most)
    members = {}
    for info in archive.infolist():
        name = member_name(info.filename, path)
        budget.add(info.file_size)
        if (info.external_attr >> 16) & 0o170000 == 0o120000:
            raise _link(path, info.filename)
        if info.flag_bits & 0x1:
            raise BadFile(
                "The archive is encrypted.",
                where=str(path),
                expected="an archive without a password",
                found=f"encrypted member {info.filename!r}",
                remedy="Unpack it with its password and name the folder instead.",
            )
        if not info.is_dir():
            members[str(name)] = info
    return members


def check_tar(
    archive: tarfile.TarFile, path: Path, most: int = MAX_BYTES
) -> dict[str, tarfile.TarInfo]:
    """The files of a tar archive by checked name; stops at the first member that is refused."""
    budget = _Budget(path, most)
    members = {}
    for info in archive:
        name = member_name(info.name, path)
        budget.add(info.size)
        if not (info.isfile() or info.isdir()):
            raise _link(path, info.name)
        if info.isfile():
            members[str(name)] = info
    return members


def _link(path: Path, name: str) -> BadFile:
    return BadFile(
        "The archive holds a link or a device.",
        where=str(path),
        expected="plain files and folders",
        found=repr(name),
        remedy=_REFUSED,
    )


def unpack(
    path: Path, into: Path, wanted: Callable[[str], bool], *, most: int = MAX_BYTES
) -> list[str]:
    """Check the whole archive, then write the members that ``wanted`` accepts below ``into``.

    ``most`` is the number of bytes that it may unpack to. Returns the checked names of all
    members, written or not. Raises BadFile for anything this module refuses (nothing is written
    then), for a file that is no archive, and for one that is damaged or cut short.
    """
    require_file(path)
    with _told(path):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as bundle:
                files = check_zip(bundle, path, most)
                for name in filter(wanted, files):
                    with bundle.open(files[name]) as source:
                        _write(source, into / name, files[name].file_size, path)
                return list(files)
        with tarfile.open(path, "r:*") as bundle:
            members = check_tar(bundle, path, most)
            for name in filter(wanted, members):
                content = bundle.extractfile(members[name])
                assert content is not None  # check_tar lets only plain files through
                with content:
                    _write(content, into / name, members[name].size, path)
            return list(members)


def _write(source: IO[bytes], target: Path, size: int, archive: Path) -> None:
    """Copy a member, at most the size that its entry declares."""
    target.parent.mkdir(parents=True, exist_ok=True)
    left = size
    with target.open("wb") as out:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise BadFile(
                    "A member of the archive is larger than it says.",
                    where=str(archive),
                    expected=f"{size:,} bytes in {target.name}",
                    found="more",
                    remedy=_REFUSED,
                )
            out.write(chunk)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """The archive modules' errors in our words."""
    try:
        yield
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise BadFile(
            "The archive cannot be unpacked.",
            where=str(path),
            expected="a whole .zip or .tar.gz archive",
            found=str(error) or "the end of the file in the middle of a member",
            remedy="Fetch it again: python -m data fetch",
        ) from error
