"""Mutational signatures: invented profiles, each tumour's activities, and the bases of its SNVs.

A profile is written as a few rules (substitution, bases before, bases after, weight) after the
known shape of the signature of that name; it is not COSMIC's. Every SNV of an exome is drawn from
its tumour's mixture, so that a refit of the calls finds the planted activities again.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from data.demo import plan
from data.demo.calls import Calls
from data.demo.draw import Bools, Floats, Ints, stream

SUBSTITUTIONS = ("C>A", "C>G", "C>T", "T>A", "T>C", "T>G")
BASES = "ACGT"
CHANNELS: tuple[str, ...] = tuple(
    f"{before}[{sub}]{after}" for sub in SUBSTITUTIONS for before in BASES for after in BASES
)
TCGA_SOURCE = "simulated (as Alexandrov 2020)"
ICI_SOURCE = "simulated (as refit COSMIC v3.4)"
REFERENCE = "simulated profiles"
FLANK = 5
"""Reference bases on each side of an SNV in mutation.context."""

PROFILES: dict[str, tuple[tuple[str, str, str, float], ...]] = {
    "SBS1": (("C>T", BASES, "G", 1.0),),
    "SBS2": (("C>T", "T", "ACT", 1.0),),
    "SBS3": tuple((sub, BASES, BASES, 1.0) for sub in SUBSTITUTIONS),
    "SBS4": (("C>A", "C", BASES, 0.45), ("C>A", "ACGT", BASES, 0.4), ("T>A", "C", "G", 0.15)),
    "SBS5": (("T>C", "A", BASES, 0.35), ("C>T", BASES, BASES, 0.3), ("T>C", BASES, BASES, 0.35)),
    "SBS6": (("C>T", "G", "CGT", 0.8), ("C>A", "C", "T", 0.2)),
    "SBS7a": (("C>T", "T", "CAT", 0.75), ("C>T", "C", "CA", 0.25)),
    "SBS7b": (("C>T", "C", "CT", 0.75), ("C>T", "T", "C", 0.25)),
    "SBS10a": (("C>A", "T", "T", 0.85), ("C>A", "T", "AC", 0.15)),
    "SBS10b": (("C>T", "T", "G", 0.85), ("T>G", "T", "T", 0.15)),
    "SBS13": (("C>G", "T", "AT", 0.7), ("C>A", "T", "AT", 0.3)),
    "SBS15": (("C>T", "G", "CT", 0.85), ("C>T", "A", "C", 0.15)),
    "SBS17b": (("T>G", "C", "T", 0.8), ("T>C", "C", "T", 0.2)),
    "SBS18": (("C>A", "GT", "AT", 0.7), ("C>A", BASES, BASES, 0.3)),
    "SBS30": (("C>T", "CG", "CAT", 0.6), ("C>T", "TA", "CAT", 0.4)),
    "SBS31": (("C>T", "C", "CT", 0.35), ("C>A", "C", "C", 0.25), ("T>A", "C", "T", 0.4)),
    "SBS40": (("T>A", BASES, BASES, 0.35), ("C>A", BASES, BASES, 0.3), ("T>C", "T", BASES, 0.35)),
    "SBS42": (("C>A", "GT", "C", 0.4), ("C>T", "G", "AG", 0.4), ("T>A", "A", "A", 0.2)),
    "SBS44": (("C>T", "G", "GT", 0.4), ("C>A", "C", "CT", 0.3), ("T>C", "A", "CT", 0.3)),
    "SBS86": (("C>G", "A", BASES, 0.4), ("T>A", "G", BASES, 0.3), ("C>T", "A", "A", 0.3)),
}
FLOOR = 0.06
"""Share of every profile that is spread evenly over the 96 channels."""
SIGNATURES = tuple(PROFILES)

MIXTURES: dict[str, dict[str, float]] = {
    "": {"SBS1": 3.0, "SBS5": 4.0, "SBS40": 2.0, "SBS30": 0.05, "SBS31": 0.03, "SBS42": 0.04,
         "SBS86": 0.08, "SBS18": 0.2, "SBS10b": 0.1},
    "Melanoma": {"SBS7a": 9.0, "SBS7b": 4.0},
    "Skin Cancer, Non-Melanoma": {"SBS7a": 9.0, "SBS7b": 3.0},
    "Non-Small Cell Lung Cancer": {"SBS4": 8.0, "SBS2": 1.0, "SBS13": 1.0},
    "Bladder Cancer": {"SBS2": 4.0, "SBS13": 5.0},
    "Head and Neck Cancer": {"SBS2": 2.0, "SBS13": 2.5, "SBS4": 0.7},
    "Cervical Cancer": {"SBS2": 4.0, "SBS13": 4.5},
    "Breast Cancer": {"SBS2": 1.2, "SBS13": 1.3, "SBS3": 1.5},
    "Ovarian Cancer": {"SBS3": 5.0},
    "Esophagogastric Cancer": {"SBS17b": 2.0, "SBS18": 0.6},
    "Hepatobiliary Cancer": {"SBS4": 1.0, "SBS40": 2.0},
}  # fmt: skip
"""Mean weights by tumour type, added to those of '' (every type), before normalisation."""
POLYMERASE = {"SBS10a": 14.0, "SBS10b": 16.0}
MISMATCH_REPAIR = {"SBS6": 10.0, "SBS15": 10.0, "SBS44": 10.0}
"""Added in hypermutated tumours: by POLE hotspot-like burden, and by mismatch-repair loss."""
POLYMERASE_PER_MB, MISMATCH_REPAIR_PER_MB = 90.0, 18.0
SPARSITY = 0.7
SNV_PER_NON_SYNONYMOUS = 1.2
DECOMPOSED_SHARE_TCGA = 0.87
ELIGIBLE_SNV = 50
MINIMUM_WEIGHT = 0.02


def profiles() -> Floats:
    """Signature profiles, shape (signatures, 96); rows sum to 1."""
    table = np.zeros((len(SIGNATURES), len(CHANNELS)))
    for row, rules in enumerate(PROFILES.values()):
        for sub, before, after, weight in rules:
            found = [CHANNELS.index(f"{b}[{sub}]{a}") for b in before for a in after]
            shape = stream(row, sub, before, after).dirichlet(np.full(len(found), 4.0))
            table[row, found] += weight * shape
    table /= table.sum(axis=1, keepdims=True)
    return (1 - FLOOR) * table + FLOOR / len(CHANNELS)


def exposures(people: pd.DataFrame, seed: int) -> Floats:
    """Each tumour's mixture of signatures, shape (patients, signatures); rows sum to 1."""
    rng = stream(seed, "exposures")
    index, types = pd.factorize(people["tumor_type"].to_numpy(), sort=True)
    mean = np.array([[_mean(t, s) for s in SIGNATURES] for t in types])[index]
    burden = people["burden_"].to_numpy()
    sunny = np.isin(people["tumor_type"], ["Melanoma", "Skin Cancer, Non-Melanoma"])
    smoky = people["tumor_type"].to_numpy() == plan.LUNG
    spared = sunny | smoky
    mean += _row(POLYMERASE) * ((burden > POLYMERASE_PER_MB) & ~spared)[:, None]
    repair = (burden > MISMATCH_REPAIR_PER_MB) & (burden <= POLYMERASE_PER_MB) & ~spared
    mean += _row(MISMATCH_REPAIR) * repair[:, None]
    weight = rng.standard_gamma(np.maximum(SPARSITY * mean, 1e-9))
    weight[:, SIGNATURES.index("SBS5")] += 1e-3
    weight /= weight.sum(axis=1, keepdims=True)
    weight[weight < MINIMUM_WEIGHT] = 0.0
    weight /= weight.sum(axis=1, keepdims=True)
    return np.asarray(weight[people["person"].to_numpy()])


def _mean(tumor_type: str, signature: str) -> float:
    return MIXTURES[""].get(signature, 0.0) + MIXTURES.get(tumor_type, {}).get(signature, 0.0)


def _row(weights: dict[str, float]) -> Floats:
    return np.array([weights.get(s, 0.0) for s in SIGNATURES])


def snv_bases(
    calls: Calls, snv: Bools, with_context: Bools, weight: Floats, seed: int
) -> tuple[pa.Array, Ints]:
    """Contexts and bases of calls: 11 reference bases (null where not carried), and codes.

    The second result has shape (2, calls): reference and alternative base (0-3: A, C, G, T) on
    the forward strand. Half of the SNVs lie on the other strand, as the pyrimidine convention of
    the 96 channels expects to be folded.
    """
    rng = stream(seed, "contexts")
    n = len(calls.patient)
    signature = _row_draw(rng, weight, calls.patient)
    channel = _row_draw(rng, profiles(), signature)[calls.origin]
    before, after = channel % 16 // 4, channel % 4
    reference = np.where(channel < 48, 1, 3)
    alternative = np.array([BASES.index(c[4]) for c in CHANNELS])[channel]
    flanks = rng.integers(0, 4, (n, 2 * FLANK + 1), dtype=np.int8)[calls.origin]
    flanks[:, FLANK - 1], flanks[:, FLANK], flanks[:, FLANK + 1] = before, reference, after
    other = (rng.random(n) < 0.5)[calls.origin]
    flanks[other] = 3 - flanks[other, ::-1]
    bases = np.where(other, 3 - np.stack([reference, alternative]), [reference, alternative])
    letters = np.frombuffer(BASES.encode(), dtype=np.uint8)[flanks]
    width = 2 * FLANK + 1
    carried = snv & with_context
    offsets = np.concatenate([[0], np.cumsum(np.where(carried, width, 0))]).astype(np.int32)
    context = pa.StringArray.from_buffers(
        n,
        pa.py_buffer(offsets),
        pa.py_buffer(np.ascontiguousarray(letters[carried])),
        pa.py_buffer(np.packbits(carried, bitorder="little")),
        int((~carried).sum()),
    )
    return context, bases


def _row_draw(rng: np.random.Generator, weight: Floats, row: Ints) -> Ints:
    """A column for each given row, with probabilities proportional to that row's weights."""
    edges = np.cumsum(weight, axis=1)
    edges = edges / edges[:, -1:] + np.arange(len(weight))[:, None]
    found = np.searchsorted(edges.ravel(), row + rng.random(len(row)), side="right")
    return np.asarray(np.clip(found - row * weight.shape[1], 0, weight.shape[1] - 1))


def tables(people: pd.DataFrame, exome_calls: Ints, weight: Floats, seed: int) -> dict[str, object]:
    """The signature_sample, signature_activity and signature_reference tables."""
    rng = stream(seed, "signature samples")
    tcga = (people["cohort_id"] == "tcga").to_numpy()
    n_snv = rng.poisson(SNV_PER_NON_SYNONYMOUS * exome_calls)[people["person"].to_numpy()]
    chosen = (people["panel_"] == "exome").to_numpy() & (n_snv > 0)
    chosen &= ~tcga | (rng.random(len(people)) < DECOMPOSED_SHARE_TCGA)
    rows = np.flatnonzero(chosen)
    source = np.where(tcga[rows], TCGA_SOURCE, ICI_SOURCE).astype(object)
    noise = np.abs(rng.normal(0, 1.1, len(rows))) / np.sqrt(n_snv[rows])
    sample = pd.DataFrame(
        {
            "patient_key": rows.astype(np.int32),
            "source": source,
            "sample_id": people["patient_id"].to_numpy()[rows] + "-01",
            "n_snv": n_snv[rows].astype(np.int32),
            "cosine_similarity": np.round(np.clip(1 - noise, 0.3, 1), 4),
            "eligible": n_snv[rows] >= ELIGIBLE_SNV,
        }
    )
    at, column = np.nonzero(weight[rows])
    share = weight[rows][at, column]
    activity = pa.table(
        {
            "source": pa.array(source[at], pa.string()),
            "signature": pa.array(np.array(SIGNATURES, dtype=object)[column], pa.string()),
            "patient_key": pa.array(rows[at], pa.int32()),
            "n_mutations": np.round(share * n_snv[rows][at], 2),
            "weight": share,
        }
    )
    reference = pd.DataFrame(
        {
            "reference": REFERENCE,
            "signature": np.repeat(SIGNATURES, len(CHANNELS)),
            "channel": np.tile(CHANNELS, len(SIGNATURES)),
            "weight": profiles().ravel(),
        }
    )
    return {
        "signature_sample": sample,
        "signature_activity": activity,
        "signature_reference": reference,
    }
