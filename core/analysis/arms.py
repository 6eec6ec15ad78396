"""Two arms of some patients as columns, whether they are large enough for a p-value, and the Cox
model of one against the other: what every page does that compares two arms part by part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.analysis.survival import MIN_EVENTS, MIN_PATIENTS
from core.stats.cox import CoxFit, cox

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Arms:
    """Columns of the patients: ``mutant`` (1 in the second arm), time in months, event (0, 1), and
    the code of the stratum."""

    mutant: Floats
    time: Floats
    event: Floats
    stratum: npt.NDArray[np.intp]

    @classmethod
    def of(cls, rows: pd.DataFrame, second: str, strata: str | None) -> Arms:
        """Of ``rows`` (group, time_months, event, and the column ``strata``); None is one stratum.

        The strata keep the order of their sorted labels.
        """
        codes = pd.factorize(rows[strata], sort=True)[0] if strata else np.zeros(len(rows))
        return cls(
            np.asarray(rows.group == second, dtype=float),
            rows.time_months.to_numpy(float),
            rows.event.to_numpy(float),
            codes.astype(np.intp),
        )

    def part(self, at: npt.NDArray[np.bool_]) -> Arms:
        """The same of some of the patients."""
        return Arms(self.mutant[at], self.time[at], self.event[at], self.stratum[at])

    @property
    def n(self) -> int:
        return len(self.mutant)

    @property
    def n_mutant(self) -> int:
        return int(self.mutant.sum())

    @property
    def events(self) -> int:
        return int(self.event.sum())

    @property
    def events_mutant(self) -> int:
        return int(self.mutant @ self.event)

    @property
    def large_enough(self) -> bool:
        """True where both arms have the patients and events that a p-value asks for."""
        patients = min(self.n_mutant, self.n - self.n_mutant)
        events = min(self.events_mutant, self.events - self.events_mutant)
        return patients >= MIN_PATIENTS and events >= MIN_EVENTS

    def cox(self, *, stratified: bool = True, small: bool | None = None) -> CoxFit:
        """The Cox model of the second arm against the first; Firth's where an arm is small, or
        where ``small`` says so."""
        small = not self.large_enough if small is None else small
        return cox(
            self.mutant, self.time, self.event, names=["mutant"],
            strata=self.stratum if stratified else None, penalty="firth" if small else None,
        )  # fmt: skip
