"""A real HTTP server on the loopback, whose faults a test can choose."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

STALL_AT = 1 << 17
"""Bytes of a body after which a server may fall silent."""


@dataclass
class Host:
    """What the server holds, how it behaves, and what it was asked."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    etags: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)
    """Answered one by one before the file is served."""
    break_after: list[int] = field(default_factory=list)
    """Bytes after which the next bodies break off."""
    stalls: list[float] = field(default_factory=list)
    """Seconds of silence in the middle of the next bodies."""
    lengths: bool = True
    """Whether the size is announced."""
    redirect_to: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Path and Range header of each request."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ranges_asked(self) -> list[str]:
        return [asked for _, asked in self.requests]

    def next_fault(self, path: str, asked: str) -> tuple[int, int]:
        """Status to answer (0: serve) and bytes to break off after (-1: none)."""
        with self.lock:
            self.requests.append((path, asked))
            status = self.statuses.pop(0) if self.statuses else 0
            cut = self.break_after.pop(0) if self.break_after and not status else -1
            return status, cut


def _handler(host: Host) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            status, cut = host.next_fault(self.path, self.headers.get("Range", ""))
            if host.redirect_to:
                return self._empty(302, {"Location": host.redirect_to})
            if status:
                return self._empty(status, host.headers)
            if self.path not in host.files:
                return self._empty(404, {})
            self._serve(host.files[self.path], cut)

        def _serve(self, body: bytes, cut: int) -> None:
            etag = f'"{hashlib.md5(body).hexdigest()}"'
            start = self._start(body, etag)
            if start > len(body):
                return self._empty(416, {"Content-Range": f"bytes */{len(body)}"})
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            if host.etags:
                self.send_header("ETag", etag)
            if host.lengths:
                self.send_header("Content-Length", str(len(body) - start))
            for name, value in host.headers.items():
                self.send_header(name, value)
            self.end_headers()
            body = body[start:] if cut < 0 else body[start : start + cut]
            self.wfile.write(body[:STALL_AT])
            if host.stalls:
                time.sleep(host.stalls.pop(0))
            self.wfile.write(body[STALL_AT:])
            # Without keep-alive the connection closes here: a cut body is a broken connection.

        def _start(self, body: bytes, etag: str) -> int:
            asked = self.headers.get("Range", "")
            condition = self.headers.get("If-Range", etag)
            if not host.ranges or not asked or condition != etag:
                return 0
            return int(asked.removeprefix("bytes=").rstrip("-"))

        def _empty(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Silent."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is part of the tests, not worth a traceback."""


@pytest.fixture
def host() -> Iterator[Host]:
    """A server on a free port, gone when the test ends."""
    host = Host()
    server = _Server(("127.0.0.1", 0), _handler(host))
    host.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield host
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)
