"""The app as an ASGI app: warm before it answers, its headers, and what it tells of itself."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.ui import cached
from core.ui.cached import STORE_VARIABLE
from core.version import code_version
from dashboard import server
from tests.app.small_store import make
from tests.concurrently import finished
from tests.deploy.serving import Process, about, free_port, get, replica
from tests.deploy.visitor import Visitor


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("served")
    make(folder / "stores")
    with replica(folder / "stores", folder, "alone") as process:
        yield process.wait()


@pytest.mark.parametrize("path", ["/", "/cox", "/_stcore/health", "/about", "/no-such-file.js"])
def test_every_answer_carries_the_headers(served: Process, path: str) -> None:
    headers, _ = get(served.address + path)
    for name, value in server.headers().items():
        assert headers[name.lower()] == value


def test_the_policy_lets_nothing_in_from_elsewhere() -> None:
    rules = dict(rule.split(" ", 1) for rule in server.policy().split("; "))
    assert rules["default-src"] == "'self'" and rules["object-src"] == "'none'"
    assert rules["frame-ancestors"] == "'none'"
    assert not re.search(r"https?:|\*", server.policy())
    assert "'unsafe-inline'" not in rules["script-src"]


def test_the_script_inside_streamlits_page_is_named_in_the_policy(served: Process) -> None:
    _, page = get(served.address)
    assert page.count(b"<script>") == len(server.inline_scripts()) == 1


def test_about_tells_versions(served: Process) -> None:
    assert about(served.address) == {
        "version": code_version(),
        "replica": "alone",
        "build": "small",
        "simulated": True,
    }


def test_the_page_is_served(served: Process) -> None:
    async def story() -> None:
        visitor = Visitor(served.address, gene="TP53")
        run = await visitor.open()
        assert "TP53" in run.charts[0].alt and "SIMULATED" in run.text
        assert f"ICI Explorer {code_version()}, build small" in run.text
        await visitor.close()

    finished(story())


def test_warm_means_open_imported_and_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first visitor's results are there: the store is not asked again for them."""
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path))
    make(tmp_path, simulated=False, build_id="warm")
    server.warm()
    store = cached.current_store().store
    assert store.version == "warm" and "core.charts.nomogram" in sys.modules
    first = server.Question()
    monkeypatch.setattr(cached, "survival_panels", _must_not_be_called)
    assert cached.panels(
        store, first.filters, first.stratifier, first.endpoint, first.stratified
    ).all


def _must_not_be_called(*_: object, **__: object) -> object:
    raise AssertionError("computed again")


@pytest.mark.parametrize("where", ["file/stores", "damaged"])
def test_no_store_does_not_stop_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    (tmp_path / "file").write_text("in the way of a folder")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "current.json").write_text("{")
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / where))
    server.warm()
    assert server.about()["build"] is None


def test_a_public_address_is_told_to_every_visitor(tmp_path: Path) -> None:
    """Bound to all addresses of the machine, as in the container; visited over loopback."""
    make(tmp_path / "stores")
    port = free_port()
    command = [sys.executable, "-m", "dashboard.server", "--address", "0.0.0.0"]
    environment = {STORE_VARIABLE: str(tmp_path / "stores")}
    with Process(
        [*command, "--port", str(port)], tmp_path / "log.txt", port, **environment
    ) as process:
        process.wait()

        async def story() -> None:
            visitor = Visitor(process.address)
            run = await visitor.open()
            assert run.charts and "This server is open" in run.text
            await visitor.close()

        finished(story())


def test_login_stands_before_the_whole_server(tmp_path: Path) -> None:
    """With a provider that does not exist: nobody is logged in, so nobody sees data."""
    make(tmp_path / "stores")
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text(
        '[auth]\nredirect_uri = "http://localhost/oauth2callback"\n'
        f'cookie_secret = "{"s" * 32}"\nclient_id = "id"\nclient_secret = "secret"\n'
        'server_metadata_url = "https://login.invalid/.well-known/openid-configuration"\n',
        encoding="utf-8",
    )
    with replica(tmp_path / "stores", tmp_path, HOME=str(tmp_path)) as process:
        process.wait()

        async def story() -> None:
            visitor = Visitor(process.address, gene="TP53")
            run = await visitor.open()
            assert "Log in" in run.text and not run.charts and "patients" not in run.text
            await visitor.close()

        finished(story())
