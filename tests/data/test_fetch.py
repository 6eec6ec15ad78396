"""Fetching against a real server: whole and right, or not there at all."""

from __future__ import annotations

import argparse
import errno
import gzip
import hashlib
import io
import json
import random
import shutil
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest
import requests

from core.model import BadInput, FetchError
from data import download as download_module
from data import fetch as fetch_module
from data import raw_folder
from data.download import Part, Patience, part_path
from data.fetch import FetchReport, Progress, add_arguments, decide, fetch, listing, run
from data.raw_folder import Found, fetch_lock, read_receipts
from data.sources import Source
from tests.data.conftest import STALL_AT, Host

COMMIT = "a" * 40
BODY = random.Random(1).randbytes(700_000)
PATIENCE = Patience(
    attempts=3, connect_timeout=2, read_timeout=2, first_pause=0.001, longest_pause=0.002
)


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def source(
    name: str = "g/a.bin",
    body: bytes = BODY,
    *,
    address: str = "",
    pinned: bool = True,
    member: tuple[str, ...] = (),
    sha256: str | None = None,
    group: str = "g",
) -> Source:
    where = f"{address}/{COMMIT if pinned else 'latest'}/{name}" if not member else address
    return Source(
        id=name,
        group=group,
        address=where if address else "",
        member=member,
        sha256=sha(body) if sha256 is None else sha256,
        bytes=len(body),
        licence="MIT",
        citation="A 2020",
        date="2020",
        holds="bytes",
        adds=f"what {name} adds",
        note="",
    )


def serve(host: Host, *sources: Source, body: bytes = BODY) -> tuple[Source, ...]:
    for one in sources:
        host.files[one.address.removeprefix(host.address)] = body
    return sources


def only_error(report: FetchReport) -> str:
    (outcome,) = report.having("failed")
    assert outcome.error is not None
    return str(outcome.error)


def leftovers(raw: Path) -> list[str]:
    """Everything in the raw folder that is neither a source nor the receipts nor the lock."""
    names = (str(p.relative_to(raw)) for p in raw.rglob("*") if p.is_file())
    return sorted(name for name in names if name not in {"fetched.json", ".fetch/lock", "g/a.bin"})


# --------------------------------------------------------------------------------------
# Deciding
# --------------------------------------------------------------------------------------

PINNED = source(address="https://h", body=BODY)
LOOSE = source(address="https://h", body=BODY, pinned=False)
RIGHT, WRONG = Found(len(BODY), sha(BODY)), Found(3, "f" * 64)


@pytest.mark.parametrize(
    ("one", "found", "part", "receipt", "force", "action"),
    [
        (PINNED, None, None, "", False, "download"),
        (PINNED, RIGHT, None, "", False, "keep"),
        (PINNED, RIGHT, None, "", True, "replace"),
        (PINNED, WRONG, None, "", False, "replace"),
        (PINNED, WRONG, None, WRONG.sha256, False, "replace"),
        (PINNED, None, Part(9, PINNED.address, ""), "", False, "resume"),
        (PINNED, None, Part(0, PINNED.address, "e"), "", False, "download"),
        (PINNED, None, Part(len(BODY) + 1, PINNED.address, "e"), "", False, "download"),
        (PINNED, None, Part(9, "https://other", "e"), "", False, "download"),
        (PINNED, None, Part(9, PINNED.address, "e"), "", True, "download"),
        (PINNED, WRONG, Part(9, PINNED.address, "e"), "", False, "resume"),
        # Nothing vouches for the bytes of an unpinned file but what was placed before.
        (LOOSE, RIGHT, None, "", False, "keep"),
        (LOOSE, WRONG, None, "", False, "keep"),
        (LOOSE, WRONG, None, WRONG.sha256, False, "keep"),
        (LOOSE, WRONG, None, RIGHT.sha256, False, "replace"),
        (LOOSE, None, Part(9, LOOSE.address, "e"), "", False, "resume"),
        (LOOSE, None, Part(9, LOOSE.address, ""), "", False, "download"),
    ],
)
def test_decide(
    one: Source, found: Found | None, part: Part | None, receipt: str, force: bool, action: str
) -> None:
    decision = decide(one, found, part, address=one.address, receipt=receipt, force=force)
    assert decision.action == action
    assert decision.reason


# --------------------------------------------------------------------------------------
# One file
# --------------------------------------------------------------------------------------


def test_a_file_is_fetched_once_and_then_kept(host: Host, tmp_path: Path) -> None:
    sources = serve(host, source(address=host.address))
    first = fetch(sources, tmp_path, patience=PATIENCE)
    again = fetch(sources, tmp_path, patience=PATIENCE)
    assert [o.status for o in (*first.outcomes, *again.outcomes)] == ["fetched", "kept"]
    assert (tmp_path / "g/a.bin").read_bytes() == BODY
    assert len(host.requests) == 1
    assert leftovers(tmp_path) == []
    receipt = read_receipts(tmp_path)["g/a.bin"]
    assert (receipt["sha256"], receipt["bytes"]) == (sha(BODY), len(BODY))
    assert receipt["address"] == sources[0].address


def test_a_damaged_file_is_replaced_and_force_replaces_a_good_one(
    host: Host, tmp_path: Path
) -> None:
    sources = serve(host, source(address=host.address))
    (tmp_path / "g").mkdir()
    (tmp_path / "g/a.bin").write_bytes(b"damaged")
    assert fetch(sources, tmp_path, patience=PATIENCE).having("fetched")
    assert fetch(sources, tmp_path, patience=PATIENCE, force=True).having("fetched")
    assert (tmp_path / "g/a.bin").read_bytes() == BODY
    assert len(host.requests) == 2


def test_a_wrong_hash_keeps_the_old_file_and_tells_everything(host: Host, tmp_path: Path) -> None:
    one = source(address=host.address)
    came = BODY[:-1] + bytes([BODY[-1] ^ 1])
    serve(host, one, body=came)
    (tmp_path / "g").mkdir()
    (tmp_path / "g/a.bin").write_bytes(b"old")
    told = only_error(fetch([one], tmp_path, patience=PATIENCE))
    assert (tmp_path / "g/a.bin").read_bytes() == b"old"
    assert leftovers(tmp_path) == []
    for part in ("g/a.bin", one.address, "sha256", sha(BODY), sha(came), "kept", "likely cause"):
        assert part in told
    assert "--mirror" in told


def test_a_wrong_hash_with_no_old_file_leaves_nothing(host: Host, tmp_path: Path) -> None:
    one = source(address=host.address)
    serve(host, one, body=BODY[:1000])
    told = only_error(fetch([one], tmp_path, patience=PATIENCE))
    assert "cut short" in told
    assert not (tmp_path / "g/a.bin").exists()
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"\n<!DOCTYPE html><title>Log in</title>", "login page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
        (b"", "empty"),
    ],
)
@pytest.mark.parametrize("pinned", [True, False])
def test_what_came_in_a_files_place_is_named(
    host: Host, tmp_path: Path, body: bytes, cause: str, pinned: bool
) -> None:
    one = source(address=host.address, pinned=pinned)
    serve(host, one, body=body)
    assert cause in only_error(fetch([one], tmp_path, patience=PATIENCE))
    assert not (tmp_path / "g/a.bin").exists()


def test_a_server_that_sends_too_much_is_cut_off(host: Host, tmp_path: Path) -> None:
    one = source(address=host.address, body=BODY[:500])
    serve(host, one)
    for lengths in (True, False):
        host.lengths = lengths
        assert "sends more" in only_error(fetch([one], tmp_path, patience=PATIENCE))
        assert not (tmp_path / "g/a.bin").exists()
        assert leftovers(tmp_path) == []


def test_an_unpinned_file_may_differ_and_the_report_says_so(host: Host, tmp_path: Path) -> None:
    one = source(address=host.address, pinned=False)
    serve(host, one, body=b"a newer release")
    (outcome,) = fetch([one], tmp_path, patience=PATIENCE).having("fetched")
    assert "another release" in outcome.detail
    assert outcome.sha256 == sha(b"a newer release")
    assert fetch([one], tmp_path, patience=PATIENCE).having("kept")
    # The receipt is what tells damage from a newer release.
    (tmp_path / "g/a.bin").write_bytes(b"damaged")
    assert fetch([one], tmp_path, patience=PATIENCE).having("fetched")
    assert (tmp_path / "g/a.bin").read_bytes() == b"a newer release"


def test_gzip_files_arrive_as_they_are_though_called_an_encoding(
    host: Host, tmp_path: Path
) -> None:
    body = gzip.compress(b"table\n" * 1000, mtime=0)
    one = source("g/a.txt.gz", body, address=host.address)
    serve(host, one, body=body)
    host.headers["Content-Encoding"] = "gzip"
    assert fetch([one], tmp_path, patience=PATIENCE).having("fetched")
    assert (tmp_path / "g/a.txt.gz").read_bytes() == body


@pytest.mark.parametrize("breaks", [[], [300_000]])
def test_an_encoded_body_is_decoded_and_never_resumed(
    host: Host, tmp_path: Path, breaks: list[int]
) -> None:
    one = source(address=host.address)
    serve(host, one, body=gzip.compress(BODY, mtime=0))
    host.headers, host.break_after = {"Content-Encoding": "gzip"}, breaks
    assert fetch([one], tmp_path, patience=PATIENCE).having("fetched")
    assert set(host.ranges_asked()) == {""}
    assert (tmp_path / "g/a.bin").read_bytes() == BODY


# --------------------------------------------------------------------------------------
# Breaking off and resuming
# --------------------------------------------------------------------------------------


def test_a_broken_connection_is_resumed_within_a_fetch(host: Host, tmp_path: Path) -> None:
    sources = serve(host, source(address=host.address))
    host.break_after = [300_000, 200_000]
    assert fetch(sources, tmp_path, patience=PATIENCE).having("fetched")
    assert host.ranges_asked() == ["", "bytes=300000-", "bytes=500000-"]
    assert (tmp_path / "g/a.bin").read_bytes() == BODY


def test_a_server_that_falls_silent_is_left_and_asked_again(host: Host, tmp_path: Path) -> None:
    sources = serve(host, source(address=host.address))
    host.stalls = [0.6]
    short = Patience(attempts=2, connect_timeout=2, read_timeout=0.2, first_pause=0.001)
    assert fetch(sources, tmp_path, patience=short).having("fetched")
    assert host.ranges_asked() == ["", f"bytes={STALL_AT}-"]
    assert (tmp_path / "g/a.bin").read_bytes() == BODY


def test_a_body_cut_short_without_a_size_is_caught_by_its_hash(host: Host, tmp_path: Path) -> None:
    sources = serve(host, source(address=host.address))
    host.lengths, host.break_after = False, [300_000]
    assert "cut short" in only_error(fetch(sources, tmp_path, patience=PATIENCE))
    assert not (tmp_path / "g/a.bin").exists()


def test_a_broken_fetch_is_resumed_by_the_next(host: Host, tmp_path: Path) -> None:
    sources = serve(host, source(address=host.address))
    host.break_after = [100_000, 100_000, 100_000]
    report = fetch(sources, tmp_path, patience=PATIENCE)
    assert "goes on where it broke off" in only_error(report)
    assert not (tmp_path / "g/a.bin").exists()
    assert part_path(tmp_path / "g/a.bin").stat().st_size == 300_000
    assert fetch(sources, tmp_path, patience=PATIENCE).having("fetched")
    assert host.ranges_asked()[-1] == "bytes=300000-"
    assert (tmp_path / "g/a.bin").read_bytes() == BODY
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("etags", [True, False])
def test_a_server_without_ranges_starts_again_cleanly(
    host: Host, tmp_path: Path, etags: bool
) -> None:
    sources = serve(host, source(address=host.address))
    host.ranges, host.etags, host.break_after = False, etags, [300_000]
    assert fetch(sources, tmp_path, patience=PATIENCE).having("fetched")
    assert (tmp_path / "g/a.bin").read_bytes() == BODY


def test_a_file_that_changed_between_two_fetches_is_not_mixed(host: Host, tmp_path: Path) -> None:
    one = source(address=host.address, pinned=False)
    serve(host, one)
    host.break_after = [100_000] * 3
    fetch([one], tmp_path, patience=PATIENCE)
    newer = random.Random(2).randbytes(500_000)
    serve(host, one, body=newer)
    assert fetch([one], tmp_path, patience=PATIENCE).having("fetched")
    assert host.ranges_asked()[-1] == "bytes=300000-"
    assert (tmp_path / "g/a.bin").read_bytes() == newer


def test_an_unpinned_beginning_without_validator_is_not_trusted(host: Host, tmp_path: Path) -> None:
    one = source(address=host.address, pinned=False)
    serve(host, one)
    host.etags, host.break_after = False, [100_000] * 3
    fetch([one], tmp_path, patience=PATIENCE)
    newer = random.Random(2).randbytes(500_000)
    serve(host, one, body=newer)
    assert fetch([one], tmp_path, patience=PATIENCE).having("fetched")
    assert host.ranges_asked()[-1] == ""
    assert (tmp_path / "g/a.bin").read_bytes() == newer


def test_a_beginning_of_another_file_is_found_out_and_fetched_anew(
    host: Host, tmp_path: Path
) -> None:
    one = source(address=host.address)
    serve(host, one)
    host.break_after = [100_000] * 3
    fetch([one], tmp_path, patience=PATIENCE)
    part_path(tmp_path / "g/a.bin").write_bytes(b"x" * 50_000)
    assert fetch([one], tmp_path, patience=PATIENCE).having("fetched")
    assert host.ranges_asked()[-2:] == ["bytes=50000-", ""]
    assert (tmp_path / "g/a.bin").read_bytes() == BODY


def test_a_whole_part_file_that_was_never_named_is_taken(host: Host, tmp_path: Path) -> None:
    """Killed between the last byte and the renaming: the server has nothing left to send."""
    sources = serve(host, source(address=host.address))
    host.break_after = [100_000] * 3
    fetch(sources, tmp_path, patience=PATIENCE)
    part_path(tmp_path / "g/a.bin").write_bytes(BODY)
    assert fetch(sources, tmp_path, patience=PATIENCE).having("fetched")
    assert (tmp_path / "g/a.bin").read_bytes() == BODY


def test_what_stops_a_fetch_leaves_a_beginning_and_no_file(host: Host, tmp_path: Path) -> None:
    sources = serve(host, source(address=host.address))

    class StopPressedError(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.bytes_done > 200_000:
            raise StopPressedError

    with pytest.raises(StopPressedError):
        fetch(sources, tmp_path, patience=PATIENCE, progress=stop)
    assert not (tmp_path / "g/a.bin").exists()
    assert fetch(sources, tmp_path, patience=PATIENCE).having("fetched")
    assert host.ranges_asked()[-1].startswith("bytes=")


# --------------------------------------------------------------------------------------
# What a server may answer
# --------------------------------------------------------------------------------------


def test_a_missing_file_fails_at_once_and_stops_no_other(host: Host, tmp_path: Path) -> None:
    gone, there = source("g/gone.bin", address=host.address), source(address=host.address)
    serve(host, there)
    report = fetch([gone, there], tmp_path, patience=PATIENCE)
    assert [o.status for o in report.outcomes] == ["failed", "fetched"]
    assert len(host.requests) == 2, "404 is not tried again"
    assert "HTTP 404" in only_error(report)
    assert not report.complete
    assert "what g/gone.bin adds" in report.missing_table()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_fault_is_tried_again(host: Host, tmp_path: Path, status: int) -> None:
    sources = serve(host, source(address=host.address))
    host.statuses = [status, status]
    assert fetch(sources, tmp_path, patience=PATIENCE).having("fetched")
    assert len(host.requests) == 3


@pytest.mark.parametrize(("asked", "waits"), [("7", 7.0), ("900", 20.0), ("", 3.0), ("soon", 3.0)])
def test_retry_after_is_honoured_within_bounds(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, waits: float
) -> None:
    sources = serve(host, source(address=host.address))
    host.statuses, host.headers = [429], {"Retry-After": asked} if asked else {}
    pauses: list[float] = []
    monkeypatch.setattr(download_module.time, "sleep", pauses.append)
    fetch(sources, tmp_path, patience=Patience(first_pause=3.0, longest_pause=20.0))
    assert pauses == [waits]


def test_pauses_grow_and_attempts_end(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = serve(host, source(address=host.address))
    host.statuses = [500] * 10
    pauses: list[float] = []
    monkeypatch.setattr(download_module.time, "sleep", pauses.append)
    told = only_error(fetch(sources, tmp_path, patience=Patience(attempts=5, longest_pause=5.0)))
    assert pauses == [1.0, 2.0, 4.0, 5.0]
    assert "failed 5 times" in told


def test_an_unreachable_host_is_given_up_once_for_all_its_files(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "http://127.0.0.1:9"  # the discard port, where nothing listens
    sources = [source(f"g/{n}.bin", address=address) for n in range(4)]
    pauses: list[float] = []
    monkeypatch.setattr(download_module.time, "sleep", pauses.append)
    report = fetch(sources, tmp_path, patience=PATIENCE)
    assert len(report.having("failed")) == 4
    assert len(pauses) == PATIENCE.attempts - 1
    (error,) = report.distinct_errors()
    assert "127.0.0.1:9" in error.where


def test_a_redirect_away_from_encryption_is_refused() -> None:
    response = requests.Response()
    response.status_code, response.url = 200, "http://example.org/a"
    with pytest.raises(FetchError, match="without encryption"):
        download_module._check_status("https://example.org/a", response)


def test_a_redirect_that_stays_is_followed(host: Host, tmp_path: Path) -> None:
    one = source(address=host.address)
    host.redirect_to = f"{host.address}/loop"
    assert "cannot be used" in only_error(fetch([one], tmp_path, patience=PATIENCE))


# --------------------------------------------------------------------------------------
# The disk
# --------------------------------------------------------------------------------------


def test_a_full_disk_is_told_with_a_remedy_and_resumed(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = serve(host, source(address=host.address), source("g/b.bin", address=host.address))
    receive = download_module._receive

    def fill_up(address: str, part: Path, *rest: object) -> None:
        if part.name == "a.bin.part":
            part.write_bytes(BODY[:1000])
            raise OSError(errno.ENOSPC, "No space left on device", str(part))
        receive(address, part, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(download_module, "_receive", fill_up)
    report = fetch([one, other], tmp_path, patience=PATIENCE)
    told = only_error(report)
    assert "The disk is full" in told
    assert "Free some space" in told
    assert report.having("fetched")[0].source is other
    assert not (tmp_path / "g/a.bin").exists()
    monkeypatch.undo()
    assert len(fetch([one, other], tmp_path, patience=PATIENCE).having("fetched")) == 1
    assert host.ranges_asked()[-1] == "bytes=1000-"


def test_too_little_room_is_told_before_a_byte_is_asked_for(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = serve(host, source(address=host.address))
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(raw_folder.shutil, "disk_usage", lambda _: usage)
    told = only_error(fetch(sources, tmp_path, patience=PATIENCE))
    assert "too little room" in told
    assert "1,000 bytes free" in told
    assert host.requests == []


def test_a_raw_folder_that_is_a_file_is_told(host: Host, tmp_path: Path) -> None:
    (tmp_path / "raw").write_text("a file")
    with pytest.raises(FetchError, match="could not be read or written"):
        fetch(serve(host, source(address=host.address)), tmp_path / "raw", patience=PATIENCE)


def test_a_folder_that_needs_nothing_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "g").mkdir()
    (tmp_path / "g/a.bin").write_bytes(BODY)
    assert fetch([source(address="https://h")], tmp_path).having("kept")
    assert [p.name for p in tmp_path.iterdir()] == ["g"]


# --------------------------------------------------------------------------------------
# Two at once
# --------------------------------------------------------------------------------------


def test_two_fetches_at_once_share_the_work(host: Host, tmp_path: Path) -> None:
    sources = serve(host, *(source(f"g/{n}.bin", address=host.address) for n in range(6)))
    reports: list[FetchReport] = []

    def work() -> None:
        reports.append(fetch(sources, tmp_path, patience=PATIENCE))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(reports) == 3
    assert all(report.complete for report in reports)
    assert len(host.requests) == 6, "no file is downloaded twice"
    assert all((tmp_path / one.id).read_bytes() == BODY for one in sources)
    assert set(read_receipts(tmp_path)) == {one.id for one in sources}


def test_a_fetch_that_waits_too_long_says_what_it_waits_for(tmp_path: Path) -> None:
    told: list[str] = []
    with (
        fetch_lock(tmp_path, told.append),
        pytest.raises(FetchError, match="Another fetch"),
        fetch_lock(tmp_path, told.append, longest_wait=0.05),
    ):
        pass
    assert told
    assert set(told) == {"waiting for another fetch to end"}
    with fetch_lock(tmp_path, told.append, longest_wait=0.0):
        pass


# --------------------------------------------------------------------------------------
# Mirrors
# --------------------------------------------------------------------------------------


def mirror_folder(folder: Path, **files: bytes) -> Path:
    for name, body in files.items():
        path = folder / "g" / f"{name}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder


def test_a_mirror_folder_takes_the_place_of_every_address(tmp_path: Path) -> None:
    mirror = mirror_folder(tmp_path / "mirror", a=BODY, b=BODY)
    sources = [
        source(address="https://unreachable.invalid"),
        source("g/b.bin", address="https://unreachable.invalid/b.tar.gz", member=("b/b.bin",)),
        source("g/c.bin"),
    ]
    report = fetch(sources, tmp_path / "raw", mirror=mirror)
    assert [o.status for o in report.outcomes] == ["fetched", "fetched", "failed"]
    assert "mirror does not hold" in only_error(report)
    assert (tmp_path / "raw/g/b.bin").read_bytes() == BODY


def test_a_mirror_with_wrong_bytes_is_refused(tmp_path: Path) -> None:
    mirror = mirror_folder(tmp_path / "mirror", a=b"wrong")
    told = only_error(fetch([source(address="https://h")], tmp_path / "raw", mirror=mirror))
    assert str(mirror / "g/a.bin") in told
    assert not (tmp_path / "raw/g/a.bin").exists()


def test_a_mirror_address_holds_the_files_under_their_ids(host: Host, tmp_path: Path) -> None:
    one = source("g/a b#1.bin")
    host.files["/mirror/g/a%20b%231.bin"] = BODY
    report = fetch([one], tmp_path, mirror=f"{host.address}/mirror/", patience=PATIENCE)
    assert report.having("fetched")
    assert (tmp_path / one.id).read_bytes() == BODY


def test_a_mirror_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="mirror does not exist"):
        fetch([source()], tmp_path / "raw", mirror=tmp_path / "none")


def test_without_address_or_mirror_a_source_is_unavailable_and_not_a_failure(
    tmp_path: Path,
) -> None:
    report = fetch([source()], tmp_path)
    assert [o.status for o in report.outcomes] == ["unavailable"]
    assert report.complete
    assert "what g/a.bin adds" in report.missing_table()
    assert "--mirror" in report.missing_table()


# --------------------------------------------------------------------------------------
# Archives
# --------------------------------------------------------------------------------------


def tar_of(*members: tuple[str, bytes] | tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            tar.addfile(info, io.BytesIO(member[1]))
    return out.getvalue()


def zip_of(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members:
            archive.writestr(name, body)
    return out.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def in_archive(host: Host, archive: bytes, *names: str, file: str = "g/a.bin") -> Source:
    host.files["/s.tar.gz"] = archive
    return source(file, b"x" * 1000, address=f"{host.address}/s.tar.gz", member=names)


def test_members_of_one_archive_cost_one_download(host: Host, tmp_path: Path) -> None:
    archive = tar_of(("s/new.txt", b"one"), ("s/b.txt", b"two"), ("s/unwanted", b"three"))
    sources = [
        in_archive(host, archive, "s/old.txt", "s/new.txt"),
        in_archive(host, archive, "s/b.txt", file="g/b.bin"),
        in_archive(host, archive, "s/b.txt", file="h/also_b.bin"),
        in_archive(host, archive, "s/gone.txt", file="g/gone.bin"),
    ]
    report = fetch(sources, tmp_path, patience=PATIENCE)
    assert [o.status for o in report.outcomes] == ["fetched"] * 3 + ["failed"]
    assert (tmp_path / "g/a.bin").read_bytes() == b"one"
    assert (tmp_path / "g/b.bin").read_bytes() == b"two"
    assert (tmp_path / "h/also_b.bin").read_bytes() == b"two"
    assert "s/gone.txt" in only_error(report)
    assert len(host.requests) == 1
    assert leftovers(tmp_path) == ["g/b.bin", "h/also_b.bin"]


def test_of_two_names_the_first_in_the_manifest_wins(host: Host, tmp_path: Path) -> None:
    archive = tar_of(("s/second", b"second"), ("s/first", b"first"))
    fetch([in_archive(host, archive, "s/first", "s/second")], tmp_path, patience=PATIENCE)
    assert (tmp_path / "g/a.bin").read_bytes() == b"first"


def test_a_broken_archive_download_is_resumed(host: Host, tmp_path: Path) -> None:
    one = in_archive(host, tar_of(("s/a", BODY)), "s/a")
    host.break_after = [300_000] + [1000] * 2
    assert not fetch([one], tmp_path, patience=PATIENCE).complete
    assert fetch([one], tmp_path, patience=PATIENCE).having("fetched")
    assert host.ranges_asked()[-1] == "bytes=302000-"
    assert (tmp_path / "g/a.bin").read_bytes() == BODY


@pytest.mark.parametrize(
    ("archive", "told"),
    [
        (tar_of(("s/a", b"1"), ("../out", b"2")), "'../out'"),
        (tar_of(("s/a", b"1"), ("/tmp/out", b"2")), "'/tmp/out'"),
        (tar_of(("s/a", b"1"), ("s/../../out", b"2")), "'s/../../out'"),
        (tar_of(("s/a", b"1"), special("s/l", tarfile.SYMTYPE, "/etc/passwd")), "link"),
        (tar_of(("s/a", b"1"), special("s/l", tarfile.LNKTYPE, "s/a")), "link"),
        (tar_of(("s/a", b"1"), special("s/d", tarfile.FIFOTYPE)), "device"),
        (tar_of(special("s/a", tarfile.SYMTYPE, "/etc/passwd")), "link"),
        (tar_of(("s/a", b"1"), ("s/bomb", bytes(40 << 20))), "zip bomb"),
        (tar_of(("s/a", bytes(40 << 20))), "zip bomb"),
        (zip_of(("s/a", b"1"), ("s/bomb", bytes(40 << 20))), "zip bomb"),
        (zip_of(("s/a", b"1"), ("../out", b"2")), "'../out'"),
        (tar_of(("s/a", BODY))[:-50_000], "cannot be unpacked"),
        (b"no archive at all", "cannot be unpacked"),
    ],
)
def test_an_unsafe_or_broken_archive_is_refused_whole(
    host: Host, tmp_path: Path, archive: bytes, told: str
) -> None:
    raw = tmp_path / "deep" / "raw"
    report = fetch([in_archive(host, archive, "s/a")], raw, patience=PATIENCE)
    assert told in only_error(report)
    assert not (raw / "g/a.bin").exists()
    assert leftovers(raw) == []
    assert not list(tmp_path.rglob("out"))


def test_a_zip_gives_its_members_too(host: Host, tmp_path: Path) -> None:
    one = in_archive(host, zip_of(("s/a", b"one")), "s/a")
    assert fetch([one], tmp_path, patience=PATIENCE).having("fetched")
    assert (tmp_path / "g/a.bin").read_bytes() == b"one"


# --------------------------------------------------------------------------------------
# Progress and the command
# --------------------------------------------------------------------------------------


def test_progress_rises_to_one(host: Host, tmp_path: Path) -> None:
    sources = serve(host, *(source(f"g/{n}.bin", address=host.address) for n in range(3)))
    host.break_after = [300_000]
    seen: list[Progress] = []
    fetch(sources, tmp_path, patience=PATIENCE, progress=seen.append)
    assert seen[-1].fraction == 1.0
    assert (seen[-1].files_done, seen[-1].files_total) == (3, 3)
    done = [step.bytes_done for step in seen]
    assert done == sorted(done)
    assert len(set(done)) > 5


def command(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


@pytest.fixture
def two_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = (source(address="https://unreachable.invalid"), source("h/b.bin", group="h"))
    monkeypatch.setattr(fetch_module, "load_sources", lambda: sources)


@pytest.mark.usefixtures("two_sources")
class TestCommand:
    def test_what_failed_is_reported_and_the_exit_code_says_so(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        mirror = mirror_folder(tmp_path / "mirror", a=BODY)
        words = ["--raw", str(tmp_path / "raw"), "--mirror", str(mirror)]
        assert run(command(*words)) == 1
        out, err = capsys.readouterr()
        assert "1 fetched, 1 failed" in out
        assert "what h/b.bin adds" in err
        assert run(command(*words, "--only", "g")) == 0
        assert "1 kept" in capsys.readouterr().out

    def test_list_fetches_nothing(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(command("--list", "--raw", str(tmp_path))) == 0
        out = capsys.readouterr().out
        assert "g/a.bin: bytes" in out
        assert "mirror only" in out
        assert list(tmp_path.iterdir()) == []

    def test_an_unknown_group_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match="'nothing'"):
            run(command("--raw", str(tmp_path), "--only", "nothing"))

    def test_the_raw_folder_has_a_default(self) -> None:
        assert command().raw == Path("raw")


def test_listing_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "g").mkdir()
    (tmp_path / "g/a.bin").write_bytes(b"")
    lines = listing([source(address="https://h"), source("g/b.bin")], tmp_path).splitlines()
    assert lines[0] == "g"
    assert lines[1].split()[0] == "there"
    assert "pinned, untested" in lines[1]
    assert lines[2].split()[0] == "-"


def test_damaged_receipts_are_no_obstacle(host: Host, tmp_path: Path) -> None:
    (tmp_path / "fetched.json").write_text("{broken")
    assert fetch(serve(host, source(address=host.address)), tmp_path, patience=PATIENCE).complete
    assert "g/a.bin" in json.loads((tmp_path / "fetched.json").read_text())
