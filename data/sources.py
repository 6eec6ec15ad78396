"""The manifest: one entry per published file that ``build`` can read, with its provenance.

The entries stand in ``data/manifest/*.toml``. Keys at the top of a file are defaults for all
its entries, so that a study's citation and licence are written once.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Any

from core.model import BadFile, BadInput

MANIFEST_FOLDER = Path(__file__).parent / "manifest"

_COMMIT = re.compile(r"/[0-9a-f]{40}/")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_REQUIRED = ("id", "group", "bytes", "licence", "citation", "date", "holds", "adds")


@dataclass(frozen=True)
class Source:
    """One published file and what is known about it."""

    id: str
    """Path below the raw folder and below a mirror, with forward slashes."""
    group: str
    """What it belongs to, such as ``ici/samstein_2019`` or ``tcga/mutations``."""
    address: str
    """https address; empty where these bytes stand at no public address."""
    member: tuple[str, ...]
    """Where the address is an archive: the file's possible names in it, best first."""
    sha256: str
    """Hash of the bytes that the project was tested with; empty where none were at hand."""
    bytes: int
    """Size of those bytes; the publisher's stated size, about, where there is no hash."""
    licence: str
    citation: str
    date: str
    """When the data were published: YYYY, YYYY-MM or YYYY-MM-DD."""
    holds: str
    """What stands in the file."""
    adds: str
    """What a store that is built without the file lacks."""
    note: str = ""
    original: str = ""
    """id of the publisher's own, larger file from which this one was made."""
    optional: bool = False
    """Fetched only when its group is named."""
    tested: bool = False
    """Whether the address itself has been tried; the hash protects the download either way."""

    @property
    def pinned(self) -> bool:
        """Whether exactly the bytes of ``sha256`` are due, and any others are an error.

        An address that names a commit promises its bytes; so does an entry without an
        address, of which only copies exist. A publisher's current release does not.
        """
        return bool(self.sha256) and (not self.address or bool(_COMMIT.search(self.address)))

    @property
    def archived(self) -> bool:
        """Whether the address is an archive and the source a member of it."""
        return bool(self.member)


def load_sources(folder: Path = MANIFEST_FOLDER) -> tuple[Source, ...]:
    """Every entry of the manifest, in the order of its files.

    Raises
    ------
    BadFile
        An entry that lacks a field, has a field of the wrong type or an unknown one, an id
        that leaves the raw folder, an address that is not https, or an id that stands twice.
    """
    sources = tuple(
        source for path in sorted(folder.glob("*.toml")) for source in _read_manifest(path)
    )
    if not sources:
        raise BadFile(
            "The manifest of sources is empty.",
            where=str(folder),
            expected="*.toml files with [[source]] entries",
            found="none",
            remedy="Install the project again; the folder belongs to it.",
        )
    _check_together(sources, folder)
    return sources


def select(sources: Iterable[Source], groups: Sequence[str] | None = None) -> tuple[Source, ...]:
    """The sources of the named groups; without names, all that are not optional.

    A name is a group, the beginning of one (``tcga`` for ``tcga/mutations``) or one id.

    Raises
    ------
    BadInput
        A name that fits no source.
    """
    sources = tuple(sources)
    if groups is None:
        return tuple(source for source in sources if not source.optional)

    def fits(source: Source, name: str) -> bool:
        name = name.strip("/")
        return name == source.id or f"{source.group}/".startswith(f"{name}/")

    for name in groups:
        if not any(fits(source, name) for source in sources):
            known = dict.fromkeys(source.group for source in sources)
            raise BadInput(
                f"No source belongs to {name!r}.",
                expected="one of " + ", ".join(known),
                found=name,
                remedy="Name a group, the beginning of one, or the id of one source.",
            )
    return tuple(source for source in sources if any(fits(source, name) for name in groups))


# --------------------------------------------------------------------------------------
# Reading and checking
# --------------------------------------------------------------------------------------


def _read_manifest(path: Path) -> list[Source]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadFile(
            "A manifest file is not valid TOML.", where=str(path), found=str(error)
        ) from error
    entries = document.pop("source", [])
    return [_source({**document, **entry}, path, number) for number, entry in enumerate(entries, 1)]


def _source(entry: dict[str, Any], path: Path, number: int) -> Source:
    where = f"{path}, entry {number} ({entry.get('id', 'no id')})"
    types = {field.name: field.type for field in fields(Source)}
    if unknown := sorted(set(entry) - set(types)):
        raise BadFile(
            f"Unknown field {unknown[0]!r} in the manifest.",
            where=where,
            expected=", ".join(types),
            found=", ".join(unknown),
        )
    if missing := [name for name in _REQUIRED if not entry.get(name)]:
        raise BadFile(
            "A manifest entry is incomplete.", where=where, expected=", ".join(missing), found="—"
        )
    values = {"address": "", "sha256": "", **entry, "member": tuple(entry.get("member", ()))}
    python = {"str": str, "int": int, "bool": bool, "tuple[str, ...]": tuple}
    for name, value in values.items():
        if type(value) is not python[str(types[name])]:
            raise BadFile(
                f"The field {name!r} of a manifest entry has the wrong type.",
                where=where,
                expected=str(types[name]),
                found=repr(value),
            )
    source = Source(**values)
    _check(source, where)
    return source


def _check(source: Source, where: str) -> None:
    """Raise BadFile for a value that cannot be right."""
    path = PurePosixPath(source.id)
    escapes = path.is_absolute() or any(p.startswith(".") for p in path.parts)
    problems = {
        "id is a plain path below the raw folder": escapes
        or str(path) != source.id
        or any(sign in source.id for sign in "\\:"),
        "address starts with https://": bool(source.address)
        and not source.address.startswith("https://"),
        "sha256 is 64 hexadecimal digits": bool(source.sha256)
        and not _SHA256.fullmatch(source.sha256),
        "bytes is positive": source.bytes <= 0,
        "date is YYYY, YYYY-MM or YYYY-MM-DD": not _DATE.fullmatch(source.date),
        "an archive's member has an address": source.archived and not source.address,
        "an entry has an address or a hash": not source.address and not source.sha256,
        "an entry without an address says why in a note": not source.address and not source.note,
    }
    for rule, broken in problems.items():
        if broken:
            raise BadFile(
                "A manifest entry breaks a rule.", where=where, expected=rule, found=repr(source)
            )


def _check_together(sources: Sequence[Source], folder: Path) -> None:
    seen: set[str] = set()
    for source in sources:
        # Compared without case: two such ids are one file on Windows and macOS.
        if source.id.lower() in seen:
            raise BadFile(
                "A source stands twice in the manifest.", where=str(folder), found=source.id
            )
        seen.add(source.id.lower())
    for source in sources:
        if source.original and source.original.lower() not in seen:
            raise BadFile(
                "An original that is named in the manifest has no entry.",
                where=f"{folder}, {source.id}",
                expected="the id of an entry",
                found=source.original,
            )
