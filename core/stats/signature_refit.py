"""Which mutational signatures a tumour carries: refits of its 96-channel spectrum.

Two estimators of the weights (shares of the tumour's SNVs), and their presence:

* ``nnls``: non-negative least squares of the spectrum's fractions over the profiles, scaled to
  sum to 1. *Present* is a signature whose weight exceeds ``threshold`` in at least 95% of draws,
  each a fit of as many SNVs resampled from the spectrum (multinomial bootstrap).
* ``greedy``: the forward regression that Rosenthal et al. describe (Genome Biol 2016;17:31, the
  deconstructSigs tool). Signatures with a channel of 0.2 or more that holds less than 0.01 of the
  SNVs are set aside; the one nearest to the spectrum starts with all the weight; then, again and
  again, the one change of one weight (the others keep their proportions) that lessens the sum of
  squared errors most is made, until the error falls by less than 1e-3 of itself. Weights below
  0.06 are then cut, and what they held is *unassigned*. *Present* is a weight that is left. The
  tool searches each change by golden section; here it has a closed form (see `_best_changes`).

The two differ by up to 0.23 in weight on the same spectra, and below about 50 SNVs neither should
be believed: such tumours are *not eligible*, which is not the same as *absent*.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.model import BadInput
from core.stats.nnls import nnls_rows
from core.stats.sbs96 import CHANNELS
from core.stats.signature_reference import SignatureReference

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Progress = Callable[[str, float], None]

WEIGHT_CUT = 0.06
IMPROVEMENT = 1e-3
STRONG_PEAK, EMPTY_CHANNEL = 0.2, 0.01
SEED_WEIGHT, LARGEST_STEP = 10.0, 100.0
"""The tool's own scale: the weight that the first signature gets, and the most that is added."""
DRAWS = 100
PRESENT_SHARE = 0.95
MINIMUM_SNV = 50
METHODS = ("nnls", "greedy")
_BLOCK = 64
"""Tumours whose draws are fitted together."""


@dataclass(frozen=True, eq=False)
class Refit:
    """Weights of the signatures in each tumour; NaN where a tumour has no SNV."""

    reference: str
    method: str
    signatures: tuple[str, ...]
    weights: Floats
    """Tumours x signatures: share of the tumour's SNVs. ``greedy`` leaves a rest unassigned."""
    n_snv: Ints
    cosine: Floats
    """Cosine similarity of the spectrum and its reconstruction."""
    share_of_draws: Floats
    """Tumours x signatures: share of draws above the threshold; NaN without draws."""
    ci_lower: Floats
    """2.5% and 97.5% percentiles of the weight over the draws; NaN without draws."""
    ci_upper: Floats
    threshold: float
    draws: int
    seed: int
    warnings: tuple[str, ...] = ()

    @property
    def unassigned(self) -> Floats:
        """What no signature accounts for: 1 - sum of weights."""
        return np.asarray(1 - self.weights.sum(axis=1))

    def presence(self, eligible: Bools, *, share: float = PRESENT_SHARE) -> Floats:
        """1 present, 0 absent, NaN where the tumour is not eligible; tumours x signatures.

        With draws, present is a share of draws of at least ``share``; without, a weight that
        is above zero (``greedy``, already cut) or above the threshold (``nnls``).
        """
        if self.draws:
            called = self.share_of_draws >= share
        else:
            called = self.weights > (0.0 if self.method == "greedy" else self.threshold)
        return np.where(np.asarray(eligible)[:, None], called.astype(float), np.nan)


@dataclass(frozen=True, eq=False)
class Eligibility:
    """Which tumours a presence call may be made of, and why not of the others."""

    eligible: Bools
    reason: tuple[str, ...]
    """Empty for an eligible tumour."""


def eligibility(
    n_snv: npt.ArrayLike,
    *,
    minimum_snv: int = MINIMUM_SNV,
    panel: npt.ArrayLike | None = None,
    cosine: npt.ArrayLike | None = None,
    minimum_cosine: float = 0.0,
) -> Eligibility:
    """Tumours with at least ``minimum_snv`` SNVs that were not sequenced by a panel.

    ``panel`` says which were; pass None to admit them. ``cosine`` and ``minimum_cosine`` also
    ask for a reconstruction that resembles the spectrum.
    """
    count = np.asarray(n_snv)
    by_panel = np.zeros(count.size, dtype=bool) if panel is None else np.asarray(panel, dtype=bool)
    near = np.ones(count.size) if cosine is None else np.asarray(cosine, dtype=float)
    reasons = []
    for snv, targeted, similarity in zip(count, by_panel, near, strict=True):
        if targeted:
            reasons.append("sequenced by a panel: too few SNVs for a spectrum")
        elif snv < minimum_snv:
            reasons.append(f"{snv} SNVs, fewer than {minimum_snv}")
        elif not similarity >= minimum_cosine:
            reasons.append(f"reconstruction cosine {similarity:.2f}, below {minimum_cosine:g}")
        else:
            reasons.append("")
    return Eligibility(np.array([not r for r in reasons], dtype=bool), tuple(reasons))


def refit(
    counts: npt.ArrayLike,
    reference: SignatureReference,
    *,
    method: str = "nnls",
    draws: int = DRAWS,
    threshold: float = WEIGHT_CUT,
    seed: int = 0,
    progress: Progress | None = None,
) -> Refit:
    """Fit ``counts`` (tumours x 96, SNVs by channel) with the profiles of ``reference``.

    ``draws`` and ``threshold`` are those of the bootstrap, which belongs to ``nnls``; for
    ``greedy`` ``threshold`` is the weight cut. A tumour's draws depend on ``seed`` and its own
    counts alone: it gets the same answer alone, in any order and in any block, so that results
    can be kept per tumour and computed in parallel. Tumours without SNVs have NaN.
    ``progress`` is called with a word and the share done.

    Raises BadInput for another shape, counts that are not whole numbers of 0 or more, an unknown
    method, and a threshold outside 0 to 1.
    """
    table = _checked(counts, method, draws, threshold)
    n_snv = table.sum(axis=1)
    some = np.flatnonzero(n_snv > 0)
    fractions = table[some] / n_snv[some, None]
    shape = (len(table), len(reference.signatures))
    weights, share, lower, upper = (np.full(shape, np.nan) for _ in range(4))
    cosine = np.full(len(table), np.nan)
    draws = draws if method == "nnls" else 0
    if method == "greedy":
        weights[some] = greedy_weights(reference.profiles, fractions, weight_cut=threshold)
    else:
        weights[some] = _shares(nnls_rows(reference.profiles, fractions))
    cosine[some] = _cosine(fractions, weights[some] @ reference.profiles)
    for at in range(0, some.size if draws else 0, _BLOCK):
        rows = some[at : at + _BLOCK]
        drawn = _bootstrap(table[rows], weights[rows], reference.profiles, draws, seed)
        share[rows] = (drawn > threshold).mean(axis=1)
        lower[rows], upper[rows] = np.quantile(drawn, (0.025, 0.975), axis=1)
        if progress:
            progress(f"{at + rows.size} of {some.size} tumours", (at + rows.size) / some.size)
    without = int((n_snv == 0).sum())
    return Refit(
        reference=reference.name,
        method=method,
        signatures=reference.signatures,
        weights=weights,
        n_snv=n_snv,
        cosine=cosine,
        share_of_draws=share,
        ci_lower=lower,
        ci_upper=upper,
        threshold=threshold,
        draws=draws,
        seed=seed,
        warnings=(f"{without} tumours have no SNV and no fit",) if without else (),
    )


def greedy_weights(
    profiles: Floats,
    fractions: Floats,
    *,
    weight_cut: float = WEIGHT_CUT,
    improvement: float = IMPROVEMENT,
) -> Floats:
    """Weights (tumours x signatures) of the greedy regression of the module's description.

    ``profiles`` is signatures x channels, ``fractions`` tumours x channels; both sum to 1 a row.
    A tumour for which every signature is set aside has weights of zero.
    """
    candidate = (fractions < EMPTY_CHANNEL) @ (profiles >= STRONG_PEAK).T.astype(float) == 0
    distance = np.square(profiles).sum(axis=1) - 2 * fractions @ profiles.T
    first = np.where(candidate, distance, np.inf).argmin(axis=1)
    share = np.zeros(candidate.shape)
    share[np.arange(len(share)), first] = candidate[np.arange(len(share)), first]
    total = np.full(len(share), SEED_WEIGHT)
    rows = np.flatnonzero(candidate.any(axis=1))
    while rows.size:
        error, gain, step = _best_changes(
            profiles, fractions[rows], share[rows], total[rows], candidate[rows]
        )
        best = gain.argmax(axis=1)
        line = np.arange(rows.size)
        gained, step = gain[line, best], step[line, best]
        rows_moved = gained > 0
        moved, to = rows[rows_moved], step[rows_moved, None]
        share[moved] *= 1 - to
        share[moved, best[rows_moved]] += to[:, 0]
        share[moved] = np.maximum(share[moved], 0.0)
        total[moved] /= 1 - to[:, 0]
        rows = rows[gained > improvement * error]
    return np.where(share < weight_cut, 0.0, share)


def _best_changes(
    profiles: Floats, fractions: Floats, share: Floats, total: Floats, candidate: Bools
) -> tuple[Floats, Floats, Floats]:
    """Error now, and for each signature the best change: how much error it takes, and its step.

    To add x to one of the weights, of sum s, and to scale them to 1 again moves the
    reconstruction m to (1 - t) m + t S_i with t = x / (s + x). The error is quadratic in t, with
    its minimum at t = r d / d d for r = y - m and d = S_i - m, within x >= -(weight of i) and
    x <= LARGEST_STEP.
    """
    fitted = share @ profiles
    residual = fractions - fitted
    along = residual @ profiles.T - (residual * fitted).sum(axis=1)[:, None]
    length = (
        np.square(profiles).sum(axis=1)
        - 2 * fitted @ profiles.T
        + np.square(fitted).sum(axis=1)[:, None]
    )
    movable = candidate & (length > 1e-14)
    with np.errstate(invalid="ignore", divide="ignore"):
        least = -share / (1 - share)
        most = LARGEST_STEP / (total + LARGEST_STEP)
        step = np.clip(np.where(movable, along / length, 0.0), least, most[:, None])
    step = np.where(movable & (share < 1), step, 0.0)
    return np.square(residual).sum(axis=1), 2 * step * along - step**2 * length, step


def _bootstrap(table: Ints, weights: Floats, profiles: Floats, draws: int, seed: int) -> Floats:
    """Shares fitted to resampled spectra, tumours x draws x signatures."""
    drawn = np.empty((len(table), draws, table.shape[1]))
    for row, counts in enumerate(table):
        rng = np.random.default_rng([seed, zlib.crc32(counts.astype("<i8").tobytes())])
        n = int(counts.sum())
        drawn[row] = rng.multinomial(n, counts / n, size=draws) / n
    guess = np.repeat(weights > 0, draws, axis=0)
    fitted = nnls_rows(profiles, drawn.reshape(-1, table.shape[1]), guess)
    return _shares(fitted).reshape(len(table), draws, -1)


def _shares(weights: Floats) -> Floats:
    """Scaled to sum to 1; no row sums to 0, as profiles overlap with any spectrum they fit."""
    total = weights.sum(axis=1, keepdims=True)
    return np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)


def _cosine(spectra: Floats, fitted: Floats) -> Floats:
    """Cosine similarity of rows; NaN where nothing is fitted."""
    norms = np.linalg.norm(spectra, axis=1) * np.linalg.norm(fitted, axis=1)
    return np.divide(
        (spectra * fitted).sum(axis=1), norms, out=np.full(len(spectra), np.nan), where=norms > 0
    )


def _checked(counts: npt.ArrayLike, method: str, draws: int, threshold: float) -> Ints:
    values = np.asarray(counts)
    if values.ndim != 2 or values.shape[1] != len(CHANNELS):
        raise _bad("tumours x 96 counts", f"shape {values.shape}", "Count channels first.")
    if not (np.isfinite(values).all() and (values >= 0).all() and (values % 1 == 0).all()):
        raise _bad("whole numbers of 0 or more", "others", "Pass counts of SNVs, not shares.")
    if method not in METHODS:
        raise _bad(" or ".join(METHODS), repr(method), "Choose one of these methods.")
    if not 0 <= threshold < 1 or draws < 0:
        raise _bad("a threshold of 0 to 1 and draws of 0 or more",
                   f"{threshold:g} and {draws}", "The usual threshold is 0.06.")  # fmt: skip
    return values.astype(np.int64)


def _bad(expected: str, found: str, remedy: str) -> BadInput:
    return BadInput(
        "The spectra cannot be refitted.", expected=expected, found=found, remedy=remedy
    )
