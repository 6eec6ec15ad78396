"""A figure as a file: SVG, PDF or PNG, made without a network and without a browser.

A pixel of a figure is 1/96 inch of paper. SVG states its size in millimetres and keeps text as
text, in the fonts that theme.FONT lists (so that it can be edited; where none of them is on the
reader's machine another is taken). PDF has the page of exactly the figure and its fonts embedded;
PNG has 300 dots an inch.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any, Literal

import vl_convert

from core.charts.theme import PIXELS_PER_MM, PIXELS_PER_POINT, printed
from core.model import BadFile
from core.report.fit import fitted, still

Format = Literal["svg", "pdf", "png"]

VEGA_LITE = "6.4"
"""The Vega-Lite version that reads the specs of core.charts."""

DOTS_PER_INCH = 300
"""Of a PNG on paper."""

FORMATS: tuple[Format, ...] = ("svg", "pdf", "png")

MIME = {"svg": "image/svg+xml", "pdf": "application/pdf", "png": "image/png"}

FORBIDDEN = frozenset({"url", "href", "image", "src"})
"""Keys and marks by which a spec would read a file, the network, or link elsewhere."""

LEAST_HEIGHT = 0.7
"""Share of its height that a figure without rows keeps where it becomes narrow."""


TITLE, AXIS_TITLE = 9.5 / 8, 8.5 / 8
"""Size of titles in the small type of print."""


@dataclass(frozen=True)
class Drawing:
    """A figure drawn once: its SVG text in pixels, and their size on paper.

    width, height: of the SVG, in its own pixels; scale: 1/96 inch of paper for each of them.
    """

    svg: str
    width: float
    height: float
    scale: float

    @property
    def millimetres(self) -> tuple[float, float]:
        """Width and height on paper."""
        pixels = self.scale / PIXELS_PER_MM
        return self.width * pixels, self.height * pixels

    def to(self, kind: Format, dots_per_inch: float = DOTS_PER_INCH) -> bytes:
        """The file of ``kind``; ``dots_per_inch`` is of a PNG."""
        if kind == "svg":
            wide, tall = (f"{v:.3f}mm" for v in self.millimetres)
            return self._sized(wide, tall).encode("utf-8")
        if kind == "pdf":
            # the converter takes a pixel for a point
            wide, tall = (f"{v * self.scale / PIXELS_PER_POINT:.4f}" for v in self._size)
            document: bytes = vl_convert.svg_to_pdf(self._sized(wide, tall))
            return document
        # ppi multiplies by ppi / 72 and is written into the file
        image: bytes = vl_convert.svg_to_png(
            self.svg, scale=self.scale * 72 / 96, ppi=dots_per_inch
        )
        return image

    @property
    def _size(self) -> tuple[float, float]:
        return self.width, self.height

    def _sized(self, width: str, height: str) -> str:
        return _SIZE.sub(f'width="{width}" height="{height}"', self.svg, count=1)


UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_HIDDEN = re.compile(r'<text\b[^>]* opacity="0"[^>]*>[^<]*</text>')
"""Text of another width or zoom: unseen in a file, in the way of its editor, slow to draw."""
_SIZE = re.compile(r'width="([\d.]+)" height="([\d.]+)"')


def render(spec: dict[str, Any], kind: Format, width_mm: float | None = None) -> bytes:
    """``spec`` (plain JSON values, data inside) drawn as a file of ``kind``.

    ``width_mm``: the whole figure's width on paper, whatever medium the spec was made for; None
    keeps the size of the spec. Raises BadFile for a spec that reaches outside itself.
    """
    return draw(spec, width_mm).to(kind)


def draw(
    spec: dict[str, Any], width_mm: float | None = None, points: float | None = None
) -> Drawing:
    """``spec`` drawn as SVG; see :func:`render` and, for ``points``, :func:`at_width`."""
    check_closed(spec)
    if width_mm is not None:
        spec = at_width(spec, width_mm, points)
    wide_mm = (spec.get("usermeta") or {}).get("width_mm")
    try:
        plain = still(fitted(spec))
        svg: str = vl_convert.vegalite_to_svg(plain, vl_version=VEGA_LITE, allowed_base_urls=[])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _undrawable(str(error)[:200]) from error
    svg = _HIDDEN.sub("", svg)
    if words := spec.get("description"):
        # one description of the whole, which screen readers and editors find
        svg = svg.replace(">", f' role="img"><desc>{html.escape(_printable(words))}</desc>', 1)
    found = _SIZE.search(svg)
    if found is None:
        raise _undrawable("a drawing without a size")
    width, height = float(found[1]), float(found[2])
    return Drawing(svg, width, height, wide_mm * PIXELS_PER_MM / width if wide_mm else 1.0)


def _undrawable(found: str) -> BadFile:
    return BadFile(
        "A figure could not be drawn.",
        expected="a figure that this program has made",
        found=found,
        remedy="Pin the figure again, or choose another file.",
    )


def small_letters(spec: dict[str, Any]) -> float:
    """Pixels of the small type that ``spec`` was made with. Raises BadFile where it has none."""
    try:
        letters = float(spec["config"]["axis"]["labelFontSize"])
        float(spec["config"]["title"]["subtitleFontSize"])
    except (KeyError, TypeError, ValueError) as error:
        raise _undrawable("a figure without sizes of its type") from error
    if not 1 <= letters <= 200:
        raise _undrawable(f"type of {letters:g} pixels")
    return letters


def _printable(text: str) -> str:
    """``text`` without characters that no XML may hold."""
    return UNPRINTABLE.sub("�", text)


def untitled(spec: dict[str, Any]) -> dict[str, Any]:
    """``spec`` without its title, for where the title stands beside the figure."""
    return {k: v for k, v in spec.items() if k != "title"}


def at_width(spec: dict[str, Any], width_mm: float, points: float | None = None) -> dict[str, Any]:
    """``spec`` laid out anew, so that at ``width_mm`` its small type has ``points``; by default
    those that :func:`core.charts.theme.printed` states for that width.

    A figure whose height is free becomes lower where it becomes narrower; one made of rows keeps
    its rows.
    """
    letters = small_letters(spec)
    small = printed(width_mm).small if points is None else points * PIXELS_PER_POINT
    scale = small / letters
    width = width_mm * PIXELS_PER_MM / scale
    meta = {**(spec.get("usermeta") or {}), "width_mm": width_mm}
    sized = {**spec, "width": width, "usermeta": meta}
    sized["autosize"] = {"type": "fit-x", "contains": "padding"}
    # titles of a projector are larger beside its other type than print has them
    title = {**spec["config"]["title"], "fontSize": letters * TITLE}
    axis = {**spec["config"]["axis"], "titleFontSize": letters * AXIS_TITLE}
    sized["config"] = {**spec["config"], "title": title, "axis": axis}
    elastic = meta.get("elastic")
    if elastic is not None and elastic == spec.get("height"):
        sized["height"] = round(min(max(0.6 * width, LEAST_HEIGHT * elastic), elastic))
    return sized


def check_closed(spec: Any) -> None:
    """Raise BadFile where a spec, such as one from a file, reads or links to anything outside."""
    stack = [spec]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            # rows of data may have any column; their values are only text and numbers
            named = {k: v for k, v in part.items() if k not in ("datasets", "values")}
            mark = part.get("mark")
            kind = mark.get("type") if isinstance(mark, dict) else mark
            if kind == "image" or FORBIDDEN & set(named):
                raise BadFile(
                    "A figure in this file refers to something outside itself.",
                    expected="figures with their data inside",
                    found=str(next(iter(FORBIDDEN & set(named)), "an image")),
                    remedy="Choose a file that was saved from the Present page.",
                )
            stack += named.values()
        elif isinstance(part, list):
            stack += part
