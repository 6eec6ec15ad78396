"""A store elsewhere: copied whole or not at all, followed, and done without while out of reach."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import pytest

from core import mirror as module
from core.mirror import CACHE_VARIABLE, Mirror, copy_folder, is_elsewhere
from core.model import BuildError, StoreError
from core.report.__main__ import main as report
from core.store import POINTER, current_build, open_store
from data.push import push
from tests.app.small_store import make

Put = Callable[..., None]


class Quiet(SimpleHTTPRequestHandler):
    """A web server's file handler; ``broken`` ends each store file in the middle."""

    broken = False

    def log_message(self, *_: object) -> None:
        pass

    def copyfile(self, source: object, outputfile: object) -> None:
        if self.broken and self.path.endswith(".duckdb"):
            outputfile.write(source.read(10))  # type: ignore[attr-defined]
            return
        super().copyfile(source, outputfile)  # type: ignore[arg-type]


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a web server for ``tmp_path / "shared"``."""
    monkeypatch.setattr(Quiet, "broken", False)
    (tmp_path / "shared").mkdir()
    handler = partial(Quiet, directory=str(tmp_path / "shared"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(params=["file", "memory", "http"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The address to read from and the one to write to."""
    if request.param == "http":
        web = request.getfixturevalue("web")
        yield web, str(tmp_path / "shared")
    elif request.param == "memory":
        yield "memory://mirror-test/stores", "memory://mirror-test/stores"
        fsspec.filesystem("memory").rm("/mirror-test", recursive=True)
    else:
        address = f"file://{tmp_path / 'shared'}"
        yield address, address


def put(to: str, name: str, content: bytes, **pointer: str) -> None:
    """A file of any bytes under ``name``, and a pointer to it."""
    files, root = fsspec.core.url_to_fs(to)
    files.makedirs(root, exist_ok=True)
    named = {"file": name, "sha256": hashlib.sha256(content).hexdigest(), **pointer}
    if name:
        files.pipe(f"{root}/{name}", content)
    files.pipe(f"{root}/{POINTER}", json.dumps(named).encode())


def test_a_build_is_pushed_copied_and_opened(shared: tuple[str, str], tmp_path: Path) -> None:
    read, write = shared
    built = make(tmp_path / "built", build_id="pushed")
    assert push(built, write).endswith(built.name)
    path = Mirror(read, tmp_path / "copies").current()
    assert path == current_build(tmp_path / "copies") and path.parent == tmp_path / "copies"
    store = open_store(path)
    assert store.version == "pushed"
    store.close()


def test_a_new_build_is_taken_up_and_the_last_two_are_kept(
    shared: tuple[str, str], tmp_path: Path
) -> None:
    read, write = shared
    mirror = Mirror(read, tmp_path / "copies")
    for n in range(3):
        put(write, f"store-{n}.duckdb", b"content %d" % n)
        assert mirror.refresh().read_bytes() == b"content %d" % n
    names = {p.name for p in (tmp_path / "copies").iterdir()}
    assert names == {"store-1.duckdb", "store-2.duckdb", POINTER}


def test_what_is_here_is_not_fetched_again(tmp_path: Path, web: str) -> None:
    put(str(tmp_path / "shared"), "store-1.duckdb", b"content")
    Mirror(web, tmp_path / "copies").refresh()
    (tmp_path / "shared" / "store-1.duckdb").unlink()
    assert Mirror(web, tmp_path / "copies").refresh().read_bytes() == b"content"


@pytest.mark.parametrize(
    ("pointer", "told"),
    [
        ({"sha256": "0" * 64}, "not the one that the pointer names"),
        ({"file": "../store-1.duckdb"}, "pointer of the shared store cannot be read"),
        ({"file": "/etc/store-1.duckdb"}, "pointer of the shared store cannot be read"),
        ({"file": "store-2.duckdb"}, "cannot be reached"),
    ],
    ids=["hash", "parent folder", "absolute", "missing file"],
)
def test_what_must_not_be_taken_up_leaves_the_build_in_use(
    shared: tuple[str, str], tmp_path: Path, pointer: dict[str, str], told: str
) -> None:
    read, write = shared
    mirror = Mirror(read, tmp_path / "copies")
    put(write, "store-0.duckdb", b"good")
    good = mirror.refresh()
    put(write, "store-1.duckdb", b"content", **pointer)
    with pytest.raises(StoreError, match=told):
        mirror.refresh()
    assert mirror.current() == good and good.read_bytes() == b"good"
    assert mirror.problem is not None
    assert sorted(p.name for p in (tmp_path / "copies").iterdir()) == [POINTER, good.name]


@pytest.mark.parametrize("text", [b"{", b"[]", b'{"file": "store-1.duckdb"}', b"x" * 10**6])
def test_a_pointer_that_is_none_is_told(tmp_path: Path, text: bytes) -> None:
    (tmp_path / POINTER).write_bytes(text)
    with pytest.raises(StoreError, match="pointer of the shared store") as caught:
        Mirror(f"file://{tmp_path}", tmp_path / "copies").current()
    assert "data push" in caught.value.remedy


def test_a_copy_that_breaks_off_takes_no_name(
    tmp_path: Path, web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(str(tmp_path / "shared"), "store-1.duckdb", b"content" * 1000)
    mirror = Mirror(web, tmp_path / "copies", every=0.0)
    monkeypatch.setattr(Quiet, "broken", True)
    with pytest.raises(StoreError):
        mirror.current()
    assert not list((tmp_path / "copies").iterdir())
    monkeypatch.setattr(Quiet, "broken", False)
    assert mirror.current().read_bytes() == b"content" * 1000


def test_an_address_out_of_reach_costs_nothing_once_a_build_is_here(tmp_path: Path) -> None:
    address = f"file://{tmp_path / 'shared'}"
    put(address, "store-1.duckdb", b"content")
    Mirror(address, tmp_path / "copies").current()
    (tmp_path / "shared" / POINTER).unlink()
    later = Mirror(address, tmp_path / "copies")
    assert later.current().read_bytes() == b"content"
    assert later._background is not None
    later._background.join(60)
    assert later.problem is not None and "cannot be reached" in later.problem.message


def test_nobody_waits_for_a_new_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"file://{tmp_path / 'shared'}"
    put(address, "store-1.duckdb", b"old")
    mirror = Mirror(address, tmp_path / "copies", every=0.0)
    old = mirror.current()
    go_on, pieces = threading.Event(), module.pieces

    def slowly(where: str) -> Iterator[bytes]:
        assert go_on.wait(60)
        yield from pieces(where)

    monkeypatch.setattr(module, "pieces", slowly)
    put(address, "store-2.duckdb", b"new")
    assert mirror.current() == old and mirror.current() == old
    assert mirror._background is not None
    go_on.set()
    mirror._background.join(60)
    assert mirror.current().read_bytes() == b"new"


def test_the_address_is_asked_no_more_often_than_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(
        module, "pieces", lambda where: asked.append(where) or iter([b"not a pointer"])
    )
    mirror = Mirror(f"file://{tmp_path}", tmp_path / "copies", every=3600.0)
    for _ in range(3):
        with pytest.raises(StoreError):
            mirror.current()
    assert len(asked) == 1


def test_addresses_have_folders_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    assert is_elsewhere("s3://bucket/stores") and not is_elsewhere("/srv/stores")
    both = {copy_folder(a) for a in ("s3://bucket/a", "s3://bucket/b")}
    assert len(both) == 2 and all(f.parent == tmp_path for f in both)


def test_commands_read_a_store_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "copies"))
    make(tmp_path / "shared", build_id="shared")
    assert report(["ledger", "--json", "--store", f"file://{tmp_path / 'shared'}"]) == 0
    assert json.loads(capsys.readouterr().out)["build_id"] == "shared"
    assert report(["ledger", "--store", f"file://{tmp_path / 'none'}"]) == 1
    assert "cannot be reached" in capsys.readouterr().err


def test_push_that_fails_leaves_what_was_current(tmp_path: Path, web: str) -> None:
    built = make(tmp_path / "built")
    with pytest.raises(BuildError, match="could not be put there"):
        push(built, web)
    with pytest.raises(StoreError):
        (tmp_path / "none.duckdb").write_bytes(b"not a store")
        push(tmp_path / "none.duckdb", str(tmp_path / "target"))
    assert not (tmp_path / "target").exists()
