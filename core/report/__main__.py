"""``python -m core.report``: results of the dashboard without a browser."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from core.analysis.ledger import Ledger, ledger
from core.mirror import brought_here
from core.model import DashboardError
from core.store import Store, current_build, open_store

STORE_VARIABLE = "ICI_EXPLORER_STORE"
"""Environment variable that names a store folder (or one store file), as the dashboard reads it."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; expected failures are printed in their own words and give 1."""
    args = _parser().parse_args(arguments)
    try:
        store = _store(brought_here(args.store))
        try:
            return int(args.run(store, args))
        finally:
            store.close()
    except DashboardError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m core.report", description="Results of the dashboard without a browser."
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    one = commands.add_parser("ledger", help="the paper's numbers beside those of the loaded data")
    one.add_argument("--json", action="store_true", help="JSON instead of a table")
    one.add_argument(
        "--store",
        default=os.environ.get(STORE_VARIABLE) or "stores",
        help=f"store folder, file or address (default: ${STORE_VARIABLE}, else stores)",
    )
    one.set_defaults(run=_ledger)
    return parser


def _store(folder: Path) -> Store:
    """The store that the dashboard would show: the real one, else the simulated one beside it."""
    simulated = folder / "simulated"
    if folder.is_dir() and current_build(folder) is None and simulated.is_dir():
        folder = simulated
    return open_store(folder)


def _ledger(store: Store, args: argparse.Namespace) -> int:
    result = ledger(store)
    if args.json:
        print(json.dumps(as_json(result), ensure_ascii=False, indent=1))
    else:
        print(as_text(result))
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
