"""The same app for a shared server: warm before its first visitor, with security headers.

Start it with ``python -m dashboard.server [--address 0.0.0.0] [--port 8501]``, or give
``dashboard.server:app`` to any ASGI server. It answers once the store is open, the modules are
imported and the first page's results are remembered.
"""

# ruff: noqa: E402
from __future__ import annotations

import os

# Before numpy is imported; the reason stands in Home.py.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import base64
import contextlib
import hashlib
import importlib
import logging
import pkgutil
import re
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio.to_thread
import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.model import DashboardError
from core.ui import cached
from core.ui.state import DEFAULT_GENE, Question
from core.version import code_version

HOME = Path(__file__).with_name("Home.py")
REPLICA_VARIABLE = "ICI_EXPLORER_REPLICA"
"""Environment variable that names this server among several; ``/about`` tells it."""

ROOMS = ("core.stats", "core.analysis", "core.charts", "core.report", "core.ui")
"""Packages whose modules the pages import."""

log = logging.getLogger("ici_explorer.server")


def inline_scripts() -> list[str]:
    """The CSP hashes of the scripts inside Streamlit's own page, which a policy must name."""
    page = Path(st.__file__).with_name("static") / "index.html"
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    found = re.findall(r"<script>(.*?)</script>", text, re.S)
    digests = (hashlib.sha256(script.encode()).digest() for script in found)
    return [f"'sha256-{base64.b64encode(d).decode()}'" for d in digests]


def policy() -> str:
    """The Content-Security-Policy: everything from this server, nothing from anywhere else.

    Streamlit and its components write their styles into the page. Vega is interpreted, but Plotly
    compiles what it draws with WebGL (``unsafe-eval``), and all pages are one document to the
    browser; no script is taken from text in the page.
    """
    rules = {
        "default-src": ["'self'"],
        "script-src": ["'self'", "'unsafe-eval'", "blob:", *inline_scripts()],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "worker-src": ["'self'", "blob:"],
        "frame-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
    return "; ".join(f"{name} {' '.join(values)}" for name, values in rules.items())


def headers() -> dict[str, str]:
    """What every answer carries."""
    return {
        "Content-Security-Policy": policy(),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


class SecurityHeaders:
    """ASGI middleware that adds :func:`headers` to every HTTP answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.headers = headers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        await self.app(scope, receive, with_headers)


class Departures:
    """ASGI middleware by which a visitor who leaves in the middle of an answer is no error.

    When sending fails, Streamlit takes the end of the connection for a text frame and closes it
    once more, which Starlette refuses with a RuntimeError; the log then showed a trace for every
    browser tab that was closed while a page was drawn.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        left = False

        async def watched_receive() -> Message:
            nonlocal left
            message = await receive()
            left |= message["type"] == "websocket.disconnect"
            return message

        async def watched_send(message: Message) -> None:
            nonlocal left
            try:
                await send(message)
            except Exception:
                left = True
                raise

        try:
            await self.app(scope, watched_receive, watched_send)
        except RuntimeError:
            if not left:
                raise
            log.debug("A visitor left while an answer was on its way.")


def about() -> dict[str, Any]:
    """The versions of program and data, and which of several servers this is."""
    told: dict[str, Any] = {
        "version": code_version(),
        "replica": os.environ.get(REPLICA_VARIABLE, ""),
        "build": None,
        "simulated": None,
    }
    with contextlib.suppress(DashboardError):
        store = cached.current_store().store
        told |= {"build": store.version, "simulated": store.simulated}
    return told


async def _about(_: Request) -> JSONResponse:
    return JSONResponse(await anyio.to_thread.run_sync(about))


def warm() -> None:
    """Import what pages import, open the store, remember the first page's results.

    A store that cannot be opened does not stop the server: its pages then say what is wrong.
    """
    start = time.monotonic()
    for room in ROOMS:
        package = importlib.import_module(room)
        for module in pkgutil.iter_modules(package.__path__, f"{room}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    try:
        if cached.needs_simulation():
            cached.simulate(lambda what, done: None)
        store = cached.current_store().store
        facts = cached.facts(store)
        first = Question(endpoint=(facts.endpoints or ["OS"])[0])
        if DEFAULT_GENE in facts.genes:
            cached.panels(store, first.filters, first.stratifier, first.endpoint, first.stratified)
    except DashboardError as error:
        log.warning("Started without a store. %s", error)
    else:
        log.info("Build %s is open after %.1f s.", store.version, time.monotonic() - start)


@contextlib.asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    await anyio.to_thread.run_sync(warm)
    yield


app = st.App(
    HOME,
    lifespan=lifespan,
    routes=[Route("/about", _about)],
    middleware=[Middleware(SecurityHeaders), Middleware(Departures)],
)


def main(arguments: list[str] | None = None) -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m dashboard.server", description=__doc__)
    parser.add_argument("--address", help="to listen on; by default only this machine's own")
    parser.add_argument("--port", type=int, help="by default 8501")
    args = parser.parse_args(arguments)
    given = {"server.address": args.address, "server.port": args.port}
    logging.basicConfig(format="%(message)s")
    log.setLevel(logging.INFO)
    sys.argv[1:] = []  # they are this program's, not the app's
    app.run(config={name: value for name, value in given.items() if value is not None})


if __name__ == "__main__":
    main()
