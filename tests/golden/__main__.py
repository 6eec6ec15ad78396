"""Print how far every estimator is from R: ``python -m tests.golden [topic ...]``."""

from __future__ import annotations

import sys

from tests.golden import comparisons, topics


def main(chosen: list[str]) -> int:
    failed = 0
    print(f"{'topic':<16} {'quantity':<58} {'relative error':>15} {'allowed':>9}")
    for topic in chosen or topics():
        for case in comparisons(topic):
            failed += not case.agrees
            mark = "" if case.agrees else "  DIFFERS"
            print(
                f"{topic:<16} {case.quantity[:58]:<58} {case.error:>15.2e} "
                f"{case.tolerance:>9.0e}{mark}"
            )
    print(f"\n{'all agree' if not failed else f'{failed} differ'}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
