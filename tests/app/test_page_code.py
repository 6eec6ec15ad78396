"""The code that each page shows, run as a program: it says and draws what the page does."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.charts.figure import Figure
from core.report.code import WRITERS
from core.ui import cached
from core.ui.code import FOLD
from tests.app.conftest import ROOT
from tests.app.reading import alt, charts, spec, texts

App = Callable[..., AppTest]

ASKED: list[tuple[str, dict[str, Any]]] = [
    ("survival", {}),
    ("survival", {"view": "Pooled only", "strata": "false", "bands": "false", "tau": "24"}),
    ("survival", {"tumor": ["Melanoma"], "class": "missense", "periods_shown": "true"}),
    ("survival", {"by": "number", "number": "Age", "cut": "tertiles", "gene": "TP53"}),
    ("survival", {"by": "protein position", "position": "ALK:100"}),
    ("survival", {"by": "two genes", "with": "TP53", "role": "validation", "endpoint": "OS"}),
    ("cox", {}),
    ("cox", {"covariates": ["Age", "Sex"], "age_as": "per 10 years", "ref_sex": "male",
             "with_genes": "TP53", "same": "true", "age": ["40", "80"]}),
    ("subgroups", {"drug": "PD-1/PD-L1", "strata": "false"}),
    ("agreement", {"gene": "TTN"}),
    ("burden", {"adjusted": "false", "gene": "TP53"}),
    ("setting", {"least": "2"}),
    ("nomogram", {"predictor": ["Age"], "months": ["12", "36"]}),
    ("cohorts", {"tmb_min": "2"}),
    ("ledger", {}),
    ("mutations", {"sort": "Name", "ici_by": "study", "tumor": ["Melanoma"]}),
    ("mutations", {"by": "number", "together": "ICI cohorts"}),
    ("signatures", {}),
    ("tcga_survival", {"gene": "TP53", "naive": "true", "by_endpoint": "OS"}),
    ("intrinsic", {"panel": "MHC molecules"}),
    ("extrinsic", {"panel": "Immune subtypes"}),
    ("extrinsic", {"overview": "By tumour type"}),
    ("correlate", {"x": "CD8A", "purity": "true"}),
]  # fmt: skip
ONE_PATIENT = "Predicted survival"
"""A patient's own values are kept out of the code, as out of the address."""


def shown_code(at: AppTest) -> str:
    return next(c.value for c in at.code if "store = " in c.value)


def run(code: str) -> tuple[dict[str, Any], str]:
    """The names that the script leaves, and what it prints."""
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "page.py", "exec"), names)
    return names, printed.getvalue()


def imported_and_assigned(code: str) -> set[str]:
    """Names of functions that the script hides behind its own."""
    tree = ast.parse(code)
    taken = {a.name for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names}
    assigned = [t for n in ast.walk(tree) if isinstance(n, ast.Assign) for t in n.targets]
    return taken & {t.id for t in assigned if isinstance(t, ast.Name)}


@pytest.mark.parametrize(("page", "asked"), ASKED, ids=lambda v: str(v)[:40])
def test_the_code_draws_and_says_what_the_page_does(app: App, page: str, asked: dict) -> None:
    at = app(
        "" if page == "survival" else page, opened=FOLD, **asked
    )  # the survival page is the first
    assert not at.exception and len(at.error) == 1, "nothing but the word on simulated data"
    code = shown_code(at)
    names, printed = run(code)
    drawn = {f.description for f in names.values() if isinstance(f, Figure)}
    on_page = {alt(c).split(" This patient:")[0] for c in charts(at)}
    reproduced = {a for a in on_page if not a.startswith(ONE_PATIENT)}
    assert reproduced <= drawn and (reproduced or page == "ledger")
    said = texts(at).replace("**", "")
    lines = [line for line in printed.splitlines() if line and not line.startswith(" ")]
    assert lines[0] in said, lines[0]
    assert not imported_and_assigned(code)
    names["store"].close()


@pytest.mark.parametrize(("key", "n"), [("bands", 1), ("medians", 2)])
def test_choices_that_only_change_the_figure_are_in_the_code(app: App, key: str, n: int) -> None:
    whole = run(shown_code(app(opened=FOLD)))[0]["figure"].spec["layer"]
    at = app(opened=FOLD, **{key: "false"})
    fewer = run(shown_code(at))[0]["figure"].spec["layer"]
    assert len(whole) - len(fewer) == n
    assert fewer == spec(charts(at)[2])["layer"], "as on the page"


def test_the_usual_covariates_are_not_written_out(app: App) -> None:
    assert "Covariate" not in shown_code(app("cox", opened=FOLD))


def test_a_page_without_an_answer_has_no_code(app: App) -> None:
    at = app("cox", opened=FOLD, cohort="Tiny 2020")
    assert not any("store = " in c.value for c in at.code)


def test_the_code_is_not_sent_before_it_is_asked_for(app: App) -> None:
    at = app()
    assert any(e.label.startswith("Code that") for e in at.expander)
    assert not any("store = " in c.value for c in at.code)


def test_every_page_is_tried() -> None:
    assert {page for page, _ in ASKED} == set(WRITERS)


def test_every_page_that_asks_has_its_code() -> None:
    """A new page needs a writer in core.report where it asks a question that is told."""
    told = {name for name, f in vars(cached).items() if hasattr(f, "__wrapped__")}
    asking = {
        path.stem
        for path in (ROOT / "pages").glob("*.py")
        if told & set(re.findall(r"cached\.(\w+)\(", path.read_text(encoding="utf-8")))
    }
    assert len(asking) >= 15 and asking <= set(WRITERS), asking - set(WRITERS)
