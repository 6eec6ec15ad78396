"""Spectra beside reconstructions: weights times profiles, what is unassigned, whose is shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.analysis.decomposed import ICI, TCGA, Demands, sources
from core.analysis.reconstruction import OBSERVED, REBUILT, reconstructions
from core.model import BadInput, Filters, NotEnoughData, Stratifier
from core.store import Store


@pytest.fixture(scope="module")
def found(simulated: Store):
    source = next(s for s in sources(simulated) if s.place == ICI)
    return reconstructions(simulated, Filters(), Stratifier(), source)


def test_a_tumour_is_its_weights_times_the_profiles(found, simulated: Store) -> None:
    table = simulated.signature_profiles()
    own = table[table.reference == found.reference]
    spectra = found.tumour(3)
    rebuilt = spectra.table[spectra.table.group == REBUILT].set_index("channel").share
    by_hand = sum(
        w * own[own.signature == s].set_index("channel").weight
        for s, w in zip(found.signatures, found.weights[3], strict=True)
    )
    np.testing.assert_allclose(rebuilt, by_hand[rebuilt.index], atol=1e-12)
    observed = spectra.table[spectra.table.group == OBSERVED].share
    assert observed.sum() == pytest.approx(1)
    assert rebuilt.sum() == pytest.approx(found.weights[3].sum(), abs=1e-6)
    a, b = observed.to_numpy(), rebuilt.to_numpy()
    assert spectra.cosine == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    assert spectra.cosine == pytest.approx(found.frame.cosine[3])
    assert spectra.tumours.n.tolist() == [1, 1]
    top = found.signatures[int(found.weights[3].argmax())]
    assert f"made up of {top} " in spectra.sentence


def test_a_group_is_the_mean_of_its_tumours(found) -> None:
    rows = (found.frame.group == "mutant").to_numpy()
    spectra = found.group("mutant")
    shown = spectra.table[spectra.table.group == OBSERVED].share
    np.testing.assert_allclose(shown, found.observed[rows].mean(axis=0))
    assert spectra.tumours.n.tolist() == [rows.sum()] * 2
    # a mean smooths the noise of counts that a single tumour has
    assert spectra.cosine > found.frame.cosine.median()


def test_unassigned_mutations_are_told_and_strangers_refused(found) -> None:
    half = replace(found, weights=found.weights / 2)
    rest = 1 - found.weights[3].sum() / 2
    assert f"unassigned {rest:.0%}" in half.tumour(3).sentence
    with pytest.raises(BadInput, match="No such tumour"):
        found.tumour(len(found.frame))
    with pytest.raises(NotEnoughData, match="No neither tumour"):
        found.group("neither")


def test_demands_hold_and_tcga_has_its_own(simulated: Store, found) -> None:
    many = reconstructions(simulated, Filters(), Stratifier(), found.source, Demands(200))
    assert many.frame.n_snv.min() >= 200 and len(many.frame) < len(found.frame)
    tcga = next(s for s in sources(simulated) if s.place == TCGA)
    assert reconstructions(simulated, Filters(), Stratifier(), tcga).source.place == TCGA
