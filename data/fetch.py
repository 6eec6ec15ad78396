"""``python -m data fetch``: bring the published files into the raw folder.

A file stands under its name when it is whole and its hash is right, and never before.
``fetched.json`` beside the files says when and from where each one came.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from core.model import FetchError
from data.download import Patience
from data.fetch_plan import Decision, FetchReport, Outcome, Progress, decide
from data.fetch_run import FetchRun
from data.raw_folder import fetch_lock
from data.sources import Source, load_sources, select

__all__ = [
    "DEFAULT_RAW",
    "Decision",
    "FetchReport",
    "Outcome",
    "Progress",
    "add_arguments",
    "decide",
    "fetch",
    "run",
]

DEFAULT_RAW = Path("raw")


def fetch(
    sources: Iterable[Source],
    raw_folder: Path,
    *,
    mirror: str | Path | None = None,
    groups: Sequence[str] | None = None,
    force: bool = False,
    progress: Callable[[Progress], None] | None = None,
    patience: Patience | None = None,
) -> FetchReport:
    """Bring the sources into ``raw_folder``; one that fails does not stop the others.

    Parameters
    ----------
    mirror : str or Path, optional
        A folder or an http(s) address that holds the files under their ids. It takes the
        place of the sources' own addresses.
    groups : sequence of str, optional
        See :func:`data.sources.select`; by default all sources that are not optional.
    force : bool
        Fetch anew what is there and right.
    progress : callable, optional
        Called often; what it raises stops the fetch and leaves nothing half-written.

    Raises
    ------
    BadInput
        A group that no source belongs to.
    FetchError
        The mirror folder does not exist, the raw folder cannot be written, or another fetch
        is filling it.
    """
    chosen = select(sources, groups)
    run = FetchRun(raw_folder, _mirror(mirror), force, progress, patience or Patience())
    done = {source.id: outcome for source in chosen if (outcome := run.kept(source))}
    pending = [source for source in chosen if source.id not in done]
    run.files_total = len(pending)
    run.bytes_total = sum(source.bytes for source in pending if run.address(source))
    if run.bytes_total:
        with fetch_lock(raw_folder, run.say):
            done |= {outcome.source.id: outcome for outcome in run.bring(pending)}
    else:
        done |= {source.id: run.unavailable(source) for source in pending}
    return FetchReport(tuple(done[source.id] for source in chosen))


def _mirror(mirror: str | Path | None) -> str | Path | None:
    """A folder that exists, an http address without its last slash, or None."""
    if mirror is None:
        return None
    if str(mirror).startswith(("https://", "http://")):
        return str(mirror).rstrip("/")
    folder = Path(mirror).expanduser()
    if not folder.is_dir():
        raise FetchError(
            "The mirror does not exist.",
            where=str(mirror),
            expected="a folder, or an address that begins with https:// or http://",
            remedy="Check the path after --mirror.",
        )
    return folder


# --------------------------------------------------------------------------------------
# Command line
# --------------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` the options of the ``fetch`` command."""
    parser.add_argument(
        "--raw", type=Path, default=DEFAULT_RAW, help="folder for the files (default: %(default)s)"
    )
    parser.add_argument(
        "--mirror",
        metavar="FOLDER_OR_URL",
        help="take the files from here, laid out as below --raw, and not from their publishers",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="GROUP",
        help="only these groups (ici, tcga/mutations, genes, ...), optional ones included",
    )
    parser.add_argument("--list", action="store_true", help="list the sources and fetch nothing")
    parser.add_argument("--force", action="store_true", help="fetch anew what is there and right")


def run(args: argparse.Namespace) -> int:
    """Do what the options say; 0 if everything that was tried is in place, else 1."""
    sources = load_sources()
    if args.list:
        print(listing(select(sources, args.only) if args.only else sources, args.raw))
        return 0
    bar: tqdm[Any] = tqdm(unit="B", unit_scale=True, disable=None, leave=False)
    with bar:
        report = fetch(
            sources,
            args.raw,
            mirror=args.mirror,
            groups=args.only,
            force=args.force,
            progress=lambda progress: _show(bar, progress),
        )
    print(f"{args.raw}: {report.summary()}")
    for outcome in report.having("fetched"):
        if outcome.detail:
            print(f"note: {outcome.source.id}: {outcome.detail}")
    for error in report.distinct_errors():
        print(f"\n{error}", file=sys.stderr)
    if table := report.missing_table():
        print(f"\nNot fetched, and what a store without it lacks:\n{table}", file=sys.stderr)
    return 0 if report.complete else 1


def listing(sources: Iterable[Source], raw_folder: Path) -> str:
    """One line a source: whether it is there, its size, how its address is known, what it holds.

    Only looks whether a file stands there; ``fetch`` is what checks its hash.
    """
    lines, group = [], ""
    for source in sources:
        if source.group != group:
            group = source.group
            lines.append(f"\n{group}{' (optional)' if source.optional else ''}")
        there = "there" if (raw_folder / source.id).is_file() else "-"
        address = "pinned" if source.pinned else "unpinned"
        if not source.address:
            address = "mirror only"
        elif not source.tested:
            address += ", untested"
        size = tqdm.format_sizeof(source.bytes, "B")
        lines.append(f"  {there:<6}{size:>8}  {address:<19}  {source.id}: {source.holds}")
    return "\n".join(lines).strip()


def _show(bar: tqdm[Any], progress: Progress) -> None:
    bar.total = progress.bytes_total
    bar.set_description(f"{progress.files_done}/{progress.files_total}", refresh=False)
    bar.set_postfix_str(f"{progress.message} {progress.source_id[-40:]}", refresh=False)
    bar.update(progress.bytes_done - bar.n)
