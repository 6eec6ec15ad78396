"""The page's own typography: what Streamlit's theme cannot say."""

from __future__ import annotations

import streamlit as st

from core.charts.theme import DARK, Look

STYLE = """
<style>
.stMainBlockContainer { padding-top: 2.5rem; padding-bottom: 4rem; max-width: 1180px; }
@media (max-width: 640px) { .stMainBlockContainer { padding-top: 4rem; } }
.stMainBlockContainer h1 { padding-top: 0.25rem; text-wrap: balance; }
.stMainBlockContainer h2 { padding: 0.5rem 0 1rem; }
.st-key-panels { flex-wrap: wrap; }
.st-key-panels > div { flex: 1 1 330px; min-width: min(330px, 100%); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
.stElementContainer:has(> .stHtml > .unseen) { position: absolute; }
.tablebox { overflow-x: auto; }
table.plain { border-collapse: collapse; width: 100%; font-size: 0.94rem;
  font-variant-numeric: tabular-nums; }
table.plain th, table.plain td { padding: 0.38rem 0.9rem 0.38rem 0; vertical-align: top;
  border: none; border-bottom: 1px solid color-mix(in srgb, currentColor 16%, transparent); }
table.plain tr > :last-child { padding-right: 0; }
table.plain thead th { font-weight: 600; vertical-align: bottom;
  border-bottom: 1px solid color-mix(in srgb, currentColor 55%, transparent); }
table.plain tbody th { font-weight: 400; }
table.plain .left { text-align: left; }
table.plain td.left { min-width: 8rem; }
table.plain .right { text-align: right; white-space: nowrap; }
table.plain thead .right { white-space: normal; }
table.plain tr.total th, table.plain tr.total td { font-weight: 600; }
ol.flow { list-style: none; display: flex; flex-wrap: wrap; gap: 0.35rem; padding: 0; margin: 0; }
ol.flow li { padding: 0.3rem 0.7rem; margin: 0; font-size: 0.94rem; border-radius: 4px;
  border: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
ol.flow li.lost { border-style: dashed; }
@media (prefers-reduced-motion: reduce) { *, *::before, *::after {
  animation-duration: 0.01ms !important; animation-iteration-count: 1 !important;
  transition-duration: 0.01ms !important; scroll-behavior: auto !important; } }
ol.flow b { font-variant-numeric: tabular-nums; }
</style>
"""


DARK_STYLE = f"""
<style>
[data-testid="stMultiSelectTagsContainer"] [data-tag],
[data-testid="stMultiSelectTagsContainer"] [data-tag] * {{ color: {DARK.paper} !important; }}
</style>
"""
"""Streamlit writes a chosen value in white on the accent colour: too pale where that is light."""


CAPTION_STYLE = """
<style>
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] :is(p, li) {{
  color: {color} !important; opacity: 1 !important; }}
</style>
"""
"""Streamlit writes captions at 60 % of the text's colour: 4.1 to 1, where AA asks for 4.5."""


def apply(look: Look) -> None:
    """Put the style in the page, once a run."""
    caption = CAPTION_STYLE.format(color=look.palette.muted)
    st.html(STYLE + caption + (DARK_STYLE if look.dark else ""))
