"""``python -m data``: fetch, build, check, info, push and demo."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tqdm import tqdm

from core.model import DashboardError
from core.store import current_build
from core.version import code_version
from data import build, check, fetch, info, push

DEFAULT_STORE = Path("stores")


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
    except KeyboardInterrupt:
        print("Stopped. The store in use is untouched.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read the output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m data", description="Fetch published files, build and inspect the store."
    )
    parser.add_argument("--version", action="version", version=code_version())
    commands = parser.add_subparsers(required=True, metavar="command")

    one = commands.add_parser("fetch", help="download the published files and verify them")
    fetch.add_arguments(one)
    one.set_defaults(run=fetch.run)

    one = commands.add_parser("build", help="build the store from the files that are here")
    one.add_argument("--raw", type=Path, default=fetch.DEFAULT_RAW, help="folder of raw files")
    _store_argument(one)
    build.add_arguments(one)
    one.set_defaults(run=_build)

    one = commands.add_parser("check", help="check a store: row counts, joins, ranges, orphans")
    _store_argument(one)
    check.add_arguments(one)
    one.set_defaults(run=lambda args: check.show(_store(args.store), as_json=args.json))

    one = commands.add_parser("info", help="what the store holds and where it came from")
    _store_argument(one)
    info.add_arguments(one)
    one.set_defaults(run=lambda args: info.show(_store(args.store), args))

    one = commands.add_parser("push", help="put the store in use where other servers find it")
    _store_argument(one)
    push.add_arguments(one)
    one.set_defaults(run=lambda args: push.show(_store(args.store), args.address))

    one = commands.add_parser("demo", help="build a simulated store")
    one.add_argument(
        "--store", type=Path, default=DEFAULT_STORE / "simulated", help="folder for the store"
    )
    one.add_argument("--seed", type=int, default=None, help="seed of the generator")
    one.add_argument("--scale", type=float, default=1.0, help="multiplies the numbers of patients")
    one.set_defaults(run=_demo)
    return parser


def _store_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--store", type=Path, default=DEFAULT_STORE, help="folder of the store (or a store file)"
    )


def _store(path: Path) -> Path:
    """The store file that ``path`` is or points to. Raises StoreError where there is none."""
    if path.is_file():
        return path
    current = current_build(path)
    if current is None:
        raise DashboardError(
            "There is no store here yet.",
            where=str(path),
            expected="a folder with a store",
            found="none",
            remedy="Build one with `python -m data build` or `python -m data demo`.",
        )
    return current


def _build(args: argparse.Namespace) -> int:
    with tqdm(total=100, unit="%", disable=args.quiet, bar_format="{l_bar}{bar}| {desc}") as bar:

        def progress(what: str, fraction: float) -> None:
            bar.set_description_str(what)
            bar.n = round(100 * fraction)
            bar.refresh()

        built = build.build_store(
            args.raw, args.store, progress, genome=args.genome, signatures=args.signatures
        )
    build.show(built)
    return 0


def _demo(args: argparse.Namespace) -> int:
    from data import demo
    from data.demo.blocks import LARGEST, drawn_in_blocks
    from data.publish import publish, publish_blocks

    seed = demo.SEED if args.seed is None else args.seed
    if args.scale > LARGEST:
        path = publish_blocks(drawn_in_blocks(seed, args.scale), args.store)
    else:
        path = publish(demo.simulate(seed, args.scale), args.store)
    print(f"{path} holds SIMULATED data only.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
