"""What to do about each source, how far a fetch has got, and what became of it.

Nothing here touches the disk or the network.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.model import DashboardError
from data.download import Part
from data.raw_folder import Found
from data.sources import Source


@dataclass(frozen=True)
class Decision:
    """What to do about a source: ``keep``, ``download``, ``replace`` or ``resume``; and why."""

    action: str
    reason: str


@dataclass(frozen=True)
class Progress:
    """Where a fetch stands; bytes are of all sources together."""

    source_id: str
    bytes_done: int
    bytes_total: int
    files_done: int
    files_total: int
    message: str

    @property
    def fraction(self) -> float:
        return min(1.0, self.bytes_done / self.bytes_total) if self.bytes_total else 1.0


@dataclass(frozen=True)
class Outcome:
    """What became of a source.

    ``status`` is ``kept``, ``fetched``, ``failed`` or ``unavailable``: no public address, and
    no mirror was named.
    """

    source: Source
    status: str
    detail: str
    sha256: str = ""
    error: DashboardError | None = None


@dataclass(frozen=True)
class FetchReport:
    """The outcomes, one for each source that was asked for."""

    outcomes: tuple[Outcome, ...]

    def having(self, *statuses: str) -> tuple[Outcome, ...]:
        return tuple(o for o in self.outcomes if o.status in statuses)

    @property
    def complete(self) -> bool:
        """Nothing that was tried has failed."""
        return not self.having("failed")

    def summary(self) -> str:
        """One sentence of counts."""
        counts = {s: len(self.having(s)) for s in ("fetched", "kept", "failed", "unavailable")}
        return ", ".join(f"{n} {s}" for s, n in counts.items() if n) or "nothing to fetch"

    def distinct_errors(self) -> tuple[DashboardError, ...]:
        """The errors of what failed, each once though many sources met it."""
        errors = [outcome.error for outcome in self.having("failed") if outcome.error]
        return tuple({str(error): error for error in errors}.values())

    def missing_table(self) -> str:
        """What could not be fetched, why, and what a store without it lacks."""
        missing = self.having("failed", "unavailable")
        rows = [(o.source.id, o.detail, o.source.adds) for o in missing]
        return "\n".join(
            f"{name}\n    why:     {why}\n    without: {adds}" for name, why, adds in rows
        )


# --------------------------------------------------------------------------------------
# Deciding
# --------------------------------------------------------------------------------------


def decide(
    source: Source,
    found: Found | None,
    part: Part | None = None,
    *,
    address: str = "",
    receipt: str = "",
    force: bool = False,
) -> Decision:
    """What to do about one source, from what is known of it; touches nothing.

    Parameters
    ----------
    found : Found or None
        The file under the source's name.
    part : Part or None
        The beginning that an earlier download left.
    address : str
        Where the source would be taken from now.
    receipt : str
        sha256 of the bytes that an earlier fetch placed.
    force : bool
        Fetch although the file is right.
    """
    expected = source.sha256 if source.pinned else receipt
    intact = found is not None and expected in ("", found.sha256)
    if found and intact and not force:
        return Decision("keep", "its hash is right" if expected else "no hash is known")
    if part and part.bytes and not force:
        whole = source.bytes if source.pinned else part.bytes
        same_file = source.pinned or bool(part.validator)
        if part.address == address and same_file and part.bytes <= whole:
            return Decision("resume", f"{part.bytes:,} bytes are there")
    if found:
        return Decision("replace", "asked for" if intact else "its hash is wrong")
    return Decision("download", "it is not there")
