"""Three-valued logic of several genes, and labels of patients."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from core.groups import Grouping, assign, combine_status, two_groups
from core.groups.category import MOST_GROUPS
from core.groups.mutation import resolve_position
from core.model import BadInput, Filters, NotEnoughData, Split, Stratifier, UnknownGene
from core.stats.maxstat import maximally_selected
from core.store import Store

M, W, N = 1, 0, -1


@pytest.mark.parametrize(
    ("how", "pairs"),
    [
        ("any", {(M, M): M, (M, W): M, (M, N): M, (W, W): W, (W, N): N, (N, N): N}),
        ("all", {(M, M): M, (M, W): W, (M, N): N, (W, W): W, (W, N): W, (N, N): N}),
    ],
)
def test_several_genes_are_combined_by_kleenes_logic(
    how: str, pairs: dict[tuple[int, int], int]
) -> None:
    for (a, b), expected in pairs.items():
        for one, other in ((a, b), (b, a)):
            arrays = [np.array([one], dtype=np.int8), np.array([other], dtype=np.int8)]
            assert combine_status(arrays, how)[0] == expected


def test_another_way_to_combine_is_refused() -> None:
    with pytest.raises(BadInput, match="combined"):
        combine_status([np.zeros(1, dtype=np.int8)], "some")


def test_labels_align_with_the_frame_and_name_who_is_left_out(simulated: Store) -> None:
    frame = simulated.patients(Filters())
    grouping = assign(simulated, frame, Stratifier(genes=("ALK",)))
    status = simulated.mutation_status("ALK")[frame.patient_key]
    assert grouping.order == ("wild type", "mutant")
    assert (grouping.labels[status == 1] == "mutant").all()
    assert (grouping.labels[status == 0] == "wild type").all()
    assert grouping.n_unassigned == (status == -1).sum() > 0
    assert grouping.unassigned == "not profiled"


def test_a_set_of_genes_takes_old_symbols_and_needs_at_least_one(simulated: Store) -> None:
    frame = simulated.patients(Filters())
    one = assign(simulated, frame, Stratifier(genes=("KMT2D",)))
    other = assign(simulated, frame, Stratifier(genes=("MLL2",)))
    assert one.labels.equals(other.labels)
    both = Stratifier(genes=("ALK", "TP53"))
    assert both.label == "ALK or TP53"
    assert (assign(simulated, frame, both).labels == "mutant").sum() >= (
        assign(simulated, frame, Stratifier(genes=("ALK",))).labels == "mutant"
    ).sum()
    with pytest.raises(BadInput, match="No gene"):
        assign(simulated, frame, Stratifier(genes=()))


@pytest.fixture(scope="module")
def frame(simulated: Store) -> pd.DataFrame:
    return simulated.patients(Filters())


def whole(grouping: Grouping, frame: pd.DataFrame) -> None:
    """Everyone is in a group or counted by a reason; labels are only those of the order."""
    assert grouping.labels.index.equals(frame.index)
    assert set(grouping.labels.dropna()) <= set(grouping.order)
    assert sum(n for _, n in grouping.left_out) == grouping.n_unassigned


def test_residue_leaves_out_other_mutations_of_the_gene(
    simulated: Store, frame: pd.DataFrame
) -> None:
    calls = simulated.mutations("TP53")
    residue = int(calls.protein_position.dropna().astype(int).mode()[0])
    grouping = assign(
        simulated, frame, Stratifier(Split.POSITION, ("TP53",), position=str(residue))
    )
    whole(grouping, frame)
    anywhere = simulated.mutation_status("TP53")[frame.patient_key]
    here = simulated.mutation_status("TP53", position=residue)[frame.patient_key] == 1
    assert (grouping.labels == "mutant").sum() == here.sum() > 0
    assert ((grouping.labels == "wild type") == (anywhere == 0)).all()
    assert dict(grouping.left_out) == {
        "not profiled": (anywhere == -1).sum(),
        "another TP53 mutation": ((anywhere == 1) & ~here).sum(),
    }


@pytest.mark.parametrize("text", ["", "R", "1275R5", "-3", "0", "12.5", "R1275; DROP", "９"])
def test_what_is_no_residue_is_refused(simulated: Store, text: str) -> None:
    with pytest.raises(BadInput, match="no protein position") as told:
        resolve_position(simulated, "ALK", text)
    assert told.value.remedy


def test_residue_beyond_the_protein_or_of_another_letter_is_refused(simulated: Store) -> None:
    length = simulated.protein_length("ALK")
    assert length
    with pytest.raises(BadInput, match="no residue"):
        resolve_position(simulated, "ALK", str(length + 1))
    calls = simulated.mutations("ALK").dropna(subset=["hgvsp_short", "protein_position"])
    call = calls[calls.hgvsp_short.str.match(r"p\.[A-Z]\d+[A-Z]$")].iloc[0]
    residue, letter = int(call.protein_position), call.hgvsp_short[2]
    assert resolve_position(simulated, "ALK", f"{letter}{residue}") == residue
    assert resolve_position(simulated, "ALK", call.hgvsp_short) == residue
    with pytest.raises(BadInput, match="is not"):
        resolve_position(simulated, "ALK", f"{'W' if letter != 'W' else 'C'}{residue}")


def test_pair_makes_four_groups_of_those_profiled_for_both(
    simulated: Store, frame: pd.DataFrame
) -> None:
    grouping = assign(simulated, frame, Stratifier(Split.PAIR, ("ALK", "TP53")))
    whole(grouping, frame)
    assert grouping.order == ("neither", "ALK only", "TP53 only", "ALK and TP53")
    one, other = (simulated.mutation_status(g)[frame.patient_key] for g in ("ALK", "TP53"))
    assert ((grouping.labels == "ALK only") == ((one == 1) & (other == 0))).all()
    assert ((grouping.labels == "ALK and TP53") == ((one == 1) & (other == 1))).all()
    assert grouping.labels.isna().equals(pd.Series((one < 0) | (other < 0), index=frame.index))


@pytest.mark.parametrize("genes", [("ALK",), ("ALK", "ALK"), ("ALK", "TP53", "KRAS"), ()])
def test_pair_needs_two_genes(simulated: Store, frame: pd.DataFrame, genes: tuple[str]) -> None:
    with pytest.raises(BadInput):
        assign(simulated, frame, Stratifier(Split.PAIR, genes))


@pytest.mark.parametrize(("cut", "share"), [("median", 0.5), ("tertiles", 1 / 3), ("10", None)])
def test_number_is_cut_where_asked_and_unknown_is_no_group(
    simulated: Store, frame: pd.DataFrame, cut: str, share: float | None
) -> None:
    grouping = assign(simulated, frame, Stratifier(Split.NUMBER, feature="tmb_per_mb", cut=cut))
    whole(grouping, frame)
    known = frame.tmb_per_mb.notna()
    assert grouping.labels.notna().equals(known)
    assert grouping.unassigned == "TMB unknown"
    if share is None:
        assert ((grouping.labels == "high") == (frame.tmb_per_mb > 10)).all()
    else:
        high = (grouping.labels == "high").sum() / known.sum()
        assert high == pytest.approx(share, abs=0.02)
    groups = [frame.tmb_per_mb[grouping.labels == g] for g in grouping.order]
    for lower, upper in pairwise(groups):
        assert lower.max() < upper.min()


def test_chosen_cut_has_the_corrected_p(simulated: Store, frame: pd.DataFrame) -> None:
    split = Stratifier(Split.NUMBER, feature="tmb_per_mb", cut="optimal")
    grouping = assign(simulated, frame, split)
    whole(grouping, frame)
    found = maximally_selected(frame.tmb_per_mb, frame.time_months, frame.event, draws=999)
    assert grouping.corrected_p == found.p_permutation > found.p_naive
    assert (grouping.labels == "high").equals(frame.tmb_per_mb > found.cut)
    assert any("Corrected" in note for note in grouping.notes)
    with pytest.raises(NotEnoughData, match="chosen by looking"):
        two_groups(grouping)


def test_chosen_cut_of_noise_is_not_significant(simulated: Store, frame: pd.DataFrame) -> None:
    draw = np.random.default_rng(1)
    p = []
    for _ in range(12):
        noise = frame.assign(age_years=draw.normal(size=len(frame)))
        split = Stratifier(Split.NUMBER, feature="age_years", cut="optimal")
        p.append(assign(simulated, noise, split).corrected_p)
    assert sum(x is not None and x < 0.05 for x in p) <= 3


@pytest.mark.parametrize("cut", ["somewhere", "nan", "inf", "1,5", "median; DROP"])
def test_cut_that_is_none_is_refused(simulated: Store, frame: pd.DataFrame, cut: str) -> None:
    with pytest.raises(BadInput, match="cannot be cut"):
        assign(simulated, frame, Stratifier(Split.NUMBER, feature="age_years", cut=cut))


def test_unknown_variables_are_refused_with_names_of_known_ones(
    simulated: Store, frame: pd.DataFrame
) -> None:
    for kind in (Split.NUMBER, Split.CATEGORY, Split.SIGNATURE):
        with pytest.raises(BadInput) as told:
            assign(simulated, frame, Stratifier(kind, feature="luck"))
        assert "such as" in told.value.expected
    with pytest.raises(BadInput, match="cannot be split"):
        assign(simulated, frame, Stratifier("magic"))
    with pytest.raises(UnknownGene):
        assign(simulated, frame, Stratifier(genes=("ALK", "NOBODY1")))


def test_number_that_nobody_has_is_told(simulated: Store, frame: pd.DataFrame) -> None:
    nobody = frame.assign(tmb_per_mb=np.nan)
    with pytest.raises(NotEnoughData, match="not known"):
        assign(simulated, nobody, Stratifier(Split.NUMBER, feature="tmb_per_mb"))


def test_signature_is_unknown_where_mutations_are_too_few(
    simulated: Store, frame: pd.DataFrame
) -> None:
    grouping = assign(simulated, frame, Stratifier(Split.SIGNATURE, feature="SBS7a"))
    whole(grouping, frame)
    weight, decomposed = simulated.signature_weight("SBS7a")
    weight, decomposed = weight[frame.patient_key], decomposed[frame.patient_key]
    assert ((grouping.labels == "present") == (weight > 0)).all()
    assert ((grouping.labels == "absent") == (weight == 0)).all()
    reasons = dict(grouping.left_out)
    assert reasons["signatures not decomposed"] == (~decomposed).sum()
    more = assign(simulated, frame, Stratifier(Split.SIGNATURE, feature="SBS7a", cut="0.5"))
    assert (more.labels == "present").sum() < (grouping.labels == "present").sum()
    with pytest.raises(BadInput, match="share"):
        assign(simulated, frame, Stratifier(Split.SIGNATURE, feature="SBS7a", cut="2"))


def test_categories_have_a_reference_and_name_what_is_missing(
    simulated: Store, frame: pd.DataFrame
) -> None:
    sex = assign(simulated, frame, Stratifier(Split.CATEGORY, feature="sex"))
    whole(sex, frame)
    assert sex.order[0] == frame.sex.value_counts().index[0]
    assert dict(sex.left_out)["Sex unknown"] == frame.sex.isna().sum()
    response = assign(simulated, frame, Stratifier(Split.CATEGORY, feature="response"))
    assert response.order[0] == "PD" and any("after treatment" in n for n in response.notes)
    tumors = assign(simulated, frame, Stratifier(Split.CATEGORY, feature="tumor_type"))
    whole(tumors, frame)
    assert len(tumors.order) <= MOST_GROUPS


def test_two_groups_are_asked_for_politely(simulated: Store, frame: pd.DataFrame) -> None:
    usual = assign(simulated, frame, Stratifier())
    assert two_groups(usual) is usual
    with pytest.raises(NotEnoughData, match="two groups") as told:
        two_groups(assign(simulated, frame, Stratifier(Split.PAIR, ("ALK", "TP53"))))
    assert "reference: neither" in told.value.found and told.value.remedy


def test_set_profiled_in_part_says_so(simulated: Store, frame: pd.DataFrame) -> None:
    genes = simulated.gene_sets()["RTK-RAS"]
    known = simulated.known_genes(genes)
    grouping = assign(simulated, frame, Stratifier(genes=tuple(known.values()), name="RTK-RAS"))
    whole(grouping, frame)
    each = simulated.mutation_statuses(sorted(set(known.values())))[:, frame.patient_key]
    assert ((grouping.labels == "mutant") == (each == 1).any(axis=0)).all()
    assert ((grouping.labels == "wild type") == (each == 0).all(axis=0)).all()
    partly = (each < 0).any(axis=0) & (each >= 0).any(axis=0) & ~(each == 1).any(axis=0)
    assert bool(grouping.notes) == bool(partly.any())
