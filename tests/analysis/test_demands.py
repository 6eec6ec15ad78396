"""Where a question has no answer the plainest reason is told: nobody, no profile, no endpoint."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.analysis.agreement import agreement_question
from core.analysis.burden import burden_question
from core.analysis.cox_model import cox_question
from core.analysis.setting import setting_question
from core.analysis.subgroups import subgroups_question
from core.analysis.survival import survival_question
from core.analysis.survival_panels import survival_panels
from core.model import Filters, NotEnoughData, Range, Split, Stratifier
from core.store import Store

ASKED: dict[str, Callable[..., object]] = {
    "survival": survival_question,
    "panels": survival_panels,
    "cox": cox_question,
    "subgroups": subgroups_question,
    "burden": burden_question,
    "setting": setting_question,
}
OPTIMAL = Stratifier(Split.NUMBER, feature="tmb_z", cut="optimal", name="TMB within cohort")


@pytest.mark.parametrize("page", ASKED)
def test_a_study_without_calls_is_told_so(simulated: Store, page: str) -> None:
    silent = simulated.cohorts().query("treated_with_ici and not has_mutations").cohort_id
    cohort = silent.iloc[0] if len(silent) else "samstein_2019"
    gene = "ALK" if len(silent) else unlisted(simulated)
    with pytest.raises(NotEnoughData, match=f"None of these .* profiled for {gene}") as told:
        ASKED[page](simulated, Filters(cohorts=(cohort,)), Stratifier(genes=(gene,)))
    assert told.value.remedy


def unlisted(store: Store) -> str:
    """A gene on no targeted panel."""
    genes = store.genes()
    return str(genes.hugo_symbol[~genes.on_panel].iloc[0])


@pytest.mark.parametrize("page", ASKED)
def test_a_study_without_the_endpoint_is_told_so(simulated: Store, page: str) -> None:
    with pytest.raises(NotEnoughData, match="Progression-free survival is not known"):
        ASKED[page](
            simulated, Filters(cohorts=("samstein_2019",)), Stratifier(genes=("TP53",)),
            endpoint="PFS",
        )  # fmt: skip


@pytest.mark.parametrize("page", ASKED)
def test_filters_that_keep_nobody_are_told_so(simulated: Store, page: str) -> None:
    with pytest.raises(NotEnoughData, match="No patient is left"):
        ASKED[page](simulated, Filters(age_years=Range(199, 200)), Stratifier(genes=("TP53",)))


def test_the_panel_of_studies_without_the_endpoint_says_why(simulated: Store) -> None:
    found = survival_panels(simulated, Filters(), Stratifier(genes=("TP53",)), endpoint="PFS")
    validation = next(p for p in found.roles if p.name == "Validation")
    assert validation.result is None
    assert validation.reason.startswith("Progression-free survival is not known")
    assert ";." not in validation.reason and "; ." not in validation.reason


@pytest.mark.parametrize(
    "asked", [cox_question, subgroups_question, agreement_question, setting_question]
)
def test_a_cut_chosen_by_survival_is_not_tested_again(
    simulated: Store, asked: Callable[..., object]
) -> None:
    with pytest.raises(NotEnoughData, match="chosen by looking at survival"):
        asked(simulated, Filters(), OPTIMAL)
