"""What a researcher chooses on the signatures page: the decomposition, and demands on a tumour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import streamlit as st

from core.analysis.decomposed import ICI, MINIMUM_SNV, Demands, Source, in_order
from core.analysis.signature_survival import PER_SHARE, Exposure
from core.store import Store
from core.ui import state

MOST_SNV = 2000


@dataclass(frozen=True)
class SignatureChoices:
    """``source`` None: the store has no decomposition. ``signatures`` empty: the first ones."""

    source: Source | None
    demands: Demands
    signatures: tuple[str, ...]


def ask(store: Store, sources: tuple[Source, ...]) -> SignatureChoices:
    """Draw the inputs."""
    if not sources:
        return SignatureChoices(None, Demands(), ())
    by_label = {s.label: s for s in sources}
    state.check_many("decomposition", "Decomposition", list(by_label))
    state.keep_known("decomposition", list(by_label))
    left, middle, right = st.columns([2, 1, 1])
    label = left.selectbox(
        "Decomposition", list(by_label), key="decomposition", bind="query-params",
        help="Whose tumours, and who decomposed them. The sidebar's filters apply.",
    )  # fmt: skip
    bound = state.check_number("min_snv", "SNVs at least", 0, MOST_SNV)
    minimum = middle.number_input(
        "SNVs at least", 0, MOST_SNV, MINIMUM_SNV, step=10, key="min_snv", bind=bound,
        help="Below about 50 no decomposition is to be believed.",
    )  # fmt: skip
    bound = state.check_number("min_cosine", "Cosine at least", 0, 1)
    cosine = right.number_input(
        "Cosine at least", 0.0, 1.0, 0.0, step=0.05, key="min_cosine", bind=bound,
        format="%g", help="Cosine similarity of a tumour's spectrum and its reconstruction.",
    )  # fmt: skip
    source = by_label[label] if label in by_label else sources[0]
    demands = Demands(int(minimum or 0), float(cosine or 0.0))
    return SignatureChoices(source, demands, _signatures(store, source))


def _signatures(store: Store, source: Source) -> tuple[str, ...]:
    known = store.signatures(treated_with_ici=source.place == ICI)
    names = sorted(set(known.signature[known.source == source.name]), key=in_order)
    state.check_many("signatures", "Signatures", names)
    state.keep_known("signatures", names)
    return tuple(
        st.multiselect(
            "Signatures", names, key="signatures", bind="query-params",
            placeholder="those with the smallest p-values",
        )
    )  # fmt: skip


def one(names: list[str]) -> str | None:
    """The signature whose frequency by mutation count is drawn."""
    state.check_many("one_signature", "Signature", names)
    state.keep_known("one_signature", names)
    return st.selectbox("Signature", names, key="one_signature", bind="query-params", width=240)


def of_survival(sources: tuple[Source, ...]) -> tuple[Source | None, Exposure]:
    """The decomposition of the ICI exomes, and how a signature enters the model."""
    own = {s.name: s for s in sources if s.place == ICI}
    if not own:
        return None, "presence"
    state.check_many("ici_decomposition", "Decomposition", list(own))
    state.keep_known("ici_decomposition", list(own))
    left, right = st.columns(2)
    name = left.selectbox(
        "Decomposition of the ICI exomes", list(own), key="ici_decomposition", bind="query-params"
    )
    options = {"presence": "present or absent", "share": f"each {PER_SHARE:.0%} of mutations"}
    state.check_many("exposure", "Exposure", list(options))
    state.keep_known("exposure", list(options))
    exposure = right.segmented_control(
        "Compare by", list(options), default="presence", required=True, key="exposure",
        bind="query-params", format_func=options.__getitem__,
    )  # fmt: skip
    chosen = own[name] if name in own else next(iter(own.values()))
    return chosen, cast(Exposure, exposure or "presence")
