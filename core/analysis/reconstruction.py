"""A tumour's spectrum beside what its signatures make of it; and the same of a group's mean.

The reconstruction is the weights of the signatures that were found present times their profiles,
as they were fitted. Weights that add up to less than 1 leave a share of the mutations unassigned,
and the reconstruction is as much lower.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.analysis.decomposed import BUILD_COMMAND, Demands, Source, tumours
from core.analysis.spectra import GroupSpectra, channel_counts
from core.groups import assign, two_groups
from core.model import BadInput, Filters, NotEnoughData, Stratifier
from core.stats.sbs96 import CHANNELS
from core.store import Store

OBSERVED, REBUILT = "observed", "reconstructed"

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Reconstructions:
    """Tumours of one decomposition whose calls carry the bases around them.

    frame: patient_id, cohort_id, group (None: in neither), n_snv, cosine (of the two spectra).
    ``observed``, ``rebuilt``: rows of frame x 96 shares. ``weights``: rows of frame x signatures.
    """

    source: Source
    reference: str
    order: tuple[str, ...]
    frame: pd.DataFrame
    observed: Floats
    rebuilt: Floats
    weights: Floats
    signatures: tuple[str, ...]

    def tumour(self, row: int) -> GroupSpectra:
        """The spectrum of one row of ``frame``. Raises BadInput for a row that is not there."""
        if not 0 <= row < len(self.frame):
            raise BadInput("No such tumour.", expected=f"0 to {len(self.frame) - 1}")
        who = self.frame.iloc[row]
        words = f"{who.patient_id}: {who.n_snv:,} SNVs, {self._shares(self.weights[row])}"
        return self._pair(np.array([row]), str(who.patient_id), words)

    def group(self, group: str) -> GroupSpectra:
        """The mean spectrum of a group. Raises NotEnoughData for one without a tumour."""
        rows = np.flatnonzero((self.frame.group == group).to_numpy())
        if not rows.size:
            raise NotEnoughData(
                f"No {group} tumour of {self.source.label} has a spectrum.",
                found=f"{len(self.frame)} tumours of other groups",
                remedy="Widen a filter, or lower the demands on a tumour.",
            )
        words = f"Mean of {rows.size:,} {group} tumours, {self._shares(self.weights[rows].mean(0))}"
        return self._pair(rows, group, words)

    def _pair(self, rows: npt.NDArray[np.intp], title: str, words: str) -> GroupSpectra:
        shares = {REBUILT: self.rebuilt[rows].mean(0), OBSERVED: self.observed[rows].mean(0)}
        snvs = int(self.frame.n_snv.iloc[rows].sum())
        return GroupSpectra(
            title=title,
            place=self.source.place,
            order=(REBUILT, OBSERVED),
            table=pd.concat(
                [pd.DataFrame({"group": g, "channel": CHANNELS, "share": s})
                 for g, s in shares.items()], ignore_index=True,
            ),
            tumours=pd.DataFrame({"group": [REBUILT, OBSERVED], "n": rows.size, "n_snv": snvs}),
            cosine=float(_cosine(*shares.values())),
            sentence=words,
            warnings=(),
        )  # fmt: skip

    def _shares(self, weights: Floats) -> str:
        order = np.argsort(-weights, kind="stable")
        told = [f"{self.signatures[i]} {weights[i]:.0%}" for i in order[:6] if weights[i] >= 0.005]
        rest = 1 - weights.sum()
        told += [f"unassigned {rest:.0%}"] if rest >= 0.005 else []
        return "made up of " + (", ".join(told) or "no signature that is present")


def reconstructions(
    store: Store,
    filters: Filters,
    stratifier: Stratifier,
    source: Source,
    demands: Demands | None = None,
) -> Reconstructions:
    """Spectra and reconstructions of the tumours of ``source`` that fulfil ``demands``.

    Raises NotEnoughData where none has calls with contexts, or the store lacks the profiles.
    """
    found = tumours(store, filters, source, demands)
    asked = np.flatnonzero(found.asked)
    frame = found.frame.iloc[asked]
    counts, _ = channel_counts(store, frame)
    some = counts.sum(axis=1) > 0
    name, profiles = _profiles(store, found.signatures)
    if not some.any() or profiles is None:
        lacking = "calls that carry the bases around them" if not some.any() else "profiles"
        raise NotEnoughData(
            f"No tumour of {source.label} can be reconstructed.",
            expected=f"{lacking} of the decomposed tumours",
            found=f"{len(frame):,} tumours without",
            remedy=f"Choose another decomposition, or build with a genome: `{BUILD_COMMAND}`.",
        )
    frame, counts = frame[some], counts[some]
    weights = found.weights[asked][some].toarray()
    observed = counts / counts.sum(axis=1, keepdims=True)
    rebuilt = weights @ profiles
    grouping = two_groups(assign(store, frame, stratifier))
    return Reconstructions(
        source=source,
        reference=name,
        order=grouping.order,
        frame=pd.DataFrame(
            {
                "patient_id": frame.patient_id,
                "cohort_id": frame.cohort_id,
                "group": grouping.labels,
                "n_snv": frame.n_snv.astype(int),
                "cosine": _cosine(observed, rebuilt),
            }
        ).reset_index(drop=True),
        observed=observed,
        rebuilt=rebuilt,
        weights=weights,
        signatures=found.signatures,
    )


def _profiles(store: Store, signatures: tuple[str, ...]) -> tuple[str, Floats | None]:
    """The reference that holds all of ``signatures`` (an exome's before others), its profiles."""
    table = store.signature_profiles()
    names = sorted(table.reference.unique(), key=lambda r: ("exome" not in r, r))
    for name in names:
        own = table[table.reference == name]
        if set(signatures) <= set(own.signature):
            row = pd.Index(signatures).get_indexer(pd.Index(own.signature))
            column = pd.Index(CHANNELS).get_indexer(pd.Index(own.channel))
            wide = np.zeros((len(signatures), len(CHANNELS)))
            wide[row[row >= 0], column[row >= 0]] = own.weight.to_numpy()[row >= 0]
            return str(name), wide
    return "", None


def _cosine(a: Floats, b: Floats) -> Floats:
    """Cosine similarity along the last axis; NaN where either is 0 throughout."""
    norms = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((a * b).sum(axis=-1) / norms)
