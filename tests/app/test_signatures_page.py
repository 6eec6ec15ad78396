"""The signatures page: with signatures, without any, and where few tumours are left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.ui.cached import STORE_VARIABLE
from data.publish import publish
from tests.app.reading import alt, charts, texts
from tests.app.small_store import tables

App = Callable[..., AppTest]


@pytest.fixture
def whole(app: App, simulated_folder: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    """The app on a simulated store with signatures of TCGA and of the ICI exomes."""
    monkeypatch.setenv(STORE_VARIABLE, str(simulated_folder))
    return app


def test_page_shows_frequency_odds_counts_spectra_and_survival(whole: App) -> None:
    at = whole("signatures", gene="TP53")
    assert not at.exception and not at.error[1:]
    told = texts(at)
    assert "Do TP53-mutant tumours carry other mutational signatures?" in told
    assert "differ in frequency (q < 0.05)" in told and "greedy refit" in told
    words = [alt(c) for c in charts(at)]
    for start in (
        "Tumours with each signature, TP53 mutant against wild type",
        "Odds ratio of each signature",
        "Tumours with SBS",
        "Mean share of the 96 channels",
        "Hazard ratio of overall survival of each signature, present against absent",
    ):
        assert any(w.startswith(start) for w in words), start
    assert "sequenced by a panel (MSK-IMPACT)" in told


def test_demands_and_chosen_signatures_change_the_page(whole: App) -> None:
    at = whole("signatures", gene="TP53")
    before = texts(at)
    at.get_by_key("min_snv").set_value(300)
    at.get_by_key("signatures").set_value(["SBS7a"])
    at.get_by_key("exposure").set_value("share")
    at.run()
    assert not at.exception
    assert "fewer than 300 SNVs" in texts(at) and "fewer than 300 SNVs" not in before
    words = [alt(c) for c in charts(at)]
    own = next(w for w in words if w.startswith("Tumours with each signature"))
    assert "SBS7a" in own and "SBS1 " not in own
    assert any("for each 10% more of the mutations" in w for w in words)


def test_no_tumour_left_is_a_sentence_not_a_crash(whole: App) -> None:
    at = whole("signatures", gene="ALK", tmb_max="0.01")
    assert not at.exception
    assert any("No tumour can be asked" in i.value for i in at.info)
    assert "Samstein 2019" in texts(at)


def test_few_tumours_are_warned_of(whole: App) -> None:
    at = whole("signatures", gene="ALK", tumor="Head and Neck Cancer")
    assert not at.exception
    told = [*(w.value for w in at.warning), *(i.value for i in at.info)]
    assert any("One group has" in t or "There are not two groups" in t for t in told)


def test_store_without_signatures_says_what_is_missing(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = {k: v for k, v in tables().items() if not k.startswith("signature")}
    publish(without, tmp_path / "simulated")
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path))
    at = app("signatures")
    assert not at.exception
    told = texts(at)
    assert "No tumour of this store was decomposed" in told
    assert "No ICI exome of this store was decomposed" in told
    assert "python -m data build --genome hg19.2bit" in told
    assert "its calls lack an allele" in told and not charts(at)


def test_unknown_values_of_the_address_are_told(whole: App) -> None:
    at = whole("signatures", min_snv="many", signatures="SBS999")
    assert not at.exception
    at.run()
    told = " ".join(w.value for w in at.warning)
    assert "SBS999" in told and "'many'" in told


def test_spectrum_of_one_tumour_stands_over_its_reconstruction(whole: App) -> None:
    at = whole("signatures", gene="ALK")
    assert "Spectrum and reconstruction" in texts(at)
    assert "Mean of " in texts(at) and "made up of " in texts(at)
    box = at.selectbox(key="spectrum_of")
    assert box.options[0] == "all mutant"
    box.set_value(5).run()
    assert not at.exception
    patient = box.options[5].split(",")[0].split(" ", 1)[1]
    assert f"{patient}: " in texts(at) and "Cosine similarity of the two" in texts(at)


def test_patients_split_by_a_signature_have_the_page_too(whole) -> None:
    at = whole("signatures", by="signature")
    assert not at.exception and at.selectbox(key="signature").value
