"""The exported programs, run: R and Python give the predictions of the model they came from."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.analysis.covariates import Covariate
from core.analysis.nomogram import Choice, NomogramBuild, build_nomogram
from core.analysis.nomogram_file import from_json, scales_table, to_json
from core.model import BadFile
from core.report.nomogram_code import python_code, r_code

PREDICTORS = ("age_years", "tmb", "tumor_type", "sex")


def built(choice: Choice | None = None, n: int = 500, seed: int = 4) -> NomogramBuild:
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "cohort_id": draw.choice(["a", "b"], n),
            "age_years": draw.normal(62, 10, n).round(),
            "tmb_z": draw.normal(0, 1, n),
            "tumor_type": draw.choice(["Melanoma", "Lung", "Anal", "Sarcoma"], n,
                                      p=[0.5, 0.472, 0.014, 0.014]),
            "sex": draw.choice(["female", "male"], n),
        }
    )  # fmt: skip
    risk = 0.5 * (frame.tumor_type == "Lung") - 0.3 * frame.tmb_z + 0.02 * (frame.age_years - 62)
    death, censor = draw.exponential(20 / np.exp(risk)), draw.uniform(6, 60, n)
    frame["time_months"] = np.minimum(death, censor).round(1)
    frame["event"] = (death <= censor).astype(float)
    columns = frame[["age_years", "tmb_z", "tumor_type", "sex"]].set_axis(
        ["Age", "TMB", "Cancer type", "Sex"], axis=1
    )
    covariates = [Covariate(v) for v in PREDICTORS]
    return build_nomogram(
        frame, columns, covariates, choice or Choice(splines=("age_years",)), title="ALK",
        origin=("build1", "0.1.0", False), classes=("Missense_Mutation",),
    )  # fmt: skip


@pytest.fixture(scope="module")
def build() -> NomogramBuild:
    return built()


@pytest.fixture(scope="module")
def patients(build: NomogramBuild) -> pd.DataFrame:
    table = build.rows[["Age", "TMB", "Cancer type", "Sex"]].head(20).reset_index(drop=True)
    table.loc[0, "Age"] = np.nan
    table.loc[1, "Cancer type"] = "Glioma"
    table.loc[2, "Sex"] = None
    return table


def run(command: list[str], program: str, suffix: str, table: pd.DataFrame, at: Path):
    script, data = at / f"nomogram{suffix}", at / "table.csv"
    script.write_text(program, encoding="utf-8")
    table.to_csv(data, index=False)
    done = subprocess.run([*command, str(script), str(data)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return pd.read_csv(io.StringIO(done.stdout))


def same(found: pd.DataFrame, build: NomogramBuild, patients: pd.DataFrame) -> None:
    expected = build.model.predict(patients)[found.columns]
    assert expected.iloc[:3].isna().all(axis=None) and expected.iloc[3:].notna().all(axis=None)
    np.testing.assert_allclose(found.to_numpy(), expected.to_numpy(), rtol=1e-10)


def test_python_program_predicts_as_the_model(build, patients, tmp_path) -> None:
    program = python_code(build.model)
    assert "build1" in program
    same(run([sys.executable, "-I"], program, ".py", patients, tmp_path), build, patients)


def test_r_program_predicts_as_the_model(build, patients, tmp_path) -> None:
    if not shutil.which("Rscript"):
        pytest.skip("Rscript is not installed")
    program = r_code(build.model)
    same(run(["Rscript", "--vanilla"], program, ".R", patients, tmp_path), build, patients)


@pytest.mark.parametrize("stratified", [False, True])
def test_kept_model_is_the_model(patients: pd.DataFrame, stratified: bool) -> None:
    model = built(Choice(splines=("tmb",), stratified=stratified)).model
    text = to_json(model)
    loaded = from_json(text)
    pd.testing.assert_frame_equal(loaded.predict(patients), model.predict(patients))
    assert to_json(loaded) == text
    assert (loaded.build_id, loaded.code_version, loaded.n) == ("build1", "0.1.0", model.n)
    pd.testing.assert_frame_equal(scales_table(loaded), scales_table(model))


@pytest.mark.parametrize("damage", ["not json", "[]", "other", "old", "short", "gone", "nan"])
def test_other_files_are_refused_with_words(build: NomogramBuild, damage: str) -> None:
    content = json.loads(to_json(build.model))
    if damage == "other":
        content["format"] = "something"
    elif damage == "old":
        content["version"] = 0
    elif damage == "short":
        content["predictors"][0]["coefficients"] = [1.0]
    elif damage == "gone":
        del content["center"]
    elif damage == "nan":
        content["center"][0] = "many"
    text = damage if damage in ("not json", "[]") else json.dumps(content)
    with pytest.raises(BadFile) as caught:
        from_json(text, "model.json")
    assert "model.json is not a nomogram" in caught.value.message and caught.value.remedy
