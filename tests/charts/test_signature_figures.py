"""The signatures page's figures: what is drawn is what was counted, and SIMULATED is marked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.analysis.signatures import SignatureFrequency, compare_frequencies
from core.analysis.spectra import GroupSpectra
from core.charts import signatures as shown
from core.charts.spectrum import spectrum_figure
from core.charts.theme import Look
from core.report.figures import render
from core.stats.sbs96 import CHANNELS
from tests.analysis.test_signatures import planted


@pytest.fixture(scope="module")
def compared() -> SignatureFrequency:
    return compare_frequencies(*planted(1500), {"SBS4": "Tobacco smoking"})


@pytest.fixture(scope="module")
def spectra() -> GroupSpectra:
    up, down = np.arange(1.0, 97), np.ones(96)
    parts = [("wild type", down / 96), ("mutant", up / up.sum())]
    table = pd.concat(
        [pd.DataFrame({"group": g, "channel": CHANNELS, "share": s}) for g, s in parts]
    )
    tumours = pd.DataFrame({"group": ["wild type", "mutant"], "n": [30, 9], "n_snv": [900, 400]})
    order = ("wild type", "mutant")
    return GroupSpectra("ALK", "tcga", order, table, tumours, 0.87, "TCGA", ())


def test_points_are_the_shares_of_the_rows_shown(compared: SignatureFrequency) -> None:
    figure = shown.frequency_figure(compared, simulated=False, chosen=("SBS4", "SBS7a"))
    points = figure.data["points"]
    assert len(points) == 4 and set(points.label) == {"SBS4  Tobacco smoking", "SBS7a  Unknown"}
    row = compared.table.set_index("signature").loc["SBS4"]
    own = points[points.label.str.startswith("SBS4 ")].set_index("group").share
    assert own["ALK mutant"] == row.mutant_share and own["wild type"] == row.wild_type_share
    assert f"({row.mutant}/{row.n_mutant}" in figure.description.replace(",", "")


def test_counts_by_bin_are_drawn_for_one_signature(compared: SignatureFrequency) -> None:
    points = shown.count_figure(compared, "SBS4", simulated=False).data["points"]
    assert set(points.signature) == {"SBS4"} and set(points.group) == {"ALK mutant", "wild type"}
    assert points.n.sum() == compared.by_count[compared.by_count.signature == "SBS4"].n.sum()


def test_odds_are_the_adjusted_ones_beside_the_raw(compared: SignatureFrequency) -> None:
    rows = shown.odds_figure(compared, simulated=False).data["rows"].set_index("label")
    table = compared.table.set_index("signature")
    assert rows.hazard_ratio["SBS4"] == table.adjusted_odds_ratio["SBS4"]
    assert rows.second_hazard_ratio["SBS4"] == table.odds_ratio["SBS4"]


def test_mutant_bars_go_up_and_reference_bars_down(spectra: GroupSpectra) -> None:
    figure = spectrum_figure(spectra, simulated=False)
    bars = figure.data["bars"]
    assert (bars.signed[bars.group == "mutant"] > 0).all()
    assert (bars.signed[bars.group == "wild type"] < 0).all()
    assert bars.signed.abs().tolist() == bars.share.tolist()
    last = bars[(bars.group == "mutant") & (bars.channel == "T[T>G]T")].iloc[0]
    assert 95 < last.start < last.end < 96 and last.substitution == "T>G"
    assert "T[T>G]T 2.1%" in figure.description


@pytest.mark.parametrize("medium", ["screen", "print"])
@pytest.mark.parametrize("simulated", [True, False])
def test_simulated_is_marked_and_it_exports(
    compared: SignatureFrequency, spectra: GroupSpectra, medium: str, simulated: bool
) -> None:
    look = Look(medium=medium)  # type: ignore[arg-type]
    for figure in (
        shown.frequency_figure(compared, look, simulated=simulated, heading=("Title",)),
        shown.count_figure(compared, "SBS4", look, simulated=simulated, heading=("Title",)),
        shown.odds_figure(compared, look, simulated=simulated, heading=("Title",)),
        spectrum_figure(spectra, look, simulated=simulated, heading=("Title",)),
    ):
        assert ("SIMULATED" in str(figure.spec)) is simulated
        if medium == "print":
            drawn = render(figure.for_export(), "svg").decode()
            assert "Title" in drawn and ("SIMULATED" in drawn) is simulated


def test_answer_counts_before_and_after(compared: SignatureFrequency) -> None:
    words = shown.answer(compared)
    assert words.startswith("Of 4 signatures, 2 differ in frequency")
    assert words.endswith("still do: SBS7a.")
