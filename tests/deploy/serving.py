"""Servers as plain processes on loopback: replicas of the app, and nginx before two of them."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from core.mirror import CACHE_VARIABLE
from core.ui.cached import STORE_VARIABLE
from dashboard.server import REPLICA_VARIABLE

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "docs" / "deploy" / "nginx.conf.template"
START_SECONDS = 120
HEALTH = "/_stcore/health"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def get(address: str, cookie: str = "") -> tuple[dict[str, str], bytes]:
    """Headers (lower case) and body of one page; no proxy of the environment is asked."""
    request = urllib.request.Request(address, headers={"Cookie": cookie} if cookie else {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        return {k.lower(): v for k, v in answer.headers.items()}, answer.read()


class Process:
    """A server process with its log; ended when the block is left."""

    def __init__(self, command: list[str], log: Path, port: int, **environment: str) -> None:
        self.port = port
        self.address = f"http://127.0.0.1:{port}"
        self._log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=20)

    def wait(self, path: str = HEALTH) -> Self:
        """Until it answers."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                get(self.address + path)
                return self
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        pytest.fail(f"the server did not start:\n{self.log()[-3000:]}")

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=20)


def replica(store: str | Path, folder: Path, name: str = "1", **environment: str) -> Process:
    """``python -m dashboard.server`` on a free port; its log and copies stand in ``folder``."""
    port = free_port()
    return Process(
        [sys.executable, "-m", "dashboard.server", "--port", str(port)],
        folder / f"replica-{name}.txt",
        port,
        **{
            STORE_VARIABLE: str(store),
            CACHE_VARIABLE: str(folder / "copies"),
            REPLICA_VARIABLE: name,
            **environment,
        },
    )


def about(address: str, cookie: str = "") -> dict[str, Any]:
    """What the server at ``address`` tells of itself."""
    found: dict[str, Any] = json.loads(get(f"{address}/about", cookie)[1])
    return found


def filled_in(**values: str) -> str:
    """The nginx template as the container's start substitutes it."""
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    return text


def nginx(folder: Path, first: Process, second: Process) -> Process:
    """nginx with the template before two replicas, in the foreground, as whoever runs the tests."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        reason = "no nginx on this machine"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    port = free_port()
    site = filled_in(
        LISTEN=f"127.0.0.1:{port}",
        REPLICA_1=f"127.0.0.1:{first.port}",
        REPLICA_2=f"127.0.0.1:{second.port}",
    )
    paths = "".join(
        f"  {kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log stderr;\n"
        f"events {{}}\nhttp {{\n  access_log off;\n{paths}{site}}}\n",
        encoding="utf-8",
    )
    command = [program, "-e", "stderr", "-p", str(folder), "-c", str(configuration)]
    return Process(command, folder / "nginx.txt", port)
