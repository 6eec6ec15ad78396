"""Co-mutation: the genes with the smallest p as a forest of odds ratios, and the list of all."""

from __future__ import annotations

import pandas as pd

from core.analysis.comutation import CoMutation
from core.charts.figure import Figure
from core.charts.forest import ForestText, forest_figure
from core.charts.theme import Look

SHOWN = 8
"""Genes of each direction in the figure."""

SIGNIFICANT = 0.05

DIRECTIONS = {"together": "More often together", "apart": "More often apart"}


def comutation_figure(
    result: CoMutation,
    look: Look | None = None,
    *,
    simulated: bool,
    heading: tuple[str, ...] = (),
) -> Figure:
    """The SHOWN genes of smallest p in each direction, with common odds ratios."""
    top = result.table.groupby("direction", sort=False).head(SHOWN)
    parts = [top[top.direction == d] for d in DIRECTIONS]
    rows = pd.concat(parts, ignore_index=True)
    table = rows[["odds_ratio", "ci_lower", "ci_upper", "p_value", "q_value"]].rename(
        columns={"odds_ratio": "hazard_ratio"}
    )
    table["label"] = [
        f"{gene} ({both:,.0f} both, {expected:,.1f} exp.)"
        for gene, both, expected in zip(rows.hugo_symbol, rows.n_both, rows.expected, strict=True)
    ]
    table["group"] = rows.direction.map(DIRECTIONS)
    table["emphasised"] = rows.q_value < SIGNIFICANT
    return forest_figure(
        table,
        look,
        simulated=simulated,
        name=f"co-mutation-{result.source}-{result.title.replace(' ', '-').lower()}",
        about=f"Genes mutated together with {result.title} or apart from it, odds ratios within "
        "tumour type and burden",
        text=ForestText(
            labels="Gene",
            q="q",
            ratio=f"Odds ratio of a mutation with {result.title}",
            short="OR",
            direction=("apart", "together"),
        ),
        heading=heading,
    )


def answer(result: CoMutation) -> str:
    """What the tests found, in one sentence."""
    found = result.table[result.table.q_value < SIGNIFICANT]
    counts = {d: found[found.direction == d].hugo_symbol.tolist() for d in DIRECTIONS}
    if found.empty:
        told = f"No gene goes with {result.title} or avoids it beyond tumour type and burden"
    else:
        told = "; ".join(
            f"{DIRECTIONS[d].lower()} with {result.title}".replace("apart with", "apart from")
            + f" than expected: {_listed(genes)}"
            for d, genes in counts.items()
            if genes
        )
    return f"{told[:1].upper()}{told[1:]} (q < {SIGNIFICANT:g} of {len(result.table):,} genes)."


def inflation_words(result: CoMutation) -> str:
    """What adjustment did: the median test statistic with and without it."""
    return (
        f"Without adjustment the median test statistic is {result.inflation_unadjusted:.1f} times "
        "what no association would give, since burden makes every pair of genes seem to go "
        f"together; within tumour type and burden it is {result.inflation:.2f} times. "
        f"{result.n_too_rare:,} genes are mutated too rarely to be tested."
    )


def comutation_table(result: CoMutation) -> pd.DataFrame:
    """Every tested gene, as the page lists them."""
    t = result.table
    return pd.DataFrame(
        {
            "Gene": t.hugo_symbol,
            "Direction": t.direction,
            "Both": t.n_both.astype(int),
            "Expected": t.expected.round(1),
            "Mutant": t.n_gene.astype(int),
            "Patients": t.n.astype(int),
            "Odds ratio": t.odds_ratio.round(2),
            "95% from": t.ci_lower.round(2),
            "95% to": t.ci_upper.round(2),
            "p": t.p_value,
            "q": t.q_value,
            "Unadjusted odds ratio": t.unadjusted_odds_ratio.round(2),
        }
    )


def _listed(genes: list[str]) -> str:
    return ", ".join(genes[:6]) + (f" and {len(genes) - 6} more" if len(genes) > 6 else "")
