"""Colours: legible on both papers, the same in the figures and in Streamlit's theme."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from core.charts.theme import (
    DARK,
    LIGHT,
    PALETTES,
    PIXELS_PER_MM,
    PIXELS_PER_POINT,
    SCHEMES,
    WIDTHS,
    Look,
    Palette,
    contrast,
    printed,
)
from core.model import BadInput

AA_TEXT, AAA_TEXT = 4.5, 7.0
CONFIG = Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml"


def test_contrast_is_wcags() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.005)
    assert contrast("#123456", "#123456") == 1


EVERY = [
    pytest.param(scheme, palette, id=f"{scheme}-{name}")
    for scheme in SCHEMES
    for name, palette in zip(("light", "dark"), PALETTES[scheme], strict=True)
]


@pytest.mark.parametrize(("scheme", "palette"), EVERY)
def test_every_colour_of_text_is_legible(scheme: str, palette: Palette) -> None:
    colors = {
        "ink": palette.ink,
        "muted": palette.muted,
        "mutant": palette.mutant,
        "wild type": palette.wild_type,
        "not profiled": palette.not_profiled,
        "warning": palette.warning,
        **{f"further {i}": c for i, c in enumerate(palette.further)},
    }
    least = AAA_TEXT if scheme == "high contrast" else AA_TEXT
    pale = {name: c for name, c in colors.items() if contrast(c, palette.paper) < least}
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


# -- colour blindness ------------------------------------------------------------------

SIMULATED_SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]]
    ),
}  # fmt: skip
"""On linear RGB, severity 1.0 (Machado, Oliveira and Fernandes 2009, IEEE TVCG 15:1291)."""

APART = 18.0
"""CIE 1976 difference that two groups of one figure keep under every sight."""


def lab(color: str, sight: str) -> np.ndarray:
    """CIE L*a*b* (D65) of a colour as it is seen."""
    srgb = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(SIMULATED_SIGHT[sight] @ linear, 0, 1)
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
         [0.0193339, 0.1191920, 0.9503041]]
    )  # fmt: skip
    xyz = to_xyz @ seen / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(one: str, other: str, sight: str) -> float:
    return float(np.linalg.norm(lab(one, sight) - lab(other, sight)))


def test_differences_are_those_of_cie() -> None:
    assert difference("#000000", "#FFFFFF", "normal") == pytest.approx(100, abs=0.01)
    # red and green of equal lightness, told apart by most and hardly by a deuteranope
    assert difference("#C04000", "#607000", "normal") > 3 * difference(
        "#C04000", "#607000", "deuteranopia"
    )


@pytest.mark.parametrize("sight", SIMULATED_SIGHT)
@pytest.mark.parametrize(("scheme", "palette"), EVERY)
def test_groups_stay_apart_for_every_sight(scheme: str, palette: Palette, sight: str) -> None:
    groups = (palette.mutant, palette.wild_type, palette.not_profiled)
    found = {(a, b): difference(a, b, sight) for i, a in enumerate(groups) for b in groups[i + 1 :]}
    assert difference(palette.mutant, palette.wild_type, sight) > 2 * APART
    assert min(found.values()) > APART, found


@pytest.mark.parametrize("dark", [False, True])
def test_greys_have_no_hue_and_curves_get_dashes(dark: bool) -> None:
    look = Look(dark, scheme="grey")
    for color in (*look.colors(("a", "b", "c", "d")), look.palette.warning, look.palette.ink):
        assert len({color[i : i + 2] for i in (1, 3, 5)}) == 1
    dashes = look.dash(4)
    assert dashes and len({tuple(d) for d in dashes}) == 4
    assert Look(dark).dash(4) is None


# -- sizes on paper --------------------------------------------------------------------


def test_a_look_of_old_stays_as_it_was() -> None:
    look = Look(True, "projector")
    assert (look.palette, look.sizes.width, look.fixed) == (DARK, 1280, False)
    assert Look().frame() == {
        "width": "container", "autosize": {"type": "fit-x", "contains": "padding"},
    }  # fmt: skip
    assert Look(medium="print").frame(1.35) == {
        "width": 520 * 1.35, "autosize": {"type": "pad", "contains": "padding"},
    }  # fmt: skip
    assert Look(width_mm=85).frame()["width"] == "container"


@pytest.mark.parametrize("width", WIDTHS.values())
def test_a_width_on_paper_has_type_in_points(width: float) -> None:
    sizes = printed(width)
    points = [v / PIXELS_PER_POINT for v in (sizes.small, sizes.text, sizes.title)]
    scale = 2 if width > 220 else 1
    assert points == pytest.approx([8 * scale, 8.5 * scale, 9.5 * scale], abs=0.01)
    frame = Look(medium="print", width_mm=width).frame(1.35, 100)
    assert frame["width"] == pytest.approx(width * PIXELS_PER_MM, abs=0.5)
    assert frame["usermeta"] == {"width_mm": width, "elastic": 100}
    assert frame["autosize"]["type"] == "fit-x"


@pytest.mark.parametrize("width", [-1.0, 0.0, 59.0, 601.0, float("nan")])
def test_no_page_has_such_a_width(width: float) -> None:
    with pytest.raises(BadInput):
        printed(width)
