"""The code of the nomogram's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.analysis.nomogram import build_question
from core.analysis.nomogram_check import Performance, apparent, correct, validation_question
from core.analysis.nomogram_cut import cut_score
from core.charts import nomogram_tables as tables
from core.charts.km import km_figure
from core.charts.nomogram import nomogram_figure
from core.charts.nomogram_checks import calibration_figure, decision_figure
from core.report.asked import Asked, Questions, Writer
from core.report.script import Code, Script

BUILD, CORRECTED = Code("build"), Code("corrected")


def _nomogram(script: Script, questions: Questions, options: Mapping[str, Any]) -> None:
    asked, checked = questions.first("nomogram"), questions.first("nomogram_checks")
    corrected = questions.first("nomogram_corrected")
    if asked is None or checked is None or corrected is None:
        return
    script.ask("build", build_question, asked.arguments)
    script.call("own", apparent, BUILD)
    choice = asked.arguments["choice"]
    unseen = {} if choice.unseen == "leave out" else {"unseen": choice.unseen}
    filters = script.let("filters", asked.arguments["filters"])
    script.call("other", validation_question, Code("store"), filters, BUILD, **unseen)
    draws = corrected.arguments["draws"]
    script.call("corrected", correct, BUILD, **({} if draws == 200 else {"draws": draws}))
    script.add(f"print({script.use(tables.answer)}(build, corrected, other))")
    script.show(tables.coefficients, "build")
    script.show(tables.measures, "own", "corrected", "other")
    script.figure("figure", nomogram_figure, Code("build.model"))
    _checks(script, checked, corrected, options)
    if cut := questions.first("nomogram_cut"):
        _cut(script, cut, checked)
    script.add("# One patient: build.model.predict(table) of a pandas table with the columns")
    labels = ", ".join(p.label for p in asked.answer.model.predictors)
    script.add(f"# {labels}.")


def _checks(script: Script, checked: Asked, corrected: Asked, options: Mapping[str, Any]) -> None:
    own, other = checked.answer
    sides: list[tuple[str, Performance, Code, bool]] = []
    curves = Code("corrected.calibration" if corrected.answer.calibration else "own.calibration")
    sides.append(("own", own, curves, bool(corrected.answer.calibration or own.calibration)))
    if not isinstance(other, str):
        sides.append(("other", other, Code("other.calibration"), bool(other.calibration)))
    for side, found, curves, drawn in sides:
        if drawn:
            script.figure(f"{side}_calibration", calibration_figure, curves, name=found.name)
    times = [d.time for d in own.decision]
    at = options.get("decision_at")
    at = at if at in times else next(iter(times), None)
    for side, found, _, _ in sides:
        at_time = [i for i, d in enumerate(found.decision) if d.time == at]
        if at_time:
            curve = Code(f"{side}.decision[{at_time[0]}]")
            script.figure(f"{side}_decision", decision_figure, curve, name=found.name)


def _cut(script: Script, asked: Asked, checked: Asked) -> None:
    validation = "None" if isinstance(checked.answer[1], str) else "other.rows"
    how: dict[str, Any] = {}
    if asked.arguments["own"] is not None:
        how["own"] = asked.arguments["own"]
    if asked.arguments["endpoint"] != "OS":
        how["endpoint"] = asked.arguments["endpoint"]
    if asked.arguments["stratified"]:
        how["strata"] = "cohort_id"
    script.call("cut", cut_score, Code("build.rows"), Code(validation), **how)
    script.add(f"print({script.use(tables.cut_sentence)}(cut))")
    script.show(tables.cut_ratios, "cut")
    for side in ("discovery", "validation"):
        if getattr(asked.answer, side) is not None:
            script.figure(f"{side}_curves", km_figure, Code(f"cut.{side}"))


NOMOGRAM_WRITERS: dict[str, Writer] = {"nomogram": _nomogram}
