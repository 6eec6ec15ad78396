"""``python -m core.report``: results of the dashboard without a browser."""

# ruff: noqa: E402
from __future__ import annotations

import os

# Before numpy is imported: as many threads as the workers of core.compute have, so that a number
# is the same to the bit wherever it was computed.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import json
import math
import sys
from typing import Any

import pandas as pd
from tqdm import tqdm

from core.analysis.atlas import FOUND, SETTINGS
from core.analysis.atlas_file import make_atlas, open_atlas
from core.analysis.gene_scan import ADJUSTED
from core.analysis.ledger import Ledger, ledger
from core.mirror import brought_here
from core.model import DashboardError
from core.report import exports
from core.store import STORE_VARIABLE, Store, current_build, open_store


def main(arguments: list[str] | None = None) -> int:
    """Run one command; expected failures are printed in their own words and give 1."""
    args = _parser().parse_args(arguments)
    try:
        code = int(args.run(args))
        sys.stdout.flush()
        return code
    except DashboardError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read the output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m core.report", description="Results of the dashboard without a browser."
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    one = commands.add_parser("ledger", help="the paper's numbers beside those of the loaded data")
    one.add_argument("--json", action="store_true", help="JSON instead of a table")
    _store_argument(one)
    one.set_defaults(run=_ledger)

    one = commands.add_parser(
        "atlas",
        help="scan every gene in every tumour type for every endpoint, for the page of that name",
        description="Scans on all cores, or on the Dask cluster that ICI_EXPLORER_CLUSTER names. "
        "A run that was stopped goes on where it was.",
    )
    _store_argument(one)
    one.add_argument("--quiet", action="store_true", help="no progress bar")
    one.set_defaults(run=_atlas)
    exports.add_commands(commands, _store_argument, _store)
    return parser


def _store_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--store",
        default=os.environ.get(STORE_VARIABLE) or "stores",
        help=f"store folder, file or address (default: ${STORE_VARIABLE}, else stores)",
    )


def _store(place: str) -> Store:
    """The store that the dashboard would show: the real one, else the simulated one beside it."""
    folder = brought_here(place)
    simulated = folder / "simulated"
    if folder.is_dir() and current_build(folder) is None and simulated.is_dir():
        folder = simulated
    return open_store(folder)


def _ledger(args: argparse.Namespace) -> int:
    store = _store(args.store)
    try:
        result = ledger(store)
    finally:
        store.close()
    if args.json:
        print(json.dumps(as_json(result), ensure_ascii=False, indent=1))
    else:
        print(as_text(result))
    return 0


def _atlas(args: argparse.Namespace) -> int:
    store = _store(args.store)
    try:
        return _scanned(store, quiet=args.quiet)
    finally:
        store.close()


def _scanned(store: Store, *, quiet: bool) -> int:
    form = "{l_bar}{bar}| {elapsed} of about {remaining} more"
    with tqdm(total=1.0, disable=quiet, desc="scanning", bar_format=form) as bar:

        def progress(done: float) -> None:
            bar.update(done - bar.n)

        path, resumed = make_atlas(store, progress=progress)
    atlas = open_atlas(store)
    assert atlas is not None
    data = "SIMULATED data, " if store.simulated else ""
    print(f"{path}\n{data}build {store.version}: {len(atlas.looks)} scans", end="")
    print(f", {resumed} of them taken over from an earlier run" if resumed else "")
    for setting, name in SETTINGS.items():
        rows = atlas.genes[atlas.genes.setting == setting]
        found = (rows[f"{ADJUSTED}q_value"] < FOUND).sum()
        print(f"  {name}: {len(rows):,} tests, {found:,} with an adjusted q below {FOUND:g}")
    return 0


def as_json(result: Ledger) -> dict[str, Any]:
    """``result`` as plain JSON values; numbers that do not exist are null."""
    return {
        "build_id": result.build_id,
        "simulated": result.simulated,
        "rule": result.rule,
        "counts": result.counts,
        "contradictions": list(result.contradictions),
        "lines": _records(result.lines),
        "numbers": _records(result.numbers),
    }


def as_text(result: Ledger) -> str:
    """``result`` for a terminal: a paragraph for each row."""
    data = "SIMULATED data, " if result.simulated else ""
    out = [f"{data}build {result.build_id}", result.rule, *result.contradictions, ""]
    for row in result.lines.to_dict("records"):
        by = f" by {row['method']}" if row["method"] else ""
        out.append(f"{row['figure']} | {row['item']}{by}: {row['verdict']}")
        out.append(f"    printed {row['reported']}")
        out += [f"    here    {row['here']}"] if row["here"] else []
        out += [f"    {row['why']}"] if row["why"] else []
    out += ["", *(f"{n} {verdict}" for verdict, n in result.counts.items())]
    return "\n".join(out)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    def plain(value: Any) -> Any:
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return [{str(k): plain(v) for k, v in row.items()} for row in frame.to_dict("records")]


if __name__ == "__main__":
    sys.exit(main())
