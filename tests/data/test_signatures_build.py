"""Refitting at build time: planted mixtures, panels, contexts from a genome, the cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import data.signatures_build as refits
from core.model import BadFile, BadInput
from core.stats.sbs96 import BASES, CHANNELS
from data.calls import maf_terms
from data.publish import silent
from data.readers.table import Table

PLANTED = ("SBS1", "SBS7a", "SBS13")


def profiles(seed: int = 3, n: int = 12) -> pd.DataFrame:
    """Invented signatures, each with weight on few channels; the planted three among them."""
    draw = np.random.default_rng(seed)
    names = [*PLANTED, *(f"SBS{i}" for i in range(60, 60 + n - 3))]
    rows = []
    for name in names:
        weight = draw.dirichlet(np.full(96, 0.08)) + 1e-4
        rows.append(
            pd.DataFrame(
                {
                    "reference": refits.GENOME_TABLE,
                    "signature": name,
                    "channel": CHANNELS,
                    "weight": weight / weight.sum(),
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def calls(patient: int, channel: np.ndarray, seed: int) -> pd.DataFrame:
    """One row per SNV; half of them written on the other strand."""
    draw = np.random.default_rng(seed)
    rows = []
    for c in channel:
        name = CHANNELS[c]
        context, ref, alt = name[0] + name[2] + name[6], name[2], name[4]
        if draw.random() < 0.5:
            pair = str.maketrans("ACGT", "TGCA")
            context, ref, alt = (
                context[::-1].translate(pair),
                ref.translate(pair),
                alt.translate(pair),
            )
        flank = "".join(draw.choice(list(BASES), 8))
        rows.append((patient, flank[:4] + context + flank[4:], ref, alt))
    columns = ["patient_key", "context", "reference_allele", "tumor_seq_allele2"]
    return pd.DataFrame(rows, columns=columns)


def tables(sizes: tuple[int, ...] = (600, 500, 400, 30, 300)) -> dict[str, Any]:
    """Five tumours, each an even mixture of two planted signatures; the last by a panel."""
    reference = profiles()
    wide = reference.pivot(index="signature", columns="channel", values="weight")[list(CHANNELS)]
    draw = np.random.default_rng(11)
    parts = []
    for patient, size in enumerate(sizes):
        pair = [PLANTED[patient % 3], PLANTED[(patient + 1) % 3]]
        share = wide.loc[pair].mean().to_numpy()
        parts.append(calls(patient, draw.choice(96, size, p=share / share.sum()), patient))
    mutation = pd.concat(parts, ignore_index=True).assign(chromosome="1", start_position=1)
    mutation["hgvsc"] = pd.Series(None, index=mutation.index, dtype="string")
    n = len(sizes)
    return {
        "mutation": pa.Table.from_pandas(mutation, preserve_index=False),
        "signature_reference": reference,
        "cohort": pd.DataFrame(
            {"cohort_id": ["one"], "name": ["One 2020"], "genome_build": ["GRCh37"]}
        ),
        "patient": pd.DataFrame({"patient_key": range(n), "cohort_id": "one"}),
        "panel": pd.DataFrame({"panel_id": ["exome", "small"], "all_genes": [True, False]}),
        "profiled": pd.DataFrame(
            {"patient_key": range(n), "panel_id": ["exome"] * (n - 1) + ["small"]}
        ),
    }


def built(given: dict[str, Any], cache: Path, notes: list[str] | None = None, **how: Any) -> Any:
    notes = [] if notes is None else notes
    return refits.read(given, genome=how.get("genome"), cache=cache, notes=notes, progress=silent)


@pytest.mark.parametrize("source", [refits.SOURCE, refits.GREEDY_SOURCE])
def test_planted_mixtures_are_found_again(tmp_path: Path, source: str) -> None:
    out = built(tables(), tmp_path)
    activity = out["signature_activity"].query("source == @source")
    for patient in range(3):
        own = activity[activity.patient_key == patient].set_index("signature").weight
        expected = {PLANTED[patient % 3], PLANTED[(patient + 1) % 3]}
        assert set(own.index) == expected
        assert own.between(0.4, 0.6).all()
    sample = out["signature_sample"].query("source == @source").set_index("patient_key")
    assert sample.n_snv.tolist() == [600, 500, 400, 30, 300]
    assert sample.eligible.tolist() == [True, True, True, False, False]
    assert sample.cosine_similarity[[0, 1, 2]].min() > 0.95
    assert np.isnan(sample.cosine_similarity[4]) and 4 not in set(activity.patient_key)


def test_published_activities_stay_beside_the_refits(tmp_path: Path) -> None:
    given = tables()
    given["signature_sample"] = pd.DataFrame(
        {"patient_key": [0], "source": ["Alexandrov 2020"], "n_snv": [9], "eligible": [True]}
    )
    given["signature_activity"] = pd.DataFrame(
        {"source": ["Alexandrov 2020"], "signature": ["SBS1"], "patient_key": [0],
         "n_mutations": [9.0], "weight": [1.0]}
    )  # fmt: skip
    out = built(given, tmp_path)
    assert set(out["signature_sample"].source) == {
        "Alexandrov 2020", refits.SOURCE, refits.GREEDY_SOURCE,
    }  # fmt: skip
    assert (out["signature_activity"].source == "Alexandrov 2020").sum() == 1


def test_a_kept_fit_is_the_same_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = built(tables(), tmp_path)["signature_activity"]

    def never(*args: Any, **more: Any) -> Any:
        raise AssertionError("a known spectrum was fitted again")

    monkeypatch.setattr(refits, "_fit_task", never)
    pd.testing.assert_frame_equal(built(tables(), tmp_path)["signature_activity"], first)
    monkeypatch.undo()
    (damaged,) = tmp_path.glob("refits-*.npz")
    damaged.write_bytes(b"not an archive")
    pd.testing.assert_frame_equal(built(tables(), tmp_path)["signature_activity"], first)


def test_a_build_elsewhere_gives_the_same_numbers(tmp_path: Path) -> None:
    one, other = (built(tables(), tmp_path / name)["signature_activity"] for name in "ab")
    pd.testing.assert_frame_equal(one, other)


def test_without_contexts_or_reference_it_says_so(tmp_path: Path) -> None:
    notes: list[str] = []
    given = tables()
    empty = given["mutation"].to_pandas().assign(context=None)
    schema = given["mutation"].schema
    given["mutation"] = pa.Table.from_pandas(empty, schema=schema, preserve_index=False)
    out = built(given, tmp_path, notes)
    assert out["signature_sample"].empty and any("--genome" in n for n in notes)
    given["signature_reference"] = given["signature_reference"].iloc[:0]
    assert built(given, tmp_path, notes) == {}
    assert any("no table of COSMIC" in n for n in notes)


def test_contexts_of_another_build_stop_the_build(tmp_path: Path) -> None:
    given = tables()
    wrong = given["mutation"].to_pandas()
    wrong["context"] = wrong.context.str[1:] + "A"
    given["mutation"] = pa.Table.from_pandas(wrong, preserve_index=False)
    with pytest.raises(BadInput, match="One 2020"):
        built(given, tmp_path)


# -- a genome --------------------------------------------------------------------------


def with_positions(path: Path) -> dict[str, Any]:
    """The same tumours without contexts, at positions of a FASTA file that is written."""
    given = tables()
    frame = given["mutation"].to_pandas()
    sequence = "".join(frame.context)
    path.write_text(">chr1\n" + sequence + "\n")
    width = len(frame.context.iloc[0])
    frame["start_position"] = np.arange(len(frame)) * width + width // 2 + 1
    schema = given["mutation"].schema
    frame["context"] = None
    given["mutation"] = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    return given


def test_contexts_from_a_genome_give_the_same_refit(tmp_path: Path) -> None:
    pytest.importorskip("pyfaidx")
    genome = tmp_path / "genome.fa"
    out = built(with_positions(genome), tmp_path / "a", genome=genome)
    direct = built(tables(), tmp_path / "b")
    pd.testing.assert_frame_equal(out["signature_activity"], direct["signature_activity"])
    assert out["mutation"]["context"].null_count == 0


def test_a_genome_of_another_build_is_an_error(tmp_path: Path) -> None:
    pytest.importorskip("pyfaidx")
    genome = tmp_path / "genome.fa"
    given = with_positions(genome)
    genome.write_text(genome.read_text().replace("\n", "\nACGTTGCA", 1))
    with pytest.raises(BadInput, match="disagree with the reference genome"):
        built(given, tmp_path / "a", genome=genome)


def on_the_genes_strand(given: dict[str, Any]) -> dict[str, Any]:
    """The same calls as coding changes without alleles; every third gene on the other strand."""
    frame = given["mutation"].to_pandas()
    pair = str.maketrans("ACGT", "TGCA")
    change = frame.reference_allele + ">" + frame.tumor_seq_allele2
    other = change.str.translate(pair)
    frame["hgvsc"] = "c.12" + change.where(np.arange(len(frame)) % 3 > 0, other)
    frame["reference_allele"] = frame["tumor_seq_allele2"] = None
    schema = given["mutation"].schema
    table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    return {**given, "mutation": table}


def test_coding_changes_get_their_strand_from_the_genome(tmp_path: Path) -> None:
    pytest.importorskip("pyfaidx")
    genome = tmp_path / "genome.fa"
    given = with_positions(genome)
    out = built(on_the_genes_strand(given), tmp_path / "a", genome=genome)
    for allele in ("reference_allele", "tumor_seq_allele2"):
        assert out["mutation"][allele].equals(given["mutation"][allele])
    direct = built(tables(), tmp_path / "b")
    pd.testing.assert_frame_equal(out["signature_activity"], direct["signature_activity"])


def test_coding_changes_of_another_build_are_an_error(tmp_path: Path) -> None:
    pytest.importorskip("pyfaidx")
    genome = tmp_path / "genome.fa"
    given = on_the_genes_strand(with_positions(genome))
    genome.write_text(genome.read_text().replace("\n", "\nACGTTGCA", 1))
    with pytest.raises(BadInput, match="disagree with the reference genome"):
        built(given, tmp_path / "a", genome=genome)
    # without a genome the calls stay as they were
    out = built(on_the_genes_strand(tables()), tmp_path / "b")
    assert out["mutation"]["reference_allele"].null_count == len(out["mutation"])


def test_an_allele_in_the_first_column_is_taken_where_the_second_is_empty() -> None:
    frame = pd.DataFrame(
        {
            "hugo_symbol": "ALK", "variant_classification": "Missense_Mutation",
            "reference_allele": ["C", "C", "G"], "tumor_seq_allele1": ["T", "C", "G"],
            "tumor_seq_allele2": [None, "A", None], "start_position": "5",
        }
    )  # fmt: skip
    found = maf_terms(Table(frame, Path("calls.txt")))
    assert found.tumor_seq_allele2.tolist() == ["T", "A", None]
    assert found.variant_type.tolist()[:2] == ["SNP", "SNP"]


def test_a_users_own_signatures_are_fitted_beside_cosmics(tmp_path: Path) -> None:
    wide = profiles().pivot(index="channel", columns="signature", values="weight")
    own = tmp_path / "lab_2026.csv"
    wide.rename(columns={"SBS7a": "sun"})[["SBS1", "sun", "SBS13"]].rename_axis("Type").to_csv(own)
    notes: list[str] = []
    out = refits.read(tables(), genome=None, cache=tmp_path, notes=notes, progress=silent, own=own)
    activity = out["signature_activity"]
    found = activity[(activity.source == "refit lab_2026") & (activity.patient_key == 0)]
    assert set(found.signature) == {"SBS1", "sun"} and found.weight.between(0.4, 0.6).all()
    assert set(activity.source) == {refits.SOURCE, refits.GREEDY_SOURCE, "refit lab_2026"}
    assert "lab_2026" in set(out["signature_reference"].reference)
    assert any("3 signatures of lab_2026.csv" in n for n in notes)
    with pytest.raises(BadFile, match="is not there"):
        refits.own_reference(tmp_path / "none.csv")
    own.write_text("Type,one\nA[C>A]A,1\n")
    with pytest.raises(BadFile):
        refits.own_reference(own)
