"""One file over HTTP into a ``.part`` file: resumed, retried, bounded, never half-believed.

What is in the ``.part`` file when ``download`` returns is whole as far as the server tells;
whether it is right is for the caller to check before the file takes its name.
"""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from core.model import FetchError

CHUNK = 1 << 16
"""Bytes read at once; so many at most are lost when a server falls silent."""
RETRIED_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
Report = Callable[[int, int], None]
"""Called with the bytes that are in the part file and the bytes that are due (0: unknown)."""


class HostUnreachableError(FetchError):
    """No connection to the host at all, so that its other files need not be tried."""


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds, and how often to try."""

    attempts: int = 5
    connect_timeout: float = 15.0
    read_timeout: float = 60.0
    first_pause: float = 1.0
    longest_pause: float = 60.0


@dataclass(frozen=True)
class Part:
    """The beginning of a file, left by a download that broke off."""

    bytes: int
    address: str
    validator: str
    """The strong ETag, or the Last-Modified date, of the file that it is the beginning of."""


def part_path(target: Path) -> Path:
    """Where the bytes of ``target`` stand until they are checked."""
    return target.with_name(target.name + ".part")


def read_part(target: Path) -> Part | None:
    """The beginning of ``target`` that an earlier download left, if it can be trusted."""
    part = part_path(target)
    try:
        known = json.loads(_memo(part).read_text(encoding="utf-8"))
        return Part(part.stat().st_size, str(known["address"]), str(known["validator"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def discard_part(target: Path) -> None:
    """Remove what an unfinished download of ``target`` left."""
    part = part_path(target)
    part.unlink(missing_ok=True)
    _memo(part).unlink(missing_ok=True)


def download(
    address: str,
    target: Path,
    *,
    resume: bool,
    most_bytes: int,
    session: requests.Session,
    patience: Patience,
    report: Report,
) -> Path:
    """Fill ``target``'s part file from ``address`` and return the part file's path.

    Parameters
    ----------
    resume : bool
        Whether a part file that is there is the beginning of the right file.
    most_bytes : int
        A server that sends more is cut off.
    report : callable
        Told of progress; what it raises ends the download and leaves the part file.

    Raises
    ------
    HostUnreachableError
        The last attempt found no connection.
    FetchError
        The server refused, broke off more often than ``patience`` allows, sent too much, or
        led to an address without encryption.
    OSError
        The part file could not be written, such as on a full disk.
    """
    if not resume:
        discard_part(target)
    part = part_path(target)
    part.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, patience.attempts + 1):
        try:
            _attempt(address, part, most_bytes, session, patience, report)
            return part
        except FetchError:
            _forget(part)
            raise
        except _BrokenOffError as broken:
            if attempt == patience.attempts:
                raise _given_up(address, broken, patience) from broken
            pause = min(patience.longest_pause, patience.first_pause * 2 ** (attempt - 1))
            time.sleep(min(patience.longest_pause, max(pause, broken.wait)))
    raise AssertionError("patience allows no attempt")


# --------------------------------------------------------------------------------------
# One attempt
# --------------------------------------------------------------------------------------


class _BrokenOffError(Exception):
    """A fault that may pass; ``wait`` is the number of seconds that the server asked for."""

    def __init__(self, reason: str, wait: float = 0.0, *, answered: bool = True) -> None:
        super().__init__(reason)
        self.wait = wait
        self.answered = answered


def _attempt(
    address: str,
    part: Path,
    most_bytes: int,
    session: requests.Session,
    patience: Patience,
    report: Report,
) -> None:
    have = part.stat().st_size if part.exists() and _read_memo(part) else 0
    timeouts = (patience.connect_timeout, patience.read_timeout)
    try:
        response = session.get(
            address, headers=_range_headers(part, have), stream=True, timeout=timeouts
        )
    except (requests.ConnectionError, requests.Timeout) as error:
        raise _BrokenOffError(_reason(error), answered=False) from error
    except requests.RequestException as error:
        raise FetchError("The address cannot be used.", where=address, found=str(error)) from error
    with response:
        if response.status_code == 416:
            # Nothing is left to send, or the file has changed: start again to know which.
            _forget(part)
            raise _BrokenOffError("the server does not have the range that was asked for")
        _check_status(address, response)
        start = have if _continues(response, have) else 0
        if not start:
            # Before the memo is written: old bytes must never stand beside a new validator.
            _forget(part)
        _note(part, address, response)
        due = 0 if _decoded(part, response) else _due(response, start)
        if due > most_bytes:
            raise _too_much(address, most_bytes, due)
        _receive(address, part, start, due, most_bytes, response, report)


def _receive(
    address: str,
    part: Path,
    start: int,
    due: int,
    most_bytes: int,
    response: requests.Response,
    report: Report,
) -> None:
    received = start
    report(received, due)
    with part.open("r+b" if start else "wb") as out:
        out.seek(start)
        out.truncate()
        for chunk in _chunks(response, decode=_decoded(part, response)):
            received += len(chunk)
            if received > most_bytes:
                raise _too_much(address, most_bytes, received)
            out.write(chunk)
            report(received, due)
    if due and received != due:
        raise _BrokenOffError(f"the server broke off after {received:,} of {due:,} bytes")


def _decoded(part: Path, response: requests.Response) -> bool:
    """Whether the body is in an encoding that is not the file's own.

    A ``.gz`` file is taken as it is though a server calls its gzip an encoding.
    """
    encoding = response.headers.get("Content-Encoding", "identity")
    return encoding != "identity" and not part.name.endswith(".gz.part")


def _chunks(response: requests.Response, *, decode: bool) -> Iterator[bytes]:
    try:
        yield from response.raw.stream(CHUNK, decode_content=decode)
    except urllib3.exceptions.HTTPError as error:
        raise _BrokenOffError(_reason(error)) from error


def _range_headers(part: Path, have: int) -> dict[str, str]:
    # Without encoding: the bytes are the file's own, and a range of them means something.
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if validator := _read_memo(part).get("validator"):
            headers["If-Range"] = str(validator)
    return headers


def _continues(response: requests.Response, have: int) -> bool:
    """Whether the body goes on where the part file ends."""
    if response.status_code != 206:
        return False
    span = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    if not span or int(span[1]) != have:
        raise _BrokenOffError("the server sent another range than was asked for")
    return True


def _check_status(address: str, response: requests.Response) -> None:
    if urlsplit(address).scheme == "https" and urlsplit(response.url).scheme != "https":
        raise FetchError(
            "The server leads to an address without encryption.",
            where=address,
            found=response.url,
            remedy="Use another network, or a mirror that you trust (--mirror).",
        )
    status = response.status_code
    if status in RETRIED_STATUS:
        wait = _seconds(response.headers.get("Retry-After", ""))
        raise _BrokenOffError(f"HTTP {status} {response.reason}", wait)
    if status not in (200, 206):
        moved = status in (404, 410)
        raise FetchError(
            f"The server refused: HTTP {status} {response.reason}.",
            where=address,
            expected="HTTP 200",
            found=f"HTTP {status}",
            remedy="The file has moved: get it from its publisher, or from a mirror (--mirror)."
            if moved
            else "Check that this network may reach the address, or use a mirror (--mirror).",
        )


def _due(response: requests.Response, start: int) -> int:
    """Size of the whole file in bytes, or 0 where the server does not tell."""
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isdigit() else 0


def _seconds(retry_after: str) -> float:
    if retry_after.isdigit():
        return float(retry_after)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return 0.0


# --------------------------------------------------------------------------------------
# What a part file is the beginning of
# --------------------------------------------------------------------------------------


def _memo(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _read_memo(part: Path) -> dict[str, Any]:
    try:
        known = json.loads(_memo(part).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _note(part: Path, address: str, response: requests.Response) -> None:
    if _decoded(part, response):
        # The server counts encoded bytes and the part file decoded ones: no way to go on.
        _memo(part).unlink(missing_ok=True)
        return
    etag = response.headers.get("ETag", "")
    # A weak ETag promises the same meaning, not the same bytes.
    strong = etag if etag and not etag.startswith("W/") else ""
    known = Part(0, address, strong or response.headers.get("Last-Modified", ""))
    _memo(part).write_text(json.dumps(asdict(known)), encoding="utf-8")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _memo(part).unlink(missing_ok=True)


# --------------------------------------------------------------------------------------
# Errors
# --------------------------------------------------------------------------------------


def _reason(error: BaseException) -> str:
    """The innermost cause, which names the fault rather than the layers around it."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return f"{type(error).__name__}: {error}"


def _given_up(address: str, broken: _BrokenOffError, patience: Patience) -> FetchError:
    if not broken.answered:
        return HostUnreachableError(
            "The host cannot be reached.",
            where=urlsplit(address).netloc,
            expected="an answer",
            found=f"{broken} ({patience.attempts} times)",
            remedy="Check the connection and run fetch again: it goes on where it broke off. "
            "Where the host is out of reach, use a mirror (--mirror).",
        )
    return FetchError(
        f"The download failed {patience.attempts} times.",
        where=address,
        found=str(broken),
        remedy="Check the connection and run fetch again: it goes on where it broke off, or use "
        "a mirror (--mirror).",
    )


def _too_much(address: str, most_bytes: int, found: int) -> FetchError:
    return FetchError(
        "The server sends more than the file has.",
        where=address,
        expected=f"at most {most_bytes:,} bytes",
        found=f"{found:,} bytes or more",
        remedy="The file was replaced by its publisher: use a mirror (--mirror).",
    )
