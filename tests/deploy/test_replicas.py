"""Two replicas behind nginx on one store, run for real on loopback with the shipped template."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
import websockets

from tests.app.small_store import make
from tests.concurrently import finished
from tests.deploy.serving import Process, about, get, nginx, replica
from tests.deploy.visitor import Visitor

COOKIE = "ici_replica"


@dataclass
class Site:
    """The proxy's address, the replicas by name, and the store that both read."""

    address: str
    replicas: dict[str, Process]
    stores: Path

    def cookie_of(self, name: str) -> str:
        """A cookie whose visitors the proxy sends to that replica."""
        for n in count():
            cookie = f"{COOKIE}=visitor-{n}"
            if about(self.address, cookie)["replica"] == name:
                return cookie
            assert n < 60, f"60 visitors, and none reached replica {name}"
        raise AssertionError


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    make(folder / "stores", simulated=False, build_id="first")
    with (
        replica(folder / "stores", folder, "1") as first,
        replica(folder / "stores", folder, "2") as second,
        nginx(folder, first.wait(), second.wait()) as proxy,
    ):
        yield Site(proxy.wait().address, {"1": first, "2": second}, folder / "stores")


def test_both_replicas_serve_and_a_visitor_stays_on_one(site: Site) -> None:
    for name in ("1", "2"):
        cookie = site.cookie_of(name)
        assert [about(site.address, cookie)["replica"] for _ in range(5)] == [name] * 5


def test_a_new_visitor_gets_the_cookie_of_the_replica_that_answered(site: Site) -> None:
    headers, body = get(f"{site.address}/about")
    cookie = headers["set-cookie"].split(";")[0]
    assert cookie.startswith(f"{COOKIE}=") and "HttpOnly" in headers["set-cookie"]
    assert about(site.address, cookie)["replica"].encode() in body
    assert "set-cookie" not in get(f"{site.address}/about", cookie)[0]


def test_security_headers_come_through(site: Site) -> None:
    headers, _ = get(site.address)
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_open_sessions_of_both_replicas_move_to_a_new_build(site: Site) -> None:
    async def story() -> None:
        visitors = [Visitor(site.address, cookie=site.cookie_of(name)) for name in ("1", "2")]
        before = [await v.open() for v in visitors]
        assert all("build first" in run.text for run in before)
        make(site.stores, simulated=False, build_id="second", seed=2)
        after = [await v.change(age=(30.0, 90.0)) for v in visitors]
        assert all("build second" in run.text and run.charts for run in after)
        assert not any("build first" in run.text for run in after)
        for v in visitors:
            await v.close()

    finished(story())
    for name in ("1", "2"):
        assert about(site.replicas[name].address)["build"] == "second"


def test_the_other_replica_serves_a_reload_after_one_is_killed(site: Site) -> None:
    """The last test of this file: it leaves one replica."""

    async def story() -> None:
        gone, stays = site.cookie_of("1"), site.cookie_of("2")
        lost, kept = Visitor(site.address, cookie=gone), Visitor(site.address, cookie=stays)
        await lost.open()
        await kept.open()
        site.replicas["1"].kill()
        with pytest.raises(websockets.ConnectionClosed):
            await lost.change(age=(31.0, 90.0))
        assert (await kept.change(age=(31.0, 90.0))).charts
        assert about(site.address, gone)["replica"] == "2"
        again = Visitor(site.address, cookie=gone, gene="TP53")
        run = await again.open()
        assert run.charts and all("TP53" in chart.alt for chart in run.charts[:1])
        for v in (kept, again):
            await v.close()

    finished(story())
