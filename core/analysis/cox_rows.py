"""From a fitted Cox model to the rows of a forest: one per level, straight line or spline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from core.analysis.covariates import ModelTerm
from core.stats.cox import ChiSquare, CoxFit
from core.stats.cox_newton import solve
from core.stats.cox_terms import Categorical, Spline, TermsFit
from core.stats.profile import ratio_limits

ROW_COLUMNS = (
    "variable", "group", "label", "n", "events", "hazard_ratio", "ci_lower", "ci_upper",
    "p_value", "note", "emphasised", "of",
    "curvature_p",
)  # fmt: skip

REFERENCE = "reference"


@dataclass(frozen=True)
class FewPatients:
    """Levels below either number get no p-value."""

    patients: int
    events: int

    def note(self, n: int, events: int) -> str:
        small = n < self.patients or events < self.events
        return f"below {self.patients} patients or {self.events} events: no p-value" * small


@dataclass(frozen=True)
class FittedModel:
    """A model with the columns of the patients it was fitted to, and who was left out of it.

    ``without_event``: (covariate, level) -> patients of levels in which nobody had an event, who
    are not among ``data``. ``firth``: an arm was small, so Firth's penalty was used.
    """

    made: TermsFit
    data: dict[str, Any]
    firth: bool
    without_event: dict[tuple[str, str], int]


def forest_rows(
    model: FittedModel, terms: Sequence[ModelTerm], title: str, few: FewPatients
) -> list[dict[str, Any]]:
    """A row of ROW_COLUMNS per estimate and reference level, in the order of ``terms``.

    n and events are those of the level (of a continuous variable, of all); ``of`` is the number
    of patients of the model; ``curvature_p`` is that of a spline against a straight line.

    ``title`` names the term to emphasise. A category of two levels is one row; more levels stand
    as a group with their reference. A spline is one row: the hazard ratio of its upper against
    its lower quartile, with the p-value of the whole term and a note on its curvature.
    """
    made, firth = model.made, model.firth
    table = made.rows()
    resolved = {t.name: t for t in made.design.terms}
    model_size = made.fit.n + sum(model.without_event.values())
    rows: list[dict[str, Any]] = []
    for term in terms:
        own = [r for r in table if r["variable"] == term.term.name]
        shape = resolved[term.term.name]
        if firth and term.term.name == title:
            own = [{**r, **_profiled(made.fit, r)} for r in own]
        if isinstance(shape, Categorical):
            gone = {k[1]: n for k, n in model.without_event.items() if k[0] == term.covariate.label}
            found = _levels(shape, own, term, made, gone)
        elif isinstance(shape, Spline):
            found = [_quartiles(shape, made, term)]
        else:
            found = [{**_estimate(r), "label": term.title} for r in own]
        name = term.covariate.label
        rows += [
            _finished({**BLANK, **r, "variable": name, "of": model_size}, title, few, firth)
            for r in found
        ]
    return rows


BLANK = dict.fromkeys(("hazard_ratio", "ci_lower", "ci_upper", "p_value"), float("nan"))


def _finished(row: dict[str, Any], title: str, few: FewPatients, firth: bool) -> dict[str, Any]:
    """No p-value of a small level, nor of the gene where its other arm is small (hence Firth);
    no number where the estimate is infinite; and a note on why."""
    note, ratio = row.get("note", ""), row["hazard_ratio"]
    if np.isinf(ratio) or ratio == 0:
        row.update(BLANK)
        note = "no event" if row["events"] == 0 else "no finite estimate"
    elif np.isnan(ratio):
        note = note or ("no event" if row.get("events") == 0 else "not estimable")
    else:
        small = few.note(int(row["n"]), int(row["events"]))
        if firth and row["variable"] == title:
            small = few.note(0, 0)
        if small:
            row["p_value"] = float("nan")
        note = "; ".join(n for n in ("Firth's penalty" * firth, small, note) if n)
    gene = row["variable"] == title and not np.isnan(row["hazard_ratio"])
    return {**row, "group": row.get("group", ""), "note": note, "emphasised": gene}


def forest_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The rows of :func:`forest_rows` as a frame of ROW_COLUMNS."""
    return pd.DataFrame(rows, columns=list(ROW_COLUMNS))


def _estimate(row: dict[str, Any]) -> dict[str, Any]:
    keep = ("n", "events", "hazard_ratio", "ci_lower", "ci_upper", "p_value")
    return {c: row[c] for c in keep}


def _profiled(fit: CoxFit, row: dict[str, Any]) -> dict[str, Any]:
    """Profile-likelihood limits of one row of a fit with Firth's penalty."""
    lower, upper = ratio_limits(fit, str(row["term"]))
    return {"ci_lower": lower, "ci_upper": upper}


def _levels(
    shape: Categorical,
    own: list[dict[str, Any]],
    term: ModelTerm,
    made: TermsFit,
    gone: dict[str, int],
) -> list[dict[str, Any]]:
    reference, name = str(shape.reference), term.covariate.label
    if len(own) == 1 and not gone:
        level = own[0]["level"]
        gene = level in ("mutant", "wild type")
        label = f"{name} {level}" if gene else f"{name}: {level}"
        return [{**_estimate(own[0]), "label": f"{label}, against {reference}"}]
    total, events = _sizes(made)
    rest = (total - sum(r["n"] for r in own), events - sum(r["events"] for r in own))
    first = {"label": reference, "group": name, "n": rest[0], "events": rest[1], "note": REFERENCE}
    levels = [{**_estimate(r), "label": r["level"], "group": name} for r in own]
    levels += [{"label": k, "group": name, "n": n, "events": 0} for k, n in gone.items()]
    return [first, *levels] if levels else []


def _sizes(made: TermsFit) -> tuple[int, int]:
    return made.fit.n, made.fit.events


def _quartiles(shape: Spline, made: TermsFit, term: ModelTerm) -> dict[str, Any]:
    """The hazard ratio between the quartiles of a spline, and tests of the term."""
    fit = made.fit
    at = [j for j, g in enumerate(fit.groups) if g == shape.name]
    values = made.design.matrix[:, at[0]]
    low, high = np.quantile(values, (0.25, 0.75))
    basis = np.column_stack(
        [c[2] for c in shape.columns(pd.DataFrame({shape.column: [low, high]}))]
    )
    difference = basis[1] - basis[0]
    log = float(difference @ fit.coefficients[at])
    error = float(np.sqrt(difference @ fit.covariance[np.ix_(at, at)] @ difference))
    reach = float(ndtri(0.5 + fit.level / 2)) * error
    whole, curved = (_wald(fit, columns) for columns in (at, at[1:]))
    back = [2**v - 1 for v in (low, high)] if term.covariate.variable == "tmb" else [low, high]
    return {
        "label": f"{term.covariate.label}, {back[1]:.3g} against {back[0]:.3g} (quartiles, spline)",
        "n": fit.n,
        "events": fit.events,
        "hazard_ratio": np.exp(log),
        "ci_lower": np.exp(log - reach),
        "ci_upper": np.exp(log + reach),
        "p_value": whole.p_value,
        "curvature_p": curved.p_value,
        "note": f"p of the whole spline; p of its curvature {curved.p_value:.2g}",
    }


def _wald(fit: CoxFit, at: list[int]) -> ChiSquare:
    beta = fit.coefficients[at]
    if not np.isfinite(beta).all():
        return ChiSquare(float("nan"), len(at), float("nan"))
    return ChiSquare.of(float(beta @ solve(fit.covariance[np.ix_(at, at)], beta)), len(at))
