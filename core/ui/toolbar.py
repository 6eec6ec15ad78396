"""What can be done with any page: present it, hold its question for comparison, share its link."""

from __future__ import annotations

import streamlit as st

from core.charts.theme import SCHEMES
from core.ui import state

COPY_HTML = """<button type="button"><span aria-live="polite">Copy link</span></button>"""
COPY_CSS = """
button { font: inherit; font-size: 0.875rem; color: inherit; background: none; border: none;
  padding: 0.25rem 0.4rem; cursor: pointer; border-radius: 4px; white-space: nowrap; }
button:hover { color: var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); }
"""
COPY_JS = """
export default function ({ parentElement }) {
  const button = parentElement.querySelector("button");
  const words = button.querySelector("span");
  const tell = (text) => {
    words.textContent = text;
    setTimeout(() => { words.textContent = "Copy link"; }, 2500);
  };
  button.onclick = async () => {
    const link = window.location.href;
    try {
      await navigator.clipboard.writeText(link);
      tell("Link copied");
    } catch (refused) {
      window.prompt("This browser does not let a page copy. The link:", link);
    }
  };
}
"""
_copy = st.components.v2.component("copy_link", html=COPY_HTML, css=COPY_CSS, js=COPY_JS)


def show() -> None:
    """One quiet row above the page."""
    with st.container(
        horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small",
        key="toolbar",
    ):  # fmt: skip
        st.button(
            "Present",
            on_click=state.present,
            shortcut="P",
            key="present",
            icon=":material/slideshow:",
            type="tertiary",
            help="The first figure of this page alone, large; arrow keys walk through the pinned "
            "figures, Esc leads back.",
        )
        if state.held() is None:
            st.button(
                "Compare",
                on_click=state.hold,
                key="hold",
                icon=":material/compare:",
                type="tertiary",
                help="Hold this question as A. The next one is B, and figures show both.",
            )
        with st.popover("Colours", icon=":material/palette:", type="tertiary"):
            state.check_many(state.SCHEME, "Colours", SCHEMES)
            state.keep_known(state.SCHEME, SCHEMES)
            st.segmented_control(
                "Colours of figures",
                SCHEMES,
                default=SCHEMES[0],
                required=True,
                key=state.SCHEME,
                bind="query-params",
                help="All three can be told apart by the colour-blind; high contrast suits a weak "
                "projector, grey a print without colours.",
            )
        _copy(key="copy-link")
