"""The Cox page's model beside R's: complete cases, strata, splines, inflation, C, added value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

import core.analysis.covariates as covariates
from core.analysis.covariates import Covariate
from core.analysis.cox_model import CoxModel, fit_cox_model
from tests.golden import Comparison

HERE = Path(__file__).parent
TOPIC = "cox_model"


def rows() -> pd.DataFrame:
    """R's pbc as the page has patients: sex is the group asked about, treatment the study."""
    data = pd.read_csv(HERE / "pbc.csv")
    return pd.DataFrame(
        {
            "group": data.sex,
            "time_months": data.months,
            "event": data.died.astype(float),
            "cohort_id": data.trt,
            "age_years": data.age,
            "tmb_per_mb": data.bili,
            "edema": data.edema,
            "stage": data.stage,
        }
    )


def model(*chosen: Covariate) -> CoxModel:
    """The page's model; bilirubin stands in for TMB, since both are coded as log2(x + 1)."""
    data = rows()
    source = {"age_years": "age_years", "tmb": "tmb_per_mb", "clinical:edema": "edema"}
    columns = pd.DataFrame(
        {c.label: data[source.get(c.variable, c.variable.split(":")[-1])] for c in chosen}
    )
    return fit_cox_model(data, columns, chosen, ("f", "m"), title="Male", strata=("cohort_id",))


def compare() -> list[Comparison]:
    table = pd.read_csv(HERE / "results.csv")
    name = table["quantity"].str.replace(r"\[\d+\]$", "", regex=True)
    expected = {str(k): v.to_numpy(float) for k, v in table["value"].groupby(name)}
    full = model(
        Covariate("age_years"),
        Covariate("tmb", "log2"),
        Covariate("clinical:edema", reference="none"),
        Covariate("clinical:stage"),
    )
    ours = {**_full(full), **_alone(full), **_spline()}
    missing = sorted(set(expected) - set(ours))
    if missing:
        raise AssertionError(f"R gave what is compared with nothing: {missing}")
    return [Comparison(TOPIC, q, ours[q], expected[q], 1e-7) for q in expected]


def _full(full: CoxModel) -> dict[str, np.ndarray]:
    table = full.multivariable[full.multivariable.hazard_ratio.notna()].copy()
    # The page takes stage per standard deviation, R per 1.
    out: dict[str, np.ndarray] = {}
    per = np.array([1.0] * 5 + [_stage_sd()])
    for column in ("hazard_ratio", "ci_lower", "ci_upper"):
        out[f"model.{column}"] = table[column].to_numpy(float) ** (1 / per)
    out["model.p_value"] = table.p_value.to_numpy(float)
    out["model.n"], out["model.events"] = np.array([full.n]), np.array([full.events])
    gvif = full.terms.gvif.to_numpy(float)
    out["gvif"], out["vif"] = gvif, gvif[[0, 1, 2, 4]]
    assert full.proportional is not None
    out["zph"] = full.proportional.p_value
    out["term_p"] = full.terms.p_value.to_numpy(float)
    out["c_index"] = np.array([full.c_index.c])
    out["c_index_se"] = np.array([full.c_index.std_error])
    out["added.chisq"] = np.array([full.added_value.statistic])
    out["added.p"] = np.array([full.added_value.p_value])
    return out


def _stage_sd() -> float:
    data = rows()
    return float(data.stage[data.stage.notna()].std())


def _alone(full: CoxModel) -> dict[str, np.ndarray]:
    table = full.univariable.set_index("variable")
    columns = ["hazard_ratio", "ci_lower", "ci_upper"]
    out = {
        f"alone.{name}": table.loc[label, columns].to_numpy(float)
        for name, label in (("sex", "Male"), ("age", "Age"), ("stage", "Stage"))
    }
    out["alone.stage"] = out["alone.stage"] ** (1 / _stage_sd())
    return out


def _spline() -> dict[str, np.ndarray]:
    """On the complete patients of the full model, as in the script."""
    data = rows().dropna()
    chosen = (Covariate("age_years", "spline"),)
    columns = pd.DataFrame({"Age": data.age_years})
    fit = fit_cox_model(data, columns, chosen, ("f", "m"), title="Male", strata=("cohort_id",))
    row = fit.multivariable.set_index("variable").loc["Age"]
    ratio = row[["hazard_ratio", "ci_lower", "ci_upper"]].to_numpy(float)
    return {
        "spline_log": np.log(ratio),
        "spline.p": row[["p_value", "curvature_p"]].to_numpy(float),
    }


assert covariates.SPLINE_KNOTS == 4, "make.R has four knots"
