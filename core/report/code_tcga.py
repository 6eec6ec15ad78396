"""The code of pages about TCGA and mutations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.analysis import comutation, mutations, signature_survival, signatures, spectra
from core.analysis.composition import composition_question
from core.analysis.correlation import correlation_question
from core.analysis.decomposed import Source, sources
from core.analysis.feature_detail import feature_detail
from core.analysis.gene_set_scores import compare_scores, score_sets
from core.analysis.immunity import immunity_question
from core.analysis.tcga_survival import tcga_survival
from core.charts import composition, frequency, immunity_tables, lollipop, scatter, tcga_tables
from core.charts import comutation as together
from core.charts import signatures as signatures_shown
from core.charts.km import km_figure
from core.charts.panel import heatmap_figure, panel_figure
from core.charts.spectrum import spectrum_figure
from core.charts.violin import violin_figure
from core.report.asked import RESULT, Asked, Questions, Writer, answer_lines
from core.report.script import Code, Script


def _mutations(script: Script, questions: Questions, options: Mapping[str, Any]) -> None:
    if asked := questions.first("mutation_frequency"):
        script.ask("counted", mutations.mutation_frequency, asked.arguments)
        script.add("print(counted.sentence)")
        sort = options.get("sort") or "frequency"
        how = {} if sort == "frequency" else {"sort": sort}
        for source in asked.answer.table.source.unique():
            name = source.split()[0].lower()
            script.figure(f"{name}_figure", frequency.frequency_figure, Code("counted"), source,
                          **how)  # fmt: skip
            given = (script.value(source), script.value(sort))
            script.show(frequency.frequency_table, "counted", *given)
    if asked := questions.first("protein_map"):
        script.ask("protein", mutations.protein_map, asked.arguments)
        window = tuple(options.get("window") or ())
        whole = (1, max(asked.answer.length, 2))
        within = {"window": window} if window and window != whole else {}
        script.figure("along", lollipop.lollipop_figure, Code("protein"), **within)
        script.show(lollipop.class_table, "protein")
    if asked := questions.first("comutation"):
        script.ask("result", comutation.comutation, asked.arguments)
        answer_lines(script, together.answer)
        script.figure("pairs", together.comutation_figure, RESULT)
        script.add("print(result.table.head(20))")


def _signatures(script: Script, questions: Questions, options: Mapping[str, Any]) -> None:
    chosen = tuple(options.get("signatures") or ())
    only = {"chosen": chosen} if chosen else {}
    if asked := questions.first("signature_frequency"):
        _decomposition(script, asked.arguments["source"], "source")
        script.ask("result", signatures.signature_frequency, _decomposed(asked, "source"))
        answer_lines(script, signatures_shown.answer)
        script.figure("figure", signatures_shown.frequency_figure, RESULT, **only)
        script.figure("odds", signatures_shown.odds_figure, RESULT, **only)
        listed = signatures_shown.shown(asked.answer.table, chosen).signature.tolist()
        if listed:
            one = options.get("one_signature")
            one = one if one in listed else listed[0]
            script.figure("count", signatures_shown.count_figure, RESULT, one)
        script.show(signatures_shown.frequency_table, "result")
    for asked in questions.all("spectra"):
        place = asked.arguments["place"]
        script.ask(f"{place}_spectra", spectra.group_spectra, asked.arguments)
        script.figure(f"{place}_bars", spectrum_figure, Code(f"{place}_spectra"))
    if asked := questions.first("signature_survival"):
        _decomposition(script, asked.arguments["source"], "treated")
        given = _decomposed(asked, "treated")
        script.ask("survival", signature_survival.signature_survival, given)
        script.add(f"print({script.use(signatures_shown.survival_answer)}(survival))")
        script.add("print(survival.sentence)")
        script.figure("hazards", signatures_shown.survival_figure, Code("survival"), **only)


def _decomposition(script: Script, source: Source, name: str) -> None:
    """Look the decomposition up by its label, as the page does."""
    listed = f"s for s in {script.use(sources)}(store) if s.label == {script.value(source.label)}"
    script.add(f"{name} = next({listed})")


def _decomposed(asked: Asked, name: str) -> dict[str, Any]:
    return {**asked.arguments, "source": Code(name)}


def _tcga_survival(script: Script, questions: Questions, options: Mapping[str, Any]) -> None:
    if (asked := questions.first("tcga_survival")) is None:
        return
    result = asked.answer
    script.ask("result", tcga_survival, asked.arguments)
    answer_lines(script, tcga_tables.answer)
    script.figure("figure", tcga_tables.endpoints_figure, RESULT)
    script.show(tcga_tables.sizes_table, "result")
    for endpoint in result.comparisons:
        found = Code(f"result.comparisons[{script.value(endpoint)}]")
        script.figure(f"{endpoint.lower()}_figure", km_figure, found)
    endpoint = options.get("by_endpoint")
    if endpoint not in result.comparisons:
        endpoint = list(result.comparisons)[-1]
    # None where no tumour type is large enough, on the page and here.
    script.figure("types", tcga_tables.types_figure, RESULT, endpoint)
    script.add(f"print({script.use(tcga_tables.heterogeneity)}(result, {script.value(endpoint)}))")


def _panel(script: Script, questions: Questions, options: Mapping[str, Any]) -> None:
    if asked := questions.first("composition"):
        script.ask("result", composition_question, asked.arguments)
        answer_lines(script, composition.answer)
        script.figure("figure", composition.composition_figure, RESULT)
        script.show(composition.odds_table, "result")
        return
    if asked := questions.first("pasted_sets"):
        arguments = asked.arguments
        result = asked.answer[1]
        script.call("scores", score_sets, Code("store"), dict(arguments["sets"]))
        filters = script.let("filters", arguments["filters"])
        stratifier = script.let("stratifier", arguments["stratifier"])
        given = (Code("store"), filters, stratifier, Code("scores"))
        script.call("result", compare_scores, *given)
    elif asked := questions.first("immunity"):
        arguments, result = dict(asked.arguments), asked.answer
        script.ask("result", immunity_question, {**arguments, "key": arguments["panel"]})
    else:
        return
    answer_lines(script, immunity_tables.answer)
    view = options.get("overview") or ("types" if result.panel.key == "mhc" else "effects")
    draw = heatmap_figure if view == "types" else panel_figure
    keys = result.table.index.tolist()
    member = options.get("feature")
    member = member if member in keys else keys[0]
    script.figure("figure", draw, RESULT, chosen=member)
    script.call("detail", feature_detail, RESULT, member)
    script.figure("by_type", violin_figure, Code("detail"))
    script.show(immunity_tables.effects, "result")


def _correlate(script: Script, questions: Questions, options: Mapping[str, Any]) -> None:
    if (asked := questions.first("correlation")) is None:
        return
    script.ask("result", correlation_question, asked.arguments)
    answer_lines(script, scatter.answer)
    script.figure("figure", scatter.scatter_figure, RESULT)
    script.figure("by_type", scatter.by_type_figure, RESULT)


TCGA_WRITERS: dict[str, Writer] = {
    "mutations": _mutations,
    "signatures": _signatures,
    "tcga_survival": _tcga_survival,
    "intrinsic": _panel,
    "extrinsic": _panel,
    "correlate": _correlate,
}
"""Pages about TCGA, by the names of their files."""
