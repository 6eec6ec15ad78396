"""Values as they are written in a page's code: minimal, and equal when read again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.analysis.covariates import Covariate
from core.analysis.cox_model import cox_question
from core.model import NON_SYNONYMOUS, VARIANT_GROUPS, Filters, Range, Stratifier
from core.report.code import page_code
from core.report.script import Code, Script
from core.store import STORE_VARIABLE, Store, open_store


def read_again(script: Script, name: str) -> Any:
    names: dict[str, Any] = {}
    exec(script.text("# test"), names)
    return names[name]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Filters(), "Filters()"),
        (Filters(sexes=("male",)), 'Filters(sexes=("male",))'),
        (Filters(tmb_per_mb=Range(2.0)), "Filters(tmb_per_mb=Range(low=2.0))"),
        (Filters(treated_with_ici=None), "Filters(treated_with_ici=None)"),
        (Stratifier(), 'Stratifier(genes=("ALK",))'),
        (Stratifier("number", feature="age"), 'Stratifier(kind="number", feature="age")'),
        (Stratifier(genes=('a"b\n',)), 'Stratifier(genes=("a\\"b\\n",))'),
        (
            Stratifier(classes=VARIANT_GROUPS["splice"]),
            'Stratifier(genes=("ALK",), classes=VARIANT_GROUPS["splice"])',
        ),
        (
            Stratifier(classes=NON_SYNONYMOUS[:-2]),
            'Stratifier(genes=("ALK",), classes=(*VARIANT_GROUPS["missense"], '
            '*VARIANT_GROUPS["truncating"], *VARIANT_GROUPS["splice"]))',
        ),
        (Stratifier(classes=("Silent",)), 'Stratifier(genes=("ALK",), classes=("Silent",))'),
        ({"A set": ("B", "C")}, '{"A set": ("B", "C")}'),
    ],
)
def test_a_value_is_written_minimally_and_read_again(value: Any, written: str) -> None:
    script = Script()
    assert script.value(value) == written
    script.let("x", value)
    assert read_again(script, "x") == value


def test_a_long_value_is_broken_and_still_the_same() -> None:
    value = Filters(tumor_types=("Non-Small Cell Lung Cancer", "Melanoma"), cohorts=("a" * 40,))
    script = Script()
    script.let("x", value)
    assert read_again(script, "x") == value
    assert "\n    tumor_types=" in script.text("# test")


def test_a_long_tuple_stands_one_a_line() -> None:
    value = tuple(Covariate(v, coding="linear") for v in ("age_years", "tmb", "clinical:weight"))
    script = Script()
    script.let("covariates", value)
    assert read_again(script, "covariates") == value
    assert script.text("#").count('\n    Covariate("') == 3


def test_one_value_has_one_name() -> None:
    script = Script()
    assert script.let("filters", Filters()) == "filters"
    assert script.let("filters", Filters()) == "filters"
    assert script.let("filters", Filters(sexes=("male",))) == "filters_2"
    assert script.length == 2


def test_defaults_of_a_question_are_left_out() -> None:
    script = Script()
    given = {"store": None, "filters": Filters(), "stratifier": Stratifier(), "endpoint": "OS"}
    script.ask("r", cox_question, given)
    script.ask("q", cox_question, {**given, "endpoint": "PFS"})
    lines = script.text("#").splitlines()
    assert lines[-2] == "r = cox_question(store, filters, stratifier)"
    assert lines[-1] == 'q = cox_question(store, filters, stratifier, endpoint="PFS")'


def test_two_functions_of_one_name_are_refused() -> None:
    script = Script()
    script.use_name("core.charts.cox", "answer")
    with pytest.raises(ValueError, match="answer"):
        script.use_name("core.charts.burden", "answer")


def test_code_is_not_quoted() -> None:
    assert Script().value(Code("a.b")) == "a.b"


def test_a_page_without_an_answer_or_a_writer_has_no_code(simulated: Store) -> None:
    assert page_code("survival", simulated, []) == ""
    assert page_code("unheard_of", simulated, []) == ""


@pytest.mark.parametrize("pointer", ["", "{broken"])
def test_another_store_than_the_default_is_named(
    simulated_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pointer: str
) -> None:
    from core.analysis.ledger import Ledger
    from core.report.asked import Asked

    if pointer:  # a damaged newer build, while the older one stays in use
        (tmp_path / "current.json").write_text(pointer, encoding="utf-8")
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path))
    store = open_store(simulated_folder)
    text = page_code("ledger", store, [Asked("ledger", {"store": store}, Ledger)])
    assert f'store = open_store(Path("{store.path}"))' in text
    assert text.startswith("# SIMULATED data, no real patient: build simulated-")
    store.close()
