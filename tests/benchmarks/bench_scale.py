"""Time and memory of every page at 1 and 10 times the patients, and how they grow.

Each size runs in a process of its own on a simulated store, every page as the server runs it
(AppTest: the script without browser and network), first cold, then after a filter that nobody
asked for before. ``ICI_EXPLORER_SCALES`` names other sizes, such as ``1,10,100``;
``ICI_EXPLORER_SCALE_STORES`` a folder that keeps their stores. Exponents are of log time, and of
log memory, on log size: 1 is in proportion, 2 quadratic, 0 no growth.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks import Row

ROOT = Path(__file__).resolve().parents[2]
SCALES, STORES = "ICI_EXPLORER_SCALES", "ICI_EXPLORER_SCALE_STORES"
PAGE_SECONDS = 1800


def pages() -> list[str]:
    return sorted(p.stem for p in (ROOT / "pages").glob("*.py"))


def store(folder: Path, scale: float) -> Path:
    """The store folder of one size, made where it is not there yet."""
    named = folder / f"x{scale:g}"
    if not (named / "simulated" / "current.json").exists():
        subprocess.run(
            [sys.executable, "-m", "data", "demo", "--scale", f"{scale:g}", "--store",
             str(named / "simulated")],
            cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    return named


def measured(folder: Path) -> list[dict[str, Any]]:
    """One record per page: page, cold and warm (CPU seconds), memory and peak (MB), sent (MB)."""
    call = [sys.executable, "-m", "tests.benchmarks.bench_scale"]
    done = subprocess.run(
        call, cwd=ROOT, env={**os.environ, "ICI_EXPLORER_STORE": str(folder)},
        check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def exponent(small: float, large: float, ratio: float) -> float:
    return math.log(max(large, 1e-9) / max(small, 1e-9)) / math.log(ratio)


def run() -> Iterator[Row]:
    scales = [float(s) for s in os.environ.get(SCALES, "1,10").split(",")]
    folder = Path(os.environ.get(STORES) or tempfile.mkdtemp())
    found = {s: {r["page"]: r for r in measured(store(folder, s))} for s in scales}
    first, last = scales[0], scales[-1]
    for page in found[first]:
        for s in scales:
            r = found[s][page]
            words = f"cold {r['cold']:.2f} s, {r['memory']:.0f} MB, sends {r['sent']:.2f} MB"
            if r["told"]:
                words += f"; {r['told']}"
            yield Row(f"{page}, {s:g} times", r["warm"] * 1e3, goal=words)
        if last > first:
            grown = {
                k: exponent(found[first][page][k], found[last][page][k], last / first)
                for k in ("warm", "cold", "memory", "sent")
            }
            told = ", ".join(f"{k} {v:.2f}" for k, v in grown.items())
            yield Row(f"{page}, exponents", float("nan"), goal=told)


# -- in the process of one size --------------------------------------------------------


def _all_pages(chosen: list[str]) -> None:
    """Print one JSON line for each of ``chosen``, or for every page."""
    import resource

    import psutil
    from streamlit.testing.v1 import AppTest

    def timed(at: AppTest) -> float:
        """Seconds of the processor, which other work on the machine does not lengthen."""
        start = sum(os.times()[:4])  # its own and its workers'
        at.run()
        if at.exception:
            raise RuntimeError(at.exception[0].message)
        return sum(os.times()[:4]) - start

    own = psutil.Process()
    for number, page in enumerate(chosen or pages()):
        at = AppTest.from_file(str(ROOT / "dashboard" / "Home.py"), default_timeout=PAGE_SECONDS)
        if page != "survival":
            at.query_params["view"] = "Pooled only"  # the page that is left is not what is measured
            at.run()
            at.switch_page(str(ROOT / "pages" / f"{page}.py"))
        cold = timed(at)
        at.slider(key="age").set_value((20 + number, 100))
        warm = timed(at)
        print(
            json.dumps(
                {
                    "page": page,
                    "cold": cold,
                    "warm": warm,
                    "memory": own.memory_info().rss / 1e6,
                    "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
                    "sent": _sent(at) / 1e6,
                    "told": at.info[0].value.split("\n")[0].strip("*")[:60] if at.info else "",
                }
            ),
            flush=True,
        )


def _sent(at: Any) -> int:
    """Bytes of the page's elements as they go to a browser."""
    total, open_blocks = 0, [at._tree]
    while open_blocks:
        for node in open_blocks.pop().children.values():
            if hasattr(node, "children"):
                open_blocks.append(node)
            if (proto := getattr(node, "proto", None)) is not None:
                total += proto.ByteSize()
    return total


if __name__ == "__main__":
    from tests.benchmarks.__main__ import _variable  # noqa: F401  # one BLAS thread

    _all_pages(sys.argv[1:])
