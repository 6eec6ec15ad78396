"""The whole build from ../shared/realdata: time and peak memory; nothing where it is absent."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import Row

REALDATA = Path(__file__).resolve().parents[2].parent / "shared" / "realdata"


def run() -> Iterator[Row]:
    if not REALDATA.is_dir():
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "data", "build", "--quiet"]
        start = time.perf_counter()
        subprocess.run(
            [*command, "--raw", str(REALDATA), "--store", folder], check=True, capture_output=True
        )
        took = (time.perf_counter() - start) * 1e3
        size = sum(p.stat().st_size for p in Path(folder).glob("*.duckdb")) / 1e6
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    yield Row(f"real build; peak {peak:.2f} GiB, store {size:.0f} MB", took,
              goal="< 180,000 ms, 4 GiB, 500 MB")  # fmt: skip
