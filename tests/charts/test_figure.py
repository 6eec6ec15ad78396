"""A figure in a notebook and as a file: what Jupyter shows, what stands on the disk."""

from __future__ import annotations

import base64
from pathlib import Path

import pandas as pd
import pytest

from core.charts.figure import NOTEBOOK_MIME, Figure
from core.charts.theme import DARK, LIGHT, SIZES, Look
from core.charts.view import view
from core.model import BadInput


def figure(look: Look) -> Figure:
    points = {
        "data": {"name": "points"},
        "mark": "point",
        "encoding": {"x": {"field": "x", "type": "quantitative"}},
    }
    spec = view(look, [points], simulated=True)
    return Figure("points", spec, {"points": pd.DataFrame({"x": [1.0, None, 3.0]})}, "Two points.")


def test_jupyter_gets_the_spec_an_image_and_words() -> None:
    shown = figure(Look())._repr_mimebundle_()
    assert shown["text/plain"] == "Two points."
    assert base64.b64decode(shown["image/png"])[:8] == b"\x89PNG\r\n\x1a\n"
    spec = shown[NOTEBOOK_MIME]
    assert spec["datasets"]["points"] == [{"x": 1.0}, {"x": None}, {"x": 3.0}]
    assert spec["width"] == SIZES["screen"].width, "a notebook lends no width"
    assert "SIMULATED" in str(spec)


@pytest.mark.parametrize(
    ("look", "paper"),
    [(Look(), LIGHT.paper), (Look(dark=True), DARK.paper), (Look(medium="print"), LIGHT.paper)],
)
def test_the_paper_fits_the_ink(look: Look, paper: str) -> None:
    shown = figure(look)
    assert shown.standing_alone()["config"]["background"] == paper
    assert shown.spec["config"]["background"] in ("transparent", paper), "the screen's is kept"


@pytest.mark.parametrize(("name", "lead"), [("a.svg", b"<svg"), ("a.PDF", b"%PDF")])
def test_save_writes_what_the_extension_says(tmp_path: Path, name: str, lead: bytes) -> None:
    path = figure(Look(medium="print")).save(tmp_path / name)
    assert path.read_bytes().startswith(lead)


def test_save_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="format") as told:
        figure(Look()).save(tmp_path / "a.jpg")
    assert told.value.found == ".jpg" and "a.pdf" in told.value.remedy
    with pytest.raises(BadInput, match="folder"):
        figure(Look()).save(tmp_path / "gone" / "a.pdf")
