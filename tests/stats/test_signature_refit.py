"""Refits recover what was planted, say how sure they are, and do not call what they cannot see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from core.model import BadInput
from core.stats.sbs96 import CHANNELS
from core.stats.signature_reference import SignatureReference, exome_ratio
from core.stats.signature_refit import Refit, eligibility, greedy_weights, refit
from data.readers.signatures import read_reference
from tests.golden.signatures.cases import reference as invented_reference

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PUBLISHED = Path(__file__).parents[3] / "shared" / "realdata" / "tcga" / "signatures"
KNOWN = ["SBS1", "SBS2", "SBS4", "SBS7a", "SBS10b", "SBS13", "SBS17b", "SBS22a", "SBS30", "SBS31"]


def published(file: str, name: str) -> SignatureReference:
    if not (PUBLISHED / file).exists():
        pytest.skip(f"{PUBLISHED / file} is not here")
    return SignatureReference.from_frame(read_reference(PUBLISHED / file), name)


def cosmic() -> SignatureReference:
    return published("COSMIC_SBS_v3.4.csv", "COSMIC v3.4")


@pytest.fixture(params=["invented", "cosmic"])
def reference(request: pytest.FixtureRequest) -> SignatureReference:
    return invented_reference() if request.param == "invented" else cosmic()


def mixtures(reference: SignatureReference, tumours: int, seed: int = 0) -> Floats:
    """Three signatures a tumour, planted in parts of a third on average."""
    rng = np.random.default_rng(seed)
    if reference.name == "invented":
        pool = np.arange(20)
    else:
        pool = np.array([reference.signatures.index(name) for name in KNOWN])
    planted = np.zeros((tumours, len(reference.signatures)))
    for row in planted:
        row[rng.choice(pool, 3, replace=False)] = rng.dirichlet(np.full(3, 4.0))
    return planted


def expected_counts(shares: Floats, n: int) -> Ints:
    """n SNVs spread as the shares say, as nearly as whole numbers can (largest remainders)."""
    counts = np.floor(shares * n).astype(np.int64)
    for row, share in zip(counts, shares * n, strict=True):
        row[np.argsort(row - share, kind="stable")[: n - row.sum()]] += 1
    return counts


def drawn_counts(shares: Floats, n: int, seed: int = 1) -> Ints:
    rng = np.random.default_rng(seed)
    return np.array([rng.multinomial(n, share / share.sum()) for share in shares])


def test_planted_weights_return_within_five_hundredths_at_500(
    reference: SignatureReference,
) -> None:
    planted = mixtures(reference, 100)
    counts = expected_counts(planted @ reference.profiles, 500)
    fit = refit(counts, reference, draws=0)
    assert np.abs(fit.weights - planted).max() < 0.05
    assert fit.cosine.min() > 0.98
    greedy = refit(counts, reference, method="greedy")
    error = np.abs(greedy.weights - planted)[planted > 0]
    assert error.mean() < 0.02 and np.mean(error < 0.05) > 0.9


def test_drawn_spectra_of_500_err_by_five_hundredths_on_average() -> None:
    reference = invented_reference()
    planted = mixtures(reference, 200)
    counts = drawn_counts(planted @ reference.profiles, 500)
    for method in ("nnls", "greedy"):
        fit = refit(counts, reference, method=method, draws=0)
        assert np.abs(fit.weights - planted)[planted > 0].mean() < 0.05


def test_few_false_calls_at_50(reference: SignatureReference) -> None:
    planted = mixtures(reference, 100, seed=2)
    counts = drawn_counts(planted @ reference.profiles, 50)
    fit = refit(counts, reference, draws=60)
    called = fit.presence(eligibility(fit.n_snv).eligible)
    assert called[planted == 0].mean() <= 0.05
    assert (called[planted == 0]).sum() <= 0.05 * 100, "false calls, as a share of tumours"
    assert called[planted > 0.3].mean() > 0.3, "a rule that never calls would pass too"


def test_a_tumour_gets_the_same_answer_alone_and_in_any_order() -> None:
    reference = invented_reference()
    counts = drawn_counts(mixtures(reference, 70) @ reference.profiles, 120)
    whole = refit(counts, reference, draws=20, seed=3)
    turned = refit(counts[::-1], reference, draws=20, seed=3)
    alone = refit(counts[66:67], reference, draws=20, seed=3)
    for name in ("weights", "share_of_draws", "ci_lower", "ci_upper", "cosine"):
        np.testing.assert_allclose(getattr(turned, name)[::-1], getattr(whole, name), atol=1e-12)
        np.testing.assert_allclose(getattr(alone, name)[0], getattr(whole, name)[66], atol=1e-12)
    other = refit(counts, reference, draws=20, seed=4)
    assert not np.array_equal(other.share_of_draws, whole.share_of_draws)
    assert np.array_equal(other.weights, whole.weights)


def test_the_interval_covers_what_was_planted() -> None:
    reference = invented_reference().only([f"SBS{i}" for i in range(1, 11)])
    planted = np.tile(np.r_[0.5, 0.3, 0.2, np.zeros(7)], (200, 1))
    fit = refit(drawn_counts(planted @ reference.profiles, 400), reference, draws=100)
    covered = (fit.ci_lower <= planted) & (planted <= fit.ci_upper)
    assert 0.88 < covered[:, :3].mean() < 0.99


def test_a_single_signature_and_a_lone_channel() -> None:
    reference = invented_reference()
    counts = np.vstack([np.round(reference.profiles[4] * 10_000), np.eye(96)[17] * 50])
    for method in ("nnls", "greedy"):
        fit = refit(counts, reference, method=method, draws=0)
        assert fit.weights[0].argmax() == 4 and fit.weights[0, 4] > 0.97
        assert np.isfinite(fit.weights).all()


def test_greedy_sets_aside_and_leaves_a_rest() -> None:
    peaked, other = np.full(96, 0.5 / 95), np.full(96, 0.5 / 95)
    peaked[3], other[8] = 0.5, 0.5
    profiles = np.vstack([peaked, other])
    only_other = other.copy()
    only_other[3] = 0
    weights = greedy_weights(profiles, np.vstack([only_other / only_other.sum(), peaked]))
    np.testing.assert_allclose(weights, [[0, 1], [1, 0]])
    nothing = np.full(96, 1 / 94)
    nothing[[3, 8]] = 0
    assert (greedy_weights(profiles, nothing[None]) == 0).all()
    mixed = 0.96 * peaked + 0.04 * other
    rest = refit(np.round(mixed * 1e6)[None], SignatureReference("two", ("SBS1", "SBS2"), profiles),
                 method="greedy")  # fmt: skip
    assert rest.weights[0, 1] == 0
    assert rest.unassigned[0] == pytest.approx(0.04, abs=1e-4)


def _no_draws(method: str, weights: list[float]) -> Refit:
    nan = np.full((1, len(weights)), np.nan)
    return Refit("r", method, ("SBS1",) * len(weights), np.array([weights]), np.array([90]),
                 np.ones(1), nan, nan, nan, 0.06, 0, 0)  # fmt: skip


def test_presence_without_draws() -> None:
    yes = np.array([True])
    np.testing.assert_array_equal(_no_draws("nnls", [0.05, 0.2]).presence(yes), [[0, 1]])
    np.testing.assert_array_equal(_no_draws("greedy", [0.0, 0.06]).presence(yes), [[0, 1]])
    assert np.isnan(_no_draws("nnls", [0.05, 0.2]).presence(~yes)).all()


def test_presence_needs_the_share_of_draws() -> None:
    reference = invented_reference()
    counts = drawn_counts(mixtures(reference, 40) @ reference.profiles, 100)
    fit = refit(counts, reference, draws=40)
    np.testing.assert_array_equal(
        fit.presence(np.ones(40, dtype=bool)), (fit.share_of_draws >= 0.95).astype(float)
    )
    assert (fit.presence(np.ones(40, dtype=bool), share=0.5) == 1).sum() > (
        fit.share_of_draws >= 0.95
    ).sum()


def test_eligibility_says_why_not() -> None:
    found = eligibility([49, 50, 500, 80], panel=[False, False, True, False],
                        cosine=[1, 0.9, 1, 0.7], minimum_cosine=0.8)  # fmt: skip
    assert list(found.eligible) == [False, True, False, False]
    assert found.reason == (
        "49 SNVs, fewer than 50",
        "",
        "sequenced by a panel: too few SNVs for a spectrum",
        "reconstruction cosine 0.70, below 0.8",
    )
    assert eligibility([20], minimum_snv=20).eligible.all()


@pytest.mark.parametrize("method", ["nnls", "greedy"])
def test_a_tumour_without_snvs_has_no_fit(method: str) -> None:
    counts = np.vstack([np.zeros(96), np.arange(96)])
    fit = refit(counts, invented_reference(), method=method, draws=5)
    assert np.isnan(fit.weights[0]).all() and np.isnan(fit.cosine[0])
    assert np.isfinite(fit.weights[1]).all()
    assert fit.warnings == ("1 tumours have no SNV and no fit",)
    assert not eligibility(fit.n_snv).eligible[0]
    none = refit(np.zeros((2, 96)), invented_reference(), method=method, draws=5)
    assert np.isnan(none.weights).all()


def test_progress_reaches_one() -> None:
    seen: list[float] = []
    counts = np.ones((150, 96))
    refit(counts, invented_reference(), draws=2, progress=lambda what, done: seen.append(done))
    assert seen == sorted(seen) and seen[-1] == 1 and len(seen) > 1


@pytest.mark.parametrize(
    ("counts", "options"),
    [
        (np.ones((2, 95)), {}),
        (np.full((2, 96), 0.5), {}),
        (np.full((2, 96), -1), {}),
        (np.full((2, 96), np.nan), {}),
        (np.ones((2, 96)), {"method": "nmf"}),
        (np.ones((2, 96)), {"threshold": 1.0}),
    ],
)
def test_bad_spectra_are_refused(counts: Floats, options: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="cannot be refitted"):
        refit(counts, invented_reference(), **options)  # type: ignore[arg-type]


def test_references_that_say_nothing_are_refused() -> None:
    good = invented_reference().profiles
    with pytest.raises(BadInput, match="no distribution"):
        SignatureReference("x", ("SBS1",), good[:1] * 2)
    with pytest.raises(BadInput, match="told apart"):
        SignatureReference("x", ("SBS1", "SBS2"), good[[0, 0]])
    with pytest.raises(BadInput, match="wrong shape"):
        SignatureReference("x", ("SBS1", "SBS2"), good[:1])
    with pytest.raises(BadInput, match="no signature SBS99"):
        invented_reference().only(["SBS99"])


def test_a_reference_keeps_its_order_and_only_subsets() -> None:
    reference = invented_reference()
    assert reference.only(["SBS7", "SBS2"]).signatures == ("SBS2", "SBS7")
    np.testing.assert_array_equal(reference.only(["SBS7"]).profiles[0], reference.profiles[6])
    rows = [(s, c, w) for s, row in zip(reference.signatures, reference.profiles, strict=True)
            for c, w in zip(CHANNELS, row, strict=True)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["signature", "channel", "weight"]).sample(frac=1)
    back = SignatureReference.from_frame(frame, "back").only(reference.signatures)
    order = [back.signatures.index(name) for name in reference.signatures]
    np.testing.assert_allclose(back.profiles[order], reference.profiles, rtol=1e-12)
    with pytest.raises(BadInput, match="do not have the 96 channels"):
        SignatureReference.from_frame(frame.iloc[1:], "short")


def test_exome_ratio_returns_what_was_put_in() -> None:
    reference = invented_reference()
    ratio = np.random.default_rng(4).uniform(0.5, 2.5, 32)
    exome = reference.for_exome(ratio)
    np.testing.assert_allclose(exome.profiles.sum(axis=1), 1)
    np.testing.assert_allclose(exome_ratio(reference, exome), ratio / ratio.mean(), rtol=1e-6)
    with pytest.raises(BadInput, match="trinucleotide frequencies"):
        exome_ratio(reference.only(["SBS1"]), exome)


def test_cosmic_for_exomes_is_what_sigprofiler_publishes() -> None:
    genome = cosmic()
    exome = published("sigProfiler_exome_SBS_signatures.csv", "SigProfiler exome")
    made = genome.for_exome(exome_ratio(genome, exome))
    for name in set(genome.signatures) & set(exome.signatures):
        ours = made.profiles[made.signatures.index(name)]
        theirs = exome.profiles[exome.signatures.index(name)]
        assert np.abs(ours - theirs).max() < 1e-3
