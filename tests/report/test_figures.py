"""Figures as files: true size on paper, legible type, fonts inside, nothing from outside."""

from __future__ import annotations

import re
import struct
import zlib
from typing import Any
from xml.etree import ElementTree

import pytest

from core.analysis.mutations import protein_map
from core.charts.lollipop import lollipop_figure
from core.charts.theme import PIXELS_PER_POINT, WIDTHS, Look, printed
from core.model import BadFile, BadInput, Filters, Stratifier
from core.report.figures import at_width, check_closed, draw, render
from core.report.fit import fitted, still, unwrapped
from core.report.snapshot import Snapshot
from core.store import Store
from tests.report.pinned import drawings, pinned

NAMES = ("km", "multivariable", "agreement", "lollipop", "volcano", "panel", "heatmap", "nomogram")
MM = 96 / 25.4
LEAST, MOST = 7.0, 9.6
"""Points of type on paper."""


@pytest.fixture(scope="module")
def drawn(small: Store) -> dict[str, Any]:
    return {name: draw for name, (draw, _, _) in drawings(small).items()}


def texts(svg: str) -> list[tuple[str, float]]:
    """Every text that is seen, with its size in pixels of the SVG, but for the watermark."""
    out = []
    for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        if float(element.get("opacity", 1)) > 0.2 and "".join(element.itertext()).strip():
            size = float(element.get("font-size", "0").removesuffix("px"))
            out.append(("".join(element.itertext()), size))
    return out


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [85.0, 180.0])
def test_a_look_of_a_width_is_that_wide_with_legible_type(
    drawn: dict[str, Any], name: str, width: float
) -> None:
    spec = drawn[name](Look(medium="print", width_mm=width)).for_export()
    drawing = draw(spec)
    assert drawing.millimetres[0] == pytest.approx(width, abs=1e-6)
    assert 20 < drawing.millimetres[1] < 240
    sizes = {s * drawing.scale / PIXELS_PER_POINT for _, s in texts(drawing.svg)}
    assert min(sizes) >= LEAST and max(sizes) <= MOST
    assert '"SIMULATED' in drawing.svg or ">SIMULATED<" in drawing.svg


@pytest.mark.parametrize("name", ["km", "multivariable", "lollipop"])
@pytest.mark.parametrize("look", ["print", "projector"])
def test_a_pinned_figure_takes_any_width_afterwards(small: Store, name: str, look: str) -> None:
    spec = pinned(small, name)[0].specs[look]
    drawing = draw(spec, 88)
    assert drawing.millimetres[0] == pytest.approx(88)
    sizes = {s * drawing.scale / PIXELS_PER_POINT for _, s in texts(drawing.svg)}
    assert min(sizes) >= LEAST and max(sizes) <= MOST


@pytest.mark.parametrize("name", NAMES)
def test_no_text_of_a_narrow_figure_is_cut_off(drawn: dict[str, Any], name: str) -> None:
    drawing = draw(drawn[name](Look(medium="print", width_mm=85.0)).for_export())
    for text, left, right in placed(drawing.svg):
        assert left > -3 and right < drawing.width + 3, text


def placed(svg: str) -> list[tuple[str, float, float]]:
    """Level texts with about where they begin and end, from their transforms and anchors."""
    out = []

    def walk(element: ElementTree.Element, x: float, level: bool) -> None:
        transform = element.get("transform", "")
        move = re.search(r"translate\(([-\d.e]+)", transform)
        x += float(move[1]) if move else 0.0
        level = level and "rotate" not in transform
        tag = element.tag.rsplit("}", 1)[-1]
        seen = float(element.get("opacity", 1)) > 0.2
        if tag == "text" and level and seen:
            parts = [t for t in element.itertext() if t.strip()]
            size = float(element.get("font-size", "0").removesuffix("px"))
            wide = max((0.46 * size * len(t) for t in parts), default=0.0)
            anchor = {"middle": 0.5, "end": 1.0}.get(element.get("text-anchor", ""), 0.0)
            out.append((" ".join(parts), x - anchor * wide, x + (1 - anchor) * wide))
        for child in element:
            walk(child, x, level)

    walk(ElementTree.fromstring(svg), 0.0, True)
    return out


def test_pdf_page_is_the_figure_and_holds_its_fonts(snapshots: list[Snapshot]) -> None:
    for width in WIDTHS.values():
        drawing = draw(snapshots[0].specs["print"], width)
        pdf = drawing.to("pdf")
        assert pdf.startswith(b"%PDF-") and pdf.rstrip().endswith(b"%%EOF")
        box = re.search(rb"/MediaBox\s*\[([^\]]+)\]", pdf)
        assert box
        page = [float(v) for v in box[1].split()]
        mm = drawing.millimetres
        assert page == pytest.approx([0, 0, mm[0] * 72 / 25.4, mm[1] * 72 / 25.4], abs=0.01)
        assert b"/FontFile2" in pdf or b"/FontFile3" in pdf
        assert b"LiberationSans" in pdf or b"SourceSans" in pdf or b"Arial" in pdf


def test_pdf_holds_its_words_as_text(snapshots: list[Snapshot]) -> None:
    """Each font states which characters its glyphs are, so that text can be searched and copied."""
    pdf = render(snapshots[0].specs["print"], "pdf", 88)
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.S)
    opened = b"".join(_inflated(s) for s in streams) + pdf
    known = {int(h, 16) for h in re.findall(rb"<[0-9A-Fa-f]+> <([0-9A-Fa-f]{4})>", opened)}
    assert {ord(c) for c in "SIMULATED"} <= known


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def test_png_has_the_pixels_of_its_size_at_300_dots_an_inch(snapshots: list[Snapshot]) -> None:
    drawing = draw(snapshots[0].specs["print"], 88)
    png = drawing.to("png")
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    pixels = struct.unpack(">II", png[16:24])
    assert pixels == pytest.approx([mm / 25.4 * 300 for mm in drawing.millimetres], abs=1.5)
    at = png.index(b"pHYs")
    assert struct.unpack(">II", png[at + 4 : at + 12]) == (11811, 11811)  # dots a metre


def test_svg_states_millimetres_keeps_text_and_paper_and_is_described(
    snapshots: list[Snapshot],
) -> None:
    svg = render(snapshots[0].specs["print"], "svg", 88).decode()
    root = ElementTree.fromstring(svg)
    assert root.get("width") == "88.000mm"
    assert root.get("role") == "img"
    assert root[0].tag.endswith("desc") and root[0].text == snapshots[0].description
    assert 'fill="white"' in svg or 'fill="#FFFFFF"' in svg
    words = [t for t, _ in texts(svg)]
    assert "At risk" in words and any("ALK mutant" in w for w in words)
    assert "SIMULATED" in "".join(root.itertext())


def test_a_snapshot_that_is_not_simulated_bears_no_mark(small: Store) -> None:
    figure = drawings(small)["km"][1]
    from core.charts.km import km_figure

    svg = render(km_figure(figure, Look(medium="print"), simulated=False).for_export(), "svg")
    assert b"SIMULATED" not in svg


@pytest.mark.parametrize(
    "reach",
    [
        {"data": {"url": "file:///etc/passwd"}},
        {"mark": {"type": "image"}, "data": {"values": [{}]}},
        {"mark": "point", "encoding": {"href": {"value": "javascript:alert(1)"}}},
        {"transform": [{"lookup": "a", "from": {"data": {"url": "x"}, "key": "a"}}]},
    ],
)
def test_a_spec_that_reaches_outside_itself_is_refused(
    snapshots: list[Snapshot], reach: dict[str, Any]
) -> None:
    spec = snapshots[0].specs["print"]
    with pytest.raises(BadFile) as told:
        render({**spec, "layer": [*spec["layer"], reach]}, "svg")
    assert told.value.remedy


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"config": {}},
        {"layer": [{"mark": "nothing"}]},
        {"layer": ["text"]},
        {"config": {"axis": {"labelFontSize": 1e9}, "title": {"subtitleFontSize": 9}}},
    ],
)
def test_a_spec_that_cannot_be_drawn_is_told(
    snapshots: list[Snapshot], broken: dict[str, Any]
) -> None:
    spec = {**snapshots[0].specs["print"], **broken} if broken else {}
    with pytest.raises(BadFile) as told:
        render(spec, "svg", 88)
    assert told.value.remedy


def test_columns_of_data_may_have_any_name() -> None:
    check_closed({"datasets": {"a": [{"url": "x", "href": 1}]}, "data": {"values": [{"url": 1}]}})


@pytest.mark.parametrize("width", [0.0, 10.0, 5000.0, float("nan")])
def test_a_width_that_no_page_has_is_told(snapshots: list[Snapshot], width: float) -> None:
    with pytest.raises(BadInput):
        render(snapshots[0].specs["print"], "svg", width)


def test_free_heights_shrink_with_the_width_and_rows_stay(snapshots: list[Snapshot]) -> None:
    free, rows = snapshots[0].specs["print"], snapshots[1].specs["print"]
    assert at_width(free, 70)["height"] < free["height"]
    assert at_width(rows, 70)["height"] == rows["height"]


def test_texts_break_where_they_do_not_fit(snapshots: list[Snapshot]) -> None:
    spec = at_width(snapshots[0].specs["print"], 70)
    spec["title"] = {"text": "word " * 30, "subtitle": ["a" * 10]}
    title = fitted(spec)["title"]
    assert len(title["text"]) > 2 and title["subtitle"] == ["a" * 10]
    assert fitted({**spec, "width": "container"})["title"] == spec["title"]


def test_lines_that_only_their_length_broke_are_joined() -> None:
    long = "x" * 108
    assert unwrapped([long, "yyy", "Short.", "Build 1"]) == [f"{long} yyy", "Short.", "Build 1"]
    assert unwrapped([long, "Build 1"]) == [long, "Build 1"]


def test_files_hold_nothing_for_a_pointer(snapshots: list[Snapshot]) -> None:
    spec = still(snapshots[0].specs["print"])
    assert "hover" in snapshots[0].specs["print"]["datasets"] and "hover" not in spec["datasets"]
    assert not [one for one in spec["layer"] if "tooltip" in one["encoding"]]
    assert {"curves", "risk"} <= set(spec["datasets"])


def test_slides_have_type_of_twice_the_size() -> None:
    assert printed(300).small == pytest.approx(2 * printed(88).small, rel=1e-3)


def test_a_file_has_no_text_that_is_not_seen(drawn: dict[str, Any]) -> None:
    for name in ("lollipop", "multivariable"):
        svg = draw(drawn[name](Look(medium="print")).for_export()).svg
        hidden = [e for e in ElementTree.fromstring(svg).iter() if e.get("opacity") == "0"]
        assert not [e for e in hidden if e.tag.endswith("text")]


def test_only_what_reaches_beyond_the_scale_is_clipped(small: Store) -> None:
    protein = protein_map(small, Filters(), Stratifier())
    positions = sorted(protein.variants.position.dropna().unique())
    whole, part = (
        draw(
            lollipop_figure(protein, Look(medium="print"), simulated=True, window=w).for_export()
        ).svg
        for w in (None, (positions[1] + 1, positions[-2] - 1))
    )
    assert "clip-path" not in whole and "clip-path" in part
