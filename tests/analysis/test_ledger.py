"""The ledger: what a match is, the published files' numbers, and that nothing is typed in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.analysis import ledger_entries
from core.analysis.ledger import (
    CANNOT,
    DIFFERS,
    MATCH,
    NOT_YET,
    NOTHING_REAL,
    NOTHING_THERE,
    Ledger,
    agrees,
    in_words,
    ledger,
    printed_like,
)
from core.analysis.ledger_entries import PAPER, Estimate, entry_of
from core.analysis.survival import survival_question
from core.model import Filters, NotEnoughData, Stratifier
from core.store import Store


@pytest.mark.parametrize(
    ("printed", "value", "match"),
    [
        ("0.62", 0.6151, True),
        ("0.62", 0.6249, True),
        ("0.62", 0.6251, False),
        ("0.60", 0.6049, True),
        ("1524", 1524.0, True),
        ("1524", 1523.0, False),
        ("1,524", 1524.0, True),
        ("2.9%", 0.0294, True),
        ("2.9%", 0.0296, False),
        ("< 0.001", 0.0009, True),
        ("< 0.001", 0.001, False),
        ("0.62", float("nan"), False),
        ("lung", "Non-Small Cell Lung Cancer", True),
        ("pembrolizumab/nivolumab", "Nivolumab, Pembrolizumab", True),
        ("ipilimumab/tremelimumab", "Ipilimumab", False),
        ("WES", "blood panel", False),
        ("285-426", "285-426", True),
    ],
)
def test_a_match_is_the_printed_number_rounded(printed: str, value: float | str, match: bool):
    assert agrees(printed, value) is match


@pytest.mark.parametrize(
    ("printed", "value", "text"),
    [
        ("0.62", 0.6193, "0.62"),
        ("1524", 1524.0, "1,524"),
        ("2.9%", 0.0305, "3.0%"),
        ("< 0.001", 0.0002, "< 0.001"),
        ("< 0.001", 0.0034, "0.003"),
        ("0.003", 0.0001, "< 0.001"),
        ("0.03", 0.0, "0.00"),
        ("0.5", float("inf"), "infinite"),
        ("WES", "WES", "WES"),
    ],
)
def test_ours_is_shown_with_the_printed_digits(printed: str, value: float | str, text: str):
    assert printed_like(printed, value) == text


def test_words_of_a_row() -> None:
    values = {"n": "10", "n mutant": "3", "hazard ratio": "0.5", "ci_lower": "0.2"}
    values |= {"ci_upper": "0.9", "p value": "0.02"}
    assert in_words(values) == "n 10, 3 mutant, HR 0.5 (0.2–0.9), p 0.02"


# -- the published files ---------------------------------------------------------------


@pytest.fixture(scope="module")
def of_real(real: Store) -> Ledger:
    return ledger(real)


def row(result: Ledger, figure: str, method: str, item: str = "") -> dict[str, str]:
    lines = result.lines
    found = lines[(lines.figure == figure) & (lines.method == method)]
    found = found[found["item"] == item] if item else found
    assert len(found) == 1
    return found.to_dict("records")[0]


def test_validation_cohort_by_both_forms(of_real: Ledger) -> None:
    paper, cox = row(of_real, "Figure 1B", "O/E"), row(of_real, "Figure 1B", "Cox")
    assert paper["here"].startswith("n 1,524, 91 mutant, HR 0.62 (0.47–0.83)")
    assert paper["verdict"] == MATCH
    assert cox["here"].startswith("n 1,524, 91 mutant, HR 0.62 (0.43–0.88)")
    assert cox["verdict"] == DIFFERS and "differs in CI" in cox["why"]


def test_table_one_does_not_add_up(of_real: Ledger) -> None:
    assert len(of_real.contradictions) == 2
    assert "93 mutant of 1,409, the text says 125 of 1,406" in of_real.contradictions[0]
    assert "61 mutant of 1,610, the text says 91 of 1,524" in of_real.contradictions[1]


def test_all_nine_tumour_counts_of_the_validation_cohort(of_real: Ledger) -> None:
    lines = of_real.lines[of_real.lines["item"].str.startswith("Validation: ")]
    assert len(lines) == 9 and (lines.verdict == MATCH).all()


def test_tcga_mutants_and_their_survival(of_real: Ledger) -> None:
    assert row(of_real, "Figure 3A", "of the profiled patients")["here"].startswith("323 mutant")
    own = of_real.numbers[of_real.numbers.figure == "Figure 3C"]
    ratios = own[own.quantity == "hazard ratio"]
    assert set(ratios["item"].str.split().str[0]) == {"OS", "DSS", "PFI", "DFI"}
    assert len(ratios) == 12 and ratios.value.between(0.8, 1.25).all()
    within = own[own.method == "Cox, stratified by tumour type"].set_index(["item", "quantity"])
    low, high = within.value["OS by ALK, TCGA"][["ci_lower", "ci_upper"]]
    assert low < 1 < high


def test_what_the_files_lack_is_said(of_real: Ledger) -> None:
    lines = of_real.lines.set_index("item")
    for study in ("Miao 2018", "Ravi 2023"):
        assert "no gene-level calls" in lines.why[study]
    assert lines.verdict["Miao 2018"] == CANNOT
    assert lines.here["Nomogram"].startswith("horizons ")
    later = lines[lines.why == NOT_YET]
    assert (later.verdict == CANNOT).all() and (later.here == "").all()


def test_each_printed_number_is_counted_once(of_real: Ledger, real: Store) -> None:
    assert sum(of_real.counts.values()) == len(real.reported())
    assert of_real.counts[MATCH] >= 70


def test_numbers_are_those_of_the_analyses(of_real: Ledger, real: Store) -> None:
    result = survival_question(real, PAPER.discovery, PAPER.stratifier, stratified=True)
    cox = result.hazard_ratios[result.hazard_ratios.method == "Cox, Efron"].iloc[0]
    own = of_real.numbers
    own = own[(own.figure == "Figure 1A") & (own.method == "Cox, stratified by cohort")]
    values = own.set_index("quantity").value
    assert values["hazard ratio"] == cox.hazard_ratio and values["p value"] == cox.p_value
    assert values["n"] == len(result.rows)


def test_other_filters_and_genes_give_other_rows(of_real: Ledger, real: Store) -> None:
    honest = replace(PAPER, validation=replace(PAPER.validation, require_call=False))
    with_all = row(ledger(real, honest), "Figure 1B", "O/E")
    assert with_all["here"].startswith("n 1,572, 91 mutant")
    assert with_all["verdict"] == DIFFERS
    other = replace(PAPER, stratifier=Stratifier(genes=("TP53",)))
    tp53 = row(ledger(real, other), "Figure 1B", "O/E")
    assert tp53["verdict"] == DIFFERS and "91 mutant" not in tp53["here"]


# -- what is printed never reaches what is computed ------------------------------------


def test_printed_numbers_do_not_move_ours(simulated: Store, monkeypatch: pytest.MonkeyPatch):
    before = ledger(simulated)
    other = simulated.reported()
    numeric = other.value.str.fullmatch(r"0\.\d+")
    monkeypatch.setattr(
        simulated, "reported", lambda: other.assign(value=other.value.where(~numeric, "0.123"))
    )
    after = ledger(simulated)
    np.testing.assert_array_equal(before.numbers.value, after.numbers.value)
    assert (before.lines.reported != after.lines.reported).any()


def test_printed_sums_follow_the_printed_rows(
    simulated: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = simulated.reported()
    hugo = (other["item"] == "Hugo 2016") & (other.quantity == "n mutant")
    fixed = other.assign(value=other.value.where(~hugo, "39"))
    monkeypatch.setattr(simulated, "reported", lambda: fixed)
    assert "125 mutant of 1,441" in ledger(simulated).contradictions[0]


def test_simulated_data_compare_nothing_real(simulated: Store) -> None:
    result = ledger(simulated)
    assert result.simulated
    assert not {MATCH, DIFFERS, NOTHING_THERE} & set(result.lines.verdict)
    assert result.counts[NOTHING_REAL] > 20
    assert set(result.counts) == {NOTHING_REAL, CANNOT}


def test_a_new_entry_is_one_line(simulated: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert entry_of("Figure 9", "anything") is None
    new = ("Figure 2C", "Total points", lambda m, item: [Estimate("cut", {"cut": 120.0})])
    monkeypatch.setattr(ledger_entries, "REGISTRY", (new, *ledger_entries.REGISTRY))
    lines = ledger(simulated).lines.set_index("item")
    assert lines.here["Total points"] == "cut 120"


def test_an_entry_that_fails_says_why(simulated: Store) -> None:
    nobody = replace(PAPER, validation=Filters(cohorts=("nobody",)))
    lines = ledger(simulated, nobody).lines
    failed = lines[lines.figure == "Figure 1B"].iloc[0]
    assert failed.verdict == CANNOT and "has the cohort 'nobody'" in failed.why


def test_a_store_without_printed_numbers_is_told(
    simulated: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulated, "reported", lambda: pd.DataFrame())
    with pytest.raises(NotEnoughData) as told:
        ledger(simulated)
    assert "data build" in told.value.remedy
