"""The deck: a slide a figure that PowerPoint opens, whose words stand in native shapes."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pptx import Presentation
from pptx.util import Inches

from core.model import BadInput
from core.report.captions import MARK, number_text
from core.report.deck import MOST_COLUMNS, MOST_ROWS, deck
from core.report.snapshot import Snapshot
from core.store import Store
from tests.report.pinned import ATTACK, attacked

NOTE = "Ask about melanoma only.\nSecond line."


@pytest.fixture(scope="module")
def slides(snapshots: list[Snapshot], small: Store) -> list[Any]:
    noted = [snapshots[0].noted(NOTE), *snapshots[1:]]
    made = Presentation(io.BytesIO(deck(noted, small, title="Lab meeting")))
    assert (made.slide_width, made.slide_height) == (Inches(13.333), Inches(7.5))
    return list(made.slides)


def words(slide: Any) -> str:
    return "\n".join(s.text_frame.text for s in slide.shapes if s.has_text_frame)


def pictures(slide: Any) -> list[Any]:
    return [s for s in slide.shapes if s.shape_type is not None and "PICTURE" in str(s.shape_type)]


def test_a_slide_a_figure_between_cover_and_sources(
    slides: list[Any], snapshots: list[Snapshot]
) -> None:
    assert slides[0].shapes.title.text == "Lab meeting"
    shown = [s.shapes.title.text for s in slides[1 : len(snapshots) + 1]]
    assert shown == [s.title for s in snapshots]
    rest = slides[len(snapshots) + 1 :]
    assert rest and all(s.shapes.title.text.startswith("Methods and sources") for s in rest)
    listed = "\n".join(words(s) for s in rest)
    assert "Kaplan, E. L." in listed and "Melanoma 2017, Journal 1:1" in listed


def test_every_slide_is_marked_as_simulated(slides: list[Any]) -> None:
    assert all(MARK in words(s) for s in slides)


def test_figures_are_described_pictures_within_the_slide(
    slides: list[Any], snapshots: list[Snapshot]
) -> None:
    for slide, one in zip(slides[1:], snapshots, strict=False):
        (picture,) = pictures(slide)
        assert picture._element.nvPicPr.cNvPr.get("descr") == f"{MARK}. {one.description}"
        assert picture.left >= 0 and picture.left + picture.width <= Inches(13.333)
        assert picture.top + picture.height <= Inches(7.0)
        pixels = picture.image.size
        assert pixels[0] / (picture.width / Inches(1)) >= 149  # dots an inch on the slide
        ratio = picture.width / picture.height
        assert pixels[0] / pixels[1] == pytest.approx(ratio, rel=0.01)


def test_captions_numbers_notes_and_provenance_are_native(
    slides: list[Any], snapshots: list[Snapshot]
) -> None:
    for slide, one in zip(slides[1:], snapshots, strict=False):
        assert one.sentence in words(slide)
        assert one.provenance in words(slide)
        told = slide.notes_slide.notes_text_frame.text
        assert one.methods in told and one.address in told
        assert all(w in told for w in one.warnings)
        tables = [s.table for s in slide.shapes if s.has_table]
        assert len(tables) == int(0 < len(one.numbers) <= MOST_ROWS)
        for table in tables:
            assert len(table.rows) == len(one.numbers) + 1
            assert len(table.columns) <= MOST_COLUMNS
    assert NOTE.splitlines()[0] in words(slides[1])
    first = next(s.table for s in slides[1].shapes if s.has_table)
    printed = {c.text for r in first.rows for c in r.cells}
    assert number_text(snapshots[0].numbers.hazard_ratio.iloc[0]) in printed


def test_nothing_of_a_slide_covers_the_figure(slides: list[Any], snapshots: list[Snapshot]) -> None:
    for slide in slides[1 : len(snapshots) + 1]:
        (picture,) = pictures(slide)
        for other in slide.shapes:
            if other.shape_id == picture.shape_id:
                continue
            apart = (
                other.left >= picture.left + picture.width
                or other.top >= picture.top + picture.height
                or other.top + other.height <= picture.top
            )
            assert apart, other.name


def test_hostile_text_is_text(snapshots: list[Snapshot]) -> None:
    made = Presentation(io.BytesIO(deck([attacked(snapshots[0])])))
    assert made.slides[1].shapes.title.text == ATTACK
    assert "\x0b" not in made.slides[1].notes_slide.notes_text_frame.text


def test_an_empty_set_is_told() -> None:
    with pytest.raises(BadInput) as told:
        deck([])
    assert told.value.remedy
