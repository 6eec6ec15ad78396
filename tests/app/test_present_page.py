"""Pin, present, compare: the same figure and numbers wherever they go."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from streamlit.testing.v1 import AppTest

from core.report.snapshot import Snapshot, from_json, to_json
from core.ui import state
from tests.app.reading import charts, spec, texts

Start = Callable[..., AppTest]


def pinned(at: AppTest) -> list[Snapshot]:
    return list(at.session_state[state.PINS])


def press(at: AppTest, key: str) -> AppTest:
    return at.button(key=key).click().run()


def goto(at: AppTest, page: str) -> AppTest:
    return at.switch_page(f"../pages/{page}.py").run()


def test_a_pinned_figure_keeps_question_numbers_and_source(app: Start) -> None:
    at = press(app(gene="TP53"), "pin-km-pooled")
    (one,) = pinned(at)
    assert "TP53" in one.title and one.simulated and one.address == "/?gene=TP53"
    assert {"mutant", "wild type"} <= set(one.numbers.group) and "Cox" in " ".join(
        one.numbers.method
    )
    assert not {"patient_id", "patient_key"} & set(one.numbers.columns)
    for name, drawn in one.specs.items():
        text = json.dumps(drawn)
        assert "SIMULATED" in text and "patient_id" not in text, name
    assert one.title in json.dumps(one.specs["print"]["title"])
    assert from_json(to_json([one]))[0].numbers.shape == one.numbers.shape


def test_every_page_can_pin_its_first_figure(app: Start) -> None:
    at = app()
    for number, page in enumerate(("cox", "subgroups", "agreement", "burden", "setting"), 1):
        goto(at, page)
        first = next(b.key for b in at.button if str(b.key).startswith("pin-"))
        press(at, first)
        assert not at.exception and len(pinned(at)) == number
        assert pinned(at)[-1].address.startswith(f"/{page}")


def test_the_page_orders_renames_notes_and_removes(app: Start) -> None:
    at = press(press(app(), "pin-km-pooled"), "pin-km-discovery")
    first, second = (s.snapshot_id for s in pinned(at))
    goto(at, "present")
    assert not at.exception
    press(at, f"down-{first}")
    assert [s.snapshot_id for s in pinned(at)] == [second, first]
    at.text_input(key=f"title-{first}").set_value("For <Monday>").run()
    at.text_area(key=f"note-{first}").set_value("ask about *melanoma*").run()
    one = pinned(at)[1]
    assert (one.title, one.note) == ("For <Monday>", "ask about *melanoma*")
    press(at, f"remove-{second}")
    assert [s.title for s in pinned(at)] == ["For <Monday>"]


def test_an_old_pin_says_that_the_store_has_changed(app: Start) -> None:
    at = press(app(), "pin-km-pooled")
    (one,) = pinned(at)
    numbers = one.numbers.assign(n=one.numbers.n + 1)
    old = replace(one, build_id="older", cohorts={"Gone 1999": ""}, numbers=numbers)
    at.session_state[state.PINS] = [old]
    goto(at, "present")
    told = texts(at)
    assert "another build" in told and "Gone 1999" in told
    goto(at, "survival")
    assert any("numbers differ" in e.label for e in at.expander)
    at.session_state[state.PINS] = [replace(old, numbers=one.numbers)]
    at.run()
    assert any("every number is the same" in i.value for i in at.info)


def test_its_question_is_a_link_within_the_app(app: Start) -> None:
    at = goto(press(app(gene="TP53", tumor="Melanoma"), "pin-km-pooled"), "present")
    (link,) = at.get("link_button")
    assert link.proto.url == "./?gene=TP53&tumor=Melanoma"


def test_the_stage_shows_the_figure_and_leads_back(app: Start) -> None:
    at = press(app(gene="TP53"), "pin-km-pooled")
    press(at, "present")
    assert at.button(key="leave").label == "Back to the page"
    (shown,) = charts(at)
    assert spec(shown)["width"] == "container"
    press(at, "next")
    assert "1 of 1 pinned" in " ".join(c.value for c in at.caption)
    press(at, "leave")
    assert at.selectbox(key="gene").value == "TP53"
    assert len(charts(at)) > 1


def test_a_stage_without_its_figure_says_so(app: Start) -> None:
    at = press(app(), "present-km-pooled")
    at.selectbox(key="gene").set_value("TP53")
    goto(at, "ledger")
    assert at.session_state[state.PAGE] == "ledger" and state.STAGE not in at.session_state


def test_two_questions_side_by_side_with_their_difference(app: Start) -> None:
    at = press(app(view="Pooled only"), "hold")
    assert "is this question" in texts(at)
    at.selectbox(key="gene").set_value("TP53").run()
    assert not at.exception
    told = texts(at)
    assert "ratio B over A" in told and "stand in both" in told
    one, two = (spec(c)["layer"][0]["encoding"]["x"]["scale"]["domain"] for c in charts(at))
    assert one == two
    for page in ("cox", "subgroups", "mutations", "extrinsic", "cohorts"):
        goto(at, page)
        assert not at.exception and len(charts(at)) >= 2, page
    press(at, "release")
    assert not any(b.key == "release" for b in at.button)
