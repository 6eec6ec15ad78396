"""Colours: legible on both papers, the same in the figures and in Streamlit's theme."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from core.charts.theme import DARK, LIGHT, Look, Palette, contrast

AA_TEXT = 4.5
CONFIG = Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml"


def test_contrast_is_wcags() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.005)
    assert contrast("#123456", "#123456") == 1


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_every_colour_of_text_is_legible(palette: Palette) -> None:
    colors = {
        "ink": palette.ink,
        "muted": palette.muted,
        "mutant": palette.mutant,
        "wild type": palette.wild_type,
        "not profiled": palette.not_profiled,
        "warning": palette.warning,
        **{f"further {i}": c for i, c in enumerate(palette.further)},
    }
    pale = {name: c for name, c in colors.items() if contrast(c, palette.paper) < AA_TEXT}
    assert not pale


@pytest.mark.parametrize(("name", "palette"), [("light", LIGHT), ("dark", DARK)])
def test_pages_and_figures_share_paper_and_ink(name: str, palette: Palette) -> None:
    theme = tomllib.loads(CONFIG.read_text(encoding="utf-8"))["theme"][name]
    assert theme["backgroundColor"] == palette.paper
    assert theme["textColor"] == palette.ink
    for background in (theme["secondaryBackgroundColor"], theme["sidebar"]["backgroundColor"]):
        assert contrast(theme["textColor"], background) >= AA_TEXT
        assert contrast(theme["primaryColor"], background) >= AA_TEXT


def test_a_state_has_its_colour_whichever_groups_stand_beside_it() -> None:
    look = Look()
    assert look.colors(("mutant",)) == [LIGHT.mutant]
    assert look.colors(("wild type", "mutant")) == [LIGHT.wild_type, LIGHT.mutant]
    assert look.colors(("not profiled", "mutant")) == [LIGHT.not_profiled, LIGHT.mutant]
    five = look.colors(("a", "b", "c", "d", "e"))
    assert len(set(five)) == 5
