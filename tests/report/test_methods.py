"""Methods: only what was run, with the works that its words call for, and the REMARK checklist."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from core.report.citations import (
    Study,
    bibtex,
    called_for,
    printed,
    sentences,
    studies,
    with_citations,
)
from core.report.methods import methods
from core.report.remark import AUTHOR, FILLED, ITEMS, remark, remark_markdown
from core.report.snapshot import Snapshot
from core.store import Store
from data.cohort_spec import load_cohorts
from data.facts import references


def keys(text: str) -> set[str]:
    return {r.key for r in called_for(text)}


def test_references_are_complete_and_unique() -> None:
    every = references()
    for part in ("key", "cited", "title"):
        values = [getattr(r, part) for r in every]
        assert len(values) == len(set(values)), part
    dois = [r.doi for r in every if r.doi]
    assert len(dois) == len(set(dois))
    for one in every:
        re.compile(one.matches)
        assert one.author and 1900 < one.year < 2030
        assert not one.doi or re.fullmatch(r"10\.\d{4,9}/\S+", one.doi), one.key
        assert one.cited.endswith(str(one.year)) and one.key.endswith(str(one.year)), one.key


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Cox models with Efron's treatment of ties.", {"cox1972", "efron1977"}),
        ("estimated by Kaplan-Meier with log-log intervals", {"kaplan1958"}),
        ("proportional hazards by a test (Kaplan-Meier time scale)", set()),
        ("Firth's penalised likelihood", {"firth1993", "heinze2001"}),
        ("q-values are Benjamini and Hochberg's", {"benjamini1995"}),
        ("variance by restricted maximum likelihood; Hartung and Knapp",
         {"viechtbauer2005", "hartung2001"}),
        ("scores by ssGSEA", {"barbie2009"}),
        ("Patients were counted.", set()),
    ],
)  # fmt: skip
def test_words_call_for_their_works_and_for_no_others(text: str, expected: set[str]) -> None:
    assert keys(text) == expected


def test_a_work_is_cited_where_it_is_first_used() -> None:
    told = with_citations("A Cox model was fitted. Another Cox model, Efron's ties.")
    assert (
        told == "A Cox model was fitted (Cox 1972). Another Cox model, Efron's ties (Efron 1977)."
    )
    assert sentences("By Wilson et al. (Nature 2020). Then 1.5 times. End") == [
        "By Wilson et al. (Nature 2020).", "Then 1.5 times.", "End",
    ]  # fmt: skip


def test_paragraph_holds_what_each_figure_ran_once(snapshots: list[Snapshot], small: Store) -> None:
    made = methods([*snapshots, snapshots[0]], small)
    told = made.paragraphs["Statistical analysis"]
    for one in snapshots:
        for sentence in sentences(one.methods):
            assert told.count(sentence.rstrip(".")) == 1, sentence
    assert "(Kaplan and Meier 1958)" in told and "(Efron 1977" not in made.paragraphs["Data"]
    assert "stratified by cohort" in told and "complete cases" in told
    assert "Figures 1, 3 and 5: 895 patients" in made.paragraphs["Patients"]
    for warning in snapshots[1].warnings:
        assert warning in made.paragraphs["Limitations"]
    assert small.version in made.paragraphs["Data"]
    assert "0.1.0" in made.paragraphs["Software"] and "numpy" in made.paragraphs["Software"]


def test_only_works_in_use_are_listed(snapshots: list[Snapshot]) -> None:
    alone = {r.key for r in methods(snapshots[:1]).references}
    assert {"kaplan1958", "cox1972", "efron1977"} <= alone
    assert not alone & {"viechtbauer2005", "barbie2009", "davidsonpilon2019"}
    agreed = {r.key for r in methods(snapshots[2:3]).references}
    assert {"viechtbauer2005", "hartung2001"} <= agreed and "kaplan1958" not in agreed


def test_simulated_data_are_told_first(snapshots: list[Snapshot]) -> None:
    made = methods(snapshots)
    assert made.paragraphs["Data"].startswith("SIMULATED DATA")
    assert made.markdown.startswith("# Methods (SIMULATED DATA)")
    real = methods([replace(snapshots[0], simulated=False)])
    assert "SIMULATED" not in real.markdown


def test_studies_have_the_doi_of_their_file_and_of_the_store(
    snapshots: list[Snapshot], small: Store
) -> None:
    spec = next(s for s in load_cohorts() if s.cohort_id == "hugo_2016")
    one = replace(snapshots[0], cohorts={spec.name: spec.citation})
    assert studies([one]) == [Study(spec.name, spec.citation, spec.doi)]
    assert [s.name for s in studies(snapshots, small)] == list(small.cohorts().name)
    files = methods(snapshots, small).sources
    assert files and all(line.startswith("ici/") for line in files)
    assert methods(snapshots).sources == []


def test_bibtex_of_a_study_is_parsed_and_a_work_stands_once() -> None:
    cited = [Study(s.name, s.citation, s.doi) for s in load_cohorts()]
    made = bibtex(cited, [r for r in references() if r.key in ("cox1972", "liu2018")])
    assert made.count("@article{") == len(cited) + 1 and "@misc" not in made
    assert "author = {Hugo, W and others}" in made or "author = {Hugo W and others}" in made
    assert "pages = {35--44}" in made and "volume = {165}" in made
    assert made.count("10.1016/j.cell.2018.02.052") == 1  # TCGA-CDR is study and method
    entries = re.findall(r"@\w+\{([^,]+),", made)
    assert len(entries) == len(set(entries))
    for entry in made.split("\n\n"):
        assert entry.count("{") == entry.count("}")


def test_hostile_citations_leave_bibtex_whole() -> None:
    made = bibtex([Study("A}b", "x} @article{evil, & 5% of_it \\", "")], [])
    assert made.count("{") == made.count("}") == 2
    assert r"\&" in made and r"5\%" in made


def test_printed_works_name_authors_journal_and_doi() -> None:
    cox = next(r for r in references() if r.key == "cox1972")
    assert printed(cox) == (
        "Cox, D. R. Regression models and life-tables. Journal of the Royal Statistical Society. "
        "Series B 1972;34(2):187–202. doi:10.1111/j.2517-6161.1972.tb00899.x"
    )


# -- REMARK ----------------------------------------------------------------------------


def test_remark_has_its_twenty_items_answered_or_hinted(
    snapshots: list[Snapshot], small: Store
) -> None:
    table = remark(snapshots, small)
    assert table["item"].tolist() == list(range(1, 21)) and len(ITEMS) == 20
    by = table.set_index("item")
    assert by.status[16] == FILLED and snapshots[1].description.rstrip(".") in by.answer[16]
    assert by.status[15] == FILLED and "Kaplan-Meier curves" in by.answer[15]
    assert "MSK-IMPACT" in by.answer[5] and "Overall survival" in by.answer[7]
    assert by.status[20] == AUTHOR and by.answer[20].startswith("[Author:")
    open_items = by[by.status != FILLED]
    assert open_items.answer.str.contains(r"\[Author: ").all()
    assert by.answer[2].startswith("SIMULATED DATA")


def test_remark_of_curves_alone_leaves_the_model_to_the_author(snapshots: list[Snapshot]) -> None:
    by = remark(snapshots[:1]).set_index("item")
    assert by.status[16] == by.status[17] == by.status[5] == AUTHOR
    assert (remark([]).status == AUTHOR).all()


def test_remark_as_text_is_a_table_whose_cells_cannot_break_it(snapshots: list[Snapshot]) -> None:
    odd = replace(snapshots[0], title="a | b\nc")
    text = remark_markdown(remark([odd]), simulated=True)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 21 and "SIMULATED DATA" in text
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 6 for row in rows)
