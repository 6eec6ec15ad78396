"""Gene sets of the researcher's own: uploaded or pasted, chosen by name in the sidebar."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from core.analysis.gene_set_scores import PASTED, parse_gene_sets
from core.model import BadInput
from core.store import Store
from core.ui import blocks, cached, state
from core.ui.messages import escaped
from data.readers.content import decode, refuse_binary

GeneSets = dict[str, tuple[str, ...]]


def show() -> None:
    """Upload or paste sets, see which genes are known, add them; remove those of the session."""
    _list()
    file = st.file_uploader(
        "A GMT file, or a list of genes", type=["gmt", "txt", "csv", "tsv"], key="own-sets-file"
    )
    text = st.text_area(
        "or paste symbols, or the lines of a GMT",
        key="own-sets-text",
        placeholder="BRCA1 BRCA2 ATM",
        height=90,
    )
    name = st.text_input(
        "Name of a plain list", key="own-sets-name", max_chars=60, placeholder="My genes"
    )
    if file is None and not (text or "").strip():
        st.caption(
            "A GMT holds a set a line: name, description and genes, parted by tabs. A set is then "
            "chosen in the sidebar under Split patients by, gene set."
        )
        return
    sets = _read(file, text or "", name.strip())
    store = state.store()
    _preview(store, sets)
    if st.button("Add to the sidebar", type="primary", key="own-sets-add"):
        _add(store, sets)
        st.rerun()


def _list() -> None:
    held = state.own_sets()
    for i, (name, genes) in enumerate(held.items()):
        with st.container(horizontal=True, vertical_alignment="center", key=f"own-set-{i}"):
            st.markdown(f"**{escaped(name)}**: {len(genes):,} genes, in this session")
            st.button(
                "Remove",
                key=f"own-set-remove-{i}",
                type="tertiary",
                icon=":material/delete:",
                on_click=state.put_own_sets,
                args=({k: v for k, v in held.items() if k != name},),
            )


def _read(file: object, text: str, name: str) -> GeneSets:
    """The sets of the file and of the pasted text. Raises BadInput, BadFile."""
    sets: GeneSets = {}
    if file is not None:
        content, path = file.getvalue(), Path(file.name)  # type: ignore[attr-defined]
        refuse_binary(content[:4096], path, "a list of genes")
        found = parse_gene_sets(decode(content, path))
        sets |= {(name or path.stem) if k == PASTED else k: v for k, v in found.items()}
    if text.strip():
        found = parse_gene_sets(text)
        sets |= {(name or "My genes") if k == PASTED else k: v for k, v in found.items()}
    return sets


def _preview(store: Store, sets: GeneSets) -> None:
    rows = []
    for name, genes in sets.items():
        known = store.known_genes(genes)
        unknown = [g for g in genes if g not in known]
        shown = ", ".join(unknown[:8]) + (", ..." if len(unknown) > 8 else "")
        rows.append((name, len(genes), len(known), shown))
    columns = ["Gene set", "Genes", "In this store", "Not in this store"]
    blocks.table(pd.DataFrame(rows, columns=columns), text=columns[3:])


def _add(store: Store, sets: GeneSets) -> None:
    """Raises BadInput for a name that the store's own sets have."""
    taken = sorted(set(sets) & set(cached.facts(store).gene_sets))
    if taken:
        raise BadInput(
            "A gene set of this name is there already.",
            expected="a name of its own",
            found=", ".join(taken[:5]),
            remedy="Rename it in the file, or name the list otherwise.",
        )
    state.put_own_sets({**state.own_sets(), **sets})
