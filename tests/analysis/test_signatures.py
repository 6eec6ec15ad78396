"""Signatures by group and against survival: planted truth, missing tumours, the published files."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from core.analysis.decomposed import ICI, Demands, Source, Tumours, coverage, sources, tumours
from core.analysis.signature_survival import MIN_PRESENT, compare_exposures, signature_survival
from core.analysis.signatures import compare_frequencies, signature_frequency
from core.analysis.spectra import group_spectra
from core.analysis.tcga import TCGA
from core.groups.grouping import MUTATION_ORDER, Grouping
from core.model import Filters, NotEnoughData, Stratifier
from core.stats.contingency import mantel_haenszel
from core.stats.sbs96 import CHANNELS
from core.store import Store

SIGNATURES = ("SBS1", "SBS4", "SBS7a", "SBS10b")


def planted(n: int = 4000, seed: int = 5, place: str = TCGA) -> tuple[Tumours, Grouping]:
    """Tumours whose burden makes them mutant and gives them SBS4; SBS7a goes with the mutation
    itself, SBS10b shortens life, and SBS1 is everywhere alike."""
    draw = np.random.default_rng(seed)
    burden = draw.normal(0, 1, n)
    n_snv = np.round(120 * 2 ** (1.6 * burden)).astype(int) + 1
    mutant = draw.random(n) < 1 / (1 + np.exp(2.2 - 1.3 * burden))
    chances = np.column_stack(
        [
            np.full(n, 0.5),
            1 / (1 + np.exp(1.5 - 1.8 * burden)),
            np.where(mutant, 0.35, 0.12),
            np.full(n, 0.3),
        ]
    )
    present = draw.random(chances.shape) < chances
    weights = present * draw.uniform(0.1, 0.3, present.shape)
    hazard = np.where(present[:, 3], 2.2, 1.0) / 20
    event, censor = draw.exponential(1 / hazard), draw.uniform(5, 60, n)
    frame = pd.DataFrame(
        {
            "patient_key": range(n),
            "cohort_id": draw.choice(["one", "two"], n),
            "tumor_type": draw.choice(["Melanoma", "Glioma"], n),
            "tumor_type_source": draw.choice(["SKCM", "GBM"], n),
            "n_snv": n_snv,
            "cosine_similarity": 0.95,
            "eligible": n_snv >= 50,
            "time_months": np.minimum(event, censor),
            "event": (event <= censor).astype(float),
        }
    )
    frame["why"] = np.where(frame.n_snv < 50, "fewer than 50 SNVs", "")
    flow = pd.DataFrame({"step": ["in the store"], "n": [n], "lost": [0]})
    found = Tumours(
        Source("refit COSMIC v3.4", place, n), frame, sparse.csc_array(weights), SIGNATURES, flow,
        Filters(), Demands(),
    )  # fmt: skip
    labels = pd.Series(np.where(mutant, "mutant", "wild type"), dtype=object)
    labels[::50] = None
    return found, Grouping(labels, MUTATION_ORDER, "ALK", "not profiled")


@pytest.fixture(scope="module")
def compared():  # type: ignore[no-untyped-def]
    return compare_frequencies(*planted(), {"SBS4": "Tobacco smoking"})


def test_burden_alone_does_not_survive_the_adjustment(compared) -> None:  # type: ignore[no-untyped-def]
    rows = compared.table.set_index("signature")
    assert rows.q_value["SBS4"] < 1e-6 and rows.odds_ratio["SBS4"] > 2
    assert rows.adjusted_lower["SBS4"] < 1.1 and rows.adjusted_odds_ratio["SBS4"] < 1.4
    assert rows.adjusted_q["SBS7a"] < 1e-6
    true = (0.35 / 0.65) / (0.12 / 0.88)
    assert rows.adjusted_lower["SBS7a"] < true < rows.adjusted_upper["SBS7a"]
    assert rows.adjusted_lower["SBS1"] < 1 < rows.adjusted_upper["SBS1"]
    assert rows.aetiology["SBS4"] == "Tobacco smoking" and rows.aetiology["SBS1"] == "Unknown"


def test_counts_are_of_tumours_asked_and_grouped(compared) -> None:  # type: ignore[no-untyped-def]
    found, grouping = planted()
    keep = found.asked & grouping.labels.notna().to_numpy()
    mutant = (grouping.labels == "mutant").to_numpy()
    row = compared.table.set_index("signature").loc["SBS7a"]
    present = (found.weights[:, [2]].toarray() > 0).ravel()
    assert row.n_mutant == (keep & mutant).sum() and row.n_wild_type == (keep & ~mutant).sum()
    assert row.mutant == (keep & mutant & present).sum()
    assert compared.flow.lost.iloc[-1] == (found.asked & grouping.labels.isna()).sum()
    assert row.mutant_lower < row.mutant_share < row.mutant_upper


def test_adjusted_ratio_is_mantel_haenszels_over_the_strata(compared) -> None:  # type: ignore[no-untyped-def]
    found, _ = planted()
    rows = compared.rows
    at = rows.index.to_numpy()
    present = (found.weights[:, [2]].toarray() > 0).ravel()[at]
    step = np.floor(np.log2(rows.n_snv + 1) / 0.5)
    label = rows.cohort_id + rows.tumor_type_source + step.astype(str)
    tables = [
        [[(m & p).sum(), (m & ~p).sum()], [(~m & p).sum(), (~m & ~p).sum()]]
        for m, p in (
            ((rows.group == "mutant").to_numpy()[label == s], present[label == s])
            for s in label.unique()
        )
    ]
    direct = mantel_haenszel(np.array(tables), correct=False)
    row = compared.table.set_index("signature").loc["SBS7a"]
    ours = row[["adjusted_odds_ratio", "adjusted_lower", "adjusted_upper", "adjusted_p"]]
    theirs = [direct.odds_ratio, direct.ci_lower, direct.ci_upper, direct.p_value]
    assert ours.to_numpy(float) == pytest.approx(theirs, rel=1e-9)


def test_frequency_by_count_shows_those_below_the_minimum_too(compared) -> None:  # type: ignore[no-untyped-def]
    rows = compared.by_count[compared.by_count.signature == "SBS4"]
    assert rows[rows.bin == "below 50"].n.sum() > 100
    found, grouping = planted()
    assert rows.n.sum() == grouping.labels.notna().sum()
    wild = rows[rows.group == "wild type"].share.to_numpy()
    assert (np.diff(wild) > 0).all(), "SBS4 goes with burden"
    assert found.asked.sum() < len(found.frame)


def test_false_calls_in_small_tumours_are_told_of() -> None:
    found, grouping = planted()
    weights = found.weights.toarray()
    draw = np.random.default_rng(0)
    low = (found.frame.n_snv < 100).to_numpy()
    weights[:, 0] = np.where(draw.random(len(low)) < np.where(low, 0.4, 0.05), 0.1, 0)
    spoilt = Tumours(
        found.source, found.frame, sparse.csc_array(weights), SIGNATURES, found.flow, Filters(),
        Demands(),
    )  # fmt: skip
    words = " ".join(compare_frequencies(spoilt, grouping, {}).warnings)
    assert "SBS1." in words and "SBS7a" not in words


# -- survival --------------------------------------------------------------------------


def test_planted_hazard_is_found_and_only_that() -> None:
    found, _ = planted(1500, seed=7, place=ICI)
    result = compare_exposures(found, {})
    rows = result.table.set_index("signature")
    assert rows.index[0] == "SBS10b" and rows.q_value["SBS10b"] < 1e-6
    assert rows.ci_lower["SBS10b"] < 2.2 < rows.ci_upper["SBS10b"]
    assert (rows.q_value.drop("SBS10b") > 0.01).all()
    assert rows.n["SBS1"] == result.n == found.asked.sum()
    share = compare_exposures(found, {}, exposure="share").table.set_index("signature")
    assert share.hazard_ratio["SBS10b"] > 1.2 and share.q_value["SBS10b"] < 1e-6


def test_few_events_give_firths_estimate() -> None:
    found, _ = planted(120, place=ICI)
    weights = found.weights.toarray()
    keep = np.flatnonzero(found.asked & (found.frame.event == 0))[:6]
    weights[:, 0] = 0
    weights[keep, 0] = 0.2
    few = Tumours(
        found.source, found.frame, sparse.csc_array(weights), SIGNATURES, found.flow, Filters(),
        Demands(),
    )  # fmt: skip
    row = compare_exposures(few, {}).table.set_index("signature").loc["SBS1"]
    assert row.method == "firth" and row.events_present == 0 and np.isfinite(row.hazard_ratio)
    assert np.isfinite(row.ci_upper) and 0 < row.hazard_ratio < 1


def test_rare_signatures_are_counted_not_tested() -> None:
    found, _ = planted(300, place=ICI)
    weights = found.weights.toarray()
    weights[:, 0] = 0
    weights[np.flatnonzero(found.asked)[: MIN_PRESENT - 1], 0] = 0.2
    rare = Tumours(
        found.source, found.frame, sparse.csc_array(weights), SIGNATURES, found.flow, Filters(),
        Demands(),
    )  # fmt: skip
    result = compare_exposures(rare, {})
    assert "SBS1" not in set(result.table.signature) and result.n_too_rare == 1


# -- stores ----------------------------------------------------------------------------


def test_simulated_store_has_both_places(simulated: Store) -> None:
    found = sources(simulated)
    assert [s.place for s in found] == [TCGA, ICI]
    covered = coverage(simulated).set_index("name")
    assert covered.decomposed["Liu 2019"] > 0 and covered.reason["Liu 2019"] == ""
    assert "sequenced by a panel" in covered.reason["Samstein 2019"]


def test_simulated_presence_under_the_filters(simulated: Store) -> None:
    source = sources(simulated)[0]
    narrow = Filters(tumor_types=("Melanoma",))
    everyone = signature_frequency(simulated, Filters(), Stratifier(genes=("TP53",)), source)
    melanoma = signature_frequency(simulated, narrow, Stratifier(genes=("TP53",)), source)
    assert set(melanoma.rows.tumor_type) == {"Melanoma"}
    assert len(melanoma.rows) < len(everyone.rows)
    assert (melanoma.rows.n_snv >= 50).all()
    sun = melanoma.table.set_index("signature").loc["SBS7a"]
    assert sun.wild_type_share > 0.8


def test_demands_thin_the_tumours_and_are_in_the_flow(simulated: Store) -> None:
    source = sources(simulated)[0]
    found = tumours(simulated, Filters(), source, Demands(200, 0.9))
    asked = found.frame[found.asked]
    assert asked.n_snv.min() >= 200 and asked.cosine_similarity.min() >= 0.9
    steps = found.flow.set_index("step")
    assert steps.lost["fewer than 200 SNVs"] > 0
    assert steps.lost["reconstruction cosine below 0.9"] > 0
    assert found.flow.n.iloc[-1] == found.asked.sum()
    with pytest.raises(NotEnoughData, match="No tumour can be asked"):
        tumours(simulated, Filters(), source, Demands(2_000_000))


def test_spectra_are_means_over_tumours(simulated: Store) -> None:
    result = group_spectra(simulated, Filters(), Stratifier(genes=("TP53",)), TCGA)
    sums = result.table.groupby("group").share.sum()
    assert sums.to_numpy() == pytest.approx([1.0, 1.0])
    assert result.table.channel.tolist() == [*CHANNELS, *CHANNELS]
    assert 0.7 < result.cosine <= 1 and (result.tumours.n > 0).all()
    assert result.tumours.n_snv.min() >= 50


@pytest.mark.realdata
def test_real_frequencies_differ_by_burden_and_not_beyond_it(real: Store) -> None:
    """293 of the 323 mutants are among the published activities; SBS86 is not among these."""
    source = next(s for s in sources(real) if s.name == "Alexandrov 2020")
    result = signature_frequency(real, Filters(), Stratifier(), source, Demands(0))
    rows = result.table.set_index("signature")
    assert rows.n_mutant.iloc[0] == 293 and "SBS86" not in rows.index
    for name in ("SBS7a", "SBS10b", "SBS30"):
        assert rows.q_value[name] < 0.05
    assert (rows.adjusted_q.dropna() > 0.05).all()


@pytest.mark.realdata
def test_real_ici_exomes_are_refitted_where_the_calls_allow(real: Store) -> None:
    covered = coverage(real).set_index("name")
    assert covered.decomposed["Van Allen 2015"] == 110
    for study, word in {
        "Snyder 2014": "--genome", "Liu 2019": "gene's strand", "Samstein 2019": "panel",
        "Hugo 2016": "--genome",
        "Ravi 2023": "no calls",
    }.items():  # fmt: skip
        assert word in covered.reason[study]
    melanoma = next(s for s in sources(real) if s.name == "refit COSMIC v3.4")
    frame = tumours(real, Filters(), melanoma, Demands())
    sun = frame.weights[np.flatnonzero(frame.asked)][:, [frame.signatures.index("SBS7a")]]
    assert (sun.toarray() > 0).mean() > 0.6, "ultraviolet light is found in melanoma"
    result = signature_survival(real, Filters(), melanoma)
    assert result.n == 95 and result.table.hazard_ratio.notna().all()
    assert any("One study alone" in w for w in result.warnings)
