"""The bytes of a published file: decompressed, decoded, or refused with the reason."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from core.model import BadFile

GZIP_MAGIC = b"\x1f\x8b"
MAX_TEXT_BYTES = 2 * 1024**3
"""A table read whole may unpack to this many bytes; larger ones have streaming readers."""

_NOT_TEXT = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word document"),
    (b"%PDF", "a PDF document"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"ARROW1", "an Arrow (feather) file"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself"),
)
_FETCH_AGAIN = "Fetch the file again: python -m data fetch"


def require_file(path: Path, label: Path | None = None) -> None:
    """Raise BadFile unless ``path`` is a non-empty file; errors call it ``label`` where given."""
    where = str(label or path)
    if not path.exists():
        raise BadFile("The file is not there.", where=where, expected="a file", remedy=_FETCH_AGAIN)
    if path.is_dir():
        raise BadFile(
            "This is a folder.",
            where=where,
            expected="a file",
            found="a folder",
            remedy="Name the file inside it.",
        )
    if path.stat().st_size == 0:
        raise BadFile(
            "The file is empty.", where=where, expected="a table", found="0 bytes",
            remedy=_FETCH_AGAIN,
        )  # fmt: skip


def is_gzip(path: Path, label: Path | None = None) -> bool:
    """Whether the file is gzip by its first bytes; raises BadFile if only its name says so."""
    require_file(path, label)
    with path.open("rb") as file:
        head = file.read(64)
    if head.startswith(GZIP_MAGIC):
        return True
    if path.suffix.lower() in {".gz", ".bgz"}:
        raise BadFile(
            "The name ends in .gz but the file is not gzip-compressed.",
            where=str(label or path),
            expected="the gzip signature 1f 8b",
            found=describe(head) or "the bytes " + head[:8].hex(" "),
            remedy=_FETCH_AGAIN + ". If it is already unpacked, take .gz off its name.",
        )
    return False


@contextmanager
def open_binary(path: Path, label: Path | None = None) -> Iterator[IO[bytes]]:
    """Open a plain or gzip file for reading its unpacked bytes.

    A damaged or truncated gzip stream, met anywhere inside the ``with`` block, raises BadFile
    saying how many unpacked bytes were reached. Errors call the file ``label`` where given.
    """
    shown = label or path
    compressed = is_gzip(path, label)
    with gzip.open(path, "rb") if compressed else path.open("rb") as file:
        try:
            yield cast(IO[bytes], file)
        except EOFError as error:
            raise truncated(shown, f"the data end{_reached(file)}") from error
        except (zlib.error, gzip.BadGzipFile) as error:
            raise BadFile(
                "The compressed file is damaged.",
                where=str(shown),
                expected="a whole gzip file",
                found=f"{error}{_reached(file)}",
                remedy=_FETCH_AGAIN,
            ) from error


def _reached(file: gzip.GzipFile | io.BufferedReader) -> str:
    return "" if file.closed else f" after {file.tell():,} unpacked bytes"


def truncated(path: Path, found: str) -> BadFile:
    """The error for a gzip file that stops before its end mark."""
    return BadFile(
        "The compressed file is cut short.",
        where=str(path),
        expected="a gzip file with its end mark",
        found=found,
        remedy="The download was interrupted. " + _FETCH_AGAIN,
    )


def describe(head: bytes) -> str:
    """What the first bytes of a file that is no text table show it to be, or ''."""
    for magic, name in _NOT_TEXT:
        if head.startswith(magic):
            return name
    start = head.lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page (often an error page saved in place of the file)"
    if start.startswith(b"<?xml"):
        return "an XML document"
    if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "binary data (zero bytes)"
    return ""


def refuse_binary(head: bytes, path: Path, expected: str = "a text table") -> None:
    """Raise BadFile if ``head`` shows that the content is no text table."""
    if what := describe(head):
        raise BadFile(
            f"This is not {expected}.",
            where=str(path),
            expected=expected,
            found=what,
            remedy="Check that this is the file the manifest names. " + _FETCH_AGAIN,
        )


def read_text(path: Path, encoding: str | None = None, label: Path | None = None) -> str:
    """The whole text of a plain or gzip file, line ends untouched.

    ``encoding`` None takes a byte-order mark's word, then UTF-8, then Windows-1252, then
    Latin-1. Raises BadFile for a missing, empty, truncated, damaged, binary or oversized file
    and for bytes that ``encoding`` does not allow.
    """
    shown = label or path
    with open_binary(path, label) as file:
        data = file.read(MAX_TEXT_BYTES + 1)
    if len(data) > MAX_TEXT_BYTES:
        raise BadFile(
            "The file is too large to be read whole.",
            where=str(shown),
            expected=f"at most {MAX_TEXT_BYTES:,} bytes unpacked",
            found="more than that",
            remedy="Check that this is the file the manifest names.",
        )
    refuse_binary(data[:4096], shown)
    return decode(data, shown, encoding)


def decode(data: bytes, path: Path, encoding: str | None = None) -> str:
    """Decode as :func:`read_text` says; raises BadFile naming the line of the first bad byte."""
    if encoding is None:
        if data.startswith(b"\xef\xbb\xbf"):
            encoding = "utf-8-sig"
        elif data.startswith((b"\xff\xfe", b"\xfe\xff")):
            encoding = "utf-16"
        else:
            for candidate in ("utf-8", "cp1252"):
                try:
                    return data.decode(candidate)
                except UnicodeDecodeError:
                    continue
            return data.decode("latin-1")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = 1 + max(before.count(b"\n"), before.count(b"\r"))
        raise BadFile(
            f"The file is not written in {encoding}.",
            where=f"{path}, line {line}",
            expected=f"{encoding} text",
            found=f"byte 0x{data[error.start]:02x}",
            remedy="Leave the encoding unset to have it recognised, or name the right one "
            "(such as cp1252) in the cohort's file in data/cohorts.",
        ) from error
