"""The setting page's figures, tables and sentences: predictive or prognostic?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from core.analysis.randomised import Interaction, RandomisedArms
from core.analysis.setting import TREATED, UNTREATED, SettingComparison
from core.charts.figure import Figure
from core.charts.forest import ForestText, forest_figure
from core.charts.theme import Look
from core.charts.wording import p_text, ratio_text
from core.model import ENDPOINT_LABEL
from core.records import records

ALPHA = 0.05
FIRTH_NOTE = "Firth's estimate with its profile-likelihood interval: few patients or events"
ALL_TYPES = "All matched tumour types"


def answer(result: SettingComparison) -> str:
    """The page's question answered from the interaction and the two hazard ratios."""
    ratios = {str(r["setting"]): r for r in records(result.settings)}
    words = {s: f"HR {_ratio(ratios[s])} {s}" for s in (TREATED, UNTREATED)}
    both = f"{words[TREATED]}, {words[UNTREATED]}"
    p = result.interaction.p_value
    if math.isnan(p):
        return f"Too few patients to tell: {both}."
    told = f"{both}; interaction {p_text(p)}"
    treated, untreated = ratios[TREATED], ratios[UNTREATED]
    if p < ALPHA and _clear(treated) and not _clear(untreated):
        return f"The association is seen under ICI only, not randomised: {told}.{_trial(result)}"
    if p < ALPHA:
        return (
            f"The association differs between the settings, not randomised: {told}.{_trial(result)}"
        )
    if _clear(untreated) and _clear(treated):
        return f"It looks prognostic: the association is there in both settings: {told}."
    return f"No difference between the settings is shown: {told}."


def _trial(result: SettingComparison) -> str:
    """What the stronger evidence says of the same; empty where there is none."""
    if (arms := result.randomised) is None or math.isnan(arms.interaction.p_value):
        return ""
    p = arms.interaction.p_value
    verdict = "shows a difference too" if p < ALPHA else "does not show it"
    return f" The randomised trial {verdict}: interaction {p_text(p)}."


def randomised_answer(arms: RandomisedArms) -> str:
    """What the randomised comparison says, in one sentence."""
    drug = arms.effects[arms.effects.group.str.startswith(arms.treatment)]
    told = "; ".join(f"HR {_ratio(r)} in {r['label']}" for r in records(drug))
    p = arms.interaction.p_value
    lead = f"{arms.treatment.capitalize()} against {arms.control}, {arms.cohort}: {told}"
    if math.isnan(p):
        return f"{lead}. Too few patients for a test of interaction."
    verdict = (
        "the drug's effect depends on the mutation"
        if p < ALPHA
        else "no evidence that the drug's effect depends on the mutation"
    )
    return f"{lead}; interaction {p_text(p)}: {verdict}."


def _clear(row: Mapping[str, Any]) -> bool:
    return bool(row["ci_upper"] < 1 or row["ci_lower"] > 1)


def _ratio(row: Mapping[str, Any]) -> str:
    return ratio_text(row["hazard_ratio"], row["ci_lower"], row["ci_upper"])


def forest(
    result: SettingComparison,
    look: Look | None = None,
    *,
    simulated: bool,
    heading: tuple[str, ...] = (),
) -> Figure:
    """Both settings in all matched tumour types, then in each; the interaction p by the name."""
    tables = [result.settings.assign(group=ALL_TYPES, emphasised=True)]
    tables.append(result.by_type.assign(group=result.by_type.tumor_type, emphasised=False))
    table = pd.concat(tables, ignore_index=True)
    table = table.assign(
        label=table.setting,
        emphasised=table.emphasised & (table.setting == TREATED),
        note=np.where(table.method == "Cox, Firth", FIRTH_NOTE, ""),
        p_value=np.nan,
    )
    tests = pd.concat(
        [
            pd.DataFrame({"tumor_type": [ALL_TYPES], "p_value": [result.interaction.p_value]}),
            result.type_tests[["tumor_type", "p_value"]],
        ]
    ).set_index("tumor_type")
    endpoint = ENDPOINT_LABEL[result.endpoints[TREATED]].lower()
    return forest_figure(
        table,
        look,
        simulated=simulated,
        name=f"setting-{result.endpoints[TREATED].lower()}-{_stem(result.title)}",
        about=f"Hazard ratio of {endpoint}, {result.title} {result.order[1]} against "
        f"{result.order[0]}, with and without ICI",
        text=ForestText(p="int. p"),
        tests=tests[tests.p_value.notna()],
        heading=heading,
    )


def arms_forest(
    arms: RandomisedArms,
    title: str,
    look: Look | None = None,
    *,
    simulated: bool,
    heading: tuple[str, ...] = (),
) -> Figure:
    """The drug's effect by mutation and the mutation's by arm, in the randomised trial."""
    return forest_figure(
        arms.effects,
        look,
        simulated=simulated,
        name=f"randomised-{_stem(title)}",
        about=f"Hazard ratios in {arms.cohort}, {arms.treatment} and {arms.control} by {title}",
        heading=heading,
    )


def differences(result: SettingComparison) -> pd.DataFrame:
    """Ratio of hazard ratios and its test: with against without ICI, and between the arms."""
    rows = [("Under ICI against without ICI (not randomised)", result.interaction)]
    if (arms := result.randomised) is not None:
        rows.append(
            (f"{arms.treatment.capitalize()} against {arms.control} (randomised)", arms.interaction)
        )
    return pd.DataFrame(
        {
            "Comparison": [name for name, _ in rows],
            "Ratio of hazard ratios (95% CI)": [_difference(i) for _, i in rows],
            "Interaction p": [p_text(i.p_value, symbol=False) for _, i in rows],
        }
    )


def _difference(found: Interaction) -> str:
    if math.isnan(found.ratio):
        return "too few patients"
    return ratio_text(found.ratio, found.ci_lower, found.ci_upper)


def cautions(result: SettingComparison) -> list[tuple[str, str]]:
    """(about, remark): what the comparison can and cannot tell."""
    found = [
        (
            "What it can tell",
            "whether the association under ICI is larger than among comparable tumours without "
            "ICI. If it is as large without ICI, the mutation marks prognosis, not benefit.",
        ),
        (
            "Not randomised",
            "nobody drew lots between TCGA and ICI. TCGA's tumours are mostly primary and "
            "operable, those under ICI advanced and treated before; other causes of a difference "
            "cannot be excluded.",
        ),
        (
            "Another time zero",
            "TCGA counts from diagnosis, ICI cohorts from the start of ICI, which only those "
            "reach who live long enough. Each setting therefore keeps its own baseline hazards; "
            "only hazard ratios are compared, never curves across the two figures.",
        ),
        (
            "Another assay",
            "TCGA is exomes of tissue; the ICI cohorts mix exomes, tissue panels and plasma.",
        ),
    ]
    if (arms := result.randomised) is not None:
        found.append(
            (
                f"The randomised arms ({arms.cohort})",
                f"both arms start at randomisation and differ by the drug, so this interaction is "
                f"the stronger evidence. It speaks of one tumour type and of mutations seen in "
                f"plasma, where a tumour that sheds little DNA looks wild type; {arms.n:,} "
                "patients are few for a rare mutation.",
            )
        )
    return found


def left_out(result: SettingComparison) -> pd.DataFrame:
    """Tumour types under ICI that are not compared, and why."""
    rows = result.left_out[result.left_out[f"n {TREATED}"] > 0]
    return pd.DataFrame(
        {
            "Tumour type": rows.tumor_type,
            f"Under ICI, {result.order[1]} / n": _pairs(rows, TREATED),
            f"Without ICI, {result.order[1]} / n": _pairs(rows, UNTREATED),
            "Why": rows.reason,
        }
    )


def _pairs(rows: pd.DataFrame, setting: str) -> list[str]:
    pairs = zip(rows[f"mutant {setting}"], rows[f"n {setting}"], strict=True)
    return [f"{m:,} / {n:,}" for m, n in pairs]


def _stem(title: str) -> str:
    return title.replace(" ", "-").lower()
