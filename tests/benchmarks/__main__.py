"""Run the benchmarks and print them: ``python -m tests.benchmarks [name ...]``."""

# ruff: noqa: E402

from __future__ import annotations

import os

for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")  # small matrices: threads cost more than they give

import importlib
import pkgutil
import platform
import sys
from pathlib import Path

import numpy as np


def names() -> list[str]:
    here = str(Path(__file__).parent)
    found = (m.name for m in pkgutil.iter_modules([here]))
    return sorted(n.removeprefix("bench_") for n in found if n.startswith("bench_"))


def main(chosen: list[str]) -> int:
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}, "
        f"{os.cpu_count()} cores, one BLAS thread\n"
    )
    before = dict(os.environ)
    for name in chosen or names():
        os.environ.clear()  # one benchmark's store is not the next one's
        os.environ.update(before)
        print(f"{name}\n{'-' * len(name)}")
        print(f"{'what':<52} {'ms':>10} {'reference':>22} {'its ms':>10} {'ratio':>8}  goal")
        for row in importlib.import_module(f"tests.benchmarks.bench_{name}").run():
            versus = f"{row.reference_milliseconds:10.2f} {row.ratio:8.3f}" if row.reference else ""
            print(
                f"{row.what:<52} {row.milliseconds:10.2f} {row.reference:>22} "
                f"{versus:>19}  {row.goal}",
                flush=True,
            )
        print()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
