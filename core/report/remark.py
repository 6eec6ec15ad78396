"""The REMARK checklist, filled in where the program knows the answer.

The 20 items are those of McShane et al. 2005 (J Natl Cancer Inst 97:1180), explained by Altman et
al. 2012 (PLoS Med 9:e1001216); their wording here is shortened. An item that only the author can
answer has a hint instead of an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from core.model import ENDPOINT_LABEL
from core.report.methods import Methods, methods
from core.report.snapshot import Snapshot
from core.store import Store

FILLED, PARTLY, AUTHOR = "filled in", "in part", "for the author"

ITEMS: tuple[tuple[str, str, str], ...] = (
    ("Introduction", "State the marker, the study's objectives and any hypotheses set beforehand.",
     "State which hypotheses were set before the data were seen."),
    ("Patients", "Describe the patients: disease stage, source, criteria of inclusion and "
     "exclusion.", "Add stage and the studies' own criteria."),
    ("Patients", "Describe the treatments received and how they were chosen.",
     "Add doses, lines of treatment and how they were chosen, from the studies' papers."),
    ("Specimens", "Describe the biological material, its preservation and storage.",
     "From the studies' papers: tumour or blood, fresh or fixed, matched normal or not."),
    ("Assay", "Specify the assay, its protocol and quality control, and whether those who ran it "
     "were blind to the outcome.", "Add the panels' versions and how calls were filtered."),
    ("Design", "State how cases were selected: prospective or retrospective, matched, period and "
     "median follow-up.", "Add the period of recruitment and the median follow-up."),
    ("Design", "Define every clinical endpoint.", "Add from when time is counted in each study."),
    ("Design", "List every candidate variable.", "Say which were looked at and are not shown."),
    ("Design", "Give the reason for the sample size.",
     "The patients are those whom the studies published; say which effect they could have shown."),
    ("Statistics", "Specify all methods: selection of variables, assumptions, missing data.",
     "Say what else was tried."),
    ("Statistics", "Say how marker values were handled, and how cutpoints were found.",
     "Give reasons for the variant classes or the cutpoint."),
    ("Data", "Describe the flow of patients and the events in each group; a diagram helps.",
     "The Cohorts page draws the diagram: pin it."),
    ("Data", "Report distributions of demographic and prognostic variables and of the marker, and "
     "how many values are missing.", "Table 1 of the Cohorts page: save it and add it."),
    ("Results", "Show the relation of the marker to standard prognostic variables.",
     "Table 1 by group shows it; the pages on burden and cancer type as well."),
    ("Results", "Present univariable analyses: effect, interval, survival curves.",
     "Pin the curves of the survival page."),
    ("Results", "For multivariable analyses, report effects with intervals of the marker and of "
     "all other variables.", "Pin the multivariable model of the Cox page."),
    ("Results", "Give the marker's effect with its interval beside standard variables, whether it "
     "is significant or not.", "Pin the multivariable model of the Cox page."),
    ("Results", "Report checks of assumptions, sensitivity analyses and validation.",
     "Pin the residuals, the agreement of cohorts or the burden models."),
    ("Discussion", "Interpret the results in the light of hypotheses and other studies; state "
     "limitations.", "Interpret; other studies are not known to the program."),
    ("Discussion", "Discuss implications for research and clinical value.", "Yours to write."),
)  # fmt: skip
"""Section, what is asked (shortened), hint."""

COLUMNS = ["item", "section", "asks", "status", "answer"]


def remark(snapshots: Sequence[Snapshot], store: Store | None = None) -> pd.DataFrame:
    """One row per item: item (1 to 20), section, asks, status, answer.

    An ``answer`` ends with the hint on what only the author can add.
    """
    made = methods(snapshots, store)
    rows = []
    for number, (section, asks, hint) in enumerate(ITEMS, 1):
        known = _answer(number, snapshots, made, store)
        whole = number in WHOLE and known
        status = FILLED if whole else PARTLY if known else AUTHOR
        answer = known if whole else f"{known} [Author: {hint}]".strip()
        rows.append((number, section, asks, status, answer))
    return pd.DataFrame(rows, columns=COLUMNS)


WHOLE = frozenset({15, 16, 17})
"""Items that a pinned figure answers without the author."""


def remark_markdown(table: pd.DataFrame, *, simulated: bool) -> str:
    """The checklist as a table that Markdown and, pasted, a word processor reads."""
    lead = "**SIMULATED DATA.** " if simulated else ""
    lines = [
        "# REMARK checklist",
        "",
        f"{lead}Items of McShane et al. 2005 and Altman et al. 2012, shortened. "
        f"{int((table.status != AUTHOR).sum())} of {len(table)} have an answer or part of one.",
        "",
        "| Item | Section | Asked | Status | Answer |",
        "|---|---|---|---|---|",
    ]
    lines += [
        "| " + " | ".join(_cell(v) for v in row) + " |" for row in table.itertuples(index=False)
    ]
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def _answer(number: int, snapshots: Sequence[Snapshot], made: Methods, store: Store | None) -> str:
    """What the program knows of an item; empty where it knows nothing."""
    if number == 5:
        return _assays(snapshots, store)
    answer = ANSWERS.get(number)
    if answer is None or not snapshots:
        return ""
    text = answer(snapshots, made)
    lead = "SIMULATED DATA. " if made.simulated and text else ""
    return lead + text


def _each(values: Sequence[str]) -> str:
    return " ".join(f"{v.rstrip('.')}." for v in dict.fromkeys(values) if v)


def _assays(snapshots: Sequence[Snapshot], store: Store | None) -> str:
    names = {n for s in snapshots for n in s.cohorts}
    if store is None or not names:
        return ""
    cohorts = store.cohorts()
    rows = cohorts[cohorts.name.isin(names)].to_dict("records")
    told = [f"{r['name']}: {r['assay']}, {r['genome_build'] or 'genome unknown'}" for r in rows]
    return f"{'; '.join(told)}." if told else ""


def _endpoints(made: Methods) -> str:
    text = made.paragraphs.get("Statistical analysis", "").lower()
    named = [label for label in ENDPOINT_LABEL.values() if label.lower() in text]
    return f"{', '.join(named)}, as the studies define {'it' if len(named) == 1 else 'them'}, in " \
        "months." if named else ""  # fmt: skip


def _about(snapshots: Sequence[Snapshot], *figures: str) -> str:
    """Descriptions of the pinned figures whose page or key starts with one of ``figures``."""
    fitting = [
        f"Figure {i}: {s.description}"
        for i, s in enumerate(snapshots, 1)
        if s.figure.startswith(figures) or _page(s).startswith(figures)
    ]
    return _each(fitting)


def _page(snapshot: Snapshot) -> str:
    return snapshot.address.lstrip("/").split("?", 1)[0] or "survival"


def _statistics(snapshots: Sequence[Snapshot], made: Methods) -> str:
    return made.paragraphs["Statistical analysis"]


def _patients(snapshots: Sequence[Snapshot], made: Methods) -> str:
    return f"{made.paragraphs['Patients']} Studies: {', '.join(s.name for s in made.studies)}."


def _treatment(snapshots: Sequence[Snapshot], made: Methods) -> str:
    treated = [s.sentence for s in snapshots if "ICI" in s.sentence]
    return _each(treated)


def _design(snapshots: Sequence[Snapshot], made: Methods) -> str:
    return (
        "Retrospective analysis of patients of published studies, pooled or compared as each "
        "figure says; no case was matched."
    )


def _variables(snapshots: Sequence[Snapshot], made: Methods) -> str:
    text = made.paragraphs["Statistical analysis"]
    held = [s for s in text.split(". ") if "model held" in s or "predictors" in s]
    return _each(held)


def _marker(snapshots: Sequence[Snapshot], made: Methods) -> str:
    words = ("mutant", "cut", "median", "third", "tertile", "score", "not profiled")
    held = [s.sentence for s in snapshots if any(w in s.sentence for w in words)]
    return _each(held)


def _checks(snapshots: Sequence[Snapshot], made: Methods) -> str:
    figures = _about(snapshots, "schoenfeld", "agreement", "burden", "setting", "calibration",
                     "leave-one-out", "null")  # fmt: skip
    return f"{figures} {_each([w for s in snapshots for w in s.warnings])}".strip()


ANSWERS: dict[int, Callable[[Sequence[Snapshot], Methods], str]] = {
    1: lambda s, m: "Questions asked: " + _each([one.title for one in s]),
    2: _patients,
    3: _treatment,
    6: _design,
    7: lambda s, m: _endpoints(m),
    8: _variables,
    10: _statistics,
    11: _marker,
    12: lambda s, m: _about(s, "flow", "cohorts") or m.paragraphs["Patients"],
    14: lambda s, m: _about(s, "burden", "frequency", "correlat"),
    15: lambda s, m: _about(s, "km", "univariable", "survival"),
    16: lambda s, m: _about(s, "multivariable"),
    17: lambda s, m: _about(s, "multivariable"),
    18: _checks,
    19: lambda s, m: _each([w for one in s for w in one.warnings]),
}
"""Item -> what answers it of the snapshots and their methods."""
