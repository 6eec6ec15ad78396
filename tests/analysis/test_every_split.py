"""Every way to split patients is answered on every page, or refused for a reason of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.analysis.agreement import agreement_question
from core.analysis.cohorts import cohort_overview
from core.analysis.cox_model import cox_question
from core.analysis.setting import setting_question
from core.analysis.subgroups import subgroups_question
from core.analysis.survival_panels import survival_panels
from core.model import Filters, NotEnoughData, Split, Stratifier
from core.store import Store

PAGES: dict[str, Callable[..., object]] = {
    "cohorts": cohort_overview,
    "survival": survival_panels,
    "cox": cox_question,
    "subgroups": subgroups_question,
    "agreement": agreement_question,
    "setting": setting_question,
}
TWO_GROUPS = ("agreement", "setting")
UNCHOSEN = ("cox", "subgroups", *TWO_GROUPS)

SPLITS: dict[str, Stratifier] = {
    "gene": Stratifier(genes=("TP53",)),
    "any of a set": Stratifier(genes=("ALK", "TP53"), name="a set"),
    "all of a set": Stratifier(genes=("KRAS", "TP53"), combine="all"),
    "one class": Stratifier(genes=("TP53",), classes=("Missense_Mutation",)),
    "pair": Stratifier(Split.PAIR, genes=("ALK", "TP53")),
    "TMB at its median": Stratifier(Split.NUMBER, feature="tmb_per_mb", cut="median", name="TMB"),
    "TMB in thirds": Stratifier(Split.NUMBER, feature="tmb_per_mb", cut="tertiles", name="TMB"),
    "TMB at a typed cut": Stratifier(Split.NUMBER, feature="tmb_per_mb", cut="10", name="TMB"),
    "TMB at its best cut": Stratifier(Split.NUMBER, feature="tmb_z", cut="optimal", name="TMB z"),
    "age": Stratifier(Split.NUMBER, feature="age_years", cut="65", name="Age"),
    "sex": Stratifier(Split.CATEGORY, feature="sex", name="Sex"),
    "drug class": Stratifier(Split.CATEGORY, feature="drug_class", name="Drug class"),
    "signature": Stratifier(Split.SIGNATURE, feature="SBS7a"),
}


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("page", PAGES)
def test_a_split_is_answered_or_refused_for_its_own_reason(
    simulated: Store, page: str, split: str
) -> None:
    try:
        PAGES[page](simulated, Filters(), SPLITS[split])
    except NotEnoughData as told:
        several = page in TWO_GROUPS and "compares two groups" in told.message
        chosen = page in UNCHOSEN and "chosen by looking at survival" in told.message
        untreated = page == "setting" and split in ("drug class", "signature")
        assert several or chosen or untreated, told
        assert told.remedy
