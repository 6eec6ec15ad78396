"""Refit the exomes whose calls carry their neighbouring bases to COSMIC's signatures.

The bases come from the column of a file (MC3's ``CONTEXT``, Oncotator's ``ref_context``) or from a
reference genome that the user names. Two refits are stored, so that they can be compared:

* ``refit COSMIC v3.4``: non-negative least squares; only signatures whose weight exceeds 0.06 in
  at least 95% of 100 seeded bootstrap draws are kept (what they leave is unassigned);
* ``greedy refit COSMIC v3.4``: the forward regression that the paper's tool describes.

A tumour with fewer than 50 SNVs, or one sequenced by a panel, is *not eligible*; a panel's are not
fitted at all and have no cosine similarity. Fits are kept by spectrum in a cache beside the store:
a draw depends on the spectrum and the seed alone, so that a kept fit is the same fit.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import MutableSequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from core.compute import HERE, elsewhere, run
from core.model import BadFile
from core.stats.sbs96 import (
    CHANNELS,
    Channels,
    channels_from_context,
    count_channels,
    require_matching,
)
from core.stats.signature_reference import SignatureReference, exome_ratio
from core.stats.signature_refit import DRAWS, MINIMUM_SNV, PRESENT_SHARE, WEIGHT_CUT, refit
from data.coding_changes import ALLELES, with_alleles
from data.publish import Progress
from data.readers.signatures import read_reference
from data.reference_genome import channels_from_genome, contexts, open_genome

GENOME_TABLE, EXOME_TABLE = "COSMIC v3.4", "SigProfiler exome (2018)"
SOURCE = "refit COSMIC v3.4"
GREEDY_SOURCE = "greedy refit COSMIC v3.4"
SEED = 96
SHARED_OUT = 1_000
"""New tumours from which on a refit is shared between processes."""
TASK = 20
"""Tumours of one task."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Spectra:
    """Spectra (tumours x 96) where calls carry contexts; who was sequenced by a panel."""

    patient_key: Ints
    counts: Ints
    panel: npt.NDArray[np.bool_]


def read(
    tables: dict[str, Any],
    *,
    genome: Path | None,
    cache: Path,
    notes: MutableSequence[str],
    progress: Progress,
    own: Path | None = None,
) -> dict[str, Any]:
    """Tables signature_sample, signature_activity and signature_reference with the refits added,
    and mutation with the contexts that ``genome`` gives.

    ``tables`` holds these and cohort, patient and profiled; ``cache`` is a folder. What could not
    be refitted goes to ``notes``. ``own`` is a table of a user's signatures, which the exomes are
    fitted to by least squares with resamples as well, as source ``refit NAME``. Raises BadInput
    where more than 1% of a cohort's SNVs disagree with their context or with the genome, and
    BadFile for a genome or a table that cannot be read.
    """
    known = exome_reference(tables["signature_reference"])
    if known is None:
        notes.append(f"signatures: no table of {GENOME_TABLE}, so no tumour was refitted")
        return {}
    reference, remarks = known
    notes.extend(remarks)
    mutation = tables["mutation"]
    if genome is not None:
        mutation = with_contexts(mutation, tables, genome, progress)
    spectra = read_spectra(mutation, tables, notes)
    fitted = [
        _tables(spectra, reference, SOURCE, partial(_bootstrapped, cache=cache, progress=progress)),
        _tables(spectra, reference, GREEDY_SOURCE, _greedy),
    ]
    references = [reference]
    if own is not None:
        theirs = own_reference(own)
        boot = partial(_bootstrapped, cache=cache, progress=progress)
        fitted.append(_tables(spectra, theirs, f"refit {theirs.name}", boot))
        references.append(theirs)
        notes.append(f"refit {theirs.name}: {len(theirs.signatures)} signatures of {own.name}")
    notes.append(
        f"{SOURCE}: {int((~spectra.panel).sum()):,} exomes by {reference.name}"
        if spectra.patient_key.size
        else "signatures: no call carries its neighbouring bases; name a genome with --genome"
    )
    out: dict[str, Any] = {"mutation": mutation}
    for i, name in enumerate(("signature_sample", "signature_activity")):
        before = [tables[name]] if name in tables else []
        out[name] = pd.concat([*before, *(f[i] for f in fitted)], ignore_index=True)
    out["signature_reference"] = tables["signature_reference"]
    for known_reference in references:
        out["signature_reference"] = _with_reference(out["signature_reference"], known_reference)
    return out


def own_reference(path: Path) -> SignatureReference:
    """A user's signatures, named after the file; as they stand, since whose exomes they are of is
    not known. Raises BadFile for a missing file or one that is no table of 96 channels."""
    if not path.is_file():
        raise BadFile(
            "The table of your own signatures is not there.",
            where=str(path),
            expected="a table of 96 channels by signatures, as COSMIC publishes it",
            found="no file",
            remedy="Correct the path.",
        )
    return SignatureReference.from_frame(
        read_reference(path, own_names=True), path.name.split(".")[0]
    )


def exome_reference(table: pd.DataFrame) -> tuple[SignatureReference, list[str]] | None:
    """COSMIC's signatures as an exome shows them, and remarks; None without COSMIC's table.

    Without the exome's table of the same signatures the genome's profiles are used as they are.
    """
    parts = {name: rows for name, rows in table.groupby("reference", sort=False)}
    if GENOME_TABLE not in parts:
        return None
    genome = SignatureReference.from_frame(parts[GENOME_TABLE], GENOME_TABLE)
    if EXOME_TABLE not in parts:
        return genome, ["signatures: no exome table, so profiles are those of whole genomes"]
    exome = SignatureReference.from_frame(parts[EXOME_TABLE], EXOME_TABLE)
    return genome.for_exome(exome_ratio(genome, exome)), []


def with_contexts(
    mutation: pa.Table, tables: dict[str, Any], path: Path, progress: Progress
) -> pa.Table:
    """The calls with the bases around each SNV that has none yet, read from a genome; with both
    alleles where a file names the change on the gene's strand alone."""
    genome = open_genome(path)
    cohort = _cohort_of(tables)[mutation["patient_key"].to_numpy()]
    names = tables["cohort"].set_index("cohort_id")
    mutation = with_alleles(mutation, cohort, names, genome, progress)
    alleles = ALLELES
    snv = pc.and_(*(pc.equal(pc.utf8_length(mutation[a]), 1) for a in alleles))
    wanted = pc.and_(
        pc.and_(snv, pc.is_valid(mutation["start_position"])), pc.is_null(mutation["context"])
    ).fill_null(False)
    open_rows = wanted.to_numpy(zero_copy_only=False)
    found = mutation["context"].to_pandas().astype(object).to_numpy()
    for cohort_id in pd.unique(cohort[open_rows]):
        rows = np.flatnonzero(open_rows & (cohort == cohort_id))
        own = mutation.take(rows)
        where = (own["chromosome"].to_pandas().fillna("").to_numpy(), own["start_position"])
        around = contexts(genome, where[0], where[1].to_numpy(), progress=_at(progress, cohort_id))
        pair = [own[a].to_pylist() for a in alleles]
        channels = channels_from_context(list(around), *pair)
        if channels.n_mismatch or channels.n_without_context:
            channels_from_genome(
                genome, where[0], where[1].to_numpy(), *pair,
                where=f"the calls of {names['name'][cohort_id]}",
                build=str(names.genome_build[cohort_id] or ""),
            )  # fmt: skip
        found[rows] = around
    place = mutation.column_names.index("context")
    return mutation.set_column(place, "context", pa.array(found, pa.string(), from_pandas=True))


def read_spectra(
    mutation: pa.Table, tables: dict[str, Any], notes: MutableSequence[str]
) -> Spectra:
    """Spectra of the tumours of each cohort whose calls carry contexts.

    Raises BadInput where more than 1% of a cohort's SNVs disagree with their context.
    """
    carried = mutation.filter(pc.is_valid(mutation["context"]))
    key = carried["patient_key"].to_numpy().astype(np.int64)
    cohort = _cohort_of(tables)[key]
    names = tables["cohort"].set_index("cohort_id")["name"]
    channel = np.full(key.size, -1, dtype=np.int64)
    for cohort_id in pd.unique(cohort):
        rows = np.flatnonzero(cohort == cohort_id)
        own = _channels(carried.take(rows))
        require_matching(own, where=f"the calls of {names[cohort_id]}")
        notes.extend(f"{names[cohort_id]}: {w}" for w in own.warnings)
        channel[rows] = own.channel
    exomes = _exomes(tables)
    keys, index = np.unique(key, return_inverse=True)
    counts = count_channels(index, channel, keys.size)
    some = counts.sum(axis=1) > 0
    return Spectra(keys[some], counts[some], ~np.isin(keys[some], exomes))


def _channels(calls: pa.Table) -> Channels:
    return channels_from_context(
        calls["context"], calls["reference_allele"], calls["tumor_seq_allele2"]
    )


def _exomes(tables: dict[str, Any]) -> Ints:
    """patient_key of who was sequenced by whole exome: every gene, or genes found by position."""
    panel, profiled = tables["panel"], tables["profiled"]
    whole = {*panel.panel_id[panel.all_genes.astype(bool)], "exome_by_position"}
    return profiled.patient_key[profiled.panel_id.isin(whole)].to_numpy(np.int64)


def _cohort_of(tables: dict[str, Any]) -> npt.NDArray[np.object_]:
    """cohort_id by patient_key."""
    patients = tables["patient"].sort_values("patient_key")
    return patients.cohort_id.to_numpy(dtype=object)


# -- refits ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Fits:
    """Weights of the signatures that count as present, tumours x signatures, and cosines."""

    weights: Floats
    cosine: Floats


def _greedy(counts: Ints, reference: SignatureReference) -> _Fits:
    fit = refit(counts, reference, method="greedy")
    return _Fits(np.nan_to_num(fit.weights), fit.cosine)


def _bootstrapped(
    counts: Ints, reference: SignatureReference, *, cache: Path, progress: Progress
) -> _Fits:
    """Bootstrapped fits, those of known spectra from the cache."""
    digest = [hashlib.sha256(row.astype("<i8").tobytes()).hexdigest() for row in counts]
    kept = _Cache.of(cache, reference)
    first = pd.Series(digest).drop_duplicates()
    new = first.index[~first.isin(list(kept.fits))].to_numpy(np.int64)
    for rows, fits in zip(*_fit_new(counts, new, reference, progress), strict=True):
        kept.fits |= {digest[r]: w for r, w in zip(rows, fits, strict=True)}
    if new.size:
        kept.save()
    width = len(reference.signatures) + 1
    whole: Floats = np.array([kept.fits[d] for d in digest]).reshape(-1, width)
    return _Fits(whole[:, :-1], whole[:, -1])


def _fit_new(
    counts: Ints, rows: Ints, reference: SignatureReference, progress: Progress
) -> tuple[list[Ints], list[Floats]]:
    """The rows of each task and their fits; on several processes where there are many."""
    tasks = [rows[i : i + TASK] for i in range(0, rows.size, TASK)]
    fits = run(
        _fit_task,
        [counts[t] for t in tasks],
        shared=(reference,),
        place=HERE if rows.size < SHARED_OUT else elsewhere(),
        progress=lambda done: progress("refitting signatures", 0.58 + 0.02 * done),
    )
    return tasks, fits


def _fit_task(counts: Ints, reference: SignatureReference) -> Floats:
    """Weights of the signatures that are present, and the cosine in the last column."""
    fit = refit(counts, reference, draws=DRAWS, threshold=WEIGHT_CUT, seed=SEED)
    present = fit.share_of_draws >= PRESENT_SHARE
    return np.column_stack([np.where(present, fit.weights, 0.0), fit.cosine])


@dataclass
class _Cache:
    """Fits by spectrum in one file for each reference and setting."""

    path: Path
    fits: dict[str, Floats]

    @classmethod
    def of(cls, folder: Path, reference: SignatureReference) -> _Cache:
        setting = f"{reference.signatures} {DRAWS} {WEIGHT_CUT} {PRESENT_SHARE} {SEED}".encode()
        profiles = np.round(reference.profiles, 12).tobytes()
        path = folder / f"refits-{hashlib.sha256(setting + profiles).hexdigest()[:12]}.npz"
        try:
            with np.load(path, allow_pickle=False) as held:
                return cls(path, dict(zip(held["digest"].tolist(), held["fits"], strict=True)))
        except (OSError, ValueError, KeyError):  # none yet, or damaged: fitted again
            return cls(path, {})

    def save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.stem}-{os.getpid()}.npz")
        np.savez(temporary, digest=np.array(list(self.fits)), fits=np.array([*self.fits.values()]))
        os.replace(temporary, self.path)


def _tables(
    spectra: Spectra, reference: SignatureReference, source: str, fit: Any
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """signature_sample and signature_activity of one way of fitting."""
    n_snv = spectra.counts.sum(axis=1)
    rows = np.flatnonzero(~spectra.panel)
    fits: _Fits = fit(spectra.counts[rows], reference)
    cosine = np.full(n_snv.size, np.nan)
    cosine[rows] = fits.cosine
    sample = pd.DataFrame(
        {
            "patient_key": spectra.patient_key,
            "source": source,
            "sample_id": None,
            "n_snv": n_snv,
            "cosine_similarity": cosine,
            "eligible": ~spectra.panel & (n_snv >= MINIMUM_SNV),
        }
    )
    at, signature = np.nonzero(fits.weights)
    weight = fits.weights[at, signature]
    activity = pd.DataFrame(
        {
            "source": source,
            "signature": np.array(reference.signatures, dtype=object)[signature],
            "patient_key": spectra.patient_key[rows[at]],
            "n_mutations": weight * n_snv[rows[at]],
            "weight": weight,
        }
    )
    return sample, activity


def _with_reference(table: pd.DataFrame, reference: SignatureReference) -> pd.DataFrame:
    """The table of reference profiles with the one that was fitted."""
    if reference.name in set(table.reference):
        return table
    rows = pd.DataFrame(
        {
            "reference": reference.name,
            "signature": np.repeat(reference.signatures, len(CHANNELS)),
            "channel": np.tile(CHANNELS, len(reference.signatures)),
            "weight": reference.profiles.ravel(),
        }
    )
    return pd.concat([table, rows], ignore_index=True)


def _at(progress: Progress, cohort_id: str) -> Progress:
    def show(what: str, done: float) -> None:
        progress(f"reading the genome around the calls of {cohort_id}: {what}", 0.56 + 0.02 * done)

    return show
