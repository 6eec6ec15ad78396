"""One tumour's spectrum, or a group's, beside its reconstruction, on the signatures page."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.analysis.reconstruction import Reconstructions
from core.analysis.spectra import GroupSpectra
from core.charts.spectrum import spectrum_figure
from core.model import NotEnoughData
from core.store import Store
from core.ui import blocks
from core.ui.exhibit import Exhibit
from core.ui.messages import show_error


def show(found: Callable[[], Reconstructions], store: Store, title: str) -> None:
    """Ask whose spectrum is shown, and show it over what its signatures make of it."""
    st.header("Spectrum and reconstruction", anchor=False)
    try:
        result = found()
        spectra = _chosen(result)
    except NotEnoughData as error:
        show_error(error)
        return
    blocks.sentence(f"{spectra.sentence}. Cosine similarity of the two: {spectra.cosine:.3f}.")
    st.caption(
        f"Above: observed; below: the signatures that are present ({result.source.name}), by the "
        f"profiles of {result.reference}."
    )
    Exhibit.of_result(store, title, spectra).figure(
        spectrum_figure, lambda r: r.table, key="reconstruction"
    )


def _chosen(result: Reconstructions) -> GroupSpectra:
    groups = list(reversed(result.order))
    frame = result.frame
    names = [f"all {g}" for g in groups]
    names += [
        f"{r.cohort_id} {r.patient_id}, {r.n_snv:,} SNVs, cosine {r.cosine:.2f}"
        for r in frame.itertuples()
    ]
    at = st.selectbox(
        "Whose spectrum", range(len(names)), format_func=names.__getitem__, key="spectrum_of",
        help="A group's mean, or one tumour; type to find a patient.",
    )  # fmt: skip
    at = min(int(at or 0), len(names) - 1)
    return result.group(groups[at]) if at < len(groups) else result.tumour(at - len(groups))
