"""The commands that turn a file of pinned figures into documents, without a browser."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.charts.theme import WIDTHS
from core.model import BadFile, StoreError
from core.report.deck import deck
from core.report.figures import FORMATS, draw
from core.report.methods import methods
from core.report.page import html_report
from core.report.remark import remark, remark_markdown
from core.report.snapshot import Snapshot, from_json
from core.report.tables import file_name, snapshot_excel
from core.store import Store

OpenStore = Callable[[str], Store]


def add_commands(
    commands: Any, store_argument: Callable[[argparse.ArgumentParser], None], opened: OpenStore
) -> None:
    """Add deck, html, figures and methods to the parser's ``commands``."""
    for name, (run, told) in COMMANDS.items():
        one = commands.add_parser(name, help=told, description=told)
        one.add_argument("snapshots", type=Path, help="file saved from the Present page")
        one.add_argument("--out", type=Path, help=OUT.get(name, "file to write"))
        if name == "figures":
            one.add_argument(
                "--format", nargs="+", choices=FORMATS, default=list(FORMATS), dest="kinds"
            )
            one.add_argument(
                "--width", type=float, metavar="MM",
                help=f"width on paper in millimetres, such as {_widths()}; "
                "default: the figure's own",
            )  # fmt: skip
        elif name == "methods":
            one.add_argument("--remark", action="store_true", help="the REMARK checklist instead")
            one.add_argument("--bibtex", action="store_true", help="the BibTeX entries alone")
        else:
            one.add_argument("--title", default="Pinned figures", help="of the whole")
        store_argument(one)
        one.set_defaults(run=run, opened=opened)


def _widths() -> str:
    return ", ".join(f"{mm:g}" for mm in WIDTHS.values())


def _read(args: argparse.Namespace) -> list[Snapshot]:
    path: Path = args.snapshots
    try:
        return from_json(path.read_bytes(), path.name)
    except OSError as error:
        raise BadFile(
            "The file of pinned figures could not be read.",
            where=str(path),
            found=error.strerror or "an error",
            remedy="Give the file that was saved from the Present page.",
        ) from error


def _with_store(args: argparse.Namespace, make: Callable[[Store | None], Any]) -> Any:
    """What ``make`` makes with the store, or with none where none can be opened."""
    try:
        store = args.opened(args.store)
    except StoreError as error:
        print(f"Without a store: no files of the studies. {error.message}", file=sys.stderr)
        return make(None)
    try:
        return make(store)
    finally:
        store.close()


def _written(content: bytes, path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise BadFile(
            "The file could not be written.", where=str(path), found=error.strerror or "an error",
            remedy="Choose another place with --out.",
        ) from error  # fmt: skip
    print(path)
    return 0


def _default(args: argparse.Namespace, snapshots: list[Snapshot], extension: str) -> Path:
    stem = args.snapshots.stem
    return args.out or Path(
        file_name(stem, extension, simulated=any(s.simulated for s in snapshots))
    )


def _deck(args: argparse.Namespace) -> int:
    snapshots = _read(args)
    made = _with_store(args, lambda store: deck(snapshots, store, title=args.title))
    return _written(made, _default(args, snapshots, "pptx"))


def _html(args: argparse.Namespace) -> int:
    snapshots = _read(args)
    made = _with_store(args, lambda store: html_report(snapshots, store, title=args.title))
    return _written(made, _default(args, snapshots, "html"))


def _figures(args: argparse.Namespace) -> int:
    """Each figure in each format, and its numbers as a workbook."""
    folder = args.out or Path("figures")
    for i, one in enumerate(_read(args), 1):
        stem, drawing = f"{i:02d}-{one.name}", draw(one.specs["print"], args.width)
        for kind in args.kinds:
            name = file_name(stem, kind, simulated=one.simulated)
            _written(drawing.to(kind), folder / name)
        if len(one.numbers):
            name = file_name(stem, "xlsx", simulated=one.simulated)
            _written(snapshot_excel(one), folder / name)
    return 0


def _methods(args: argparse.Namespace) -> int:
    """To the standard output where no file is given."""
    snapshots = _read(args)
    simulated = any(s.simulated for s in snapshots)
    if args.remark:
        table = _with_store(args, lambda store: remark(snapshots, store))
        text = remark_markdown(table, simulated=simulated)
    else:
        made = _with_store(args, lambda store: methods(snapshots, store))
        text = made.bibtex if args.bibtex else made.markdown
    if args.out is None:
        print(text, end="")
        return 0
    return _written(text.encode("utf-8"), args.out)


COMMANDS: dict[str, tuple[Callable[[argparse.Namespace], int], str]] = {
    "deck": (_deck, "pinned figures as a PowerPoint deck"),
    "html": (_html, "pinned figures as one HTML file"),
    "figures": (_figures, "pinned figures as SVG, PDF, PNG, their numbers as Excel"),
    "methods": (_methods, "methods paragraph with citations, BibTeX, REMARK checklist"),
}
OUT = {
    "figures": "folder to write into (default: figures)",
    "methods": "file to write (default: the standard output)",
}
