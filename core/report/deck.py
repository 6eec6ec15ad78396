"""Pinned figures as a PowerPoint deck that can be edited: titles, captions and tables are native.

A slide a figure, 16:9; the figure is a picture of high resolution with its description as
alternative text. Warnings, methods and the way back to the figure stand in the notes.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.presentation import Presentation as Deck
from pptx.util import Emu, Inches, Length, Pt

from core.charts.theme import FONT, LIGHT, PIXELS_PER_POINT
from core.model import BadInput
from core.report.captions import MARK, main_numbers
from core.report.figures import UNPRINTABLE, Drawing, at_width, draw, small_letters, untitled
from core.report.methods import Methods, methods
from core.report.snapshot import Snapshot
from core.store import Store

MIME = "application/vnd.openxmlformats-officedocument.presentationml.presentation"

WIDTH, HEIGHT, MARGIN = Inches(13.333), Inches(7.5), Inches(0.5)
TOP, FOOT = Inches(1.72), Inches(6.98)
"""Of the figure's area: below the caption, above the footer."""

TABLE_WIDTH = Inches(4.3)
MOST_ROWS, MOST_COLUMNS = 8, 5
"""Of a native table; a longer one stays out of the slide."""

DOTS_PER_INCH = 150
POINTS = 14.0
"""Size of a figure's small type on the slide, where its height allows."""

TYPEFACE = FONT.split(", ")[2]
"""The one of the figures' fonts that every office machine has."""

AROUND, FREE_AROUND = 9.0, 14.0
"""Height of what stands above and below a figure's area, in its small letters; one whose height is
free may have numbers at risk beneath it."""

LINES, LETTERS = 27, 150
"""Of a slide of text at 12 points."""


def deck(
    snapshots: Sequence[Snapshot],
    store: Store | None = None,
    *,
    title: str = "Pinned figures",
) -> bytes:
    """The deck as a .pptx file: title, a slide a figure, methods and sources.

    Raises BadInput where nothing is pinned.
    """
    if not snapshots:
        raise BadInput(
            "There is no figure for a deck.",
            expected="at least one pinned figure",
            found="none",
            remedy="Pin a figure first.",
        )
    made = methods(snapshots, store)
    slides = Presentation()
    slides.slide_width, slides.slide_height = WIDTH, HEIGHT
    _prepare(slides)
    _cover(slides, snapshots, title, made.simulated)
    for number, snapshot in enumerate(snapshots, 1):
        _slide(slides, number, snapshot, _picture(snapshot))
    _sources(slides, made)
    slides.core_properties.title = _clean(f"{MARK}: {title}" if made.simulated else title)
    slides.core_properties.author = "ICI Explorer"
    out = io.BytesIO()
    slides.save(out)
    return out.getvalue()


# -- slides ----------------------------------------------------------------------------


def _prepare(slides: Deck) -> None:
    """Place the title of the layouts used for 16:9, where a new slide inherits it."""
    for layout, top, tall, size in ((0, 2.2, 1.5, 40), (5, 0.3, 0.75, 26)):
        for shape in list(slides.slide_layouts[layout].placeholders):
            kind = shape.placeholder_format.type
            if shape.placeholder_format.idx == 0:
                _place(shape, MARGIN, Inches(top), WIDTH - 2 * MARGIN, Inches(tall))
                frame = shape.text_frame
                frame.vertical_anchor = MSO_ANCHOR.MIDDLE
                frame.paragraphs[0].alignment = PP_ALIGN.LEFT
                frame.paragraphs[0].font.size = Pt(size)
            elif layout == 0 and shape.placeholder_format.idx == 1:
                _place(shape, MARGIN, Inches(3.8), WIDTH - 2 * MARGIN, Inches(2.2))
            elif kind is not None:
                shape.element.getparent().remove(shape.element)


def _cover(slides: Deck, snapshots: Sequence[Snapshot], title: str, simulated: bool) -> None:
    slide = slides.slides.add_slide(slides.slide_layouts[0])
    _title(slide, title, 40)
    figures = f"{len(snapshots)} figure{'s' if len(snapshots) > 1 else ''}"
    lines = [figures, *dict.fromkeys(s.provenance for s in snapshots)]
    body = slide.placeholders[1].text_frame
    for i, line in enumerate(lines[:4]):
        paragraph = body.paragraphs[0] if i == 0 else body.add_paragraph()
        paragraph.text = _clean(line)
        paragraph.alignment = PP_ALIGN.LEFT
        _font(paragraph, 16, LIGHT.muted)
    if simulated:
        _mark(slide)


def _slide(slides: Deck, number: int, snapshot: Snapshot, drawn: _Picture) -> None:
    slide = slides.slides.add_slide(slides.slide_layouts[5])
    _title(slide, snapshot.title, 26)
    width = WIDTH - 2 * MARGIN
    caption = f"Figure {number}. {snapshot.sentence}"
    _text(slide, caption, MARGIN, Inches(1.0), width, Inches(0.62), 13, LIGHT.ink)
    if snapshot.note:
        top = FOOT - _note_height(snapshot)
        _text(slide, snapshot.note, MARGIN, top, width, FOOT - top, 13, LIGHT.wild_type,
              italic=True)  # fmt: skip
    picture = slide.shapes.add_picture(
        io.BytesIO(drawn.png), MARGIN, TOP, Emu(drawn.width), Emu(drawn.height)
    )
    alt = f"{MARK}. {snapshot.description}" if snapshot.simulated else snapshot.description
    properties = picture._element.nvPicPr.cNvPr
    properties.set("descr", _clean(alt))
    properties.set("name", _clean(f"Figure {number}"))
    if (table := _numbers(snapshot)) is not None:
        _table(slide, table, WIDTH - MARGIN - TABLE_WIDTH, snapshot.simulated)
    footer = f"{number}  {snapshot.provenance}"
    _text(slide, footer, MARGIN, Inches(7.06), width, Inches(0.3), 10, LIGHT.muted)
    if snapshot.simulated:
        _mark(slide)
    slide.notes_slide.notes_text_frame.text = _clean(_notes(snapshot))


@dataclass(frozen=True)
class _Picture:
    """A figure as a picture: PNG, and the width and height it has on the slide."""

    png: bytes
    width: int
    height: int


def _picture(snapshot: Snapshot) -> _Picture:
    """The figure drawn for the room that its slide leaves."""
    wide, high = _room(snapshot)
    drawing = _drawing(untitled(snapshot.specs["projector"]), wide / Inches(1), high / Inches(1))
    size = [Inches(mm / 25.4) for mm in drawing.millimetres]
    shrink = min(1.0, wide / size[0], high / size[1])
    png = drawing.to("png", DOTS_PER_INCH)
    return _Picture(png, int(size[0] * shrink), int(size[1] * shrink))


def _drawing(spec: dict[str, Any], wide: float, high: float) -> Drawing:
    """``spec`` laid out for a room in inches: lower where its height is free, with smaller type
    where it is made of rows."""
    fixed = at_width(spec, wide * 25.4, POINTS)
    letters = small_letters(spec)
    scale = POINTS * PIXELS_PER_POINT / letters
    free = spec.get("height") == (spec.get("usermeta") or {}).get("elastic")
    around = (FREE_AROUND if free else AROUND) * letters
    room, needed = high * 96 / scale, float(fixed.get("height") or 0) + around
    if needed <= room:
        return draw(fixed)
    if free:
        return draw({**fixed, "height": round(max(room - around, 0.45 * room))})
    return draw(spec, wide * 25.4, max(POINTS * room / needed, 7.0))


def _numbers(snapshot: Snapshot) -> pd.DataFrame | None:
    return main_numbers(snapshot, MOST_ROWS, MOST_COLUMNS)


def _note_height(snapshot: Snapshot) -> int:
    """Of the researcher's note, at most four lines; 0 without one."""
    if not snapshot.note:
        return 0
    lines = sum(max(1, -(-len(x) // 130)) for x in snapshot.note.splitlines())
    return Inches(0.1 + 0.23 * min(4, lines))


def _room(snapshot: Snapshot) -> tuple[int, int]:
    """Width and height that a slide leaves its figure."""
    beside = TABLE_WIDTH + Inches(0.25) if _numbers(snapshot) is not None else 0
    return WIDTH - 2 * MARGIN - beside, FOOT - TOP - _note_height(snapshot)


def _notes(snapshot: Snapshot) -> str:
    parts = [MARK] if snapshot.simulated else []
    parts += [snapshot.note] if snapshot.note else []
    parts += [f"Warning: {w}" for w in snapshot.warnings]
    parts += [f"Methods: {snapshot.methods}"] if snapshot.methods else []
    parts += [f"The figure: {snapshot.description}", f"In the app: {snapshot.address}"]
    return "\n\n".join([*parts, snapshot.provenance])


def _sources(slides: Deck, made: Methods) -> None:
    """Methods and sources, on as many slides as their text needs."""
    texts = [f"{head}. {text}" for head, text in made.paragraphs.items() if text]
    texts += ["References", *(f"{i}. {line}" for i, line in enumerate(made.listed, 1))]
    pages: list[list[str]] = [[]]
    free = LINES
    for text in (piece for t in texts for piece in textwrap.wrap(t, LETTERS * (LINES - 1))):
        lines = max(1, -(-len(text) // LETTERS))
        if lines > free and pages[-1]:
            pages.append([])
            free = LINES
        pages[-1].append(text)
        free -= lines
    for i, page in enumerate(pages, 1):
        slide = slides.slides.add_slide(slides.slide_layouts[5])
        count = f" ({i} of {len(pages)})" if len(pages) > 1 else ""
        _title(slide, f"Methods and sources{count}", 26)
        width = WIDTH - 2 * MARGIN
        _text(slide, "\n".join(page), MARGIN, Inches(1.1), width, Inches(6.0), 12, LIGHT.ink)
        slide.notes_slide.notes_text_frame.text = _clean("\n\n".join(page))
        if made.simulated:
            _mark(slide)


# -- parts of a slide ------------------------------------------------------------------


def _title(slide: Any, text: str, size: float) -> None:
    shown = textwrap.shorten(_clean(text), 180, placeholder="…")
    slide.shapes.title.text = shown
    slide.shapes.title.text_frame.margin_left = 0
    # a long title takes two smaller lines
    paragraph = slide.shapes.title.text_frame.paragraphs[0]
    _font(paragraph, size if len(shown) < 80 else 0.72 * size, LIGHT.ink, bold=True)
    paragraph.alignment = PP_ALIGN.LEFT


def _mark(slide: Any) -> None:
    wide = Inches(2.4)
    box = _text(slide, MARK, WIDTH - wide, 0, wide, Inches(0.34), 14, "#FFFFFF", bold=True)
    box.fill.solid()
    box.fill.fore_color.rgb = _rgb(LIGHT.warning)
    box.text_frame.paragraphs[0].alignment = PP_ALIGN.CENTER
    box.name = "Simulated"


def _text(
    slide: Any,
    text: str,
    left: float,
    top: float,
    width: float,
    height: float,
    size: float,
    color: str,
    *,
    bold: bool = False,
    italic: bool = False,
) -> Any:
    box = slide.shapes.add_textbox(*(Emu(int(v)) for v in (left, top, width, height)))
    frame = box.text_frame
    frame.word_wrap = True
    frame.margin_left = frame.margin_right = 0
    frame.text = _clean(text)
    for paragraph in frame.paragraphs:
        _font(paragraph, size, color, bold=bold, italic=italic)
    return box


def _table(slide: Any, table: pd.DataFrame, left: float, simulated: bool) -> None:
    rows = [[str(c) for c in table.columns], *(list(map(str, r)) for r in table.to_numpy())]
    shape = slide.shapes.add_table(
        len(rows), len(table.columns), Emu(int(left)), TOP, TABLE_WIDTH,
        Emu(int(Inches(0.3) * len(rows))),
    )  # fmt: skip
    shape.name = "SIMULATED numbers" if simulated else "Numbers"
    shares = _shares(rows)
    for column, share in zip(shape.table.columns, shares, strict=True):
        column.width = Emu(int(TABLE_WIDTH * share))
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            cell = shape.table.cell(i, j)
            cell.text = _clean(value)
            cell.margin_left = cell.margin_right = Inches(0.05)
            cell.margin_top = cell.margin_bottom = Inches(0.03)
            _font(cell.text_frame.paragraphs[0], 10, "#FFFFFF" if i == 0 else LIGHT.ink,
                  bold=i == 0)  # fmt: skip
            cell.fill.solid()
            cell.fill.fore_color.rgb = _rgb(LIGHT.muted if i == 0 else LIGHT.paper)


def _shares(rows: list[list[str]]) -> list[float]:
    """Each column's share of the width, by its longest word or value up to 22 letters."""
    longest = [min(max(len(row[j]) for row in rows), 22) + 2 for j in range(len(rows[0]))]
    return [n / sum(longest) for n in longest]


def _font(
    paragraph: Any, size: float, color: str, *, bold: bool = False, italic: bool = False
) -> None:
    for run in paragraph.runs or [paragraph]:
        font = run.font
        font.size, font.name = Pt(int(size)), TYPEFACE
        font.bold, font.italic = bold, italic
        font.color.rgb = _rgb(color)


def _place(shape: Any, left: Length, top: Length, width: float, height: Length) -> None:
    shape.left, shape.top, shape.width, shape.height = left, top, Emu(int(width)), height


def _rgb(color: str) -> RGBColor:
    return RGBColor.from_string(color.removeprefix("#"))


def _clean(text: str) -> str:
    """``text`` without characters that no XML may hold."""
    return UNPRINTABLE.sub("�", text)
