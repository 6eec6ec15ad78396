"""The doing of a fetch: one source after the other, and archives that hold several."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, urlsplit

import requests

from core.model import BadFile, DashboardError, FetchError
from data.download import (
    HostUnreachableError,
    Patience,
    discard_part,
    download,
    part_path,
    read_part,
)
from data.fetch_plan import Decision, Outcome, Progress, decide
from data.raw_folder import (
    WORK_FOLDER,
    Found,
    disk_errors,
    find,
    place,
    read_receipts,
    require_room,
)
from data.readers.archive import unpack
from data.sources import Source

MOST_EXCESS = 4
"""An unpinned file may have grown to this multiple of the size that is known."""
MOST_ARCHIVE_BYTES = 4 << 30


class FetchRun:
    """One call of :func:`fetch`: where files come from, go to, and how far it has got."""

    def __init__(
        self,
        raw: Path,
        mirror: str | Path | None,
        force: bool,
        progress: Callable[[Progress], None] | None,
        patience: Patience,
    ) -> None:
        self.raw, self.mirror, self.force = raw, mirror, force
        self.progress, self.patience = progress, patience
        self.session = requests.Session()
        self.unreachable: dict[str, HostUnreachableError] = {}
        self.bytes_total = self.bytes_done = self.files_total = self.files_done = 0

    def address(self, source: Source) -> str:
        """Where the source is taken from: the mirror if there is one, or its own address."""
        if self.mirror is None:
            return source.address
        if isinstance(self.mirror, Path):
            return str(self.mirror / source.id)
        return f"{self.mirror}/{quote(source.id)}"

    def decision(self, source: Source, found: Found | None) -> Decision:
        receipt = read_receipts(self.raw).get(source.id, {})
        return decide(
            source,
            found,
            read_part(self.raw / source.id),
            address=self.address(source),
            receipt=str(receipt.get("sha256", "")),
            force=self.force,
        )

    def say(self, message: str, source_id: str = "", bytes_of_file: int = 0) -> None:
        if self.progress:
            self.progress(
                Progress(
                    source_id,
                    min(self.bytes_total, self.bytes_done + bytes_of_file),
                    self.bytes_total,
                    self.files_done,
                    self.files_total,
                    message,
                )
            )

    # -- outcomes ----------------------------------------------------------------------

    def kept(self, source: Source) -> Outcome | None:
        """The outcome of a source that needs nothing done."""
        found = find(self.raw / source.id)
        decision = self.decision(source, found)
        if found is None or decision.action != "keep":
            return None
        return Outcome(source, "kept", decision.reason, found.sha256)

    def unavailable(self, source: Source) -> Outcome:
        larger = f" Its original can be had: --only {source.original}." if source.original else ""
        detail = f"{source.note}{larger} A mirror may hold it (--mirror)."
        return Outcome(source, "unavailable", detail)

    def placed(self, source: Source) -> Outcome:
        """Check the source's part file and let it take its name."""
        found = place(self.raw, source, self.address(source))
        as_tested = source.sha256 in ("", found.sha256)
        detail = "" if as_tested else "another release than the project was tested with"
        return Outcome(source, "fetched", detail, found.sha256)

    def bring(self, pending: Sequence[Source]) -> Iterator[Outcome]:
        """Outcomes of the sources, an archive at a time where several share one."""
        archives: dict[str, list[Source]] = {}
        for source in pending:
            alone = self.mirror is not None or not source.archived
            archives.setdefault("" if alone else source.address, []).append(source)
        for source in archives.pop("", []):
            yield self._finished(self._one(source))
        for address, members in archives.items():
            for outcome in self._members(address, members):
                yield self._finished(outcome)

    def _finished(self, outcome: Outcome) -> Outcome:
        self.bytes_done += outcome.source.bytes if self.address(outcome.source) else 0
        self.files_done += 1
        self.say(outcome.status, outcome.source.id)
        return outcome

    # -- one file ----------------------------------------------------------------------

    def _one(self, source: Source) -> Outcome:
        if not self.address(source):
            return self.unavailable(source)
        # Another fetch may have brought the file while this one waited for its turn.
        if not self.force and (outcome := self.kept(source)):
            return outcome
        try:
            with disk_errors(self.raw):
                return self._brought(source)
        except DashboardError as error:
            return failed(source, error)

    def _brought(self, source: Source) -> Outcome:
        target = self.raw / source.id
        resume = self.decision(source, find(target)).action == "resume"
        self._transfer(source, target, resume)
        try:
            return self.placed(source)
        except FetchError:
            if not resume:
                raise
            # The beginning that was there may have been of another file.
            self._transfer(source, target, resume=False)
            return self.placed(source)

    def _transfer(self, source: Source, target: Path, resume: bool) -> None:
        """Fill the source's part file from the mirror folder or over HTTP."""
        require_room(self.raw, source.bytes)
        if isinstance(self.mirror, Path):
            original = self.mirror / source.id
            if not original.is_file():
                raise _not_on_mirror(original)
            self.say("copying", source.id)
            self._copy(original, target)
            return
        most = source.bytes if source.pinned else max(source.bytes * MOST_EXCESS, 64 << 20)
        self._download(self.address(source), target, resume, most, source.id)

    @staticmethod
    def _copy(original: Path, target: Path) -> None:
        discard_part(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(original, part_path(target))

    def _download(
        self, address: str, target: Path, resume: bool, most_bytes: int, source_id: str
    ) -> Path:
        host = urlsplit(address).netloc
        if host in self.unreachable:
            raise self.unreachable[host]
        try:
            return download(
                address,
                target,
                resume=resume,
                most_bytes=most_bytes,
                session=self.session,
                patience=self.patience,
                report=lambda received, _: self.say("downloading", source_id, received),
            )
        except HostUnreachableError as error:
            self.unreachable[host] = error
            raise

    # -- members of an archive -----------------------------------------------------------

    def _members(self, address: str, sources: Sequence[Source]) -> Iterator[Outcome]:
        archive = self.raw / WORK_FOLDER / address.rsplit("/", 1)[-1]
        folder = archive.with_name(archive.name + ".members")
        try:
            with disk_errors(self.raw):
                members = self._unpacked(address, archive, folder, sources)
            for source in sources:
                yield self._member(source, members)
        except DashboardError as error:
            yield from (failed(source, error) for source in sources)
        finally:
            archive.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)

    def _unpacked(
        self, address: str, archive: Path, folder: Path, sources: Sequence[Source]
    ) -> dict[str, Path]:
        """Download the archive and unpack what the sources name: member -> file."""
        require_room(self.raw, sum(source.bytes for source in sources))
        part = read_part(archive)
        resume = bool(part and part.validator and part.address == address)
        part_file = self._download(address, archive, resume, MOST_ARCHIVE_BYTES, sources[0].id)
        os.replace(part_file, archive)
        discard_part(archive)
        shutil.rmtree(folder, ignore_errors=True)
        names = {name for source in sources for name in source.member}
        unpack(archive, folder, names.__contains__)
        return {name: folder / name for name in names if (folder / name).is_file()}

    def _member(self, source: Source, members: dict[str, Path]) -> Outcome:
        name = next((name for name in source.member if name in members), None)
        if name is None:
            return failed(source, _not_in_archive(source, members))
        # Another fetch may have brought the file while this one waited for its turn.
        if not self.force and (outcome := self.kept(source)):
            return outcome
        try:
            with disk_errors(self.raw):
                self._copy(members[name], self.raw / source.id)
                return self.placed(source)
        except DashboardError as error:
            return failed(source, error)


def failed(source: Source, error: DashboardError) -> Outcome:
    return Outcome(source, "failed", error.message, error=error)


def _not_on_mirror(original: Path) -> FetchError:
    return FetchError(
        "The mirror does not hold the file.",
        where=str(original),
        remedy="Leave --mirror out to fetch the file from its publisher.",
    )


def _not_in_archive(source: Source, members: Mapping[str, Path]) -> BadFile:
    return BadFile(
        "The publisher's archive no longer holds the file.",
        where=source.address,
        expected=" or ".join(source.member),
        found=", ".join(members) or "none of the files that the project reads",
        remedy="Take the file from a mirror (--mirror).",
    )
