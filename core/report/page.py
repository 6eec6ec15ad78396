"""Pinned figures as one HTML file: figures, numbers, methods and citations, nothing outside it.

No script, no style sheet, font or image from elsewhere; every text is escaped. It reads on paper
as on a screen, and aloud: headings in order, figures described in words.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from xml.etree import ElementTree

import pandas as pd

from core.model import BadFile, BadInput
from core.report.captions import MARK, main_numbers
from core.report.figures import draw, untitled
from core.report.methods import Methods, methods
from core.report.snapshot import Snapshot
from core.store import Store

WIDTH_MM = 180.0
"""Width at which figures are laid out; the page scales them to its own."""

MOST_ROWS, MOST_COLUMNS = 60, 14
"""Of a table of numbers in the page; longer ones are exported as files."""

ELEMENTS = frozenset(
    ("svg", "g", "path", "rect", "circle", "line", "text", "tspan", "defs", "clipPath",
     "linearGradient", "radialGradient", "stop", "title", "desc")
)  # fmt: skip
"""Elements that a drawn figure may hold."""


def html_report(
    snapshots: Sequence[Snapshot],
    store: Store | None = None,
    *,
    title: str = "Pinned figures",
) -> bytes:
    """The file, UTF-8. Raises BadInput where nothing is pinned."""
    if not snapshots:
        raise BadInput(
            "There is no figure to report.",
            expected="at least one pinned figure",
            found="none",
            remedy="Pin a figure first.",
        )
    made = methods(snapshots, store)
    mark = f'<p class="mark" role="note">{MARK}: no patient stands behind these numbers.</p>'
    simulated = made.simulated
    head = f"{MARK}: {title}" if simulated else title
    contents = "".join(
        f'<li><a href="#figure-{i}">{_text(s.title)}</a></li>' for i, s in enumerate(snapshots, 1)
    )
    parts = [
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        f"<title>{_text(head)}</title><style>{STYLE}</style></head><body>",
        f"<header><h1>{_text(title)}</h1>{mark if simulated else ''}"
        f'<nav aria-label="Figures"><ol>{contents}</ol></nav></header><main>',
        *(_figure(i, s) for i, s in enumerate(snapshots, 1)),
        _methods(made),
        "</main></body></html>\n",
    ]
    return "\n".join(parts).encode("utf-8")


def _figure(number: int, snapshot: Snapshot) -> str:
    drawing = draw(untitled(snapshot.specs["print"]), WIDTH_MM)
    svg = inline(drawing.svg, number, snapshot.description)
    mark = f'<strong class="mark">{MARK}.</strong> ' if snapshot.simulated else ""
    caption = f"{mark}Figure {number}. {_text(snapshot.sentence)}"
    note = f'<p class="note">{_text(snapshot.note)}</p>' if snapshot.note else ""
    warned = "".join(f"<li>{_text(w)}</li>" for w in snapshot.warnings)
    return (
        f'<section id="figure-{number}" aria-labelledby="title-{number}">'
        f'<h2 id="title-{number}">{_text(snapshot.title)}</h2>{note}'
        f"<figure>{svg}<figcaption>{caption}</figcaption></figure>"
        f"<p>{_text(snapshot.description)}</p>"
        + (f'<h3>Warnings</h3><ul class="warnings">{warned}</ul>' if warned else "")
        + _table(snapshot)
        + (f"<h3>Methods</h3><p>{_text(snapshot.methods)}</p>" if snapshot.methods else "")
        + f'<p class="provenance">{_text(snapshot.provenance)}</p></section>'
    )


def _table(snapshot: Snapshot) -> str:
    table = main_numbers(snapshot, MOST_ROWS, MOST_COLUMNS)
    if table is None:
        n = len(snapshot.numbers)
        return f"<p>The figure rests on a table of {n:,} rows.</p>" if n else ""
    if snapshot.simulated:
        table = pd.concat([pd.Series(["SIMULATED"] * len(table), name="data"), table], axis=1)
    head = "".join(f'<th scope="col">{_text(c)}</th>' for c in table.columns)
    body = "".join(
        f"<tr>{''.join(f'<td>{_text(v)}</td>' for v in row)}</tr>"
        for row in table.itertuples(index=False)
    )
    return (
        '<h3>Numbers</h3><div class="table" tabindex="0" role="group" aria-label="numbers">'
        f"<table><caption>{_text(snapshot.title)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _methods(made: Methods) -> str:
    parts = ['<section id="methods"><h2>Methods and sources</h2>']
    parts += [f"<h3>{_text(h)}</h3><p>{_text(t)}</p>" for h, t in made.paragraphs.items() if t]
    listed = "".join(f"<li>{_text(line)}</li>" for line in made.listed)
    parts.append(f"<h3>References</h3><ol>{listed}</ol>")
    if made.sources:
        files = "".join(f"<li>{_text(line)}</li>" for line in made.sources)
        parts.append(f"<h3>Files</h3><ul>{files}</ul>")
    parts.append(f"<h3>BibTeX</h3><pre>{_text(made.bibtex)}</pre></section>")
    return "".join(parts)


def inline(svg: str, number: int, description: str) -> str:
    """A drawn figure as part of a page: described as a whole, its identifiers its own.

    Raises BadFile where it holds anything but shapes and text.
    """
    for element in ElementTree.fromstring(svg).iter():
        names = [element.tag.rsplit("}", 1)[-1]]
        bad = [a for a in element.attrib if a.lower().startswith("on") or a.endswith("href")]
        if names[0] not in ELEMENTS or bad:
            raise BadFile(
                "A figure holds more than shapes and text.",
                expected=", ".join(sorted(ELEMENTS)),
                found=", ".join([*names, *bad])[:80],
            )
    svg = re.sub(r' role="img"><desc>.*?</desc>', ">", svg, count=1, flags=re.S)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="f{number}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#f{number}-\1)", svg)
    label = html.escape(description, quote=True)
    return re.sub(
        r'^<svg ([^>]*?) ?width="[\d.]+" height="[\d.]+"',
        lambda m: f'<svg {m[1]} role="img" aria-label="{label}" width="100%"',
        svg,
        count=1,
    )


def _text(value: object) -> str:
    return html.escape(str(value), quote=True)


STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 "Source Sans", "Liberation Sans", Arial, Helvetica, sans-serif;
  color: #22262B; background: #FFFFFF; max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1, h2, h3 { line-height: 1.25; } h2 { margin-top: 2.5rem; border-top: 1px solid #D9DCE0;
  padding-top: 1rem; } h3 { font-size: 1rem; }
a { color: #0067A3; } figure { margin: 1rem 0; } figcaption { margin-top: .5rem; }
svg { display: block; max-width: 100%; height: auto; }
.mark { color: #B00020; font-weight: 700; } .note { font-style: italic; white-space: pre-line; }
.provenance { color: #5B636D; font-size: .875rem; } .table { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; } caption { text-align: left; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #D9DCE0; }
td { font-variant-numeric: tabular-nums; } pre { white-space: pre-wrap; font-size: .8rem; }
@media print { body { max-width: none; font-size: 10pt; padding: 0; } nav { display: none; }
  section { break-before: page; } figure, tr { break-inside: avoid; } .table { overflow: visible; }
  a { color: inherit; text-decoration: none; } }
""".strip()
