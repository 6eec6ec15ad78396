"""The nomogram page: its numbers are the analysis's, the calculator moves, bad input has words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.analysis.nomogram import Choice, build_question
from core.analysis.nomogram_file import to_json
from core.charts.nomogram_tables import patient_sentence
from core.model import Filters, Stratifier
from core.store import open_store
from tests.app.reading import alt, charts, texts

App = Callable[..., AppTest]


@pytest.fixture(scope="module")
def store(small_folder: Path):
    return open_store(small_folder / "simulated")


def warned(at: AppTest) -> str:
    return " ".join(w.value for w in at.warning).replace("\\", "")


def test_default_page_shows_model_patient_and_validation(app: App, store) -> None:
    at = app("nomogram")
    assert not at.exception and not [e for e in at.error if "SIMULATED" not in e.value]
    build = build_question(store, Filters(), Stratifier())
    shown = texts(at)
    assert f"Model of {build.model.n:,} of {build.sentence}" in shown
    assert "not a cure model" in shown and build.methods in shown
    words = [alt(c) for c in charts(at)]
    assert words[0].startswith("Nomogram of overall survival") and "This patient" in words[0]
    for kind in ("Calibration in discovery", "Calibration in validation", "Decision curve in"):
        assert any(w.startswith(kind) for w in words), kind
    assert sum("Nomogram score" in w for w in words) == 2
    assert "Corrected (200 resamples)" in shown and "locked before validation" in shown


def test_what_is_left_out_has_a_word(app: App) -> None:
    told = warned(app("nomogram"))
    assert "Clinical 2021 (40 patients, no TP53, ALK)" in told
    assert "Glioma" in told and "left out, as the model cannot know their risk" in told


def test_calculator_reads_off_the_entered_patient(app: App, store) -> None:
    at = app("nomogram")
    before = alt(charts(at)[0])
    box = next(s for s in at.selectbox if s.label == "TP53")
    box.set_value("mutant").run()
    model = build_question(store, Filters(), Stratifier())
    patient = {p.label: [p.levels[0]] if p.levels else [0.0] for p in model.model.predictors}
    entered = {n.label: n.value for n in at.number_input if n.key and n.key.startswith("patient-")}
    patient |= {"Age": [entered["Age (years)"]], "TMB": [entered["TMB (SD)"]], "TP53": ["mutant"]}
    chosen = {s.label: [s.value] for s in at.selectbox if s.key and s.key.startswith("patient-")}
    predicted = model.model.predict(pd.DataFrame(patient | chosen)).iloc[0]
    assert patient_sentence(model, predicted) in texts(at)
    assert alt(charts(at)[0]) != before


def test_a_patients_values_stay_out_of_the_address(app: App) -> None:
    at = app("nomogram")
    next(n for n in at.number_input if n.label == "Age (years)").set_value(50.0).run()
    assert "50" not in str(at.query_params) and "patient" not in str(at.query_params)


def test_predictors_and_splines_come_from_the_address(app: App, store) -> None:
    at = app("nomogram", predictor=["Age", "TMB"], curved="Age", months="12")
    choice = Choice(predictors=("age_years", "tmb"), splines=("age_years",), times=(12.0,))
    build = build_question(store, Filters(), Stratifier(), choice=choice)
    assert f"Model of {build.model.n:,}" in texts(at)
    assert "spline, up to" in texts(at) and "Survival at 24" not in texts(at)


def test_validation_without_patients_is_a_sentence(app: App) -> None:
    at = app("nomogram", cohort=["Melanoma 2017"])
    assert not at.exception
    assert "not validated" in warned(at) and "not tested in other patients" in texts(at)


def test_small_validation_cohort_has_a_word(app: App) -> None:
    at = app("nomogram", tumor="Melanoma", age=["75", "100"])
    assert not at.exception
    assert "too few for a calibration curve" in warned(at)


def test_no_discovery_patient_is_an_answer(app: App) -> None:
    at = app("nomogram", cohort=["Clinical 2021"])
    assert not at.exception and not charts(at)
    assert any("every predictor" in i.value and "TP53" in i.value for i in at.info)


def test_no_predictor_is_a_message(app: App) -> None:
    at = app("nomogram")
    at.toggle(key="nomogram_gene").set_value(False)
    at.get_by_key("predictor").set_value([]).run()
    assert not at.exception
    assert any("No predictor is chosen" in e.value for e in at.error)


def test_own_cut_is_not_searched_for(app: App) -> None:
    at = app("nomogram")
    at.get_by_key("cut_how").set_value("at a share of patients").run()
    assert "It was not searched for" in texts(at) and "Naive p" not in texts(at)


def test_kept_model_is_applied_and_strangers_are_refused(app: App, store) -> None:
    at = app("nomogram")
    kept = to_json(build_question(store, Filters(), Stratifier()).model)
    uploader = next(u for u in at.get("file_uploader") if u.key == "kept-model")
    uploader.upload("model.json", kept.encode(), "application/json").run()
    assert not at.exception
    assert "this build" in texts(at)
    at.selectbox(key="kept-cohort").set_value("many_2019").run()
    assert "Many 2019: " in texts(at) and "events, C 0." in texts(at)
    assert "Calibration slope" in texts(at)
    uploader = next(u for u in at.get("file_uploader") if u.key == "kept-model")
    uploader.upload("other.json", b"{}", "application/json").run()
    assert any("is not a nomogram that was kept here" in e.value for e in at.error)


def test_bad_predictor_in_the_address_is_told(app: App) -> None:
    at = app("nomogram", predictor="Shoe size")
    assert not at.exception and "Predictors: 'Shoe size'" in warned(at)


def test_mixture_cure_model_is_fitted_where_it_is_asked_for(app: App) -> None:
    at = app("nomogram", predictor=["Age", "TMB"])
    before = len(charts(at))
    assert "are cured to this model" not in texts(at)
    at.toggle(key="cure").set_value(True).run()
    assert not at.exception
    assert len(charts(at)) == before + 1 and "are cured to this model" in texts(at)
    assert "Odds of not being cured" in texts(at)
    many = app("nomogram", cure="true")  # more parameters than these patients can tell apart
    assert not many.exception and len(charts(many)) == before
    assert any("mixture-cure model" in i.value for i in many.info)
