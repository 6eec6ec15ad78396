"""Immune and tumour features of TCGA patients, driven by burden and the inflamed factor.

A recipe says how a feature follows the two: ``link`` turns the standardised driver into the
feature's unit around ``centre`` with ``spread`` ('logit' for fractions, 'log' for counts and
rates, 'identity' for scores). Which features there are stands in data.facts; one without a
recipe of its own is drawn by its unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from data.demo import plan
from data.demo.draw import Floats, Ints, choices, pick, standardised, stream, unless


@dataclass(frozen=True)
class Recipe:
    """How a feature follows the standardised log burden and inflamed factor, and its scale."""

    link: str
    centre: float
    spread: float
    burden: float = 0.0
    inflamed: float = 0.0
    type_sd: float = 0.3
    noise: float = 0.6
    whole: bool = False
    """Counts: rounded to whole numbers."""
    covered: float = 0.9
    """Share of TCGA patients with a value."""


RECIPES: dict[str, Recipe] = {
    "nonsilent_rate": Recipe("tmb", 1.0, 0.0),
    "silent_rate": Recipe("tmb", 0.35, 0.15),
    "leukocyte_fraction": Recipe("logit", 0.18, 0.9, 0.10, 0.85),
    "til_regional_fraction": Recipe("logit", 0.07, 1.0, 0.12, 0.7, covered=0.42),
    "stromal_fraction": Recipe("logit", 0.38, 0.8, 0.0, 0.6),
    "snv_neoantigens": Recipe("log", 40.0, 1.1, 0.95, 0.0, 0.1, 0.3, True),
    "snv_immunogenic_mutations": Recipe("log", 22.0, 1.1, 0.95, 0.0, 0.1, 0.3, True),
    "indel_neoantigens": Recipe("log", 8.0, 1.1, 0.7, 0.0, 0.2, 0.6, True),
    "indel_count": Recipe("log", 4.0, 0.9, 0.7, 0.0, 0.2, 0.6, True),
    "clonal_mutations": Recipe("log", 60.0, 1.1, 0.95, 0.0, 0.1, 0.3, True, 0.3),
    "subclonal_mutations": Recipe("log", 20.0, 1.1, 0.8, 0.0, 0.1, 0.5, True, 0.3),
    "clonal_neoantigens": Recipe("log", 30.0, 1.1, 0.95, 0.0, 0.1, 0.3, True, 0.3),
    "subclonal_neoantigens": Recipe("log", 9.0, 1.1, 0.8, 0.0, 0.1, 0.5, True, 0.3),
    "tcr_shannon": Recipe("log", 2.2, 0.5, 0.05, 0.8),
    "tcr_richness": Recipe("log", 14.0, 1.0, 0.05, 0.8, whole=True),
    "bcr_shannon": Recipe("log", 2.5, 0.5, 0.02, 0.7),
    "bcr_richness": Recipe("log", 40.0, 1.2, 0.02, 0.7, whole=True),
    "tcr_evenness": Recipe("logit", 0.88, 0.6, 0.0, -0.1),
    "bcr_evenness": Recipe("logit", 0.80, 0.6, 0.0, -0.1),
    "purity": Recipe("logit", 0.62, 0.8, 0.0, -0.6),
    "tcia_purity": Recipe("logit", 0.62, 0.8, 0.0, -0.6, covered=0.3),
    "cancer_dna_fraction": Recipe("logit", 0.68, 0.8, 0.0, -0.6),
    "ploidy": Recipe("log", 2.4, 0.22, 0.1, -0.1),
    "tcia_ploidy": Recipe("log", 2.4, 0.22, 0.1, -0.1, covered=0.3),
    "genome_doublings": Recipe("log", 0.35, 0.7, 0.1, -0.2, whole=True),
    "aneuploidy_score": Recipe("log", 9.0, 0.8, -0.05, -0.3, 0.6, whole=True),
    "hrd_score": Recipe("log", 15.0, 0.8, 0.1, 0.0, 0.7, whole=True),
    "stemness_rna": Recipe("logit", 0.45, 0.6, 0.1, -0.5),
    "stemness_dna": Recipe("logit", 0.20, 0.7, 0.1, -0.4),
    "ebpp_module11_prolif_score": Recipe("identity", 0.0, 1.0, 0.35, 0.0, 0.5),
    "core_tgf_beta_response": Recipe("identity", 0.0, 1.0, -0.05, 0.1, 0.4),
}
DEFAULTS: dict[str, Recipe] = {
    "fraction": Recipe("logit", 0.3, 0.8, 0.02, 0.1),
    "count": Recipe("log", 20.0, 0.9, 0.3, 0.0, whole=True),
    "reads": Recipe("log", 20.0, 0.5, 0.0, 0.0, whole=True),
    "reads per million": Recipe("log", 0.05, 2.0, 0.0, 0.2, 1.0, 1.0),
    "score": Recipe("logit", 0.3, 0.6, 0.05, 0.1),
    "": Recipe("identity", 0.0, 1.0, 0.02, 0.5),
}
"""By unit, for features without a recipe; '' is for scores of every other unit."""

CELL_FRACTIONS = "fraction of leukocytes"
LYMPHOCYTES = ("b_cells", "plasma", "t_cells", "nk_cells")
INFLAMED_CELLS = {"t_cells_cd8": 0.7, "macrophages_m1": 0.6, "macrophages_m2": -0.2,
                  "macrophages_m0": -0.4, "t_cells_cd4_memory_activated": 0.5}  # fmt: skip
CELL_SHARES = {"t_cells_cd4_memory_resting": 1.8, "macrophages_m2": 1.9, "macrophages_m0": 1.4,
               "t_cells_cd8": 1.2, "mast_cells_resting": 0.6, "plasma": 0.4}  # fmt: skip
"""Log odds against the other cells."""
SUBTYPES = ("C1", "C2", "C3", "C4", "C5", "C6")
TIL_PATTERNS = ("Brisk, Diffuse", "Brisk, Band-like", "Non-Brisk, Multifocal", "Non-Brisk, Focal")


@dataclass(frozen=True)
class Tumours:
    """The TCGA patients' rows and what their features are driven by, each of one length."""

    rows: Ints
    code: np.ndarray
    kind: Ints
    burden: Floats
    inflamed: Floats
    tmb: Floats

    @classmethod
    def of(cls, people: pd.DataFrame) -> Tumours:
        rows = np.flatnonzero((people["cohort_id"] == "tcga").to_numpy())
        here = people.iloc[rows]
        kind, _ = pd.factorize(here["tumor_type_source"], sort=True)
        profiled = here["profiled"].to_numpy(dtype=bool)
        return cls(
            rows,
            here["tumor_type_source"].to_numpy(),
            kind,
            standardised(np.log(here["burden_"].to_numpy())),
            standardised(here["inflamed_"].to_numpy()),
            np.where(profiled, here["tmb_per_mb"].to_numpy(dtype=float), np.nan),
        )


def numbers(tumours: Tumours, feature: str, recipe: Recipe, seed: int) -> Floats:
    """A feature of every TCGA patient; NaN for those without a value."""
    rng = stream(seed, "feature", feature)
    n = len(tumours.rows)
    if recipe.link == "tmb":
        return recipe.centre * tumours.tmb * np.exp(recipe.spread * rng.standard_normal(n))
    score = (
        recipe.burden * tumours.burden
        + recipe.inflamed * tumours.inflamed
        + (recipe.type_sd * rng.standard_normal(tumours.kind.max() + 1))[tumours.kind]
        + recipe.noise * rng.standard_normal(n)
    )
    drawn = _linked(recipe, score)
    return np.where(rng.random(n) < recipe.covered, drawn, np.nan)


def _linked(recipe: Recipe, score: Floats) -> Floats:
    if recipe.link == "logit":
        centre = np.log(recipe.centre / (1 - recipe.centre))
        return np.asarray(1 / (1 + np.exp(-(centre + recipe.spread * score))))
    if recipe.link == "log":
        drawn = recipe.centre * np.exp(recipe.spread * score)
        return np.asarray(np.rint(drawn) if recipe.whole else drawn)
    return recipe.centre + recipe.spread * score


def cell_fractions(tumours: Tumours, cells: list[str], seed: int) -> dict[str, Floats]:
    """Fractions of leukocytes by cell (feature id), which sum to 1, and the lymphocytes' sum."""
    rng = stream(seed, "cell fractions")
    odds = np.empty((len(cells), len(tumours.rows)))
    lymphocyte = np.zeros(len(cells), dtype=bool)
    for i, feature in enumerate(cells):
        cell = feature.removeprefix("cibersort_")
        lymphocyte[i] = cell.startswith(LYMPHOCYTES)
        noise = 0.9 * rng.standard_normal(len(tumours.rows))
        odds[i] = CELL_SHARES.get(cell, -0.6) + INFLAMED_CELLS.get(cell, 0) * tumours.inflamed
        odds[i] += noise
    share = np.exp(odds)
    share /= share.sum(axis=0)
    share[:, rng.random(len(tumours.rows)) > DEFAULTS[""].covered] = np.nan
    drawn = dict(zip(cells, share, strict=True))
    return {**drawn, "lymphocyte_fraction": share[lymphocyte].sum(axis=0)}


def labels(tumours: Tumours, feature: str, seed: int) -> np.ndarray:
    """A category of every TCGA patient; None for those without one."""
    rng = stream(seed, "feature", feature)
    n = len(tumours.rows)
    if feature == "immune_subtype":
        drawn = np.array(SUBTYPES, dtype=object)[_subtype(tumours, rng)]
    elif feature == "til_pattern":
        drawn = pick(TIL_PATTERNS, choices(rng, [0.3, 0.15, 0.3, 0.25], n))
    else:
        number = pick(["1", "2", "3", "4"], choices(rng, [0.4, 0.3, 0.2, 0.1], n))
        drawn = tumours.code + "." + number
    return unless(rng.random(n) > plan.SUBTYPE_COVERED, drawn)


def _subtype(tumours: Tumours, rng: np.random.Generator) -> Ints:
    """Immune subtype by the two drivers: C2 inflamed and mutated, C4 and C5 quiet."""
    b, i = tumours.burden, tumours.inflamed
    pull = np.stack(
        [0.5 + 0.6 * b, 0.4 + 0.9 * i + 0.6 * b, 0.5 + 0.5 * i - 0.5 * b, -0.6 * i,
         -1.6 - 1.6 * i - 0.6 * b, np.full(len(b), -1.8)],
        axis=1,
    )  # fmt: skip
    return np.asarray(np.argmax(pull + 0.7 * rng.gumbel(size=pull.shape), axis=1))


def feature_table(known: pd.DataFrame, sets: Mapping[str, str]) -> pd.DataFrame:
    """The feature table: the features of data.facts, and the scores of gene sets.

    ``sets``: feature id -> gene set's name as shown.
    """
    extra = pd.DataFrame({"feature": list(sets), "name": list(sets.values())}).assign(
        category="ssgsea",
        unit="enrichment score",
        kind="number",
        centred=True,
        description="Mean standardised expression of the set, in ssGSEA's place.",
    )
    table = pd.concat([known, extra[~extra["feature"].isin(known["feature"])]], ignore_index=True)
    return table.assign(source="simulated")[list(known.columns)]


def value_table(
    people: pd.DataFrame, table: pd.DataFrame, measured: Mapping[str, Floats], seed: int
) -> pa.Table:
    """The feature_value table. ``measured``: features made of the expression matrix."""
    tumours = Tumours.of(people)
    cells = table.loc[table["feature"].str.startswith("cibersort_"), "feature"].tolist()
    known = {**measured, **cell_fractions(tumours, cells, seed)}
    parts = []
    for feature, kind, unit in zip(table["feature"], table["kind"], table["unit"], strict=True):
        if kind == "category":
            parts.append(_part(feature, tumours.rows, label=labels(tumours, feature, seed)))
            continue
        if feature not in known:
            recipe = RECIPES.get(feature) or DEFAULTS.get(unit, DEFAULTS[""])
            if feature == "mutation_rate":
                known[feature] = known["nonsilent_rate"] + known["silent_rate"]
            else:
                known[feature] = numbers(tumours, feature, recipe, seed)
        parts.append(_part(feature, tumours.rows, value=known[feature]))
    return pa.concat_tables(parts)


def _part(
    feature: str, rows: Ints, value: Floats | None = None, label: np.ndarray | None = None
) -> pa.Table:
    """Rows of one feature for the patients that have it."""
    seen = np.asarray(pd.notna(label)) if value is None else ~np.isnan(value)
    n = int(seen.sum())
    return pa.table(
        {
            "feature": pa.repeat(pa.scalar(feature), n),
            "patient_key": pa.array(rows[seen], pa.int32()),
            "value": pa.nulls(n, pa.float64()) if value is None else np.round(value[seen], 5),
            "label": pa.nulls(n, pa.string()) if label is None else pa.array(label[seen]),
        }
    )
