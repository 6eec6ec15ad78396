"""Do mutant tumours carry other mutational signatures, and do these go with survival? 4B, 4C."""

from __future__ import annotations

import streamlit as st

from core.analysis.decomposed import BUILD_COMMAND, ICI, PLACE
from core.analysis.signatures import SignatureFrequency
from core.analysis.tcga import TCGA, applied_words
from core.charts import signatures as shown
from core.charts.spectrum import spectrum_figure
from core.model import NotEnoughData
from core.ui import blocks, cached, signature_choice, spectrum_view, state
from core.ui.exhibit import Exhibit
from core.ui.messages import escaped, show_error

store, asked = state.store(), state.question()
title = (
    f"Do {asked.stratifier.label}-mutant tumours carry other mutational signatures?"
    if asked.stratifier.of_mutations
    else f"Do mutational signatures differ by {asked.stratifier.label}?"
)
st.title(title, anchor=False)
sources, coverage = cached.signature_sources(store)
choices = signature_choice.ask(store, sources)


def ask(of: state.Question) -> SignatureFrequency:
    return cached.signature_frequency(
        store, of.filters, of.stratifier, choices.source, choices.demands
    )


if choices.source is None:
    st.info(
        "No tumour of this store was decomposed into signatures: the published activities of TCGA "
        "are not among its sources, and no calls were refitted. `python -m data fetch` names what "
        f"is missing; `{BUILD_COMMAND}` refits the exomes.",
        icon=":material/fingerprint:",
    )
else:
    try:
        result = ask(asked)
    except NotEnoughData as error:
        show_error(error)
    else:
        blocks.answer(shown.answer(result))
        blocks.sentence(result.sentence)
        blocks.warnings(result.warnings)
        if choices.source.place == TCGA:
            st.caption(applied_words(asked.filters))
        show = Exhibit.of_result(store, title, result, again=ask)
        show.figure(
            shown.frequency_figure,
            lambda r: r.table,
            key="signature-frequency",
            chosen=choices.signatures,
        )
        st.header("Among tumours of the same type and mutation count", anchor=False)
        show.figure(
            shown.odds_figure, lambda r: r.table, key="signature-odds", chosen=choices.signatures
        )
        st.header("By the number of mutations", anchor=False)
        st.caption(shown.ARTEFACT)
        listed = shown.shown(result.table, choices.signatures).signature.tolist()
        if one := signature_choice.one(listed):
            show.of(result, subtitle=one).figure(
                lambda r, look, **how: shown.count_figure(r, one, look, **how),
                lambda r: r.by_count[r.by_count.signature == one],
                key="signature-count",
            )
        with st.expander("All signatures as a table"):
            blocks.table(shown.frequency_table(result), text=["Proposed aetiology"])
        st.header("Where tumours were lost", anchor=False)
        blocks.flow(result.flow)
        blocks.methods(result.methods)

st.header("Spectrum of each group", anchor=False)
for place in (TCGA, ICI):
    try:
        spectra = cached.spectra(store, asked.filters, asked.stratifier, place, choices.demands)
    except NotEnoughData as error:
        found = escaped(f"{error.message} Found: {error.found}.")
        st.caption(f"{found} {escaped(error.remedy, code=True)}")
        continue
    blocks.sentence(f"{spectra.sentence}. Cosine similarity of the two: {spectra.cosine:.3f}.")
    for note in spectra.warnings:
        st.caption(escaped(note))
    Exhibit.of_result(store, title, spectra).figure(
        spectrum_figure, lambda r: r.table, key=f"spectrum-{place}"
    )

refitted = next((s for s in sources if s.place == ICI), choices.source)
if choices.source is not None and choices.source.place == ICI:
    refitted = choices.source
if refitted is not None:
    what = (store, asked.filters, asked.stratifier, refitted, choices.demands)
    spectrum_view.show(lambda: cached.reconstructed(*what), store, title)

st.header("Do ICI-treated patients with a signature live longer?", anchor=False)
st.caption(
    "The signature is compared here, not the gene. "
    + escaped(f"{PLACE[ICI]} whose exomes can be decomposed are listed below the figure.")
)
treated, exposure = signature_choice.of_survival(sources)
if treated is None:
    st.info(
        "No ICI exome of this store was decomposed. The table says what each study lacks; where "
        f"it is a genome, `{BUILD_COMMAND}` adds it (a 2bit or FASTA file of the calls' build).",
        icon=":material/fingerprint:",
    )
else:
    try:
        survival = cached.signature_survival(
            store,
            asked.filters,
            treated,
            choices.demands,
            asked.endpoint,
            exposure,
            asked.stratified,
        )
    except NotEnoughData as error:
        show_error(error)
    else:
        blocks.answer(shown.survival_answer(survival))
        blocks.sentence(survival.sentence)
        blocks.warnings(survival.warnings)
        Exhibit.of_result(store, "Signatures and survival", survival).figure(
            shown.survival_figure,
            lambda r: r.table,
            key="signature-survival",
            chosen=choices.signatures,
        )
        blocks.flow(survival.flow)
        blocks.methods(survival.methods)
blocks.table(shown.coverage_table(coverage), text=["Assay", "Why none"])
