"""Ask which of the installed dependencies have known vulnerabilities.

    python -m tests.house.audit             exits 1 where something is vulnerable
    python -m tests.house.audit --release   exits 2 as well, where it could not ask

pip-audit asks the package index's vulnerability records. An index that keeps none answers *not
found*, which pip-audit counts as no vulnerability; so one version with a published one is asked
for first, and where nothing is known even of that, nothing has been audited.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

CANARY = "jinja2==2.10"
"""Has a published vulnerability (CVE-2019-10906); never installed, only asked about."""

PROJECT = "ici-explorer"
SECONDS = 300

ACCEPTED: dict[str, str] = {}
"""Advisory -> why it does not touch this app, until when it is accepted. Empty: none is."""


@dataclass(frozen=True)
class Audit:
    """``asked`` False: nothing is known, for the reason in ``why``. ``unknown`` packages are those
    of which the index keeps no record."""

    asked: bool
    why: str = ""
    audited: int = 0
    vulnerable: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        if not self.asked:
            return f"NOT AUDITED: {self.why}"
        unknown = f"; no record of {', '.join(self.unknown)}" if self.unknown else ""
        if self.vulnerable:
            return "VULNERABLE: " + "; ".join(self.vulnerable) + unknown
        return f"AUDITED: no known vulnerability in {self.audited} packages{unknown}"


def read(answer: dict[str, Any]) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """Audited packages, the vulnerable ones with their advisories, and those not known."""
    audited, vulnerable, unknown = 0, [], []
    for package in answer["dependencies"]:
        name = package["name"]
        if "skip_reason" in package:
            unknown.append(name)
            continue
        audited += 1
        for found in package["vulns"]:
            if not {found["id"], *found.get("aliases", ())} & set(ACCEPTED):
                mended = ", ".join(found["fix_versions"]) or "no version"
                vulnerable.append(f"{name} {package['version']}: {found['id']}, mended in {mended}")
    return audited, tuple(vulnerable), tuple(unknown)


def ask(requirements: Sequence[str], seconds: int = SECONDS) -> dict[str, Any] | str:
    """pip-audit's answer on exact ``requirements``, or why there is none."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        listed.write_text("\n".join(requirements), encoding="utf-8")
        command = [
            sys.executable, "-m", "pip_audit", "-r", str(listed), "--no-deps", "--disable-pip",
            "--progress-spinner", "off", "--format", "json",
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=seconds
            )
        except subprocess.TimeoutExpired:
            return f"the vulnerability service did not answer within {seconds} s"
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]
        return f"the vulnerability service could not be asked ({last.split('(')[0][:120]})"


def installed(project: str = PROJECT) -> list[str]:
    """What the project needs, with all that this needs, as installed: ``name==version``."""
    found: dict[str, str] = {}
    waiting = [Requirement(r) for r in metadata.requires(project) or ()]
    while waiting:
        one = waiting.pop()
        name = re.sub(r"[-_.]+", "-", one.name).lower()
        if name in found or (one.marker and not _applies(one)):
            continue
        try:
            own = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # an extra that is not installed
        found[name] = own.version
        waiting += [Requirement(r) for r in own.requires or ()]
    return sorted(f"{name}=={version}" for name, version in found.items())


def _applies(one: Requirement) -> bool:
    assert one.marker is not None
    extras = ("", "test", "cluster", "login", "signatures")
    return any(one.marker.evaluate({"extra": extra}) for extra in extras)


def audit() -> Audit:
    """The audit of what is installed."""
    canary = ask([CANARY], seconds=60)
    if isinstance(canary, str):
        return Audit(False, canary)
    if not read(canary)[1]:
        return Audit(False, "the package index in use keeps no record of vulnerabilities")
    answer = ask(installed())
    return Audit(False, answer) if isinstance(answer, str) else Audit(True, "", *read(answer))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.house.audit", description=__doc__)
    parser.add_argument("--release", action="store_true", help="fail where it could not ask")
    options = parser.parse_args(arguments)
    found = audit()
    print(found.words)
    if found.vulnerable:
        return 1
    return 2 if options.release and not found.asked else 0


if __name__ == "__main__":
    sys.exit(main())
