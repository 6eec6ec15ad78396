"""The code of pages about ICI cohorts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.analysis import (
    agreement,
    burden,
    burden_null,
    cohorts,
    cox_model,
    gene_scan,
    ledger,
    setting,
    subgroups,
    survival,
    survival_panels,
)
from core.analysis.covariates import CODINGS, DEFAULT_COVARIATES, Covariate
from core.analysis.proportionality import hazard_over_time, proportionality
from core.analysis.response import response_by_group
from core.analysis.three_numbers import three_numbers
from core.charts import agreement as agreement_shown
from core.charts import burden as burden_shown
from core.charts import (
    cohort_tables,
    cox,
    funnel,
    ledger_tables,
    survival_tables,
    time_tables,
    volcano,
)
from core.charts import setting as setting_shown
from core.charts import subgroups as subgroups_shown
from core.charts.consort import consort_figure
from core.charts.km import km_figure
from core.charts.residuals import residual_figure
from core.charts.theme import Look
from core.report.asked import RESULT, Questions, Writer, answer_lines
from core.report.script import Code, Script


def _survival(script: Script, questions: Questions, options: Mapping[str, Any]) -> None:
    look = {
        name: options[key]
        for name, key in (("median_lines", "medians"), ("bands", "bands"))
        if not options.get(key, True)
    }
    if asked := questions.first("panels"):
        script.ask("panels", survival_panels.survival_panels, asked.arguments)
        script.add("result = panels.pooled")
        result = asked.answer.pooled
    elif asked := questions.first("survival"):
        script.ask("result", survival.survival_question, asked.arguments)
        result = asked.answer
    else:
        return
    answer_lines(script, survival_tables.answer)
    for i, panel in enumerate(asked.answer.roles if asked.question == "panels" else ()):
        if panel.result is not None:
            place = Code(f"panels.roles[{i}].result")
            script.figure(f"{panel.name.lower()}_figure", km_figure, place, **look)
    script.figure("figure", km_figure, RESULT, **look)
    script.add(f"strength = {script.use(three_numbers)}(result)")
    script.show(survival_tables.ratios, "result", "strength.table")
    tau = options.get("tau")
    script.call("over_time", proportionality, RESULT, *([] if tau is None else [float(tau)]))
    script.show(time_tables.restricted_means, "over_time", "result")
    script.show(survival_tables.arms, "result")
    if options.get("periods"):
        _periods(script, result)
    if options.get("responses"):
        _responses(script, asked.arguments)


def _periods(script: Script, result: survival.SurvivalComparison) -> None:
    parts = Code(f"{script.use(hazard_over_time)}(result)")
    if len(result.order) == 2:
        look = Code(f"{script.use(Look)}()")
        script.figure("periods", time_tables.periods_figure, parts, RESULT, look)
    else:
        script.add(f"periods = {parts}")


def _responses(script: Script, arguments: Mapping[str, Any]) -> None:
    stratified = {} if arguments["stratified"] else {"stratified": False}
    script.call(
        "response",
        response_by_group,
        Code("result.rows"),
        Code("result.order"),
        **stratified,
        withhold=Code("not result.large_enough or result.corrected_p is not None"),
    )
    words = f"{script.use(time_tables.response_words)}(response)"
    script.add(f'print({words} if response else "No response is known.")')


def _cox(script: Script, questions: Questions, options: Mapping[str, Any]) -> None:
    if (asked := questions.first("cox")) is None:
        return
    chosen: Any = tuple(map(_plainly, asked.arguments["covariates"]))
    if chosen and chosen != DEFAULT_COVARIATES:
        chosen = script.let("covariates", chosen)
    script.ask("result", cox_model.cox_question, {**asked.arguments, "covariates": chosen})
    answer_lines(script, cox.answer)
    script.figure("figure", cox.multivariable_figure, RESULT)
    script.figure("alone", cox.univariable_figure, RESULT)
    script.show(cox.summary, "result")
    script.show(cox.checks, "result")
    test = asked.answer.proportional
    if test is None or not test.residual_terms:
        return
    term = options.get("residuals")
    term = term if term in test.residual_terms else test.residual_terms[0]
    held = term in asked.answer.coefficient
    constant = f"result.coefficient[{script.value(term)}]" if held else 'float("nan")'
    script.figure("residuals", residual_figure, Code("result.proportional"), term, Code(constant))


def _plainly(covariate: Covariate) -> Covariate:
    """``covariate`` without the coding that it has anyway."""
    usual = next(iter(CODINGS.get(covariate.variable, ())), "")
    return replace(covariate, coding="") if covariate.coding == usual else covariate


def _subgroups(script: Script, questions: Questions, options: Mapping[str, Any]) -> None:
    if (asked := questions.first("subgroups")) is None:
        return
    script.ask("result", subgroups.subgroups_question, asked.arguments)
    answer_lines(script, subgroups_shown.answer)
    script.figure("figure", subgroups_shown.subgroups_figure, RESULT)
    script.show(subgroups_shown.tests, "result")
    script.show(subgroups_shown.counts, "result")


def _agreement(script: Script, questions: Questions, options: Mapping[str, Any]) -> None:
    if (asked := questions.first("agreement")) is None:
        return
    result = asked.answer
    script.ask("result", agreement.agreement_question, asked.arguments)
    answer_lines(script, agreement_shown.answer)
    script.figure("figure", agreement_shown.cohorts_figure, RESULT)
    script.show(agreement_shown.counts, "result")
    if result.summary is not None:
        script.show(agreement_shown.heterogeneity, "result")
    if len(result.leave_one_out):
        script.figure("without_each", agreement_shown.leave_one_out_figure, RESULT)
    if result.summary is not None and len(result.estimated) >= funnel.MIN_COHORTS:
        script.figure("funnel", funnel.funnel_figure, RESULT)


def _burden(script: Script, questions: Questions, options: Mapping[str, Any]) -> None:
    if asked := questions.first("burden"):
        script.ask("result", burden.burden_question, asked.arguments)
    null = questions.first("burden_null")
    if null is not None:
        draw = script.use(burden_null.draw_null)
        blocks = burden_null.DRAWS // burden_null.BLOCK
        script.add(f"draws = [{draw}(result.rows, block) for block in range({blocks})]")
        concatenated = Code(f"{script.use_name('numpy', 'concatenate')}(draws)")
        small = Code("result.small")
        script.call(
            "null", burden_null.matched_null, Code("result.rows"), concatenated, small=small
        )
        answer_lines(script, burden_shown.answer, "null")
        script.figure("figure", burden_shown.models_figure, RESULT)
        script.figure("matched", burden_shown.null_figure, RESULT, Code("null"))
        script.figure("frequency", burden_shown.frequency_figure, RESULT)
    if asked := questions.first("genes_scanned"):
        script.ask("scanned", gene_scan.gene_scan, asked.arguments)
        scanned, gene = Code("scanned"), options.get("gene", "")
        adjusted = bool(options.get("adjusted", True))
        script.figure("every_gene", volcano.volcano_figure, scanned, gene, adjusted=adjusted)
        script.show(volcano.gene_table, "scanned")


def _cohorts(script: Script, questions: Questions, options: Mapping[str, Any]) -> None:
    if (asked := questions.first("cohorts")) is None:
        return
    script.ask("overview", cohorts.cohort_overview, asked.arguments)
    script.add("print(overview.sentence)")
    script.show(cohort_tables.counts, "overview")
    script.show(cohort_tables.missing, "overview")
    script.figure("figure", consort_figure, Code("overview"))


def _setting(script: Script, questions: Questions, options: Mapping[str, Any]) -> None:
    if (asked := questions.first("setting")) is None:
        return
    script.ask("result", setting.setting_question, asked.arguments)
    answer_lines(script, setting_shown.answer)
    script.figure("figure", setting_shown.forest, RESULT)
    for name, place in (("under_ici", setting.TREATED), ("without_ici", setting.UNTREATED)):
        script.figure(name, km_figure, Code(f"result.curves[{script.value(place)}]"))
    script.show(setting_shown.differences, "result")
    if asked.answer.randomised is not None:
        arms = Code("result.randomised")
        script.figure("arms", setting_shown.arms_forest, arms, Code("result.title"))


def _ledger(script: Script, questions: Questions, options: Mapping[str, Any]) -> None:
    if questions.first("ledger") is None:
        return
    script.call("result", ledger.ledger, Code("store"))
    script.add(f"print({script.use(ledger_tables.answer)}(result))")
    chosen = tuple(options.get("verdict") or ())
    given = f", {script.value(chosen)}" if chosen else ""
    script.add(f"for title, table in {script.use(ledger_tables.sections)}(result{given}):")
    script.add('    print(title, table.to_string(index=False), sep="\\n")')


ICI_WRITERS: dict[str, Writer] = {
    "survival": _survival,
    "cox": _cox,
    "subgroups": _subgroups,
    "agreement": _agreement,
    "burden": _burden,
    "cohorts": _cohorts,
    "setting": _setting,
    "ledger": _ledger,
}
"""Pages about ICI cohorts, by the names of their files."""
