"""The manifest: complete, pinned, and equal to the published files where they are at hand."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest

from core.model import BadFile, BadInput
from data.sources import Source, load_sources, select

REALDATA = Path(__file__).parents[3] / "shared" / "realdata"
SOURCES = load_sources()
BY_ID = {source.id: source for source in SOURCES}
each_source = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.id)


@pytest.mark.realdata
@pytest.mark.skipif(not REALDATA.is_dir(), reason=f"the published files are not at {REALDATA}")
class TestAgainstPublishedFiles:
    def test_every_file_has_its_entry_and_its_hash(self) -> None:
        with (REALDATA / "manifest.tsv").open(newline="") as file:
            rows = {row["path"]: row for row in csv.DictReader(file, delimiter="\t")}
        known = {
            path: (BY_ID[path].sha256, BY_ID[path].bytes) if path in BY_ID else None
            for path in rows
        }
        assert known == {path: (row["sha256"], int(row["bytes"])) for path, row in rows.items()}

    def test_a_public_origin_is_the_address(self) -> None:
        with (REALDATA / "manifest.tsv").open(newline="") as file:
            rows = [row for row in csv.DictReader(file, delimiter="\t") if row["origin_commit"]]
        assert len(rows) > 50
        for row in rows:
            place = f"{row['origin_repository']}/{row['origin_commit']}/{row['origin_path']}"
            assert BY_ID[row["path"]].address == f"https://raw.githubusercontent.com/{place}"

    def test_no_file_is_outside_the_manifest(self) -> None:
        beside = {"README.md", "manifest.tsv"}
        files = {str(p.relative_to(REALDATA)) for p in REALDATA.rglob("*") if p.is_file()}
        assert files - beside <= set(BY_ID)


@each_source
def test_provenance_is_complete(source: Source) -> None:
    assert re.search(r"(19|20)\d\d", source.citation), "a citation names a year"
    assert all((source.licence, source.holds, source.adds, source.date, source.bytes))


@each_source
def test_address_is_pinned_or_says_that_it_is_not(source: Source) -> None:
    if source.address.startswith("https://raw.githubusercontent.com/"):
        assert re.search(r"\.com/[^/]+/[^/]+/[0-9a-f]{40}/.", source.address)
        assert source.pinned
    elif source.address:
        assert not source.pinned
        assert source.note.startswith("Unpinned")
    else:
        assert source.pinned, "a mirror is the only place, so its bytes must be the known ones"
        assert "no public address" in source.note


def test_all_nine_cohorts_and_every_kind_of_table_are_listed() -> None:
    groups = {source.group for source in SOURCES}
    assert len({group for group in groups if group.startswith("ici/")}) == 9
    assert {"genes", "genesets", "tcga/cdr", "tcga/mutations", "tcga/features"} <= groups


def test_by_default_nothing_optional_is_chosen() -> None:
    chosen = select(SOURCES)
    assert chosen
    assert not [source.id for source in chosen if source.optional]
    assert {s.group for s in SOURCES if s.optional} == {"examples", "tcga/originals"}


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("ici/hugo_2016", {"ici/hugo_2016"}),
        ("ici/hugo_2016/", {"ici/hugo_2016"}),
        ("genes", {"genes"}),
        ("examples", {"examples"}),
        ("genesets/tisidb_immune_lists.json", {"genesets"}),
    ],
)
def test_select_by_name(name: str, groups: set[str]) -> None:
    assert {source.group for source in select(SOURCES, [name])} == groups


def test_select_takes_the_beginning_of_a_group_at_a_slash_only() -> None:
    assert len({source.group for source in select(SOURCES, ["ici"])}) == 9
    with pytest.raises(BadInput, match=r"'ici/hugo'") as caught:
        select(SOURCES, ["ici/hugo"])
    assert "ici/hugo_2016" in caught.value.expected


GOOD = {
    "id": '"g/a.txt"',
    "group": '"g"',
    "address": '"https://example.org/a.txt"',
    "bytes": "3",
    "licence": '"MIT"',
    "citation": '"A 2020"',
    "date": '"2020-01"',
    "holds": '"a"',
    "adds": '"b"',
}


def manifest(folder: Path, *entries: dict[str, str]) -> Path:
    text = "".join(
        "[[source]]\n" + "".join(f"{key} = {value}\n" for key, value in entry.items())
        for entry in entries
    )
    (folder / "m.toml").write_text(text)
    return folder


def test_a_good_entry_is_read(tmp_path: Path) -> None:
    (source,) = load_sources(manifest(tmp_path, GOOD))
    assert source.id == "g/a.txt"
    assert not source.pinned


def test_keys_at_the_top_are_defaults(tmp_path: Path) -> None:
    top = "".join(f"{key} = {value}\n" for key, value in GOOD.items() if key != "id")
    entries = '[[source]]\nid = "g/a"\n[[source]]\nid = "g/b"\nlicence = "ODbL"\n'
    (tmp_path / "m.toml").write_text(top + entries)
    a, b = load_sources(tmp_path)
    assert (a.licence, b.licence) == ("MIT", "ODbL")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id": '"../a.txt"'}, "plain path"),
        ({"id": '"/etc/a.txt"'}, "plain path"),
        ({"id": '"g/../a.txt"'}, "plain path"),
        ({"id": r'"g\\a.txt"'}, "plain path"),
        ({"id": '"C:/a.txt"'}, "plain path"),
        ({"id": '".fetch/lock"'}, "plain path"),
        ({"address": '"http://example.org/a"'}, "https://"),
        ({"address": '""'}, "an address or a hash"),
        ({"address": '""', "sha256": f'"{"0" * 64}"'}, "says why in a note"),
        ({"address": '""', "member": '["a"]', "sha256": f'"{"0" * 64}"'}, "member has an address"),
        ({"sha256": '"abc"'}, "64 hexadecimal"),
        ({"bytes": "-1"}, "bytes is positive"),
        ({"bytes": '"3"'}, "wrong type"),
        ({"bytes": "true"}, "wrong type"),
        ({"date": '"last year"'}, "YYYY"),
        ({"licence": '""'}, "licence"),
        ({"colour": '"red"'}, "colour"),
        ({"original": '"g/none"'}, "has no entry"),
    ],
)
def test_a_bad_entry_is_named(tmp_path: Path, change: dict[str, str], told: str) -> None:
    with pytest.raises(BadFile) as caught:
        load_sources(manifest(tmp_path, GOOD | change))
    assert told in str(caught.value)
    assert str(tmp_path) in caught.value.where


def test_two_entries_for_one_file_are_refused_whatever_their_case(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="stands twice"):
        load_sources(manifest(tmp_path, GOOD, GOOD | {"id": '"G/A.txt"'}))


def test_broken_toml_and_an_empty_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="empty"):
        load_sources(tmp_path)
    (tmp_path / "m.toml").write_text("[[source]\n")
    with pytest.raises(BadFile, match="not valid TOML"):
        load_sources(tmp_path)


def test_pinned_needs_a_hash_and_an_address_that_names_a_commit(tmp_path: Path) -> None:
    (plain,) = load_sources(manifest(tmp_path, GOOD))
    commit = f"https://example.org/{'a' * 40}/a.txt"
    assert not replace(plain, address=commit).pinned
    assert not replace(plain, sha256="0" * 64).pinned
    assert replace(plain, sha256="0" * 64, address=commit).pinned
    assert replace(plain, sha256="0" * 64, address="").pinned
